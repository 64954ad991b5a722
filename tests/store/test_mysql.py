"""The way to a MySQL or MariaDB: passwords, certificates, what is asked of the server."""

from __future__ import annotations

import atexit
import os
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pymysql
from twisted.trial.unittest import SynchronousTestCase

from dictd import config
from dictd.errors import SettingsRefused, StoreAway, StoreUnavailable
from dictd.sections import Store
from dictd.store import databases, mysql
from dictd.store.credentials import context_of, password_of
from dictd.store.line import Line
from dictd.store.mysql import MySQL
from dictd.storeurl import Host, StoreURL
from tests.store.databases import fresh_mysql
from tests.support import certificates, mariadb
from tests.support.ports import port_of_its_own

SECRET = "pass wörd €'\\"


def opened(case: SynchronousTestCase, address: str, **settings: Any) -> Line:
    """A connection of a pool."""
    line = MySQL.of(StoreURL.parse(address), Store(url=address, **settings)).open("accounts", lambda _: None)
    case.addCleanup(line.close)
    return line


class Passwords(SynchronousTestCase):
    """Where the password stands, and where it does not."""

    def file(self, mode: int, text: bytes = SECRET.encode() + b"\n") -> str:
        """A file with the password."""
        path = Path(self.mktemp()).absolute()
        path.write_bytes(text)
        path.chmod(mode)
        return str(path)

    def test_file(self) -> None:
        """A file that its owner alone can read; the end of its line does not count, blanks do."""
        for mode in (0o600, 0o400):
            self.assertEqual(password_of(Store(password_file=self.file(mode))), SECRET)
        self.assertEqual(password_of(Store(password_file=self.file(0o600, b" a \r\n"))), " a ")

    def test_file_for_others(self) -> None:
        """One that others can read or change is refused, with what to do."""
        for mode in (0o644, 0o640, 0o604, 0o620, 0o602, 0o601):
            path = self.file(mode)
            refusal = self.assertRaises(SettingsRefused, password_of, Store(password_file=path))
            self.assertEqual(refusal.text, f"store.password_file {path} can be read by others: chmod go= {path}")

    def test_file_of_root(self) -> None:
        """Root, who asks by dictctl, takes what a group was given on purpose; not what everybody was."""
        real, group = os.fstat, 7
        self.patch(os, "geteuid", lambda: 0)
        self.patch(os, "fstat", lambda file: os.stat_result((*real(file)[:4], 0, group, *real(file)[6:])))
        path = self.file(0o640)
        self.assertEqual(password_of(Store(password_file=path)), SECRET)
        group = 0
        self.assertRaises(SettingsRefused, password_of, Store(password_file=path))
        group = 7
        self.assertRaises(SettingsRefused, password_of, Store(password_file=self.file(0o644)))

    def test_file_of_no_use(self) -> None:
        """One that is not there, is a directory or no text is refused in one line that does not repeat it."""
        for path in (self.mktemp(), ".", self.file(0o600, b"\xff\xfe")):
            refusal = self.assertRaises(SettingsRefused, password_of, Store(password_file=path))
            self.assertIn(path, refusal.text)
            self.assertNotIn("\n", refusal.text)

    def test_environment_first(self) -> None:
        """What the environment has counts, and the file is not even opened."""
        settings = config.load(None, {"DICTD_STORE_PASSWORD": SECRET, "DICTD_STORE_PASSWORD_FILE": "/nowhere"})
        self.assertEqual(password_of(settings.store), SECRET)

    def test_let_in(self) -> None:
        """By a password that is no Latin-1; by another one nobody is let in, and no text has either."""
        server = mariadb.shared()
        server.grant("secretive", SECRET)
        address = server.url(StoreURL.parse(fresh_mysql(self)).database, user="secretive")
        opened(self, address, password=SECRET)
        database = databases.database(Store(url=address, password="wrong horse"), Path())
        refusal = self.assertRaises(StoreUnavailable, database.connect, "accounts")
        self.assertNotIsInstance(refusal, StoreAway)
        self.assertIn("Access denied", refusal.text)
        for text in (refusal.text, repr(refusal), repr(database), str(database), database.shown("accounts")):
            self.assertNotIn("wrong horse", text)
        error = self.assertRaises(pymysql.err.OperationalError, database.open, "accounts", lambda _: None)
        self.assertNotIn("wrong horse", str(error) + repr(error))


class Encrypted(SynchronousTestCase):
    """TLS to a server with a certificate for localhost."""

    server: mariadb.MariaDB
    certificate: str

    def setUp(self) -> None:
        """A server with a certificate, the same for all of these tests."""
        directory = Path(self.mktemp()).absolute()
        self.other, _ = certificates.made(directory, "other")
        if not hasattr(Encrypted, "server"):
            certificate, key = certificates.made(directory, "server")
            Encrypted.certificate = certificate
            Encrypted.server = mariadb.MariaDB.started(
                None, (f"--ssl-cert={certificate}", f"--ssl-key={key}"), tcp=True
            )
            atexit.register(Encrypted.server.stop)  # with -j there is no end of a class
            Encrypted.server.grant("plain")
            Encrypted.server.rows("", "CREATE DATABASE sealed")

    def address(self, host: str) -> str:
        """The server, by one of its names."""
        return f"mysql://plain@{host}:{self.server.port}/sealed"

    def cipher(self, line: Line) -> str:
        """What the connection is encrypted by."""
        with line.cursor() as cursor:
            cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
            return str(cursor.fetchone()[1])

    def test_signed_by_ours(self) -> None:
        """With its CA the connection is encrypted; a TLS before 1.2 is not spoken."""
        line = opened(self, self.address("localhost"), ca=self.certificate)
        self.assertNotEqual(self.cipher(line), "")
        context = context_of(Store(ca=str(self.certificate)))
        assert context is not None
        self.assertEqual(context.minimum_version, ssl.TLSVersion.TLSv1_2)

    def test_cut(self) -> None:
        """An encrypted connection can be cut by another thread too."""
        line = opened(self, self.address("localhost"), ca=self.certificate)
        line.cut()
        self.assertRaises(pymysql.err.OperationalError, line.ping)

    def refusal(self, address: str, ca: str) -> str:
        """What is said to who connects; an encrypted server that is not ours is not just away."""
        database = databases.database(Store(url=address, ca=ca), Path())
        refusal = self.assertRaises(StoreUnavailable, database.connect, "accounts")
        self.assertNotIsInstance(refusal, StoreAway)
        return refusal.text

    def test_signed_by_another(self) -> None:
        """A certificate of somebody else is refused, and it is said which and why."""
        text = self.refusal(self.address("localhost"), self.other)
        self.assertIn(f"the certificate of localhost:{self.server.port} is not good: self-signed certificate", text)

    def test_of_another_host(self) -> None:
        """The name of the host must stand in the certificate."""
        text = self.refusal(self.address("127.0.0.1"), self.certificate)
        self.assertIn("is not good: IP address mismatch", text)

    def test_not_encrypted(self) -> None:
        """A server without TLS is refused where it is asked for, before it is told who we are."""
        plain = mariadb.shared(tcp=True)
        text = self.refusal(f"mysql://root@localhost:{plain.port}/mysql", self.certificate)
        self.assertIn("SSL is required", text)

    def test_not_asked_for(self) -> None:
        """Without a CA there is no encryption that nobody has verified."""
        self.assertEqual(self.cipher(opened(self, self.address("127.0.0.1"))), "")

    def test_by_the_socket(self) -> None:
        """What stays on this machine is not encrypted."""
        line = opened(self, f"mysql://plain@localhost/sealed?socket={self.server.socket}", ca=self.certificate)
        self.assertEqual(self.cipher(line), "")

    def test_no_certificates(self) -> None:
        """A store.ca that is none is refused when the program begins."""
        for path in ("/nowhere", __file__):
            refusal = self.assertRaises(
                SettingsRefused, databases.database, Store(url="mysql://a@b/c", ca=path), Path()
            )
            self.assertIn(f"store.ca {path}: ", refusal.text)


class Asked(SynchronousTestCase):
    """What we ask of a server, and how long."""

    def test_used(self) -> None:
        """Which host is asked is told, also after one was left; of one host that it is one is not."""
        database = MySQL.of(StoreURL.parse("mysql://u@a,b/d"), Store())
        self.assertEqual(database.used, "d at a:3306, one of 2 hosts")
        database.leave(database._line(0, False))
        self.assertEqual(database.used, "d at b:3306, one of 2 hosts")
        self.assertEqual(MySQL.of(StoreURL.parse("mysql://u@a/d"), Store()).used, "d at a:3306")

    def test_session(self) -> None:
        """Strict, quick to give up a lock, each statement sees what is committed, and nothing commits by itself."""
        line = opened(self, fresh_mysql(self))
        with line.cursor() as cursor:
            cursor.execute("SELECT @@sql_mode, @@innodb_lock_wait_timeout, @@tx_isolation, @@autocommit")
            mode, *others = cursor.fetchone()
        self.assertIn("STRICT_ALL_TABLES", mode)
        self.assertEqual(others, [1, "READ-COMMITTED", 0])

    def test_not_strict(self) -> None:
        """A server that does not keep to what it was asked for is not used."""
        database = databases.database(Store(url=fresh_mysql(self)), Path())
        self.patch(mysql, "_MODE", "ANSI_QUOTES")
        refusal = self.assertRaises(StoreUnavailable, database.connect, "accounts")
        self.assertTrue(refusal.text.endswith("does not keep to STRICT_ALL_TABLES: its sql_mode is ANSI_QUOTES"))

    def test_files_of_ours(self) -> None:
        """No server can ask for a file of this machine, whatever it is told to load."""
        path = Path(self.mktemp()).absolute()
        path.write_text("1\n")
        line = opened(self, fresh_mysql(self))
        with line.cursor() as cursor:
            cursor.execute("SET @was = @@GLOBAL.local_infile")
            cursor.execute("SET GLOBAL local_infile = 1")
            cursor.execute("CREATE TEMPORARY TABLE loaded (number INT)")
            load = f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE loaded"
            self.assertRaises(pymysql.err.MySQLError, cursor.execute, load)

    def test_timed(self) -> None:
        """Connecting, logging in and asking never wait for ever."""
        address = fresh_mysql(self)
        database = MySQL.of(StoreURL.parse(address), Store(url=address, connect_seconds=7.0, answer_seconds=3.0))
        for line, seconds in ((database.open("accounts", lambda _: None), 6.0), (database.patient(), 60.0)):
            self.addCleanup(line.close)
            self.assertEqual((line._read_timeout, line._write_timeout), (seconds, seconds))

    def silent(self) -> int:
        """The port of somebody who takes connections and says nothing."""
        listening = socket.create_server(("127.0.0.1", port_of_its_own()))
        self.addCleanup(listening.close)
        return int(listening.getsockname()[1])

    def test_silent(self) -> None:
        """One that takes connections and says nothing is left after the time to connect, also by dictctl."""
        address = f"mysql://a@127.0.0.1:{self.silent()}/b"
        database = databases.database(Store(url=address, connect_seconds=0.2), Path())
        begun = time.monotonic()
        self.assertRaises(StoreAway, database.connect, "accounts")
        self.assertLess(time.monotonic() - begun, 0.5)

    def test_crowded(self) -> None:
        """The same where nobody even accepts."""
        listening = socket.create_server(("127.0.0.1", port_of_its_own()), backlog=0)
        self.addCleanup(listening.close)
        for _ in range(3):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
            self.addCleanup(waiting.close)
        line = Line(Host("127.0.0.1", listening.getsockname()[1]), 0, "a", "", "b", None, 0.2)
        begun = time.monotonic()
        error = self.assertRaises(pymysql.err.OperationalError, line.dial)
        self.assertIn("timed out", str(error))
        self.assertLess(time.monotonic() - begun, 0.5)

    def test_second_of_two(self) -> None:
        """dictctl goes on to the next host as well."""
        server = mariadb.shared(tcp=True)
        name = StoreURL.parse(fresh_mysql(self, server)).database
        address = f"mysql://root@127.0.0.1:{self.silent()},127.0.0.1:{server.port}/{name}"
        database = databases.database(Store(url=address, connect_seconds=0.2), Path())
        database.connect("accounts").close()

    def test_nothing_is_left_open(self) -> None:
        """Where nobody answers, and where somebody does and is left, no descriptor stays."""
        address = fresh_mysql(self)
        port = port_of_its_own()

        def descriptors() -> int:
            return len(os.listdir("/proc/self/fd"))

        database = databases.database(Store(url=f"mysql://a@127.0.0.1:{port}/b"), Path())
        before = descriptors()
        kept = [self.assertRaises(pymysql.err.OperationalError, database.open, "a", lambda _: None) for _ in range(3)]
        self.assertEqual((len(kept), descriptors()), (3, before))
        for killed in (False, True):
            line = MySQL.of(StoreURL.parse(address), Store()).open("a", lambda _: None)
            if killed:
                line.cut()
                self.assertRaises(pymysql.err.OperationalError, line.ping)
            line.close()
            self.assertEqual(descriptors(), before)

    def test_cut_before_it_is_dialled(self) -> None:
        """Nobody is called any more."""
        port = self.silent()
        line = Line(Host("127.0.0.1", port), 0, "a", "", "b", None, 20.0)
        line.cut()
        begun = time.monotonic()
        self.assertRaises(pymysql.err.OperationalError, line.dial)
        self.assertLess(time.monotonic() - begun, 1.0)
