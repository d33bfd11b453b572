"""lodged --restore: a copy takes the database's place, or nothing changes, whatever it is given and
whenever it is killed."""

import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import LODGED, World  # noqa: E402

ROOT = os.geteuid() == 0
NOBODY = 65534


class Replacing(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def lodged(self, **how):
        """One that has given a role, made a backup, and given another; and that backup."""
        daemon = self.world.daemon(**how)
        with daemon.rpc() as rpc:
            rpc.call("user.set", user="#1000", role="viewer")
            backup = pathlib.Path(rpc.call("server.backup")["path"])
            rpc.call("user.set", user="#1001", role="viewer")
        return daemon, backup

    @staticmethod
    def restore(daemon, file, cwd=None, flags=None):
        flags = ["--state-dir", daemon.state_dir] if flags is None else flags
        return subprocess.run([LODGED, "--config", daemon.config, *flags, "--restore", file],
                              text=True, capture_output=True, timeout=60, check=False, cwd=cwd)

    @staticmethod
    def roles(daemon):
        daemon.start()
        with daemon.rpc() as rpc:
            health = rpc.call("server.health")["store"]
            users = {user["uid"] for user in rpc.call("user.list")["users"]}
        assert health == "ok", health
        return users & {1000, 1001}

    def expect_unchanged(self, daemon):
        self.assertEqual(self.roles(daemon), {1000, 1001})
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(list(pathlib.Path(daemon.state_dir).glob("*restore*")), [])
        self.assertEqual(list(pathlib.Path(daemon.state_dir).glob("*replaced*")), [])

    def test_after_a_kill_a_backup_is_put_back_with_the_old_log_out_of_the_way(self):
        for _ in range(5):
            daemon, backup = self.lodged()
            daemon.process.kill()
            self.assertGreater(os.path.getsize(f"{daemon.state_dir}/lodge.db-wal"), 0)
            done = self.restore(daemon, backup)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(f"{daemon.state_dir}/lodge.db.replaced-", done.stdout)
            self.assertEqual(self.roles(daemon), {1000})
            with daemon.rpc() as rpc:
                rows = rpc.call("audit.list")["rows"]
                self.assertIn(("lodged --restore", str(backup)),
                              [(row["method"], row.get("target")) for row in rows])
            self.assertEqual(daemon.stop(), 0)
            replaced, = (path for path in pathlib.Path(daemon.state_dir).glob("*.replaced-*")
                         if not path.name.endswith(("-wal", "-shm")))
            self.assertEqual(self.restore(daemon, replaced).returncode, 0)  # and back, with its log
            self.assertEqual(self.roles(daemon), {1000, 1001})
            self.assertEqual(daemon.stop(), 0)

    def test_a_lodged_that_runs_is_not_taken_its_database_from(self):
        daemon, backup = self.lodged()
        done = self.restore(daemon, backup)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"(pid {daemon.process.pid})", done.stderr)
        with daemon.rpc() as rpc:
            self.assertEqual(rpc.call("server.health")["store"], "ok")
        self.assertEqual(daemon.stop(), 0)
        self.expect_unchanged(daemon)

    def test_what_cannot_be_used_is_named_and_changes_nothing(self):
        daemon, backup = self.lodged()
        self.assertEqual(daemon.stop(), 0)
        folder = self.world.folder
        (folder / "diary").write_text("dear diary\n" * 500)
        (folder / "empty").touch()
        shutil.copy(backup, folder / "newer")
        with sqlite3.connect(folder / "newer") as database:
            database.execute("PRAGMA user_version = 9999")
        database.close()
        data = bytearray(backup.read_bytes())
        for offset in range(4096, len(data), 4096):
            data[offset:offset + 64] = b"\xff" * 64
        (folder / "torn").write_bytes(data)
        os.mkfifo(folder / "fifo")
        live = pathlib.Path(daemon.state_dir) / "lodge.db"
        (folder / "link").symlink_to(live)
        for file, status, words in (
                (folder / "diary", 2, "not a database"), (folder / "empty", 2, "no schema"),
                (folder / "newer", 2, "schema 9999"), (folder / "torn", 2, "torn"),
                (folder / "fifo", 2, "is no file"), (folder, 2, "is no file"),
                (folder / "missing", 2, "No such file"), (live, 1, "the database itself"),
                (folder / "link", 1, "the database itself"),
                (live.with_name("lock"), 2, "lock"), (live.with_name("age"), 2, "age")):
            with self.subTest(file=file.name):
                done = self.restore(daemon, file)
                self.assertEqual((done.returncode, done.stdout), (status, ""))
                self.assertIn(words, done.stderr)
                self.expect_unchanged(daemon)

    def test_a_copy_is_named_from_where_one_stands_or_by_a_link_and_the_directory_by_the_file(self):
        daemon, backup = self.lodged()
        self.assertEqual(daemon.stop(), 0)
        daemon.configure({"daemon": {"state_dir": daemon.state_dir}})
        (self.world.folder / "latest").symlink_to(backup)
        for file, cwd in ((backup.name, backup.parent), ("latest", self.world.folder)):
            done = self.restore(daemon, file, cwd=cwd, flags=[])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.roles(daemon), {1000})
            with daemon.rpc() as rpc:
                rpc.call("user.set", user="#1001", role="viewer")
            self.assertEqual(daemon.stop(), 0)

    @unittest.skipUnless(ROOT, "needs root to be another user")
    def test_root_restores_for_the_user_who_runs_lodged(self):
        daemon, backup = self.lodged(uid=NOBODY)
        self.assertEqual(daemon.stop(), 0)
        (pathlib.Path(daemon.state_dir) / "lock").unlink()
        self.assertEqual(self.restore(daemon, backup).returncode, 0)
        owners = {path.stat().st_uid for path in pathlib.Path(daemon.state_dir).iterdir()}
        self.assertEqual(owners, {NOBODY})
        self.assertEqual(self.roles(daemon), {1000})

    def test_killed_at_any_moment_it_leaves_the_one_or_the_other(self):
        daemon, backup = self.lodged()
        with sqlite3.connect(backup) as database:  # so that it takes its time
            database.executemany("INSERT INTO audit (at_ms, uid, pid, method, target, result)"
                                 " VALUES (1, 0, 1, 'vm.start', ?, 'ok')",
                                 [("x" * 500,)] * 20000)
        database.close()
        daemon.process.kill()
        state, truth = pathlib.Path(daemon.state_dir), self.world.folder / "truth"
        shutil.copytree(state, truth)
        begun = time.monotonic()
        self.assertEqual(self.restore(daemon, backup).returncode, 0)
        most = time.monotonic() - begun
        dice, seen = random.Random(8), set()
        for _ in range(30):
            shutil.rmtree(state)
            shutil.copytree(truth, state)
            program = subprocess.Popen([LODGED, "--config", daemon.config, "--state-dir", state,
                                        "--restore", backup], stdout=subprocess.DEVNULL)
            try:
                program.wait(dice.uniform(0, most))
                most *= 0.8  # so that some come in time and some do not, however busy the machine gets
            except subprocess.TimeoutExpired:
                most *= 1.2
                program.kill()
                program.wait()
            self.assertTrue((state / "lodge.db").exists(), "there was none for a moment")
            roles = self.roles(daemon)
            daemon.process.kill()
            self.assertIn(roles, ({1000}, {1000, 1001}))
            seen.add(len(roles))
            self.assertEqual(list(state.glob("*restore*")), [])
        self.assertEqual(seen, {1, 2}, "no kill came in time, or each did")

    def test_the_text_about_a_damaged_database_names_the_command(self):
        daemon, _ = self.lodged()
        self.assertEqual(daemon.stop(), 0)
        for path in pathlib.Path(daemon.state_dir).glob("lodge.db*"):
            if path.name == "lodge.db":
                path.write_bytes(b"SQLite format 3\0" + b"\xa5" * 20000)
        daemon.start()
        with daemon.rpc() as rpc:
            self.assertIn("lodged --restore FILE", rpc.call("server.health")["store"])


if __name__ == "__main__":
    promise.main()
