"""terminal: a program on a terminal of its own, as a person has it in front of them.

    terminal = Terminal(world, ["bash", "-i"], env, cwd)
    terminal.type("ls\\n")
    terminal.wait("start")

The keeper runs it, behind this file as a program (`python3 terminal.py TERMINAL ARGV…`), so that
nothing of it survives the test. What it writes is searched as bytes, from behind what was found last.
"""

import fcntl
import os
import select
import struct
import sys
import termios
import time


class Terminal:
    def __init__(self, world, argv, env, cwd, size=(24, 80)):
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.said, self.at = b"", 0
        program = world.program(__file__)
        self.process = world.keeper.start(
            [sys.executable, program, os.ttyname(self.slave), *argv], world.folder / "terminal.log",
            env=env, cwd=cwd)
        world.watch(self.process)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def take_in(self, timeout):
        if not select.select([self.master], [], [], timeout)[0]:
            return
        self.said += os.read(self.master, 65536)

    def wait(self, text, deadline=60):
        """Until it has written this since what was found last."""
        text = text.encode()
        until = time.monotonic() + deadline
        while (found := self.said.find(text, self.at)) < 0:
            left = until - time.monotonic()
            if left <= 0:
                raise AssertionError(f"waited for {text!r}; since then it wrote {self.said[self.at:][-1500:]!r}")
            self.take_in(left)
        self.at = found + len(text)

    def hang_up(self):
        """As a window that is closed, or a line that breaks."""
        os.close(self.slave)
        os.close(self.master)


def become(terminal, argv):
    """The keeper has made this process the leader of a session: what it opens first is its terminal."""
    fd = os.open(terminal, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(fd, number)
    os.close(fd)
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    become(sys.argv[1], sys.argv[2:])
