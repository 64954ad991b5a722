"""What clients notice of a MariaDB that stands still, as one does whose disk or network hangs.

SIGSTOP: connections are taken and nothing is ever answered. One anonymous client
asks; twenty connections of one user look up ten words a second each, and what
they were promised is held against what the history has in the end; somebody
tries to log in and to register.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

from attrs import define, field

from benchmarks import accounting, witnesses
from benchmarks.cases import Value, WrongAnswers
from benchmarks.entering import waits
from benchmarks.figures import percentile
from benchmarks.load import ServerFell, ask, dial
from benchmarks.polite import Polite
from benchmarks.servers import OURS, Running
from benchmarks.stores import Kept, Stores
from benchmarks.witnesses import Seen, Witness
from dictd.model import row_id
from tests.support.server import until

WORKERS = 2
CONNECTIONS, PAUSE = 20, 0.1
#: Seconds between two tries to do something with an account.
_BETWEEN = 0.1
#: Each worker has to find out for itself, by two questions that were not answered; seconds.
_FOUND_OUT = 6.0
_SETTLING = 2.0
_PATIENCE = 120.0

BEFORE = "anonymous client, before MariaDB is stopped"
DURING = "anonymous client, while MariaDB is stopped"
KEPT_BEFORE = "20 logged in, before MariaDB is stopped"
KEPT = "20 logged in, while MariaDB is stopped"
LOGIN, REGISTER = (f"{verb}, while MariaDB is stopped" for verb in ("LOGIN", "REGISTER"))
BACK = "MariaDB goes on"
CASES = (BEFORE, DURING, KEPT_BEFORE, KEPT, LOGIN, REGISTER, BACK)

ROWS = "SELECT h.word FROM hist h JOIN user u ON u.id = h.user_id WHERE u.name = 'alice'"
_ROWS_BEFORE = "SELECT count(*) FROM hist h JOIN user u ON u.id = h.user_id WHERE u.name = 'alice' AND h.rid < %s"


@define
class Verbs:
    """Somebody who tries to log in and to register, on a new connection each time.

    :ivar refused: of each verb, when, and how many seconds it took; ``other``: answers that were not 480.
    """

    port: int
    refused: dict[str, list[tuple[float, float]]] = field(factory=lambda: {LOGIN: [], REGISTER: []})
    other: list[bytes] = field(factory=list)
    _over: threading.Event = field(factory=threading.Event)

    def run(self) -> None:
        """Try until it is over."""
        number = 0
        while not self._over.wait(_BETWEEN):
            number += 1
            verb = LOGIN if number % 2 else REGISTER
            line = witnesses.LOGIN if verb == LOGIN else b"REGISTER nobody%d correct-horse\r\n" % number
            with dial(self.port) as connection:
                ask(connection)
                since = time.monotonic()
                heard = ask(connection, line)
            self.refused[verb].append((since, time.monotonic() - since))
            if not heard.startswith(b"480 "):
                self.other.append(heard)

    def end(self) -> None:
        """It is."""
        self._over.set()


def measured(stores: Stores, lines: Sequence[bytes], calm: float, seconds: float) -> Iterator[Value | str]:
    """Stop it, and let it go on.

    :param calm: seconds before.
    :param seconds: how long it stands still.
    """
    with stores.mariadb() as kept, kept.served(workers=WORKERS) as server:
        assert kept.mariadb
        witnesses.register(server.port)
        with witnesses.witness(server.port, CONNECTIONS, pause=PAUSE) as witness:
            time.sleep(_SETTLING)
            witness.seen()
            alone = _polite(server, lines, calm)
            yield from waits(BEFORE, alone)
            yield from _seen(KEPT_BEFORE, witness.seen())
            rss = accounting.memory(server.pid).rss
            kept.mariadb.stop_answering()
            stopped = time.monotonic()
            try:
                verbs = Verbs(server.port)
                trying = threading.Thread(target=verbs.run)
                trying.start()
                try:
                    beside = _polite(server, lines, seconds)
                finally:
                    verbs.end()
                    trying.join()
                grown = max(beside.worst, accounting.memory(server.pid).rss) - max(rss, alone.worst)
                seen = witness.seen()
            finally:
                kept.mariadb.go_on()
            went_on = time.monotonic()
            promised, last = witness.seen().promised, row_id(int(time.time() * 1000), 0, 0)
            yield (BACK, OURS, "login"), welcomed(server.port) - went_on
            until("the history to be whole", lambda: _there(kept, last) >= promised, _PATIENCE)
            yield (BACK, OURS, "home"), time.monotonic() - went_on
            time.sleep(_SETTLING)
            yield from truth(BACK, kept, witness)
    yield from waits(DURING, beside)
    yield (DURING, OURS, "grown"), grown / 1024
    yield from _seen(KEPT, seen)
    yield from _of_verbs(verbs, stopped)


def truth(case: str, kept: Kept, *witnesses: Witness) -> Iterator[Value | str]:
    """What was promised, held against what is there once no spool has anything any more."""
    for witness in witnesses:
        witness.end()
    until("the spool to be empty", lambda: not [*(kept.state / "spool").rglob("*.rows")], _PATIENCE)
    assert kept.mariadb
    words = [word for (word,) in kept.mariadb.rows(database_of(kept), ROWS)]
    there = set(words)
    confirmed = frozenset[str]().union(*(witness.confirmed for witness in witnesses))
    yield (case, OURS, "promised"), len(confirmed)
    yield (case, OURS, "missing"), len(confirmed - there)
    yield (case, OURS, "twice"), len(words) - len(there)
    yield (case, OURS, "unconfirmed"), sum(len(witness.unconfirmed) for witness in witnesses)
    for witness in witnesses:
        # More than three that log in at once are told to come again.
        refused = {code: count for code, count in witness.refused.items() if code != "481"}
        if refused:
            yield f"{case}: logged in: answered {refused}"


def database_of(kept: Kept) -> str:
    """The name of the database in its URL."""
    return kept.url.rpartition("/")[2]


def welcomed(port: int) -> float:
    """Try until somebody can log in and read the history; when that was, monotonic seconds.

    :raises WrongAnswers: it does not get so far.
    """
    end = time.monotonic() + _PATIENCE
    heard = b""
    while time.monotonic() < end:
        try:
            with dial(port) as connection:
                ask(connection)
                heard = ask(connection, witnesses.LOGIN)
                if heard.startswith(b"230 "):
                    heard = ask(connection, b"HISTORY 3\r\n")
                    if not heard.startswith(b"480 "):
                        return time.monotonic()
        except ServerFell as trouble:
            heard = str(trouble).encode()
        time.sleep(0.02)
    raise WrongAnswers(f"nobody could log in for {_PATIENCE} s: {heard!r}")


def _polite(server: Running, lines: Sequence[bytes], seconds: float) -> Polite:
    client = Polite(server, lines, weighing=True)
    client.run(seconds)
    return client


def _there(kept: Kept, before: int) -> int:
    assert kept.mariadb
    return int(kept.mariadb.rows(database_of(kept), _ROWS_BEFORE, before)[0][0])


def _seen(case: str, seen: Seen) -> Iterator[Value]:
    found = sorted(seen.waits)
    if not found:
        raise WrongAnswers(f"{case}: nobody was answered")
    yield (case, OURS, "p50"), percentile(found, 0.5) * 1e3
    yield (case, OURS, "p99"), percentile(found, 0.99) * 1e3
    yield (case, OURS, "longest"), found[-1] * 1e3
    yield (case, OURS, "unconfirmed"), seen.unconfirmed


def _of_verbs(verbs: Verbs, stopped: float) -> Iterator[Value | str]:
    for case, refused in verbs.refused.items():
        first = [took for since, took in refused if since - stopped < _FOUND_OUT]
        later = sorted(took for since, took in refused if since - stopped >= _FOUND_OUT)
        if first:
            yield (case, OURS, "first"), max(first) * 1e3
        if later:
            yield (case, OURS, "p50"), percentile(later, 0.5) * 1e3
            yield (case, OURS, "p99"), percentile(later, 0.99) * 1e3
            yield (case, OURS, "longest"), later[-1] * 1e3
    yield (LOGIN, OURS, "errors"), len(verbs.other)
    if verbs.other:
        yield f"{LOGIN}: answered {verbs.other[0]!r}"
