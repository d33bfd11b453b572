"""embed: a root of the embedded QEMU driver, and guests put into it before lodged opens it.

One process per root may have it open, so what is done here is done by a program of its own that
leaves again (`python3 embed.py ROOT ACTION…`); the guests stay. Actions: `define NAME`,
`start NAME`, `state NAME`.

A driver with an empty cache starts every QEMU to ask it what it can, in the process that it is embedded
in, and between fork and exec it allocates memory. With glibc's malloc it may; under a sanitizer's another
thread can hold a lock of it at the fork, and child and driver wait for ever. So the cache of every root is
filled before by a process without sanitizers. A guest's start forks there as well: where lodged is kept busy
meanwhile, a test asks may_wait_for_ever().
"""

import ctypes
import os
import shutil
import subprocess
import sys
import threading

CACHE = "cache/qemu/capabilities"
SCHOOL, LEARN = "school", "learn QEMUs"

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

QEMU_CONF = """stdio_handler = "file"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
"""

# A normal user's driver fails on these: it wants to give its folders to that account.
QEMU_CONF_OF_ROOT = QEMU_CONF + 'user = "root"\ngroup = "root"\n'

# libvirt as root wants the account libvirt-qemu; a mount namespace gives it one for a while. It has a /dev of its
# own without KVM: one that is broken is tried anew at every start, for half a minute. (What is mounted over the
# node alone, libvirt cannot take along into a guest's /dev.)
WITH_ACCOUNT = """
mount --make-rprivate /
if test -e /dev/kvm
then
    mkdir -p "$1.dev"
    mount -t tmpfs -o mode=755 tmpfs "$1.dev"
    for node in /dev/*
    do
        copy=$1.dev/${node##*/}
        if test -d "$node" && ! test -L "$node"
        then
            mkdir "$copy"
            mount --rbind "$node" "$copy"
        elif test "$node" != /dev/kvm
        then
            cp -a "$node" "$copy"
        fi
    done
    mount --move "$1.dev" /dev
fi
for file in passwd group
do
    cp /etc/$file "$1.$file"
    test $file = passwd && entry=libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin
    test $file = group && entry=libvirt-qemu:x:64055:
    getent $file libvirt-qemu >/dev/null || echo $entry >>"$1.$file"
    mount --bind "$1.$file" /etc/$file
done
shift
exec "$@"
"""


class Root:
    def __init__(self, world, name="e", uid=None):
        self.world, self.uid = world, uid
        self.folder = world.folder / name
        self.folder.mkdir()
        if not name.startswith(SCHOOL):
            self.fill_cache()
        for path in [self.folder, *self.folder.glob("**/*")] if uid is not None else []:
            os.chown(path, uid, uid)

    def fill_cache(self):
        """Of the driver of this root. What is known is lent to a root beside it, where it is found out if it
        is not, or not all of it; and only then to this one."""
        from known_qemus import KnownQemus  # pylint: disable=import-outside-toplevel  # not in the helper
        school = Root(self.world, f"{SCHOOL}{sum(1 for _ in self.world.folder.glob(f'{SCHOOL}*'))}")
        known = KnownQemus(school.folder / CACHE, "embedded")
        known.lend()
        school.run(LEARN)
        known.take()
        shutil.copytree(school.folder / CACHE, self.folder / CACHE)

    @property
    def uri(self):
        return f"qemu:///embed?root={self.folder}"

    @property
    def wrap(self):
        """What goes before a command line so that the driver works for this user."""
        if self.uid is not None or os.geteuid() != 0:
            return []
        return ["unshare", "-m", "sh", "-c", WITH_ACCOUNT, "sh", str(self.folder) + ".account"]

    def run(self, *actions):
        """Opens the root, does these, closes it. Returns what was printed."""
        log = self.world.folder / f"{self.folder.name}.helper.log"
        log.write_text("")
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", HOME=str(self.folder))
        words = [word for action in actions for word in action.split()]
        # Another user may reach neither this checkout nor a Python of ours.
        script = self.world.program(__file__)
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
        process = self.world.keeper.start([*self.wrap, python, script, self.folder, *words], log,
                                          env=environment, cwd="/", uid=self.uid)
        self.world.watch(process)
        if process.wait(60):
            raise AssertionError(f"embed {actions}: {process.output()}")
        return process.output()


def uuid_of(name):
    number = int.from_bytes(name.encode()[:6], "big")
    return f"10d9e000-0000-4000-9000-{number:012x}"


def why_not():
    """Why the embedded driver cannot run here; None when it can."""
    for path in os.environ["PATH"].split(":"):
        if os.path.exists(f"{path}/qemu-system-x86_64"):
            break
    else:
        return "needs qemu-system-x86_64"
    try:
        ctypes.CDLL("libvirt.so.0")
    except OSError:
        return "needs libvirt"
    if os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], check=False,
                                            stderr=subprocess.DEVNULL).returncode:
        return "needs namespaces (unshare -m fails)"
    return None


def may_wait_for_ever():
    """Whether a guest's start in a lodged that is busy may never return: the address sanitizer is in it."""
    from world import LODGED  # pylint: disable=import-outside-toplevel  # not in the helper
    return b"__asan_init" in LODGED.read_bytes()


def prepare(root):
    os.makedirs(f"{root}/etc", exist_ok=True)
    with open(f"{root}/etc/qemu.conf", "w", encoding="utf-8") as file:
        file.write(QEMU_CONF_OF_ROOT if os.geteuid() == 0 else QEMU_CONF)
    for name in ("CACHE", "CONFIG", "RUNTIME"):
        folder = f"{root}/xdg-{name.lower()}"
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.environ[f"XDG_{name}_{'DIR' if name == 'RUNTIME' else 'HOME'}"] = folder


def main():
    root, *words = sys.argv[1:]
    prepare(root)
    virt = ctypes.CDLL("libvirt.so.0")
    for name in ("virConnectOpen", "virConnectGetCapabilities", "virDomainDefineXML", "virDomainLookupByName"):
        getattr(virt, name).restype = ctypes.c_void_p
    virt.virGetLastErrorMessage.restype = ctypes.c_char_p

    def must(value, good):
        if not good:
            sys.exit(virt.virGetLastErrorMessage().decode())
        return value

    virt.virEventRegisterDefaultImpl()
    threading.Thread(target=lambda: [virt.virEventRunDefaultImpl() for _ in iter(int, 1)],
                     daemon=True).start()
    connection = virt.virConnectOpen(f"qemu:///embed?root={root}".encode())
    must(connection, connection)
    connection = ctypes.c_void_p(connection)
    for action, name in zip(words[::2], words[1::2]):
        if action == "learn":
            must(0, virt.virConnectGetCapabilities(connection))
            continue
        if action == "define":
            text = GUEST.format(name=name, uuid=uuid_of(name)).encode()
            domain = virt.virDomainDefineXML(connection, text)
        else:
            domain = virt.virDomainLookupByName(connection, name.encode())
        domain = ctypes.c_void_p(must(domain, domain))
        if action == "state":
            state, reason = ctypes.c_int(), ctypes.c_int()
            must(0, virt.virDomainGetState(domain, ctypes.byref(state), ctypes.byref(reason),
                                           0) == 0)
            print(state.value)
        elif action != "define":
            must(0, virt.virDomainCreate(domain) == 0)
    sys.stdout.flush()
    os._exit(0)  # the event loop's thread is in libvirt; nothing of ours is left to do


if __name__ == "__main__":
    main()
