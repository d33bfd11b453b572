"""source: what the style checks read: files of the house, and how a complaint is said.

A check is a function from a root folder to complaints ("file:line: what is wrong"), so that
test_checks.py can plant a fault in a folder of its own and see it found.
"""

import pathlib
import re
import sys

CODE = ("include", "src", "daemon", "tui", "demo", "tests")
PRODUCT = ("src", "daemon", "tui", "demo", "man")
C_FILES = (".c", ".h")


def files(root, folders=CODE, suffixes=C_FILES):
    """Every file of these kinds below these folders of the house, in a fixed order."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path


def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def entries(path):
    """What a list has, entry by entry with the entry's line: one of old debts, which may only get shorter, or
    of promises, which may only grow. A `#` begins a remark; where there is no list, nothing is in it."""
    for number, line in enumerate(lines(path) if path.is_file() else (), 1):
        entry = line.partition("#")[0].strip()
        if entry:
            yield number, entry


def code_only(text):
    """C without what a compiler does not call: comments and the insides of strings and characters.
    Lines stay where they are."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])

    return re.sub(pattern, blank, text, flags=re.S)


def run(check):
    """The body of each check's program: PROGRAM ROOT."""
    complaints = list(check(pathlib.Path(sys.argv[1])))
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)
