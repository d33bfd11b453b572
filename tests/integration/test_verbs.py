"""The verbs of `lodge`: what they print, where, and the status they leave."""

import base64
import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import BUILD_DIR, PATIENCE, World, fleet_xml, uuid_of  # noqa: E402

LODGE = BUILD_DIR / "tui" / "lodge"
DONE, FAILED, WRONG_CALL, NO_DAEMON, NOT_FOUND, DENIED, BUSY, TIMEOUT = range(8)
COUNT, RUNNING = 6, 4
PNG = b"\x89PNG\r\n\x1a\n"


def tell_with_the_answer(door):
    """A lodged whose host has been read between its answer that it has not, and the next look."""
    line, _ = door.accept()
    ready, event = False, {"subscription": 1, "rev": 1, "topic": "host"}
    host = {"name": "a", "state": "up", "since": "2026-01-01T00:00:00.000Z"}
    for request in map(json.loads, line.makefile()):
        if "id" not in request:
            continue  # it is told that nobody listens any more
        result, news = {"ready": ready, "live": True, "vms": [], "rev": 1, "incomplete": []}, []
        if request["method"] == "event.subscribe":
            result = {"subscription": 1, "rev": 1}
        elif request["method"] == "server.health" and not ready:
            news, ready = [{**event, "seq": 1, "type": "added", "host": host}], True
        messages = [{"jsonrpc": "2.0", "id": request["id"], "result": result}]
        messages += [{"jsonrpc": "2.0", "method": "event", "params": params} for params in news]
        line.sendall("".join(json.dumps(message) + "\n" for message in messages).encode())


def wait_a_moment(door):
    """A lodged whose operation waits for its event, and has it in the next message."""
    line, _ = door.accept()
    op = {"id": 7, "kind": "vm.start", "vm": "web", "uuid": uuid_of(1), "host": "a", "state": "waiting",
          "reason": "waits for the guest to do what vm.start asked for"}
    for request in map(json.loads, line.makefile()):
        if "id" not in request:
            continue
        news = []
        if request["method"] != "event.subscribe":
            news = [{"jsonrpc": "2.0", "method": "event",
                     "params": {"subscription": 1, "rev": 2, "seq": 1, "topic": "op", "type": "added", "op": op}}]
        answer = {"jsonrpc": "2.0", "id": request["id"], "result": {"subscription": 1, "rev": 1, "op": 7}}
        line.sendall("".join(json.dumps(message) + "\n" for message in [*news, answer]).encode())


class Verbs(unittest.TestCase):
    """Host a has 6 domains of which 4 run; host gone cannot be opened."""

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        path = cls.world.folder / "fleet.xml"
        path.write_text(fleet_xml(COUNT, RUNNING))
        cls.daemon = cls.world.daemon({"a": f"test://{path}", "gone": "test:///no/such.xml"})
        cls.lodge("ls", "--wait", "20s")

    @classmethod
    def command(cls, words, door=None):
        environ = {**os.environ, "LODGE_SOCKET": str(door or cls.daemon.socket)}
        return {"args": [LODGE, *words], "env": environ, "text": True}

    @classmethod
    def lodge(cls, *words, status=DONE, stdin="", door=None):
        """Runs a verb in pipes; its standard output and error."""
        ran = subprocess.run(**cls.command(words, door), input=stdin, capture_output=True,
                             timeout=PATIENCE, check=False)
        if ran.returncode != status:
            raise AssertionError(f"{words}: status {ran.returncode}\n{ran.stdout}{ran.stderr}")
        return ran.stdout, ran.stderr

    def test_ls_lists_every_vm_under_a_title(self):
        title, *rows = self.lodge("ls")[0].splitlines()
        self.assertEqual(title.split()[:3], ["NAME", "STATE", "HOST"])
        self.assertEqual([row.split()[0] for row in rows],
                         [f"vm{number:05d}" for number in range(COUNT)])
        self.assertEqual(sum("running" in row for row in rows), RUNNING)
        self.assertFalse([row for row in rows if row != row.rstrip()])

    def test_ls_takes_a_query(self):
        out = self.lodge("ls", "state:shutoff !vm00005")[0]
        self.assertEqual([row.split()[0] for row in out.splitlines()[1:]], ["vm00004"])

    def test_ls_with_nothing_to_show_says_why(self):
        out, error = self.lodge("ls", "state:crashed")
        self.assertEqual(out, "")
        self.assertIn("no virtual machine matches state:crashed\n", error)
        self.assertEqual(json.loads(self.lodge("ls", "state:crashed", "--json")[0])["vms"], [])

    def test_ls_says_which_host_has_not_been_read(self):
        self.assertIn("host gone has not been read", self.lodge("ls")[1])

    def test_ls_as_json_is_what_vm_list_says(self):
        result = json.loads(self.lodge("ls", "--json")[0])
        self.assertEqual(len(result["vms"]), COUNT)
        self.assertEqual(result["incomplete"], ["gone"])

    def test_a_wrong_query_is_pointed_at(self):
        error = self.lodge("ls", "vm1 stat:x", status=WRONG_CALL)[1]
        self.assertIn("  vm1 stat:x\n      ^\n", error)

    @staticmethod
    def all_of(terminal):
        """What was written into it. The kernel passes it on in pieces, and ends with EIO when nobody has the
        other side any more."""
        text = b""
        while True:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                return text
            if not piece:
                return text
            text += piece

    def test_on_a_terminal_the_table_fits(self):
        for columns in (80, 40, 20):
            ours, theirs = pty.openpty()
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
            ran = subprocess.run(**self.command(["ls"]), stdout=theirs, stderr=subprocess.PIPE,
                                 timeout=PATIENCE, check=True)
            self.assertEqual(ran.returncode, DONE)
            os.close(theirs)
            lines = self.all_of(ours).decode().splitlines()
            os.close(ours)
            with self.subTest(columns=columns):
                self.assertEqual(len(lines), COUNT + 1)
                self.assertLessEqual(max(map(len, lines)), columns)

    def test_show_tells_one_vm_by_name_uuid_or_host(self):
        for word in ("vm00001", uuid_of(1), "a/vm00001"):
            out = dict(line.split(None, 1) for line in self.lodge("show", word)[0].splitlines())
            self.assertEqual((out["name"], out["uuid"], out["host"]),
                             ("vm00001", uuid_of(1), "a"))

    def test_show_tells_what_it_boots_by(self):
        out = dict(line.split(None, 1) for line in self.lodge("show", "vm00001")[0].splitlines())
        self.assertEqual((out["firmware"], "kernel" in out), ("bios", False))

    def test_show_xml_is_libvirts_own(self):
        self.assertTrue(self.lodge("show", "vm00001", "--xml")[0].startswith("<domain"))

    def test_show_of_a_vm_that_is_not_there_fails_and_says_so(self):
        out, error = self.lodge("show", "nobody", status=NOT_FOUND)
        self.assertEqual(out, "")
        self.assertIn("nobody", error)

    def test_hosts_tells_why_one_is_not_up(self):
        rows = self.lodge("hosts")[0].splitlines()[1:]
        self.assertEqual([row.split()[:2] for row in rows], [["a", "up"], ["gone", "down"]])
        self.assertIn("such.xml", rows[1])

    def test_info_knows_us(self):
        out = dict(line.split(None, 1) for line in self.lodge("info")[0].splitlines())
        self.assertEqual((out["uid"], out["role"]), (str(os.getuid()), "admin"))

    def test_call_prints_the_result_as_json(self):
        out = self.lodge("call", "vm.get", '{"vm":\n"vm00002"}')[0]
        self.assertEqual(json.loads(out)["uuid"], uuid_of(2))
        self.assertEqual(json.loads(self.lodge("call", "server.ping")[0]), {})

    def test_call_reads_parameters_from_standard_input(self):
        out = self.lodge("call", "vm.get", "-", stdin='{\n"vm": "vm00002"\n}\n')[0]
        self.assertEqual(json.loads(out)["uuid"], uuid_of(2))

    def test_call_prints_errors_as_json_on_standard_error(self):
        out, error = self.lodge("call", "vm.get", '{"vm": "nobody"}', status=NOT_FOUND)
        error = json.loads(error)
        self.assertEqual((out, error["code"], error["data"]["kind"]), ("", -32001, "not_found"))

    def test_what_is_no_json_object_is_refused_here(self):
        for text in ("{", "[]", "1", ""):
            with self.subTest(text=text):
                error = json.loads(self.lodge("call", "vm.get", text, status=WRONG_CALL)[1])
                self.assertIn("JSON object", error["message"])

    def test_without_a_daemon_the_command_that_helps_is_named(self):
        path = self.world.folder / "nobody.sock"
        error = self.lodge("ls", door=path, status=NO_DAEMON)[1]
        self.assertIn(str(path), error)
        self.assertIn("lodged", error)

    def test_wait_comes_before_the_daemon_and_its_first_sync(self):
        daemon = self.world.daemon("test:///default", start=False)
        early = subprocess.Popen(**self.command(["ls", "--wait", "20s"], daemon.socket),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        daemon.start()
        out, error = early.communicate(timeout=PATIENCE)
        self.assertEqual((early.returncode, error), (DONE, ""))
        self.assertEqual(out.splitlines()[1].split()[:3], ["test", "running", "local"])

    def test_wait_misses_no_host_that_is_read_while_it_asks(self):
        path = self.world.folder / "told-with-the-answer"
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(path))
            door.listen(1)
            threading.Thread(target=tell_with_the_answer, args=(door,), daemon=True).start()
            self.lodge("ls", "--wait", "10m", door=path)

    def test_an_operation_that_waits_a_moment_for_libvirt_is_done_and_no_more_is_said(self):
        path = self.world.folder / "waits-a-moment"
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(path))
            door.listen(1)
            threading.Thread(target=wait_a_moment, args=(door,), daemon=True).start()
            self.assertEqual(self.lodge("start", "web", door=path), ("web: start done\n", ""))

    def picture_into(self, path, *words, **how):
        return self.lodge("screenshot", "vm00001", str(path), *words, **how)

    def test_screenshot_writes_a_PNG_and_says_nothing(self):
        path = self.world.folder / "new.png"
        self.assertEqual(self.picture_into(path), ("", ""))
        self.assertTrue(path.read_bytes().startswith(PNG))
        mask = os.umask(0)
        os.umask(mask)
        self.assertEqual(path.stat().st_mode & 0o777, 0o666 & ~mask)
        self.assertFalse([name for name in os.listdir(path.parent) if name.endswith(".new")])

    def test_screenshot_replaces_a_file_whole_and_follows_a_link(self):
        path, link = self.world.folder / "old.png", self.world.folder / "link.png"
        path.write_bytes(b"old" * 1000000)
        link.symlink_to(path)
        with open(path, "rb") as old:
            self.picture_into(link)
            self.assertEqual(old.read(6), b"oldold", "it was written over, not replaced")
        self.assertTrue(link.is_symlink())
        self.assertTrue(path.read_bytes().startswith(PNG))
        self.assertLess(path.stat().st_size, 1000000)

    def test_screenshot_that_fails_leaves_the_old_file_and_nothing_else(self):
        folder = self.world.folder / "shots"
        folder.mkdir()
        path = folder / "kept.png"
        path.write_bytes(b"kept")
        self.assertIn("shutoff", self.lodge("screenshot", "vm00005", str(path), status=FAILED)[1])
        self.lodge("screenshot", "nobody", str(path), status=NOT_FOUND)
        self.picture_into(folder, status=FAILED)
        self.assertIn("no/such", self.picture_into(folder / "no/such", status=FAILED)[1])
        # A disk that is full: a file of more than this many bytes cannot be written here.
        full = subprocess.run(["prlimit", "--fsize=1000", *map(str, self.command(
            ["screenshot", "vm00001", path])["args"])], capture_output=True, text=True,
            env=self.command([])["env"], timeout=PATIENCE, check=False, preexec_fn=lambda:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        self.assertEqual(full.returncode, FAILED, full)
        self.assertIn("cannot write", full.stderr)
        self.assertEqual((path.read_bytes(), os.listdir(folder)), (b"kept", ["kept.png"]))

    def test_screenshot_goes_to_standard_output_but_not_to_a_terminal(self):
        command = {**self.command(["screenshot", "vm00001", "-"]), "text": False}
        ran = subprocess.run(**command, capture_output=True, timeout=PATIENCE, check=True)
        self.assertTrue(ran.stdout.startswith(PNG))
        ours, theirs = pty.openpty()
        for target in ("-", os.ttyname(theirs)):
            command = self.command(["screenshot", "vm00001", target])
            ran = subprocess.run(**command, stdout=theirs, stderr=subprocess.PIPE,
                                 timeout=PATIENCE, check=False)
            self.assertEqual(ran.returncode, WRONG_CALL, target)
            self.assertIn("terminal", ran.stderr)
        os.close(theirs)
        os.close(ours)

    def test_screenshot_goes_into_a_pipe_that_is_there(self):
        path = self.world.folder / "pipe"
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.picture_into(path)
        self.assertTrue(os.read(reader, 65536).startswith(PNG))
        self.assertTrue(path.is_fifo(), "it was replaced by a file")
        os.close(reader)

    def test_screenshot_as_json(self):
        path = self.world.folder / "json.png"
        said = json.loads(self.picture_into(path, "--json")[0])
        self.assertEqual(said, {"mime": "image/png", "path": str(path),
                                "size": path.stat().st_size})
        answer = json.loads(self.picture_into("-", "--json")[0])
        self.assertEqual((sorted(answer), base64.b64decode(answer["data"])),
                         (["data", "mime"], path.read_bytes()))
        error = json.loads(self.lodge("screenshot", "vm00005", str(path), "--json",
                                      status=FAILED)[1])
        self.assertEqual(error["data"]["kind"], "bad_state")

    def test_every_verb_explains_itself(self):
        for verb in ("ls", "show", "watch", "hosts", "info", "screenshot", "call"):
            self.assertIn(f"lodge {verb}", self.lodge(verb, "--help")[0])
            self.assertIn(f"  {verb}", self.lodge("--help")[0])

    def test_help_is_a_verb_too(self):
        self.assertEqual(self.lodge("help")[0], self.lodge("--help")[0])
        for verb in ("ls", "create"):
            self.assertEqual(self.lodge("help", verb)[0], self.lodge(verb, "-h")[0])
        self.assertIn("did you mean 'create'?", self.lodge("help", "craete", status=WRONG_CALL)[1])
        self.assertIn("did you mean 'list'?", self.lodge("lsit", status=WRONG_CALL)[1])

    def test_what_others_call_it_is_understood(self):
        self.assertEqual(self.lodge("list"), self.lodge("ls"))
        for words in (["-j", "ls"], ["ls", "-j"]):
            self.assertEqual(self.lodge(*words), self.lodge("ls", "--json"))

    def test_a_slip_is_answered_with_what_was_meant(self):
        for words, meant in ((["shwo"], "'show'"), (["crate"], "'create'"), (["screen"], "'screenshot'"),
                             (["opps"], "'ops'"), (["ls", "--wiat", "1s"], "--wait"),
                             (["create", "x", "--memroy=1G"], "--memory"), (["rm", "--yess", "x"], "--yes")):
            with self.subTest(words=words):
                out, error = self.lodge(*words, status=WRONG_CALL)
                self.assertIn(f"did you mean {meant}?", error)
                self.assertEqual(out, "")
        for words in (["x"], ["frobnicate"], ["ls", "--nothing-like-it"]):
            with self.subTest(words=words):
                error = self.lodge(*words, status=WRONG_CALL)[1]
                self.assertNotIn("did you mean", error)
                self.assertIn(words[-1], error)

    def test_a_vm_that_is_not_there_is_answered_with_the_nearest(self):
        for words in (["show", "vm0001"], ["start", "vm0001"], ["stop", "--yes", "nobody-s", "vm0001"]):
            with self.subTest(words=words):
                self.assertIn("Did you mean 'vm00001'?\n", self.lodge(*words, status=NOT_FOUND)[1])
        for words in (["show", "elsewhere"], ["show", "vm0001", "--json"]):
            with self.subTest(words=words):
                self.assertNotIn("Did you mean", self.lodge(*words, status=NOT_FOUND)[1])

    def test_people_are_told_verbs_and_flags_and_scripts_methods_and_parameters(self):
        """Not the contract's words, of which whoever types `lodge` knows none."""
        create = ["create", "new", "--host", "a"]
        for words, told, status in (
                (["show", "elsewhere"], "lodge ls names those there are", NOT_FOUND),
                (["create", "new", "--cpus", "1", "--memory", "64M", "--host", "x"],
                 "lodge hosts names those there are", NOT_FOUND),
                ([*create, "--cpus", "1", "--memory", "5"], "--memory must be from 16M to", FAILED),
                ([*create, "--cpus", "100000", "--memory", "64M"], "--cpus must be from", FAILED),
                (["screenshot", "vm00005", "-"], "(lodge start)", FAILED),
                (["rm", "--yes", "vm00005"], "(lodge adopt)", FAILED),
                (["ops", "99999"], "lodge ops names those", NOT_FOUND),
                (["sessions", "77", "--close"], "lodge sessions names those", NOT_FOUND)):
            with self.subTest(words=words):
                error = self.lodge(*words, status=status)[1]
                self.assertIn(told, error)
                self.assertNotRegex(error, r"\b(vm|host|op|console|image|server|event|user|quota)\.[a-z]|_mib|-32")
        error = json.loads(self.lodge("show", "elsewhere", "--json", status=NOT_FOUND)[1])
        self.assertIn("vm.list names", error["message"])

    def test_a_flag_that_is_given_nothing_says_what_it_wants(self):
        for words, wanted in ((["create", "x", "--cpus"], "--cpus wants a number"),
                              (["create", "x", "--cpus", "--memory", "1G"], "--cpus wants a number"),
                              (["set", "x", "--disk"], "--disk wants a disk and its size, such as vda=40G"),
                              (["ls", "--wait"], "--wait wants a time such as 90s or 2m")):
            with self.subTest(words=words):
                self.assertIn(wanted, self.lodge(*words, status=WRONG_CALL)[1])

    def test_mistakes_are_json_too_where_that_was_asked_for(self):
        for words in (["--json", "nope"], ["nope", "--json"], ["ls", "a", "b", "-j"], ["-j", "ls", "--nope"],
                      ["show", "--json"], ["-j", "help", "nope"], ["-j", "adopt", "a", "b"]):
            with self.subTest(words=words):
                out, error = self.lodge(*words, status=WRONG_CALL)
                self.assertEqual(out, "")
                self.assertEqual(json.loads(error)["code"], -32602)

    def test_an_output_that_takes_nothing_is_a_failure_and_no_socket(self):
        """`>&-`: the daemon's socket would be the lowest descriptor that is free."""
        for words in ("ls", "ls --json", "--help", "--version", "help ls", "ls --help", "hosts"):
            for closed in (">&-", ">/dev/full", "<&- >&-"):
                with self.subTest(words=words, closed=closed):
                    ran = subprocess.run(["sh", "-c", f'exec "$0" {words} {closed}', str(LODGE)],
                                         env=self.command(())["env"], capture_output=True, text=True,
                                         timeout=PATIENCE, check=False)
                    self.assertEqual((ran.returncode, ran.stdout), (FAILED, ""), ran)
                    self.assertIn("standard output cannot be written", ran.stderr)

    def test_wrong_calls_leave_2(self):
        for words in (["nope"], ["show"], ["ls", "a", "b"], ["ls", "--xml"], ["ls", "--wait"],
                      ["ls", "--wait=soon"], ["call"], ["screenshot", "vm00001"],
                      ["screenshot", "vm00001", "a", "b"]):
            with self.subTest(words=words):
                out, error = self.lodge(*words, status=WRONG_CALL)
                self.assertEqual(out, "")
                self.assertTrue(error.startswith(("lodge: ", "{")), error)


if __name__ == "__main__":
    promise.main()
