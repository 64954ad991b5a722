"""A store that is emptied and filled from a logical dump."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from attrs import define, field

from dictd.ctl.backups.checking import Checking, Section
from dictd.ctl.backups.dumping import Progress
from dictd.ctl.backups.lines import Row
from dictd.errors import BackupRefused, StoreUnavailable
from dictd.importers.lease import Holder
from dictd.store import inventory
from dictd.store.again import committed
from dictd.store.databases import Database
from dictd.store.dialect import SQLITE, Connection, Transaction
from dictd.store.dictionaries import DictionaryQueries
from dictd.store.faults import ERRORS
from dictd.store.refilling import RefillQueries


@define
class Refilling:
    """One restore.

    SQLite's accounts are exchanged in one transaction. MySQL would keep all rows of a long one twice: there each
    commit is short, and a mark keeps servers away until all is there; whoever begins anew then empties what the one
    before has left. Dictionaries are loaded as imports do it, and all of them go live in one transaction.

    :param accounts: a connection to the accounts; ``dictionaries`` one to the dictionaries.
    :param tables: those of accounts that this program has.
    :param with_dictionaries: whether those of the store are replaced.
    """

    _database: Database
    _accounts: Connection
    _dictionaries: Connection
    _tables: Sequence[inventory.Kept]
    _with_dictionaries: bool
    _progress: Progress
    _done: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)
    _live: list[tuple[int, Row]] = field(factory=list, init=False)
    _articles: int = field(default=0, init=False)
    _headwords: int = field(default=0, init=False)
    _holder: str = field(factory=lambda: str(Holder.here()), init=False)

    @property
    def _at_once(self) -> bool:
        return self._database.dialect is SQLITE

    @property
    def _queries(self) -> RefillQueries:
        return RefillQueries(self._database.dialect)

    @property
    def _loading(self) -> DictionaryQueries:
        return DictionaryQueries(self._database.dialect)

    def fill(self, checking: Checking, checksum: str, total: int) -> None:
        """Empty the store and fill it.

        :param checking: reads the file for the second time, its first line is read.
        :param checksum: what the first time has found.
        :param total: rows that there are to come.
        :raises BackupRefused: the file is not what it was; the store is as before, or marked.
        :raises Exception: one of :data:`dictd.store.faults.ERRORS`; likewise.
        """
        self._total = total
        try:
            self._queries.prepare(self._accounts.cursor())
            self._empty()
            for section, rows in checking.rows():
                self._take(section, rows)
                self._done += len(rows)
                self._progress("writing", self._done, total)
            if checking.reader.end is None or checking.reader.end.checksum != checksum:
                raise BackupRefused(f"{checking.reader.path} was changed while it was read")
            self._finish(checking)
        except BaseException:
            self._give_up()
            raise

    def _in_accounts(self, work: Callable[[Transaction], Any]) -> Any:
        """In the one transaction of SQLite, or in one of its own."""
        if self._at_once:
            return work(self._accounts.cursor())
        return committed(self._accounts, work)

    def _empty(self) -> None:
        queries = self._queries
        if self._at_once:
            queries.begin(self._accounts.cursor())
        else:
            committed(self._accounts, partial(queries.mark, now=_now()))
        for table in reversed(self._tables):
            while self._in_accounts(partial(queries.clear, table=table)):
                self._progress("emptying", 0, self._total)

    def _take(self, section: Section, rows: list[Row]) -> None:
        table = section.table
        if table is inventory.DICTIONARY:
            for row in rows:
                self._begin(row)
        elif table.subject == "dictionaries":
            committed(self._dictionaries, partial(self._load, section=section, rows=rows))
        elif rows:
            self._in_accounts(partial(self._queries.add, table=table, columns=section.names, rows=rows))

    def _begin(self, row: Row) -> None:
        """Open a generation for a dictionary."""
        name, origin, form = row[0], row[9], row[10]

        def begin(txn: Transaction) -> int:
            self._loading.begin(txn)
            generation = self._loading.begin_generation(txn, name, origin, form, self._holder, _now())
            if not generation:
                raise StoreUnavailable(f"{name} is being imported just now; wait for that, and try again")
            return generation

        self._live.append((committed(self._dictionaries, begin), row))
        self._articles = self._headwords = 0

    def _load(self, txn: Transaction, section: Section, rows: list[Row]) -> None:
        generation, _ = self._live[-1]
        articles, headwords = self._articles, self._headwords
        self._loading.begin(txn)
        if rows:
            self._queries.add(txn, section.table, ("gen", *section.names), [(generation, *row) for row in rows])
        if section.table is inventory.MEANS:
            articles += len(rows)
        else:
            headwords += len(rows)
        if not self._loading.progress(txn, generation, articles, headwords, _now()):
            raise StoreUnavailable("an import took a dictionary over; wait for it, and try again")
        self._articles, self._headwords = articles, headwords

    def _finish(self, checking: Checking) -> None:
        """Count, and let it be seen."""
        txn = self._accounts.cursor()
        for table in self._tables:
            found, told = inventory.count(txn, table), checking.counts.get(table.name, 0)
            if found != told:
                raise StoreUnavailable(
                    f"{table.name} has {found:,} rows, and {told:,} were written: somebody else writes to this store"
                )
        if self._at_once:
            self._accounts.commit()
        if self._with_dictionaries:
            committed(self._dictionaries, self._exchange)
        self._live.clear()
        if not self._at_once:
            committed(self._accounts, self._queries.unmark)

    def _exchange(self, txn: Transaction) -> None:
        self._queries.begin(txn)
        self._queries.exchange(txn, self._live)

    def _give_up(self) -> None:
        """Nothing of SQLite's has changed; dictionaries that were loading go with the next import, or restore."""
        with suppress(*ERRORS):
            self._accounts.rollback()
        with suppress(*ERRORS):
            self._dictionaries.rollback()
            for generation, _ in self._live:
                committed(self._dictionaries, partial(self._loading.abandon, generation=generation))


def _now() -> int:
    return int(time.time() * 1000)
