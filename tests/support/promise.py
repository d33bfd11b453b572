"""promise: runs unittest cases and prints each as the promise that it holds.

A test's name is a sentence; `N passed, N failed` is the last line. Exit code 77 when all had to be
skipped, which meson counts as such. With `--within=SECONDS` (times TEST_TIMES, where tests have as many
times the time) what has not ended by then fails while it can still be seen what it waits for: whoever
kills it leaves nothing to be understood by.
"""

import os
import sys
import threading
import time
import traceback
import unittest

import evidence
import said
import sanitizers
from world import World

SKIPPED = 77


def sentence(test):
    name = test.id()
    if not name.startswith("setUpClass"):
        name = name.rsplit(".", 1)[-1]
    return name.removeprefix("test_").replace("_", " ")


class NoTest:
    @staticmethod
    def id():
        return "between its tests"


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = 0
        self.begun = 0.0
        self.running = NoTest

    def startTest(self, test):
        super().startTest(test)
        self.begun = time.monotonic()
        self.running = test

    def say(self, mark, test, detail=""):
        took = time.monotonic() - self.begun
        print(f"{mark:7} {sentence(test)} ({took:.2f} s){detail}", flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1
        self.say("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.complain(test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.complain(test, self.errors[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("skipped", test, f": {reason}")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            print(f"        with {subtest._subDescription()}:")
            self.complain(test, self._exc_info_to_string(err, test))

    def complain(self, test, text):
        self.say("FAILED", test)
        print("\n".join("    " + line for line in text.splitlines()))
        folder = evidence.keep(test.id().removeprefix('__main__.'), text, World.alive)
        for world in World.alive:
            print(world.report())
        print(f"kept: {folder}", flush=True)

    def out_of_time(self, within):
        frames = sys._current_frames()  # pylint: disable=protected-access  # there is no public way
        stacks = ("".join(traceback.format_stack(frames[thread.ident]))
                  for thread in threading.enumerate() if thread.ident in frames)
        self.complain(self.running, f"it has not ended within {within} s\n" + "\n".join(stacks))
        os._exit(1)  # worlds end with whoever has opened them


def watch(result):
    within = [int(word.partition("=")[2]) for word in sys.argv[1:] if word.startswith("--within=")]
    if within:
        seconds = within[0] * int(os.environ.get("TEST_TIMES", 1))
        timer = threading.Timer(seconds, result.out_of_time, [seconds])
        timer.daemon = True
        timer.start()


def main():
    """Runs the cases of the calling program; words on its command line choose by substring."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    suite = unittest.TestSuite()
    for test in flatten(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])):
        if not words or any(word in test.id() for word in words):
            suite.addTest(test)
    said.listen()
    result = Result()
    watch(result)
    suite.run(result)
    failed = len(result.failures) + len(result.errors) + sanitizers.failures()
    print(f"{result.passed} passed, {failed} failed"
          + (f", {len(result.skipped)} skipped" if result.skipped else ""))
    if not failed and not result.passed and result.skipped:
        sys.exit(SKIPPED)
    sys.exit(1 if failed else 0)


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item
