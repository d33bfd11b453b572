"""world: what a test lives in: a folder, a keeper, daemons and, if it may, a private libvirtd.

    with World() as world:
        daemon = world.daemon("test:///default")
        rpc = daemon.rpc()

A world cleans up after itself however the test ends, and says on failure what its programs said.
"""

import ctypes
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import evidence  # noqa: E402
import keeper as keepers  # noqa: E402
import sanitizers  # noqa: E402
from pace import Pace  # noqa: E402
from rpc import PATIENCE, Gone, Mirror, Rpc, RpcError, Timeout, as_uid, listens  # noqa: E402,F401

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
BUILD_DIR = pathlib.Path(os.environ.get("BUILD_DIR", CHECKOUT / "build")).absolute()
LODGED = pathlib.Path(os.environ.get("LODGED", BUILD_DIR / "daemon" / "lodged"))
IN_CREATE, IN_ATTRIB, IN_MODIFY, IN_MOVED_TO, IN_DELETE = 0x100, 0x4, 0x2, 0x80, 0x200


class Inotify:
    """Tells when something happens in a folder."""

    libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, *folders):
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for folder in folders:
            mask = IN_CREATE | IN_ATTRIB | IN_MODIFY | IN_MOVED_TO | IN_DELETE
            if self.libc.inotify_add_watch(self.fd, os.fsencode(str(folder)), mask) < 0:
                raise OSError(ctypes.get_errno(), f"inotify on {folder}")

    def clear(self):
        try:
            while os.read(self.fd, 65536):
                pass
        except BlockingIOError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)


class Process:
    """Something that the keeper runs."""

    def __init__(self, keeper, pid, log, argv):
        self.keeper, self.pid, self.log, self.argv = keeper, pid, log, argv
        self.status = None

    def running(self):
        self.keeper.look(0)
        return self.status is None

    def wait(self, deadline=PATIENCE):
        """Its exit code, negative for the signal that ended it."""
        until = time.monotonic() + deadline
        while self.status is None:
            if time.monotonic() > until:
                raise Timeout(f"{self.argv[0]} still runs\n{self.tail()}")
            self.keeper.look(until - time.monotonic())
        return self.status

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def kill(self, deadline=PATIENCE):
        self.signal(9)
        return self.wait(deadline)

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=25):
        said = [line for line in self.output().splitlines() if "ethtool" not in line]
        how = "runs" if self.running() else f"ended with {self.status}"
        return f"--- {self.log.name} ({how})\n" + "\n".join(said[-lines:])


class Keeper:
    """This side of keeper.py."""

    def __init__(self):
        ours, theirs = socket.socketpair()
        script = pathlib.Path(__file__).with_name("keeper.py")
        self.program = subprocess.Popen([sys.executable, str(script), str(theirs.fileno())],
                                        pass_fds=[theirs.fileno()], start_new_session=True)
        theirs.close()
        self.line, self.buffer = ours, b""
        self.processes, self.orders, self.answers, self.count = {}, {}, {}, 0

    def look(self, timeout):
        """Hears what the keeper says, for at most `timeout` seconds."""
        poll = select.poll()
        poll.register(self.line, select.POLLIN)
        if not poll.poll(max(0, timeout) * 1000):
            return
        chunk = self.line.recv(65536)
        if not chunk:
            raise RuntimeError("the keeper is gone")
        *lines, self.buffer = (self.buffer + chunk).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "ended" in message:
                self.processes[message["ended"]].status = message["status"]
            elif "started" in message:
                process = Process(self, message["pid"], *self.orders.pop(message["started"]))
                self.processes[process.pid] = process
                self.answers[message["started"]] = process
            else:
                argv = self.orders.pop(message["failed"])[1]
                self.answers[message["failed"]] = OSError(f"{argv[0]}: {message['error']}")

    def start(self, argv, log, env=None, cwd=None, uid=None):
        self.count += 1
        number, argv = self.count, [str(word) for word in argv]
        self.orders[number] = pathlib.Path(log), argv
        order = {"start": number, "argv": argv, "log": str(log), "env": env,
                 "cwd": cwd and str(cwd), "uid": uid}
        self.line.sendall(json.dumps(order).encode() + b"\n")
        until = time.monotonic() + PATIENCE
        while number not in self.answers:
            if time.monotonic() > until:
                raise Timeout("the keeper does not answer")
            self.look(until - time.monotonic())
        answer = self.answers.pop(number)
        if isinstance(answer, OSError):
            raise answer
        return answer

    def close(self):
        self.line.close()
        self.program.wait(PATIENCE)


class Daemon:
    """lodged, as its users start it."""

    def __init__(self, world, name, hosts, config=None, flags=(), **how):
        self.world, self.name = world, name
        self.folder = world.folder / name
        self.folder.mkdir(exist_ok=True)
        self.uid, self.env = how.pop("uid", None), how.pop("env", {})
        wrap = how.pop("wrap", [])
        self.socket = str(how.pop("socket", self.folder / "rpc.sock"))
        self.state_dir = how.pop("state_dir", self.folder / "state")
        self.config = self.folder / "lodged.conf"
        assert not how, how
        if self.uid is not None:
            os.chown(self.folder, self.uid, self.uid)
        self.configure(config or {})
        program = LODGED if self.uid is None else world.program(LODGED)
        self.argv = [*wrap, program, "--config", self.config, "--socket", self.socket,
                     "--state-dir", self.state_dir]
        if isinstance(hosts, str):
            self.argv += ["--uri", hosts]
        else:
            for host, uri in (hosts or {}).items():
                self.argv += ["--host", f"{host}={uri}"]
        if "--http" not in flags:
            self.argv += ["--http", "off"]  # many run at once
        self.argv += flags
        self.process = None
        self.clients = []

    def configure(self, sections):
        lines = []
        for section, keys in sections.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {value}" for key, value in keys.items()]
        self.config.write_text("\n".join(lines) + "\n")

    def launch(self):
        """Starts it and waits for nothing."""
        env = {key: value for key, value in os.environ.items()
               if key not in ("LODGE_SOCKET", "NOTIFY_SOCKET", "LISTEN_FDS")}
        env.update(self.env)
        self.process = self.world.keeper.start(self.argv, self.folder / "lodged.log", env=env,
                                               cwd=self.folder, uid=self.uid)
        self.world.watch(self.process)
        return self

    def start(self, deadline=PATIENCE):
        """Starts it and waits until its socket takes a connection."""
        with Inotify(os.path.dirname(self.socket), self.folder) as inotify:
            self.launch()
            until = time.monotonic() + deadline
            while not self.answers():
                if not self.process.running():
                    raise AssertionError(f"lodged ended with {self.process.status}\n"
                                         f"{self.process.tail()}")
                if time.monotonic() > until:
                    raise Timeout(f"no socket\n{self.process.tail()}")
                # A file that is there may not be listened on yet, which makes no event of its own.
                poll = select.poll()
                poll.register(inotify.fd, select.POLLIN)
                poll.register(self.world.keeper.line, select.POLLIN)
                poll.poll(20 if os.path.exists(self.socket) else 1000)
                inotify.clear()
        with Rpc(self.socket) as rpc:  # it listens before its loop runs
            rpc.call("server.ping")
        return self

    def answers(self):
        return listens(self.socket)

    def rpc(self, **how):
        client = Rpc(self.socket, **how)
        self.clients.append(client)
        return client

    def synced(self, deadline=PATIENCE, **params):
        """A mirror of all VMs and hosts, once vm.list calls itself complete."""
        mirror = Mirror(self.rpc(), topics=["vm", "host"], **params).wait_ready(deadline)
        until = time.monotonic() + deadline
        while incomplete := mirror.rpc.call("vm.list", limit=1, fields=[])["incomplete"]:
            if time.monotonic() > until:
                raise Timeout(f"still incomplete: {incomplete}\n{self.process.tail()}")
            try:
                mirror.step(0.05)  # that the last host was read is told by nothing of its own
            except Timeout:
                pass
        return mirror.settle()

    def stop(self, number=15, deadline=PATIENCE):
        for client in self.clients:
            client.close()
        self.clients.clear()
        self.process.signal(number)
        return self.process.wait(deadline)

    # figures

    @property
    def pid(self):
        return self.process.pid

    def rss_kib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                return int(line.split()[1])
        raise AssertionError("no Rss")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        """What all its threads have used; the clock of a process is a number made from its pid."""
        return time.clock_gettime((~self.pid << 3) | 2)

    def sanitized(self):
        """Clang links its sanitizers in, but none goes without shadow memory: terabytes of it."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        kib = next(int(line.split()[1]) for line in status.splitlines()
                   if line.startswith("VmSize:"))
        return kib > 1 << 30


class World:
    alive = []  # those that are open: what a failed test keeps evidence of

    def __init__(self, name="lodge"):
        # Short: the path of a Unix socket has 107 bytes, QEMU's lie deep below it.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.keeper = Keeper()
        self.processes = []
        self.daemons, self.libvirtds = [], []
        self.closers = []
        self.pace_of_machine = None
        self.count = 0
        World.alive.append(self)

    def watch(self, process):
        if process not in self.processes:
            self.processes.append(process)

    def daemon(self, hosts="test:///default", start=True, name=None, **how):
        self.count += 1
        daemon = Daemon(self, name or f"d{self.count}", hosts, **how)
        self.daemons.append(daemon)
        return daemon.start() if start else daemon

    def program(self, path):
        """A copy that any user can reach; a checkout may lie in a home that is closed to others."""
        copy = self.folder / "bin" / pathlib.Path(path).name
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(path, copy)
            copy.chmod(0o755)
        return copy

    def libvirtd(self, **how):
        from libvirtd import Libvirtd  # pylint: disable=import-outside-toplevel
        libvirtd = Libvirtd(self, **how)
        self.libvirtds.append(libvirtd)
        return libvirtd

    def pace(self):
        """How slow the machine is, from the first time that somebody asks."""
        if self.pace_of_machine is None:
            self.pace_of_machine = Pace(self.folder)
            self.closers.append(self.pace_of_machine.close)
        return self.pace_of_machine

    def without_kvm(self):
        """What to wrap a daemon in that shall not try KVM: where that is broken, a trial takes 3 s
        after each start, and lodged is killed before its first VM is made."""
        if not os.path.exists("/dev/kvm"):
            return []
        nothing = self.folder / "no-kvm"
        nothing.touch()
        return ["unshare", "-m", "sh", "-c", 'mount --bind -o ro "$0" /dev/kvm && exec "$@"', nothing]

    def qemu_pid(self, name):
        """The QEMU of a running guest of this world; its command line says guest=NAME."""
        wanted = f"guest={name},".encode()
        for pid in keepers.descendants(self.keeper.program.pid):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.startswith(wanted) for word in words):
                return pid
        raise AssertionError(f"no QEMU for {name}")

    def report(self):
        """For a person who looks at a failure: what everyone said last."""
        return "\n".join(process.tail() for process in self.processes[-4:])

    def close(self):
        if self not in World.alive:
            return
        World.alive.remove(self)
        for closer in reversed(self.closers):
            closer()
        self.keeper.close()
        sanitizers.look(self.keeper.processes.values())
        if not os.environ.get("KEEP_WORLD"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if kind is not None and not issubclass(kind, unittest.SkipTest):
            print(self.report(), flush=True)
            print(f"kept: {evidence.keep('world', f'{kind.__name__}: {error}', [self])}", flush=True)
        self.close()


# A domain of libvirt's test driver; format() it with name and uuid.
MADE_UP = ("<domain type='test'><name>{name}</name><uuid>{uuid}</uuid>"
           "<memory unit='MiB'>64</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>")


def fleet_xml(count, running=None, prefix="vm"):
    """A test driver's file with `count` domains; the first `running` of them run (default: all)."""
    running = count if running is None else running
    test = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'"
    parts = ["<node>\n"]
    for number in range(count):
        state = "" if number < running else "<test:runstate>5</test:runstate>"
        parts.append(
            f"<domain type='test' {test}><name>{prefix}{number:05d}</name>"
            f"<uuid>{uuid_of(number)}</uuid><memory unit='MiB'>{64 + number % 7 * 64}</memory>"
            f"<vcpu>{1 + number % 4}</vcpu><os><type>hvm</type></os>{state}</domain>\n")
    parts.append("</node>\n")
    return "".join(parts)


def uuid_of(number):
    return f"10d9e000-0000-4000-8000-{number:012x}"


def free_uid():
    """A uid that is not root's and has a name."""
    return 65534


__all__ = ["BUILD_DIR", "LODGED", "PATIENCE", "Daemon", "Gone", "Inotify", "Mirror", "Process", "Rpc",
           "RpcError", "Timeout", "World", "as_uid", "fleet_xml", "free_uid", "uuid_of"]
