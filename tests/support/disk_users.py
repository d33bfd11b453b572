"""disk_users: a lodged on a private libvirtd, and all the ways in which another VM can use a disk of lodge's.

    class Disks(DiskUsers):
        def test_…(self):
            path = self.create("web")
            self.use_linked_clone(path)  # another VM, called user
            self.assertEqual(self.delete("web"), {str(path): "VM 'user' uses it"})
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import libvirtd as libvirtds
from three_worlds import ThreeWorlds
from world import World

READ = "read who uses which files"
SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1}], "network": None}
DISK = ("<disk type='{type}' device='disk'><driver name='qemu' type='{format}'/><source {source}/>{more}"
        "<target dev='vda' bus='virtio'/></disk>")
BACKING = ("<backingStore type='file'><format type='qcow2'/><source file='{}'/><backingStore/>"
           "</backingStore>")


def loop_devices_work():
    """Some machines have the tool and let nobody use it."""
    if os.geteuid() != 0 or not shutil.which("losetup"):
        return False
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(1 << 20)
        made = subprocess.run(["losetup", "--find", "--show", file.name], capture_output=True, text=True, check=False)
        if made.returncode == 0:
            subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)
        return made.returncode == 0


def disk(source, kind="file", more="", fmt="qcow2"):
    return DISK.format(type=kind, source=source, more=more, format=fmt)


def with_devices(text, xml=libvirtds.GUEST):
    """A guest that has this too. (The text is format()ted later.)"""
    return xml.replace("<graphics", text.replace("{", "{{").replace("}", "}}") + "<graphics")


class DiskUsers(unittest.TestCase):
    """Removes what a test leaves, and sees that lodge's rows, libvirt and the folder then fit."""

    uid = None  # lodged's
    binds = True

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.disks = cls.world.folder / "disks"
        cls.others = cls.world.folder / "others"
        cls.bound = cls.world.folder / "bound"
        for folder in (cls.disks, cls.others, cls.bound):
            folder.mkdir()
            folder.chmod(0o711)
        (cls.world.folder / "link").symlink_to(cls.disks)
        # lodged sees its folder by another name too; so would a libvirtd of the same machine.
        bind = [] if not cls.binds else ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"', cls.disks, cls.bound]
        cls.daemon = cls.start(wrap=bind)
        cls.worlds = ThreeWorlds(cls.daemon, cls.libvirtd, cls.disks)

    @classmethod
    def start(cls, **how):
        daemon = cls.world.daemon(None, config={"daemon": {"socket_mode": "0666"},
                                                "host q": {"uri": cls.libvirtd.qemu_uri, "dir": cls.disks}},
                                  flags=["--log-level", "host=debug"], uid=cls.uid, **how)
        daemon.synced(60).rpc.close()
        return daemon

    def setUp(self):
        self.rpc = self.daemon.rpc()
        self.addCleanup(self.rpc.close)
        self.addCleanup(self.clean)

    def clean(self):
        for vm in self.rpc.call("vm.list", fields=["managed"])["vms"]:
            if vm["managed"]:
                self.rpc.call("vm.delete", vm=vm["uuid"], wait=True, deadline=60)
        for name in self.libvirtd.virsh("list", "--all", "--name").stdout.split():
            self.forget(name)
        for folder in (self.disks, self.others):
            for path in folder.iterdir():
                path.unlink()
        self.assertEqual(self.worlds.compare(), [])

    def forget(self, name):
        self.libvirtd.virsh("destroy", name, check=False)
        for snapshot in self.libvirtd.virsh("snapshot-list", "--name", name, check=False).stdout.split():
            self.libvirtd.virsh("snapshot-delete", "--metadata", name, snapshot)
        self.libvirtd.virsh("undefine", name, "--managed-save", "--checkpoints-metadata", "--keep-nvram")

    def create(self, name, rpc=None, **more):
        """The path of its disk."""
        rpc = rpc or self.rpc
        rpc.call("vm.create", name=name, wait=True, deadline=60, **{**SMALL, **more})
        # Its definition may be read a moment after that.
        self.wait_until(lambda: rpc.call("vm.get", vm=name)["disks"], "its disk")
        return pathlib.Path(rpc.call("vm.get", vm=name)["disks"][0]["path"])

    def delete(self, name, rpc=None):
        """What was kept: path -> why."""
        kept = (rpc or self.rpc).call("vm.delete", vm=name, wait=True, deadline=60)["kept"]
        return {entry["path"]: entry["why"] for entry in kept}

    def overlay(self, path, name="over.qcow2", folder=None, fmt="qcow2"):
        made = (folder or self.others) / name
        subprocess.run(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", fmt, "-b", path, made, "1G"],
                       check=True)
        return made

    def define(self, name, devices, xml=libvirtds.GUEST):
        self.libvirtd.define(name, xml=with_devices(devices, xml))

    def for_each_kind(self, holds):
        for use in self.KINDS:
            with self.subTest(kind=use.__name__):
                try:
                    holds(use)
                finally:
                    self.doCleanups()
                    self.setUp()

    def wait_until(self, condition, what, deadline=30):
        until = time.monotonic() + deadline
        while not condition():
            self.assertLess(time.monotonic(), until, f"never came: {what}")
            self.world.keeper.look(0.02)

    def readings(self):
        return self.daemon.process.output().count(READ)

    # the ways to use a file

    def use_volume(self, path):
        self.define("user", disk(f"pool='lodge' volume='{path.name}'", kind="volume"))

    def use_another_pool(self, path):
        # libvirt lets no two pools have one folder, if it sees that.
        self.libvirtd.virsh("pool-create-as", "twin", "dir", "--target", self.world.folder / "link")
        self.addCleanup(self.libvirtd.virsh, "pool-destroy", "twin")
        self.define("user", disk(f"pool='twin' volume='{path.name}'", kind="volume"))

    def use_slashes(self, path):
        self.define("user", disk(f"file='{path.parent}//.///{path.name}'"))

    def use_symlinked_folder(self, path):
        self.define("user", disk(f"file='{self.world.folder}/link/{path.name}'"))

    def use_symlink(self, path):
        (self.others / "name.qcow2").symlink_to(path)
        self.define("user", disk(f"file='{self.others}/name.qcow2'"))

    def use_bind_mount(self, path):
        self.define("user", disk(f"file='{self.bound}/{path.name}'"))

    def use_linked_clone(self, path):
        self.define("user", disk(f"file='{self.overlay(path)}'"))

    def use_running_clone(self, path):
        self.use_linked_clone(path)
        self.libvirtd.virsh("start", "user")

    def use_clone_of_clone(self, path):
        self.overlay(path, "first.qcow2")
        self.define("user", disk(f"file='{self.overlay('first.qcow2', 'second.qcow2')}'"))

    def use_clone_by_symlink(self, path):
        (self.others / "base.qcow2").symlink_to(path)
        self.define("user", disk(f"file='{self.overlay('base.qcow2')}'"))

    def use_clone_by_json(self, path):
        name = f'json:{{"driver":"qcow2","file":{{"driver":"file","filename":"{path}"}}}}'
        self.define("user", disk(f"file='{self.overlay(name)}'"))

    def use_backing_store(self, path):
        (self.others / "over.qcow2").write_bytes(b"")
        self.define("user", disk(f"file='{self.others}/over.qcow2'", more=BACKING.format(path)))

    def use_attached(self, path):
        self.define("user", "")
        self.libvirtd.virsh("attach-disk", "user", path, "vda", "--config", "--driver", "qemu", "--subdriver", "qcow2")

    def use_attached_live(self, path):
        self.define("user", "")
        self.libvirtd.virsh("start", "user")
        self.libvirtd.virsh("attach-disk", "user", path, "vda", "--live", "--driver", "qemu", "--subdriver", "qcow2",
                            "--targetbus", "virtio")

    def use_snapshot(self, path):
        self.define("user", disk(f"file='{path}'"))
        self.libvirtd.virsh("snapshot-create-as", "user", "s1", "--disk-only", "--diskspec",
                            f"vda,file={self.others}/s1.qcow2")

    def use_old_snapshot(self, path):
        self.use_snapshot(path)
        self.libvirtd.virsh("detach-disk", "user", "vda", "--config")

    def use_checkpoint(self, path):
        """Of which a backup would begin: nothing else names the disk any more."""
        self.define("user", disk(f"file='{path}'"))
        self.libvirtd.virsh("start", "user")
        self.libvirtd.virsh("checkpoint-create-as", "user", "c1")
        self.libvirtd.virsh("destroy", "user")
        self.libvirtd.virsh("detach-disk", "user", "vda", "--config")

    def use_saved(self, path):
        self.define("user", disk(f"file='{path}'"))
        self.libvirtd.virsh("start", "user")
        self.libvirtd.virsh("managedsave", "user")
        self.libvirtd.virsh("detach-disk", "user", "vda", "--config")

    def use_network(self, path):
        self.define("user", "<disk type='network' device='disk'><driver name='qemu' type='raw'/>"
                            f"<source protocol='nbd' name='exports/{path.name}'><host name='far' port='10809'/></source>"
                            "<target dev='vda' bus='virtio'/></disk>")

    def use_argument(self, path):
        xml = libvirtds.GUEST.replace("<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ")
        self.define("user", "", xml.replace("</domain>", "<qemu:commandline><qemu:arg value='-drive'/><qemu:arg value="
                                            f"'if=virtio,file={path}'/></qemu:commandline></domain>"))

    def use_clone_by_argument(self, path):
        self.use_argument(self.overlay(path))

    def use_clone_that_others_call_raw(self, path):
        """Some of them are read before the one that tells what it is, some after."""
        middle = self.overlay(path, "middle.qcow2")
        for number in range(4):
            self.define(f"raw{number}", disk(f"file='{middle}'", fmt="raw"))
        self.define("user", disk(f"file='{self.overlay(middle)}'"))

    def use_block_device(self, path):
        image = self.overlay(path)
        with image.open("ab") as file:
            file.truncate(4 << 20)
        device = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=True).stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "--detach", device], check=True)
        self.define("user", disk(f"dev='{device}'", kind="block"))

    KINDS = (use_volume, use_another_pool, use_slashes, use_symlinked_folder, use_symlink, use_bind_mount,
             use_linked_clone, use_running_clone, use_clone_of_clone, use_clone_by_symlink, use_clone_by_json,
             use_backing_store, use_attached, use_attached_live, use_snapshot, use_old_snapshot, use_checkpoint,
             use_saved, use_network, use_argument, use_clone_by_argument, use_clone_that_others_call_raw,
             *([use_block_device] if loop_devices_work() else []))
