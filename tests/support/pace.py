"""pace: how slow the machine is just now, measured by something bare beside the test.

    with Pace(world.folder) as pace:
        begun = time.monotonic()
        …
        pace.check(self, begun, 2.0, "the well host was held up")

A bound in seconds says that nobody is held up by somebody else's trouble, and a busy machine holds
everybody up. So twenty times a second a byte goes to a process that does nothing else and comes back,
and a byte is put onto the disk. What a bound allows is itself, and for each hop of the way that it is
about as much as the slowest of those rounds took meanwhile. On a quiet machine that is a millisecond
or two; where the way is held up and the machine is not, the bound is what it says.
"""

import os
import select
import statistics
import subprocess
import sys
import threading
import time

HOPS = 10      # virsh, libvirtd, QEMU, libvirtd, lodged's threads, the test: and the disk of each
EVERY = 0.05   # seconds

ECHO = "import os\nwhile (word := os.read(0, 1)):\n    os.write(1, word)\n"


class Pace(threading.Thread):
    def __init__(self, folder):
        super().__init__(daemon=True)
        self.rounds = []                  # (when it ended, seconds); appended here, read by the test
        self.begun = time.monotonic()     # of the round that is under way
        self.echo = subprocess.Popen([sys.executable, "-c", ECHO], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, bufsize=0)
        self.disk = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600)
        self.over, self.leave = os.pipe()
        self.start()

    def run(self):
        while not select.select([self.over], [], [], EVERY)[0]:
            self.begun = time.monotonic()
            self.echo.stdin.write(b".")
            self.echo.stdout.read(1)
            os.write(self.disk, b".")
            os.fdatasync(self.disk)
            ended = time.monotonic()
            self.rounds.append((ended, ended - self.begun))
            self.begun = ended

    def since(self, begun):
        """What the rounds took that ended after `begun`, and what the one under way has taken so far."""
        took = [seconds for ended, seconds in self.rounds if ended >= begun]
        return took + [time.monotonic() - self.begun]

    def check(self, test, begun, bound, what, took=None):
        """That no more than `bound` seconds have passed since `begun`, or were taken by something since."""
        took = time.monotonic() - begun if took is None else took
        slack = HOPS * max(self.since(begun))
        test.assertLess(took, bound + slack, f"{what} ({slack:.3f} s of it are the machine's)")

    def check_median(self, test, begun, figures, bound, what):
        slack = HOPS * statistics.median(self.since(begun))
        test.assertLess(statistics.median(figures), bound + slack,
                        f"{what} ({slack:.3f} s of it are the machine's): {sorted(figures)[-5:]}")

    def close(self):
        os.close(self.leave)
        self.join()
        self.echo.stdin.close()
        self.echo.wait()
        for fd in (self.over, self.disk):
            os.close(fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
