"""The first hour: what somebody types who has only the README, mistakes and all, on a terminal of 80 columns and
24 lines, with a real guest. tests/data/first_hour.txt has each command and what it says; what differs is a
complaint, and so is a line that the terminal would break or a name, a state or an advice that is cut.

    FIRST_HOUR=write BUILD_DIR=build python3 test_first_hour.py     # writes it anew; then it is read
"""

import difflib
import fcntl
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import embed  # noqa: E402
import promise  # noqa: E402
import said  # noqa: E402
from world import BUILD_DIR, CHECKOUT, PATIENCE, World  # noqa: E402

TRANSCRIPT = CHECKOUT / "tests" / "data" / "first_hour.txt"
COLUMNS = 80
# again: hlt; jmp again
IDLE = b"\xf4\xeb\xfd".ljust(510, b"\0") + b"\x55\xaa"
MIB = 1 << 20
QUESTION = re.compile(r"(\[y/N\]|delete it:) $")
ANYTHING = (
    (re.compile(r"\x1b\[[0-9;?]*[A-Za-z]"), ""),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d+(?:\.\d+)?(?: ?(?:s|ms|min|h))\b"), "SPAN"),
    (re.compile(r"(?<![\w-])\d+\.\d+\.\d+\b"), "VERSION"),
    (re.compile(r" {2,}"), "  "),
    (re.compile(r"(?<=[MG])  (?:-|\d+\.\d)  SPAN"), "  LOAD  SPAN"),
)


@unittest.skipIf(embed.why_not(), embed.why_not())
class FirstHour(unittest.TestCase):
    def setUp(self):
        self.world = World("lh")
        self.addCleanup(self.world.close)
        self.home = self.world.folder / "home"
        library = self.world.folder / "library"
        for folder in (self.home, library):
            folder.mkdir()
        (library / "idle.raw").write_bytes(IDLE.ljust(MIB, b"\0"))
        root = embed.Root(self.world)
        self.daemon = self.world.daemon({"local": root.uri}, wrap=root.wrap, config={"images": {"dirs": library}},
                                        env={"HOME": str(self.home), "USER": "", "XDG_RUNTIME_DIR": ""})
        self.daemon.synced(60).rpc.close()
        kept = {key: value for key, value in os.environ.items() if key not in ("BROWSER", "DISPLAY", "LODGE_VIEWER")}
        self.env = {**kept, "LODGE_SOCKET": str(self.daemon.socket), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color",
                    "HOME": str(self.home), "PATH": f"{BUILD_DIR / 'tui'}:{os.environ['PATH']}"}

    def type(self, command, answers):
        """What the terminal shows of this command, line by line; a question gets the next answer."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        shell = subprocess.Popen(["bash", "-c", command], env=self.env, cwd=self.home, stdin=theirs, stdout=theirs,
                                 stderr=theirs, start_new_session=True)
        os.close(theirs)
        text, until, answers = "", time.monotonic() + PATIENCE, list(answers)
        while select.select([ours], [], [], max(0, until - time.monotonic()))[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                break
            text += chunk.decode()
            if answers and QUESTION.search(text):
                os.write(ours, (answers.pop(0) + "\n").encode())
        os.close(ours)
        status = shell.wait(PATIENCE)
        lines = [line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n")]
        lines = [*lines[:-1], *filter(None, lines[-1:])]
        return lines + ([f"(status {status})"] if status else [])

    def shown(self, line):
        line = line.replace(str(self.world.folder), "FOLDER")
        for pattern, instead in ANYTHING:
            line = pattern.sub(instead, line)
        return line.rstrip()

    def test_what_a_newcomer_types_is_answered_in_words_that_fit_the_terminal(self):
        recorded, replayed = TRANSCRIPT.read_text(encoding="utf-8").splitlines(), []
        for number, line in enumerate(recorded):
            if line.startswith("#") or not line:
                replayed.append(line)
            if not line.startswith("$ "):
                continue
            answers = []
            while "".join(recorded[number + 1 + len(answers):][:1]).startswith("< "):
                answers.append(recorded[number + 1 + len(answers)][2:])
            lines = self.type(line[2:], answers)
            for told in lines:
                with self.subTest(command=line, told=told):
                    self.assertTrue(len(told) <= COLUMNS or "  " not in told, "the terminal breaks a row")
                    self.assertNotIn("…", told, "it is cut")
            with self.subTest(command=line):
                self.assertIsNone(said.complaint(line.split()[2:], "\n".join(lines)))
            replayed += [line, *(f"< {answer}" for answer in answers), *(f"  {self.shown(told)}" for told in lines)]
        if os.environ.get("FIRST_HOUR") == "write":
            TRANSCRIPT.write_text("\n".join(replayed) + "\n", encoding="utf-8")
        self.assertEqual("", "\n".join(difflib.unified_diff(recorded, replayed, "recorded", "replayed", lineterm="")))


if __name__ == "__main__":
    promise.main()
