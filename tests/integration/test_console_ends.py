"""How a session ends is said as what it was: what became of the guest, and by whom, to who may know; a guest
that is paused is said to be while its screen stands still."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
import rfb  # noqa: E402
from screens import OWNER, ScreensTest  # noqa: E402

OFF, AGAIN, OVER = 4001, 4002, 4000


class Ends(ScreensTest):
    OWNED = ("one",)

    def look(self, uid=0):
        """A page at the screen of the guest that is the owner's."""
        with self.daemon.rpc(uid=uid) as rpc:
            line = self.web(rpc.call("console.open", vm="one", start=True))
        rfb.greet(line)
        return line

    def ends(self, line):
        closed = line.wait_closed()
        return closed.code, closed.reason

    def test_who_forced_it_off_or_shut_it_down_is_said_to_owner_and_admin(self):
        owner = self.daemon.rpc(uid=OWNER)
        self.addCleanup(owner.close)
        for caller, who in ((self.rpc, "root"), (owner, f"#{OWNER}")):
            for method, words in (("vm.stop", "was forced off"), ("vm.shutdown", "was shut down")):
                with self.subTest(method=method, who=who):
                    lines = [self.look(), self.look(OWNER)]
                    caller.call(method, vm="one", wait=True)
                    for line in lines:
                        self.assertEqual(self.ends(line), (OFF, f"'one' {words} by {who}"))

    def test_what_was_done_before_is_not_what_ended_it(self):
        self.look()
        self.rpc.call("vm.stop", vm="one", wait=True)
        line = self.look()
        self.rpc.call("vm.shutdown", vm="one", wait=True)
        self.assertEqual(self.ends(line), (OFF, "'one' was shut down by root"))

    def test_a_guest_that_is_saved_says_so(self):
        line = self.look()
        self.rpc.call("vm.save", vm="one", wait=True)
        self.assertEqual(self.ends(line), (OFF, "'one' was saved by root"))

    def test_a_paused_guest_is_said_to_be_while_its_session_goes_on(self):
        line, plain = self.look(OWNER), self.web(self.open(), protocol="binary", secret=None)
        rfb.greet(plain)
        self.rpc.call("vm.pause", vm="one", wait=True)
        self.assertEqual(line.wait_words(1), ["paused by root"])
        late = self.look()
        self.assertEqual(late.wait_words(1)[0][:6], "paused")
        with self.daemon.rpc(uid=OWNER) as owner:
            owner.call("vm.resume", vm="one", wait=True)
        self.assertEqual(line.wait_words(2)[1], "")
        self.assertEqual(late.wait_words(2)[1], "")
        line.send(rfb.UPDATE_REQUEST)
        self.guest().wait(lambda g: g.received)
        self.guest(1).send(b"picture")
        plain.receive(7)
        self.assertEqual(plain.words, [], "who does not ask for words gets binary messages alone")

    def test_access_that_is_taken_away_names_nobody(self):
        line = self.look(OWNER)
        try:
            self.rpc.call("user.set", user=f"#{OWNER}", role="viewer")
            self.assertEqual(self.ends(line), (OVER, "access to the VM was taken away"))
        finally:
            self.rpc.call("user.set", user=f"#{OWNER}", role="user")


class Deleted(ScreensTest):
    def test_a_guest_that_is_deleted_says_so(self):
        self.rpc.call("vm.adopt", vm="two", owner="root", wait=True)
        line = self.web(self.open("two"))
        rfb.greet(line)
        self.rpc.call("vm.delete", vm="two", wait=True)
        closed = line.wait_closed()
        self.assertEqual((closed.code, closed.reason), (OVER, "'two' was deleted by root"))


if __name__ == "__main__":
    promise.main()
