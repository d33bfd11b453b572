"""A test that does not come to its end fails before it is killed, with what it waits for."""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import planted  # noqa: E402
import promise  # noqa: E402

# A test program in whose world a program runs for ever.
PROGRAM = """
import sys, unittest
sys.path.insert(0, sys.argv.pop(1))
import promise
from world import World
class Planted(unittest.TestCase):
    def test_it_waits_for_ever(self):
        with World() as world:
            world.keeper.start(["sleep", "86400"], world.folder / "log").wait(86400)
promise.main()
"""


class OutOfTime(unittest.TestCase):
    def test_what_has_not_ended_fails_with_what_it_waits_for(self):
        with tempfile.TemporaryDirectory() as left:
            done = planted.run(PROGRAM, left, "--within=2")
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("FAILED  it waits for ever", done.stdout)
            self.assertIn("it has not ended within 2 s", done.stdout)
            self.assertIn("in test_it_waits_for_ever", done.stdout)
            kept = "\n".join(path.read_text() for path in pathlib.Path(left).rglob("processes.txt"))
            self.assertIn("sleep 86400", kept)


if __name__ == "__main__":
    promise.main()
