"""Tests of :mod:`benchmarks.slowdisk`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.servers import NotHere
from benchmarks.slowdisk import SlowDisk, within
from tests.support.programs import missing

_SYNC = "import os, sys; fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT); os.fsync(fd); os.fdatasync(fd)"


class Slow(SynchronousTestCase):
    """A program on it."""

    def test_counted(self) -> None:
        """Each fsync and fdatasync of each process counts, and takes so much more."""
        directory = Path(self.mktemp())
        try:
            disk = SlowDisk.made(directory.absolute(), 100)
        except NotHere as reason:
            missing(str(reason))
        with disk.counted() as count:
            for number in (1, 2):
                since = time.monotonic()
                with within(disk.surroundings):
                    subprocess.run([sys.executable, "-c", _SYNC, str(directory / "file")], check=True)
                self.assertEqual(count(), 2 * number)
                self.assertGreaterEqual(time.monotonic() - since, 0.2)

    def test_within(self) -> None:
        """The environment is as it was."""
        before = dict(os.environ)
        with within({"PATH": "elsewhere", "NOBODY_HAS": "5"}):
            self.assertEqual((os.environ["PATH"], os.environ["NOBODY_HAS"]), ("elsewhere", "5"))
        self.assertEqual(dict(os.environ), before)
