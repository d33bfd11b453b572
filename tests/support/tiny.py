"""tiny: a real guest with a shell on its screen, which says on its serial port what it was told there: a
private libvirtd, QEMU and lodged. Root."""

import pathlib
import re
import shutil
import subprocess
import time
import unittest

import libvirtd as libvirtds
from world import CHECKOUT, World


def why_not():
    """Why there can be no such guest here; None when there can."""
    return libvirtds.why_not() or (None if shutil.which("gzip") else "needs gzip")


class TinyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        kernels = cls.world.folder / "kernels"
        subprocess.run([CHECKOUT / "demo" / "build-kernels", kernels], check=True, stdout=subprocess.DEVNULL)
        cls.libvirtd = cls.world.libvirtd()
        pool = cls.world.folder / "pool"  # seen by both sides: libvirtd has /var/lib/libvirt for itself
        pool.mkdir()
        cls.daemon = cls.world.daemon(None, flags=["--http", "127.0.0.1:0"], config={
            "host q": {"uri": cls.libvirtd.qemu_uri, "dir": pool}, "images": {"dirs": kernels},
            "console": {"per_user": 0, "per_vm": 0, "ticket_ttl_s": 600}})
        cls.daemon.synced().rpc.close()
        cls.rpc = cls.daemon.rpc()
        cls.rpc.call("vm.create", 120, name="tiny", vcpus=1, memory_mib=80, kernel="tiny", network=None, start=True,
                     wait=True)
        cls.serial = cls.find_serial()
        assert cls.hears("tiny up after", 120), "the guest does not boot"

    @classmethod
    def find_serial(cls):
        """The file that the guest's serial port writes: in its XML."""
        xml = cls.rpc.call("vm.get", vm="tiny", xml=True)["xml"]
        return pathlib.Path(re.search(r"<(?:source|log) (?:path|file)='([^']*serial[^']*)'", xml)[1])

    @classmethod
    def hears(cls, word, deadline):
        """Whether the guest has said this on its serial port by then."""
        until = time.monotonic() + deadline
        while word.encode() not in cls.serial.read_bytes():
            if time.monotonic() > until:
                return False
            cls.world.keeper.look(0.1)
        return True
