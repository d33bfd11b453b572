#!/usr/bin/env python3
"""heads: every .c file begins with a comment: what this room is, who owns what, which thread.

It says so in five words at least, besides the file's name and "see the header". headless.txt has
the files that may begin without one for now: none of 108 is left, nothing is added, and what has a
head is taken off.
"""

import re

import source

LIST = "tests/style/headless.txt"
FEWEST_WORDS = 5
HEAD = re.compile(r"/\*(.*?)\*/", re.S)
NOT_COUNTED = re.compile(r"^\s*[\w.-]+\.?[ch]?:|\bsee (the|its) header\b", re.I)


def has_head(path):
    head = HEAD.match(path.read_text(encoding="utf-8"))
    said = NOT_COUNTED.sub(" ", head[1].replace("*", " ").strip()) if head else ""
    return len(re.findall(r"\w\S*", said)) >= FEWEST_WORDS


def check(root):
    listed = {}
    for number, name in source.entries(root / LIST):
        if name <= max(listed, default=""):
            yield f"{LIST}:{number}: {name} stands twice, or not in order"
        listed[name] = number
    for path in source.files(root, source.PRODUCT, (".c",)):
        name = path.relative_to(root).as_posix()
        number = listed.pop(name, None)
        if has_head(path) and number is not None:
            yield f"{LIST}:{number}: {name} has a head: take it off the list"
        elif not has_head(path) and number is None:
            yield f"{name}:1: begins without a comment that says what this room is"
    for name, number in listed.items():
        yield f"{LIST}:{number}: there is no {name}: take it off the list"


if __name__ == "__main__":
    source.run(check)
