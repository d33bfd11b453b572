"""Words of guests and strangers: what may be stored, how all of it is shown, and how much of it is kept.
A zero byte is refused and not cut at; what is not seen reaches no terminal and no log as it is; the log of a
guest's serial port stays small and goes with its VM."""

import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import embed  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import BUILD_DIR, PATIENCE, RpcError, World  # noqa: E402

LODGE = BUILD_DIR / "tui" / "lodge"
MIB = 1 << 20

# Each is one name that libvirt lets a domain have, and what of it a terminal must not get.
STRANGE = {
    "c1-\u009b31m\u0090x": ("\u009b", "\u0090"),
    "bidi-\u202egpj": ("\u202e",),
    "isolate-\u2066x\u2069": ("\u2066", "\u2069"),
    "zero\u200bwidth\u200d\u2060": ("\u200b", "\u200d", "\u2060"),
    "bom-\ufeff": ("\ufeff",),
    "del-\u007f": ("\u007f",),
    "tag-\U000e0041": ("\U000e0041",),
}
HIDDEN = sorted({character for characters in STRANGE.values() for character in characters})

# mov dx, 0x3f8; mov al, 'x'; again: out dx, al; jmp again
FLOOD = b"\xba\xf8\x03\xb0x\xee\xeb\xfd".ljust(510, b"\0") + b"\x55\xaa"


class Texts(unittest.TestCase):
    """On libvirt's test driver, whose domains are called as strangers would call them."""

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        path = cls.world.folder / "fleet.xml"
        path.write_text("<node>" + "".join(
            f"<domain type='test'><name>{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
            f"<os><type>hvm</type></os><description>{name}</description></domain>"
            for name in STRANGE) + "</node>", encoding="utf-8")
        cls.daemon = cls.world.daemon({"a": f"test://{path}"})
        cls.daemon.synced().rpc.close()

    def setUp(self):
        self.rpc = self.daemon.rpc()
        self.addCleanup(self.rpc.close)

    def refused(self, method, param, **params):
        with self.assertRaises(RpcError, msg=f"{method} {params}") as caught:
            self.rpc.call(method, **params)
        self.assertEqual((caught.exception.code, caught.exception.data.get("param")), (-32602, param),
                         caught.exception)
        return caught.exception

    def lodge(self, *words, status=0):
        ran = subprocess.run([LODGE, *words], env={**os.environ, "LODGE_SOCKET": self.daemon.socket,
                                                   "LC_ALL": "C.UTF-8"},
                             capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(ran.returncode, status, ran)
        return ran.stdout.decode(), ran.stderr.decode()

    def on_a_terminal(self, *words):
        ours, theirs = pty.openpty()
        env = {**os.environ, "LODGE_SOCKET": self.daemon.socket, "LC_ALL": "C.UTF-8"}
        program = subprocess.Popen([LODGE, *words], env=env, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:
            pass  # its end
        os.close(ours)
        self.assertEqual(program.wait(PATIENCE), 0)
        return said.decode()

    def harmless(self, text):
        found = [hex(ord(character)) for character in HIDDEN if character in text]
        self.assertEqual(found, [], "reached the terminal")

    def test_a_zero_byte_is_refused_wherever_a_text_is_read(self):
        new = {"name": "new", "vcpus": 1, "memory_mib": 16, "network": None}
        for method, param, params in (
                ("vm.create", "name", {**new, "name": "a\0b"}),
                ("vm.create", "tags", {**new, "tags": ["good", "a\0b"]}),
                ("vm.create", "boot", {**new, "boot": ["disk\0"]}),
                ("vm.create", "iso", {**new, "iso": "a.iso\0.raw"}),
                ("vm.create", "image", {**new, "disks": [{"size_gib": 1, "image": "a\0"}]}),
                ("vm.list", "fields", {"fields": ["name\0"]}),
                ("vm.list", "state", {"state": "running\0!"}),
                ("vm.list", "query", {"query": "web\0"}),
                ("event.subscribe", "topics", {"topics": ["vm\0"]}),
                ("event.subscribe", "fields", {"topics": ["vm"], "fields": ["name\0x"]}),
                ("audit.list", "since", {"since": "2026-01-31T12:00:00.000Z\0"}),
                ("op.list", "state", {"state": "done\0"}),
                ("user.set", "role", {"user": "root", "role": "admin\0"}),
                ("quota.set", "scope", {"scope": "system\0", "limits": {}}),
                ("server.set_log_level", "level", {"level": "debug\0"})):
            with self.subTest(method=method, param=param):
                self.refused(method, param, **params)
        self.assertEqual(self.rpc.call("op.list")["ops"], [])

    def test_a_zero_byte_in_a_name_of_a_member_or_method_is_refused(self):
        for line, code in ((b'{"jsonrpc":"2.0","id":1,"method":"vm.list","params":{"limit\\u0000x":1}}', -32700),
                           (b'{"jsonrpc\\u0000":"2.0","id":1,"method":"server.ping"}', -32700),
                           (b'{"jsonrpc":"2.0\\u0000","id":1,"method":"server.ping"}', -32600),
                           (b'{"jsonrpc":"2.0","id":1,"method":"server.ping\\u0000"}', -32601)):
            with self.subTest(line=line):
                self.assertEqual(self.rpc.exchange(line)["error"]["code"], code)
        answer = self.rpc.exchange(b'{"jsonrpc":"2.0","id":"a\\u0000b","method":"server.ping"}')
        self.assertEqual((answer["id"], answer["result"]), ("a\0b", {}))

    def test_tags_are_words_that_are_seen(self):
        new = {"name": "new", "vcpus": 1, "memory_mib": 16, "network": None}
        for bad in (*HIDDEN, "\n", "\t", "\x1b", "\u0085", "\u2028", "\u00ad", " ", "\u00a0", "\u3000", ","):
            with self.subTest(bad=hex(ord(bad))):
                for tag in (bad, f"a{bad}b", f"a{bad}"):
                    self.refused("vm.create", "tags", tags=["good", tag], **new)
        self.refused("vm.create", "tags", tags=[""], **new)
        self.refused("vm.create", "tags", tags=["x" * 65], **new)
        for name in ("a\nb", "a\u200b", "\u009b", "\u00fc"):
            self.refused("vm.create", "name", **{**new, "name": name})
        self.refused("vm.create", "network", **{**new, "network": "net\u202ework"})
        good = ["prod", "Z\u00fcrich", "\u65e5\u672c", "a:b=c"]
        self.rpc.call("vm.create", tags=good, wait=True, **new)
        try:
            self.refused("vm.update", "tags", vm="new", tags=["a\u202eb"])
            self.refused("vm.update", "name", vm="new", name="a\u200bb")
            self.assertEqual(self.rpc.call("vm.get", vm="new")["tags"], good)
        finally:
            self.rpc.call("vm.delete", vm="new", wait=True)

    def test_json_of_the_verbs_says_all_and_shows_nothing_raw(self):
        for words in (("ls", "--json"), ("call", "vm.list"), ("--json", "ls")):
            with self.subTest(words=words):
                out, _ = self.lodge(*words)
                self.harmless(out)
                self.assertEqual({vm["name"] for vm in json.loads(out)["vms"]}, set(STRANGE))
        for words in (("ls", "--json"), ("call", "vm.list"), ("show", "zero\u200bwidth\u200d\u2060", "--json")):
            with self.subTest(words=words, on="a terminal"):
                out = self.on_a_terminal(*words)
                self.harmless(out)
                json.loads(out)

    def test_texts_of_the_verbs_show_what_is_not_seen(self):
        for words in (("ls",), ("hosts",), ("info",), ("ops",), ("audit",)):
            with self.subTest(words=words):
                out, err = self.lodge(*words)
                self.harmless(out + err)
        out, _ = self.lodge("ls")
        for shown in ("bidi-\\u202egpj", "zero\\u200bwidth\\u200d\\u2060", "tag-\\U000e0041"):
            self.assertIn(shown, out)
        for name in STRANGE:
            with self.subTest(name=name):
                out, _ = self.lodge("show", name)
                self.harmless(out)
                out, _ = self.lodge("show", "--xml", name)
                self.harmless(out)
                self.assertIn("<domain", out)
                out, err = self.lodge("pause", name)
                self.harmless(out + err)
                out, err = self.lodge("resume", name)
                self.harmless(out + err)
                out, err = self.lodge("show", name + "x", status=4)
                self.harmless(out + err)
                self.lodge("show", "--json", name + "x", status=4)

    def test_watching_shows_nothing_raw(self):
        for words, last in ((("watch",), "watching"), (("watch", "--json"), "ready")):
            with self.subTest(words=words):
                env = {**os.environ, "LODGE_SOCKET": self.daemon.socket, "LC_ALL": "C.UTF-8"}
                program = subprocess.Popen([LODGE, *words], env=env, stdout=subprocess.PIPE)
                try:
                    lines = []
                    while not lines or last not in lines[-1]:
                        lines.append(program.stdout.readline().decode())
                        self.assertTrue(lines[-1], "it ended")
                finally:
                    program.kill()
                    program.wait()
                    program.stdout.close()
                self.harmless("".join(lines))

    def test_the_log_shows_nothing_raw(self):
        for name in STRANGE:
            self.rpc.call("vm.pause", vm=name, wait=True)
            self.rpc.call("vm.resume", vm=name, wait=True)
        with self.assertRaises(RpcError):
            self.rpc.call("vm.get", vm="a\n2026-01-01 00:00:00.000 error main: made up\u009b")
        log = (self.daemon.folder / "lodged.log").read_text(errors="surrogateescape")
        self.harmless(log)
        self.assertIn("\\u202egpj", log)
        self.assertNotIn("\n2026-01-01", log)


class Flooded(unittest.TestCase):
    """A guest that says 'x' on its serial port for ever."""

    def until(self, condition, what, deadline=60):
        """Looks at files again and again, hearing the keeper meanwhile."""
        end = time.monotonic() + deadline
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            self.world.keeper.look(0.02)

    def make_library(self):
        library = self.world.folder / "library"
        library.mkdir()
        (library / "flood.raw").write_bytes(FLOOD.ljust(MIB, b"\0"))
        return library

    def create(self, rpc):
        answer = rpc.call("vm.create", name="loud", vcpus=1, memory_mib=64, network=None, graphics="none",
                          disks=[{"size_gib": 1, "image": "flood.raw"}], start=True, wait=True, deadline=120)
        xml = rpc.call("vm.get", vm="loud", xml=True)["xml"]
        return answer["uuid"], pathlib.Path(re.search(r"<log file='([^']*)'", xml)[1])


@unittest.skipIf(embed.why_not(), embed.why_not())
class SerialLogOfAnEmbeddedGuest(Flooded):
    def setUp(self):
        self.world = World("le")
        self.addCleanup(self.world.close)
        home = self.world.folder / "home"
        home.mkdir()
        root = embed.Root(self.world)
        self.daemon = self.world.daemon(
            {"local": root.uri}, wrap=root.wrap, config={"images": {"dirs": self.make_library()}},
            env={"HOME": str(home), "USER": "", "XDG_RUNTIME_DIR": ""})
        self.rpc = self.daemon.synced(60).rpc

    def size(self, path):
        return path.stat().st_size

    def test_it_stays_small_however_fast_the_guest_talks_and_goes_with_the_VM(self):
        uuid, log = self.create(self.rpc)
        self.until(lambda: self.size(log) > 0, "the guest said nothing")
        over = threading.Event()
        wrote = []

        def talk():  # as QEMU does, 100 MiB a second
            with log.open("ab", buffering=0) as file:
                while not over.is_set():
                    wrote.append(file.write(b"y" * (10 * MIB)))
                    over.wait(0.1)

        talker = threading.Thread(target=talk)
        talker.start()
        try:
            cuts, last = 0, 0
            end = time.monotonic() + 60
            while cuts < 3:
                self.assertLess(time.monotonic(), end, "it was not cut: it has %d MiB" % (last / MIB))
                size = self.size(log)
                cuts += size < last
                last = size
                over.wait(0.01)
        finally:
            over.set()
            talker.join()
        self.until(lambda: self.size(log) <= MIB, "the log is not small")
        self.assertGreater(sum(wrote), 10 * MIB)
        last = log.read_bytes()[-1:]
        self.until(lambda: log.read_bytes()[-100:] == b"x" * 100, f"the guest's last words are not kept ({last})")
        self.assertEqual(self.rpc.call("vm.get", vm="loud")["state"], "running")
        self.rpc.call("vm.delete", vm="loud", wait=True, deadline=60)
        self.assertEqual([path for path in log.parent.iterdir() if uuid in path.name], [])

    def test_what_is_no_log_of_ours_is_not_cut(self):
        _, log = self.create(self.rpc)
        self.rpc.call("vm.stop", vm="loud", wait=True)
        theirs = self.world.folder / "theirs"
        theirs.write_bytes(b"z" * (3 * MIB))
        other = log.with_name("other-serial.log")
        other.write_bytes(b"z" * (3 * MIB))
        log.unlink()
        log.symlink_to(theirs)
        quiet = self.create_quiet()
        quiet.write_bytes(b"z" * (3 * MIB))
        self.until(lambda: self.size(quiet) <= MIB, "another's log was not cut")  # a look has passed
        self.assertEqual((self.size(theirs), self.size(other)), (3 * MIB, 3 * MIB))

    def test_a_guest_without_a_row_keeps_a_small_log_too(self):
        log = self.create_quiet()
        self.rpc.call("vm.delete", vm="quiet", wait=True, deadline=60)
        self.assertEqual(self.rpc.call("vm.list")["vms"], [])
        log.write_bytes(b"z" * (3 * MIB))
        self.until(lambda: self.size(log) <= MIB, "a log that no row names was not cut")

    def create_quiet(self):
        """Where a VM that is off has its log."""
        self.rpc.call("vm.create", name="quiet", vcpus=1, memory_mib=64, network=None, wait=True, deadline=120)
        xml = self.rpc.call("vm.get", vm="quiet", xml=True)["xml"]
        return pathlib.Path(re.search(r"<log file='([^']*)'", xml)[1])


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class SerialLogOfASystemGuest(Flooded):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.libvirtd = self.world.libvirtd()
        self.disks = self.world.folder / "disks"
        self.daemon = self.world.daemon(None, config={
            "host q": {"uri": self.libvirtd.qemu_uri, "dir": self.disks},
            "images": {"dirs": self.make_library()}})
        self.rpc = self.daemon.synced(60).rpc

    def test_what_virtlogd_put_aside_goes_with_the_VM_and_nothing_else(self):
        uuid, log = self.create(self.rpc)
        self.until(lambda: log.with_name(log.name + ".0").exists(), "virtlogd began no new file", 120)
        strangers = [log.with_name(log.name + end) for end in (".old", ".0.gz", "0", ".00")]
        strangers.append(log.with_name("0" + log.name + ".0"))
        for path in strangers:
            path.write_bytes(b"theirs")
        self.rpc.call("vm.stop", vm="loud", wait=True)
        for i in range(12):
            log.with_name(f"{log.name}.{i}").write_bytes(b"said before")
        self.rpc.call("vm.delete", vm="loud", wait=True, deadline=60)
        left = {path for path in self.disks.iterdir() if uuid in path.name}
        self.assertEqual(left, set(strangers))

    def test_what_looks_like_an_old_log_and_is_none_stays(self):
        _, log = self.create(self.rpc)
        self.rpc.call("vm.stop", vm="loud", wait=True)
        theirs = self.world.folder / "theirs"
        theirs.write_bytes(b"theirs")
        link, after = (log.with_name(f"{log.name}.{i}") for i in (0, 1))
        link.unlink(missing_ok=True)
        link.symlink_to(theirs)
        after.write_bytes(b"said before")
        self.rpc.call("vm.delete", vm="loud", wait=True, deadline=60)
        self.assertTrue(link.is_symlink() and theirs.exists())
        self.assertFalse(after.exists() or log.exists())


if __name__ == "__main__":
    promise.main()
