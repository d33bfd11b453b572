#!/usr/bin/env python3
"""suites: every integration test stands in exactly one row of tests/integration/meson.build.

A row there runs those tests of a program whose `Class.test_name` has one of the row's words in it (no
word: all of them). A class that nobody names would silently never run, one that two rows name twice.
"""

import ast
import re

import source

TABLE = "tests/integration/meson.build"
ROW = re.compile(r"^\s*\['(\w+)', '([\w-]*)', '([^']*)'", re.M)


def tests_of(path):
    """Class.test_name of each test, those of base classes in the same file included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def methods(name):
        node = classes.get(name)
        if node is None:
            return set()
        found = {item.name for item in node.body
                 if isinstance(item, ast.FunctionDef) and item.name.startswith("test_")}
        for base in node.bases:
            found |= methods(getattr(base, "id", None))
        return found

    # What has no base is no case, but part of some.
    return {f"{name}.{method}" for name, node in classes.items() if node.bases
            for method in methods(name)}


def check(root):
    rows = ROW.findall((root / TABLE).read_text(encoding="utf-8"))
    if not rows:
        yield f"{TABLE}: no rows found: has the table moved?"
    programs = {path.stem.removeprefix("test_"): path
                for path in sorted((root / "tests" / "integration").glob("test_*.py"))}
    for name in sorted(set(programs) - {program for program, _, _ in rows}):
        yield f"{TABLE}: tests/integration/test_{name}.py has no row"
    for name in sorted({program for program, _, _ in rows} - set(programs)):
        yield f"{TABLE}: there is no tests/integration/test_{name}.py"
    for name, path in programs.items():
        words = [words.split() for program, _, words in rows if program == name]
        for test in sorted(tests_of(path)):
            times = sum(not some or any(word in test for word in some) for some in words)
            if words and times != 1:
                yield f"{path.relative_to(root)}: {test} is run by {times} rows of {TABLE}"


if __name__ == "__main__":
    source.run(check)
