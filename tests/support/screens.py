"""screens: lodged with guests of the test driver whose VNC server is one of ours."""

import secrets
import subprocess
import time
import unittest

from rfb import Server
from websocket import Refused, WebSocket
from world import PATIENCE, World, uuid_of

DOMAIN = ("<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>64</memory>"
          "<vcpu>1</vcpu><os><type>hvm</type></os><devices>"
          "<graphics type='vnc' port='{port}' listen='127.0.0.1'/></devices></domain>")


def make_certificate(folder, name):
    """A certificate of its own for localhost, with its key."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", folder / "key.new", "-out", folder / "cert.new", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    (folder / "key.new").rename(folder / "key.pem")
    (folder / "cert.new").rename(folder / "cert.pem")


OWNER = 42001


class ScreensTest(unittest.TestCase):
    CONSOLE = {}     # keys of [console]; None: lodged's default
    GUESTS = ("one", "two")
    PASSWORD = False
    HTTP = "127.0.0.1:0"
    OWNED = ()       # of them, those that are OWNER's
    TLS = None       # an ssl.SSLContext, where the web door has a certificate

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.server = Server(cls.PASSWORD)
        cls.addClassCleanup(cls.server.close)
        xml = cls.world.folder / "node.xml"
        xml.write_text("<node>" + "".join(
            DOMAIN.format(name=name, uuid=uuid_of(at), port=cls.server.port)
            for at, name in enumerate(cls.GUESTS)) + "</node>")
        cls.daemon = cls.world.daemon(
            {"t": f"test://{xml}"}, flags=["--http", cls.HTTP],
            config={"daemon": {"socket_mode": "0666"}, "console": cls.console()})
        cls.daemon.synced().rpc.close()
        with cls.daemon.rpc() as rpc:
            for name in cls.OWNED:
                rpc.call("vm.adopt", vm=name, owner=f"#{OWNER}", wait=True)
            host, port = rpc.call("server.info")["web"].rsplit(":", 1)
        cls.address = host, int(port)
        cls.stream = cls.daemon.socket + ".stream"

    @classmethod
    def console(cls):
        keys = {"per_user": 0, "per_vm": 0, **cls.CONSOLE}
        return {key: value for key, value in keys.items() if value is not None}

    def setUp(self):
        self.rpc = self.daemon.rpc()
        self.seen = self.server.settle()

    def tearDown(self):
        for session in self.rpc.call("console.list")["sessions"]:
            try:
                self.rpc.call("console.close", session=session["session"])
            except Exception:  # pylint: disable=broad-except
                pass  # it ended meanwhile
        self.rpc.close()

    def configure(self, sections=None, **console):
        """lodged reads its file again, with these keys of [console] beside the class's."""
        said = self.daemon.process.output().count("configuration read again")
        self.daemon.configure({"daemon": {"socket_mode": "0666"}, "console": {**self.console(), **console},
                               **(sections or {})})
        self.daemon.process.signal(1)
        until = time.monotonic() + PATIENCE
        while self.daemon.process.output().count("configuration read again") == said:
            assert time.monotonic() < until, "lodged does not read its file again"
            self.world.keeper.look(0.02)

    def open(self, vm="one", **params):
        return self.rpc.call("console.open", vm=vm, **params)

    def web(self, opened, **how):
        """The WebSocket that a ticket opens, with a secret as a page makes one."""
        if "protocol" not in how:
            how.setdefault("secret", secrets.token_hex(32))
        return WebSocket(self.address, f"/console?ticket={opened['ticket']}", tls=self.TLS, **how)

    def back(self, opened, secret, again=None, **how):
        wish = "" if again is None else f"&again={again}"
        return WebSocket(self.address, f"/console?session={opened['session']}{wish}", secret=secret, tls=self.TLS,
                         **how)

    def guest(self, number=0):
        """The server's end of the connection that was made so many after this test's first."""
        return self.server.guest(self.seen + number)

    def refused(self, act):
        with self.assertRaises(Refused) as caught:
            act()
        self.assertEqual(caught.exception.status, 403)
        return caught.exception.body.decode()

    def nothing_came(self):
        self.assertTrue(all(guest.received == b"" and guest.shared is None
                            for guest in self.server.guests[self.seen:]), "a viewer came through")

    def session(self, opened):
        """What console.list says of it; None when it is not there."""
        return next((session for session in self.rpc.call("console.list")["sessions"]
                     if session["session"] == opened["session"]), None)
