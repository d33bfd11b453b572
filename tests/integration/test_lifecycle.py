"""How lodged comes and goes, who is let in, and what it does about a socket that is taken."""

import os
import select
import signal
import socket
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import promise  # noqa: E402
from world import LODGED, Gone, Inotify, Mirror, Rpc, RpcError, World, as_uid  # noqa: E402

ROOT = os.geteuid() == 0
USER = 20001


def open_to(role, **more):
    return {"daemon": {"socket_mode": "0666", "default_role": role, **more}}


class WorldTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def refuses(self, daemon, *words):
        """Starts a daemon that must not come up; its last words must name the cause."""
        daemon.launch()
        status = daemon.process.wait()
        said = daemon.process.output()
        self.assertGreater(status, 0, f"ended with {status}: {said}")
        for word in words:
            self.assertIn(str(word), said)
        return said


class ComingAndGoing(WorldTest):
    def test_sigterm_and_sigint_end_it_with_code_0_and_remove_the_socket(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                daemon = self.world.daemon()
                Mirror(daemon.rpc(), topics=["vm", "metrics"]).wait_ready()
                idle = Rpc(daemon.socket)
                self.assertEqual(daemon.stop(number), 0)
                self.assertFalse(os.path.exists(daemon.socket))
                self.assertIsNone(idle.read_line())
                idle.close()

    def test_sigterm_the_moment_its_socket_answers_is_an_orderly_end_too(self):
        for _ in range(5):
            daemon = self.world.daemon(start=False)
            with Inotify(daemon.folder) as inotify:
                daemon.launch()
                while not daemon.answers():
                    poll = select.poll()
                    poll.register(inotify.fd, select.POLLIN)
                    poll.poll(5)
                    inotify.clear()
            self.assertEqual(daemon.stop(), 0)
            self.assertFalse(os.path.exists(daemon.socket))

    def test_sigterm_while_it_connects_and_while_a_client_does_not_read_ends_it(self):
        with socket.socket(socket.AF_UNIX) as silent:
            path = self.world.folder / "silent"
            silent.bind(str(path))
            silent.listen()
            daemon = self.world.daemon({"hung": f"qemu+unix:///system?socket={path}",
                                        "t": "test:///default"})
            deaf = daemon.rpc()
            deaf.send(b'{"jsonrpc":"2.0","id":1,"method":"rpc.discover"}\n' * 100)
            self.assertEqual(daemon.stop(deadline=10), 0)

    def test_it_answers_before_its_hosts_do(self):
        with socket.socket(socket.AF_UNIX) as silent:
            path = self.world.folder / "silent"
            silent.bind(str(path))
            silent.listen()
            daemon = self.world.daemon({"hung": f"qemu+unix:///system?socket={path}"})
            rpc = daemon.rpc()
            answer = rpc.call("vm.list")
            self.assertEqual((answer["vms"], answer["incomplete"]), ([], ["hung"]))
            host = rpc.call("host.list")["hosts"][0]
            self.assertIn(host["state"], ("connecting", "down"))
            health = rpc.call("server.health")
            self.assertIs(health["live"], True)
            self.assertIs(health["ready"], False)
            mirror = Mirror(rpc, topics=["vm", "host"]).wait_ready()
            self.assertEqual(mirror.incomplete, ["hung"])

    def test_a_host_that_refuses_is_down_and_says_why(self):
        daemon = self.world.daemon({"gone": "qemu+unix:///system?socket=/nonexistent/sock",
                                    "t": "test:///default"})
        mirror = Mirror(daemon.rpc(), topics=["vm", "host"])
        host = mirror.wait(lambda m: m.hosts.get("gone", {}).get("state") == "down"
                           and m.hosts["gone"])
        self.assertIn("/nonexistent/sock", host["error"])
        mirror.wait(lambda m: m.vms.get("test", {}).get("vcpus"))
        for _ in range(1000):
            incomplete = mirror.rpc.call("vm.list")["incomplete"]
            if incomplete == ["gone"]:
                break
        self.assertEqual(incomplete, ["gone"])

    def test_it_can_be_stopped_and_started_a_dozen_times_on_one_state(self):
        revs = []
        daemon = self.world.daemon(start=False)
        for _ in range(12):
            daemon.start()
            revs.append(daemon.synced().rpc.call("vm.list")["rev"])
            daemon.stop()
        self.assertEqual(revs, sorted(set(revs)), "an old revision may match a new one")

    def test_kill_9_leaves_nothing_that_hinders_the_next(self):
        daemon = self.world.daemon()
        first = daemon.synced().rpc.call("vm.list")["rev"]
        daemon.process.kill()
        self.assertTrue(os.path.exists(daemon.socket), "it was killed, the file stays")
        daemon.start()
        self.assertGreater(daemon.synced().rpc.call("vm.list")["rev"], first)

    def test_sighup_keeps_everyone_connected_and_takes_a_new_log_level(self):
        daemon = self.world.daemon(config={"daemon": {"log_level": "info"}})
        mirror = Mirror(daemon.rpc(), topics=["vm"]).wait_ready()
        daemon.configure({"daemon": {"log_level": "debug"}})
        before = len(daemon.process.output())
        daemon.process.signal(signal.SIGHUP)
        for _ in range(1000):
            with daemon.rpc() as passing:  # who comes and goes is a line of level debug
                passing.call("server.ping")
            if "debug" in daemon.process.output()[before:].lower():
                break
        else:
            self.fail("no line of level debug after SIGHUP")
        self.assertTrue(daemon.process.running())

    def test_sighup_with_a_broken_file_changes_nothing_and_says_so(self):
        daemon = self.world.daemon()
        rpc = daemon.rpc()
        daemon.config.write_text("[daemon\nlog_level = shout\n")
        daemon.process.signal(signal.SIGHUP)
        for _ in range(1000):
            rpc.call("server.ping")
            if "lodged.conf" in daemon.process.output():
                break
        else:
            self.fail("not a word about the broken file")
        self.assertTrue(daemon.process.running())


class Taken(WorldTest):
    def test_a_second_one_on_the_same_socket_refuses_and_harms_nobody(self):
        first = self.world.daemon()
        rpc = first.rpc()
        second = self.world.daemon(start=False, socket=first.socket)
        self.refuses(second, first.socket)
        self.assertEqual(rpc.call("server.ping"), {})
        self.assertEqual(first.rpc().call("server.ping"), {})

    def test_a_second_one_on_the_same_state_directory_refuses_and_harms_nobody(self):
        first = self.world.daemon()
        rpc = first.rpc()
        second = self.world.daemon(start=False, state_dir=first.state_dir)
        self.refuses(second, first.state_dir)
        self.assertFalse(os.path.exists(second.socket))
        self.assertEqual(rpc.call("server.health")["live"], True)
        self.assertEqual(first.stop(), 0)
        second.start()
        self.assertEqual(second.rpc().call("server.ping"), {})

    def test_a_stale_socket_is_taken_over(self):
        daemon = self.world.daemon(start=False)
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(daemon.socket)
        daemon.start()
        self.assertEqual(daemon.rpc().call("server.ping"), {})

    def test_what_is_no_socket_is_never_removed(self):
        daemon = self.world.daemon(start=False)
        target = self.world.folder / "precious"
        for make in ("file", "directory", "fifo", "symlink"):
            with self.subTest(make=make):
                if make == "file":
                    with open(daemon.socket, "w", encoding="utf-8") as file:
                        file.write("precious")
                elif make == "directory":
                    os.mkdir(daemon.socket)
                elif make == "fifo":
                    os.mkfifo(daemon.socket)
                else:
                    target.write_text("precious")
                    os.symlink(target, daemon.socket)
                kind = stat.S_IFMT(os.lstat(daemon.socket).st_mode)
                self.refuses(daemon, daemon.socket)
                self.assertEqual(stat.S_IFMT(os.lstat(daemon.socket).st_mode), kind)
                os.rmdir(daemon.socket) if make == "directory" else os.unlink(daemon.socket)
        self.assertEqual(target.read_text(), "precious")

    def test_a_socket_path_that_is_too_long_or_nowhere_is_refused_by_name(self):
        for path in (self.world.folder / ("s" * 120), self.world.folder / "no" / "where" / "s"):
            with self.subTest(path=str(path)[:40]):
                words = (path,) if os.path.isdir(os.path.dirname(path)) else (os.path.dirname(path),)
                self.refuses(self.world.daemon(start=False, socket=path), *words)

    def test_the_socket_of_another_that_was_put_in_its_place_is_not_removed(self):
        daemon = self.world.daemon()
        os.unlink(daemon.socket)
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(daemon.socket)
            self.assertEqual(daemon.stop(), 0)
            self.assertTrue(os.path.exists(daemon.socket))


class Flags(WorldTest):
    def run_lodged(self, *words):
        return subprocess.run([LODGED, *words], capture_output=True, text=True, timeout=30,
                              check=False)

    def test_version_and_help_go_to_stdout_with_code_0(self):
        for word in ("--version", "--help"):
            done = self.run_lodged(word)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("lodged", done.stdout)

    def test_wrong_flags_are_refused_by_name(self):
        for words in (["--bogus"], ["extra"], ["--socket"], ["--host", "nouri"],
                      ["--host", "=test:///default"], ["--log-level", "shout"],
                      ["--host", "a=test:///default", "--host", "a=test:///default"]):
            with self.subTest(words=words):
                done = self.run_lodged("--check-config", *words)
                self.assertNotEqual(done.returncode, 0)
                self.assertTrue(done.stderr.strip())

    def test_check_config_names_file_line_and_what_was_expected(self):
        path = self.world.folder / "bad.conf"
        for text, line, word in (("[daemon]\nbogus = 1\n", 2, "bogus"),
                                 ("\n[nowhere]\nx = 1\n", 2, "nowhere"),
                                 ("[daemon]\n\nlog_level = shout\n", 3, "log_level"),
                                 ("[sync]\nparallel = 99\n", 2, "parallel"),
                                 ("[daemon]\nsocket_mode = 9999\n", 2, "socket_mode"),
                                 ("[host a]\nuri = qemu:///system\n[host e]\n"
                                  "uri = qemu:///embed?root=/tmp/e\n", 0, "qemu+unix")):
            with self.subTest(text=text):
                path.write_text(text)
                done = self.run_lodged("--config", path, "--check-config")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(word, done.stderr)
                if line:
                    self.assertIn(f"{path}:{line}", done.stderr)
        path.write_text("[host a]\nuri = test:///default\n[sync]\nparallel = 2\n")
        done = self.run_lodged("--config", path, "--check-config")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_config_that_is_not_there_is_refused(self):
        done = self.run_lodged("--config", "/nonexistent.conf", "--check-config")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nonexistent.conf", done.stderr)


@unittest.skipUnless(ROOT, "needs root to be other users")
class Roles(WorldTest):
    def turned_away(self, daemon, uid):
        client = Rpc(daemon.socket, uid=uid)
        try:
            client.send_line({"jsonrpc": "2.0", "id": 1, "method": "server.ping"})
        except Gone:
            pass
        lines = client.wait_end()
        client.close()
        return lines

    def denied(self, rpc, method, code=-32003, **params):
        with self.assertRaises(RpcError) as caught:
            rpc.call(method, **params)
        self.assertEqual(caught.exception.code, code, str(caught.exception))

    def test_default_role_none_is_turned_away_with_denied(self):
        daemon = self.world.daemon(config=open_to("none"))
        lines = self.turned_away(daemon, USER)
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(b"-32003", lines[0])
        self.assertEqual(daemon.rpc().call("server.info")["role"], "admin")

    def test_a_viewer_sees_all_and_no_xml_and_no_host_uri(self):
        daemon = self.world.daemon(config=open_to("viewer"))
        daemon.synced()
        rpc = daemon.rpc(uid=USER)
        info = rpc.call("server.info")
        self.assertEqual((info["uid"], info["role"]), (USER, "viewer"))
        self.assertEqual(info["user"], f"#{USER}")
        self.assertEqual([vm["name"] for vm in rpc.call("vm.list")["vms"]], ["test"])
        self.assertEqual(rpc.call("vm.get", vm="test")["name"], "test")
        self.denied(rpc, "vm.get", vm="test", xml=True)
        self.denied(rpc, "server.set_log_level", level="debug")
        self.assertNotIn("uri", rpc.call("host.list")["hosts"][0])
        mirror = Mirror(rpc, topics=["vm", "host"]).wait_ready()
        self.assertIn("test", mirror.vms)
        self.assertNotIn("uri", mirror.hosts["local"])
        self.assertEqual({m["name"] for m in rpc.call("rpc.discover")["methods"]}
                         & {"vm.list"}, {"vm.list"})

    def test_a_user_sees_nothing_that_is_not_theirs_and_cannot_tell_that_it_is_there(self):
        daemon = self.world.daemon(config=open_to("user"))
        daemon.synced()
        rpc = daemon.rpc(uid=USER)
        self.assertEqual(rpc.call("server.info")["role"], "user")
        self.assertEqual(rpc.call("vm.list")["vms"], [])
        messages = []
        for vm in ("test", "nobody"):
            for xml in (False, True):
                with self.assertRaises(RpcError) as caught:
                    rpc.call("vm.get", vm=vm, xml=xml)
                self.assertEqual(caught.exception.code, -32001)
                messages.append(caught.exception.message.replace(vm, "VM"))
        self.assertEqual(len(set(messages)), 1, f"the answers differ: {messages}")
        self.denied(rpc, "server.set_log_level", level="debug")
        mirror = Mirror(rpc, topics=["vm", "host", "metrics"]).wait_ready()
        self.assertEqual(mirror.vms, {})

    def test_wrong_parameters_of_a_forbidden_method_are_denied_first(self):
        daemon = self.world.daemon(config=open_to("viewer"))
        self.denied(daemon.rpc(uid=USER), "server.set_log_level", bogus=1)

    def test_members_of_the_admin_group_are_admins(self):
        import grp  # pylint: disable=import-outside-toplevel
        group = grp.getgrgid(4) if 4 in [g.gr_gid for g in grp.getgrall()] else grp.getgrall()[1]
        daemon = self.world.daemon(config=open_to("none", admin_group=group.gr_name))
        member = daemon.rpc(uid=USER, groups=[group.gr_gid])
        self.assertEqual(member.call("server.info")["role"], "admin")
        with as_uid(USER, gid=group.gr_gid):
            primary = Rpc(daemon.socket)
        self.assertEqual(primary.call("server.info")["role"], "admin")
        primary.close()
        self.assertIn(b"-32003", self.turned_away(daemon, USER)[0])

    def test_the_socket_has_the_mode_of_the_configuration(self):
        for mode in ("0600", "0660", "0666"):
            daemon = self.world.daemon(config={"daemon": {"socket_mode": mode}})
            self.assertEqual(stat.S_IMODE(os.stat(daemon.socket).st_mode), int(mode, 8))
            daemon.stop()
        daemon = self.world.daemon(config={"daemon": {"socket_mode": "0600"}})
        with self.assertRaises(PermissionError):
            Rpc(daemon.socket, uid=USER)

    def test_a_users_own_daemon_serves_that_user_as_admin_and_nobody_else(self):
        daemon = self.world.daemon(uid=65534)
        self.assertEqual(stat.S_IMODE(os.stat(daemon.socket).st_mode), 0o600)
        self.assertEqual(daemon.rpc(uid=65534).call("server.info")["role"], "admin")
        self.assertEqual(daemon.rpc().call("server.info")["role"], "admin")
        self.assertEqual(stat.S_IMODE(os.stat(daemon.state_dir).st_mode), 0o700)

    def test_the_defaults_of_a_system_daemon_start_without_a_group_called_lodge(self):
        daemon = self.world.daemon(config={})
        self.assertEqual(stat.S_IMODE(os.stat(daemon.socket).st_mode), 0o660)

    def test_a_group_that_does_not_exist_is_named(self):
        daemon = self.world.daemon(start=False,
                                   config={"daemon": {"socket_group": "no-such-group"}})
        self.refuses(daemon, "no-such-group")


if __name__ == "__main__":
    promise.main()
