#!/usr/bin/env python3
"""terms: what lodged says names no method that `lodge` and the TUI have no words for.

lodged's errors, reasons and notes may name methods and, in backquotes, parameters: tui/cli/terms.c turns them
into verbs, flags and keys. One that its tables lack would reach people as it is.
"""

import re

import source

TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"(?:\s*"(?:\\.|[^"\\\n])*")*')
NAME = re.compile(r'\.name = "([a-z_.]+)"|ACT\("([a-z_.]+)"')
METHOD = re.compile(r"(?<![\w./<])([a-z]+\.[a-z_]+)(?![\w/.])")
QUOTED = re.compile(r"`([a-z_]+)(?::[^`]*)?`")
CONFIGURATION = {"dir", "pool"}  # what an admin writes into lodged.conf


def code(path):
    return re.sub(r"/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match[0]), path.read_text(encoding="utf-8"),
                  flags=re.S)


def texts(path):
    """Each text of several words: its line, and it in one piece. Help and SQL are not said to anybody."""
    whole = code(path)
    for match in TEXT.finditer(whole):
        text = "".join(re.findall(r'"((?:\\.|[^"\\\n])*)"', match[0]))
        before = whole[max(0, match.start() - 200):match.start()].rstrip()
        is_help = re.search(r"\.(help|sql) =$|ACT\([^)]*$|LIMIT\(\w+,$|QUOTA\([^)]*$", before) is not None
        if " " in text and not is_help:
            yield whole.count("\n", 0, match.start()) + 1, text


def check(root):
    tables = [root / "tui" / "cli" / name for name in ("terms.c", "verb_table.c")]
    if not all(path.is_file() for path in tables):
        return
    known = set(re.findall(r'"([a-z_.]+)"', "".join(code(path) for path in tables)))
    methods = {name for path in source.files(root, ("daemon/rpc",), (".c",)) for names in NAME.findall(code(path))
               for name in names if "." in name}
    for path in source.files(root, ("daemon",), (".c",)):
        for number, text in texts(path):
            named = {name for name in METHOD.findall(text) if name in methods}
            named |= {name for name in QUOTED.findall(text) if name not in CONFIGURATION}
            for name in sorted(named - known):
                yield f"{path.relative_to(root)}:{number}: says '{name}', which tui/cli/terms.c has no words for"


if __name__ == "__main__":
    source.run(check)
