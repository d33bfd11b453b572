"""An image into a pool that lodged may not even look into: libvirtd, which runs as root, is given the bytes of
the disk. lodged is a plain user here, the pool's folder root's alone; what lodged sends to libvirtd goes
through a valve that can be shut half-way."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from growing import qemu_img  # noqa: E402
from three_worlds import ThreeWorlds  # noqa: E402
from valve import Valve  # noqa: E402
from world import PATIENCE, RpcError, World, as_uid, free_uid  # noqa: E402

MIB = 1 << 20
POOL = "lodge"


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Uploading(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.library = cls.world.folder / "library"
        cls.library.mkdir()
        cls.make_images()
        cls.disks = cls.world.folder / "disks"
        cls.valve = Valve(cls.world.folder / "valve", cls.libvirtd.socket)
        cls.world.closers.append(cls.valve.close)
        os.chmod(cls.valve.path, 0o777)
        cls.daemon = cls.world.daemon(None, uid=free_uid(), start=False, config={
            "host q": {"uri": f"qemu+unix:///system?socket={cls.valve.path}", "dir": cls.disks, "pool": POOL},
            "images": {"dirs": cls.library}})
        cls.worlds = ThreeWorlds(cls.daemon, cls.libvirtd, cls.disks)

    @classmethod
    def make_images(cls):
        """Data at the beginning, behind holes that begin and end within a block, and at the very end."""
        cls.plain = cls.library / "holes.raw"
        with cls.plain.open("wb") as file:
            for at, length in ((0, 70000), (5 * MIB + 3, 3 * MIB), (40 * MIB, 1), (90 * MIB - 4097, 4097)):
                file.seek(at)
                file.write(os.urandom(length))
        qemu_img("convert", "-f", "raw", "-O", "qcow2", cls.plain, cls.library / "base.qcow2")
        qemu_img("create", "-q", "-u", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", cls.library / "top.qcow2", "90M")
        cls.full = cls.library / "full.raw"
        cls.full.write_bytes(os.urandom(48 * MIB))

    def setUp(self):
        self.make_pool()
        if self.daemon.process is None or not self.daemon.process.running():
            self.daemon.start()
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()
        self.addCleanup(self.clean)

    def make_pool(self):
        self.disks.mkdir(exist_ok=True)
        self.disks.chmod(0o700)
        if POOL not in self.libvirtd.virsh("pool-list", "--all", "--name").stdout.split():
            self.libvirtd.virsh("pool-define-as", POOL, "dir", "--target", self.disks)
        if POOL not in self.libvirtd.virsh("pool-list", "--name").stdout.split():
            self.libvirtd.virsh("pool-start", POOL)

    def clean(self):
        self.valve.open()
        for vm in self.rpc.call("vm.list", fields=["managed"])["vms"]:
            if vm["managed"]:
                self.rpc.call("vm.delete", vm=vm["uuid"], wait=True, deadline=60)
        self.nothing_is_left()
        self.rpc.close()

    def nothing_is_left(self):
        self.assertEqual(self.worlds.settle(60), [])
        self.assertEqual(self.worlds.files(), set())
        self.assertEqual(self.worlds.charged(), {"vms": 0, "vcpus": 0, "memory_mib": 0, "disk_gib": 0})
        self.libvirtd.virsh("pool-refresh", POOL)
        self.assertEqual(self.libvirtd.virsh("vol-list", POOL).stdout.strip(), "", "the pool knows a volume")

    def ask(self, image, form="raw"):
        return self.rpc.ask("vm.create", name="vm", vcpus=1, memory_mib=64, network=None, wait=True,
                            disks=[{"size_gib": 1, "image": image, "format": form}])

    def refused(self, asked, *words):
        with self.assertRaises(RpcError) as caught:
            self.rpc.answer(asked, 4 * PATIENCE)
        for word in words:
            self.assertIn(word, caught.exception.message)
        self.assertEqual(self.rpc.call("vm.list")["vms"], [])
        return caught.exception

    def half_way(self, image):
        """Asks for a disk with that image, and shuts the valve when some of it has gone through."""
        self.valve.shut_after(8 * MIB)
        asked = self.ask(image)
        self.valve.wait_shut()
        [path] = self.worlds.files()
        return asked, pathlib.Path(path)

    def compare(self, path, form, image):
        """The volume as libvirt reads it, byte by byte: the image, then zeros."""
        copy = self.world.folder / "copy"
        self.libvirtd.virsh("vol-download", "--sparse", "--pool", POOL, path.name, copy)
        qemu_img("compare", "-q", "-f", form, "-F", "raw", copy, image)
        shown = subprocess.run(["qemu-img", "info", "-f", form, copy], check=True, capture_output=True, text=True)
        self.assertIn("virtual size: 1 GiB", shown.stdout)
        self.assertNotIn("backing file", shown.stdout)
        copy.unlink()

    def test_an_image_is_copied_whole_into_a_pool_that_lodged_cannot_look_into(self):
        for image, form in (("holes.raw", "raw"), ("holes.raw", "qcow2"), ("top.qcow2", "raw"), ("top.qcow2", "qcow2")):
            with self.subTest(image=image, form=form):
                before = self.valve.sent
                self.rpc.answer(self.ask(image, form), 4 * PATIENCE)
                sent = self.valve.sent - before
                path = pathlib.Path(self.rpc.call("vm.get", vm="vm")["disks"][0]["path"])
                with as_uid(free_uid()), self.assertRaises(PermissionError):
                    path.open("rb")
                self.assertEqual(path.parent, self.disks)
                self.compare(path, form, self.plain)
                self.assertGreater(sent, 3 * MIB, "it went another way")
                self.assertLess(sent, 16 * MIB, "holes were sent")
                self.assertLess(path.stat().st_blocks * 512, 16 * MIB, "holes were filled")
                self.rpc.call("vm.delete", vm="vm", wait=True, deadline=60)
                self.nothing_is_left()

    def test_a_pool_that_is_full_keeps_nothing_of_the_disk(self):
        inside = ["nsenter", "-m", "-t", str(self.libvirtd.holder.pid)]
        subprocess.run([*inside, "mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", self.disks], check=True)
        try:
            for form in ("raw", "qcow2"):
                with self.subTest(form=form):
                    self.refused(self.ask("full.raw", form), "No space left on device")
                    left = subprocess.run([*inside, "ls", "-A", self.disks], check=True, capture_output=True)
                    self.assertEqual(left.stdout, b"")
                    self.nothing_is_left()
        finally:
            subprocess.run([*inside, "umount", self.disks], check=True)

    def test_a_copy_that_is_cancelled_half_way_leaves_nothing(self):
        asked, path = self.half_way("full.raw")
        [op] = [op for op in self.rpc.call("op.list")["ops"] if op["state"] == "running"]
        self.rpc.call("op.cancel", op=op["id"])
        self.assertTrue(path.exists())
        self.valve.open()
        self.assertEqual(self.refused(asked).kind, "cancelled")
        self.assertFalse(path.exists())
        self.nothing_is_left()

    def test_a_pool_that_is_removed_half_way_fails_the_disk_and_can_come_back(self):
        asked, path = self.half_way("full.raw")
        self.libvirtd.virsh("pool-destroy", POOL)
        self.libvirtd.virsh("pool-undefine", POOL)
        shutil.rmtree(self.disks)
        self.valve.open()
        self.refused(asked)
        self.make_pool()
        self.assertFalse(path.exists())
        self.nothing_is_left()
        self.rpc.answer(self.ask("full.raw"), 4 * PATIENCE)

    def test_when_libvirtd_dies_half_way_the_copy_begins_anew_when_it_is_back(self):
        asked, path = self.half_way("full.raw")
        self.libvirtd.kill()
        self.valve.open()
        self.libvirtd.start()
        self.rpc.answer(asked, 4 * PATIENCE)
        self.assertEqual(self.worlds.settle(60), [])
        self.compare(path, "raw", self.full)


if __name__ == "__main__":
    promise.main()
