"""One user harms no other: 32 connections of one uid do the worst each can, method by method, all at
once for a minute, and as attacks.py has thought of. Beside each, another user asks server.ping and
audit.list and starts a guest, and lodged's memory is looked at (root).

    bench_floods.py [--seconds N] [--list] [NAME …]    # all, or those whose name begins so
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import statistics
import subprocess
import threading
import time

from attacks import Attack, Rules, all_attacks, request
from figures import TOOLS, Echo, Figures, need, need_libvirtd
from world import Gone, RpcError, Timeout, World, fleet_xml, uuid_of

ATTACKER, VICTIM = 41001, 41002
CONNECTIONS, IMAGES, FLEET, STARTS = 32, 20, 1000, 3
GUESTS, FLOODED = 8, 100  # the attacker's on QEMU; of the fleet, which is his too, those he works with
PING_MS = AUDIT_MS = 20
START_MS = 1000
GROWN_MIB = 200
MOST_GROWN_MIB = 2048  # then the attack is ended: the machine has others on it
LEAST_FREE_MIB = 4096
ADDRESS_SPACE = 12 << 30
PATIENCE_S = 20
SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1}], "network": None, "host": "local"}
PING, AUDIT = request("server.ping"), request("audit.list")
ASKS = (("ping", PING, 4000), ("audit", AUDIT, 10000))  # microseconds between two


def resident_mib(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) / 256


def free_mib():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no MemAvailable")


class Waits:
    """What one victim.c said, in ms."""

    def __init__(self, words):
        self.count = int(words[0])
        self.half, self.most, self.longest = (int(word) / 1e6 for word in words[1:4])
        self.served = words[4] == "served"

    def __str__(self):
        return f"{self.half:.2f}, {self.most:.1f}, {self.longest:.0f} ms"


class Memory(threading.Thread):
    """Looks at what lodged has, each 20 ms, and ends an attack that takes too much."""

    def __init__(self, pid, flood):
        super().__init__(daemon=True)
        self.pid, self.flood = pid, flood
        self.before = self.most = resident_mib(pid)
        self.over, self.stopped = threading.Event(), None

    def run(self):
        while not self.over.wait(0.02):
            try:
                self.most = max(self.most, resident_mib(self.pid))
            except OSError:
                return  # it is gone, which others say
            if self.stopped is None and (self.grown() > MOST_GROWN_MIB or
                                         free_mib() < LEAST_FREE_MIB):
                self.stopped = f"ended after {self.grown():.0f} MiB"
                with contextlib.suppress(OSError):
                    self.flood.signal(15)

    def grown(self):
        return self.most - self.before


class House:
    """A lodged as many have it; each attack finds a new one, with nothing in it of the one before."""

    def __init__(self, world):
        self.world, self.libvirtd, self.daemon, self.count = world, world.libvirtd(), None, 0
        self.disks, images = world.folder / "disks", world.folder / "images"
        images.mkdir()
        for number in range(IMAGES):
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2",
                            images / f"image{number:02d}.qcow2", "1G"], check=True)
        fleet = world.folder / "fleet.xml"
        fleet.write_text(fleet_xml(FLEET, prefix="a" * 58))
        self.config = {
            "daemon": {"socket_mode": "0666"}, "images": {"dirs": images},
            "host local": {"uri": self.libvirtd.qemu_uri, "dir": self.disks},
            "host fleet": {"uri": self.libvirtd.uri("test", str(fleet))}}
        (images / "cd.iso").write_bytes(b"0" * 65536)
        self.state = None  # of a lodged whose fleet is the attacker's: what each begins with
        self.flood, self.victim = (world.program(TOOLS / name) for name in ("flood", "victim"))

    def clear(self):
        names = self.libvirtd.virsh("list", "--all", "--name").stdout.split()
        with self.libvirtd.virsh_shell() as virsh:
            for name in names:
                for command in ("destroy", "undefine --managed-save --nvram"):
                    with contextlib.suppress(AssertionError):
                        virsh.run(f"{command} {name}")
        if self.disks.exists():
            for path in self.disks.iterdir():
                path.unlink()
            self.libvirtd.virsh("pool-refresh", "lodge", check=False)

    def begin(self):
        self.clear()
        self.count += 1
        self.daemon = self.world.daemon(None, start=False, name=f"d{self.count}", config=self.config,
                                        wrap=["prlimit", f"--as={ADDRESS_SPACE}"])
        if self.state:
            shutil.copytree(self.state, self.daemon.state_dir)
        self.daemon.start().synced().rpc.close()

    def prepare(self):
        """A thousand VMs are the attacker's: what he lists and hears of is no trifle."""
        self.begin()
        with self.daemon.rpc() as rpc:
            for begin in range(0, FLEET, 100):
                asked = [rpc.ask("vm.adopt", vm=f"fleet/{uuid_of(number)}", owner=f"#{ATTACKER}", wait=True)
                         for number in range(begin, begin + 100)]
                for number in asked:
                    rpc.answer(number)
        self.close()
        self.state = self.daemon.state_dir

    def open(self):
        self.begin()
        with self.daemon.rpc(uid=VICTIM) as rpc:
            rpc.call("vm.create", name="guest", wait=True, **SMALL)
            asked = [rpc.ask("vm.start", vm=f"local/none{number}") for number in range(150)]
            for number in asked:  # for audit.list to tell
                with contextlib.suppress(RpcError):
                    rpc.answer(number)
        with self.daemon.rpc(uid=ATTACKER) as rpc:
            asked = [rpc.ask("vm.create", name=f"a{number}", wait=True, **SMALL)
                     for number in range(GUESTS)]
            made = [rpc.answer(number) for number in asked]
            return Rules(rpc.call("rpc.discover"), {
                "vm": [f"local/{one['uuid']}" for one in made] +
                      [f"fleet/{uuid_of(number)}" for number in range(FLOODED)],
                "op": [made[0]["op"]], "host": ["local"], "image": ["image00.qcow2"],
                "iso": ["cd.iso"], "session": [1], "door": ["stream"], "target": ["vda"],
                "boot": [["disk", "cdrom", "network"]], "fields": [["state", "tags", "stats"]]})

    def close(self):
        """What it said at its end, if that was not as it should be."""
        try:
            status = self.daemon.stop(deadline=PATIENCE_S)
            return "" if status == 0 else f"ended with {status}"
        except Timeout:
            self.daemon.process.kill()
            return f"did not end within {PATIENCE_S} s"

    def leave(self, figures):
        wrong = self.close()
        if wrong:
            figures.hold(f"the end of {self.daemon.name}", [("wrong", 1, "", 0)], wrong)

    # Those beside whom it is done

    def begin_victims(self, socket, seconds):
        return {name: self.world.keeper.start(
            [self.victim, socket, seconds, interval, line],
            self.world.folder / f"victim-{self.count}-{name}.log", uid=VICTIM)
            for name, line, interval in ASKS}

    def start_once(self, rpc):
        """ms, and what was wrong."""
        begun, wrong = time.monotonic(), ""
        try:
            rpc.call("vm.start", vm="local/guest", wait=True, deadline=PATIENCE_S)
        except (RpcError, Timeout) as error:
            wrong = f"vm.start: {str(error)[:100]}"
        took = (time.monotonic() - begun) * 1000
        try:
            rpc.call("vm.stop", vm="local/guest", wait=True, deadline=PATIENCE_S)
        except (RpcError, Timeout) as error:
            wrong = wrong or f"vm.stop: {str(error)[:100]}"
        return took, wrong

    def starts(self, until):
        """While `until` says so, and at least once."""
        took, wrongs = [], []
        try:
            with self.daemon.rpc(uid=VICTIM) as rpc:
                while not took or until():
                    one, wrong = self.start_once(rpc)
                    took.append(one)
                    wrongs += [wrong] if wrong else []
        except (Gone, OSError) as error:
            took.append(PATIENCE_S * 1000.0)
            wrongs.append(f"vm.start: {str(error)[:60]}")
        return statistics.median(took), wrongs

    def quiet_start(self):
        with self.daemon.rpc(uid=VICTIM) as rpc:
            return statistics.median(self.start_once(rpc)[0] for _ in range(STARTS))

    def begin_flood(self, attack, socket, seconds, connections=CONNECTIONS, uid=ATTACKER):
        lines = self.world.folder / "lines.txt"
        lines.write_text("\n".join(attack.lines) + "\n")
        return self.world.keeper.start(
            [self.flood, socket, seconds, connections, lines, *attack.words()],
            self.world.folder / f"flood-{self.count}-{attack.name}.log", uid=uid)

    def measure(self, attack, seconds, figures, socket=None):
        """One row: `socket` is another server that is flooded instead."""
        world, quiet = self.world, self.quiet_start()
        flood = self.begin_flood(attack, socket or self.daemon.socket, seconds + 2,
                                 1 if socket else CONNECTIONS, None if socket else ATTACKER)
        memory = Memory(self.daemon.pid, flood)
        memory.start()
        world.keeper.look(0.3)
        victims = self.begin_victims(self.daemon.socket, seconds)
        start, wrongs = self.starts(lambda: victims["ping"].running())
        for victim in victims.values():
            victim.wait(seconds + PATIENCE_S)
        flood.signal(15)
        flood.wait()
        memory.over.set()
        memory.join()
        waits = {name: Waits(victim.output().split()) for name, victim in victims.items()}
        if not self.daemon.process.running():
            wrongs.insert(0, f"lodged ended with {self.daemon.process.status}")
        wrongs += [f"{name} is not answered" for name, one in waits.items() if not one.served]
        notes = [f"ping {waits['ping']}", f"audit.list {waits['audit']}",
                 f"vm.start {start:.0f} ms, alone {quiet:.0f} ms", self.told(flood.output()), memory.stopped, *dict.fromkeys(wrongs)]
        figures.hold(attack.name, [
            ("ping 99 %", waits["ping"].most, "ms", PING_MS),
            ("audit.list 99 %", waits["audit"].most, "ms", AUDIT_MS),
            ("vm.start", start - quiet, "ms more", START_MS),
            ("memory", memory.grown(), "MiB more", GROWN_MIB),
            ("wrong", len(wrongs), "", 0)], "; ".join(note for note in notes if note))

    @staticmethod
    def told(output):
        try:
            counts = json.loads(output)
        except ValueError:
            return f"flood: {output[-200:]}"
        errors = " ".join(f"{code}:{count}" for code, count in counts["errors"].items())
        parts = [f"{value} {name}" for name, value in counts.items() if name != "errors" and value]
        return ", ".join(parts) + (f", errors {errors}" if errors else "")


def bare(house, seconds):
    """The same victim of a bare echo, alone and beside the same flood of another: the machine's."""
    world = house.world
    for beside in (False, True):
        with Echo(world, "calm") as calm, Echo(world, "flooded") as flooded:
            flood = house.begin_flood(Attack(f"bare-{beside}", [PING]), flooded, seconds + 1, 1,
                                      None) if beside else None
            victim = world.keeper.start([house.victim, calm, seconds, ASKS[0][2], PING],
                                        world.folder / f"bare-{beside}.log")
            victim.wait(seconds + PATIENCE_S)
            if flood:
                flood.wait()
            print(f"        a bare echo{' beside a flood of another' if beside else ''}: "
                  f"{Waits(victim.output().split())} (50 %, 99 %, longest)", flush=True)


def chosen(attacks, names):
    return [attack for attack in attacks
            if not names or any(attack.name.startswith(name) for name in names)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    need_libvirtd()
    need("qemu-img")
    figures = Figures()
    with World() as world:
        house = House(world)
        house.prepare()
        attacks = chosen(all_attacks(house.open()), arguments.names)
        if arguments.list:
            print("\n".join(f"{attack.name:24}{len(attack.lines)} lines" for attack in attacks))
            return
        bare(house, arguments.seconds)
        print(f"        at most: {PING_MS} ms for ping and audit.list, {START_MS} ms more for vm.start, "
              f"{GROWN_MIB} MiB more", flush=True)
        with Echo(world, "elsewhere") as other:
            house.measure(Attack("elsewhere", [PING]), arguments.seconds, figures, other)
        for attack in attacks:
            house.leave(figures)
            rules = house.open()
            mine = next(one for one in all_attacks(rules) if one.name == attack.name)
            house.measure(mine, attack.seconds or arguments.seconds, figures)
        house.leave(figures)
    figures.end()


if __name__ == "__main__":
    main()
