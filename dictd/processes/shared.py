"""What the supervisor keeps for all workers: connections of each network, tries to log in, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from dictd.accounts.commons import OneProcess, Outcome
from dictd.limits import Peer
from dictd.processes.workerprocess import WorkerProcess
from dictd.tally import ended, merged, shown

Delta = dict[str, list[int]]


@define(eq=False)
class Shared:
    """Kept by worker, so that nothing of one that died stays behind.

    :ivar ended: what workers had counted that have ended.
    """

    commons: OneProcess
    ended: dict[str, Any] = field(factory=dict)
    _connections: dict[WorkerProcess, Counter[str]] = field(factory=dict, init=False)
    _tries: dict[WorkerProcess, Counter[tuple[str, Peer]]] = field(factory=dict, init=False)

    async def penalty(self, worker: WorkerProcess, account: str, peer: Peer) -> int:
        """See :class:`dictd.accounts.commons.Commons`."""
        seconds = await self.commons.penalty(account, peer)
        if not seconds:
            self._tries.setdefault(worker, Counter())[account, peer] += 1
        return seconds

    def try_ended(self, worker: WorkerProcess, account: str, peer: Peer, outcome: Outcome) -> None:
        """See :class:`dictd.accounts.commons.Commons`."""
        tries = self._tries.setdefault(worker, Counter())
        if outcome is Outcome.ABANDONED and not tries[account, peer]:
            del tries[account, peer]
            return  # the worker did not wait to hear that it had not begun
        tries[account, peer] -= 1
        if tries[account, peer] <= 0:
            del tries[account, peer]
        self.commons.ended(account, peer, outcome)

    def moved(self, worker: WorkerProcess, delta: Mapping[str, Sequence[int]]) -> None:
        """The connections of a worker have changed."""
        connections = self._connections.setdefault(worker, Counter())
        for network, (change, _) in delta.items():
            connections[network] += change
            if not connections[network]:
                del connections[network]

    def besides(self, worker: WorkerProcess) -> Delta:
        """What all workers but one have, for one that has just come."""
        total: Counter[str] = Counter()
        for other, connections in self._connections.items():
            if other is not worker:
                total.update(connections)
        return {network: [count, 0] for network, count in total.items()}

    def counts(self, workers: Sequence[WorkerProcess]) -> dict[str, Any]:
        """What all workers have counted, those that have ended too."""
        return merged([self.ended, *(worker.counts for worker in workers)])

    def elsewhere(self, workers: Sequence[WorkerProcess]) -> dict[WorkerProcess, dict[str, int]]:
        """For each worker the sums that STATUS shows of all the others, those that have ended too."""
        own = {worker: shown(worker.counts) for worker in workers}
        total = merged([shown(self.ended), *own.values()])
        return {worker: {key: sum - mine[key] for key, sum in total.items()} for worker, mine in own.items()}

    def left(self, worker: WorkerProcess) -> Delta:
        """A worker has ended: forget what it had.

        :returns: what changed by that for the others.
        """
        for (account, peer), count in self._tries.pop(worker, Counter()).items():
            for _ in range(count):
                self.commons.ended(account, peer, Outcome.ABANDONED)
        self.ended = merged([self.ended, ended(worker.counts)])
        connections = self._connections.pop(worker, Counter())
        return {network: [-count, 0] for network, count in connections.items()}
