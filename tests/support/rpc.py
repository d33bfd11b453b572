"""rpc: a client of lodged's socket, written from the contract alone.

Nothing here knows the daemon's code. One thread, one socket, every wait has a deadline. Answers and
notifications that nobody waits for yet are kept.
"""

import collections
import json
import os
import select
import socket
import time

PATIENCE = 90.0  # seconds: what comes at all comes sooner, also on a slow and noisy machine


class Timeout(AssertionError):
    """What was waited for did not come."""


class Gone(ConnectionError):
    """The daemon hung up."""


def listens(path):
    """Somebody takes connections at that socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class RpcError(Exception):
    def __init__(self, error):
        self.code = error["code"]
        self.message = error["message"]
        self.data = error.get("data") or {}
        self.kind = self.data.get("kind")
        super().__init__(f"{self.code} {self.message} {self.data}")


class as_uid:
    """Within it, what connects is this uid for SO_PEERCRED (the kernel takes the effective ids)."""

    def __init__(self, uid, gid=None, groups=()):
        self.uid, self.gid, self.groups = uid, uid if gid is None else gid, list(groups)

    def __enter__(self):
        self.was = os.geteuid(), os.getegid(), os.getgroups()
        os.setgroups(self.groups)
        os.setegid(self.gid)
        os.seteuid(self.uid)

    def __exit__(self, *_):
        euid, egid, groups = self.was
        os.seteuid(euid)
        os.setegid(egid)
        os.setgroups(groups)


class Rpc:
    def __init__(self, path, uid=None, groups=(), receive_buffer=None):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setblocking(True)
        if uid is None:
            self.socket.connect(path)
        else:
            with as_uid(uid, groups=groups):
                self.socket.connect(path)
        self.socket.setblocking(False)
        self.buffer = bytearray()
        self.scanned = 0
        self.lines = collections.deque()  # raw, not looked at
        self.answers = {}
        self.orphans = []  # answers with id null
        self.notifications = collections.deque()
        self.next_id = 1
        self.ended = False
        self.received = 0

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # bytes

    def send(self, data, deadline=None):
        """All of it, reading what comes meanwhile so that neither side can be stuck on the other."""
        if isinstance(data, str):
            data = data.encode()
        until = time.monotonic() + (deadline or PATIENCE)
        view = memoryview(data)
        while view:
            self._poll(select.POLLIN | select.POLLOUT, until)
            try:
                view = view[self.socket.send(view):]
            except BlockingIOError:
                pass
            except (BrokenPipeError, ConnectionResetError) as error:
                self._receive()
                self.ended = True
                raise Gone("hung up while we sent") from error
            self._receive()

    def send_line(self, message):
        if not isinstance(message, (bytes, str)):
            message = json.dumps(message)
        if isinstance(message, str):
            message = message.encode()
        self.send(message + b"\n")

    def _is_ready(self, events, seconds):
        poll = select.poll()
        poll.register(self.socket, events)
        return bool(poll.poll(seconds * 1000))

    def _poll(self, events, until):
        left = until - time.monotonic()
        if left <= 0 or not self._is_ready(events, left):
            raise Timeout(f"nothing came in time; kept: {self._kept()}")

    def _kept(self):
        return {"lines": [bytes(line[:200]) for line in list(self.lines)[-3:]],
                "answers": list(self.answers)[-5:], "orphans": self.orphans[-3:],
                "notifications": [str(note)[:300] for note in list(self.notifications)[-3:]],
                "partial": bytes(self.buffer[:200]), "ended": self.ended}

    def _receive(self):
        """Takes what is there."""
        while not self.ended:
            try:
                chunk = self.socket.recv(1 << 18)
            except BlockingIOError:
                break
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                self.ended = True
            self.received += len(chunk)
            self.buffer += chunk
            if len(chunk) < 1 << 18:
                break
        end = self.buffer.rfind(b"\n", self.scanned)
        if end >= 0:
            self.lines.extend(bytes(self.buffer[:end]).split(b"\n"))
            del self.buffer[:end + 1]
        self.scanned = len(self.buffer)

    def read_line(self, deadline=None):
        """The next line as bytes, None at the end of the stream."""
        until = time.monotonic() + (deadline or PATIENCE)
        while not self.lines:
            if self.ended:
                return None
            self._poll(select.POLLIN, until)
            self._receive()
        return self.lines.popleft()

    def wait_end(self, deadline=None):
        """Until the daemon hangs up; the lines before that are returned."""
        lines, until = [], time.monotonic() + (deadline or PATIENCE)
        while True:
            line = self.read_line(until - time.monotonic())
            if line is None:
                return lines
            lines.append(line)

    def read_message(self, deadline=None):
        line = self.read_line(deadline)
        if line is None:
            raise Gone("hung up")
        return json.loads(line)

    def exchange(self, message, deadline=None):
        """Sends one line, returns the next that comes, whatever it is."""
        self.send_line(message)
        return self.read_message(deadline)

    # messages

    def _sort(self, line):
        message = json.loads(line)
        if isinstance(message, dict) and "method" in message:
            message["params"]["arrived"] = time.monotonic()
            self.notifications.append(message["params"])
        elif isinstance(message, dict) and message.get("id") is not None:
            self.answers[message["id"]] = message
        else:
            self.orphans.append(message)

    def _pump(self, until):
        """Sorts at least one more line."""
        line = self.read_line(max(0.0, until - time.monotonic()))
        if line is None:
            raise Gone(f"hung up; kept: {self._kept()}")
        self._sort(line)
        while self.lines:
            self._sort(self.lines.popleft())

    def ask(self, method, **params):
        """Sends a request, returns its id for answer()."""
        number, self.next_id = self.next_id, self.next_id + 1
        request = {"jsonrpc": "2.0", "id": number, "method": method}
        if params:
            request["params"] = params
        self.send_line(request)
        return number

    def answer(self, number, deadline=None):
        until = time.monotonic() + (deadline or PATIENCE)
        while number not in self.answers:
            self._pump(until)
        message = self.answers.pop(number)
        if "error" in message:
            raise RpcError(message["error"])
        return message["result"]

    def call(self, method, deadline=None, **params):
        return self.answer(self.ask(method, **params), deadline)

    def notification(self, deadline=None):
        until = time.monotonic() + (deadline or PATIENCE)
        while not self.notifications:
            self._pump(until)
        return self.notifications.popleft()

    def wait_for(self, predicate, deadline=None):
        """Takes notifications until one satisfies the predicate, and returns that."""
        until = time.monotonic() + (deadline or PATIENCE)
        while True:
            note = self.notification(until - time.monotonic())
            if predicate(note):
                return note

    def drain(self, wait=0):
        """Sorts what has come by now, or what comes first within `wait` seconds."""
        if wait:
            self._is_ready(select.POLLIN, wait)
        self._receive()
        while self.lines:
            self._sort(self.lines.popleft())


class Mirror:
    """What one subscription has told: the objects as a client knows them. Checks each event's form."""

    KEYS = {"vm": ("host", "uuid"), "host": ("name",), "session": ("session",), "op": ("id",)}

    def __init__(self, rpc, **params):
        self.rpc = rpc
        self.objects = {}
        self.log = []
        self.seq = None
        self.ready = 0
        self.incomplete = None
        answer = rpc.call("event.subscribe", **params)
        self.number, self.rev = answer["subscription"], answer["rev"]

    @property
    def vms(self):
        return {value["name"]: value for (topic, _), value in self.objects.items() if topic == "vm"}

    @property
    def hosts(self):
        return {value["name"]: value for (topic, _), value in self.objects.items()
                if topic == "host"}

    def apply(self, note):
        assert note["subscription"] == self.number, note
        assert self.seq is None or note["seq"] == self.seq + 1, f"gap after {self.seq}: {note}"
        self.seq = note["seq"]
        self.log.append(note)
        kind = note["type"]
        if kind == "ready":
            self.ready += 1
            self.incomplete = note["incomplete"]
        elif kind == "reset":
            self.objects.clear()
        elif kind in ("added", "changed", "removed"):
            item = note[note["topic"]]
            key = note["topic"], tuple(item[part] for part in self.KEYS[note["topic"]])
            if kind == "removed":
                assert key in self.objects, f"removed, but never told: {note}"
                del self.objects[key]
            else:
                assert (key in self.objects) == (kind == "changed"), f"{kind}, but: {note}"
                self.objects[key] = item
        elif kind != "sample":
            raise AssertionError(f"unknown type: {note}")
        return note

    def step(self, deadline=None):
        until = time.monotonic() + (deadline or PATIENCE)
        while True:
            for index, note in enumerate(self.rpc.notifications):
                if note["subscription"] == self.number:
                    del self.rpc.notifications[index]
                    return self.apply(note)
            self.rpc._pump(until)

    def wait(self, condition, deadline=None):
        """Until condition(self) holds; looks before it waits."""
        until = time.monotonic() + (deadline or PATIENCE)
        while True:
            value = condition(self)
            if value:
                return value
            try:
                self.step(until - time.monotonic())
            except Timeout as error:
                tail = "\n".join(str(note)[:400] for note in self.log[-8:])
                raise Timeout(f"{error}\nlast events:\n{tail}") from None

    def wait_ready(self, deadline=None):
        count = self.ready
        self.wait(lambda mirror: mirror.ready > count, deadline)
        return self

    def settle(self):
        """All that the daemon has sent up to an answer of now."""
        self.rpc.call("server.ping")
        while any(note["subscription"] == self.number for note in self.rpc.notifications):
            self.step()
        return self
