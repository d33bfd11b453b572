"""In the way of SQLite's own tests: an operation is asked for with its first call of libvirt failing, with its
second, and so on (root). However it ends, it ends: the VM is whole or gone, SQLite, libvirt and the folder of
disks fit together, and what is asked for again is done. Of the calls of each so many are drawn (DRAWN,
support/drawn.py)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import nth_libvirt  # noqa: E402
import promise  # noqa: E402
from drawn import drawn  # noqa: E402
from three_worlds import ThreeWorlds  # noqa: E402
from world import PATIENCE, RpcError, World  # noqa: E402

WHY_NOT = libvirtds.why_not() or nth_libvirt.why_not()
MOST_CALLS = 150
DRAWN = 10
NEVER = 1 << 32
SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1}], "network": None}


@unittest.skipIf(WHY_NOT, WHY_NOT)
class NthCall(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.nth = nth_libvirt.NthLibvirt(cls.world)
        cls.disks = cls.world.folder / "disks"
        cls.daemon = cls.world.daemon(None, env=cls.nth.env, wrap=cls.world.without_kvm(), config={
            "host q": {"uri": cls.libvirtd.qemu_uri, "dir": cls.disks}})
        cls.worlds = ThreeWorlds(cls.daemon, cls.libvirtd, cls.disks)

    def setUp(self):
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()
        self.addCleanup(self.rpc.close)
        self.addCleanup(self.delete)

    def names(self):
        return [vm["name"] for vm in self.rpc.call("vm.list", fields=["name"])["vms"]]

    def delete(self):
        for name in self.names():
            self.rpc.call("vm.delete", vm=name, wait=True, deadline=60)

    def create(self):
        if "web" not in self.names():
            self.rpc.call("vm.create", name="web", wait=True, deadline=60, **SMALL)

    def ask(self, method, **params):
        """What it said, or that it went well. Files that it left alone, and said so, are its admin's to delete."""
        try:
            ended = self.rpc.call(method, deadline=4 * PATIENCE, wait=True, **params)
        except RpcError as error:
            return str(error)
        for kept in ended.get("kept", ()):
            self.assertIn("not certain", kept["why"])
            os.unlink(kept["path"])
        return "went well"

    def fail_at_each(self, prepare, method, again=False, **params):
        """`prepare` makes again what the method takes for granted. `again`: what failed may be half done, until
        it is asked for again."""
        prepare()
        self.nth.arm(NEVER)
        self.assertEqual(self.ask(method, **params), "went well")
        calls, _ = self.nth.disarm()
        self.assertIn(calls, range(2, MOST_CALLS))
        failed = []
        for n in drawn(range(calls), f"calls of {method} that fail", DRAWN):
            prepare()
            self.nth.arm(n)
            said = self.ask(method, **params)
            _, name = self.nth.disarm()
            with self.subTest(n=n, failed=name, said=said):
                self.assertTrue(name or said == "went well", "it failed, and no call did")
                self.assertNotIn("gave no reason", said, "the reason was lost on its way")
                if again and said != "went well":
                    self.assertEqual(self.ask(method, **params), "went well")
                self.assertEqual(self.worlds.settle(60), [])
            failed.append(name or "(none)")
        print(f"        {method} failed at these of {calls} calls: {' '.join(failed)}", flush=True)
        self.assertTrue(any(name != "(none)" for name in failed), "no call was seen to fail")

    def test_a_creation_is_done_or_leaves_nothing_whatever_call_fails(self):
        self.fail_at_each(self.delete, "vm.create", name="web", **SMALL)

    def test_a_change_is_done_or_undone_whatever_call_fails(self):
        def prepare():
            self.delete()
            self.create()
        self.fail_at_each(prepare, "vm.update", vm="web", vcpus=2, memory_mib=96,
                          disks=[{"target": "vda", "size_gib": 2}])

    def test_a_deletion_is_done_or_can_be_asked_for_again_whatever_call_fails(self):
        self.fail_at_each(self.create, "vm.delete", again=True, vm="web")

    def test_a_start_and_a_stop_end_whatever_call_fails(self):
        def stopped():
            self.create()
            if self.rpc.call("vm.get", vm="web")["state"] != "shutoff":
                self.rpc.call("vm.stop", vm="web", wait=True, deadline=60)

        def running():
            self.create()
            if self.rpc.call("vm.get", vm="web")["state"] != "running":
                self.rpc.call("vm.start", vm="web", wait=True, deadline=60)

        self.fail_at_each(stopped, "vm.start", vm="web")
        self.fail_at_each(running, "vm.stop", vm="web")


if __name__ == "__main__":
    promise.main()
