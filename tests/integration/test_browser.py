"""A real guest's screen in a real browser: a private libvirtd, QEMU, lodged, and tests/browser/guest.test.mjs
in Chromium. Needs root, and playwright-core (npm ci in tests/browser)."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
import tiny  # noqa: E402
from world import CHECKOUT  # noqa: E402

PICTURES = os.environ.get("PICTURES")  # where they are to stay


def why_not():
    if reason := tiny.why_not():
        return reason
    for program in ("node", "chromium"):
        if shutil.which(program) is None:
            return f"no {program}"
    return None if pathlib.Path("/usr/share/novnc/core/rfb.js").exists() else "no noVNC"


@unittest.skipIf(why_not(), why_not())
class Browser(tiny.TinyTest):
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
