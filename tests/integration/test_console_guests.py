"""Screens of real QEMU guests under a private libvirtd (root): QEMU that hangs or is killed, libvirtd that is
killed, ports, passwords."""

import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import embed  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from websocket import Closed, WebSocket  # noqa: E402
from world import PATIENCE, RpcError, World  # noqa: E402

WITH_PASSWORD = libvirtds.GUEST.replace("<graphics type='vnc'>", "<graphics type='vnc' passwd='secret'>")
WITHOUT_SCREEN = libvirtds.GUEST.replace("<graphics type='vnc'><listen type='none'/></graphics>", "")


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Guests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        for name, xml in (("well", libvirtds.GUEST), ("sick", libvirtds.GUEST), ("locked", WITH_PASSWORD),
                          ("blind", WITHOUT_SCREEN), ("brief", libvirtds.GUEST)):
            cls.libvirtd.define(name, xml=xml)
            cls.libvirtd.virsh("start", name)
        cls.daemon = cls.world.daemon({"q": cls.libvirtd.qemu_uri}, flags=["--http", "127.0.0.1:0"],
                                      config={"console": {"per_user": 0, "per_vm": 0}})
        cls.daemon.synced().rpc.close()
        cls.rpc = cls.daemon.rpc()
        host, port = cls.rpc.call("server.info")["web"].rsplit(":", 1)
        cls.address = host, int(port)

    def open(self, vm, **params):
        return self.rpc.call("console.open", vm=vm, **params)

    def open_in_the_end(self, rpc, vm):
        """A machine that is busy may take the two seconds that a screen has; `pace` judges of that."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return rpc.call("console.open", vm=vm)
            except RpcError as error:
                if error.kind != "unresponsive" or time.monotonic() > until:
                    raise

    def web(self, vm, **params):
        """A viewer at the screen, its handshake done."""
        line = WebSocket(self.address, f"/console?ticket={self.open(vm, **params)['ticket']}")
        self.greet(line)
        return line

    def greet(self, line):
        self.assertEqual(line.receive(12), b"RFB 003.008\n")
        line.send(b"RFB 003.008\n")
        self.assertEqual(line.receive(2), b"\1\1", "one security type: None")
        line.send(b"\1")
        self.assertEqual(line.receive(4), b"\0\0\0\0")
        line.send(b"\0")
        init = line.receive(24)
        line.receive(int.from_bytes(init[20:24], "big"))

    def sees(self, line):
        """Whether it is sent a picture when it asks for one."""
        line.send(b"\3\0\0\0\0\0\2\0\1\0")
        return line.receive(4)[0] == 0

    def refused(self, kind, *args, **params):
        with self.assertRaises(RpcError) as caught:
            self.open(*args, **params)
        self.assertEqual(caught.exception.kind, kind)
        return caught.exception

    def test_a_guests_password_is_not_asked(self):
        self.assertTrue(self.sees(self.web("locked")))

    def test_one_without_a_screen_says_so(self):
        self.assertIn("no VNC screen", self.refused("unsupported", "blind").message)

    def test_no_guest_listens_on_a_TCP_port(self):
        self.rpc.call("vm.create", name="made", vcpus=1, memory_mib=64, disks=[], network=None, graphics="vnc",
                      start=True, wait=True, deadline=60)
        self.addCleanup(self.rpc.call, "vm.delete", vm="made", wait=True, deadline=60)
        made, line = self.web("made"), self.web("well")
        self.assertTrue(self.sees(made))
        inodes = set()
        for name in ("made", "well", "sick", "locked"):
            for link in pathlib.Path(f"/proc/{self.world.qemu_pid(name)}/fd").iterdir():
                target = os.readlink(link)
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
        for table in ("tcp", "tcp6"):
            for row in pathlib.Path(f"/proc/{self.world.qemu_pid('well')}/net/{table}").read_text().splitlines()[1:]:
                self.assertNotIn(row.split()[9], inodes)
        self.assertTrue(self.sees(line))

    def test_a_hung_QEMU_is_unresponsive_within_two_seconds_and_holds_nobody_up(self):
        pace = self.world.pace()
        self.libvirtd.signal_qemu("sick", signal.SIGSTOP)
        self.addCleanup(self.libvirtd.signal_qemu, "sick", signal.SIGCONT)
        begun = time.monotonic()
        waiting = self.rpc.ask("console.open", vm="sick")
        with self.daemon.rpc() as other:
            opened = self.open_in_the_end(other, "well")
        line = WebSocket(self.address, f"/console?ticket={opened['ticket']}")
        self.greet(line)
        self.assertTrue(self.sees(line))
        pace.check(self, begun, 1.5, "held up by the sick one")
        with self.assertRaises(RpcError) as caught:
            self.rpc.answer(waiting)
        self.assertEqual(caught.exception.kind, "unresponsive")
        pace.check(self, begun, 2.5, "until it was said")
        begun = time.monotonic()
        self.refused("unresponsive", "sick")
        pace.check(self, begun, 1, "it is known by now")

    def test_a_killed_QEMU_ends_the_session_with_what_happened(self):
        line = self.web("brief")
        self.libvirtd.signal_qemu("brief", signal.SIGKILL)
        closed = line.wait_closed()
        self.assertEqual(closed.code, 4001)
        self.assertIn(closed.reason, ("'brief' has crashed", "'brief' has failed: its QEMU ended"))

    def test_libvirtd_may_come_and_go_while_somebody_looks(self):
        line = self.web("well")
        self.libvirtd.kill()
        self.assertTrue(self.sees(line))
        self.refused("host_down", "well")
        self.libvirtd.start()
        until = time.monotonic() + 60
        while True:
            try:
                again = self.web("well")
                break
            except (RpcError, Closed):
                self.assertLess(time.monotonic(), until)
                self.world.keeper.look(0.1)
        self.assertTrue(self.sees(line) and self.sees(again))


@unittest.skipIf(embed.why_not() or libvirtds.why_not(), embed.why_not() or libvirtds.why_not())
class Edges(unittest.TestCase):
    """A guest that is started and forced off again and again, while its screen is asked for."""

    ROUNDS = 8
    MOMENT = 0.01  # seconds between two looks: the guest wants the processors too

    def setUp(self):
        self.world = World("le")
        self.addCleanup(self.world.close)
        self.daemon = self.of_libvirtd() if embed.may_wait_for_ever() else self.embedded()
        self.rpc = self.daemon.synced(60).rpc
        self.other = self.daemon.rpc()
        self.addCleanup(self.other.close)

    def embedded(self):
        (self.world.folder / "home").mkdir()
        root = embed.Root(self.world)
        return self.world.daemon({"local": root.uri}, wrap=root.wrap, env={
            "HOME": str(self.world.folder / "home"), "USER": "", "XDG_RUNTIME_DIR": ""})

    def of_libvirtd(self):
        return self.world.daemon(None, wrap=self.world.without_kvm(), config={
            "host local": {"uri": self.world.libvirtd().qemu_uri, "dir": self.world.folder / "disks"}})

    def look(self, method, **params):
        """The error's kind, None: there was a screen."""
        try:
            answer = self.other.call(method, vm="brief", **params)
        except RpcError as error:
            self.assertIn(error.kind, ("bad_state", "cancelled", "unresponsive"), str(error))  # a slow machine's
            self.assertTrue(error.kind != "bad_state" or error.data["state"], str(error))
            return error.kind
        if "session" in answer:
            try:
                self.other.call("console.close", session=answer["session"])
            except RpcError as error:
                self.assertEqual(error.kind, "not_found", str(error))  # the guest has ended, and it with it
        return None

    def test_at_its_start_and_its_end_a_guest_s_screen_is_bad_state_and_no_failure(self):
        """Promise: whoever asks a moment too early or too late hears that, not libvirt's confusion."""
        self.rpc.call("vm.create", name="brief", vcpus=1, memory_mib=32, network=None, wait=True, deadline=60)
        kinds = set()
        for number in range(self.ROUNDS):
            for method in ("vm.start", "vm.stop"):
                asked = self.rpc.ask(method, vm="brief", wait=True)
                while asked not in self.rpc.answers:
                    kinds.add(self.look("console.open", door="stream"))
                    if number % 2:
                        kinds.add(self.look("vm.screenshot"))
                    self.rpc.drain(self.MOMENT)
                self.rpc.answer(asked)
        self.assertIn("bad_state", kinds)


if __name__ == "__main__":
    promise.main()
