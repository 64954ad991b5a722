"""A logical dump of a store, while servers use it: one moment of it, in little memory."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from attrs import define, field

from dictd import __version__
from dictd.accounts import spoolreading
from dictd.ctl.backups.lines import End, Header, Row, Writer
from dictd.errors import StoreUnavailable
from dictd.model import LookUp
from dictd.store import inventory, schema
from dictd.store.databases import Database
from dictd.store.dialect import Connection, Transaction
from dictd.store.history import REMEMBERED, is_forgotten, is_kept
from dictd.store.identity import IdentityQueries

#: Told how far it is: what is done, how much of how much.
Progress = Callable[[str, int, int], None]

_KNOWN_SINCE = 4
_SPOOLED = (
    "CREATE TABLE spooled (user_id INTEGER, rid INTEGER, time INTEGER, word TEXT, k BLOB, dictionary TEXT,"
    " found INTEGER, PRIMARY KEY (user_id, rid)) WITHOUT ROWID"
)


@define
class Dumping:
    """One dump.

    :param opened: a connection to a subject of the store, in whatever schema it has.
    :param spool: ``spool/`` of the state directory.
    :param now: milliseconds since 1970.
    :param remark: told of what is left out.
    :ivar spooled: rows of the history that were only in the spool.
    """

    _database: Database
    _opened: Callable[[str], Connection]
    _spool: Path
    _now: int
    _dictionaries: bool
    _progress: Progress
    _remark: Callable[[str], None]
    spooled: int = field(default=0, init=False)
    _done: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)

    def write(self, writer: Writer) -> End:
        """Write all there is.

        :raises StoreUnavailable: the store cannot be read.
        :raises Exception: one of :data:`dictd.store.faults.ERRORS`.
        """
        with (
            closing(self._opened("accounts")) as accounts,
            closing(self._opened("dictionaries")) as dictionaries,
            # A file that SQLite makes where it makes its temporary files, and nobody can open.
            closing(sqlite3.connect("")) as sorting,
        ):
            name = self._name(accounts)
            # First the spool, then the snapshot: a row leaves the one when it is in the other.
            waiting = self._waiting(sorting, name)
            for connection in (accounts, dictionaries):
                self._database.snapshot(connection)
            schemas = {
                "accounts": self._version(accounts.cursor(), "accounts"),
                "dictionaries": self._version(dictionaries.cursor(), "dictionaries"),
            }
            dialect = self._database.dialect.name
            writer.begin(Header(__version__, schemas, dialect, self._now, name, self._dictionaries))
            self._count(accounts.cursor(), dictionaries.cursor(), schemas)
            self._write_accounts(writer, accounts, schemas["accounts"], sorting if waiting else None)
            if self._dictionaries:
                self._write_dictionaries(writer, dictionaries, schemas["dictionaries"])
            for connection in (accounts, dictionaries):
                connection.rollback()
            return writer.end()

    def _version(self, txn: Transaction, subject: str) -> int:
        dialect = self._database.dialect
        schema.pending(txn, subject, dialect)  # refuses a newer one
        version = schema.version(txn, subject, dialect)
        if not version:
            raise StoreUnavailable(
                f"{self._database.shown(subject)} has no tables of dictd: there is nothing to back up"
            )
        if schema.half_restored(txn, dialect):
            raise StoreUnavailable(schema.HALF_RESTORED)
        return version

    def _name(self, connection: Connection) -> str:
        """The name of the store, empty where it has none yet."""
        txn = connection.cursor()
        known = self._version(txn, "accounts") >= _KNOWN_SINCE
        name = IdentityQueries(self._database.dialect).known(txn) if known else ""
        connection.rollback()
        return name

    def _waiting(self, sorting: sqlite3.Connection, name: str) -> int:
        """Take the rows that wait for this store in the spool; how many there are."""
        sorting.execute(_SPOOLED)
        rows = spoolreading.waiting(self._spool / name, self._remark) if name else iter(())
        sorting.executemany(
            "INSERT OR IGNORE INTO spooled VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((row.user_id, row.rid, row.time, row.word, row.k, row.dictionary, row.found) for row in rows),
        )
        return int(sorting.execute("SELECT count(*) FROM spooled").fetchone()[0])

    def _count(self, accounts: Transaction, dictionaries: Transaction, schemas: Mapping[str, int]) -> None:
        """How much there is to do."""
        self._total = sum(inventory.count(accounts, table) for table in inventory.accounts(schemas["accounts"]))
        if self._dictionaries:
            for _, row in inventory.live(dictionaries):
                told = dict(zip((column.name for column in inventory.DICTIONARY.columns), row, strict=True))
                self._total += told["articles"] + told["rows_done"]

    def _write_accounts(
        self, writer: Writer, connection: Connection, version: int, sorting: sqlite3.Connection | None
    ) -> None:
        txn, dialect = connection.cursor(), self._database.dialect
        for table in inventory.accounts(version):
            writer.table(table.name, [(column.name, column.kind) for column in table.at(version)])
            rows = inventory.rows(dialect, txn, table, version)
            if table.name == "hist" and sorting is not None:
                rows = self._with(rows, self._wanted(connection.cursor(), sorting))
            self._write(writer, rows)

    def _write_dictionaries(self, writer: Writer, connection: Connection, version: int) -> None:
        txn, dialect = connection.cursor(), self._database.dialect
        for generation, told in inventory.live(txn):
            for table, rows in (
                (inventory.DICTIONARY, iter([told])),
                (inventory.MEANS, inventory.rows(dialect, txn, inventory.MEANS, version, generation)),
                (inventory.WORDS, inventory.rows(dialect, txn, inventory.WORDS, version, generation)),
            ):
                writer.table(table.name, [(column.name, column.kind) for column in table.at(version)])
                self._write(writer, rows)

    def _write(self, writer: Writer, rows: Iterator[Row]) -> None:
        for written in writer.rows(rows):
            self._done += written
            self._progress("reading", min(self._done, self._total), self._total)

    def _wanted(self, txn: Transaction, sorting: sqlite3.Connection) -> Iterator[Row]:
        """The rows of the spool that a server would take home now, see :meth:`HistoryQueries.replay`."""
        txn.execute("SELECT id, paused FROM user")
        paused: dict[int, int | None] = dict(txn.fetchall())
        txn.execute("SELECT user_id, k, rid FROM forgotten")
        upto = {(user_id, k): rid for user_id, k, rid in txn.fetchall()}
        for row in sorting.execute("SELECT * FROM spooled ORDER BY user_id, rid"):
            waits = LookUp(*row)
            young = waits.time >= self._now - REMEMBERED
            if young and is_kept(waits, paused) and not is_forgotten(waits, upto):
                yield row

    def _with(self, kept: Iterator[Row], spooled: Iterator[Row]) -> Iterator[Row]:
        """Both in order; of what is in both, the row of the store."""
        last: tuple[int, int] | None = None
        # heapq.merge takes from the first of two that are equal.
        for place, row in heapq.merge(
            ((0, row) for row in kept), ((1, row) for row in spooled), key=lambda one: one[1][:2]
        ):
            if row[:2] != last:
                last = row[:2]
                self.spooled += place
                yield row
