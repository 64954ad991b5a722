"""The whole server in the process that twistd started: ``workers = 0``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

from dictd.accounts.commons import OneProcess
from dictd.config import Settings
from dictd.processes import questions
from dictd.processes.channel import PATIENCE
from dictd.processes.children import Child, publisher
from dictd.processes.claim import Claim
from dictd.processes.ending import end_soon, hurry, on_hangup
from dictd.processes.inside import Insight
from dictd.processes.office import Office
from dictd.processes.serving import Serving
from dictd.processes.steering import Bans, Steered, Steering
from dictd.processes.tracing import Traces
from dictd.processes.worker import Worker, WorkerChannel


@define(eq=False, repr=False)
class Alone(Service, Steering):
    """The service of ``twistd dictd`` without workers; the publisher is a process of its own all the same.

    :ivar greet: told, once people can connect, of the dictionaries and where.
    """

    settings: Settings
    claim: Claim
    reactor: Any
    greet: Callable[[Sequence[tuple[str, int]], Sequence[str]], None] | None = None
    bans: Bans = field(init=False)
    traces: Traces = field(init=False)
    _serving: Serving = field(init=False)
    _serves: bool = field(default=False, init=False)
    _here: _Here = field(init=False)
    _publisher: Child = field(init=False)
    _office: Office = field(init=False)
    _began: float = field(default=0.0, init=False)
    _undo_hangup: Callable[[], None] = field(init=False)
    log = Logger()

    def startService(self) -> None:
        Service.startService(self)
        self.claim.lock.sign()
        self._began = time.monotonic()
        directory = self.claim.state.directory
        self.bans = Bans(directory)
        self.traces = Traces(self.reactor, self.watch)
        self._publisher = publisher(self.reactor, directory, lambda: self.settings)
        self.reactor.callWhenRunning(self._publisher.start)
        commons = OneProcess.of(self.settings, self.reactor.seconds)
        self._serving = Serving(
            self.settings, self.claim.state, self.reactor, commons, self._publisher.nudge, self._began
        )
        self._serving.open()
        self._serves = True
        self._here = _Here.of(self._serving, self.traces)
        for network, left in self.bans.left().items():
            self._here.insight.seats.ban(network, left)
        where = [entrance.shown for entrance in self.claim.entrances]
        for entrance in self.claim.entrances:
            for one in entrance.sockets:
                self._serving.listen(entrance.shown, entrance.kind, one.fileno(), one.family)
        self._office = Office(self.settings, directory, self.reactor, self)
        self._office.open()
        self._undo_hangup = on_hangup(self.reactor, self._look)
        dictionaries = self._serving.parts.lexicon.dictionaries()
        for dictionary, headwords in dictionaries:
            self.log.info("{name}: {headwords} headwords", name=dictionary.name, headwords=headwords)
        self.log.info("listening on {where}", where=", ".join(where))
        if self.greet is not None:
            self.reactor.callWhenRunning(self.greet, [(d.title, headwords) for d, headwords in dictionaries], where)

    def stopService(self) -> Deferred[None]:
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if not self._serves:
            return
        hurry()
        self.traces.stop()
        self._office.close_shell()
        unpublished = self._publisher.stop().addTimeout(1.0, self.reactor, lambda *_: self._publisher.kill())
        await self._serving.stop()
        await unpublished
        self._office.close()
        self.claim.release()
        self._undo_hangup()
        self.log.info("good bye")

    def steered(self) -> Sequence[Steered]:
        """This process."""
        return [self._here]

    def status(self) -> dict[str, Any]:
        """How the server is: JSON."""
        facts = self._serving.facts()
        seconds = round(time.monotonic() - self._began, 1)
        told = {name: facts[name] for name in ("number", "memory", "connections", "commands", "pid")}
        return {
            "seconds": seconds,
            "listening": [entrance.shown for entrance in self.claim.entrances],
            "metrics": self._office.monitored,
            "shell": self._office.shell,
            "restarts": 0,
            "reloading": False,
            "workers": [{"name": self._here.name, "state": "serving", "seconds": seconds, **told}],
            "waiting": [],
            "dictionaries": facts["dictionaries"],
            "store": facts["store"],
            "database": facts["database"],
            "spooled": facts["spooled"],
            "certificate": facts["certificate"],
        }

    async def reload(self) -> str:
        """Look at what can be looked at without another process."""
        self._look()
        return "dictionaries and certificates are looked at; with workers = 0 settings are read at the start only"

    def stop(self) -> None:
        """End, after the answer to who said so."""
        end_soon(self.reactor)

    def _look(self) -> None:
        self.log.info("SIGHUP or reload: dictionaries are looked at; without workers settings are read at the start")
        self._serving.look()

    def counts(self) -> dict[str, Any]:
        """What was counted."""
        return self._serving.counts()


@define(eq=False, repr=False)
class _Here(Steered):
    """This process, asked as a worker is, without a channel."""

    _link: WorkerChannel

    @classmethod
    def of(cls, serving: Serving, traces: Traces) -> _Here:
        link = _Inward(lambda rows, dropped: traces.arrived("server", rows, dropped))
        link.worker = Worker(serving.reactor, serving, link)
        link.worker.open_inside()
        return cls(link)

    @property
    def insight(self) -> Insight:
        """What can be seen of it."""
        return self._link.insight

    @property
    def name(self) -> str:
        return "server"

    @property
    def pid(self) -> int:
        return os.getpid()

    async def ask(self, command: Any, patience: float = PATIENCE, **arguments: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await maybeDeferred(self._link.responder(command), **arguments)
        return answer


class _Inward(WorkerChannel):
    """What a worker would tell its supervisor is heard in the same process."""

    def __init__(self, traced: Callable[[list[Any], int], None]) -> None:
        super().__init__()
        self._traced = traced

    def tell(self, command: Any, /, **arguments: Any) -> None:
        if command is questions.Traced:
            self._traced(arguments["rows"], arguments["dropped"])
