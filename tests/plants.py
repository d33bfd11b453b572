#!/usr/bin/env python3
"""plants: how long until which test says that a room is broken, as a table in Markdown.

    plants.py [FOLDER] [WORD …]    # FOLDER: an empty or new one, for a clone and its build

Plants one fault after the other in a clone of what is committed, one in each room, such as slip in
when somebody changes something there; builds, runs the suite `fast`, and takes the fault out again. Words
choose rooms by substring. Not part of any suite: it takes minutes for each. Exits 1 when a fault was not found,
or its place is gone.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

# Room, what is wrong, file, what stands there, and what stands there instead.
PLANTS = [
    ("src", "surrogates are taken for UTF-8", "src/utf8.c", "high = 0x9F;", "high = 0xBF;"),
    ("daemon/log", "a level's beginning is enough", "daemon/log.c", "if (strlen(names[i]) == length && strncmp",
     "if (strncmp"),
    ("daemon/config", "a reload takes what needs a restart", "daemon/config.c",
     "if (key->reloadable || !given ||", "if (key->reloadable || given ||"),
    ("daemon/loop", "a submit starts no second thread", "daemon/loop/workers.c",
     "workers->idle < workers->waiting &&", "workers->threads == 0 &&"),
    ("daemon/store", "a transaction that is given up is committed", "daemon/store/transaction.c",
     '"ROLLBACK"', '"COMMIT"'),
    ("daemon/host", "a guest that ends is not looked at again", "daemon/host/libvirt_state.c",
     "return state == VIR_DOMAIN_SHUTDOWN ||\n           (state ==", "return (state =="),
    ("daemon/registry", "since when a state is, is not told", "daemon/registry/vm.c",
     "        facts->state = state;\n        facts->since = began;",
     "        facts->state = state;\n        (void)began;"),
    ("daemon/ops", "one operation too many within the hour", "daemon/ops/rate.c",
     "    if (sum < per_hour) {\n        return true;", "    if (sum <= per_hour) {\n        return true;"),
    ("daemon/console", "a ticket's last byte is not compared", "daemon/console/ticket.c",
     "for (size_t i = 0; i < TICKET_BYTES; i++) {\n        differs",
     "for (size_t i = 1; i < TICKET_BYTES; i++) {\n        differs"),
    ("daemon/rpc", "viewers may change things", "daemon/rpc/gate.c",
     "if (access_allows(viewer, NULL, method->access))", "if (viewer->role != ROLE_NONE)"),
    ("daemon/store_opener", "the store is tried once", "daemon/store_opener.c",
     "        loop_timer_start(opener->timer, opener->wait_ms, 0);\n", ""),
    ("tui", "of guests that are hidden nothing is said", "tui/question.c", "if (!one && hidden > 0)",
     "if (one && hidden > 0)"),
    ("tui/model", "the cursor stays in its place, not on its guest", "tui/model/guest_list.c",
     "list->cursor = row->rank;", "list->cursor = list->cursor;"),
    ("tui/view", "busy guests look like others", "tui/view/columns.c", "return percent >= 90 ? ROLE_WARN",
     "return percent >= 900 ? ROLE_WARN"),
    ("tui/cli", "GiB are taken for MiB", "src/units.c", '{"G", 1024}', '{"G", 1}'),
    ("web", "a session that broke is not come back to", "web/page.js",
     "        if (opened) {\n            broke(event);", "        if (!opened) {\n            broke(event);"),
]


def run(*words, **how):
    return subprocess.run([str(word) for word in words], check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, **how).returncode


def failures(build):
    """name and end (seconds since 1970) of the tests that said something, the first first."""
    log = build / "meson-logs" / "plants.json"
    tests = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return sorted((test["starttime"] + test["duration"], test["name"].split(" / ")[-1]) for test in tests
                  if test["result"] not in ("OK", "EXPECTEDFAIL", "SKIP"))


def found(build, suite):
    """Seconds from the beginning of the build to the first that says so, and who does."""
    begun = time.time()
    if run("ninja", "-C", build):
        return time.time() - begun, ["the compiler"]
    (build / "meson-logs" / "plants.json").unlink(missing_ok=True)
    run("meson", "test", "-C", build, "--no-rebuild", "--logbase", "plants", "--suite", suite)
    said = failures(build)
    return (said[0][0] - begun if said else 0), [name for _, name in said]


def clone_of(root, folder):
    """What is committed in `root`, built: a clone that is there is brought to it."""
    clone, build = folder / "lodge", folder / "build"
    if not clone.exists():
        must("git", "clone", "-q", root, clone)
        must("meson", "setup", build, clone, "-Dfailpoints=true", "-Dtests=enabled", "-Dwerror=false")
    must("git", "-C", clone, "fetch", "-q", root, "HEAD")
    must("git", "-C", clone, "reset", "-q", "--hard", "FETCH_HEAD")
    must("ninja", "-C", build)
    return clone, build


def must(*words):
    if run(*words):
        sys.exit(f"{' '.join(str(word) for word in words)} failed")


def row(clone, build, plant, always):
    """One plant's line of the table, and whether somebody has found it who is not in `always`."""
    room, fault, name, there, instead = plant
    path = clone / name
    text = path.read_text(encoding="utf-8")
    if text.count(there) != 1:
        return f"| `{room}` | {fault} | | its place is gone from {name} |", False
    path.write_text(text.replace(there, instead), encoding="utf-8")
    try:
        seconds, names = found(build, "browser" if room == "web" else "fast")
    finally:
        path.write_text(text, encoding="utf-8")
    names = [name for name in names if name not in always]
    said = ", ".join(f"`{name}`" for name in names[:4]) + (f" and {len(names) - 4} more" if names[4:] else "")
    return f"| `{room}` | {fault} | {f'{seconds:.0f}' if names else '–'} | {said or '**nobody**'} |", bool(names)


def main():
    words = sys.argv[1:]
    folder = pathlib.Path(words.pop(0) if words and "/" in words[0] else tempfile.mkdtemp(prefix="plants-"))
    clone, build = clone_of(pathlib.Path(__file__).resolve().parent.parent, folder)
    chosen = [plant for plant in PLANTS if not words or any(word in plant[0] for word in words)]
    always = [name for suite in sorted({"browser" if plant[0] == "web" else "fast" for plant in chosen})
              for name in found(build, suite)[1]]
    if always:
        print(f"fail without a plant, and are not counted: {', '.join(always)}", flush=True)
    print("| room | fault | seconds | said by |\n|---|---|---|---|")
    missed = 0
    for plant in chosen:
        line, was_found = row(clone, build, plant, always)
        print(line, flush=True)
        missed += not was_found
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
