"""A real guest's screen in a real browser: a private libvirtd, QEMU, lodged, and tests/browser/guest.test.mjs
in Chromium. Needs root, and playwright-core (npm ci in tests/browser)."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import CHECKOUT, World  # noqa: E402

PICTURES = os.environ.get("PICTURES")  # where they are to stay


def why_not():
    if reason := libvirtds.why_not():
        return reason
    for program in ("node", "chromium", "gzip"):
        if shutil.which(program) is None:
            return f"no {program}"
    return None if pathlib.Path("/usr/share/novnc/core/rfb.js").exists() else "no noVNC"


@unittest.skipIf(why_not(), why_not())
class Browser(unittest.TestCase):
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
            "console": {"per_user": 0, "per_vm": 0}})
        cls.daemon.synced().rpc.close()
        cls.rpc = cls.daemon.rpc()
        cls.rpc.call("vm.create", 120, name="tiny", vcpus=1, memory_mib=80, kernel="tiny", network=None, start=True,
                     wait=True)
        cls.serial = cls.find_serial()
        cls.wait_for_boot()

    @classmethod
    def find_serial(cls):
        """The file that the guest's serial port writes: in its XML."""
        xml = cls.rpc.call("vm.get", vm="tiny", xml=True)["xml"]
        return pathlib.Path(re.search(r"<(?:source|log) (?:path|file)='([^']*serial[^']*)'", xml)[1])

    @classmethod
    def wait_for_boot(cls):
        until = time.monotonic() + 120
        while b"tiny up after" not in cls.serial.read_bytes():
            assert time.monotonic() < until, "the guest does not boot"
            cls.world.keeper.look(0.1)

    def test_the_page_shows_a_real_guest_and_what_is_typed_reaches_it(self):
        pictures = pathlib.Path(PICTURES or self.world.folder / "pictures")
        pictures.mkdir(exist_ok=True)
        env = {**os.environ, "LODGE_SOCKET": self.daemon.socket, "GUEST": "tiny", "SERIAL": str(self.serial),
               "PICTURES": str(pictures)}
        run = subprocess.run(["node", CHECKOUT / "tests" / "browser" / "guest.test.mjs"], env=env, timeout=400,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print("\n".join("        " + line for line in run.stdout.splitlines()))
        if run.returncode == promise.SKIPPED:
            self.skipTest(run.stdout.splitlines()[0])
        self.assertEqual(run.returncode, 0)


if __name__ == "__main__":
    promise.main()
