#!/usr/bin/env python3
"""links: who calls whom, as the linker sees it: links.py ROOT BUILD [--write | --circles]

layers.py reads what a file includes; this reads what it uses: nm over the objects of a build, a name
that one file defines and another wants is a line between them. Of the rooms of layers.py it draws the
picture in CONTRIBUTING.md, and complains

- when a room calls one that its row in layers.py does not name (an arrow up),
- when rooms stand in a circle,
- when the files of a room that stand in circles are more than circles.txt allows, which only falls,
- when the picture is not what the build says.

--write draws the picture anew and writes down circles that have become smaller; --circles prints each
circle and all that ties it, the thinnest thread first.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

import layers
import source

PAGE = "CONTRIBUTING.md"
BEGIN = "<!-- drawn by tests/style/links.py -->"
END = "<!-- so far -->"
LIST = "tests/style/circles.txt"


# What was built

def compiled(root, build):
    """source -> its object below `build`, of what is installed. The programs that print manuals are left
    out: whether they are built depends on what the machine has."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        base = build if path.is_relative_to(build) else root
        if path.is_relative_to(base) and path.suffix == ".c":
            name = path.relative_to(base).as_posix()
            if name.split("/")[0] in layers.SEARCH and not entry["output"].startswith("tests/"):
                found[name] = entry["output"]
    return found


def symbols(build, objects):
    """source -> the names it defines, the names it wants of others."""
    if not objects:
        raise OSError("it has no file of this checkout")
    told = subprocess.run(["nm", "-A", "-g", "-P", *objects.values()], cwd=build, text=True,
                          capture_output=True, check=False)
    if told.returncode:
        raise OSError(told.stderr.strip())
    sources = {output: name for name, output in objects.items()}
    defined = {name: set() for name in objects}
    wanted = {name: set() for name in objects}
    for line in told.stdout.splitlines():
        output, _, rest = line.partition(": ")
        symbol, kind = rest.split()[:2]
        (wanted if kind in "Uw" else defined)[sources[output]].add(symbol)
    return defined, wanted


def nearest(name, candidates):
    """Two programs may each have a `history_new`: a file means the one that lies nearest to it."""
    def shared(other):
        pairs = zip(name.split("/"), other.split("/"))
        return next((depth for depth, (a, b) in enumerate(pairs) if a != b), 0)
    return max(sorted(candidates), key=shared)


def file_links(root, build):
    """file -> file that it calls -> by which names."""
    defined, wanted = symbols(build, compiled(root, build))
    definers = collections.defaultdict(set)
    for name, here in defined.items():
        for symbol in here:
            definers[symbol].add(name)
    links = {name: collections.defaultdict(set) for name in sorted(defined)}
    for name, there in wanted.items():
        for symbol in there:
            if symbol in definers and name not in definers[symbol]:
                links[name][nearest(name, definers[symbol])].add(symbol)
    return links


def room_links(links):
    """room -> room that it calls -> by which (file, file, name)."""
    rooms = {layers.room_of(name): collections.defaultdict(list) for name in links}
    for name, others in links.items():
        for other, names in others.items():
            here, there = layers.room_of(name), layers.room_of(other)
            if here != there:
                rooms[here][there] += [(name, other, symbol) for symbol in sorted(names)]
    return rooms


# Circles

def circles(graph):
    """Those of which each reaches each other, largest first (Tarjan's strongly connected components)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return sorted(found, key=lambda members: (-len(members), members))


def way_round(graph, members):
    """The shortest way in a circle from one of its members back to it."""
    best = None
    for start in members:
        ways, seen = collections.deque([[start]]), {start}
        while ways:
            way = ways.popleft()
            for other in sorted(set(graph[way[-1]]) & set(members)):
                if other == start and (best is None or len(way) < len(best)):
                    best = way
                if other not in seen:
                    seen.add(other)
                    ways.append([*way, other])
    return [*best, best[0]]


def within(links, room):
    """The links between a room's own files."""
    return {name: {other: names for other, names in others.items() if layers.room_of(other) == room}
            for name, others in links.items() if layers.room_of(name) == room}


def room_circles(links):
    """room -> circles of its files."""
    found = {room: circles(within(links, room)) for room in sorted(set(map(layers.room_of, links)))}
    return {room: of_it for room, of_it in found.items() if of_it}


# The picture

def storeys():
    """The rooms of layers.py from the top down, each above all that it may call, those of a program together.
    Those that may call everything stand above all others, each above those that are named after it."""
    placed = [room for room, below in layers.ROOMS.items() if below is None]
    while len(placed) < len(layers.ROOMS):
        rest = [room for room in reversed(layers.ROOMS) if room not in placed]
        named = set().union(*(layers.ROOMS[room] for room in rest))
        free = [room for room in rest if room not in named] or rest  # a table with a circle in it ends as well
        program = placed[-1].split("/")[0] if placed else ""
        placed.append(next((room for room in free if room.split("/")[0] == program), free[0]))
    return placed


def may_call(room):
    if layers.ROOMS[room] is not None:
        return layers.ROOMS[room]
    order = storeys()
    return set(order[order.index(room) + 1:])


def picture(rooms):
    """Each room's shaft goes down from its name to the last that it calls, with a mark beside each of those."""
    order = [room for room in storeys() if room in rooms]
    lines = []
    for row, room in enumerate(order):
        cells = []
        for caller in order[:row]:
            calls = [order.index(other) for other in rooms[caller]]
            cells.append("●" if row in calls else "│" if max(calls, default=-1) > row else " ")
        lines.append(" ".join([*cells, room]))
    return lines


def drawn(root, rooms):
    """The page as it should be; None without the two markers."""
    text = (root / PAGE).read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN + "\n")
    _, end, after = rest.partition(END + "\n")
    if not begin or not end:
        return None
    return f"{before}{begin}\n" + "".join(f"    {line}\n" for line in picture(rooms)) + f"\n{end}{after}"


# The complaints

def line_of(root, name, symbol):
    """Where a file says a name first; a macro may say it for the file."""
    path = root / name
    if path.is_file():
        for number, line in enumerate(source.code_only(path.read_text(encoding="utf-8")).splitlines(), 1):
            if re.search(rf"\b{symbol}\b", line):
                return number
    return 1


def check_arrows(root, rooms):
    for room, others in rooms.items():
        for other, ties in others.items():
            if other not in may_call(room):
                for name, target, symbol in ties:
                    yield (f"{name}:{line_of(root, name, symbol)}: {room} must not call {other}: "
                           f"{symbol} of {target}")


def check_rooms(rooms):
    for members in circles(rooms):
        way = way_round(rooms, members)
        said = [f"{here} calls {symbol} of {target} ({name})" for here, there in zip(way, way[1:])
                for name, target, symbol in rooms[here][there][:1]]
        yield f"tests/style/layers.py: a circle of rooms, {', '.join(members)}: {'; '.join(said)}"


def read_list(root):
    """room -> line, how many files each of its circles may have; and what is no entry."""
    allowed, wrong = {}, []
    for number, entry in source.entries(root / LIST):
        room, *counts = entry.split()
        counts = [int(count) if count.isdigit() else 0 for count in counts]
        if not counts or min(counts) < 2 or counts != sorted(counts, reverse=True) or room <= max(allowed, default=""):
            wrong.append(f"{LIST}:{number}: '{entry}' is no room and counts, largest first, or not in order")
        else:
            allowed[room] = (number, counts)
    return allowed, wrong


def is_smaller(now, before):
    """Fewer files, or as many in smaller circles."""
    return sum(now) <= sum(before) and max(now, default=0) <= max(before, default=0)


def tied(links, room, members):
    graph = within(links, room)
    way = way_round(graph, members)
    return "; ".join(f"{here} calls {min(graph[here][there])} of {there}" for here, there in zip(way, way[1:]))


def check_circles(root, links):
    allowed, wrong = read_list(root)
    yield from wrong
    found = room_circles(links)
    for room in sorted({*found, *allowed}):
        number, before = allowed.get(room, (1, []))
        now = [len(members) for members in found.get(room, ())]
        if now == before:
            continue
        said = " and ".join(map(str, now)) or "no"
        if is_smaller(now, before):
            yield f"{LIST}:{number}: {room} has circles of {said} files now: tests/style/links.py --write"
            continue
        yield (f"{LIST}:{number}: {room} has circles of {said} files, "
               f"{' and '.join(map(str, before)) or 'none'} allowed: --circles prints all of them")
        spare = list(before)
        for members in found[room]:
            if len(members) in spare:
                spare.remove(len(members))
            else:
                yield f"{members[0]}:1: a circle of {', '.join(members)}: {tied(links, room, members)}"


def check_picture(root, rooms):
    want = drawn(root, rooms)
    if want is None:
        yield f"{PAGE}:1: has no place for the picture: {BEGIN} and {END}"
        return
    have = (root / PAGE).read_text(encoding="utf-8")
    if have != want:
        lines = have.splitlines()
        number = next((number for number, (a, b) in enumerate(zip(lines, want.splitlines()), 1) if a != b), len(lines))
        yield f"{PAGE}:{number}: the picture is not what the build says: tests/style/links.py {{ROOT}} {{BUILD}} --write"


def check(root, build):
    root, build = root.resolve(), build.resolve()
    try:
        links = file_links(root, build)
    except OSError as error:
        yield f"{build}: build it first: {error}"
        return
    rooms = room_links(links)
    if None in rooms:
        yield "tests/style/layers.py: " + ", ".join(name for name in links if layers.room_of(name) is None) + ": no room"
        return
    yield from check_arrows(root, rooms)
    yield from check_rooms(rooms)
    yield from check_circles(root, links)
    yield from check_picture(root, rooms)


def write(root, build):
    """The picture; and circles that have become smaller, no others."""
    root, build = root.resolve(), build.resolve()
    links = file_links(root, build)
    page = drawn(root, room_links(links))
    if page is not None:
        (root / PAGE).write_text(page, encoding="utf-8")
    found = {room: [len(members) for members in of_it] for room, of_it in room_circles(links).items()}
    lines = []
    for line in source.lines(root / LIST):
        room, *counts = line.partition("#")[0].split() or [""]
        now = found.get(room, [])
        if room and is_smaller(now, [int(count) for count in counts]):
            line = " ".join([room, *map(str, now)]) if now else None
        if line is not None:
            lines.append(line + "\n")
    (root / LIST).write_text("".join(lines), encoding="utf-8")


def print_circles(root, build):
    links = file_links(root.resolve(), build.resolve())
    for room, of_it in room_circles(links).items():
        for members in of_it:
            print(f"{room}, {len(members)} files:")
            ties = [(len(names), name, other, names) for name in members
                    for other, names in links[name].items() if other in members]
            for _, name, other, names in sorted(ties, key=lambda tie: tie[:3]):
                print(f"    {name} -> {other}: {', '.join(sorted(names))}")


if __name__ == "__main__":
    if sys.argv[3:] == ["--write"]:
        write(*map(pathlib.Path, sys.argv[1:3]))
    elif sys.argv[3:] == ["--circles"]:
        print_circles(*map(pathlib.Path, sys.argv[1:3]))
    else:
        source.run(lambda root: check(root, pathlib.Path(sys.argv[2])))
