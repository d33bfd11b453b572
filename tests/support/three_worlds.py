"""three_worlds: SQLite, libvirt and the directory of disks, side by side.

    worlds = ThreeWorlds(daemon, libvirtd, disks)
    worlds.compare()     # what does not fit together, as sentences; none when all is well
    worlds.settle(60)    # the same, given that time: a call that libvirtd had still queued when
                         # lodged was killed may come late, and is undone again then

Whoever calls it has stopped changing things; what belongs to lodge is told by lodge's mark, by its
rows, and by the names of its volumes. What was there before (`keep()`) must be as it was.
"""

import ast
import hashlib
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

READER = """import sqlite3, sys
database = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)
print([database.execute(query).fetchall() for query in sys.argv[2:]])"""
WAITER = """import select, sqlite3, sys, time
database = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)
until = time.monotonic() + float(sys.argv[3])
while not database.execute(sys.argv[2]).fetchall():
    if time.monotonic() > until:
        sys.exit(f'no rows: {sys.argv[2]}')
    select.select([], [], [], 0.01)"""
VMS = "SELECT uuid, name, phase FROM vm"
OUR_DISKS = "SELECT path FROM disk WHERE ours"
UNFINISHED = "SELECT id, kind, step FROM op WHERE ended_ms IS NULL"
OURS = re.compile(r"^([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})-")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class ThreeWorlds:
    def __init__(self, daemon, libvirtd, disks):
        self.daemon, self.libvirtd = daemon, libvirtd
        self.disks = pathlib.Path(disks)
        self.strangers = {}

    # what there is

    def read(self, *queries):
        """The rows of each. Read by a process of its own: SQLite keeps what it knows of a file for its whole
        process, and this one also puts other databases in that file's place."""
        done = subprocess.run([sys.executable, "-c", READER, f"{self.daemon.state_dir}/lodge.db", *queries],
                              capture_output=True, text=True, timeout=60, check=True)
        return ast.literal_eval(done.stdout)

    def rows(self, query):
        return self.read(query)[0]

    def wait_rows(self, query, seconds=30):
        """Until there are some."""
        subprocess.run([sys.executable, "-c", WAITER, f"{self.daemon.state_dir}/lodge.db", query, str(seconds)],
                       timeout=seconds + 60, check=True)

    def unfinished(self):
        return self.rows(UNFINISHED)

    def domains(self):
        """uuid -> (name, has lodge's mark, paths of disks)."""
        found = {}
        uuids = self.libvirtd.virsh("list", "--all", "--uuid").stdout.split()
        if not uuids:
            return found
        # One that has gone meanwhile is complained about, and the others follow.
        dumped = self.libvirtd.virsh("; ".join(f"dumpxml {uuid}" for uuid in uuids), check=False)
        for tree in ElementTree.fromstring(f"<domains>{dumped.stdout}</domains>"):
            marked = any(element.tag.endswith("}made") for element in tree.iter())
            paths = {source.get("file") for source in tree.findall("./devices/disk/source")}
            found[tree.findtext("uuid")] = tree.findtext("name"), marked, paths - {None}
        return found

    def files(self):
        if not self.disks.is_dir():
            return set()
        return {str(path) for path in self.disks.iterdir()}

    # what must stay

    def keep(self):
        """Everything that is not lodge's is to be the same at the end."""
        self.strangers = {
            "domains": {uuid: domain[0] for uuid, domain in self.domains().items()
                        if not domain[1]},
            "files": {path: digest(pathlib.Path(path)) for path in self.files()
                      if not OURS.match(pathlib.Path(path).name) and pathlib.Path(path).is_file()},
        }
        return self

    # what does not fit

    def compare(self):
        vms, disks, unfinished = self.read(VMS, OUR_DISKS, UNFINISHED)
        vms = {uuid: (name, phase) for uuid, name, phase in vms}
        domains, files = self.domains(), self.files()
        wrong = [f"operation {row} has not ended" for row in unfinished]
        for uuid, (name, phase) in vms.items():
            if phase != "ready":
                wrong.append(f"row {name} is {phase}")
            if uuid not in domains:
                wrong.append(f"row {name} has no domain")
        for uuid, (name, marked, paths) in domains.items():
            if marked and uuid not in vms:
                wrong.append(f"domain {name} is lodge's and has no row")
            for path in paths:
                if uuid in vms and not pathlib.Path(path).exists():
                    wrong.append(f"domain {name} has no file {path}")
        for path in {path for (path,) in disks} - files:
            wrong.append(f"a row names {path}, which is not there")
        for path in files:
            match = OURS.match(pathlib.Path(path).name)
            if match and match[1] not in vms:
                wrong.append(f"file {path} is nobody's")
        for uuid, name in self.strangers.get("domains", {}).items():
            if uuid not in domains:
                wrong.append(f"foreign domain {name} is gone")
        for path, was in self.strangers.get("files", {}).items():
            if not pathlib.Path(path).exists() or digest(pathlib.Path(path)) != was:
                wrong.append(f"foreign file {path} was touched")
        return wrong

    def settle(self, seconds):
        until = time.monotonic() + seconds
        while (wrong := self.compare()) and time.monotonic() < until:
            self.daemon.world.keeper.look(0.2)
        return wrong

    def charged(self):
        """What the rows add up to: vms, vcpus, memory_mib, disk_gib."""
        [(vms, vcpus, memory)], [(disk,)] = self.read(
            "SELECT count(*), coalesce(sum(vcpus), 0), coalesce(sum(memory_mib), 0) FROM vm",
            "SELECT coalesce(sum(size_gib), 0) FROM disk WHERE ours")
        return {"vms": vms, "vcpus": vcpus, "memory_mib": memory, "disk_gib": disk}
