#!/usr/bin/env python3
"""table: measures everything three times and writes the table of figures in README.md (root).

    table.py [--rounds N] [--keep FILE]     # BUILD_DIR as the benchmarks have it

Round after round, not program after program, so that a quarter of an hour in which the machine is
slow does not fall upon one figure alone. Each row has the median of the rounds, the least and the
most, and the note (mostly the baseline) of the round that had the median. Nothing is written
unless every program has ended with figures in every round. bench_floods.py has a table of its own.
"""

import argparse
import collections
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
README = HERE / "README.md"
BEGIN, END = "<!-- table.py -->", "<!-- end of table.py -->"
PROGRAMS = ("rpc", "sync", "size", "events", "memory", "tui", "operations", "deletions", "locks", "vnc")
DEADLINE_S = 1200
BROKEN = 1  # what a benchmark ends with when a figure is above its limit

Row = collections.namedtuple("Row", "program what label unit limit")


def measure(program, path):
    """The figures of one run: (row, value, note) each."""
    done = subprocess.run([sys.executable, HERE / f"bench_{program}.py"], env=os.environ | {"FIGURES": str(path)},
                          timeout=DEADLINE_S, check=False)
    assert done.returncode in (0, BROKEN), f"bench_{program}.py ended with {done.returncode}: nothing is written"
    figures = []
    for line in path.read_text(encoding="utf-8").splitlines():
        figure = json.loads(line)
        for label, value, unit, limit in figure["parts"]:
            figures.append((Row(program, figure["what"], label, unit, limit), value, figure["note"]))
    assert figures, f"bench_{program}.py said no figure: nothing is written"
    path.unlink()
    return figures


def number(value):
    """Three digits, or all of them before the point."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.3g}"


def cells(row, seen):
    """A line of the table, of the (value, note) that each round saw."""
    values = sorted(value for value, _ in seen)
    median = statistics.median_low(values)
    note = next(note for value, note in seen if value == median)
    what = row.what + (f": {row.label}" if row.label else "")
    limit = "" if row.limit is None else number(row.limit)
    over = sum(row.limit is not None and value > row.limit for value in values)
    limit += f" (above it in {over} of {len(values)})" if over else ""
    return (f"| {what} | {number(median)} {row.unit} | {number(values[0])} to {number(values[-1])} | {limit} "
            f"| {note} | {row.program} |").replace("  ", " ")


def jiffies():
    """All of the processors' time so far, and what the machine's host gave to others of it."""
    words = pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    times = [int(word) for word in words]
    return sum(times[:8]), times[7]


def table(rounds, seen, stolen):
    lines = [f"{time.strftime('%Y-%m-%d')}, {rounds} rounds, {os.cpu_count()} processors "
             f"({platform.machine()}, Linux {platform.release()}), of whose time {stolen:.1f} % was not given.", "",
             "| what | median | rounds | at most | of that round | program |", "|---|---|---|---|---|---|"]
    return lines + [cells(row, values) for row, values in seen.items()]


def write(lines):
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    README.write_text(before + "\n".join([BEGIN, *lines, END]) + rest.split(END)[1], encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=pathlib.Path, help="each round's figures, lines of JSON")
    options = parser.parse_args()
    seen = collections.defaultdict(list)
    all_before, stolen_before = jiffies()
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.rounds):
            for program in PROGRAMS:
                print(f"== round {turn + 1} of {options.rounds}: {program}", flush=True)
                for row, value, note in measure(program, pathlib.Path(folder) / "figures"):
                    seen[row].append((value, note))
                    if options.keep:
                        with options.keep.open("a", encoding="utf-8") as file:
                            file.write(json.dumps([turn, *row, value, note]) + "\n")
    short = [row.what for row, values in seen.items() if len(values) != options.rounds]
    assert not short, f"not said in each round, so nothing is written: {short}"
    all_after, stolen_after = jiffies()
    write(table(options.rounds, seen, (stolen_after - stolen_before) / (all_after - all_before) * 100))


if __name__ == "__main__":
    main()
