"""What other tools change behind lodge is seen, counted and not overwritten (a private libvirtd with real
QEMU, root)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import failpoints  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from three_worlds import ThreeWorlds  # noqa: E402
from world import Mirror, RpcError, World  # noqa: E402

SMALL = {"vcpus": 1, "memory_mib": 64, "network": None}


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class OutsideTest(unittest.TestCase):
    environ = {}

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.libvirtd = self.world.libvirtd()
        self.library = self.world.folder / "library"
        self.library.mkdir()
        (self.library / "one.iso").write_bytes(b"\0" * 40960)
        self.daemon = self.world.daemon(
            {"q": self.libvirtd.qemu_uri},
            config={"host q": {"uri": self.libvirtd.qemu_uri, "dir": self.world.folder / "disks"},
                    "images": {"dirs": self.library}},
            env=self.environ)
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()
        self.worlds = ThreeWorlds(self.daemon, self.libvirtd, self.world.folder / "disks")

    def act(self, method, **params):
        return self.rpc.call(method, wait=True, deadline=90, **params)

    def create(self, name="web", **more):
        return self.act("vm.create", name=name, **{**SMALL, **more})["uuid"]

    def virsh(self, *words):
        return self.libvirtd.virsh(*words).stdout

    def get(self, name="web"):
        return self.rpc.call("vm.get", vm=name)

    def promised(self):
        promised = self.rpc.call("quota.get")["system"]["promised"]
        return promised["vcpus"], promised["memory_mib"]

    def promises(self, vcpus, memory_mib):
        """Rows follow libvirt beside what is pushed."""
        self.worlds.wait_rows(f"SELECT 1 FROM vm WHERE vcpus = {vcpus} AND memory_mib = {memory_mib}", 60)
        self.assertEqual(self.promised(), (vcpus, memory_mib))

    def until(self, condition):
        """Looks at each change that is pushed."""
        mirror = Mirror(self.rpc, topics=["vm", "host"])
        self.get()
        return mirror.wait(lambda _: condition(), 60)

    def refused(self, kind, method, **params):
        with self.assertRaises(RpcError) as caught:
            self.act(method, **params)
        self.assertEqual(caught.exception.kind, kind, caught.exception)
        return caught.exception


class Definitions(OutsideTest):
    def test_who_asks_for_a_VM_hears_what_changed_without_an_event(self):
        self.create()
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        self.virsh("setmaxmem", "web", "96M", "--config")
        self.get()
        mirror.wait(lambda seen: seen.vms["web"]["memory_mib"] == 96)

    def test_what_libvirt_has_is_what_is_promised(self):
        self.create()
        self.rpc.call("quota.set", scope="system", limits={"memory_mib": 128})
        xml = self.virsh("dumpxml", "--inactive", "web").replace("65536", "262144")
        path = self.world.folder / "web.xml"
        path.write_text(xml.replace("<vcpu placement='static'>1<", "<vcpu placement='static'>2<")
                        .replace("cores='1'", "cores='2'"))
        self.virsh("define", str(path))
        self.promises(2, 256)
        error = self.refused("quota_exceeded", "vm.update", vm="web", memory_mib=512)
        self.assertEqual((error.data["used"], error.data["limit"]), (256, 128))

    def test_what_waits_for_the_next_boot_is_told_and_charged(self):
        self.create(start=True)
        self.virsh("setmem", "web", "32M", "--config")
        self.virsh("setmaxmem", "web", "32M", "--config")
        self.until(lambda: self.get().get("pending") == ["memory_mib"])
        self.assertEqual((self.get()["memory_mib"], self.promised()), (64, (1, 64)))
        self.virsh("setmaxmem", "web", "96M", "--config")
        self.promises(1, 96)
        self.act("vm.stop", vm="web")
        self.until(lambda: self.get()["memory_mib"] == 96)
        self.assertNotIn("pending", self.get())

    def test_memory_that_a_guest_has_not_given_back_is_not_free(self):
        self.create(start=True)
        self.act("vm.update", vm="web", memory_mib=32)  # nothing in it has a balloon's driver
        vm = self.get()
        self.assertEqual((vm["memory_mib"], vm["pending"], self.promised()), (64, ["memory_mib"], (1, 64)))
        self.act("vm.stop", vm="web")
        self.promises(1, 32)

    def test_an_update_is_in_the_very_next_answer(self):
        self.create()
        for vcpus in (2, 3, 4):
            self.act("vm.update", vm="web", vcpus=vcpus, autostart=vcpus % 2 == 0, memory_mib=64 + vcpus)
            vm = self.get()
            self.assertEqual((vm["vcpus"], vm["memory_mib"], vm["autostart"]),
                             (vcpus, 64 + vcpus, vcpus % 2 == 0))
            self.assertEqual(self.promised(), (vcpus, 64 + vcpus))

    def test_a_libvirt_that_does_not_answer_is_a_timeout_and_changes_nothing(self):
        self.create()
        self.libvirtd.freeze()
        self.refused("timeout", "vm.update", vm="web", vcpus=2)
        self.libvirtd.thaw()
        self.until(lambda: self.get()["vcpus"] == 1)
        self.assertEqual(self.rpc.call("op.list", vm="web")["ops"][0]["kind"], "vm.create")

    def test_a_name_that_virsh_gave_is_the_rows(self):
        self.create()
        self.virsh("domrename", "web", "shop")
        self.worlds.wait_rows("SELECT 1 FROM vm WHERE name = 'shop'", 60)
        self.create("web")
        self.refused("exists", "vm.create", name="shop", **SMALL)

    def test_a_name_is_reserved_from_the_first_step_on(self):
        self.create("web")
        self.create("other")
        self.refused("exists", "vm.update", vm="web", name="other")
        self.virsh("domrename", "other", "third")  # its row follows in a moment
        self.worlds.wait_rows("SELECT 1 FROM vm WHERE name = 'third'", 60)
        self.act("vm.update", vm="web", name="other")
        self.assertEqual(self.get("other")["name"], "other")

    def test_a_transient_guest_stays_transient(self):
        self.create(start=True, iso="one.iso")
        self.virsh("undefine", "web")
        for method, params in (("vm.update", {"vcpus": 2}), ("vm.media", {"iso": None}), ("vm.save", {})):
            error = self.refused("unsupported", method, vm="web", **params)
            self.assertIn("transient", str(error))
        self.assertEqual(self.virsh("list", "--name", "--persistent").split(), [])
        self.act("vm.delete", vm="web")

    def test_an_adoption_is_charged_the_larger_of_run_and_next_boot(self):
        self.libvirtd.define("old")
        self.virsh("start", "old")
        self.virsh("setmaxmem", "old", "1G", "--config")
        self.rpc.call("quota.set", scope="system", limits={"memory_mib": 512})
        Mirror(self.rpc, topics=["vm"]).wait(lambda seen: "old" in seen.vms)
        error = self.refused("quota_exceeded", "vm.adopt", vm="old", owner="root")
        self.assertEqual(error.data["requested"], 1024)
        self.rpc.call("quota.set", scope="system", limits={"memory_mib": None})
        self.act("vm.adopt", vm="old", owner="root")
        self.assertEqual(self.promised()[1], 1024)
        self.virsh("destroy", "old")


class Saved(OutsideTest):
    def test_with_a_saved_image_everything_waits_and_the_larger_is_charged(self):
        self.create(start=True, iso="one.iso")
        self.act("vm.save", vm="web")
        result = self.act("vm.update", vm="web", vcpus=2, memory_mib=128)
        self.assertEqual(result["pending"], ["vcpus", "memory_mib"])
        self.assertEqual(self.act("vm.media", vm="web", iso=None)["pending"], ["media"])
        vm = self.get()
        self.assertEqual((vm["vcpus"], vm["memory_mib"], vm["pending"], self.promised()),
                         (1, 64, ["vcpus", "memory_mib", "media"], (2, 128)))
        self.act("vm.update", vm="web", memory_mib=32)
        self.assertEqual(self.promised(), (2, 64))
        self.virsh("managedsave-remove", "web")  # no event tells of it
        self.until(lambda: self.get()["memory_mib"] == 32)
        self.promises(2, 32)


@unittest.skipIf(failpoints.why_not(), failpoints.why_not())
class ThirdHand(OutsideTest):
    """An update waits for three seconds where libvirt's definition is about to be replaced."""
    environ = {"LODGED_FAILPOINT": "update.define:delay=3000,update.grow:error"}

    def test_what_somebody_defines_meanwhile_is_kept(self):
        self.create()
        op = self.rpc.call("vm.update", vm="web", vcpus=2)["op"]
        mirror = Mirror(self.rpc, topics=["op"])
        mirror.wait(lambda seen: any(note["topic"] == "op" and note["op"].get("step") == "define"
                                     for note in seen.log if "op" in note))
        self.virsh("desc", "web", "--config", "somebody's")
        ended = self.rpc.call("op.get", op=op, wait=True, deadline=60)
        self.assertEqual((ended["state"], ended["error"]["kind"]), ("failed", "conflict"))
        self.assertEqual(self.virsh("desc", "web", "--config").strip(), "somebody's")
        self.assertEqual((self.get()["vcpus"], self.promised()), (1, (1, 64)))

    def test_half_a_change_is_told_and_charged_as_it_is(self):
        self.create()
        error = self.refused("internal", "vm.update", vm="web", vcpus=2)
        self.assertIn("changed all the same, in its definition: vcpus", str(error))
        self.assertEqual((self.get()["vcpus"], self.promised()), (2, (2, 64)))


if __name__ == "__main__":
    promise.main()
