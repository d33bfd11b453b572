#!/usr/bin/env python3
"""names: no function's name stands in more than two .c files, so that a backtrace, `perf` and
`git grep` find their code.

Definitions are read as clang-format 14 puts them: what begins last in the first column before a
`{` alone there is a function's name, with or without its return type. In a function that a macro
begins (`CASE(name)`) it is what stands in the brackets; what a macro writes altogether
(DEFINE_AUTO) has its name from its arguments, and is not looked at.

shared_names.txt has the names that stood in more files when this became a rule, and in how many
("name count"): no name is added, no count grows, and one that has become less is written down.
"""

import collections
import re

import source

LIST = "tests/style/shared_names.txt"
MOST_FILES = 2
C_NAMES_IT = {"main"}
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)")
CALLED = re.compile(r"\b([A-Za-z_]\w*)\(")


def name_in(signature):
    """The function's name in the lines before its `{`, joined."""
    signature = ATTRIBUTE.sub(" ", source.code_only(signature))
    names = CALLED.findall(signature)
    for name in names:
        if not name.isupper():
            return name
    within = re.search(r"\(\s*(\w+)", signature)
    return within[1] if within else None


def definitions(path):
    """The functions that a file defines: name, line."""
    text = source.lines(path)
    for end, line in enumerate(text):
        if line == "{":
            start = end - 1
            while start > 0 and not re.match(r"\w", text[start]):
                start -= 1
            name = name_in("\n".join(text[start:end]))
            if name is not None:
                yield name, start + 1


def places_of(root):
    """name -> file -> the line it is defined in, for all that we may call as we like."""
    places = collections.defaultdict(dict)
    for path in source.files(root, source.PRODUCT, (".c",)):
        for name, line in definitions(path):
            if name not in C_NAMES_IT:
                places[name].setdefault(path.relative_to(root).as_posix(), line)
    return places


def check(root):
    places = places_of(root)
    allowed = {}
    for number, entry in source.entries(root / LIST):
        name, _, count = entry.partition(" ")
        now = len(places.get(name, ()))
        if not count.isdigit() or name <= max(allowed, default=""):
            yield f"{LIST}:{number}: '{entry}' is no name and count, or not in order"
            continue
        allowed[name] = int(count)
        if now <= MOST_FILES:
            yield f"{LIST}:{number}: {name} stands in {now} files now: take it off the list"
        elif now < allowed[name]:
            yield f"{LIST}:{number}: {name} stands in {now} files now: lower its count"
    for name, files in places.items():
        most = allowed.get(name, MOST_FILES)
        if len(files) > most:
            last, line = list(files.items())[-1]
            yield (f"{last}:{line}: {name}() stands in {len(files)} files, {most} at most: "
                   f"{', '.join(files)}")


if __name__ == "__main__":
    source.run(check)
