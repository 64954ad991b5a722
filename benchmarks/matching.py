"""MATCH, strategy by strategy: what one client waits, and what it costs the server."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import cycle

from benchmarks import accounting
from benchmarks.answers import NOTHING, RIGHT, endings
from benchmarks.cases import Value, WrongAnswers, values
from benchmarks.draws import STRATEGIES
from benchmarks.load import Outcome, ServerFell, ask, dial
from benchmarks.machine import CORES, on
from benchmarks.servers import OURS, Running

#: Where is matched: one dictionary, four.
WORDNET = "wn"
MILLION = "a million"
#: Other names of strategies, here and with others.
_NAMES = {"substring": ("substring", "substr"), "metaphone": ("metaphone", "metaphone2")}
_ALIASES = {"substr", "pcre"}
_ROW = re.compile(rb"^([^ \r\n]+) [^\r\n]*\r$", re.MULTILINE)
#: Answers that are waited for even if they take longer than the round; of each of ours at least.
_LEAST = 5
#: A connection of C dictd ends with its 2,000th question.
_MOST = 1500


def case(strategy: str, where: str) -> str:
    """How the case is called."""
    return f"MATCH {strategy}, {where}"


def strategy(case: str) -> str:
    """The strategy that such a case is of; empty: it is another case."""
    name, _, where = case.removeprefix("MATCH ").partition(", ")
    return name if case.startswith("MATCH ") and where in (WORDNET, MILLION) else ""


def offered(server: Running) -> list[str]:
    """The strategies of a server, in its order.

    :raises ServerFell: it does not say.
    """
    with dial(server.port) as connection:
        ask(connection)
        return named_in(ask(connection, b"SHOW STRAT\r\n"))


def named_in(answer: bytes) -> list[str]:
    """The names in an answer to ``SHOW STRAT``."""
    return [name.decode() for name in _ROW.findall(answer.partition(b"\n")[2]) if not name.isdigit()]


def rows(ours: Sequence[str]) -> list[str]:
    """The strategies to measure: those we know, and whatever else ours has."""
    known = {name for strategy in STRATEGIES for name in _NAMES.get(strategy, (strategy,))} | _ALIASES
    return [*STRATEGIES, *(name for name in ours if name not in known)]


def called(strategy: str, names: Sequence[str]) -> str | None:
    """What a server with these strategies calls this one; ``None``: it has none such."""
    return next((name for name in _NAMES.get(strategy, (strategy,)) if name in names), None)


def questions(database: str, name: str, words: Sequence[str]) -> list[bytes]:
    """Lines that ask."""
    return [f'MATCH {database} {name} "{word}"\r\n'.encode() for word in words]


def measured(server: Running, case: str, lines: Sequence[bytes], seconds: float, most: int = _MOST) -> Iterator[Value]:
    """One round of one client that asks line after line.

    :param most: answers after which it ends.
    :raises WrongAnswers: an answer was neither matches nor none.
    :raises ServerFell: an answer did not come.
    """
    try:
        outcome, used = _asked(server, lines, seconds, most)
        wrong = outcome.but(RIGHT, NOTHING)
        if wrong:
            raise WrongAnswers(f"answered {wrong}")
    except (ServerFell, WrongAnswers) as trouble:
        raise type(trouble)(f"{case}: {server.name}: {trouble}") from trouble
    for measure, value in values(outcome, used):
        # How many a second and how busy tells nothing new of one client.
        if measure not in ("rate", "busy"):
            yield (case, server.name, measure), value


def _asked(server: Running, lines: Sequence[bytes], seconds: float, most: int) -> tuple[Outcome, float]:
    outcome = Outcome(Counter())
    now = time.perf_counter
    with on(CORES.asking), dial(server.port) as connection:
        ask(connection)
        ask(connection, lines[-1])  # what is done once for a connection or a strategy counts nowhere
        before = accounting.cpu(server.pid)
        began = now()
        for line in cycle(lines):
            since = now()
            heard = ask(connection, line)
            at = now()
            outcome.waits.append(at - since)
            outcome.received += len(heard)
            outcome.note(endings(heard, 1) or [])
            if len(outcome.waits) >= most or (at - began >= seconds and len(outcome.waits) >= _LEAST):
                break
        outcome.seconds = at - began
        # While the connection is there, for with the peers its process is too.
        used = accounting.cpu(server.pid) - before
    return outcome, used


def side_by_side(
    running: Sequence[Running],
    words: dict[str, list[str]],
    where: str,
    database: str,
    seconds: float,
    most: int = _MOST,
) -> Iterator[Value | str]:
    """Every strategy that a server has, on each of these servers; remarks on those of others that fail.

    :param words: for each strategy.
    """
    names = {server.name: offered(server) for server in running}
    for strategy, drawn in words.items():
        for server in running:
            name = called(strategy, names[server.name])
            if name is None or not drawn:
                continue
            lines = questions(database, name, drawn)
            try:
                yield from measured(server, case(strategy, where), lines, seconds, most)
            except (ServerFell, WrongAnswers) as trouble:
                if server.name == OURS:
                    raise
                yield str(trouble)
