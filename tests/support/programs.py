"""Real programs that tests talk to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from twisted.trial.unittest import SkipTest

#: Where this checkout is.
CHECKOUT = Path(__file__).resolve().parents[2]
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def program(name: str) -> str:
    """The path of a program.

    :raises SkipTest: it is not installed; with ``CI=true`` that is a failure.
    """
    path = shutil.which(name, path=_PATH)
    if path is None:
        missing(f"{name} is not installed; make programs installs it where it may")
    return path


def missing(what: str) -> NoReturn:
    """A real part of a test is not there.

    :raises SkipTest: with what is missing; with ``CI=true`` that is a failure.
    """
    if os.environ.get("CI") == "true":
        raise AssertionError(what)
    raise SkipTest(what)


def run(command: Sequence[str], sent: bytes = b"", seconds: float = 30) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end."""
    return subprocess.run(command, input=sent, capture_output=True, timeout=seconds, check=False)


def environment() -> dict[str, str]:
    """For our own programs: this checkout, no settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DICTD_")}
    # Servers of several tests run side by side, and the port of the metrics is a fixed one.
    return kept | {"PYTHONPATH": str(CHECKOUT), "PYTHONWARNINGS": "default", "DICTD_METRICS_ENABLED": "false"}


def dictctl(state: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """``dictctl`` of this checkout."""
    return subprocess.run(
        [sys.executable, "-m", "dictd.ctl", "--state-dir", str(state), *arguments],
        capture_output=True,
        timeout=120,
        check=False,
        # Whoever runs on the port of the settings is nobody's business here.
        env={**environment(), "DICTD_LISTEN_PORT": "0"},
    )
