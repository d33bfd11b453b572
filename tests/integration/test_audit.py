"""The audit: what was done is in it when its caller hears of it, and refusals cost next to nothing."""

import fcntl
import json
import os
import pty
import re
import select
import sqlite3
import struct
import subprocess
import sys
import termios
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import failpoints  # noqa: E402
import promise  # noqa: E402
from world import BUILD_DIR, PATIENCE, Inotify, RpcError, World  # noqa: E402

ROOT = os.geteuid() == 0
VIEWER = 41003 if ROOT else None  # refused by role; else the admin is, by what is not there
FLOOD = 100000


class AuditTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def daemon(self, **how):
        daemon = self.world.daemon(config={"daemon": {"socket_mode": "0666"}}, **how)
        daemon.synced().rpc.close()
        return daemon

    def ask(self, daemon, question, *values):
        with sqlite3.connect(f"file:{daemon.state_dir}/lodge.db?mode=ro", uri=True) as database:
            return database.execute(question, values).fetchone()[0]


class Audit(AuditTest):
    def locked(self, daemon):
        """Another program writes into the database: nothing else is written meanwhile."""
        database = sqlite3.connect(f"{daemon.state_dir}/lodge.db", isolation_level=None)
        self.addCleanup(database.close)
        database.execute("BEGIN IMMEDIATE")
        return database

    def test_what_was_done_is_in_the_audit_after_a_kill_right_after_the_answer(self):
        calls = [("server.set_log_level", {"level": "info"}), ("user.set", {"user": "#41002", "role": "user"}),
                 ("quota.set", {"scope": "system", "limits": {"vms": 100}}), ("server.backup", {})]
        daemon = self.daemon()
        for number in range(3):
            for method, params in calls:
                with daemon.rpc() as rpc:
                    rpc.call(method, **params)
                    daemon.process.kill()
                written = self.ask(daemon, "SELECT count(*) FROM audit WHERE method = ? AND result = 'ok'", method)
                self.assertEqual(written, number + 1, method)
                daemon.start()

    def test_the_answer_waits_for_the_row_and_what_was_refused_or_changes_nothing_does_not(self):
        daemon = self.daemon()
        with daemon.rpc() as rpc:
            database = self.locked(daemon)
            done = rpc.ask("server.set_log_level", level="info")
            with self.assertRaises(RpcError):
                rpc.call("vm.stop", vm="nobody's")
            rpc.call("server.ping")
            self.assertNotIn(done, rpc.answers)
            database.execute("ROLLBACK")
            self.assertEqual(rpc.answer(done), {})
        self.assertEqual(self.ask(daemon, "SELECT count(*) FROM audit WHERE result = 'ok'"), 1)

    def test_an_entry_of_a_batch_and_a_notification_wait_as_well(self):
        daemon = self.daemon()
        level = {"jsonrpc": "2.0", "method": "server.set_log_level", "params": {"level": "info"}}
        ping = {"jsonrpc": "2.0", "method": "server.ping", "id": 2}
        with daemon.rpc() as rpc:
            database = self.locked(daemon)
            rpc.send_line([level, {**level, "id": 1}, ping])
            with daemon.rpc() as other:
                other.call("server.ping")
            rpc.drain()
            self.assertEqual((rpc.answers, rpc.orphans), ({}, []))
            database.execute("ROLLBACK")
            self.assertEqual([answer["id"] for answer in rpc.read_message()], [1, 2])
        self.assertEqual(self.ask(daemon, "SELECT count(*) FROM audit WHERE result = 'ok'"), 2)

    def test_who_hangs_up_before_the_answer_has_a_row_all_the_same(self):
        daemon = self.daemon()
        database = self.locked(daemon)
        with daemon.rpc() as rpc:
            rpc.ask("server.set_log_level", level="info")
            rpc.call("server.ping")
        with daemon.rpc() as rpc:
            rpc.call("server.ping")
            database.execute("ROLLBACK")
            rpc.call("server.set_log_level", level="info")
        self.assertEqual(self.ask(daemon, "SELECT count(*) FROM audit WHERE result = 'ok'"), 2)

    @unittest.skipUnless(ROOT, "only root can be somebody else")
    def test_whoever_has_filled_the_audit_is_not_read_until_there_is_room(self):
        daemon = self.daemon()
        database = self.locked(daemon)
        with daemon.rpc() as fills, daemon.rpc(uid=VIEWER) as other:
            asked = [fills.ask("server.set_log_level", level="info") for _ in range(256)]
            late = fills.ask("server.ping")
            for _ in range(1000):
                other.call("server.ping")
            self.assertFalse(select.select([fills.socket], [], [], 0)[0])
            database.execute("ROLLBACK")
            for call in [*asked, late]:
                self.assertEqual(fills.answer(call), {})
        self.assertEqual(self.ask(daemon, "SELECT count(*) FROM audit WHERE result = 'ok'"), 256)

    def test_without_a_store_what_was_done_is_answered_and_logged(self):
        daemon = self.daemon()
        os.rename(f"{daemon.state_dir}/lodge.db", f"{daemon.state_dir}/elsewhere")
        with daemon.rpc() as rpc:
            self.assertEqual(rpc.call("server.set_log_level", level="info"), {})
        daemon.stop()
        self.assertIn("called server.set_log_level", daemon.process.output())

    @unittest.skipUnless(failpoints.points(), "needs a lodged with fail points")
    def test_an_operation_that_is_cancelled_again_has_no_second_row(self):
        daemon = self.daemon(env={"LODGED_FAILPOINT": "create.define:delay=6000"})
        with daemon.rpc() as rpc:
            create = rpc.ask("vm.create", name="new", vcpus=1, memory_mib=16, network=None, wait=True)
            rpc.call("event.subscribe", topics=["op"])
            op = rpc.wait_for(lambda note: note.get("op", {}).get("step") == "define")["op"]["id"]
            for _ in range(5):
                self.assertEqual(rpc.call("op.cancel", op=op), {})
            with self.assertRaises(RpcError):
                rpc.answer(create)
        self.assertEqual(self.ask(daemon, "SELECT sum(times) FROM audit WHERE method = 'op.cancel'"), 1)

    def flood(self, daemon, count):
        """A client that is refused so often, and reads its answers."""
        if ROOT:
            with daemon.rpc() as admin:
                admin.call("user.set", user=f"#{VIEWER}", role="viewer")
        rpc = daemon.rpc(uid=VIEWER)
        rpc.socket.setblocking(True)
        calls = b"".join(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "vm.stop", "params": {"vm": f"no{number}"}})
                         .encode() + b"\n" for number in range(1000))
        sender = threading.Thread(target=rpc.socket.sendall, args=(calls * (count // 1000),), daemon=True)
        sender.start()
        poll = select.poll()
        poll.register(rpc.socket, select.POLLIN)
        answered = 0
        while answered < count:
            self.assertTrue(poll.poll(PATIENCE * 1000), f"{answered} answers")
            answered += rpc.socket.recv(1 << 18).count(b"\n")
        sender.join()

    def test_a_flood_of_refused_calls_is_written_whole_when_lodged_leaves_and_costs_no_memory(self):
        daemon = self.daemon()
        before = daemon.rss_kib()
        self.flood(daemon, FLOOD)
        grown = daemon.rss_kib() - before
        sanitized = daemon.sanitized()
        self.assertEqual(daemon.stop(), 0)
        refused = "FROM audit WHERE method = 'vm.stop' AND result <> 'ok'"
        self.assertEqual(self.ask(daemon, f"SELECT sum(times) {refused}"), FLOOD)
        self.assertLess(self.ask(daemon, f"SELECT count(*) {refused}"), 300)
        if not sanitized:
            self.assertLess(grown, 8 * 1024, f"KiB for {FLOOD} refusals")


class Asked(AuditTest):
    """A row says what was asked, as much as is fit to be kept, and which operation came of it."""

    NEW = {"name": "new", "vcpus": 2, "memory_mib": 64, "network": None}

    def setUp(self):
        super().setUp()
        self.started = self.daemon()
        self.rpc = self.started.rpc()
        self.addCleanup(self.rpc.close)

    def newest(self):
        return self.rpc.call("audit.list", limit=1)["rows"][0]

    def lodge(self, *words):
        ran = subprocess.run([BUILD_DIR / "tui" / "lodge", *words], capture_output=True, text=True, timeout=PATIENCE,
                             env={**os.environ, "LODGE_SOCKET": str(self.started.socket)}, check=True)
        return ran.stdout

    def refused(self, method, **params):
        with self.assertRaises(RpcError):
            self.rpc.call(method, **params)
        self.rpc.call("server.set_log_level", level="info")  # is answered when its row, and all before, are on disk
        return next(row for row in self.rpc.call("audit.list")["rows"] if row["method"] == method)

    def test_a_row_has_the_parameters_and_the_operation(self):
        op = self.rpc.call("vm.create", **self.NEW, wait=True, request_id="mine", timeout_ms=60000)["op"]
        row = self.newest()
        self.assertEqual((row["params"], row["op"]), (self.NEW, op))
        op = self.rpc.call("vm.update", vm="new", tags=["x"], wait=True)["op"]
        row = self.newest()
        self.assertEqual((row["params"], row["op"]), ({"vm": "new", "tags": ["x"]}, op))
        self.rpc.call("quota.set", scope="system", limits={"vms": None})
        row = self.newest()
        self.assertEqual((row["params"], row.get("op")), ({"scope": "system", "limits": {"vms": None}}, None))
        self.assertNotIn("params", self.refused("server.backup", bogus=1))

    def test_what_is_refused_and_counted_has_what_the_first_asked(self):
        for vcpus in (500, 501):
            row = self.refused("vm.update", vm="nobody's", vcpus=vcpus)
        self.assertEqual((row["params"], row["times"]), ({"vm": "nobody's", "vcpus": 500}, 2))

    def test_what_was_no_parameter_is_not_kept(self):
        row = self.refused("vm.update", vm="new", password="Hush-4711")
        self.assertNotIn("params", row)
        self.assertEqual(self.ask(self.started, "SELECT count(*) FROM audit WHERE params LIKE '%Hush%'"), 0)

    def test_a_row_keeps_so_many_bytes_and_says_what_it_left_out(self):
        tags = [f"{number:03d}" + "x" * 60 for number in range(32)]
        row = self.refused("vm.update", vm="nobody's", tags=tags, vcpus=3)
        self.assertEqual(row["params"], {"vm": "nobody's", "tags": "\u2026", "vcpus": 3})

    def test_lodge_audit_shows_it_as_it_is_typed_and_fits_the_terminal(self):
        op = self.rpc.call("vm.create", **self.NEW, disks=[{"size_gib": 1}], tags=["a", "b"], wait=True)["op"]
        self.rpc.call("vm.update", vm="new", autostart=False, name="newer", wait=True)
        self.rpc.call("quota.set", scope="user", user="root", limits={"vms": 7, "vcpus": None})
        self.refused("op.cancel", op=op)
        title, *rows = self.lodge("audit").splitlines()
        self.assertEqual(title.split(), ["AT", "USER", "WHAT", "TARGET", "ASKED", "OP", "TIMES", "RESULT"])
        self.refused("vm.media", vm="newer", iso="a.iso --owner root's")
        self.assertIn("--iso 'a.iso --owner root'\\''s'", self.lodge("audit"))
        for asked in (f"create  local/new  --cpus 2 --memory 64M --network none --disk 1G --tag a --tag b  {op} ",
                      "set  local/new  --autostart off --name newer  ", "quota set  user/root  vms=7 cpus=none  ",
                      f"ops {op} --cancel  "):
            self.assertTrue([row for row in rows if asked in re.sub("   +", "  ", row)], (asked, rows))
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        subprocess.run([BUILD_DIR / "tui" / "lodge", "audit"], stdout=theirs, timeout=PATIENCE, check=True,
                       env={**os.environ, "LODGE_SOCKET": str(self.started.socket), "LC_ALL": "C.UTF-8"})
        os.close(theirs)
        lines = os.read(ours, 65536).decode().splitlines()
        os.close(ours)
        self.assertLessEqual(max(map(len, lines)), 80, lines)
        self.assertTrue([line for line in lines if "--cpus" in line], lines)

    def test_an_operation_that_has_ended_shows_no_step(self):
        op = self.rpc.call("vm.create", **self.NEW, wait=True)["op"]
        last = self.rpc.call("op.get", op=op)["steps"][-1]["name"]
        listed = self.lodge("ops")
        self.assertNotIn("STEP", listed)
        self.assertNotIn(last, listed)
        self.assertEqual(self.lodge("ops", str(op)).splitlines()[0], "create of new: done")

    def test_quota_says_whose_it_is_also_where_it_was_set(self):
        user = self.lodge("quota", "set", "root", "vms=9")
        self.assertEqual([line.split()[0] for line in user.splitlines() if "vms" in line], ["system", "root"])
        system = self.lodge("quota", "set", "system", "vms=9")
        self.assertEqual([line.split()[0] for line in system.splitlines() if "vms" in line], ["system", "yours"])


class Forgets(AuditTest):
    OLD = 5500  # rows of each kind, and as many steps

    def with_old_rows(self, last_written):
        """A daemon whose database has rows of long ago, and was last written at that time."""
        daemon = self.daemon()
        daemon.stop()
        path = f"{daemon.state_dir}/lodge.db"
        database = sqlite3.connect(path)
        for number in range(self.OLD):
            database.execute("INSERT INTO audit (at_ms, uid, pid, method, target, result)"
                             " VALUES (?, 0, 1, 'vm.stop', '', 'ok')", (number,))
            database.execute("INSERT INTO op (id, kind, host, uuid, uid, state, step, started_ms, ended_ms) VALUES"
                             " (?, 'vm.stop', 'a', ?, 0, 'done', 'close', 0, ?)", (number + 1, "u" * 36, number))
            database.execute("INSERT INTO session (id, host, uuid, uid, peer, kind, mode, started_ms, ended_ms, reason)"
                             " VALUES (?, 'a', ?, 0, '', 'vnc', 'ro', ?, 1, 'x')", (number + 1, "u" * 36, number))
        database.execute("INSERT INTO op_step SELECT id, 1, 'close', 0 FROM op")
        database.commit()
        database.close()
        os.utime(path, (last_written, last_written))
        return daemon.start()

    def left(self, daemon):
        return [self.ask(daemon, f"SELECT count(*) FROM {table}") for table in ("audit", "op", "session", "op_step")]

    def wait_forgotten(self, daemon, left):
        until = time.monotonic() + PATIENCE + 40
        with Inotify(daemon.state_dir) as inotify, daemon.rpc() as rpc:
            poll = select.poll()
            poll.register(inotify.fd, select.POLLIN)
            while self.left(daemon)[2] > left:
                self.assertTrue(poll.poll(max(0, until - time.monotonic()) * 1000), self.left(daemon))
                inotify.clear()
                rpc.call("quota.get")  # what the same worker is asked comes between

    def test_old_rows_go_until_none_is_left_and_a_thousand_where_the_clock_has_jumped(self):
        wrong = self.with_old_rows(time.time() - 3 * 86400)
        good = self.with_old_rows(time.time())  # it comes after, and is through after
        self.wait_forgotten(good, 0)
        self.assertEqual(self.left(good), [0] * 4)
        self.wait_forgotten(wrong, self.OLD - 1000)
        self.assertEqual(self.left(wrong), [self.OLD - 1000] * 4)


if __name__ == "__main__":
    promise.main()
