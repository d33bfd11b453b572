"""Nobody gets a screen that is not theirs: tickets, users, origins, hosts, strangers, floods, logs, files."""

import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
import rfb  # noqa: E402
from screens import ScreensTest, make_certificate  # noqa: E402
from websocket import Closed, Refused, WebSocket, http_get, read_head, request  # noqa: E402
from world import BUILD_DIR, Gone, RpcError, as_uid  # noqa: E402

OWNER, OTHER, VIEWER = 42001, 42002, 42003
FILES_OF_NOBODY = ("/../../../../etc/passwd", "/novnc/../../../../etc/passwd", "/novnc/..%2f..%2f..%2fetc/passwd",
                   "/novnc/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/novnc//etc/passwd",
                   "/novnc/core/../../../../etc/passwd", "/novnc/core/rfb.js/../../../../../etc/passwd",
                   "/novnc\\..\\..\\etc\\passwd", "/novnc/%00/etc/passwd")


class Security(ScreensTest):
    GUESTS = ("one", "two", "free")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with cls.daemon.rpc() as rpc:
            rpc.call("vm.adopt", vm="one", owner=f"#{OWNER}", wait=True)
            rpc.call("vm.adopt", vm="two", owner=f"#{OTHER}", wait=True)
            rpc.call("user.set", user=f"#{VIEWER}", role="viewer")

    # tickets

    def test_a_wrong_or_cut_or_lengthened_ticket_opens_nothing_and_leaves_the_right_one_good(self):
        opened = self.open()
        ticket = opened["ticket"]
        for wrong in ("0" * 64, ticket[:-1], ticket[:32], ticket + "0", ticket.upper() + "", "", "x" * 64,
                      ticket[:-1] + "\u00e9", ticket * 20, f"{'0' * 64}&ticket={ticket}"):
            if wrong == ticket:
                continue
            with self.subTest(ticket=wrong[:70]):
                said = self.refused(lambda: WebSocket(self.address, f"/console?ticket={wrong}"))
                self.assertIn("not, or no longer, good", said)
        self.refused(lambda: WebSocket(self.address, "/console"))
        self.nothing_came()
        rfb.greet(self.web(opened))

    def test_a_used_ticket_is_worth_nothing(self):
        opened = self.open()
        line = self.web(opened)
        self.refused(lambda: self.web(opened))
        rfb.greet(line)
        self.refused(lambda: self.web(opened))
        line.send(rfb.UPDATE_REQUEST)
        self.guest().wait(lambda g: g.received)

    def test_of_many_who_show_the_same_ticket_at_once_one_gets_in(self):
        opened, sockets, let_in = self.open(), [], 0
        text = request(f"/console?ticket={opened['ticket']}", f"127.0.0.1:{self.address[1]}", Upgrade="websocket",
                       Connection="Upgrade", Sec_WebSocket_Key="x3JJHMbDL1EzLkh9GBhXDw==", Sec_WebSocket_Version="13",
                       Sec_WebSocket_Protocol="binary")
        for _ in range(20):
            sockets.append(socket.create_connection(self.address, 10))
        for sock in sockets:
            sock.sendall(text)
        for sock in sockets:
            let_in += read_head(sock)[0] == 101
            sock.close()
        self.assertEqual(let_in, 1)

    def test_a_ticket_of_one_door_is_none_at_the_other(self):
        web, stream = self.open(), self.open(door="stream")
        line = rfb.Stream(self.stream, web["ticket"].encode() + b"\n")
        self.assertTrue(line.line().startswith("error: "))
        self.assertTrue(line.ends())
        self.refused(lambda: self.web(stream))
        self.nothing_came()

    def test_a_ticket_at_the_stream_door_is_for_who_asked_for_it(self):
        opened = self.open(door="stream")
        with as_uid(OTHER):
            line = rfb.Stream(self.stream, opened["ticket"].encode() + b"\n")
        self.assertTrue(line.line().startswith("error: "))
        line = rfb.Stream(self.stream, opened["ticket"].encode() + b"\n")
        self.assertEqual(line.line(), "ok\n")

    def test_a_ticket_opens_the_VM_that_it_was_given_for(self):
        with self.daemon.rpc(uid=OWNER) as owner:
            opened = owner.call("console.open", vm="one")
        self.web(opened)
        self.assertEqual(self.session(opened)["vm"], "one")

    def test_the_stream_doors_first_line_has_its_length(self):
        for first in (b"x" * 128, b"x" * 5000, b"\0" * 200):
            with self.subTest(first=first[:10]):
                line = rfb.Stream(self.stream, first)
                self.assertIn("128", line.line())
                self.assertTrue(line.ends())

    # users

    def test_another_users_VM_is_not_there_and_viewers_open_nothing(self):
        for uid, kind in ((OTHER, "not_found"), (VIEWER, "denied")):
            with self.subTest(uid=uid), self.daemon.rpc(uid=uid) as rpc, self.assertRaises(RpcError) as caught:
                rpc.call("console.open", vm="one")
            self.assertEqual(caught.exception.kind, kind)

    def test_sessions_are_listed_and_closed_by_whom_they_concern(self):
        opened = self.open("one")  # root's, on the owner's VM
        self.web(opened)
        listed = {}
        for uid in (OWNER, OTHER, VIEWER):
            with self.daemon.rpc(uid=uid) as rpc:
                listed[uid] = [s["session"] for s in rpc.call("console.list")["sessions"]]
        self.assertEqual(listed, {OWNER: [opened["session"]], OTHER: [], VIEWER: [opened["session"]]})
        with self.daemon.rpc(uid=OTHER) as rpc, self.assertRaises(RpcError) as caught:
            rpc.call("console.close", session=opened["session"])
        self.assertEqual(caught.exception.kind, "not_found")
        with self.daemon.rpc(uid=OWNER) as rpc:
            rpc.call("console.close", session=opened["session"])
        self.assertIsNone(self.session(opened))

    def test_who_becomes_the_VMs_owner_meanwhile_sees_and_closes_the_look(self):
        opened = self.open("free")
        line = self.web(opened)
        rfb.greet(line)
        self.rpc.call("vm.adopt", vm="free", owner=f"#{OTHER}", wait=True)
        with self.daemon.rpc(uid=OTHER) as rpc:
            self.assertEqual([s["session"] for s in rpc.call("console.list")["sessions"]], [opened["session"]])
            rpc.call("console.close", session=opened["session"])
        self.assertEqual(line.wait_closed().code, 4000)

    def test_access_taken_away_between_ticket_and_use_opens_nothing(self):
        def role(name):
            return lambda: self.rpc.call("user.set", user=f"#{OWNER}", role=name)

        for what, take in {"no role": role("none"), "viewer": role("viewer")}.items():
            with self.subTest(what=what):
                with self.daemon.rpc(uid=OWNER) as owner:
                    opened = owner.call("console.open", vm="one")
                    used = owner.call("console.open", vm="one")
                line = self.web(used)
                rfb.greet(line)
                take()
                self.refused(lambda: self.web(opened))
                self.assertEqual(line.wait_closed().reason, "access to the VM was taken away")
                seen = self.server.settle()
                for wish in (None, "open", "start"):  # its page is told why, and no more
                    closed = self.back(used, line.secret, again=wish).wait_closed()
                    self.assertEqual((closed.code, self.server.settle()), (4000, seen + 1))
                    seen += 1
                role("user")()
                self.refused(lambda: self.web(opened))

    # browsers

    def test_a_foreign_Origin_gets_no_screen(self):
        port = self.address[1]
        for origin in ("http://evil.example", "https://evil.example", "null", "http://127.0.0.1", "file://",
                       f"http://127.0.0.1:{port}.evil.example", f"http://127.0.0.1:{port}@evil.example",
                       f"http://evil.example:{port}", "http://localhost"):
            with self.subTest(origin=origin):
                self.refused(lambda: self.web(self.open(), origin=origin))
        self.nothing_came()
        self.web(self.open(), origin=f"http://127.0.0.1:{port}")

    def test_a_foreign_Host_gets_no_answer(self):
        port = self.address[1]
        for host in ("evil.example", f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", "10.0.0.1",
                     f"localhost.evil.example:{port}", "localhost:", "127.0.0.1:x", "[::1", "", "127.0.0.1:99999999"):
            with self.subTest(host=host):
                try:
                    status, _, body = http_get(self.address, "/", host=host or " ")
                    self.assertEqual((status, b"<html" in body), (403, False))
                except Closed:
                    pass
                with self.assertRaises((Refused, Closed)):
                    self.web(self.open(), host=host or " ")
        self.nothing_came()
        for host in (f"localhost:{port}", f"127.0.0.1:{port}", "localhost:16080", f"[::1]:{port}", "127.9.9.9"):
            with self.subTest(host=host):
                self.assertEqual(http_get(self.address, "/", host=host)[0], 200)

    def test_without_the_subprotocol_or_at_another_path_there_is_no_screen(self):
        opened = self.open()
        self.refused(lambda: self.web(opened, protocol="base64"))
        self.refused(lambda: self.web(opened, protocol=None))
        self.refused(lambda: WebSocket(self.address, f"/?ticket={opened['ticket']}"))
        self.refused(lambda: WebSocket(self.address, f"/novnc/?ticket={opened['ticket']}"))
        self.web(opened, protocol="chat, binary")

    def test_every_answer_has_its_security_headers(self):
        for path, host, status in (("/", None, 200), ("/page.js", None, 200), ("/novnc/core/rfb.js", None, 200),
                                   ("/nothing", None, 404), ("/novnc/nothing", None, 404), ("/", "evil.example", 403)):
            with self.subTest(path=path):
                got, headers, _ = http_get(self.address, path, host=host)
                self.assertEqual(got, status)
                found = dict(headers)
                self.assertIn("default-src 'none'", found["content-security-policy"])
                self.assertIn("frame-ancestors 'none'", found["content-security-policy"])
                self.assertEqual((found["x-content-type-options"], found["x-frame-options"],
                                  found["referrer-policy"]), ("nosniff", "DENY", "no-referrer"))
                if path == "/":
                    self.assertEqual(found["cache-control"], "no-store")

    def test_files_are_those_of_the_page_and_noVNC(self):
        for path in FILES_OF_NOBODY:
            with self.subTest(path=path):
                try:
                    status, _, body = http_get(self.address, path)
                except Closed:
                    continue
                self.assertNotIn(b"root:", body)
                self.assertIn(status, (200, 400, 403, 404))  # 200: something of noVNC's
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH"):
            with self.subTest(method=method):
                try:
                    self.assertGreaterEqual(http_get(self.address, "/", method=method)[0], 400)
                except (Closed, ConnectionResetError):
                    pass

    def test_health_is_told(self):
        self.assertEqual(http_get(self.address, "/healthz")[0], 200)
        self.assertEqual(http_get(self.address, "/readyz")[0::2], (200, b"ready\n"))

    # strangers

    def test_oversized_headers_are_cut_off_and_hurt_nobody(self):
        for extra in (b"X-Big: " + b"x" * 100000 + b"\r\n", b"X: y\r\n" * 20000, b"Accept: " + b"a" * 9000 + b"\r\n",
                      b"Host: " + b"h" * 6000 + b"\r\n", b"Origin: " + b"o" * 6000 + b"\r\n"):
            with self.subTest(extra=extra[:12]):
                try:
                    http_get(self.address, "/", extra=extra)
                except (Closed, ConnectionResetError, BrokenPipeError):
                    pass
                self.assertEqual(http_get(self.address, "/healthz")[0], 200)
        for path in ("/" + "p" * 20000, "/console?ticket=" + "t" * 20000):
            with self.assertRaises((Refused, Closed, ConnectionResetError, BrokenPipeError)):
                WebSocket(self.address, path)
        self.rpc.call("server.ping")

    def test_connections_that_never_show_a_ticket_are_closed_and_lock_nobody_out(self):
        begun = time.monotonic()
        web = [socket.create_connection(self.address, 30) for _ in range(80)]
        for at, sock in enumerate(web):
            try:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: 127" if at % 2 else b"G")
            except OSError:
                pass
        streams = [rfb.Stream(self.stream, b"") for _ in range(80)]
        self.rpc.call("server.ping")
        for sock in web:
            try:
                while sock.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            sock.close()
        self.assertTrue(all(stream.ends() for stream in streams))
        self.assertLess(time.monotonic() - begun, 20)
        self.assertGreater(time.monotonic() - begun, 3)
        rfb.greet(self.web(self.open()))

    def test_who_keeps_asking_for_pages_and_shows_no_ticket_locks_nobody_out_and_goes(self):
        ask = request("/healthz", f"127.0.0.1:{self.address[1]}")
        web = [socket.create_connection(self.address, 30) for _ in range(64)]
        self.addCleanup(lambda: [sock.close() for sock in web])
        until, left = time.monotonic() + 15, set(web)
        streams = [rfb.Stream(self.stream, b"") for _ in range(64)]
        for _ in range(3):
            rfb.greet(self.web(self.open()))  # the oldest make room
            line = rfb.Stream(self.stream, self.open(door="stream")["ticket"].encode() + b"\n")
            self.assertEqual(line.line(), "ok\n")
        self.assertTrue(streams[0].ends(1))
        while left and time.monotonic() < until:
            for sock in list(left):
                try:
                    sock.sendall(ask)
                    if not sock.recv(65536):
                        left.remove(sock)
                except OSError:
                    left.remove(sock)
            self.world.keeper.look(0.5)
        self.assertEqual(len(left), 0, "connections without a ticket are still there after 15 s")
        rfb.greet(self.web(self.open()))

    def test_a_thousand_bad_tickets_a_second_slow_nobody_down(self):
        line = self.web(self.open())
        rfb.greet(line)
        slowest, tried, begun = 0, 0, time.monotonic()
        while tried < 1500:
            with self.assertRaises(Refused):
                WebSocket(self.address, f"/console?ticket={tried:064x}")
            tried += 1
            if tried % 50 == 0:
                at = time.monotonic()
                self.rpc.call("server.ping")
                slowest = max(slowest, time.monotonic() - at)
        print(f"        {tried / (time.monotonic() - begun):.0f} bad tickets a second, slowest ping "
              f"{slowest * 1000:.1f} ms")
        line.send(rfb.UPDATE_REQUEST)
        self.guest().wait(lambda g: g.received)
        self.assertLess(self.daemon.process.output().count("was not let in"), 100)

    def told_by_lodge(self):
        """What the verbs say that look: none of them is to hand on a way in."""
        said = ""
        for words in (("sessions",), ("sessions", "--json"), ("ls", "--json"), ("show", "one", "--json"), ("info", "--json"),
                      ("audit", "--json"), ("ops", "--json"), ("doctor",)):
            ran = subprocess.run([BUILD_DIR / "tui" / "lodge", "--socket", self.daemon.socket, *words],
                                 capture_output=True, text=True, timeout=30, check=False)
            said += ran.stdout + ran.stderr
        self.assertIn('"one"', said)
        return said

    def test_neither_log_nor_processes_nor_the_database_hold_a_ticket(self):
        self.rpc.call("server.set_log_level", level="debug")
        secrets = []
        for number in range(5):
            opened = self.open(door="stream" if number == 4 else "web")
            secrets.append(opened["ticket"])
            if number == 4:
                rfb.Stream(self.stream, opened["ticket"].encode() + b"\n").line()
                continue
            line = self.web(opened)
            secrets.append(line.secret)
            rfb.greet(line)
            line.break_off()
            self.back(opened, line.secret)
            for wrong in (f"/x?ticket={opened['ticket']}", f"/console?ticket={opened['ticket']}"):
                with self.assertRaises(Refused):
                    WebSocket(self.address, wrong)
            http_get(self.address, f"/page?ticket={opened['ticket']}")
        self.rpc.call("server.set_log_level", level="info")
        self.rpc.call("server.ping")
        said = self.daemon.process.output() + self.told_by_lodge()
        self.assertIn("is at the screen", said)
        database = b"".join(path.read_bytes() for path in self.daemon.state_dir.iterdir() if path.is_file())
        command = open(f"/proc/{self.daemon.pid}/cmdline", "rb").read()
        for secret in secrets:
            self.assertTrue(re.fullmatch("[0-9a-f]{64}", secret))
            self.assertNotIn(secret, said)
            self.assertNotIn(secret.encode(), database)
            self.assertNotIn(secret.encode(), command)


class Expiry(ScreensTest):
    CONSOLE = {"ticket_ttl_s": 1}

    def test_a_ticket_expires(self):
        opened, stream = self.open(), self.open(door="stream")
        until = time.monotonic() + 30
        while self.session(opened) is not None or self.session(stream) is not None:
            self.assertLess(time.monotonic(), until)
            self.world.keeper.look(0.05)
        with self.assertRaises(Refused):
            self.web(opened)
        self.assertTrue(rfb.Stream(self.stream, stream["ticket"].encode() + b"\n").line().startswith("error"))
        self.guest().wait(lambda g: g.ended)  # and its connection to the guest is gone


class Names(ScreensTest):
    CONSOLE = {"hosts": "lodge.example.org other.example.org:8443", "origins": "https://panel.example.org"}

    def test_configured_names_and_origins_are_let_in(self):
        for host, status in (("lodge.example.org", 200), ("LODGE.example.org:1234", 200),
                             ("other.example.org:8443", 200), ("other.example.org", 403),
                             ("other.example.org:1", 403), ("xlodge.example.org", 403)):
            with self.subTest(host=host):
                self.assertEqual(http_get(self.address, "/", host=host)[0], status)
        self.web(self.open(), origin="https://panel.example.org")
        for origin in ("https://panel.example.org:444", "http://panel.example.org"):
            with self.assertRaises(Refused):
                self.web(self.open(), origin=origin)


class Tls(ScreensTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lodge-tls-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        make_certificate(cls.folder, "first")
        cls.CONSOLE = {"tls_cert": cls.folder / "cert.pem", "tls_key": cls.folder / "key.pem"}
        cls.TLS = ssl.create_default_context(cafile=cls.folder / "cert.pem")
        super().setUpClass()

    def test_the_page_and_the_screen_come_over_TLS(self):
        opened = self.open()
        self.assertTrue(opened["url"].startswith("https://") and opened["ws_url"].startswith("wss://"))
        self.assertEqual(http_get(self.address, "/", tls=self.TLS)[0], 200)
        line = self.web(opened, origin=f"https://127.0.0.1:{self.address[1]}")
        rfb.greet(line)
        self.guest().send(b"picture" * 100000)
        self.assertEqual(line.receive(700000), b"picture" * 100000)
        line.send(rfb.key(0x61))
        self.guest().wait(lambda g: g.received == rfb.key(0x61))
        self.rpc.call("console.close", session=opened["session"])
        self.assertEqual(line.wait_closed().reason, "root closed it")

    def test_without_TLS_there_is_no_answer(self):
        with self.assertRaises((Closed, ConnectionResetError, AssertionError, ValueError, IndexError)):
            status, _, _ = http_get(self.address, "/")
            self.assertNotEqual(status, 200)
            raise Closed()

    def test_a_reload_takes_a_new_certificate_and_keeps_who_looks(self):
        line = self.web(self.open())
        rfb.greet(line)
        make_certificate(self.folder, "second")
        self.daemon.process.signal(1)
        fresh = ssl.create_default_context(cafile=self.folder / "cert.pem")
        until = time.monotonic() + 30
        while True:
            try:
                self.assertEqual(http_get(self.address, "/healthz", tls=fresh)[0], 200)
                break
            except ssl.SSLError:
                self.assertLess(time.monotonic(), until, "still the old certificate")
                self.world.keeper.look(0.05)
        line.send(rfb.UPDATE_REQUEST)
        self.guest().wait(lambda g: g.received)
        type(self).TLS = fresh


class Wide(ScreensTest):
    HTTP = "0.0.0.0:0"

    def test_wider_than_the_loopback_without_TLS_is_warned_of(self):
        self.assertIn("without TLS", self.daemon.process.output())
        self.assertIn("without TLS", self.rpc.call("server.info")["warnings"][0])
        opened = self.open()
        self.assertTrue(opened["url"].startswith(f"http://127.0.0.1:{self.address[1]}/"))
        self.address = "127.0.0.1", self.address[1]
        rfb.greet(self.web(opened))


if __name__ == "__main__":
    promise.main()
