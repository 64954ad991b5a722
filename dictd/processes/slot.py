"""One place for a worker, kept filled."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dictd.errors import DictError
from dictd.processes import channel, logs
from dictd.processes.channel import Silent
from dictd.processes.pace import Backoff
from dictd.processes.sockets import Entrance
from dictd.processes.workerprocess import WorkerProcess


class NotReplaced(DictError):
    """A new worker did not come to serve; the old one goes on."""


@define(eq=False, repr=False)
class Slot:
    """A place, the sockets that belong to it, and whoever fills it.

    :param hire: makes a worker for this place, not started yet.
    :ivar current: who fills it; it may be starting, or silent.
    :ivar lent: the worker of another place that listens here as well meanwhile.
    """

    number: int
    sockets: list[tuple[str, socket.socket]]
    reactor: Any
    hire: Callable[[Slot], WorkerProcess]
    current: WorkerProcess | None = None
    coming: WorkerProcess | None = None
    lent: WorkerProcess | None = None
    backoff: Backoff = field(factory=Backoff)
    _restart: Any = field(default=None, init=False)
    log = Logger()

    @staticmethod
    def own(entrances: list[Entrance], number: int, count: int) -> list[tuple[str, socket.socket]]:
        """The sockets of a place among so many: its own on every address, and what is left over."""
        found = []
        for entrance in entrances:
            own = entrance.sockets[number::count] or [entrance.sockets[number % len(entrance.sockets)]]
            found += [(entrance.kind, one) for one in own]
        return found

    @property
    def lively(self) -> bool:
        """Whether somebody serves here by rights."""
        return self.current is not None and self.current.lively

    def fill(self) -> None:
        """Start a worker here."""
        self._restart = None
        self.current = self.hire(self)
        self.current.start()

    async def replace(self, seconds: float, leaving: list[WorkerProcess] | None = None) -> None:
        """Start another worker here; when it serves, retire the one that is there.

        :param seconds: how long that may serve the connections it has.
        :param leaving: takes the one that is there instead, where sockets move from place to place: it listens
            until whoever has its sockets now does.
        :raises NotReplaced: the other did not come to serve.
        """
        self.coming = coming = self.hire(self)
        coming.start()
        try:
            serves = await coming.started
        finally:
            self.coming = None
        if not serves:
            last = f": {logs.said(coming.last_said)}" if coming.last_said else ""
            raise NotReplaced(f"a new {coming.name} did not come to serve ({coming.why}){last}")
        old, self.current = self.current, coming
        self.backoff = Backoff()
        self.stay_empty()
        if old is not None and leaving is not None:
            leaving.append(old)
        elif old is not None:
            old.retire(seconds)

    def renew(self, seconds: float) -> None:
        """Whoever is here is to go, though no other has come yet: one is started until it serves."""
        self.stay_empty()
        old, self.current = self.current, None
        if old is not None:
            old.retire(seconds)
        self._restart = self.reactor.callLater(self.backoff.ended(0.0), self.fill)

    def emptied(self, worker: WorkerProcess) -> None:
        """Its worker has ended by itself: start another, sooner or later."""
        served = self.reactor.seconds() - worker.since if worker.since is not None else 0.0
        delay = self.backoff.ended(served)
        self.current = None
        if self.backoff.looping:
            self.log.critical(
                "{name} ends again and again ({why}); the others serve for it, it is tried again in {delay:.0f} s",
                name=worker.name,
                why=worker.why,
                delay=delay,
            )
        else:
            again = f"in {delay:.0f} s" if delay else "at once"
            self.log.error(
                "{name} (process {pid}) ended: {why}; it is started again {again}",
                name=worker.name,
                pid=worker.pid,
                why=worker.why,
                again=again,
            )
        self._restart = self.reactor.callLater(delay, self.fill)

    def leave(self, seconds: float) -> None:
        """There is no such place any more."""
        self.stay_empty()
        self.take_back()
        if self.current is not None:
            self.current.retire(seconds)

    def stay_empty(self) -> None:
        """Start nobody any more."""
        if self._restart is not None:
            self._restart.cancel()
            self._restart = None

    def take(self, sockets: list[tuple[str, socket.socket]]) -> None:
        """Have these sockets from now on; whoever is to listen on them is still to hear of it."""
        if sockets != self.sockets:
            self.take_back()
        self.sockets = sockets

    def lend(self, to: WorkerProcess) -> None:
        """Let another worker listen here."""
        self.lent = to
        for kind, listening in self.sockets:
            self._say(to, channel.Adopt, place=self._place, kind=kind, descriptor=listening.fileno())

    def take_back(self) -> None:
        """Nobody else listens here any more."""
        if self.lent is not None:
            self._say(self.lent, channel.GiveBack, place=self._place)
            self.lent = None

    @property
    def _place(self) -> str:
        return f"place {self.number}"

    def _say(self, worker: WorkerProcess, command: Any, **arguments: Any) -> None:
        def unanswered(failure: Any) -> None:
            failure.trap(Silent)
            if command is channel.Adopt and self.lent is worker:
                self.lent = None  # somebody else then

        Deferred.fromCoroutine(worker.ask(command, **arguments)).addErrback(unanswered).addErrback(
            lambda failure: self.log.failure("the sockets of a place could not be passed on", failure=failure)
        )
