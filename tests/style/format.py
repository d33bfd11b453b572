#!/usr/bin/env python3
"""format: every C file stands as clang-format 14 puts it (other versions differ in details)."""

import re
import shutil
import subprocess
import sys

import source

SKIPPED = 77


def formatter():
    """A clang-format of version 14, or None."""
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], capture_output=True, text=True, check=True)
            if re.search(r"version 14\.", said.stdout):
                return name
    return None


def check(root):
    command = [formatter(), "--dry-run", "--Werror", *map(str, source.files(root))]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    for match in re.finditer(r"^(.*?:\d+):\d+: error: ", said, re.M):
        yield f"{match[1]}: clang-format -i would change this"


if __name__ == "__main__":
    if formatter() is None:
        print("no clang-format 14 here")
        sys.exit(SKIPPED)
    source.run(check)
