"""One file of the history's spool: a header, then a row a line, each with a checksum in front.

What a crash tore, and what a disk spoiled, is recognised by that and skipped.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from errno import ENOENT
from pathlib import Path
from threading import Lock
from zlib import crc32

from attrs import define, field

from dictd.model import LookUp

#: Version of the format, in the first line of each file.
FORMAT = 1
_PIECE = 1 << 16
#: No row is longer, with all its escapes; what is, is none.
_LONGEST_LINE = 1 << 16
_MAKE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
#: Not blocking: it might be a pipe that somebody put there.
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def line_of(row: LookUp) -> bytes:
    """A row as it stands in a file: CRC-32, blank, JSON."""
    return _line([row.user_id, row.rid, row.time, row.word, row.k.hex(), row.dictionary, row.found])


def row_of(line: bytes) -> LookUp | None:
    """The row of a line without its end; ``None`` where it is damaged."""
    if not _whole(line):
        return None
    try:
        user_id, rid, when, word, k, dictionary, found = json.loads(line[9:])
        return LookUp(user_id, rid, when, word, bytes.fromhex(k), dictionary, found)
    except (ValueError, TypeError):
        return None


def sync(directory: Path) -> None:
    """See on the disk which files a directory has."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(content: object) -> bytes:
    text = json.dumps(content, separators=(",", ":")).encode("ascii")
    return b"%08x %b\n" % (crc32(text), text)


def _whole(line: bytes) -> bool:
    """Whether a line is as it was written."""
    return line[8:9] == b" " and len(line) <= _LONGEST_LINE and line[:8] == b"%08x" % crc32(line[9:])


def _format(line: bytes) -> int | None:
    """The version that a first line tells; ``None`` where it is damaged."""
    if not _whole(line):
        return None
    header = json.loads(line[9:])
    return int(header["history"]) if isinstance(header, dict) else None


HEADER = _line({"history": FORMAT})


@define(eq=False)
class SpoolFile:
    """One file, locked by this process.

    :ivar octets: how long it is, as far as it counts.
    :ivar users: how many of its rows are whose; ``last``: the highest row id, of a file that was counted.
    :ivar spoiled: nothing may be added any more.
    :ivar moved: its rows are in another file too.
    """

    path: Path
    _descriptor: int
    octets: int = field(default=0, init=False)
    users: Counter[int] = field(factory=Counter, init=False)
    last: int = field(default=0, init=False)
    spoiled: bool = field(default=False, init=False)
    moved: bool = field(default=False, init=False)
    #: A descriptor that is closed may be another file already, so nobody reads while it is closed.
    _lock: Lock = field(factory=Lock, init=False)

    @classmethod
    def made(cls, path: Path) -> SpoolFile | None:
        """A new file with its header.

        :returns: ``None`` where somebody took it at once for one that a dead process left.
        :raises OSError: it cannot be made.
        """
        file = cls(path, os.open(path, _MAKE, 0o600))
        try:
            if file._locked():
                file.write(HEADER)
                return file
        except OSError:
            with suppress(OSError):
                path.unlink()
            file.close()
            raise
        file.close()
        return None

    @classmethod
    def taken(cls, path: Path) -> SpoolFile | None:
        """A file that another process left, not yet counted; ``None`` where it is nobody's to take.

        :raises OSError: it cannot be opened.
        """
        try:
            descriptor = os.open(path, _OPEN)
        except FileNotFoundError:
            return None
        file = cls(path, descriptor)
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and file._locked():
            file.octets = found.st_size
            return file
        file.close()
        return None

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.users.total()

    def write(self, block: bytes) -> None:
        """Add whole lines and see them on the disk, or leave the file as it was.

        :raises OSError: nothing of it counts.
        """
        written = False
        try:
            rest = memoryview(block)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
            written = True
            os.fdatasync(self._descriptor)
            if self.gone():
                raise FileNotFoundError(ENOENT, "it has been deleted", str(self.path))
        except OSError:
            # After a sync that failed another may succeed and mean nothing.
            self.spoiled = written
            try:
                os.ftruncate(self._descriptor, self.octets)
            except OSError:
                self.spoiled = True  # its last line may be torn: nothing may follow it
            raise
        self.octets += len(block)

    def gone(self) -> bool:
        """Whether somebody has deleted it: what is in it ends with this process."""
        with self._lock:
            return self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink == 0

    def count(self) -> int | None:
        """Learn whose its rows are.

        :returns: the version of its format, ``None`` where that is damaged;
            of a newer one than :data:`FORMAT` nothing is counted.
        :raises OSError: it cannot be read.
        """
        lines = self._lines()
        version = _format(next(lines, b""))
        if version is None or version <= FORMAT:
            for line in lines:
                if _whole(line):
                    with suppress(ValueError):
                        user_id, rid, _ = line[10:].split(b",", 2)
                        self.last = max(self.last, int(rid))
                        self.users[int(user_id)] += 1
        return version

    def read(self) -> Iterator[LookUp | None]:
        """All rows, in order, ``None`` for each damaged line.

        :raises OSError: it cannot be read.
        """
        lines = self._lines()
        if _format(next(lines, b"")) is None:
            yield None
        yield from map(row_of, lines)

    def close(self) -> None:
        """Give it up: whoever finds it may take it."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _locked(self) -> bool:
        """Lock it for this process, unless another has it or had it just now and is done with it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return not self.gone()

    def _lines(self) -> Iterator[bytes]:
        """All lines without their ends, the last also where it has none."""
        offset, rest = 0, b""
        while piece := self._piece(offset):
            offset += len(piece)
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            rest = rest[: _LONGEST_LINE + 1]
        if rest:
            yield rest

    def _piece(self, offset: int) -> bytes:
        with self._lock:
            return os.pread(self._descriptor, _PIECE, offset) if self._descriptor >= 0 else b""
