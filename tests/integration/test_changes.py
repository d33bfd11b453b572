"""The verbs that change something: what they ask for, say, and leave as their status."""

import json
import os
import pty
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import BUILD_DIR, PATIENCE, World  # noqa: E402

LODGE = BUILD_DIR / "tui" / "lodge"
DONE, FAILED, WRONG_CALL, NO_DAEMON, NOT_FOUND, DENIED, BUSY, TIMEOUT = range(8)
SMALL = ("--cpus", "1", "--memory", "64M", "--network", "none")


class Changes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.daemon = cls.world.daemon("test:///default")
        cls.daemon.synced().rpc.close()

    def tearDown(self):
        with self.daemon.rpc() as rpc:
            for vm in rpc.call("vm.list", fields=["managed"])["vms"]:
                if vm["managed"]:
                    rpc.call("vm.delete", vm=vm["uuid"], wait=True)
            rpc.call("quota.set", scope="system", limits={"vms": None})

    def environ(self):
        return {**os.environ, "LODGE_SOCKET": self.daemon.socket}

    def lodge(self, *words, status=DONE):
        ran = subprocess.run([LODGE, *words], env=self.environ(), text=True, capture_output=True,
                             stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)
        self.assertEqual(ran.returncode, status, f"{words}\n{ran.stdout}{ran.stderr}")
        return ran.stdout, ran.stderr

    def lodge_at_a_terminal(self, typed, *words):
        """With a terminal for its input, where `typed` was typed; the status."""
        master, slave = pty.openpty()
        os.write(master, typed.encode())
        ran = subprocess.run([LODGE, *words], env=self.environ(), stdin=slave, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE,
                             check=False)
        os.close(master)
        os.close(slave)
        return ran.returncode, ran.stderr

    def get(self, name):
        with self.daemon.rpc() as rpc:
            return rpc.call("vm.get", vm=name)

    def test_a_VM_lives_from_create_to_rm(self):
        self.assertEqual(self.lodge("create", "web", *SMALL, "--disk", "2G", "--tag", "a,b",
                                    "--start")[0],
                         "web: create done\nweb: 1 vCPU, 64 MiB of memory, vda 2 GiB\n")
        vm = self.get("web")
        self.assertEqual((vm["state"], vm["memory_mib"], vm["disk_gib"], vm["tags"]),
                         ("running", 64, 2, ["a", "b"]))
        for verb, state in (("pause", "paused"), ("resume", "running"), ("stop", "shutoff"),
                            ("start", "running")):
            self.lodge(verb, "web")
            self.assertEqual(self.get("web")["state"], state)
        self.lodge("stop", "web")
        self.lodge("set", "web", "--cpus", "3", "--disk", "vda=4G", "--name", "web2")
        vm = self.get("web2")
        self.assertEqual((vm["vcpus"], vm["disk_gib"]), (3, 4))
        self.lodge("rm", "web2", "--yes")
        self.assertNotIn("web2", self.lodge("ls")[0])

    def test_create_fills_in_what_nobody_says_and_says_what_became_of_sizes(self):
        out = self.lodge("create", "web", "--network", "none")[0]
        self.assertEqual(out, "web: create done\nweb: 1 vCPU, 1024 MiB of memory\n"
                              "web: by default --cpus 1, --memory 1G\n")
        vm = self.get("web")
        self.assertEqual((vm["vcpus"], vm["memory_mib"]), (1, 1024))
        self.assertRegex(self.lodge("show", "web")[0], "(?m)^disk +none$")
        usage = self.lodge("help", "create")[0]
        self.assertIn("Without --cpus it has 1, without --memory 1G", usage)
        self.assertIn("a comma of a name is\nwritten twice", usage)
        out = self.lodge("create", "db", "--network", "none", "--memory", "65537K", "--disk", "1500M", "--disk", "3G")[0]
        self.assertEqual(out.splitlines()[1:],
                         ["db: 1 vCPU, 64 MiB of memory, vda 2 GiB, vdb 3 GiB",
                          "db: --memory 65537K is 64 MiB: memory is whole MiB",
                          "db: a disk of 1500M is 2 GiB: disks are whole GiB", "db: by default --cpus 1"])
        out = self.lodge("set", "db", "--disk", "vda=2500M")[0]
        self.assertEqual(out, "db: set done\ndb: a disk of 2500M is 3 GiB: disks are whole GiB\n")
        self.assertEqual(self.get("db")["disks"][0]["size_gib"], 3)
        out = self.lodge("create", "more", *SMALL, "--disk", "2500M", "--no-wait")[0]
        self.assertRegex(out, r"^more: operation \d+\nmore: a disk of 2500M is 3 GiB: disks are whole GiB\n$")
        said = json.loads(self.lodge("create", "json", *SMALL, "--json")[0])
        self.assertLessEqual({"op", "uuid"}, set(said))

    def test_more_disk_than_the_pool_has_free_is_a_warning(self):
        for name in ("web", "db"):  # the first makes the pool
            out, error = self.lodge("create", name, *SMALL, "--disk", "30000G", "--disk", "30000G")
            self.assertIn("create done", out)
            self.assertRegex(error, rf"lodge: {name}: its disks may grow to 60000 GiB, and pool 'lodge' has \d+ GiB free")
        self.assertEqual(self.lodge("create", "small", *SMALL, "--disk", "2G")[1], "")
        with self.daemon.rpc() as rpc:
            ours = [pool["name"] for pool in rpc.call("pool.list")["pools"] if pool["ours"]]
        self.assertEqual(ours, ["lodge"])

    def test_without_waiting_the_operation_s_number_is_printed(self):
        out = self.lodge("create", "web", *SMALL, "--no-wait")[0]
        number = out.removeprefix("web: operation ").strip()
        self.assertIn("create of web", self.lodge("ops", number)[0])
        self.lodge("call", "op.get", f'{{"op":{number},"wait":true}}')
        title, row = self.lodge("ops", "--vm", "web")[0].splitlines()
        self.assertEqual(title.split(), ["OP", "WHAT", "VM", "USER", "STATE", "STARTED", "TOOK"])
        self.assertRegex(row, rf"^ *{number}  create +web +root +done +([A-Z].{{6}})?[0-9:]{{8}} +\d+\.\ds$")
        self.assertIn('"kind":"vm.create"', self.lodge("ops", "--json")[0].replace(" ", ""))

    def test_of_several_each_failure_is_named_and_the_others_are_done(self):
        self.lodge("create", "web", *SMALL, "--start")
        out, error = self.lodge("stop", "web", "nosuch", status=NOT_FOUND)
        self.assertIn("web: stop done", out)
        self.assertIn("nosuch", error)

    def test_of_several_one_list_tells_in_json_how_each_went(self):
        self.lodge("create", "web", *SMALL, "--start")
        out = self.lodge("stop", "--json", "nosuch", "web", status=NOT_FOUND)[0]
        missing, stopped = json.loads(out)
        self.assertEqual((missing["vm"], missing["error"]["data"]["kind"]), ("nosuch", "not_found"))
        self.assertEqual((stopped["vm"], set(stopped["result"]) >= {"op"}), ("web", True))
        self.assertEqual(json.loads(self.lodge("start", "--json", "web")[0]).keys() >= {"op"}, True)

    def test_a_deletion_is_confirmed_by_the_name(self):
        self.lodge("create", "web", *SMALL, "--disk", "2G")
        self.assertIn("--yes", self.lodge("rm", "web", status=WRONG_CALL)[1])
        status, said = self.lodge_at_a_terminal("nope\n", "rm", "web")
        self.assertEqual(status, FAILED)
        self.assertIn("1 disk (2G)", said)
        self.get("web")
        self.assertEqual(self.lodge_at_a_terminal("web\n", "rm", "web")[0], DONE)

    def test_what_waits_for_the_next_boot_is_shown_until_then(self):
        self.lodge("create", "web", *SMALL, "--start")
        self.assertNotIn("NOTE", self.lodge("ls")[0])
        self.assertNotIn("next boot", self.lodge("show", "web")[0])
        self.assertEqual(self.lodge("set", "web", "--boot", "cdrom")[0],
                         "web: set done\nboot order of web: at its next boot\n")
        self.assertEqual(self.get("web")["pending"], ["boot"])
        title, row = self.lodge("ls", "pending:*")[0].splitlines()
        self.assertTrue(title.endswith("NOTE") and row.endswith("next boot: boot order"), row)
        self.assertRegex(self.lodge("show", "web")[0], "(?m)^next boot +boot order$")
        self.assertNotIn("web", self.lodge("ls", "!pending:boot")[0])
        self.lodge("stop", "web")
        self.assertNotIn("next boot", self.lodge("show", "web")[0])
        self.assertEqual(self.lodge("ls", "pending:*")[0], "")

    def test_a_quota_that_is_over_says_by_how_much(self):
        self.lodge("create", "web", *SMALL)
        self.assertNotIn("over", self.lodge("quota")[0])
        out = self.lodge("quota", "set", "system", "vms=0")[0]
        self.assertIn("over by 1 VM\n", out)
        self.assertIn("over by 1 VM\n", self.lodge("quota")[0])
        self.assertNotIn("over", self.lodge("--json", "quota")[0])

    def test_quotas_are_set_and_refuse(self):
        self.lodge("quota", "set", "system", "vms=1")
        self.lodge("create", "web", *SMALL)
        error = self.lodge("create", "more", *SMALL, status=BUSY)[1]
        self.assertIn("the system's quota of VMs is 1", error)
        refused = json.loads(self.lodge("create", "more", *SMALL, "--json", status=BUSY)[1])
        self.assertEqual(refused["data"]["resource"], "vms")
        self.lodge("quota", "set", "system", "vms=none")
        self.assertIn("the system's quota of VMs is 1", self.lodge("audit")[0])
        self.assertIn("quota_exceeded", self.lodge("audit", "--json")[0])

    def test_limits_are_said_as_sizes(self):
        self.addCleanup(self.lodge, "quota", "set", "system", "memory=none", "disk=none", "cpus=none")
        out = self.lodge("quota", "set", "system", "memory=1536M", "disk=2G", "cpus=4")[0]
        self.assertIn("1.5G", next(line for line in out.splitlines() if "memory" in line))
        limits = json.loads(self.lodge("quota", "--json")[0])["system"]["limits"]
        self.assertEqual((limits["memory_mib"], limits["disk_gib"], limits["vcpus"]), (1536, 2, 4))
        self.lodge("quota", "set", "system", "memory_mib=64", "disk_gib=none")
        limits = json.loads(self.lodge("quota", "--json")[0])["system"]["limits"]
        self.assertEqual((limits["memory_mib"], limits["disk_gib"]), (64, None))
        for wrong in ("disk=1500M", "memory=", "memory=x", "memory=512K", "memory=1.7M", "disk=1.001G", "vms=1G", "=1", "cpus", "bytes=1"):
            with self.subTest(wrong):
                self.assertIn("memory=SIZE", self.lodge("quota", "set", "system", wrong, status=WRONG_CALL)[1])

    def test_a_wrong_flag_is_said_before_anybody_is_asked(self):
        for words in (("create", "web", "--cpus", "x"), ("create", "web", "--cpus", "1", "--memory", "x"),
                      ("create", "web", "--image", "a", "--disk", "2G,image=b"), ("shutdown", "web", "--grace", "1.5s"),
                      ("create", "web", *SMALL, "--disk", "big"), ("set", "web"),
                      ("media", "web"), ("adopt", "web"), ("shutdown", "web", "--grace", "soon"),
                      ("quota", "set", "system", "vms"), ("ops", "x"), ("users", "set", "a")):
            with self.subTest(words=words):
                self.lodge(*words, status=WRONG_CALL)

    def test_a_stop_in_the_middle_of_operations_is_a_clean_one(self):
        for number in range(10):
            daemon = self.world.daemon("test:///default")
            with daemon.synced().rpc as rpc:
                for vm in range(16):
                    rpc.ask("vm.create", name=f"n{vm}", start=True, vcpus=1, memory_mib=16, disks=[], network=None)
                self.world.keeper.look(number * 0.003)  # a little later each time
                self.assertEqual(daemon.stop(), 0)

    def test_the_doctor_finds_what_is_missing(self):
        self.assertIn("fit together", self.lodge("doctor")[0])
        self.assertTrue(self.lodge("backup")[0].strip().startswith(str(self.daemon.state_dir)))
        self.lodge("create", "web", *SMALL)
        self.assertRegex(self.lodge("users")[0], r"admin +1 ")


if __name__ == "__main__":
    promise.main()
