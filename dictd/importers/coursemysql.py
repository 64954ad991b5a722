"""The course's database where it is: MySQL or MariaDB, read and never written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import cached_property
from typing import Any

import pymysql
from attrs import field, frozen
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from dictd.errors import ImportRefused
from dictd.importers.coursestatements import Row, TableName
from dictd.importers.coursetables import Table
from dictd.importers.coursetext import codec_of
from dictd.store.faults import code_of, told
from dictd.storeurl import Host, StoreURL

Progress = Callable[[int, int], None]
#: None from the database: every value comes as text.
_CONVERSIONS: dict[Any, Any] = dict(encoders)

_SECONDS = 60
_ADVICE = {
    1044: "this user may not read that database",
    1045: "the user or the password is wrong; the password is in DICTD_COURSE_PASSWORD, or in a --password-file",
    1049: "there is no such database",
    2002: "does it run, and is that its socket?",
    2003: "does it run, and is that its address?",
}
_COLUMNS = (
    "SELECT table_name, column_name, data_type FROM information_schema.columns"
    " WHERE table_schema = database() ORDER BY table_name, ordinal_position"
)


@frozen(slots=False)
class Live:
    """A database that runs.

    :param charset: of its text, where what it says of itself is not true; its octets are read as that.
    """

    url: StoreURL
    _password: str = field(repr=False)
    charset: str = ""

    def __str__(self) -> str:
        return str(self.url)

    @property
    def name(self) -> str:
        """In a word."""
        return self.url.database

    @cached_property
    def codec(self) -> str:
        """Python's name of the encoding of what is read as octets."""
        return codec_of(self.charset) if self.charset else "utf-8"

    @cached_property
    def _connection(self) -> pymysql.Connection[Any]:
        trouble: Exception = pymysql.err.OperationalError(2003, "there is no host to ask")
        for host in self.url.hosts:
            try:
                return self._connected(host)
            except (pymysql.err.MySQLError, OSError) as error:
                trouble = error
        raise self._refused(trouble)

    def _connected(self, host: Host) -> pymysql.Connection[Any]:
        connection = pymysql.connect(
            host=host.name,
            port=host.port,
            unix_socket=host.socket or None,
            user=self.url.user,
            password=self._password,
            database=self.url.database,
            charset="utf8mb4",
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            write_timeout=_SECONDS,
            conv=_CONVERSIONS,
        )
        with connection.cursor() as cursor:
            # TIMESTAMP comes in UTC; what DATETIME means only people know.
            cursor.execute("SET SESSION time_zone = '+00:00'")
            try:
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            except pymysql.err.ProgrammingError:  # servers before 5.6
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        return connection

    def _refused(self, error: Exception) -> ImportRefused:
        advice = _ADVICE.get(code_of(error), "")
        return ImportRefused(f"{self}: {told(error)}" + (f"; {advice}" if advice else ""))

    def close(self) -> None:
        """Leave it."""
        if "_connection" in vars(self):
            with suppress(pymysql.err.MySQLError, OSError):
                self._connection.close()

    def tables(self) -> list[Table]:
        """The tables of the database.

        :raises ImportRefused: it does not let us in, or went away.
        """
        found: dict[str, list[tuple[str, str]]] = {}
        for table, column, kind in self._asked(_COLUMNS):
            found.setdefault(table, []).append((column, kind.lower()))
        return [Table(TableName(self.url.database, name), tuple(columns)) for name, columns in found.items()]

    def rows(self, table: Table, columns: Sequence[str], progress: Progress) -> Iterator[tuple[Row, bool]]:
        """Some columns of each row in order of their ids, and whether times of type TIMESTAMP are in UTC: they are.

        :raises ImportRefused: the database went away.
        """
        name = _quoted(table.name.name)
        ((total,),) = self._asked(f"SELECT count(*) FROM {name}")  # noqa: S608 - a name of its own catalogue
        id_column = table.column("id")
        form = "CONVERT({} USING binary)" if self.charset else "{}"
        wanted = ", ".join(form.format(_quoted(column)) if column else "NULL" for column in columns)
        order = f" ORDER BY {_quoted(id_column)}" if id_column else ""
        for number, row in enumerate(self._asked(f"SELECT {wanted} FROM {name}{order}")):  # noqa: S608 - as above
            if number % 1000 == 0:
                progress(number, int(total))
            yield tuple(row), True

    def _asked(self, statement: str) -> Iterator[tuple[Any, ...]]:
        try:
            with closing(self._connection.cursor(SSCursor)) as cursor:
                cursor.execute(statement)
                yield from cursor
        except (pymysql.err.MySQLError, OSError) as error:
            raise self._refused(error) from None


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
