"""The spool: files in which rows of the history wait for a store that is away.

A file has one writer, the process that made it, which holds a lock on it as
long as it lives. What dead processes left is taken over by whoever finds it.
Everything here blocks, so it runs on threads.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

from attrs import define, field

from dictd.accounts import otherstores
from dictd.accounts.spoolfile import FORMAT, HEADER, SpoolFile, line_of, sync
from dictd.model import LookUp

SUFFIX = ".rows"


class SpoolFull(Exception):
    """No more rows may wait on the disk."""


@define(eq=False)
class Spool:
    """The files of this process.

    Nothing of the rows is kept in memory but how many are whose.

    :param directory: made when it is needed.
    :param most: octets that all files together may have, those taken over too.
    :ivar waiting: rows in files that are not replayed.
    :ivar damaged: lines that were skipped, since the process began.
    """

    directory: Path
    most: int
    waiting: int = field(default=0, init=False)
    damaged: int = field(default=0, init=False)
    _users: Counter[int] = field(factory=Counter, init=False)
    _octets: int = field(default=0, init=False)
    _present: SpoolFile | None = field(default=None, init=False)
    _sealed: list[SpoolFile] = field(factory=list, init=False)
    #: Names of files that this process does not touch, or not again.
    _left: set[str] = field(factory=set, init=False)
    _remarks: list[str] = field(factory=list, init=False)
    _looked_beside: set[Path] = field(factory=set, init=False)
    _last_name: int = field(default=0, init=False)
    _closed: bool = field(default=False, init=False)
    _lock: Lock = field(factory=Lock, init=False)
    #: Whoever looks for files waits for who looks already: a file that is being counted is nobody's yet.
    _looking: Lock = field(factory=Lock, init=False)

    def append(self, rows: Sequence[LookUp]) -> None:
        """Write rows; all of them are on the disk when this returns, none counts when it raises.

        :raises SpoolFull: there is no room.
        :raises OSError: the disk is full, cannot be written, ...
        """
        block = b"".join(map(line_of, rows))
        with self._lock:
            needed = len(block) + (0 if self._present else len(HEADER))
            if self._closed or self._octets + needed > self.most:
                raise SpoolFull(f"{self._octets} octets wait already")
            users = Counter(row.user_id for row in rows)
            self._move()
            try:
                self._add(block, users)
            except FileNotFoundError:  # deleted just now
                self._move()
                self._add(block, users)
            self._users.update(users)
            self.waiting += len(rows)

    def sealed(self) -> list[SpoolFile]:
        """Take the present file out of use, take over what dead processes left; all that is to be replayed.

        Files of dead processes are read once for it, to know what is in them.

        :returns: oldest first.
        """
        with self._lock:
            self._seal()
        with self._looking:
            self._take_over()
            self._look_beside()
        with self._lock:
            return sorted(self._sealed, key=lambda file: file.path.name)

    def batches(self, file: SpoolFile, count: int) -> Iterator[list[LookUp]]:
        """The rows of a file, so many at a time, in order; damaged lines are skipped.

        :raises OSError: the disk cannot be read.
        """
        if not file.moved and file.gone():
            with self._lock:
                self._move()
        batch: list[LookUp] = []
        for row in file.read():
            if file.moved:
                return
            if row is None:
                self.damaged += 1
                continue
            batch.append(row)
            if len(batch) == count:
                yield batch
                batch = []
        if batch:
            yield batch

    def done(self, file: SpoolFile) -> None:
        """All rows of a file are in the store: remove it.

        :raises OSError: it cannot be removed; see :meth:`leave`.
        """
        with suppress(FileNotFoundError):
            file.path.unlink()
        with suppress(FileNotFoundError):  # the directory too may have been deleted
            sync(self.directory)
        self._part_with(file)

    def leave(self, file: SpoolFile) -> None:
        """Do not touch a file any more while this process lives."""
        self._left.add(file.path.name)
        self._part_with(file)

    def close(self) -> None:
        """Write and read nothing more; whoever looks for files of dead processes has these."""
        with self._lock:
            self._closed = True
            self._seal()
            for file in self._sealed:
                file.close()
            self._sealed.clear()

    def waiting_of(self, user_id: int) -> int:
        """Rows of a user in files that are not replayed."""
        return self._users.get(user_id, 0)

    def remarks(self) -> list[str]:
        """What the log should say of files that are left alone, each time only what is new."""
        remarks, self._remarks = self._remarks, []
        return remarks

    def _add(self, block: bytes, users: Counter[int]) -> None:
        """Write lines into the present file."""
        file = self._present or self._make()
        before = file.octets
        try:
            file.write(block)
        except OSError:
            if file.spoiled:
                self._seal()
            raise
        file.users.update(users)
        self._octets += file.octets - before

    def _move(self) -> None:
        """Write the rows of files that somebody has deleted anew, as long as they can be read.

        The files stay among those that are replayed; one that is moved has nothing left to replay,
        and what could not be moved is replayed from where it is.
        """
        if self._closed:
            return
        if self._present and self._present.gone():
            self._seal()
        for file in [file for file in self._sealed if not file.moved and file.gone()]:
            rows = [row for row in file.read() if row is not None]
            users = Counter(row.user_id for row in rows)
            try:
                self._add(b"".join(map(line_of, rows)), users)
            except OSError:
                return
            file.moved = True
            self.waiting += len(rows) - file.rows
            self._users.update(users)
            self._users -= file.users
            self._octets -= file.octets
            file.users, file.octets = Counter(), 0

    def _make(self) -> SpoolFile:
        """A new present file, that no crash takes away."""
        self._prepare()
        file = None
        while file is None:
            self._last_name = max(self._last_name + 1, time.time_ns())
            name = f"{self._last_name:019}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
            file = SpoolFile.made(self.directory / name)
        self._present = file
        self._octets += file.octets
        try:
            sync(self.directory)
        except OSError:
            self._seal()
            raise
        return file

    def _prepare(self) -> None:
        """The directory, for this user alone."""
        try:
            mode = os.stat(self.directory).st_mode
        except FileNotFoundError:
            missing = [path for path in (self.directory, *self.directory.parents) if not path.exists()]
            for path in reversed(missing):
                path.mkdir(mode=0o700, exist_ok=True)
                sync(path.parent)
        else:
            if stat.S_IMODE(mode) & 0o077:
                self.directory.chmod(0o700)

    def _seal(self) -> None:
        file, self._present = self._present, None
        if file is None:
            return
        if file.users:
            self._sealed.append(file)
            return
        self._octets -= file.octets
        with suppress(OSError):
            file.path.unlink()
        file.close()

    def _part_with(self, file: SpoolFile) -> None:
        with self._lock:
            if file in self._sealed:
                self._sealed.remove(file)
                self._octets -= file.octets
                self.waiting -= file.rows
                self._users -= file.users
            file.close()

    def _take_over(self) -> None:
        """Lock and count files of dead processes, as long as there is room."""
        try:
            names = sorted(name for name in os.listdir(self.directory) if name.endswith(SUFFIX))
        except FileNotFoundError:
            return
        except OSError as error:
            self._remark(self.directory, error.strerror)
            return
        with self._lock:
            own = {file.path.name for file in (*self._sealed, self._present) if file}
        for name in names:
            if name not in own and name not in self._left and not self._take(self.directory / name):
                return

    def _take(self, path: Path) -> bool:
        """Take a file over, if it is free; whether there is room for more."""
        file = None
        try:
            file = SpoolFile.taken(path)
            if file is None:
                return True
            if self._octets and self._octets + file.octets > self.most:
                file.close()
                return False
            version = file.count()
        except OSError as error:
            self._remark(path, error.strerror)
            if file:
                file.close()
            return True
        if version is not None and version > FORMAT:
            self._remark(path, "a newer dictd wrote it")
            file.close()
            return True
        with self._lock:
            if self._closed:
                file.close()
                return False
            self._sealed.append(file)
            self._octets += file.octets
            self.waiting += file.rows
            self._users.update(file.users)
        return True

    def _look_beside(self) -> None:
        """Say once which rows no process brings home that has this store."""
        if self.directory not in self._looked_beside:
            self._looked_beside.add(self.directory)
            for path, rows in otherstores.waiting(self.directory).items():
                self._remarks.append(f"{rows} rows of the history in {path} wait for another store than this")

    def _remark(self, path: Path, why: str | None) -> None:
        if path.name not in self._left:
            self._left.add(path.name)
            self._remarks.append(f"rows of the history are left in {path}: {why}")
