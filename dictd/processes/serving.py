"""The line server of one process: its parts, its ports, and its end."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from dictd.accounts.commons import Commons
from dictd.config import Settings
from dictd.errors import AccountsUnavailable, BeginsAnew, SchemaRefused
from dictd.processes import descriptors, ports
from dictd.processes.state import State
from dictd.processes.wiring import Parts, wire
from dictd.store import leases

#: How often the catalogue is looked at, seconds.
LOOK_EVERY = 1.0
#: How long a stop waits for people to finish and for the history, seconds.
GRACE = 4.0
#: What the history has of it, and the number that is given back, however long people took.
_REST = 0.3
_RENEW_EVERY = leases.EVERY / 1000
#: How often look-ups that their users do not want any more are deleted, seconds.
_EXPIRE_EVERY = 3600.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


@define(eq=False, repr=False)
class Serving:
    """Serves on the sockets it is given.

    :ivar began: when the server did, seconds of the steady clock.
    :ivar distrust: told when a file of the lexicon is damaged.
    """

    settings: Settings
    state: State
    reactor: Any
    commons: Commons
    distrust: Callable[[], None]
    began: float
    parts: Parts = field(init=False)
    _ports: dict[str, list[Any]] = field(factory=dict, init=False)
    _timer: Any = field(default=None, init=False)
    _renewed: float = field(default=0.0, init=False)
    _expire_at: float = field(default=0.0, init=False)
    _entering: bool = field(default=False, init=False)
    _refused: str = field(default="", init=False)
    #: Who waits for the end of a stop that is under way; ``None``: there is none.
    _stopping: list[Deferred[None]] | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)
    log = Logger()

    def open(self) -> None:
        """Open the store and the lexicon; nothing listens yet.

        :raises DictError: something is in the way.
        """
        descriptors.make_room(self.settings.limits.connections)
        self.parts = wire(self.settings, self.state, self.reactor, self.commons, self.began)
        doors = self.parts.factory.service.doors
        doors.most_here, doors.others = descriptors.places(), max(0, self.settings.listen.processes - 1)
        self.parts.passwords.start()
        self.parts.spooling.start()
        if self.parts.entry.done:
            self.parts.recorder.begin()
        self.parts.lexicon.distrust = self.distrust
        self._renewed = self.reactor.seconds()
        # Not all workers at once, nor all servers of a cluster.
        self._expire_at = self._renewed + _EXPIRE_EVERY * random.random()  # noqa: S311
        self._timer = self.reactor.callLater(LOOK_EVERY, self._look)
        if missing := self.parts.lexicon.missing():
            self.log.warn("the settings name dictionaries that are not there: {missing}", missing=", ".join(missing))

    def listen(self, place: str, kind: str, descriptor: int, family: int) -> None:
        """Take connections from a listening socket; the descriptor stays the caller's.

        :param place: a name by which to stop it.
        :param kind: of the entrance.
        """
        port = ports.adopted(self.reactor, descriptor, family, self.parts.entrances[kind])
        self._ports.setdefault(place, []).append(port)

    async def unlisten(self, place: str) -> None:
        """Take no more connections from the sockets of a place; others may go on with them."""
        await gatherResults([_fired(port.stopListening()) for port in self._ports.pop(place, [])])

    async def deaf(self) -> None:
        """Take no more connections at all."""
        for place in list(self._ports):
            await self.unlisten(place)

    def facts(self) -> dict[str, Any]:
        """How this process is: JSON."""
        parts = self.parts
        shown_to_clients = parts.factory.service.certificates
        return {
            "pid": os.getpid(),
            "number": parts.number.number,
            "memory": resident(),
            "connections": len(parts.factory.connections),
            "commands": parts.factory.service.tally.commands(),
            "dictionaries": [[d.name, d.title, headwords] for d, headwords in parts.lexicon.dictionaries()],
            "store": parts.pool.ready and not parts.pool.failing,
            "database": parts.database.used,
            "spooled": parts.recorder.spooled,
            "certificate": shown_to_clients.until if shown_to_clients else None,
        }

    def counts(self) -> dict[str, Any]:
        """What was counted here, with what waits now: that leaves the sums when a process ends."""
        parts = self.parts
        return {
            **parts.factory.service.tally.snapshot(),
            "pool_in_use": parts.pool.busy,
            "waiting_rows": parts.recorder.waiting,
            "spooled_rows": parts.recorder.spooled,
            "store_fails": int(parts.pool.failing),
        }

    def look(self) -> None:
        """Look at the dictionaries at once."""
        self._refresh(force=True)

    async def retire(self, seconds: float) -> None:
        """Take no more connections, serve those that are open for so long, then stop."""
        await self.deaf()
        await self._within(seconds, self.parts.factory.emptied(), "")
        if self._stopping is None:
            self.parts.factory.farewell = BeginsAnew
        await self.stop()

    async def stop(self, grace: float = GRACE) -> None:
        """Stop listening, finish what was asked, flush the history, close; once, and whoever asks again waits."""
        if self._stopping is None:
            self._stopping = []
            try:
                await self._close(grace)
            finally:
                self._stopped = True
                for waiting in self._stopping:
                    waiting.callback(None)
        elif not self._stopped:
            ended: Deferred[None] = Deferred()
            self._stopping.append(ended)
            await ended

    async def _close(self, grace: float) -> None:
        parts = self.parts
        end = self.reactor.seconds() + grace
        await self.deaf()
        await self._within(grace, parts.factory.drain(), "some clients were cut off")
        parts.factory.stop()
        flushed = Deferred.fromCoroutine(parts.recorder.flush())
        missed = Deferred.fromCoroutine(parts.misses.flush())
        # What is not written by then goes to the spool.
        lost = "" if self.settings.history.spool_mib else "some history rows were not written"
        await self._within(max(_REST, end - self.reactor.seconds()), flushed, lost)
        parts.recorder.stop()
        self._timer.cancel()
        await self._within(_REST, missed, "")
        await self._within(_REST, Deferred.fromCoroutine(self._give_back()), "")
        parts.passwords.stop()
        parts.pool.close()
        ending = threading.Thread(target=parts.spooling.stop, daemon=True)
        ending.start()
        ending.join(_REST)  # a disk may hang for ever
        parts.lexicon.close()

    async def _within(self, seconds: float, work: Deferred[Any], otherwise: str) -> None:
        def over(*_: Any) -> None:
            if otherwise:
                self.log.warn("{otherwise}", otherwise=otherwise)

        await work.addTimeout(seconds, self.reactor, over)

    def _look(self) -> None:
        self._timer = self.reactor.callLater(LOOK_EVERY, self._look)
        self._refresh()
        self.parts.recorder.look()
        self.parts.misses.look()
        if self.parts.standing is not None:
            self.parts.standing.look()
        service = self.parts.factory.service
        service.lookups.searches.recent.tick(service.steady())
        if not self.parts.entry.done and not self._entering:
            self._entering = True
            Deferred.fromCoroutine(self._enter()).addErrback(
                lambda failure: self.log.failure("the store could not be asked", failure=failure)
            )
        now = self.reactor.seconds()
        if now >= self._expire_at:
            self._expire_at = now + _EXPIRE_EVERY
            Deferred.fromCoroutine(self._expire()).addErrback(
                lambda failure: self.log.failure("old look-ups could not be deleted", failure=failure)
            )
        if now - self._renewed >= _RENEW_EVERY:
            self._renewed = now
            Deferred.fromCoroutine(self._renew()).addErrback(
                lambda failure: self.log.failure("the number of this process could not be renewed", failure=failure)
            )

    async def _enter(self) -> None:
        """The store was away when this process began: it is asked once a second whether it is here."""
        try:
            await self.parts.entry.later(self.parts.pool)
            self.parts.recorder.begin()
        except AccountsUnavailable as trouble:
            if isinstance(trouble, SchemaRefused) and trouble.text != self._refused:
                self._refused = trouble.text
                self.log.error("{trouble}", trouble=trouble.text)
        finally:
            self._entering = False

    async def _give_back(self) -> None:
        """The number of this process is free again."""
        with suppress(AccountsUnavailable):
            await self.parts.number.give_back(self.parts.pool)

    async def _expire(self) -> None:
        """Delete what is older than its user wants it kept, and words that nobody misses any more."""
        with suppress(AccountsUnavailable):  # in an hour again
            await self.parts.recorder.expire()
            await self.parts.misses.expire()

    async def _renew(self) -> None:
        """Keep the number of this process."""
        if not self.parts.entry.done:
            return
        try:
            if not await self.parts.number.renew(self.parts.pool, self.parts.row_ids):
                self.log.warn("another process has the number of this one, which takes another")
        except AccountsUnavailable:
            pass  # in a minute again; it lasts ten

    def _refresh(self, force: bool = False) -> None:
        try:
            if self.parts.lexicon.refresh(force):
                shown = [
                    f"{dictionary.name} ({headwords} headwords)"
                    for dictionary, headwords in self.parts.lexicon.dictionaries()
                ]
                self.log.info("dictionaries are now: {shown}", shown=", ".join(shown) or "none")
            if shown_to_clients := self.parts.factory.service.certificates:
                shown_to_clients.look(force)
        except Exception:  # noqa: BLE001 - logged with its traceback; the service goes on
            self.log.failure("the dictionaries or the certificate could not be looked at")


def resident() -> int:
    """Memory of this process that is its own, bytes: mapped dictionaries are everybody's."""
    with open("/proc/self/statm", "rb") as file:
        _, all_of_it, of_files = file.read().split()[:3]
    return (int(all_of_it) - int(of_files)) * _PAGE


async def _awaited(maybe: Awaitable[Any] | None) -> None:
    if maybe is not None:
        await maybe


def _fired(maybe: Any) -> Deferred[None]:
    return Deferred.fromCoroutine(_awaited(maybe))
