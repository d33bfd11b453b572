"""Every method × {stranger, other user, owner, viewer, admin}: allowed or refused as the contract's table
says. The table below is the contract's; a method without a row in it, or a row without a method, fails."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import Gone, RpcError, World  # noqa: E402

OWNER, OTHER, VIEWER, STRANGER = 41001, 41002, 41003, 41004
MINE = {"vm": "mine"}
NEW = {"vcpus": 1, "memory_mib": 16, "network": None}

# method -> access, parameters
TABLE = {
    "server.info": ("any", {}),
    "server.ping": ("any", {}),
    "server.health": ("any", {}),
    "server.set_log_level": ("admin", {"level": "info"}),
    "server.backup": ("admin", {}),
    "server.compare": ("admin", {}),
    "orphan.delete": ("admin", {"host": "local", "uuid": "00000000-0000-4000-8000-000000000000"}),
    "rpc.discover": ("any", {}),
    "host.list": ("any", {}),
    "image.list": ("any", {}),
    "network.list": ("any", {}),
    "pool.list": ("any", {}),
    "vm.list": ("see", {}),
    "vm.get": ("sees_vm", MINE),
    "vm.screenshot": ("owner", MINE),
    "vm.create": ("user", {"name": "new", **NEW}),
    "vm.start": ("owner", MINE),
    "vm.pause": ("owner", MINE),
    "vm.resume": ("owner", MINE),
    "vm.reset": ("owner", MINE),
    "vm.nmi": ("owner", MINE),
    "vm.reboot": ("owner", {**MINE, "grace_s": 1}),
    "vm.shutdown": ("owner", {**MINE, "grace_s": 1}),
    "vm.save": ("owner", MINE),
    "vm.stop": ("owner", MINE),
    "vm.update": ("owner", {**MINE, "vcpus": 1}),
    "vm.media": ("owner", {**MINE, "iso": None}),
    "vm.adopt": ("admin", {"vm": "test", "owner": f"#{OWNER}"}),
    "vm.forget": ("admin", MINE),
    "console.open": ("owner", MINE),
    "console.list": ("see", {}),
    "console.close": ("sessions", {"session": 1}),
    "op.list": ("see", {}),
    "op.get": ("sees_op", {}),
    "op.cancel": ("owner", {"op": 1}),
    "event.subscribe": ("see", {"topics": ["vm"]}),
    "event.update": ("see", {"subscription": 1}),
    "event.unsubscribe": ("see", {"subscription": 1}),
    "quota.get": ("see", {}),
    "quota.set": ("admin", {"scope": "system", "limits": {}}),
    "user.list": ("admin", {}),
    "user.set": ("admin", {"user": f"#{OTHER}", "role": "user"}),
    "audit.list": ("see", {}),
    "vm.delete": ("owner", MINE),  # last: it takes the VM away
}
ROLES = {"stranger": STRANGER, "other": OTHER, "owner": OWNER, "viewer": VIEWER, "admin": None}

# access -> role -> what refuses; nothing: allowed
REFUSED = {
    "any": {},
    "see": {},
    "user": {"viewer": "denied"},
    "owner": {"other": "not_found", "viewer": "denied"},
    "admin": {"other": "denied", "owner": "denied", "viewer": "denied"},
    "sees_vm": {"other": "not_found"},
    "sees_op": {"other": "not_found"},
    "sessions": {"viewer": "denied"},  # which of them is looked at in test_console_security.py
}


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.daemon = cls.world.daemon("test:///default",
                                      config={"daemon": {"socket_mode": "0666"}})
        cls.daemon.synced().rpc.close()
        with cls.daemon.rpc() as admin:
            admin.call("user.set", user=f"#{VIEWER}", role="viewer")
            admin.call("user.set", user=f"#{STRANGER}", role="none")

    def test_the_table_names_every_method_and_no_other(self):
        with self.daemon.rpc() as rpc:
            methods = {method["name"] for method in rpc.call("rpc.discover")["methods"]}
        self.assertEqual(methods, set(TABLE))

    def outcome(self, role, method, params):
        """The kind of error, or None."""
        try:
            with self.daemon.rpc(uid=ROLES[role]) as rpc:
                rpc.call(method, **params)
                return None
        except RpcError as error:
            return error.kind
        except (Gone, BrokenPipeError):
            return "hung up"

    def test_every_method_is_allowed_or_refused_by_role_as_the_contract_says(self):
        with self.daemon.rpc(uid=OWNER) as owner:
            op = owner.call("vm.create", name="mine", wait=True, **NEW)["op"]
        for method, (access, params) in TABLE.items():
            if access == "sees_op" or method == "op.cancel":
                params = {"op": op}
            for role in ROLES:
                with self.subTest(method=method, role=role):
                    got = self.outcome(role, method, params)
                    if role == "stranger":
                        self.assertIn(got, ("denied", "hung up"))
                        continue
                    wanted = REFUSED[access].get(role)
                    if wanted is not None:
                        self.assertEqual(got, wanted)
                    else:
                        self.assertNotIn(got, ("denied", "hung up"))
                        if access in ("owner", "sees_vm", "sees_op") and method != "op.cancel" \
                                and not (method == "vm.delete" and role == "admin"):
                            self.assertNotEqual(got, "not_found")

    def test_no_cursor_tells_how_much_another_has_asked_for(self):
        with self.daemon.rpc(uid=OWNER) as owner, self.daemon.rpc() as admin, \
                self.daemon.rpc(uid=OTHER) as other:
            for _ in range(3):
                owner.call("vm.create", name="short", wait=True, **NEW)
                owner.call("vm.delete", vm="short", wait=True)
            told = other.call("op.list", user=f"#{OWNER}", limit=1)
            self.assertEqual(told, {"ops": []})
            other.call("vm.create", name="kept", wait=True, **NEW)
            done = admin.call("vm.start", vm="kept", wait=True)["op"]
            told = other.call("op.list", user="#0", limit=1)
            self.assertEqual(([op["id"] for op in told["ops"]], told["cursor"]), ([done], done))
            self.assertEqual(other.call("op.list", user="#0", limit=1, cursor=done), {"ops": []})
            other.call("vm.delete", vm="kept", wait=True)

    def test_who_may_open_the_socket_is_said_as_it_is(self):
        self.assertIn(f"everybody may open {self.daemon.socket}", self.daemon.process.output())
        self.assertNotIn("only root", self.daemon.process.output())


if __name__ == "__main__":
    promise.main()
