"""How fast a fleet is learned: 10,000 test+unix domains against the bare calls, and the safety sync
against the bare lists."""

import select
import socket
import statistics
import sys
import threading
import time

from figures import Figures, need_libvirtd, tool  # first: it knows where the rest lies
from world import Mirror, World, fleet_xml

COUNT = 10000
QUIET = 0.25  # s without a byte: a burst of calls is over


class Tap:
    """A socket before libvirtd's that notes when bytes pass: bursts are calls, seen from outside."""

    def __init__(self, path, target):
        self.path, self.target = str(path), str(target)
        self.bursts = []
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(self.path)
        self.listening.listen()
        self.stopped = False
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        peers = {}
        poll = select.poll()
        poll.register(self.listening, select.POLLIN)
        by_fd = {self.listening.fileno(): self.listening}
        while not self.stopped:
            for fd, _ in poll.poll(200):
                if fd == self.listening.fileno():
                    client = self.listening.accept()[0]
                    server = socket.socket(socket.AF_UNIX)
                    server.connect(self.target)
                    peers[client.fileno()], peers[server.fileno()] = server, client
                    for end in (client, server):
                        by_fd[end.fileno()] = end
                        poll.register(end, select.POLLIN)
                    continue
                if fd not in peers:
                    continue
                try:
                    data = by_fd[fd].recv(1 << 20)
                    peers[fd].sendall(data)
                except OSError:
                    data = b""  # one end is gone: so is the other
                if data:
                    self.note(len(data))
                    continue
                poll.unregister(fd)
                by_fd[fd].close()
                peer = peers.pop(fd)
                if peer.fileno() in peers:
                    peer.shutdown(socket.SHUT_RDWR)

    def note(self, size):
        now = time.monotonic()
        if not self.bursts or now - self.bursts[-1][1] > QUIET:
            self.bursts.append([now, now, 0])
        self.bursts[-1][1] = now
        self.bursts[-1][2] += size


def first_sync(world, libvirtd, figures):
    path = world.folder / "fleet.xml"
    path.write_text(fleet_xml(COUNT, COUNT * 2 // 3))
    uri = libvirtd.uri("test", str(path))

    def bare():
        took, count = tool("bare_sync", uri, "full")
        assert int(count) == COUNT, count
        return float(took) / 1000

    def ours():
        """Seconds from the connection on, and until it: libvirtd reads the whole file at each open."""
        begun = time.monotonic()
        daemon = world.daemon({"f": uri})
        mirror = Mirror(daemon.rpc(), topics=["host"])
        mirror.wait(lambda m: m.hosts.get("f", {}).get("state") == "up", 120)
        opened = time.monotonic()
        mirror.wait(lambda m: m.hosts.get("f", {}).get("synced_at"), 120)
        answer = mirror.rpc.call("vm.list", fields=["vcpus"], deadline=60)
        took = time.monotonic() - opened
        assert not answer["incomplete"] and len(answer["vms"]) == COUNT
        assert all("vcpus" in vm for vm in answer["vms"])
        cpu.append(daemon.cpu_seconds())
        daemon.stop()
        return took, opened - begun

    cpu = []
    rounds = [(*ours(), bare()) for _ in range(5)]
    ratio = statistics.median(mine / calls for mine, _, calls in rounds)
    mine, opening, calls = (statistics.median(column) for column in zip(*rounds))
    figures.say(f"first sync of {COUNT} test+unix domains, times the bare calls", ratio, "×", 1.8,
                note=f"{mine:.2f} s from the connection to vm.list's answer, bare {calls:.2f} s; "
                     f"{opening:.2f} s from exec to the connection; "
                     f"{statistics.median(cpu):.2f} s of CPU in the daemon")


def safety_sync(world, libvirtd, figures):
    """Ours is what passes on the wire between two silences; bare goes through the same tap."""
    path = world.folder / "fleet.xml"
    tap = Tap(world.folder / "tap", libvirtd.socket)
    uri = f"test+unix://{path}?socket={tap.path}"
    daemon = world.daemon({"f": uri}, config={"sync": {"interval_s": 5},
                                              "stats": {"interval_s": 60}})
    daemon.synced(120).rpc.close()
    synced = time.monotonic()

    def bursts():
        return [burst for burst in tap.bursts if burst[0] > synced + 1 and burst[2] > 100000]

    until = time.monotonic() + 60
    before = daemon.cpu_seconds()
    while len(bursts()) < 4 and time.monotonic() < until:
        world.keeper.look(0.5)
    cpu = (daemon.cpu_seconds() - before) / max(1, len(bursts()))
    seen = bursts()[:-1]
    daemon.stop()
    if not seen:
        figures.say("safety syncs seen", 0, "", -1)
        return
    ours = sorted(end - start for start, end, _ in seen)[len(seen) // 2] * 1000
    bare = float(tool("bare_sync", uri, "lists", 5, 4000)[0])
    tap.stopped = True
    figures.say("safety sync with nothing changed, times the bare lists", ours / bare, "×", 1.3,
                note=f"{ours:.0f} ms, bare {bare:.0f} ms, {cpu * 1000:.0f} ms of CPU each")


def main():
    need_libvirtd()
    figures = Figures()
    with World() as world:
        libvirtd = world.libvirtd()
        first_sync(world, libvirtd, figures)
        safety_sync(world, libvirtd, figures)
    figures.end()


if __name__ == "__main__":
    sys.exit(main())
