"""What lodge made and no row knows any more (a database that was put back): found, and deleted on an admin's
word alone, running or not. What others made is not (root)."""

import os
import pathlib
import sqlite3
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import RpcError, World  # noqa: E402

SMALL = {"vcpus": 1, "memory_mib": 64, "disks": [{"size_gib": 1}], "network": None}


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Orphans(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.disks = cls.world.folder / "disks"
        cls.daemon = cls.world.daemon(None, wrap=cls.world.without_kvm(), config={
            "host q": {"uri": cls.libvirtd.qemu_uri, "dir": cls.disks}})

    def setUp(self):
        self.daemon.synced(60).rpc.close()
        self.rpc = self.daemon.rpc()

    def tearDown(self):
        self.rpc.close()

    def forget_all(self):
        """As a database of before would."""
        self.rpc.close()
        self.assertEqual(self.daemon.stop(), 0)
        with sqlite3.connect(pathlib.Path(self.daemon.state_dir) / "lodge.db") as database:
            database.execute("PRAGMA foreign_keys = ON")
            database.execute("DELETE FROM vm")
        database.close()
        self.daemon.start()
        self.setUp()

    def delete(self, **what):
        self.rpc.call("orphan.delete", host="q", wait=True, deadline=60, **what)

    def refused(self, kind, **what):
        with self.assertRaises(RpcError) as caught:
            self.delete(**what)
        self.assertEqual(caught.exception.kind, kind, caught.exception)

    def domains(self):
        return self.libvirtd.virsh("list", "--all", "--uuid").stdout.split()

    def test_domains_and_volumes_without_a_row_go_on_an_admins_word(self):
        foreign = self.libvirtd.define("foreign")
        for name, start in (("off", False), ("on", True)):
            self.rpc.call("vm.create", name=name, start=start, wait=True, deadline=60, **SMALL)
        kept = self.rpc.call("vm.get", vm="off")["uuid"]
        self.refused("conflict", uuid=kept)  # it has a row
        ours = {vm["name"]: vm["uuid"] for vm in self.rpc.call("vm.list", fields=["name", "uuid"])["vms"]}
        files = sorted(map(str, self.disks.iterdir()))
        self.assertGreaterEqual(len(files), 2)
        self.forget_all()
        found = self.rpc.call("server.compare")
        self.assertEqual(sorted(stray["uuid"] for stray in found["unknown_domains"]),
                         sorted((ours["off"], ours["on"])))
        self.assertEqual(sorted(stray["path"] for stray in found["stray_volumes"]), [])  # their guests use them
        self.refused("conflict", uuid=foreign)
        self.refused("not_found", uuid="10d9e000-0000-4000-8000-00000000dead")
        for path in files:
            self.refused("conflict", path=path)
        for name in ("off", "on"):
            self.delete(uuid=ours[name])
            self.assertNotIn(ours[name], self.domains())
            self.refused("not_found", uuid=ours[name])
        self.assertEqual(self.domains(), [foreign])
        for path in files:
            self.refused("conflict", path=path)  # somebody may be making a VM of it
            os.utime(path, (0, 0))
            self.delete(path=path)
            self.refused("not_found", path=path)
        self.assertEqual(list(self.disks.iterdir()), [])
        found = self.rpc.call("server.compare")
        self.assertEqual((found["unknown_domains"], found["stray_volumes"]), ([], []))


if __name__ == "__main__":
    promise.main()
