"""The two stores that history is kept in, each with WordNet: SQLite's files, and a MariaDB of its own.

MariaDB is filled once a run, and each chapter has a copy of that. It flushes its
log at every commit, as a database does that is to lose nothing; what it writes
goes where the results go, and not into memory.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from unittest import SkipTest

from attrs import define, field, frozen

from benchmarks import importing, servers
from benchmarks.importing import Import
from benchmarks.servers import NO_MORE, NotHere, Running
from benchmarks.slowdisk import SlowDisk, within
from benchmarks.wordnet import NAME, WordNet
from benchmarks.workers import ALL_CORES
from tests.store.databases import make_tables
from tests.support.mariadb import MariaDB, prepared
from tests.support.ports import port_of_its_own

SQLITE, MARIADB = "SQLite", "MariaDB"
#: As an application has it; the rest is as tests have it, log flushes at each commit above all.
_OPTIONS = ("--innodb-buffer-pool-size=256M", "--innodb-log-file-size=96M", "--max-connections=200")


@define(eq=False)
class Kept:
    """A store with WordNet, and the state directory of servers on it.

    :ivar name: as tables have it.
    :ivar url: as the settings have it.
    """

    name: str
    state: Path
    url: str = "sqlite"
    mariadb: MariaDB | None = None

    def served(
        self, more: str = "", *, settings: str = servers.SETTINGS, workers: int = 0, disk: SlowDisk | None = None
    ) -> AbstractContextManager[Running]:
        """dictd on it, on all cores; see :func:`benchmarks.servers.ours`.

        :param disk: what the store is to be on.
        """
        surroundings: Mapping[str, str] = NO_MORE
        if disk and self.mariadb:
            self.relaunch(disk)
        elif disk:
            surroundings = disk.surroundings
        store = f'[store]\nurl = "{self.url}"\n'
        return servers.ours(
            self.state, more + store, settings=settings, workers=workers, cores=ALL_CORES, surroundings=surroundings
        )

    def relaunch(self, disk: SlowDisk | None = None) -> None:
        """End MariaDB in order and start it again, on another disk."""
        if self.mariadb:
            self.mariadb.kill(signal.SIGTERM)
            with within(disk.surroundings if disk else NO_MORE):
                self.mariadb.launch()


@frozen
class Database:
    """A MariaDB that was filled and has ended; copies of it serve.

    :ivar imported: what bringing WordNet in has taken.
    """

    place: Path
    name: str
    imported: Import

    @property
    def state(self) -> Path:
        """The state directory of a server on it, as it was then."""
        return self.place / "state"

    @classmethod
    def filled(cls, place: Path, wordnet: WordNet) -> Database:
        """Make one.

        :raises NotHere: MariaDB is not installed.
        """
        try:
            prepared()
        except (SkipTest, AssertionError) as reason:
            raise NotHere(f"MariaDB is left out: {reason}") from None
        place.mkdir(parents=True)
        server = MariaDB.started(place, _OPTIONS, tcp=True)
        try:
            name = server.database()
            make_tables(server.url(name))
            took = importing.measured(place / "state", wordnet.source, NAME, wordnet.format, server.url(name))
            server.kill(signal.SIGTERM)
            shutil.copytree(server.place, place / "pattern")
        finally:
            server.stop()
        return cls(place, name, took)

    @contextmanager
    def copied(self, place: Path) -> Iterator[MariaDB]:
        """A server on a copy, in a new directory."""
        server = MariaDB(Path(tempfile.mkdtemp(prefix="mdb-")), place / "tables", _OPTIONS, port_of_its_own())
        try:
            shutil.copytree(self.place / "pattern", server.place)
            server.launch()
            yield server
        finally:
            server.stop()


@define
class Stores:
    """Both of them.

    :ivar state: a state directory with WordNet on SQLite, which is copied.
    :ivar place: for copies.
    """

    state: Path
    place: Path
    wordnet: WordNet
    _database: Database | None = field(default=None, init=False)

    @classmethod
    def small(cls, place: Path) -> Stores:
        """With a dictionary that has two words, for those who are not after its answers."""
        book = place / "book.tsv"
        book.write_text("penguin\ta bird that swims\ncrow\ta black bird\n")
        importing.measured(place / "state", book, NAME, "tabbed")
        return cls(place / "state", place, WordNet(book, "tabbed", ("penguin", "crow")))

    @property
    def database(self) -> Database:
        """MariaDB, filled when somebody first asks.

        :raises NotHere: MariaDB is not installed.
        """
        if self._database is None:
            self._database = Database.filled(self.place / "mariadb", self.wordnet)
        return self._database

    @contextmanager
    def sqlite(self) -> Iterator[Kept]:
        """A copy of the one."""
        with self._directory() as place:
            shutil.copytree(self.state, place / "state", ignore=shutil.ignore_patterns("*.sock"))
            # Accounts are everybody's own.
            for path in (place / "state" / "store").glob("accounts.sqlite*"):
                path.unlink()
            yield Kept(SQLITE, place / "state")

    @contextmanager
    def mariadb(self) -> Iterator[Kept]:
        """A copy of the other.

        :raises NotHere: MariaDB is not installed.
        """
        database = self.database
        with self._directory() as place, database.copied(place) as server:
            shutil.copytree(database.state, place / "state")
            yield Kept(MARIADB, place / "state", server.url(database.name), server)

    def each(self) -> Iterator[AbstractContextManager[Kept]]:
        """The one and, where it can be had, the other."""
        yield self.sqlite()
        with suppress(NotHere):
            self.database  # noqa: B018 - filled before anything is measured
            yield self.mariadb()

    @contextmanager
    def _directory(self) -> Iterator[Path]:
        self.place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.place) as directory:
            yield Path(directory)
