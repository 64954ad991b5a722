"""A store that is emptied and filled from a backup."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dictd.errors import StoreUnavailable
from dictd.store import bulk
from dictd.store.dialect import SQLITE, Dialect, Statement, Transaction
from dictd.store.inventory import Kept, Row
from dictd.store.leases import EVERY
from dictd.store.schema import RESTORING

#: Rows that are deleted in one transaction, where it cannot be all in one.
SLICE = 10_000
#: What SQLite may have in memory; without it a million rows take four times as long.
_CACHE_KIB = 65_536
#: A process that has not renewed its number for so long has ended, milliseconds.
_SILENT = 2 * EVERY + 10_000

_MARK = Statement(
    sqlite="INSERT INTO schema_version (subject, version, applied) VALUES (?, 1, ?) ON CONFLICT DO NOTHING",
    mysql="INSERT INTO schema_version (subject, version, applied) VALUES (%s, 1, %s)"
    " ON DUPLICATE KEY UPDATE version = version",
)
_UNMARK = Statement.both("DELETE FROM schema_version WHERE subject = ?")
_HOLDERS = Statement.both("SELECT holder FROM worker_lease WHERE renewed > ? ORDER BY id")
_DICTIONARIES = Statement.both("SELECT count(*) FROM dictionary")
_RETIRE = Statement.both("UPDATE generation SET state = 'dead' WHERE state = 'ready'")
_READY = Statement.both(
    "UPDATE generation SET state = 'ready', source = ?, format = ?, articles = ?, rows_done = ?, headwords = ?,"
    " started = ? WHERE id = ? AND state = 'loading'"
)
_REMOVE = Statement.both("DELETE FROM dictionary")
_PUT = Statement.both(
    "INSERT INTO dictionary (name, title, info, lang_from, lang_to, licence, source, content_type, position, live_gen)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_END_LEASE = Statement.both("DELETE FROM import_lease WHERE generation = ?")
_LENGTHS = (
    "SELECT table_name, column_name, character_maximum_length, character_octet_length FROM information_schema.columns"
    " WHERE table_schema = database() AND character_maximum_length IS NOT NULL"
)


@frozen
class RefillQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    def prepare(self, txn: Transaction) -> None:
        """Before anything is written: an index whose rows come in no order wants memory."""
        if self.dialect is SQLITE:
            txn.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")

    def begin(self, txn: Transaction) -> None:
        """Begin a transaction that writes."""
        self.dialect.begin(txn)

    def writers(self, txn: Transaction, now: int) -> list[str]:
        """Processes that keep a history in this store, as far as it knows: ``host pid token`` each.

        :param now: milliseconds since 1970.
        """
        txn.execute(self.dialect(_HOLDERS), (now - _SILENT,))
        return [holder for (holder,) in txn.fetchall()]

    def alone(self, txn: Transaction) -> bool:
        """Whether nobody else fills this database; from here to the end of the connection nobody will. Of MySQL."""
        txn.execute("SELECT GET_LOCK('dictd-restore', 0)")
        return bool(txn.fetchone() == (1,))

    def dictionaries(self, txn: Transaction) -> int:
        """How many dictionaries there are."""
        txn.execute(self.dialect(_DICTIONARIES))
        return int(txn.fetchone()[0])

    def mark(self, txn: Transaction, now: int) -> None:
        """From here on no server uses the store, until :meth:`unmark`."""
        txn.execute(self.dialect(_MARK), (RESTORING, now))

    def unmark(self, txn: Transaction) -> None:
        """The store is whole."""
        txn.execute(self.dialect(_UNMARK), (RESTORING,))

    def clear(self, txn: Transaction, table: Kept) -> bool:
        """Delete rows of a table of accounts: all of SQLite's, a slice of MySQL's; whether there may be more."""
        text = f"DELETE FROM {table.name}"  # noqa: S608 - ours
        if self.dialect is SQLITE:
            txn.execute(text)
            return False
        txn.execute(f"{text} ORDER BY {', '.join(table.key)} LIMIT {SLICE}")
        return bool(txn.rowcount == SLICE)

    def add(self, txn: Transaction, table: Kept, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows.

        :raises ImportRefused: one is more than the server takes.
        """
        bulk.add(self.dialect, txn, bulk.Table(table.name, tuple(columns)), rows)

    def exchange(self, txn: Transaction, dictionaries: Sequence[tuple[int, Row]]) -> None:
        """Put other dictionaries in the place of all there are; the caller has begun the transaction.

        :param dictionaries: a generation that is loaded, and its row of :data:`dictd.store.inventory.DICTIONARY`.
        :raises StoreUnavailable: somebody has taken a generation away.
        """
        txn.execute(self.dialect(_RETIRE))
        txn.execute(self.dialect(_REMOVE))
        for generation, row in dictionaries:
            txn.execute(self.dialect(_END_LEASE), (generation,))
            txn.execute(self.dialect(_READY), (*row[9:], generation))
            if txn.rowcount != 1:
                raise StoreUnavailable(f"an import took {row[0]} over; wait for it, and try again")
            txn.execute(self.dialect(_PUT), (*row[:9], generation))

    def lengths(self, txn: Transaction) -> dict[tuple[str, str], tuple[int, int]]:
        """What a column takes at most, characters and octets; nothing where there is no bound."""
        if self.dialect is SQLITE:
            return {}
        txn.execute(_LENGTHS)
        return {(table, column): (int(most), int(octets)) for table, column, most, octets in txn.fetchall()}
