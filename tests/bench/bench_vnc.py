"""The VNC proxy beside websockify and a bare TCP relay (socat), on the same synthetic VNC server:
throughput, CPU, round trips, 500 idle sessions, floods, a viewer that stalls, allocations."""

import os
import pathlib
import random
import statistics
import struct
import subprocess
import time

from figures import TOOLS, Figures, need  # first: it knows where the rest lies
from screens import DOMAIN
from world import Mirror, World, uuid_of

FLOOD_MIB, PINGS, TURNS, IDLE, REST_S = 384, 3000, 7, 500, 10


def free_port():
    import socket  # pylint: disable=import-outside-toplevel
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def tree_cpu(pid):
    """Seconds that a process and what it has forked have used."""
    ticks = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid:
            ticks += sum(map(int, words[11:15]))
        elif int(words[1]) == pid:
            ticks += sum(map(int, words[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Bench:
    def __init__(self, world):
        self.world, self.programs = world, []
        server = self.start([TOOLS / "rfb_server"], stdout=subprocess.PIPE, text=True)
        self.port = int(server.stdout.readline())
        self.direct = self.port, lambda: "-"
        self.relay_port, self.websockify_port = free_port(), free_port()
        self.socat = self.start(["socat", f"TCP-LISTEN:{self.relay_port},fork,nodelay,reuseaddr,backlog=600",
                                 f"TCP:127.0.0.1:{self.port},nodelay"])
        self.websockify = self.start(["websockify", f"127.0.0.1:{self.websockify_port}", f"127.0.0.1:{self.port}"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        xml = world.folder / "node.xml"
        xml.write_text(f"<node>{DOMAIN.format(name='one', uuid=uuid_of(0), port=self.port)}</node>")
        self.counted = world.folder / "allocations"
        self.daemon = world.daemon(
            {"t": f"test://{xml}"}, flags=["--http", "127.0.0.1:0"],
            env={"LD_PRELOAD": str(TOOLS / "libmalloc_count.so"), "MALLOC_COUNT": str(self.counted)},
            config={"console": {"per_user": 0, "per_vm": 0, "idle_s": 0, "max_s": 0}})
        self.daemon.synced().rpc.close()
        self.rpc = self.daemon.rpc()
        self.lodge_port = int(self.rpc.call("server.info")["web"].rsplit(":", 1)[1])
        self.lodge = self.lodge_port, self.ticket
        for port in (self.relay_port, self.websockify_port):
            self.wait_for(port)

    def start(self, words, **how):
        program = subprocess.Popen([str(word) for word in words], **how)
        self.programs.append(program)
        return program

    def wait_for(self, port):
        import socket  # pylint: disable=import-outside-toplevel
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert time.monotonic() < until, "a relay does not start"
                self.world.keeper.look(0.05)

    def ticket(self):
        return "/console?ticket=" + self.rpc.call("console.open", vm="one")["ticket"]

    def load(self, leg, *words):
        """What rfb_load printed."""
        port, path = leg
        done = subprocess.run([TOOLS / "rfb_load", str(port), path(), *map(str, words)], capture_output=True,
                              text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return [float(word) for word in done.stdout.split()]

    def keep(self, leg, *words, paths=()):
        """A viewer, or many, that stay; ended by closing standard input."""
        port, path = leg
        program = self.start([TOOLS / "rfb_load", port, "-" if paths else path(), *words], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        program.stdin.write("".join(line + "\n" for line in paths))
        program.stdin.flush()
        assert program.stdout.readline() == "ready\n"
        return program

    def end(self, program):
        program.stdin.close()
        program.wait(30)

    def close(self):
        for program in self.programs:
            program.kill()
            program.wait()

    def allocations(self):
        return struct.unpack("Q", self.counted.read_bytes())[0]

    def pss_kib(self):
        text = pathlib.Path(f"/proc/{self.daemon.pid}/smaps_rollup").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def in_shuffled_turns(legs, measure):
    """For each leg the values of all turns; in each turn the order is another."""
    seen = {name: [] for name in legs}
    for _ in range(TURNS):
        names = list(legs)
        random.shuffle(names)
        for name in names:
            seen[name].append(measure(name, legs[name]))
    return seen


def ratio(seen, ours, other):
    return statistics.median(a / b for a, b in zip(seen[ours], seen[other]))


def throughput(bench, figures):
    legs = {"lodge": bench.lodge, "websockify": (bench.websockify_port, lambda: "/websockify"),
            "direct": bench.direct}
    pids = {"lodge": bench.daemon.pid, "websockify": bench.websockify.pid}
    cpu = {name: [] for name in pids}

    def measure(name, leg):
        before = tree_cpu(pids[name]) if name in pids else 0
        seconds = bench.load(leg, "flood", FLOOD_MIB)[0]
        if name in pids:
            bench.world.keeper.look(0.05)  # its child, if it had one, is waited for
            cpu[name].append((tree_cpu(pids[name]) - before) / FLOOD_MIB * 1024)
        return FLOOD_MIB / seconds

    seen = in_shuffled_turns(legs, measure)
    rates = ", ".join(f"{name} {statistics.median(values):.0f} MiB/s" for name, values in seen.items())
    # figures.say() wants "at most": so the inverse
    figures.say("one session's throughput, websockify's divided by it", 1 / ratio(seen, "lodge", "websockify"),
                "×", 1 / 1.2, note=rates)
    figures.say("direct TCP's throughput divided by one session's", 1 / ratio(seen, "lodge", "direct"), "×", 1 / 0.7)
    figures.say("CPU per GiB, divided by websockify's", ratio(cpu, "lodge", "websockify"), "×", 0.7,
                note=", ".join(f"{name} {statistics.median(values):.2f} s" for name, values in cpu.items()))


def round_trips(bench, figures, what):
    legs = {"lodge": bench.lodge, "relay": (bench.relay_port, lambda: "-")}
    seen = in_shuffled_turns(legs, lambda _, leg: bench.load(leg, "ping", PINGS)[0])
    figures.say(f"round trip p50 {what}, divided by socat's", ratio(seen, "lodge", "relay"), "×", 1.1,
                note=", ".join(f"{name} {statistics.median(values):.1f} µs" for name, values in seen.items()))


def idle_sessions(bench, figures):
    paths = [bench.ticket() for _ in range(20)]
    bench.end(bench.keep(bench.lodge, "idle", "20", paths=paths))  # what is made once is made
    before, cpu = bench.pss_kib(), bench.daemon.cpu_seconds()
    paths = [bench.ticket() for _ in range(IDLE)]
    idle = bench.keep(bench.lodge, "idle", str(IDLE), paths=paths)
    cpu = bench.daemon.cpu_seconds() - cpu
    figures.say("memory per idle session", (bench.pss_kib() - before) / IDLE, "KiB", 32)
    figures.say("opening a session, CPU of the daemon", cpu / IDLE * 1000, "ms", 2)
    cpu = bench.daemon.cpu_seconds()
    bench.world.keeper.look(10)
    figures.say(f"CPU with {IDLE} idle sessions", (bench.daemon.cpu_seconds() - cpu) / 10 * 100, "%", None)
    round_trips(bench, figures, f"beside {IDLE} idle sessions")
    bench.end(idle)


def floods(bench, figures):
    pings = []
    ports = [bench.lodge_port] * 8
    flooding = [bench.start([TOOLS / "rfb_load", port, bench.ticket(), "flood", "100000"], stdout=subprocess.DEVNULL)
                for port in ports]
    mirror = Mirror(bench.daemon.rpc(), topics=["vm"]).wait_ready()
    with bench.daemon.rpc() as rpc:
        until = time.monotonic() + 8
        while time.monotonic() < until:
            begun = time.monotonic()
            rpc.call("server.ping")
            pings.append((time.monotonic() - begun) * 1000)
        begun = time.monotonic()
        rpc.call("vm.pause", vm="one", wait=True)
        mirror.wait(lambda m: m.vms.get("one", {}).get("state") == "paused")  # it may come after `ready`: its viewers change
        live = (time.monotonic() - begun) * 1000
        rpc.call("vm.resume", vm="one", wait=True)
    for program in flooding:
        assert program.poll() is None, "a flood ended before the pings did"
        program.kill()
        program.wait()
    pings.sort()
    figures.say("server.ping p99 while 8 sessions flood", pings[len(pings) * 99 // 100], "ms", 5,
                note=f"p50 {statistics.median(pings):.2f} ms, {len(pings)} pings by Python")
    figures.say("a change's way into the list meanwhile", live, "ms", None)


def stalled(bench, figures):
    held = []

    def measure(name, _):
        before = bench.pss_kib()
        stall = bench.keep(bench.lodge, "stall") if name == "beside" else None
        seconds = bench.load(bench.lodge, "flood", FLOOD_MIB)[0]
        if stall is not None:
            held.append(bench.pss_kib() - before)
            bench.end(stall)
        return seconds

    bench.load(bench.lodge, "flood", FLOOD_MIB)
    seen = in_shuffled_turns({"beside": None, "without": None}, measure)
    figures.say("memory that a viewer holds which does not read", max(0, *held), "KiB", 2048)
    figures.say("another session's time beside it, divided by without", ratio(seen, "beside", "without"), "×", 1.25,
                note=", ".join(f"{name} {statistics.median(values):.3f} s" for name, values in seen.items()))


def allocations(bench, figures):
    """Counted in the whole process: what the registry's own rounds take in that time is not the session's."""
    before = bench.allocations()
    bench.world.keeper.look(REST_S)
    at_rest = (bench.allocations() - before) / REST_S

    def during(*words):
        counts = []
        bench.load(bench.lodge, *words)
        for _ in range(5):
            before, begun = bench.allocations(), time.monotonic()
            bench.load(bench.lodge, *words)
            counts.append(bench.allocations() - before - at_rest * (time.monotonic() - begun))
        return statistics.median(counts)

    for what, word, few, many, most in (("small message", "ping", 1000, 61000, 0.002),
                                        ("MiB of a flood", "flood", 16, 8016, 0.02)):
        small, large = during(word, few), during(word, many)
        figures.say(f"allocations per {what}", max(0, large - small) / (many - few), "", most,
                    note=f"{small:.0f} for a session of {few:,}, {large:.0f} for one of {many:,}, "
                         f"without the {at_rest:.0f} a second at rest")


def main():
    for program in ("socat", "websockify"):
        need(program)
    figures = Figures()
    with World() as world:
        bench = Bench(world)
        try:
            throughput(bench, figures)
            round_trips(bench, figures, "alone")
            idle_sessions(bench, figures)
            floods(bench, figures)
            stalled(bench, figures)
            allocations(bench, figures)
        finally:
            bench.close()
    figures.end()


if __name__ == "__main__":
    main()
