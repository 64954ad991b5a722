"""A disk whose syncs take longer, and are counted: a library that is loaded into whoever writes to it."""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from benchmarks.servers import compiled

_SOURCE = Path(__file__).with_name("fsync.c")
_COUNT = struct.Struct("Q")


@frozen
class SlowDisk:
    """The library, and the file in which it counts.

    :ivar more: milliseconds that each fsync and fdatasync takes more.
    """

    library: Path
    counts: Path
    more: float

    @classmethod
    def made(cls, directory: Path, more: float) -> SlowDisk:
        """Compile it.

        :raises NotHere: there is no compiler, or not Linux.
        """
        directory.mkdir(parents=True, exist_ok=True)
        library = compiled(_SOURCE, directory / "fsync.so", "the slow disk", "-shared", "-fPIC", "-ldl")
        counts = directory / f"syncs-{more:g}"
        counts.write_bytes(bytes(_COUNT.size))
        return cls(library, counts, more)

    @property
    def surroundings(self) -> Mapping[str, str]:
        """The environment in which a program has it."""
        return {"LD_PRELOAD": str(self.library), "FSYNC_COUNT": str(self.counts), "FSYNC_MS": f"{self.more:g}"}

    @contextmanager
    def counted(self) -> Iterator[Counter]:
        """How many syncs there have been, from now on."""
        with self.counts.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as shared:
            yield Counter(shared)


@frozen
class Counter:
    """Reads the count."""

    _shared: mmap.mmap

    def __call__(self) -> int:
        """All syncs so far, of every process that has the library."""
        (count,) = _COUNT.unpack_from(self._shared)
        return int(count)


@contextmanager
def within(surroundings: Mapping[str, str]) -> Iterator[None]:
    """Start processes with this in their environment."""
    before = {name: os.environ.get(name) for name in surroundings}
    os.environ.update(surroundings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
