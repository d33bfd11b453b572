"""`lodge vnc` and `lodge sessions`: a ticket's way into a browser or a viewer, past everybody else."""

import json
import os
import pathlib
import socket
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
import rfb  # noqa: E402
from screens import ScreensTest  # noqa: E402
from terminal import Terminal  # noqa: E402
from world import BUILD_DIR, PATIENCE  # noqa: E402

LODGE = BUILD_DIR / "tui" / "lodge"

# Says how it was called and what it was given, then opens the link as a browser would and stays.
BROWSER = f"""#!{sys.executable}
import os, re, sys
sys.path.insert(0, {str(pathlib.Path(__file__).resolve().parents[1] / "support")!r})
from websocket import WebSocket
path = sys.argv[1].removeprefix("file://")
page = open(path).read()
link = re.search('url=([^"]*)"', page)[1].replace("&#38;", "&")
seen = "\\n".join(sys.argv[1:]) + "\\n" + oct(os.stat(path).st_mode) + " " + oct(os.stat(os.path.dirname(path)).st_mode)
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        if re.search("ticket=([0-9a-f]+)", link)[1].encode() in open(f"/proc/{{pid}}/cmdline", "rb").read():
            seen += "\\nthe ticket stands in a command line"
    except OSError:
        pass
host, port = re.match("http://([^:]*):([0-9]*)/", link).groups()
line = WebSocket((host, int(port)), "/console?ticket=" + re.search("ticket=([0-9a-f]+)", link)[1])
open("seen.new", "w").write(seen)
os.rename("seen.new", "seen")
line.wait_closed()
"""

VIEWER = f"""#!{sys.executable}
import os, socket, sys
path = sys.argv[int(os.environ.get("AT", "1"))]
line = socket.socket(socket.AF_UNIX)
line.connect(path)
version = line.recv(12)
for word in (version, b"\\1", b"\\0"):
    line.sendall(word)
    line.recv(65536)
line.sendall(bytes([3, 0, 0, 0, 0, 0, 2, 0, 1, 0]))
mode = oct(os.stat(os.path.dirname(path)).st_mode)
open("seen", "w").write(mode + " " + version.decode() + " ".join(sys.argv))
"""


def answer_for_lodged(listening):
    """A lodged whose only session is gone when somebody asks which there are."""
    line, _ = listening.accept()
    for request in map(json.loads, line.makefile()):
        result = ({"subscription": 1, "rev": 1} if request["method"] == "event.subscribe" else
                  {"session": 7, "url": "http://127.0.0.1:1/#session=7"})
        messages = [{"jsonrpc": "2.0", "id": request["id"], "result": result}]
        if "rev" in result:
            messages.append({"jsonrpc": "2.0", "method": "event",
                             "params": {"subscription": 1, "seq": 1, "rev": 1, "type": "ready"}})
        line.sendall("".join(json.dumps(message) + "\n" for message in messages).encode())


class Vnc(ScreensTest):
    def setUp(self):
        super().setUp()
        self.folder = self.world.folder / f"home{self.seen}{time.monotonic_ns()}"
        self.folder.mkdir()
        self.runtime = self.folder / "runtime"
        self.runtime.mkdir(0o700)

    def script(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def lodge(self, *words, **env):
        keep = {key: value for key, value in os.environ.items()
                if key not in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "LODGE_VIEWER")}
        return subprocess.run([LODGE, "--socket", self.daemon.socket, *words], cwd=self.folder, timeout=60,
                              env={**keep, "XDG_RUNTIME_DIR": str(self.runtime), **env}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def seen_by_program(self):
        until = time.monotonic() + 30
        while not (self.folder / "seen").exists():
            self.assertLess(time.monotonic(), until)
            self.world.keeper.look(0.02)
        return (self.folder / "seen").read_text()

    def test_the_browser_is_given_a_private_file_and_no_command_line_a_ticket(self):
        browser = self.script("browser", BROWSER)
        ran = self.lodge("vnc", "one", BROWSER=f"/nowhere/browser:{browser} %s --url=<%s>")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertIn("one: its screen is open in the browser", ran.stdout)
        address, flag, modes = self.seen_by_program().split("\n")
        self.assertTrue(address.startswith(f"file://{self.runtime}/"))
        self.assertEqual(flag, f"--url=<{address}>")
        file_mode, folder_mode = (int(word, 8) for word in modes.split())
        self.assertEqual((stat.S_IMODE(file_mode), stat.S_IMODE(folder_mode)), (0o600, 0o700))
        self.assertEqual(list(self.runtime.iterdir()), [], "the file is gone once it was used")

    def test_what_is_interrupted_leaves_nothing_behind(self):
        os.mkfifo(self.folder / "pipe")
        idle = self.script("idle", f"#!/bin/sh\nread word <{self.folder}/pipe\n")
        for flag, name in (("--ro", "BROWSER"), ("--viewer", "LODGE_VIEWER")):
            with self.subTest(program=name):
                process = self.world.keeper.start(
                    [LODGE, "--socket", self.daemon.socket, "vnc", "one", flag], self.folder / f"{name}.log",
                    env={**os.environ, "XDG_RUNTIME_DIR": str(self.runtime), name: str(idle)})
                until = time.monotonic() + 30
                while not any(self.runtime.rglob("*/*")):
                    self.assertLess(time.monotonic(), until)
                    self.world.keeper.look(0.02)
                process.signal(2)
                self.assertEqual(process.wait(), -2)
                self.assertEqual(list(self.runtime.iterdir()), [])

    def test_a_browser_that_does_not_come_is_told_of(self):
        session = self.open()  # ours is not the only one
        browser = self.script("browser", "#!/bin/sh\nexit 0\n")
        self.configure(ticket_ttl_s=1)
        self.addCleanup(self.configure)
        for programs in (str(browser), f"/nowhere/browser:{browser}"):
            with self.subTest(programs=programs):
                ran = self.lodge("vnc", "one", BROWSER=programs)
                self.assertEqual(ran.returncode, 7)
                self.assertIn("did not open the link in time", ran.stderr)
                self.assertEqual(list(self.runtime.iterdir()), [])
        self.assertIsNotNone(session)

    def test_a_session_that_ended_before_we_listened_is_not_waited_for(self):
        ours = socket.socket(socket.AF_UNIX)
        self.addCleanup(ours.close)
        ours.bind(str(self.folder / "rpc"))
        ours.listen(1)
        threading.Thread(target=answer_for_lodged, args=(ours,), daemon=True).start()
        ran = self.lodge("--socket", str(self.folder / "rpc"), "vnc", "one",
                         BROWSER=str(self.script("browser", "#!/bin/sh\nexit 0\n")))
        self.assertEqual(ran.returncode, 7, ran.stderr)
        self.assertIn("did not open the link", ran.stderr)
        self.assertEqual(list(self.runtime.iterdir()), [])

    def test_without_a_desktop_it_prints_the_address_and_the_way_to_it(self):
        ran = self.lodge("vnc", "one", SSH_CONNECTION="10.0.0.9 50000 10.0.0.1 22")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertRegex(ran.stdout, rf"^http://127.0.0.1:{self.address[1]}/#session=\d+&ticket=[0-9a-f]{{64}}&vm=one&mode=rw\n$")
        self.assertRegex(ran.stderr, rf"ssh -L {self.address[1]}:127.0.0.1:{self.address[1]} \S+@10.0.0.1")

    def test_print_prints_the_address_alone_and_json_the_answer(self):
        ran = self.lodge("vnc", "--ro", "--print", "one")
        self.assertTrue(ran.stdout.startswith("http://") and ran.stdout.endswith("&mode=ro\n"))
        self.assertEqual(ran.stderr, "")
        answer = json.loads(self.lodge("vnc", "one", "--json").stdout)
        rfb.greet(self.web(answer))

    def test_a_local_viewer_is_served_on_a_private_socket(self):
        viewer = self.script("viewer", VIEWER)
        ran = self.lodge("vnc", "one", "--viewer", LODGE_VIEWER=str(viewer))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        seen = self.seen_by_program()
        self.assertTrue(seen.startswith("0o40700 RFB 003.008\n"), seen)
        self.assertEqual(list(self.runtime.iterdir()), [])
        self.guest().wait(lambda g: g.ended)

    def test_the_address_goes_where_the_command_says_or_to_its_end(self):
        viewer = self.script("viewer", VIEWER)
        for command, at, wanted in (("{} --like %s --this", "2", r"viewer --like {} --this"),
                                    ("  {}  --like", "2", r"viewer --like {}"), ("{}", "1", r"viewer {}")):
            with self.subTest(command=command):
                ran = self.lodge("vnc", "one", "--viewer", LODGE_VIEWER=command.format(viewer), AT=at)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertRegex(self.seen_by_program(), wanted.format(rf"{self.runtime}/lodge-\w+/vnc") + "$")
                (self.folder / "seen").unlink()

    def test_a_viewer_that_ends_at_once_is_an_error_with_its_last_line(self):
        shakes = VIEWER.replace("bytes([3, 0, 0, 0, 0, 0, 2, 0, 1, 0])", "b''") + "sys.exit('no such colours')\n"
        for name, text, said in (
                ("says", "#!/bin/sh\necho first\necho 'I see \033[7m no display' >&2\necho\nexit 1\n",
                 r"says ended before it had connected: I see \x1b[7m no display"),
                ("leaves", "#!/bin/sh\necho gone >&2\nexit 0\n", "leaves ended before it had connected: gone"),
                ("mute", "#!/bin/sh\nkill -9 $$\n", "mute ended before it had connected, and said nothing"),
                ("endless", "#!/bin/sh\nyes for-ever-and-ever | head -c 9000000 2>/dev/null\nexit 1\n",
                 "endless ended before it had connected: for-ever"),
                ("shakes", shakes, "shakes ended before it showed the screen: no such colours")):
            with self.subTest(viewer=name):
                ran = self.lodge("vnc", "one", "--viewer", LODGE_VIEWER=str(self.script(name, text)))
                self.assertEqual(ran.returncode, 1)
                self.assertIn(said, ran.stderr)
                self.assertEqual(list(self.runtime.iterdir()), [])

    def test_a_browser_that_fails_is_an_error_with_its_last_line(self):
        browser = self.script("browser", "#!/bin/sh\necho >&2 'no display here'\nexit 3\n")
        ran = self.lodge("vnc", "one", BROWSER=str(browser))
        self.assertEqual(ran.returncode, 1)
        self.assertIn("the browser failed: no display here; lodge vnc --print", ran.stderr)
        self.assertEqual(list(self.runtime.iterdir()), [])

    def test_in_the_tui_a_viewer_or_a_browser_that_fails_is_told_of_too(self):
        fails = str(self.script("fails", "#!/bin/sh\necho 'no display here' >&2\nexit 1\n"))
        env = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "XDG_RUNTIME_DIR": str(self.runtime),
               "LODGE_VIEWER": fails, "BROWSER": fails, "XDG_STATE_HOME": str(self.folder)}
        terminal = Terminal(self.world, [str(LODGE), "--socket", self.daemon.socket], env, self.folder)
        terminal.wait("one")
        terminal.type("v")
        terminal.wait("the browser failed: no display here")
        terminal.type("V")
        terminal.wait("viewer")
        terminal.type("l")
        terminal.wait("the viewer failed: ")  # a long line: it is broken somewhere
        terminal.wait("display here")
        terminal.type("q")
        self.assertEqual(terminal.process.wait(), 0)

    def test_what_is_wrong_is_said(self):
        for words, said, code in ((("vnc", "nothere"), "no VM 'nothere'", 4), (("vnc",), "VM", 2),
                                  (("vnc", "one", "--viewer"), "install tigervnc-viewer, gvncviewer or ssvnc", 1),
                                  (("vnc", "one", "--viewer", "--print"), "choose one", 2),
                                  (("sessions", "999999", "--close"), "no session 999999", 4),
                                  (("sessions", "x", "--close"), "a session's number", 2)):
            with self.subTest(words=words):
                ran = self.lodge(*words, PATH="/nowhere")
                self.assertEqual(ran.returncode, code, ran.stderr)
                self.assertIn(said, ran.stderr)

    def test_sessions_are_listed_and_closed(self):
        opened = self.open(mode="ro")
        line = self.web(opened)
        rfb.greet(line)
        listed = self.lodge("sessions")
        self.assertRegex(listed.stdout, rf"{opened['session']} +one +root +ro +open")
        self.assertEqual(self.lodge("sessions", str(opened["session"]), "--close").returncode, 0)
        self.assertEqual(line.wait_closed().reason, "root closed it")


if __name__ == "__main__":
    promise.main()
