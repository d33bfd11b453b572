"""Power operations say what is there, and are about the run of the guest that was there when they were
asked for (a private libvirtd with real QEMU, root)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import failpoints  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import Mirror, RpcError, World  # noqa: E402

SMALL = {"vcpus": 1, "memory_mib": 64, "network": None}


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class PowerTest(unittest.TestCase):
    environ = {}

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.libvirtd = self.world.libvirtd()
        self.daemon = self.world.daemon(
            {"q": self.libvirtd.qemu_uri},
            config={"host q": {"uri": self.libvirtd.qemu_uri, "dir": self.world.folder / "disks"}},
            env=self.environ)
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()
        self.uuid = self.act("vm.create", None, name="web", start=True, **SMALL)["uuid"]

    def act(self, method, vm="web", **params):
        named = {} if vm is None else {"vm": vm}
        return self.rpc.call(method, **named, wait=True, deadline=90, **params)

    def refused(self, kind, method, **params):
        with self.assertRaises(RpcError) as caught:
            self.act(method, **params)
        self.assertEqual(caught.exception.kind, kind, caught.exception)
        return caught.exception

    def state(self):
        return self.rpc.call("vm.get", vm="web").get("state")

    def domain_state(self):
        return self.libvirtd.virsh("domstate", "web").stdout.strip()

    def run_of(self):
        return self.libvirtd.virsh("domid", "web").stdout.strip()


class WhatIsSo(PowerTest):
    def test_what_was_so_already_is_said(self):
        self.assertEqual(self.act("vm.start")["notes"], ["'web' was running already"])
        self.assertEqual(self.act("vm.resume")["notes"], ["'web' was running already"])
        self.assertNotIn("notes", self.act("vm.pause"))
        self.assertEqual(self.act("vm.pause")["notes"], ["'web' was paused already"])
        self.assertNotIn("notes", self.act("vm.stop"))
        self.assertEqual(self.act("vm.stop")["notes"], ["'web' was shut off already"])
        self.assertEqual(self.act("vm.shutdown")["notes"], ["'web' was shut off already"])

    def test_a_paused_guest_is_not_started(self):
        self.act("vm.pause")
        error = self.refused("bad_state", "vm.start")
        self.assertEqual(error.data["state"], "paused")
        self.assertIn("vm.resume", str(error))
        self.assertEqual(self.domain_state(), "paused")

    def test_a_guest_that_was_saved_paused_is_said_to_be_paused(self):
        self.act("vm.pause")
        self.act("vm.save")
        notes = self.act("vm.start")["notes"]
        self.assertIn("is paused, as it was when it was saved", notes[0])
        self.assertEqual((self.state(), self.domain_state()), ("paused", "paused"))


class WhichRun(PowerTest):
    def stop_that_hangs(self):
        """On a connection that is open already; its call comes back when libvirtd is thawed."""
        self.act("vm.stop")
        self.act("vm.start")
        self.libvirtd.freeze()
        return self.rpc.call("vm.stop", vm="web", deadline=60)["op"]

    def test_a_stop_that_a_kill_left_does_not_end_what_was_started_since(self):
        self.stop_that_hangs()
        self.daemon.process.kill()
        self.libvirtd.kill()
        self.libvirtd.start()
        self.libvirtd.virsh("destroy", "web", check=False)  # if the call was not made
        self.libvirtd.virsh("start", "web")
        run = self.run_of()
        self.daemon.start()
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()
        op = self.rpc.call("op.list", vm=self.uuid)["ops"][0]
        self.assertEqual(op["kind"], "vm.stop")
        ended = self.rpc.call("op.get", op=op["id"], wait=True, deadline=60)
        self.assertEqual((ended["state"], self.domain_state(), self.run_of()), ("done", "running", run))

    def test_while_a_stop_is_under_way_others_are_busy_with_it(self):
        stop = self.stop_that_hangs()
        for method in ("vm.start", "vm.pause", "vm.delete"):
            with self.assertRaises(RpcError) as caught:
                self.rpc.call(method, vm="web")
            self.assertEqual((caught.exception.kind, caught.exception.data["op"]), ("busy", stop))
        self.libvirtd.thaw()
        self.assertEqual(self.rpc.call("op.get", op=stop, wait=True, deadline=60)["state"], "done")
        self.act("vm.start")
        self.assertEqual(self.domain_state(), "running")


@unittest.skipIf(failpoints.why_not(), failpoints.why_not())
class StartedMeanwhile(PowerTest):
    """A stop waits for three seconds before it acts, in which somebody else starts the guest anew."""
    environ = {"LODGED_FAILPOINT": "stop.destroy:delay=3000"}

    def start_by_hand(self):
        mirror = Mirror(self.rpc, topics=["vm"])
        stop = self.rpc.call("vm.stop", vm="web")["op"]
        self.libvirtd.virsh("destroy", "web")
        mirror.wait(lambda seen: "web" in seen.vms and seen.vms["web"]["state"] == "shutoff")
        self.libvirtd.virsh("start", "web")
        mirror.wait(lambda seen: "web" in seen.vms and seen.vms["web"]["state"] == "running")
        return stop

    def test_what_somebody_starts_during_a_stop_runs_on(self):
        stop = self.start_by_hand()
        self.assertEqual(self.rpc.call("op.get", op=stop, wait=True, deadline=60)["state"], "done")
        self.assertEqual((self.state(), self.domain_state()), ("running", "running"))

    def test_a_stop_of_the_later_run_ends_that_one(self):
        first = self.start_by_hand()
        second = self.act("vm.stop")["op"]
        self.assertNotEqual(first, second)
        self.assertEqual((self.state(), self.domain_state()), ("shutoff", "shut off"))


@unittest.skipIf(failpoints.why_not(), failpoints.why_not())
class StartedBesideAnother(PowerTest):
    """A change is out for some seconds, and a stop waits for it."""
    environ = {"LODGED_FAILPOINT": "update.read:delay=5000"}

    def test_a_stop_of_a_guest_that_was_off_is_not_a_later_ones(self):
        self.act("vm.stop")
        mirror = Mirror(self.rpc, topics=["vm"])
        self.rpc.call("vm.update", vm="web", vcpus=2)
        self.rpc.call("vm.stop", vm="web")
        self.libvirtd.virsh("start", "web")
        mirror.wait(lambda seen: "web" in seen.vms and seen.vms["web"]["state"] == "running")
        self.act("vm.stop")
        self.assertEqual((self.state(), self.domain_state()), ("shutoff", "shut off"))


if __name__ == "__main__":
    promise.main()
