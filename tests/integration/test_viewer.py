"""`lodge vnc --viewer` with the viewers that it offers, on a real guest under Xvfb: what is typed in their
windows arrives. Packages: xvfb xdotool tigervnc-viewer gvncviewer ssvnc."""

import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
import tiny  # noqa: E402
from world import BUILD_DIR, PATIENCE  # noqa: E402

LODGE = BUILD_DIR / "tui" / "lodge"
BLIND = "|".join((":no", "--help"))  # gvncviewer's last line is a hint behind the reason
PACKAGES = {"xtigervncviewer": "tigervnc-viewer", "gvncviewer": "gvncviewer", "ssvncviewer": "ssvnc"}


def why_not():
    if reason := tiny.why_not():
        return reason
    for program, package in (("Xvfb", "xvfb"), ("xdotool", "xdotool")):
        if shutil.which(program) is None:
            return f"needs {program}: apt install {package}"
    return None


@unittest.skipIf(why_not(), why_not())
class Viewer(tiny.TinyTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        log = cls.world.folder / "xvfb.log"  # says its number there, once it listens
        cls.world.keeper.start(["Xvfb", "-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"], log)
        until = time.monotonic() + PATIENCE
        while not log.exists() or not (number := log.read_text().split("\n")[0]).isdigit():
            assert time.monotonic() < until, "Xvfb does not start"
            cls.world.keeper.look(0.1)
        runtime = cls.world.folder / "runtime"
        runtime.mkdir(0o700)
        cls.runtime = runtime
        cls.env = {**os.environ, "DISPLAY": f":{number}", "HOME": str(cls.world.folder), "XDG_RUNTIME_DIR": str(runtime)}
        cls.env.pop("LODGE_VIEWER", None)

    def xdotool(self, *words, wait=20):
        """What it says, or None when it does not within that time."""
        try:
            return subprocess.run(["xdotool", *map(str, words)], env=self.env, timeout=wait, check=False,
                                  capture_output=True, text=True).stdout.split()
        except subprocess.TimeoutExpired:
            return None

    def look(self, name, **env):
        return self.world.keeper.start([LODGE, "--socket", self.daemon.socket, "vnc", "tiny", "--viewer"],
                                       self.world.folder / f"{name}.log", env={**self.env, **env})

    def type_until_heard(self, lodge, window, word):
        """A window may be there before it hears keys: the guest may be told more than once."""
        until = time.monotonic() + PATIENCE
        while not self.hears(word, 0):
            self.assertTrue(lodge.running(), lodge.tail())
            self.assertLess(time.monotonic(), until, "what was typed did not arrive")
            self.xdotool("windowfocus", window)
            self.xdotool("type", "--delay", 60, f"echo {word} >/dev/ttyS0")
            self.xdotool("key", "Return")
            self.hears(word, 5)

    def only(self, viewer):
        """A $PATH on which it is the only viewer."""
        folder = self.world.folder / f"path-{viewer}"
        if not folder.exists():
            folder.mkdir()
            (folder / viewer).symlink_to(shutil.which(viewer))
        return str(folder)

    def test_what_is_typed_in_each_viewer_that_is_offered_arrives(self):
        for viewer, package in PACKAGES.items():
            with self.subTest(viewer=viewer):
                if shutil.which(viewer) is None:
                    self.skipTest(f"needs {viewer}: apt install {package}")
                lodge = self.look(viewer, PATH=self.only(viewer))
                windows = self.xdotool("search", "--sync", "--onlyvisible", "--name", "tiny", wait=PATIENCE)
                self.assertTrue(windows, lodge.tail())
                self.type_until_heard(lodge, windows[0], f"typed-in-{viewer}")
                self.end(lodge, windows[0])

    def end(self, lodge, window):
        """As somebody who closes the window."""
        self.xdotool("windowclose", window)
        self.assertEqual(lodge.wait(), 0, lodge.tail())
        self.assertEqual(list(self.runtime.glob("lodge-*")), [])

    def test_a_command_of_ones_own_says_where_the_address_goes(self):
        if shutil.which("xtigervncviewer") is None:
            self.skipTest("needs xtigervncviewer: apt install tigervnc-viewer")
        lodge = self.look("own", LODGE_VIEWER="xtigervncviewer %s -Shared=1 -ViewOnly")
        windows = self.xdotool("search", "--sync", "--onlyvisible", "--name", "tiny", wait=PATIENCE)
        self.assertTrue(windows, lodge.tail())
        self.end(lodge, windows[0])

    def test_what_a_real_viewer_dies_of_is_said(self):
        for viewer in PACKAGES:
            if shutil.which(viewer) is None:
                continue
            with self.subTest(viewer=viewer):
                lodge = self.look(f"{viewer}-blind", PATH=self.only(viewer), DISPLAY=":no")
                self.assertEqual(lodge.wait(), 1)
                self.assertRegex(lodge.output(), rf"lodge: {viewer} ended before it had connected: .*({BLIND})")

    def test_when_lodge_is_interrupted_the_viewer_ends_and_nothing_is_left(self):
        if shutil.which("gvncviewer") is None:
            self.skipTest("needs gvncviewer: apt install gvncviewer")
        lodge = self.look("interrupted", LODGE_VIEWER="gvncviewer")
        self.assertTrue(self.xdotool("search", "--sync", "--onlyvisible", "--name", "tiny", wait=PATIENCE))
        lodge.signal(signal.SIGINT)
        self.assertEqual(lodge.wait(), -signal.SIGINT)
        self.assertEqual(list(self.runtime.glob("lodge-*")), [])


if __name__ == "__main__":
    promise.main()
