#!/usr/bin/env python3
"""tidy: clang-tidy 14 has nothing to say (.clang-tidy holds what it is asked).

    tidy.py ROOT BUILD

Each file once and in a process of its own, on all processors. What gcc alone understands in BUILD's
compile_commands.json does no harm. Generated sources must have been built.

The analyzer walks through FEW states of each function, which takes it a small part of the time and
still comes to the end of most; TIDY=deep has it walk through as many as it would (./test --all).
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import source

FOLDERS = ("src", "daemon", "tui", "demo", "man")
FEW = 8000
COMPLAINT = re.compile(r"^(.*?):(\d+):\d+: (?:error|warning): (.*) \[(.*?)[,\]]", re.M)
SKIPPED = 77


def linter():
    """A clang-tidy of version 14, or None."""
    for name in ("clang-tidy-14", "clang-tidy"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], capture_output=True, text=True, check=True)
            if re.search(r"version 14\.", said.stdout):
                return name
    return None


def commands(root, build):
    """One way to compile each C file of the house: sources of several targets have several."""
    wanted = set(source.files(root, FOLDERS, (".c",)))
    found = {}
    for row in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = pathlib.Path(row["directory"], row["file"]).resolve()
        if path in wanted:
            found.setdefault(path, row)
    return found


def depth():
    """What makes the analyzer stop early."""
    if os.environ.get("TIDY") == "deep":
        return []
    words = ("-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={FEW}")
    return [f"--extra-arg={word}" for word in words]


def complaints_about(path, root, database):
    said = subprocess.run(
        [linter(), "-p", database, "--quiet", "--extra-arg=-Wno-unknown-warning-option", *depth(),
         str(path)],
        capture_output=True, text=True, check=False)
    found = {f"{os.path.relpath(os.path.realpath(match[1]), root)}:{match[2]}: {match[3]} "
             f"[{match[4]}]" for match in COMPLAINT.finditer(said.stdout)}
    if said.returncode != 0 and not found:
        found.add(f"{path.relative_to(root)}:1: clang-tidy failed: {said.stderr.strip()[-500:]}")
    return found


def check(root, build):
    root, build = root.resolve(), build.resolve()
    rows = commands(root, build)
    found = set()
    with tempfile.TemporaryDirectory() as database, \
            concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        pathlib.Path(database, "compile_commands.json").write_text(
            json.dumps(list(rows.values())), encoding="utf-8")
        for some in workers.map(lambda path: complaints_about(path, root, database), rows):
            found |= some
    if not rows:
        found.add(f"{build}:1: compiles no file of the house")
    return sorted(found)


if __name__ == "__main__":
    if linter() is None:
        print("no clang-tidy 14 here")
        sys.exit(SKIPPED)
    source.run(lambda root: check(root, pathlib.Path(sys.argv[2])))
