"""How long an event takes from libvirt to a subscriber: 10 real guests (or made-up ones with
`test`), against a bare listener on the same libvirtd. Clocks are the same: CLOCK_MONOTONIC."""

import statistics
import subprocess
import sys

from figures import TOOLS, Figures, need_libvirtd  # first: it knows where the rest lies
from world import World

SUSPENDED, RESUMED = 3, 4


class Listener:
    def __init__(self, uri):
        self.program = subprocess.Popen([TOOLS / "bare_listen", uri], stdout=subprocess.PIPE,
                                        text=True)
        assert self.program.stdout.readline().strip() == "ready"

    def next(self, uuid, number):
        """When this event of this guest was heard, in seconds."""
        while True:
            at, who, event = self.program.stdout.readline().split()
            if who == uuid and int(event) == number:
                return int(at) / 1e9

    def close(self):
        self.program.kill()
        self.program.wait()


def main():
    need_libvirtd()
    figures = Figures()
    with World() as world:
        libvirtd = world.libvirtd()
        guests = {f"g{number}": libvirtd.define(f"g{number}") for number in range(10)}
        daemon = world.daemon({"q": libvirtd.qemu_uri})
        mirror = daemon.synced()
        listener = Listener(libvirtd.qemu_uri)
        behind = []
        with libvirtd.virsh_shell() as virsh:
            for name in guests:
                virsh.run(f"start {name}")
            mirror.wait(lambda m: sum(vm["state"] == "running" for vm in m.vms.values()) == 10)
            for _ in range(10):
                for name, uuid in guests.items():
                    for command, state, number in (("suspend", "paused", SUSPENDED),
                                                   ("resume", "running", RESUMED)):
                        mirror.settle()
                        mirror.log.clear()
                        virsh.run(f"{command} {name}")
                        mirror.wait(lambda m, name=name, state=state:
                                    m.vms[name]["state"] == state)
                        told = next(note["arrived"] for note in mirror.log
                                    if note.get("vm", {}).get("name") == name
                                    and note["vm"]["state"] == state)
                        heard = listener.next(uuid, number)
                        behind.append((told - heard) * 1000)
        listener.close()
        behind.sort()
        figures.say("an event, libvirt to subscriber, behind a bare listener (median)",
                    statistics.median(behind), "ms", 50,
                    note=f"99 %: {behind[len(behind) * 99 // 100]:.1f} ms, {len(behind)} events")
    figures.end()


if __name__ == "__main__":
    sys.exit(main())
