"""Pictures of guests' screens: what they show, who has none and why, and that a QEMU that hangs holds
up nobody but itself. Real QEMU under a private libvirtd (root); the test driver anywhere."""

import base64
import os
import signal
import struct
import sys
import time
import unittest
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import embed  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from guests import GuestsTest  # noqa: E402
from world import Mirror, RpcError, Timeout, World  # noqa: E402

HEADLESS = libvirtds.GUEST.replace("<graphics type='vnc'><listen type='none'/></graphics>", "")
DEADLINE = 2.0  # seconds, the contract's
SLACK = 1.0     # of a busy machine
BIOS = (720, 400)


def png_size(data):
    """Width and height of a whole PNG: checksums right, and as many bytes of pixels as it says."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n"), data[:16]
    at, chunks = 8, []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body, (check,) = data[at + 8:at + 8 + length], struct.unpack_from(">I", data, at + 8 + length)
        assert zlib.crc32(kind + body) == check, kind
        chunks.append((kind, body))
        at += 12 + length
    assert (chunks[0][0], chunks[-1]) == (b"IHDR", (b"IEND", b"")), [kind for kind, _ in chunks]
    width, height, depth, color, *_, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    pixels = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    if not interlaced:
        bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
        assert len(pixels) == height * (1 + (width * bits + 7) // 8)
    return width, height


def picture(rpc, vm):
    answer = rpc.call("vm.screenshot", vm=vm)
    assert answer["mime"] == "image/png", answer["mime"]
    return base64.b64decode(answer["data"], validate=True)


def eventually(world, look, deadline):
    """What `look` returns once it raises no error and is not None."""
    until = time.monotonic() + deadline
    while True:
        try:
            if (seen := look()) is not None:
                return seen
        except RpcError as error:
            if time.monotonic() > until:
                raise Timeout(str(error)) from error
        if time.monotonic() > until:
            raise Timeout("not seen in time")
        world.keeper.look(0.1)


class Refusals:
    def refused(self, kind, vm, rpc=None):
        """The error, which comes within the deadline."""
        pace, begun = self.world.pace(), time.monotonic()
        with self.assertRaises(RpcError) as caught:
            (rpc or self.rpc).call("vm.screenshot", vm=vm)
        self.assertEqual(caught.exception.kind, kind, caught.exception)
        pace.check(self, begun, DEADLINE + SLACK, caught.exception)
        self.assertIn(vm, caught.exception.message)
        return caught.exception


class Guests(Refusals, GuestsTest):
    GUESTS = ("well", "sick", "ill", "bad")

    def setUp(self):
        super().setUp()
        self.world.pace()  # from before what is measured
        self.frozen = []
        self.addCleanup(self.thaw)

    def freeze(self, *names):
        for name in names:
            self.libvirtd.signal_qemu(name, signal.SIGSTOP)
            self.frozen.append(name)

    def thaw(self):
        """Until nobody is called unresponsive, and the calls that were lost are back."""
        with self.daemon.rpc() as rpc:
            mirror = Mirror(rpc, topics=["vm"]).wait_ready()
            for name in self.frozen:
                self.libvirtd.signal_qemu(name, signal.SIGCONT)
            for name in self.frozen:
                mirror.wait(lambda m, name=name: not m.vms[name].get("unresponsive"), 40)
                eventually(self.world, lambda name=name: picture(rpc, name), 40)
        self.frozen = []

    def test_a_picture_is_a_whole_PNG_of_the_screens_size(self):
        def bios():
            return png_size(picture(self.rpc, "well")) == BIOS or None
        self.assertTrue(eventually(self.world, bios, 30))
        path = self.world.folder / "by-virsh"
        self.virsh("screenshot", "well", path)
        self.assertEqual(png_size(path.read_bytes()), BIOS)

    def test_a_paused_guest_has_a_picture_too(self):
        self.virsh("suspend", "well")
        self.wait_vm("well", state="paused")
        png_size(picture(self.rpc, "well"))
        self.virsh("resume", "well")
        self.wait_vm("well", state="running")

    def test_one_that_is_shut_off_has_none(self):
        self.libvirtd.define("off")
        self.wait_vm("off", state="shutoff")
        error = self.refused("bad_state", "off")
        self.assertEqual(error.data["state"], "shutoff")
        self.assertIn("vm.start", error.message)
        self.virsh("undefine", "off")

    def test_one_without_a_screen_has_none_and_it_is_said(self):
        self.libvirtd.define("blind", xml=HEADLESS)
        self.virsh("start", "blind")
        self.wait_vm("blind", state="running")
        error = self.refused("unsupported", "blind")
        self.assertIn("screen", error.message)
        self.assertEqual(error.data["libvirt"]["code"], 55)
        self.virsh("destroy", "blind")
        self.virsh("undefine", "blind")

    def test_a_QEMU_that_hangs_is_said_in_time_and_holds_nobody_up(self):
        self.freeze("sick")
        with self.daemon.rpc() as other:
            number = other.ask("vm.screenshot", vm="sick")
            begun = time.monotonic()
            for _ in range(5):
                png_size(picture(self.rpc, "well"))
            self.world.pace().check(self, begun, DEADLINE, "the others waited")
            with self.assertRaises(RpcError) as caught:
                other.answer(number)
            self.world.pace().check(self, begun, DEADLINE + SLACK, "the answer")
        error = caught.exception
        self.assertEqual(error.kind, "unresponsive", error)
        self.assertIn("sick", error.message)
        self.assertIn("vm.stop", error.message)
        self.assertIn("since", error.data)
        begun = time.monotonic()
        self.refused("unresponsive", "sick")
        self.world.pace().check(self, begun, 0.5, "it was asked again")
        self.mirror.wait(lambda m: m.vms["sick"].get("unresponsive"), 10)
        self.thaw()
        png_size(picture(self.rpc, "sick"))

    def test_when_every_call_is_lost_the_next_is_told_who_has_them(self):
        hung = ("sick", "ill", "bad")
        self.freeze(*hung)
        asked = [self.rpc.ask("vm.screenshot", vm=vm) for vm in (*hung, "well")]
        begun = time.monotonic()
        errors = []
        for number in asked:
            with self.assertRaises(RpcError) as caught:
                self.rpc.answer(number)
            errors.append(caught.exception)
        self.world.pace().check(self, begun, DEADLINE + SLACK, "the answer")
        self.assertEqual([error.kind for error in errors], ["unresponsive"] * 3 + ["busy"], errors)
        for name in hung:
            self.assertIn(f"'{name}'", errors[3].message)
        self.assertIn("vm.stop", errors[3].message)
        begun = time.monotonic()
        self.refused("busy", "well")
        self.world.pace().check(self, begun, 0.5, "it waited for what is lost")
        self.assertEqual(self.rpc.call("vm.get", vm="well")["state"], "running", "others wait")
        self.libvirtd.signal_qemu("bad", signal.SIGCONT)
        eventually(self.world, lambda: png_size(picture(self.rpc, "well")), 40)

    def test_those_who_ask_at_once_get_one_picture_and_only_so_many_wait(self):
        self.freeze("sick")
        asked = [self.rpc.ask("vm.screenshot", vm="sick") for _ in range(9)]
        kinds = []
        begun = time.monotonic()
        for number in asked:
            with self.assertRaises(RpcError) as caught:
                self.rpc.answer(number)
            kinds.append(caught.exception.kind)
        self.world.pace().check(self, begun, DEADLINE + SLACK, "the answer")
        self.assertEqual(sorted(kinds), ["too_many"] + ["unresponsive"] * 8)

    def test_a_guest_that_is_destroyed_while_it_is_asked_lets_its_call_go(self):
        self.freeze("sick")
        self.refused("unresponsive", "sick")
        self.virsh("destroy", "sick")
        self.frozen.remove("sick")
        self.wait_vm("sick", state="shutoff")
        self.refused("bad_state", "sick")
        self.virsh("start", "sick")
        self.wait_vm("sick", state="running")
        eventually(self.world, lambda: png_size(picture(self.rpc, "sick")), 40)

    def test_a_libvirtd_that_hangs_is_an_error_in_time(self):
        self.libvirtd.freeze()
        try:
            begun = time.monotonic()
            with self.assertRaises(RpcError) as caught:
                self.rpc.call("vm.screenshot", vm="well")
            self.world.pace().check(self, begun, DEADLINE + SLACK, "the answer")
            self.assertIn(caught.exception.kind, ("timeout", "unresponsive", "host_down"))
        finally:
            self.libvirtd.thaw()
        eventually(self.world, lambda: png_size(picture(self.rpc, "well")), 60)

    def test_lodged_leaves_in_order_while_a_call_is_lost(self):
        daemon = self.world.daemon({"q": self.libvirtd.qemu_uri})
        rpc = daemon.synced().rpc
        self.freeze("sick")
        self.refused("unresponsive", "sick", rpc)
        begun = time.monotonic()
        self.assertEqual(daemon.stop(), 0, daemon.process.tail())
        self.world.pace().check(self, begun, 5, "until it left")


@unittest.skipIf(embed.why_not(), embed.why_not())
class Embedded(unittest.TestCase):
    def test_guests_of_the_embedded_driver_have_pictures(self):
        with World("le") as world:
            root = embed.Root(world)
            root.run("define on", "start on")
            rpc = world.daemon({"local": root.uri}, wrap=root.wrap).synced(60).rpc
            self.assertTrue(eventually(world, lambda: png_size(picture(rpc, "on")), 60))


class MadeUp(Refusals, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.daemon = cls.world.daemon("test:///default")
        cls.daemon.synced()

    def setUp(self):
        self.rpc = self.daemon.rpc()
        self.addCleanup(self.rpc.close)

    def test_the_test_driver_has_a_picture_of_its_own(self):
        self.assertEqual(png_size(picture(self.rpc, "test")), (1120, 832))

    def test_made_up_guests_that_are_shut_off_have_none(self):
        self.rpc.call("vm.create", name="off", vcpus=1, memory_mib=16, network=None, wait=True)
        error = self.refused("bad_state", "off")
        self.assertEqual(error.data["state"], "shutoff")
        self.rpc.call("vm.delete", vm="off", wait=True)

    def test_parameters_are_checked(self):
        self.refused("not_found", "nobody")
        for params in ({}, {"vm": "test", "screen": 1}, {"vm": 1}):
            with self.assertRaises(RpcError) as caught:
                self.rpc.call("vm.screenshot", **params)
            self.assertEqual(caught.exception.code, -32602, params)

    def test_many_at_once_are_all_answered_and_no_picture_is_kept(self):
        png_size(picture(self.rpc, "test"))
        before = self.daemon.rss_kib()
        for _ in range(60):
            asked = [self.rpc.ask("vm.screenshot", vm="test") for _ in range(8)]
            for number in asked:
                self.assertEqual(self.rpc.answer(number)["mime"], "image/png")
        if not self.daemon.sanitized():
            self.assertLess(self.daemon.rss_kib() - before, 16 * 1024)


if __name__ == "__main__":
    promise.main()
