"""A private system libvirtd with real QEMU guests, a lodged that shows them beside the test driver, and
a mirror of what it tells. Root."""

import unittest

import libvirtd as libvirtds
from world import World


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class GuestsTest(unittest.TestCase):
    GUESTS = ()

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        for name in cls.GUESTS:
            cls.libvirtd.define(name)
            cls.libvirtd.virsh("start", name)
        cls.daemon = cls.world.daemon({"q": cls.libvirtd.qemu_uri, "t": "test:///default"})
        cls.daemon.synced()

    def setUp(self):
        self.mirror = self.daemon.synced(60)
        self.rpc = self.mirror.rpc

    def tearDown(self):
        self.rpc.close()

    def virsh(self, *words):
        return self.libvirtd.virsh(*words)

    def wait_vm(self, name, deadline=None, **wanted):
        return self.mirror.wait(lambda m: name in m.vms and all(
            m.vms[name].get(key) == value for key, value in wanted.items()) and m.vms[name],
            deadline)
