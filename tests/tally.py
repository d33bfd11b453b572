#!/usr/bin/env python3
"""tally: adds up what a run of ./test found.

    tally.py RESULTS

Each line of RESULTS is `KIND LABEL VALUE`: `step LABEL passed|failed SECONDS` for a build or a fuzzer,
or `meson LABEL FILE` for a meson test log (testlog.json, one test a line). Prints a table, the names
of what failed with what it said first, and at the end `N passed, N failed`; exits 1 if anything failed.
"""

import json
import pathlib
import sys

GOOD = ("OK", "EXPECTEDFAIL")
SKIPPED = ("SKIP", "IGNORED")
SAID_MAX = 40


def said_first(test):
    """The promises that did not hold and why, without the logs that follow: whoever has only the end of
    a run's output has this."""
    said, inside = [], False
    for line in test.get("stdout", "").splitlines():
        inside = line.startswith(("FAILED", "[  ERROR")) or (inside and line.startswith("    "))
        if inside:
            said.append(f"    {line}")
    return "".join(f"\n{line}" for line in said[:SAID_MAX])


def count(kind, label, value):
    """Passed, skipped, and the names of the failed."""
    if kind == "step":
        return (1, 0, []) if value.startswith("passed") else (0, 0, [label])
    path = pathlib.Path(value)
    if not path.is_file():
        return 0, 0, [f"{label}: no test log {value}"]
    tests = [json.loads(line) for line in path.read_text().splitlines()]
    failed = [f"{label}: {test['name']} ({test['result'].lower()}){said_first(test)}" for test in tests
              if test["result"] not in GOOD + SKIPPED]
    skipped = sum(test["result"] in SKIPPED for test in tests)
    return len(tests) - skipped - len(failed), skipped, failed


def main():
    rows = [line.split(" ", 2) for line in pathlib.Path(sys.argv[1]).read_text().splitlines()]
    passed, failures = 0, []
    for kind, label, value in rows:
        good, skipped, failed = count(kind, label, value)
        passed += good
        failures += failed
        note = f", {skipped} skipped" if skipped else ""
        print(f"  {label:<24} {good:>4} passed, {len(failed)} failed{note}")
    for name in failures:
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
