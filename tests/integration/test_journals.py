"""What a lodged of before left unfinished when it was killed, at every point of every operation, is
finished or undone by the lodged of today, as the one of before would have done (root). All of it is
found at one start, as after the power went in a busy house.

tests/data/journals/ has the operations, their VMs, domains and files; tests/journals.py writes them."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from stored_journals import JournalWorld, names, stored  # noqa: E402
from world import World, free_uid  # noqa: E402


def promised(case):
    """What recovery promises of such an operation, whoever does it: how it ends, and whether its VM is
    still there; None where that is the guest's to say."""
    op = case["rows"]["op"]
    kind, step = op["kind"], op["step"]
    if kind == "vm.create":
        return ("done", True) if op["committed"] else ("failed", False)
    if kind in ("vm.delete", "vm.forget"):
        return "done", False
    if kind in ("vm.reset", "vm.nmi", "vm.reboot"):  # which is not done twice
        return None, True
    if kind == "orphan.delete":
        return "done", False
    return (None if kind == "vm.shutdown" else "done"), True


def leaves_files(case):
    """What lodge only forgets, or deletes one by one on an admin's word: its other files stay."""
    return case["rows"]["op"]["kind"] in ("vm.forget", "orphan.delete")


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class AsRoot(unittest.TestCase):
    UID = None

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.cases = stored(unprivileged=self.UID is not None)
        self.place = JournalWorld(self.world, self.UID)

    def check(self, case, end):
        op = case["rows"]["op"]
        self.assertEqual(end, case["ends"], "ended otherwise than by the lodged that left it")
        state, is_there = promised(case)
        if state is not None:
            self.assertEqual(end["state"], state)
        self.assertEqual((end["row"] is not None, end["domain"] is not None), (is_there, is_there))
        if not is_there and not leaves_files(case):
            self.assertEqual(end["files"], [], "somebody's disk stays")

    def test_what_the_lodged_of_before_left_at_any_point_is_ended_as_it_would_have_been(self):
        self.assertTrue(self.cases)
        self.place.put(self.cases)
        left = self.place.recover()
        self.assertEqual(left, 0)
        (integrity,), = self.place.worlds.rows("PRAGMA integrity_check")
        self.assertEqual(integrity, "ok")
        said = [line for line in self.place.daemon.process.output().splitlines() if " error" in line]
        self.assertEqual(self.place.worlds.unfinished(), [], "not taken up: " + "\n".join(said))
        for case, end in zip(self.cases, self.place.ends(self.cases)):
            with self.subTest(points=case["points"]):
                self.check(case, end)
        strays = [file["name"] for case in self.cases if leaves_files(case) for file in case["files"]]
        wrong = [word for word in self.place.worlds.compare() if not any(name in word for name in strays)]
        self.assertEqual(wrong, [])


class Unprivileged(AsRoot):
    """Left by a lodged that was nobody: what it may not open, a stand-in's QEMU made larger."""

    UID = free_uid()


class Stored(unittest.TestCase):
    def test_every_step_of_the_lodged_of_before_has_such_operations(self):
        stored_points = {point for other in (False, True) for case in stored(other) for point in case["points"]}
        missing = [point for kind, steps in names()["steps"].items() for step in steps
                   if (point := f"{kind.removeprefix('vm.')}.{step}") not in stored_points]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    promise.main()
