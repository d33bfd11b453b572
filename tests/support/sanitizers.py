"""sanitizers: a report of ThreadSanitizer or its kin fails the test program, wherever it was made.

A World looks through the logs of its programs when it closes, and promise counts what was found:
the exit code that a sanitizer sets is lost on a daemon that is killed or never asked how it ended.
"""

import pathlib
import re

import evidence

OURS = ("lodged", "lodge")  # libvirtd, QEMU and the like may say what they want
BEGIN = re.compile(r"WARNING: ThreadSanitizer|(ERROR|FATAL): \w+Sanitizer|: runtime error: ")
LINES_MAX = 100
found = []  # the reports in all worlds of this program


def reports_in(text):
    """Each from the line that begins it to its summary."""
    reports, is_open = [], False
    for line in text.splitlines():
        if BEGIN.search(line):
            reports.append([])
            is_open = True
        if is_open:
            reports[-1].append(line)
            is_open = not line.startswith("SUMMARY: ") and len(reports[-1]) < LINES_MAX
    return ["\n".join(lines) for lines in reports]


def look(processes):
    """Prints and keeps what is said in the logs of those processes that are ours."""
    logs = {process.log for process in processes
            if any(pathlib.Path(word).name in OURS for word in process.argv)}
    for log in sorted(logs):
        for report in reports_in(log.read_text(errors="replace") if log.exists() else ""):
            print(f"--- a sanitizer, in {log}\n{report}", flush=True)
            found.append(report)


def failures():
    """How many promises were broken: at most this one."""
    if found:
        print(f"FAILED  the sanitizer is silent (reports: {len(found)})")
        print(f"kept: {evidence.keep('sanitizer', chr(10).join(found), [])}", flush=True)
    return 1 if found else 0
