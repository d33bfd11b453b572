"""Fleets of 0, 1, 1,000 and 10,000 made-up domains: in lodged's own process (test:///FILE) and
through a real libvirtd (test+unix:///FILE, test+unix:///default; root)."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import MADE_UP, Mirror, World, fleet_xml, uuid_of  # noqa: E402

SIZES = (0, 1, 1000, 10000)
MINUTES = 240  # seconds: for the slowest machine, instrumented

def names(answer):
    return [vm["name"] for vm in answer["vms"]]


class Told(Mirror):
    """Counts the VMs of which everything is told, event by event: whoever goes through 10,000 after each is so
    slow a reader on a busy machine that it is closed."""

    def __init__(self, *args, **kwargs):
        self.whole = set()
        super().__init__(*args, **kwargs)

    def apply(self, note):
        if "vcpus" in note.get("vm", ()):
            self.whole.add(note["vm"]["uuid"])
        return super().apply(note)


class Fleet:
    """What holds for a fleet, however it is reached."""

    def check(self, uri, count):
        running = count * 2 // 3
        daemon = self.world.daemon({"f": uri})
        early = daemon.rpc()
        first = early.call("vm.list")
        if "f" not in first["incomplete"]:
            self.assertEqual(len(first["vms"]), count, "neither incomplete nor whole")
        mirror = Told(early, topics=["vm", "host"], fields=["state", "vcpus", "memory_mib"])
        # Whoever subscribes reads: a client that waits for another's `ready` meanwhile is closed after
        # 30 s, and rightly.
        mirror.wait(lambda m: len(m.whole) == count, MINUTES)
        self.assertEqual(len(mirror.vms), count)
        daemon.synced(MINUTES, fields=["state"]).rpc.close()
        answer = early.call("vm.list", deadline=MINUTES)
        self.assertEqual(answer["incomplete"], [])
        self.assertEqual(names(answer), [f"vm{number:05d}" for number in range(count)])
        for vm in answer["vms"]:
            number = int(vm["name"][2:])
            self.assertEqual(
                (vm["uuid"], vm["state"], vm["vcpus"], vm["memory_mib"]),
                (uuid_of(number), "running" if number < running else "shutoff",
                 1 + number % 4, 64 + number % 7 * 64))
        self.assertEqual(len(early.call("vm.list", query="state:running")["vms"]), running)
        late = Mirror(daemon.rpc(), topics=["vm"]).wait_ready(MINUTES)
        self.assertEqual(len(late.vms), count)
        self.assertEqual(late.incomplete, [])
        health = early.call("server.health")
        self.assertIs(health["ready"], True)
        walked, cursor = 0, None
        while True:
            page = early.call("vm.list", limit=999, fields=[],
                              **({"cursor": cursor} if cursor is not None else {}))
            walked += len(page["vms"])
            cursor = page.get("cursor")
            if cursor is None:
                break
        self.assertEqual(walked, count)
        self.assertEqual(daemon.stop(), 0)


class InProcess(unittest.TestCase, Fleet):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def fleet(self, count):
        path = self.world.folder / "fleet.xml"
        path.write_text(fleet_xml(count, count * 2 // 3))
        return f"test://{path}"

    def test_no_domain_is_an_empty_complete_list(self):
        self.check(self.fleet(0), 0)

    def test_one_domain(self):
        self.check(self.fleet(1), 1)

    def test_1000_domains(self):
        self.check(self.fleet(1000), 1000)

    def test_10000_domains(self):
        self.check(self.fleet(10000), 10000)

    def test_a_file_that_is_not_there_is_a_host_that_is_down_and_says_why(self):
        daemon = self.world.daemon({"f": "test:///nonexistent/fleet.xml"})
        mirror = Mirror(daemon.rpc(), topics=["host"])
        host = mirror.wait(lambda m: m.hosts.get("f", {}).get("state") == "down" and m.hosts["f"])
        self.assertIn("/nonexistent/fleet.xml", host["error"])
        self.assertEqual(mirror.rpc.call("vm.list")["incomplete"], ["f"])

    def test_names_that_are_hard_to_print_come_through_unharmed(self):
        path = self.world.folder / "odd.xml"
        odd = ["sp ace", "quo\"te", "back\\slash", "ünï", "日本", "tab\u00a0x", "a'b", "%s%n",
               "<tag>", "&amp;", "x" * 200, "\U0001f600"]
        domains = "".join(
            "<domain type='test'><name>"
            + name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            + f"</name><uuid>{uuid_of(number)}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>"
              "<os><type>hvm</type></os></domain>" for number, name in enumerate(odd))
        path.write_text(f"<node>{domains}</node>")
        daemon = self.world.daemon({"f": f"test://{path}"})
        mirror = daemon.synced()
        self.assertEqual(set(mirror.vms), set(odd))
        for number, name in enumerate(odd):
            self.assertEqual(mirror.rpc.call("vm.get", vm=name)["uuid"], uuid_of(number))


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class ThroughLibvirtd(unittest.TestCase, Fleet):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()

    def fleet(self, count):
        path = self.world.folder / f"fleet{count}.xml"
        path.write_text(fleet_xml(count, count * 2 // 3))
        return self.libvirtd.uri("test", str(path))

    def test_a_remote_fleet_of_none(self):
        self.check(self.fleet(0), 0)

    def test_a_remote_fleet_of_one(self):
        self.check(self.fleet(1), 1)

    def test_a_remote_fleet_of_1000(self):
        self.check(self.fleet(1000), 1000)

    def test_a_remote_fleet_of_10000(self):
        self.check(self.fleet(10000), 10000)

    def test_what_virsh_does_is_seen_and_the_list_is_never_empty_by_mistake(self):
        uri = self.libvirtd.test_uri
        daemon = self.world.daemon({"t": uri})
        mirror = daemon.synced()
        self.assertEqual(set(mirror.vms), {"test"})
        with self.libvirtd.virsh_shell(uri) as virsh:
            for number in range(200):
                self.libvirtd.folder.joinpath("d.xml").write_text(
                    MADE_UP.format(name=f"d{number:03d}", uuid=uuid_of(5000 + number)))
                virsh.run(f"define {self.libvirtd.folder}/d.xml")
                if number % 2:
                    virsh.run(f"start d{number:03d}")
            mirror.wait(lambda m: len(m.vms) == 201 and all("state" in vm for vm in m.vms.values()) and sum(
                vm["state"] == "running" for vm in m.vms.values()) == 101)
            told = {name: vm["state"] for name, vm in mirror.vms.items()}
            listed = {vm["name"]: vm["state"] for vm in mirror.rpc.call("vm.list")["vms"]}
            self.assertEqual(told, listed)
            for number in range(200):
                if number % 2:
                    virsh.run(f"destroy d{number:03d}")
                virsh.run(f"undefine d{number:03d}")
            mirror.wait(lambda m: set(m.vms) == {"test"})
        self.assertNotIn("repaired", daemon.process.output())
        daemon.stop()

    def test_transient_guests_come_and_go(self):
        uri = self.libvirtd.test_uri
        daemon = self.world.daemon({"t": uri})
        mirror = daemon.synced()
        path = self.libvirtd.folder / "t.xml"
        path.write_text(MADE_UP.format(name="fleeting", uuid=uuid_of(6000)))
        with self.libvirtd.virsh_shell(uri) as virsh:
            for _ in range(20):
                virsh.run(f"create {path}")
                mirror.wait(lambda m: m.vms.get("fleeting", {}).get("state") == "running")
                virsh.run("destroy fleeting")
                mirror.wait(lambda m: "fleeting" not in m.vms)
        daemon.stop()

    def test_two_uris_to_one_libvirtd_are_two_hosts_with_the_same_guests(self):
        daemon = self.world.daemon({"one": self.libvirtd.test_uri,
                                    "two": self.libvirtd.test_uri})
        mirror = daemon.synced()
        keys = {(vm["host"], vm["name"])
                for (topic, _), vm in mirror.objects.items() if topic == "vm"}
        self.assertEqual(keys, {("one", "test"), ("two", "test")})
        daemon.stop()


if __name__ == "__main__":
    promise.main()
