"""The embedded QEMU driver (qemu:///embed?root=DIR): a newcomer's machine without any libvirtd, as
root and as a normal user."""

import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import embed  # noqa: E402
import promise  # noqa: E402
from world import BUILD_DIR, Mirror, World  # noqa: E402

ROOT = os.geteuid() == 0


@unittest.skipIf(embed.why_not(), embed.why_not())
class EmbedTest(unittest.TestCase):
    UID = None

    def setUp(self):
        self.world = World("le")
        self.addCleanup(self.world.close)
        self.home = self.world.folder / "home"
        self.home.mkdir()
        if self.UID is not None:
            os.chown(self.home, self.UID, self.UID)

    def daemon(self, root, **how):
        env = {"HOME": str(self.home), "USER": "", "XDG_RUNTIME_DIR": "", **how.pop("env", {})}
        return self.world.daemon({"local": root.uri}, uid=self.UID, env=env, wrap=root.wrap, **how)

    def mirror(self, daemon):
        mirror = daemon.synced(60)
        self.assertEqual(mirror.hosts["local"]["state"], "up", mirror.hosts)
        return mirror

    def sampled(self, mirror, *names):
        """Until each has its first sample: libvirt has its monitor then, also of one it found."""
        until = time.monotonic() + 30
        for name in names:
            while "stats" not in mirror.rpc.call("vm.get", vm=name):
                self.assertLess(time.monotonic(), until, f"no sample of {name}")
                self.world.keeper.look(0.1)


class HostMemory(EmbedTest):
    MEMINFO = "MemTotal: 4096000 kB\nMemFree: 1024 kB\nMemAvailable: 1024000 kB\nCached: 8192 kB\n"
    INSTEAD = 'mount --bind "$1" /proc/meminfo && shift && exec "$@"'

    @unittest.skipUnless(ROOT, "only root can put another /proc/meminfo in place")
    def test_what_a_local_host_has_and_uses_is_what_its_kernel_says(self):
        """Promise: both numbers, wherever they are shown, are of one source: MemTotal and MemAvailable."""
        meminfo = self.world.folder / "meminfo"
        meminfo.write_text(self.MEMINFO)
        root = embed.Root(self.world)
        daemon = self.world.daemon({"local": root.uri}, env={"HOME": str(self.home), "USER": "", "XDG_RUNTIME_DIR": ""},
                                   wrap=[*root.wrap, "sh", "-c", self.INSTEAD, "sh", str(meminfo)])
        mirror = daemon.synced(60)
        mirror.rpc.call("event.subscribe", topics=["metrics"])
        sample = mirror.rpc.wait_for(lambda note: note.get("topic") == "metrics")
        host = mirror.rpc.call("host.list")["hosts"][0]
        self.assertEqual((host["memory_mib"], host["stats"]["memory_used_mib"]), (4000, 3000))
        self.assertEqual(sample["metrics"]["stats"]["memory_used_mib"], 3000)
        shown = subprocess.run([BUILD_DIR / "tui" / "lodge", "hosts"], capture_output=True, text=True, check=True,
                               env={**os.environ, "LODGE_SOCKET": str(daemon.socket)}).stdout
        self.assertIn("2.9/3.9G", shown)


class AsThisUser(EmbedTest):
    def test_a_fresh_root_comes_up_empty(self):
        root = embed.Root(self.world, uid=self.UID)
        mirror = self.mirror(self.daemon(root))
        self.assertEqual(mirror.vms, {})
        self.assertEqual(list(pathlib.Path(self.home).rglob("*libvirt*")), [],
                         "wrote to the user's home")

    def test_guests_that_were_there_are_found_and_survive_it(self):
        root = embed.Root(self.world, uid=self.UID)
        root.run("define off", "define on", "start on")
        pid = self.world.qemu_pid("on")
        daemon = self.daemon(root)
        mirror = self.mirror(daemon)
        mirror.wait(lambda m: m.vms["on"]["state"] == "running"
                    and m.vms["off"]["state"] == "shutoff")
        self.assertEqual(mirror.vms["on"]["uuid"], embed.uuid_of("on"))
        self.assertEqual(mirror.vms["on"]["memory_mib"], 64)
        self.assertIn("<domain", mirror.rpc.call("vm.get", vm="on", xml=True)["xml"])
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.world.qemu_pid("on"), pid, "the guest did not survive lodged")
        daemon.start()
        mirror = self.mirror(daemon)
        mirror.wait(lambda m: m.vms["on"]["state"] == "running")
        daemon.process.kill()
        self.assertEqual(self.world.qemu_pid("on"), pid, "the guest did not survive kill -9 of lodged")
        daemon.start()
        mirror = self.mirror(daemon)
        mirror.wait(lambda m: m.vms["on"]["state"] == "running")
        self.sampled(mirror, "on")
        os.kill(pid, signal.SIGKILL)
        mirror.wait(lambda m: m.vms["on"]["state"] in ("shutoff", "crashed"))
        self.assertEqual(daemon.stop(), 0)

    def test_a_stopped_qemu_is_unresponsive_here_too(self):
        root = embed.Root(self.world, uid=self.UID)
        root.run("define sick", "start sick", "define well", "start well")
        daemon = self.daemon(root)
        mirror = self.mirror(daemon)
        mirror.wait(lambda m: m.vms["sick"]["state"] == "running"
                    and m.vms["well"]["state"] == "running")
        self.sampled(mirror, "sick", "well")
        pid = self.world.qemu_pid("sick")
        os.kill(pid, signal.SIGSTOP)
        mirror.wait(lambda m: m.vms["sick"].get("unresponsive"), 20)
        self.assertIsNone(mirror.vms["well"].get("unresponsive"))
        mirror.rpc.call("vm.list")
        os.kill(pid, signal.SIGCONT)
        mirror.wait(lambda m: not m.vms["sick"].get("unresponsive"), 20)
        os.kill(self.world.qemu_pid("well"), signal.SIGSTOP)
        mirror.wait(lambda m: m.vms["well"].get("unresponsive"), 20)
        self.assertEqual(daemon.stop(deadline=15), 0, "a hung guest kept it from leaving")
        os.kill(self.world.qemu_pid("well"), signal.SIGCONT)

    def test_a_second_daemon_on_the_same_root_is_down_and_says_so(self):
        root = embed.Root(self.world, uid=self.UID)
        first = self.daemon(root)
        self.mirror(first)
        second = self.daemon(root)
        mirror = Mirror(second.rpc(), topics=["host"])
        host = mirror.wait(lambda m: m.hosts.get("local", {}).get("state") == "down"
                           and m.hosts["local"], 60)
        self.assertTrue(host["error"])
        self.assertEqual(first.rpc().call("host.list")["hosts"][0]["state"], "up")

    def test_a_root_with_a_space_and_percent_works(self):
        root = embed.Root(self.world, "a b", uid=self.UID)
        uri = f"qemu:///embed?root={str(root.folder).replace(' ', '%20')}"
        env = {"HOME": str(self.home)}
        daemon = self.world.daemon({"local": uri}, uid=self.UID, env=env, wrap=root.wrap)
        self.mirror(daemon)

    def test_impossible_mixes_are_refused_before_anything_is_opened(self):
        root = embed.Root(self.world, uid=self.UID)
        for other, words in (("qemu:///system", ("qemu+unix", "socket=")),
                             ("qemu:///session", ("qemu+unix", "socket=")),
                             ("qemu:///embed?root=/tmp/another", ("root",))):
            with self.subTest(other=other):
                daemon = self.world.daemon({"one": root.uri, "two": other}, start=False,
                                           uid=self.UID)
                daemon.launch()
                self.assertGreater(daemon.process.wait(), 0)
                for word in words:
                    self.assertIn(word, daemon.process.output())
        daemon = self.world.daemon({"one": "qemu:///embed?root=relative"}, start=False,
                                   uid=self.UID)
        daemon.launch()
        self.assertGreater(daemon.process.wait(), 0)
        self.assertIn("relative", daemon.process.output())


@unittest.skipUnless(ROOT, "needs root to be another user")
class AsAnotherUser(AsThisUser):
    UID = 65534


if __name__ == "__main__":
    promise.main()
