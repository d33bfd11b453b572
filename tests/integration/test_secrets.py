"""Passwords in a definition: a guest keeps them through everything that lodge does with it, and lodge writes
them nowhere (a private libvirtd with real QEMU, root)."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import failpoints  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from rpc import Gone  # noqa: E402
from three_worlds import ThreeWorlds  # noqa: E402
from world import Mirror, RpcError, World  # noqa: E402

PASSWORD = "Hush4711"  # of the screen; VNC's have eight bytes
ARGUMENT = "Hush-of-an-argument"
OEM = "Hush-of-the-firmware"
ENDED = ("done", "failed", "cancelled")
QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
ElementTree.register_namespace("qemu", QEMU)
# An older lodged's journal, put in the place of what this one wrote.
OLD_JOURNAL = """import json, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
(number, journal), = database.execute("SELECT id, journal FROM op WHERE ended_ms IS NULL").fetchall()
journal = {**json.loads(journal), "old_xml": sys.argv[2], "new_xml": sys.argv[3]}
database.execute("UPDATE op SET journal = ? WHERE id = ?", (json.dumps(journal), number))
for column in ("params", "op"):
    database.execute(f"ALTER TABLE audit DROP COLUMN {column}")
database.execute("PRAGMA user_version = 5")
database.commit()"""


def with_secrets(xml):
    """The same definition with a password and what else people put into one."""
    tree = ElementTree.fromstring(xml)
    tree.find("devices/graphics").set("passwd", PASSWORD)
    ElementTree.SubElement(tree.find("os"), "smbios", mode="sysinfo")
    entry = ElementTree.SubElement(
        ElementTree.SubElement(ElementTree.SubElement(tree, "sysinfo", type="smbios"), "oemStrings"), "entry")
    entry.text = f"io.systemd.credential:a={OEM}"
    commandline = ElementTree.SubElement(tree, f"{{{QEMU}}}commandline")
    for word in ("-object", f"secret,id=theirs,data={ARGUMENT}"):
        ElementTree.SubElement(commandline, f"{{{QEMU}}}arg", value=word)
    return ElementTree.tostring(tree, encoding="unicode")


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class SecretsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.disks = cls.world.folder / "disks"
        library = cls.world.folder / "library"
        library.mkdir()
        (library / "one.iso").write_bytes(b"\0" * 40960)
        (library / "two.iso").write_bytes(b"\0" * 40960)
        cls.daemon = cls.world.daemon(
            None, start=False, flags=["--log-level", "debug"],
            wrap=[*cls.world.without_kvm(), "sh", "-c", 'umask 0; exec "$@"', "sh"],
            config={"host q": {"uri": cls.libvirtd.qemu_uri, "dir": cls.disks}, "images": {"dirs": library}})
        cls.worlds = ThreeWorlds(cls.daemon, cls.libvirtd, cls.disks)

    def setUp(self):
        self.rpc = self.start()

    def clear(self):
        """Whatever has failed before: a lodged without fail points, and none of its VMs."""
        if self.daemon.process.running():
            self.daemon.stop()
        self.take_up()
        for vm in self.rpc.call("vm.list", fields=["managed"])["vms"]:
            if vm["managed"]:
                self.act("vm.delete", vm=vm["uuid"])

    def tearDown(self):
        self.clear()
        self.assert_written_nowhere()
        self.assertEqual(self.daemon.stop(), 0)
        self.assert_written_nowhere()

    def start(self, point=None):
        self.daemon.env = {"LODGED_FAILPOINT": point} if point else {}
        self.daemon.start()
        self.daemon.synced(60).rpc.close()
        return self.daemon.rpc()

    def take_up(self):
        """Starts lodged, until what was under way has ended; how."""
        self.rpc = self.start()
        until = time.monotonic() + 60
        mirror = Mirror(self.daemon.rpc(), topics=["op"]).wait_ready(60)
        while (ops := self.rpc.call("op.list", limit=1)["ops"]) and ops[0]["state"] not in ENDED:
            self.assertLess(time.monotonic(), until)
            mirror.step(60)
        return ops and ops[0]

    def act(self, method, **params):
        answer = self.rpc.call(method, wait=True, deadline=90, **params)
        self.assertNotIn("Hush", json.dumps(answer))
        return answer

    def make(self, name="web"):
        """lodge's own, with a disk and a medium, to which somebody gave a password."""
        self.act("vm.create", name=name, vcpus=1, memory_mib=64, disks=[{"size_gib": 1}], iso="one.iso",
                 network=None, graphics="vnc")
        self.give_secrets(name)

    def give_secrets(self, name):
        path = self.world.folder / "secret.xml"
        path.write_text(with_secrets(self.virsh("dumpxml", "--inactive", name)))
        self.virsh("define", path)

    def virsh(self, *words):
        return self.libvirtd.virsh(*words).stdout

    def definition(self, name="web", *how):
        return ElementTree.fromstring(self.virsh("dumpxml", "--security-info", *(how or ["--inactive"]), name))

    def assert_has_them(self, name="web", *how):
        tree = self.definition(name, *how)
        self.assertEqual(tree.find("devices/graphics").get("passwd"), PASSWORD)
        self.assertEqual(tree.find(f"{{{QEMU}}}commandline")[1].get("value"), f"secret,id=theirs,data={ARGUMENT}")
        self.assertIn(OEM, tree.findtext("sysinfo/oemStrings/entry"))

    def assert_written_nowhere(self):
        files = [path for path in pathlib.Path(self.daemon.state_dir).rglob("*") if path.is_file()]
        self.assertIn("lodge.db", [path.name for path in files])
        for path in [*files, self.daemon.folder / "lodged.log"]:
            self.assertFalse(b"Hush" in path.read_bytes(), f"{path.name} has a secret")
        for path in files:
            self.assertEqual(path.stat().st_mode & 0o077, 0, f"{path.name} is open to others")

    def assert_told_nowhere(self, name="web"):
        """The XML has what libvirt tells everybody."""
        answers = [self.rpc.call("op.get", op=op["id"]) for op in self.rpc.call("op.list", limit=100)["ops"]]
        answers += [self.rpc.call(method) for method in ("op.list", "audit.list", "vm.list")]
        answers += [self.rpc.call("vm.get", vm=name)]
        self.assertNotIn("Hush", json.dumps(answers))
        self.assertNotIn(PASSWORD, json.dumps(self.rpc.call("vm.get", vm=name, xml=True)))


class Kept(SecretsTest):
    def test_a_guest_keeps_its_password_and_lodge_writes_it_nowhere(self):
        self.make()
        self.act("vm.update", vm="web", vcpus=2, memory_mib=96, tags=["a"], boot=["disk"],
                 disks=[{"target": "vda", "size_gib": 2}])
        self.assert_has_them()
        self.act("vm.media", vm="web", iso="two.iso")
        self.assert_has_them()
        self.act("vm.start", vm="web")
        self.assert_has_them("web", "--domain")
        self.assertIn('"auth":"vnc"', self.virsh("qemu-monitor-command", "web", '{"execute": "query-vnc-servers"}'))
        self.act("vm.update", vm="web", vcpus=1, memory_mib=64, tags=["b"], disks=[{"target": "vda", "size_gib": 3}])
        self.act("vm.media", vm="web", iso=None)
        self.act("vm.stop", vm="web")
        self.act("vm.update", vm="web", name="renamed")
        self.assert_has_them("renamed")
        self.rpc.call("server.backup")
        self.assert_told_nowhere("renamed")
        self.assert_written_nowhere()
        self.act("vm.delete", vm="renamed")

    def test_so_does_one_that_was_adopted(self):
        self.libvirtd.define("theirs", xml=libvirtds.GUEST)
        self.give_secrets("theirs")
        with self.daemon.rpc() as rpc:
            Mirror(rpc, topics=["vm"]).wait(lambda seen: "theirs" in seen.vms)
        self.act("vm.adopt", vm="theirs", owner="root")
        self.act("vm.update", vm="theirs", vcpus=2, memory_mib=96)
        self.assert_has_them("theirs")
        self.assert_told_nowhere("theirs")
        self.assert_written_nowhere()


@unittest.skipIf(failpoints.why_not(), failpoints.why_not())
class Interrupted(SecretsTest):
    @contextlib.contextmanager
    def update_held(self):
        """An update that has read and not defined, for as long as the block lasts; then it ends well."""
        self.make()
        self.assertEqual(self.daemon.stop(), 0)
        held = self.world.folder / f"held-{self.id()}"
        os.mkfifo(held)
        self.rpc = self.start(f"update.define:hold={held}")
        asked = self.rpc.ask("vm.update", vm="web", vcpus=2, wait=True)
        with self.daemon.rpc() as rpc:
            Mirror(rpc, topics=["op"]).wait(lambda seen: any(
                note["op"].get("step") == "define" for note in seen.log if "op" in note))
            yield rpc
        held.write_bytes(b"")
        self.rpc.answer(asked, 60)

    def test_a_backup_in_the_middle_of_an_update_has_none(self):
        with self.update_held() as rpc:
            rpc.call("server.backup")
            self.assert_told_nowhere()
            self.assert_written_nowhere()
        self.assert_has_them()

    def test_a_password_that_is_changed_meanwhile_is_kept_as_well(self):
        with self.update_held():
            path = self.world.folder / "secret.xml"
            path.write_text(path.read_text().replace(PASSWORD, "Hush0815"))
            self.virsh("define", path)
        tree = self.definition()
        self.assertEqual((tree.findtext("vcpu"), tree.find("devices/graphics").get("passwd")), ("2", "Hush0815"))

    def kill_at(self, point, method, **params):
        self.assertEqual(self.daemon.stop(), 0)
        self.rpc = self.start(f"{point}:kill")
        try:
            self.rpc.call(method, wait=True, deadline=60, **params)
            self.fail(f"{point} was not reached")
        except (Gone, RpcError):
            self.daemon.process.wait()

    def test_a_kill_in_the_middle_of_it_costs_no_password(self):
        for noun, step in (("update", "read"), ("update", "read.done"), ("update", "define"), ("update", "define.done"),
                           ("update", "grow"), ("update", "close"), ("media", "define"), ("media", "define.done")):
            with self.subTest(point=f"{noun}.{step}"):
                self.clear()
                self.make()
                params = {"vcpus": 2, "disks": [{"target": "vda", "size_gib": 2}]} if noun == "update" else {"iso": None}
                self.kill_at(f"{noun}.{step}", f"vm.{noun}", vm="web", **params)
                self.assert_written_nowhere()
                self.assertEqual(self.take_up()["state"], "done")
                self.assert_has_them()
                if noun == "update":
                    self.assertEqual(self.definition().findtext("vcpu"), "2")
                else:
                    self.assertIsNone(self.definition().find("devices/disk[@device='cdrom']/source"))
                self.assert_told_nowhere()
                self.assert_written_nowhere()

    def test_what_an_older_lodged_had_begun_is_ended_and_its_journal_loses_them(self):
        for step in ("define", "define.done", "grow"):
            with self.subTest(step=step):
                self.clear()
                self.make()
                old = self.virsh("dumpxml", "--security-info", "--inactive", "web").strip() + "\n"
                new = old.replace("<vcpu placement='static'>1<", "<vcpu placement='static'>2<")
                self.assertNotEqual(old, new)
                self.kill_at(f"update.{step}", "vm.update", vm="web", vcpus=2)
                database = f"{self.daemon.state_dir}/lodge.db"
                subprocess.run([sys.executable, "-c", OLD_JOURNAL, database, old, new], check=True, timeout=60)
                with self.assertRaises(AssertionError):
                    self.assert_written_nowhere()
                last = self.take_up()
                self.assertEqual(last["state"], "done", last)
                pathlib.Path(f"{database}.schema-5.bak").unlink()  # as it was: lodged(8) says so
                self.assert_has_them()
                self.assertEqual(self.definition().findtext("vcpu"), "2")
                self.assertEqual(self.daemon.stop(), 0)  # SQLite's log goes with it
                self.assert_written_nowhere()


if __name__ == "__main__":
    promise.main()
