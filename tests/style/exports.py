#!/usr/bin/env python3
"""exports: liblodge exports exactly the functions that its public headers declare; an inline is none.

What it has exported once it exports for ever, as long as it is called so: exported.txt only grows.
"""

import re

import source

MAP = "src/liblodge.map"
ONCE = "tests/style/exported.txt"
DECLARED = re.compile(r"^(?!typedef|static inline)[a-z].*?\*?\b(lodge_\w+)\(", re.M)
EXPORTED = re.compile(r"^\s+(lodge_\w+);", re.M)


def check(root):
    exported = set(EXPORTED.findall((root / MAP).read_text()))
    declared = {}
    for path in source.files(root, ("include",), (".h",)):
        for name in DECLARED.findall(source.code_only(path.read_text())):
            declared[name] = path.relative_to(root)
    if not declared:
        yield "include: no functions found: has the folder moved?"
    for name in sorted(set(declared) - exported):
        yield f"{declared[name]}: {MAP} does not export {name}"
    for name in sorted(exported - set(declared)):
        yield f"{MAP}: no public header declares {name}"
    once = {entry: number for number, entry in source.entries(root / ONCE)}
    for name in sorted(set(once) - exported):
        yield f"{ONCE}:{once[name]}: {name} is gone from {MAP}: programs that call it start no more"
    for name in sorted(exported - set(once)):
        yield f"{MAP}: {name} is exported from now on, and for ever: add it to {ONCE}"


if __name__ == "__main__":
    source.run(check)
