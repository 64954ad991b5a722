"""Several hosts in the URL, of which one has another store, or none: nobody is served from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymysql.err import OperationalError
from twisted.trial.unittest import SynchronousTestCase

from dictd.sections import Store
from dictd.store import databases
from dictd.store.dialect import MYSQL
from dictd.store.identity import IdentityQueries
from tests.store.databases import committed, make_tables
from tests.support.mariadb import MariaDB


class Hosts(SynchronousTestCase):
    """Two servers that know nothing of each other."""

    def setUp(self) -> None:
        """Each has tables, and a name for its store."""
        self.first, self.second = (MariaDB.started(self, tcp=True) for _ in range(2))
        for server in (self.first, self.second):
            self.name = server.database()
            make_tables(server.url(self.name))
        url = f"mysql://root@127.0.0.1:{self.first.port},127.0.0.1:{self.second.port}/{self.name}"
        self.database = databases.database(Store(url=url), Path())
        with self.first.root(self.name) as connection:
            self.store = committed(connection, IdentityQueries(MYSQL).name)

    def opened(self) -> Any:
        """A connection as the pool has them."""
        connection = self.database.open("accounts", lambda _: None)
        self.addCleanup(connection.close)
        return connection

    def test_another(self) -> None:
        """Other people's accounts are not asked; a replica, which has the same name, is."""
        self.assertEqual(self.opened().index, 0)
        with self.second.root(self.name) as connection:
            committed(connection, IdentityQueries(MYSQL).name)
        self.first.kill()
        refused = self.assertRaises(OperationalError, self.opened)
        self.assertIn("another store", str(refused))
        self.second.rows(self.name, "UPDATE store_identity SET name = %s", self.store)
        self.assertEqual(self.opened().index, 1)

    def test_none(self) -> None:
        """A host without tables serves nobody, and the text says what to type."""
        self.assertEqual(self.opened().index, 0)
        self.second.rows(self.name, "DROP TABLE store_identity")
        self.first.kill()
        self.assertIn("dictctl migrate", str(self.assertRaises(OperationalError, self.opened)))
        self.first.launch()
        self.assertEqual(self.opened().index, 0)
