"""lodged leaves at once, with 0 and with whole files, whatever is under way: SIGTERM, Ctrl-C and a restart in the
middle of every kind of call."""

import os
import random
import select
import signal
import sqlite3
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import World, fleet_xml  # noqa: E402

ROUNDS = 20
SANITIZED_ROUNDS = 5
GUESTS = 60
LEAVES_S = 2


def creations(number):
    return [("vm.create", {"name": f"n{number}-{index}", "vcpus": 1, "memory_mib": 16,
                           "disks": [{"size_gib": 1}], "network": None}) for index in range(16)]


def one_creation(number):
    return creations(number)[:1]


def power(_):
    return [(method, {"vm": f"vm{index:05}"}) for index in range(GUESTS)
            for method in ("vm.start", "vm.stop", "vm.pause", "vm.resume")]


def changes(_):
    return [call for index in range(GUESTS) for call in (
        ("vm.adopt", {"vm": f"vm{index:05}", "owner": "root"}),
        ("vm.update", {"vm": f"vm{index:05}", "vcpus": 2, "tags": ["a"]}),
        ("vm.delete", {"vm": f"vm{index:05}"}))]


def questions(_):
    return [("op.list", {}), ("audit.list", {}), ("quota.get", {}), ("user.list", {}), ("image.list", {}),
            ("pool.list", {}), ("network.list", {}), ("server.compare", {}), ("server.backup", {}),
            ("vm.list", {}), ("rpc.discover", {}), ("vm.get", {"vm": "vm00001", "xml": True}),
            ("vm.screenshot", {"vm": "vm00001"}), ("event.subscribe", {"topics": ["vm", "op", "host"]})] * 8


def settings(number):
    return [("quota.set", {"scope": "user", "user": "root", "limits": {"vms": 1000 + number}}),
            ("user.set", {"user": "#4711", "role": "viewer"}), ("quota.set", {"scope": "system", "limits": {}}),
            ("vm.start", {"vm": "nobody"})] * 16


class Farewell(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("FAREWELL_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"# FAREWELL_SEED={cls.seed}", flush=True)

    def setUp(self):
        self.random = random.Random(f"{self.seed} {self.id()}")
        self.world = World()
        self.addCleanup(self.world.close)
        self.fleet = self.world.folder / "fleet.xml"
        self.fleet.write_text(fleet_xml(GUESTS, running=GUESTS // 2))
        library = self.world.folder / "library"
        library.mkdir()
        for number in range(40):
            (library / f"{number}.iso").write_bytes(b"\0" * 40960)
        self.daemon = self.world.daemon(
            f"test://{self.fleet}", start=False,
            config={"images": {"dirs": library}, "host local": {"uri": f"test://{self.fleet}",
                                                                "dir": self.world.folder / "disks"}})

    def leave_amid(self, calls_of):
        """Many calls without waiting for an answer, and a signal some milliseconds later."""
        pace = self.world.pace()
        number, rounds = 0, ROUNDS
        while number < rounds:
            self.daemon.start()
            self.daemon.synced(60).rpc.close()
            slow = self.daemon.sanitized()  # who looks for leaks takes its time
            rounds = SANITIZED_ROUNDS if slow else ROUNDS
            with self.daemon.rpc() as rpc:
                for method, params in calls_of(number):
                    rpc.ask(method, **params)
                process = self.daemon.process
                select.select([], [], [], self.random.uniform(0, 0.03))  # any moment will do
                begun = time.monotonic()
                process.signal(self.random.choice((signal.SIGTERM, signal.SIGINT)))
                status = process.wait()
                if not slow:
                    pace.check(self, begun, LEAVES_S, f"leaving took too long in round {number}")
            self.assertEqual(status, 0, process.tail())
            self.check_state()
            number += 1

    def check_state(self):
        with sqlite3.connect(self.daemon.state_dir / "lodge.db") as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        self.assertFalse(os.path.exists(self.daemon.socket), "the socket's file is left")


def add_test(calls_of):
    def test(self):
        self.leave_amid(calls_of)
    setattr(Farewell, f"test_it_leaves_amid_{calls_of.__name__}", test)


for each in (one_creation, creations, power, changes, questions, settings):
    add_test(each)

if __name__ == "__main__":
    promise.main()
