"""Creating, changing and deleting VMs through a private libvirtd with real QEMU (root): what each call
answers, and that SQLite, libvirt and the directory of disks fit together after it."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from three_worlds import ThreeWorlds  # noqa: E402
from world import Mirror, RpcError, World, free_uid  # noqa: E402

SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1}], "network": None}

OVMF = pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd")


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class OperationsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.disks = cls.world.folder / "disks"
        cls.library = cls.world.folder / "library"
        cls.make_library()
        cls.daemon = cls.world.daemon(None,
                                      config={"daemon": {"socket_mode": "0666"}, "host q": {"uri": cls.libvirtd.qemu_uri, "dir": cls.disks},
                                              "images": {"dirs": cls.library}})
        cls.daemon.synced(60).rpc.close()
        cls.worlds = ThreeWorlds(cls.daemon, cls.libvirtd, cls.disks)

    @classmethod
    def make_library(cls):
        cls.library.mkdir()
        (cls.library / "one.iso").write_bytes(b"\0" * 40960)
        (cls.library / "two.iso").write_bytes(b"\0" * 40960)
        outside = cls.world.folder / "secret.raw"
        outside.write_bytes(b"secret" * 1000)
        make = ["qemu-img", "create", "-q", "-f", "qcow2"]
        subprocess.run([*make, cls.library / "base.qcow2", "2G"], check=True)
        subprocess.run([*make, "-b", outside, "-F", "raw", cls.library / "evil.qcow2"], check=True)

    def setUp(self):
        self.rpc = self.daemon.rpc()

    def tearDown(self):
        for vm in self.rpc.call("vm.list", fields=["managed"])["vms"]:
            if vm["managed"]:
                self.rpc.call("vm.delete", vm=vm["uuid"], wait=True, deadline=60)
        self.assertEqual(self.worlds.compare(), [])
        self.assertEqual(self.worlds.charged(),
                         {"vms": 0, "vcpus": 0, "memory_mib": 0, "disk_gib": 0})
        self.rpc.close()

    def create(self, name, **more):
        return self.rpc.call("vm.create", name=name, wait=True, deadline=60, **{**SMALL, **more})

    def state(self, name):
        return self.rpc.call("vm.get", vm=name).get("state")

    def refused(self, kind, method, **params):
        with self.assertRaises(RpcError) as caught:
            self.rpc.call(method, deadline=60, **params)
        self.assertEqual(caught.exception.kind, kind, caught.exception)
        return caught.exception


class Operations(OperationsTest):
    def test_a_VM_is_there_whole_when_its_creation_is_answered(self):
        answer = self.create("web")
        vm = self.rpc.call("vm.get", vm="web")
        self.assertEqual(vm["uuid"], answer["uuid"])
        self.assertEqual((vm["state"], vm["managed"], vm["vcpus"], vm["memory_mib"],
                          vm["disk_gib"]), ("shutoff", True, 1, 64, 1))
        self.assertTrue(pathlib.Path(vm["disks"][0]["path"]).exists())
        self.assertIs(vm["disks"][0]["ours"], True)
        self.assertEqual(self.worlds.compare(), [])
        op = self.rpc.call("op.get", op=answer["op"])
        self.assertEqual((op["state"], op["kind"], op["vm"]), ("done", "vm.create", "web"))
        self.assertEqual([step["name"] for step in op["steps"]][:2], ["volumes", "define"])

    def test_a_VM_that_is_to_start_runs_when_its_creation_is_answered(self):
        self.create("web", start=True)
        self.assertEqual(self.state("web"), "running")
        self.assertEqual(self.libvirtd.virsh("domstate", "web").stdout.strip(), "running")
        self.assertIn("type='none'", self.libvirtd.virsh("dumpxml", "web").stdout)

    def test_without_wait_the_call_answers_when_the_operation_is_on_record(self):
        answer = self.rpc.call("vm.create", name="web", **SMALL)
        self.assertEqual(self.rpc.call("op.get", op=answer["op"], wait=True)["state"], "done")
        self.assertEqual(self.state("web"), "shutoff")

    def test_deleting_leaves_nothing_of_a_running_guest(self):
        self.create("web", start=True)
        path = pathlib.Path(self.rpc.call("vm.get", vm="web")["disks"][0]["path"])
        self.assertEqual(self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)["kept"], [])
        self.assertFalse(path.exists())
        self.refused("not_found", "vm.get", vm="web")
        self.assertEqual(list(self.disks.iterdir()), [])

    def test_power_methods_do_what_they_say(self):
        self.create("web")
        for method, state in (("vm.start", "running"), ("vm.pause", "paused"),
                              ("vm.resume", "running"), ("vm.reset", "running"),
                              ("vm.save", "shutoff"), ("vm.start", "running"),
                              ("vm.stop", "shutoff"), ("vm.stop", "shutoff")):
            with self.subTest(method=method, state=state):
                self.rpc.call(method, vm="web", wait=True, deadline=60)
                self.assertEqual(self.state("web"), state)

    def test_a_guest_that_ignores_a_shutdown_is_a_timeout_and_runs_on(self):
        self.create("web", start=True)
        error = self.refused("timeout", "vm.shutdown", vm="web", grace_s=1, wait=True)
        self.assertIs(error.data["ended"], True)
        self.assertEqual(self.state("web"), "running")

    def test_one_operation_at_a_time_but_a_stop_is_never_busy(self):
        self.create("web", start=True)
        shutdown = self.rpc.call("vm.shutdown", vm="web", grace_s=60)["op"]
        error = self.refused("busy", "vm.pause", vm="web")
        self.assertEqual(error.data["op"], shutdown)
        self.rpc.call("vm.stop", vm="web", wait=True)
        self.assertEqual(self.state("web"), "shutoff")
        self.assertEqual(self.rpc.call("op.get", op=shutdown, wait=True)["state"], "cancelled")

    def test_the_same_request_id_is_the_same_operation(self):
        first = self.create("web", request_id="r1")
        again = self.create("web", request_id="r1")
        self.assertEqual((first["op"], first["uuid"]), (again["op"], again["uuid"]))
        self.refused("conflict", "vm.create", name="other", request_id="r1", **SMALL)
        gone = self.rpc.call("vm.delete", vm="web", request_id="d1", wait=True, deadline=60)
        self.assertEqual(self.rpc.call("vm.delete", vm="web", request_id="d1", wait=True)["op"],
                         gone["op"])

    def test_a_name_in_use_is_refused_and_leaves_nothing(self):
        self.create("web")
        self.refused("exists", "vm.create", name="web", **SMALL)
        self.libvirtd.define("foreign")
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        mirror.wait(lambda m: "foreign" in m.vms)
        self.refused("exists", "vm.create", name="foreign", **SMALL)
        self.refused("unsupported", "vm.delete", vm="foreign")
        self.libvirtd.virsh("undefine", "foreign")
        self.assertEqual(self.worlds.compare(), [])

    def test_two_creations_of_one_name_at_once_make_one_VM(self):
        asked = [self.rpc.ask("vm.create", name="web", wait=True, **SMALL) for _ in range(8)]
        made, refused = 0, []
        for number in asked:
            try:
                self.rpc.answer(number, 60)
                made += 1
            except RpcError as error:
                refused.append(error.kind)
        self.assertEqual((made, refused), (1, ["exists"] * 7))
        self.assertEqual(self.worlds.compare(), [])

    def test_an_old_look_changes_nothing(self):
        self.create("web")
        rev = self.rpc.call("vm.get", vm="web")["rev"]
        self.refused("conflict", "vm.start", vm="web", if_rev=rev - 1)
        asked = [self.rpc.ask("vm.update", vm="web", vcpus=count, if_rev=rev, wait=True)
                 for count in (2, 3)]
        outcomes = []
        for number in asked:
            try:
                self.rpc.answer(number, 60)
                outcomes.append("done")
            except RpcError as error:
                outcomes.append(error.kind)
        self.assertEqual(outcomes[0], "done")
        self.assertIn(outcomes[1], ("conflict", "busy"))

    def test_an_update_of_a_VM_that_is_off_holds_at_once(self):
        self.create("web")
        answer = self.rpc.call("vm.update", vm="web", vcpus=2, memory_mib=128, tags=["a", "b"],
                               disks=[{"target": "vda", "size_gib": 3}], wait=True, deadline=60)
        self.assertEqual(answer["pending"], [])
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        mirror.wait(lambda m: (m.vms["web"]["vcpus"], m.vms["web"]["memory_mib"]) == (2, 128))
        vm = self.rpc.call("vm.get", vm="web")
        self.assertEqual((vm["disk_gib"], vm["tags"]), (3, ["a", "b"]))
        self.assertEqual(self.worlds.charged(),
                         {"vms": 1, "vcpus": 2, "memory_mib": 128, "disk_gib": 3})
        self.rpc.call("vm.update", vm="web", name="web2", wait=True, deadline=60)
        self.assertEqual(self.rpc.call("vm.get", vm="web2")["uuid"], vm["uuid"])

    def test_an_update_of_a_running_guest_says_what_waits_for_its_boot(self):
        self.create("web", start=True)
        answer = self.rpc.call("vm.update", vm="web", vcpus=2, memory_mib=128,
                               disks=[{"target": "vda", "size_gib": 2}], wait=True, deadline=60)
        self.assertEqual(sorted(answer["pending"]), ["memory_mib", "vcpus"])
        charged = self.worlds.charged()
        self.assertEqual((charged["vcpus"], charged["memory_mib"], charged["disk_gib"]),
                         (2, 128, 2))

    @unittest.skipUnless(OVMF.exists(), "needs ovmf")
    def test_a_guest_with_UEFI_starts_and_its_NVRAM_goes_with_it(self):
        self.create("efi", start=True, firmware="uefi", memory_mib=256)
        self.assertEqual(self.state("efi"), "running")
        dumped = ElementTree.fromstring(self.libvirtd.virsh("dumpxml", "efi").stdout)
        nvram = dumped.findtext("./os/nvram")
        # libvirtd has a /var/lib/libvirt of its own here
        seen = pathlib.Path(f"/proc/{self.libvirtd.process.pid}/root{nvram}")
        self.assertTrue(seen.exists(), nvram)
        self.rpc.call("vm.delete", vm="efi", wait=True, deadline=60)
        self.assertFalse(seen.exists(), nvram)

    def test_tags_of_a_running_guest_change_at_once_and_stay(self):
        self.create("web", start=True)
        before = self.worlds.domains()
        answer = self.rpc.call("vm.update", vm="web", tags=["a<b", "ü"], wait=True, deadline=60)
        self.assertEqual(answer["pending"], [])
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        mirror.wait(lambda m: m.vms["web"]["tags"] == ["a<b", "ü"])
        self.assertEqual(self.worlds.domains(), before, "lodge's mark is lost")
        self.rpc.call("vm.stop", vm="web", wait=True, deadline=60)
        self.assertEqual(self.rpc.call("vm.get", vm="web")["tags"], ["a<b", "ü"])
        self.rpc.call("vm.update", vm="web", tags=[], wait=True, deadline=60)
        mirror.wait(lambda m: m.vms["web"]["tags"] == [])

    def test_what_shrinks_at_the_next_boot_is_charged_until_then(self):
        self.create("web", start=True, vcpus=2)
        answer = self.rpc.call("vm.update", vm="web", vcpus=1, wait=True, deadline=60)
        pending = answer["pending"] == ["vcpus"]
        self.assertEqual(self.worlds.charged()["vcpus"], 2 if pending else 1)
        self.rpc.call("vm.stop", vm="web", wait=True, deadline=60)
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        mirror.wait(lambda m: m.vms["web"]["vcpus"] == 1)
        self.rpc.call("vm.start", vm="web", wait=True, deadline=60)
        with self.daemon.rpc() as rpc:  # between operations, or after them
            rpc.call("event.subscribe", topics=["quota"])
            rpc.wait_for(lambda note: note.get("quota", {}).get("scope") == "system"
                         and note["quota"]["promised"]["vcpus"] == 1)
        self.assertEqual(self.worlds.charged(),
                         {"vms": 1, "vcpus": 1, "memory_mib": 64, "disk_gib": 1})
        self.assertIs(self.rpc.call("vm.get", vm="web")["disks"][0]["ours"], True)

    def test_an_adopted_VM_goes_without_its_disks(self):
        path = self.world.folder / "theirs.qcow2"
        path.write_bytes(b"theirs")
        uuid = self.libvirtd.define("old")
        Mirror(self.rpc, topics=["vm"]).wait(lambda m: "old" in m.vms)
        self.rpc.call("vm.adopt", vm="old", owner=f"#{free_uid()}", wait=True)
        vm = self.rpc.call("vm.get", vm="old")
        self.assertEqual((vm["managed"], vm["uuid"]), (True, uuid))
        self.rpc.call("vm.delete", vm="old", wait=True, deadline=60)
        self.assertNotIn(uuid, self.worlds.domains())
        self.assertTrue(path.exists())

    def test_a_VM_whose_domain_went_is_shown_as_missing_and_can_be_deleted(self):
        answer = self.create("web")
        self.libvirtd.virsh("undefine", "web")
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        mirror.wait(lambda m: m.vms["web"]["state"] == "error"
                    and m.vms["web"]["reason"] == "missing")
        self.refused("bad_state", "vm.start", vm="web")
        self.rpc.call("vm.delete", vm=answer["uuid"], wait=True, deadline=60)

    def test_a_user_has_their_own_VMs_and_no_others(self):
        self.create("web")
        with self.daemon.rpc(uid=free_uid()) as user:
            for method in ("vm.start", "vm.stop", "vm.delete", "vm.update", "vm.get"):
                with self.assertRaises(RpcError) as caught:
                    user.call(method, vm="web", **({"vcpus": 2} if method == "vm.update" else {}))
                self.assertEqual(caught.exception.kind, "not_found", method)
            user.call("vm.create", name="mine", wait=True, deadline=60, **SMALL)
            user.call("vm.start", vm="mine", wait=True, deadline=60)
            user.call("vm.delete", vm="mine", wait=True, deadline=60)

    def test_without_its_database_lodged_changes_nothing_but_lets_admins_stop_guests(self):
        self.create("web", start=True)
        database = pathlib.Path(self.daemon.state_dir) / "lodge.db"
        database.rename(database.with_suffix(".away"))
        for method in ("vm.pause", "vm.delete"):
            self.refused("store_unavailable", method, vm="web", wait=True)
        self.refused("store_unavailable", "vm.create", name="more", wait=True, **SMALL)
        self.assertEqual(self.state("web"), "running", "the list is live")
        answer = self.rpc.call("vm.stop", vm="web", wait=True, deadline=60)
        self.assertIsNone(answer["op"], "it has no number of the journal's")
        self.assertEqual(self.state("web"), "shutoff")
        database.with_suffix(".away").rename(database)
        self.rpc.call("vm.start", vm="web", wait=True, deadline=60)

    def test_a_VM_cannot_be_called_as_a_uuid_or_a_path(self):
        for name in ("7d1a2c60-10d9-4e00-9000-000000000001", "../web", "a/b", ".hidden", "-x", "",
                     "x" * 65, "a b"):
            with self.assertRaises(RpcError) as caught:
                self.rpc.call("vm.create", name=name, **SMALL)
            self.assertEqual((caught.exception.code, caught.exception.data["param"]),
                             (-32602, "name"))

    def test_a_stranger_in_the_place_of_a_volume_is_left_alone(self):
        self.create("web")
        path = pathlib.Path(self.rpc.call("vm.get", vm="web")["disks"][0]["path"])
        theirs = self.world.folder / "theirs.img"
        theirs.write_bytes(b"theirs")
        path.unlink()
        path.symlink_to(theirs)
        answer = self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)
        self.assertEqual([kept["path"] for kept in answer["kept"]], [str(path)])
        self.assertEqual(theirs.read_bytes(), b"theirs")
        path.unlink()

    def test_a_disk_that_another_domain_uses_is_kept(self):
        self.create("web")
        path = self.rpc.call("vm.get", vm="web")["disks"][0]["path"]
        xml = libvirtds.GUEST.replace("<graphics", f"<disk type='file' device='disk'><source file='{path}'/>"
                                      "<target dev='vda' bus='virtio'/></disk><graphics")
        self.libvirtd.define("user", xml=xml)
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        mirror.wait(lambda m: "user" in m.vms and m.vms["user"].get("vcpus"))
        answer = self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)
        self.assertEqual([kept["path"] for kept in answer["kept"]], [path])
        self.libvirtd.virsh("undefine", "user")
        mirror.wait(lambda m: "user" not in m.vms)
        found = self.rpc.call("server.compare")["stray_volumes"]
        self.assertEqual(found, [{"host": "q", "path": path}])
        error = self.refused("conflict", "orphan.delete", host="q", path=path, wait=True)
        self.assertRegex(str(error), "it was written 0 min ago: .* 60 min old")
        two_hours_ago = time.time() - 7200
        os.utime(path, (two_hours_ago, two_hours_ago))
        self.rpc.call("orphan.delete", host="q", path=path, wait=True)
        self.assertFalse(pathlib.Path(path).exists())

    def test_disks_are_copies_of_library_images_and_nothing_outside_is_read(self):
        listed = self.rpc.call("image.list")["images"]
        self.assertEqual([(image["name"], image["kind"]) for image in listed
                          if image["name"] != "evil.qcow2"],
                         [("base.qcow2", "disk"), ("one.iso", "iso"), ("two.iso", "iso")])
        self.create("web", disks=[{"size_gib": 3, "image": "base.qcow2"}])
        path = self.rpc.call("vm.get", vm="web")["disks"][0]["path"]
        info = json.loads(subprocess.run(["qemu-img", "info", "--output=json", path], check=True,
                                         capture_output=True).stdout)
        self.assertEqual(info["virtual-size"], 3 << 30)
        self.assertNotIn("backing-filename", info)
        for image, kind in (("evil.qcow2", "unsupported"), ("../secret.raw", "invalid_params"),
                            ("nothing.qcow2", "not_found")):
            self.refused(kind, "vm.create", name="more", wait=True,
                         **{**SMALL, "disks": [{"size_gib": 3, "image": image}]})
        self.refused("invalid_params", "vm.create", name="more", wait=True,
                     **{**SMALL, "disks": [{"size_gib": 1, "image": "base.qcow2"}]})

    def test_an_ISO_is_changed_and_ejected_while_the_guest_runs(self):
        def drive():
            xml = self.libvirtd.virsh("dumpxml", "web").stdout
            return [name for name in ("one.iso", "two.iso") if name in xml]
        self.create("web", iso="one.iso", start=True)
        self.assertEqual(drive(), ["one.iso"])
        self.rpc.call("vm.media", vm="web", iso="two.iso", wait=True, deadline=60)
        self.assertEqual(drive(), ["two.iso"])
        self.rpc.call("vm.media", vm="web", iso=None, wait=True, deadline=60)
        self.assertEqual(drive(), [])
        self.refused("not_found", "vm.media", vm="web", iso="three.iso", wait=True)

    def test_a_client_that_hangs_up_changes_nothing_about_its_operation(self):
        with self.daemon.rpc() as leaver:
            leaver.ask("vm.create", name="web", wait=True, **SMALL)
            self.rpc.call("server.ping")
            mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
            mirror.wait(lambda m: "web" in m.vms)
        mirror.wait(lambda m: m.vms["web"].get("state") == "shutoff")
        self.assertEqual(self.worlds.compare(), [])


class Hung(OperationsTest):
    def hang(self):
        self.libvirtd.signal_qemu("web", signal.SIGSTOP)

    def test_a_guest_whose_QEMU_hangs_in_any_operation_can_be_stopped(self):
        for method, more in (("vm.pause", {}), ("vm.reset", {}), ("vm.save", {}), ("vm.nmi", {}),
                             ("vm.shutdown", {}), ("vm.reboot", {}), ("vm.update", {"vcpus": 2})):
            with self.subTest(method=method):
                self.create("web", start=True)
                self.hang()
                op = self.rpc.call(method, vm="web", **more)["op"]
                self.rpc.call("vm.stop", vm="web", wait=True, deadline=60)
                self.assertEqual(self.state("web"), "shutoff")
                ended = self.rpc.call("op.get", op=op, wait=True, deadline=60)
                self.assertIn(ended["state"], ("cancelled", "failed", "done"))
                self.rpc.call("vm.delete", vm="web", wait=True, deadline=60)
                self.assertEqual(self.worlds.compare(), [])

    def test_a_guest_whose_QEMU_hangs_can_be_deleted(self):
        self.create("web", start=True)
        self.hang()
        self.rpc.call("vm.delete", vm="web", wait=True, deadline=90)
        self.refused("not_found", "vm.get", vm="web")
        self.assertEqual(list(self.disks.iterdir()), [])

    def test_a_guest_that_begins_to_hang_just_before_it_is_deleted_is_deleted(self):
        self.create("web", start=True)
        before = self.daemon.process.output().count("does not return")
        self.hang()
        until = time.monotonic() + 30
        while self.daemon.process.output().count("does not return") == before:  # its job is held
            self.assertLess(time.monotonic(), until)
            self.daemon.world.keeper.look(0.02)
        self.rpc.call("vm.delete", vm="web", wait=True, deadline=120)
        self.refused("not_found", "vm.get", vm="web")

    def test_a_hung_guest_is_said_to_be_and_asked_nothing(self):
        self.create("web", start=True)
        self.hang()
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        mirror.wait(lambda m: m.vms["web"].get("unresponsive"))
        error = self.refused("unresponsive", "vm.pause", vm="web", wait=True)
        self.assertIn("since", error.data)
        self.rpc.call("vm.stop", vm="web", wait=True, deadline=60)


if __name__ == "__main__":
    promise.main()
