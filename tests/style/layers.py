#!/usr/bin/env python3
"""layers: who may include whom. This table is the architecture; the test keeps it true.

A room is a folder or a file; a file belongs to the longest room that its path begins with. What a
room may include is itself and what its row names. tests/ may look everywhere.
"""

import fnmatch
import re

import source

PUBLIC = {"include", "src"}
DAEMON = PUBLIC | {"daemon/log", "daemon/loop"}
ROOMS = {
    "include": set(),
    "src": {"include"},
    "tui": PUBLIC | {"tui/cli"},
    "tui/cli": PUBLIC,
    "daemon/log": PUBLIC,
    "daemon/config": PUBLIC | {"daemon/log", "daemon/options"},
    "daemon/options": PUBLIC,
    "daemon/loop": PUBLIC | {"daemon/log"},
    "daemon/store": DAEMON,
    "daemon/host/report.h": PUBLIC,
    "daemon/host": DAEMON | {"daemon/host/report.h"},
    "daemon/registry": DAEMON | {"daemon/host/report.h"},
    "daemon/ops": DAEMON | {"daemon/host", "daemon/host/report.h", "daemon/store", "daemon/registry"},
    "daemon/console": DAEMON | {"daemon/ops", "daemon/registry"},
    "daemon/rpc": DAEMON | {"daemon/ops", "daemon/registry", "daemon/console"},
    "daemon/store_opener": DAEMON | {"daemon/store"},
    # The two that know everyone.
    "daemon/main": None,
    "daemon/wiring": None,
}
# A library has one door in the house: header -> the files that may include it.
DOORS = {
    # Headers of host/ that have it are its own: nobody outside includes them.
    "libvirt/*": ["daemon/host/*.c", "daemon/host/libvirt_auto.h", "daemon/host/connection.h",
                  "daemon/host/events.h", "daemon/host/hand_private.h",
                  "daemon/host/node_sample.h", "daemon/host/storage_private.h"],
    "sqlite3.h": ["daemon/store/*"],
    "*curses.h": ["tui/screen.c", "tui/pairs.c"],
    "uv.h": ["daemon/loop/*", "daemon/rpc/*", "daemon/console/*"],
    "libwebsockets.h": ["daemon/console/web_*"],
    "libxml/*": ["daemon/host/*_xml*.c", "daemon/host/libvirt_xml.h"],
    "png.h": ["daemon/host/picture.c", "tui/model/pixels.c"],
    "ini.h": ["daemon/config.c"],
    "json-c/*": ["src/*", "daemon/host/qemu_img.c", "daemon/rpc/*", "daemon/registry/*.c", "tui/*"],
    "vterm.h": [],
}
SEARCH = ("include", "src", "tui", "daemon")


def room_of(name):
    """`name` is a path from the root."""
    rooms = [room for room in ROOMS if re.match(re.escape(room) + r"(?![a-z])", name)]
    return max(rooms, key=len, default=None)


def find(root, path, name):
    """The file of the house that `#include "name"` in `path` means, as a path from the root."""
    for folder in (path.parent, *(root / top for top in SEARCH)):
        if (folder / name).is_file():
            return (folder / name).resolve().relative_to(root).as_posix()
    return None


def complaint_about(root, path, kind, name):
    here = path.relative_to(root).as_posix()
    if kind == "<":
        for header, doors in DOORS.items():
            if fnmatch.fnmatch(name, header):
                if not any(fnmatch.fnmatch(here, door) for door in doors):
                    return f"<{name}> belongs to {', '.join(doors) or 'tests/'} alone"
        return None
    target = find(root, path, name)
    if target is None:
        return f'"{name}" is no file of the house'
    room, other = room_of(here), room_of(target)
    if room is None:
        return "belongs to no room: give it a row in tests/style/layers.py"
    if other is not None and (ROOMS[room] is None or other == room or other in ROOMS[room]):
        return None
    return f'{room} must not include {other} ("{name}")'


def check(root):
    root = root.resolve()
    for path in source.files(root, SEARCH):
        for number, line in enumerate(source.lines(path), 1):
            match = re.match(r'\s*#\s*include\s+(["<])([^">]+)', line)
            wrong = match and complaint_about(root, path, match[1], match[2])
            if wrong:
                yield f"{path.relative_to(root)}:{number}: {wrong}"


if __name__ == "__main__":
    source.run(check)
