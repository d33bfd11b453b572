#!/usr/bin/env python3
"""journals: writes tests/data/journals/ anew, with the lodged of a build (root; -Dfailpoints=true):

    LODGED=BUILD/daemon/lodged tests/journals.py SOURCE         # the tree that it was built from
    LODGED=BUILD/daemon/lodged tests/journals.py SOURCE ends    # only how they end

It is run with a lodged that is in use, before its recipes change; what it writes is taken up by every
lodged from then on (tests/integration/test_journals.py). lodged is killed at each of its points, and what
it leaves is set aside: the operation and its VM out of the database, its domain out of libvirt, its files.
Then all of it is put back, and the same lodged says how it ends."""

import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), folder) for folder in ("support", "style")]
# pylint: disable=wrong-import-position
from failpoints import points  # noqa: E402
import journal_names  # noqa: E402
from stored_journals import FOLDER, RUN, SEAL, WORLD, JournalWorld, qemu_img, seal_of, stored  # noqa: E402
from rpc import Gone, Mirror, RpcError  # noqa: E402
from world import World, free_uid  # noqa: E402

SMALL = {"vcpus": 1, "memory_mib": 32, "network": None}
DISKS = [{"size_gib": 1}, {"size_gib": 1, "format": "raw"}]
# Of each noun: what its VM is brought into before, and what is asked for.
CALLS = {
    "create": (None, {**SMALL, "start": True, "iso": "tiny.iso", "boot": ["disk", "cdrom"], "tags": ["web"],
                      "disks": [{"size_gib": 1, "image": "base.qcow2"}, DISKS[1]]}),
    "delete": ("running", {}),
    "start": ("shutoff", {}),
    "stop": ("running", {}),
    "shutdown": ("running", {"grace_s": 2}),
    "reboot": ("running", {"grace_s": 2}),
    "reset": ("running", {}),
    "nmi": ("running", {}),
    "pause": ("running", {}),
    "resume": ("paused", {}),
    "save": ("running", {}),
    "update": ("shutoff", {"vcpus": 2, "memory_mib": 48, "tags": ["web", "new"], "boot": ["cdrom", "disk"],
                           "autostart": True, "disks": [{"target": "vda", "size_gib": 2}]}),
    "media": ("shutoff", {"iso": None}),
    "adopt": ("foreign", {"owner": "root"}),
    "forget": ("gone", {}),
    "orphan.delete": ("orphan", {}),
}
UNPRIVILEGED = ("update.stand_in", "update.stretch", "update.stand_down")
# Where nothing is unfinished: not on record yet, over, or the step ends by waiting for the guest, and what comes
# after it is another point's.
NEVER = (".reserve", ".close.done", "create.resume.done", "delete.silence.done", "delete.destroy.done",
         "start.start.done", "stop.destroy.done", "stop.again.done", "shutdown.acpi.done", "shutdown.agent.done",
         "reboot.reboot.done", "pause.pause.done", "resume.resume.done", "save.save.done", "update.rename.done")


class Writer(JournalWorld):
    def __init__(self, world, uid=None):
        super().__init__(world, uid)
        self.cases, self.unreached = {}, []

    def start(self, point=None):
        self.daemon.env = {"LODGED_FAILPOINT": point} if point else {}
        self.daemon.start()
        with self.daemon.rpc() as rpc:
            mirror = Mirror(rpc, topics=["vm", "host"]).wait_ready(60)
            mirror.wait(lambda m: m.hosts["q"]["state"] == "up" and m.hosts["q"].get("synced_at"), 60)
        return self.daemon.rpc()

    def sql(self, query, *values):
        with sqlite3.connect(self.database) as database:
            database.execute("PRAGMA foreign_keys = ON")
            database.row_factory = sqlite3.Row
            rows = [dict(row) for row in database.execute(query, values).fetchall()]
        database.close()
        return rows

    # VMs to be had

    @staticmethod
    def name_of(point):
        return point.replace(".", "-").replace("_", "-")

    def make(self, rpc, noun, name):
        state = CALLS[noun][0]
        if state == "foreign":
            self.libvirtd.define(name)
        elif state is not None:
            disks = [{"size_gib": 1, "format": "raw"}] if self.uid is not None else DISKS
            iso = {"iso": "tiny.iso"} if noun in ("media", "update") and self.uid is None else {}
            rpc.call("vm.create", name=name, host="q", start=state in ("running", "paused"), wait=True, deadline=60,
                     disks=disks, **iso, **SMALL)
            if noun in ("update", "media"):
                self.settle(name)
            if state == "paused":
                rpc.call("vm.pause", vm=name, wait=True, deadline=60)

    def settle(self, name):
        """libvirt tells a definition that it has read from its own words in another order than its first."""
        path = self.world.folder / "settled.xml"
        path.write_text(self.libvirtd.virsh("dumpxml", "--inactive", "--security-info", name).stdout)
        self.libvirtd.virsh("define", path)

    def unmake(self, name):
        """After lodged has stopped: what makes it gone, or an orphan."""
        if name.startswith("forget"):
            self.libvirtd.virsh("undefine", name)
            self.sql("UPDATE vm SET host = 'gone' WHERE name = ?", name)
        elif name.startswith("orphan"):
            self.sql("DELETE FROM vm WHERE name = ?", name)

    # one point

    def ask(self, rpc, noun, name, asked=None):
        params = dict(asked or CALLS[noun][1])
        if noun == "create":
            params |= {"name": name, "host": "q"}
        elif noun == "orphan.delete":
            uuid = self.libvirtd.virsh("domuuid", name).stdout.strip()
            params |= {"host": "q", **self.orphan(name, uuid)}
        else:
            params["vm"] = name
        if noun == "update" and self.uid is None:
            params["name"] = name + "-renamed"
        if "silence" in name:
            self.hang(name)
        method = noun if "." in noun else f"vm.{noun}"
        try:
            rpc.call(method, wait=True, timeout_ms=60000, deadline=90, **params)
        except Gone:
            return True
        except RpcError as error:
            print(f"    {error}")
        return False

    def hang(self, name):
        self.libvirtd.signal_qemu(name, signal.SIGSTOP)
        with self.daemon.rpc() as rpc:
            Mirror(rpc, topics=["vm"]).wait_ready().wait(lambda m: m.vms[name].get("unresponsive"), 90)

    def orphan(self, name, uuid):
        if "volume" not in name:
            return {"uuid": uuid}
        path = min(self.disks.glob(f"{uuid}-*"))
        self.libvirtd.virsh("undefine", name)
        os.utime(path, (0, 0))
        return {"path": str(path)}

    def reach(self, noun, point, env):
        name = self.name_of(point)
        with self.start(env) as rpc:
            reached = self.ask(rpc, noun, name)
        self.end_lodged(reached)
        if "silence" in name:
            self.libvirtd.signal_qemu(name, signal.SIGCONT)
        print(point, "reached" if reached else "NOT REACHED", flush=True)
        unfinished = self.sql("SELECT * FROM op WHERE ended_ms IS NULL")
        if not reached:
            self.unreached.append(point)
        for op in unfinished:
            if reached:
                self.keep(noun, point, op)
            self.sql("DELETE FROM op WHERE id = ?", op["id"])
            self.sql("DELETE FROM vm WHERE uuid = ?", op["uuid"])
            self.remove(op["uuid"])

    def end_lodged(self, reached):
        if reached:
            self.daemon.process.wait()
        else:
            self.daemon.process.kill()
        for client in self.daemon.clients:
            client.close()
        self.daemon.clients.clear()

    def remove(self, uuid):
        if self.state_of(uuid) is not None:
            self.libvirtd.virsh("destroy", uuid, check=False)
            self.libvirtd.virsh("undefine", "--managed-save", uuid, check=False)
        for path in self.disks.glob(f"{uuid}*"):
            path.unlink()

    # what is kept

    def keep(self, noun, point, op):
        plan = json.loads(op["journal"])
        run = self.runs().get(op["uuid"])
        if run is not None and plan.get("run") == int(run):
            plan["run"] = RUN
        for disk in plan.get("disks", []):
            if disk.get("seal") and disk["seal"] == seal_of(disk["path"]):
                disk["seal"] = SEAL
        vm = self.sql("SELECT * FROM vm WHERE host = ? AND uuid = ?", op["host"], op["uuid"])
        number = vm[0].pop("id") if vm else None
        rows = {"op": {**op, "journal": plan}, "vm": vm[0] if vm else None}
        rows["op_step"] = self.sql("SELECT n, name, at_ms FROM op_step WHERE op = ? ORDER BY n", op["id"])
        for table in ("disk", "nic"):
            rows[table] = self.sql(f"SELECT * FROM {table} WHERE vm = ?", number)
            for row in rows[table]:
                del row["vm"]
        case = {"points": [point], "rows": rows, "domain": self.domain(op["uuid"]),
                "files": self.files(op["uuid"], plan)}
        case = json.loads(json.dumps(case).replace(str(self.world.folder), WORLD))
        for other in self.cases.setdefault(noun, []):
            if self.same(other) == self.same(case):
                other["points"].append(point)
                return
        self.cases[noun].append(case)

    @staticmethod
    def same(case):
        """Without what is another in each: numbers, names, moments."""
        op = case["rows"]["op"]
        text = json.dumps({**case, "points": None})
        for word, mark in ((op["uuid"], "UUID"), (op["vm_name"], "NAME")):
            text = text.replace(word, mark)
        text = re.sub(r'op=\\"\d+\\"', "OP", text)
        text = re.sub(r'"(id|at_ms|started_ms|run)": \d+', "", text)
        return re.sub(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", "MAC", text)

    def domain(self, uuid):
        state = self.state_of(uuid)
        if state is None:
            return None
        xml = self.libvirtd.virsh("dumpxml", "--inactive", "--security-info", uuid).stdout
        shown = self.libvirtd.virsh("dominfo", uuid).stdout
        return {"state": state, "persistent": "Persistent:     yes" in shown,
                "autostart": bool(re.search(r"Autostart:\s+enable", shown)), "xml": xml}

    def files(self, uuid, plan):
        wanted = set(self.disks.glob(f"{uuid}*"))
        wanted |= {pathlib.Path(disk["path"]) for disk in plan.get("disks", [])
                   if pathlib.Path(disk["path"]).exists()}
        return [self.file(path) for path in sorted(wanted)]

    def file(self, path):
        if path.suffix == ".log":
            return {"name": path.name, "format": None, "bytes": 0, "old": False}
        # A raw one is what its guest makes of it: here nothing.
        shown = json.loads(qemu_img("info", "-U", "--output=json", path))
        return {"name": path.name, "format": shown["format"], "bytes": shown["virtual-size"],
                "old": path.stat().st_mtime == 0}

    # all points

    def write(self, nouns, chosen):
        for noun in nouns:
            rounds = [point for point in points() if point.startswith(noun + ".") and chosen(point)]
            with self.start() as rpc:
                for point in rounds:
                    self.make(rpc, noun, self.name_of(point))
            assert self.daemon.stop() == 0
            for point in rounds:
                self.unmake(self.name_of(point))
            for point in rounds:
                env = f"{noun}.commit:error," if ".undo" in point else ""
                self.reach(noun, point, f"{env}{point}:kill")
            self.clear()

    def clear(self):
        for uuid in self.libvirtd.virsh("list", "--all", "--uuid").stdout.split():
            self.remove(uuid)
        for table in ("vm", "op", "audit", "session"):
            self.sql(f"DELETE FROM {table}")
        for path in self.disks.iterdir():
            path.unlink()

    def dump(self):
        """The database without operations, and the count beside it."""
        database = sqlite3.connect(self.database)
        version, = database.execute("PRAGMA user_version").fetchone()
        application, = database.execute("PRAGMA application_id").fetchone()
        lines = [f"PRAGMA user_version = {version};", f"PRAGMA application_id = {application};",
                 *database.iterdump()]
        database.close()
        return version, "\n".join(lines) + "\n", (self.database.parent / "age").read_text()


def is_of_root(point):
    return not point.startswith(UNPRIVILEGED) and not point.endswith(NEVER)


def is_of_others(point):
    return point.startswith(UNPRIVILEGED)


def write_json(name, value):
    (FOLDER / f"{name}.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_rows(uid, nouns, chosen, suffix):
    """What is left; nothing says yet how it ends."""
    with World() as world:
        writer = Writer(world, uid)
        writer.write(nouns, chosen)
        version, database, age = writer.dump()
    (FOLDER / f"database{suffix}.sql").write_text(database)
    (FOLDER / f"age{suffix}").write_text(age)
    for noun, cases in writer.cases.items():
        write_json(f"{noun}{suffix}", {"unprivileged": uid is not None, "cases": cases})
    print("not killed at", *writer.unreached, flush=True)
    return version


def write_ends(uid):
    """The same lodged takes up what it has left."""
    cases = stored(unprivileged=uid is not None)
    with World() as world:
        place = JournalWorld(world, uid)
        place.put(cases)
        assert place.recover() == 0
        ends = {case["rows"]["op"]["id"]: end for case, end in zip(cases, place.ends(cases))}
        wrong = place.worlds.compare()
    print("does not fit:", *wrong, sep="\n    ")
    for path in sorted(FOLDER.glob("*.json")):
        file = json.loads(path.read_text())
        if file.get("unprivileged") == (uid is not None):
            for case in file["cases"]:
                case["ends"] = ends[case["rows"]["op"]["id"]]
            write_json(path.stem, file)


def main():
    source, stages = pathlib.Path(sys.argv[1]), sys.argv[2:] or ["rows", "ends"]
    if "rows" in stages:
        for path in FOLDER.iterdir():
            path.unlink()
        write_rows(free_uid(), ["update"], is_of_others, "-unprivileged")
        version = write_rows(None, CALLS, is_of_root, "")
        commit = subprocess.run(["git", "-C", source, "rev-parse", "--short", "HEAD"], capture_output=True,
                                text=True, check=True).stdout.strip()
        write_json("names", {"commit": commit, "schema": version, "steps": journal_names.steps_of(source),
                             "members": journal_names.members_of(source)})
    if "ends" in stages:
        for uid in (None, free_uid()):
            write_ends(uid)


if __name__ == "__main__":
    main()
