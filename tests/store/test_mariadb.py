"""The private MariaDB that tests of the store stand on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pymysql
from twisted.trial.unittest import SynchronousTestCase

from tests.support.mariadb import MariaDB, shared
from tests.support.programs import environment, missing
from tests.support.server import clear, until


def gone(pid: int) -> bool:
    """Whether a process has ended; nobody but its parent reaps it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class SharedTests(SynchronousTestCase):
    """One server for the tests of a process."""

    def setUp(self) -> None:
        """It is there, or started now."""
        self.server = shared()
        self.name = self.server.database()
        self.addCleanup(self.server.drop, self.name)

    def test_a_database_for_each_test(self) -> None:
        """Every database is a new, empty one, of utf8mb4."""
        other = self.server.database()
        self.addCleanup(self.server.drop, other)
        self.server.rows(self.name, "CREATE TABLE word (text VARCHAR(9))")
        self.server.rows(self.name, "INSERT INTO word VALUES (%s)", "\N{GRINNING FACE}")
        self.assertEqual(self.server.rows(self.name, "SELECT text FROM word"), [("\N{GRINNING FACE}",)])
        self.assertEqual(self.server.rows(other, "SHOW TABLES"), [])
        self.assertIs(shared(), self.server)

    def test_an_account_of_an_application(self) -> None:
        """It may do everything with tables; a read-only server is read-only for it."""
        self.server.grant("dictd", "a word")
        self.addCleanup(self.server.rows, "", "DROP USER dictd")
        with (
            pymysql.connect(
                unix_socket=self.server.socket, user="dictd", password="a word", database=self.name
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("CREATE TABLE word (text VARCHAR(9))")
            self.addCleanup(self.server.rows, "", "SET GLOBAL read_only = 0")
            self.server.rows("", "SET GLOBAL read_only = 1")
            with self.assertRaises(pymysql.err.OperationalError) as caught:
                cursor.execute("INSERT INTO word VALUES ('x')")
        self.assertEqual(caught.exception.args[0], 1290)

    def test_started_again(self) -> None:
        """A test that left it dead is no trouble to the next one."""
        self.server.kill()
        self.assertFalse(self.server.answers())
        self.assertTrue(shared().answers())


class OwnTests(SynchronousTestCase):
    """A server of a test's own."""

    def test_killed_and_launched_again(self) -> None:
        """Every committed row is still there, on the same port, and nothing that was not committed."""
        server = MariaDB.started(self, tcp=True)
        self.assertLess(server.port, 32768)
        name = server.database()
        self.assertEqual(server.url(name), f"mysql://root@127.0.0.1:{server.port}/{name}")
        server.rows(name, "CREATE TABLE word (text VARCHAR(9))")
        connection = pymysql.connect(host="127.0.0.1", port=server.port, user="root", database=name)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO word VALUES ('kept')")
            connection.commit()
            cursor.execute("INSERT INTO word VALUES ('lost')")
        server.kill()
        with self.assertRaises(pymysql.err.OperationalError):
            pymysql.connect(host="127.0.0.1", port=server.port, user="root", database=name)
        server.launch()
        again = pymysql.connect(host="127.0.0.1", port=server.port, user="root", database=name)
        with again, again.cursor() as cursor:
            cursor.execute("SELECT text FROM word")
            self.assertEqual(cursor.fetchall(), (("kept",),))

    def test_stops_answering(self) -> None:
        """A query waits for its read time-out; afterwards the server goes on."""
        server = MariaDB.started(self)
        self.assertLess(len(server.socket), 108)
        connection = pymysql.connect(unix_socket=server.socket, user="root", read_timeout=0.2)
        server.stop_answering()
        begun = time.monotonic()
        with self.assertRaises(pymysql.err.OperationalError) as caught, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        self.assertEqual(caught.exception.args[0], 2013)
        self.assertGreaterEqual(time.monotonic() - begun, 0.2)
        server.go_on()
        self.assertTrue(server.answers())

    def test_nothing_is_left(self) -> None:
        """Stopped while it stands still, it is gone, and its files are; a directory of the test's own stays."""
        place = Path(self.mktemp())
        place.mkdir()
        server = MariaDB.started(place, ("--max-connections=17",))
        self.addCleanup(server.stop)
        self.assertEqual(server.rows("", "SELECT @@max_connections, @@datadir"), [(17, f"{place.absolute()}/tables/")])
        server.stop_answering()
        server.stop()
        self.assertTrue(gone(server.process.pid))
        self.assertEqual((server.directory.exists(), list(place.iterdir())), (False, []))


class EndTests(SynchronousTestCase):
    """What is left of a process that had a server."""

    def had(self, ending: str) -> tuple[int, Path]:
        """A process that started the shared server, and ended in a certain way."""
        shared()  # skipped where there is none
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "import os, signal; from tests.support.mariadb import shared; server = shared();"
                f"print(server.process.pid, server.directory, flush=True); {ending}",
            ],
            capture_output=True,
            timeout=60,
            check=False,
            env=environment(),
        )
        if not done.stdout:
            missing(done.stderr.decode())
        pid, directory = done.stdout.decode().split()
        return int(pid), Path(directory)

    def test_ended(self) -> None:
        """Neither the server nor its files."""
        pid, directory = self.had("")
        self.assertTrue(gone(pid))
        self.assertFalse(directory.exists())

    def test_killed(self) -> None:
        """The server dies at once."""
        pid, directory = self.had("os.kill(os.getpid(), signal.SIGKILL)")
        self.addCleanup(clear, directory)
        until("the server to be gone", lambda: gone(pid))
        self.assertTrue(directory.exists())

    def test_interrupted(self) -> None:
        """Ctrl-C in a terminal is for the tests and not for the server, which has a session of its own."""
        server = shared()
        self.assertEqual(os.getsid(server.process.pid), server.process.pid)
