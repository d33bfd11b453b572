"""proxy: a reverse proxy as people put before lodged: TLS, a path, and Host as the server behind is called
(nginx's default) or as the browser said it."""

import re
import selectors
import socket
import ssl
import threading


class Proxy:
    """`prefix` as "/lodge/". `to` is (host, port). `keeps_host`: nginx's proxy_set_header Host $host."""

    def __init__(self, to, prefix="/", tls=None, keeps_host=False):
        self.to, self.prefix, self.tls, self.keeps_host = to, prefix, tls, keeps_host
        self.heads = []  # of requests, as they came
        self.lines = set()  # sockets of now
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                line, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line):
        try:
            line = line if self.tls is None else self.tls.wrap_socket(line, server_side=True)
            self.lines.add(line)
            head = b""
            while b"\r\n\r\n" not in head:
                chunk = line.recv(65536)
                if not chunk:
                    return
                head += chunk
            head, rest = head.split(b"\r\n\r\n", 1)
            self.heads.append(head.decode())
            self._pass_on(line, head.decode(), rest)
        except OSError:
            pass
        finally:
            self.lines.discard(line)
            line.close()

    def _pass_on(self, line, head, rest):
        first, *headers = head.split("\r\n")
        method, path, version = first.split(" ")
        if not path.startswith(self.prefix):
            line.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        headers = [header for header in headers if not re.match("(?i)connection:(?! *upgrade)", header)]
        if not self.keeps_host:
            headers = [re.sub("(?i)^host:.*", f"Host: {self.to[0]}:{self.to[1]}", header) for header in headers]
        if not any(re.match("(?i)upgrade:", header) for header in headers):
            headers.append("Connection: close")  # one request each is enough
        lines = [f"{method} /{path[len(self.prefix):]} {version}", *headers, "", ""]
        with socket.create_connection(self.to) as behind:
            behind.sendall("\r\n".join(lines).encode() + rest)
            self._relay(line, behind)

    @staticmethod
    def _relay(line, behind):
        with selectors.DefaultSelector() as ready:
            ready.register(line, selectors.EVENT_READ, behind)
            ready.register(behind, selectors.EVENT_READ, line)
            while True:
                for key, _ in ready.select():
                    chunk = key.fileobj.recv(65536)
                    while chunk and isinstance(key.fileobj, ssl.SSLSocket) and key.fileobj.pending():
                        chunk += key.fileobj.recv(65536)  # what was decrypted already wakes nobody
                    if not chunk:
                        return
                    key.data.sendall(chunk)

    def cut(self):
        """As a network that breaks: every connection, without a word."""
        for line in list(self.lines):
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it went by itself

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.cut()
