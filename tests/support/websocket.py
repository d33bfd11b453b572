"""websocket: a WebSocket client that can be as wrong as a test wants (RFC 6455). Every wait has a
deadline."""

import base64
import os
import socket
import struct

from rpc import PATIENCE

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Refused(Exception):
    """The upgrade was answered by something else."""

    def __init__(self, status, headers, body):
        super().__init__(f"{status}: {body[:200]!r}")
        self.status, self.headers, self.body = status, headers, body


class Closed(Exception):
    """The other side closed, with this code and reason; None when it just hung up."""

    def __init__(self, code=None, reason=""):
        super().__init__(f"closed with {code}: {reason}")
        self.code, self.reason = code, reason


def request(path, host, **headers):
    lines = [f"GET {path} HTTP/1.1"] + ([f"Host: {host}"] if host is not None else [])
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_head(sock):
    """Status, headers (a list of pairs) and what came behind them."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(4096)
        if not chunk:
            raise Closed()
        data += chunk
    head, rest = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    headers = [tuple(line.split(": ", 1)) for line in lines]
    return int(first.split()[1]), [(key.lower(), value) for key, value in headers], rest


def connect(address, tls=None, buffer=None):
    """`tls`: an ssl.SSLContext."""
    sock = socket.socket()
    if buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.settimeout(PATIENCE)
    sock.connect(address)
    return sock if tls is None else tls.wrap_socket(sock, server_hostname="localhost")


def http_get(address, path, host=None, method="GET", extra=b"", tls=None):
    """Status, headers and body of a plain request; the connection is closed by us."""
    with connect(address, tls) as sock:
        text = request(path, host or f"{address[0]}:{address[1]}")
        sock.sendall(text.replace(b"GET", method.encode(), 1)[:-2] + extra + b"\r\n")
        status, headers, body = read_head(sock)
        length = int(dict(headers).get("content-length", 0))
        while len(body) < length and (chunk := sock.recv(65536)):
            body += chunk
        return status, headers, body


class WebSocket:
    def __init__(self, address, path, host=None, origin=None, secret=None, protocol="binary", buffer=None,
                 tls=None, **headers):
        """`secret`: what the page comes back with, offered behind the subprotocol; as a page, it takes words."""
        if secret is not None:
            protocol = f"{protocol}, back.{secret}, told"
        self.socket = connect(address, tls, buffer)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(request(path, host or f"{address[0]}:{address[1]}", Upgrade="websocket",
                                    Connection="Upgrade", Sec_WebSocket_Key=key, Sec_WebSocket_Version="13",
                                    Sec_WebSocket_Protocol=protocol, Origin=origin, **headers))
        status, self.headers, self.buffer = read_head(self.socket)
        if status != 101:
            length = int(dict(self.headers).get("content-length", 0))
            while len(self.buffer) < length and (chunk := self.socket.recv(4096)):
                self.buffer += chunk
            self.socket.close()
            raise Refused(status, self.headers, self.buffer)
        self.secret = secret
        self.words = []  # text messages
        self.stream = b""  # of binary messages, not asked for yet

    def send_frame(self, opcode, data):
        mask, length = os.urandom(4), len(data)
        size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 126]) + struct.pack(">H", length)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        self.socket.sendall(bytes([0x80 | opcode]) + size + mask + masked)

    def send(self, data):
        self.send_frame(BINARY, data)

    def _take(self, count):
        while len(self.buffer) < count:
            try:
                chunk = self.socket.recv(65536)
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                raise Closed()
            self.buffer += chunk
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def frame(self):
        first, second = self._take(2)
        length = second & 127
        if length == 126:
            length, = struct.unpack(">H", self._take(2))
        elif length == 127:
            length, = struct.unpack(">Q", self._take(8))
        return first & 15, self._take(length)

    def receive(self, count):
        """Exactly so many bytes of the stream. Pings are answered, a close is Closed."""
        while len(self.stream) < count:
            opcode, data = self.frame()
            if opcode == CLOSE:
                self.send_frame(CLOSE, data[:2])
                raise Closed(struct.unpack(">H", data[:2])[0] if data else None, data[2:].decode())
            if opcode == PING:
                self.send_frame(PONG, data)
            if opcode == TEXT:
                self.words.append(data.decode())
            if opcode == BINARY:
                self.stream += data
        taken, self.stream = self.stream[:count], self.stream[count:]
        return taken

    def wait_words(self, count):
        """Until so many text messages have come; all that did."""
        while len(self.words) < count:
            opcode, data = self.frame()
            if opcode == TEXT:
                self.words.append(data.decode())
            assert opcode in (TEXT, BINARY, PING), f"a frame {opcode}: {data!r}"
        return self.words

    def wait_closed(self):
        """Reads on until the other side closes; its Closed."""
        try:
            while True:
                self.receive(1)
        except Closed as closed:
            return closed

    def leave(self):
        """As a page that is closed: with its close frame."""
        self.send_frame(CLOSE, struct.pack(">H", 1001))
        self.wait_closed()
        self.socket.close()

    def break_off(self):
        """As a network does: no close frame."""
        self.socket.close()

    close = break_off
