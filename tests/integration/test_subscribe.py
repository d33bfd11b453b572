"""Subscriptions: what is told, in which order, and what is refused. Changes come by libvirtd's own
test driver (root), where any connection sees what another changed."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import MADE_UP, Mirror, RpcError, World, fleet_xml, uuid_of  # noqa: E402


class QuietTest(unittest.TestCase):
    """Subscriptions on a fleet that does not move."""

    COUNT, RUNNING = 100, 60

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        path = cls.world.folder / "fleet.xml"
        path.write_text(fleet_xml(cls.COUNT, cls.RUNNING))
        cls.daemon = cls.world.daemon({"a": f"test://{path}", "b": "test:///default"})
        cls.daemon.synced()

    def setUp(self):
        self.rpc = self.daemon.rpc()

    def tearDown(self):
        self.rpc.close()

    def refused_param(self, method, param, **params):
        with self.assertRaises(RpcError) as caught:
            self.rpc.call(method, **params)
        self.assertEqual(caught.exception.code, -32602, str(caught.exception))
        self.assertEqual(caught.exception.data.get("param"), param, str(caught.exception))

    def test_after_the_answer_come_all_objects_as_added_and_one_ready(self):
        self.rpc.send_line({"jsonrpc": "2.0", "id": 1, "method": "event.subscribe",
                            "params": {"topics": ["vm", "host"]}})
        answer = self.rpc.read_message()
        self.assertEqual(answer["id"], 1, "an event came before the answer")
        result, seen, seq = answer["result"], [], None
        while True:
            note = self.rpc.read_message()
            self.assertEqual((note["jsonrpc"], note["method"]), ("2.0", "event"))
            self.assertNotIn("id", note)
            params = note["params"]
            self.assertEqual(params["subscription"], result["subscription"])
            self.assertTrue(seq is None or params["seq"] == seq + 1)
            seq = params["seq"]
            if params["type"] == "ready":
                break
            self.assertEqual(params["type"], "added")
            self.assertLessEqual(params["rev"], result["rev"])
            item = params[params["topic"]]
            seen.append((params["topic"], item.get("host"), item["name"]))
        self.assertEqual(params["incomplete"], [])
        self.assertEqual(len(seen), self.COUNT + 1 + 2)
        self.assertEqual(len(set(seen)), len(seen))

    def test_added_objects_are_what_vm_list_tells(self):
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        listed = {vm["name"]: vm for vm in self.rpc.call("vm.list")["vms"]}
        told = mirror.vms
        self.assertEqual(set(told), set(listed))
        for name, vm in listed.items():
            for volatile in ("stats", "ips", "viewers"):
                vm.pop(volatile, None)
                told[name].pop(volatile, None)
            self.assertEqual(told[name], vm)

    def test_a_query_and_fields_narrow_what_is_told(self):
        mirror = Mirror(self.rpc, topics=["vm"], query="state:shutoff", fields=["state"])
        mirror.wait_ready()
        self.assertEqual(len(mirror.vms), self.COUNT - self.RUNNING)
        for vm in mirror.vms.values():
            self.assertEqual(set(vm), {"host", "uuid", "name", "state"})

    def test_without_snapshot_only_ready_comes(self):
        mirror = Mirror(self.rpc, topics=["vm"], snapshot=False).wait_ready()
        self.assertEqual([note["type"] for note in mirror.log], ["ready"])

    def test_an_update_of_the_query_brings_the_difference_and_a_new_ready(self):
        mirror = Mirror(self.rpc, topics=["vm"], query="state:running host:a").wait_ready()
        self.assertEqual(len(mirror.vms), self.RUNNING)
        answer = self.rpc.call("event.update", subscription=mirror.number,
                               query="state:shutoff host:a")
        self.assertEqual(answer, {})
        mirror.wait(lambda m: m.ready == 2)
        self.assertEqual({vm["state"] for vm in mirror.vms.values()}, {"shutoff"})
        self.assertEqual(len(mirror.vms), self.COUNT - self.RUNNING)
        self.rpc.call("event.update", subscription=mirror.number, query="", fields=["vcpus"])
        mirror.wait(lambda m: m.ready == 3)
        self.assertEqual(len(mirror.vms), self.COUNT + 1)
        for vm in mirror.vms.values():
            self.assertEqual(set(vm), {"host", "uuid", "name", "vcpus"})

    def test_hammering_updates_ends_in_the_last_one(self):
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        queries = ["state:running", "state:shutoff", "vcpus>=4", "!host:a", ""] * 20
        for query in queries + ["name:vm0001?"]:
            self.rpc.send_line({"jsonrpc": "2.0", "id": query, "method": "event.update",
                                "params": {"subscription": mirror.number, "query": query}})
        self.rpc.call("server.ping")
        mirror.wait(lambda m: sorted(m.vms) == [f"vm0001{digit}" for digit in range(10)]
                    and m.log[-1]["type"] == "ready")

    def test_unsubscribe_ends_it(self):
        mirror = Mirror(self.rpc, topics=["metrics", "vm", "host"]).wait_ready()
        self.assertEqual(self.rpc.call("event.unsubscribe", subscription=mirror.number), {})
        self.rpc.notifications.clear()
        other = Mirror(self.rpc, topics=["vm"]).wait_ready()
        self.assertTrue(all(note["subscription"] == other.number
                            for note in self.rpc.notifications))
        with self.assertRaises(RpcError) as caught:
            self.rpc.call("event.unsubscribe", subscription=mirror.number)
        self.assertEqual(caught.exception.code, -32001)
        with self.assertRaises(RpcError) as caught:
            self.rpc.call("event.update", subscription=mirror.number, query="")
        self.assertEqual(caught.exception.code, -32001)

    def test_nobody_touches_the_subscription_of_another_connection(self):
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        with self.daemon.rpc() as stranger:
            for method in ("event.unsubscribe", "event.update"):
                with self.assertRaises(RpcError) as caught:
                    stranger.call(method, subscription=mirror.number)
                self.assertEqual(caught.exception.code, -32001, method)
        mirror.settle()

    def test_several_subscriptions_of_one_connection_are_apart(self):
        mirrors = [Mirror(self.rpc, topics=["vm"], query=query)
                   for query in ("state:running", "state:shutoff", "host:b", "")]
        for mirror in mirrors:
            mirror.wait_ready()
        self.assertEqual(len({mirror.number for mirror in mirrors}), 4)
        self.assertEqual([len(mirror.vms) for mirror in mirrors], [61, 40, 1, 101])

    def test_subscriptions_without_end_are_stopped(self):
        with self.assertRaises(RpcError) as caught:
            for _ in range(5000):
                self.rpc.call("event.subscribe", topics=["vm"], snapshot=False)
                self.rpc.notifications.clear()
        self.assertEqual(caught.exception.code, -32010, str(caught.exception))
        self.rpc.call("server.ping")

    def test_a_query_may_not_look_at_samples(self):
        for query in ("cpu>50", "state:running mem%>90", "!cpu<1"):
            with self.subTest(query=query):
                self.refused_param("event.subscribe", "query", topics=["vm"], query=query)
        mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()
        self.refused_param("event.update", "query", subscription=mirror.number, query="cpu>50")
        mirror.settle()
        self.assertEqual(len(mirror.vms), self.COUNT + 1)

    def test_wrong_parameters_are_refused_by_name(self):
        self.refused_param("event.subscribe", "topics")
        for topics in ([], "vm", ["weather"], [1], {}, None, ["vm", "weather"]):
            with self.subTest(topics=topics):
                self.refused_param("event.subscribe", "topics", topics=topics)
        self.refused_param("event.subscribe", "query", topics=["vm"], query="state:asleep")
        self.refused_param("event.subscribe", "fields", topics=["vm"], fields=["colour"])
        self.refused_param("event.subscribe", "snapshot", topics=["vm"], snapshot="no")
        self.refused_param("event.subscribe", "bogus", topics=["vm"], bogus=1)
        for number in ("1", 1.5, None, [], True):
            with self.subTest(number=number):
                self.refused_param("event.unsubscribe", "subscription", subscription=number)


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class MovingTest(unittest.TestCase):
    """Subscriptions while virsh changes the world."""

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.libvirtd = cls.world.libvirtd()
        cls.virsh = cls.libvirtd.virsh_shell(cls.libvirtd.test_uri)
        cls.addClassCleanup(cls.virsh.close)
        cls.daemon = cls.world.daemon({"t": cls.libvirtd.test_uri})
        cls.daemon.synced()

    def setUp(self):
        self.rpc = self.daemon.rpc()
        self.mirror = Mirror(self.rpc, topics=["vm"]).wait_ready()

    def tearDown(self):
        self.rpc.close()

    def define(self, name, number):
        self.libvirtd.define(name, uuid_of(number), MADE_UP, self.libvirtd.test_uri)

    def wait_state(self, name, state, mirror=None):
        return (mirror or self.mirror).wait(
            lambda m: name in m.vms and m.vms[name].get("state") == state and m.vms[name])

    def test_a_life_is_told_from_define_to_undefine(self):
        self.define("life", 1)
        self.wait_state("life", "shutoff")
        self.virsh.run("start life")
        vm = self.wait_state("life", "running")
        self.assertEqual((vm["host"], vm["uuid"]), ("t", uuid_of(1)))
        self.virsh.run("suspend life")
        self.wait_state("life", "paused")
        self.virsh.run("resume life")
        self.wait_state("life", "running")
        self.virsh.run("destroy life")
        self.wait_state("life", "shutoff")
        self.virsh.run("undefine life")
        self.mirror.wait(lambda m: "life" not in m.vms)
        gone = self.mirror.log[-1]
        self.assertEqual((gone["topic"], gone["type"]), ("vm", "removed"))
        self.assertEqual(gone["vm"], {"host": "t", "uuid": uuid_of(1), "name": "life"})

    def test_revisions_only_grow_and_vm_list_agrees(self):
        self.define("rev", 2)
        before = self.wait_state("rev", "shutoff")["rev"]
        self.virsh.run("start rev")
        after = self.wait_state("rev", "running")["rev"]
        self.assertGreater(after, before)
        self.assertEqual(self.rpc.call("vm.get", vm="rev")["rev"], after)
        self.assertGreaterEqual(self.rpc.call("vm.list")["rev"], after)
        revs = [note["rev"] for note in self.mirror.log if note["type"] == "changed"]
        self.assertEqual(revs, sorted(revs))
        self.virsh.run("destroy rev")
        self.virsh.run("undefine rev")

    def test_what_stops_matching_is_removed_and_what_begins_to_is_added(self):
        self.define("match", 3)
        self.wait_state("match", "shutoff")
        narrow = Mirror(self.rpc, topics=["vm"], query="state:running",
                        fields=["state"]).wait_ready()
        self.assertNotIn("match", narrow.vms)
        self.virsh.run("start match")
        self.assertEqual(set(self.wait_state("match", "running", narrow)),
                         {"host", "uuid", "name", "state"})
        self.assertEqual(narrow.log[-1]["type"], "added")
        self.virsh.run("destroy match")
        narrow.wait(lambda m: "match" not in m.vms)
        self.assertEqual(narrow.log[-1]["vm"],
                         {"host": "t", "uuid": uuid_of(3), "name": "match"})
        self.virsh.run("undefine match")

    def test_a_redefinition_is_a_change(self):
        self.define("redo", 4)
        self.wait_state("redo", "shutoff")
        more = MADE_UP.replace("<vcpu>1<", "<vcpu>3<").replace(">64<", ">128<")
        self.libvirtd.define("redo", uuid_of(4), more, self.libvirtd.test_uri)
        self.mirror.wait(lambda m: (m.vms["redo"].get("vcpus"), m.vms["redo"].get("memory_mib"))
                         == (3, 128))
        self.virsh.run("undefine redo")

    def test_a_field_that_was_not_asked_for_makes_no_event(self):
        self.define("quiet", 5)
        self.wait_state("quiet", "shutoff")
        self.mirror.wait(lambda m: m.vms["quiet"].get("vcpus"))  # its definition is read after its state
        names = Mirror(self.rpc, topics=["vm"], fields=["vcpus"]).wait_ready()
        count = len(names.log)
        self.virsh.run("start quiet")
        self.wait_state("quiet", "running")
        names.settle()
        # Told or not is the daemon's choice; what is told holds nothing else. A neighbour that an
        # earlier test took away may be told as removed meanwhile: that names it and no more.
        for note in names.log[count:]:
            told = {"host", "uuid", "name"} | ({"vcpus"} if note["type"] != "removed" else set())
            self.assertEqual(set(note["vm"]), told)
        self.virsh.run("destroy quiet")
        self.virsh.run("undefine quiet")

    def test_a_storm_of_changes_ends_in_the_truth_for_everyone(self):
        mirrors = [self.mirror] + [
            Mirror(self.daemon.rpc(), topics=["vm"], query=query).wait_ready()
            for query in ("name:storm*", "state:running", "state:shutoff", "!name:storm1*")]
        for number in range(20):
            self.define(f"storm{number}", 100 + number)
        for turn in range(5):
            for number in range(20):
                self.virsh.run(f"start storm{number}")
                if (turn + number) % 3 == 0:
                    self.virsh.run(f"suspend storm{number}")
                self.virsh.run(f"destroy storm{number}")
        for number in range(0, 20, 2):
            self.virsh.run(f"undefine storm{number}")
        for number in range(1, 20, 2):
            self.virsh.run(f"start storm{number}")
        wanted = {f"storm{number}" for number in range(1, 20, 2)}

        def true(mirror):
            storm = {name: vm for name, vm in mirror.vms.items() if name.startswith("storm")}
            return set(storm) == wanted and all(vm["state"] == "running"
                                                for vm in storm.values())
        self.mirror.wait(true)
        mirrors[1].wait(true)
        mirrors[2].wait(true)
        mirrors[3].wait(lambda m: not any(name.startswith("storm") for name in m.vms))
        mirrors[4].wait(lambda m: {name for name in m.vms if name.startswith("storm")}
                        == {name for name in wanted if not name.startswith("storm1")})
        for number in range(1, 20, 2):
            self.virsh.run(f"destroy storm{number}")
            self.virsh.run(f"undefine storm{number}")

    def test_a_slow_reader_gets_the_newest_state_and_no_gap(self):
        self.define("slow", 6)
        self.wait_state("slow", "shutoff")
        slow = Mirror(self.daemon.rpc(receive_buffer=4096), topics=["vm"]).wait_ready()
        for _ in range(300):
            self.virsh.run("start slow")
            self.virsh.run("destroy slow")
        self.virsh.run("start slow")
        self.wait_state("slow", "running")
        self.wait_state("slow", "running", slow)  # apply() checks seq
        self.virsh.run("destroy slow")
        self.virsh.run("undefine slow")

    def test_the_uuid_of_one_gone_may_be_used_again_under_another_name(self):
        self.define("old", 7)
        self.wait_state("old", "shutoff")
        self.virsh.run("undefine old")
        self.define("new", 7)
        self.mirror.wait(lambda m: "new" in m.vms and "old" not in m.vms)
        self.assertEqual(self.rpc.call("vm.get", vm="new")["uuid"], uuid_of(7))
        with self.assertRaises(RpcError):
            self.rpc.call("vm.get", vm="old")
        self.virsh.run("undefine new")

    def test_no_recheck_found_anything(self):
        """The log says what it repairs; nothing may have needed it."""
        self.assertNotIn("repaired", self.daemon.process.output())


if __name__ == "__main__":
    promise.main()
