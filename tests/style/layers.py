#!/usr/bin/env python3
"""layers: who may include whom. This table is the architecture; the test keeps it true.

A room is a folder or a file; a file belongs to the longest room that its path begins with. What a
room may include is itself and, of the rooms that its row names, the headers that these show to
others (FACES): all others are private. tests/ may look everywhere.
"""

import collections
import fnmatch
import functools
import posixpath
import re

import source

PUBLIC = {"include", "src"}
DAEMON = PUBLIC | {"daemon/log", "daemon/loop", "daemon/records", "daemon/settings"}
HOST = {"daemon/host", "daemon/host/report.h", "daemon/host/xml", "daemon/host/storage", "daemon/host/guest"}
ROOMS = {
    "include": set(),
    "src": {"include"},
    "tui": PUBLIC | {"tui/cli"},
    "tui/cli": PUBLIC,
    "daemon/log": PUBLIC,
    "daemon/config": PUBLIC | {"daemon/log", "daemon/options", "daemon/settings"},
    "daemon/options": PUBLIC,
    "daemon/records": PUBLIC,
    "daemon/settings": PUBLIC,
    "daemon/loop": PUBLIC | {"daemon/log"},
    "daemon/store": DAEMON,
    "daemon/host/report.h": PUBLIC,
    "daemon/host": DAEMON | {"daemon/host/report.h", "daemon/host/xml"},
    "daemon/host/host.c": DAEMON | HOST,
    "daemon/host/xml": PUBLIC | {"daemon/host/report.h", "daemon/records"},
    "daemon/host/storage": DAEMON | {"daemon/host", "daemon/host/report.h", "daemon/host/xml"},
    "daemon/host/guest": DAEMON | {"daemon/host", "daemon/host/report.h", "daemon/host/xml"},
    "daemon/registry": DAEMON | {"daemon/host/report.h"},
    "daemon/fleet": DAEMON | HOST | {"daemon/store"},
    "daemon/ops": DAEMON | HOST | {"daemon/fleet", "daemon/store", "daemon/registry"},
    "daemon/reads": DAEMON | HOST | {"daemon/fleet", "daemon/store", "daemon/registry", "daemon/ops"},
    "daemon/console": DAEMON | {"daemon/ops", "daemon/reads", "daemon/registry"},
    "daemon/rpc": DAEMON | {"daemon/ops", "daemon/reads", "daemon/registry", "daemon/console"},
    "daemon/store_opener": DAEMON | {"daemon/store"},
    # The two that know everyone.
    "daemon/main": None,
    "daemon/wiring": None,
    # Prints what the tables say.
    "man": {"src", "daemon/config", "daemon/rpc"},
}
# A room's face: the headers that other rooms may include. What is not here is what a room is made
# of, whatever it is called (*_private.h, host_private.h); a room without a row is nothing but face.
FACES = {
    "src": "base64.h buffer.h contract/contract.h fields.h frame.h index.h jsonrpc.h list.h "
           "memory.h paths.h plain.h query.h refusals.h scope.h standard.h text.h units.h usual.h utf8.h",
    "tui/cli": "browser.h program.h shot.h terms.h verbs.h viewer.h",
    "daemon/log": "log.h",
    "daemon/config": "config.h config_keys.h",
    "daemon/options": "options.h",
    "daemon/records": "records.h",
    "daemon/settings": "settings.h",
    "daemon/loop": "loop.h pace.h rounds.h thread.h turnstile.h workers.h",
    "daemon/store": "ops.h recall.h restore.h session_rows.h store.h vms.h",
    "daemon/host": "embedded.h host.h reading.h",
    "daemon/host/xml": "domain_xml_edit.h domain_xml_secrets.h domain_xml_write.h next_boot.h",
    "daemon/host/storage": "chain.h images.h leavings.h serial_log.h storage.h uses.h",
    "daemon/host/guest": "belongings.h domain.h kvm_probe.h open_screen.h screenshot.h stand_in.h",
    "daemon/registry": "access.h people.h registry.h render.h subscriber.h told.h",
    "daemon/fleet": "fleet.h fleet_questions.h",
    "daemon/ops": "ops.h",
    "daemon/reads": "audit.h compare.h display_calls.h history.h offers.h quotas.h reads.h "
                    "session_log.h upkeep.h users.h",
    "daemon/console": "console.h stream_door.h web_door.h",
    "daemon/rpc": "door.h listen.h method.h",
    "daemon/store_opener": "store_opener.h",
    "daemon/wiring": "wiring.h",
}
# Rooms within rooms: what a room shows to those of the same part of the house, beside its face.
KIN = {
    "daemon/host": "domain_list.h host_conn.h libvirt_auto.h libvirt_error.h libvirt_state.h host_private.h channels.h task.h",
    "daemon/host/xml": "belongings_xml.h disk_source_xml.h domain_xml_files.h domain_xml_read.h screen_xml.h "
                       "stand_in_xml.h storage_xml.h",
    "daemon/host/storage": "uses_desk.h",
    "daemon/host/guest": "autodestroy.h",
}
# A library has one door in the house: header -> the files that may include it.
DOORS = {
    # Headers of host/ that have it are its own: nobody outside includes them.
    "libvirt/*": ["daemon/host/*.c", "daemon/host/libvirt_auto.h", "daemon/host/connection.h",
                  "daemon/host/domain_list.h", "daemon/host/events.h", "daemon/host/host_conn.h",
                  "daemon/host/guest/domain_private.h",
                  "daemon/host/node_sample.h", "daemon/host/storage/storage_private.h"],
    "sqlite3.h": ["daemon/store/*"],
    "*curses.h": ["tui/screen.c", "tui/pairs.c"],
    "uv.h": ["daemon/loop/*", "daemon/rpc/*", "daemon/console/*"],
    "libwebsockets.h": ["daemon/console/web_*"],
    "libxml/*": ["daemon/host/xml/*"],
    "png.h": ["daemon/host/guest/picture.c", "tui/model/pixels.c"],
    "ini.h": ["daemon/config.c"],
    "json-c/*": ["src/*", "daemon/host/storage/qemu_img.c", "daemon/rpc/*", "daemon/registry/*.c", "tui/*"],
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


def part_of(room):
    """The part of the house that a room within rooms belongs to; None for all others."""
    return room.rpartition("/")[0] if room.count("/") > 1 else room if room in KIN else None


def are_kin(room, other):
    return room != other and None is not part_of(room) == part_of(other)


def shown_to(room, other):
    """The headers of a room that files of another may include; None: all."""
    face = FACES.get(room)
    kin = KIN.get(room, "") if are_kin(room, other) else ""
    return None if face is None else f"{face} {kin}".split()


def is_private(room, target, other):
    """Is this header of a room none that `other` may include?"""
    folder = room if target.startswith(room + "/") else posixpath.dirname(room)
    if posixpath.dirname(other) == room and other.endswith(".c"):
        return False  # a file with a row of its own, in this room's folder
    shown = shown_to(room, other)
    return shown is not None and posixpath.relpath(target, folder) not in shown


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
    if is_private(other, target, room):
        return f'"{name}" is private to {other}, which shows {" ".join(shown_to(other, room))}'
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
    wanted = {face: collections.defaultdict(set) for face in ("FACES", "KIN")}
    for path, _, kind, name in includes(root):
        here = room_of(path.relative_to(root).as_posix())
        target = find(root, path.parent, name) if kind == '"' else None
        room = room_of(target) if target else None
        if room != here:
            wanted["KIN" if room and here and are_kin(room, here) else "FACES"][room].add(target)
    for list_name, faces in (("FACES", FACES), ("KIN", KIN)):
        for room, face in faces.items():
            for header in face.split():
                if not any(target.endswith("/" + header) for target in wanted[list_name][room]):
                    yield f"tests/style/layers.py: no other room includes {header} of {room} ({list_name})"


def check_all(root):
    yield from check(root)
    yield from check_faces(root)


if __name__ == "__main__":
    source.run(check_all)
