"""`lodge watch`: each thing that happens is said once, in words, with who did it, for people and in a pipe."""

import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import BUILD_DIR, PATIENCE, World, uuid_of  # noqa: E402

LODGE = BUILD_DIR / "tui" / "lodge"
DONE, NO_DAEMON, TIMEOUT = 0, 3, 7


def miss_events(door):
    """A lodged whose events have a gap, after which its VM is another than before; then it goes away."""
    line, _ = door.accept()
    vm = {"host": "a", "uuid": uuid_of(1), "name": "web", "vcpus": 1}
    host = {"name": "a", "state": "up", "synced_at": "2026-01-01T00:00:00.000Z"}
    lives = [("running", [1, 2, 3, 9]), ("shutoff", [1, 2, 3])]
    for number, request in enumerate(json.loads(text) for text in line.makefile()):
        if "id" not in request:
            continue
        state, seqs = lives.pop(0)
        told = [{"topic": "host", "type": "added", "host": host}, {"type": "ready", "incomplete": []}, {"type": "ready"}]
        told.insert(1, {"topic": "vm", "type": "added", "vm": {**vm, "state": state}})
        messages = [{"jsonrpc": "2.0", "id": request["id"], "result": {"subscription": number + 1, "rev": 1}}]
        messages += [{"jsonrpc": "2.0", "method": "event", "params": {"subscription": number + 1, "rev": 1, "seq": seq,
                                                                      **what}} for seq, what in zip(seqs, told)]
        line.sendall("".join(json.dumps(message) + "\n" for message in messages).encode())
        if not lives:
            line.close()
            return


class Watch(unittest.TestCase):
    """Each test has a lodged with libvirt's default test domain, which runs."""

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)

    @staticmethod
    def command(words, door):
        return {"args": [LODGE, *words], "env": {**os.environ, "LODGE_SOCKET": str(door)}, "text": True}

    def lodge(self, *words, door, status=DONE):
        ran = subprocess.run(**self.command(words, door), capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(ran.returncode, status, f"{words}\n{ran.stdout}{ran.stderr}")
        return ran.stdout, ran.stderr

    def watch(self, daemon, *words, **how):
        """A watch that has said what is there."""
        command = self.command(["watch", "--wait", "20", *words], daemon.socket)
        command["env"].update(how.pop("env", {}))
        watch = subprocess.Popen(**command, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how})
        self.addCleanup(self.end, watch)
        return watch

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def line_with(self, watch, word):
        """The next line that has it, and those before."""
        lines = []
        while not lines or word not in lines[-1]:
            lines.append(watch.stdout.readline())
            self.assertNotEqual(lines[-1], "", f"watch ended before {word}: {lines}")
        return lines

    def test_watch_says_what_is_there_in_a_line_and_ends_with_the_daemon(self):
        daemon = self.world.daemon("test:///default")
        daemon.synced().rpc.close()
        watch = self.watch(daemon)
        self.assertRegex("".join(self.line_with(watch, "watching")),
                         r"^\S+  watching 1 VM: 1 running; host local: up\n$")
        daemon.stop()
        rest = watch.communicate(timeout=PATIENCE)
        self.assertEqual(watch.returncode, NO_DAEMON, rest)
        self.assertTrue(rest[1].startswith("lodge: "))

    def test_watch_in_a_pipe_says_each_thing_once_with_its_date_and_who_did_it(self):
        """Local time with its offset; the state that an operation makes stands in its line, and what virsh does
        in one without."""
        daemon = self.world.daemon("test:///default")
        daemon.synced().rpc.close()
        watch = self.watch(daemon, env={"TZ": "Etc/GMT-3", "LC_ALL": "C.UTF-8"})
        self.line_with(watch, "watching")
        self.lodge("pause", "test", door=daemon.socket)
        self.lodge("resume", "test", door=daemon.socket)
        self.lodge("adopt", "--owner", "root", "test", door=daemon.socket)
        self.lodge("set", "test", "--tag", "x", door=daemon.socket)
        self.lodge("reboot", "--grace", "1", "test", status=TIMEOUT, door=daemon.socket)
        lines = "".join(self.line_with(watch, "failed"))
        now = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+03:00  test  "
        wanted = (r"pause begun by \S+", r"pause: state running → paused \(by \S+, \d+\.\d s\)",
                  r"resume begun by root", r"resume: state paused → running \(by root, \d+\.\d s\)",
                  r"adopt begun by root",
                  r"adopt: owner none → root, managed by lodge \(by root, \d+\.\d s\)",
                  r"set begun by root", r"set: tags none → x \(by root, \d+\.\d s\)", r"reboot begun by root",
                  r"reboot failed \(by root, \d+\.\d s\): 'test' did not answer reboot within 1 s.*")
        self.assertRegex(lines, "^" + "".join(now + line + "\n" for line in wanted) + "$")

    def test_watch_says_what_it_missed_and_nothing_twice(self):
        path = self.world.folder / "misses"
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(path))
            door.listen(1)
            threading.Thread(target=miss_events, args=(door,), daemon=True).start()
            out, error = self.lodge("watch", door=path, status=NO_DAEMON)
        self.assertEqual([line.split("  ", 1)[1].replace("→", "->") for line in out.splitlines()],
                         ["watching 1 VM: 1 running; host a: up",
                          "events were missed: what is different since follows",
                          "web  state running -> shutoff"])
        self.assertTrue(error.startswith("lodge: "), error)

    def test_watch_as_json_is_the_events_of_VMs_and_hosts(self):
        daemon = self.world.daemon("test:///default")
        daemon.synced().rpc.close()
        watch = self.watch(daemon, "--json")
        events = [json.loads(line) for line in self.line_with(watch, '"ready"')]
        self.assertEqual({event.get("topic") for event in events}, {"vm", "host", None})
        self.lodge("pause", "test", door=daemon.socket)
        events = [json.loads(line) for line in self.line_with(watch, '"paused"')]
        self.assertEqual({(event["topic"], event["type"]) for event in events}, {("vm", "changed")})

    def test_watch_on_a_terminal_fits_it(self):
        daemon = self.world.daemon("test:///default")
        daemon.synced().rpc.close()
        terminals = {}
        for columns in (80, 40, 20):
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
            self.watch(daemon, stdout=theirs, env={"LC_ALL": "C.UTF-8"})
            os.close(theirs)
            self.addCleanup(os.close, ours)
            terminals[columns] = ours, self.read_until(ours, b"up")
        self.lodge("reboot", "--grace", "1", "test", status=TIMEOUT, door=daemon.socket)
        for columns, (ours, text) in terminals.items():
            text += self.read_until(ours, b"booted")
            lines = text.decode().replace("\r\n", "\n").splitlines()
            with self.subTest(columns=columns):
                self.assertLessEqual(max(map(len, lines)), columns, lines)
                self.assertRegex(lines[0], r"^\d\d:\d\d:\d\d  watching")
                self.assertRegex(" ".join(" ".join(lines).split()), "within 1 s: it is running")

    @staticmethod
    def read_until(terminal, word):
        text = b""
        while word not in text:
            text += os.read(terminal, 4096)
        return text


if __name__ == "__main__":
    promise.main()
