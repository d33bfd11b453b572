#!/usr/bin/env python3
"""What tests/data/tsan.supp suppresses hides no race of ours: each of planted_races.c, built for
ThreadSanitizer, is reported with both of its sides.

    BUILD_DIR=build-tsan setarch -R python3 test_planted_races.py
"""

import os
import pathlib
import subprocess
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "support"))
import promise  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("BUILD_DIR", "build-tsan")) / "tests/tsan/planted_races"
REPORTED = 66


class PlantedRaces(unittest.TestCase):
    def run_case(self, case):
        options = f"suppressions={TESTS / 'data' / 'tsan.supp'}:exitcode={REPORTED}"
        return subprocess.run([PROGRAM, case], env={**os.environ, "TSAN_OPTIONS": options}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)

    def assert_reported(self, case, *sides):
        done = self.run_case(case)
        self.assertEqual(done.returncode, REPORTED, done.stdout)
        reports = done.stdout.split("WARNING: ThreadSanitizer: ")[1:]
        self.assertTrue(any(all(side in report for side in sides) for report in reports), done.stdout)

    def test_a_race_of_the_loops_timer_and_a_worker_is_reported(self):
        self.assert_reported("timer", "timer_touches", "worker_touches")

    def test_a_descriptor_closed_under_the_loop_is_reported(self):
        self.assert_reported("descriptor", "timer_reads", "worker_closes")

    def test_an_end_of_what_a_worker_used_is_reported(self):
        self.assert_reported("end", "timer_ends", "worker_uses")

    def test_an_end_of_what_a_worker_holds_is_reported(self):
        self.assert_reported("held", "timer_ends", "worker_holds")

    def test_a_race_of_a_delivery_and_its_sender_is_reported(self):
        self.assert_reported("letter", "delivery_touches", "sender_touches")

    def test_a_race_of_the_loop_and_what_libvirt_writes_is_reported(self):
        self.assert_reported("libvirt", "timer_touches", "memset", "libvirt.so")

    def test_a_race_of_the_loop_and_a_callback_of_libvirt_is_reported(self):
        self.assert_reported("callback", "timer_touches", "callback_touches")

    def test_what_a_lock_of_libvirt_orders_is_no_race(self):
        done = self.run_case("lock")
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_a_number_that_libuv_closed_and_a_worker_opens_is_no_race(self):
        done = self.run_case("number")
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    promise.main()
