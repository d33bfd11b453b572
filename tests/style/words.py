#!/usr/bin/env python3
"""words: what no file of the house says.

Functions that overrun (strcpy, sprintf), that cannot report (atoi), that threads share a buffer of
(strtok, localtime), that start a shell, and that wait by guessing (sleep): a wait is for an event, with a deadline. Unfinished words and names of
places that exist on one machine only. Tests wait for events too.
"""

import re

import source

CALLS = ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "atoi", "atol", "atoll", "atof",
         "strtok", "asctime", "ctime", "gmtime", "localtime", "rand", "system", "popen", "sleep",
         "usleep", "nanosleep")
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(CALLS) + r")\s*\(")
BANNED_PYTHON = re.compile(r"\b(time\.sleep|os\.system|os\.popen)\s*\(")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
TEXT = (".c", ".h", ".py", ".sh", ".scd", ".sql", ".build")


def check(root):
    for path in source.files(root, source.CODE + ("man", "data"), TEXT):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root)
        calls = source.code_only(text) if path.suffix in source.C_FILES else ""
        for number, line in enumerate(calls.splitlines(), 1):
            for match in BANNED_CALL.finditer(line):
                yield f"{name}:{number}: {match[1]}() is not used in this house"
        for number, line in enumerate(text.splitlines(), 1):
            match = UNFINISHED.search(line)
            if match:
                yield f"{name}:{number}: {match[1]}: finish it, or make it an issue"
            match = BANNED_PYTHON.search(line) if path.suffix == ".py" else None
            if match:
                yield f"{name}:{number}: {match[1]}() is not used in this house"


if __name__ == "__main__":
    source.run(check)
