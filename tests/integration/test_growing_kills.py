"""A disk that grows while lodged, libvirtd or the disk itself is broken under it (root; a lodged built with
-Dfailpoints=true): what is there afterwards is what is said and charged, and nothing else was touched."""

import os
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from growing import GIB, GrowingTest, qemu_img  # noqa: E402
from world import LODGED, Gone  # noqa: E402


def points():
    """What is between a growth's first look and its end."""
    listed = subprocess.run([LODGED], env={**os.environ, "LODGED_FAILPOINT": "list"}, text=True,
                            capture_output=True, timeout=30, check=False)
    steps = ("update.grow",)
    return [point for point in listed.stdout.split() if point.startswith(steps)]


def why_not():
    return libvirtds.why_not() or (None if points() else "needs a lodged with fail points")


@unittest.skipIf(why_not(), why_not())
class GrowingKills(GrowingTest):
    def killed(self, point, name, gib):
        self.restart(f"update.{point}:kill")
        with self.assertRaises(Gone):
            self.grow(name, gib)
        self.daemon.process.wait()

    def test_what_was_grown_while_lodged_was_away_is_not_cut_by_its_recovery(self):
        for point in ("grow", "grow.done"):
            for name, kind, running in (("a", "qcow2", False), ("b", "raw", False),
                                        ("c", "qcow2", True)):
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


if __name__ == "__main__":
    promise.main()
