#!/usr/bin/env python3
"""Checks that cannot fail are defects: each fault, planted, is found, and said with its line."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import documents
import exports
import format as formatting
import heads
import journal_names
import layers
import lengths
import links
import messages
import names
import suites
import terms
import tidy
import words


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def plant(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def found(self, check):
        return "\n".join(check(self.root))


class Planted(Folder):
    def test_libvirt_has_one_door(self):
        self.plant("tui/app.c", "\n#include <libvirt/libvirt.h>\n")
        self.assertIn("tui/app.c:2: <libvirt/libvirt.h> belongs to", self.found(layers.check))

    def test_what_was_exported_once_stays(self):
        self.plant("include/lodge/vm.h", "void lodge_vm_init(struct lodge_vm *vm);\nvoid lodge_vm_fly(void);\n")
        self.plant("src/liblodge.map", "global:\n    lodge_vm_fly;\n    lodge_vm_init;\n")
        self.plant("tests/style/exported.txt", "# these\nlodge_vm_init\nlodge_vm_walk\n")
        self.assertEqual("tests/style/exported.txt:3: lodge_vm_walk is gone from src/liblodge.map: "
                         "programs that call it start no more\n"
                         "src/liblodge.map: lodge_vm_fly is exported from now on, and for ever: "
                         "add it to tests/style/exported.txt", self.found(exports.check))

    def test_what_is_said_has_words(self):
        self.plant("tui/cli/terms.c", '{"host.list", "hosts"}, {"start", FLAG_START}')
        self.plant("tui/cli/verb_table.c", '.method = "vm.start"')
        self.plant("daemon/rpc/methods.c", '.name = "vm.start", .name = "vm.fly", .name = "host.list", ACT("vm.sit", x)')
        self.plant("daemon/ops/op.c", '/* "or vm.fly it" */ fail("start it (vm.start), host.list or with `start`");\n'
                   'fail("let it "\n"fly (vm.fly), or with `wings: null`");\n.help = "as vm.sit does";\n')
        self.assertEqual("daemon/ops/op.c:2: says 'vm.fly', which tui/cli/terms.c has no words for\n"
                         "daemon/ops/op.c:2: says 'wings', which tui/cli/terms.c has no words for",
                         self.found(terms.check))

    def test_the_registry_does_not_know_hosts(self):
        self.plant("daemon/host/host.h", "")
        self.plant("daemon/host/report.h", "")
        self.plant("daemon/registry/vm.c",
                   '#include "host/report.h"\n#include "host/host.h"\n')
        self.assertEqual('daemon/registry/vm.c:2: daemon/registry must not include daemon/host '
                         '("host/host.h")', self.found(layers.check))

    def test_the_library_does_not_know_the_daemon(self):
        self.plant("daemon/log.h", "")
        self.plant("src/frame.c", '#include "log.h"\n')
        self.assertIn("src/frame.c:1: src must not include daemon/log", self.found(layers.check))

    def test_a_private_header_stays_in_its_room(self):
        self.plant("daemon/store/database.h", "")
        self.plant("daemon/store/store.h", "")
        self.plant("daemon/store/lock.c", '#include "store/database.h"\n')
        self.plant("daemon/log_sink.h", "")
        self.plant("daemon/ops/op.c", '#include "store/store.h"\n#include "store/database.h"\n'
                   '#include "../log_sink.h"\n')
        self.plant("daemon/wiring.c", '#include "store/database.h"\n')
        self.plant("tests/unit/test_lock.c", '#include "store/database.h"\n')
        private = "is private to daemon/store, which shows ops.h recall.h"
        found = self.found(layers.check).splitlines()
        self.assertIn(f'daemon/ops/op.c:2: "store/database.h" {private}', found[0])
        self.assertEqual('daemon/ops/op.c:3: "../log_sink.h" is private to daemon/log, which shows '
                         'log.h', found[1])
        self.assertIn(f'daemon/wiring.c:1: "store/database.h" {private}', found[2])
        self.assertEqual(3, len(found))

    def test_a_room_within_rooms_shows_more_to_its_kin(self):
        self.plant("daemon/host/libvirt_error.h", "")
        self.plant("daemon/host/domains.h", "")
        self.plant("daemon/host/storage/pool.h", "")
        self.plant("daemon/host/guest/mark.c", '#include "host/libvirt_error.h"\n#include "host/domains.h"\n')
        self.plant("daemon/host/host.c", '#include "host/storage/pool.h"\n')
        self.plant("daemon/ops/op.c", '#include "host/libvirt_error.h"\n')
        found = self.found(layers.check).splitlines()
        self.assertIn('daemon/host/guest/mark.c:2: "host/domains.h" is private to daemon/host, which '
                      'shows embedded.h host.h', found[0])
        self.assertIn('daemon/host/host.c:1: "host/storage/pool.h" is private to daemon/host/storage', found[1])
        self.assertIn('daemon/ops/op.c:1: "host/libvirt_error.h" is private to daemon/host', found[2])
        self.assertNotIn("libvirt_error.h", found[2].split("which shows")[1])
        self.assertEqual(3, len(found))

    def test_a_face_is_no_larger_than_others_need(self):
        self.plant("daemon/log.h", "")
        self.plant("daemon/options.h", "")
        self.plant("daemon/options.c", '#include "options.h"\n')
        self.plant("daemon/main.c", '#include "log.h"\n')
        found = self.found(layers.check_faces)
        self.assertIn("no other room includes options.h of daemon/options", found)
        self.assertNotIn("daemon/log", found)

    def test_a_message_that_nobody_has_read(self):
        self.plant("tests/data/messages.txt", "# read\n\n[daemon]\n    it is gone\n    nobody's\n\n[tui]\n")
        self.plant("daemon/one.c", '\n(void)lodge_fail(err, KIND, "it is gone");\n')
        self.plant("daemon/two.c", '/* "not a word" */\nreturn lodge_fail(&err, KIND, "%s: "\n    "why not", "x");\n')
        self.plant("daemon/row.c", 'static const char *why[] = {"its disk "\n    "is full", "vda"};\n')
        self.assertEqual(["daemon/row.c:1: nobody has read 'its disk is full': see tests/style/messages.py",
                          "daemon/two.c:2: nobody has read '%s: why not': see tests/style/messages.py",
                          "tests/data/messages.txt:5: nobody says 'nobody's' any more"],
                         self.found(messages.check).splitlines())

    def test_the_tui_speaks_no_contract(self):
        self.plant("tests/data/messages.txt", "[tui]\n    see vm.list for it\n    try lodge call vm.list\n"
                   "    wants memory_mib too\n    said with -32602 there\n")
        self.plant("tui/one.c", 'f("see vm.list for it", "try lodge call vm.list", "wants memory_mib too",\n'
                   '"said with -32602 there");\n')
        found = self.found(messages.check).splitlines()
        self.assertEqual(["names a method", "names a member", "names a code"],
                         [" ".join(line.split("' ")[1].split()[:3]).rstrip(",") for line in found])

    def test_a_new_room_needs_a_row(self):
        self.plant("src/frame.h", "")
        self.plant("daemon/attic/box.c", '#include "frame.h"\n')
        self.assertIn("belongs to no room", self.found(layers.check))

    def test_long_files_and_functions_are_found(self):
        self.plant("src/long.c", "int x;\n" * 501)
        self.plant("src/wide.c", "int f(void)\n{\n" + "    x();\n" * 61 + "}\n")
        self.plant("src/good.c", "int f(void)\n{\n" + "    x();\n" * 60 + "}\n")
        found = self.found(lengths.check)
        self.assertIn("src/long.c:500: the file has 501 lines", found)
        self.assertIn("src/wide.c:2: the function has 61 lines", found)
        self.assertNotIn("good", found)

    def test_banned_calls_are_found_and_words_in_comments_are_not(self):
        self.plant("src/a.c", '/* sleep (never) */\nconst char *s = "atoi(";\n    usleep (5);\n')
        self.assertEqual("src/a.c:3: usleep() is not used in this house", self.found(words.check))

    def test_unfinished_words_are_found(self):
        self.plant("tests/a.py", "x = 1  # TO" "DO\n")
        self.assertIn("tests/a.py:1: TO" "DO", self.found(words.check))

    def test_a_file_without_a_head_is_found(self):
        self.plant("src/none.c", "int x;\n")
        self.plant("src/late.c", "int x;\n/* late: what this room is stands too far down. */\n")
        self.plant("man/short.c", "/* short.c: see the header for all of it. */\n")
        self.plant("tui/good.c", "/*\n * good: rows of the list,\n * which owns them.\n */\n")
        self.plant("tests/test_a.c", "int x;\n")
        wants = "begins without a comment that says what this room is"
        self.assertEqual([f"{name}:1: {wants}" for name in ("src/late.c", "src/none.c",
                                                            "man/short.c")],
                         self.found(heads.check).splitlines())

    def test_the_list_of_files_without_a_head_only_gets_shorter(self):
        self.plant("src/good.c", "/* good: counts what is under way here. */\n")
        self.plant("src/old.c", "int x;\n")
        self.plant(heads.LIST, "# owed\nsrc/gone.c\nsrc/good.c\nsrc/old.c\nsrc/old.c\n")
        self.assertEqual([f"{heads.LIST}:5: src/old.c stands twice, or not in order",
                          f"{heads.LIST}:3: src/good.c has a head: take it off the list",
                          f"{heads.LIST}:2: there is no src/gone.c: take it off the list"],
                         self.found(heads.check).splitlines())

    def test_a_name_in_three_files_is_found_however_it_is_defined(self):
        self.plant("src/a.c", "int take(void)\n{\n    return 1;\n}\n")
        self.plant("daemon/b.c", "__attribute__((format(printf, 1, 0))) static void\n"
                   "take(const char *format, /* as( */\n     va_list args)\n{\n}\n")
        self.plant("tui/c.c", "int main(void)\n{\n    take();\n}\n\nstatic void (*take(int a))(int)"
                   "\n{\n}\n\nCASE(take)\n{\n}\n")
        self.plant("man/d.c", "int main(void)\n{\n}\n")
        self.plant("demo/e.c", "int main(void)\n{\n}\n")
        self.plant("tests/unit/f.c", "int take(void)\n{\n}\n")
        self.assertEqual("tui/c.c:6: take() stands in 3 files, 2 at most: src/a.c, daemon/b.c, "
                         "tui/c.c", self.found(names.check))
        self.plant("man/d.c", "CASE(take)\n{\n}\n")
        self.assertIn("man/d.c:1: take() stands in 4 files", self.found(names.check))

    def test_the_list_of_shared_names_only_gets_shorter(self):
        for name in ("src/a.c", "src/b.c", "src/c.c"):
            self.plant(name, "int old(void)\n{\n}\n\nint run(void)\n{\n}\n")
        self.plant("src/d.c", "int run(void)\n{\n}\n")
        self.plant(names.LIST, "# owed\nold 3\nrun 4\n")
        self.assertEqual("", self.found(names.check))
        self.plant(names.LIST, "gone 3\nold 4\nrun 3\nold\n")
        self.assertEqual([f"{names.LIST}:1: gone stands in 0 files now: take it off the list",
                          f"{names.LIST}:2: old stands in 3 files now: lower its count",
                          f"{names.LIST}:4: 'old' is no name and count, or not in order",
                          "src/d.c:1: run() stands in 4 files, 3 at most: src/a.c, src/b.c, "
                          "src/c.c, src/d.c"], self.found(names.check).splitlines())

    def test_what_is_not_documented_is_found(self):
        self.plant("CONTRIBUTING.md", "see `src/nowhere.c` and `src/a.c`\n")
        self.plant("tui/cli/verb_table.c", '        .name = "ls",\n        .name = "show",\n')
        self.plant("src/a.c", "")
        self.plant("daemon/rpc/vm_methods.c", '    {\n        .name = "vm.list",\n'
                   '        .access = ACCESS_SEE,\n    },\n')
        self.plant("man/lodge.1.scd", "*show* and lsof\n")
        self.plant("demo/machine.sh", 'BUILD_PACKAGES="gcc\n    meson"\n')
        self.plant("README.md", "A ~188/96M B 48/96M\n\n    lodge quota set bob vms=3\n    lodge quota set eve vms=3\n"
                   "    lodge quota set eve vms=none\n    pkill -f guest\n"
                   "    apt install gcc scdoc \\\n        novnc qemu-utils libvirt-daemon-system qemu-system-x86\n")
        found = self.found(documents.check)
        self.assertEqual(["README.md: says pkill", "README.md: 'lodge quota set bob vms=3' stays set",
                          "README.md: installs no meson", "README.md: 188 of 96",
                          "README.md: says not how others may use it"],
                         [line for line in found.splitlines() if line.startswith("README.md")])
        self.assertIn("tui/cli/verb_table.c: man/lodge.1.scd does not say ls", found)
        self.assertNotIn("does not say show", found)
        self.assertIn("vm.list has no .help", found)
        self.assertNotIn("no .access", found)
        self.assertIn("CONTRIBUTING.md:1: there is no src/nowhere.c", found)
        self.assertNotIn("no src/a.c", found)

    def test_integration_tests_that_no_row_runs_are_found(self):
        self.plant("tests/integration/meson.build",
                   "  ['doors', 'a', 'Front. Both.test_one', 3, []],\n  ['doors', 'b', 'Both.', 3, []],\n"
                   "  ['walls', '', '', 3, []],\n")
        self.plant("tests/integration/test_doors.py",
                   "class Part:\n    def test_it(self):\n        pass\n\n\n"
                   "class Front(Part, TestCase):\n    pass\n\n\n"
                   "class Back(Front):\n    pass\n\n\n"
                   "class Both(TestCase):\n    def test_one(self):\n        pass\n")
        self.plant("tests/integration/test_roofs.py", "")
        found = self.found(suites.check)
        self.assertIn("test_doors.py: Back.test_it is run by 0 rows", found)
        self.assertIn("test_doors.py: Both.test_one is run by 2 rows", found)
        self.assertNotIn("Front.test_it", found)
        self.assertNotIn("Part.test_it", found)
        self.assertIn("test_roofs.py has no row", found)
        self.assertIn("there is no tests/integration/test_walls.py", found)

    @unittest.skipIf(formatting.formatter() is None, "no clang-format 14 here")
    def test_what_stands_in_journals_and_is_called_otherwise_is_found(self):
        self.plant("daemon/ops/plan.c",
                   'static const struct field disk_fields[] = {\n    {"path", FIELD_STRING},\n};\n'
                   'static const struct field plan_fields[] = {\n'
                   '    {"name", FIELD_STRING}, {"disks", FIELD_OBJECTS},\n};\n')
        self.plant("daemon/ops/fly.c",
                   'static const struct step steps[] = {\n    {.name = "rise"},\n    {.name = "land"},\n};\n'
                   'const struct recipe fly_recipe = {\n    .kind = "vm.fly",\n    .steps = steps,\n};\n')
        self.plant("daemon/ops/power.c", 'static const struct step sit_steps[] = {\n    {.name = "sit"},\n};\n'
                   'POWER(sit, "vm.sit", .can_cancel = true);\n')
        op = {"kind": "vm.fly", "journal": {"name": "web", "wings": 2, "disks": [{"path": "/a", "gib": 1}]}}
        case = {"rows": {"op": op, "op_step": [{"name": "rise"}, {"name": "start"}]}}
        self.plant("tests/data/journals/fly.json", json.dumps({"cases": [case]}))
        self.plant("tests/data/journals/names.json", json.dumps(
            {"steps": {"vm.fly": ["rise"], "vm.sit": ["sit", "stay"]}, "members": {"plan": ["name", "host"]}}))
        where = "lodged of before may have left it: tests/data/journals"
        self.assertEqual(
            [f"daemon/ops: vm.fly has no step 'start', at which a {where}",
             f"daemon/ops: vm.sit has no step 'stay', at which a {where}",
             *(f"daemon/ops/plan.c: {table}_fields has no '{name}', which is in journals of lodgeds of before: "
               "tests/data/journals" for table, name in (("disk", "gib"), ("plan", "host"), ("plan", "wings")))],
            self.found(journal_names.check).splitlines())

    def test_unformatted_code_is_found(self):
        self.plant("src/a.c", "int   x;\n")
        self.assertIn("a.c:1: clang-format -i would change this",
                      self.found(formatting.check))

    @unittest.skipIf(tidy.linter() is None, "no clang-tidy 14 here")
    def test_what_clang_tidy_says_is_found_in_code_and_headers(self):
        settings = pathlib.Path(tidy.__file__).parents[2] / ".clang-tidy"
        self.plant(".clang-tidy", settings.read_text(encoding="utf-8"))
        self.plant("src/a.h", "#define TWICE(a) (2 * a)\n")
        self.plant("src/a.c", '#include "a.h"\n\nchar f(int x);\nchar f(int x)\n{\n'
                   '    if (x)\n        return 1;\n    return 0;\n}\n')
        self.plant("build/compile_commands.json", json.dumps([
            {"directory": str(self.root / "build"), "file": "../src/a.c",
             "command": "cc -Wimplicit-fallthrough=5 -c ../src/a.c"}]))
        found = "\n".join(tidy.check(self.root, self.root / "build"))
        self.assertIn("src/a.h:1: macro argument should be enclosed in parentheses", found)
        self.assertIn("src/a.c:6: statement should be inside braces", found)


@unittest.skipUnless(shutil.which("nm") and shutil.which("cc"), "no nm or no compiler here")
class Linked(Folder):
    """Rooms of layers.py with files that are compiled: a file calls whom its text names."""

    made = {}  # what was compiled and how -> the object

    def compile(self, text, *command):
        if (text, *command) not in self.made:
            self.plant("one.c", text)
            subprocess.run([*command, "-c", self.root / "one.c", "-o", self.root / "one.o"], check=True)
            self.made[text, *command] = (self.root / "one.o").read_bytes()
        return self.made[text, *command]

    def build(self, files, compiler=None, flags=()):
        """`files`: name -> functions it defines, functions it calls."""
        self.plant("tests/style/circles.txt", "")
        self.plant("CONTRIBUTING.md", f"# Map\n\n{links.BEGIN}\n{links.END}\n\nThe rest.\n")
        entries = []
        for name, (defines, calls) in files.items():
            text = "".join(f"void {call}(void);\n" for call in calls)
            text += "".join(f"void {define}(void);\nvoid {define}(void)\n{{\n" + "".join(
                f"    {call}();\n" for call in calls) + "}\n" for define in defines)
            self.plant(name, text)
            output = name.replace("/", "_") + ".o"
            (self.root / "build").mkdir(exist_ok=True)
            (self.root / "build" / output).write_bytes(self.compile(text, compiler or "cc", *flags))
            entries.append({"directory": str(self.root / "build"), "file": f"../{name}", "output": output})
        self.plant("build/compile_commands.json", json.dumps(entries))

    def linked(self):
        return list(links.check(self.root, self.root / "build"))

    def write(self):
        links.write(self.root, self.root / "build")

    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8")

    FILES = {"daemon/main.c": (["begin"], ["host_start", "wire"]), "daemon/wiring.c": (["wire"], ["log_it"]),
             "daemon/host/events.c": (["host_start"], ["fail", "puts_it"]), "daemon/log.c": (["log_it"], ["fail"]),
             "tui/app.c": (["app"], ["fail"]), "src/error.c": (["fail"], [])}

    def test_the_picture_is_what_the_linker_sees(self):
        self.build(self.FILES)
        self.assertEqual(["CONTRIBUTING.md:4: the picture is not what the build says: "
                          "tests/style/links.py {ROOT} {BUILD} --write"], self.linked())
        self.write()
        self.assertEqual([], self.linked())
        self.assertEqual(f"# Map\n\n{links.BEGIN}\n\n    daemon/main\n    ● daemon/wiring\n    ● │ daemon/host\n"
                         f"      ● │ daemon/log\n        │ │ tui\n        ● ● ● src\n\n{links.END}\n\nThe rest.\n",
                         self.text("CONTRIBUTING.md"))
        self.build({**self.FILES, "tui/app.c": (["app"], [])})
        self.assertIn("the picture is not what the build says", "".join(self.linked()))
        self.plant("CONTRIBUTING.md", "# Map\n")
        self.assertIn("CONTRIBUTING.md:1: has no place for the picture", "".join(self.linked()))

    def test_every_compiler_and_sanitizer_draws_the_same(self):
        compilers = [found for found in map(shutil.which, ("gcc", "clang")) if found]
        pictures = set()
        for compiler in compilers:
            for flags in (["-O2"], ["-O0", "-g", "-fsanitize=address,undefined"], ["-fsanitize=thread"]):
                self.build({name: self.FILES[name] for name in ("daemon/wiring.c", "daemon/log.c", "src/error.c")},
                           compiler, flags)
                self.write()
                pictures.add(self.text("CONTRIBUTING.md"))
        self.assertEqual(1, len(pictures) if compilers else 1)

    def test_what_is_not_built_is_said(self):
        self.build(self.FILES)
        (self.root / "build" / "src_error.c.o").unlink()
        self.assertIn("build it first", "".join(self.linked()))
        self.build({})
        self.assertIn("it has no file of this checkout", "".join(self.linked()))

    def test_an_arrow_up_is_found_with_its_names(self):
        self.build({**self.FILES, "src/error.c": (["fail"], ["log_it"]), "daemon/log.c": (["log_it"], []),
                    "daemon/host/events.c": (["host_start"], ["registry_take"]),
                    "daemon/registry/vm.c": (["registry_take"], [])})
        self.write()
        self.assertEqual(["daemon/host/events.c:1: daemon/host must not call daemon/registry: registry_take of "
                          "daemon/registry/vm.c",
                          "src/error.c:1: src must not call daemon/log: log_it of daemon/log.c"], self.linked())

    def test_rooms_in_a_circle_are_found_with_the_names_that_tie_it(self):
        self.build({**self.FILES, "src/error.c": (["fail"], ["log_it"])})
        self.assertIn("tests/style/layers.py: a circle of rooms, daemon/log, src: daemon/log calls fail of src/error.c "
                      "(daemon/log.c); src calls log_it of daemon/log.c (src/error.c)", self.linked())
        self.build({**self.FILES, "daemon/wiring.c": (["wire"], ["begin"])})
        self.assertIn("daemon/wiring.c:1: daemon/wiring must not call daemon/main: begin of daemon/main.c", self.linked())

    CIRCLE = {**FILES, "src/a.c": (["a"], ["b"]), "src/b.c": (["b"], ["c"]), "src/c.c": (["c"], ["a", "b"]),
              "src/d.c": (["d"], ["a"])}

    def test_circles_of_files_only_get_smaller(self):
        self.build(self.CIRCLE)
        self.write()
        self.assertEqual(["tests/style/circles.txt:1: src has circles of 3 files, none allowed: --circles prints all "
                          "of them", "src/a.c:1: a circle of src/a.c, src/b.c, src/c.c: src/b.c calls c of src/c.c; "
                          "src/c.c calls b of src/b.c"], self.linked())
        self.plant(links.LIST, "# owed\nsrc 3\n")
        self.assertEqual([], self.linked())
        self.plant(links.LIST, "# owed\ndaemon/host 2\nsrc 4 2\n")
        self.assertEqual([f"{links.LIST}:2: daemon/host has circles of no files now: tests/style/links.py --write",
                          f"{links.LIST}:3: src has circles of 3 files now: tests/style/links.py --write"],
                         self.linked())
        self.write()
        self.assertEqual("# owed\nsrc 3\n", self.text(links.LIST))
        self.plant(links.LIST, "src 2\ndaemon/log 2 3\n")
        self.write()
        self.assertEqual("src 2\n", self.text(links.LIST))
        self.plant(links.LIST, "src 2\ndaemon/log 2 3\n")
        self.assertIn(f"{links.LIST}:2: 'daemon/log 2 3' is no room and counts, largest first, or not in order",
                      self.linked())

    def test_a_name_of_both_programs_ties_no_knot(self):
        self.build({**self.FILES, "daemon/ops/history.c": (["history_new"], []), "tui/model.c": (["history_new"], []),
                    "daemon/rpc/vm.c": (["vm"], ["history_new"]), "tui/view.c": (["view"], ["history_new"])})
        self.write()
        self.assertEqual([], self.linked())


if __name__ == "__main__":
    unittest.main()
