"""A copy of the database that is put back, of whatever kind and from whatever moment, costs nobody a
guest or a disk: what was under way in it is left as it is found (root, a lodged with fail points,
private libvirtd with QEMU)."""

import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from three_worlds import ThreeWorlds  # noqa: E402
from world import LODGED, Mirror, RpcError, Timeout, World  # noqa: E402

SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1, "format": "raw"}], "network": None}
PRECIOUS, PLACE = b"what somebody has worked on" * 64, 1 << 20
PAUSE_MS = 3000


def points():
    listed = subprocess.run([LODGED], env={**os.environ, "LODGED_FAILPOINT": "list"}, text=True,
                            capture_output=True, timeout=30, check=False)
    return listed.stdout.split() if listed.returncode == 0 else []


def why_not():
    return libvirtds.why_not() or (None if points() else "needs a lodged with fail points")


@unittest.skipIf(why_not(), why_not())
class Restoring(unittest.TestCase):
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
        until = time.monotonic() + 30
        while not self.worlds.rows("SELECT 1 FROM op WHERE ended_ms IS NULL"
                                   f" AND kind = 'vm.{kind}' AND step = '{step}'"):
            if time.monotonic() > until:
                raise Timeout(f"{kind} does not come to {step}")
            self.world.keeper.look(0.02)

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
        """The state directory is as it is now before each, and at the end."""
        truth = self.world.folder / "truth"
        shutil.rmtree(truth, ignore_errors=True)
        shutil.copytree(self.state, truth)
        for how in ways:
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

    def test_a_guest_that_is_off_by_then_keeps_its_disk(self):
        """Nothing but its mark tells that it has run: libvirt has forgotten how it ended."""
        copies = self.made_meanwhile("define")
        path, _ = self.guest("fresh")
        with self.start() as rpc:
            rpc.call("vm.stop", vm="fresh", wait=True)
        self.stop()
        self.libvirtd.restart()
        self.each_way(copies, lambda how: self.live_on("fresh", path))
        self.clear()

    def test_a_row_that_is_forgotten_after_a_copy_was_put_back_leaves_the_guest(self):
        """Without its row nothing but the guard over its creation knows of it."""
        copies = self.made_meanwhile("define")
        path, run = self.guest("fresh")

        def check(_):
            with self.start() as rpc:
                self.settle(rpc)
            self.stop()
            with self.start() as rpc:
                mirror = Mirror(rpc, topics=["host"]).wait_ready(60)
                self.libvirtd.kill()
                mirror.wait(lambda m: m.hosts["q"]["state"] != "up", 30)
                rpc.call("vm.forget", vm="fresh", wait=True)
                self.libvirtd.start()
                mirror.wait(lambda m: m.hosts["q"]["state"] == "up", 30)
                self.daemon.synced(60).rpc.close()
                self.provoke_guards(rpc)
                self.expect_whole("fresh", path, run)
            self.stop()

        self.each_way(copies, check)
        self.clear()

    def test_a_guest_that_somebody_started_before_the_undo_is_not_undone(self):
        for point in ("create.define.done", "create.start.done"):
            with self.subTest(point=point):
                with self.start(f"{point}:kill") as rpc:
                    rpc.ask("vm.create", name="fresh", start="start" in point, **SMALL)
                    self.daemon.process.wait(30)
                self.libvirtd.virsh("resume" if "start" in point else "start", "fresh")
                path, run = self.guest("fresh")
                self.live_on("fresh", path, run)
                with self.start() as rpc:
                    op = rpc.call("op.list")["ops"][0]
                    self.assertEqual(op["state"], "failed")
                    self.assertIn("its guest has run", op["error"]["message"])
                    self.assertEqual(self.worlds.compare(), [])
                self.stop()
                self.clear()

    def test_debris_that_runs_is_somebodys_from_then_on(self):
        with self.start("create.commit:error") as rpc:
            with self.assertRaises(RpcError):
                rpc.call("vm.create", name="fresh", start=True, wait=True, deadline=60, **SMALL)
            uuid = rpc.call("op.list")["ops"][0]["uuid"]
            path = self.disks / f"{uuid}-0.raw"
            self.stop()
        late = self.late_domain(uuid, path)
        self.libvirtd.virsh("define", late)
        self.libvirtd.virsh("start", "fresh")
        _, run = self.guest("fresh")
        self.live_on("fresh", path, run, restarts=1)
        self.libvirtd.virsh("destroy", "fresh")
        self.libvirtd.restart()  # how it ended is forgotten; that it has run is not
        self.live_on("fresh", path)
        with self.start() as rpc:
            rpc.call("vm.adopt", vm="fresh", owner="root", wait=True)
        self.assertEqual(self.mark("fresh").get("committed"), "1")
        self.stop()

    def test_a_copy_made_while_a_creation_was_undone_leaves_a_row_without_domain(self):
        points = f"create.commit:error,create.define.undo:delay={PAUSE_MS}"
        path, run = self.running("neighbour")
        with self.start(points) as rpc, self.daemon.rpc() as other:
            asked = rpc.ask("vm.create", name="fresh", start=True, wait=True, **SMALL)
            until = time.monotonic() + 30
            while not self.worlds.rows("SELECT 1 FROM op WHERE state = 'undoing' AND step = 'define'"):
                self.assertLess(time.monotonic(), until)
                self.world.keeper.look(0.02)
            copies = self.copy_all(other)
            with self.assertRaises(RpcError):
                rpc.answer(asked, 60)
        self.stop()

        def check(_):
            self.live_on("neighbour", path, run)
            with self.start() as rpc:
                vm = rpc.call("vm.get", vm="fresh")
                self.assertEqual((vm["state"], vm["reason"]), ("error", "missing"))
                rpc.call("vm.delete", vm="fresh", wait=True, deadline=60)
                self.assertEqual(self.worlds.compare(), [])
            self.stop()

        self.each_way(copies, check, self.KNOWN)
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

    def test_a_deletion_that_came_to_nothing_is_not_gone_on_with(self):
        path, run = self.running()
        with self.start(f"delete.undefine:delay={PAUSE_MS}") as rpc, self.daemon.rpc() as other:
            rpc.ask("vm.delete", vm="victim")
            self.step_is("delete", "undefine")
            copies = self.copy_all(other)
            self.daemon.process.kill()
        with self.start("delete.undefine:error") as rpc:
            self.settle(rpc)  # it failed: the VM is there
        self.stop()
        self.each_way(copies, lambda how: self.live_on("victim", path, run), self.KNOWN)
        self.clear()

    def test_a_snapshot_of_all_is_known_by_what_was_made_since(self):
        path, run = self.running()
        with self.start(f"delete.undefine:delay={PAUSE_MS}") as rpc, self.daemon.rpc() as other:
            rpc.ask("vm.delete", vm="victim")
            self.step_is("delete", "undefine")
            copies = self.copy_all(other)
            self.daemon.process.kill()
        with self.start("delete.undefine:error") as rpc:
            self.settle(rpc)
            rpc.call("vm.create", name="later", wait=True, deadline=60, **SMALL)
        self.stop()
        self.put_back("the whole folder", copies)
        self.assertTrue(self.live_on("victim", path, run))
        with self.start() as rpc:
            found = rpc.call("server.compare")
            self.assertEqual([vm["name"] for vm in found["unknown_domains"]], ["later"])
            rpc.call("vm.create", name="next", wait=True, deadline=60, **SMALL)
        self.assertGreater(int(self.mark("next")["op"]), int(self.mark("later")["op"]),
                           "a number was given out twice")
        self.stop()

    def test_a_deletion_that_was_finished_leaves_a_row_and_nothing_else_goes(self):
        path, run = self.running("neighbour")
        self.running()
        with self.start(f"delete.volumes:delay={PAUSE_MS}") as rpc, self.daemon.rpc() as other:
            asked = rpc.ask("vm.delete", vm="victim", wait=True)
            self.step_is("delete", "volumes")
            copies = self.copy_all(other)
            rpc.answer(asked, 60)
        self.stop()

        def check(how):
            self.live_on("neighbour", path, run)
            with self.start() as rpc:
                if how in self.KNOWN:  # else it was gone on with, to the same end
                    vm = rpc.call("vm.get", vm="victim")
                    self.assertEqual((vm["state"], vm["reason"]), ("error", "missing"))
                    rpc.call("vm.delete", vm="victim", wait=True, deadline=60)
                self.assertEqual(self.worlds.compare(), [])
            self.stop()

        self.each_way(copies, check)
        self.clear()

    def test_an_update_that_is_long_over_changes_no_definition(self):
        with self.start() as rpc:
            rpc.call("vm.create", name="victim", wait=True, deadline=60, **SMALL)
        self.stop()
        path, _ = self.guest("victim")
        with self.start(f"update.define:delay={PAUSE_MS}") as rpc, self.daemon.rpc() as other:
            asked = rpc.ask("vm.update", vm="victim", vcpus=2, wait=True)
            self.step_is("update", "define")
            copies = self.copy_all(other)
            rpc.answer(asked, 60)
        self.daemon.env = {}
        self.stop()
        with self.start() as rpc:
            rpc.call("vm.update", vm="victim", vcpus=1, tags=["kept"], wait=True, deadline=60)
        self.stop()

        def check(_):
            self.live_on("victim", path)
            xml = self.libvirtd.virsh("dumpxml", "victim").stdout
            self.assertIn("kept", xml)
            self.assertIn(">1</vcpu>", xml)

        self.each_way(copies, check, self.KNOWN)
        self.clear()

    def test_a_VM_that_was_adopted_since_its_creation_was_undone_is_no_debris(self):
        with self.start("create.commit:error") as rpc:
            with self.assertRaises(RpcError):
                rpc.call("vm.create", name="fresh", start=True, wait=True, deadline=60, **SMALL)
            uuid = rpc.call("op.list")["ops"][0]["uuid"]
            copies = self.copy_all(rpc)
        self.stop()
        path = self.disks / f"{uuid}-0.raw"
        late = self.late_domain(uuid, path)
        with sqlite3.connect(self.state / "lodge.db") as database:  # a week later
            database.execute("DELETE FROM op")
        database.close()
        self.libvirtd.virsh("define", late)
        self.guest("fresh")
        with self.start() as rpc:
            rpc.call("vm.adopt", vm="fresh", owner="root", wait=True)
        self.stop()
        self.each_way(copies, lambda how: self.live_on("fresh", path))


def add_steps():
    for step in (point.split(".")[1] for point in points()
                 if point.startswith("create.") and point.count(".") == 1):
        if step in ("reserve", "commit", "close"):
            continue  # these leave no line of their own in the journal

        def test(self, step=step):
            self.check_creation(step)
        test.__name__ = f"test_a_guest_that_runs_since_a_copy_was_made_at_{step}_of_its_creation_runs_on"
        setattr(Restoring, test.__name__, test)


add_steps()

if __name__ == "__main__":
    promise.main()
