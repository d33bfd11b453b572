"""`lodge doctor`, most of all without a daemon: a line for each thing, a mark, what was found, and for all that is
not well the command that helps; within seconds whatever hangs. Machines are made of mount namespaces (root)."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import libvirtd as libvirtds  # noqa: E402
import promise  # noqa: E402
from world import BUILD_DIR, World, free_uid  # noqa: E402

LODGE = BUILD_DIR / "tui" / "lodge"
ALWAYS = {"unit", "runs", "log", "socket", "group", "others", "kvm", "libvirt", "stuck"}
NO_DAEMON, NOT_WELL = 3, 1

# A /dev of its own, with a kvm as the line behind it makes one; a /run of its own with what a line says.
DEV = """mkdir -p "$W/dev"; mount -t tmpfs tmpfs "$W/dev"
for node in null zero urandom; do touch "$W/dev/$node"; mount --bind "/dev/$node" "$W/dev/$node"; done
"""
BOOTED = "mount -t tmpfs tmpfs /run; mkdir -p /run/systemd/system; touch /run/systemd/system/lodged.service\n"
SYSTEMCTL = '#!/bin/sh\ntest "$*" = "is-active lodged.service" || exit 9\necho {0}\ntest {0} = active\n'
JOURNALCTL = ('#!/bin/sh\ncase "$*" in *--unit=lodged.service*--lines=1*) ;; *) exit 9 ;; esac\n'
              "printf '2026-01-02T03:04:05+0000 host lodged[7]: one\\033[7m last line\\n'\n")
HANGS = "#!/bin/sh\nread word <{pipe}\n"


def why_not():
    if os.geteuid() != 0:
        return "needs root"
    if subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        return "needs namespaces (unshare -m fails)"
    return None


@unittest.skipIf(why_not(), why_not())
class DoctorTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.bin = self.world.folder / "programs"
        self.bin.mkdir()
        os.mkfifo(self.world.folder / "pipe")
        self.lodge = self.world.program(LODGE)

    def program(self, name, text):
        path = self.bin / name
        path.write_text(text.replace("{pipe}", str(self.world.folder / "pipe")))
        path.chmod(0o755)

    def run_doctor(self, *words, machine="", uid=None, groups=(), enter=("unshare", "-m"), **env):
        """`machine` is what is done to its mounts before."""
        script = f"set -e\nmount --make-rprivate /\n{machine}\nexec \"$@\""
        become = [] if uid is None else ["setpriv", f"--reuid={uid}", f"--regid={uid}",
                                         f"--groups={','.join(map(str, groups))}" if groups else "--clear-groups"]
        path = f"{self.bin}:{os.environ['PATH']}"
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("LODGE_", "XDG_"))}
        return subprocess.run([*enter, "sh", "-c", script, "sh", *become, self.lodge, "doctor", *words], text=True,
                              capture_output=True, timeout=120, cwd=self.world.folder, check=False,
                              stdin=subprocess.DEVNULL, env={**keep, "PATH": path, "W": str(self.world.folder), **env})

    def examine(self, *words, status=None, **how):
        """{what: its findings}; each that is not well has its command."""
        ran = self.run_doctor("--json", *words, **how)
        answer = json.loads(ran.stdout)
        if status is not None:
            self.assertEqual(ran.returncode, status, ran.stdout + ran.stderr)
        found = {}
        for finding in answer["findings"]:
            self.assertEqual(set(finding), {"what", "mark", "found", "advice"})
            self.assertEqual(finding["advice"] is None, finding["mark"] == "ok", finding)
            found.setdefault(finding["what"], []).append(finding)
        marks = [finding["mark"] for finding in answer["findings"]]
        self.assertEqual((answer["bad"], answer["warnings"]), (marks.count("bad"), marks.count("warning")))
        return found

    def expect(self, found, what, mark, text, advice=None):
        all_of_it = json.dumps(found[what])
        self.assertTrue(any(finding["mark"] == mark and re.search(text, finding["found"]) and
                            (advice is None or re.search(advice, finding["advice"] or ""))
                            for finding in found[what]), all_of_it)


class WithoutADaemon(DoctorTest):
    NOTHING = "mount -t tmpfs tmpfs /run\n"

    def test_every_line_is_there_with_a_mark_and_what_helps_and_it_fails(self):
        found = self.examine(machine=self.NOTHING, status=NO_DAEMON)
        self.assertEqual(set(found), ALWAYS)
        self.expect(found, "unit", "warning", "no systemd here", "lodged")
        self.expect(found, "socket", "bad", "/run/lodge/lodged.sock: No such file", "lodged")
        self.expect(found, "libvirt", "bad", "there is no /run/libvirt/libvirt-sock", "systemctl start libvirtd")
        ran = self.run_doctor(machine=self.NOTHING)
        self.assertEqual(ran.returncode, NO_DAEMON)
        lines = ran.stdout.splitlines()
        for at, line in enumerate(lines):
            if not line.startswith(" "):
                self.assertRegex(line, r"^(ok  |warn|BAD )  [a-z]+ ")
                follows = at + 1 < len(lines) and lines[at + 1].startswith("      ")
                self.assertEqual(follows, not line.startswith("ok"), line)
        self.assertRegex(ran.stderr, r"things are not well: no lodged answers")

    def test_in_JSON_what_is_wrong_is_JSON_too(self):
        ran = self.run_doctor("--json", machine=self.NOTHING)
        self.assertEqual(json.loads(ran.stderr)["data"]["kind"], "unreachable")

    def test_systemd_is_asked_for_the_unit_and_the_journal_for_its_last_line(self):
        self.program("journalctl", JOURNALCTL)
        for state, mark, advice in (("inactive", "bad", "systemctl enable --now lodged"), ("active", "ok", None),
                                    ("failed", "bad", "journalctl -u lodged says why")):
            with self.subTest(state=state):
                self.program("systemctl", SYSTEMCTL.format(state))
                found = self.examine(machine=BOOTED, status=NO_DAEMON)
                self.expect(found, "unit", mark, f"/run/systemd/system/lodged.service is {state}", advice)
                self.expect(found, "log", "ok", r"lodged\[7\]: one.* last line$")
                self.expect(found, "socket", "bad", "No such file", "systemctl start lodged")
        self.assertIn(r"one\x1b[7m last line", self.run_doctor(machine=BOOTED).stdout)
        self.program("journalctl", "#!/bin/sh\nexit 0\n")
        found = self.examine(machine=BOOTED, uid=free_uid())
        self.expect(found, "log", "warning", "the journal shows nothing", "adduser nobody systemd-journal")
        found = self.examine(machine=self.NOTHING + "mkdir -p /run/systemd/system")
        self.expect(found, "unit", "warning", "systemd has no lodged.service", "meson install")

    def test_kvm_is_tried(self):
        for machine, uid, mark, text, advice in (
                ("", None, "warning", "no /dev/kvm here", "modprobe kvm_intel"),
                ('touch "$W/dev/kvm"\n', None, "bad", "does not work: KVM_GET_API_VERSION: Inappropriate", "dmesg"),
                ('touch "$W/dev/kvm"; chmod 600 "$W/dev/kvm"\n', free_uid(), "warning", "may not be opened by you",
                 "adduser nobody kvm")):
            with self.subTest(text=text):
                found = self.examine(machine=DEV + machine + 'mount --move "$W/dev" /dev\n', uid=uid)
                self.expect(found, "kvm", mark, text, advice)

    def test_a_working_kvm_has_made_a_VM(self):
        if not os.path.exists("/dev/kvm"):
            self.skipTest("no /dev/kvm")
        found = self.examine(machine=self.NOTHING)
        self.assertRegex(found["kvm"][0]["found"], "has made a VM|does not work: KVM_")

    def test_guests_stuck_in_their_start_are_named_and_new_ones_are_not(self):
        folder = self.world.folder / "qemu"
        folder.mkdir()
        status = "<!--\nWARNING\n-->\n\n<domstatus state='paused' reason='starting up' pid='{}'>\n<domain/></domstatus>\n"
        old = time.time() - 3600
        for name, pid, when in (("web", 0, old), ("new", 0, time.time()), ("runs", 7, old), ("a'; reboot '", 0, old)):
            path = folder / f"{name}.xml"
            path.write_text(status.format(pid))
            os.utime(path, (when, when))
        machine = self.NOTHING + f"mkdir -p /run/libvirt/qemu; mount --bind {folder} /run/libvirt/qemu\n"
        found = self.examine(machine=machine)
        self.assertEqual(len(found["stuck"]), 2, found["stuck"])
        self.expect(found, "stuck", "bad", "takes web for starting",
                    "rm /run/libvirt/qemu/web.xml, then systemctl restart libvirtd")
        self.assertNotIn("reboot", "".join(finding["advice"] for finding in found["stuck"]))
        self.expect(self.examine(machine=machine, uid=free_uid()), "stuck", "ok", "only root may read")

    def test_without_a_group_the_machines_socket_is_roots(self):
        without = 'grep -v ^lodge: /etc/group >"$W/group"; mount --bind "$W/group" /etc/group\n'
        found = self.examine(machine=self.NOTHING + without)
        self.expect(found, "group", "warning", "there is no group 'lodge'", "groupadd --system lodge, adduser")
        with_it = 'grep -v ^lodge: /etc/group >"$W/group"; echo lodge:x:4242: >>"$W/group"\n' \
                  'mount --bind "$W/group" /etc/group\n'
        found = self.examine(machine=self.NOTHING + with_it, uid=free_uid(), LODGE_SOCKET="/run/lodge/lodged.sock")
        self.expect(found, "group", "bad", "members of lodge may open it, and you are none", "adduser nobody lodge")
        found = self.examine(machine=self.NOTHING + with_it, uid=free_uid(), groups=(4242,),
                             LODGE_SOCKET="/run/lodge/lodged.sock")
        self.expect(found, "group", "ok", "you are one")
        listed = with_it.replace("4242:", "4242:nobody")
        found = self.examine(machine=self.NOTHING + listed, uid=free_uid(), LODGE_SOCKET="/run/lodge/lodged.sock")
        self.expect(found, "group", "bad", "were none when you logged in", "log out and in again")

    def test_whatever_hangs_it_is_done_within_seconds(self):
        pace = self.world.pace()
        for name in ("systemctl", "journalctl", "virsh"):
            self.program(name, HANGS)
        daemon = self.world.daemon("test:///default")
        daemon.process.signal(signal.SIGSTOP)
        self.addCleanup(daemon.process.signal, signal.SIGCONT)
        begun = time.monotonic()
        found = self.examine("--socket", daemon.socket, machine=BOOTED + (
            f"mkdir -p /run/libvirt; ln -s {daemon.socket} /run/libvirt/libvirt-sock\n"), status=NO_DAEMON)
        pace.check(self, begun, 12, "all that hangs")
        self.expect(found, "daemon", "bad", "listens on .* and does not answer", "systemctl restart lodged")
        self.expect(found, "unit", "bad", "systemctl did not answer in time")
        self.expect(found, "libvirt", "bad", "libvirtd hangs: virsh did not answer", "systemctl restart libvirtd")
        self.assertTrue(ALWAYS < set(found))


class WithADaemon(DoctorTest):
    def setUp(self):
        super().setUp()
        self.daemon = self.world.daemon("test:///default")
        self.daemon.synced().rpc.close()

    def test_the_same_lines_and_what_the_daemon_knows(self):
        found = self.examine("--socket", self.daemon.socket, machine=WithoutADaemon.NOTHING)
        self.assertTrue(ALWAYS | {"daemon", "store", "library", "order"} <= set(found), set(found))
        self.expect(found, "daemon", "ok", r"lodged .* answers; you are root \(admin\)")
        self.expect(found, "unit", "ok", "no systemd here; lodged runs without")
        self.expect(found, "runs", "ok", f"process {self.daemon.pid} of root")
        self.expect(found, "log", "ok", rf"^{self.daemon.folder}/lodged.log: 20\d\d-")
        self.expect(found, "socket", "ok", rf"{self.daemon.socket} of root:root, mode 0660")
        self.expect(found, "libvirt", "ok", "host .* is up")
        self.expect(found, "order", "ok", "fit together")

    def test_it_fails_when_something_is_bad_and_only_then(self):
        found = self.examine("--socket", self.daemon.socket, machine=WithoutADaemon.NOTHING)
        marks = [finding["mark"] for findings in found.values() for finding in findings]
        ran = self.run_doctor("--socket", self.daemon.socket, machine=WithoutADaemon.NOTHING)
        self.assertEqual(ran.returncode, NOT_WELL if "bad" in marks else 0)
        broken = self.world.daemon({"gone": "qemu+unix:///system?socket=/nowhere"}, name="broken")
        found = self.examine("--socket", broken.socket, machine=WithoutADaemon.NOTHING, status=NOT_WELL)
        self.expect(found, "libvirt", "bad", "host gone is down.*is that the socket of a libvirtd", "virsh -c URI")

    def test_a_lodged_on_another_socket_is_named(self):
        here = self.world.folder / ".lodge"
        here.mkdir()
        (here / "lodged.sock").symlink_to(self.daemon.socket)
        found = self.examine(machine=WithoutADaemon.NOTHING, status=NO_DAEMON)
        self.expect(found, "others", "warning", rf"listens on {here}/lodged.sock too",
                    rf"lodge --socket {here}/lodged.sock")
        self.expect(found, "runs", "warning", "on another socket or none", "ps -o args=")

    def test_a_socket_of_a_group_that_one_is_not_in(self):
        daemon = self.world.daemon("test:///default", name="closed",
                                   config={"daemon": {"socket_group": "daemon", "socket_mode": "0660"}})
        self.expect(self.examine("--socket", daemon.socket), "group", "ok", "members of daemon may open it, and you are root")
        found = self.examine("--socket", daemon.socket, uid=free_uid(), status=NO_DAEMON)
        self.expect(found, "socket", "bad", "root:daemon, mode 0660: you may not open it", "adduser nobody daemon, as root")
        self.expect(found, "group", "bad", "members of daemon may open it, and you are none",
                    "adduser nobody daemon, as root; then log in again")
        gid = os.stat(daemon.socket).st_gid
        found = self.examine("--socket", daemon.socket, uid=free_uid(), groups=(gid,))
        self.expect(found, "group", "ok", "you are one")
        self.expect(found, "order", "ok", "only administrators")

    def test_a_socket_that_nobody_listens_on(self):
        self.daemon.process.kill()
        found = self.examine("--socket", self.daemon.socket, status=NO_DAEMON)
        self.expect(found, "socket", "bad", "no lodged listens on it", f"lodged --socket {self.daemon.socket}")

    def test_lodged_warns_of_a_group_that_is_missing(self):
        group = self.world.folder / "group"
        group.write_text("".join(line for line in pathlib.Path("/etc/group").read_text().splitlines(True)
                                 if not line.startswith("lodge:")))
        daemon = self.world.daemon(name="alone", wrap=["unshare", "-m", "sh", "-c",
                                                       'mount --bind "$0" /etc/group && exec "$@"', group])
        self.assertRegex(daemon.process.output(),
                         "warning main: there is no group 'lodge', only root may open .*: groupadd --system lodge")


@unittest.skipIf(libvirtds.why_not(), libvirtds.why_not())
class Libvirt(DoctorTest):
    def examine_there(self, libvirtd, **how):
        """On the machine of that libvirtd, where its socket has its usual place."""
        target = f"/proc/{libvirtd.holder.pid}"
        return self.examine(machine=f"ln -sf {libvirtd.socket} /run/libvirt/libvirt-sock\n",
                            enter=("nsenter", "-m", "-t", target.rsplit("/", 1)[1], "unshare", "-m"), **how)

    def test_libvirts_answer_without_a_daemon(self):
        libvirtd = self.world.libvirtd()
        found = self.examine_there(libvirtd, status=NO_DAEMON)
        self.expect(found, "libvirt", "ok", r"answers: Running hypervisor: QEMU")
        libvirtd.freeze()
        found = self.examine_there(libvirtd)
        self.expect(found, "libvirt", "bad", "libvirtd hangs", "systemctl restart libvirtd")
        libvirtd.thaw()
        libvirtd.kill()
        found = self.examine_there(libvirtd)
        self.expect(found, "libvirt", "bad", "nobody listens", "systemctl start libvirtd")

    def test_who_polkit_does_not_let_in_is_not_told_to_start_libvirtd(self):
        libvirtd = self.world.libvirtd()
        conf = libvirtd.folder / "libvirtd.conf"
        conf.write_text(conf.read_text().replace('auth_unix_rw = "none"', 'auth_unix_rw = "polkit"'))
        libvirtd.restart()
        found = self.examine_there(libvirtd, uid=free_uid())
        self.expect(found, "libvirt", "bad", "answers: ", "polkit|adduser nobody libvirt")


if __name__ == "__main__":
    promise.main()
