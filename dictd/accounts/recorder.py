"""The history: rows committed in natural groups, answers that wait for their row.

While one commit is under way the next group collects; no timer. A row is
answered for once it is committed. What cannot be said in time is said
honestly: the row may still be committed, but it is not confirmed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.accounts.commons import Commons
from dictd.errors import AccountsUnavailable
from dictd.lexicon import folding
from dictd.model import LONGEST_WORD, LookUp, User
from dictd.store.history import HistoryQueries
from dictd.store.pool import Pool

#: 2025-01-01 UTC in milliseconds: row ids count from here.
EPOCH = 1_735_689_600_000
#: How long to wait before a failed commit is tried again, seconds.
RETRY = 0.5


def key_of(word: str) -> bytes:
    """The key under which a word is found in the history, however it was spelled."""
    return folding.key(folding.exact(word[:LONGEST_WORD]))


def row_id(now: int, worker: int, counter: int) -> int:
    """``milliseconds since 2025 << 22 | worker << 12 | counter``."""
    return (now - EPOCH) << 22 | worker << 12 | counter


@define
class RowIds:
    """Row ids of one worker: each higher than the last, also when the clock goes back.

    :param last: the highest id there is in the store.
    """

    worker: int
    last: int = 0

    def next(self, now: int) -> int:
        """An id for a row made at ``now``, milliseconds since 1970."""
        fresh = row_id(now, self.worker, 0)
        last = self.last
        if fresh <= last:
            milliseconds, counter = last >> 22, (last & 0xFFF) + 1
            if counter > 0xFFF or (last >> 12 & 0x3FF) != self.worker:
                milliseconds, counter = milliseconds + 1, 0
            fresh = milliseconds << 22 | self.worker << 12 | counter
        self.last = fresh
        return fresh


@define(eq=False)
class _Waiting:
    """A row and the answer that waits for it."""

    row: LookUp
    since: float
    kept: Deferred[bool]


@define(eq=False)
class Recorder:
    """Takes look-ups of logged-in users and says when they are kept.

    :param clock: a reactor or a ``Clock``.
    :param wall: seconds since 1970.
    :param most_rows: rows in one commit; ``most_waiting``: rows that wait at all.
    :param patience: seconds an answer waits before it is not confirmed.
    """

    _pool: Pool
    _queries: HistoryQueries
    _row_ids: RowIds
    _clock: Any
    _wall: Callable[[], float]
    _commons: Commons
    most_rows: int = 256
    most_waiting: int = 4096
    patience: float = 2.0
    _queue: deque[_Waiting] = field(factory=deque, init=False)
    _flight: list[_Waiting] = field(factory=list, init=False)
    _flying: bool = field(default=False, init=False)
    _failing: bool = field(default=False, init=False)
    _landings: list[Deferred[None]] = field(factory=list, init=False)
    _patience_timer: Any = field(default=None, init=False)
    _retry_timer: Any = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)
    log = Logger()

    def record(self, user: User, word: str, dictionary: str, found: int) -> Deferred[bool]:
        """Keep one look-up.

        :param dictionary: the first that had the word; on a miss the one asked.
        :param found: number of definitions.
        :returns: fires with True once the row is committed, with False when
            that cannot be said in time.
        """
        kept: Deferred[bool] = Deferred()
        if self._stopped or self.waiting >= self.most_waiting:
            kept.callback(False)
            return kept
        now = int(self._wall() * 1000)
        row = LookUp(user.id, self._row_ids.next(now), now, word[:LONGEST_WORD], key_of(word), dictionary, found)
        self._queue.append(_Waiting(row, self._clock.seconds(), kept))
        if self._patience_timer is None:
            self._patience_timer = self._clock.callLater(self.patience, self._lose_patience)
        if self._failing:
            self._answer(self._queue[-1], False)
        elif not self._flying:
            self._take_off()
        return kept

    async def newest(self, user: User, count: int, word: str | None) -> list[LookUp]:
        """The latest look-ups of a user, newest first; only those of a word where one is given."""
        k = None if word is None else key_of(word)
        return await self._pool.run(self._queries.newest, user.id, count, k)

    async def forget(self, user: User, word: str | None) -> int:
        """Delete a word, or all, from a user's history, with what is still on its way; how many rows."""
        k = None if word is None else key_of(word)
        on_its_way = await self.take_back(user.id, k) + await self._commons.take_back(user.id, k)
        return on_its_way + await self._pool.run(self._queries.forget, user.id, k)

    async def take_back(self, user_id: int, k: bytes | None) -> int:
        """Take rows back that are on their way here, and see those out that are being committed."""
        on_its_way = self.drop(user_id, k)
        if self._flying:
            await self._landed()
        return on_its_way

    def drop(self, user_id: int, k: bytes | None) -> int:
        """Take rows back that are not committed; how many had not even begun to be."""

        def unwanted(waiting: _Waiting) -> bool:
            return waiting.row.user_id == user_id and k in (None, waiting.row.k)

        dropped = [waiting for waiting in self._queue if unwanted(waiting)]
        for waiting in dropped:
            self._queue.remove(waiting)
        # A flight that fails is tried again later: not with these.
        in_flight = [waiting for waiting in self._flight if unwanted(waiting)]
        for waiting in in_flight:
            self._flight.remove(waiting)
        for waiting in (*dropped, *in_flight):
            self._answer(waiting, False)
        return len(dropped) + (0 if self._flying else len(in_flight))

    async def flush(self) -> None:
        """Return once nothing waits any more; gives up on a store that fails."""
        while self._flying:
            await self._landed()

    def stop(self) -> None:
        """Answer what still waits, begin nothing more, and let no timer run on."""
        self._stopped = True
        for waiting in (*self._flight, *self._queue):
            self._answer(waiting, False)
        for timer in (self._patience_timer, self._retry_timer):
            if timer is not None:
                timer.cancel()
        self._patience_timer = self._retry_timer = None

    @property
    def waiting(self) -> int:
        """Rows that are not committed."""
        return len(self._queue) + len(self._flight)

    def _landed(self) -> Deferred[None]:
        """Fires when the flight that is under way has ended."""
        landed: Deferred[None] = Deferred()
        self._landings.append(landed)
        return landed

    def _take_off(self) -> None:
        """Start a commit of what waits, if anything does."""
        self._retry_timer = None
        if self._stopped:
            return
        if not self._flight:
            self._flight = [self._queue.popleft() for _ in range(min(self.most_rows, len(self._queue)))]
        if self._flight:
            self._flying = True
            Deferred.fromCoroutine(self._commit()).addErrback(
                lambda failure: self.log.failure("the history stopped", failure=failure)
            )
        else:
            self._failing = False

    async def _commit(self) -> None:
        rows = sorted([waiting.row for waiting in self._flight], key=lambda row: (row.user_id, row.rid))
        try:
            await self._pool.run(self._queries.keep, rows)
        except AccountsUnavailable:
            self._flying = False
            self._fail()
        except Exception:  # noqa: BLE001 - logged with its traceback; the service goes on
            # Not the store's fault, so another try would end the same way for ever.
            self.log.failure("{count} history rows could not be kept", count=len(rows))
            self._land(kept=False)
        else:
            self._failing = False
            self._land(kept=True)
        landings, self._landings = self._landings, []
        for landed in landings:
            landed.callback(None)

    def _land(self, kept: bool) -> None:
        self._flying = False
        landed, self._flight = self._flight, []
        for waiting in landed:
            self._answer(waiting, kept)
        # Answers may have brought new look-ups, which took off by themselves.
        if not self._flying:
            self._take_off()

    def _fail(self) -> None:
        """The store is away: say at once that nothing is confirmed, keep the rows, try again."""
        self._failing = True
        for waiting in (*self._flight, *self._queue):
            self._answer(waiting, False)
        if not self._stopped:
            self._retry_timer = self._clock.callLater(RETRY, self._take_off)

    def _lose_patience(self) -> None:
        self._patience_timer = None
        now = self._clock.seconds()
        unanswered = [waiting for waiting in (*self._flight, *self._queue) if not waiting.kept.called]
        late = [waiting for waiting in unanswered if now - waiting.since >= self.patience]
        if len(late) < len(unanswered):
            oldest = min(waiting.since for waiting in unanswered if now - waiting.since < self.patience)
            self._patience_timer = self._clock.callLater(oldest + self.patience - now, self._lose_patience)
        for waiting in late:
            self._answer(waiting, False)

    @staticmethod
    def _answer(waiting: _Waiting, kept: bool) -> None:
        if not waiting.kept.called:
            waiting.kept.callback(kept)
