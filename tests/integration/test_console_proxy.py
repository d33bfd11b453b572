"""Behind a reverse proxy: below a path, with TLS in front and Host rewritten, a screen opens, and comes back,
where [console] public_url says the proxy's address; where it does not, what must be set is said."""

import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
import rfb  # noqa: E402
from proxy import Proxy  # noqa: E402
from screens import ScreensTest, make_certificate  # noqa: E402
from websocket import WebSocket, http_get  # noqa: E402
from world import BUILD_DIR, CHECKOUT  # noqa: E402

PREFIX = "/lodge/"
NEEDS_BROWSER = unittest.skipUnless(shutil.which("chromium") and shutil.which("node"), "no Chromium or no node")


class Proxied(ScreensTest):
    CONSOLE = {"ticket_ttl_s": 600}  # a browser may take long to begin

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="lodge-proxy-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        make_certificate(cls.folder, "proxy")
        cls.front = ssl.create_default_context(cafile=cls.folder / "cert.pem")
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(cls.folder / "cert.pem", cls.folder / "key.pem")
        cls.proxies = [Proxy(cls.address, PREFIX, server, keeps_host) for keeps_host in (False, True)]
        for proxy in cls.proxies:
            cls.addClassCleanup(proxy.close)

    def public(self, proxy, name="localhost"):
        """lodged is told where its pages are for browsers; with the slash that was left out."""
        self.configure(public_url=f"https://{name}:{proxy.address[1]}/lodge")
        self.addCleanup(self.configure)

    def through(self, proxy, query, secret="7" * 64, name="localhost"):
        authority = f"{name}:{proxy.address[1]}"
        return WebSocket(proxy.address, f"{PREFIX}console?{query}", tls=self.front, secret=secret, host=authority,
                         origin=f"https://{authority}")

    def test_with_public_url_a_screen_opens_and_comes_back_however_Host_is_passed_on(self):
        for proxy in self.proxies:
            with self.subTest(keeps_host=proxy.keeps_host):
                self.public(proxy)
                opened = self.open()
                base = f"localhost:{proxy.address[1]}/lodge/"
                self.assertTrue(opened["url"].startswith(f"https://{base}#session="), opened["url"])
                self.assertEqual(opened["ws_url"], f"wss://{base}console?ticket={opened['ticket']}")
                line = self.through(proxy, f"ticket={opened['ticket']}")
                rfb.greet(line)
                line.break_off()
                rfb.greet(self.through(proxy, f"session={opened['session']}"))
                for path in ("", "page.js", "novnc/core/rfb.js", "healthz"):
                    self.assertEqual(http_get(proxy.address, PREFIX + path, tls=self.front,
                                              host=f"localhost:{proxy.address[1]}")[0], 200)

    def test_a_name_that_is_not_the_loopbacks_is_known_by_public_url(self):
        proxy = self.proxies[1]
        name = "vm.example.org"
        self.assertEqual(http_get(self.address, "/", host=name)[0], 403)
        self.public(proxy, name)
        self.assertEqual(http_get(self.address, "/", host=name)[0], 200)
        rfb.greet(self.through(proxy, f"ticket={self.open()['ticket']}", name=name))
        self.assertEqual(http_get(self.address, "/", host="other.example.org")[0], 403)

    def test_other_pages_get_nothing_with_it_either(self):
        proxy = self.proxies[0]
        self.public(proxy)
        port = proxy.address[1]
        for origin in ("https://evil.example", f"http://localhost:{port}", "https://localhost", "null",
                       f"https://localhost.evil.example:{port}", f"https://localhost:{port}/lodge/"):
            with self.subTest(origin=origin):
                opened = self.open()
                self.assertIn("public_url", self.refused(lambda o=opened, at=origin: self.web(o, origin=at)))
                rfb.greet(self.web(opened))  # its ticket is as good as before

    def test_without_it_the_refusal_says_what_to_set(self):
        rewrites, keeps = self.proxies
        opened = self.open()
        words = self.refused(lambda: self.through(rewrites, f"ticket={opened['ticket']}"))
        self.assertIn(f"https://localhost:{rewrites.address[1]}", words)
        self.assertIn("set public_url in [console] to its address", words)
        self.assertIn("set public_url in [console]", self.daemon.process.output())
        status, _, body = http_get(keeps.address, PREFIX, tls=self.front, host="vm.example.org")
        self.assertEqual(status, 403)
        self.assertIn(b"Behind a reverse proxy set public_url in [console]", body)

    def test_a_page_may_ask_whether_its_Origin_is_why(self):
        mine = f"http%3A%2F%2F127.0.0.1%3A{self.address[1]}"
        for query, status in ((f"origin={mine}", 200), ("origin=https%3A%2F%2Fevil.example", 403), ("origin=", 403),
                              ("origin=" + "x" * 1000, 403), ("other=1", 426)):
            with self.subTest(query=query):
                self.assertEqual(http_get(self.address, f"/console?{query}")[0], status)
        self.assertEqual(http_get(self.address, "/console")[0], 426)

    def test_lodge_vnc_prints_the_public_address_and_no_tunnel_for_a_name(self):
        self.public(self.proxies[0], "vm.example.org")
        ran = subprocess.run([BUILD_DIR / "tui" / "lodge", "--socket", self.daemon.socket, "vnc", "one"],
                             env={"PATH": "/usr/bin:/bin", "SSH_CONNECTION": "10.0.0.9 5 10.0.0.1 22"}, timeout=60,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        self.assertTrue(ran.stdout.startswith(f"https://vm.example.org:{self.proxies[0].address[1]}/lodge/#session="))
        self.assertNotIn("ssh", ran.stderr)

    def browse(self, what, url, proxy):
        """In Chromium; the script says CUT when the network is to break."""
        run = subprocess.Popen(["node", CHECKOUT / "tests" / "browser" / "proxy.mjs", what, url],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        for line in run.stdout:
            said.append(line)
            if line == "CUT\n":
                proxy.cut()
        if run.wait(timeout=60) == promise.SKIPPED:
            self.skipTest(said[0])
        self.assertEqual(run.returncode, 0, "".join(said))

    @NEEDS_BROWSER
    def test_in_a_browser_the_page_opens_and_comes_back(self):
        for proxy in self.proxies:
            with self.subTest(keeps_host=proxy.keeps_host):
                self.public(proxy)
                self.browse("opens", self.open()["url"], proxy)

    @NEEDS_BROWSER
    def test_in_a_browser_without_public_url_the_page_says_what_to_set(self):
        proxy = self.proxies[0]
        url = self.open()["url"].replace(f"http://127.0.0.1:{self.address[1]}/",
                                         f"https://localhost:{proxy.address[1]}{PREFIX}")
        self.browse("says", url, proxy)


if __name__ == "__main__":
    promise.main()
