"""What the door costs: server.ping against a bare echo, vm.list of 1,000 VMs against bare bytes."""

from figures import Echo, Figures, in_turns, tool
from world import World, fleet_xml

PING = '{"jsonrpc":"2.0","id":1,"method":"server.ping"}'
LIST = '{"jsonrpc":"2.0","id":1,"method":"vm.list"}'


def main():
    figures = Figures()
    with World() as world:
        path = world.folder / "fleet.xml"
        path.write_text(fleet_xml(1000))
        daemon = world.daemon({"f": f"test://{path}"})
        daemon.synced().rpc.close()

        def median_us(socket, count, line):
            return float(tool("round_trip", socket, count, line)[0]) / 1000

        def bare_ping():
            with Echo(world, "echo") as socket:
                return median_us(socket, 5000, PING)

        median_us(daemon.socket, 2000, PING)
        ours, bare, ratio = in_turns(lambda: median_us(daemon.socket, 5000, PING), bare_ping, 9)
        figures.say("server.ping, round trip, times a bare epoll echo", ratio, "×", 1.2,
                    note=f"{ours:.1f} µs, bare {bare:.1f} µs")

        answer = int(tool("round_trip", daemon.socket, 3, LIST)[2])

        def bare_bytes():
            with Echo(world, "bytes", answer) as socket:
                return median_us(socket, 100, LIST)

        ours, bare, ratio = in_turns(lambda: median_us(daemon.socket, 100, LIST), bare_bytes, 7)
        before = daemon.cpu_seconds()
        tool("round_trip", daemon.socket, 500, LIST)
        cpu = (daemon.cpu_seconds() - before) / 500 * 1000
        figures.say("vm.list of 1,000 VMs, CPU in the daemon, sending included", cpu, "ms", 1.0)
        figures.say("vm.list of 1,000 VMs, round trip, times the bare bytes", ratio, "×", None,
                    note=f"{ours / 1000:.2f} ms, bare {bare / 1000:.2f} ms, {answer} bytes")
    figures.end()


if __name__ == "__main__":
    main()
