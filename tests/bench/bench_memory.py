"""How small it stays: resident memory at 1,000 VMs, idle CPU, 100 subscribers at 10,000 VMs, and
churn. `bench_memory.py long` churns for ten minutes, otherwise for half a minute."""

import os
import sys
import time

from figures import Figures, anonymous_kib, settle  # first: it knows where the rest lies
import libvirtd as libvirtds
from world import MADE_UP, Mirror, Rpc, World, fleet_xml, uuid_of


def at_rest(world, figures):
    path = world.folder / "thousand.xml"
    path.write_text(fleet_xml(1000))
    libvirtd = None if libvirtds.why_not() else world.libvirtd(name="rest")
    uri = libvirtd.uri("test", str(path)) if libvirtd else f"test://{path}"
    daemon = world.daemon({"f": uri})
    daemon.synced().rpc.close()
    subscriber = Mirror(daemon.rpc(), topics=["vm", "host"]).wait_ready()
    del subscriber
    settle(world, 5)
    figures.say("resident at 1,000 VMs", daemon.rss_kib() / 1024, "MiB", 25,
                note=f"{anonymous_kib(daemon) / 1024:.1f} MiB of its own")
    before = daemon.cpu_seconds()
    begun = time.monotonic()
    settle(world, 40)  # a safety sync is in it
    used = (daemon.cpu_seconds() - before) / (time.monotonic() - begun) * 100
    figures.say("CPU at rest with 1,000 VMs", used, "%", 1.0)
    daemon.stop()


def subscribers(world, figures):
    path = world.folder / "many.xml"
    path.write_text(fleet_xml(10000))
    daemon = world.daemon({"f": f"test://{path}"}, config={
        "daemon": {"socket_mode": "0666", "default_role": "viewer"}})
    daemon.synced(120).rpc.close()
    # So many that what the first sync has freed cannot hide them; a uid has 128 connections.
    uids = range(20001, 20005) if os.geteuid() == 0 else [None]

    def subscribe(count):
        clients = [Rpc(daemon.socket, uid=uid) for uid in uids for _ in range(count)]
        for client in clients:
            Mirror(client, topics=["vm"], fields=["state"]).wait_ready(120)
        return clients

    for client in subscribe(3):
        client.close()
    settle(world, 2)
    before = anonymous_kib(daemon)
    clients = subscribe(100)
    settle(world, 3)
    grown = (anonymous_kib(daemon) - before) / len(clients)
    figures.say("a subscriber at 10,000 VMs, at rest", grown, "KiB", 16,
                note=f"{len(clients)} of them")
    for client in clients:
        client.close()
    daemon.stop()


def churn(world, figures, seconds):
    if libvirtds.why_not():
        print(f"skipped: churn {libvirtds.why_not()}")
        return
    libvirtd = world.libvirtd(name="churn")
    uri = libvirtd.test_uri
    path = world.folder / "c.xml"
    daemon = world.daemon({"t": uri})
    mirror = daemon.synced()
    with libvirtd.virsh_shell(uri) as virsh:
        def turn(number):
            name = f"c{number % 1000:04d}"
            path.write_text(MADE_UP.format(name=name, uuid=uuid_of(number)))
            for command in (f"define {path}", f"start {name}", f"suspend {name}", f"resume {name}",
                            f"destroy {name}", f"undefine {name}"):
                virsh.run(command)

        fleet = 1000 if seconds > 100 else 200
        for number in range(fleet):
            path.write_text(MADE_UP.format(name=f"s{number:04d}", uuid=uuid_of(10**6 + number)))
            virsh.run(f"define {path}")
        for number in range(300):
            turn(number)
        mirror.wait(lambda m: len(m.vms) == fleet + 1, 60)
        mirror.log.clear()
        settle(world, 2)
        before, number = daemon.rss_kib(), 300
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            turn(number)
            number += 1
            if number % 50 == 0:
                mirror.settle()
                mirror.log.clear()
                with daemon.rpc() as passing:
                    Mirror(passing, topics=["vm"], fields=["state"]).wait_ready()
        mirror.wait(lambda m: len(m.vms) == fleet + 1, 60)
    settle(world, 2)
    grown = daemon.rss_kib() - before
    figures.say(f"growth over {seconds} s of churn", grown, "KiB", 1024,
                note=f"{(number - 300) * 6:,} changes")
    assert "repaired" not in daemon.process.output(), "the recheck had to repair something"
    daemon.stop()


def main():
    figures = Figures()
    with World() as world:
        at_rest(world, figures)
        subscribers(world, figures)
        churn(world, figures, 600 if "long" in sys.argv[1:] else 30)
    figures.end()


if __name__ == "__main__":
    main()
