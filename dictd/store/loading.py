"""LOAD DATA LOCAL from memory.

A server may answer any statement of a client that allows it by asking for any
file by its name. A connection of ours opens none, whatever it is asked for: it
sends the rows that it was given for this one statement, and nothing at all for
another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.connections import MySQLResult

from dictd.store.dialect import Transaction

if TYPE_CHECKING:
    _Connection = pymysql.Connection[Any]
else:
    _Connection = pymysql.Connection

#: Bytes of one packet.
_PIECE = 1 << 18
_NOT_ASKED = "the server asks for a file that was not offered"


class LoadingConnection(_Connection):
    """One that may send rows.

    :ivar offered: for the statement that runs just now.
    """

    offered: bytes | None = None

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        """As PyMySQL's, with a result of ours; no statement of ours is unbuffered."""
        self._result = None
        result = _Result(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows


class _Result(MySQLResult):  # type: ignore[type-arg, unused-ignore]
    connection: Any
    _read_ok_packet: Any

    def _read_load_local_packet(self, first_packet: Any) -> None:
        """Send what is offered; the name that the server asks for is not even read."""
        connection = self.connection
        offered, connection.offered = connection.offered, None
        for first in range(0, len(offered or b""), _PIECE):
            connection.write_packet(offered[first : first + _PIECE])
        connection.write_packet(b"")
        answer = connection._read_packet()  # noqa: SLF001 - there is no other way to it
        if offered is None:
            raise pymysql.err.OperationalError(-1, _NOT_ASKED)
        self._read_ok_packet(answer)


def load(txn: Any, table: str, columns: Sequence[str], keys: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Add rows on a :class:`LoadingConnection`.

    :param keys: the columns that hold octets.
    :raises pymysql.err.DataError: the server has complained of a row, which for LOAD DATA LOCAL is no error.
    """
    named = ", ".join(f"@{column}" if column in keys else column for column in columns)
    unhexed = ", ".join(f"{column} = UNHEX(@{column})" for column in keys)
    connection = txn.connection
    connection.offered = b"".join(map(_line, rows))
    try:
        txn.execute(
            f"LOAD DATA LOCAL INFILE 'rows' INTO TABLE {table} CHARACTER SET utf8mb4"
            r" FIELDS TERMINATED BY '\t' ENCLOSED BY '' ESCAPED BY '\\' LINES TERMINATED BY '\n' STARTING BY ''"
            f" ({named})" + (f" SET {unhexed}" if unhexed else "")
        )
    finally:
        connection.offered = None
    if txn.warning_count or txn.rowcount != len(rows):
        _complain(txn, table, txn.rowcount, len(rows))


def _complain(txn: Transaction, table: str, added: int, given: int) -> None:
    txn.execute("SHOW WARNINGS LIMIT 1")
    first = txn.fetchone()
    code, why = (first[1], first[2]) if first else (-1, f"{added:,} of {given:,} rows arrived in {table}")
    raise pymysql.err.DataError(code, why)


def _line(row: Iterable[Any]) -> bytes:
    fields = [
        _escaped(value) if isinstance(value, str) else value.hex() if isinstance(value, bytes) else str(value)
        for value in row
    ]
    return ("\t".join(fields) + "\n").encode()


def _escaped(value: str) -> str:
    r"""A field; ``\Z`` and others need none, and a field that is ``\N`` would be NULL, so is ``\\N``."""
    value = value.replace("\\", "\\\\")
    if value.isprintable():
        return value
    return value.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")
