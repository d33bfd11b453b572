"""Edits of domains that others defined: libvirt's own definition says afterwards exactly what was asked, and
what could not stay is said (a private libvirtd, root)."""

import json
import os
import subprocess
import sys
import unittest
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import BUILD_DIR, PATIENCE, Mirror, RpcError, World  # noqa: E402

DOMAIN = ("<domain type='qemu'><name>{{name}}</name><uuid>{{uuid}}</uuid>"
          "<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>{elements}</domain>")
GIB = "<memory unit='MiB'>1024</memory>"
DIMM = ("<maxMemory slots='8' unit='MiB'>4096</maxMemory>" + GIB + "<vcpu>2</vcpu>"
        "<cpu><numa><cell id='0' cpus='0-1' memory='{cell}' unit='MiB'/></numa></cpu><devices>{devices}</devices>")
DEVICE = ("<memory model='{model}'><target><size unit='MiB'>512</size><node>0</node>{more}</target></memory>")
BLOCKS = "<block unit='MiB'>2</block><requested unit='MiB'>128</requested>"


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Edits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.daemon = cls.world.daemon(None, config={"host q": {"uri": cls.libvirtd.qemu_uri,
                                                               "dir": cls.world.folder / "disks"}})
        cls.daemon.synced(60).rpc.close()

    def setUp(self):
        self.rpc = self.daemon.rpc()

    def tearDown(self):
        for vm in self.rpc.call("vm.list", fields=["managed"])["vms"]:
            if vm["managed"]:
                self.rpc.call("vm.delete", vm=vm["uuid"], wait=True, deadline=60)
        self.rpc.close()

    def adopt(self, name, elements):
        self.libvirtd.define(name, xml=DOMAIN.format(elements=elements))
        with self.daemon.rpc() as rpc:
            Mirror(rpc, topics=["vm"]).wait(lambda m: name in m.vms)
        self.rpc.call("vm.adopt", vm=name, owner="root", wait=True)

    def update(self, name, **asked):
        """What it says that it dropped."""
        answer = self.rpc.call("vm.update", vm=name, wait=True, deadline=60, **asked)
        self.assertEqual(answer["pending"], [])
        return answer["dropped"]

    def refused(self, name, words, **asked):
        before = self.dumped(name)
        with self.assertRaises(RpcError) as caught:
            self.rpc.call("vm.update", vm=name, wait=True, deadline=60, **asked)
        self.assertEqual(caught.exception.kind, "unsupported", caught.exception)
        self.assertIn(words, str(caught.exception))
        self.assertEqual(self.dumped(name), before)

    def dumped(self, name, *how):
        return self.libvirtd.virsh("dumpxml", *(how or ["--inactive"]), name).stdout

    def tree(self, name, *how):
        return ElementTree.fromstring(self.dumped(name, *how))

    def memory(self, name, *how):
        """KiB: in all, current, the room for it, the cells."""
        tree = self.tree(name, *how)
        room = tree.findtext("maxMemory")
        return (int(tree.findtext("memory")), int(tree.findtext("currentMemory")), room and int(room),
                [int(cell.get("memory")) for cell in tree.iterfind("cpu/numa/cell")])

    def test_memory_devices_are_part_of_what_was_asked(self):
        for model, more in (("dimm", ""), ("virtio-mem", BLOCKS)):
            with self.subTest(model):
                device = DEVICE.format(model=model, more=more)
                self.adopt(model, DIMM.format(cell=512, devices=device))
                before = self.dumped(model)

                self.assertEqual(self.update(model, memory_mib=1024), [])
                self.assertEqual(self.dumped(model), before)

                self.update(model, memory_mib=2000)
                mib = 1024
                self.assertEqual(self.memory(model), (2000 * mib, 2000 * mib, 4096 * mib, [1488 * mib]))
                self.assertEqual(self.rpc.call("vm.get", vm=model)["memory_mib"], 2000)

                self.update(model, memory_mib=4100)
                self.assertEqual(self.memory(model), (4100 * mib, 4100 * mib, 4100 * mib, [3588 * mib]))

    def test_a_guest_that_boots_has_what_was_asked(self):
        self.adopt("boots", DIMM.format(cell=128, devices=DEVICE.format(model="dimm", more="")))
        self.update("boots", memory_mib=601)
        self.rpc.call("vm.start", vm="boots", wait=True, deadline=60)
        self.assertEqual(self.memory("boots", "--domain")[0], 601 * 1024)
        self.rpc.call("vm.stop", vm="boots", wait=True, deadline=60)

    def test_what_cannot_be_exact_changes_nothing(self):
        device = DEVICE.format(model="dimm", more="")
        self.adopt("less", DIMM.format(cell=512, devices=device))
        self.refused("less", "512 MiB", memory_mib=512)
        self.refused("less", "512 MiB", memory_mib=300, vcpus=1)
        self.adopt("odd", DIMM.format(cell=512, devices=device.replace("MiB'>512", "KiB'>524800")))
        self.refused("odd", "524800 KiB", memory_mib=2048)
        self.adopt("cells", GIB + "<vcpu>4</vcpu><cpu><numa><cell id='0' cpus='0-1' memory='512' unit='MiB'/>"
                   "<cell id='1' cpus='2-3' memory='512' unit='MiB'/></numa></cpu>")
        self.refused("cells", "NUMA cells", memory_mib=2048)
        self.refused("cells", "NUMA cells", vcpus=2)
        before = self.dumped("cells")
        self.update("cells", vcpus=4, memory_mib=1024)
        self.assertEqual(self.dumped("cells"), before)

    def topology(self, name):
        found = self.tree(name).find("cpu/topology")
        return found is not None and [int(found.get(level)) for level in ("sockets", "dies", "cores", "threads")]

    def test_sockets_and_threads_stay_and_the_cell_follows(self):
        self.adopt("wide", GIB + "<vcpu placement='static' cpuset='0'>4</vcpu><cpu>"
                   "<topology sockets='1' dies='1' cores='2' threads='2'/>"
                   "<numa><cell id='0' cpus='0-3' memory='1024' unit='MiB'/></numa></cpu>")
        for vcpus, cores, cpus in ((8, 4, "0-7"), (2, 1, "0-1")):
            self.assertEqual(self.update("wide", vcpus=vcpus), [])
            tree = self.tree("wide")
            self.assertEqual(self.topology("wide"), [1, 1, cores, 2])
            self.assertEqual(tree.find("cpu/numa/cell").get("cpus"), cpus)
            self.assertEqual((tree.findtext("vcpu"), tree.find("vcpu").get("cpuset")), (str(vcpus), "0"))

        self.assertEqual(self.update("wide", vcpus=3), ["the topology of 1 sockets 1 cores 2 threads"])

        self.assertIs(self.topology("wide"), False)
        self.assertEqual(self.tree("wide").findtext("vcpu"), "3")

    def test_what_was_said_of_vCPUs_that_are_gone_goes_and_is_said(self):
        self.adopt("pinned", GIB + "<vcpu>4</vcpu><cputune><vcpupin vcpu='1' cpuset='0'/><vcpupin vcpu='3' cpuset='0'/>"
                   "<emulatorpin cpuset='0'/><vcpusched vcpus='1-3' scheduler='fifo' priority='1'/></cputune>")

        dropped = self.update("pinned", vcpus=2)

        self.assertEqual(dropped, ["vcpupin of the vCPUs from 2 on", "vcpusched of the vCPUs from 2 on"])
        tune = self.tree("pinned").find("cputune")
        self.assertEqual([pin.get("vcpu") for pin in tune.iterfind("vcpupin")], ["1"])
        self.assertEqual([sched.get("vcpus") for sched in tune.iterfind("vcpusched")], ["1"])
        self.assertIsNotNone(tune.find("emulatorpin"))

    def lodge(self, *words):
        ran = subprocess.run([BUILD_DIR / "tui" / "lodge", *words], text=True, stdout=subprocess.PIPE, check=True,
                             env={**os.environ, "LODGE_SOCKET": self.daemon.socket}, timeout=PATIENCE)
        return ran.stdout

    def test_the_verb_says_what_went(self):
        pins = "".join(f"<vcpupin vcpu='{vcpu}' cpuset='0'/>" for vcpu in range(4))
        self.adopt("said", f"{GIB}<vcpu>4</vcpu><cputune>{pins}</cputune>")
        self.assertEqual(self.lodge("set", "said", "--cpus", "2"),
                         "said: set done\nsaid no longer has vcpupin of the vCPUs from 2 on\n")
        self.assertEqual(json.loads(self.lodge("set", "said", "--cpus", "1", "--json"))["dropped"],
                         ["vcpupin of the vCPUs from 1 on"])
        self.assertEqual(self.lodge("set", "said", "--cpus", "4"), "said: set done\n")

    def test_new_VMs_have_one_socket(self):
        self.rpc.call("vm.create", name="new", vcpus=4, memory_mib=64, network=None, wait=True, deadline=60)
        self.assertEqual(self.topology("new"), [1, 1, 4, 1])
        self.assertEqual(self.update("new", vcpus=3), [])
        self.assertEqual(self.topology("new"), [1, 1, 3, 1])
        self.rpc.call("vm.start", vm="new", wait=True, deadline=60)
        self.rpc.call("vm.stop", vm="new", wait=True, deadline=60)


if __name__ == "__main__":
    promise.main()
