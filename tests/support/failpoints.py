"""failpoints: what a lodged that was built with -Dfailpoints=true can be told to break."""

import functools
import os
import subprocess

import libvirtd as libvirtds
from world import LODGED


@functools.cache
def points():
    """As lodged lists them, from its recipes; none for one that was built without, which says there what
    it would run."""
    listed = subprocess.run([LODGED, "--check-config"], env={**os.environ, "LODGED_FAILPOINT": "list"}, text=True,
                            capture_output=True, timeout=30, check=False)
    words = listed.stdout.split()
    return words if "create.reserve" in words else []


def why_not():
    """What is missing to break a lodged on a private libvirtd, or None."""
    return libvirtds.why_not() or (None if points() else "needs a lodged with fail points")
