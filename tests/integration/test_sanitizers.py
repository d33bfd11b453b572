"""What a sanitizer writes fails the test program, also when the program that wrote it is killed."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import planted  # noqa: E402
import promise  # noqa: E402

# A test program in whose world a program called NAME writes WORDS and is killed.
PROGRAM = """
import sys, unittest
support, name, words = sys.argv[1:]
del sys.argv[1:]
sys.path.insert(0, support)
import promise
from world import World
class Planted(unittest.TestCase):
    def test_nothing_is_asked(self):
        with World() as world:
            program = world.folder / name
            program.write_text("#!/bin/sh\\necho \\"$1\\"\\nkill -9 $$\\n")
            program.chmod(0o755)
            world.keeper.start(["env", program, words], world.folder / "log").wait()
promise.main()
"""
RACE = """==================
WARNING: ThreadSanitizer: data race (pid=1)
    #0 one_side
    #0 other_side
SUMMARY: ThreadSanitizer: data race in one_side
==================
all is well"""
OVERFLOW = """==1==ERROR: AddressSanitizer: heap-buffer-overflow
    #0 one_side
SUMMARY: AddressSanitizer: heap-buffer-overflow"""
LEAK = "==1==ERROR: LeakSanitizer: detected memory leaks\n    #0 one_side"
UNDEFINED = "file.c:1:2: runtime error: one_side of a shift\n"


class Sanitizers(unittest.TestCase):
    def run_program(self, name, words):
        """What it leaves is no failure of ours, and goes."""
        with tempfile.TemporaryDirectory() as left:
            return planted.run(PROGRAM, left, name, words)

    def test_a_report_of_a_daemon_that_is_killed_fails_the_program(self):
        for report in (RACE, OVERFLOW, LEAK, UNDEFINED):
            with self.subTest(report=report.split("\n")[0]):
                done = self.run_program("lodged", f"ready\n{report}")
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("one_side", done.stdout)
                self.assertIn("FAILED  the sanitizer is silent (reports: 1)", done.stdout)
                self.assertTrue(done.stdout.endswith("1 passed, 1 failed\n"), done.stdout)

    def test_a_report_is_printed_to_its_end_and_no_further(self):
        said = self.run_program("lodged", f"ready\n{RACE}").stdout
        self.assertIn("SUMMARY", said)
        self.assertNotIn("all is well", said)

    def test_others_may_say_what_they_want(self):
        done = self.run_program("libvirtd", RACE)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_words_about_sanitizers_are_no_report(self):
        done = self.run_program("lodged", "built for ThreadSanitizer")
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    promise.main()
