"""Rows of the history on their way into the store, or into the spool while the store is away.

A row in memory is in one of three places: in line, in a commit, or on its way
into the spool. A commit that takes half of the patience gives its rows back, to
be spooled; whichever is first answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.accounts.replay import Replay
from dictd.accounts.spool import Spool
from dictd.accounts.spooling import Spooling
from dictd.accounts.waiting import Alarm, Group, Waiting
from dictd.errors import AccountsUnavailable
from dictd.store.history import HistoryQueries
from dictd.store.pool import Pool

#: How long to wait before a store that is away is tried again, seconds.
RETRY = 0.5


@define(eq=False)
class Outbox:
    """Writes rows, and answers for them; see :class:`dictd.accounts.recorder.Recorder` for what is given to it."""

    _pool: Pool
    _queries: HistoryQueries
    _clock: Any
    most_rows: int
    patience: float
    flights: int
    _spool: Spool | None
    _in_thread: Callable[..., Deferred[Any]] | None
    _now: Callable[[], int]
    _above: Callable[[int], None]
    _queue: deque[Waiting] = field(factory=deque, init=False)
    _flying: list[Group] = field(factory=list, init=False)
    _spooling: Spooling | None = field(default=None, init=False)
    _replay: Replay | None = field(default=None, init=False)
    _away: bool = field(default=False, init=False)
    _impatience: Alarm = field(init=False)
    _overdue: Alarm = field(init=False)
    _retry_timer: Any = field(default=None, init=False)
    _changes: list[Deferred[None]] = field(factory=list, init=False)
    stopped: bool = field(default=False, init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        def unanswered() -> Iterable[float]:
            return (waiting.since for waiting in self.in_memory() if not waiting.kept.called)

        def under_way() -> Iterable[float]:
            return (group.since for group in self._groups())

        self._impatience = Alarm(self._clock, self.patience, unanswered, self._lose_patience)
        self._overdue = Alarm(self._clock, self.patience / 2, under_way, self._take_back_overdue)
        if self._spool and self._in_thread:
            self._spooling = Spooling(self._spool, self._in_thread, self._spool_ended)
            self._replay = Replay(
                self._pool,
                self._queries,
                self._spool,
                self._in_thread,
                self.most_rows,
                self._now,
                self._clock.seconds,
                self._above,
                self._works,
                self._fail,
                self._replay_ended,
            )

    def add(self, waiting: Waiting) -> None:
        """Take a row."""
        self._queue.append(waiting)
        self._impatience.set()
        if self._hopeless:
            waiting.answer(False)
        else:
            self._go_on()

    async def see_out(self, user_id: int) -> None:
        """Return once every commit has ended that is under way now and may have rows of this user."""
        for end in [flight.end() for flight in self._flying]:
            await end
        if self._replay:
            await self._replay.see_out(user_id)

    def drop(self, user_id: int, k: bytes | None) -> int:
        """Take rows back that are not committed; how many had not even begun to be."""

        def unwanted(waiting: Waiting) -> bool:
            return waiting.row.user_id == user_id and k in (None, waiting.row.k)

        dropped = [waiting for waiting in self.in_memory() if unwanted(waiting)]
        self._queue = deque(waiting for waiting in self._queue if not unwanted(waiting))
        # A commit or an append that fails is tried again later: not with these.
        for group in self._groups():
            group.rows = [waiting for waiting in group.rows if not unwanted(waiting)]
        for waiting in dropped:
            waiting.answer(False)
        return sum(not waiting.begun for waiting in dropped)

    def replay(self) -> None:
        """Look for files to replay, those of dead processes too, unless the store is away anyway."""
        if self._replay and self._spooling and not self._away and not self._spooling.hangs:
            self._replay.begin()

    def back(self) -> None:
        """The store works again."""
        if self._away and not self.stopped:
            self._try()
        else:
            self.replay()

    async def find(self) -> None:
        """Give no row an id that is lower than one in a file of a dead process."""
        if self._replay and not self.stopped:
            await self._replay.find()

    async def flush(self) -> None:
        """Return once nothing waits in memory any more; gives up on a store that fails."""
        while self._groups():
            changed: Deferred[None] = Deferred()
            self._changes.append(changed)
            await changed

    def stop(self) -> None:
        """Spool and answer what still waits, begin nothing more, and let no timer run on."""
        if self.stopped:
            return
        self.stopped = True
        rows = list(self.in_memory())
        if self._replay and self._spooling:
            self._replay.stop()
            self._spooling.write_last(rows, self.most_rows)
        for waiting in rows:
            waiting.answer(False)
        self._impatience.cancel()
        self._overdue.cancel()
        self._cancel_retry()

    @property
    def waiting(self) -> int:
        """Rows in memory that are not kept."""
        return len(self._queue) + sum(len(group.rows) for group in self._groups())

    # Where rows are -----------------------------------------------------------

    def _groups(self) -> list[Group]:
        """What is under way and has not given its rows back."""
        spooling = self._spooling.group if self._spooling else None
        return [group for group in (*self._flying, spooling) if group and not group.overdue]

    def in_memory(self) -> Iterator[Waiting]:
        """Every row that is here."""
        for group in self._groups():
            yield from group.rows
        yield from self._queue

    def _next_rows(self) -> list[Waiting]:
        return [self._queue.popleft() for _ in range(min(self.most_rows, len(self._queue)))]

    def _next_commit(self) -> list[Waiting]:
        """As many as may be committed together."""
        rows = [self._queue.popleft()]
        while self._queue and len(rows) < self.most_rows and not (rows[0].alone or self._queue[0].alone):
            rows.append(self._queue.popleft())
        return rows

    def _give_back(self, rows: Iterable[Waiting]) -> None:
        """Rows of a group stand in line again, in their order."""
        again = [waiting for waiting in (*rows, *self._queue) if not waiting.safe]
        self._queue = deque(sorted(again, key=lambda waiting: waiting.row.rid))

    def _go_on(self) -> None:
        """Begin what can be begun."""
        if self.stopped:
            return
        # A pool that refuses at once makes the store away while we are here.
        while not self._away and self._queue and sum(not flight.overdue for flight in self._flying) < self.flights:
            self._take_off()
        if self._away and self._queue and self._spooling and not self._spooling.refused and not self._spooling.group:
            self._overdue.set()
            self._spooling.begin(Group(self._next_rows(), self._clock.seconds()))

    # Commits ------------------------------------------------------------------

    def _take_off(self, probe: bool = False) -> None:
        flight = Group(self._next_commit(), self._clock.seconds(), probe)
        for waiting in flight.rows:
            waiting.begun = True
        self._flying.append(flight)
        if self._spooling:
            self._overdue.set()
        Deferred.fromCoroutine(self._commit(flight)).addErrback(
            lambda failure: self.log.failure("the history stopped", failure=failure)
        )

    async def _commit(self, flight: Group) -> None:
        try:
            await self._pool.run(self._queries.keep, flight.look_ups())
        except AccountsUnavailable:
            self._lost(flight)
        except Exception:  # noqa: BLE001 - logged with its traceback; the service goes on
            # Not the store's fault, so another try would end the same way for ever.
            if flight.size == 1:
                self.log.failure("a row of the history could not be kept")
            self._landed(flight, kept=False)
        else:
            self._landed(flight, kept=True)
        flight.ended()
        self._changed()

    def _landed(self, flight: Group, kept: bool) -> None:
        self._flying.remove(flight)
        if flight.probe:
            self._recover()
        for waiting in flight.rows:
            waiting.begun, waiting.safe = False, kept
        if flight.overdue:
            self._give_back(())
        elif not kept and flight.size > 1:
            # One of them is refused, and which shows when each goes by itself.
            for waiting in flight.rows:
                waiting.alone = True
            self._give_back(flight.rows)
        if kept or (not flight.overdue and flight.size == 1):
            for waiting in flight.rows:
                waiting.answer(kept)
        self._go_on()

    def _lost(self, flight: Group) -> None:
        self._flying.remove(flight)
        for waiting in flight.rows:
            waiting.begun = False
        if flight.probe and self._spooling:
            self._spooling.hope()
        if flight.overdue:
            self._go_on()
        else:
            self._give_back(flight.rows)
            self._fail()

    def _take_back_overdue(self, now: float) -> None:
        """Commits, or a disk, that take too long: keep their rows elsewhere."""
        begun = now - self._overdue.allowed
        if self._spooling:
            self._give_back(self._spooling.give_up(begun))
        late = [flight for flight in self._flying if not flight.overdue and flight.since <= begun]
        for flight in late:
            flight.overdue = True
            self._give_back(flight.rows)
        if late:
            self._fail()
        self._go_on()
        self._changed()

    # The store away, and back -------------------------------------------------

    @property
    def _hopeless(self) -> bool:
        """Whether there is nowhere to keep a row just now."""
        return self._away and (self._spooling is None or self._spooling.refused)

    def _fail(self) -> None:
        """The store is away: keep rows in the spool, or say at once that nothing is confirmed; try again."""
        self._away = True
        self._retry_later()
        if self._hopeless:
            self._despair()
        self._go_on()

    def _despair(self) -> None:
        for waiting in list(self._queue):
            waiting.answer(False)

    def _retry_later(self) -> None:
        if self._retry_timer is None and not self.stopped:
            self._retry_timer = self._clock.callLater(RETRY, self._retry)

    def _retry(self) -> None:
        self._retry_timer = None
        if any(flight.overdue for flight in self._flying):
            self._retry_later()  # it hangs still, and another would too
        else:
            self._try()

    def _try(self) -> None:
        """Find out whether the store is back, with rows that have to be written anyway."""
        replay, spooling = self._replay, self._spooling
        if any(flight.probe for flight in self._flying) or (replay and replay.asks):
            self._retry_later()
        elif self._queue and self._hopeless:
            self._take_off(probe=True)
        elif replay is None or spooling is None or spooling.hangs or replay.hangs(self.patience):
            self._works()  # there is nothing to try it with: the next row finds out
        elif replay.running or spooling.spool.waiting:
            self._retry_later()
            replay.begin()
        elif spooling.group:
            self._retry_later()
        else:
            self._works()

    def _works(self) -> None:
        """The store is not away, or no longer."""
        if self._away:
            self._recover()
            self._go_on()

    def _recover(self) -> None:
        self._away = False
        self._cancel_retry()
        if self._spooling:
            self._spooling.calm()
        self.replay()

    def _replay_ended(self) -> None:
        if self._away:
            self._retry_later()
        elif self._spooling:
            self._spooling.calm()

    # The spool ----------------------------------------------------------------

    def _spool_ended(self, group: Group, kept: bool) -> None:
        if kept:
            for waiting in group.rows:
                waiting.safe = True
                waiting.answer(True)
            if group.overdue:
                self._give_back(())
            self.replay()
        elif not group.overdue:
            self._give_back(group.rows)
            if self._hopeless:
                self._despair()
        self._go_on()
        self._changed()

    # Timers and those who wait ------------------------------------------------

    def _lose_patience(self, now: float) -> None:
        for waiting in list(self.in_memory()):
            if now - waiting.since >= self.patience:
                waiting.answer(False)

    def _cancel_retry(self) -> None:
        if self._retry_timer is not None:
            self._retry_timer.cancel()
            self._retry_timer = None

    def _changed(self) -> None:
        changes, self._changes = self._changes, []
        for changed in changes:
            changed.callback(None)
