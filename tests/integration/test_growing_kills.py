"""A disk that grows while lodged, libvirtd or the disk itself is broken under it (root; a lodged built with
-Dfailpoints=true): what is there afterwards is what is said and charged, and nothing else was touched."""

import itertools
import os
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import failpoints  # noqa: E402
import promise  # noqa: E402
from drawn import drawn  # noqa: E402
from failpoints import why_not  # noqa: E402
from growing import GIB, GrowingTest, qemu_img  # noqa: E402
from world import Gone, Mirror, free_uid  # noqa: E402


def points():
    """What is between a growth's first look and its end."""
    steps = ("update.grow", "update.stand_in", "update.stretch", "update.stand_down")
    return [point for point in failpoints.points() if point.startswith(steps)]


@unittest.skipIf(why_not(), why_not())
class GrowingKills(GrowingTest):
    def killed(self, point, name, gib):
        self.restart(f"update.{point}:kill")
        with self.assertRaises(Gone):
            self.grow(name, gib)
        self.daemon.process.wait()

    def test_what_was_grown_while_lodged_was_away_is_not_cut_by_its_recovery(self):
        rounds = itertools.product(("grow", "grow.done"), (("a", "qcow2", False), ("b", "raw", False),
                                                           ("c", "qcow2", True)))
        for point, (name, kind, running) in drawn(rounds, "disks grown by another tool", 3):
            with self.subTest(point=point, kind=kind, running=running):
                path = self.create(name, kind, start=running)
                self.killed(point, name, 2)
                if running:
                    self.libvirtd.virsh("blockresize", name, "vda", "5G")
                else:
                    qemu_img("resize", "-q", "-f", kind, path, "5G")
                self.rpc = self.start()
                self.assertEqual(self.ended()["state"], "done")
                self.assertEqual(self.gib_of(path, kind), 5)
                self.assertEqual(self.charged(name), 5)
                self.rpc.call("vm.delete", vm=name, wait=True, deadline=60)

    def test_what_was_moved_while_lodged_was_away_is_a_conflict_at_its_recovery(self):
        for name, running in (("off", False), ("on", True)):
            with self.subTest(running=running):
                path = self.create(name, "qcow2", start=running)
                self.killed("grow", name, 3)
                self.libvirtd.virsh("snapshot-create-as", name, "s1", "--disk-only")
                self.rpc = self.start()
                op = self.ended()
                self.assertEqual((op["state"], op["error"]["kind"]), ("failed", "conflict"), op)
                overlay = path.with_suffix(".s1")
                self.assertEqual((self.gib_of(path, "qcow2"), self.gib_of(overlay, "qcow2")), (1, 1))
                self.assertEqual(self.charged(name), 1)
                self.rpc.call("vm.delete", vm=name, wait=True, deadline=60)

    def test_a_header_written_while_lodged_was_away_names_no_file_at_its_recovery(self):
        with self.images() as images:
            path = self.create("web", "raw")
            self.killed("grow", "web", 3)
            self.write(path, images["external data file"])
            self.refresh()
            self.rpc = self.start()
            self.assertEqual(self.ended()["state"], "done")
            self.assertEqual(path.stat().st_size, 3 * GIB)
            self.nothing_was_touched()

    def test_a_guest_that_is_started_while_its_disk_grows_sees_it_grown(self):
        path = self.create("web", "qcow2")
        asked = self.asked_at("grow", "web", 3)
        self.libvirtd.virsh("start", "web")
        self.rpc.answer(asked, 60)
        self.assertEqual((self.gib_of(path, "qcow2"), self.guest_gib("web")), (3, 3))

    def test_the_journal_of_a_lodged_that_noted_no_formats_is_finished(self):
        for name, kind in (("a", "qcow2"), ("b", "raw")):
            path = self.create(name, kind)
            self.killed("grow", name, 2)
            with sqlite3.connect(f"{self.daemon.state_dir}/lodge.db") as database:
                changed = database.execute(
                    "UPDATE op SET journal = json_remove(journal, '$.disks[0].format')"
                    " WHERE ended_ms IS NULL AND json_extract(journal, '$.disks[0].format') = ?", (kind,))
                self.assertEqual(changed.rowcount, 1)
            self.rpc = self.start()
            self.assertEqual(self.ended()["state"], "done")
            self.assertEqual(self.gib_of(path, kind), 2)


@unittest.skipIf(why_not(), why_not())
class GrowingKillsUnprivileged(GrowingTest):
    """lodged runs as nobody: what it may not open, a stand-in's QEMU makes larger."""

    UID = free_uid()

    def test_killed_at_any_step_the_disk_has_grown_and_nothing_is_left(self):
        self.assertEqual(len(points()), 8)
        for point in drawn(points(), "kills while QEMU grows a disk", 3):
            with self.subTest(point=point):
                path = self.create("web", "raw")
                self.restart(f"{point}:kill")
                with self.assertRaises(Gone):
                    self.grow("web", 2)
                self.daemon.process.wait()
                self.rpc = self.start()
                self.assertEqual(self.ended()["state"], "done")
                self.assertEqual((path.stat().st_size, self.charged("web")), (2 * GIB, 2))
                self.assertEqual(self.stand_ins(), [])
                self.rpc.call("vm.start", vm="web", wait=True, deadline=60)
                self.assertEqual(self.rpc.call("vm.get", vm="web")["state"], "running")
                self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)

    def test_a_step_that_fails_leaves_nothing_behind(self):
        rounds = (("stand_in", 1), ("stand_in.done", 1), ("stretch", 1), ("stretch.done", 2),
                  ("stand_down", 2), ("stand_down.done", 2))
        for point, grown in drawn(rounds, "failures while QEMU grows a disk", 2):
            with self.subTest(point=point):
                path = self.create("web", "raw")
                self.restart(f"update.{point}:error")
                insists = point.startswith("stand_down")  # it is tried again until it works
                if insists:
                    self.rpc.call("vm.update", vm="web", disks=[{"target": "vda", "size_gib": 2}])
                    self.wait_for("stand_down", "waiting")
                else:
                    self.refused("internal", "web", 2)
                self.restart()
                self.assertEqual(self.ended()["state"], "done" if insists else "failed")
                self.assertEqual((path.stat().st_size, self.charged("web")), (grown * GIB, grown))
                self.rpc.call("vm.start", vm="web", wait=True, deadline=60)
                self.assertEqual(self.stand_ins(), [])
                self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)

    def test_a_libvirtd_that_is_killed_meanwhile_leaves_nothing_behind(self):
        """libvirt forgets AUTODESTROY when it is restarted (9.0)."""
        for step in drawn(("stand_in", "stretch", "stand_down"), "libvirtd killed while QEMU grows a disk", 1):
            with self.subTest(step=step):
                path = self.create("web", "raw")
                asked = self.asked_at(step, "web", 2)
                self.libvirtd.restart()
                self.rpc.answer(asked, 90)
                self.assertEqual((path.stat().st_size, self.charged("web")), (2 * GIB, 2))
                self.assertEqual(self.stand_ins(), [])
                self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)

    def test_a_guest_that_somebody_starts_meanwhile_sees_its_disk_grown(self):
        path = self.create("web", "raw")
        asked = self.asked_at("stand_in", "web", 2)
        self.libvirtd.virsh("start", "web")
        self.rpc.answer(asked, 60)
        self.assertEqual((path.stat().st_size, self.guest_gib("web")), (2 * GIB, 2))
        self.assertEqual(self.stand_ins(), [])

    def test_two_writers_never_have_the_disk(self):
        self.create("web", "raw")
        asked = self.asked_at("stretch", "web", 2)
        stand_in, = self.stand_ins()
        self.assertEqual(self.libvirtd.virsh("domstate", stand_in).stdout.strip(), "paused")
        self.assertEqual(self.libvirtd.virsh("domstate", "web").stdout.strip(), "shut off")
        self.assertNotEqual(self.libvirtd.virsh("start", "web", check=False).returncode, 0)
        self.rpc.answer(asked, 60)
        self.rpc.call("vm.start", vm="web", wait=True, deadline=60)
        self.assertEqual(self.guest_gib("web"), 2)

    def test_a_stand_in_that_nobody_waits_for_is_ended_and_nothing_else_is(self):
        path = self.create("web", "raw")
        asked = self.asked_at("stretch", "web", 2)
        left, = self.stand_ins()
        xml = self.world.folder / "left.xml"
        text = self.libvirtd.virsh("dumpxml", left).stdout
        self.rpc.answer(asked, 60)
        self.restart()
        unmarked = left[:-1] + ("0" if left[-1] != "0" else "1")
        theirs = text.replace(left, unmarked).replace('"stand-in"', '"somebody"')
        self.assertIn('"somebody"', theirs)
        xml.write_text(theirs.replace("<name>", "<name>their-").replace(str(path), str(self.victim)))
        self.libvirtd.virsh("create", xml)
        xml.write_text(text)
        self.libvirtd.virsh("create", xml)
        with self.daemon.rpc() as feed:
            mirror = Mirror(feed, topics=["vm"]).wait_ready()
            mirror.wait(lambda m: {left, unmarked} <= {vm["uuid"] for vm in m.vms.values()}, 30)
            mirror.wait(lambda m: left not in {vm["uuid"] for vm in m.vms.values()}, 90)
        self.assertEqual(self.stand_ins(), [unmarked])
        self.libvirtd.virsh("destroy", unmarked)
        self.rpc.call("vm.start", vm="web", wait=True, deadline=60)


if __name__ == "__main__":
    promise.main()
