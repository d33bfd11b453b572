"""A libvirtd that is killed, stopped or restarted under lodged (root): its rows are stale and say so,
none is removed, and everybody else goes on."""

import os
import signal
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from guests import GuestsTest  # noqa: E402
from world import Mirror, RpcError, Timeout, World, free_uid  # noqa: E402


class Gate(threading.Thread):
    """A socket in front of libvirtd's: hands the first connection on, and lets all others wait."""

    def __init__(self, path, target):
        super().__init__(daemon=True)
        self.target, self.held = target, []
        self.door = socket.create_server(str(path), family=socket.AF_UNIX)
        self.start()

    def run(self):
        inside = socket.socket(socket.AF_UNIX)
        inside.connect(str(self.target))
        outside = self.door.accept()[0]
        for source, sink in ((inside, outside), (outside, inside)):
            threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()
        while True:
            self.held.append(self.door.accept()[0])

    @staticmethod
    def pump(source, sink):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_RDWR)


class LibvirtdsOwn(GuestsTest):
    GUESTS = ("stay", "move")

    def wait_down(self, deadline=40):
        host = self.mirror.wait(lambda m: m.hosts["q"]["state"] != "up" and m.hosts["q"], deadline)
        self.mirror.wait(lambda m: all(m.vms[name].get("stale") for name in self.GUESTS), deadline)
        return host

    def wait_up(self, deadline=60):
        self.mirror.wait(lambda m: m.hosts["q"]["state"] == "up" and m.hosts["q"].get("synced_at")
                         and not any(vm.get("stale") for vm in m.vms.values()), deadline)

    def other_host_lives(self):
        """Host t answers as if nothing had happened."""
        pace, begun = self.world.pace(), time.monotonic()
        vm = self.rpc.call("vm.get", vm="t/test", xml=True)
        pace.check(self, begun, 1.0, "the other host's answer")
        self.assertIn("<domain", vm["xml"])
        self.assertIsNone(vm.get("stale"))
        self.assertEqual(self.mirror.hosts["t"]["state"], "up")

    def nothing_was_removed(self):
        self.assertFalse([note for note in self.mirror.log if note["type"] in ("removed", "reset")])

    def test_killed_it_makes_its_rows_stale_and_removes_none(self):
        pace = self.world.pace()
        self.libvirtd.kill()
        killed = time.monotonic()
        host = self.wait_down(10)
        pace.check(self, killed, 3, "until it was noticed")
        self.assertIn(host["state"], ("down", "connecting"))
        vm = self.mirror.vms["stay"]
        self.assertRegex(vm["stale"], r"^\d{4}-\d\d-\d\dT")
        self.assertEqual(vm["state"], "running", "the last known state is still told")
        self.assertTrue(self.rpc.call("host.list")["hosts"][0].get("error"))
        self.other_host_lives()
        answer = self.rpc.call("vm.list")
        self.assertIn("q", answer["incomplete"])
        self.assertEqual(len([vm for vm in answer["vms"] if vm["host"] == "q"]), 2)
        with self.assertRaises(RpcError) as caught:
            self.rpc.call("vm.get", vm="stay", xml=True)
        self.assertEqual(caught.exception.code, -32006)
        self.assertIs(self.rpc.call("server.health")["live"], True)
        self.libvirtd.start()
        self.wait_up()
        self.nothing_was_removed()
        self.assertEqual(self.rpc.call("vm.list")["incomplete"], [])
        self.virsh("suspend", "move")
        self.wait_vm("move", state="paused")
        self.virsh("resume", "move")
        self.wait_vm("move", state="running")

    def test_what_changed_while_it_was_away_is_found_at_return(self):
        self.libvirtd.define("leaver")
        self.libvirtd.define("stopper")
        self.virsh("start", "stopper")
        self.wait_vm("stopper", state="running")
        self.wait_vm("leaver", state="shutoff")
        self.libvirtd.kill()
        self.wait_down()
        self.libvirtd.signal_qemu("stopper", signal.SIGKILL)
        self.libvirtd.start()
        # Before lodged has noticed, or after: both orders are right.
        self.virsh("undefine", "leaver")
        self.libvirtd.define("comer")
        self.wait_up()
        self.mirror.wait(lambda m: "leaver" not in m.vms and "comer" in m.vms
                         and m.vms["stopper"]["state"] in ("shutoff", "crashed"))
        self.virsh("undefine", "comer")
        self.virsh("undefine", "stopper")
        self.mirror.wait(lambda m: "comer" not in m.vms and "stopper" not in m.vms)

    def try_kvm(self, number, mark):
        """A trial's guest as lodged makes one, but for KVM; libvirt does not end it by itself."""
        name = f"lodge-kvm-trial-{number:012x}"
        words = f"<lodge:vm xmlns:lodge='urn:lodge:vm:1'>{mark}</lodge:vm>"
        path = self.libvirtd.folder / f"{name}.xml"
        path.write_text(libvirtds.GUEST.format(name=name, uuid=f"10d9e7e5-0000-4000-8000-{number:012x}")
                        .replace("<os>", f"<metadata>{words}</metadata><os>"))
        self.virsh("create", path)
        self.wait_vm(name, state="running")
        return name

    def test_a_trial_of_KVM_that_nobody_waits_for_is_ended_and_nothing_else_is(self):
        """libvirt forgets AUTODESTROY when it is restarted (9.0)."""
        made = "<lodge:made installation='kvm-trial' op='0'/>"
        theirs = self.try_kvm(1, "")
        left = self.try_kvm(2, made)
        self.mirror.wait(lambda m: left not in m.vms, 60)
        self.world.keeper.look(1)  # both were looked at in the same turn
        self.assertIn(theirs, self.virsh("list", "--name").stdout.split())
        self.virsh("destroy", theirs)
        self.mirror.wait(lambda m: theirs not in m.vms, 30)

    def test_stopped_before_the_connection_with_keepalive_is_open_it_is_noticed_too(self):
        path = self.world.folder / "gate"
        Gate(path, self.libvirtd.socket)
        daemon = self.world.daemon({"g": f"qemu+unix:///system?socket={path}"})
        mirror = Mirror(daemon.rpc(), topics=["host"])
        mirror.wait(lambda m: m.hosts.get("g", {}).get("state") == "up", 20)
        self.libvirtd.freeze()
        try:
            host = mirror.wait(lambda m: m.hosts["g"]["state"] != "up" and m.hosts["g"], 50)
            self.assertIn("does not answer", host["error"])
        finally:
            self.libvirtd.thaw()
        self.assertEqual(daemon.stop(), 0)
        self.wait_up()

    def test_stopped_it_is_noticed_by_keepalive_and_the_other_host_goes_on(self):
        self.libvirtd.freeze()
        frozen = time.monotonic()
        try:
            while True:  # until it is noticed the other host must answer too
                self.other_host_lives()
                try:
                    self.mirror.wait(lambda m: m.hosts["q"]["state"] != "up", 0.2)
                    break
                except Timeout:
                    self.assertLess(time.monotonic() - frozen, 40, "never noticed")
            self.wait_down()
            self.other_host_lives()
            self.nothing_was_removed()
            # Trying again against a stopped libvirtd hangs in the open; nothing else may.
            until = time.monotonic() + 8
            while time.monotonic() < until:
                self.other_host_lives()
                try:
                    self.mirror.wait(lambda m: m.hosts["q"]["state"] == "up", 0.5)
                    self.fail("up, although it is stopped")
                except Timeout:
                    pass
        finally:
            self.libvirtd.thaw()
        self.wait_up()
        self.nothing_was_removed()
        self.virsh("suspend", "move")
        self.wait_vm("move", state="paused")
        self.virsh("resume", "move")
        self.wait_vm("move", state="running")

    def test_256_unanswered_requests_are_the_most_of_a_connection(self):
        self.libvirtd.freeze()
        try:
            with self.daemon.rpc() as busy:
                numbers = [busy.ask("vm.get", vm="stay", xml=True) for _ in range(300)]
                codes = []
                for number in numbers[256:]:
                    try:
                        busy.answer(number, 10)
                        codes.append(0)
                    except RpcError as error:
                        codes.append(error.code)
                self.assertEqual(codes, [-32010] * 44)
                self.other_host_lives()
                codes.clear()
                for number in numbers[:256]:
                    try:
                        busy.answer(number, 60)
                        codes.append(0)
                    except RpcError as error:
                        codes.append(error.code)
                self.assertLessEqual(set(codes), {0, -32006, -32007}, "after keepalive gave up")
                self.assertEqual(busy.call("server.ping"), {})
        finally:
            self.libvirtd.thaw()
        self.wait_up()

    def test_hanging_up_with_answers_outstanding_harms_nobody(self):
        self.libvirtd.freeze()
        try:
            for _ in range(20):
                with self.daemon.rpc() as rude:
                    for _ in range(50):
                        rude.ask("vm.get", vm="stay", xml=True)
            self.other_host_lives()
        finally:
            self.libvirtd.thaw()
        self.wait_up()
        self.assertEqual(self.rpc.call("vm.get", vm="stay", xml=True)["name"], "stay")

    def test_restarted_ten_times_in_a_row_it_ends_up_and_true(self):
        threads = []
        for _ in range(10):
            self.libvirtd.restart()
            threads.append(len(os.listdir(f"/proc/{self.daemon.pid}/task")))
        self.wait_up(90)
        self.nothing_was_removed()
        self.virsh("suspend", "stay")
        self.wait_vm("stay", state="paused")
        self.virsh("resume", "stay")
        self.wait_vm("stay", state="running")
        self.assertLess(max(threads), 60, threads)

    def test_it_ends_at_sigterm_while_a_libvirtd_is_stopped(self):
        daemon = self.world.daemon({"q": self.libvirtd.qemu_uri})
        daemon.synced()
        pace = self.world.pace()
        self.libvirtd.freeze()
        try:
            rpc = daemon.rpc()
            rpc.ask("vm.get", vm="stay", xml=True)
            begun = time.monotonic()
            self.assertEqual(daemon.stop(), 0)
            pace.check(self, begun, 5, "until it left")
        finally:
            self.libvirtd.thaw()
        self.wait_up()


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class TwoLibvirtds(unittest.TestCase):
    def test_one_stopped_and_one_well_are_two_stories(self):
        with World() as world:
            self.world = world
            sick, well = world.libvirtd(name="sick"), world.libvirtd(name="well")
            for libvirtd in (sick, well):
                libvirtd.define("guest")
                libvirtd.virsh("start", "guest")
            daemon = world.daemon({"sick": sick.qemu_uri, "well": well.qemu_uri})
            mirror = daemon.synced()
            pace, frozen = world.pace(), time.monotonic()
            sick.freeze()
            try:
                took = []
                with well.virsh_shell() as shell:
                    until = time.monotonic() + 25
                    while time.monotonic() < until:
                        for command, state in (("suspend", "paused"), ("resume", "running")):
                            begun = time.monotonic()
                            shell.run(f"{command} guest")
                            self.wait(mirror, "well", state)
                            mirror.rpc.call("vm.get", vm="well/guest", xml=True)
                            took.append(time.monotonic() - begun)
                pace.check_median(self, frozen, took, 0.1, "a change at the well host")
                pace.check(self, frozen, 2.0, "the well host was held up", took=max(took))
                row = mirror.objects["vm", ("sick", self.uuid(mirror, "sick"))]
                self.assertTrue(row["stale"])
                self.assertEqual(mirror.hosts["sick"]["state"] == "up", False)
                self.assertEqual(mirror.hosts["well"]["state"], "up")
            finally:
                sick.thaw()
            mirror.wait(lambda m: m.hosts["sick"]["state"] == "up", 60)

    def uuid(self, mirror, host):
        return next(key[1] for (topic, key) in mirror.objects if topic == "vm" and key[0] == host)

    def wait(self, mirror, host, state):
        uuid = self.uuid(mirror, host)
        mirror.wait(lambda m: m.objects["vm", (host, uuid)]["state"] == state, 10)


class SessionLibvirtd(unittest.TestCase):
    """libvirt starts it from inside lodged: what it forks there must come to its exec."""

    def test_the_user_s_own_libvirtd_is_started_and_shown(self):
        reason = libvirtds.why_not_session()
        if reason:
            self.skipTest(reason)
        world = World()
        self.addCleanup(world.close)
        uid = free_uid() if os.geteuid() == 0 else None  # root's session is the system's
        home = world.folder / "home"
        env = {"HOME": str(home)}
        for place in (home, home / "run"):
            place.mkdir(mode=0o700)
            if uid is not None:
                os.chown(place, uid, uid)
        env["XDG_RUNTIME_DIR"] = str(home / "run")
        daemon = world.daemon("qemu:///session", env=env, uid=uid)
        mirror = daemon.synced(60)
        self.assertEqual(mirror.hosts["local"]["state"], "up")
        self.assertEqual(mirror.rpc.call("vm.list")["vms"], [])


if __name__ == "__main__":
    promise.main()
