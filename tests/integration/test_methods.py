"""Every method: what it answers, what it refuses and how it says so."""

import json
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import RpcError, World, fleet_xml, uuid_of  # noqa: E402

METHODS = {"server.info", "server.ping", "server.health", "server.set_log_level", "rpc.discover",
           "host.list", "vm.list", "vm.get", "event.subscribe", "event.update",
           "event.unsubscribe"}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
STATES = {"running", "paused", "shutoff", "crashed", "suspended", "creating", "deleting", "error"}
COUNT, RUNNING = 40, 25


class MethodsTest(unittest.TestCase):
    """Host a has 40 domains of which 25 run, host b has libvirt's one test domain."""

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        path = cls.world.folder / "fleet.xml"
        path.write_text(fleet_xml(COUNT, RUNNING))
        cls.daemon = cls.world.daemon({"a": f"test://{path}", "b": "test:///default",
                                       "c": "test:///default"})
        cls.daemon.synced()
        cls.rpc = cls.daemon.rpc()

    def refused(self, method, code=-32602, **params):
        with self.assertRaises(RpcError) as caught:
            self.rpc.call(method, **params)
        error = caught.exception
        self.assertEqual(error.code, code, str(error))
        return error

    def refused_param(self, method, param, **params):
        error = self.refused(method, **params)
        self.assertEqual(error.data.get("param"), param, str(error))
        if error.data.get("column") is None:  # a query's message says where in it instead
            self.assertIn(param, error.message, "the message does not name the parameter")
        return error

    def names(self, **params):
        return [vm["name"] for vm in self.rpc.call("vm.list", **params)["vms"]]


class Server(MethodsTest):
    def test_server_ping_answers_an_empty_object(self):
        self.assertEqual(self.rpc.call("server.ping"), {})

    def test_server_info_says_who_both_sides_are(self):
        info = self.rpc.call("server.info")
        self.assertEqual(info["api"], 1)
        self.assertRegex(info["version"], r"^\d+\.\d+")
        self.assertIn("lodge", info["name"])
        self.assertIsInstance(info["features"], list)
        self.assertTrue(all(isinstance(word, str) for word in info["features"]))
        self.assertEqual((info["uid"], info["role"]), (os.getuid(), "admin"))
        self.assertIsInstance(info["user"], str)
        self.assertRegex(info["started_at"], TIME)

    def test_server_health_is_live_and_ready_when_all_was_read(self):
        health = self.rpc.call("server.health")
        self.assertIs(health["live"], True)
        self.assertIs(health["ready"], True)
        self.assertIn("store", health)
        self.assertIn("hosts", health)

    def test_the_log_level_can_be_set_for_all_and_for_one_folder(self):
        self.assertEqual(self.rpc.call("server.set_log_level", level="debug"), {})
        self.assertEqual(self.rpc.call("server.set_log_level", level="warning", folder="rpc"), {})
        self.assertEqual(self.rpc.call("server.set_log_level", level="info"), {})
        self.refused_param("server.set_log_level", "level", level="loud")
        self.refused_param("server.set_log_level", "level", level=3)
        self.refused_param("server.set_log_level", "level")
        self.refused_param("server.set_log_level", "folder", level="info", folder="cellar")

    def test_methods_without_parameters_refuse_any(self):
        for method in ("server.info", "server.ping", "server.health", "rpc.discover", "host.list"):
            with self.subTest(method=method):
                self.refused_param(method, "bogus", bogus=1)

    def test_positional_parameters_are_refused_everywhere(self):
        for method in METHODS:
            with self.subTest(method=method):
                answer = self.rpc.exchange({"jsonrpc": "2.0", "id": "p", "method": method,
                                            "params": [1]})
                self.assertEqual(answer["error"]["code"], -32602)

    def test_every_error_has_its_kind(self):
        self.assertEqual(self.refused("vm.get", -32001, vm="nobody").kind, "not_found")
        self.assertEqual(self.refused("vm.get", -32012, vm="test").kind, "conflict")
        self.assertEqual(self.refused("event.unsubscribe", -32001, subscription=987654).kind,
                         "not_found")


class Discover(MethodsTest):
    def test_discover_is_an_openrpc_document_of_exactly_the_methods_there_are(self):
        document = self.rpc.call("rpc.discover")
        self.assertRegex(document["openrpc"], r"^1\.")
        self.assertTrue(document["info"]["title"])
        self.assertTrue(document["info"]["version"])
        methods = {method["name"]: method for method in document["methods"]}
        self.assertEqual(len(methods), len(document["methods"]), "a method stands there twice")
        self.assertLessEqual(METHODS, set(methods))
        for name, method in methods.items():
            with self.subTest(method=name):
                self.assertTrue(method.get("summary") or method.get("description"))
                self.assertEqual(method.get("paramStructure"), "by-name")
                self.assertIn("schema", method["result"])
                self.assertTrue(method["result"]["name"])
                for param in method["params"]:
                    self.assertTrue(param["name"])
                    self.assertTrue(param["schema"])

    def test_discover_tells_each_parameter_of_the_contract(self):
        wanted = {
            "server.set_log_level": {"level": True, "folder": False},
            "vm.list": dict.fromkeys(("query", "host", "owner", "state", "name", "tag", "fields",
                                      "limit", "cursor"), False),
            "vm.get": {"vm": True, "xml": False},
            "event.subscribe": {"topics": True, "query": False, "fields": False,
                                "snapshot": False},
            "event.update": {"subscription": True, "query": False, "fields": False},
            "event.unsubscribe": {"subscription": True},
        }
        methods = {method["name"]: method for method in self.rpc.call("rpc.discover")["methods"]}
        for name, params in wanted.items():
            with self.subTest(method=name):
                told = {param["name"]: bool(param.get("required"))
                        for param in methods[name]["params"]}
                self.assertEqual({key: told.get(key) for key in params}, params)

    def test_what_discover_tells_is_what_is_taken(self):
        for method in self.rpc.call("rpc.discover")["methods"]:
            with self.subTest(method=method["name"]):
                self.refused_param(method["name"], "no_such_parameter", no_such_parameter=1)


    def places(self, schema, wrap):
        """Each value that a parameter's schema describes, its own and those within: its name, its schema, and
        the parameter's value with it in its place."""
        for inner in schema.get("allOf", []):
            for name, member in inner.get("properties", {}).items():
                yield name, member, lambda value, name=name: wrap({name: value})
        for name, member in schema.get("items", {}).get("properties", {}).items():
            yield name, member, lambda value, name=name: wrap([{name: value}])

    def takes_null(self, method, name, params):
        try:
            self.rpc.call(method, **params)
        except RpcError as error:
            return error.data.get("param") != name or error.message.startswith("missing")
        return True

    def test_null_is_in_the_schema_of_what_takes_it_and_of_nothing_else(self):
        """Promise: the document says null wherever lodged takes it, in every method, and nowhere else."""
        taken = set()
        for method in self.rpc.call("rpc.discover")["methods"]:
            for param in method["params"]:
                name, schema = param["name"], param["schema"]
                for inner, told, wrap in [(name, schema, lambda value: value),
                                          *self.places(schema, lambda value: value)]:
                    with self.subTest(method=method["name"], param=name, member=inner):
                        takes = self.takes_null(method["name"], inner, {name: wrap(None)})
                        self.assertEqual("null" in told.get("type", []), takes)
                        if takes:
                            taken.add((method["name"], inner))
        self.assertLessEqual({("vm.create", "network"), ("vm.create", "iso"), ("vm.create", "kernel"),
                              ("vm.media", "iso"), ("quota.set", "vms"), ("quota.set", "memory_mib")}, taken)

    def test_what_may_be_null_in_an_answer_is_told(self):
        methods = {method["name"]: method for method in self.rpc.call("rpc.discover")["methods"]}
        limits = methods["quota.get"]["result"]["schema"]["properties"]["system"]["allOf"][0]["properties"]["limits"]
        self.assertEqual(limits["allOf"][0]["properties"]["vms"]["type"], ["integer", "null"])
        self.assertIsNone(self.rpc.call("quota.get")["system"]["limits"]["vms"])

    def test_network_null_is_no_network_and_none_named_the_usual_one(self):
        for params, networks in (({"network": None}, []), ({}, ["default"])):
            with self.subTest(params=params):
                made = self.rpc.call("vm.create", name="netted", host="b", vcpus=1, memory_mib=16, wait=True, **params)
                self.addCleanup(self.rpc.call, "vm.delete", vm="b/netted", wait=True)
                nics = self.rpc.call("vm.get", vm="b/netted").get("nics", [])
                self.assertEqual(([nic["network"] for nic in nics], made.get("notes", [])), (networks, []))
                self.doCleanups()


class Hosts(MethodsTest):
    def test_host_list_tells_each_host(self):
        hosts = self.rpc.call("host.list")["hosts"]
        self.assertEqual([host["name"] for host in hosts], ["a", "b", "c"])
        for host in hosts:
            self.assertEqual(host["state"], "up")
            self.assertRegex(host["since"], TIME)
            self.assertTrue(host["uri"].startswith("test://"))
            self.assertNotIn("error", host)
            self.assertIsInstance(host["features"], list)
            self.assertGreater(host["cpus"], 0)
            self.assertGreater(host["memory_mib"], 0)


class List(MethodsTest):
    def test_vm_list_tells_every_domain_once_in_order(self):
        answer = self.rpc.call("vm.list")
        self.assertEqual(answer["incomplete"], [])
        self.assertIsInstance(answer["rev"], int)
        keys = [(vm["host"], vm["uuid"]) for vm in answer["vms"]]
        self.assertEqual(len(set(keys)), COUNT + 2)
        order = [(vm["host"], vm["name"], vm["uuid"]) for vm in answer["vms"]]
        self.assertEqual(order, sorted(order))

    def test_a_vm_has_the_members_and_types_of_the_contract(self):
        types = {"uuid": str, "name": str, "host": str, "state": str,
                 "managed": bool, "vcpus": int, "memory_mib": int, "autostart": bool,
                 "tags": list, "graphics": str, "rev": int}
        for vm in self.rpc.call("vm.list")["vms"]:
            for name, kind in types.items():
                self.assertIs(type(vm.get(name)), kind, f"{name} of {vm}")
            self.assertIn(vm["state"], STATES)
            self.assertIs(vm["managed"], False)
            self.assertIsNone(vm.get("stale"))
            self.assertIsNone(vm.get("unresponsive"))
            self.assertLess(vm["rev"], 2**63)
            for name in ("since",):
                if vm.get(name) is not None:
                    self.assertRegex(vm[name], TIME)
        vm = self.rpc.call("vm.get", vm="vm00002")
        self.assertEqual((vm["uuid"], vm["vcpus"], vm["memory_mib"]), (uuid_of(2), 3, 64 + 128))

    def test_states_are_those_of_the_domains(self):
        self.assertEqual(self.names(host="a", state="running"),
                         [f"vm{number:05d}" for number in range(RUNNING)])
        self.assertEqual(self.names(host="a", state="shutoff"),
                         [f"vm{number:05d}" for number in range(RUNNING, COUNT)])
        self.refused_param("vm.list", "state", state="asleep")

    def test_filters_by_parameter(self):
        self.assertEqual(self.names(host="b"), ["test"])
        self.assertEqual(self.names(name="vm0000?"), [f"vm0000{digit}" for digit in range(10)])
        self.assertEqual(self.names(name="*3?"), [f"vm0003{digit}" for digit in range(10)])
        self.assertEqual(self.names(name="VM0000?"), [])
        self.assertEqual(self.names(tag="ci"), [])
        self.assertEqual(self.refused("vm.list", -32001, host="nowhere").kind, "not_found")

    def test_the_query_language_filters(self):
        self.assertEqual(self.names(query="0001"),
                         ["vm00001"] + [f"vm0001{digit}" for digit in range(10)])
        self.assertEqual(self.names(query="VM00001"), ["vm00001"])
        self.assertEqual(self.names(query="state:shutoff host:a !name:*3?"),
                         [f"vm{number:05d}" for number in range(RUNNING, 30)])
        self.assertEqual(self.names(query="vcpus>=4 host:a"),
                         [f"vm{number:05d}" for number in range(3, COUNT, 4)])
        self.assertEqual(self.names(query=f"uuid:{uuid_of(7)}"), ["vm00007"])
        self.assertEqual(len(self.names(query="")), COUNT + 2)
        self.assertEqual(len(self.names(query="!host:a")), 2)
        self.assertEqual(self.names(query="host:a", name="vm00001"), ["vm00001"])
        self.assertEqual(self.names(query="cpu>50"), [])

    def test_a_wrong_query_is_refused_with_its_column(self):
        for query, column in (("state:asleep", 1), ("vm state:asleep", 4), ("x colour:red", 3),
                              ("vcpus>many", 1), ("a b vcpus>", 5)):
            with self.subTest(query=query):
                error = self.refused_param("vm.list", "query", query=query)
                told = error.data.get("column")
                self.assertIsInstance(told, int, str(error))
                self.assertTrue(column <= told <= len(query) + 1, str(error))
        self.refused_param("vm.list", "query", query="x" * 100000)
        self.refused_param("vm.list", "query", query="a " * 500)

    def test_globs_that_would_backtrack_for_ever_answer_at_once(self):
        self.assertEqual(self.names(name="*a" * 60 + "b"), [])
        self.assertEqual(self.names(query="name:" + "*0" * 100 + "z"), [])

    def test_fields_narrows_what_is_sent(self):
        vms = self.rpc.call("vm.list", fields=["state"])["vms"]
        for vm in vms:
            self.assertEqual(set(vm), {"host", "uuid", "name", "state"})
        for vm in self.rpc.call("vm.list", fields=[])["vms"]:
            self.assertEqual(set(vm), {"host", "uuid", "name"})
        error = self.refused_param("vm.list", "fields", fields=["state", "colour"])
        self.assertIn("colour", error.message)
        self.refused_param("vm.list", "fields", fields="state")
        self.refused_param("vm.list", "fields", fields=[1])

    def test_fields_is_counted_in_bytes(self):
        def size(**params):
            self.rpc.send_line({"jsonrpc": "2.0", "id": 1, "method": "vm.list", "params": params})
            return len(self.rpc.read_line())
        narrow, full = size(host="a", fields=["state"]), size(host="a")
        vm = {"uuid": uuid_of(1), "name": "vm00001", "host": "a", "state": "running"}
        need = len(json.dumps(vm, separators=(",", ":"))) + 1
        self.assertLess(narrow, COUNT * need + 200)
        self.assertGreater(full, 2 * narrow)

    def test_limit_and_cursor_walk_the_list_without_gap_or_double(self):
        whole = [(vm["host"], vm["uuid"]) for vm in self.rpc.call("vm.list")["vms"]]
        for limit in (1, 7, 41, 42, 1000):
            with self.subTest(limit=limit):
                walked, cursor = [], None
                for _ in range(COUNT + 5):
                    params = {"limit": limit} | ({"cursor": cursor} if cursor is not None else {})
                    page = self.rpc.call("vm.list", **params)
                    self.assertLessEqual(len(page["vms"]), limit)
                    walked += [(vm["host"], vm["uuid"]) for vm in page["vms"]]
                    cursor = page.get("cursor")
                    if cursor is None:
                        break
                    self.assertEqual(len(page["vms"]), limit)
                self.assertEqual(walked, whole)

    def test_a_cursor_goes_with_a_filter(self):
        page = self.rpc.call("vm.list", query="state:shutoff", limit=10)
        rest = self.rpc.call("vm.list", query="state:shutoff", limit=10, cursor=page["cursor"])
        self.assertEqual([vm["name"] for vm in page["vms"] + rest["vms"]],
                         [f"vm{number:05d}" for number in range(RUNNING, COUNT)])
        self.assertNotIn("cursor", rest)

    def test_nonsense_as_cursor_or_limit_is_refused(self):
        for cursor in ("x", "", "a/b/c/d", 5, "\u0000", "/" * 1000):
            with self.subTest(cursor=str(cursor)[:10]):
                self.refused_param("vm.list", "cursor", cursor=cursor)
        for limit in (0, -1, 1.5, "5", 2**31, 2**62, None, True, []):
            with self.subTest(limit=limit):
                self.refused_param("vm.list", "limit", limit=limit)

    def test_numbers_beyond_64_bits_are_refused_and_never_wrapped(self):
        for limit in ("9223372036854775808", "18446744073709551617", "1" + "0" * 30, "-1" + "0" * 30):
            with self.subTest(limit=limit):
                answer = self.rpc.exchange('{"jsonrpc":"2.0","id":"b","method":"vm.list",'
                                           '"params":{"limit":%s}}' % limit)
                self.assertIn(answer["error"]["code"], (-32602, -32600, -32700))

    def test_wrong_types_are_refused_by_name(self):
        for param in ("query", "host", "owner", "state", "name", "tag"):
            for value in (1, True, [], {}, 1.5):
                with self.subTest(param=param, value=value):
                    self.refused_param("vm.list", param, **{param: value})


class Get(MethodsTest):
    def test_vm_get_finds_by_name_by_uuid_and_with_the_host_before_either(self):
        for vm in ("vm00003", uuid_of(3), "a/vm00003", f"a/{uuid_of(3)}", uuid_of(3).upper()):
            with self.subTest(vm=vm):
                self.assertEqual(self.rpc.call("vm.get", vm=vm)["uuid"], uuid_of(3))
        self.assertEqual(self.rpc.call("vm.get", vm="b/test")["host"], "b")
        self.assertEqual(self.rpc.call("vm.get", vm="c/test")["host"], "c")

    def test_vm_get_tells_devices_too(self):
        vm = self.rpc.call("vm.get", vm="b/test")
        for name in ("disks", "nics", "boot"):
            self.assertIsInstance(vm[name], list, name)
        listed = next(vm for vm in self.rpc.call("vm.list", host="b")["vms"])
        self.assertLessEqual(set(listed), set(vm))
        self.assertNotIn("xml", vm)
        self.assertNotIn("disks", listed)

    def test_the_same_name_on_two_hosts_is_a_conflict(self):
        error = self.refused("vm.get", -32012, vm="test")
        self.assertIn("/", error.message, "the message does not say how to tell them apart")
        uuid = self.rpc.call("vm.get", vm="b/test")["uuid"]
        self.refused("vm.get", -32012, vm=uuid)

    def test_what_is_not_there_is_not_found(self):
        for vm in ("nobody", uuid_of(99), "b/vm00003", "nowhere/test", "test/b", "a/", "/test",
                   "a/b/c", "te\u0000st", "b/test\u0000x", "*", "vm0000?", "../b/test"):
            with self.subTest(vm=vm):
                with self.assertRaises(RpcError) as caught:
                    self.rpc.call("vm.get", vm=vm)
                self.assertIn(caught.exception.code, (-32001, -32602), str(caught.exception))

    def test_vm_get_refuses_wrong_parameters(self):
        self.refused_param("vm.get", "vm")
        self.refused_param("vm.get", "vm", vm=5)
        self.refused_param("vm.get", "vm", vm="")
        self.refused_param("vm.get", "vm", vm="x" * 5000)
        self.refused_param("vm.get", "xml", vm="vm00001", xml="yes")
        self.refused_param("vm.get", "colour", vm="vm00001", colour="red")

    def test_xml_comes_when_asked(self):
        vm = self.rpc.call("vm.get", vm="vm00001", xml=True)
        self.assertIn(f"<uuid>{uuid_of(1)}</uuid>", vm["xml"])
        self.assertIn("<domain", vm["xml"])
        self.assertNotIn("xml", self.rpc.call("vm.get", vm="vm00001", xml=False))


class Unwritten(MethodsTest):
    def test_methods_of_later_issues_are_not_pretended(self):
        told = {method["name"] for method in self.rpc.call("rpc.discover")["methods"]}
        for method in ("vm.create", "vm.start", "op.list", "quota.get", "console.open"):
            if method not in told:
                with self.subTest(method=method):
                    self.refused(method, -32601, vm="test")


if __name__ == "__main__":
    promise.main()
