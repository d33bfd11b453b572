"""What size costs: a page of a list among 64,000 VMs of which a thousand change each second, and whoever
asks while sixty hosts of a thousand domains are read for the first time."""

import contextlib
import os
import statistics
import subprocess
import sys
import time

from figures import TOOLS, Figures, anonymous_kib, need_libvirtd, settle, tool  # first: it knows where the rest lies
from world import World, fleet_xml

PING = '{"jsonrpc":"2.0","id":1,"method":"server.ping"}'
PAGE = '{"jsonrpc":"2.0","id":1,"method":"vm.list","params":{"limit":50}}'
MANY, FEW, A_SECOND, SECONDS = 64000, 1000, 1000, 10
OF_A_HOST = 15000  # libvirt's protocol has no room for more than 16,384 domains in one list
HOSTS, DOMAINS = 60, 1000
HOSTS_MANY, OF_MANY, REST_S = 200, 500, 30


def ms(nanoseconds):
    return int(nanoseconds) / 1e6


@contextlib.contextmanager
def churning(uri, count):
    """`count` domains; what is given begins to change them, and what that gives says how many it was."""
    with subprocess.Popen([TOOLS / "bare_churn", uri, str(count), str(A_SECOND), str(SECONDS + 1)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "ready\n"

        def begin():
            program.stdin.write("\n")
            program.stdin.flush()
            return lambda: int(program.stdout.readline())
        yield begin
        program.kill()


def asked(socket, line):
    """Median, 99 % and the slowest, in ms, of one that asks 100 times a second."""
    words = tool("victim", socket, SECONDS, 10000, line)
    assert words[4] == "served", words
    return [ms(word) for word in words[1:4]]


def hosts_of(world, count):
    """URIs of made-up hosts that have so many domains together."""
    hosts = {}
    while count > 0:
        path = world.folder / f"host{count}.xml"
        path.write_text(fleet_xml(min(count, OF_A_HOST)))
        hosts[f"h{count}"] = f"test://{path}"
        count -= OF_A_HOST
    return hosts


def pages(world, libvirtd, count):
    """ms of a page of 50 at rest and while VMs come and go, and of a ping beside it."""
    changing = min(count, OF_A_HOST)
    with churning(libvirtd.test_uri, changing) as begin:
        daemon = world.daemon({"a": libvirtd.test_uri, **hosts_of(world, count - changing)})
        daemon.synced(300).rpc.close()
        rest = asked(daemon.socket, PAGE)
        changed = begin()
        busy = asked(daemon.socket, PAGE)
        done = changed()
        assert done > 0, done
        rss = daemon.rss_kib()
        daemon.stop()
        return rest, busy, done / (SECONDS + 1), rss


def lists(world, figures):
    for count in (FEW, MANY):
        libvirtd = world.libvirtd(name=f"size{count}")
        rest, busy, rate, rss = pages(world, libvirtd, count)
        figures.say(f"a page of 50 among {count:,} VMs of which many come or go each second, median",
                    busy[0], "ms", 0.5,
                    note=f"{rate:,.0f} a second; 99 % {busy[1]:.2f}, slowest {busy[2]:.1f} ms; at rest {rest[0]:.2f} ms; "
                         f"lodged has {rss / 1024:.0f} MiB")


def first_syncs(world, figures):
    path = world.folder / "host.xml"
    path.write_text(fleet_xml(DOMAINS))
    slow, most = [], []
    for _ in range(3):
        daemon = world.daemon({f"h{number:03d}": f"test://{path}" for number in range(HOSTS)}, start=False)
        daemon.start()
        with subprocess.Popen([TOOLS / "victim", daemon.socket, "10", "2000", PING],
                              stdout=subprocess.PIPE, text=True) as victim:
            daemon.synced(300).rpc.close()
            words = victim.stdout.read().split()
        assert words[4] == "served", words
        slow.append(ms(words[2]))
        most.append(ms(words[3]))
        daemon.stop()
    figures.hold(f"server.ping while {HOSTS} hosts of {DOMAINS:,} domains are read",
                 [("99 %", statistics.median(slow), "ms", 20),
                  ("slowest", statistics.median(most), "ms", 100)])


def many_hosts(world, figures):
    """All of them are read; what lodged holds of a VM beside the driver, and what it does at rest."""
    path = world.folder / "small.xml"
    path.write_text(fleet_xml(OF_MANY))
    domains, held = map(int, tool("bare_hold", f"test://{path}", HOSTS_MANY))
    begun = time.monotonic()
    daemon = world.daemon({f"m{number:03d}": f"test://{path}" for number in range(HOSTS_MANY)})
    with daemon.synced(300).rpc as rpc:
        took = time.monotonic() - begun
        seen, cursor = 0, {}
        while cursor is not None:
            page = rpc.call("vm.list", fields=["vcpus"], limit=1000, deadline=60, **cursor)
            assert not page["incomplete"] and all("vcpus" in vm for vm in page["vms"])
            seen += len(page["vms"])
            cursor = {"cursor": page["cursor"]} if "cursor" in page else None
    assert seen == domains == HOSTS_MANY * OF_MANY, (seen, domains)
    settle(world, 5)
    own = (anonymous_kib(daemon) - held) / seen
    before, begun = daemon.cpu_seconds(), time.monotonic()
    settle(world, REST_S)
    used = (daemon.cpu_seconds() - before) / (time.monotonic() - begun) * 100
    files = len(os.listdir(f"/proc/{daemon.pid}/fd"))
    figures.say(f"{HOSTS_MANY} hosts of {OF_MANY} domains, a VM's part of lodged's memory beside the driver's",
                own, "KiB", None,
                note=f"driver {held / seen:.1f} KiB; all {seen:,} are there after {took:.1f} s; at rest "
                     f"{used:.1f} % of a processor, {files} descriptors")
    daemon.stop()


def main():
    need_libvirtd()
    figures = Figures()
    with World() as world:
        lists(world, figures)
        first_syncs(world, figures)
        many_hosts(world, figures)
    figures.end()


if __name__ == "__main__":
    sys.exit(main())
