#!/usr/bin/env python3
"""messages: every text that lodge may say has been read.

tests/data/messages.txt has them, room by room as the sources have them: whatever is handed to a function
that makes a message, however short, and every other text of three words or more (reasons, hints, notes,
helps). A text that is not there is a complaint: it is read as whoever meets it will read it (what happened,
to what, what to do), and then written down by

    tests/style/messages.py ROOT --write

What the programs of `tui/` say is in the words of the command line and of the keys: no method's name but
behind `lodge call`, no member's, no number of an error. What comes from lodged and is printed for people
goes through `tui/cli/terms.c`, which tests/unit/test_terms.c takes all these texts through; and what is
printed in the tests is looked at by tests/support/said.py.
"""

import pathlib
import re
import sys

import source

LIST = "tests/data/messages.txt"
ROOMS = ("daemon", "src", "tui")
# Whose text is a message, and which argument that is.
MAKERS = {"lodge_fail": 2, "lodge_fail_param": 2, "lodge_fail_in": 1, "libvirt_fail": 1, "fail_at": 2,
          "op_fail": 2, "op_note": 1, "ui_say": 2, "client_lose": 1, "model_note": 1, "uses_add_doubt": 1}
LITERAL = r'"(?:\\.|[^"\\\n])*"'
TEXT = re.compile(rf"{LITERAL}(?:\s*(?:[A-Z]\w*\s*)?{LITERAL})*(?:\s*[A-Z]\w*)?")
CALL = re.compile(r"\b(" + "|".join(MAKERS) + r")\(")
NO_WORDS = re.compile(r"(?:INSERT|SELECT|UPDATE|DELETE|PRAGMA|const|static|default-src) |text/|# Written|};")  # SQL, C, headers
SENTENCE = re.compile(r"[a-z]{2,}[,;:]? [a-z]{2,}")
NOUNS = "server|vm|host|quota|user|audit|op|image|pool|network|orphan|console|event|session|rpc|store"
METHOD = re.compile(rf"(?<![\w./'-])(?<!call )(?:{NOUNS})\.[a-z_]+\b(?!\.)")
MEMBER = re.compile(r"\b[a-z]+_(?:mib|gib|s|ms|kib|id|at|ms|used|total|percent)\b")
CODE = re.compile(r"-32\d\d\d")


def without_comments(text):
    pattern = rf"/\*.*?\*/|({LITERAL})|'(?:\\.|[^'\\\n])*'"
    return re.sub(pattern, lambda match: match[1] or re.sub(r"[^\n]", " ", match[0]), text, flags=re.S)


def words_of(run):
    """Literals beside each other as one text; a macro among them by its name."""
    run = re.sub(r'"\s*PRI[a-zA-Z]+\d*\s*(?:"|$)', "d", run)
    run = re.sub(r'"\s*([A-Z]\w*)\s*("|$)', r"{\1}", run)
    text = re.sub(r'"\s*"', "", run).strip('"')
    return text.replace("\\n", " ").replace('\\"', '"').strip()


def arguments(text, begin):
    """Where each argument of a call begins, and where the last ends."""
    depth, at, begins = 0, begin, [begin]
    while depth >= 0:
        literal = re.compile(LITERAL).match(text, at)
        if literal:
            at = literal.end()
            continue
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if text[at] == "," and depth == 0:
            begins.append(at + 1)
        at += 1
    return [*begins, at]


def texts_of(path):
    """What a file says: text, line."""
    text = without_comments(path.read_text(encoding="utf-8"))
    made = set()
    for call in CALL.finditer(text):
        edges = arguments(text, call.end())
        number = MAKERS[call[1]]
        if number + 1 < len(edges):
            made.update(run.start() for run in TEXT.finditer(text, edges[number], edges[number + 1]))
    for run in TEXT.finditer(text):
        words = words_of(run[0])
        if NO_WORDS.match(words):
            continue
        if SENTENCE.search(words) or (run.start() in made and re.search("[a-z]{2,}", words)):
            yield words, text.count("\n", 0, run.start()) + 1


def said(root):
    """room -> text -> file and line where it is first said."""
    rooms = {}
    for path in source.files(root, ROOMS):
        name = path.relative_to(root)
        for words, line in texts_of(path):
            rooms.setdefault(name.parent.as_posix(), {}).setdefault(words, f"{name}:{line}")
    return rooms


def read(root):
    """room -> text -> line of the list."""
    rooms, room = {}, None
    path = root / LIST
    for number, line in enumerate(source.lines(path) if path.is_file() else (), 1):
        if line.startswith("["):
            room = line.strip("[]")
        elif line and not line.startswith("#"):
            rooms.setdefault(room, {})[line.strip()] = number
    return rooms


def write(root):
    """The list, made anew from the sources. Read what has changed before it is committed."""
    head = [line for line in source.lines(root / LIST) if line.startswith("#")]
    rooms = [f"\n[{room}]\n" + "\n".join(f"    {text}" for text in sorted(texts))
             for room, texts in sorted(said(root).items())]
    (root / LIST).write_text("\n".join(head) + "\n" + "\n".join(rooms) + "\n", encoding="utf-8")


def check(root):
    now, known = said(root), read(root)
    for room, texts in now.items():
        for text, place in texts.items():
            if text not in known.get(room, ()):
                yield f"{place}: nobody has read '{text}': see tests/style/messages.py"
            for what, pattern in (("a method", METHOD), ("a member", MEMBER), ("a code", CODE)):
                if room.startswith("tui") and SENTENCE.search(text) and pattern.search(text):
                    yield f"{place}: '{text}' names {what}, which people do not know"
    for room, texts in known.items():
        for text, number in texts.items():
            if text not in now.get(room, ()):
                yield f"{LIST}:{number}: nobody says '{text}' any more"


if __name__ == "__main__":
    if sys.argv[2:] == ["--write"]:
        write(pathlib.Path(sys.argv[1]))
        sys.exit(0)
    source.run(check)
