"""What operations cost: creating and starting a VM against the same bare libvirt calls, vm.start
against virDomainCreate, and 64 clients that list, subscribe, create and delete (root)."""

import statistics
import threading
import time
import uuid as uuids

from figures import Figures, need_libvirtd, tool
from world import Mirror, Rpc, RpcError, World

TURNS = 15
CLIENTS = 64
SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1}], "network": None}
VOLUME = ("<volume><name>{name}</name><capacity unit='GiB'>1</capacity>"
          "<target><format type='qcow2'/></target></volume>")


def ms(call):
    begun = time.monotonic()
    call()
    return (time.monotonic() - begun) * 1000


class Bench:
    def __init__(self, world):
        self.libvirtd = world.libvirtd()
        self.folder = world.folder
        self.disks = world.folder / "disks"
        self.daemon = world.daemon(None, config={
            "host q": {"uri": self.libvirtd.qemu_uri, "dir": self.disks}})
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()
        self.rpc.call("vm.create", name="model", wait=True, deadline=60, **SMALL)
        self.model = self.rpc.call("vm.get", vm="model")
        self.xml = self.libvirtd.virsh("dumpxml", "--inactive", "model").stdout

    def delete(self, name):
        self.rpc.call("vm.delete", vm=name, wait=True, deadline=60)

    def ours(self):
        took = ms(lambda: self.rpc.call("vm.create", name="ours", start=True, wait=True,
                                        deadline=60, **SMALL))
        self.delete("ours")
        return took

    def bare(self):
        number = str(uuids.uuid4())
        disk = self.model["disks"][0]["path"]
        xml = self.xml.replace(self.model["uuid"], number).replace(">model<", ">bare<")
        assert disk.replace(self.model["uuid"], number) in xml
        (self.folder / "domain.xml").write_text(xml)
        (self.folder / "volume.xml").write_text(VOLUME.format(name=f"{number}-0.qcow2"))
        return float(tool("bare_make", self.libvirtd.qemu_uri, "make", "lodge",
                          self.folder / "volume.xml", self.folder / "domain.xml")[0])

    def our_start(self):
        took = ms(lambda: self.rpc.call("vm.start", vm="model", wait=True, deadline=60))
        self.rpc.call("vm.stop", vm="model", wait=True, deadline=60)
        return took

    def bare_start(self):
        return float(tool("bare_make", self.libvirtd.qemu_uri, "start", "model")[0])


class Client(threading.Thread):
    """One of the crowd, on the test driver: what costs is lodged."""

    def __init__(self, socket, number, until, took):
        super().__init__(daemon=True)
        self.socket, self.number, self.until, self.took = socket, number, until, took

    def run(self):
        with Rpc(self.socket) as rpc:
            Mirror(rpc, topics=["vm", "op"])
            while time.monotonic() < self.until:
                name = f"c{self.number}"
                for method, params in (("vm.list", {}),
                                       ("vm.create", {"name": name, "vcpus": 1, "memory_mib": 32,
                                                      "network": None, "wait": True}),
                                       ("vm.get", {"vm": name}), ("op.list", {"limit": 10}),
                                       ("vm.delete", {"vm": name, "wait": True})):
                    begun = time.monotonic()
                    try:
                        rpc.call(method, deadline=60, **params)
                    except RpcError:
                        pass
                    self.took.setdefault(method, []).append((time.monotonic() - begun) * 1000)
                    rpc.notifications.clear()


def crowd(world, figures):
    daemon = world.daemon("test:///default")
    daemon.synced().rpc.close()
    took = {}
    clients = [Client(daemon.socket, number, time.monotonic() + 10, took)
               for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(120)
    for method, values in sorted(took.items()):
        values.sort()
        figures.say(f"{method} among {CLIENTS} clients, median", statistics.median(values), "ms",
                    None, note=f"99 %: {values[len(values) * 99 // 100]:.1f} ms, "
                               f"{len(values)} calls")


def main():
    need_libvirtd()
    figures = Figures()
    with World() as world:
        bench = Bench(world)
        bench.ours()
        pairs = [(bench.ours(), bench.bare()) for _ in range(TURNS)]
        ours, bare = (statistics.median(values) for values in zip(*pairs))
        more = statistics.median(pair[0] - pair[1] for pair in pairs)
        figures.say("vm.create with start, beyond volume, define, start paused and resume", more,
                    "ms", 25, note=f"{ours:.1f} ms, bare {bare:.1f} ms, {ours / bare:.2f} ×")
        pairs = [(bench.our_start(), bench.bare_start()) for _ in range(TURNS)]
        ours, bare = (statistics.median(values) for values in zip(*pairs))
        more = statistics.median(pair[0] - pair[1] for pair in pairs)
        figures.say("vm.start, beyond virDomainCreate", more, "ms", 5,
                    note=f"{ours:.1f} ms, bare {bare:.1f} ms, {ours / bare:.2f} ×")
        crowd(world, figures)
    figures.end()


if __name__ == "__main__":
    main()
