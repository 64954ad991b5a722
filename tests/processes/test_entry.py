"""What a process asks of the store first: at once, or as soon as it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.rowids import RowIds
from dictd.accounts.spool import Spool
from dictd.errors import SchemaRefused
from dictd.model import LookUp
from dictd.processes.entry import Entry
from dictd.processes.number import Number
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from dictd.store.leases import LeaseQueries
from tests.accounts.gated_pool import GatedPool
from tests.store.databases import Database, on_both


@on_both
class Entering(SynchronousTestCase):
    """A store that has a history already."""

    def setUp(self) -> None:
        """One row of somebody, and one number taken."""
        self.database = Database.fresh(self, "accounts")
        dialect = self.database.dialect
        user = self.database.run(AccountQueries(dialect).add, "anna", b"anna", "x", 1, b"n" * 16)
        self.row = LookUp(user.id, 1 << 40, 5, "word", b"word", "wn", 1)
        self.database.run(HistoryQueries(dialect).keep, [self.row])
        self.database.run(LeaseQueries(dialect).take, "another", 1_000)
        self.row_ids = RowIds(-1)
        self.number = Number(LeaseQueries(dialect), lambda: 2.0)
        self.spool = Spool(Path(self.mktemp()), 1 << 20)
        self.entry = Entry(dialect, self.number, self.row_ids, "key", lambda: 2.0e9, self.spool)

    def test_at_once(self) -> None:
        """It has a number of its own, and row ids go on above those there are."""
        self.entry.at_once(self.database.connection)
        self.assertEqual((self.entry.done, self.number.number, self.row_ids.worker), (True, 1, 1))
        self.assertGreater(self.row_ids.next(0), self.row.rid)
        self.assertEqual(self.database.rows("SELECT count(*) FROM worker_lease"), [(2,)])

    def test_store(self) -> None:
        """Rows wait for this store in a directory of its own, whichever process asks."""
        before = self.spool.directory
        self.entry.at_once(self.database.connection)
        other = Spool(before, 1 << 20)
        again = Number(LeaseQueries(self.database.dialect), lambda: 2.0)
        Entry(self.database.dialect, again, RowIds(-1), "key", lambda: 2.0e9, other).at_once(self.database.connection)
        self.assertEqual((self.spool.directory.parent, self.spool.directory), (before, other.directory))
        self.assertRegex(self.spool.directory.name, "^[0-9a-f]{16}$")
        self.assertEqual(again.number, 2)

    def test_later(self) -> None:
        """While the store is away there is no number, and others wait; then there is, and they may ask."""
        pool: Any = GatedPool(ready=False)
        entering = Deferred.fromCoroutine(self.entry.later(pool))
        self.assertEqual((self.entry.done, self.row_ids.worker, pool.ready), (False, -1, False))
        pool.only.execute(self.database.connection)
        self.successResultOf(entering)
        self.assertEqual((self.entry.done, self.number.number, pool.ready), (True, 1, True))
        self.successResultOf(Deferred.fromCoroutine(self.entry.later(pool)))
        self.assertEqual(len(pool.flights), 1, "once is enough")


class Schema(SynchronousTestCase):
    """A database with other tables."""

    store = "mariadb"

    def test_old(self) -> None:
        """A database that comes back without our tables lets nobody in, and the text says what to type."""
        database = Database.fresh(self, "accounts")
        database.rows("DELETE FROM schema_version")
        entry = Entry(
            database.dialect, Number(LeaseQueries(database.dialect), lambda: 2.0), RowIds(-1), "key", lambda: 2.0e9
        )
        refused = self.assertRaises(SchemaRefused, entry.at_once, database.connection)
        self.assertIn("dictctl migrate", refused.text)
        self.assertFalse(entry.done)
