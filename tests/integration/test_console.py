"""Sessions on guests' screens: tickets, both doors, what passes, what ends them. The guests are the test
driver's, their VNC server is a scripted one."""

import os
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
import rfb  # noqa: E402
from screens import ScreensTest  # noqa: E402
from websocket import Refused  # noqa: E402
from world import BUILD_DIR, Mirror, RpcError  # noqa: E402


class Sessions(ScreensTest):
    def test_a_ticket_opens_the_screen_and_bytes_go_both_ways(self):
        opened = self.open()
        line = self.web(opened)
        self.assertEqual(rfb.greet(line), rfb.SERVER_INIT)
        line.send(rfb.key(0x61))
        self.guest().wait(lambda g: g.received == rfb.key(0x61))
        self.guest().send(b"picture" * 10000)
        self.assertEqual(line.receive(70000), b"picture" * 10000)
        session = self.session(opened)
        self.assertEqual((session["vm"], session["mode"], session["kind"], session["state"]),
                         ("one", "rw", "vnc", "open"))
        self.assertGreater(session["bytes"], 70000)

    def test_a_viewer_that_wants_the_screen_alone_shares_it(self):
        line = self.web(self.open())
        rfb.greet(line, shared=0)
        self.guest().wait(lambda g: g.shared is not None)
        self.assertEqual(self.guest().shared, b"\1")

    def test_read_only_looks_and_does_nothing_else(self):
        line = self.web(self.open(mode="ro"))
        rfb.greet(line)
        line.send(rfb.key(0x61) + rfb.pointer(3, 4, 1) + rfb.cut_text(b"paste") + rfb.UPDATE_REQUEST)
        self.guest().wait(lambda g: len(g.received) >= len(rfb.UPDATE_REQUEST))
        self.assertEqual(self.guest().received, rfb.UPDATE_REQUEST)

    def test_read_only_ends_on_what_it_does_not_know(self):
        line = self.web(self.open(mode="ro"))
        rfb.greet(line)
        line.send(b"\x7funknown")
        closed = line.wait_closed()
        self.assertEqual(closed.code, 4000)
        self.assertIn("read-only", closed.reason)

    def test_a_message_in_single_bytes_is_the_same_message(self):
        line = self.web(self.open(mode="ro"))
        rfb.greet(line)
        for byte in rfb.key(0x61) + rfb.UPDATE_REQUEST:
            line.send(bytes([byte]))
        self.guest().wait(lambda g: g.received == rfb.UPDATE_REQUEST)

    def test_what_is_open_is_listed_and_told_and_counted_at_its_VM(self):
        mirror = Mirror(self.daemon.rpc(), topics=["vm", "session"]).wait_ready()
        opened = self.open()
        line = self.web(opened)
        rfb.greet(line)
        mirror.wait(lambda m: m.vms["one"]["viewers"] == 1)
        self.assertEqual(self.session(opened)["state"], "open")
        self.rpc.call("console.close", session=opened["session"])
        mirror.wait(lambda m: m.vms["one"]["viewers"] == 0 and m.log[-1]["type"] == "removed"
                    or m.log[-2]["type"] == "removed")
        told = [(note["type"], note["session"].get("state")) for note in mirror.log
                if note.get("topic") == "session" and note["session"]["session"] == opened["session"]]
        self.assertEqual((told[0][0], told[-1]), ("added", ("removed", None)))
        last = [note["session"] for note in mirror.log if note.get("topic") == "session"][-1]
        self.assertEqual(last, {"session": opened["session"], "reason": "root closed it"})
        self.assertIn(("changed", "open"), told)
        self.assertIsNone(self.session(opened))

    def test_lodge_watch_says_who_came_in_and_why_it_is_over(self):
        watch = subprocess.Popen([BUILD_DIR / "tui" / "lodge", "watch"], stdout=subprocess.PIPE, text=True,
                                 env={**os.environ, "LODGE_SOCKET": self.daemon.socket})
        try:
            self.assertIn("watching 2 VMs", watch.stdout.readline())
            opened = self.open()
            rfb.greet(self.web(opened))
            self.assertRegex(watch.stdout.readline(), rf"  one  screen opened by root from 127\.0\.0\.1:\d+ "
                                                      rf"\(session {opened['session']}\)\n$")
            self.rpc.call("console.close", session=opened["session"])
            self.assertRegex(watch.stdout.readline(), rf"  one  screen of root closed "
                                                      rf"\(session {opened['session']}, \S+\): root closed it\n$")
        finally:
            watch.kill()
            watch.communicate()

    def test_console_close_tells_the_viewer_who_did_it_at_once(self):
        opened = self.open()
        line = self.web(opened)
        rfb.greet(line)
        self.rpc.call("console.close", session=opened["session"])
        closed = line.wait_closed()
        self.assertEqual((closed.code, closed.reason), (4000, "root closed it"))
        closed = self.back(opened, line.secret).wait_closed()  # it is told why, and no more
        self.assertEqual((closed.code, closed.reason), (4000, "root closed it"))
        with self.assertRaises(RpcError) as caught:
            self.rpc.call("console.close", session=opened["session"])
        self.assertEqual(caught.exception.kind, "not_found")

    def test_a_VM_that_stops_closes_its_sessions_with_a_reason(self):
        line = self.web(self.open("two"))
        rfb.greet(line)
        waiting = self.open("two")
        self.rpc.call("vm.stop", vm="two", wait=True)
        closed = line.wait_closed()
        self.assertEqual((closed.code, closed.reason), (4001, "'two' was forced off by root"))
        with self.assertRaises(Refused):
            self.web(waiting)
        with self.assertRaises(RpcError) as caught:
            self.open("two")
        self.assertEqual((caught.exception.kind, caught.exception.data["state"]), ("bad_state", "shutoff"))
        opened = self.open("two", start=True)
        self.assertEqual(self.rpc.call("vm.get", vm="two")["state"], "running")
        rfb.greet(self.web(opened))

    def test_a_VM_that_reboots_keeps_them(self):
        line = self.web(self.open())
        rfb.greet(line)
        self.rpc.call("vm.reset", vm="one", wait=True)
        line.send(rfb.UPDATE_REQUEST)
        self.guest().wait(lambda g: g.received == rfb.UPDATE_REQUEST)

    def test_who_hangs_up_is_not_counted_and_a_server_that_does_is_named(self):
        opened = self.open()
        line = self.web(opened)
        rfb.greet(line)
        self.guest().hang_up()
        closed = line.wait_closed()
        self.assertEqual((closed.code, closed.reason), (4002, "the guest's VNC server closed the connection"))

    def test_after_a_blip_the_viewer_comes_back_by_its_secret(self):
        opened = self.open()
        line = self.web(opened)
        rfb.greet(line)
        line.break_off()
        self.guest().wait(lambda g: g.ended)
        self.assertEqual(self.session(opened)["state"], "away")
        again = self.back(opened, line.secret)
        rfb.greet(again)
        again.send(rfb.key(0x62))
        self.guest(1).wait(lambda g: g.received == rfb.key(0x62))
        self.assertEqual(self.session(opened)["state"], "open")

    def test_another_window_takes_over(self):
        opened = self.open()
        line = self.web(opened)
        rfb.greet(line)
        again = self.back(opened, line.secret)
        closed = line.wait_closed()
        self.assertEqual((closed.code, closed.reason), (4003, "continued in another window"))
        rfb.greet(again)

    def test_the_secret_of_the_ticket_is_the_one_that_counts_however_often_one_comes_back(self):
        opened = self.open()
        line = self.web(opened)
        for _ in range(3):
            rfb.greet(line)
            line.break_off()
            line = self.back(opened, line.secret)
        self.assertEqual(self.session(opened)["state"], "open")

    def test_without_its_secret_nobody_comes_back(self):
        opened = self.open()
        line = self.web(opened)
        rfb.greet(line)  # so that its connection is the first
        others = self.web(self.open())
        for secret in (None, others.secret, "0" * 64, line.secret[:-1] + ("0" if line.secret[-1] == "1" else "1"),
                       line.secret[::-1]):
            with self.subTest(secret=secret), self.assertRaises(Refused) as caught:
                self.back(opened, secret)
            self.assertEqual(caught.exception.status, 403)
            self.assertIn(b"there is no such session to come back to", caught.exception.body)
        for session in ("0", "-1", "", "1x", "99999", f"{1 << 70}"):
            with self.subTest(session=session), self.assertRaises(Refused):
                self.back({"session": session}, line.secret)
        line.send(rfb.UPDATE_REQUEST)  # and nothing happened to it
        self.guest().wait(lambda g: g.received)

    def test_who_gave_no_secret_with_the_ticket_holds_no_place_and_does_not_come_back(self):
        opened = self.open()
        line = self.web(opened, protocol="binary")
        rfb.greet(line)
        for secret in (None, "0" * 64, "f" * 64):
            with self.subTest(secret=secret), self.assertRaises(Refused):
                self.back(opened, secret)
        line.break_off()
        self.guest().wait(lambda g: g.ended)
        self.row(opened, lambda row: row and row["reason"] == "its viewer has left")
        self.assertIsNone(self.session(opened))
        with self.assertRaises(Refused):
            self.back(opened, "0" * 64)

    def test_rows_say_when_it_began_how_it_ended_and_how_much_went(self):
        opened = self.open(mode="ro")
        line = self.web(opened)
        rfb.greet(line)
        self.rpc.call("console.close", session=opened["session"])
        line.wait_closed()
        row = self.row(opened, lambda row: row and row["ended_ms"])
        self.assertEqual((row["kind"], row["mode"], row["door"], row["vm_name"], row["reason"]),
                         ("vnc", "ro", "web", "one", "root closed it"))
        self.assertGreater(row["bytes"], len(rfb.SERVER_INIT))
        self.assertLessEqual(row["started_ms"], row["ended_ms"])

    def row(self, opened, condition):
        """A worker writes it: looked for until the condition holds."""
        until = time.monotonic() + 30
        while True:
            database = sqlite3.connect(self.daemon.state_dir / "lodge.db")
            database.row_factory = sqlite3.Row
            row = database.execute("SELECT * FROM session WHERE id = ?", (opened["session"],)).fetchone()
            database.close()
            if condition(row):
                return row
            self.assertLess(time.monotonic(), until, "no such row in time")
            self.world.keeper.look(0.02)

    def test_the_stream_door_takes_the_ticket_as_first_line(self):
        opened = self.open(door="stream")
        self.assertEqual(opened["socket"], self.stream)
        self.assertNotIn("url", opened)
        line = rfb.Stream(self.stream, opened["ticket"].encode() + b"\n")
        self.assertEqual(line.line(), "ok\n")
        rfb.greet(line)
        line.send(rfb.key(0x61))
        self.guest().wait(lambda g: g.received == rfb.key(0x61))
        self.guest().send(b"x" * 3000000)
        self.assertEqual(line.receive(3000000), b"x" * 3000000)
        self.assertEqual(self.session(opened)["peer"], f"pid {os.getpid()}")
        line.close()
        self.guest().wait(lambda g: g.ended)
        self.row(opened, lambda row: row and row["reason"] == "its viewer has left")

    def test_a_viewer_that_does_not_read_stops_its_own_server_and_nobody_else(self):
        stalled = self.web(self.open(), buffer=4096)
        rfb.greet(stalled)
        other = self.web(self.open())
        rfb.greet(other)
        before = self.daemon.rss_kib()
        guest, block, sent = self.guest(), b"s" * 65536, 0
        guest.socket.settimeout(1)
        try:
            while sent < 100 << 20:
                guest.socket.sendall(block)
                sent += len(block)
        except TimeoutError:
            pass
        self.assertLess(sent, 100 << 20, "the server was not held back")
        self.guest(1).send(b"o" * 1000000)
        self.assertEqual(other.receive(1000000), b"o" * 1000000)
        if not self.daemon.sanitized():  # each byte of the relays' buffer has four of shadow there
            self.assertLess(self.daemon.rss_kib() - before, 8192)


class Limits(ScreensTest):
    CONSOLE = {"per_user": 2, "per_vm": 3, "idle_s": 2, "ticket_ttl_s": 600}

    def test_a_user_has_so_many_sessions_and_an_unused_ticket_makes_room(self):
        first, second = self.web(self.open()), self.web(self.open())
        rfb.greet(first)
        with self.assertRaises(RpcError) as caught:
            self.open()
        self.assertEqual(caught.exception.kind, "too_many")
        second.break_off()
        self.guest(1).wait(lambda g: g.ended)
        with self.assertRaises(RpcError):
            self.open()  # one that may come back counts
        for session in self.rpc.call("console.list")["sessions"]:
            self.rpc.call("console.close", session=session["session"])
        unused = self.open()
        self.web(self.open())
        latest = self.open()
        with self.assertRaises(Refused):
            self.web(unused)
        self.web(latest)

    def test_a_closed_page_frees_its_place_at_once_and_a_reload_comes_back(self):
        opened = self.open()
        first, second = self.web(opened), self.web(self.open())
        rfb.greet(first)
        rfb.greet(second)
        first.leave()
        self.guest().wait(lambda g: g.ended)
        self.assertEqual(self.session(opened)["state"], "away")
        first = self.back(opened, first.secret)  # a reload
        rfb.greet(first)
        with self.assertRaises(RpcError):
            self.open()  # it counts again
        first.leave()
        self.guest(2).wait(lambda g: g.ended)
        third = self.web(self.open())
        rfb.greet(third)
        closed = self.back(opened, first.secret).wait_closed()  # its place was wanted
        self.assertEqual((closed.code, closed.reason), (4000, "its viewer has left"))
        self.assertIsNone(self.session(opened))
        second.send(rfb.UPDATE_REQUEST)
        self.guest(1).wait(lambda g: g.received)

    def test_a_closed_page_is_no_VMs_place_either(self):
        lines = [self.web(self.open(mode="ro")) for _ in range(2)]
        with self.daemon.rpc(uid=42001) as other:
            self.rpc.call("vm.adopt", vm="one", owner="#42001", wait=True)
            lines.append(self.web(other.call("console.open", vm="one")))
            with self.assertRaises(RpcError) as caught:
                other.call("console.open", vm="one")
            self.assertIn("'one' has 3 sessions", str(caught.exception))
            lines[0].leave()
            rfb.greet(self.web(other.call("console.open", vm="one")))

    def test_a_session_that_may_write_ends_without_input(self):
        looks = self.web(self.open(mode="ro"))
        rfb.greet(looks)
        writes = self.web(self.open())
        rfb.greet(writes)
        begun = time.monotonic()
        while time.monotonic() - begun < 1:
            writes.send(rfb.UPDATE_REQUEST)  # looking is no input
            self.world.keeper.look(0.1)
        closed = writes.wait_closed()
        self.assertEqual((closed.code, closed.reason), (4000, "nothing was typed or clicked for 2 s"))
        self.assertGreater(time.monotonic() - begun, 1.5)
        looks.send(rfb.UPDATE_REQUEST)
        self.guest().wait(lambda g: g.received)

    def test_a_session_that_came_back_ends_without_input_too(self):
        opened = self.open()
        line = self.web(opened)
        rfb.greet(line)
        line.break_off()
        self.guest().wait(lambda g: g.ended)
        again = self.back(opened, line.secret)
        rfb.greet(again)
        closed = again.wait_closed()
        self.assertEqual((closed.code, closed.reason), (4000, "nothing was typed or clicked for 2 s"))

    def test_limits_change_while_it_runs(self):
        line = self.web(self.open(mode="ro"))
        rfb.greet(line)
        console = {"per_user": 2, "per_vm": 3, "ticket_ttl_s": 600}
        self.daemon.configure({"daemon": {"socket_mode": "0666"}, "console": {**console, "max_s": 1}})
        self.daemon.process.signal(1)
        closed = line.wait_closed()
        self.assertEqual(closed.code, 4000)
        self.assertIn("open for 1 s", closed.reason)
        self.daemon.configure({"daemon": {"socket_mode": "0666"}, "console": self.CONSOLE})
        self.daemon.process.signal(1)
        until = time.monotonic() + 30
        while self.daemon.process.output().count("configuration read again") < 2:
            self.assertLess(time.monotonic(), until)
            self.world.keeper.look(0.02)


class Defaults(ScreensTest):
    CONSOLE = {"per_user": None}

    def test_a_user_has_eight_screens_by_default(self):
        lines = [self.web(self.open()) for _ in range(8)]
        for line in lines:
            rfb.greet(line)
        with self.assertRaises(RpcError) as caught:
            self.open()
        self.assertEqual(caught.exception.kind, "too_many")
        self.assertIn("you have 8 sessions", str(caught.exception))


class Passwords(ScreensTest):
    PASSWORD = True

    def test_a_servers_password_is_asked_of_the_viewer(self):
        line = self.web(self.open())
        self.assertEqual(rfb.greet(line, password=rfb.PASSWORD_GOOD), rfb.SERVER_INIT)

    def test_after_a_wrong_password_the_page_may_come_back_and_try_another(self):
        opened = self.open()
        line = self.web(opened)
        with self.assertRaises(PermissionError):
            rfb.greet(line, password=rfb.PASSWORD_BAD)
        self.assertNotEqual(line.wait_closed().code, 4000)
        again = self.back(opened, line.secret)
        rfb.greet(again, password=rfb.PASSWORD_GOOD)

    def test_after_a_wrong_password_who_gave_no_secret_is_told_that_it_is_over(self):
        opened = self.open()
        line = self.web(opened, protocol="binary")
        with self.assertRaises(PermissionError):
            rfb.greet(line, password=rfb.PASSWORD_BAD)
        self.assertEqual(line.wait_closed().code, 4000)
        self.assertIsNone(self.session(opened))


class Restart(ScreensTest):
    row = Sessions.row

    def test_a_restart_closes_what_was_open_and_numbers_go_on(self):
        opened = self.open()
        line = self.web(opened)
        rfb.greet(line)
        self.row(opened, lambda row: row)
        self.rpc.close()
        self.daemon.process.kill()
        self.assertIsNone(line.wait_closed().code)
        self.daemon.start()
        self.daemon.synced().rpc.close()
        self.rpc = self.daemon.rpc()
        row = self.row(opened, lambda row: row["ended_ms"])
        self.assertEqual(row["reason"], "lodged was not there any more")
        self.assertGreater(self.open()["session"], opened["session"])

    def test_who_looks_is_told_that_lodged_leaves(self):
        host, port = self.rpc.call("server.info")["web"].rsplit(":", 1)
        self.address = host, int(port)
        opened = self.open()
        line = self.web(opened)
        rfb.greet(line)
        self.assertEqual(self.daemon.stop(), 0)
        closed = line.wait_closed()
        self.assertEqual((closed.code, closed.reason), (4000, "lodged is leaving"))
        self.assertEqual(self.row(opened, lambda row: row)["reason"], "lodged is leaving")
        self.daemon.start()
        self.daemon.synced().rpc.close()
        self.rpc = self.daemon.rpc()


if __name__ == "__main__":
    promise.main()
