"""A private MariaDB: a real server that a test may kill, stop and start again."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import functools
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymysql
from attrs import define, field
from pymysql.connections import Connection
from twisted.trial.unittest import SynchronousTestCase

from tests.support.ports import port_of_its_own
from tests.support.programs import CHECKOUT, missing, program

_PATIENCE = 30.0
_PR_SET_PDEATHSIG = 1
_VERSION = re.compile(r"Ver (\S+)")
#: Small files, so that a copy takes little; a server is told the same, or it would write a new log first.
_SIZES = ("--innodb-log-file-size=16M", "--innodb-temp-data-file-path=ibtmp1:4M:autoextend")
_OPTIONS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-ssl",  # a wire sees no statements in TLS; options with a certificate turn it on again
    "--performance-schema=OFF",
    "--character-set-server=utf8mb4",
    "--innodb-buffer-pool-size=32M",
    "--innodb-flush-log-at-trx-commit=1",
    *_SIZES,
)
#: What an account of an application has. Whoever may do more writes to a read-only server too,
#: and has a connection where there are too many.
_RIGHTS = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX, REFERENCES, LOCK TABLES,"
    " CREATE TEMPORARY TABLES, CREATE VIEW, SHOW VIEW, TRIGGER, CREATE ROUTINE, ALTER ROUTINE, EXECUTE"
)
_libc = ctypes.CDLL(None)


def prepared() -> Path:
    """A data directory of the installed version that no server has used; whoever comes second waits for the first.

    :raises SkipTest: MariaDB is not installed; with ``CI=true`` that is a failure.
    """
    server, install = program("mariadbd"), program("mariadb-install-db")
    said = subprocess.run([server, "--no-defaults", "--version"], capture_output=True, check=True).stdout.decode()
    found = _VERSION.search(said)
    assert found, said
    home = CHECKOUT / ".venv"
    ready = home / f"mariadb-{found[1]}"
    home.mkdir(exist_ok=True)
    with open(home / ".mariadb.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.is_dir():
            with tempfile.TemporaryDirectory(prefix=".mariadb-", dir=home) as directory:
                made = Path(directory, "made")
                done = subprocess.run(
                    [
                        install,
                        "--no-defaults",
                        f"--datadir={made}",
                        "--auth-root-authentication-method=normal",
                        "--skip-test-db",
                        *_as_whom(),
                        *_SIZES,
                    ],
                    capture_output=True,
                    timeout=_PATIENCE * 4,
                    check=False,
                )
                if done.returncode:
                    missing(f"mariadb-install-db failed: {(done.stdout + done.stderr).decode()}")
                made.rename(ready)
    return ready


@define(eq=False)
class MariaDB:
    """A server on a data directory of its own; over its Unix socket, and over TCP if it has a port.

    It dies with the thread that has started it, so with this process at the latest.

    :ivar directory: of its socket and its log.
    :ivar place: of its tables.
    :ivar options: more of them for the next launch; they win over ours.
    :ivar port: of 127.0.0.1; 0 for none.
    """

    directory: Path
    place: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: subprocess.Popen[bytes] = field(init=False)
    _databases: int = field(default=0, init=False)

    @classmethod
    def started(
        cls,
        owner: SynchronousTestCase | Path | None = None,
        options: Sequence[str] = (),
        port: int | None = None,
        tcp: bool = False,
    ) -> MariaDB:
        """A server that answers.

        :param owner: a test, with which it ends; otherwise the caller stops it. Or the directory for its tables.
        :param port: a certain one.
        :param tcp: whether to listen on a port that nobody else has.
        :raises SkipTest: MariaDB is not installed; with ``CI=true`` that is a failure.
        """
        pattern = prepared()
        directory = Path(tempfile.mkdtemp(prefix="mdb-"))  # short: a socket's path has 107 characters at most
        place = (owner.absolute() if isinstance(owner, Path) else directory) / "tables"
        server = cls(directory, place, tuple(options), port or (port_of_its_own() if tcp else 0))
        try:
            if isinstance(owner, SynchronousTestCase):
                owner.addCleanup(server.stop)
            shutil.copytree(pattern, place)
            server.launch()
        except BaseException:
            server.stop()
            raise
        return server

    @property
    def socket(self) -> str:
        """Where its Unix socket is."""
        return str(self.directory / "socket")

    def launch(self) -> None:
        """Start it, for the first time or after its end, and wait until it answers."""
        where = (f"--port={self.port}",) if self.port else ("--skip-networking",)
        parent = os.getpid()

        def begin() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                [
                    program("mariadbd"),
                    "--no-defaults",
                    f"--datadir={self.place}",
                    f"--tmpdir={self.directory}",
                    f"--socket={self.socket}",
                    f"--pid-file={self.directory / 'pid'}",
                    *_as_whom(),
                    *where,
                    *_OPTIONS,
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for the tests, which end it
                preexec_fn=begin,  # noqa: PLW1509 - one system call
            )
        self._until("an answer", self.answers)

    def answers(self) -> bool:
        """Whether it answers just now; waits for one that stands still."""
        with socket.socket(socket.AF_UNIX) as trial:
            try:
                trial.connect(self.socket)
            except OSError:
                return False  # PyMySQL would leave its socket open
        try:
            self.root().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, kill -9 or in order (SIGTERM), and wait until it is gone; its tables stay."""
        self.process.send_signal(number)
        self.process.wait(_PATIENCE)

    def stop_answering(self) -> None:
        """SIGSTOP: connections are taken and never answered. Every thread of it stands when this returns."""
        self.process.send_signal(signal.SIGSTOP)
        self._until("all threads to stand", lambda: set(self._threads()) == {"T"})

    def go_on(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it, whatever state it is in, and remove what it had; again does nothing."""
        if hasattr(self, "process"):
            self.kill()
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def root(self, database: str = "") -> Connection[Any]:
        """A connection for a test's own questions, over the socket; every statement commits."""
        return pymysql.connect(
            unix_socket=self.socket,
            user="root",
            database=database or None,
            autocommit=True,
            charset="utf8mb4",
            connect_timeout=_PATIENCE,
            read_timeout=_PATIENCE,
            write_timeout=_PATIENCE,
            ssl_disabled=True,
        )

    def rows(self, database: str, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What a statement of the test's own finds, run as root."""
        with self.root(database) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def database(self) -> str:
        """The name of a new, empty database."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.rows("", f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def drop(self, name: str) -> None:
        """Remove a database."""
        self.rows("", f"DROP DATABASE {name}")

    def grant(self, user: str, password: str = "") -> None:
        """A user with the rights of an application on every database, from anywhere."""
        self.rows("", "CREATE OR REPLACE USER %s@'%%' IDENTIFIED BY %s", user, password)
        self.rows("", f"GRANT {_RIGHTS} ON *.* TO %s@'%%'", user)

    def url(self, database: str, user: str = "root", port: int = 0) -> str:
        """For ``[store] url``.

        :param port: of a wire to this server, instead of its own.
        """
        if port or self.port:
            return f"mysql://{user}@127.0.0.1:{port or self.port}/{database}"
        return f"mysql://{user}@localhost/{database}?socket={quote(self.socket)}"

    def log(self) -> str:
        """What it has said."""
        return (self.directory / "log").read_text("utf-8", "replace")

    def _threads(self) -> list[str]:
        states = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):  # it ends just now
                states.append((task / "stat").read_text("ascii", "replace").rpartition(")")[2].split()[0])
        return states

    def _until(self, what: str, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + _PATIENCE
        while not happened():
            assert self.process.poll() is None, f"MariaDB has ended: {self.log()}"
            assert time.monotonic() < end, f"waited {_PATIENCE} s for {what} of MariaDB: {self.log()}"
            select.select([], [], [], 0.005)


@functools.cache
def _shared(tcp: bool) -> MariaDB:
    server = MariaDB.started(tcp=tcp)
    atexit.register(server.stop)
    return server


def shared(tcp: bool = False) -> MariaDB:
    """This process's server: for tests that take a :meth:`MariaDB.database` of their own and leave the server alone.

    :raises SkipTest: MariaDB is not installed; with ``CI=true`` that is a failure.
    """
    server = _shared(tcp)
    if server.process.poll() is not None:
        server.launch()
    return server


def _as_whom() -> list[str]:
    """MariaDB runs as root only where it is told to."""
    return ["--user=root"] if os.geteuid() == 0 else []
