"""The workers of a supervisor: started, watched, replaced, and what they ask of each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from dictd import config
from dictd.accounts.commons import OneProcess, Outcome
from dictd.config import Settings
from dictd.limits import Peer
from dictd.processes import channel, logs, questions, sockets
from dictd.processes.claim import Claim
from dictd.processes.shared import Delta, Shared
from dictd.processes.slot import NotReplaced, Slot
from dictd.processes.sockets import Entrance
from dictd.processes.steering import Bans, Steered, counted
from dictd.processes.tracing import Traces
from dictd.processes.workerprocess import Order, WorkerProcess

#: How often workers are looked at, seconds.
_LOOK = 0.25
#: How often workers are told what the others have counted, in looks.
_COUNTS = 4
_MIB = 1 << 20


@define(eq=False, repr=False)
class Crew:
    """See :class:`dictd.processes.superior.Superior`.

    :param distrust: called when a worker has met a damaged file.
    :param is_ready: called with each worker that begins to serve.
    :ivar began: when the server did, seconds of the steady clock.
    :ivar slots: a place for each worker; ``workers``: all there are, those that retire too.
    :ivar restarts: how often a worker had to be started again.
    """

    settings: Settings
    claim: Claim
    reactor: Any
    began: float
    bans: Bans
    traces: Traces
    _distrust: Callable[[], None]
    _is_ready: Callable[[WorkerProcess], None]
    shared: Shared
    slots: list[Slot] = field(factory=list, init=False)
    workers: list[WorkerProcess] = field(factory=list, init=False)
    restarts: int = field(default=0, init=False)
    reloading: bool = field(default=False, init=False)
    stopping: bool = field(default=False, init=False)
    _timer: Any = field(default=None, init=False)
    _looks: int = field(default=0, init=False)
    _hired: int = field(default=0, init=False)
    log = Logger()

    @classmethod
    def made(
        cls,
        settings: Settings,
        claim: Claim,
        reactor: Any,
        began: float,
        bans: Bans,
        traces: Traces,
        distrust: Callable[[], None],
        is_ready: Callable[[WorkerProcess], None],
    ) -> Crew:
        """Nobody is started yet."""
        shared = Shared(OneProcess.of(settings, reactor.seconds))
        return cls(settings, claim, reactor, began, bans, traces, distrust, is_ready, shared)

    def begin(self) -> None:
        """Start all workers."""
        self.arrange(self.settings.listen.processes)
        for slot in self.slots:
            slot.fill()
        self.look()

    async def stop(self) -> None:
        """End all workers; one that hangs is killed in time."""
        self.stopping = True
        for slot in self.slots:
            slot.stay_empty()
        if self._timer is not None:
            self._timer.cancel()
        for worker in list(self.workers):
            worker.stop()
        await gatherResults([worker.end() for worker in self.workers])

    def arrange(self, count: int) -> list[Slot]:
        """Have so many places, each with the sockets that belong to it.

        :returns: places that there are no more.
        """
        entrances = list(self.claim.entrances)
        for number in range(count):
            own = Slot.own(entrances, number, count)
            if number < len(self.slots):
                self.slots[number].take(own)
            else:
                self.slots.append(Slot(number, own, self.reactor, self._hire))
        surplus, self.slots = self.slots[count:], self.slots[:count]
        return surplus

    def _hire(self, slot: Slot) -> WorkerProcess:
        self._hired += 1
        order = Order(
            f"worker {slot.number + 1}",
            config.tree_of(self.settings),
            str(self.claim.state.directory),
            slot.sockets,
            self.claim.lock.descriptor,
            self.began,
            self._hired,
        )
        worker = WorkerProcess(slot.number, order, self, self.reactor)
        self.workers.append(worker)
        return worker

    def ready(self, worker: WorkerProcess) -> None:
        """A worker serves."""
        self.log.info("{name} serves, process {pid}", name=worker.name, pid=worker.pid)
        if besides := self.shared.besides(worker):
            self._tell_doors([worker], besides)
        self._tell_counts([worker])  # or the sums that it tells its clients would begin anew
        for network, left in self.bans.left().items():
            Deferred.fromCoroutine(counted(Reached(worker), channel.Ban, network=network, seconds=left))
        if wanted := self.traces.wanted():
            Deferred.fromCoroutine(counted(Reached(worker), questions.Trace, wanted=wanted))
        self.share_out()
        self._is_ready(worker)

    def ended(self, worker: WorkerProcess) -> None:
        """The process of a worker is gone."""
        self.workers.remove(worker)
        self._tell_doors(self.workers, self.shared.left(worker))
        for slot in self.slots:
            if slot.lent is worker:
                slot.lent = None
            if slot.current is worker and not self.stopping:
                self.restarts += 1
                slot.emptied(worker)
                break
        else:
            self.log.info("{name} (process {pid}) has ended", name=worker.name, pid=worker.pid)
        if not self.stopping:
            self.share_out()

    def beaten(self, worker: WorkerProcess, doors: Delta, facts: dict[str, Any] | None) -> None:
        """A worker lives, and its connections have changed."""
        if doors:
            self.shared.moved(worker, doors)
            self._tell_doors([other for other in self.workers if other is not worker], doors)

    def said(self, worker: WorkerProcess, line: str) -> None:
        """A worker has logged a line."""
        logs.relay(line, worker.name)

    def distrusts(self) -> None:
        """A worker has met a damaged file."""
        self._distrust()

    def traced(self, worker: WorkerProcess, rows: list[Any], dropped: int) -> None:
        """A worker has seen something of those who are watched."""
        self.traces.arrived(worker.name, rows, dropped)

    def peer(self, host: str) -> Peer:
        """Who is at an address, as the settings draw networks."""
        limits = self.settings.limits
        return Peer.at(host, limits.ipv4_prefix, limits.ipv6_prefix)

    async def penalty(self, worker: WorkerProcess, account: str, peer: Peer) -> int:
        """See :class:`dictd.accounts.commons.Commons`."""
        return await self.shared.penalty(worker, account, peer)

    def try_ended(self, worker: WorkerProcess, account: str, peer: Peer, outcome: Outcome) -> None:
        """See :class:`dictd.accounts.commons.Commons`."""
        self.shared.try_ended(worker, account, peer, outcome)

    async def registration(self, peer: Peer) -> int:
        """See :class:`dictd.accounts.commons.Commons`."""
        return await self.shared.commons.registration(peer)

    async def others(self, worker: WorkerProcess, command: Any, **arguments: Any) -> int:
        """Ask all workers but one, and wait until those have ended that do not answer."""
        others = [other for other in self.workers if other is not worker and other.since is not None]
        asked = [Deferred.fromCoroutine(counted(Reached(other), command, **arguments)) for other in others]
        return sum(await gatherResults(asked))

    def _tell_doors(self, workers: Sequence[WorkerProcess], delta: Delta) -> None:
        for part in channel.parts(list(delta.items())):
            for worker in workers:
                if worker.since is not None:
                    worker.link.tell(channel.Elsewhere, doors=dict(part), counts=None)

    def _tell_counts(self, workers: Sequence[WorkerProcess]) -> None:
        elsewhere = self.shared.elsewhere(self.workers)
        for worker in workers:
            worker.link.tell(channel.Elsewhere, doors={}, counts=elsewhere[worker])

    def look(self) -> None:
        """Four times a second: who is silent, who is too big, whose connections others take."""
        self._timer = self.reactor.callLater(_LOOK, self.look)
        self._looks += 1
        now = self.reactor.seconds()
        for worker in list(self.workers):
            worker.look(now)
        self.share_out()
        if self._looks % _COUNTS == 0:
            self._tell_counts([worker for worker in self.workers if worker.since is not None])
            self._weigh()

    def share_out(self) -> None:
        """See to it that somebody listens on every socket."""
        lively = [slot.current for slot in self.slots if slot.current is not None and slot.lively]
        for slot in self.slots:
            if slot.lent is not None and (slot.lively or slot.lent not in lively):
                slot.take_back()
            if slot.lent is None and not slot.lively and lively:
                loans = [other.lent for other in self.slots]
                slot.lend(min(lively, key=loans.count))

    def _weigh(self) -> None:
        """Replace a worker that has grown beyond what is allowed."""
        most = self.settings.limits.worker_memory_mib * _MIB
        for slot in self.slots:
            worker = slot.current
            if not most or worker is None or slot.coming is not None or worker.facts.get("memory", 0) <= most:
                continue
            if worker.facts["memory"] > 2 * most:
                worker.kill(f"it takes {worker.facts['memory'] // _MIB} MiB, twice what it may")
            elif not self.reloading:
                self.log.warn(
                    "{name} takes {memory} MiB and is replaced", name=worker.name, memory=worker.facts["memory"] // _MIB
                )
                Deferred.fromCoroutine(slot.replace(self.settings.listen.retire_seconds)).addErrback(self._not_replaced)

    def _not_replaced(self, failure: Failure) -> None:
        if failure.check(NotReplaced):
            self.log.error("{trouble}", trouble=failure.getErrorMessage())
        else:
            self.log.failure("a worker could not be replaced", failure=failure)

    def take(self, settings: Settings, entrances: list[Entrance]) -> list[Slot]:
        """Have workers that are started from now on take these; places that there are no more."""
        self.settings, self.claim.entrances = settings, entrances
        self.shared.commons.follow(settings)
        return self.arrange(settings.listen.processes)

    def take_back(self, was: Settings, had: list[Entrance], surplus: list[Slot]) -> None:
        """Be as before: no worker came to serve with other settings."""
        entrances, self.slots = self.claim.entrances, self.slots + surplus
        for slot in self.take(was, had):
            slot.stay_empty()
            slot.take_back()
        sockets.close([one for one in entrances if one not in had])
        for one in had:
            one.narrow(len(self.slots))
        for slot in () if self.stopping else surplus:
            if slot.current is not None and slot.current.gone:
                slot.emptied(slot.current)  # nobody was there to see it


@define(repr=False)
class Reached(Steered):
    """A worker, to be asked."""

    _worker: WorkerProcess

    @property
    def name(self) -> str:
        return self._worker.name

    @property
    def pid(self) -> int:
        return self._worker.pid

    async def ask(self, command: Any, **arguments: Any) -> dict[str, Any]:
        return await self._worker.ask(command, **arguments)
