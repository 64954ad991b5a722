"""Whoever keeps workers, and how they reach it: the supervisor's end of their channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred

from dictd.accounts.commons import Outcome
from dictd.limits import Peer
from dictd.processes import channel, questions
from dictd.processes.channel import Channel

if TYPE_CHECKING:
    from dictd.processes.workerprocess import WorkerProcess


class Superior(Protocol):
    """Whoever keeps workers."""

    def ready(self, worker: WorkerProcess) -> None:
        """It serves."""

    def ended(self, worker: WorkerProcess) -> None:
        """Its process is gone."""

    def beaten(self, worker: WorkerProcess, doors: dict[str, list[int]], facts: dict[str, Any] | None) -> None:
        """It lives, and this changed."""

    def said(self, worker: WorkerProcess, line: str) -> None:
        """It has logged a line."""

    def distrusts(self) -> None:
        """A file of the lexicon is damaged."""

    def traced(self, worker: WorkerProcess, rows: list[Any], dropped: int) -> None:
        """It has seen something of those who are watched."""

    def peer(self, host: str) -> Peer:
        """Who is at an address."""

    async def penalty(self, worker: WorkerProcess, account: str, peer: Peer) -> int:
        """See :class:`dictd.accounts.commons.Commons`."""

    def try_ended(self, worker: WorkerProcess, account: str, peer: Peer, outcome: Outcome) -> None:
        """See :class:`dictd.accounts.commons.Commons`."""

    async def registration(self, peer: Peer) -> int:
        """See :class:`dictd.accounts.commons.Commons`."""

    async def others(self, worker: WorkerProcess, command: Any, **arguments: Any) -> int:
        """Ask all other workers; the sum of their counts."""


class SupervisorChannel(Channel):
    """The supervisor's end."""

    def __init__(self, worker: WorkerProcess) -> None:
        super().__init__()
        self._worker = worker

    @channel.Ready.responder
    def ready(self, facts: dict[str, Any]) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Ready`."""
        self._worker.is_ready(facts)
        return {}

    @channel.Beat.responder
    def beat(self, doors: dict[str, list[int]], facts: dict[str, Any] | None) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Beat`."""
        self._worker.pulse.beat()
        if facts is not None:
            self._worker.facts = facts
        self._worker.superior.beaten(self._worker, doors, facts)
        return {}

    @channel.Dictionaries.responder
    def dictionaries(self, rows: list[Any], first: bool) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Dictionaries`."""
        self._worker.dictionaries = rows if first else self._worker.dictionaries + rows
        return {}

    @channel.Counts.responder
    def counts(self, snapshot: dict[str, Any]) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Counts`."""
        self._worker.counts = snapshot
        return {}

    @channel.Penalty.responder
    def penalty(self, account: str, host: str) -> Any:
        """See :class:`dictd.processes.channel.Penalty`."""
        wait = self._worker.superior.penalty(self._worker, account, self._worker.superior.peer(host))
        return Deferred.fromCoroutine(wait).addCallback(lambda seconds: {"seconds": seconds})

    @channel.Ended.responder
    def ended(self, account: str, host: str, outcome: str) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Ended`."""
        superior = self._worker.superior
        superior.try_ended(self._worker, account, superior.peer(host), Outcome(outcome))
        return {}

    @channel.Registration.responder
    def registration(self, host: str) -> Any:
        """See :class:`dictd.processes.channel.Registration`."""
        superior = self._worker.superior
        wait = Deferred.fromCoroutine(superior.registration(superior.peer(host)))
        return wait.addCallback(lambda seconds: {"seconds": seconds})

    @channel.Distrust.responder
    def distrust(self) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Distrust`."""
        self._worker.superior.distrusts()
        return {}

    @questions.Traced.responder
    def traced(self, rows: list[Any], dropped: int) -> dict[str, Any]:
        """See :class:`dictd.processes.questions.Traced`."""
        self._worker.superior.traced(self._worker, rows, dropped)
        return {}

    @channel.Expel.responder
    def expel(self, user: int, key: str | None = None) -> Any:
        """See :class:`dictd.processes.channel.Expel`."""
        return self._others(channel.Expel, user=user, key=key)

    @channel.Keep.responder
    def keep(self, user: int, keeps: bool) -> Any:
        """See :class:`dictd.processes.channel.Keep`."""
        return self._others(channel.Keep, user=user, keeps=keeps)

    @channel.TakeBack.responder
    def take_back(self, user: int, k: bytes | None = None) -> Any:
        """See :class:`dictd.processes.channel.TakeBack`."""
        return self._others(channel.TakeBack, user=user, k=k)

    def _others(self, command: Any, **arguments: Any) -> Any:
        counted = Deferred.fromCoroutine(self._worker.superior.others(self._worker, command, **arguments))
        return counted.addCallback(lambda count: {"count": count})
