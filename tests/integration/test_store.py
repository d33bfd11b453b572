"""Trouble with the state directory: the list stays live, and server.health says what is wrong."""

import os
import pathlib
import select
import sqlite3
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import Inotify, Mirror, RpcError, World  # noqa: E402

ROOT = os.geteuid() == 0
NOBODY = 65534 if ROOT else None


class StoreTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def state(self, daemon):
        folder = pathlib.Path(daemon.state_dir)
        return folder, folder / "lodge.db"

    def lives_without_store(self, daemon, *words):
        """All that needs no store goes on, and the health says why the rest does not."""
        rpc = daemon.synced().rpc
        self.assertEqual([vm["name"] for vm in rpc.call("vm.list")["vms"]], ["test"])
        self.assertEqual(rpc.call("vm.get", vm="test")["name"], "test")
        self.assertEqual(rpc.call("server.info")["role"], "admin")
        Mirror(rpc, topics=["vm", "host"]).wait_ready()
        health = rpc.call("server.health")
        self.assertIs(health["live"], True)
        text = str(health["store"])
        for word in words:
            self.assertIn(word, text)
        self.assertNotIn(text, ("", "None", "ok", "{}"))
        return text

    def ready_made(self):
        """A daemon that has run once, and is stopped: its database is there."""
        daemon = self.world.daemon(uid=NOBODY)
        daemon.synced()
        healthy = str(daemon.rpc().call("server.health")["store"])
        self.assertEqual(daemon.stop(), 0)
        return daemon, healthy

    def test_a_fresh_state_directory_is_made_private_and_healthy(self):
        daemon = self.world.daemon()
        folder, database = self.state(daemon)
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        self.assertEqual(database.stat().st_mode & 0o077, 0)
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
            self.assertGreater(db.execute("PRAGMA user_version").fetchone()[0], 0)
            self.assertEqual(db.execute("PRAGMA journal_mode").fetchone()[0], "wal")
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
            tables = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table' "
                                "AND name NOT LIKE 'sqlite_%'").fetchall()
            self.assertTrue(tables)
            for name, sql in tables:
                self.assertTrue(sql.rstrip().endswith("STRICT") or "STRICT" in sql[-40:], name)

    def test_a_corrupt_database_is_said_and_kept(self):
        daemon, healthy = self.ready_made()
        _, database = self.state(daemon)
        for wal in database.parent.glob("lodge.db-*"):
            wal.unlink()
        broken = b"SQLite format 3\0" + b"\xa5" * 20000
        database.write_bytes(broken)
        daemon.start()
        text = self.lives_without_store(daemon)
        self.assertNotEqual(text, healthy)
        daemon.stop()
        self.assertEqual(database.read_bytes(), broken, "the evidence was touched")

    def test_a_file_that_is_no_database_is_said_and_kept(self):
        daemon, healthy = self.ready_made()
        _, database = self.state(daemon)
        for wal in database.parent.glob("lodge.db-*"):
            wal.unlink()
        database.write_text("dear diary\n" * 500)
        daemon.start()
        self.assertNotEqual(self.lives_without_store(daemon), healthy)
        daemon.stop()
        self.assertTrue(database.read_text().startswith("dear diary"))

    def test_a_database_of_a_newer_lodged_is_said_and_kept(self):
        daemon, healthy = self.ready_made()
        _, database = self.state(daemon)
        with sqlite3.connect(database) as db:
            db.execute("PRAGMA user_version = 9999")
        db.close()
        daemon.start()
        text = self.lives_without_store(daemon)
        self.assertNotEqual(text, healthy)
        self.assertIn("newer", text.lower())
        daemon.stop()
        with sqlite3.connect(database) as db:
            self.assertEqual(db.execute("PRAGMA user_version").fetchone()[0], 9999)

    def test_a_corrupt_page_in_the_middle_is_survived(self):
        daemon, _ = self.ready_made()
        _, database = self.state(daemon)
        for wal in database.parent.glob("lodge.db-*"):
            wal.unlink()
        data = bytearray(database.read_bytes())
        for offset in range(4096, len(data), 4096):
            data[offset:offset + 64] = b"\xff" * 64
        database.write_bytes(data)
        daemon.start()
        self.assertEqual([vm["name"] for vm in daemon.synced().rpc.call("vm.list")["vms"]],
                         ["test"])

    @unittest.skipUnless(ROOT, "needs root to take a user's rights away")
    def test_a_read_only_database_is_said(self):
        daemon, healthy = self.ready_made()
        folder, database = self.state(daemon)
        for path in folder.glob("lodge.db*"):
            os.chown(path, 0, 0)
            path.chmod(0o444)
        os.chown(folder, 0, 0)
        folder.chmod(0o755)
        lock_free = [path for path in folder.iterdir() if not path.name.startswith("lodge.db")]
        for path in lock_free:
            path.chmod(0o666)
        daemon.start()
        self.assertNotEqual(self.lives_without_store(daemon), healthy)
        self.assertTrue(database.exists())

    def with_a_row(self):
        """A stopped daemon whose database has a VM; and what else it has to remember."""
        daemon, _ = self.ready_made()
        daemon.start()
        daemon.synced().rpc.call("vm.adopt", vm="test", owner="root", wait=True)
        self.assertEqual(daemon.stop(), 0)
        return daemon, self.state(daemon)[1]

    def comes_back(self, daemon, heal):
        """Without a restart: rows are known and changes are taken as soon as the trouble goes."""
        mirror = Mirror(daemon.synced().rpc, topics=["vm"]).wait_ready()
        self.assertIs(next(iter(mirror.vms.values()))["managed"], False)
        with daemon.rpc() as rpc:
            with self.assertRaises(RpcError) as caught:
                rpc.call("vm.update", vm="test", autostart=True, wait=True)
            self.assertNotIn(caught.exception.kind, ("internal", "timeout"))
        heal()
        mirror.wait(lambda m: any(vm["managed"] for vm in m.vms.values()), 90)
        self.assertEqual(mirror.rpc.call("server.health")["store"], "ok")
        mirror.rpc.call("vm.update", vm="test", autostart=False, wait=True)

    @unittest.skipUnless(ROOT, "needs root to take a user's rights away")
    def test_a_database_that_may_be_read_again_is_opened_while_lodged_runs(self):
        daemon, database = self.with_a_row()
        database.chmod(0)
        os.chown(database, 0, 0)
        daemon.start()
        self.comes_back(daemon, lambda: (os.chown(database, NOBODY, NOBODY), database.chmod(0o600)))

    def test_a_backup_in_the_place_of_a_damaged_database_is_opened_while_lodged_runs(self):
        daemon, database = self.with_a_row()
        good = database.read_bytes()
        database.write_bytes(b"no database at all, but long enough to be looked at" * 100)
        daemon.start()

        def heal():
            database.unlink()
            with daemon.rpc() as rpc, Inotify(database.parent) as changes:
                until = time.monotonic() + 90
                while "No such file" not in rpc.call("server.health")["store"]:
                    self.assertLess(time.monotonic(), until)
                    select.select([changes.fd], [], [], 0.5)
            self.assertFalse(database.exists(), "an empty one takes the backup's place")
            fresh = database.with_suffix(".new")
            fresh.write_bytes(good)
            if ROOT:
                os.chown(fresh, NOBODY, NOBODY)
            fresh.replace(database)

        self.comes_back(daemon, heal)

    @unittest.skipUnless(ROOT, "needs root to take a user's rights away")
    def test_a_state_directory_that_may_not_be_made_is_refused_by_name(self):
        daemon = self.world.daemon(start=False, uid=NOBODY, state_dir="/proc/lodge-state")
        daemon.launch()
        self.assertGreater(daemon.process.wait(), 0)
        self.assertIn("/proc/lodge-state", daemon.process.output())

    def test_a_file_in_the_place_of_the_directory_is_refused_by_name(self):
        path = self.world.folder / "file"
        path.write_text("mine")
        daemon = self.world.daemon(start=False, state_dir=path)
        daemon.launch()
        self.assertGreater(daemon.process.wait(), 0)
        self.assertIn(str(path), daemon.process.output())
        self.assertEqual(path.read_text(), "mine")

    @unittest.skipUnless(ROOT, "needs root to mount a small disk")
    def test_a_full_disk_is_said(self):
        import subprocess  # pylint: disable=import-outside-toplevel
        folder = self.world.folder / "small"
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
                              check=False, capture_output=True)
        if done.returncode:
            self.skipTest("cannot mount")
        try:
            (folder / "filler").write_bytes(b"x" * 60 * 1024)
            daemon = self.world.daemon(state_dir=folder)
            self.lives_without_store(daemon)
            daemon.stop()
        finally:
            subprocess.run(["umount", "-l", folder], check=False)

    def test_a_database_deleted_under_a_running_daemon_does_not_stop_the_list(self):
        daemon = self.world.daemon()
        rpc = daemon.synced().rpc
        for path in pathlib.Path(daemon.state_dir).glob("lodge.db*"):
            path.unlink()
        self.assertEqual([vm["name"] for vm in rpc.call("vm.list")["vms"]], ["test"])
        self.assertIs(rpc.call("server.health")["live"], True)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    promise.main()
