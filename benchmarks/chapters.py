"""The parts of a run that can be measured alone, and what the younger ones of them measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import frozen

from benchmarks import (
    durable,
    entering,
    faults,
    filling,
    guessing,
    outage,
    publishing,
    recovery,
    scraping,
    secure,
    workers,
)
from benchmarks.cases import Value, WrongAnswers
from benchmarks.load import ServerFell
from benchmarks.servers import NotHere
from benchmarks.stores import Stores
from dictd.errors import DictError

#: The older ones, which share servers: loads, strategies and crowds; imports; idle connections.
SERVERS, IMPORTS, IDLE = "servers", "imports", "idle"
_OLDER = (SERVERS, IMPORTS, IDLE)
#: What may go wrong with one of them; an assertion is of something that was waited for in vain.
TROUBLES = (ServerFell, WrongAnswers, NotHere, DictError, OSError, AssertionError)


@frozen
class Stage:
    """What there is to measure with.

    :ivar state: a state directory with WordNet.
    :ivar lines: what is asked.
    :ivar seconds: of one round.
    :ivar flood: seconds of wrong passwords.
    :ivar stores: what history is kept in, SQLite and MariaDB.
    :ivar outage: seconds that a database stands still.
    :ivar quick: whether a first look is enough.
    """

    state: Path
    lines: Sequence[bytes]
    rounds: int
    seconds: float
    flood: float
    stores: Stores
    outage: float = 60.0
    quick: bool = False


@frozen
class Chapter:
    """A part of a run.

    :ivar about: what is said when it begins.
    :ivar measured: gives values, and texts that the table has to say besides.
    :ivar quick: whether it is a part of a first look, too; ``apart``: of neither, but measured where it is named.
    """

    name: str
    about: str
    measured: Callable[[Stage], Iterator[Value | str]]
    quick: bool = True
    apart: bool = False


def _workers(stage: Stage) -> Iterator[Value | str]:
    for _ in range(1 if stage.quick else stage.rounds):
        yield from workers.shared(stage.state, stage.lines, stage.seconds)


def _balance(stage: Stage) -> Iterator[Value | str]:
    for count in workers.BALANCED[: 1 if stage.quick else None]:
        yield from workers.balanced(stage.state, count)


def _reload(stage: Stage) -> Iterator[Value | str]:
    yield from faults.reloaded(stage.state, stage.lines, 2 * stage.seconds)


def _kill(stage: Stage) -> Iterator[Value | str]:
    yield from faults.killed(stage.state, stage.lines, 3)


def _stop(stage: Stage) -> Iterator[Value | str]:
    yield from faults.stopped(stage.state, stage.lines)


def _tls(stage: Stage) -> Iterator[Value | str]:
    rounds, connections = (1, 1000) if stage.quick else (stage.rounds, 3000)
    yield from secure.measured(stage.state, stage.lines, rounds, stage.seconds, connections)


def _metrics(stage: Stage) -> Iterator[Value | str]:
    pairs, seconds = (2, 1.0) if stage.quick else (4, max(stage.seconds, 1.0))
    yield from scraping.measured(stage.state, stage.lines, pairs, seconds)


def _logins(stage: Stage) -> Iterator[Value | str]:
    yield from guessing.measured(stage.state, stage.lines, stage.flood)


def _durable(stage: Stage) -> Iterator[Value | str]:
    yield from durable.measured(stage.stores, stage.lines, stage.seconds, quick=stage.quick)


def _durable_workers(stage: Stage) -> Iterator[Value | str]:
    yield from durable.measured(stage.stores, stage.lines, stage.seconds, durable.WORKERS, stage.quick)


def _entering(stage: Stage) -> Iterator[Value | str]:
    yield from entering.measured(stage.stores, stage.lines, 5 * stage.seconds)


def _filling(stage: Stage) -> Iterator[Value | str]:
    yield from filling.measured(stage.stores, 1 if stage.quick else stage.rounds)


def _publishing(stage: Stage) -> Iterator[Value | str]:
    yield from publishing.measured(stage.stores, stage.lines, 5 * stage.seconds)


def _outage(stage: Stage) -> Iterator[Value | str]:
    yield from outage.measured(stage.stores, stage.lines, 5 * stage.seconds, stage.outage)


def _recovery(stage: Stage) -> Iterator[Value | str]:
    yield from recovery.measured(stage.stores, 1 if stage.quick else stage.rounds)


CHAPTERS = (
    Chapter("workers", "one worker and two", _workers),
    Chapter("balance", "how connections are shared among workers", _balance),
    Chapter("reload", "a reload under load", _reload),
    Chapter("kill", "workers are killed", _kill, quick=False),
    Chapter("stop", "a worker stands still", _stop, quick=False),
    Chapter("tls", "TLS beside plain connections", _tls),
    Chapter("metrics", "what metrics cost", _metrics, quick=False),
    Chapter("logins", "a flood of wrong passwords", _logins, quick=False),
    Chapter("durable", "look-ups that are kept, and a slow disk", _durable, quick=False),
    Chapter("durable-workers", "the same with workers", _durable_workers, apart=True),
    Chapter("entering", "logins a second", _entering, quick=False),
    Chapter("filling", "imports into MariaDB", _filling, apart=True),
    Chapter("publishing", "look-ups beside an import", _publishing, quick=False),
    Chapter("outage", "the database stands still", _outage, quick=False),
    Chapter("recovery", "the database is killed, and comes back", _recovery, quick=False),
)
NAMES = (*_OLDER, *(chapter.name for chapter in CHAPTERS))


def wanted(name: str, prefixes: Sequence[str]) -> bool:
    """Whether a chapter is to be measured; all are where nobody said which.

    :param prefixes: of names.
    """
    return not prefixes or any(name.startswith(prefix) for prefix in prefixes)


def chosen(stage: Stage, prefixes: Sequence[str]) -> list[Chapter]:
    """The younger chapters that are wanted; a run leaves some out, and a first look more, unless they are named."""

    def usual(one: Chapter) -> bool:
        return not one.apart and (one.quick or not stage.quick)

    return [one for one in CHAPTERS if wanted(one.name, prefixes) and (prefixes or usual(one))]
