"""known_qemus: what libvirt has found out about the machine's QEMUs, passed on from world to world.

A libvirtd that begins with an empty cache starts every QEMU twice and asks it hundreds of questions:
most of what a short test costs. What one world's libvirtd has found out is lent to the next, beside the
build; libvirt itself looks whether it still holds (QEMU's, libvirt's and the kernel's age) and asks anew
if not.
"""

import contextlib
import os
import pathlib
import shutil
import xml.etree.ElementTree as ElementTree

from world import BUILD_DIR

SHELF = BUILD_DIR / "known-qemus"


def pass_on(source, target):
    """In one piece: others do the same at the same time, and libvirt may be writing."""
    half = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copy2(source, half)
    try:
        ElementTree.parse(half)
        half.rename(target)
    except ElementTree.ParseError:
        half.unlink()


def age_of_qemu():
    """Whatever is known of another QEMU is not believed, and costs what nothing costs."""
    found = shutil.which("qemu-system-x86_64")
    return int(os.stat(found).st_mtime) if found else 0


class KnownQemus:
    """`by`: who has found it out; libvirt believes nobody else's."""

    def __init__(self, cache, by="libvirtd"):
        self.cache = pathlib.Path(cache)
        self.shelf = SHELF / f"{by}-{age_of_qemu()}"

    def lend(self):
        """Before it starts."""
        for known in self.shelf.glob("*.xml"):
            self.cache.mkdir(parents=True, exist_ok=True)
            shutil.copy2(known, self.cache)

    def take(self):
        """After it has run; nothing for a world that is gone or a user who may not write there."""
        with contextlib.suppress(OSError):
            self.shelf.mkdir(parents=True, exist_ok=True)
            for found in self.cache.glob("*.xml"):
                lent = self.shelf / found.name
                if not lent.exists() or lent.stat().st_mtime < found.stat().st_mtime:
                    pass_on(found, lent)
