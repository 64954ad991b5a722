"""MySQL and MariaDB: one database of a server or a cluster, whose hosts are tried in turn."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, ClassVar

import pymysql
from attrs import define, field
from twisted.logger import Logger

from dictd.errors import StoreAway, StoreUnavailable
from dictd.sections import Store
from dictd.store import schema
from dictd.store.credentials import context_of, password_of
from dictd.store.dialect import MYSQL, Connection, Dialect
from dictd.store.faults import ERRORS, Fault, code_of, fault_of, told
from dictd.store.identity import IdentityQueries
from dictd.store.line import Line
from dictd.storeurl import StoreURL

_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
#: What to do about an error, for people.
_ADVICE = {
    2002: "does it run, and is that its socket?",
    2003: "does it run, and is that its address?",
    1045: "the user or the password is wrong: docs/store.rst has the GRANT, store.password_file the password",
    1044: "the user has no rights on this database: docs/store.rst has the GRANT",
    1049: "there is no such database: docs/store.rst has what makes it",
}
#: A lock that is not had in so many seconds is a reason to begin the transaction again.
_LOCK_SECONDS = 1
#: What dictctl and the publisher wait for, seconds: a big commit, a page of long articles.
_PATIENCE = 60.0
#: Over the time for an answer: after that the reactor has given up already.
_MORE = 3.0


@define(eq=False)
class MySQL:
    """See :class:`dictd.store.databases.Database`.

    Sticky: the host that was the last to let us in is the first to be asked, and
    nobody goes back to the first host by himself.

    :ivar _current: the host that is asked first; ``_named``: the last that the log has named.
    """

    url: StoreURL
    _password: str = field(repr=False)
    _context: ssl.SSLContext | None
    threads: int
    _connect_seconds: float
    answer_seconds: float
    _current: int = field(default=0, init=False)
    _named: int = field(default=0, init=False)
    _store: str = field(default="", init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    dialect: ClassVar[Dialect] = MYSQL
    driver: ClassVar[str] = "pymysql"
    flights: ClassVar[int] = 2
    log: ClassVar[Logger] = Logger()

    @classmethod
    def of(cls, url: StoreURL, settings: Store) -> MySQL:
        """As the settings have it.

        :raises SettingsRefused: the password or the certificates cannot be read.
        """
        return cls(
            url,
            password_of(settings),
            context_of(settings),
            settings.connections,
            settings.connect_seconds,
            settings.answer_seconds,
        )

    @property
    def hosts(self) -> int:
        """How many there are."""
        return len(self.url.hosts)

    @property
    def used(self) -> str:
        """The database at the host that is asked first."""
        of = f", one of {self.hosts} hosts" if self.hosts > 1 else ""
        return f"{self.url.database} at {self.url.hosts[self._current]}{of}"

    def shown(self, subject: str = "") -> str:
        """The database and its hosts."""
        return str(self.url)

    def connect(self, subject: str = "") -> Line:
        """A connection that may take its time; the schema is looked at."""
        return self._looked_at(self.patient())

    def loading(self) -> Line:
        """The same for LOAD DATA LOCAL; it sends what it is given, never a file."""
        return self._looked_at(self.patient(local_infile=True))

    def _looked_at(self, connection: Line) -> Line:
        try:
            schema.ensure(connection.cursor(), MYSQL)
            connection.rollback()
        except ERRORS as error:
            connection.close()
            raise self._refused(error) from None
        except BaseException:
            connection.close()
            raise
        return connection

    def patient(self, local_infile: bool = False, seconds: float | None = _PATIENCE) -> Line:
        """A connection that may take its time, whatever schema there is.

        :param local_infile: whether LOAD DATA LOCAL is to be possible; it sends what it is given, never a file.
        :param seconds: for one statement; ``None`` is no limit.
        """
        try:
            return self._enter(lambda _: None, seconds, local_infile)
        except ERRORS as error:
            raise self._refused(error) from None

    def _refused(self, error: BaseException) -> StoreUnavailable:
        """What it means for somebody who cannot go on without the database."""
        refused = fault_of(error) in (Fault.AWAY, Fault.OURS)
        what = "does not let us in" if refused else "does not answer"
        advice = _ADVICE.get(code_of(error), "")
        text = f"the database {self.shown()} {what}: {told(error)}" + (f"; {advice}" if advice else "")
        return StoreUnavailable(text) if refused else StoreAway(text)

    def open(self, subject: str, entered: Callable[[Connection], None]) -> Line:
        """A connection for the pool."""
        return self._enter(entered, self.answer_seconds + _MORE)

    def alive(self, connection: Any) -> bool:
        """Ask it, unless we have left its host."""
        if connection.index != self._current:
            return False
        try:
            connection.ping(reconnect=False)
        except ERRORS:
            return False
        return True

    def cut(self, connection: Any) -> None:
        """Its socket answers nobody any more."""
        connection.cut()

    def leave(self, connection: Any) -> None:
        """Its host does not serve us; the next one is tried first."""
        with self._lock:
            if connection.index == self._current:
                self._current = (self._current + 1) % self.hosts

    def snapshot(self, connection: Connection) -> None:
        """From here to the end of the transaction the same is read."""
        cursor = connection.cursor()
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")

    def _enter(self, entered: Callable[[Connection], None], seconds: float | None, local_infile: bool = False) -> Line:
        """Connect to the first host that serves us; where none takes writes, to one that reads."""
        first = self._current
        trouble: Exception = pymysql.err.OperationalError(2003, "there is no host to ask")
        reader: Line | None = None
        try:
            for number in range(self.hosts):
                line = self._line((first + number) % self.hosts, local_infile)
                entered(line)
                try:
                    line.dial()
                    writes = _prepare(line)
                    self._ensure_same(line)
                except ERRORS as error:
                    trouble = error
                    self.leave(line)
                    _close(line)
                    continue
                line.patient(seconds)
                if writes or self.hosts == 1:
                    self._settle(line, named=True)
                    return line
                if reader is None:
                    reader = line
                else:
                    _close(line)
            if reader is None:
                raise trouble
            entered(reader)
            self._settle(reader, named=False)
            found, reader = reader, None
            return found
        finally:
            if reader is not None:
                _close(reader)

    def _ensure_same(self, line: Line) -> None:
        """Whether a host has the store that we know; another would answer with other people's accounts.

        :raises pymysql.err.MySQLError: it has another, or none.
        """
        if self.hosts == 1:
            return
        name = identity_of(line)
        with self._lock:
            self._store = self._store or name
            same = name == self._store
        if not same:
            has = "another store than the host before it" if name else "no tables of dictd; type: dictctl migrate"
            raise pymysql.err.OperationalError(-1, f"{self.url.hosts[line.index]} has {has}")

    def _settle(self, line: Line, named: bool) -> None:
        """Its host is the first to be asked from now on."""
        with self._lock:
            self._current = line.index
            if not named or self._named == line.index:
                return
            left, self._named = self._named, line.index
        self.log.warn(
            "the database at {left} does not serve us, {host} is asked from now on",
            left=str(self.url.hosts[left]),
            host=str(self.url.hosts[line.index]),
        )

    def _line(self, index: int, local_infile: bool) -> Line:
        return Line(
            self.url.hosts[index],
            index,
            self.url.user,
            self._password,
            self.url.database,
            self._context,
            self._connect_seconds,
            local_infile,
        )


def identity_of(connection: pymysql.Connection[Any]) -> str:
    """The name of the store that a host has, empty where it has none yet."""
    with closing(connection.cursor()) as cursor:
        try:
            found = IdentityQueries(MYSQL).known(cursor)
        except pymysql.err.ProgrammingError:  # no such table
            found = ""
        connection.rollback()
    return found


def _close(line: Line) -> None:
    with suppress(*ERRORS):
        line.close()


def _prepare(connection: Line) -> bool:
    """Ask for what we need, and look whether we have it; whether the server takes writes."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SET SESSION sql_mode = '{_MODE}', innodb_lock_wait_timeout = {_LOCK_SECONDS}")
        # Each statement sees what is committed: queries lock what they need to stay as it is.
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cursor.execute("SELECT @@SESSION.sql_mode, @@GLOBAL.read_only")
        mode, read_only = cursor.fetchone()
        connection.rollback()
    if "STRICT_ALL_TABLES" not in mode:
        raise pymysql.err.OperationalError(-1, f"it does not keep to STRICT_ALL_TABLES: its sql_mode is {mode}")
    return not read_only
