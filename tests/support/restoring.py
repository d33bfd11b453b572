"""restoring: a lodged with fail points whose database is put back from copies of other moments, of all
kinds, and what must then be true of a guest and its disk.

    class Mine(RestoringTest):
        def test_…(self):
            copies = self.made_meanwhile("define")
            path, run = self.guest("fresh")
            self.each_way(copies, lambda how: self.live_on("fresh", path, run))
"""

import pathlib
import shutil
import subprocess
import unittest
from xml.etree import ElementTree

import libvirtd as libvirtds
from drawn import drawn
from failpoints import why_not
from three_worlds import ThreeWorlds
from world import LODGED, Mirror, World

SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1, "format": "raw"}], "network": None}
PRECIOUS, PLACE = b"what somebody has worked on" * 64, 1 << 20
PAUSE_MS = 3000


@unittest.skipIf(why_not(), why_not())
class RestoringTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.libvirtd = self.world.libvirtd()
        self.disks = self.world.folder / "disks"
        self.disks.mkdir()
        self.daemon = self.world.daemon(None, start=False, wrap=self.world.without_kvm(),
                                        config={"host q": {"uri": self.libvirtd.qemu_uri, "dir": self.disks}})
        self.state = pathlib.Path(self.daemon.state_dir)
        self.worlds = ThreeWorlds(self.daemon, self.libvirtd, self.disks)
        self.domains = 0

    # lodged

    def start(self, point=None):
        self.daemon.env = {"LODGED_FAILPOINT": point} if point else {}
        self.daemon.start()
        self.daemon.synced(60).rpc.close()
        return self.daemon.rpc()

    def stop(self):
        self.assertEqual(self.daemon.stop(), 0)

    def settle(self, rpc):
        """Until nothing is under way."""
        mirror = Mirror(rpc, topics=["op"])
        mirror.KEYS = {"op": ("id",)}
        mirror.wait_ready(60)
        mirror.wait(lambda m: all(value["state"] in ("done", "failed", "cancelled")
                                  for value in m.objects.values()), 60)

    def step_is(self, kind, step):
        """Waits until the journal stands at that step."""
        self.worlds.wait_rows("SELECT 1 FROM op WHERE ended_ms IS NULL"
                              f" AND kind = 'vm.{kind}' AND step = '{step}'")

    # copies, all of one moment

    def copy_all(self, rpc):
        backup = pathlib.Path(rpc.call("server.backup")["path"])
        copies = self.world.folder / "copies"
        shutil.rmtree(copies, ignore_errors=True)
        shutil.copytree(self.state, copies)  # the count beside the database too
        return {"backup": copies / backup.name, "file": copies / "lodge.db", "folder": copies}

    def forget_logs(self):
        for name in ("lodge.db-wal", "lodge.db-shm"):
            (self.state / name).unlink(missing_ok=True)

    def put_back(self, how, copies):
        if how == "--restore":
            done = subprocess.run([LODGED, "--config", self.daemon.config, "--state-dir", self.state,
                                   "--restore", copies["backup"]], text=True, timeout=60,
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            return
        if how == "the whole folder":
            shutil.rmtree(self.state)
            shutil.copytree(copies["folder"], self.state)
            return
        self.forget_logs()
        if how == "backup by cp":
            shutil.copy(copies["backup"], self.state / "lodge.db")
        else:  # a bare copy, with its log
            shutil.copy(copies["file"], self.state / "lodge.db")
            shutil.copy(f"{copies['file']}-wal", self.state / "lodge.db-wal")

    # Of what is not a creation, nothing tells that a snapshot of all is older: KNOWN is told.
    KNOWN = ("--restore", "backup by cp", "file by cp")
    HOW = (*KNOWN, "the whole folder")

    def each_way(self, copies, check, ways=HOW):
        """The state directory is as it is now before each, and at the end. One way is drawn."""
        truth = self.world.folder / "truth"
        shutil.rmtree(truth, ignore_errors=True)
        shutil.copytree(self.state, truth)
        for how in drawn(ways, f"ways to put a copy back: {self._testMethodName}", 1):
            with self.subTest(how=how):
                self.put_back(how, copies)
                check(how)
            if self.daemon.process.running():
                self.daemon.process.kill()  # the check has failed
            shutil.rmtree(self.state)
            shutil.copytree(truth, self.state)

    # the world

    def guest(self, name):
        """Its volume, precious from now on, and what tells one run of it from another."""
        xml = self.libvirtd.virsh("dumpxml", name).stdout
        path = pathlib.Path(xml.split("<source file='")[1].split("'")[0])
        with open(path, "r+b") as file:
            file.seek(PLACE)
            file.write(PRECIOUS)
        return path, self.libvirtd.virsh("domid", name, check=False).stdout.strip()

    def expect_whole(self, name, path, run=None):
        self.assertTrue(path.exists(), "the disk is gone")
        with open(path, "rb") as file:
            file.seek(PLACE)
            self.assertEqual(file.read(len(PRECIOUS)), PRECIOUS)
        state = self.libvirtd.virsh("domstate", name, check=False).stdout.strip()
        self.assertEqual(state, "shut off" if run is None else "running")
        if run is not None:
            self.assertEqual(self.libvirtd.virsh("domid", name).stdout.strip(), run)

    def provoke_guards(self, rpc):
        """A domain that turns up makes them look; so does a host that comes back."""
        self.domains += 1
        name = f"new{self.domains}"
        self.libvirtd.define(name)
        mirror = Mirror(rpc, topics=["vm", "host"]).wait_ready(60)
        mirror.wait(lambda m: name in m.vms, 30)
        self.libvirtd.restart()
        mirror.wait(lambda m: m.hosts["q"]["state"] != "up", 30)
        mirror.wait(lambda m: m.hosts["q"]["state"] == "up", 30)
        self.daemon.synced(60).rpc.close()
        self.settle(rpc)
        self.libvirtd.virsh("undefine", name)

    def live_on(self, name, path, run=None, restarts=2):
        """Started again and again, nothing happens to it."""
        said = False
        for restart in range(restarts):
            with self.start() as rpc:
                self.settle(rpc)
                said |= "put back" in (rpc.call("server.health").get("store_note") or "")
                self.expect_whole(name, path, run)
                if restart == restarts - 1:
                    self.provoke_guards(rpc)
                    self.expect_whole(name, path, run)
                self.assertEqual(self.worlds.unfinished(), [])
            self.stop()
        return said

    def clear(self):
        with self.start() as rpc:
            for vm in rpc.call("vm.list", fields=["managed"])["vms"]:
                if vm["managed"]:
                    rpc.call("vm.delete", vm=vm["uuid"], wait=True, deadline=60)
        self.stop()
        self.assertEqual(self.worlds.compare(), [])

    # creations

    def made_meanwhile(self, step):
        """A guest that runs, and the copies of when its creation was at that step."""
        with self.start(f"create.{step}:delay={PAUSE_MS}") as rpc, self.daemon.rpc() as other:
            asked = rpc.ask("vm.create", name="fresh", start=True, wait=True, **SMALL)
            self.step_is("create", step)
            copies = self.copy_all(other)
            rpc.answer(asked, 60)
        self.stop()
        return copies

    def check_creation(self, step):
        copies = self.made_meanwhile(step)
        path, run = self.guest("fresh")
        for definition in ((), ("--inactive",)):
            self.assertEqual(self.mark("fresh", *definition).get("committed"), "1")

        def check(how):
            said = self.live_on("fresh", path, run)
            with self.start() as rpc:
                self.assertEqual([vm["name"] for vm in rpc.call("vm.list", fields=["managed"])["vms"]
                                  if vm["managed"]], ["fresh"])
                self.assertEqual(self.worlds.compare(), [])
            self.stop()
            if how != "the whole folder" or step not in ("mark", "resume"):
                self.assertTrue(said, "nobody was told")  # else nothing of it was missing

        self.each_way(copies, check)
        self.clear()

    def late_domain(self, uuid, path):
        """The XML of what the last operation would have defined, and its volume is there."""
        (number,), = self.worlds.rows("SELECT max(id) FROM op")
        (installation,), = self.worlds.rows("SELECT installation FROM meta")
        mark = (f"<metadata><lodge:vm xmlns:lodge='urn:lodge:vm:1'><lodge:made installation="
                f"'{installation}' op='{number}'/></lodge:vm></metadata>")
        disk = (f"<disk type='file'><driver name='qemu' type='raw'/><source file='{path}'/>"
                "<target dev='vda' bus='virtio'/></disk>")
        xml = libvirtds.GUEST.format(name="fresh", uuid=uuid)
        late = self.world.folder / "late.xml"
        late.write_text(xml.replace("<memory", f"{mark}<memory", 1)
                        .replace("<devices>", f"<devices>{disk}"))
        path.write_bytes(b"\0" * (4 << 20))
        return late

    def mark(self, name, *how):
        """What the domain says of itself."""
        tree = ElementTree.fromstring(self.libvirtd.virsh("dumpxml", name, *how).stdout)
        return tree.find(".//{urn:lodge:vm:1}made").attrib

    # other operations

    def running(self, name="victim"):
        with self.start() as rpc:
            rpc.call("vm.create", name=name, start=True, wait=True, deadline=60, **SMALL)
        self.stop()
        return self.guest(name)
