#!/usr/bin/env python3
"""times: how long each test of ./test took, as a table in Markdown.

    times.py NAME=RESULTS [NAME=RESULTS …]

RESULTS is the file build-test/results of a run (tally.py says what stands in it), NAME the heading of
its column. One row for each build, fuzzer and test; a test that one of the runs does not have is
marked there with a dash, so that what came, went or was cut in pieces is seen.
"""

import json
import pathlib
import sys


def read(path):
    """label -> seconds, and what became of those that did not pass."""
    seconds, odd = {}, {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        kind, label, value = line.split(" ", 2)
        if kind == "step":
            words = value.split()
            seconds[label] = float(words[1]) if len(words) > 1 else 0.0
            continue
        if not pathlib.Path(value).is_file():
            continue
        for text in pathlib.Path(value).read_text(encoding="utf-8").splitlines():
            test = json.loads(text)
            name = f"{label.rsplit('-', 1)[-1] if '-' in label else label}: {test['name'].split(' / ')[-1]}"
            seconds[name] = seconds.get(name, 0) + test["duration"]
            if test["result"] not in ("OK", "EXPECTEDFAIL"):
                odd[name] = test["result"].lower()
    return seconds, odd


def main():
    runs = [word.partition("=")[::2] for word in sys.argv[1:]]
    read_runs = [read(path) for _, path in runs]
    rows = sorted({name for seconds, _ in read_runs for name in seconds})
    print("| test | " + " | ".join(name for name, _ in runs) + " |")
    print("|---|" + "---|" * len(runs))
    for row in rows:
        cells = [f"{seconds[row]:.1f}" + (f" ({odd[row]})" if row in odd else "") if row in seconds else "–"
                 for seconds, odd in read_runs]
        print(f"| {row} | " + " | ".join(cells) + " |")
    print("| all, one after the other | " + " | ".join(
        f"{sum(seconds.values()):.0f}" for seconds, _ in read_runs) + " |")


if __name__ == "__main__":
    main()
