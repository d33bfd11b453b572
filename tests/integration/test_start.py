"""./start, as somebody runs it in a shell: Ctrl-Z and `fg`, and that nothing runs on when it was left. The
guests are real ones of the embedded driver; what ./start builds and installs is there already."""

import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import embed  # noqa: E402
import promise  # noqa: E402
from terminal import Terminal  # noqa: E402
from world import BUILD_DIR, CHECKOUT, LODGED, World  # noqa: E402

TAKEN, GIVEN_BACK = "\x1b[?1049h", "\x1b[?1049l"
NOTHING = "#!/bin/sh\nexit 0\n"
INSTALLED = "#!/bin/sh\necho installed\n"
DIED = "lodged has died; the guests of qemu:///system run on; to stop one: ./start --system, and S on it"
RUNS_ON = "lodged has ended; of qemu:///system run on: test; to stop one: ./start --system, and S on it"
BUILDS = """#!/bin/sh
for step in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "[$step/20] Compiling C object"; done
"""
FAILS = BUILDS + "echo 'FAILED: it is broken'\nexit 1\n"
STAND_IN = '#!/bin/sh\nshift 4\nexec build/daemon/real --config .lodge/lodged.conf --uri test:///default "$@"\n'
NO_KERNELS = "#!/bin/sh\necho no kernels here >&2\nexit 1\n"


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@unittest.skipIf(embed.why_not(), embed.why_not())
class Start(unittest.TestCase):
    def setUp(self):
        self.world = World("ls")
        self.addCleanup(self.world.close)
        self.checkout = self.world.folder / "c"
        (self.checkout / "demo").mkdir(parents=True)
        shutil.copy(CHECKOUT / "start", self.checkout)
        shutil.copy(CHECKOUT / "demo" / "machine.sh", self.checkout / "demo")
        write_program(self.checkout / "demo" / "build-kernels", NO_KERNELS)
        for name, program in (("daemon/lodged", LODGED), ("tui/lodge", BUILD_DIR / "tui" / "lodge")):
            (self.checkout / "build" / name).parent.mkdir(parents=True)
            shutil.copy(program, self.checkout / "build" / name)
        (self.checkout / "build" / "build.ninja").touch()
        info = self.checkout / "build" / "meson-info" / "meson-info.json"
        info.parent.mkdir()
        info.write_text(f'{{"source": "{self.checkout}"}}')
        for name, text in (("ninja", NOTHING), ("meson", NOTHING), ("dpkg-query", INSTALLED)):
            write_program(self.world.folder / "stubs" / name, text)
        self.socket = self.checkout / ".lodge" / "lodged.sock"
        root = embed.Root(self.world)
        self.env = {**os.environ, "PATH": f"{self.world.folder}/stubs:{os.environ['PATH']}", "PS1": "shell> ",
               "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "HOME": str(self.world.folder),
               "XDG_STATE_HOME": "/dev/null"}
        self.wrap = root.wrap
        self.terminal = Terminal(self.world, [*root.wrap, "bash", "--norc", "--noprofile", "-i"], self.env,
                                 self.checkout)
        self.terminal.wait("shell> ")

    def tool(self, name, text):
        write_program(self.world.folder / "stubs" / name, text)

    def piped(self, *words):
        """./start without a terminal: its status, standard output and error."""
        ran = subprocess.run([*self.wrap, "./start", *words], cwd=self.checkout, env=self.env, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True, timeout=300, check=False)
        return ran.returncode, ran.stdout, ran.stderr

    def test_on_a_terminal_one_line_says_how_far_the_build_is(self):
        self.tool("ninja", BUILDS)
        self.run_start()
        said = self.terminal.said.decode()
        built = said[said.index("./start: building"):said.index(TAKEN)].partition("\n")[0]
        self.assertIn("\r./start: building 7/20\x1b[K\r./start: building 8/20\x1b[K", built)
        self.assertEqual((built.count("building"), said.count("building"), said.count("Compiling")), (20, 20, 0))
        self.terminal.type("q")
        self.terminal.wait("./start: lodged has ended; nothing runs on")
        self.terminal.wait("shell> ")
        self.assertIn("[20/20] Compiling", (self.checkout / ".lodge" / "build.log").read_text())

    def test_without_a_terminal_plain_lines_say_it_then_the_list_where_the_screens_are_and_what_ended(self):
        self.tool("ninja", BUILDS)
        status, out, err = self.piped()
        self.assertEqual(status, 0, err)
        steps = [line for line in out.splitlines() if "building" in line]
        self.assertEqual((steps[0], steps[-1]), ("./start: building 1/20", "./start: building 20/20"))
        self.assertLessEqual(len(steps), 11)
        self.assertIn("./start: making the demonstration guests", out)
        self.assertNotRegex(out, "[\x1b\r]")
        self.assertRegex(out, r"\n\./start: screens are at http://127\.0\.0\.1:\d+ while this runs; .* vnc NAME opens one\n")
        self.assertEqual(err.splitlines()[-1], "./start: lodged has ended; nothing runs on")

    def test_a_build_that_fails_is_said_with_its_last_lines(self):
        self.tool("ninja", FAILS)
        status, _, err = self.piped()
        self.assertEqual(status, 1)
        self.assertIn("FAILED: it is broken\n./start: the build failed; all of it is in .lodge/build.log", err)

    def run_start(self):
        self.terminal.type("./start\n")
        self.terminal.wait(TAKEN)
        self.terminal.wait("here by itself")

    def back_in_the_shell(self):
        """A shell that answers has its terminal back."""
        self.terminal.wait(GIVEN_BACK)
        self.terminal.wait("shell> ")
        self.terminal.type("echo $((40 + 2)) answers\n")
        self.terminal.wait("42 answers")
        self.terminal.wait("shell> ")

    def lodge(self, *words):
        result = subprocess.run([self.checkout / "build" / "tui" / "lodge", "--socket", self.socket, *words],
                                capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def make_guest(self, name):
        self.lodge("create", name, "--cpus", "1", "--memory", "64M", "--network", "none", "--start")
        return self.world.qemu_pid(name)

    def wait_until(self, condition, complaint, deadline=60):
        until = time.monotonic() + deadline
        while not condition():
            self.assertLess(time.monotonic(), until, complaint)
            self.world.keeper.look(0.1)

    def wait_gone(self, pid):
        self.wait_until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), f"{pid} runs on")

    def wait_stopped(self, pid):
        stat = pathlib.Path(f"/proc/{pid}/stat")
        self.wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", f"{pid} is not stopped")

    def lodged_pid(self):
        return int((self.checkout / ".lodge" / "lodged.pid").read_text())

    def test_ctrl_z_gives_the_shell_back_and_fg_the_tui_as_often_as_one_likes(self):
        self.run_start()
        lodged = self.lodged_pid()
        for _ in range(3):
            self.terminal.type("\x1a")
            self.back_in_the_shell()
            self.assertIn("local", self.lodge("hosts"))  # lodged goes on meanwhile
            self.terminal.type("fg\n")
            self.terminal.wait(TAKEN)
            self.terminal.wait("here by itself")
            self.terminal.type("?")
            self.terminal.wait("a page down")
            self.terminal.type("q")
            self.terminal.wait("sort")
        self.assertEqual(self.lodged_pid(), lodged)
        self.terminal.type("q")
        self.back_in_the_shell()
        self.wait_gone(lodged)

    def test_bg_leaves_the_shell_its_terminal_and_fg_takes_it_again(self):
        self.run_start()
        self.terminal.type("\x1a")
        self.back_in_the_shell()
        self.terminal.type("bg\n")
        self.terminal.wait("shell> ")
        self.terminal.type("echo $((40 + 3)) answers\n")
        self.terminal.wait("43 answers")
        self.wait_stopped(self.tui_pid())  # that it has stopped itself anew, behind the shell
        self.terminal.type("fg\n")
        self.terminal.wait(TAKEN)
        self.terminal.type("q")
        self.back_in_the_shell()

    def test_a_shell_that_is_left_with_it_stopped_leaves_nothing(self):
        self.run_start()
        lodged, guest = self.lodged_pid(), self.make_guest("mine")
        self.terminal.type("\x1a")
        self.back_in_the_shell()
        self.terminal.type("exit\n")
        self.terminal.wait("stopped jobs")
        self.terminal.type("exit\n")
        for pid in (lodged, guest):
            self.wait_gone(pid)

    def test_a_stop_from_outside_does_not_kill_the_terminal_either(self):
        self.run_start()
        os.kill(self.tui_pid(), 20)  # SIGTSTP, and to the TUI alone
        self.back_in_the_shell()
        self.terminal.type("fg\n")
        self.terminal.wait(TAKEN)
        self.terminal.type("q")
        self.back_in_the_shell()

    def tui_pid(self):
        return next(pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self.is_tui(pid))

    def is_tui(self, pid):
        """Others on this machine may run a ./start of their own."""
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            folder = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            return False
        return words[0] == b"build/tui/lodge" and len(words) == 4 and folder == os.path.realpath(self.checkout)

    def test_quitting_ends_the_guests_that_were_made_meanwhile(self):
        self.run_start()
        lodged, guests = self.lodged_pid(), [self.make_guest("mine"), self.make_guest("yours")]
        self.terminal.type("q")
        self.terminal.wait("lodged has ended, and with it these guests: mine yours; nothing runs on")
        for pid in (lodged, *guests):
            self.wait_gone(pid)

    def test_quitting_while_it_is_stopped_and_killed_ends_them_too(self):
        self.run_start()
        guest = self.make_guest("mine")
        self.terminal.type("\x1a")
        self.back_in_the_shell()
        self.terminal.type("kill %1\n")
        self.terminal.wait("these guests: mine")
        self.wait_gone(guest)

    def test_quitting_ends_a_qemu_too_that_libvirt_was_asking_what_it_can(self):
        self.run_start()
        asked = self.checkout / ".lodge" / "qemu" / "lib" / "qemu" / "qmp-left"
        asked.mkdir(parents=True)
        subprocess.run(["qemu-system-x86_64", "-S", "-no-user-config", "-nodefaults", "-nographic",
                        "-machine", "none,accel=tcg", "-qmp", f"unix:{asked}/qmp.monitor,server=on,wait=off",
                        "-pidfile", asked / "qmp.pid", "-daemonize"], check=True)
        pid = int((asked / "qmp.pid").read_text())
        self.terminal.type("q")
        self.terminal.wait("nothing runs on")
        self.wait_gone(pid)

    def test_quitting_ends_them_when_lodged_has_died(self):
        self.run_start()
        guest = self.make_guest("mine")
        os.kill(self.lodged_pid(), 9)
        self.terminal.wait("stale")
        self.terminal.type("q")
        self.terminal.wait("starting it again to stop its guests")
        self.terminal.wait("these guests: mine")
        self.wait_gone(guest)

    def test_quitting_ends_them_when_lodged_cannot_even_be_started_again(self):
        self.run_start()
        guest = self.make_guest("mine")
        lodged = self.lodged_pid()
        self.break_lodged()
        os.kill(lodged, 9)
        self.terminal.wait("stale")
        self.terminal.type("q")
        self.terminal.wait("ending 1 QEMU process(es) that lodged did not end")
        self.terminal.wait("these guests: mine")
        self.wait_gone(guest)

    def break_lodged(self):
        broken = self.checkout / "build" / "daemon" / "broken"
        write_program(broken, "#!/bin/sh\nexit 1\n")
        broken.replace(self.checkout / "build" / "daemon" / "lodged")

    def kill_start(self):
        """With its TUI, so that the shell has its terminal; lodged and the guests stay."""
        lodged = self.lodged_pid()
        start = int(pathlib.Path(f"/proc/{lodged}/stat").read_text().rsplit(")", 1)[1].split()[1])
        tui = self.tui_pid()
        for pid in (start, tui):
            os.kill(pid, 9)
            self.wait_gone(pid)
        self.terminal.wait("Killed")
        self.terminal.wait("shell> ")
        return lodged

    def test_a_lodged_left_over_ends_also_when_it_was_built_anew_meanwhile(self):
        self.run_start()
        lodged = self.kill_start()
        new = self.checkout / "build" / "daemon" / "new"
        shutil.copy(LODGED, new)
        new.replace(self.checkout / "build" / "daemon" / "lodged")
        self.terminal.type("./start\n")
        self.terminal.wait(f"stopping lodged {lodged}, left over")
        self.terminal.wait(TAKEN)
        self.wait_gone(lodged)
        self.terminal.type("q")
        self.back_in_the_shell()

    def test_the_guests_left_over_end_when_the_machines_own_are_shown(self):
        self.run_start()
        guest = self.make_guest("mine")
        lodged = self.kill_start()
        self.break_lodged()  # the machine's guests are none of this test's business
        self.terminal.type("./start --system\n")
        self.terminal.wait("ending 1 QEMU process(es)")
        self.terminal.wait("lodged did not start")
        for pid in (lodged, guest):
            self.wait_gone(pid)

    def test_a_lodged_that_did_not_start_is_not_started_once_more(self):
        self.break_lodged()
        self.terminal.type("./start\n")
        self.terminal.wait("lodged did not start")
        self.terminal.wait("shell> ")
        self.assertNotIn(b"not there any more", self.terminal.said)

    def test_of_the_machines_own_it_says_what_runs_on_and_at_once_when_lodged_has_died(self):
        # libvirt's test driver in its place, with one guest named "test" that runs
        folder = self.checkout / "build" / "daemon"
        (folder / "lodged").rename(folder / "real")
        write_program(folder / "lodged", STAND_IN)
        for dies in (False, True):
            with self.subTest(dies=dies):
                self.terminal.type("./start --system\n")
                self.terminal.wait(TAKEN)
                lodged = self.lodged_pid()
                if dies:
                    os.kill(lodged, 9)
                    self.terminal.wait("retry")
                self.terminal.type("q")
                self.terminal.wait(DIED if dies else RUNS_ON, 10)
                self.terminal.wait("shell> ")
                self.wait_gone(lodged)

    def test_a_terminal_that_is_closed_ends_them(self):
        self.run_start()
        lodged, guest = self.lodged_pid(), self.make_guest("mine")
        self.terminal.hang_up()
        for pid in (lodged, guest):
            self.wait_gone(pid)


if __name__ == "__main__":
    promise.main()
