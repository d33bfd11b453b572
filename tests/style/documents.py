#!/usr/bin/env python3
"""documents: what the programs offer stands in their manual, and what CONTRIBUTING names exists.

Names are read from the tables that the programs run by, so that a new row without a word in its
page fails here. lodge-rpc.7 and lodged.conf.5 need no look: their tables are printed from the rows.
"""

import re

import source

# Where the tables are -> the row's name -> the page that must say it.
TABLES = (
    ("daemon/options.c", r'\.name = "(--[a-z-]+)"', "man/lodged.8.scd"),
    ("tui/cli/verb_table.c", r'\.name = "([a-z]+)"', "man/lodge.1.scd"),
    ("tui/cli/verb_table.c", r'"(--[a-z-]+)"', "man/lodge.1.scd"),
    ("tui/input/commands.c", r'\.name = "([a-z-]+)"', "man/lodge.1.scd"),
)
METHOD_ROW = re.compile(r'\{\s*\.name = "([a-z]+\.[a-z_]+)".*?\n    \}', re.S)


def words_of(page):
    """The page as it reads: scdoc writes emphasis as *this* and escapes underlines."""
    return page.read_text(encoding="utf-8").replace("\\", "") if page.is_file() else ""


def check_tables(root):
    for pattern, name, page in TABLES:
        tables = sorted(root.glob(pattern))
        found = [(path, match) for path in tables for match in re.findall(name, path.read_text())]
        if not found:
            yield f"{pattern}: no names found: has the table moved?"
        said = words_of(root / page)
        for path, word in found:
            if not re.search(r"(?<![\w.-])" + re.escape(word) + r"(?![\w-])", said):
                yield f"{path.relative_to(root)}: {page} does not say {word}"


def check_methods(root):
    """A row without access would be open to nobody knows whom, one without help to nobody."""
    for path in sorted(root.glob("daemon/rpc/*_methods.c")):
        for row in METHOD_ROW.finditer(path.read_text()):
            for member in (".access", ".help"):
                if f"{member} = " not in row[0]:
                    yield f"{path.relative_to(root)}: {row[1]} has no {member}"


def check_contributing(root):
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        for name in re.findall(r"`([\w./-]+/[\w./-]*)`", line):
            if name.startswith(("/", "build")) or "NOUN" in name or "NNNN" in name:
                continue
            if not (root / name).exists():
                yield f"CONTRIBUTING.md:{number}: there is no {name}"


def check(root):
    yield from check_tables(root)
    yield from check_methods(root)
    yield from check_contributing(root)


if __name__ == "__main__":
    source.run(check)
