"""A page whose connection broke comes back by the secret that it sent with its ticket, and nobody else does."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
import rfb  # noqa: E402
from screens import OWNER, ScreensTest  # noqa: E402
from websocket import Refused, WebSocket, http_get  # noqa: E402


class Return(ScreensTest):
    OWNED = ("one",)

    def test_a_ticket_opens_its_own_session_whatever_secret_comes_with_it(self):
        theirs = self.open("two")
        line = self.web(theirs)
        rfb.greet(line)
        session = f"session={theirs['session']}"
        for order in ("/console?ticket={}&" + session, "/console?" + session + "&ticket={}"):
            with self.subTest(order=order), self.daemon.rpc(uid=OWNER) as owner:
                mine = owner.call("console.open", vm="one")
                own = WebSocket(self.address, order.format(mine["ticket"]), secret=line.secret)
                rfb.greet(own)
                self.assertEqual((self.session(mine)["state"], self.session(mine)["vm"]), ("open", "one"))
                # a ticket that is none is not helped by a secret that is one
                self.refused(lambda o=order: WebSocket(self.address, o.format("0" * 64), secret=line.secret))
        line.send(rfb.UPDATE_REQUEST)  # and who was there has noticed nothing
        self.guest().wait(lambda g: g.received)

    def test_two_sessions_with_one_secret_are_still_two(self):
        first, second = self.open("one"), self.open("two")
        lines = [self.web(opened, secret="5" * 64) for opened in (first, second)]
        rfb.greet(lines[1])
        again = self.back(first, "5" * 64)
        self.assertEqual(lines[0].wait_closed().reason, "continued in another window")
        rfb.greet(again)
        self.assertEqual([self.session(opened)["state"] for opened in (first, second)], ["open", "open"])

    def test_a_secret_is_no_ticket_and_a_ticket_no_secret(self):
        opened = self.open()
        line = self.web(opened)
        self.refused(lambda: WebSocket(self.address, f"/console?ticket={line.secret}"))
        self.refused(lambda: self.back(opened, opened["ticket"]))

    def test_a_session_that_waits_for_its_ticket_has_no_way_back(self):
        opened = self.open()
        self.refused(lambda: self.back(opened, "0" * 64))
        rfb.greet(self.web(opened))

    def test_a_secret_that_is_none_is_refused_in_words_and_leaves_the_ticket_good(self):
        opened, good = self.open(), "0123456789abcdef" * 4
        for wrong, words in (("", "64 hexadecimal"), (good[:-1], "64 hexadecimal"), (good[:32], "64 hexadecimal"),
                             (good + "0", "64 hexadecimal"), (good.upper(), "64 hexadecimal"),
                             (good[:-1] + "g", "64 hexadecimal"), (good[:-1] + "%", "64 hexadecimal"),
                             (good + f", back.{good[:8]}", "two secrets"), ("0" * 300, "too many subprotocols")):
            with self.subTest(secret=wrong):
                self.assertIn(words, self.refused(lambda: self.web(opened, secret=wrong)))
        self.assertIn("binary first", self.refused(lambda: self.web(opened, protocol=f"back.{good}, binary")))
        self.assertIn("must be binary", self.refused(lambda: self.web(opened, protocol="chat", secret=None)))
        self.nothing_came()
        line = self.web(opened, secret=good)
        rfb.greet(line)
        for wrong in (good[:-1], good.upper(), good + "0"):
            self.assertIn("64 hexadecimal", self.refused(lambda: self.back(opened, wrong)))
        rfb.greet(self.back(opened, good))

    def test_the_answer_names_the_subprotocol_alone(self):
        opened = self.open()
        line = self.web(opened)
        again = self.back(opened, line.secret)
        for headers in (line.headers, again.headers):
            self.assertEqual([value for key, value in headers if key == "sec-websocket-protocol"], ["binary"])
            self.assertNotIn(line.secret, repr(headers))

    def test_no_cookie_is_set_and_none_changes_anything(self):
        opened = self.open()
        line = self.web(opened)
        again = self.back(opened, line.secret, Cookie=f"lodge-{opened['session']}={'0' * 64}; back={'0' * 64}")
        heard = [line.headers, again.headers]
        for cookie in (f"lodge-{opened['session']}={line.secret}", f"back.{line.secret}", f"back={line.secret}"):
            for how in ({"secret": None}, {"secret": "0" * 64}):
                with self.subTest(cookie=cookie, **how), self.assertRaises(Refused) as caught:
                    self.back(opened, **how, Cookie=cookie)
                heard.append(caught.exception.headers)
        heard += [http_get(self.address, path, extra=b"Cookie: a=b\r\n")[1]
                  for path in ("/", "/page.js", "/novnc/core/rfb.js", "/console", "/healthz", "/nothing")]
        self.assertEqual([key for headers in heard for key, _ in headers if "cookie" in key], [])


if __name__ == "__main__":
    promise.main()
