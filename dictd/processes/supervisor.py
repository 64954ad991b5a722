"""The supervisor: opens the sockets, keeps workers alive, and speaks for all of them.

It knows no dictionary and no database: what it keeps of them it hears from its
workers, so that nothing they choke on can choke it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dictd import config
from dictd.config import Settings
from dictd.errors import DictError, SettingsRefused, Unavailable
from dictd.processes import preflight, sockets
from dictd.processes.checking import Checking
from dictd.processes.children import Child, publisher
from dictd.processes.claim import Claim
from dictd.processes.crew import Crew, Reached
from dictd.processes.ending import end_soon, hurry, on_hangup
from dictd.processes.office import Office
from dictd.processes.preflight import Origin
from dictd.processes.slot import NotReplaced
from dictd.processes.steering import Bans, Steered, Steering
from dictd.processes.tracing import Traces
from dictd.processes.workerprocess import WorkerProcess


@define(eq=False, repr=False)
class Supervisor(Service, Steering):
    """The service of ``twistd dictd`` where there are workers.

    :param origin: where the settings come from, to read them again.
    :ivar greet: told, once people can connect, of the dictionaries and where.
    :ivar follow: told of new settings: the log's.
    """

    origin: Origin
    settings: Settings
    claim: Claim
    reactor: Any
    greet: Callable[[Sequence[tuple[str, int]], Sequence[str]], None] | None = None
    follow: Callable[[Settings], None] = lambda _: None
    crew: Crew = field(init=False)
    bans: Bans = field(init=False)
    traces: Traces = field(init=False)
    _began: float = field(default=0.0, init=False)
    _publisher: Child = field(init=False)
    _office: Office = field(init=False)
    _told: bool = field(default=False, init=False)
    _again: bool = field(default=False, init=False)
    _checking: Checking | None = field(default=None, init=False)
    _undo_hangup: Callable[[], None] | None = field(default=None, init=False)
    log = Logger()

    # The service ---------------------------------------------------------------

    def startService(self) -> None:
        Service.startService(self)
        self.claim.lock.sign()
        self._began = time.monotonic()
        directory = self.claim.state.directory
        self.bans = Bans(directory)
        self.traces = Traces(self.reactor, self.watch)
        self._publisher = publisher(self.reactor, directory, lambda: self.settings)
        self.crew = Crew.made(
            self.settings,
            self.claim,
            self.reactor,
            self._began,
            self.bans,
            self.traces,
            self._publisher.nudge,
            self._ready,
        )
        self._office = Office(self.settings, directory, self.reactor, self)
        self._office.open()
        self._undo_hangup = on_hangup(self.reactor, self._hung_up)
        self.reactor.callWhenRunning(self._begin)

    def stopService(self) -> Deferred[None]:
        Service.stopService(self)
        return Deferred.fromCoroutine(self._stop())

    def _begin(self) -> None:
        if not self.crew.stopping:
            self._publisher.start()
            self.crew.begin()

    async def _stop(self) -> None:
        """End the workers, then all else; whatever hangs is killed in time."""
        hurry()
        self.traces.stop()
        self._office.close_shell()
        ended = Deferred.fromCoroutine(self.crew.stop())
        if self._checking is not None:
            self._checking.kill()
        # It may hang with the database, and nobody waits for what it publishes.
        unpublished = self._publisher.stop().addTimeout(1.0, self.reactor, lambda *_: self._publisher.kill())
        await ended
        await unpublished
        self._office.close()
        self.claim.release()
        if self._undo_hangup is not None:
            self._undo_hangup()
        self.log.info("good bye")

    def _ready(self, worker: WorkerProcess) -> None:
        """A worker serves; the first of all is news."""
        if self._told:
            return
        self._told = True
        where = [entrance.shown for entrance in self.claim.entrances]
        dictionaries = worker.dictionaries
        for name, _, headwords in dictionaries:
            self.log.info("{name}: {headwords} headwords", name=name, headwords=headwords)
        self.log.info("listening on {where}", where=", ".join(where))
        if self.greet is not None:
            self.greet([(title, headwords) for _, title, headwords in dictionaries], where)

    # What administrators say ---------------------------------------------------------

    def steered(self) -> Sequence[Steered]:
        """Every worker that serves."""
        return [Reached(worker) for worker in self.crew.workers if worker.since is not None]

    def status(self) -> dict[str, Any]:
        """How the server is: JSON."""
        now = self.reactor.seconds()
        return {
            "seconds": round(time.monotonic() - self._began, 1),
            "listening": [entrance.shown for entrance in self.claim.entrances],
            "metrics": self._office.monitored,
            "shell": self._office.shell,
            "restarts": self.crew.restarts,
            "reloading": self.crew.reloading,
            "workers": [
                {
                    "name": worker.name,
                    "pid": worker.pid,
                    "state": self._state(worker),
                    "seconds": round(now - worker.since, 1) if worker.since is not None else 0.0,
                    **{name: worker.facts.get(name) for name in ("number", "memory", "connections", "commands")},
                }
                for worker in sorted(self.crew.workers, key=lambda worker: (worker.slot, worker.since or now))
            ],
            "waiting": [f"worker {slot.number + 1}" for slot in self.crew.slots if slot.current is None],
            "dictionaries": next((worker.dictionaries for worker in self.crew.workers if worker.lively), []),
            "store": all(worker.facts.get("store", True) for worker in self.crew.workers),
            "database": ", ".join(
                sorted({str(worker.facts.get("database", "")) for worker in self.crew.workers} - {""})
            ),
            "spooled": sum(worker.facts.get("spooled", 0) for worker in self.crew.workers),
            "certificate": min(
                (until for worker in self.crew.workers if (until := worker.facts.get("certificate"))), default=None
            ),
        }

    @staticmethod
    def _state(worker: WorkerProcess) -> str:
        if worker.leaving:
            return "retiring"
        if worker.since is None:
            return "starting"
        return "serving" if worker.lively else "silent"

    def stop(self) -> None:
        """End, after the answer to who said so."""
        end_soon(self.reactor)

    def _hung_up(self) -> None:
        if self.crew.reloading:
            self._again = True
            self.log.info("SIGHUP: the settings are read once more when the reload that is under way is done")
            return
        self.log.info("SIGHUP: the settings are read again")

        def refused(failure: Failure) -> None:
            failure.trap(DictError)
            self.log.error("nothing was changed: {trouble}", trouble=failure.getErrorMessage())

        Deferred.fromCoroutine(self.reload()).addErrback(refused).addErrback(
            lambda failure: self.log.failure("the reload failed", failure=failure)
        )

    async def reload(self) -> str:
        """Check the settings, then replace one worker after the other, new before old.

        :raises DictError: nothing was changed; the text says which line is wrong.
        """
        if self.crew.reloading:
            raise Unavailable("a reload is under way already")
        if self.crew.stopping:
            raise Unavailable("the server is stopping")
        self.crew.reloading = True
        try:
            return await self._reload()
        finally:
            self.crew.reloading = False
            if self._again:
                self._again = False
                self.reactor.callLater(0, self._hung_up)

    async def _reload(self) -> str:
        notes = preflight.understand(await self._checked())
        settings = self.origin.load()
        if config.state_directory(settings) != self.claim.state.directory:
            raise SettingsRefused("another state directory needs another start of the server; nothing was changed")
        if not settings.listen.processes:
            raise SettingsRefused("workers = 0 needs another start of the server; nothing was changed")
        self._goes_on()
        was, had = self.crew.settings, list(self.claim.entrances)
        leaving: list[WorkerProcess] | None = None
        if settings.listen.processes != len(self.crew.slots):
            leaving = []
        entrances = sockets.entrances(settings, os.environ, had)
        surplus = self.crew.take(settings, entrances)
        retire = settings.listen.retire_seconds
        try:
            await self.crew.slots[0].replace(retire, leaving)
        except NotReplaced:
            self.crew.take_back(was, had, surplus)
            raise
        # One serves with them: from here on there is no way back.
        failed = 0
        for slot in self.crew.slots[1:]:
            self._goes_on()
            self.crew.share_out()
            try:
                await slot.replace(retire, leaving)
            except NotReplaced as trouble:
                self._goes_on()
                failed += 1
                self.log.error("{trouble}; it is tried again", trouble=trouble.text)
                slot.renew(retire)
        for slot in surplus:
            slot.leave(retire)
        for worker in leaving or ():
            worker.retire(retire)
        sockets.close([one for one in had if one not in entrances])
        self.settings, before = settings, self.settings
        if settings.store != before.store:
            self._publisher.renew()
        self._office.reload(settings)
        self.follow(settings)
        count = len(self.crew.slots) - failed
        self.log.info("reloaded: {count} new workers serve", count=count)
        serve = f"{count} new {'workers serve' if count > 1 else 'worker serves'}"
        if failed:
            serve += f", {failed} did not come to serve and {'is' if failed == 1 else 'are'} tried again"
        return "; ".join([serve, f"old connections have {retire:.0f} s", *notes])

    def _goes_on(self) -> None:
        if self.crew.stopping:
            raise Unavailable("the server is stopping")

    async def _checked(self) -> bytes:
        """What a preflight in a process of its own says.

        :raises SettingsRefused: it does not answer.
        """
        self._checking = checking = Checking()
        try:
            return await checking.ask(self.reactor, self.origin)
        finally:
            self._checking = None

    def counts(self) -> dict[str, Any]:
        """What all workers have counted."""
        return self.crew.shared.counts(self.crew.workers)
