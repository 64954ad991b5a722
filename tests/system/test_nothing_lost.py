"""Nothing that was answered is lost or doubled: kill -9 of workers, of the server, of the database, under load."""

from __future__ import annotations

import os
import signal

from tests.store.databases import on_both
from tests.support.kept import FEW, Kept
from tests.support.server import until

_ROUNDS = 10


@on_both
class Server(Kept):
    """kill -9 of what serves."""

    def test_worker(self) -> None:
        """The worker that has lived longest, ten times."""
        crew = self.begin(workers=3)
        for _ in range(_ROUNDS):
            until("two workers", lambda: len(crew.workers()) > 1)
            os.kill(max(crew.workers(), key=lambda worker: worker["seconds"])["pid"], signal.SIGKILL)
            self.more(crew)
        self.assertGreater(self.truth.cut, 0, "it hit somebody")
        self.compare(crew)

    def test_all(self) -> None:
        """Supervisor and workers, ten times."""
        crew = self.begin()
        for _ in range(_ROUNDS):
            for pid in reversed(crew.everybody()):
                os.kill(pid, signal.SIGKILL)
            crew.server.kill()
            crew.server.launch(crew.port)
            self.more(crew)
        self.assertGreater(self.truth.cut, 0, "it hit somebody")
        crew.wait_for(2)
        self.compare(crew)


class Database(Kept):
    """kill -9 and SIGSTOP of MariaDB: the spool keeps what comes meanwhile."""

    store = "mariadb"

    def test_killed(self) -> None:
        """kill -9 of the database, ten times: every answer promises a row all the same."""
        crew = self.begin()
        for _ in range(_ROUNDS):
            self.database.kill()
            self.more(crew)
            self.database.launch()
            self.more(crew)
        self.assertEqual(self.truth.unconfirmed, set())
        self.compare(crew)

    def test_both(self) -> None:
        """The database, and then the server that keeps rows in its spool: the next server brings them home."""
        crew = self.begin()
        for _ in range(3):
            self.database.kill()
            self.more(crew)
            for pid in reversed(crew.everybody()):
                os.kill(pid, signal.SIGKILL)
            crew.server.kill()
            crew.server.launch(crew.port)
            until("it to serve", lambda: crew.server.logged("worker 1 serves"))
            self.database.launch()
            self.more(crew)
        crew.wait_for(2)
        self.compare(crew)

    def test_stopped(self) -> None:
        """SIGSTOP of the database: answers are promised within 2.2 s, from then on at once."""
        crew = self.begin()
        for _ in range(3):
            self.database.stop_answering()
            self.more(crew, FEW * 5)
            self.database.go_on()
            self.more(crew, FEW * 5)
        self.assertEqual(self.truth.unconfirmed, set())
        self.assertLess(self.truth.slowest, 2.2)
        self.compare(crew)
