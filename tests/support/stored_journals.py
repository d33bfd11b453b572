"""stored_journals: operations that a lodged of before left unfinished, as tests/data/journals/ has them, put
into a world in which a lodged of today takes them up (root).

    world = JournalWorld(World(), uid=None)
    world.put(cases)             # files, domains, guests that run, and the database
    world.recover()              # lodged runs until none of them is under way
    world.ends(cases)            # what became of each operation, its VM and its files

A case: the points at which lodged was killed (several, where they leave the same), the operation's rows,
its VM's, its domain as libvirt had it, its files, and how the lodged that left it ended it. Paths have
@WORLD@ in the world's place; a run of a guest (@RUN@) and what a disk was like when it was made (@SEAL@)
are this world's. tests/journals.py writes them."""

import concurrent.futures
import json
import os
import pathlib
import sqlite3
import subprocess
import time

from three_worlds import ThreeWorlds
from world import CHECKOUT, Mirror

FOLDER = CHECKOUT / "tests" / "data" / "journals"
WORLD, RUN, SEAL = "@WORLD@", "@RUN@", "@SEAL@"
STARTERS = 3  # guests that are started at once


def names():
    """Which lodged wrote them, and what the steps and the members of a plan were called in it."""
    return json.loads((FOLDER / "names.json").read_text())


def stored(unprivileged=False):
    """The cases of lodgeds that were root, or that were not."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        if path.name != "names.json":
            file = json.loads(path.read_text())
            found += file["cases"] if file["unprivileged"] == unprivileged else []
    return found


def seal_of(path):
    """As lodged writes it into a journal: which file it is, how large, and when it was written to."""
    if not pathlib.Path(path).is_file():
        return None
    return subprocess.run(["stat", "-c", "%i,%.9W %s %.9Y", path], text=True, capture_output=True,
                          check=True).stdout.strip()


def qemu_img(*words):
    return subprocess.run(["qemu-img", *map(str, words)], check=True, capture_output=True, text=True).stdout


class JournalWorld:
    def __init__(self, world, uid=None):
        self.world, self.uid = world, uid
        self.libvirtd = world.libvirtd()
        self.disks, self.library = world.folder / "disks", world.folder / "library"
        self.library.mkdir()
        (self.library / "tiny.iso").write_bytes(b"\0" * 40960)
        qemu_img("create", "-q", "-f", "qcow2", self.library / "base.qcow2", "1M")
        wrap = world.without_kvm() if uid is None else []
        self.daemon = world.daemon(None, uid=uid, start=False, wrap=wrap, config={
            "host q": {"uri": self.libvirtd.qemu_uri, "dir": self.disks},
            "host gone": {"uri": self.libvirtd.qemu_uri + "-of-yesterday"},
            "images": {"dirs": self.library}})
        self.worlds = ThreeWorlds(self.daemon, self.libvirtd, self.disks)
        self.database = pathlib.Path(self.daemon.state_dir) / "lodge.db"

    def here(self, text):
        return text.replace(WORLD, str(self.world.folder))

    # as it was when lodged was killed

    def put(self, cases):
        self.disks.mkdir(exist_ok=True)
        if self.uid is not None:
            subprocess.run(["chown", str(self.uid), self.disks], check=True)
        for case in cases:
            for file in case["files"]:
                self.put_file(file)
        with self.libvirtd.virsh_shell() as shell:
            for case in cases:
                if case["domain"] is not None and case["domain"]["persistent"]:
                    shell.run(f"define {self.xml_of(case)}")
        active = [case for case in cases if case["domain"] is not None and case["domain"]["state"] != "shut off"]
        with concurrent.futures.ThreadPoolExecutor(STARTERS) as starters:
            list(starters.map(self.start_guests, [active[at::STARTERS] for at in range(STARTERS)]))
        self.put_database(cases)

    def put_file(self, file):
        path = self.disks / file["name"]
        if file["format"] is None:
            path.touch()
        else:
            qemu_img("create", "-q", "-f", file["format"], path, file["bytes"])
        if file["old"]:
            os.utime(path, (0, 0))

    def xml_of(self, case):
        path = self.world.folder / f"{case['rows']['op']['id']}.xml"
        path.write_text(self.here(case["domain"]["xml"]))
        return path

    def start_guests(self, cases):
        if not cases:
            return
        with self.libvirtd.virsh_shell() as shell:
            for case in cases:
                uuid, domain = case["rows"]["op"]["uuid"], case["domain"]
                paused = "--paused" if domain["state"] == "paused" else ""
                shell.run(f"start {uuid} {paused}" if domain["persistent"]
                          else f"create {self.xml_of(case)} {paused}")
                if domain["autostart"]:
                    shell.run(f"autostart {uuid}")
                if domain["state"] == "saved":
                    shell.run(f"managedsave {uuid}")

    def put_database(self, cases):
        runs = self.runs()
        suffix = "" if self.uid is None else "-unprivileged"
        self.database.parent.mkdir(mode=0o700, exist_ok=True)
        database = sqlite3.connect(self.database)
        database.executescript(self.here((FOLDER / f"database{suffix}.sql").read_text()))
        for case in cases:
            self.put_rows(database, case, runs.get(case["rows"]["op"]["uuid"]))
        database.commit()
        database.close()
        (self.database.parent / "age").write_text((FOLDER / f"age{suffix}").read_text())
        if self.uid is not None:
            subprocess.run(["chown", "-R", str(self.uid), self.database.parent], check=True)

    def runs(self):
        """uuid -> the number of its guest's run."""
        found = {}
        for line in self.libvirtd.virsh("list", "--uuid", "--id").stdout.splitlines():
            words = line.split()
            if len(words) == 2:
                found[words[0]] = words[1]
        return found

    def put_rows(self, database, case, run):
        rows = json.loads(self.here(json.dumps(case["rows"])))
        plan = rows["op"]["journal"]
        if plan.get("run") == RUN:
            plan["run"] = int(run)
        for disk in plan.get("disks", []):
            if disk.get("seal") == SEAL:
                disk["seal"] = seal_of(disk["path"])
        rows["op"]["journal"] = json.dumps(plan, separators=(",", ":"))
        vm = None
        if rows["vm"] is not None:
            vm = self.insert(database, "vm", rows["vm"])
        for table in ("disk", "nic"):
            for row in rows[table]:
                self.insert(database, table, {**row, "vm": vm})
        self.insert(database, "op", rows["op"])
        for row in rows["op_step"]:
            self.insert(database, "op_step", {**row, "op": rows["op"]["id"]})

    @staticmethod
    def insert(database, table, row):
        marks = ", ".join("?" * len(row))
        return database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})",
                                list(row.values())).lastrowid

    # what becomes of it

    def recover(self, seconds=240):
        """Until nothing is under way of what lodged took up; its exit code."""
        self.daemon.env = {}
        self.daemon.start()
        with self.daemon.rpc() as rpc:
            mirror = Mirror(rpc, topics=["host"]).wait_ready(60)
            mirror.wait(lambda m: m.hosts["q"]["state"] == "up", 60)
            until = time.monotonic() + 60
            while rpc.call("server.health")["store"] != "ok":  # operations are taken up with it
                assert time.monotonic() < until, self.daemon.process.tail()
                self.world.keeper.look(0.02)
        with self.daemon.rpc() as rpc:
            mirror = Mirror(rpc, topics=["op"])
            mirror.KEYS = {"op": ("id",)}
            mirror.wait_ready(60)
            mirror.wait(lambda m: all(value["state"] in ("done", "failed", "cancelled")
                                      for value in m.objects.values()), seconds)
        return self.daemon.stop()

    def state_of(self, uuid):
        """As virsh calls it, `saved`, or None where there is no such domain."""
        shown = self.libvirtd.virsh("dominfo", uuid, check=False)
        return self.state_in(shown.stdout) if shown.returncode == 0 else None

    @staticmethod
    def state_in(shown):
        facts = dict(line.split(":", 1) for line in shown.splitlines() if ":" in line)
        facts = {name: value.strip() for name, value in facts.items()}
        return "saved" if facts["Managed save"] == "yes" else facts["State"]

    def states(self):
        """uuid -> the same."""
        uuids = self.libvirtd.virsh("list", "--all", "--uuid").stdout.split()
        with self.libvirtd.virsh_shell() as shell:
            return {uuid: self.state_in(shell.run(f"dominfo {uuid}")) for uuid in uuids}

    def ends(self, cases):
        """Of each: how the operation ended, what its VM's row says, its domain, and which files are there."""
        ops, vms = self.worlds.read(
            "SELECT id, state, step, error_kind, result FROM op",
            "SELECT host, uuid, name, phase, vcpus, memory_mib, disk_gib FROM vm")
        ops = {row[0]: row[1:] for row in ops}
        vms = {row[:2]: list(row[2:]) for row in vms}
        states = self.states()
        return [self.end_of(case, ops, vms, states) for case in cases]

    def end_of(self, case, ops, vms, states):
        op = case["rows"]["op"]
        state, step, error, result = ops[op["id"]]
        result = json.loads(result) if result else None
        if result is not None:
            result.pop("notes", None)  # for people
        files = [file["name"] for file in case["files"] if (self.disks / file["name"]).exists()]
        return {"state": state, "step": step, "error": error, "result": result or None,
                "row": vms.get((op["host"], op["uuid"])), "domain": states.get(op["uuid"]), "files": files}
