#!/usr/bin/env python3
"""coverage: which lines and branches of the product a run of tests went through.

    coverage.py ROOT BUILD --prepare      before the run: no counts, and everybody may write them
    coverage.py ROOT BUILD [--whole]      the table by room, and below it the files that are badly covered
    coverage.py ROOT BUILD FILE…          the lines that were never run, the branches never taken

BUILD is a build folder with -Db_coverage=true, by gcc; `./test --coverage` makes it and runs the tests.
Whoever is killed writes no counts; lodged, which leaves by _exit(), writes them before.

Of an assert() only that it was reached is counted: its other branch is never to be taken. coverage.txt
has, for each file of which less than 60 % of the lines were run, why ("FILE reason"). With --whole (all
suites were run) a file without a reason fails, a reason that is no longer needed (unless it is the
machine's: "FILE machine: reason"), and a goal not reached.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "style"))
# pylint: disable=wrong-import-position
import layers  # noqa: E402
import links  # noqa: E402
import source  # noqa: E402

REASONS = "tests/coverage.txt"
GOALS = {"lines": 93.0, "branches": 80.0}
LEAST_OF_A_FILE = 60.0
AT_ONCE = 12  # objects for one gcov


class File:
    """Of one file: line -> how often it was run; (line, function, number) -> how often it was taken."""

    def __init__(self):
        self.lines, self.branches = {}, {}

    def add(self, line, is_assert):
        number, function = line["line_number"], line.get("function_name", "")
        self.lines[number] = self.lines.get(number, 0) + line["count"]
        for place, branch in enumerate(line["branches"] if not is_assert else ()):
            key = (number, function, place)
            self.branches[key] = self.branches.get(key, 0) + branch["count"]

    def figures(self):
        """Lines run, lines, branches taken, branches."""
        return (sum(count > 0 for count in self.lines.values()), len(self.lines),
                sum(count > 0 for count in self.branches.values()), len(self.branches))


def notes_of(root, build):
    """What gcov needs to know of each object of the product."""
    for output in links.compiled(root, build).values():
        notes = build / (output.removesuffix(".o") + ".gcno")
        if notes.is_file():
            yield notes


def prepare(build):
    """lodged runs as other users too; a file that is there and empty is taken for one without counts."""
    for notes in build.rglob("*.gcno"):
        counts = notes.with_suffix(".gcda")
        counts.unlink(missing_ok=True)
        counts.touch()
        counts.chmod(0o666)


def ask_gcov(build, notes):
    """The documents that gcov prints for some objects, one a line."""
    told = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *notes], cwd=build,
                          capture_output=True, text=True, check=False)
    documents = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    if len(documents) != len(notes):  # it also complains of files without counts, and goes on
        raise OSError(told.stderr)
    return documents


def asserting(path):
    """The lines of a file that have an assert() in them."""
    text = source.code_only(path.read_text(encoding="utf-8"))
    return {number for number, line in enumerate(text.splitlines(), 1) if re.search(r"\bassert\(", line)}


def measure(root, build):
    """file of the product, from the root -> File."""
    notes = list(notes_of(root, build))
    chunks = [notes[at:at + AT_ONCE] for at in range(0, len(notes), AT_ONCE)]
    files, asserts = {}, {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for document in (one for some in pool.map(lambda chunk: ask_gcov(build, chunk), chunks) for one in some):
            for told in document["files"]:
                path = pathlib.Path(document["current_working_directory"], told["file"]).resolve()
                if not path.is_relative_to(root) or path.is_relative_to(build):
                    continue
                name = path.relative_to(root).as_posix()
                if name.split("/")[0] not in layers.SEARCH:
                    continue
                if name not in files:
                    files[name], asserts[name] = File(), asserting(path)
                for line in told["lines"]:
                    files[name].add(line, line["line_number"] in asserts[name])
    return files


def part(some, of_all):
    return 100.0 * some / of_all if of_all else 100.0


def row(what, files):
    run, lines, taken, branches = map(sum, zip(*(file.figures() for file in files)))
    return (f"{what:<24} {len(files):>5} {lines:>7} {part(run, lines):>7.1f} %"
            f" {branches:>9} {part(taken, branches):>7.1f} %")


def table(files):
    rooms = {}
    for name, file in files.items():
        rooms.setdefault(layers.room_of(name) or "?", []).append(file)
    yield f"{'room':<24} {'files':>5} {'lines':>7} {'run':>9} {'branches':>9} {'taken':>9}"
    for room in sorted(rooms):
        yield row(room, rooms[room])
    yield row("all", list(files.values()))


def low_files(files):
    """Those below the least, worst first."""
    parts = {name: part(*file.figures()[:2]) for name, file in files.items()}
    return sorted((name for name in files if parts[name] < LEAST_OF_A_FILE), key=lambda name: (parts[name], name))


def reasons_of(root):
    """file -> line, why it is badly covered."""
    return {entry.partition(" ")[0]: (number, entry.partition(" ")[2].strip())
            for number, entry in source.entries(root / REASONS)}


def complaints(root, files):
    """What is wrong when everything was run."""
    reasons, low = reasons_of(root), low_files(files)
    for name in low:
        if not reasons.get(name, (0, ""))[1]:
            yield f"{name}:1: less than {LEAST_OF_A_FILE:.0f} % of it was run, and {REASONS} has no reason"
    for name, (number, why) in reasons.items():
        if name not in low and not (name in files and why.startswith("machine:")):
            what = "is well covered" if name in files else "is not there"
            yield f"{REASONS}:{number}: {name} {what}: take it off the list"
    run, lines, taken, branches = map(sum, zip(*(file.figures() for file in files.values())))
    for what, reached in (("lines", part(run, lines)), ("branches", part(taken, branches))):
        if reached < GOALS[what]:
            yield f"{reached:.1f} % of all {what}, the goal is {GOALS[what]:.0f} %"


def missed(file):
    """What was never run or taken, as ranges of lines."""
    numbers = sorted(number for number, count in file.lines.items() if count == 0)
    known = sorted(file.lines)
    ranges = []
    for number in numbers:
        before = known[known.index(number) - 1] if known.index(number) else None
        if ranges and ranges[-1][1] == before:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    yield "never run: " + ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in ranges)
    half = sorted({key[0] for key, count in file.branches.items() if count == 0 and file.lines[key[0]] > 0})
    yield "run, with a branch never taken: " + ", ".join(map(str, half))


def main(root, build, *words):
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build).resolve()
    if words == ("--prepare",):
        prepare(build)
        return 0
    files = measure(root, build)
    if not files:
        print(f"{build} has no counts: is it built with -Db_coverage=true?")
        return 1
    for name in words if words != ("--whole",) else ():
        print(row(name, [files[name]]), *missed(files[name]), sep="\n    ")
    if words not in ((), ("--whole",)):
        return 0
    print(*table(files), sep="\n")
    reasons = reasons_of(root)
    for name in low_files(files):
        run, lines = files[name].figures()[:2]
        print(f"{name}: {run} of {lines} lines: {reasons.get(name, (0, 'no reason'))[1]}")
    wrong = list(complaints(root, files)) if words else []
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
