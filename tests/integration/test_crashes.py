"""Every step of every operation, broken (root; a lodged built with -Dfailpoints=true): lodged is
killed there and started again, or the step fails, or libvirtd is killed. Afterwards the VM is whole or
gone, SQLite, libvirt and the directory of disks fit together, and nothing of anybody else's was
touched. The list of points is made from the recipes: a new step is covered without a line here.

Of each operation and way to break it so many points are drawn (DRAWN, support/drawn.py)."""

import os
import select
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from drawn import drawn  # noqa: E402
from failpoints import points, why_not  # noqa: E402
from rpc import Gone  # noqa: E402
from three_worlds import ThreeWorlds  # noqa: E402
from world import Inotify, Mirror, RpcError, Timeout, World  # noqa: E402

SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1}, {"size_gib": 1}], "network": None}


# What is asked for where a point of that kind is to be reached, on a VM called `victim`: the state
# it is brought into before, and the parameters.
CALLS = {
    "create": (None, {"name": "fresh", "start": True, **SMALL}),
    "delete": ("running", {}),
    "start": ("shutoff", {}),
    "stop": ("running", {}),
    "shutdown": ("running", {"grace_s": 2}),
    "reboot": ("running", {"grace_s": 2}),
    "reset": ("running", {}),
    "nmi": ("running", {}),
    "pause": ("running", {}),
    "resume": ("paused", {}),
    "save": ("running", {}),
    "update": ("shutoff", {"vcpus": 2, "memory_mib": 96, "name": "renamed",
                           "disks": [{"target": "vda", "size_gib": 2}]}),
    "media": ("shutoff", {"iso": None}),
}
# Steps for what lodged may not open, which it is root for here (test_growing_kills.py).
UNPRIVILEGED = ("update.stand_in", "update.stretch", "update.stand_down")
ELSEWHERE = {"adopt", "forget", "orphan.delete"}  # one transaction, or tested by their own

# Points of one operation and way. Most faults that were found lay in these three, which have the most
# steps and the most to lose.
DRAWN = {"create": 2, "delete": 2, "update": 2}


def drawn_points(rounds, noun, way):
    return drawn(rounds, f"points of {noun}, {way}", DRAWN.get(noun, 1))


@unittest.skipIf(why_not(), why_not())
class CrashTest(unittest.TestCase):
    """The tests of a class share a world; one that failed leaves none to the next."""

    world = None

    @classmethod
    def make_world(cls):
        cls.world = World()
        cls.libvirtd = cls.world.libvirtd()
        cls.disks = cls.world.folder / "disks"
        cls.disks.mkdir()
        (cls.disks / "theirs.qcow2").write_bytes(b"somebody else's")
        cls.libvirtd.define("foreign")
        cls.libvirtd.virsh("start", "foreign")
        cls.daemon = cls.world.daemon(None, start=False, wrap=cls.world.without_kvm(),
                                      config={"host q": {"uri": cls.libvirtd.qemu_uri, "dir": cls.disks}})
        cls.worlds = ThreeWorlds(cls.daemon, cls.libvirtd, cls.disks).keep()

    @classmethod
    def leave_world(cls):
        if cls.world is not None:
            cls.world.close()
            cls.world = None

    def setUp(self):
        if self.world is None:
            self.make_world()

    def run(self, result=None):
        failed = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > failed:
            self.leave_world()

    tearDownClass = leave_world

    # the parts of a round

    def start(self, point=None):
        self.daemon.env = {"LODGED_FAILPOINT": point} if point else {}
        self.daemon.start()
        self.daemon.synced(60).rpc.close()
        return self.daemon.rpc()

    def prepare(self, state):
        """A VM called `victim` in that state; made by a lodged without fail points."""
        with self.start() as rpc:
            if state is not None:
                rpc.call("vm.create", name="victim", start=state != "shutoff", wait=True,
                         deadline=60, **SMALL)
            if state == "paused":
                rpc.call("vm.pause", vm="victim", wait=True, deadline=60)
        self.assertEqual(self.daemon.stop(), 0)

    def settle(self):
        """Until nothing is under way; lodged runs without fail points."""
        with self.start() as rpc:
            mirror = Mirror(rpc, topics=["vm", "op"])
            mirror.KEYS = {**Mirror.KEYS, "op": ("id",)}
            mirror.wait_ready(60)
            mirror.wait(lambda m: all(
                value["state"] in ("done", "failed", "cancelled")
                for (topic, _), value in m.objects.items() if topic == "op"), 90)

    def clear(self):
        with self.daemon.rpc() as rpc:
            for vm in rpc.call("vm.list", fields=["managed"])["vms"]:
                if vm["managed"]:
                    rpc.call("vm.delete", vm=vm["uuid"], wait=True, deadline=60)
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(self.worlds.compare(), [], "after everything was deleted")
        self.assertEqual(self.worlds.charged()["vms"], 0)

    def ask(self, rpc, noun):
        """Its answer, or the error, or that lodged is gone: each of them ends it."""
        state, params = CALLS[noun]
        if state is not None:
            params = {"vm": "victim", **params}
        try:
            return rpc.call(f"vm.{noun}", wait=True, timeout_ms=60000, deadline=90, **params)
        except (RpcError, Gone) as error:
            return error

    def begin(self, rpc, noun, **more):
        """Asks, and returns the number of the request, and how often a point was reached before."""
        state, params = CALLS[noun]
        said = self.daemon.process.output().count("fail point ")
        return rpc.ask(f"vm.{noun}", **({"vm": "victim"} if state else {}), **params, **more), said

    def wait_reached(self, rpc, asked, said):
        """Until the fail point waits, or it lies on no path of this request, which is answered then."""
        until = time.monotonic() + 60
        while self.daemon.process.output().count("fail point ") == said and asked not in rpc.answers:
            self.assertLess(time.monotonic(), until, "neither reached nor answered")
            self.world.keeper.look(0.01)
            rpc.drain()

    @staticmethod
    def fill(path):
        """Takes all the room that there is."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(file, b"x" * 4096)
        except OSError:
            os.close(file)

    def let_fail(self, rpc, noun):
        """Until it has failed. What goes only one way is tried again for ever, and not waited for."""
        asked, said = self.begin(rpc, noun, wait=True, timeout_ms=60000)
        self.wait_reached(rpc, asked, said)
        try:
            rpc.answer(asked, 4)
        except (RpcError, Timeout):
            pass  # whole or gone is what counts

    # the rounds

    def broken(self, action, noun, others=()):
        """One point after the other; the VM is whole or gone after each."""
        undo = [point for point in points() if point.startswith(noun + ".") and ".undo" in point]
        plain = [point for point in points() if point.startswith(noun + ".")
                 and not point.startswith(UNPRIVILEGED)
                 and ".undo" not in point]
        rounds = [(point, f"{point}:{action}") for point in plain]
        # An undo is reached by a step that fails, the last one that is undone.
        rounds += [(point, f"{noun}.commit:error,{point}:{action}") for point in undo]
        for point, env in drawn_points(rounds, noun, action):
            with self.subTest(point=point, action=action):
                self.prepare(CALLS[noun][0])
                with self.start(env) as rpc:
                    if action == "error":
                        self.let_fail(rpc, noun)
                    else:
                        self.ask(rpc, noun)
                        try:
                            self.daemon.process.wait(5 if "undo" in point else 1)
                        except Timeout:
                            pass  # not on this path
                self.daemon.process.kill()
                self.settle()
                self.assertEqual(self.worlds.compare(), [])
                self.clear()


class LibvirtdKilled(CrashTest):
    def test_libvirtd_killed_at_every_step_the_VM_is_whole_or_gone(self):
        self.prepare(None)
        for noun in ("create", "delete", "start", "stop", "update"):
            plain = [point for point in points() if point.startswith(noun + ".")
                     and ".undo" not in point and "reserve" not in point
                     and not point.startswith(UNPRIVILEGED)]
            for point in drawn_points(plain, noun, "libvirtd killed"):
                with self.subTest(point=point):
                    self.prepare(CALLS[noun][0])
                    with self.start(f"{point}:delay=600") as rpc:
                        asked, said = self.begin(rpc, noun, wait=True, timeout_ms=30000)
                        self.wait_reached(rpc, asked, said)
                        self.world.keeper.look(0.1)
                        self.libvirtd.kill()
                        self.world.keeper.look(0.5)
                        self.libvirtd.start()
                        try:
                            rpc.answer(asked, 60)
                        except RpcError:
                            pass  # whole or gone is what counts
                    self.assertEqual(self.daemon.stop(), 0)
                    self.settle()
                    self.assertEqual(self.worlds.compare(), [])
                    self.clear()


class Late(CrashTest):
    def setUp(self):
        self.leave_world()  # they look at everything that lodge has ever done
        super().setUp()

    def test_a_call_that_runs_after_lodged_was_killed_leaves_nothing(self):
        for point in ("create.define", "create.start", "create.volumes", "delete.undefine"):
            with self.subTest(point=point):
                noun = point.split(".")[0]
                self.prepare(CALLS[noun][0])
                with self.start(f"{point}:delay=400") as rpc:
                    self.wait_reached(rpc, *self.begin(rpc, noun, wait=True))
                    self.libvirtd.freeze()
                    self.world.keeper.look(0.6)  # the call waits in libvirtd's socket by now
                    self.daemon.process.kill()
                self.daemon.env = {}
                self.daemon.start()
                self.libvirtd.thaw()
                self.daemon.synced(60).rpc.close()
                self.assertEqual(self.daemon.stop(), 0)
                self.settle()
                self.assertEqual(self.worlds.settle(60), [])
                self.clear()

    def test_a_domain_that_comes_while_its_creation_is_undone_is_removed(self):
        """As from a define that libvirtd had still queued when the undo looked; at once, not by the
        look of every half minute."""
        points = "create.commit:error,create.start.undo:delay=5000,create.volumes.undo:delay=5000"
        xml = self.world.folder / "late.xml"
        with self.start(points) as rpc, self.daemon.rpc() as feed:
            mirror = Mirror(feed, topics=["op"])
            mirror.wait_ready(60)

            def wait_for(steps, state="undoing"):
                """The steps that it has last begun; `start` is only undone, it was not asked for."""
                mirror.wait(lambda m: any(
                    value["state"] == state and steps == [
                        step["name"] for step in value["steps"]][-len(steps):]
                    for value in m.objects.values()), 30)

            rpc.ask("vm.create", **{**CALLS["create"][1], "start": False})
            wait_for(["start"])
            xml.write_text(self.libvirtd.virsh("dumpxml", "fresh").stdout)
            wait_for(["start", "define", "volumes"])
            self.libvirtd.virsh("define", str(xml))
            wait_for(["volumes"], "failed")
            self.assertEqual(self.worlds.settle(15), [])
        self.assertEqual(self.daemon.stop(), 0)

    def test_a_volume_that_comes_after_its_creation_was_undone_is_removed(self):
        """As from a call that libvirtd had still queued; looked at within half a minute."""
        with self.start("create.commit:error") as rpc:
            self.assertIsInstance(self.ask(rpc, "create"), RpcError)
            uuid = rpc.call("op.list")["ops"][0]["uuid"]
            late = f"{uuid}-0.qcow2"
            self.libvirtd.virsh("vol-create-as", self.pool(), late, "1M", "--format", "qcow2")
            with Inotify(self.disks) as changes:
                until = time.monotonic() + 90
                while (self.disks / late).exists():
                    self.assertLess(time.monotonic(), until, "it stays")
                    select.select([changes.fd], [], [], 1)
                    changes.clear()
        self.assertEqual(self.worlds.compare(), [])

    def pool(self):
        """The name of libvirt's pool of our directory."""
        names = self.libvirtd.virsh("pool-list", "--name", "--all").stdout.split()
        return next(name for name in names if f"<path>{self.disks}</path>"
                    in self.libvirtd.virsh("pool-dumpxml", name).stdout)

class Edges(CrashTest):
    def test_a_full_disk_under_the_database_stops_an_operation_and_no_more(self):
        folder = self.world.folder / "small"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True)
        self.world.closers.append(lambda: subprocess.run(["umount", "-l", folder], check=False))
        self.daemon.state_dir = folder / "state"
        self.daemon.argv[self.daemon.argv.index("--state-dir") + 1] = str(folder / "state")
        for point in ("create.volumes.done", "create.define.done", "create.start.done"):
            with self.subTest(point=point):
                with self.start(f"{point}:delay=600") as rpc:
                    asked, said = self.begin(rpc, "create", wait=True)
                    self.wait_reached(rpc, asked, said)
                    filler = folder / "filler"
                    self.fill(filler)
                    self.world.keeper.look(0.6)
                    with self.daemon.rpc() as other:
                        self.assertEqual(len(other.call("vm.list")["vms"]), 2, "the list is live")
                        with self.assertRaises(RpcError) as caught:
                            other.call("vm.create", name="more", **SMALL)
                        self.assertEqual(caught.exception.kind, "store_unavailable")
                    filler.unlink()
                    rpc.answer(asked, 60)
                self.assertEqual(self.worlds.compare(), [])
                self.clear()

    def test_no_recipe_is_forgotten_here(self):
        nouns = {point.split(".reserve")[0] for point in points() if ".reserve" in point}
        self.assertEqual(nouns, set(CALLS) | ELSEWHERE)


class KilledAt(CrashTest):
    """One test an operation, added below."""


class FailingAt(CrashTest):
    """As KilledAt."""


def add_rounds():
    for noun in CALLS:
        for action, case in (("kill", KilledAt), ("error", FailingAt)):
            def test(self, noun=noun, action=action):
                self.broken(action, noun)
            what = "killed_at" if action == "kill" else "failing_at"
            test.__name__ = f"test_{what}_every_step_of_{noun}_the_VM_is_whole_or_gone"
            setattr(case, test.__name__, test)


add_rounds()

if __name__ == "__main__":
    promise.main()
