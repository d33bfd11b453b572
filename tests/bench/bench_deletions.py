"""What it costs to ask who uses a file before it goes: deletions on a libvirtd with 1,000 QEMU domains, each
with a qcow2 disk. A reading is compared with its bare libvirt calls, in turns; deletions that are asked for at
once share their readings (root)."""

import re
import shutil
import statistics
import subprocess
import time
import uuid as uuids

from figures import Figures, need_libvirtd, tool
from world import World

import libvirtd as libvirtds

DOMAINS, DELETIONS, TURNS = 1000, 100, 7
SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1}], "network": None}
DISK = ("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/>"
        "<target dev='vda' bus='virtio'/></disk>")
READ = re.compile(r"read who uses which files: (\d+) definitions, (\d+) files, 0 doubts, (\d+) ms")


class Bench:
    def __init__(self, world):
        self.libvirtd = world.libvirtd()
        self.folder = world.folder
        self.daemon = world.daemon(None, flags=["--log-level", "host=debug"], config={
            "host q": {"uri": self.libvirtd.qemu_uri, "dir": world.folder / "disks"}})
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()

    def fill(self):
        """With other people's domains."""
        others = self.folder / "others"
        others.mkdir()
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", others / "model", "1G"], check=True)
        with self.libvirtd.virsh_shell() as shell:
            for number in range(DOMAINS):
                disk = shutil.copyfile(others / "model", others / f"{number}.qcow2")
                xml = libvirtds.GUEST.replace("<graphics", DISK.format(disk) + "<graphics")
                path = self.folder / "domain.xml"
                path.write_text(xml.format(name=f"other{number}", uuid=uuids.uuid4()))
                shell.run(f"define {path}")
        self.rpc.close()
        self.daemon.synced(120).rpc.close()
        self.rpc = self.daemon.rpc()

    def create(self, count):
        asked = [self.rpc.ask("vm.create", name=f"web{number}", wait=True, **SMALL) for number in range(count)]
        for number in asked:
            self.rpc.answer(number, 120)

    def readings(self):
        """Milliseconds of each so far."""
        return [int(match[3]) for match in READ.finditer(self.daemon.process.output())]

    def delete(self, count):
        """Milliseconds for all, and for their readings."""
        self.create(count)
        before, begun = len(self.readings()), time.monotonic()
        asked = [self.rpc.ask("vm.delete", vm=f"web{number}", wait=True) for number in range(count)]
        for number in asked:
            assert self.rpc.answer(number, 300)["kept"] == []
        return (time.monotonic() - begun) * 1000, self.readings()[before:]

    def bare(self, count=1):
        return float(tool("bare_sync", self.libvirtd.qemu_uri, "definitions", count)[0])


def main():
    need_libvirtd()
    figures = Figures()
    with World() as world:
        bench = Bench(world)
        few = statistics.median(bench.delete(1)[0] for _ in range(TURNS))
        bench.fill()
        pairs = [(bench.delete(1), bench.bare()) for _ in range(TURNS)]
        took = statistics.median(pair[0][0] for pair in pairs)
        reading = statistics.median(sum(pair[0][1]) for pair in pairs)
        bare = statistics.median(pair[1] for pair in pairs)
        figures.say("a reading of 1,000 domains against its bare libvirt calls",
                    statistics.median(sum(pair[0][1]) / pair[1] for pair in pairs), "×", 3,
                    note=f"{reading:.0f} ms, bare {bare:.0f} ms")
        figures.say("vm.delete beside 1,000 domains", took, "ms", None, note=f"beside none {few:.0f} ms")
        took, readings = bench.delete(DELETIONS)
        figures.say(f"readings for {DELETIONS} deletions at once", len(readings), "", 5,
                    note=f"{took:.0f} ms in all")
        figures.say("time in them against as many bare readings",
                    sum(readings) / (len(readings) * bench.bare(3)), "×", None,
                    note=f"{sum(readings)} ms of {took:.0f} ms")
    figures.end()


if __name__ == "__main__":
    main()
