"""What clients notice of a reload, of workers that are killed, and of one that stands still.

Two workers serve. A thousand clients connect, ask DEFINE, QUIT and come again
half a second later: two thousand connections a second, which leaves the machine
time for what is measured. Every turn of every client is kept; an error is a
connection that was refused, cut or never answered, and any answer but the right one.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from attrs import frozen

from benchmarks import servers
from benchmarks.cases import Value, WrongAnswers
from benchmarks.figures import percentile
from benchmarks.servers import OURS, Running
from benchmarks.turns import AGAIN, ONCE, STAY, Turn, address, coming
from benchmarks.workers import ALL_CORES
from dictd.processes import asking
from tests.support.server import until

WORKERS = 2
CLIENTS = 1000
_PAUSE, _SPREAD = 0.5, 0.5
#: Seconds that the clients come before anything is measured, and that count as part of what happened before them.
_SETTLING, _AFTERMATH = 1.0, 1.0
#: How many of those who are there when workers are killed stay connected, and their pause.
_STAYING, _STAYING_PAUSE, _GOING = 200, 0.1, 300
#: Seconds between two workers that are killed.
_BETWEEN = 5.0
#: Seconds in which a thousand new clients come to a server with a worker that is stopped.
_RUSH = 2.0

BEFORE = "1,000 reconnecting clients, before the reload"
DURING = "1,000 reconnecting clients, during the reload"
GOING = "kill -9 of a worker, 300 reconnecting clients"
STAYING = "kill -9 of a worker, 200 clients that stay"
STOPPED = "SIGSTOP of a worker, 1,000 new connections"
CASES = (BEFORE, DURING, GOING, STAYING, STOPPED)


def reloaded(state: Path, lines: Sequence[bytes], seconds: float) -> Iterator[Value | str]:
    """Reload while they come and go.

    :param seconds: how long they are watched before.
    """
    with _served(state) as server, coming(server, CLIENTS, _SPREAD, _PAUSE, AGAIN, lines) as told:
        told.go()
        time.sleep(_SETTLING)
        began = time.monotonic()
        time.sleep(seconds)
        asked = time.monotonic()
        asking.ask(server.state, "reload")
        done = time.monotonic()
        time.sleep(_AFTERMATH)
    yield from _of_turns(BEFORE, told.within(began, asked))
    yield from _of_turns(DURING, told.within(asked, done + _AFTERMATH))
    yield (DURING, OURS, "reload"), done - asked


@frozen
class Death:
    """A worker that was killed.

    :ivar at: when, monotonic seconds.
    :ivar own: the addresses of those who stay, and were connected to it.
    :ivar again: seconds until another served in its place.
    """

    at: float
    own: frozenset[str]
    again: float

    def cut(self, turn: Turn) -> bool:
        """Whether a turn was of a connection that was there when the worker was killed, and ended then."""
        under_way = turn.began <= self.at <= turn.ended
        return under_way or (not turn.new and 0 <= turn.ended - self.at < _AFTERMATH)

    def cut_own(self, turn: Turn) -> bool:
        """The same of one who stays, and whose connection was to this worker."""
        return self.cut(turn) and address(turn.client, STAY) in self.own


def killed(state: Path, lines: Sequence[bytes], times: int) -> Iterator[Value | str]:
    """Kill one worker after the other."""
    with (
        _served(state) as server,
        coming(server, _STAYING, _SPREAD, _STAYING_PAUSE, STAY, lines) as staying,
        coming(server, _GOING, _SPREAD, _PAUSE, AGAIN, lines) as others,
    ):
        staying.go()
        others.go()
        time.sleep(2 * _SETTLING)
        deaths = []
        for number in range(times):
            until("all workers to serve", lambda: len(server.serving()) == WORKERS)
            deaths.append(_kill(server, number % WORKERS))
            time.sleep(max(0.0, _BETWEEN - (time.monotonic() - deaths[-1].at)))
    # Nobody knows whose connection it was of those who come and go; but one that began later was not the dead one's.
    yield from _of_turns(GOING, others.turns, [death.cut for death in deaths])
    yield from _of_turns(STAYING, staying.turns, [death.cut_own for death in deaths])
    yield (GOING, OURS, "again"), max(death.again for death in deaths)
    yield (GOING, OURS, "killed"), len(deaths)


def stopped(state: Path, lines: Sequence[bytes]) -> Iterator[Value | str]:
    """Stop a worker, and let new clients come at once."""
    with _served(state) as server, coming(server, CLIENTS, _RUSH, 0, ONCE, lines) as told:
        victim = server.serving()[0]["pid"]
        os.kill(victim, signal.SIGSTOP)
        began = time.monotonic()
        try:
            told.go()
            again = _replaced(server, victim, began)
        finally:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGCONT)
        time.sleep(max(0.0, began + _RUSH + _AFTERMATH - time.monotonic()))
    yield from _of_turns(STOPPED, told.turns)
    yield (STOPPED, OURS, "late"), sum(turn.took > 0.25 for turn in told.turns)
    yield (STOPPED, OURS, "again"), again


def _served(state: Path) -> AbstractContextManager[Running]:
    return servers.ours(state, workers=WORKERS, cores=ALL_CORES)


def _kill(server: Running, number: int) -> Death:
    """Kill a worker, and wait until there is another."""
    victim = server.serving()[number]
    sessions = asking.ask(server.state, "sessions")
    own = frozenset(one["peer"] for one in sessions if one["process"] == victim["name"])
    at = time.monotonic()
    os.kill(victim["pid"], signal.SIGKILL)
    return Death(at, own, _replaced(server, victim["pid"], at))


def _replaced(server: Running, victim: int, since: float) -> float:
    """Wait until another worker serves in a worker's place; seconds since then."""

    def there() -> bool:
        pids = [worker["pid"] for worker in server.serving()]
        return len(pids) == WORKERS and victim not in pids

    until("another worker to serve", there)
    return time.monotonic() - since


def _of_turns(case: str, turns: Sequence[Turn], causes: Sequence[Callable[[Turn], bool]] = ()) -> Iterator[Value | str]:
    """What they say together; texts are remarks.

    :param causes: what each worker that was killed accounts for; such turns are told apart from errors.
    """
    if not turns:
        raise WrongAnswers(f"{case}: nobody came")
    waits = sorted(turn.took for turn in turns)
    wrong = [turn for turn in turns if not turn.right]
    errors = [turn for turn in wrong if not any(cause(turn) for cause in causes)]
    yield (case, OURS, "made"), sum(turn.new for turn in turns)
    yield (case, OURS, "errors"), len(errors)
    if causes:
        yield (case, OURS, "own"), len(wrong) - len(errors)
    yield (case, OURS, "p50"), percentile(waits, 0.5) * 1e3
    yield (case, OURS, "p99"), percentile(waits, 0.99) * 1e3
    yield (case, OURS, "longest"), waits[-1] * 1e3
    if errors:
        yield f"{case}: errors: {dict(Counter(turn.ending for turn in errors))}"
