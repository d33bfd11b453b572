"""One user harms no other: what the connections of one take together is bounded, and whoever is over it
waits for himself. Root: it needs users."""

import json
import os
import pathlib
import select
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import failpoints  # noqa: E402
import promise  # noqa: E402
from world import Gone, Rpc, RpcError, World, fleet_xml, free_uid  # noqa: E402

MIB = 1 << 20
FLEET = 3000
HEAVY = " ".join(["!tag:*a*b", "!name:*q*z*y"] * 30)  # 60 globs, which all VMs pass


def request(number, method, **params):
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method,
                       "params": params}).encode() + b"\n"


@unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
class Shares(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        path = cls.world.folder / "fleet.xml"
        path.write_text(fleet_xml(FLEET))
        cls.daemon = cls.world.daemon(
            {"a": f"test://{path}"},
            config={"daemon": {"socket_mode": "0666", "default_role": "viewer"}})
        cls.daemon.synced().rpc.close()

    def setUp(self):
        self.open = []
        self.other = self.client(free_uid() + 1)  # whom nobody may harm

    def tearDown(self):
        for client in self.open:
            client.close()

    def client(self, uid=None):
        client = Rpc(self.daemon.socket, uid=free_uid() if uid is None else uid)
        self.open.append(client)
        return client

    def grown(self, before):
        """MiB since then; a program with sanitizers has its own."""
        return 0 if self.daemon.sanitized() else (self.daemon.rss_kib() - before) / 1024

    # values

    def refuse(self, client, text):
        client.send(text + b"\n")
        answer = client.read_message()
        self.assertEqual((answer["id"], answer["error"]["code"]), (None, -32600), answer)
        self.assertIn("20000 values", answer["error"]["message"])

    def test_a_line_of_more_than_20000_values_is_dropped_and_the_client_stays(self):
        client = self.client()
        for one in (b"{}", b"1", b'"a"', b"null", b"[]"):
            self.refuse(client, b"[" + b",".join([one] * 20000) + b"]")
            self.refuse(client, b'{"jsonrpc":"2.0","id":1,"method":"server.ping","params":{"x":[' +
                        b",".join([one] * 20000) + b"]}}")
        self.assertEqual(client.call("server.ping"), {})

    def test_20000_values_are_read(self):
        client = self.client()
        # the request, its id, its version, its method and params are five, the array one
        client.send(b'{"jsonrpc":"2.0","id":7,"method":"server.ping","params":{"x":[' +
                    b",".join([b"1"] * (20000 - 6)) + b"]}}\n")
        answer = client.read_message()
        self.assertEqual((answer["id"], answer["error"]["code"]), (7, -32602))

    def test_lines_of_empty_objects_cost_nobody_anything(self):
        before = self.daemon.rss_kib()
        clients = [self.client() for _ in range(8)]
        text = b"[" + b",".join([b"{}"] * (MIB // 3 - 8)) + b"]"
        for _ in range(3):
            for client in clients:
                self.refuse(client, text)
            self.other.call("server.ping")
        self.assertLess(self.grown(before), 32)

    # batches

    def test_a_batch_is_checked_whole_before_any_of_it_runs(self):
        client = self.client()
        subscribe = request(1, "event.subscribe", topics=["host"]).strip()
        client.send(b"[" + subscribe + b',{"jsonrpc":}]\n')
        answer = client.read_message()
        self.assertEqual((answer["id"], answer["error"]["code"]), (None, -32700))
        self.assertIn("entry 2", answer["error"]["message"])
        with self.assertRaises(RpcError) as caught:
            client.call("event.unsubscribe", subscription=1)
        self.assertEqual(caught.exception.kind, "not_found")

    def test_batches_on_all_connections_hold_no_trees(self):
        before = self.daemon.rss_kib()
        clients = [self.client() for _ in range(32)]
        entry = b'{"jsonrpc":"2.0","id":1,"method":"server.ping","params":{"x":[' + \
            b",".join([b"{}"] * 290) + b"]}}"
        batch = b"[" + b",".join([entry] * 64) + b"]\n"
        for client in clients:
            client.send(batch * 4)
        self.other.call("server.ping")
        for client in clients:
            for _ in range(4):
                answers = client.read_message()
                self.assertEqual([answer["error"]["code"] for answer in answers], [-32602] * 64)
        self.assertLess(self.grown(before), 48)

    def test_long_lines_of_many_values_are_read_in_pieces_and_one_at_a_time(self):
        before = self.daemon.rss_kib()
        clients = [self.client() for _ in range(32)]
        entry = b'{"jsonrpc":"2.0","id":3,"method":"server.ping","params":{"x":[' + \
            b",".join([b"{}"] * 19000) + b"]}}"
        for number, client in enumerate(clients):
            client.send((b"[" + entry + b"]\n" if number % 2 else entry + b"\n") * 2)
        for _ in range(20):
            self.other.call("server.ping")
        clients.pop().close()  # while its line is being read, or waits
        for number, client in enumerate(clients):
            for _ in range(2):
                answer = client.read_message()
                answer = answer[0] if number % 2 else answer
                self.assertEqual((answer["id"], answer["error"]["code"]), (3, -32602))
        self.assertLess(self.grown(before), 80)

    def test_characters_that_lie_across_two_pieces_are_whole(self):
        client = self.client()
        for shift in range(4):
            text = "x" * shift + "\U0001f600" * 9000
            for params in ({"x": text}, {text: 1}):
                line = json.dumps({"jsonrpc": "2.0", "id": shift, "method": "server.ping",
                                   "params": params}, ensure_ascii=False)
                client.send_line(line if shift % 2 else f"[{line}]")
                answer = client.read_message()
                answer = answer if shift % 2 else answer[0]
                self.assertEqual((answer["id"], answer["error"]["code"]), (shift, -32602))

    # bytes

    def test_half_lines_on_all_connections_take_no_more_than_their_user_has(self):
        before = self.daemon.rss_kib()
        clients = [self.client() for _ in range(64)]
        half = b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * (1000 * 1024)
        for client in clients:
            client.socket.setblocking(False)
            left = memoryview(half)
            for _ in range(200):  # as much as it takes
                self.other.call("server.ping")
                try:
                    left = left[client.socket.send(left):]
                except BlockingIOError:
                    if not select.select([], [client.socket], [], 0.01)[1]:
                        break
                if not left:
                    break
            client.left = bytes(left)
        self.assertLess(self.grown(before), 40)
        self.assertGreater(sum(bool(client.left) for client in clients), 30, "most must wait")
        short = self.client()  # of the same user
        self.assertEqual(short.call("server.ping"), {})
        # One always goes on, also when those that could do nothing.
        for client in sorted(clients, key=lambda client: len(client.left))[:6]:
            client.send(client.left + b'"}\n', deadline=60)
            self.assertEqual(client.read_message(60)["error"]["code"], -32601)

    def test_answers_that_nobody_reads_take_no_more_than_their_user_has(self):
        before = self.daemon.rss_kib()
        clients = [self.client() for _ in range(100)]
        for client in clients:
            client.socket.sendall(b"".join(request(number, "vm.list") for number in range(20)))
        for _ in range(200):
            self.other.call("server.ping")
        self.assertLess(self.grown(before), 110)
        for client in clients[:-1]:
            client.close()  # and so the last has room
        for number in range(20):
            self.assertEqual(len(clients[-1].read_message(60)["result"]["vms"]), FLEET)

    def test_a_user_has_so_many_subscriptions_on_all_connections(self):
        clients = [self.client() for _ in range(5)]
        made = 0
        with self.assertRaises(RpcError) as caught:
            for client in clients:
                for _ in range(64):
                    client.call("event.subscribe", topics=["host"])
                    made += 1
        self.assertEqual((caught.exception.kind, made), ("too_many", 256))
        self.other.call("event.subscribe", topics=["host"])
        clients[0].close()
        for _ in range(1000):  # until the daemon has heard of it
            try:
                clients[4].call("event.subscribe", topics=["host"])
                break
            except RpcError as error:
                self.assertEqual(error.kind, "too_many")
        else:
            self.fail("the places of a connection that has gone are not free")

    # time

    def test_a_ping_overtakes_a_long_list(self):
        """With one turn for all of it the ping could only be answered after the list."""
        client = self.client()
        client.call("server.ping")
        for number in range(200):
            client.send(request(number, "vm.list", query=HEAVY, fields=["state"]))
            self.other.call("server.ping")
            overtook = not select.select([client.socket], [], [], 0)[0]
            self.assertEqual(len(client.read_message()["result"]["vms"]), FLEET)
            if overtook:
                return
        self.fail("no ping of 200 was answered before a list that was asked for before it")

    def test_what_subscriptions_cost_is_their_reader_s_time(self):
        """A quarter of a processor, when the burst is spent. Each update has the whole fleet compared with
        sixty globs, and tells nothing but that it is done."""
        client, updates = self.client(), 600
        subscription = client.call("event.subscribe", topics=["vm"], query="name:none")["subscription"]
        spent, begun = self.daemon.cpu_seconds(), time.monotonic()
        for _ in range(updates):
            client.wait_for(lambda note: note["type"] == "ready", deadline=120)
            client.call("event.update", subscription=subscription, query=f"{HEAVY} name:none")
        spent, took = self.daemon.cpu_seconds() - spent, time.monotonic() - begun
        self.assertLess(spent, 0.4 * took + 0.3, "a tenth of a second is the burst")

    def test_a_long_list_shows_each_vm_once_while_others_come_and_go(self):
        client = self.client()
        admin = self.client(0)
        for number in range(20):
            client.send(request(number, "vm.list", query=HEAVY, fields=[]))
            admin.call("vm.create", name=f"aa{number}", host="a", memory_mib=16, vcpus=1,
                       network=None, wait=True)
            names = [vm["name"] for vm in client.read_message()["result"]["vms"]]
            self.assertEqual(len(names), len(set(names)))
            self.assertGreaterEqual(set(names), {f"vm{index:05d}" for index in range(FLEET)})
            admin.call("vm.delete", vm=f"aa{number}", wait=True)

    def test_clients_that_go_leave_nothing_that_waits(self):
        """Their calls are dropped where they stand in line: the next is answered at once."""
        for _ in range(20):
            client = Rpc(self.daemon.socket, uid=free_uid())
            try:
                client.socket.sendall(b"".join(request(number, "audit.list", limit=1000)
                                               for number in range(200)))
            except (BlockingIOError, BrokenPipeError, Gone):
                pass
            client.close()
        self.client().call("op.list")
        self.other.call("op.list")


@unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
@unittest.skipUnless(failpoints.points(), "needs a lodged with fail points")
class Operations(unittest.TestCase):
    """A host has four calls for operations: one user's do not take all of them."""

    def test_another_user_s_operation_finds_a_worker_beside_many_that_last(self):
        world = World()
        self.addCleanup(world.close)
        daemon = world.daemon("test:///default", env={"LODGED_FAILPOINT": "create.define:delay=8000"},
                              config={"daemon": {"socket_mode": "0666"}})
        daemon.synced().rpc.close()
        other = free_uid() + 1
        with daemon.rpc() as admin:
            admin.call("vm.adopt", vm="test", owner=f"#{other}", wait=True)
        with daemon.rpc(uid=free_uid()) as many, daemon.rpc(uid=other) as one:
            for number in range(6):
                many.ask("vm.create", name=f"a{number}", memory_mib=16, vcpus=1, network=None)
            many.call("server.ping")  # all of them have been read
            one.call("vm.pause", vm="test", wait=True, deadline=60)
            states = [op["state"] for op in many.call("op.list", state="done")["ops"]]
            self.assertEqual(states, [], "it had to wait for one of theirs")

    def test_a_user_keeps_but_half_of_the_processors_busy(self):
        """A start may take a whole one. The last of those who would take more begins when another is over,
        that is one delay later than the first."""
        delay_s, most = 2, min(max(os.cpu_count() // 2, 1), 3)
        world = World()
        self.addCleanup(world.close)
        path = world.folder / "fleet.xml"
        path.write_text(fleet_xml(most + 1))
        daemon = world.daemon(f"test://{path}", config={"daemon": {"socket_mode": "0666"}},
                              env={"LODGED_FAILPOINT": f"start.start:delay={delay_s * 1000}"})
        daemon.synced().rpc.close()
        with daemon.rpc() as admin:
            vms = [vm["uuid"] for vm in admin.call("vm.list")["vms"]]
            for vm in vms:
                admin.call("vm.adopt", vm=vm, owner=f"#{free_uid()}", wait=True)
        ended = []
        with daemon.rpc(uid=free_uid()) as user:
            numbers = [user.ask("vm.start", vm=vm, wait=True) for vm in vms]
            for number in numbers:
                user.answer(number, deadline=60)
                ended.append(time.monotonic())
        self.assertGreater(max(ended) - min(ended), delay_s / 2, ended)


@unittest.skipIf(os.geteuid() != 0, "it needs CAP_SYS_NICE")
@unittest.skipUnless(os.path.exists("/proc/self/autogroup"), "this Linux knows no autogroups")
class BeforeGuests(unittest.TestCase):
    def test_lodged_comes_before_guests_where_its_session_is_its_own(self):
        world = World()
        self.addCleanup(world.close)
        daemon = world.daemon("test:///default")
        group = pathlib.Path(f"/proc/{daemon.pid}/autogroup").read_text()
        self.assertRegex(group, r"nice -10$")


if __name__ == "__main__":
    promise.main()
