"""The limits of the door: connections, bytes, requests; and that who hits them hits nobody else."""

import json
import os
import select
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import Gone, Mirror, Rpc, World, fleet_xml  # noqa: E402

TOO_MANY, DENIED = -32010, -32003
OPEN_TO_ALL = {"daemon": {"socket_mode": "0666", "default_role": "viewer"}}
ROOT = os.geteuid() == 0


def line(number, method="server.ping", **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                       "params": params}).encode() + b"\n"


class LimitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        path = cls.world.folder / "fleet.xml"
        path.write_text(fleet_xml(1000))
        cls.daemon = cls.world.daemon({"a": f"test://{path}"}, config=OPEN_TO_ALL)
        cls.daemon.synced().rpc.close()
        cls.open = []

    def tearDown(self):
        for client in self.open:
            client.close()
        self.open.clear()
        self.quiet()

    def quiet(self):
        """Until the daemon has closed what the test before hung up."""
        with self.daemon.rpc() as rpc:
            for _ in range(5000):
                rpc.call("server.ping")
                sockets = 0
                for number in os.listdir(f"/proc/{self.daemon.pid}/fd"):
                    try:
                        sockets += os.readlink(
                            f"/proc/{self.daemon.pid}/fd/{number}").startswith("socket:")
                    except OSError:
                        pass
                if sockets <= 12:
                    return
            self.fail("connections that were hung up are still there")

    def connect(self, uid=None):
        """A client that is in, or the error it was turned away with."""
        client = Rpc(self.daemon.socket, uid=uid)
        try:
            client.send(line("in"))
        except Gone:
            pass
        answer = client.read_line()
        if answer is None:
            client.close()
            self.fail("turned away without a word")
        message = json.loads(answer)
        if message.get("id") == "in":
            self.assertEqual(message["result"], {})
            self.open.append(client)
            return client, None
        self.assertIsNone(message["id"])
        client.wait_end()
        client.close()
        return None, message["error"]

    def fill(self, count, uid=None):
        for number in range(count):
            client, error = self.connect(uid)
            self.assertIsNotNone(client, f"connection {number + 1} of uid {uid}: {error}")


class Connections(LimitsTest):
    @unittest.skipUnless(ROOT, "needs root to be several users")
    def test_a_uid_has_128_connections_and_the_next_is_told_too_many(self):
        self.fill(128, 20001)
        client, error = self.connect(20001)
        self.assertIsNone(client, "129 connections of one uid")
        self.assertEqual((error["code"], error["data"]["kind"]), (TOO_MANY, "too_many"))
        self.fill(1, 20002)
        self.fill(1)
        self.open.pop(0).close()
        self.fill_after_a_turn(20001)

    def fill_after_a_turn(self, uid):
        for _ in range(200):
            client, _ = self.connect(uid)
            if client:
                return
        self.fail("a closed connection never made room")

    @unittest.skipUnless(ROOT, "needs root to be several users")
    def test_there_are_512_connections_and_the_last_16_are_for_admins(self):
        for uid in range(20001, 20005):
            self.fill(124, uid)
        client, error = self.connect(20009)
        self.assertIsNone(client, "497 connections of users")
        self.assertEqual(error["code"], TOO_MANY)
        self.fill(16)
        client, error = self.connect()
        self.assertIsNone(client, "513 connections")
        self.assertEqual(error["code"], TOO_MANY)
        for client in self.open[::100]:
            self.assertEqual(client.call("server.ping"), {})

    def test_600_connections_at_once_leave_those_served_that_are_in(self):
        clients, refused = [], 0
        for number in range(600):
            client = Rpc(self.daemon.socket, uid=20001 + number % 6 if ROOT else None)
            self.open.append(client)
            clients.append(client)
        served = 0
        for client in clients:
            try:
                client.send(line("in"))
            except Gone:
                pass
            answer = json.loads(client.read_line() or b'{"id":0,"error":{"code":0}}')
            if answer["id"] == "in":
                served += 1
            else:
                self.assertEqual(answer["error"]["code"], TOO_MANY)
                refused += 1
        self.assertEqual(served + refused, 600)
        self.assertEqual(served, 496 if ROOT else 128)
        if ROOT:
            self.fill(1)

    def test_connecting_and_hanging_up_2000_times_leaks_nothing(self):
        before = self.daemon.descriptors()
        memory = self.daemon.rss_kib()
        for number in range(2000):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(self.daemon.socket)
                if number % 3 == 0:
                    client.sendall(line(1))
                if number % 5 == 0:
                    client.sendall(line(2, "event.subscribe", topics=["vm"]))
        with self.daemon.rpc() as rpc:
            for _ in range(5000):  # until the daemon has closed what was hung up
                rpc.call("server.ping")
                if self.daemon.descriptors() <= before + 4:
                    break
            else:
                self.fail(f"{self.daemon.descriptors()} descriptors, {before} before")
        if not self.daemon.sanitized():
            self.assertLess(self.daemon.rss_kib() - memory, 8 * 1024)


class Readers(LimitsTest):
    def flood(self, request, most=2000):
        """A client that sends requests until the daemon takes no more, and reads nothing."""
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.daemon.socket)
        client.setblocking(False)
        self.open.append(client)
        sent = 0
        poll = select.poll()
        poll.register(client, select.POLLOUT)
        while sent < most and poll.poll(500):
            try:
                sent += client.send(request) == len(request)
            except BlockingIOError:
                break
        return client, sent

    def wait_hang_up(self, client, deadline):
        poll = select.poll()
        poll.register(client, select.POLLRDHUP | select.POLLHUP)
        until = time.monotonic() + deadline
        with Rpc(self.daemon.socket) as other:
            while not poll.poll(250):
                other.call("server.ping", deadline=2)
                self.assertLess(time.monotonic(), until, "still connected")

    def test_who_never_reads_costs_little_hurts_nobody_and_is_hung_up_after_30_s(self):
        before, pace = self.daemon.rss_kib(), self.world.pace()
        started = time.monotonic()
        floods = [self.flood(line(1, "vm.list"))[0] for _ in range(5)]
        floods.append(self.flood(json.dumps([json.loads(line(n, "vm.list"))
                                             for n in range(64)]).encode() + b"\n")[0])
        subscribed = self.flood(line(1, "event.subscribe", topics=["vm"]), 8)[0]
        del subscribed
        with Rpc(self.daemon.socket) as other:
            slowest, looked = 0.0, time.monotonic()
            for _ in range(200):
                begun = time.monotonic()
                other.call("server.ping")
                slowest = max(slowest, time.monotonic() - begun)
            pace.check(self, looked, 1.0, "a ping beside them", took=slowest)
            self.assertEqual(len(other.call("vm.list")["vms"]), 1000)
        grown = self.daemon.rss_kib() - before
        if not self.daemon.sanitized():
            self.assertLess(grown, 7 * 3 * 1024, "KiB for 7 clients that do not read")
        for client in floods:
            self.wait_hang_up(client, 60)
        took = time.monotonic() - started
        self.assertGreater(took, 25, "hung up too early")

    def test_who_reads_slowly_but_reads_is_not_hung_up(self):
        client, _ = self.flood(line(1, "vm.list"), 40)
        until = time.monotonic() + 36
        poll = select.poll()
        poll.register(client, 0)
        total = 0
        while time.monotonic() < until:
            self.assertFalse(poll.poll(1000), "hung up")
            try:
                total += len(client.recv(4096))
            except BlockingIOError:
                self.fail("there was nothing to read")
        self.assertGreater(total, 30 * 4096)

    def test_who_is_idle_with_nothing_unsent_stays_connected(self):
        """A subscriber of a quiet house hears nothing for long; 32 s here."""
        mirror = Mirror(self.daemon.rpc(), topics=["vm"]).wait_ready()
        poll = select.poll()
        poll.register(mirror.rpc.socket, select.POLLRDHUP)
        self.assertFalse(poll.poll(32000))
        self.assertEqual(mirror.rpc.call("server.ping"), {})

    def test_requests_wait_while_their_sender_does_not_read_and_are_then_answered(self):
        count = 200  # of 1,000 VMs each: past every buffer between us
        requests = b"".join(line(number, "vm.list", fields=["state"]) for number in range(count))
        with Rpc(self.daemon.socket) as rpc:
            rpc.socket.setblocking(True)
            rpc.socket.sendall(requests)
            rpc.socket.setblocking(False)
            for number in range(count):
                answer = rpc.read_message()
                self.assertEqual(answer["id"], number)
                self.assertEqual(len(answer["result"]["vms"]), 1000)

    def test_a_batch_of_64_lists_comes_whole_while_the_daemon_stays_small(self):
        before = self.daemon.rss_kib()
        with Rpc(self.daemon.socket) as rpc:
            rpc.send(json.dumps([json.loads(line(number, "vm.list"))
                                 for number in range(64)]).encode() + b"\n")
            poll = select.poll()
            poll.register(rpc.socket, select.POLLIN)
            self.assertTrue(poll.poll(30000))
            with Rpc(self.daemon.socket) as other:
                for _ in range(100):
                    other.call("server.ping")
            grown = self.daemon.rss_kib() - before
            answers = rpc.read_message()
        self.assertEqual([answer["id"] for answer in answers], list(range(64)))
        self.assertTrue(all(len(answer["result"]["vms"]) == 1000 for answer in answers))
        if not self.daemon.sanitized():
            self.assertLess(grown, 4 * 1024, "KiB while the array waits")

    def test_a_batch_comes_whole_to_a_reader_who_keeps_up(self):
        """Then every write takes all there is, and none is left whose end would go on."""
        count = 20
        batch = json.dumps([json.loads(line(number, "vm.list")) for number in range(24)])
        with Rpc(self.daemon.socket) as rpc:
            rpc.socket.settimeout(30)
            sender = threading.Thread(
                target=rpc.socket.sendall, args=((batch + "\n").encode() * count,))
            sender.start()
            while count > 0:
                chunk = rpc.socket.recv(1 << 20)
                self.assertTrue(chunk, "hung up")
                count -= chunk.count(b"\n")
            sender.join()

    def test_a_hundred_subscribers_get_everything(self):
        mirrors = [Mirror(Rpc(self.daemon.socket), topics=["vm"], fields=["state"])
                   for _ in range(100)]
        self.open += [mirror.rpc for mirror in mirrors]
        for mirror in mirrors:
            mirror.wait_ready()
            self.assertEqual(len(mirror.vms), 1000)


if __name__ == "__main__":
    promise.main()
