"""Nothing that was answered is lost or doubled while the store fails in other ways than by dying."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import Any

from pymysql.connections import Connection
from pymysql.err import OperationalError

from dictd.store.sqlite import ACCOUNTS_FILE
from tests.support.kept import FEW, Kept
from tests.support.server import until
from tests.support.truth import Truth
from tests.system.test_clock import Jumping

_LOST = 50


class Wire(Kept):
    """What a wire to MariaDB can do."""

    store = "mariadb"
    wired = True

    def test_answers_to_commit(self) -> None:
        """Fifty answers to COMMIT are lost: whether the rows are there nobody is told, and each is there once."""
        crew = self.begin()
        for number in range(_LOST):
            self.wire.lose_answer_to(b"COMMIT")
            until("an answer to be lost", lambda number=number: self.wire.lost > number)  # type: ignore[misc]
        self.more(crew)
        self.assertEqual(self.truth.unconfirmed, set())
        self.compare(crew)

    def test_cut_and_silent(self) -> None:
        """All connections are reset, or nothing comes through for a while."""
        crew = self.begin()
        for _ in range(3):
            self.wire.reset()
            self.more(crew)
            self.wire.stall()
            self.more(crew, FEW * 2)
            self.wire.pass_all()
            self.more(crew)
            self.wire.refuse()
            self.wire.reset()
            self.more(crew)
            self.wire.listen()
            self.more(crew)
        self.assertEqual(self.truth.unconfirmed, set())
        self.compare(crew)


class Refusals(Kept):
    """MariaDB is there and does not want."""

    store = "mariadb"
    wired = True

    def test_read_only(self) -> None:
        """It takes no writes: logins and HISTORY go on, look-ups are promised, and kept afterwards."""
        crew = self.begin()
        self.database.rows("", "SET GLOBAL read_only = 1")
        self.more(crew, FEW * 3)
        with contextlib.closing(crew.connect()) as caller:
            until("a login", lambda: caller.code("LOGIN alice correct-horse") == 230)
            until("the history", lambda: caller.code("HISTORY 3") == 250)
            self.assertEqual(caller.code("PASSWD correct-horse another-horse"), 480)
        self.database.rows("", "SET GLOBAL read_only = 0")
        self.more(crew, FEW * 3)
        self.assertEqual(self.truth.unconfirmed, set())
        self.compare(crew)

    def all_connections(self) -> list[Connection[Any]]:
        """As many as there are left to have."""
        taken: list[Connection[Any]] = []
        with contextlib.suppress(OperationalError):
            while len(taken) < 100:
                taken.append(self.database.root())
        return taken

    def test_too_many_connections(self) -> None:
        """Others have all connections: accounts are away, look-ups are promised; it heals by itself."""
        crew = self.begin()
        self.database.rows("", "SET GLOBAL max_connections = 10")
        others = self.all_connections()
        self.wire.reset()
        # Whoever came between has a connection; all others are turned away.
        others += self.all_connections()
        try:
            self.more(crew, FEW * 3)
        finally:
            for other in others:
                other.close()
        self.more(crew, FEW * 3)
        with contextlib.closing(crew.connect()) as caller:
            until("a login", lambda: caller.code("LOGIN alice correct-horse") == 230)
        self.assertEqual(self.truth.unconfirmed, set())
        self.compare(crew)

    def test_away_at_the_start(self) -> None:
        """A server that begins while the database is away serves dictionaries at once, and accounts when it is here."""
        crew = self.begin()
        crew.server.stop()
        self.database.kill()
        crew.server.said = b""
        crew.server.launch(crew.port)
        until("it to serve", lambda: crew.server.logged("worker 2 serves"))
        with contextlib.closing(crew.connect()) as caller:
            self.assertEqual(caller.code("DEFINE * penguin"), 250)
            # Those whom the stop has cut off come back and log in too: meanwhile it may be 481.
            until("accounts to be away", lambda: caller.code("LOGIN alice correct-horse") == 480)
            self.assertEqual(caller.code("REGISTER bob correct-horse"), 480)
            self.database.launch()
            until("a login", lambda: caller.code("LOGIN alice correct-horse") == 230)
            self.assertEqual(caller.code("DEFINE * penguin"), 250)
            self.assertIn("penguin", caller.ask("HISTORY 3 penguin")[1])
        self.more(crew)
        self.compare(crew)


class Disk(Kept):
    """A small disk of its own, for SQLite and the spool alike; needs root."""

    def test_full(self) -> None:
        """Full, look-ups go on and are not promised; with room again all is well, and no promise was broken."""
        crew = self.begin(disk=8)
        for _ in range(2):
            ballast = crew.state / "ballast"
            with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while file.write(bytes(4096)):
                    pass
            self.more(crew, FEW, self.truth.unconfirmed)
            ballast.unlink()
            self.more(crew, FEW * 3)
        self.compare(crew)


class Clock(Jumping):
    """Somebody sets the clock of the machine."""

    def test_rows(self) -> None:
        """An hour on, and two back: rows are kept, none in the place of another."""
        with contextlib.closing(self.server.connect()) as caller:
            self.assertEqual(caller.code("REGISTER alice correct-horse"), 280)
        truth = Truth(self.server.port, "alice", "correct-horse")
        truth.start()
        self.addCleanup(truth.stop)
        for hours in (1, -1, 0, -1, 1):
            self.time.write_text(f"{hours * 3600:+d}\n")
            wanted = len(truth.confirmed) + FEW * 2
            until("answers", lambda wanted=wanted: len(truth.confirmed) >= wanted)  # type: ignore[misc]
        truth.stop()
        self.server.stop()
        with contextlib.closing(sqlite3.connect(self.state / "store" / ACCOUNTS_FILE)) as connection:
            words = [word for (word,) in connection.execute("SELECT word FROM hist")]
        self.assertEqual((truth.unconfirmed, truth.missing(words), truth.twice(words)), (set(), set(), []))


class Ends(Kept):
    """A stop does not wait for a database that hangs."""

    store = "mariadb"

    def test_in_five_seconds(self) -> None:
        """SIGTERM while the database stands still: the server ends within five seconds, and loses nothing."""
        crew = self.begin()
        self.database.stop_answering()
        self.more(crew)
        began = time.monotonic()
        crew.server.stop()
        self.assertLess(time.monotonic() - began, 5.0)
        self.database.go_on()
        crew.server.said = b""
        crew.server.launch(crew.port)
        self.more(crew)
        self.compare(crew)
