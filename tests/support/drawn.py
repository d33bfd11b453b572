"""What is drawn by lot instead of taken in full: some of many rounds, by a seed that is printed.

CRASHES_SEED=N draws the same again, CRASHES=all takes every one."""

import os
import random
import time

ALL = os.environ.get("CRASHES") == "all"
SEED = int(os.environ.get("CRASHES_SEED", time.time_ns() % 1_000_000))


def drawn(rounds, what, count):
    """So many of them, in their order; which ones depends on the seed and on what they are called."""
    rounds = list(rounds)
    count = len(rounds) if ALL else min(len(rounds), count)
    chosen = set(random.Random(f"{SEED} {what}").sample(range(len(rounds)), count))
    if count < len(rounds):
        print(f"CRASHES_SEED={SEED}: {count} of {len(rounds)}: {what}", flush=True)
    return [item for at, item in enumerate(rounds) if at in chosen]
