"""keeper: the parent of everything that a test program starts.

Runs as a process of its own (`python3 keeper.py FD`). It is a child subreaper: QEMU guests, which
libvirt starts as orphans, come to it and are reaped at once, where PID 1 of a container may take
seconds (libvirt's destroy waits for the pid to vanish). When the test program is gone, whatever
way, its end of the socket closes, and the keeper kills all that is left and leaves.

Lines of JSON both ways. In: {"start": n, "argv", "env", "cwd", "log", "uid"}. Out: {"started": n,
"pid"} or {"failed": n, "error"}, and {"ended": pid, "status"} for each that was started.
"""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
LEAVES_S = 10


def parents():
    """Every process and its parent."""
    tree = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                tree[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
        except OSError:
            continue
    return tree


def descendants(pid):
    tree = parents()
    found, frontier = [], {pid}
    while frontier:
        frontier = {child for child, parent in tree.items() if parent in frontier}
        found += frontier
    return found


class Keeper:
    def __init__(self, line):
        self.line = line
        self.buffer = b""
        self.children = {}

    def say(self, **message):
        try:
            self.line.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass  # the reader is gone; the next recv says so

    def start(self, order):
        uid = order.get("uid")
        try:
            with open(order["log"], "ab") as log:
                child = subprocess.Popen(
                    order["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=order.get("env"), cwd=order.get("cwd"), start_new_session=True,
                    user=uid, group=uid, extra_groups=None if uid is None else [])
        except OSError as error:
            self.say(failed=order["start"], error=str(error))
            return
        self.children[child.pid] = child
        self.say(started=order["start"], pid=child.pid)

    def reap(self):
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self.children.pop(pid, None)
            if child is not None:
                child.returncode = os.waitstatus_to_exitcode(status)
                self.say(ended=pid, status=child.returncode)

    def take(self):
        """Reads what was asked; false at the end of the test program."""
        try:
            chunk = self.line.recv(65536)
        except ConnectionError:
            chunk = b""  # it went without having read all that we said
        if not chunk:
            return False
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        for line in lines:
            self.start(json.loads(line))
        return True

    def let_leave(self):
        """Who is killed writes down no counts: for ./test --coverage every lodged that is left may leave first,
        if it does so soon."""
        poll, left = select.poll(), set()
        for pid in descendants(os.getpid()):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                    if file.read().strip() == "lodged":
                        left.add(os.pidfd_open(pid))
                        os.kill(pid, signal.SIGTERM)
            except OSError:
                pass  # it was faster
        for end in left:
            poll.register(end, select.POLLIN)
        until = time.monotonic() + LEAVES_S
        while left and time.monotonic() < until:
            for end, _ in poll.poll(max(0, until - time.monotonic()) * 1000):
                poll.unregister(end)
                os.close(end)
                left.discard(end)

    def clear(self):
        """Nothing that was started here survives, orphans' orphans included."""
        if os.environ.get("COVERAGE"):
            self.let_leave()
        while True:
            left = descendants(os.getpid())
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return


def main():
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # not SIG_IGN, which its children would inherit
    wake, woken = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    line = socket.socket(fileno=int(sys.argv[1]))
    line.set_inheritable(False)
    keeper = Keeper(line)
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        ready = dict(poll.poll())
        if wake in ready:
            os.read(wake, 4096)
        keeper.reap()
        if line.fileno() in ready and not keeper.take():
            break
    keeper.clear()


if __name__ == "__main__":
    main()
