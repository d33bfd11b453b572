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


def readme_commands(text):
    """Lines that are there to be typed, those that go on joined."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line.strip() for line in joined.splitlines() if line.startswith("    ")]


def check_readme(root):
    """What a stranger types from top to bottom: nothing that ends others' processes or is not installed, no limit
    that stays, all packages for a real installation; and a picture in which nothing is more than all of it."""
    text = (root / "README.md").read_text(encoding="utf-8")
    commands = readme_commands(text)
    for word in re.findall(r"\b(pkill|killall|jq)\b", text):
        yield f"README.md: says {word}"
    limits = [command for command in commands if " quota set " in command]
    for command in limits:
        whose, key = re.search(r"quota set (\S+) (\w+)=", command).groups()
        if not any(f"quota set {whose} {key}=none" in later for later in limits[limits.index(command):]):
            yield f"README.md: '{command}' stays set"
    packages = next((command.split() for command in commands if "apt install" in command), [])
    machine = (root / "demo" / "machine.sh").read_text(encoding="utf-8")
    needed = re.search(r'^BUILD_PACKAGES="([^"]*)"', machine, re.M)[1].split()
    for package in [*needed, "scdoc", "libvirt-daemon-system", "qemu-system-x86", "qemu-utils", "novnc"]:
        if package not in packages:
            yield f"README.md: installs no {package}"
    for part, whole in re.findall(r"~?([\d.]+)/([\d.]+)[MGT]\b", text):
        if float(part) > float(whole):
            yield f"README.md: {part} of {whole}"
    if not re.search(r"adduser \S+ lodge\b", text):
        yield "README.md: says not how others may use it"


def check(root):
    yield from check_readme(root)
    yield from check_tables(root)
    yield from check_methods(root)
    yield from check_contributing(root)


if __name__ == "__main__":
    source.run(check)
