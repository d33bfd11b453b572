"""planted: a test program with a fault in it, run as meson would run one.

    done = planted.run(PROGRAM, folder, "lodged", words)   # done.returncode, done.stdout

PROGRAM is Python; `support`, the first of its arguments, is where `promise` and `world` are. What it keeps of its
failure is in `folder`: it is no failure of ours.
"""

import os
import pathlib
import subprocess
import sys

SUPPORT = pathlib.Path(__file__).resolve().parent


def run(program, folder, *words):
    return subprocess.run([sys.executable, "-c", program, SUPPORT, *words], check=False,
                          env={**os.environ, "LODGE_FAILED": str(folder), "TEST_TIMES": "1"}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=90)
