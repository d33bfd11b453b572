"""lodged is killed at random moments under eight clients that create, start, stop and delete (root);
now and then libvirtd or a guest's QEMU is killed first. After each kill and restart SQLite, libvirt and
the directory of disks fit together, what is charged is what is there, and nothing of anybody else's was
touched. A few kills here; `test_hammer.py 1000` is the full run. HAMMER_SEED=N repeats a run;
HAMMER_ONLY=lodged leaves the others alive."""

import os
import pathlib
import random
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import keeper as keepers  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from rpc import Gone  # noqa: E402
from three_worlds import ThreeWorlds  # noqa: E402
from world import Mirror, Rpc, RpcError, Timeout, World  # noqa: E402

KILLS = int(next((word for word in sys.argv[1:] if word.isdigit()), "12"))
sys.argv = [word for word in sys.argv if not word.isdigit()]
SEED = int(os.environ.get("HAMMER_SEED", time.time_ns() % 1_000_000))
ONLY_LODGED = os.environ.get("HAMMER_ONLY") == "lodged"
CLIENTS = 8


class Client(threading.Thread):
    """Asks for one thing after the other until lodged is gone, as a script would."""

    def __init__(self, socket, number, seed):
        super().__init__(daemon=True)
        self.socket, self.number, self.dice = socket, number, random.Random(seed)
        self.done, self.wrong = 0, []

    def one(self, rpc):
        name = f"h{self.number}-{self.dice.randrange(3)}"
        kind = self.dice.choice(("create", "create", "delete", "start", "stop"))
        if kind == "create":
            rpc.call("vm.create", name=name, vcpus=1, memory_mib=32, network=None, wait=True,
                     disks=[{"size_gib": 1}], start=self.dice.random() < 0.3, deadline=60)
        else:
            rpc.call(f"vm.{kind}", vm=name, wait=True, deadline=60)

    def run(self):
        try:
            with Rpc(self.socket) as rpc:
                while True:
                    try:
                        self.one(rpc)
                        self.done += 1
                    except RpcError as error:
                        expected = ("exists", "not_found", "busy", "bad_state", "host_down",
                                    "cancelled", "hypervisor")
                        if error.kind not in expected:
                            self.wrong.append(str(error))
        except (Gone, OSError):
            pass  # lodged was killed
        except Timeout as error:
            self.wrong.append(str(error))


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Hammer(unittest.TestCase):
    def settle(self, daemon):
        with daemon.rpc() as rpc:
            mirror = Mirror(rpc, topics=["op"])
            mirror.KEYS = {**Mirror.KEYS, "op": ("id",)}
            mirror.wait_ready(60)
            mirror.wait(lambda m: all(value["state"] in ("done", "failed", "cancelled")
                                      for value in m.objects.values()), 120)

    @staticmethod
    def kill_a_guest(world, dice):
        """The QEMU of any guest of ours."""
        pids = []
        for pid in keepers.descendants(world.keeper.program.pid):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(word.startswith(b"guest=h") for word in words):
                pids.append(pid)
        if pids:
            try:
                os.kill(dice.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                pass

    @staticmethod
    def let_them_work(world, clients, answers):
        """Until so many calls were answered; how long that is, is the machine's business."""
        until = time.monotonic() + 60
        while sum(client.done for client in clients) < answers and time.monotonic() < until:
            world.keeper.look(0.005)

    def disturb(self, world, libvirtd, dice):
        what = dice.random()
        if what < 0.15 and not ONLY_LODGED:
            libvirtd.kill()
            world.keeper.look(dice.uniform(0, 0.3))
            libvirtd.start()
        elif what < 0.4 and not ONLY_LODGED:
            self.kill_a_guest(world, dice)
        world.keeper.look(dice.uniform(0, 0.5))

    def test_killed_at_any_moment_nothing_is_left_behind(self):
        print(f"HAMMER_SEED={SEED}, {KILLS} kills", flush=True)
        dice = random.Random(SEED)
        with World() as world:
            self.world = world
            libvirtd = world.libvirtd()
            disks = world.folder / "disks"
            disks.mkdir()
            (disks / "theirs.qcow2").write_bytes(b"somebody else's")
            libvirtd.define("foreign")
            libvirtd.virsh("start", "foreign")
            daemon = world.daemon(None, start=False, wrap=world.without_kvm(),
                                  config={"host q": {"uri": libvirtd.qemu_uri, "dir": disks}})
            worlds = ThreeWorlds(daemon, libvirtd, disks).keep()
            done = 0
            for kill in range(KILLS):
                daemon.start()
                daemon.synced(60).rpc.close()
                clients = [Client(daemon.socket, number, dice.random())
                           for number in range(CLIENTS)]
                for client in clients:
                    client.start()
                self.let_them_work(world, clients, dice.randrange(2 * CLIENTS))
                self.disturb(world, libvirtd, dice)
                daemon.process.kill()
                for client in clients:
                    client.join(60)
                    self.assertEqual(client.wrong, [], f"before kill {kill}")
                    done += client.done
                daemon.start()
                daemon.synced(60).rpc.close()
                self.settle(daemon)
                self.assertEqual(worlds.settle(60), [], f"after kill {kill}")
                charged = worlds.charged()
                self.assertEqual(charged["disk_gib"], charged["vms"], "one GiB each")
                self.assertEqual(daemon.stop(), 0)
            print(f"{done} calls answered between {KILLS} kills", flush=True)
            self.assertGreater(done, KILLS)


if __name__ == "__main__":
    promise.main()
