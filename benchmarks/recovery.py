"""How soon all is well after MariaDB was killed: it is started again, or another host has its database.

Nobody does anything to dictd meanwhile. The other host has the accounts and the
dictionary, and no rows of the first: it is a copy, not a replica.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks import outage, witnesses
from benchmarks.cases import Value
from benchmarks.outage import CONNECTIONS, PAUSE, WORKERS, welcomed
from benchmarks.servers import OURS
from benchmarks.stores import Stores

#: Seconds that it is away.
_AWAY = 3.0
_SETTLING = 2.0

AGAIN = "MariaDB killed, and started again"
ELSEWHERE = "MariaDB killed, another host has its database"
HANGING = "MariaDB stopped, another host has its database"
CASES = (AGAIN, ELSEWHERE, HANGING)


def measured(stores: Stores, times: int) -> Iterator[Value | str]:
    """Both."""
    yield from again(stores, times)
    for _ in range(times):
        yield from elsewhere(stores, ELSEWHERE)
    yield from elsewhere(stores, HANGING)


def again(stores: Stores, times: int) -> Iterator[Value | str]:
    """Kill it and start it again."""
    with stores.mariadb() as kept, kept.served(workers=WORKERS) as server:
        assert kept.mariadb
        witnesses.register(server.port)
        with witnesses.witness(server.port, CONNECTIONS, pause=PAUSE) as witness:
            for _ in range(times):
                time.sleep(_SETTLING)
                kept.mariadb.kill()
                time.sleep(_AWAY)
                kept.mariadb.launch()
                answers = time.monotonic()
                yield (AGAIN, OURS, "login"), welcomed(server.port) - answers
            yield from outage.truth(AGAIN, kept, witness)


def elsewhere(stores: Stores, case: str) -> Iterator[Value | str]:
    """Kill it, or stop it, and it stays away."""
    with stores.mariadb() as kept, stores.database.copied(kept.state.parent / "other") as other:
        first = kept.mariadb
        assert first
        name = outage.database_of(kept)
        kept.url = f"mysql://root@127.0.0.1:{first.port},127.0.0.1:{other.port}/{name}"
        with kept.served(workers=WORKERS) as server:
            witnesses.register(server.port)
            for row in first.rows(name, "SELECT * FROM user"):
                other.rows(name, f"INSERT INTO user VALUES ({', '.join(['%s'] * len(row))})", *row)  # noqa: S608
            with witnesses.witness(server.port, CONNECTIONS, pause=PAUSE) as witness:
                time.sleep(_SETTLING)
                if case == HANGING:
                    first.stop_answering()
                else:
                    first.kill()
                away = time.monotonic()
                yield (case, OURS, "login"), welcomed(server.port) - away
                time.sleep(_SETTLING)
                seen = witness.seen()
                yield (case, OURS, "longest"), max(seen.waits) * 1e3
                yield (case, OURS, "unconfirmed"), seen.unconfirmed
