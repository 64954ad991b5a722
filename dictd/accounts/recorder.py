"""The history: what users look up is recorded, read and forgotten.

A look-up is answered for once its row is committed, or, where the store is away
or slow, once it is in the spool. Rows are committed in natural groups: while as
many commits are under way as may be the next group collects; no timer. What
cannot be said in time is said honestly: the row may still be kept, but it is
not confirmed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred

from dictd.accounts.commons import Commons
from dictd.accounts.outbox import RETRY, Outbox
from dictd.accounts.rowids import RowIds
from dictd.accounts.spool import Spool
from dictd.accounts.waiting import Waiting
from dictd.lexicon import folding
from dictd.model import LONGEST_WORD, LookUp, User, row_id
from dictd.store.history import HIGHEST, SLICE, HistoryQueries
from dictd.store.pool import Pool

__all__ = ["LOOK_EVERY", "RETRY", "Recorder", "RowIds", "key_of"]

#: How often files of dead processes are looked for, seconds.
LOOK_EVERY = 10.0


def key_of(word: str) -> bytes:
    """The key under which a word is found in the history, however it was spelled."""
    return folding.key(folding.exact(word[:LONGEST_WORD]))


@define(eq=False)
class Recorder:
    """Takes look-ups of logged-in users and says when they are kept.

    :param clock: a reactor or a ``Clock``.
    :param wall: seconds since 1970.
    :param most_rows: rows in one commit; ``most_waiting``: rows that wait in memory at all.
    :param patience: seconds an answer waits before it is not confirmed.
    :param flights: commits that may be under way at once.
    :param spool: keeps rows while the store is away; without it they wait in memory, not confirmed.
    :param in_thread: calls a function on a thread, with arguments; a spool needs it.
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
    flights: int = 1
    _spool: Spool | None = None
    _in_thread: Callable[..., Deferred[Any]] | None = None
    _outbox: Outbox = field(init=False)
    _looked: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._outbox = Outbox(
            self._pool,
            self._queries,
            self._clock,
            self.most_rows,
            self.patience,
            self.flights,
            self._spool,
            self._in_thread,
            self._now,
            self._row_ids.above,
        )
        self._looked = self._clock.seconds()

    def record(self, user: User, word: str, dictionary: str, found: int) -> Deferred[bool]:
        """Keep one look-up.

        :param dictionary: the first that had the word; on a miss the one asked.
        :param found: number of definitions.
        :returns: fires with True once the row is committed or in the spool,
            with False when that cannot be said in time.
        """
        if self._outbox.stopped or self.waiting >= self.most_waiting or self._row_ids.worker < 0:
            refused: Deferred[bool] = Deferred()
            refused.callback(False)
            return refused
        now = self._now()
        row = LookUp(user.id, self._row_ids.next(now), now, word[:LONGEST_WORD], key_of(word), dictionary, found)
        waiting = Waiting(row, self._clock.seconds())
        self._outbox.add(waiting)
        return waiting.kept

    async def newest(self, user: User, count: int, word: str | None, before: int = HIGHEST) -> list[LookUp]:
        """The latest look-ups of a user, newest first; only those of a word where one is given.

        :param before: only rows with lower ids.
        """
        k = None if word is None else key_of(word)
        return await self._pool.run(self._queries.newest, user.id, count, k, self._now(), before)

    async def forget(self, user: User, word: str | None) -> int:
        """Delete a word, or all, from a user's history, with what is still on its way; how many rows."""
        k = None if word is None else key_of(word)
        on_its_way = await self.take_back(user.id, k) + await self._commons.take_back(user.id, k)
        await self._outbox.find()
        now = self._now()
        # Also what was made before the clock was put back, and nothing that is asked from now on.
        self._row_ids.above(row_id(now + 1, 0, 0))
        upto = self._row_ids.last
        latest = await self._pool.run(self._queries.latest, user.id)
        forgotten, more = on_its_way, True
        while more:
            count = await self._pool.run(self._queries.forget, user.id, k, upto, now, latest)
            forgotten, more = forgotten + count, count == SLICE
        return forgotten

    async def expire(self) -> None:
        """Delete what users do not want to be kept so long.

        :raises AccountsUnavailable: the store is away.
        """
        after = await self._pool.run(self._queries.expire, self._now())
        while after:
            after = await self._pool.run(self._queries.expire, self._now(), after)

    async def take_back(self, user_id: int, k: bytes | None) -> int:
        """Take rows back that are on their way here, and see those out that are being committed."""
        on_its_way = self.drop(user_id, k)
        await self._outbox.see_out(user_id)
        return on_its_way

    def drop(self, user_id: int, k: bytes | None) -> int:
        """Take rows back that are not committed; how many had not even begun to be."""
        return self._outbox.drop(user_id, k)

    def begin(self) -> None:
        """The store has been opened: replay what dead processes left."""
        self._outbox.replay()

    def look(self) -> None:
        """Replay now and then what processes left that died meanwhile; to be called about each second."""
        now = self._clock.seconds()
        if now - self._looked >= LOOK_EVERY:
            self._looked = now
            self._outbox.replay()

    def back(self) -> None:
        """The store works again."""
        self._outbox.back()

    async def flush(self) -> None:
        """Return once nothing waits in memory any more; gives up on a store that fails."""
        await self._outbox.flush()

    def stop(self) -> None:
        """Spool and answer what still waits, begin nothing more, and let no timer run on."""
        self._outbox.stop()

    @property
    def waiting(self) -> int:
        """Rows in memory that are not kept."""
        return self._outbox.waiting

    @property
    def spooled(self) -> int:
        """Rows in files."""
        return self._spool.waiting if self._spool else 0

    def on_its_way(self, user_id: int) -> int:
        """Rows of a user that are not in the store yet; forgotten ones may be among those in files."""
        in_memory = sum(waiting.row.user_id == user_id for waiting in self._outbox.in_memory())
        return in_memory + (self._spool.waiting_of(user_id) if self._spool else 0)

    def _now(self) -> int:
        """Milliseconds since 1970."""
        return int(self._wall() * 1000)
