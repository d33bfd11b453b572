#!/usr/bin/env python3
"""layers: who may include whom. This table is the architecture; the test keeps it true.

A room is a folder or a file; a file belongs to the longest room that its path begins with. What a
room may include is itself and, of the rooms that its row names, the headers that these show to
others (FACES): all others are private. tests/ may look everywhere.
"""

import fnmatch
import functools
import posixpath
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
    # Prints what the tables say.
    "man": {"src", "daemon/config", "daemon/rpc"},
}
# A room's face: the headers that other rooms may include. What is not here is what a room is made
# of, whatever it is called (*_private.h, parts.h); a room without a row is nothing but face.
FACES = {
    "src": "base64.h buffer.h contract/contract.h fields.h frame.h index.h jsonrpc.h memory.h "
           "paths.h plain.h query.h refusals.h scope.h standard.h text.h units.h usual.h utf8.h",
    "tui/cli": "browser.h program.h shot.h terms.h verbs.h viewer.h",
    "daemon/log": "log.h",
    "daemon/config": "config.h config_keys.h",
    "daemon/options": "options.h",
    "daemon/loop": "loop.h pace.h rounds.h thread.h workers.h",
    "daemon/store": "ops.h recall.h restore.h session_rows.h store.h vms.h",
    "daemon/host": "belongings.h chain.h domain_xml_edit.h domain_xml_secrets.h "
                   "domain_xml_write.h embedded.h hand.h host.h images.h leavings.h next_boot.h open_screen.h reading.h screenshot.h serial_log.h "
                   "stand_in.h storage.h uses.h",
    "daemon/registry": "access.h people.h registry.h render.h subscriber.h told.h",
    "daemon/ops": "audit.h compare.h history.h offers.h ops.h quotas.h reads.h screens.h "
                  "session_log.h shots.h upkeep.h users.h",
    "daemon/console": "console.h stream_door.h web_door.h",
    "daemon/rpc": "door.h listen.h method.h",
    "daemon/store_opener": "store_opener.h",
    "daemon/wiring": "wiring.h",
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
CHECKED = (*SEARCH, "man")


def room_of(name):
    """`name` is a path from the root."""
    rooms = [room for room in ROOMS if re.match(re.escape(room) + r"(?![a-z])", name)]
    return max(rooms, key=len, default=None)


@functools.cache
def find(root, folder, name):
    """The file of the house that `#include "name"` means in a file of `folder`, as a path from the
    root."""
    for place in (folder, *(root / top for top in SEARCH)):
        if (place / name).is_file():
            return (place / name).resolve().relative_to(root).as_posix()
    return None


def is_private(room, target):
    """Is this header of a room for its own files alone?"""
    folder = room if target.startswith(room + "/") else posixpath.dirname(room)
    face = FACES.get(room)
    return face is not None and posixpath.relpath(target, folder) not in face.split()


def complaint_about(root, path, kind, name):
    here = path.relative_to(root).as_posix()
    if kind == "<":
        for header, doors in DOORS.items():
            if fnmatch.fnmatch(name, header):
                if not any(fnmatch.fnmatch(here, door) for door in doors):
                    return f"<{name}> belongs to {', '.join(doors) or 'tests/'} alone"
        return None
    target = find(root, path.parent, name)
    if target is None:
        return f'"{name}" is no file of the house'
    room, other = room_of(here), room_of(target)
    if room is None:
        return "belongs to no room: give it a row in tests/style/layers.py"
    if other == room:
        return None
    if other is None or (ROOMS[room] is not None and other not in ROOMS[room]):
        return f'{room} must not include {other} ("{name}")'
    if is_private(other, target):
        return f'"{name}" is private to {other}, which shows {FACES[other]}'
    return None


def includes(root):
    """Each #include of the house: file, line, kind, name."""
    for path in source.files(root, CHECKED):
        for number, line in enumerate(source.lines(path), 1):
            match = re.match(r'\s*#\s*include\s+(["<])([^">]+)', line)
            if match:
                yield path, number, match[1], match[2]


def check(root):
    root = root.resolve()
    for path, number, kind, name in includes(root):
        wrong = complaint_about(root, path, kind, name)
        if wrong:
            yield f"{path.relative_to(root)}:{number}: {wrong}"


def check_faces(root):
    """What no other room includes is no face."""
    root = root.resolve()
    wanted = {room: set() for room in FACES}
    for path, _, kind, name in includes(root):
        target = find(root, path.parent, name) if kind == '"' else None
        room = room_of(target) if target else None
        if room in wanted and room != room_of(path.relative_to(root).as_posix()):
            wanted[room].add(target)
    for room, face in FACES.items():
        for header in face.split():
            if not any(target.endswith("/" + header) for target in wanted[room]):
                yield f"tests/style/layers.py: no other room includes {header} of {room}"


def check_all(root):
    yield from check(root)
    yield from check_faces(root)


if __name__ == "__main__":
    source.run(check_all)
