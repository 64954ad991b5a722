"""Rows are read in pages, all of them and each once, wherever a page ends."""

from __future__ import annotations

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from dictd.store import bulk, inventory
from dictd.store.inventory import TABLES
from tests.store.databases import Database, on_both


@on_both
class Pages(SynchronousTestCase):
    """Pages of two rows."""

    def test_pages(self) -> None:
        """Users with no rows, with less than a page, a page, and more, in any order."""
        self.patch(inventory, "PAGE", 2)
        database = Database.fresh(self, "accounts")
        txn = database.connection.cursor()
        for sizes in product((0, 1, 2, 5), repeat=3):
            users = [(one, f"u{one}", b"u%d" % one, "x", "user", 1, 0, None, None, None, 0) for one in range(3)]
            hist = [(user, rid, 1, "w", b"w", "", 0) for user, size in enumerate(sizes) for rid in range(1, size + 1)]
            database.dialect.begin(txn)
            for name, rows in (("user", users), ("hist", hist)):
                columns = tuple(column.name for column in TABLES[name].columns)
                bulk.add(database.dialect, txn, bulk.Table(name, columns), rows)
                self.assertEqual(list(inventory.rows(database.dialect, txn, TABLES[name], 5)), rows)
                self.assertEqual(inventory.count(txn, TABLES[name]), len(rows))
            database.connection.rollback()
