"""What the spool has goes into the store, a batch at a time, while new rows go there by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.accounts.spool import Spool
from dictd.accounts.spoolfile import SpoolFile
from dictd.errors import AccountsUnavailable
from dictd.model import DAY, LookUp
from dictd.store.history import HIGHEST, REMEMBERED, HistoryQueries
from dictd.store.pool import Pool


@define(eq=False)
class Replay:
    """Replays files until there are none.

    A file that was begun is begun anew after an outage: row ids make that harmless.

    :param in_thread: calls a function on a thread, with arguments.
    :param now: milliseconds since 1970.
    :param seconds: of a steady clock.
    :param above: told of ids that the store does not know yet: new rows shall have higher ones.
    :param works: called when a batch is in the store.
    :param fails: called when the store was away.
    :param ended: called when nothing is under way any more, for whatever reason.
    :ivar running: whether it is under way.
    """

    _pool: Pool
    _queries: HistoryQueries
    _spool: Spool
    _in_thread: Callable[..., Deferred[Any]]
    most_rows: int
    _now: Callable[[], int]
    _seconds: Callable[[], float]
    _above: Callable[[int], None]
    _works: Callable[[], None]
    _fails: Callable[[], None]
    _ended: Callable[[], None]
    running: bool = field(default=False, init=False)
    _again: bool = field(default=False, init=False)
    _files: list[SpoolFile] = field(factory=list, init=False)
    _batch: list[LookUp] = field(factory=list, init=False)
    _landings: list[Deferred[None]] = field(factory=list, init=False)
    _restored: int = field(default=0, init=False)
    #: Since when the disk has been asked, where no batch is under way.
    _since: float = field(default=0.0, init=False)
    _stopped: bool = field(default=False, init=False)
    log = Logger()

    def begin(self) -> None:
        """Replay all there is; where that is under way already, look once more at its end."""
        if self.running:
            self._again = True
        elif not self._stopped:
            self.running, self._since = True, self._seconds()
            Deferred.fromCoroutine(self._run()).addErrback(
                lambda failure: self.log.failure("the spool of the history is not replayed", failure=failure)
            )

    @property
    def asks(self) -> bool:
        """Whether a batch is under way."""
        return bool(self._batch)

    def hangs(self, patience: float) -> bool:
        """Whether the disk has not answered for so many seconds."""
        return self.running and not self.asks and self._seconds() - self._since >= patience

    async def find(self) -> None:
        """Learn which row ids there are in files: where the clock was put back, higher ones than now are."""
        for file in await self._in_thread(self._spool.sealed):
            self._above(file.last)

    def stop(self) -> None:
        """Begin no other batch."""
        self._stopped = True

    async def see_out(self, user_id: int) -> None:
        """Return once no batch is under way that was begun before now and has rows of this user."""
        if any(row.user_id == user_id for row in self._batch):
            landed: Deferred[None] = Deferred()
            self._landings.append(landed)
            await landed

    async def _run(self) -> None:
        try:
            while not self._stopped and (self._files or await self._found()):
                if not await self._replayed(self._files[0]):
                    break
                del self._files[0]
        finally:
            self.running = self._again = False
            if not self._stopped:
                if self._restored and not self._spool.waiting:
                    self.log.info("{count} rows of the history are in the store again", count=self._restored)
                    self._restored = 0
                self._ended()

    async def _found(self) -> bool:
        """Look for files; whether there are any."""
        while True:
            self._again = False
            self._files = list(await self._in_thread(self._spool.sealed))
            for remark in self._spool.remarks():
                self.log.warn("{remark}", remark=remark)
            if self._files or not self._again:
                return bool(self._files)

    async def _replayed(self, file: SpoolFile) -> bool:
        """Replay one file; false when the store is away or this process ends."""
        batches, damaged = self._spool.batches(file, self.most_rows), self._spool.damaged
        home, old, refused = 0, 0, 0
        try:
            while batch := await self._in_thread(next, batches, None):
                if self._stopped:
                    return False
                young = [row for row in batch if row.time >= self._now() - REMEMBERED]
                old += len(batch) - len(young)
                try:
                    wanted, unkept = await self._committed(young, file)
                except AccountsUnavailable:
                    self._fails()
                    return False
                home, refused = home + wanted, refused + unkept
            if self._stopped:
                return False
            if old:
                text = "{count} rows of the history in {path} had waited for more than {days} days and were left out"
                self.log.warn(text, count=old, path=str(file.path), days=REMEMBERED // DAY)
            if damaged := self._spool.damaged - damaged:
                self.log.warn("{count} damaged lines in {path} were skipped", count=damaged, path=str(file.path))
            self._restored += home
            if refused:
                await self._in_thread(self._spool.leave, file)
            else:
                await self._in_thread(self._spool.done, file)
        except OSError as error:
            self.log.warn("{path} is left as it is: {error}", path=str(file.path), error=str(error))
            await self._in_thread(self._spool.leave, file)
        return True

    async def _committed(self, batch: list[LookUp], file: SpoolFile) -> tuple[int, int]:
        """How many rows are in the store now, and how many it refuses for what they are.

        :raises AccountsUnavailable: it is away.
        """
        if not batch:
            return 0, 0
        try:
            wanted = await self._asked(batch)
        except AccountsUnavailable:
            raise
        except Exception:  # noqa: BLE001 - logged with its traceback; the service goes on
            if len(batch) > 1:  # only those shall suffer that are to blame
                each = [await self._committed([row], file) for row in batch if not self._stopped]
                return sum(wanted for wanted, _ in each), sum(unkept for _, unkept in each)
            # Not the store's fault, so another try would end the same way for ever.
            self.log.failure("row {rid} of {path} could not be kept", rid=batch[0].rid, path=str(file.path))
            self._works()
            return 0, 1
        self._works()
        return wanted, 0

    async def _asked(self, batch: list[LookUp]) -> int:
        self._batch = batch
        self._above(max((row.rid for row in batch if row.rid <= HIGHEST), default=0))
        try:
            return await self._pool.run(self._queries.replay, batch, self._now())
        finally:
            self._batch, self._since = [], self._seconds()
            landings, self._landings = self._landings, []
            for landed in landings:
                landed.callback(None)
