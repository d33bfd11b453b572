"""growing: a VM whose disks grow, a file of somebody else's, and what both are to be afterwards (root).

A GrowingTest has a private libvirtd, a lodged on it (as its UID, root by default) that may be started
again with a fail point, and the starts of disks that a guest could write to reach the other's file.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import unittest

from rpc import Mirror, RpcError
from three_worlds import ThreeWorlds, digest
from world import World

GIB = 1 << 30
STAND_IN = "10d9e7e5-0001-"  # how the uuid of one begins


def qemu_img(*words):
    subprocess.run(["qemu-img", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


class GrowingTest(unittest.TestCase):
    UID = None

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.disks = cls.world.folder / "disks"
        cls.victim = cls.world.folder / "victim"
        cls.daemon = cls.world.daemon(
            None, uid=cls.UID, start=False, wrap=cls.world.without_kvm() if cls.UID is None else [],
            config={"host q": {"uri": cls.libvirtd.qemu_uri, "dir": cls.disks}})
        cls.worlds = ThreeWorlds(cls.daemon, cls.libvirtd, cls.disks)

    def setUp(self):
        self.victim.write_bytes(b"precious" * 4096)
        self.victim.chmod(0o600)
        self.was = digest(self.victim)
        running = self.daemon.process is not None and self.daemon.process.running()
        self.rpc = self.daemon.rpc() if running else self.start()

    def start(self, point=None):
        self.daemon.env = {"LODGED_FAILPOINT": point} if point else {}
        self.daemon.start()
        self.daemon.synced(60).rpc.close()
        return self.daemon.rpc()

    def restart(self, point=None):
        self.assertEqual(self.daemon.stop(), 0)
        self.rpc = self.start(point)

    def tearDown(self):
        if not self.daemon.process.running():
            self.rpc = self.start()
        elif self.daemon.env:
            self.restart()
        for vm in self.rpc.call("vm.list", fields=["managed"])["vms"]:
            if vm["managed"]:
                self.rpc.call("vm.delete", vm=vm["uuid"], wait=True, deadline=60)
        self.rpc.close()
        for left in self.disks.glob("*"):
            left.unlink()
        if self.pool():
            self.libvirtd.virsh("pool-refresh", self.pool())
        self.assertEqual(self.libvirtd.virsh("list", "--all", "--uuid").stdout.split(), [])

    # what is asked and what is there

    def create(self, name, *formats, start=False):
        disks = [{"size_gib": 1, "format": kind} for kind in formats]
        self.rpc.call("vm.create", name=name, vcpus=1, memory_mib=64, disks=disks, network=None,
                      start=start, wait=True, deadline=60)
        return self.paths(name)[0]

    def paths(self, name):
        return [pathlib.Path(path) for (path,) in self.worlds.rows(
            f"SELECT path FROM disk JOIN vm ON vm.id = disk.vm WHERE vm.name = '{name}' "
            "ORDER BY target")]

    def grow(self, name, gib, target="vda", **more):
        return self.rpc.call("vm.update", vm=name, disks=[{"target": target, "size_gib": gib}],
                             wait=True, deadline=60, **more)

    def refused(self, kind, name, gib, *words, **more):
        with self.assertRaises(RpcError) as caught:
            self.grow(name, gib, **more)
        self.assertEqual(caught.exception.kind, kind, caught.exception)
        for word in words:
            self.assertIn(str(word), str(caught.exception))

    @staticmethod
    def gib_of(path, kind):
        shown = subprocess.run(["qemu-img", "info", "-U", "-f", kind, "--output=json", path],
                               check=True, capture_output=True, text=True).stdout
        return json.loads(shown)["virtual-size"] / GIB

    def guest_gib(self, name, target="vda"):
        """What its QEMU says."""
        shown = self.libvirtd.virsh("domblkinfo", name, target).stdout
        return int(shown.split("Capacity:")[1].split()[0]) / GIB

    def charged(self, name):
        vm = self.rpc.call("vm.get", vm=name)
        rows = self.worlds.charged()["disk_gib"]
        promised = self.rpc.call("quota.get")["system"]["promised"]["disk_gib"]
        self.assertEqual((vm["disk_gib"], promised), (rows, rows), "shown, promised and recorded")
        return rows

    def pool(self):
        names = self.libvirtd.virsh("pool-list", "--name", "--all").stdout.split()
        return next((name for name in names if f"<path>{self.disks}</path>"
                     in self.libvirtd.virsh("pool-dumpxml", name).stdout), None)

    def refresh(self):
        self.libvirtd.virsh("pool-refresh", self.pool())

    def libvirts_belief(self, path):
        return self.libvirtd.virsh("vol-dumpxml", path.name, "--pool", self.pool()).stdout

    def redefine(self, name, *edits):
        path = self.world.folder / "edited.xml"
        xml = self.libvirtd.virsh("dumpxml", "--inactive", name).stdout
        for old, new in edits:
            self.assertIn(old, xml)
            xml = xml.replace(old, new)
        path.write_text(xml)
        self.libvirtd.virsh("define", path)

    def nothing_was_touched(self):
        self.assertEqual(digest(self.victim), self.was, "somebody else's file was written")

    def stand_ins(self):
        return [uuid for uuid in self.libvirtd.virsh("list", "--all", "--uuid").stdout.split()
                if uuid.startswith(STAND_IN)]

    def ended(self, kind="vm.update"):
        """How the newest operation of that kind ended, once lodged has taken it up again."""
        op = next(op for op in self.rpc.call("op.list")["ops"] if op["kind"] == kind)
        return self.rpc.call("op.get", op=op["id"], wait=True, deadline=90)

    def asked_at(self, step, name, gib):
        """The number of a growth that has just come to that step, and stays there for seconds."""
        self.restart(f"update.{step}:delay=5000")
        asked = self.rpc.ask("vm.update", vm=name, wait=True,
                             disks=[{"target": "vda", "size_gib": gib}])
        self.wait_for(step, "running")
        return asked

    def wait_for(self, step, state):
        """Until an operation is at that step, in that state."""
        with self.daemon.rpc() as feed:
            mirror = Mirror(feed, topics=["op"])
            mirror.KEYS = {"op": ("id",)}
            mirror.wait(lambda m: any((op.get("step"), op["state"]) == (step, state)
                                      for op in m.objects.values()), 60)

    # what a guest writes

    @contextlib.contextmanager
    def images(self):
        """Starts of disks that a guest can write; what can name a file names the victim."""
        # Two names of one length: in what is made for one, the other takes its place.
        made, stand = self.world.folder / "made", self.victim.with_name("nobody")
        found = {}
        for what, words in {
                "external data file": ("-f", "qcow2", "-o", f"data_file={stand},data_file_raw=on"),
                "backing file": ("-f", "qcow2", "-b", stand, "-F", "raw"),
                "VMDK": ("-f", "vmdk"),
                "VDI": ("-f", "vdi"),
                "QED": ("-f", "qed", "-b", stand, "-F", "raw"),
                "VHDX": ("-f", "vhdx")}.items():
            stand.write_bytes(b"\0" * (8 << 20))
            qemu_img("create", "-q", *words, made, "8M")
            found[what] = made.read_bytes().replace(os.fsencode(stand), os.fsencode(self.victim))
            made.unlink()
        found["VMDK descriptor"] = (
            b"# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n"
            b"createType=\"monolithicFlat\"\nRW 64 FLAT \"" + str(self.victim).encode() + b"\" 0\n")
        found["LUKS"] = b"LUKS\xba\xbe\0\1" + b"\0" * 4096
        stand.unlink(missing_ok=True)
        yield found

    def write(self, path, start):
        with open(path, "r+b") as disk:
            disk.write(start)

    def held_against_all_images(self, running):
        path = self.create("web", "raw", start=running)
        with self.images() as images:
            for size, (what, start) in enumerate(images.items(), start=2):
                with self.subTest(what=what, running=running):
                    self.write(path, start)
                    self.refresh()
                    if what in ("external data file", "backing file"):
                        self.assertIn("<format type='qcow2'", self.libvirts_belief(path))
                    self.grow("web", size)
                    self.assertEqual(path.stat().st_size, size * GIB)
                    if running:
                        self.assertEqual(self.guest_gib("web"), size)
                    with open(path, "rb") as disk:
                        self.assertEqual(disk.read(len(start)), start, "the guest's bytes")
                    self.nothing_was_touched()
                    self.assertEqual(self.charged("web"), size)
