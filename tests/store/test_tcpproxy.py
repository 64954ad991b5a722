"""The wire between a pool and its database, which tests cut."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pymysql
from pymysql.connections import Connection
from twisted.trial.unittest import SynchronousTestCase

from tests.support.certificates import made, trusting
from tests.support.mariadb import MariaDB, shared
from tests.support.server import until
from tests.support.tcpproxy import Wire


class WireTests(SynchronousTestCase):
    """In front of a real MariaDB."""

    def setUp(self) -> None:
        """A database with a table, and a wire to it."""
        self.server = shared(tcp=True)
        self.name = self.server.database()
        self.addCleanup(self.server.drop, self.name)
        self.server.rows(self.name, "CREATE TABLE word (text VARCHAR(9))")
        self.wire = Wire.to(self.server.port, self)

    def connected(self, read_timeout: float = 30) -> Connection[Any]:
        """A client of the database over the wire."""
        client = pymysql.connect(
            host="127.0.0.1",
            port=self.wire.port,
            user="root",
            database=self.name,
            connect_timeout=read_timeout,
            read_timeout=read_timeout,
            ssl_disabled=True,
        )

        def close() -> None:
            if client.open:
                client.close()

        self.addCleanup(close)
        return client

    def insert(self, client: Connection[Any], text: str) -> None:
        """A row, not yet committed."""
        with client.cursor() as cursor:
            cursor.execute("INSERT INTO word VALUES (%s)", (text,))

    def lost(self, client: Connection[Any], code: int = 2013) -> None:
        """A commit that fails because the connection is lost; or, with 2006, was lost before."""
        with self.assertRaises(pymysql.err.OperationalError) as caught:
            client.commit()
        self.assertEqual(caught.exception.args[0], code)

    def words(self) -> list[str]:
        """What is in the table."""
        return [text for (text,) in self.server.rows(self.name, "SELECT text FROM word ORDER BY text")]

    def test_everything_passes(self) -> None:
        """Large packets in both directions, more than the system takes at a time."""
        client = self.connected()
        self.assertLess(self.wire.port, 32768)
        for length in (3, 100_000, 15_000_000):
            with client.cursor() as cursor:
                cursor.execute("SELECT %s", ("x" * length,))
                self.assertEqual(cursor.fetchall(), (("x" * length,),))

    def test_ends_pass(self) -> None:
        """Who hangs up without a word is gone on the other side too, long before the server would mind."""
        self.connected().close()
        with socket.create_connection(("127.0.0.1", self.wire.port)) as plain:
            self.assertTrue(plain.recv(65_536))  # all of the greeting, or it would be a reset
        until("the connections to be gone", lambda: self.wire.connections() == 0, seconds=5)

    def test_lost_answer(self) -> None:
        """The commit is done, and the client cannot know; the next one is answered."""
        client = self.connected()
        self.wire.lose_answer_to(b"COMMIT")
        with client.cursor() as cursor:
            cursor.execute("SET AUTOCOMMIT=0")
            cursor.execute("DO 0 -- COMMIT")
        self.insert(client, "one")
        self.lost(client)
        self.assertEqual((self.words(), self.wire.lost), (["one"], 1))
        again = self.connected()
        self.insert(again, "two")
        again.commit()
        self.assertEqual((self.words(), self.wire.lost), (["one", "two"], 1))

    def test_lost_answers_of_some(self) -> None:
        """As many as asked for, of whichever connections; other connections live on."""
        bystander = self.connected()
        self.wire.lose_answer_to(b"COMMIT", times=2)
        for text in ("one", "two"):
            client = self.connected()
            self.insert(client, text)
            self.lost(client)
        self.insert(bystander, "x")
        bystander.commit()
        self.assertEqual((self.words(), self.wire.lost), (["one", "two", "x"], 2))

    def test_lost_question(self) -> None:
        """The commit is not done."""
        client = self.connected()
        self.wire.lose_question(b"COMMIT")
        with self.assertRaises(pymysql.err.OperationalError) as caught:
            client.select_db("COMMIT")  # no statement: a command of its own
        self.assertEqual(caught.exception.args[0], 1049)
        self.insert(client, "one")
        self.lost(client)
        self.assertEqual((self.words(), self.wire.lost), ([], 1))
        again = self.connected()
        self.insert(again, "two")
        again.commit()
        self.assertEqual((self.words(), self.wire.lost), (["two"], 1))

    def test_nothing_is_lost_any_more(self) -> None:
        """All rules end together."""
        client = self.connected()
        self.wire.lose_answer_to(b"COMMIT")
        self.wire.lose_question(b"COMMIT")
        self.wire.delay(60)
        self.wire.stall()
        self.wire.pass_all()
        self.insert(client, "one")
        client.commit()
        self.assertEqual((self.words(), self.wire.lost), (["one"], 0))

    def test_stalled(self) -> None:
        """A statement waits for its read time-out, and so does a new connection; afterwards it arrives all the same."""
        client = self.connected(read_timeout=0.2)
        client.autocommit(True)
        self.wire.stall()
        with self.assertRaises(pymysql.err.OperationalError) as caught:
            self.insert(client, "late")
        self.assertEqual(caught.exception.args[0], 2013)
        self.assertIn("timed out", str(caught.exception))
        with self.assertRaises(pymysql.err.OperationalError) as caught:
            self.connected(read_timeout=0.2)
        self.assertIn("timed out", str(caught.exception))
        self.assertEqual(self.words(), [])
        self.wire.pass_all()
        until("what was on its way", lambda: self.words() == ["late"])

    def test_stalled_and_reset(self) -> None:
        """What was on its way is gone."""
        client = self.connected(read_timeout=0.2)
        client.autocommit(True)
        self.wire.stall()
        with self.assertRaises(pymysql.err.OperationalError):
            self.insert(client, "late")
        self.wire.reset()
        self.wire.pass_all()
        self.assertEqual(self.wire.connections(), 0)
        self.insert(again := self.connected(), "new")
        again.commit()
        self.assertEqual(self.words(), ["new"])

    def test_answers_stall_too(self) -> None:
        """A statement that the server has already is done; its answer waits."""
        client = self.connected()
        answers: list[object] = []

        def ask() -> None:
            with client.cursor() as cursor:
                cursor.execute("SELECT GET_LOCK('held', 30)")
                answers.extend(cursor.fetchall())

        with self.server.root() as holder, holder.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK('held', 30)")
            asking = threading.Thread(target=ask)
            asking.start()
            waits = "SELECT 1 FROM information_schema.processlist WHERE state = 'User lock'"
            until("the statement to arrive", lambda: bool(self.server.rows("", waits)))
            self.wire.stall()
            cursor.execute("SELECT RELEASE_LOCK('held')")
        until("it to be done", lambda: self.server.rows("", "SELECT IS_USED_LOCK('held') IS NOT NULL") == [(1,)])
        self.assertEqual(answers, [])
        self.wire.pass_all()
        asking.join(30)
        self.assertEqual(answers, [(1,)])

    def test_reset(self) -> None:
        """Both sides notice at once; new connections are taken."""
        client = self.connected()
        self.insert(client, "one")
        self.wire.stall()  # or the greeting might be here first
        with socket.create_connection(("127.0.0.1", self.wire.port)) as plain:
            self.wire.reset()
            self.assertRaises(ConnectionResetError, plain.recv, 1)
        self.wire.pass_all()
        self.lost(client, 2006)
        here = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = %s AND id <> CONNECTION_ID()"
        until("the server to notice", lambda: self.server.rows("", here, self.name) == [(0,)])
        self.insert(again := self.connected(), "two")
        again.commit()
        self.assertEqual(self.words(), ["two"])

    def test_refused(self) -> None:
        """Nobody new comes in, who is there stays, and the port is the same afterwards."""
        client = self.connected()
        port = self.wire.port
        self.wire.refuse()
        with self.assertRaises(pymysql.err.OperationalError) as caught:
            self.connected()
        self.assertEqual(caught.exception.args[0], 2003)
        self.insert(client, "one")
        client.commit()
        self.wire.listen()
        self.connected()
        self.assertEqual((self.words(), self.wire.port), (["one"], port))

    def test_delayed(self) -> None:
        """Each direction waits."""
        client = self.connected()
        self.wire.delay(0.05)
        begun = time.monotonic()
        client.ping(reconnect=False)
        self.assertGreaterEqual(time.monotonic() - begun, 0.1)

    def test_tls(self) -> None:
        """Everything passes, and no statement is found."""
        directory = Path(self.mktemp())
        directory.mkdir()
        certificate, key = (str(Path(file).absolute()) for file in made(directory))
        server = MariaDB.started(self, (f"--ssl-cert={certificate}", f"--ssl-key={key}"), tcp=True)
        wire = Wire.to(server.port, self)
        wire.lose_answer_to(b"COMMIT")
        client = pymysql.connect(host="127.0.0.1", port=wire.port, user="root", ssl=trusting())
        with client, client.cursor() as cursor:
            cursor.execute("SHOW STATUS LIKE 'ssl_version'")
            self.assertIn("TLSv1", str(cursor.fetchall()))
            client.commit()
        self.assertEqual(wire.lost, 0)

    def test_server_is_away(self) -> None:
        """Whoever connects meanwhile is reset."""
        with Wire.to(9) as wire, self.assertRaises(pymysql.err.OperationalError) as caught:
            pymysql.connect(host="127.0.0.1", port=wire.port, user="root", ssl_disabled=True)
        self.assertIn(caught.exception.args[0], (2003, 2013))

    def test_stopped(self) -> None:
        """Connections are reset, the port is free, the thread is gone."""
        client = self.connected()
        before = threading.active_count()
        self.wire.stop()
        self.wire.stop()
        self.assertEqual(threading.active_count(), before - 1)
        self.lost(client, 2006)
        with socket.create_server(("127.0.0.1", self.wire.port)) as free:
            self.assertTrue(free)
