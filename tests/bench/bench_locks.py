"""How long SQLite's write lock is held, against a bare commit of one row: while VMs are created and
deleted, while one define takes 30 s (a fail point delays it), and while a backup is made."""

import random
import re
import statistics
import threading
import time

from figures import Figures, skip, tool  # first: it knows where the rest lies
from failpoints import points
from world import Rpc, World, fleet_xml

CLIENTS, ROUNDS, COMMITS, PHASE_S, DELAY_S = 8, 3, 1500, 8, 30
CONFIG = {"daemon": {"log_level": "info,store=debug"}}
HELD = re.compile(r"write lock was held (\d+) times, p50 ([\d.]+) ms, p99 ([\d.]+) ms")


def begin(socket, seconds, work):
    """`work(rpc, number)` by every client, again and again; the threads."""
    end = time.monotonic() + seconds

    def run(number):
        with Rpc(socket) as rpc:
            while time.monotonic() < end:
                work(rpc, number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    return threads


def create_and_delete(rpc, number):
    rpc.call("vm.create", name=f"c{number}", vcpus=1, memory_mib=32, network=None, wait=True,
             deadline=60)
    rpc.call("vm.delete", vm=f"c{number}", wait=True, deadline=60)


def update(rpc, number):
    rpc.call("vm.update", vm=f"vm{number:05}", tags=[str(time.monotonic_ns())], wait=True,
             deadline=60)


def held(daemon):
    """Its 99th percentile in ms, as the store says when it is closed; which it is unless a row of
    the audit is still on its way."""
    daemon.world.keeper.look(1)
    assert daemon.stop() == 0
    found = HELD.search(daemon.process.output())
    assert int(found[1]) > 100, f"held only {found[1]} times"
    return float(found[3])


def finish(threads):
    for thread in threads:
        thread.join(120)


def usual(world):
    daemon = world.daemon("test:///default", config=CONFIG)
    daemon.synced().rpc.close()
    finish(begin(daemon.socket, PHASE_S, create_and_delete))
    return held(daemon)


def beside_backups(world, pause_s):
    daemon = world.daemon("test:///default", config=CONFIG)
    daemon.synced().rpc.close()
    threads = begin(daemon.socket, PHASE_S, create_and_delete)
    with daemon.rpc() as rpc:
        while any(thread.is_alive() for thread in threads):
            rpc.call("server.backup", deadline=60)
            world.keeper.look(pause_s)
    finish(threads)
    return held(daemon)


def beside_a_define(world):
    """Updates go on while a creation is in its define."""
    path = world.folder / "fleet.xml"
    path.write_text(fleet_xml(CLIENTS))
    daemon = world.daemon({"a": f"test://{path}"}, config=CONFIG, start=False)
    daemon.env = {"LODGED_FAILPOINT": f"create.define:delay={DELAY_S * 1000}"}
    daemon.start()
    with daemon.synced().rpc as rpc:
        for number in range(CLIENTS):
            rpc.call("vm.adopt", vm=f"vm{number:05}", owner="root", wait=True, deadline=60)
        slow = rpc.ask("vm.create", name="slow", vcpus=1, memory_mib=32, network=None, wait=True)
        finish(begin(daemon.socket, DELAY_S - 2, update))
        state = rpc.call("vm.get", vm="slow")["state"]
        assert state == "creating", f"the define is over: {state}"
        rpc.answer(slow, 60)
    return held(daemon)


def main():
    if not points():
        skip("needs a lodged with fail points (-Dfailpoints=true)")
    figures = Figures()
    with World() as world:
        phases = [("while VMs are created and deleted", 5, usual),
                  (f"while a define takes {DELAY_S} s", 5, beside_a_define),
                  ("while backups are made, four a second", 5,
                   lambda world: beside_backups(world, 0.25)),
                  ("while backups are made without a pause", None,
                   lambda world: beside_backups(world, 0))]
        ratios = {what: [] for what, _, _ in phases}
        bares = []
        for _ in range(ROUNDS):
            random.shuffle(phases)
            for what, _, phase in phases:
                bare = float(tool("bare_commit", world.folder, COMMITS)[1])
                bares.append(bare)
                ratios[what].append(phase(world) / bare)
        for what, limit, _ in phases:
            values = ratios[what]
            figures.say(f"the write lock {what}, 99 %", statistics.median(values),
                        "× a bare commit", limit,
                        note=f"bare: {statistics.median(bares):.2f} ms; rounds "
                             + ", ".join(f"{value:.1f}" for value in values))
    figures.end()


if __name__ == "__main__":
    main()
