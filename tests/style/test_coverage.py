#!/usr/bin/env python3
"""What tests/coverage.py says of a small house that was run."""

import contextlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import coverage  # noqa: E402  # pylint: disable=wrong-import-position

ROOF = """#include <assert.h>
#include "door.h"
int roof(int rain);
int roof(int rain)
{
    assert(rain >= 0);
    if (rain > 1) {
        return wide(rain);
    }
    return 1;
}
"""
WALL = """int wall(void);
int wall(void)
{
    return 1;
}
"""
DOOR = """static inline int wide(int rain)
{
    return rain > 2 ? 3 : 4;
}
"""
MAIN = """int roof(int rain);
int main(void)
{
    return roof(1) - 1;
}
"""


@unittest.skipUnless(shutil.which("gcc") and shutil.which("gcov"), "no gcc or gcov here")
class Coverage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        self.build = self.root / "build"
        self.plant("tests/coverage.txt", "# none\n")
        entries = []
        for name, text in {"src/roof.c": ROOF, "src/wall.c": WALL, "src/door.h": DOOR, "tui/main.c": MAIN}.items():
            self.plant(name, text)
            if name.endswith(".c"):
                output = name.replace("/", "_") + ".o"
                entries.append({"directory": str(self.build), "file": f"../{name}", "output": output})
        self.plant("build/compile_commands.json", json.dumps(entries))
        for entry in entries:
            subprocess.run(["gcc", "-O0", "--coverage", "-I../src", "-c", entry["file"], "-o", entry["output"]],
                           cwd=self.build, check=True)
        subprocess.run(["gcc", "--coverage", *(entry["output"] for entry in entries), "-o", "house"], cwd=self.build,
                       check=True)

    def plant(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def said(self, *words):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = coverage.main(self.root, self.build, *words)
        return status, out.getvalue()

    def run_house(self):
        coverage.main(self.root, self.build, "--prepare")
        subprocess.run(["./house"], cwd=self.build, check=True)

    def test_rooms_and_files_are_counted(self):
        self.run_house()
        status, said = self.said()
        self.assertEqual(0, status)
        # roof: 5 lines of which 4 were run, 2 branches besides assert's; its header 2 lines, 2 branches.
        self.assertRegex(said, r"\nsrc +3 +9 +44.4 % +4 +25.0 %\n")
        self.assertRegex(said, r"\ntui +1 +2 +100.0 % +0 +100.0 %\n")
        self.assertRegex(said, r"\nall +4 +11 +54.5 % +4 +25.0 %\n")
        self.assertTrue(said.endswith("src/door.h: 0 of 2 lines: no reason\n"
                                      "src/wall.c: 0 of 2 lines: no reason\n"), said)

    def test_a_badly_covered_file_needs_a_reason_and_goals_are_held(self):
        self.run_house()
        self.plant("tests/coverage.txt", "src/door.h  nobody goes out\nsrc/roof.c it rains\nsrc/gone.c it went\n"
                   "tui/main.c machine: a house elsewhere has no door\n")
        status, said = self.said("--whole")
        self.assertEqual(1, status)
        self.assertIn("src/door.h: 0 of 2 lines: nobody goes out\n", said)
        self.assertEqual(["src/wall.c:1: less than 60 % of it was run, and tests/coverage.txt has no reason",
                          "tests/coverage.txt:2: src/roof.c is well covered: take it off the list",
                          "tests/coverage.txt:3: src/gone.c is not there: take it off the list",
                          "54.5 % of all lines, the goal is 93 %", "25.0 % of all branches, the goal is 80 %"],
                         said.splitlines()[-5:])

    def test_what_was_missed_in_a_file_is_said(self):
        self.run_house()
        self.assertIn("never run: 8\n    run, with a branch never taken: 7\n", self.said("src/roof.c")[1])
        self.assertIn("never run: 2-4\n", self.said("src/wall.c")[1])

    def test_counts_add_up_and_are_forgotten_when_asked(self):
        self.run_house()
        subprocess.run(["./house"], cwd=self.build, check=True)
        self.assertEqual(2, coverage.measure(self.root, self.build)["tui/main.c"].lines[4])
        self.assertEqual(0o666, (self.build / "src_roof.c.gcda").stat().st_mode & 0o777)
        coverage.main(self.root, self.build, "--prepare")
        self.assertEqual(0, coverage.measure(self.root, self.build)["tui/main.c"].lines[4])

    def test_a_build_that_does_not_count_is_said(self):
        for notes in self.build.glob("*.gcno"):
            notes.unlink()
        self.assertEqual((1, f"{self.build} has no counts: is it built with -Db_coverage=true?\n"), self.said())


if __name__ == "__main__":
    unittest.main()
