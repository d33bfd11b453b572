"""What is the same for all who ask is read once for all of them, and what hangs holds up nobody else: the
library, pools and networks, XML, comparisons, copies of the database. A folder whose file server does not
answer (FUSE, root) stands in the library, or is a pool of a private libvirtd."""

import os
import pathlib
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import dead_folder  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import BUILD_DIR, Inotify, RpcError, World  # noqa: E402

BARE = {"vcpus": 1, "memory_mib": 64, "network": None}
SMALL = {**BARE, "disks": [{"size_gib": 1}]}
IN_CLOSE_NOWRITE, IN_OPEN = 0x10, 0x20
POOLS_S, XML_S, OTHERS_S = 10, 2, 5  # what is bounded, and far less than what hangs would take
MANY = 32


class Opened(Inotify):
    """Counts how often a file was opened; events that are the same in a row are one, so it hears of closes."""

    def __init__(self, path):
        super().__init__()
        self.libc.inotify_add_watch(self.fd, os.fsencode(str(path)), IN_OPEN | IN_CLOSE_NOWRITE)

    def count(self):
        try:
            events = struct.iter_unpack("=iIII", os.read(self.fd, 1 << 16))  # without names
            return sum(mask & IN_OPEN != 0 for _, mask, _, _ in events)
        except BlockingIOError:
            return 0


class SharingTest(unittest.TestCase):
    def asked(self, method, count, **params):
        """As many, in one go, each on a connection of its own."""
        clients = [self.daemon.rpc() for _ in range(count)]
        return [(client, client.ask(method, **params)) for client in clients]

    def answers(self, asked, deadline=60):
        return [client.answer(number, deadline) for client, number in asked]

    def refused(self, asked, kind):
        for client, number in asked:
            with self.assertRaises(RpcError) as caught:
                client.answer(number, 60)
            self.assertEqual(caught.exception.kind, kind, caught.exception)
        return caught.exception

    def leave(self, what):
        slow = self.daemon.sanitized()  # who looks for leaks takes its time
        begun = time.monotonic()
        self.daemon.process.signal(15)
        self.assertEqual(self.daemon.process.wait(60), 0, self.daemon.process.tail())
        if not slow:
            self.pace.check(self, begun, OTHERS_S, what)

    def within(self, bound, what, method, deadline=60, **params):
        begun = time.monotonic()
        answer = self.rpc.call(method, deadline=deadline, **params)
        self.pace.check(self, begun, bound, what)
        return answer


@unittest.skipIf(dead_folder.why_not(), dead_folder.why_not())
class Library(SharingTest):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.pace = self.world.pace()
        self.library = self.world.folder / "library"
        self.library.mkdir()
        self.put("a.raw")
        self.dead = dead_folder.DeadFolder(self.world, self.world.folder / "dead")
        self.daemon = self.world.daemon("test:///default", wrap=self.dead.wrap, config={
            "images": {"dirs": f"{self.dead.path} {self.library}"}})
        self.rpc = self.daemon.synced(60).rpc

    def put(self, name):
        (self.library / name).write_bytes(bytes(1 << 20))

    def names(self, answer):
        return [image["name"] for image in answer["images"]]

    def test_many_who_ask_for_the_library_at_once_have_it_read_twice_and_hold_up_no_question(self):
        opened = Opened(self.library / "a.raw")
        first = self.asked("image.list", 1)
        self.dead.wait_asked()
        asked = self.asked("image.list", MANY)
        for method in ("op.list", "audit.list", "quota.get", "user.list", "server.backup", "server.compare"):
            self.within(OTHERS_S, f"{method} was held up by the library", method)
        self.put("b.raw")
        late = self.asked("image.list", 1)
        self.dead.answer()
        self.answers(first)
        for answer in self.answers(asked):
            self.assertEqual(answer, {"images": answer["images"]})
        self.assertEqual([self.names(answer) for answer in self.answers(late)], [["a.raw", "b.raw"]])
        self.assertEqual(opened.count(), 2)

    def test_lodged_leaves_at_once_also_while_the_library_does_not_answer(self):
        self.asked("image.list", 3)
        self.dead.wait_asked()
        self.leave("leaving waited for the library")


class Copies(SharingTest):
    def test_many_who_ask_for_a_copy_of_the_database_at_once_share_few(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.daemon = self.world.daemon("test:///default")
        self.daemon.synced(60).rpc.close()
        copies = self.answers(self.asked("server.backup", 100))
        paths = {copy["path"] for copy in copies}
        self.assertLess(len(paths), 50)
        for path in paths:
            self.assertTrue(pathlib.Path(path).exists())


@unittest.skipIf(libvirtds.why_not() or dead_folder.why_not(), libvirtds.why_not() or dead_folder.why_not())
class Pools(SharingTest):
    """A pool of libvirt's is being started whose file server does not answer: it has locked it."""

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()

    def setUp(self):
        self.pace = self.world.pace()
        self.daemon = self.world.daemon(None, name=f"d{self.id().rpartition('.')[2][5:9]}", config={
            "host q": {"uri": self.libvirtd.qemu_uri, "pool": "mine", "dir": self.world.folder / "mine"}})
        self.addCleanup(self.daemon.stop)
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()
        self.rpc.call("vm.create", name="web", wait=True, deadline=60, **SMALL)
        self.addCleanup(self.libvirtd.virsh, "undefine", "web")

    def hang(self):
        self.dead = dead_folder.DeadFolder(self.world, self.world.folder / f"dead{self.id()[-9:]}",
                                           self.libvirtd.holder.pid)
        self.libvirtd.virsh("pool-define-as", "dead", "dir", "--target", self.dead.path)
        starting = subprocess.Popen(["virsh", "-q", "-c", self.libvirtd.qemu_uri, "pool-start", "dead"],
                                    stderr=subprocess.DEVNULL)
        self.addCleanup(self.libvirtd.virsh, "pool-undefine", "dead")
        self.addCleanup(starting.wait, 60)
        self.addCleanup(self.dead.end)
        self.dead.wait_asked()

    def test_a_pool_that_hangs_holds_up_neither_networks_nor_XML_nor_operations(self):
        self.hang()
        begun = time.monotonic()
        asked = self.asked("pool.list", MANY)
        compared = self.asked("server.compare", 3)
        for _ in range(6):  # libvirt's client may send a second call of a connection 5 s late
            self.within(OTHERS_S, "networks wait for a pool", "network.list")
            xml = self.within(XML_S, "XML waits for a pool", "vm.get", vm="web", xml=True)["xml"]
            self.assertIn("<name>web</name>", xml)
        for method in ("vm.start", "vm.stop"):
            self.within(20, f"{method} waits for a pool", method, vm="web", wait=True)
        error = self.refused(asked, "timeout")
        self.assertIn("has not listed its pools within 10 s", str(error))
        self.assertIn("pool-list", str(error))
        self.pace.check(self, begun, POOLS_S + 20, "the pools were waited for")
        for answer in self.answers(compared):
            [unread] = answer["unread_volumes"]
            self.assertEqual(unread["host"], "q")
            self.assertIn("within 10 s", unread["why"])
        readers = [pathlib.Path(task, "comm").read_text().strip()
                   for task in pathlib.Path(f"/proc/{self.daemon.pid}/task").iterdir()]
        self.assertLessEqual(readers.count("read"), 2)
        begun = time.monotonic()
        self.refused(self.asked("pool.list", 1), "timeout")
        self.pace.check(self, begun, POOLS_S + 1, "it was not answered in time")
        self.dead.end()
        pools = {pool["name"]: pool["active"] for pool in self.rpc.call("pool.list", deadline=60)["pools"]}
        self.assertEqual(pools, {"mine": True, "dead": False})
        self.assertEqual(self.rpc.call("server.compare", deadline=60)["unread_volumes"], [])

    def test_doctor_says_whose_volumes_were_not_compared(self):
        self.hang()
        ran = subprocess.run([BUILD_DIR / "tui" / "lodge", "doctor"], timeout=60, text=True, capture_output=True,
                             env={**os.environ, "LODGE_SOCKET": self.daemon.socket}, check=False)
        self.assertIn("volumes were not compared: libvirt on host 'q' has not told", ran.stdout)

    def test_lodged_leaves_while_a_pool_hangs_and_who_waits_is_told_when_its_host_has_gone(self):
        self.hang()
        self.asked("pool.list", 3)
        self.asked("server.compare", 2)
        self.within(XML_S, "XML waits for a pool", "vm.get", vm="web", xml=True)
        self.leave("leaving waited for a pool")
        self.daemon.start().synced(60).rpc.close()
        asked = self.asked("pool.list", 3)
        self.libvirtd.kill()
        self.addCleanup(self.libvirtd.start)
        self.addCleanup(self.dead.end)  # before: it looks at its pools when it starts
        self.refused(asked, "host_down")


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Xml(SharingTest):
    def test_XML_that_libvirt_does_not_tell_is_a_timeout_for_all_who_ask(self):
        self.world = World()
        self.addCleanup(self.world.close)
        libvirtd = self.world.libvirtd()
        uuid = libvirtd.define("web")
        self.daemon = self.world.daemon(libvirtd.qemu_uri)
        self.daemon.synced(60).rpc.close()
        self.pace = self.world.pace()
        self.daemon.rpc().call("vm.get", vm=uuid, xml=True)  # its connection is open
        libvirtd.freeze()
        begun = time.monotonic()
        error = self.refused(self.asked("vm.get", 2, vm=uuid, xml=True), "timeout")
        self.pace.check(self, begun, XML_S + 1, "it was not answered in time")
        self.assertIn("has not told its XML within 2 s", str(error))
        libvirtd.thaw()
        for answer in self.answers(self.asked("vm.get", MANY, vm=uuid, xml=True)):
            self.assertIn("<name>web</name>", answer["xml"])


if __name__ == "__main__":
    promise.main()
