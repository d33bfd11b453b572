"""libvirtd: a private system libvirtd, beside any other, with real QEMU guests (root only).

A holder process lives in a mount and a network namespace of its own, where libvirt's folders are
empty tmpfs; libvirtd is started into them with nsenter, so that it can be killed and started again
and finds its guests. Its socket lies in the world's folder, reachable from outside by
qemu+unix:///system?socket=PATH.
"""

import os
import pathlib
import select
import shutil
import signal
import subprocess
import time
import uuid as uuids

from rpc import PATIENCE, Timeout, listens
from known_qemus import KnownQemus

HOLDER = """
set -e
mount --make-rprivate /
for folder in /run/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /etc/libvirt
do
    mount -t tmpfs tmpfs $folder
done
# A KVM that is broken is tried anew at every start, for half a minute.
if test -e /dev/kvm
then
    touch /run/libvirt/no-kvm
    mount --bind -o ro /run/libvirt/no-kvm /dev/kvm
fi
printf 'user = "root"\\ngroup = "root"\\nsecurity_driver = "none"\\nremember_owner = 0\\n' \
    >/etc/libvirt/qemu.conf
# libvirt as root wants the account to exist, although its guests run as root here.
for file in passwd group
do
    cp /etc/$file /etc/libvirt/$file
    case $file in
        passwd) entry=libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin ;;
        group) entry=libvirt-qemu:x:64055: ;;
    esac
    getent $file libvirt-qemu >/dev/null || echo $entry >>/etc/libvirt/$file
    getent group kvm >/dev/null || test $file = passwd || echo kvm:x:64056: >>/etc/libvirt/$file
    mount --bind /etc/libvirt/$file /etc/$file
done
# In old cgroup trees of containers QEMU cannot be put into a group of its own.
printf 'cgroup_controllers = []\\nnamespaces = []\\n' >>/etc/libvirt/qemu.conf
ip link set lo up 2>/dev/null || true
virtlogd -d -p /run/libvirt/virtlogd.pid  # its own place for it is shared with the machine
echo held
exec cat "$1"
"""

GUEST = """<domain type='qemu'>
  <name>{name}</name><uuid>{uuid}</uuid>
  <memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <controller type='usb' model='none'/><memballoon model='none'/>
    <graphics type='vnc'><listen type='none'/></graphics>
  </devices>
</domain>
"""


def why_not():
    """Why there can be no private libvirtd here; None when there can."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("libvirtd", "virtlogd", "virsh", "unshare", "nsenter"):
        if not shutil.which(program):
            return f"needs {program}"
    if subprocess.run(["unshare", "-m", "-n", "true"], stderr=subprocess.DEVNULL).returncode:
        return "needs namespaces (unshare -m -n fails)"
    return None


def why_not_session():
    """Why no libvirtd of the user's own can be started here; None when one can."""
    return None if shutil.which("libvirtd") else "needs libvirtd"


class Libvirtd:
    def __init__(self, world, name="lv"):
        self.world = world
        self.folder = world.folder / name
        self.folder.mkdir()
        self.socket = self.folder / "libvirt-sock"
        for folder in ("/run/libvirt", "/var/lib/libvirt", "/var/cache/libvirt",
                       "/var/log/libvirt", "/etc/libvirt"):
            os.makedirs(folder, exist_ok=True)  # to mount over
        pipe = self.folder / "hold"
        os.mkfifo(pipe)
        self.holder = world.keeper.start(
            ["unshare", "-m", "-n", "sh", "-c", HOLDER, "sh", pipe], self.folder / "holder.log")
        self._wait_output(self.holder, "held")
        known = KnownQemus(f"/proc/{self.holder.pid}/root/var/cache/libvirt/qemu/capabilities")
        known.lend()
        world.closers.append(known.take)
        (self.folder / "libvirtd.conf").write_text(
            f'unix_sock_dir = "{self.folder}"\nunix_sock_rw_perms = "0777"\n'
            'auth_unix_rw = "none"\nauth_unix_ro = "none"\nlog_outputs = "4:stderr"\n'
            # Not ours to be refused by: the tests of lodge's own limits open many.
            "max_clients = 200\nmax_anonymous_clients = 100\n")
        self.process = None
        self.start()

    def _wait_output(self, process, word):
        until = time.monotonic() + PATIENCE
        while word not in process.output():
            if not process.running() or time.monotonic() > until:
                raise Timeout(f"no '{word}' from {process.argv[0]}\n{process.tail()}")
            self.world.keeper.look(0.02)

    def uri(self, driver="qemu", path="/system"):
        return f"{driver}+unix://{path}?socket={self.socket}"

    @property
    def qemu_uri(self):
        return self.uri()

    @property
    def test_uri(self):
        """One world of made-up domains for all connections, as long as one is open."""
        return self.uri("test", "/default")

    def _forget_unborn(self):
        """A libvirtd (9.0) that is killed between a guest's status and its QEMU takes the guest for
        starting when it is back: pid 0, the job taken for ever. Nothing that a client can ask for
        ends that; its administrator removes the file, as we do."""
        for path in pathlib.Path(f"/proc/{self.holder.pid}/root/run/libvirt/qemu").glob("*.xml"):
            if " pid='0'" in path.read_text():
                print(f"libvirt would never let go of {path.stem}: its status is removed")
                path.unlink()

    def start(self):
        self._forget_unborn()
        self.process = self.world.keeper.start(
            ["nsenter", "-m", "-n", "-t", str(self.holder.pid), "libvirtd",
             "-p", "/run/libvirt/libvirtd.pid", "-f", self.folder / "libvirtd.conf"], self.folder / "libvirtd.log")
        self.world.watch(self.process)
        until = time.monotonic() + PATIENCE
        # A virsh that asks in vain costs more than libvirtd's start.
        while not listens(self.socket) or self.virsh("uri", check=False).returncode:
            if not self.process.running() or time.monotonic() > until:
                raise Timeout(f"libvirtd does not answer\n{self.process.tail()}")
            self.world.keeper.look(0.02)
        return self

    def kill(self):
        self.process.kill()

    def freeze(self):
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        self.process.signal(signal.SIGCONT)

    def restart(self):
        self.kill()
        self.start()

    def virsh(self, *words, uri=None, check=True):
        done = subprocess.run(["virsh", "-q", "-c", uri or self.qemu_uri, *map(str, words)],
                              capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode:
            raise AssertionError(f"virsh {words}: {done.stderr.strip()}")
        return done

    def virsh_shell(self, uri=None):
        return VirshShell(uri or self.qemu_uri)

    def define(self, name, uuid=None, xml=GUEST, uri=None):
        uuid = uuid or str(uuids.uuid4())
        path = self.folder / f"{name}.xml"
        path.write_text(xml.format(name=name, uuid=uuid))
        self.virsh("define", path, uri=uri)
        return uuid

    def signal_qemu(self, name, number):
        os.kill(self.world.qemu_pid(name), number)


class VirshShell:
    """One virsh that stays: a change costs a libvirt call, not a process and a connection."""

    def __init__(self, uri):
        self.program = subprocess.Popen(["virsh", "-q", "-c", uri], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.buffer = b""
        self._until_done("echo start")

    def _until_done(self, command):
        marker = uuids.uuid4().hex
        self.program.stdin.write(f"{command}\necho {marker}\n".encode())
        self.program.stdin.flush()
        until = time.monotonic() + PATIENCE
        answer = b"\n" + marker.encode()  # virsh repeats each command, this one behind "echo "
        while True:
            if answer in self.buffer:
                text, _, self.buffer = self.buffer.partition(answer)
                return text.decode(errors="replace")
            poll = select.poll()
            poll.register(self.program.stdout, select.POLLIN)
            if not poll.poll(max(0, until - time.monotonic()) * 1000):
                raise Timeout(f"virsh '{command}': {self.buffer[-500:]}")
            chunk = os.read(self.program.stdout.fileno(), 65536)
            if not chunk:
                raise AssertionError(f"virsh ended: {self.buffer[-500:]}")
            self.buffer += chunk

    def run(self, command):
        text = self._until_done(command)
        if "error:" in text:
            raise AssertionError(f"virsh {command}: {text}")
        return text

    def close(self):
        self.program.stdin.close()
        self.program.wait(PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
