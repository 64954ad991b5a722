"""The machine: its facts, and which core is whose."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

from dictd import __version__
from tests.support.programs import CHECKOUT


@frozen
class Cores:
    """Servers on one core, the load on the others: where there is only one they share it."""

    serving: frozenset[int]
    asking: frozenset[int]

    @classmethod
    def divided(cls, cores: set[int]) -> Cores:
        """The last one serves."""
        last = frozenset({max(cores)})
        return cls(last, frozenset(cores) - last or last)


CORES = Cores.divided(os.sched_getaffinity(0))


@contextmanager
def on(cores: frozenset[int]) -> Iterator[None]:
    """Run on these cores, and start processes that stay on them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@frozen
class Machine:
    """Where and when figures were measured, and of what.

    :ivar load: load average of the last minute before the first measurement.
    :ivar revision: the commit, with ``+`` where the checkout has changes.
    """

    when: str
    revision: str
    version: str
    cores: int
    processor: str
    kernel: str
    python: str
    load: float

    @classmethod
    def here(cls) -> Machine:
        """This one, now."""
        return cls(
            when=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            revision=_git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else ""),
            version=__version__,
            cores=len(os.sched_getaffinity(0)),
            processor=_processor(),
            kernel=f"{platform.system()} {platform.release()}",
            python=f"{platform.python_implementation()} {platform.python_version()}",
            load=round(os.getloadavg()[0], 2),
        )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    except OSError:
        return ""  # an archive of the sources, on a machine without git
    return done.stdout.strip()
