"""dead_folder: a folder whose file server does not answer (root only): whoever looks into it waits.

    folder = DeadFolder(world, path, holder_pid)   # in the mount namespace of that process, or a new one
    folder.wait_asked()                            # somebody waits in it
    folder.answer()                                # from now on everything in it is an error (EIO)

The program below is the file server: it speaks as much of FUSE as it takes to be mounted.
"""

import ctypes
import os
import select
import signal
import struct
import sys
import time

INIT, NO_REPLY = 26, (2, 36, 42)  # FORGET, INTERRUPT, BATCH_FORGET
EIO = -5


class DeadFolder:
    def __init__(self, world, path, holder_pid=None):
        self.world, self.path = world, path
        path.mkdir(exist_ok=True)
        enter = ["unshare", "-m"] if holder_pid is None else ["nsenter", "-m", "-t", str(holder_pid)]
        self.server = world.keeper.start([*enter, sys.executable, __file__, path],
                                         world.folder / f"{path.name}.server.log")
        self.wait_for("mounted")

    @property
    def wrap(self):
        """What a program is started by that shall see the folder so."""
        return ["nsenter", "-m", "-t", str(self.server.pid)]

    def wait_for(self, word):
        until = time.monotonic() + 60
        while word not in self.server.output():
            if not self.server.running() or time.monotonic() > until:
                raise AssertionError(f"no '{word}'\n{self.server.tail()}")
            self.world.keeper.look(0.02)

    def wait_asked(self):
        self.wait_for("asked")

    def answer(self):
        self.server.signal(signal.SIGUSR1)

    def end(self):
        """The file server is gone, and all who waited with an error."""
        self.server.kill()


def why_not():
    if os.geteuid() != 0:
        return "needs root"
    return None if os.path.exists("/dev/fuse") else "needs /dev/fuse"


class Server:
    """A request that was read holds even a process that is killed, so none is until all are answered."""

    def __init__(self, path):
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,allow_other"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"dead", os.fsencode(path), b"fuse", 6, options.encode()):
            raise OSError(ctypes.get_errno(), f"mounting over {path}")
        self.serve()  # INIT
        print("mounted", flush=True)

    def serve(self):
        request = os.read(self.fd, 1 << 18)
        _, opcode, unique = struct.unpack_from("=IIQ", request)
        error, body = EIO, b""
        if opcode == INIT:
            error, body = 0, struct.pack("=IIIIHHIIHHI28x", 7, 31, 1 << 16, 0, 12, 9, 1 << 16, 1, 0, 0, 0)
        if opcode not in NO_REPLY:
            os.write(self.fd, struct.pack("=IiQ", 16 + len(body), error, unique) + body)

    def run(self):
        select.select([self.fd], [], [])
        print("asked", flush=True)
        signal.sigwait([signal.SIGUSR1])
        while True:
            try:
                self.serve()
            except FileNotFoundError:
                pass  # who asked has given up


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    Server(sys.argv[1]).run()
