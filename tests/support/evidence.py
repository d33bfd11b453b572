"""evidence: what a failed test leaves to be understood by, in one folder that its output names.

    folder = evidence.keep("Crashes.test_killed_at_…", traceback)

Holds the complaint, and of each world that is open: logs, configuration and XML, SQLite databases as
SQL text, the domains as each libvirtd tells them, what each lodged answers about VMs and operations,
and every process with what its threads wait for. Everything is tried and nothing waited for long: the
machine that is looked at is a broken one. LODGE_FAILED names the place (default: BUILD_DIR/failed).
"""

import json
import os
import pathlib
import re
import sqlite3
import subprocess
import sys

import keeper as keepers

TEXT = (".log", ".conf", ".xml", ".txt", ".json", ".html", ".png")
MOST = 4 << 20  # bytes of a file, from its end
QUESTIONS = ("server.health", "host.list", "vm.list", "op.list", "console.list")
FLIGHTS = 12    # lines of what is in flight
MOMENT = 2      # seconds that anyone has to answer


def place():
    folder = os.environ.get("LODGE_FAILED")
    return pathlib.Path(folder or pathlib.Path(os.environ.get("BUILD_DIR", "build")).absolute() / "failed")


def fresh_folder(name):
    """A folder of its own for this failure: nothing that was kept before is written over."""
    program = pathlib.Path(sys.argv[0]).stem
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{program}.{name}")[:120]
    for number in range(1, 1000):
        folder = place() / (name if number == 1 else f"{name}.{number}")
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            continue
    raise FileExistsError(f"{place()} is full of {name}")


def attempt(what, folder, act):
    """Runs act(); what goes wrong is written down in its place."""
    try:
        act()
    except Exception as error:  # pylint: disable=broad-except  # evidence is never a reason to stop
        with open(folder / "not-kept.txt", "a", encoding="utf-8") as file:
            file.write(f"{what}: {error!r}\n")


def keep_end(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(source, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - MOST))
        target.write_bytes(file.read(MOST))


def keep_rows(database, target):
    """As text; of what is damaged, the file itself and those beside it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=MOMENT)
        try:
            target.with_suffix(".sql").write_text("\n".join(connection.iterdump()), encoding="utf-8")
        finally:
            connection.close()
    except sqlite3.Error:
        for path in database.parent.glob(database.name + "*"):
            keep_end(path, target.parent / path.name)


def keep_files(world, folder):
    listed = []
    for parent, _, names in os.walk(world.folder):
        for name in sorted(names):
            path = pathlib.Path(parent, name)
            inside = path.relative_to(world.folder)
            state = os.lstat(path)
            listed.append(f"{state.st_mode:o} {state.st_uid} {state.st_size:>12} {inside}")
            if not path.is_file() or path.is_symlink():
                continue
            if path.suffix in TEXT:
                attempt(inside, folder, lambda path=path, inside=inside: keep_end(path, folder / inside))
            elif path.name == "lodge.db":
                attempt(inside, folder, lambda path=path, inside=inside: keep_rows(path, folder / inside))
    (folder / "files.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")


def keep_domains(libvirtd, folder):
    def virsh(*words):
        done = subprocess.run(["virsh", "-q", "-c", libvirtd.qemu_uri, *words], capture_output=True,
                              text=True, timeout=MOMENT * 2, check=False)
        return done.stdout + done.stderr

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "list.txt").write_text(virsh("list", "--all"), encoding="utf-8")
    for name in virsh("list", "--all", "--name").split():
        (folder / f"{name.replace('/', '-')}.xml").write_text(virsh("dumpxml", name), encoding="utf-8")


def answer_path(daemon, method, folder):
    return folder / f"{daemon.name}-{method}.json"


def keep_answers(daemon, folder):
    from rpc import Rpc  # pylint: disable=import-outside-toplevel
    for method in QUESTIONS:
        def ask(method=method):
            with Rpc(daemon.socket) as rpc:
                answer_path(daemon, method, folder).write_text(
                    json.dumps(rpc.call(method, deadline=MOMENT), indent=1), encoding="utf-8")
        attempt(f"{method} of {daemon.name}", folder, ask)


def read(path):
    try:
        return pathlib.Path(path).read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError as error:
        return f"({error.strerror})"


def keep_processes(world, folder):
    lines = []
    for pid in keepers.descendants(world.keeper.program.pid):
        lines.append(f"{pid} {read(f'/proc/{pid}/cmdline')[:300]}")
        try:
            threads = sorted(os.listdir(f"/proc/{pid}/task"), key=int)
        except OSError:
            continue
        for thread in threads:
            of = f"/proc/{pid}/task/{thread}"
            state = re.search(r"State:\s*(.*)", read(f"{of}/status"))
            lines.append(f"    {thread} {read(f'{of}/comm')}: {state and state[1]}, in {read(f'{of}/wchan')}, "
                         f"call {read(f'{of}/syscall')[:40]}")
    (folder / "processes.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def keep_world(world, folder):
    folder.mkdir(parents=True, exist_ok=True)
    attempt("processes", folder, lambda: keep_processes(world, folder))
    for daemon in world.daemons:
        if daemon.process is not None and daemon.process.running():
            keep_answers(daemon, folder)
    for libvirtd in world.libvirtds:
        attempt("domains", folder, lambda libvirtd=libvirtd: keep_domains(
            libvirtd, folder / f"domains-{libvirtd.folder.name}"))
    attempt("files", folder, lambda: keep_files(world, folder))


def in_flight(world, folder):
    """A line for each operation that has not ended, and for each process that runs beneath a lodged: what
    a wait that did not end has waited for."""
    lines = []
    for daemon in world.daemons:
        path = answer_path(daemon, "op.list", folder)
        ops = json.loads(path.read_text(encoding="utf-8"))["ops"] if path.exists() else []
        lines += [f"in flight: {json.dumps(op)[:400]}" for op in ops if "ended_at" not in op]
        pid = daemon.process.pid if daemon.process is not None and daemon.process.running() else None
        lines += [f"beneath lodged: {child} {read(f'/proc/{child}/cmdline')[:200]}, in {read(f'/proc/{child}/wchan')}"
                  for child in (keepers.descendants(pid) if pid else [])]
    return lines[:FLIGHTS]


def keep(name, complaint, worlds):
    """Writes it all down; the folder, or None where none could be made. Prints what is in flight."""
    try:
        folder = fresh_folder(name)
    except OSError as error:
        print(f"nothing could be kept of this: {error}", flush=True)
        return None
    (folder / "complaint.txt").write_text(complaint, encoding="utf-8")
    for world in worlds:
        attempt("a world", folder, lambda world=world: keep_world(world, folder / world.folder.name))
        attempt("what is in flight", folder, lambda world=world: print(
            "".join(f"    {line}\n" for line in in_flight(world, folder / world.folder.name)), end=""))
    return folder
