"""What an operation waits for is said, what needs no pool starts none, and what cannot go on has a way
out: through a private libvirtd (root), with pools that cannot start, folders that go away, and a
libvirtd that is gone. And networks: which a VM gets, and what is said when it gets none."""

import itertools
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import failpoints  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from three_worlds import ThreeWorlds  # noqa: E402
from world import BUILD_DIR, Mirror, RpcError, World, free_uid  # noqa: E402

LODGE = BUILD_DIR / "tui" / "lodge"
BARE = {"vcpus": 1, "memory_mib": 64, "network": None}
SMALL = {**BARE, "disks": [{"size_gib": 1}]}
NOTHING = {"vms": 0, "vcpus": 0, "memory_mib": 0, "disk_gib": 0}
TIME = r"\(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ; tried again after \d+ s\)"


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class WaitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.numbers = itertools.count(1)

    def setUp(self):
        """Each test has a lodged, a pool and a folder of its own."""
        self.pool = f"p{next(self.numbers)}"
        self.disks = self.world.folder / f"{self.pool}.disks"
        self.nowhere = f"/proc/{self.pool}/vms"
        self.away = self.world.folder / f"{self.pool}.away"

    def start(self, dir=None, **env):
        self.daemon = self.world.daemon(None, name=self.pool, env=env, config={
            "daemon": {"socket_mode": "0666"},
            "host q": {"uri": self.libvirtd.qemu_uri, "pool": self.pool, "dir": dir or self.disks}})
        self.addCleanup(self.daemon.stop)
        self.worlds = ThreeWorlds(self.daemon, self.libvirtd, self.disks)
        return self.synced()

    def synced(self):
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()
        return self.rpc

    def start_again(self, wait=True, **env):
        self.daemon.env = env
        self.daemon.start()
        if wait:
            self.synced()
        else:
            self.rpc = self.daemon.rpc()

    def create(self, name, rpc=None, **more):
        return (rpc or self.rpc).call("vm.create", name=name, wait=True, deadline=60, **{**SMALL, **more})

    def refused(self, kind, method, rpc=None, **params):
        with self.assertRaises(RpcError) as caught:
            (rpc or self.rpc).call(method, deadline=60, **params)
        self.assertEqual(caught.exception.kind, kind, caught.exception)
        return caught.exception

    def killed_in(self, method, rpc=None, **params):
        """By the fail point that this lodged was started with."""
        number = (rpc or self.rpc).ask(method, wait=True, **params)
        self.assertEqual(self.daemon.process.wait(60), -9)
        return number

    def take_away(self):
        self.libvirtd.virsh("pool-destroy", self.pool)
        self.disks.rename(self.away)

    def bring_back(self):
        self.away.rename(self.disks)

    def stuck(self, op, state, reason):
        """Until it is shown so, by topic; the same by op.get and op.list."""
        with self.daemon.rpc() as rpc:
            mirror = Mirror(rpc, topics=["op"])
            shown = mirror.wait(lambda m: next(
                (one for (topic, _), one in m.objects.items()
                 if topic == "op" and one["id"] == op and one["state"] == state
                 and reason in one.get("reason", "")), None), 60)
            self.assertIs(shown["can_cancel"], True)
            self.assertIn(reason, rpc.call("op.get", op=op)["reason"])
            listed = {one["id"]: one for one in rpc.call("op.list")["ops"]}
            self.assertIn(reason, listed[op]["reason"])
        return shown

    def ended(self, op):
        shown = self.rpc.call("op.get", op=op, wait=True, deadline=60)
        self.assertNotIn("reason", shown)
        self.assertIs(shown["can_cancel"], False)
        return shown

    def strays(self):
        return [stray["path"] for stray in self.rpc.call("server.compare", deadline=60)["stray_volumes"]
                if stray["path"].startswith(str(self.disks))]

    def is_active(self):
        listed = self.libvirtd.virsh("pool-list", "--name").stdout.split()
        return self.pool in listed

    def lodge(self, *words, status=0):
        ran = subprocess.run([LODGE, *words], env={**os.environ, "LODGE_SOCKET": self.daemon.socket},
                             text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
                             check=False)
        self.assertEqual(ran.returncode, status, f"{words}\n{ran.stdout}{ran.stderr}")
        return ran.stdout, ran.stderr


class Pools(WaitsTest):
    def test_a_creation_fails_at_once_where_its_pool_cannot_start(self):
        self.start(self.nowhere)
        error = self.refused("hypervisor", "vm.create", name="web", wait=True, **SMALL)
        self.assertIn(self.nowhere, str(error))
        op = self.ended(error.data["op"])
        self.assertEqual((op["state"], op["step"]), ("failed", "volumes"))
        self.assertEqual(self.worlds.charged(), NOTHING)
        self.assertEqual(self.worlds.unfinished(), [])
        self.daemon.stop()
        self.start_again()
        self.assertEqual(self.worlds.unfinished(), [], "nothing of it is looked for again")

    def test_a_creation_that_was_killed_before_it_made_anything_is_undone_without_its_pool(self):
        self.skip_without_failpoints()
        self.start(self.nowhere)
        self.refused("hypervisor", "vm.create", name="first", wait=True, **SMALL)  # the pool is defined now
        self.daemon.stop()
        self.start_again(LODGED_FAILPOINT="create.volumes:kill")
        self.killed_in("vm.create", name="web", **SMALL)
        self.start_again()
        op = self.rpc.call("op.list")["ops"][0]
        self.assertEqual((op["vm"], self.ended(op["id"])["state"]), ("web", "failed"))
        self.assertEqual(self.worlds.charged(), NOTHING)

    def skip_without_failpoints(self):
        if failpoints.why_not():
            self.skipTest(failpoints.why_not())

    def test_a_VM_without_disks_needs_no_pool(self):
        self.start(self.nowhere)
        [note] = self.rpc.call("vm.create", name="web", wait=True, deadline=60, **BARE)["notes"]
        self.assertIn("no log of its serial port", note)
        self.assertIn(self.nowhere, note)
        self.rpc.call("vm.start", vm="web", wait=True, deadline=60)
        self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)
        self.assertEqual(self.worlds.charged(), NOTHING)

    def test_what_lodged_sees_itself_starts_no_pool(self):
        self.start()
        self.create("web")
        path = pathlib.Path(self.rpc.call("vm.get", vm="web")["disks"][0]["path"])
        self.libvirtd.virsh("pool-destroy", self.pool)
        self.rpc.call("vm.create", name="bare", wait=True, deadline=60, **BARE)
        for name in ("bare", "web"):
            self.rpc.call("vm.delete", vm=name, wait=True, deadline=60)
        self.assertFalse(path.exists())
        self.assertFalse(self.is_active())
        self.create("next")
        self.assertTrue(self.is_active(), "what needs it does start it")
        self.rpc.call("vm.delete", vm="next", wait=True, deadline=60)


class Reasons(WaitsTest):
    def deletion_that_hangs(self):
        self.start()
        self.create("web")
        path = self.rpc.call("vm.get", vm="web")["disks"][0]["path"]
        self.take_away()
        return self.rpc.call("vm.delete", vm="web")["op"], path

    def test_a_deletion_says_why_it_waits_also_after_a_restart_and_goes_on(self):
        op, path = self.deletion_that_hangs()
        shown = self.stuck(op, "waiting", "cannot open directory")
        self.assertRegex(shown["reason"], TIME)
        self.assertIn("cannot open directory", self.lodge("ops", str(op))[0])
        self.assertIn("cannot open directory", self.lodge("ops")[0])
        self.daemon.process.kill()
        self.start_again()
        self.stuck(op, "waiting", "cannot open directory")
        self.bring_back()
        self.assertEqual(self.ended(op)["state"], "done")
        self.assertFalse(pathlib.Path(path).exists())

    def test_lodge_rm_says_what_it_waits_for(self):
        self.start()
        self.create("web")
        self.take_away()
        command = [LODGE, "rm", "--yes", "web"]
        with subprocess.Popen(command, env={**os.environ, "LODGE_SOCKET": self.daemon.socket}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as rm:
            said = rm.stderr.readline()
            self.assertRegex(said, r"^web: operation \d+ is waiting: .*cannot open directory")
            self.bring_back()
            self.assertEqual(rm.wait(90), 0)
            self.assertEqual(rm.stdout.read(), "web: rm done\n")

    def test_an_admin_gives_a_deletion_up_and_what_stays_is_named_and_found(self):
        op, path = self.deletion_that_hangs()
        self.stuck(op, "waiting", "cannot open directory")
        with self.daemon.rpc() as waiting:
            answer = waiting.ask("op.get", op=op, wait=True)
            self.rpc.call("op.cancel", op=op)
            shown = waiting.answer(answer, 60)
        self.assertEqual(shown["state"], "done")
        self.assertEqual(shown["notes"], [f"may be left: {path}"])
        self.assertEqual(self.worlds.charged(), NOTHING)
        self.refused("not_found", "vm.get", vm="web")
        self.bring_back()
        self.libvirtd.virsh("pool-start", self.pool)
        self.assertEqual(self.strays(), [path])
        self.daemon.stop()
        self.start_again()
        self.assertEqual(self.rpc.call("op.get", op=op)["notes"], [f"may be left: {path}"])

    def test_a_VM_whose_deletion_hangs_can_be_forgotten(self):
        self.start()
        with self.daemon.rpc(uid=free_uid()) as user:
            self.create("web", rpc=user)
            path = user.call("vm.get", vm="web")["disks"][0]["path"]
            self.refused("conflict", "vm.forget", vm="web")
            self.take_away()
            op = user.call("vm.delete", vm="web")["op"]
            self.stuck(op, "waiting", "cannot open directory")
            self.refused("denied", "op.cancel", rpc=user, op=op)
            self.refused("denied", "vm.forget", rpc=user, vm="web")
        forgotten = self.rpc.call("vm.forget", vm="web", wait=True, deadline=60)
        self.assertEqual((forgotten["op"], [kept["path"] for kept in forgotten["kept"]]), (op, [path]))
        self.assertEqual(self.worlds.charged(), NOTHING)
        self.create("next")  # the name and the pool are free


@unittest.skipIf(failpoints.why_not(), failpoints.why_not())
class Undoing(WaitsTest):
    def test_an_undo_whose_volume_cannot_be_looked_at_waits_and_is_given_up_by_an_admin(self):
        self.start(LODGED_FAILPOINT="create.define:kill")
        self.killed_in("vm.create", name="web", **SMALL)
        [path] = [str(path) for path in self.disks.glob("*.qcow2")]
        self.take_away()
        self.start_again()
        [op] = [row[0] for row in self.worlds.unfinished()]
        self.stuck(op, "undoing", "cannot open directory")
        self.rpc.call("op.cancel", op=op)
        shown = self.ended(op)
        self.assertEqual((shown["state"], shown["notes"]), ("failed", [f"may be left: {path}"]))
        self.assertIn(path, shown["error"]["message"])
        self.assertEqual(self.worlds.charged(), NOTHING)
        self.bring_back()
        self.libvirtd.virsh("pool-start", self.pool)
        self.assertEqual(self.strays(), [path])

    def test_an_undo_with_nothing_to_undo_is_ended_by_whoever_asked(self):
        self.start(LODGED_FAILPOINT="create.volumes:kill")
        with self.daemon.rpc(uid=free_uid()) as user:
            self.killed_in("vm.create", rpc=user, name="web", **BARE)
        self.libvirtd.kill()
        self.addCleanup(self.libvirtd.start)
        self.start_again(wait=False)
        [op] = [row[0] for row in self.worlds.unfinished()]
        self.stuck(op, "undoing", "host 'q' is not up")
        with self.daemon.rpc(uid=free_uid()) as user:
            user.call("op.cancel", op=op)
        self.assertEqual(self.ended(op)["state"], "failed")
        self.assertEqual(self.worlds.charged(), NOTHING)

    def test_an_operation_whose_host_is_gone_is_given_up_and_changes_nothing(self):
        self.start()
        self.create("web")
        self.daemon.stop()
        self.start_again(LODGED_FAILPOINT="delete.undefine:kill")
        self.killed_in("vm.delete", vm="web")
        self.libvirtd.kill()
        self.start_again(wait=False)
        [op] = [row[0] for row in self.worlds.unfinished()]
        self.stuck(op, "waiting", "host 'q' is not up")
        self.rpc.call("op.cancel", op=op)
        self.assertEqual(self.ended(op)["state"], "cancelled")
        self.libvirtd.start()
        self.synced()
        self.assertEqual(self.worlds.compare(), [])
        self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)


class Networks(WaitsTest):
    def network(self, name, *virsh):
        path = self.libvirtd.folder / "network.xml"
        path.write_text(f"<network><name>{name}</name></network>")
        self.libvirtd.virsh("net-define", path)
        self.addCleanup(self.libvirtd.virsh, "net-undefine", name)
        for words in virsh:
            self.libvirtd.virsh(*words)

    def create_with(self, **more):
        params = {key: value for key, value in BARE.items() if key != "network"}
        return self.rpc.call("vm.create", name="web", wait=True, deadline=60, **{**params, **more})

    def delete(self):
        self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)

    def test_a_network_that_is_named_is_looked_up(self):
        self.start()
        error = self.refused("not_found", "vm.create", name="web", **{**BARE, "network": "nope"})
        self.assertIn("'nope'", str(error))
        self.assertIn("network.list", str(error))
        self.assertEqual(self.rpc.call("op.list")["ops"], [])
        self.assertNotIn("notes", self.create_with(network="user"))
        self.delete()

    def test_a_network_that_is_not_active_is_said_with_what_starts_it(self):
        self.start()
        self.network("it's mine")
        command = r"virsh net-start 'it'\''s mine'"
        error = self.refused("bad_state", "vm.create", name="web", wait=True,
                             **{**BARE, "network": "it's mine", "start": True})
        self.assertIn(command, str(error))
        [note] = self.create_with(network="it's mine")["notes"]
        self.assertIn(command, note)
        self.delete()

    def test_a_VM_that_gets_no_network_is_told_so(self):
        self.start()
        answer = self.create_with()
        self.assertIn("none called 'default'", answer["notes"][0])
        self.delete()
        self.network("default")
        answer = self.create_with()
        [note] = answer["notes"]
        self.assertIn("virsh net-start default", note)
        self.assertEqual(self.rpc.call("op.get", op=answer["op"])["notes"], [note])
        self.delete()
        out, said = self.lodge("create", "web", "--cpus", "1", "--memory", "64M")
        words = note.replace("`network: null`", "--network none")
        self.assertNotEqual(words, note)
        self.assertEqual((out, said),
                         ("web: create done\nweb: 1 vCPU, 64 MiB of memory\n", f"lodge: web: {words}\n"))
        self.assertEqual(self.rpc.call("vm.get", vm="web").get("nics", []), [])
        self.delete()
        self.assertNotIn("notes", self.create_with(network=None), "who wants none need not be told")
        self.delete()

    def test_made_up_hosts_have_the_network_that_is_named(self):
        daemon = self.world.daemon("test:///default", name="made-up")
        self.addCleanup(daemon.stop)
        daemon.synced(60).rpc.close()
        self.rpc = daemon.rpc()
        for network in ({}, {"network": "default"}):
            self.assertNotIn("notes", self.create_with(**network))
            self.delete()
        self.refused("not_found", "vm.create", name="web", **{**BARE, "network": "nope"})


if __name__ == "__main__":
    promise.main()
