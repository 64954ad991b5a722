"""Rows of the history on their way, the answers that wait for them, and how long those do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred

from dictd.model import LookUp


@define(eq=False)
class Waiting:
    """A row and the answer that waits for it.

    :ivar since: when it was asked, seconds.
    :ivar begun: a commit of it is under way.
    :ivar safe: it is in the store, or in the spool after all.
    :ivar alone: the store refused a group that it was in: it is committed by itself.
    """

    row: LookUp
    since: float
    kept: Deferred[bool] = field(factory=Deferred)
    begun: bool = False
    safe: bool = False
    alone: bool = False

    def answer(self, kept: bool) -> None:
        """Say whether it is kept; only the first answer is heard."""
        if not self.kept.called:
            self.kept.callback(kept)


@define(eq=False)
class Group:
    """Rows that are written together.

    :ivar since: when that began, seconds.
    :ivar probe: it finds out whether the store is back.
    :ivar overdue: its rows were given back, to be kept elsewhere.
    :ivar size: how many rows it began with.
    """

    rows: list[Waiting]
    since: float
    probe: bool = False
    overdue: bool = False
    size: int = field(init=False)
    _ends: list[Deferred[None]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.size = len(self.rows)

    def look_ups(self) -> list[LookUp]:
        """Its rows in the order of the table, so that commits of several workers lock in one order."""
        return sorted([waiting.row for waiting in self.rows], key=lambda row: (row.user_id, row.rid))

    def end(self) -> Deferred[None]:
        """Fires when it has ended, well or not."""
        ended: Deferred[None] = Deferred()
        self._ends.append(ended)
        return ended

    def ended(self) -> None:
        """It has."""
        ends, self._ends = self._ends, []
        for end in ends:
            end.callback(None)


@define(eq=False)
class Alarm:
    """One timer for many that are each allowed the same time.

    :param clock: a reactor or a ``Clock``.
    :param allowed: seconds.
    :param times: since when those wait that still do.
    :param late: called when one or more have waited too long; after it they wait no more.
    """

    _clock: Any
    allowed: float
    _times: Callable[[], Iterable[float]]
    _late: Callable[[float], None]
    _timer: Any = field(default=None, init=False)

    def set(self) -> None:
        """Somebody waits from now on."""
        if self._timer is None:
            self._timer = self._clock.callLater(self.allowed, self._ring)

    def cancel(self) -> None:
        """Nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        times = list(self._times())
        in_time = [since for since in times if now - since < self.allowed]
        if in_time:
            self._timer = self._clock.callLater(min(in_time) + self.allowed - now, self._ring)
        if len(in_time) < len(times):
            self._late(now)
