"""Groups of rows go into the spool, one after the other, on a thread."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.accounts.spool import Spool, SpoolFull
from dictd.accounts.waiting import Group, Waiting

#: How long the end of the process waits for the disk, seconds.
LAST = 0.5


@define(eq=False)
class Spooling:
    """One group at a time; what comes meanwhile is the next.

    :param in_thread: calls a function on a thread, with arguments.
    :param ended: called with a group and whether it is on the disk.
    :ivar group: what is under way; one that is overdue has given its rows back, and no other begins before it ends.
    """

    spool: Spool
    in_thread: Callable[..., Deferred[Any]]
    _ended: Callable[[Group, bool], None]
    group: Group | None = field(default=None, init=False)
    _refused: bool = field(default=False, init=False)
    _told_of_use: bool = field(default=False, init=False)
    _told_of_refusal: bool = field(default=False, init=False)
    log = Logger()

    @property
    def refused(self) -> bool:
        """Whether the spool took nothing, or its disk hangs: it shall not be asked."""
        return self._refused or self.hangs

    @property
    def hangs(self) -> bool:
        """Whether the disk takes longer over a group than anybody waits."""
        return self.group is not None and self.group.overdue

    def begin(self, group: Group) -> None:
        """Write a group."""
        self.group = group
        Deferred.fromCoroutine(self._write(group)).addErrback(
            lambda failure: self.log.failure("the spool of the history stopped", failure=failure)
        )

    def give_up(self, begun: float) -> list[Waiting]:
        """Rows of the group that is under way, if that was begun by then: they may be kept elsewhere."""
        group = self.group
        if group is None or group.overdue or group.since > begun:
            return []
        group.overdue = True
        self._tell_of_refusal(TimeoutError("its disk does not answer in time"))
        return group.rows

    def hope(self) -> None:
        """What was refused may be taken now."""
        self._refused = False

    def calm(self) -> None:
        """The store works: what was said once is worth saying the next time."""
        self._refused = self._told_of_refusal = False
        if not self.spool.waiting:
            self._told_of_use = False

    def write_last(self, rows: list[Waiting], size: int) -> None:
        """Keep what would be lost with this process, so many at a time, and close the spool, unless the disk hangs."""
        kept: list[Waiting] = []
        errors: list[Exception] = []

        def write() -> None:
            try:
                for first in range(0, len(rows), size):
                    some = rows[first : first + size]
                    self.spool.append([waiting.row for waiting in some])
                    kept.extend(some)
            except (SpoolFull, OSError) as error:
                errors.append(error)
            finally:
                self.spool.close()

        # A disk that hangs shall not hang the reactor, nor the end of the process.
        thread = Thread(target=write, name="last of the spool", daemon=True)
        thread.start()
        thread.join(LAST)
        if thread.is_alive():
            errors.append(TimeoutError("the disk of the spool does not answer in time"))
        done = list(kept)
        for waiting in done:
            waiting.answer(True)
        if errors and len(done) < len(rows):
            lost = len(rows) - len(done)
            self.log.warn("{count} rows of the history may be lost: {error}", count=lost, error=str(errors[0]))

    async def _write(self, group: Group) -> None:
        try:
            await self.in_thread(self.spool.append, [waiting.row for waiting in group.rows])
        except Exception as error:  # noqa: BLE001 - it is said, and the rows wait on
            self._tell_of_refusal(error)
            self.group, self._refused = None, True
            self._ended(group, False)
        else:
            if not self._told_of_use:
                self._told_of_use = True
                self.log.warn("the store is away: the history is kept in {path}", path=str(self.spool.directory))
            self.group = None
            self._ended(group, True)

    def _tell_of_refusal(self, error: Exception) -> None:
        if self._told_of_refusal:
            return
        self._told_of_refusal = True
        if isinstance(error, SpoolFull):
            self.log.warn("the spool of the history is full, new rows are not confirmed: {error}", error=str(error))
        elif isinstance(error, OSError):
            self.log.warn(
                "the spool of the history cannot be written, new rows are not confirmed: {error}", error=str(error)
            )
        else:
            self.log.failure("the spool of the history cannot be written, new rows are not confirmed")
