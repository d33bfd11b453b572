"""What is told to whom: a second user beside a first who has everything hears nothing of him, and nobody but
admins hears of hosts' URIs, their files, and libvirt's words about these. Through a private libvirtd (root).

The walk calls every method of rpc.discover, by what its schema says and with the names, numbers and paths of
the first user, while that one acts; a new method is in it by itself. Whatever comes back, events too, is
searched. What may be told all the same is EXCEPTED.
"""

import collections
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import Mirror, RpcError, World  # noqa: E402

FIRST, SECOND, VIEWER = 41001, 41002, 41003
MEMORY_MIB, DISK_GIB = 79193, 39733  # nobody else has such numbers
MAC = "52:54:00:79:19:3f"
TAG = "heliotrope"
HUNG = ("amber-one", "amber-two", "amber-three")  # as many as a host's screens are asked at once
FAR = "qemu+ssh://someuser@somehost.invalid/system?keyfile=/secret/key"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PICTURE_S = 120

# What may be told of others: method or topic, where in its answer or event, why.
EXCEPTED = (
    ("quota.get", ("system",), "the system's totals"),
    ("quota", ("promised",), "the same, as events; whose a quota is, and its limits, are looked at"),
    ("quota", ("running",), "the same"),
    ("host.list", ("hosts", "stats"), "the hosts' load"),
    ("host", ("stats",), "the same, as events"),
    ("metrics", ("stats",), "the same, as samples"),
    ("vm", ("stats", "at"), "when a host's guests were sampled, all in one go"),
    ("vm.list", ("vms", "stats", "at"), "the same"),
    ("vm.get", ("stats", "at"), "the same"),
    ("vm", ("since",), "of one's own VMs, once: it may have been the same millisecond"),
    ("op", ("steps", "at"), "of one's own operations, for the same reason"),
    ("op.get", ("steps", "at"), "the same"),
    ("pool.list", ("pools", "free_gib"), "free space"),
    ("audit.list", ("rows", "pid"), "numbers of one's own processes"),
)
# Beside them: ids and revs, which are not searched for, and a name that `exists`, which its asker has said.

DISK = ("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/>"
        "<target dev='vda' bus='virtio'/></disk>")
NIC = f"<interface type='user'><mac address='{MAC}'/><model type='virtio'/></interface>"


def without(thing, path):
    """A copy of it that has not what stands there; lists are gone through."""
    if isinstance(thing, list):
        return [without(one, path) for one in thing]
    if not isinstance(thing, dict) or path[0] not in thing:
        return thing
    rest = {key: value for key, value in thing.items() if key != path[0]}
    return rest if len(path) == 1 else {**rest, path[0]: without(thing[path[0]], path[1:])}


class Ear:
    """Somebody who calls, hears every topic, and keeps all that was said."""

    words = collections.defaultdict(str)  # that each uid ever called with

    def __init__(self, daemon, uid):
        self.rpc, self.listener = daemon.rpc(uid=uid), daemon.rpc(uid=uid)
        self.methods = self.rpc.call("rpc.discover")["methods"]
        self.topics = next(param["schema"]["items"]["enum"] for method in self.methods
                           if method["name"] == "event.subscribe"
                           for param in method["params"] if param["name"] == "topics")
        self.heard = []  # what it was, what the caller said himself, what was answered
        self.uid = uid
        self.listener.call("event.subscribe", topics=self.topics)

    def finish(self, number, method, params):
        try:
            answer = self.rpc.answer(number)
        except RpcError as error:
            answer = {"error": error.message, "data": error.data}
        said = answer
        for where, path, _ in EXCEPTED:
            said = without(said, path) if where == method else said
        self.words[self.uid] += json.dumps(params)
        own = self.words[self.uid] if method == "audit.list" else json.dumps(params)  # of all his calls
        self.heard.append((method, own.lower(), json.dumps(said)))
        return answer

    def ask(self, method, **params):
        return self.finish(self.rpc.ask(method, **params), method, params)

    def events(self):
        """Up to what is told by now: the snapshot of a new subscription comes after what came before."""
        for client in (self.rpc, self.listener):
            number = client.call("event.subscribe", topics=self.topics)["subscription"]
            while True:
                note = client.notification()
                topic = note.get("topic", "")
                thing = note.get(topic, {})
                for where, path, _ in EXCEPTED:
                    thing = without(thing, path) if where == topic else thing
                self.heard.append((f"event {topic}", "", json.dumps(thing)))
                if (note["subscription"], note["type"]) == (number, "ready"):
                    break
            client.call("event.unsubscribe", subscription=number)

    def found(self, secrets):
        """Where one of them stands that the caller had not said himself."""
        self.events()
        return [f"{secret} in {what} {said[:200]}: {answer[:600]}" for what, said, answer in self.heard
                for secret in secrets
                if secret.lower() in answer.lower() and secret.lower() not in said]


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Told(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.disks = cls.world.folder / "disks"
        cls.hidden = cls.world.folder / "hidden"
        cls.others = cls.world.folder / "others"  # whose files vm.get tells
        for folder in (cls.disks, cls.hidden, cls.others):
            folder.mkdir()
            folder.chmod(0o711)
        cls.daemon = cls.world.daemon(None, config={
            "daemon": {"socket_mode": "0666"},
            "host q": {"uri": cls.libvirtd.qemu_uri, "dir": cls.disks}, "host far": {"uri": FAR}})
        cls.admin = None
        cls.begin()
        cls.admin.call("user.set", user=f"#{VIEWER}", role="viewer")
        cls.furnish()

    @classmethod
    def begin(cls):
        """q has been read, and the other host is known to be out of reach."""
        cls.admin = cls.daemon.rpc()
        cls.mirror = Mirror(cls.daemon.rpc(), topics=["vm", "host"])
        cls.wait_hosts(q="up", far="down")

    @classmethod
    def wait_hosts(cls, **wanted):
        cls.mirror.wait(lambda m: all(
            m.hosts.get(name, {}).get("state") == state and
            ("error" in m.hosts[name] if state == "down" else "synced_at" in m.hosts[name])
            for name, state in wanted.items()), 60)

    @classmethod
    def adopted(cls, name, owner, devices="", start=True, os_xml=""):
        xml = libvirtds.GUEST.replace("<graphics", devices + "<graphics").replace("</os>", os_xml + "</os>")
        uuid = cls.libvirtd.define(name, xml=xml)
        if start:
            cls.libvirtd.virsh("start", name)
        cls.mirror.wait(lambda m: name in m.vms, 60)
        cls.admin.call("vm.adopt", vm=name, owner=f"#{owner}", wait=True)
        return uuid

    @classmethod
    def made(cls, name, uid, size_gib=1, memory_mib=64):
        """The path of its disk."""
        with cls.daemon.rpc(uid=uid) as rpc:
            uuid = rpc.call("vm.create", name=name, vcpus=1, memory_mib=memory_mib, network=None, host="q",
                            disks=[{"size_gib": size_gib}], tags=[TAG] if uid == FIRST else [],
                            request_id=f"made-{name}", wait=True)["uuid"]
        return f"{cls.disks}/{uuid}-0.qcow2"

    @classmethod
    def furnish(cls):
        cls.first = cls.daemon.rpc(uid=FIRST)
        cls.first_disk = cls.made("amber-large", FIRST, DISK_GIB, MEMORY_MIB)
        cls.adopted("amber-one", FIRST, NIC)
        for name in HUNG[1:]:
            cls.adopted(name, FIRST)
        cls.adopted("bravo-run", SECOND)
        cls.adopted("bravo-kernel", SECOND, start=False,
                    os_xml=f"<kernel>{cls.hidden}/amber-kernel</kernel>")
        cls.admin.call("quota.set", scope="user", user=f"#{FIRST}", limits={"memory_mib": MEMORY_MIB + 999})

    def setUp(self):
        self.ears = {role: Ear(self.daemon, uid)
                     for role, uid in (("second", SECOND), ("viewer", VIEWER), ("admin", None))}

    def tearDown(self):
        for ear in self.ears.values():
            ear.rpc.close()
            ear.listener.close()

    # what nobody is to hear

    def secrets_of_hosts(self):
        """Of admins alone."""
        return ["someuser", "somehost", "/secret/key", str(self.libvirtd.socket), str(self.hidden),
                str(self.daemon.state_dir), "://"]

    def secrets_of_first(self):
        """Of those who see the first user's VMs."""
        vms = [self.first.call("vm.get", vm=vm["uuid"], xml=False) for vm in self.first.call("vm.list")["vms"]]
        ops = self.first.call("op.list", limit=1000)["ops"]
        sessions = self.first.call("console.list")["sessions"]
        times = set(TIME.findall(json.dumps([without(vms, ("stats",)), ops, sessions]))) - self.other_times()
        self.assertTrue(times)
        names = [vm["name"] for vm in vms] + [vm["uuid"] for vm in vms]
        return [*names, *sorted(times), "amber", MAC, TAG, f"#{FIRST}", self.first_disk, str(MEMORY_MIB),
                str(DISK_GIB), str(MEMORY_MIB + 999)]

    def other_times(self):
        """Of hosts, of the second user, and of what anybody did with his VMs, which may be the same."""
        ops = [op for op in self.admin.call("op.list", limit=1000)["ops"] if op["vm"].startswith("bravo")]
        with self.daemon.rpc(uid=SECOND) as rpc:
            return set(TIME.findall(json.dumps([ops] + [rpc.call(method) for method in (
                "vm.list", "host.list", "server.info", "audit.list", "console.list")])))

    def nothing_was_told(self):
        hosts, first = self.secrets_of_hosts(), self.secrets_of_first()
        self.assertEqual(self.ears["second"].found(hosts + first), [])
        self.assertEqual(self.ears["viewer"].found(hosts), [])

    # the walk

    def values(self, name, schema, own):
        """What a parameter is called with."""
        sessions = self.first.call("console.list")["sessions"]
        ops = self.first.call("op.list")["ops"]
        large = next(vm for vm in self.first.call("vm.list")["vms"] if vm["name"] == "amber-large")
        known = {
            "vm": [own, large["name"], large["uuid"], f"q/{large['name']}", "amber-one"],
            "op": [op["id"] for op in ops[:3]],
            "session": [session["session"] for session in sessions] or [1],
            "user": [f"#{FIRST}"], "owner": [f"#{FIRST}"], "host": ["q", "far", "nowhere"],
            "name": [large["name"], "amber*"], "query": [f"name:{large['name']}", f"tag:{TAG}", "memory>1"],
            "uuid": [large["uuid"]], "path": [self.first_disk], "tag": [TAG], "request_id": ["made-amber-large"],
            "fields": [["owner", "disks", "memory_mib"]], "topics": [self.ears["second"].topics],
            "disks": [[{"size_gib": 1}], [{"size_gib": 1, "pool": "amber"}]], "limits": [{"memory_mib": 1}],
            "since": ["2026-01-01T00:00:00.000Z"], "level": ["info"], "timeout_ms": [20000], "grace_s": [1],
            "cursor": [1 if schema.get("type") == "integer" else "q/amber-large"],
        }
        if name in known:
            return known[name]
        if "enum" in schema:
            return schema["enum"]
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind  # the other is null
        return {"boolean": [True, False], "integer": [max(1, schema.get("minimum", 1))],
                "array": [["x"]], "object": [{}]}.get(kind, ["x" * max(1, schema.get("minLength", 1))])

    def calls(self, method, own):
        """Each value of each parameter once, the others being as few as may be."""
        values = {param["name"]: self.values(param["name"], param["schema"], own) for param in method["params"]}
        least = {param["name"]: values[param["name"]][0] for param in method["params"]
                 if param.get("required") or param["name"] in ("timeout_ms", "grace_s")}
        if "wait" in values:
            least["wait"] = True
        yield least
        for name, each in values.items():
            yield from ({**least, name: value} for value in each if least.get(name) != value)

    def walk(self, role, own):
        """Deletions come last, so that there is something to act on."""
        ear = self.ears[role]
        for method in sorted(ear.methods, key=lambda method: "delete" in method["name"]):
            if method["name"] == "event.unsubscribe":
                continue  # by events()
            for params in self.calls(method, own):
                ear.ask(method["name"], **params)
            pause = "vm.resume" if self.first.call("vm.get", vm="amber-two")["state"] == "paused" else "vm.pause"
            self.first.call(pause, vm="amber-two", wait=True)  # what is told while it goes on is told too

    def test_who_walks_over_every_method_hears_nothing_of_another_user(self):
        self.adopted("bravo-toy", SECOND)
        self.first.call("console.open", vm="amber-one", door="stream")
        with self.assertRaises(RpcError):
            self.first.call("vm.create", name="amber-lost", vcpus=1, memory_mib=64, network="amber-net", host="q",
                            wait=True)
        for role in ("second", "viewer"):
            self.walk(role, "bravo-toy")
        self.nothing_was_told()

    def test_an_admin_hears_all_of_it(self):
        """Or the walk would find nothing whatever was told."""
        ear = self.ears["admin"]
        for vm in self.first.call("vm.list")["vms"]:
            ear.ask("vm.get", vm=vm["uuid"])
        for method in ("host.list", "op.list", "quota.get", "user.list", "audit.list", "server.health"):
            ear.ask(method)
        ear.ask("quota.get", user=f"#{FIRST}")
        text = "\n".join(ear.found(self.secrets_of_first() + self.secrets_of_hosts()))
        for secret in ("someuser", "/secret/key", "amber-large", MAC, TAG, f"#{FIRST}", self.first_disk,
                       str(MEMORY_MIB), str(DISK_GIB), str(MEMORY_MIB + 999), str(self.libvirtd.socket)):
            with self.subTest(secret=secret):
                self.assertIn(f"{secret} in ", text)

    # what texts say

    def test_who_waits_for_others_hung_guests_hears_not_which_they_are(self):
        self.addCleanup(self.thaw)
        for name in HUNG:
            self.libvirtd.signal_qemu(name, signal.SIGSTOP)
        answer = self.busy_with_all_of_them()
        self.assertIn("waits for another VM, another VM, another VM; force off", answer["error"])
        self.assertIn("'amber-one'", self.ears["admin"].ask("vm.screenshot", vm="bravo-run")["error"])
        self.nothing_was_told()

    def busy_with_all_of_them(self):
        """What the second hears when each of the three holds a connection: one may open later than the call for
        it has patience, so they are asked for until it is so."""
        until = time.monotonic() + PICTURE_S
        while True:
            for number in [self.first.ask("vm.screenshot", vm=name) for name in HUNG]:
                with self.assertRaises(RpcError):
                    self.first.answer(number)
            answer = self.ears["second"].ask("vm.screenshot", vm="bravo-run")
            if answer.get("error", "").count("another VM") == len(HUNG):
                self.assertEqual(answer["data"]["kind"], "busy", answer)
                return answer
            self.assertLess(time.monotonic(), until, answer)

    def thaw(self):
        for name in HUNG:
            self.libvirtd.signal_qemu(name, signal.SIGCONT)
        until = time.monotonic() + PICTURE_S
        with self.daemon.rpc() as rpc:
            while True:
                self.assertLess(time.monotonic(), until, "the calls that were lost never came back")
                try:
                    rpc.call("vm.screenshot", vm="bravo-run")
                    break
                except RpcError:
                    self.world.keeper.look(0.1)
        self.mirror.wait(lambda m: all(name in m.vms and not m.vms[name].get("unresponsive") for name in HUNG),
                         PICTURE_S)

    def test_a_disk_that_anothers_VM_uses_stays_without_its_name(self):
        """Also when an admin has deleted the VM, to whom the name is told."""
        seen = {}
        for who in ("second", "admin"):
            path = self.made(f"bravo-{who}", SECOND)
            over = self.others / f"{who}.qcow2"
            subprocess.run(["qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", path, over, "1G"],
                           check=True)
            self.adopted(f"amber-over-{who}", FIRST, DISK.format(over), start=False)
            result = self.ears[who].ask("vm.delete", vm=f"bravo-{who}", wait=True)
            seen[who] = result["kept"]
            self.assertEqual(result["kept"][0]["path"], path, "its own file is told")
            for ear in self.ears.values():
                ear.ask("op.get", op=result["op"])
                ear.ask("op.list")
        self.assertEqual(seen["second"][0]["why"], "another VM uses it")
        self.assertEqual(seen["admin"][0]["why"], "VM 'amber-over-admin' uses it")
        self.nothing_was_told()

    def test_libvirts_words_are_told_without_the_hosts_files_also_of_before(self):
        answer = self.ears["second"].ask("vm.start", vm="bravo-kernel", wait=True)
        self.assertEqual(answer["data"]["libvirt"]["text"], "", answer)
        self.assertNotEqual(answer["data"]["libvirt"]["code"], 0)
        self.assertIn("libvirt's words on it are for admins", answer["error"])
        op = answer["data"]["op"]
        for _ in range(2):
            for ear in self.ears.values():
                ear.ask("op.list")
                ear.ask("audit.list")
            told = {role: ear.ask("op.get", op=op)["error"]["message"] for role, ear in self.ears.items()}
            self.assertIn(f"{self.hidden}/amber-kernel", told["admin"])
            self.assertIn("a path", told["second"])
            self.assertEqual(told["second"], told["viewer"])
            self.nothing_was_told()
            self.start_again()

    def test_what_is_noted_of_an_operation_is_told_without_the_hosts_files(self):
        daemon = self.world.daemon(None, name="nowhere", config={
            "daemon": {"socket_mode": "0666"},
            "host q": {"uri": self.libvirtd.qemu_uri, "pool": "nowhere", "dir": "/proc/secret-folder/vms"}})
        self.addCleanup(daemon.stop)
        daemon.synced(60).rpc.close()
        admin, second = Ear(daemon, None), Ear(daemon, SECOND)
        bare = {"vcpus": 1, "memory_mib": 64, "network": None, "wait": True}
        made = second.ask("vm.create", name="bravo-note", **bare)
        self.assertIn("no log of its serial port", made["notes"][0])
        failed = second.ask("vm.create", name="bravo-disk", disks=[{"size_gib": 1}], **bare)
        self.assertEqual(failed["data"]["kind"], "hypervisor", failed)
        for ear in (admin, second):
            for op in (made["op"], failed["data"]["op"]):
                ear.ask("op.get", op=op)
            ear.ask("op.list")
            ear.ask("audit.list")
        self.assertEqual(second.found(["secret-folder"]), [])
        self.assertGreater(len(admin.found(["secret-folder"])), 5)
        second.ask("vm.delete", vm="bravo-note", wait=True)

    def start_again(self):
        """What has ended is then in the store alone."""
        self.tearDown()
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        type(self).first = self.daemon.rpc(uid=FIRST)
        self.begin()
        self.setUp()

    def test_why_a_host_is_not_up_is_told_to_admins_alone(self):
        second = self.ears["second"]
        self.libvirtd.freeze()  # its call is out, or about to be
        self.addCleanup(self.bring_back)
        op = second.ask("vm.shutdown", vm="bravo-run", grace_s=3600)["op"]
        self.libvirtd.kill()
        self.wait_hosts(q="down")
        with self.daemon.rpc() as rpc:
            Mirror(rpc, topics=["op"]).wait(lambda m: any(
                topic == "op" and one["id"] == op and str(self.libvirtd.socket) in one.get("reason", "")
                for (topic, _), one in m.objects.items()), 60)
        self.assertEqual(second.ask("op.get", op=op)["reason"],
                         "host 'q' is not up: its libvirt cannot be reached")
        for ear in self.ears.values():
            for method in ("host.list", "server.health", "op.list", "server.info", "vm.list", "image.list"):
                ear.ask(method)
            for host in ("q", "far"):
                ear.ask("pool.list", host=host)
                ear.ask("network.list", host=host)
                ear.ask("vm.create", name="bravo-new", vcpus=1, memory_mib=64, host=host, wait=True)
            for method in ("vm.start", "vm.screenshot", "console.open", "vm.get", "vm.delete"):
                ear.ask(method, vm="bravo-run")
            ear.ask("op.get", op=op)
            ear.ask("audit.list")
        hosts = {host["name"]: host for host in second.ask("host.list")["hosts"]}
        self.assertEqual([hosts[name]["error"] for name in ("q", "far")], ["its libvirt cannot be reached"] * 2)
        self.assertIn("someuser", json.dumps(self.ears["admin"].ask("server.health")))
        self.nothing_was_told()
        # Given up where it stands: the reason is in its error, and its row.
        self.ears["admin"].ask("op.cancel", op=op)
        for ear in self.ears.values():
            ear.ask("op.get", op=op, wait=True)
        self.assertEqual(second.ask("op.get", op=op)["state"], "cancelled")
        self.nothing_was_told()

    def bring_back(self):
        self.libvirtd.start()
        self.wait_hosts(q="up")


if __name__ == "__main__":
    promise.main()
