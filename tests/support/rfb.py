"""rfb: a scripted VNC server and the viewer's side of its handshake (RFC 6143)."""

import selectors
import socket
import struct
import threading
import time

from rpc import PATIENCE, Timeout

VERSION = b"RFB 003.008\n"
SERVER_INIT = struct.pack(">HH", 640, 480) + bytes([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]) \
    + struct.pack(">I", 4) + b"test"
PASSWORD_GOOD, PASSWORD_BAD = b"G" * 16, b"B" * 16

UPDATE_REQUEST = struct.pack(">BBHHHH", 3, 1, 0, 0, 640, 480)


def key(symbol, down=1):
    return struct.pack(">BBHI", 4, down, 0, symbol)


def pointer(x, y, buttons=0):
    return struct.pack(">BBHH", 5, buttons, x, y)


def cut_text(text):
    return struct.pack(">BxxxI", 6, len(text)) + text


class Guest:
    """One connection of the server's. What it says after the handshake is the test's to say."""

    def __init__(self, server, sock):
        self.server, self.socket, self.changed = server, sock, server.changed
        self.received, self.shared, self.ended, self.buffer = b"", None, False, b""
        self.script = self._handshake()
        self.wanted = next(self.script)

    def _handshake(self):
        """Yields how many bytes it wants next; they are then sent into it."""
        self.socket.sendall(VERSION)
        yield 12
        self.socket.sendall(b"\1\2" if self.server.password else b"\1\1")
        yield 1
        if self.server.password:
            self.socket.sendall(b"challenge 16 byt")
            if (yield 16) != PASSWORD_GOOD:
                self.socket.sendall(struct.pack(">II", 1, 5) + b"wrong")
                raise EOFError
        self.socket.sendall(b"\0\0\0\0")
        self.shared = yield 1
        self.socket.sendall(SERVER_INIT)
        yield 0

    def hear(self):
        """Reads once. False: it has ended."""
        try:
            chunk = self.socket.recv(65536)
            self.buffer += chunk
            while self.wanted and len(self.buffer) >= self.wanted:
                taken, self.buffer = self.buffer[:self.wanted], self.buffer[self.wanted:]
                self.wanted = self.script.send(taken)
        except (EOFError, OSError):
            chunk = b""
        if not self.wanted:
            self.received, self.buffer = self.received + self.buffer, b""
        self.ended = not chunk
        if self.ended:
            self.socket.close()
        return not self.ended

    def wait(self, condition, deadline=PATIENCE):
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self), deadline):
                raise Timeout(f"the server has received {self.received[-100:]!r}, ended: {self.ended}")
            return self.received

    def send(self, data):
        self.socket.sendall(data)

    def hang_up(self):
        self.socket.shutdown(socket.SHUT_RDWR)


class Server:
    """All in one thread: one that is made while the process changes its uid may never begin."""

    def __init__(self, password=False):
        self.password = password
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.guests, self.changed = [], threading.Condition()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            for key_, _ in self.selector.select():
                with self.changed:
                    if key_.data is None:
                        self._accept()
                    elif not key_.data.hear():
                        self.selector.unregister(key_.fileobj)
                    self.changed.notify_all()

    def _accept(self):
        try:
            sock, peer = self.listener.accept()
            guest = Guest(self, sock)
            guest.port = peer[1]
        except OSError:
            return  # it has gone already
        self.guests.append(guest)
        self.selector.register(sock, selectors.EVENT_READ, guest)

    def settle(self):
        """How many there were, once all that have connected so far are accepted: they are in order."""
        before = len(self.guests)  # a port may be one of theirs again
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as probe, self.changed:
            ours = probe.getsockname()[1]
            if not self.changed.wait_for(lambda: any(guest.port == ours for guest in self.guests[before:]), PATIENCE):
                raise Timeout("the VNC server does not accept")
            return len(self.guests)

    def guest(self, number, deadline=PATIENCE):
        """The connection of that number, once it is there."""
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.guests) > number, deadline):
                raise Timeout(f"only {len(self.guests)} connections, wanted number {number}")
            return self.guests[number]

    def close(self):
        for guest in self.guests:
            guest.socket.close()


def greet(line, shared=0, password=None):
    """The viewer's side; `line` has send() and receive(). Returns the server's init."""
    assert line.receive(12) == VERSION
    line.send(VERSION)
    types = line.receive(line.receive(1)[0])
    line.send(types[:1])
    if types[:1] == b"\2":
        line.receive(16)
        line.send(password)
    result, = struct.unpack(">I", line.receive(4))
    if result:
        raise PermissionError(line.receive(struct.unpack(">I", line.receive(4))[0]).decode())
    line.send(bytes([shared]))
    return line.receive(len(SERVER_INIT))


class Stream:
    """A connection to the stream door."""

    def __init__(self, path, first):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)
        self.socket.sendall(first)

    def line(self):
        data = b""
        while not data.endswith(b"\n"):
            byte = self.socket.recv(1)
            if not byte:
                return data.decode()
            data += byte
        return data.decode()

    def send(self, data):
        self.socket.sendall(data)

    def receive(self, count):
        data = b""
        while len(data) < count:
            chunk = self.socket.recv(count - len(data))
            if not chunk:
                raise EOFError
            data += chunk
        return data

    def ends(self, deadline=PATIENCE):
        """Whether the other side hangs up."""
        self.socket.settimeout(deadline)
        until = time.monotonic() + deadline
        try:
            while time.monotonic() < until:
                if not self.socket.recv(65536):
                    return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            pass
        return False

    def close(self):
        self.socket.close()
