"""Deleting what another VM uses, in all the ways in which one can use a file without saying its path: the
file stays, and it is said why. Through a private libvirtd with real QEMU (root)."""

import os
import shutil
import subprocess
import sys
import unittest
import uuid as uuids

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from disk_users import READ, SMALL, DiskUsers, disk  # noqa: E402
from world import Rpc, RpcError, free_uid  # noqa: E402


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Disks(DiskUsers):
    def test_a_disk_that_another_VM_uses_is_kept_however_it_says_so(self):
        def is_kept(use):
            path = self.create("web")
            use(self, path)
            kept = self.delete("web")
            self.assertEqual(list(kept), [str(path)])
            self.assertRegex(kept[str(path)], "^VM '(user|raw[0-3])' uses it$")
            self.assertTrue(path.exists())
        self.for_each_kind(is_kept)

    def test_a_volume_that_another_VM_uses_is_nobodys_by_no_account(self):
        def is_somebodys(use):
            path = self.disks / f"{uuids.uuid4()}-0.qcow2"
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "1G"], check=True)
            found = [{"host": "q", "path": str(path)}]
            self.assertEqual(self.rpc.call("server.compare")["stray_volumes"], found)
            use(self, path)
            self.assertEqual(self.rpc.call("server.compare")["stray_volumes"], [])
            with self.assertRaises(RpcError) as caught:
                self.rpc.call("orphan.delete", host="q", path=str(path), wait=True, deadline=60)
            self.assertEqual(caught.exception.kind, "conflict")
            self.assertIn("uses it", str(caught.exception))
            self.forget("user")
            for other in self.others.iterdir():
                other.unlink()
            self.assertEqual(self.rpc.call("server.compare")["stray_volumes"], found)
            os.utime(path, (0, 0))  # not of the last hour
            self.rpc.call("orphan.delete", host="q", path=str(path), wait=True, deadline=60)
            self.assertFalse(path.exists())
        self.for_each_kind(is_somebodys)

    def test_an_overlay_that_lies_in_a_pool_keeps_what_it_is_based_on(self):
        path = self.create("web")
        over = self.overlay(path, "template.qcow2", self.disks)
        self.assertEqual(self.delete("web"), {str(path): f"{over} is based on it"})
        self.assertTrue(path.exists())

    def test_a_file_with_a_second_name_is_kept(self):
        path = self.create("web")
        os.link(path, self.others / "second.qcow2")
        self.assertIn("one name", self.delete("web")[str(path)])
        self.assertTrue(path.exists())

    @unittest.skipUnless(shutil.which("qemu-nbd"), "needs qemu-nbd")
    def test_a_disk_that_a_QEMU_has_open_which_is_no_domains_is_kept(self):
        path = self.create("web")
        socket = self.world.folder / "nbd"
        nbd = self.world.keeper.start(["qemu-nbd", "-f", "qcow2", "-t", "-k", socket, path],
                                      self.world.folder / "nbd.log")
        self.addCleanup(nbd.kill)
        self.wait_until(socket.exists, "qemu-nbd's socket")
        self.assertEqual(self.delete("web"), {str(path): "a QEMU has it open"})
        self.assertTrue(path.exists())

    def test_a_disk_that_nobody_else_uses_goes_whatever_other_disks_say(self):
        path = self.create("web")
        # A guest can write what it likes into a disk that its definition calls raw.
        raw = self.create("guest", disks=[{"size_gib": 1, "format": "raw"}])
        header = self.overlay(path).read_bytes()
        with raw.open("r+b") as image:
            image.write(header)
        (self.others / "over.qcow2").unlink()
        self.libvirtd.virsh("pool-refresh", "lodge")
        self.libvirtd.virsh("undefine", "guest")
        self.assertEqual(self.delete("web"), {})
        self.assertFalse(path.exists())

    def test_words_for_people_use_no_file(self):
        path = self.create("web")
        xml = libvirtds.GUEST.replace("<memory", f"<title>{path}</title><description>{path}</description><memory", 1)
        self.libvirtd.define("user", xml=xml)
        self.rpc.call("vm.create", name="tagged", tags=[path.name], wait=True, deadline=60, **SMALL)
        self.assertEqual(self.delete("web"), {})
        self.assertFalse(path.exists())

    def test_chains_without_end_hang_nothing(self):
        path = self.create("web")
        for name, base in (("a", "./../others/b"), ("b", "./../others/a"), ("c", "c"), ("d", "json:{"), ("e", "nbd:far:1"),
                           ("f", "json:" + "[" * 900)):
            self.define(name, disk(f"file='{self.overlay(base, name)}'"))
        (self.others / "g").write_bytes(b"QFI\xfb\0\0\0\3" + b"\xff" * 4000)
        os.mkfifo(self.others / "h")
        for name in "gh":
            self.define(name, disk(f"file='{self.others}/{name}'"))
        self.assertEqual(self.delete("web"), {})
        self.assertFalse(path.exists())

    def test_users_hear_nothing_of_other_peoples_VMs(self):
        with self.daemon.rpc(uid=free_uid()) as user:
            path = self.create("web", rpc=user)
            self.use_slashes(path)
            self.assertEqual(self.delete("web", rpc=user), {str(path): "another VM uses it"})
            path = self.create("web", rpc=user)
            self.forget("user")
            self.overlay(path, "secret-name.qcow2", self.disks)
            self.assertEqual(self.delete("web", rpc=user), {str(path): "another volume is based on it"})

    def test_an_undone_creation_leaves_what_somebody_has_taken_meanwhile(self):
        daemon = self.start(name="slow", env={"LODGED_FAILPOINT": "create.define:error,create.volumes.undo:delay=1500"})
        self.addCleanup(daemon.stop)
        with daemon.rpc() as rpc:
            waiting = rpc.ask("vm.create", name="web", wait=True, **SMALL)
            self.wait_until(lambda: list(self.disks.glob("*.qcow2")), "the disk")
            path, = self.disks.glob("*.qcow2")
            self.use_slashes(path)
            with self.assertRaises(RpcError):
                rpc.answer(waiting, 60)
        self.assertTrue(path.exists())

    def test_a_VM_that_is_defined_between_the_reading_and_the_removal_keeps_its_disk(self):
        daemon = self.start(name="late", env={"LODGED_FAILPOINT": "delete.volumes:delay=1500"})
        self.addCleanup(daemon.stop)
        path = self.create("web", rpc=daemon.rpc())
        with Rpc(daemon.socket) as rpc:
            waiting = rpc.ask("vm.delete", vm="web", wait=True)
            self.wait_until(lambda: READ in daemon.process.output(), "the reading")
            self.use_linked_clone(path)  # the removal waits at its fail point
            kept = rpc.answer(waiting, 60)["kept"]
        self.assertEqual([entry["path"] for entry in kept], [str(path)])
        self.assertTrue(path.exists())

    def test_a_deletion_whose_readings_are_all_out_of_date_reads_for_itself(self):
        daemon = self.start(name="busy", env={"LODGED_FAILPOINT": "delete.volumes:delay=1000"})
        self.addCleanup(daemon.stop)
        path = self.create("web", rpc=daemon.rpc())
        with Rpc(daemon.socket) as rpc:
            waiting = rpc.ask("vm.delete", vm="web", wait=True)
            for number in range(1, 5):  # each time the removal waits at its fail point
                self.wait_until(lambda: daemon.process.output().count(READ) == number, "a reading")
                self.define(f"busy{number}", "" if number < 4 else disk(f"file='{path}'"))
            kept = rpc.answer(waiting, 60)["kept"]
        self.assertEqual({entry["path"]: entry["why"] for entry in kept}, {str(path): "VM 'busy4' uses it"})
        self.assertEqual(daemon.process.output().count(READ), 4, "another reading was asked for")

    def test_many_deletions_share_their_readings(self):
        paths = [self.create(f"web{number}") for number in range(20)]
        before = self.readings()
        asked = [self.rpc.ask("vm.delete", vm=f"web{number}", wait=True) for number in range(20)]
        for number in asked:
            self.assertEqual(self.rpc.answer(number, 60)["kept"], [])
        self.assertFalse([path for path in paths if path.exists()])
        self.assertLessEqual(self.readings() - before, 5)


if __name__ == "__main__":
    promise.main()
