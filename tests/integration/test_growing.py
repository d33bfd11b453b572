"""Disks that grow, through a private libvirtd with real QEMU (root): what a guest wrote into its disk and
what another tool did to it decide nothing about anybody else's file, and what is said to be done is so."""

import contextlib
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from growing import GIB, GrowingTest, qemu_img  # noqa: E402
from three_worlds import digest  # noqa: E402
from world import Mirror, RpcError, free_uid  # noqa: E402


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Growing(GrowingTest):
    def test_what_a_guest_wrote_into_its_raw_disk_names_no_file_when_it_grows_off(self):
        self.held_against_all_images(running=False)

    def test_what_a_guest_wrote_into_its_raw_disk_names_no_file_when_it_grows_running(self):
        self.held_against_all_images(running=True)

    def test_a_qcow2_disk_whose_header_names_another_file_is_left_alone(self):
        path = self.create("web", "qcow2")
        qemu_img("rebase", "-u", "-f", "qcow2", "-b", self.victim, "-F", "raw", path)
        before = digest(path)
        self.refused("conflict", "web", 3)
        self.assertEqual(digest(path), before)
        self.nothing_was_touched()
        self.assertEqual(self.charged("web"), 1)

    def test_a_link_in_a_disks_place_is_not_followed(self):
        for name, kind, running in (("off", "raw", False), ("on", "raw", True),
                                    ("off2", "qcow2", False)):
            with self.subTest(kind=kind, running=running):
                path = self.create(name, kind, start=running)
                aside = path.with_suffix(".aside")
                path.rename(aside)
                path.symlink_to(self.victim)
                self.refused("conflict", name, 3)
                self.nothing_was_touched()
                path.unlink()
                aside.rename(path)
                self.grow(name, 3)
                self.assertEqual(self.gib_of(path, kind), 3)

    def test_a_disk_that_another_tool_has_grown_is_not_cut_and_is_charged_as_it_is(self):
        for name, kind, running in (("a", "qcow2", False), ("b", "raw", False), ("c", "qcow2", True),
                                    ("d", "raw", True)):
            with self.subTest(kind=kind, running=running):
                path = self.create(name, kind, start=running)
                if running:
                    self.libvirtd.virsh("blockresize", name, "vda", "5G")
                else:
                    qemu_img("resize", "-q", "-f", kind, path, "5G")
                self.grow(name, 2)
                self.assertEqual(self.gib_of(path, kind), 5)
                self.assertEqual(self.charged(name), 5)
                self.assertEqual(self.rpc.call("vm.get", vm=name)["disks"][0]["size_gib"], 5)
                self.rpc.call("vm.delete", vm=name, wait=True, deadline=60)

    def test_a_disk_with_an_overlay_of_another_tool_is_a_conflict_that_names_both(self):
        for name, running in (("off", False), ("on", True)):
            with self.subTest(running=running):
                path = self.create(name, "qcow2", start=running)
                self.libvirtd.virsh("snapshot-create-as", name, "s1", "--disk-only")
                overlay = path.with_suffix(".s1")
                self.assertTrue(overlay.exists())
                self.refused("conflict", name, 3, path.name, overlay.name, vcpus=2)
                self.assertEqual((self.gib_of(path, "qcow2"), self.gib_of(overlay, "qcow2")), (1, 1))
                self.assertEqual(self.charged(name), 1)
                xml = self.libvirtd.virsh("dumpxml", "--inactive", name).stdout
                self.assertIn(">1</vcpu>", xml, "half of it was done")
                self.rpc.call("vm.delete", vm=name, wait=True, deadline=60)

    def test_a_foreign_image_at_a_disks_target_keeps_its_size(self):
        path = self.create("web", "qcow2")
        theirs = self.world.folder / "theirs.qcow2"
        qemu_img("create", "-q", "-f", "qcow2", theirs, "5G")
        self.redefine("web", (str(path), str(theirs)))
        self.refused("conflict", "web", 2, theirs, path.name)
        self.libvirtd.virsh("start", "web")
        Mirror(self.rpc, topics=["vm"]).wait(
            lambda m: m.vms.get("web", {}).get("state") == "running")
        self.refused("conflict", "web", 2, theirs, path.name)
        self.assertEqual((self.gib_of(theirs, "qcow2"), self.gib_of(path, "qcow2")), (5, 1))
        self.assertEqual(self.guest_gib("web"), 5)
        # … and where only the next boot has it
        self.rpc.call("vm.stop", vm="web", wait=True, deadline=60)
        self.redefine("web", (str(theirs), str(path)))
        self.rpc.call("vm.start", vm="web", wait=True, deadline=60)
        self.redefine("web", (str(path), str(theirs)))
        self.refused("conflict", "web", 2, "next boot", theirs, path.name)
        self.assertEqual(self.guest_gib("web"), 1)
        self.assertEqual(self.charged("web"), 1)

    def test_a_disk_that_is_read_in_another_format_is_a_conflict(self):
        self.create("web", "raw")
        self.redefine("web", ("type='raw' discard", "type='qcow2' discard"))
        self.refused("conflict", "web", 2, "qcow2", "raw")

    def test_the_same_file_by_another_name_is_the_same_disk(self):
        path = self.create("web", "qcow2")
        self.redefine("web", (f"'{path}'", f"'{path.parent}//./{path.name}'"))
        self.grow("web", 2)
        self.redefine("web", ("<disk type='file' device='disk'", "<disk type='volume' device='disk'"),
                      (f"file='{path.parent}//./{path.name}'",
                       f"pool='{self.pool()}' volume='{path.name}'"))
        self.grow("web", 3)
        self.rpc.call("vm.start", vm="web", wait=True, deadline=60)
        self.grow("web", 4)
        self.assertEqual((self.gib_of(path, "qcow2"), self.guest_gib("web")), (4, 4))
        self.assertEqual(self.charged("web"), 4)

    def test_a_disk_named_twice_is_charged_as_before_when_it_fails(self):
        path = self.create("web", "qcow2")
        self.libvirtd.virsh("snapshot-create-as", "web", "s1", "--disk-only")
        with self.assertRaises(RpcError):
            self.rpc.call("vm.update", vm="web", wait=True, deadline=60, disks=[
                {"target": "vda", "size_gib": 3}, {"target": "vda", "size_gib": 5}])
        self.assertEqual((self.charged("web"), self.gib_of(path, "qcow2")), (1, 1))


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class GrowingUnprivileged(GrowingTest):
    """lodged runs as nobody: libvirtd lets it do everything, the files are root's."""

    UID = free_uid()

    def states_of(self, mirror, name):
        return {note["vm"]["state"] for note in mirror.settle().log
                if note.get("topic") == "vm" and note["vm"].get("name") == name}

    def test_a_disk_that_lodged_may_not_open_grows_and_its_guest_never_runs(self):
        self.create("web", "qcow2", "raw")
        paths = self.paths("web")
        for path in paths:
            self.assertEqual((path.stat().st_uid, path.stat().st_mode & 0o777), (0, 0o600))
        with self.daemon.rpc() as feed:
            mirror = Mirror(feed, topics=["vm"]).wait_ready()
            self.rpc.call("vm.update", vm="web", wait=True, deadline=60, disks=[
                {"target": "vda", "size_gib": 2}, {"target": "vdb", "size_gib": 3}])
            self.assertEqual(self.states_of(mirror, "web"), {"shutoff"})
        self.assertEqual([self.gib_of(paths[0], "qcow2"), self.gib_of(paths[1], "raw")], [2, 3])
        self.assertEqual(self.charged("web"), 5)
        self.assertEqual(self.stand_ins(), [])
        self.rpc.call("vm.start", vm="web", wait=True, deadline=60)
        self.assertEqual((self.guest_gib("web"), self.guest_gib("web", "vdb")), (2, 3))
        self.grow("web", 4)
        self.assertEqual(self.guest_gib("web"), 4)

    def test_a_disk_in_a_folder_that_lodged_may_not_enter_grows_too(self):
        path = self.create("web", "qcow2")
        self.disks.chmod(0o700)
        try:
            self.grow("web", 2)
            self.assertEqual(self.gib_of(path, "qcow2"), 2)
        finally:
            self.disks.chmod(0o711)

    def test_what_a_guest_wrote_into_its_raw_disk_names_no_file_when_QEMU_makes_it_grow(self):
        self.held_against_all_images(running=False)

    def test_what_a_qcow2_header_names_below_is_not_touched(self):
        path = self.create("web", "qcow2")
        qemu_img("rebase", "-u", "-f", "qcow2", "-b", self.victim, "-F", "raw", path)
        with contextlib.suppress(RpcError):
            self.grow("web", 3)
        self.nothing_was_touched()
        self.assertEqual(self.stand_ins(), [])

    def test_one_that_is_larger_already_is_not_cut(self):
        path = self.create("web", "raw")
        qemu_img("resize", "-q", "-f", "raw", path, "5G")
        self.grow("web", 2)
        self.assertEqual((path.stat().st_size, self.charged("web")), (5 * GIB, 5))

    def test_one_that_was_moved_is_a_conflict(self):
        path = self.create("web", "qcow2")
        self.libvirtd.virsh("snapshot-create-as", "web", "s1", "--disk-only")
        self.refused("conflict", "web", 3, path.name, path.with_suffix(".s1").name)
        self.assertEqual((self.gib_of(path, "qcow2"), self.charged("web")), (1, 1))

    def test_a_managed_save_outlives_the_growth(self):
        self.create("web", "raw", start=True)
        self.rpc.call("vm.save", vm="web", wait=True, deadline=60)
        self.grow("web", 2)
        self.assertIn("yes", next(line for line in self.libvirtd.virsh("dominfo", "web").stdout.split("\n")
                                  if "Managed save" in line))


if __name__ == "__main__":
    promise.main()
