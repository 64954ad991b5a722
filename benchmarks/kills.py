"""``python -m benchmarks.kills``: is everything there that was promised, and nothing twice?

Two processes with 32 connections each look up words, no word twice, and remember
every answer. Meanwhile workers are killed (-9), and on MariaDB the database too;
and commits are done whose answer never comes, for the wire is cut in front of it.
On SQLite the whole server is killed every other time. In the end the words whose
row was promised are held against the table.

kill -9 leaves to the kernel what was written: what a power failure does is told
by the syncs that the chapter ``durable`` counts.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from benchmarks import outage, servers, witnesses
from benchmarks.cases import WrongAnswers
from benchmarks.load import ServerFell
from benchmarks.servers import NotHere
from benchmarks.stores import MARIADB, SQLITE, Kept, Stores
from benchmarks.witnesses import Witness, witness
from dictd.errors import DictError
from dictd.processes import asking
from dictd.store.sqlite import ACCOUNTS_FILE
from tests.support.crew import descendants
from tests.support.server import Server, until
from tests.support.tcpproxy import Wire

WORKERS = 3
PROCESSES, CONNECTIONS = 2, 32
#: A worker that has served so long is started again at once, seconds.
_GROWN_UP = 3.2
_PATIENCE = 120.0


@define
class Trial:
    """A store, the server on it, and those who watch.

    :ivar done: how often what was done.
    """

    kept: Kept
    server: Server
    witnesses: Sequence[Witness]
    wire: Wire | None = None
    done: Counter[str] = field(factory=Counter)

    def promised(self) -> int:
        """How many rows so far."""
        self.server.hear()
        return sum(witness.seen().promised for witness in self.witnesses)

    def more(self, rows: int) -> None:
        """Wait for so many more."""
        wanted = self.promised() + rows
        until(f"{rows} answers", lambda: self.promised() >= wanted, _PATIENCE)

    def serving(self) -> list[dict[str, Any]]:
        """Workers that will be started again at once when they end; none while nobody can tell."""
        self.server.hear()
        with suppress(DictError):
            workers = asking.ask(self.kept.state, "status")["workers"]
            # Of a supervisor that is killed soon after no worker ends twice in a row.
            least = _GROWN_UP if self.kept.mariadb else 0.0
            return [one for one in workers if one["state"] == "serving" and one["seconds"] >= least]
        return []

    def kill_worker(self) -> None:
        """The one that has served longest."""
        until("a worker that is well", lambda: bool(self.serving()), _PATIENCE)
        os.kill(max(self.serving(), key=lambda worker: float(worker["seconds"]))["pid"], signal.SIGKILL)
        self.done["workers killed"] += 1

    def kill_server(self) -> None:
        """Supervisor and workers; then another begins on the same port."""
        for pid in [self.server.process.pid, *descendants(self.server.process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.server.kill()
        self.server.launch(self.server.port)
        self.done["servers killed"] += 1

    def kill_database(self) -> None:
        """It stays away while some hundred rows are promised."""
        assert self.kept.mariadb
        self.kept.mariadb.kill()
        self.more(500)
        self.kept.mariadb.launch()
        self.done["databases killed"] += 1

    def lose_commit(self) -> None:
        """A commit is done, and nobody hears of it."""
        wire = self.wire
        assert wire
        before = wire.lost
        wire.lose_answer_to(b"COMMIT")
        until("a commit", lambda: bool(self.server.hear()) and wire.lost > before, _PATIENCE)
        self.done["answers to COMMIT lost"] += 1

    def run(self, kills: int, rows: int) -> None:
        """All of it, evenly, and until enough was promised.

        :param kills: half of them of workers.
        :param rows: how many are to be promised at least.
        """
        for number in range(kills // 2):
            self.kill_worker()
            if self.kept.mariadb:
                self.more(rows // kills // 2)
                self.kill_database()
                self.more(rows // kills // 2)
                self.lose_commit()
            else:
                self.more(rows // kills)
                self.kill_server()
            self.more(rows // kills)
            if not (number + 1) % 10:
                click.echo(f"kills: {dict(self.done)}, {self.promised():,} promised", err=True)
        left = rows - self.promised()
        if left > 0:
            self.more(left)

    def words(self) -> list[str]:
        """What the history has."""
        if self.kept.mariadb:
            return [word for (word,) in self.kept.mariadb.rows(outage.database_of(self.kept), outage.ROWS)]
        with closing(sqlite3.connect(self.kept.state / "store" / ACCOUNTS_FILE)) as connection:
            return [word for (word,) in connection.execute(outage.ROWS)]

    def compared(self) -> Iterator[tuple[str, int]]:
        """End, and hold what was promised against what is there."""
        for one in self.witnesses:
            one.end()
        spool = self.kept.state / "spool"
        until("the spool to be empty", lambda: bool(self.server.hear()) and not [*spool.rglob("*.rows")], _PATIENCE)
        words = self.words()
        there = set(words)
        confirmed = frozenset[str]().union(*(one.confirmed for one in self.witnesses))
        refused = sum((one.refused for one in self.witnesses), Counter[str]())
        yield from self.done.items()
        yield "promised", len(confirmed)
        yield "missing", len(confirmed - there)
        yield "twice", len(words) - len(there)
        yield "not confirmed", sum(len(one.unconfirmed) for one in self.witnesses)
        yield "  of them there all the same", sum(len(one.unconfirmed & there) for one in self.witnesses)
        yield "connections cut", sum(one.cut for one in self.witnesses)
        for code, count in sorted(refused.items()):
            yield f"answered {code}", count


@contextmanager
def tried(stores: Stores, store: str) -> Iterator[Trial]:
    """A server on a store, under load."""
    with ExitStack() as stack:
        kept = stack.enter_context(stores.mariadb() if store == MARIADB else stores.sqlite())
        wire = None
        if kept.mariadb:
            wire = stack.enter_context(Wire.to(kept.mariadb.port))
            kept.url = f"mysql://root@127.0.0.1:{wire.port}/{outage.database_of(kept)}"
        path = kept.state / "kills.toml"
        path.write_text(f'{servers.SETTINGS}[store]\nurl = "{kept.url}"\n')
        server = Server(kept.state, ("--config", str(path), "--workers", str(WORKERS)))
        server.launch()
        stack.callback(server.stop)
        until("dictd to listen", lambda: server.hear() and server.port > 0)
        witnesses.register(server.port)
        watching = [
            stack.enter_context(witness(server.port, CONNECTIONS, f"word{number}")) for number in range(PROCESSES)
        ]
        yield Trial(kept, server, watching, wire)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--kills", type=click.IntRange(2), default=100, show_default=True, help="Half of them of workers.")
@click.option("--rows", type=click.IntRange(1), default=500_000, show_default=True, help="To be promised at least.")
@click.option("--store", "chosen", type=click.Choice([SQLITE, MARIADB]), multiple=True, help="Only this one.")
@click.option("--results", type=click.Path(path_type=Path), default=Path(".bench"), show_default=True)
def main(kills: int, rows: int, chosen: tuple[str, ...], results: Path) -> None:
    """Kill workers, servers and the database under load; exit code 1: something promised is missing, or there twice."""
    results.mkdir(parents=True, exist_ok=True)
    failed = False
    with tempfile.TemporaryDirectory(prefix="kills-", dir=results) as directory:
        stores = Stores.small(Path(directory).resolve())
        for store in chosen or (SQLITE, MARIADB):
            began = time.monotonic()
            try:
                with tried(stores, store) as trial:
                    trial.run(kills, rows)
                    told = dict(trial.compared())
            except (NotHere, OSError, ServerFell, WrongAnswers, DictError, AssertionError) as trouble:
                click.echo(f"kills: {store}: {trouble}", err=True)
                failed = True
                continue
            click.echo(f"{store}, {WORKERS} workers, {PROCESSES * CONNECTIONS} connections")
            for what, count in told.items():
                click.echo(f"  {what:<30} {count:>9,}")
            click.echo(f"  {'seconds':<30} {time.monotonic() - began:>9,.0f}")
            failed = failed or bool(told["missing"] or told["twice"])
    sys.exit(failed)


if __name__ == "__main__":
    main()
