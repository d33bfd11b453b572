"""The TUI in a pseudo-terminal: at 1,000 VMs first picture, memory and CPU at rest; and how soon
an event is on the screen."""

import fcntl
import os
import pathlib
import pty
import re
import select
import struct
import sys
import termios
import time

from figures import Figures, need, skip
import libvirtd as libvirtds
from world import BUILD_DIR, MADE_UP, Mirror, World, fleet_xml

LODGE = pathlib.Path(os.environ.get("LODGE", BUILD_DIR / "tui" / "lodge"))
COLUMNS, LINES = 120, 40


class Screen:
    """A TUI in a pseudo-terminal; keeps what it wrote."""

    def __init__(self, socket):
        self.begun = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", LODGE_SOCKET=socket, LC_ALL="C.UTF-8",
                              LINES="", COLUMNS="")
            os.execv(LODGE, [str(LODGE)])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.text = b""

    def wait_for(self, word, deadline=20):
        """Seconds from the start until it was written."""
        until = time.monotonic() + deadline
        while not re.search(word, self.text):
            left = until - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError(f"the screen never showed {word}: {self.text[-800:]}")
        return time.monotonic() - self.begun

    def read(self, timeout):
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        if not poll.poll(max(0, timeout) * 1000):
            return False
        try:
            self.text += os.read(self.fd, 65536)
            return True
        except OSError:
            return False

    def rest(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.read(until - time.monotonic())

    def rss_kib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                return int(line.split()[1])
        raise AssertionError("no Rss")

    def cpu_seconds(self):
        return time.clock_gettime((~self.pid << 3) | 2)

    def close(self):
        os.write(self.fd, b"q")
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                break
            self.read(0.05)
        else:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


def event_to_screen(world, figures):
    """Ten guests that are paused by virsh appear in a list that shows only paused ones. Counted from
    before virsh sends its call: libvirt's event comes later, so the figure is an upper bound."""
    if libvirtds.why_not():
        return
    libvirtd = world.libvirtd()
    daemon = world.daemon({"t": libvirtd.test_uri})
    names = [f"zebra{number}" for number in range(10)]
    with libvirtd.virsh_shell(libvirtd.test_uri) as virsh:
        for name in names:
            libvirtd.define(name, xml=MADE_UP, uri=libvirtd.test_uri)
            virsh.run(f"start {name}")
        daemon.synced()
        screen = Screen(daemon.socket)
        screen.wait_for(rb"zebra9")
        os.write(screen.fd, b"/state:paused\r")
        screen.rest(4)  # those that no longer match are gone
        took = []
        for name in names:
            screen.text, begun = b"", time.monotonic()
            virsh.run(f"suspend {name}")
            screen.wait_for(name.encode())
            took.append((time.monotonic() - begun) * 1000)
            screen.rest(0.3)
        screen.close()
    figures.say("virsh's call to the TUI's screen (median of 10)", sorted(took)[5], "ms", 100,
                note=f"the slowest {max(took):.0f} ms")


def main():
    need(LODGE)
    if not sys.platform.startswith("linux"):
        skip("needs Linux")
    figures = Figures()
    with World() as world:
        path = world.folder / "fleet.xml"
        path.write_text(fleet_xml(1000))
        daemon = world.daemon({"f": f"test://{path}"})
        daemon.synced()

        def ready():
            """How long the daemon takes to tell a subscriber all, as the TUI is one."""
            begun = time.monotonic()
            with daemon.rpc() as rpc:
                Mirror(rpc, topics=["vm", "host"]).wait_ready()
            return time.monotonic() - begun

        pictures = []
        for _ in range(7):
            baseline = ready()
            screen = Screen(daemon.socket)
            took = screen.wait_for(rb"vm00000")
            pictures.append(((took - baseline) * 1000, took * 1000))
            if len(pictures) < 7:
                screen.close()
        behind, whole = sorted(pictures)[len(pictures) // 2]
        figures.say("first picture of the TUI after `ready`, 1,000 VMs", behind, "ms", 50,
                    note=f"{whole:.0f} ms from exec")
        screen.rest(3)
        figures.say("TUI, resident at 1,000 VMs", screen.rss_kib() / 1024, "MiB", 12)
        before, begun = screen.cpu_seconds(), time.monotonic()
        screen.rest(15)
        used = (screen.cpu_seconds() - before) / (time.monotonic() - begun) * 100
        figures.say("TUI, CPU at rest", used, "%", 1.0)
        screen.close()
        event_to_screen(world, figures)
    figures.end()


if __name__ == "__main__":
    main()
