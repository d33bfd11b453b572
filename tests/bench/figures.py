"""figures: measuring fairly, and saying a figure with its baseline and its limit on one line.

With $FIGURES each is appended to that file as well, a line of JSON, for table.py.

Machines that measure are noisy. So what is compared is measured in turns, again and again, in one
run, and the median of the ratios counts; limits are ratios or generous where they are absolute.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd  # noqa: E402
from world import BUILD_DIR  # noqa: E402

TOOLS = BUILD_DIR / "tests" / "bench"
SKIPPED = 77


class Figures:
    def __init__(self):
        self.held = self.broken = 0

    def say(self, what, value, unit, limit, note=""):
        """A figure that must not be above its limit (None: only told)."""
        good = limit is None or value <= limit
        self.held += good
        self.broken += not good
        text = f"{'ok' if good else 'BROKEN':7} {what}: {value:.3g} {unit}"
        if limit is not None:
            text += f", at most {limit:.3g}"
        print(text + (f" ({note})" if note else ""), flush=True)
        keep_figure(what, [("", value, unit, limit)], note)

    def hold(self, what, parts, note=""):
        """Several on one line: (what, value, unit, limit) each; one too many breaks it."""
        good = all(limit is None or value <= limit for _, value, _, limit in parts)
        self.held += good
        self.broken += not good
        told = ", ".join(
            f"{label} {value:.4g} {unit}".rstrip() + (
                " (!)" if limit is not None and value > limit else "")
            for label, value, unit, limit in parts)
        print(f"{'ok' if good else 'BROKEN':7} {what}: {told}" + (f"; {note}" if note else ""),
              flush=True)
        keep_figure(what, parts, note)

    def end(self):
        print(f"{self.held} held, {self.broken} broken")
        sys.exit(1 if self.broken else 0)


def keep_figure(what, parts, note):
    path = os.environ.get("FIGURES")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"what": what, "parts": parts, "note": note}) + "\n")


def in_turns(ours, bare, turns):
    """Median of ours, of bare, and of the ratios of neighbours."""
    pairs = [(ours(), bare()) for _ in range(turns)]
    return (statistics.median(pair[0] for pair in pairs),
            statistics.median(pair[1] for pair in pairs),
            statistics.median(pair[0] / pair[1] for pair in pairs))


def tool(name, *words, deadline=300):
    done = subprocess.run([TOOLS / name, *map(str, words)], capture_output=True, text=True,
                          timeout=deadline, check=False)
    if done.returncode:
        raise AssertionError(f"{name}: {done.stderr}")
    return done.stdout.split()


def settle(world, seconds):
    """Lets so many seconds go by; what ends meanwhile is seen."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        world.keeper.look(until - time.monotonic())


def anonymous_kib(daemon):
    """What a daemon holds in memory that is no file's."""
    for line in open(f"/proc/{daemon.pid}/smaps_rollup", encoding="utf-8"):
        if line.startswith("Anonymous:"):
            return int(line.split()[1])
    raise AssertionError("no Anonymous")


class Echo:
    """bare_echo for one client."""

    def __init__(self, world, name, size=None):
        self.path = world.folder / name
        self.program = subprocess.Popen(
            [TOOLS / "bare_echo", self.path, *([str(size)] if size else [])])
        while not self.path.exists():
            if self.program.poll() is not None:
                raise AssertionError("bare_echo ended")
            world.keeper.look(0.005)
        world.keeper.look(0.005)

    def __enter__(self):
        return str(self.path)

    def __exit__(self, *_):
        self.program.kill()
        self.program.wait()
        self.path.unlink(missing_ok=True)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def need(program):
    if not shutil.which(program):
        skip(f"needs {program}")


def need_libvirtd():
    reason = libvirtd.why_not()
    if reason:
        skip(reason)
