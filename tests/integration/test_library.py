"""The library of images, attacked through vm.create: on a private libvirtd's pool (root) and in the plain
directory of an embedded host. Whatever an image says, a disk gets the bytes of the library and no others."""

import os
import pathlib
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import embed  # noqa: E402
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import BUILD_DIR, RpcError, World  # noqa: E402

SECRET = b"SECRET: for root alone. "
PATTERN = b"P" * (1 << 20)


def run(*words):
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


def create_image(path, *options, size=None):
    run("qemu-img", "create", "-q", *options, path, *([size] if size else []))


def create_encrypted(path, *options):
    """qemu-img measures how fast it derives a key, and gives up where it is held up meanwhile."""
    for attempt in range(50):
        try:
            return create_image(path, "--object", "secret,id=k,data=x", *options, size="1M")
        except subprocess.CalledProcessError:
            if attempt == 49:
                raise
            path.unlink(missing_ok=True)


def overlay(path, base, form, size="1G"):
    create_image(path, "-u", "-f", "qcow2", "-b", base, "-F", form, size=size)


class Attacks:
    """What holds on every kind of host."""

    @classmethod
    def make_library(cls):
        cls.library = cls.world.folder / "library"
        cls.library.mkdir()
        cls.outside = cls.world.folder / "outside"
        cls.outside.mkdir()
        cls.secret = cls.outside / "secret"
        cls.secret.write_bytes(SECRET * ((1 << 20) // len(SECRET)) + b"\0" * ((1 << 20) % len(SECRET)))
        cls.secret.chmod(0o600)
        raw = cls.library / "good.raw"
        raw.write_bytes(PATTERN)
        run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, cls.library / "good.qcow2")

    def setUp(self):
        self.rpc = self.daemon.rpc()
        self.addCleanup(self.rpc.close)
        self.made = []
        self.addCleanup(self.clean)

    def clean(self):
        for vm in self.rpc.call("vm.list", fields=["managed"])["vms"]:
            if vm["managed"]:
                self.rpc.call("vm.delete", vm=vm["uuid"], wait=True, deadline=60)
        for path in self.made:
            path.unlink(missing_ok=True)
        self.assertEqual(self.volumes(), [], "something was left of a creation")

    def volumes(self):
        return sorted(self.disks.iterdir()) if self.disks.is_dir() else []

    def put(self, name):
        path = self.library / name
        self.made.append(path)
        return path

    def create(self, image, **more):
        disk = {"size_gib": 1, "image": image, **more}
        return self.rpc.call("vm.create", name="vm", vcpus=1, memory_mib=64, network=None, disks=[disk],
                             wait=True, deadline=120)

    def verb(self, image, status=0):
        """The same by the command line."""
        env = {**os.environ, "LODGE_SOCKET": self.daemon.socket}
        ran = subprocess.run([BUILD_DIR / "tui" / "lodge", "create", "vm", "--cpus", "1", "--memory", "64M",
                              "--network", "none", "--disk", f"1G,image={image}"], env=env, timeout=120,
                             capture_output=True, text=True, check=False)
        self.assertEqual(ran.returncode, status, ran)
        return ran.stderr

    def refused(self, image, *words, kinds=("unsupported",)):
        with self.assertRaises(RpcError, msg=f"a disk was made of {image}") as caught:
            self.create(image)
        self.assertIn(caught.exception.kind, kinds, caught.exception)
        for word in words:
            self.assertIn(word, caught.exception.message)
        self.assertEqual(self.volumes(), [])
        return caught.exception

    def offered(self):
        return {image["name"]: image for image in self.rpc.call("image.list")["images"]}

    def disk(self):
        """The bytes of the VM's disk, as a guest would see their beginning."""
        path = self.rpc.call("vm.get", vm="vm")["disks"][0]["path"]
        plain = self.world.folder / "plain"
        run("qemu-img", "convert", "-f", pathlib.Path(path).suffix[1:], "-O", "raw", path, plain)
        with plain.open("rb") as file:
            return file.read(1 << 20)

    def test_a_name_with_commas_and_words_can_be_said_and_a_size_left_out(self):
        env = {**os.environ, "LODGE_SOCKET": self.daemon.socket}
        name = "a,pool=b.qcow2"
        run("cp", self.library / "good.qcow2", self.put(name))
        create_image(self.put("large.qcow2"), "-f", "qcow2", size="11G")
        for words, size in ((["--disk", "2G,image=" + name.replace(",", ",,")], 2), (["--image", name], 10),
                            (["--image", name, "--disk", "3G"], 3), (["--disk", "image=large.qcow2"], 11)):
            with self.subTest(words=words):
                ran = subprocess.run([BUILD_DIR / "tui" / "lodge", "create", "vm", "--network", "none", *words], env=env,
                                     timeout=120, capture_output=True, text=True, check=True)
                self.assertIn(f"vm: 1 vCPU, 1024 MiB of memory, vda {size} GiB\n", ran.stdout)
                self.assertEqual("by default a disk" in ran.stdout, size > 3, ran.stdout)
                self.assertEqual(self.disk() == PATTERN, size < 11)
                self.rpc.call("vm.delete", vm="vm", wait=True, deadline=60)

    def test_an_image_is_copied_whole_and_with_what_it_is_based_on(self):
        overlay(self.put("top.qcow2"), "good.raw", "raw")
        overlay(self.put("higher.qcow2"), self.library / "top.qcow2", "qcow2")
        for image in ("good.raw", "good.qcow2", "higher.qcow2"):
            for form in ("qcow2", "raw"):
                with self.subTest(image=image, form=form):
                    self.create(image, format=form)
                    self.assertEqual(self.disk(), PATTERN)
                    self.rpc.call("vm.delete", vm="vm", wait=True, deadline=60)

    def test_a_VMDK_descriptor_in_a_raw_file_copies_no_file_of_the_host(self):
        text = ('# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n'
                f'createType="monolithicFlat"\n\nRW 2048 FLAT "{self.secret}" 0\n')
        self.put("base.raw").write_text(text + " " * (1024 - len(text)))
        for form in ("vmdk", "raw", "qcow2"):
            with self.subTest(form=form):
                overlay(self.put("top.qcow2"), "base.raw", form)
                self.refused("top.qcow2")
        top = bytearray(self.put("top.qcow2").read_bytes())
        top[112:116] = b"\x12\x34\x56\x78"  # the extension that names the format is another
        self.put("top.qcow2").write_bytes(top)
        self.refused("top.qcow2", "does not say the format")
        self.refused("base.raw", "VMDK")
        self.assertFalse({"top.qcow2", "base.raw"} & self.offered().keys())

    def test_bases_outside_of_the_library_are_refused_however_they_are_named(self):
        create_image(self.outside / "base.qcow2", "-f", "qcow2", size="1G")
        self.put("link").symlink_to(self.outside)
        self.put("inner.qcow2")
        for base in (self.secret, "../outside/secret", "link/secret", f"{self.library}/../outside/secret",
                     f"file:{self.secret}", f"file://{self.secret}", "nbd://127.0.0.1:1/x", "nbd:unix:/x",
                     'json:{"driver":"raw","file":{"driver":"file","filename":"%s"}}' % self.secret,
                     "/dev/zero", "/proc/self/fd/0", "/etc/passwd"):
            with self.subTest(base=base):
                overlay(self.put("top.qcow2"), base, "raw")
                self.refused("top.qcow2", "not in the library")
                overlay(self.put("higher.qcow2"), "top.qcow2", "qcow2")
                self.refused("higher.qcow2", "not in the library")

    def test_formats_that_are_not_what_was_said_are_refused_both_ways(self):
        overlay(self.put("a.qcow2"), "good.raw", "qcow2")
        overlay(self.put("b.qcow2"), "good.qcow2", "raw")
        self.refused("a.qcow2", "good.raw is raw", "says qcow2")
        self.refused("b.qcow2", "good.qcow2 is qcow2", "says raw")

    def test_loops_and_endless_chains_are_refused(self):
        overlay(self.put("a.qcow2"), "b.qcow2", "qcow2")
        overlay(self.put("b.qcow2"), "a.qcow2", "qcow2")
        self.refused("a.qcow2", "on itself")
        overlay(self.put("0.qcow2"), "good.raw", "raw")
        for i in range(1, 1000):
            self.put(f"{i}.qcow2").write_bytes((self.library / "0.qcow2").read_bytes())
        for i in range(1, 12):
            overlay(self.library / f"{i}.qcow2", f"{i - 1}.qcow2", "qcow2")
        self.refused("11.qcow2", "more than 8")
        self.assertIn("7.qcow2", self.offered())

    def test_links_lead_about_in_the_library_and_not_out_of_it(self):
        self.put("in.qcow2").symlink_to("good.qcow2")
        self.put("out.raw").symlink_to(self.secret)
        self.put("hard.raw").hardlink_to(self.secret)
        self.put("round.raw").symlink_to("round.raw")
        self.create("in.qcow2")
        self.rpc.call("vm.delete", vm="vm", wait=True, deadline=60)
        self.refused("out.raw", "leads out", kinds=("not_found",))
        self.refused("round.raw", kinds=("not_found",))
        self.refused("hard.raw", "hard link")
        self.assertEqual({"in.qcow2", "good.qcow2", "good.raw"}, set(self.offered()))

    def test_pipes_and_sockets_hold_nobody_up(self):
        os.mkfifo(self.put("pipe.raw"))
        os.mkfifo(self.put("pipe.iso"))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(self.put("socket.img")))
            self.refused("pipe.raw", "no plain file")
            self.refused("socket.img", "no plain file")
            self.assertEqual({"good.qcow2", "good.raw"}, set(self.offered()))

    def test_files_that_are_no_disks_are_refused_with_the_reason(self):
        good = self.library / "good.qcow2"
        for name, form, word in (("v.img", "vmdk", "VMDK"), ("x.raw", "vhdx", "VHDX"), ("c.img", "vpc", "VHD"),
                                 ("d.img", "vdi", "VDI"), ("q.img", "qed", "QED"),
                                 ("p.raw", "parallels", "Parallels"), ("v.vmdk", "vmdk", "VMDK")):
            with self.subTest(name=name):
                run("qemu-img", "convert", "-f", "qcow2", "-O", form, good, self.put(name))
                self.refused(name, word, "convert")
        for size in (300, 70000, good.stat().st_size // 2):
            with self.subTest(size=size):
                self.put("cut.qcow2").write_bytes(good.read_bytes()[:size])
                self.refused("cut.qcow2", "ends before")
        for options, word in (("encrypt.format=luks,encrypt.key-secret=k,encrypt.iter-time=10", "encrypted"),
                              (f"data_file={self.outside}/data.raw", "another file")):
            with self.subTest(word=word):
                create_encrypted(self.put("e.qcow2"), "-f", "qcow2", "-o", options)
                self.refused("e.qcow2", word)
        create_encrypted(self.put("luks.img"), "-f", "luks", "-o", "key-secret=k,iter-time=10")
        self.refused("luks.img", "LUKS")
        self.assertIn("LUKS", self.verb("luks.img", status=1))
        self.put("x.qcow2.gz").write_bytes(b"\x1f\x8b\x08" + bytes(600))
        self.put("y.img").write_bytes(b"\xfd7zXZ\0" + bytes(506))
        self.put("README").write_text("read me")
        self.refused("x.qcow2.gz", "gzip", "unpack")
        self.refused("y.img", "xz", "unpack")
        self.refused("README", "by its name")
        self.refused("nothing.raw", "has no disk", kinds=("not_found",))
        self.assertEqual({"good.qcow2", "good.raw"}, set(self.offered()))

    def test_an_image_that_is_replaced_or_grows_after_it_was_listed_is_looked_at_again(self):
        run("cp", self.library / "good.qcow2", self.put("a.qcow2"))
        self.assertIn("a.qcow2", self.offered())
        overlay(self.put("b"), self.secret, "raw")
        (self.library / "b").rename(self.library / "a.qcow2")
        self.refused("a.qcow2", "not in the library")
        self.assertNotIn("a.qcow2", self.offered())
        run("cp", self.library / "good.raw", self.put("c.raw"))
        self.assertEqual(self.offered()["c.raw"]["size_gib"], 1)
        os.truncate(self.library / "c.raw", 2 << 30)
        self.assertEqual(self.offered()["c.raw"]["size_gib"], 2)
        self.refused("c.raw", "2 GiB", kinds=("invalid_params",))

    def test_names_that_cannot_be_said_are_not_offered_and_logged_once(self):
        bad = [b"line\nbreak.iso", b"\x9b31m.iso", b"not-utf8-\xff.raw", "zero\u200bwidth.iso".encode(),
               "c1\u009b.iso".encode(), "over\u202eraw.raw".encode(), b"bell\7.raw"]
        for name in bad:
            path = pathlib.Path(os.fsdecode(os.fsencode(self.library) + b"/" + name))
            self.made.append(path)
            path.write_bytes(bytes(40960))
        self.put("a, b.raw").write_bytes(PATTERN)
        for _ in range(3):
            self.assertEqual({"good.qcow2", "good.raw", "a, b.raw"}, set(self.offered()))
        def read():
            return (self.daemon.folder / "lodged.log").read_bytes()
        until = time.monotonic() + 30  # the log is written by a thread of its own
        while read().count(b"is not in the library: its name") < len(bad):
            self.assertLess(time.monotonic(), until, "it is not logged")
            self.world.keeper.look(0.02)
        log = read()
        self.assertEqual(log.count(b"is not in the library: its name"), len(bad))
        for name in bad:
            self.assertNotIn(name, log)
        self.verb("a, b.raw,format=raw")
        self.assertEqual(self.disk(), PATTERN)
        for name in ("line\nbreak.iso", "c1\u009b.iso", "zero\u200bwidth.iso"):
            with self.subTest(name=name), self.assertRaises(RpcError) as caught:
                self.rpc.call("vm.media", vm="vm", iso=name, wait=True)
            self.assertEqual((caught.exception.code, caught.exception.data.get("param")), (-32602, "iso"))

    def test_an_image_of_a_huge_size_in_a_small_file_costs_little(self):
        create_image(self.put("huge.qcow2"), "-f", "qcow2", size="64T")
        self.refused("huge.qcow2", "65536 GiB", kinds=("invalid_params",))
        self.assertEqual(self.offered()["huge.qcow2"]["size_gib"], 65536)
        path = self.put("bomb.qcow2")
        create_image(path, "-f", "qcow2", size="64T")
        with path.open("r+b") as file:
            file.seek(40)
            table = int.from_bytes(file.read(8), "big")
            file.truncate(4 << 20)
            file.seek(table)
            file.write(((1 << 63) | (3 << 20)).to_bytes(8, "big") * (1 << 17))
        self.refused("bomb.qcow2", "more than lodge reads")


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class OnLibvirtsPool(Attacks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.close)
        cls.make_library()
        cls.disks = cls.world.folder / "disks"
        cls.libvirtd = cls.world.libvirtd()
        cls.daemon = cls.world.daemon(None, config={
            "host q": {"uri": cls.libvirtd.qemu_uri, "dir": cls.disks}, "images": {"dirs": cls.library}})
        cls.daemon.synced(60).rpc.close()


@unittest.skipIf(embed.why_not(), embed.why_not())
class InAPlainDirectory(Attacks, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World("le")
        cls.addClassCleanup(cls.world.close)
        cls.make_library()
        home = cls.world.folder / "home"
        home.mkdir()
        root = embed.Root(cls.world)
        cls.disks = root.folder / "disks"
        cls.daemon = cls.world.daemon({"local": root.uri}, wrap=root.wrap, config={"images": {"dirs": cls.library}},
                                      env={"HOME": str(home), "USER": "", "XDG_RUNTIME_DIR": ""})
        cls.daemon.synced(60).rpc.close()


if __name__ == "__main__":
    promise.main()
