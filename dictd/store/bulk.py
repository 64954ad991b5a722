"""Many rows of one table at a time.

PyMySQL's ``executemany`` escapes sign by sign and formats row by row, which
takes longer than MariaDB takes to store them: here a statement is built in one
go. Faster still is LOAD DATA LOCAL, see :mod:`dictd.store.loading`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import frozen

from dictd.errors import ImportRefused
from dictd.store import loading
from dictd.store.dialect import SQLITE, Dialect, Transaction

#: Rows of one statement, at most; bytes of one, where it has more rows than one.
ROWS, BYTES = 1_000, 1 << 20
#: What a statement may be shorter than the packet that holds it.
_ROOM = 1_024

_Row = Sequence[Any]


@frozen
class Table:
    """A table, its columns in the order of the rows.

    :ivar keys: columns that hold octets.
    """

    name: str
    columns: tuple[str, ...]
    keys: tuple[str, ...] = ()

    def insert(self, values: str) -> str:
        """The statement that adds rows, up to its values."""
        return f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES {values}"  # noqa: S608 - constants


def add(dialect: Dialect, txn: Transaction, table: Table, rows: Sequence[_Row], fast: bool = False) -> None:
    """Add rows; the caller commits.

    :param fast: by LOAD DATA LOCAL, on a connection that was opened for it.
    :raises ImportRefused: a row is more than the server takes.
    """
    if not rows:
        return
    if dialect is SQLITE:
        txn.executemany(table.insert(f"({dialect.marks(len(table.columns))})"), rows)
    elif fast:
        loading.load(txn, table.name, table.columns, table.keys, rows)
    else:
        txn.execute("SELECT @@SESSION.max_allowed_packet")
        for statement in statements(table, rows, txn.fetchone()[0] - _ROOM):
            txn.execute(statement)


def statements(table: Table, rows: Sequence[_Row], most: int) -> Iterator[str]:
    """The statements that add rows.

    Values are literals as MySQL reads them with backslashes for escapes (no
    ``NO_BACKSLASH_ESCAPES`` in the sql_mode, which :mod:`dictd.store.mysql` sets itself).

    :param most: bytes of one.
    :raises ImportRefused: a row does not fit into one.
    """
    head = table.insert("")
    limit = min(BYTES, most)
    waiting: list[str] = []
    size = len(head)
    for row in rows:
        text = f"({','.join([_LITERALS[type(value)](value) for value in row])})"
        length = len(text) + 1 if text.isascii() else len(text.encode()) + 1
        if waiting and (len(waiting) == ROWS or size + length > limit):
            yield head + ",".join(waiting)
            waiting.clear()
            size = len(head)
        if size + length > most:
            raise ImportRefused(_too_long(row, length, most))
        waiting.append(text)
        size += length
    if waiting:
        yield head + ",".join(waiting)


def _too_long(row: _Row, length: int, most: int) -> str:
    begins = next((" ".join(value[:40].split()) for value in row if isinstance(value, str)), "")
    return (
        f"the article that begins {begins!r} has {length / 1e6:,.1f} MB,"
        f" the database takes {most / 1e6:,.1f} MB at most (max_allowed_packet); nothing was changed"
    )


def _text(value: str) -> str:
    # What ends a literal, and what escapes; all other signs stand for themselves, NUL too.
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _octets(value: bytes) -> str:
    return f"x'{value.hex()}'"


#: No other type has a literal: a row with one is a fault of ours, and no SQL.
_LITERALS: dict[type, Callable[[Any], str]] = {
    int: str,
    str: _text,
    bytes: _octets,
    type(None): lambda _: "NULL",
}
