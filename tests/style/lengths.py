#!/usr/bin/env python3
"""lengths: a file has at most 500 lines, a function at most 60, braces not counted.

A function begins at a `{` in the first column and ends at a `}` there: clang-format puts them so.
"""

import source

FILE_LINES = 500
FUNCTION_LINES = 60
PROGRAMS = (".c", ".h", ".py", ".sh")


def check(root):
    for path in source.files(root, source.CODE, PROGRAMS):
        text = source.lines(path)
        name = path.relative_to(root)
        if len(text) > FILE_LINES:
            yield f"{name}:{FILE_LINES}: the file has {len(text)} lines: two nouns in one room?"
        if path.suffix not in source.C_FILES:
            continue
        start = None
        for number, line in enumerate(text, 1):
            if line == "{":
                start = number
            elif line.startswith("}") and start is not None:
                if number - start - 1 > FUNCTION_LINES:
                    yield f"{name}:{start}: the function has {number - start - 1} lines"
                start = None


if __name__ == "__main__":
    source.run(check)
