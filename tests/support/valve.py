"""valve: a Unix socket before another one, which passes everything on and can be shut in the middle of
what a client sends.

    valve = Valve(folder / "sock", libvirtd.socket)
    valve.shut_after(1 << 20)     # of what clients send from now on
    valve.wait_shut()             # somebody waits in it
    valve.open()
"""

import socket
import threading

from rpc import PATIENCE, Timeout

CHUNK = 1 << 16


class Valve:
    def __init__(self, path, to):
        self.path, self.to = str(path), str(to)
        self.changed = threading.Condition()
        self.sent, self.limit, self.waiting = 0, None, 0
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(self.path)
        self.listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.to)
            except OSError:  # nobody is there: this one is told as much
                client.close()
                server.close()
                continue
            threading.Thread(target=self._pass, args=(client, server, self._count), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, lambda _: None), daemon=True).start()

    def _count(self, length):
        with self.changed:
            self.sent += length
            self.waiting += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: not self._is_shut())
            self.waiting -= 1

    def _is_shut(self):
        return self.limit is not None and self.sent > self.limit

    @staticmethod
    def _pass(source, sink, before):
        """Until one of them is gone; then neither goes on."""
        try:
            while chunk := source.recv(CHUNK):
                before(len(chunk))
                sink.sendall(chunk)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shut_after(self, length):
        with self.changed:
            self.limit = self.sent + length

    def wait_shut(self, deadline=PATIENCE):
        with self.changed:
            if not self.changed.wait_for(lambda: self._is_shut() and self.waiting, deadline):
                raise Timeout(f"{self.sent} bytes were sent, the valve shuts at {self.limit}")

    def open(self):
        with self.changed:
            self.limit = None
            self.changed.notify_all()

    def close(self):
        self.open()
        self.listening.close()
