"""What a page may do when its session has ended: hear why, and where that was the guest's doing, open its screen
again or start it, as whoever asked for its ticket may, and no more."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
import rfb  # noqa: E402
from screens import OWNER, ScreensTest  # noqa: E402
from websocket import Closed  # noqa: E402

OVER, OFF, AGAIN = 4000, 4001, 4002


class AgainTest(ScreensTest):
    OWNED = ("one",)

    def setUp(self):
        super().setUp()
        self.owner = self.daemon.rpc(uid=OWNER)
        self.addCleanup(self.owner.close)

    def look(self, mode="rw", **how):
        """A session of the owner's and its page."""
        opened = self.owner.call("console.open", vm="one", start=True, mode=mode)
        line = self.web(opened, **how)
        rfb.greet(line)
        return opened, line

    def stop(self):
        self.rpc.call("vm.stop", vm="one", wait=True)

    def state(self):
        return self.rpc.call("vm.get", vm="one")["state"]

    def told(self, line):
        closed = line.wait_closed()
        return closed.code, closed.reason

    def ended(self, mode="rw"):
        """A page whose guest was forced off: what it was given, and its secret."""
        opened, line = self.look(mode)
        self.stop()
        self.assertEqual(line.wait_closed().code, OFF)
        return opened, line.secret

    def audited(self, method):
        rows = self.rpc.call("audit.list", limit=100)["rows"]
        return [(row["user"], row.get("error")) for row in rows if row["method"] == method]


class Again(AgainTest):
    def test_a_page_starts_its_guest_in_the_name_of_who_asked_for_it(self):
        opened, secret = self.ended()
        starts, opens = len(self.audited("vm.start")), len(self.audited("console.open"))
        line = self.back(opened, secret, again="start")
        rfb.greet(line)
        self.assertEqual(self.state(), "running")
        self.assertEqual(self.audited("vm.start")[:-starts or None], [(f"#{OWNER}", None)])
        self.assertEqual(self.audited("console.open")[:-opens or None], [(f"#{OWNER}", None)])
        started = self.rpc.call("op.list", vm="one")["ops"][0]
        self.assertEqual((started["kind"], started["user"]), ("vm.start", f"#{OWNER}"))
        line.send(rfb.UPDATE_REQUEST)
        sessions = self.rpc.call("console.list")["sessions"]
        self.assertEqual([(one["user"], one["vm"], one["mode"], one["state"]) for one in sessions],
                         [(f"#{OWNER}", "one", "rw", "open")])
        self.assertNotEqual(sessions[0]["session"], opened["session"])  # a new one, with a row of its own
        line.break_off()
        rfb.greet(self.back(opened, secret))  # which its page goes on calling by the old number

    def test_a_page_that_is_reloaded_hears_why_again(self):
        opened, secret = self.ended()
        for _ in range(2):
            self.assertEqual(self.told(self.back(opened, secret)), (OFF, "'one' was forced off by root"))
        self.assertEqual(self.state(), "shutoff")
        self.assertIn("no such session", self.refused(lambda: self.back(opened, "0" * 64)))
        self.assertIn("no such session", self.refused(lambda: self.back(opened, "0" * 64, again="start")))
        self.assertIn("no such session", self.refused(lambda: self.back(opened, None, again="start")))
        self.assertEqual(self.state(), "shutoff")

    def test_who_may_only_look_starts_nothing_and_opens_it_again(self):
        opened, secret = self.ended("ro")
        code, words = self.told(self.back(opened, secret, again="start"))
        self.assertEqual((code, self.state()), (OFF, "shutoff"))
        self.assertIn("may only look", words)
        self.assertEqual(self.told(self.back(opened, secret, again="open")), (OFF, "'one' is off"))
        self.rpc.call("vm.start", vm="one", wait=True)
        line = self.back(opened, secret, again="start")
        rfb.greet(line)
        self.assertEqual([one["mode"] for one in self.rpc.call("console.list")["sessions"]], ["ro"])

    def test_a_screen_whose_server_hung_up_is_opened_again(self):
        opened, line = self.look()
        self.guest().hang_up()
        self.assertEqual(self.told(line), (AGAIN, "the guest's VNC server closed the connection"))
        rfb.greet(self.back(opened, line.secret, again="open"))

    def test_a_page_that_is_reloaded_while_its_picture_stands_still_opens_it_again(self):
        """For some seconds it is waited for what has become of a guest whose server hung up."""
        opened, line = self.look()
        self.guest().hang_up()
        line.break_off()
        back = self.back(opened, line.secret)
        try:
            rfb.greet(back)
        except Closed as closed:
            self.assertEqual(closed.code, AGAIN)
            rfb.greet(self.back(opened, line.secret, again="open"))

    def test_what_a_person_has_ended_is_not_opened_again(self):
        opened, line = self.look()
        self.rpc.call("console.close", session=opened["session"])
        self.assertEqual(self.told(line)[0], OVER)
        seen = self.server.settle()
        for wish in ("open", "start"):
            self.assertEqual(self.told(self.back(opened, line.secret, again=wish)), (OVER, "root closed it"))
        self.assertEqual(self.server.settle(), seen + 1, "the guest's server was asked")

    def test_who_has_lost_access_opens_and_starts_nothing(self):
        opened, secret = self.ended()
        for role in ("viewer", "none"):
            with self.subTest(role=role):
                try:
                    self.rpc.call("user.set", user=f"#{OWNER}", role=role)
                    for wish in ("open", "start"):
                        code, words = self.told(self.back(opened, secret, again=wish))
                        self.assertEqual((code, words), (OVER, "'one' is not there for you any more"))
                finally:
                    self.rpc.call("user.set", user=f"#{OWNER}", role="user")
                self.owner = self.daemon.rpc(uid=OWNER)
        self.assertEqual(self.state(), "shutoff")
        self.assertEqual(self.audited("console.open")[0], (f"#{OWNER}", "'one' is not there for you any more"))

    def test_a_saved_guest_goes_on_where_it_was(self):
        opened, secret = self.ended()
        self.rpc.call("vm.start", vm="one", wait=True)
        self.rpc.call("vm.save", vm="one", wait=True)
        first = self.back(opened, secret, again="start")
        rfb.greet(first)  # it goes on where it was saved
        self.assertEqual(self.state(), "running")

    def test_a_page_is_started_from_twenty_times(self):
        opened, secret = self.ended()
        for _ in range(20):
            line = self.back(opened, secret, again="start")
            rfb.greet(line)
            self.stop()
            self.assertEqual(line.wait_closed().code, OFF)
        code, words = self.told(self.back(opened, secret, again="start"))
        self.assertEqual((code, words), (OFF, "this page has opened it 20 times: ask for a new link"))
        self.assertEqual(self.state(), "shutoff")

    def test_of_a_user_sixteen_pages_are_remembered(self):
        pages = [self.look() for _ in range(17)]
        self.stop()
        for _, line in pages:
            self.assertEqual(line.wait_closed().code, OFF)
        said = []
        for opened, line in pages:
            try:
                said.append(self.told(self.back(opened, line.secret))[0])
            except Exception as refused:  # pylint: disable=broad-except
                said.append(refused.status)
        self.assertEqual(sorted(said), [403] + [OFF] * 16)


class Bounds(AgainTest):
    CONSOLE = {"per_user": 2, "idle_s": 600}

    def test_places_count(self):
        opened, secret = self.ended()
        self.rpc.call("vm.start", vm="one", wait=True)
        others = [self.look() for _ in range(2)]
        code, words = self.told(self.back(opened, secret, again="open"))
        self.assertEqual(code, AGAIN)
        self.assertIn("you have 2 sessions", words)
        others[0][1].leave()
        rfb.greet(self.back(opened, secret, again="open"))

    def allow(self, per_hour):
        self.configure({"operations": {"per_hour": per_hour}})

    def test_operations_within_an_hour_count(self):
        opened, secret = self.ended()
        self.addCleanup(self.configure)
        self.allow(1)
        code, words = self.told(self.back(opened, secret, again="start"))
        self.assertEqual((code, self.state()), (OFF, "shutoff"))
        self.assertIn("within the hour", words)

    def test_a_start_that_is_refused_is_in_the_audit(self):
        opened, secret = self.ended()
        self.addCleanup(self.configure)
        opens, starts, per_hour = len(self.audited("console.open")), len(self.audited("vm.start")), 1
        while [error for _, error in self.audited("console.open")[:-opens]].count(None) == 0:
            per_hour += 1  # until there is room for the session, and none for the start
            self.allow(per_hour)
            self.told(self.back(opened, secret, again="start"))
        while len(rows := self.audited("vm.start")) == starts:
            self.world.keeper.look(0.02)
        self.assertIn("within the hour", rows[0][1])
        self.assertEqual((rows[0][0], self.state()), (f"#{OWNER}", "shutoff"))

    def test_after_the_time_without_input_a_page_is_a_stranger(self):
        self.configure(idle_s=1)
        self.addCleanup(self.configure)
        opened, secret = self.ended("ro")  # which that does not end while it is open
        self.world.keeper.look(1.1)
        self.assertIn("no such session", self.refused(lambda: self.back(opened, secret, again="open")))
        self.assertEqual(self.state(), "shutoff")


if __name__ == "__main__":
    promise.main()
