"""What stays behind when a VM is deleted, since lodge did not make it: NVRAM that a definition names, overlays
of other tools, other people's disks and saved guests; it is named. And a lodged that is not root, which may open
next to nothing, deletes what nobody uses and nothing else. Through a private libvirtd with real QEMU (root)."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest
import uuid as uuids

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from disk_users import SMALL, DiskUsers, disk, with_devices  # noqa: E402
from world import BUILD_DIR, Mirror, RpcError, free_uid  # noqa: E402

OVMF = pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
THEIRS = "lodge did not make it"


def with_nvram(path, xml=libvirtds.GUEST):
    return xml.replace("</os>", f"<loader readonly='yes' type='pflash'>{OVMF}</loader><nvram>{path}</nvram></os>")


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Leavings(DiskUsers):
    def adopt(self, name, **who):
        Mirror(self.rpc, topics=["vm"]).wait(lambda m: name in m.vms and m.vms[name].get("vcpus"))
        self.rpc.call("vm.adopt", vm=name, owner=f"#{free_uid()}", wait=True, **who)
        user = self.daemon.rpc(uid=free_uid())
        self.addCleanup(user.close)
        return user

    def seen(self, path):
        """A file as libvirtd sees it, which has a /var/lib/libvirt of its own here."""
        return pathlib.Path(f"/proc/{self.libvirtd.process.pid}/root{path}")

    def redefine(self, name, change):
        xml = self.world.folder / "changed.xml"
        xml.write_text(change(self.libvirtd.virsh("dumpxml", "--inactive", "--security-info", name).stdout))
        self.libvirtd.virsh("define", xml)

    @unittest.skipUnless(OVMF.exists(), "needs ovmf")
    def test_a_file_that_an_adopted_VM_names_as_its_NVRAM_is_kept(self):
        for place in (self.others / "theirs.fd", "/var/lib/libvirt/qemu/nvram/old_VARS.fd"):
            with self.subTest(place=place):
                self.libvirtd.define("old", xml=with_nvram(place))
                self.seen(place).parent.mkdir(parents=True, exist_ok=True)
                self.seen(place).write_bytes(b"theirs")
                user = self.adopt("old")
                self.assertEqual(self.delete("old", rpc=user), {str(place): THEIRS})
                self.assertEqual(self.seen(place).read_bytes(), b"theirs")
        self.libvirtd.define("old", xml=libvirtds.GUEST.replace("<os>", "<os firmware='efi'>"))
        self.assertEqual(self.delete("old", rpc=self.adopt("old")), {str(place): THEIRS}, "that libvirt chose")
        self.assertEqual(self.seen(place).read_bytes(), b"theirs")

    @unittest.skipUnless(OVMF.exists(), "needs ovmf")
    def test_a_file_that_somebody_named_as_the_NVRAM_of_lodges_VM_is_kept(self):
        theirs = self.others / "theirs.fd"
        theirs.write_bytes(b"theirs")
        self.create("efi", firmware="uefi", memory_mib=256)
        self.redefine("efi", lambda xml: with_nvram(theirs, xml.replace(" firmware='efi'", "").split("<firmware>")[0] +
                                                    xml.split("</firmware>")[-1]))
        self.assertEqual(self.delete("efi"), {str(theirs): THEIRS})
        self.assertEqual(theirs.read_bytes(), b"theirs")

    @unittest.skipUnless(OVMF.exists(), "needs ovmf")
    def test_NVRAM_of_lodges_own_goes_also_when_the_guest_is_off(self):
        self.create("efi", firmware="uefi", memory_mib=256, start=True)
        usual = self.seen("/var/lib/libvirt/qemu/nvram/efi_VARS.fd")
        self.assertTrue(usual.exists())
        self.rpc.call("vm.stop", vm="efi", wait=True, deadline=60)
        self.assertEqual(self.delete("efi"), {})
        self.assertFalse(usual.exists())

    @unittest.skipUnless(OVMF.exists(), "needs ovmf")
    def test_NVRAM_that_another_VM_names_too_is_kept(self):
        self.create("efi", firmware="uefi", memory_mib=256, start=True)
        usual = self.seen("/var/lib/libvirt/qemu/nvram/efi_VARS.fd")
        self.assertTrue(usual.exists())
        self.libvirtd.define("user", xml=with_nvram("/var/lib/libvirt/qemu/nvram/efi_VARS.fd"))
        self.assertEqual(self.delete("efi"), {"/var/lib/libvirt/qemu/nvram/efi_VARS.fd": "VM 'user' uses it"})
        self.assertTrue(usual.exists())
        usual.unlink()

    def test_an_overlay_of_another_tools_snapshot_is_named_and_stays_whole(self):
        for folder in (self.disks, self.others):
            with self.subTest(folder=folder.name):
                path = self.create("web")
                over = folder / "s1.qcow2"
                self.libvirtd.virsh("snapshot-create-as", "web", "s1", "--disk-only", "--diskspec", f"vda,file={over}")
                self.assertEqual(self.delete("web"), {str(path): f"{over} is based on it", str(over): THEIRS})
                self.assertTrue(path.exists() and over.exists())
                found = self.rpc.call("server.compare")["stray_volumes"]
                self.assertEqual(found, [] if folder == self.disks else [{"host": "q", "path": str(path)}])
                over.unlink()
                os.utime(path, (0, 0))  # not of the last hour
                self.rpc.call("orphan.delete", host="q", path=str(path), wait=True)

    def test_what_another_tool_changes_without_an_event_is_shown_within_a_minute(self):
        path = self.create("web")
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        over = self.others / "s1.qcow2"
        self.libvirtd.virsh("snapshot-create-as", "web", "s1", "--disk-only", "--diskspec", f"vda,file={over}")
        self.wait_until(lambda: self.rpc.call("vm.get", vm="web")["disks"][0]["path"] == str(over), "the overlay", 90)
        self.libvirtd.virsh("setmaxmem", "web", "128M", "--config")
        mirror.wait(lambda m: m.vms["web"]["memory_mib"] == 128, 90)
        self.assertEqual(set(self.delete("web")), {str(path), str(over)})

    def test_an_overlay_whose_base_is_named_in_JSON_keeps_it(self):
        path = self.create("web")
        name = f'json:{{"file.filename":"{path}","file.driver":"file","driver":"qcow2"}}'
        over = self.overlay(name)
        self.redefine("web", lambda xml: xml.replace(str(path), str(over)))
        self.assertEqual(self.delete("web"), {str(path): f"{over} is based on it", str(over): THEIRS})
        self.assertTrue(path.exists() and over.exists())

    def test_a_chain_of_a_hundred_overlays_keeps_its_base(self):
        path = self.create("web")
        top = path
        for number in range(100):
            top = self.overlay(top, f"o{number}.qcow2")
        self.redefine("web", lambda xml: xml.replace(str(path), str(top)))
        kept = self.delete("web")
        self.assertEqual(len(kept), 101)
        self.assertTrue(path.exists())

    def test_an_overlay_that_is_made_while_a_deletion_waits_for_its_host_keeps_its_base(self):
        daemon = self.start(name="waits", env={"LODGED_FAILPOINT": "delete.undefine:kill"})
        self.addCleanup(daemon.stop)
        with daemon.rpc() as rpc:
            path = self.create("web", rpc=rpc)
            rpc.ask("vm.delete", vm="web")
            daemon.process.wait(30)
        over = self.others / "s1.qcow2"
        self.libvirtd.virsh("snapshot-create-as", "web", "s1", "--disk-only", "--diskspec", f"vda,file={over}")
        daemon.env = {}
        daemon.start()
        with daemon.rpc() as rpc:
            self.wait_until(lambda: rpc.call("op.list")["ops"][0]["state"] == "done", "its end", 60)
        self.assertEqual(daemon.stop(), 0)
        self.assertTrue(path.exists() and over.exists())

    def test_a_disk_in_the_folder_of_an_earlier_configuration_is_kept_and_said(self):
        daemon = self.start(name="moved")
        self.addCleanup(daemon.stop)
        with daemon.rpc() as rpc:
            path = self.create("web", rpc=rpc)
        self.assertEqual(daemon.stop(), 0)
        config = pathlib.Path(daemon.config)
        config.write_text(config.read_text().replace(str(self.disks), str(self.others)))
        daemon.start()
        with daemon.synced(60).rpc as rpc:
            self.assertEqual(self.delete("web", rpc=rpc), {str(path): f"this host's disks are in {self.others} now"})
        self.assertTrue(path.exists())

    def test_a_copy_of_lodges_domain_is_not_taken_for_one_that_lodge_made(self):
        """Who clones one by its XML copies lodge's mark with it."""
        self.create("web")
        xml = self.libvirtd.virsh("dumpxml", "--inactive", "web").stdout
        uuid = xml.split("<uuid>")[1].split("</uuid>")[0]
        copy = self.world.folder / "copy.xml"
        copy.write_text(xml.replace("<name>web<", "<name>copy<").replace(f"<uuid>{uuid}<", f"<uuid>{uuids.uuid4()}<"))
        self.libvirtd.virsh("define", copy)
        self.libvirtd.virsh("start", "copy")
        self.libvirtd.virsh("managedsave", "copy")
        user = self.adopt("copy")
        self.assertEqual(self.rpc.call("server.compare")["unknown_domains"], [])
        with self.assertRaises(RpcError) as caught:
            self.delete("copy", rpc=user)
        self.assertIn("lodge did not make it", str(caught.exception))
        self.assertTrue(self.seen("/var/lib/libvirt/qemu/save/copy.save").exists())
        self.libvirtd.virsh("managedsave-remove", "copy")

    @unittest.skipUnless(shutil.which("swtpm_setup"), "needs swtpm")
    def test_the_TPM_of_an_adopted_guest_that_runs_keeps_its_state(self):
        tpm = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
        self.define("old", tpm)
        self.libvirtd.virsh("start", "old")
        uuid = self.libvirtd.virsh("domuuid", "old").stdout.strip()
        state = f"/var/lib/libvirt/swtpm/{uuid}"
        self.assertTrue(self.seen(state).exists())
        kept = self.delete("old", rpc=self.adopt("old"))
        self.assertEqual(list(kept.values()), [THEIRS])
        self.assertTrue(list(self.seen(state).rglob("*permall*")), "it is gone")

    @unittest.skipUnless(shutil.which("swtpm_setup"), "needs swtpm")
    def test_a_transient_guest_with_a_TPM_that_lodge_did_not_make_is_not_deleted(self):
        xml = self.world.folder / "transient.xml"
        text = with_devices("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>")
        xml.write_text(text.format(name="old", uuid=uuids.uuid4()))
        self.libvirtd.virsh("create", xml)
        user = self.adopt("old")
        with self.assertRaises(RpcError) as caught:
            self.delete("old", rpc=user)
        self.assertEqual(caught.exception.kind, "bad_state")
        self.assertIn("TPM", str(caught.exception))
        self.assertEqual(self.libvirtd.virsh("domstate", "old").stdout.strip(), "running")
        self.libvirtd.virsh("destroy", "old")

    def test_all_layers_of_snapshots_are_named(self):
        path = self.create("web", start=True)
        overs = [self.others / f"s{number}.qcow2" for number in range(3)]
        for number, over in enumerate(overs):
            self.libvirtd.virsh("snapshot-create-as", "web", f"s{number}", "--disk-only", "--diskspec",
                                f"vda,file={over}", *(["--no-metadata"] if number == 1 else []))
        kept = self.delete("web")
        self.assertEqual(set(kept), {str(path), *map(str, overs)})
        self.assertTrue(all(over.exists() for over in overs) and path.exists())

    def test_disks_that_others_attached_are_named_and_media_are_not(self):
        path = self.create("web")
        for name in ("more.raw", "some.iso"):
            (self.others / name).write_bytes(b"theirs" * 1000)
        self.libvirtd.virsh("attach-disk", "web", self.others / "more.raw", "vdb", "--config")
        self.libvirtd.virsh("change-media", "web", "sda", self.others / "some.iso", "--config", "--insert")
        self.assertEqual(self.delete("web"), {str(self.others / "more.raw"): THEIRS})
        self.assertFalse(path.exists())

    def test_what_an_adopted_VM_has_is_named_with_its_snapshots(self):
        base, over, memory = (self.others / name for name in ("base.qcow2", "s1.qcow2", "memory"))
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", base, "1G"], check=True)
        self.define("old", disk(f"file='{base}'"))
        self.libvirtd.virsh("start", "old")
        self.libvirtd.virsh("snapshot-create-as", "old", "s1", "--memspec", f"file={memory}", "--diskspec",
                            f"vda,file={over}")
        user = self.adopt("old")
        kept = self.delete("old", rpc=user)
        self.assertEqual(kept, {str(path): THEIRS for path in (base, over, memory)})
        self.assertTrue(all(path.exists() for path in (base, over, memory)))

    def test_a_saved_guest_that_lodge_did_not_make_is_not_deleted(self):
        self.define("old", "")
        self.libvirtd.virsh("start", "old")
        self.libvirtd.virsh("managedsave", "old")
        user = self.adopt("old")
        with self.assertRaises(RpcError) as caught:
            self.delete("old", rpc=user)
        self.assertEqual(caught.exception.kind, "bad_state")
        self.assertIn("managedsave-remove", str(caught.exception))
        self.assertTrue(self.seen("/var/lib/libvirt/qemu/save/old.save").exists())
        self.libvirtd.virsh("managedsave-remove", "old")
        self.assertEqual(self.delete("old", rpc=user), {})

    def test_lodges_own_saved_guest_is_deleted_with_what_was_saved(self):
        self.create("web", start=True)
        self.rpc.call("vm.save", vm="web", wait=True, deadline=60)
        self.assertEqual(self.delete("web"), {})
        self.assertFalse(self.seen("/var/lib/libvirt/qemu/save/web.save").exists())

    def test_the_verb_says_what_was_kept_and_why(self):
        for words in ([], ["--json"]):
            path = self.create("web")
            self.use_slashes(path)
            said = subprocess.run([BUILD_DIR / "tui" / "lodge", "--socket", self.daemon.socket, "rm", "--yes", *words,
                                   "web"], capture_output=True, text=True, check=True, timeout=60).stdout
            if words:
                self.assertEqual(json.loads(said)["kept"], [{"path": str(path), "why": "VM 'user' uses it"}])
            else:
                self.assertIn(f"kept {path}: VM 'user' uses it", said)
            self.forget("user")
            path.unlink()


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class WithoutRoot(DiskUsers):
    uid = free_uid()
    binds = False

    def hidden(self, path):
        os.chown(path, 0, 0)
        path.chmod(0o600)
        return path

    def test_what_nobody_uses_is_deleted_by_a_lodged_that_is_not_root(self):
        # Others' disks, which it may not open, and a folder that it may not enter.
        secret = self.others / "secret"
        secret.mkdir(mode=0o700)
        self.addCleanup(secret.rmdir)
        self.define("one", disk(f"file='{self.hidden(self.overlay(secret / 'base', 'one.qcow2'))}'"))
        self.define("two", disk(f"file='{secret}/two.qcow2'"))
        self.define("three", disk(f"file='{self.hidden(self.overlay(self.others / 'x', 'three.qcow2', self.disks))}'"))
        path = self.create("web", start=True)
        self.assertEqual(path.stat().st_uid, 0)
        self.assertEqual(self.delete("web"), {})
        self.assertFalse(path.exists())

    def test_a_disk_below_an_overlay_that_it_may_not_open_is_kept(self):
        path = self.create("web")
        over = self.others / "s1.qcow2"
        self.libvirtd.virsh("snapshot-create-as", "web", "s1", "--disk-only", "--diskspec", f"vda,file={over}")
        self.hidden(over)
        self.assertEqual(self.delete("web"), {str(path): f"{over} cannot be looked into", str(over): THEIRS})
        self.assertTrue(path.exists() and over.exists())

    def test_a_disk_that_another_VM_uses_is_kept_by_it_too(self):
        for use in (DiskUsers.use_volume, DiskUsers.use_slashes, DiskUsers.use_symlinked_folder,
                    DiskUsers.use_running_clone, DiskUsers.use_attached, DiskUsers.use_snapshot):
            with self.subTest(kind=use.__name__):
                path = self.create("web")
                use(self, path)
                self.assertEqual(self.delete("web"), {str(path): "VM 'user' uses it"})
                self.assertTrue(path.exists())
                self.doCleanups()
                self.setUp()

    def test_of_a_clone_that_it_may_not_open_libvirt_tells_what_it_is_based_on(self):
        path = self.create("web")
        over = self.hidden(self.overlay(path, "clone.qcow2", self.disks))
        self.define("user", disk(f"file='{over}'"))  # the pool has not heard of it
        self.assertEqual(self.delete("web"), {str(path): "VM 'user' uses it"})
        self.forget("user")
        # … and by now it has: a volume that no VM has keeps what it is based on.
        again = self.disks / "kept.qcow2"
        self.assertEqual(self.rpc.call("server.compare")["stray_volumes"], [])
        over.rename(again)
        self.libvirtd.virsh("pool-refresh", "lodge")
        self.assertEqual(self.rpc.call("server.compare")["stray_volumes"], [])
        again.unlink()
        self.assertEqual([stray["path"] for stray in self.rpc.call("server.compare")["stray_volumes"]], [str(path)])


if __name__ == "__main__":
    promise.main()
