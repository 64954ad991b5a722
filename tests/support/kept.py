"""A server under load whose every answer is remembered, and held against what the store has in the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from dictd.store.sqlite import ACCOUNTS_FILE
from tests.store.databases import is_mariadb, make_tables
from tests.support.crew import Crew
from tests.support.mariadb import MariaDB
from tests.support.server import NO_MORE, until
from tests.support.tcpproxy import Wire
from tests.support.truth import Truth

FEW = 60
_HISTORY = "SELECT h.word FROM hist h JOIN user u ON u.id = h.user_id WHERE u.name = 'alice'"


class Kept(SynchronousTestCase):
    """Sixteen connections of one user that look up words of their own.

    :cvar wired: whether there is a wire between the server and MariaDB.
    """

    wired = False
    database: MariaDB
    wire: Wire
    name: str

    def begin(self, workers: int = 2, surroundings: Mapping[str, str] = NO_MORE, disk: int = 0) -> Crew:
        """A server, and load."""
        store = ""
        if is_mariadb(self):
            self.database = MariaDB.started(self, tcp=True)
            self.database.grant("dictd")
            self.name = self.database.database()
            make_tables(self.database.url(self.name))
            port = 0
            if self.wired:
                self.wire = Wire.to(self.database.port, self)
                port = self.wire.port
            store = self.database.url(self.name, "dictd", port)
        crew = Crew.started(self, workers, store=store, surroundings=surroundings, disk=disk)
        with closing(crew.connect()) as caller:
            self.assertEqual(caller.ask("REGISTER alice correct-horse")[-1][:3], "280")
        self.truth = Truth(crew.port, "alice", "correct-horse")
        self.truth.start()
        self.addCleanup(self.truth.stop)
        self.more(crew)
        return crew

    def more(self, crew: Crew, words: int = FEW, answers: set[str] | None = None) -> None:
        """Wait for so many more answers, by default of those that promise something."""
        counted = self.truth.confirmed if answers is None else answers
        before = len(counted)
        until(f"{words} answers", lambda: bool(crew.server.hear()) and len(counted) >= before + words)

    def words(self, crew: Crew) -> list[str]:
        """What the history has."""
        if is_mariadb(self):
            return [word for (word,) in self.database.rows(self.name, _HISTORY)]
        with closing(sqlite3.connect(crew.state / "store" / ACCOUNTS_FILE)) as connection:
            return [word for (word,) in connection.execute(_HISTORY)]

    def compare(self, crew: Crew) -> None:
        """End, and hold what was promised against what is there."""
        self.truth.stop()
        until(
            "the spool to be empty",
            lambda: bool(crew.server.hear()) and not list((crew.state / "spool").rglob("*.rows")),
        )
        crew.server.stop()
        words = self.words(crew)
        self.assertEqual(self.truth.missing(words), set())
        self.assertEqual(self.truth.twice(words), [])
        # Who is killed that often is said to end again and again.
        self.assertEqual([line for line in crew.complaints() if "ends again and again" not in line], [])
