"""A dump moves a store between SQLite and MariaDB, and nothing of it changes on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from twisted.trial.unittest import SynchronousTestCase

from dictd.store import inventory, schema
from dictd.store.dialect import MYSQL
from tests.store.databases import Database, fresh_mysql, on_both
from tests.support import stored
from tests.support.stored import Content, body, contents, done


class RoundTrip(SynchronousTestCase):
    """There and back."""

    @settings(
        max_examples=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink takes minutes
    )
    @given(contents())
    def test_sqlite_mariadb_sqlite(self, content: Content) -> None:
        """From SQLite to MariaDB and back: three dumps that are the same, line by line."""
        url = self._url()
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        dumps = [directory / "1.jsonl", directory / "2.jsonl.gz", directory / "3.jsonl"]
        states = [directory / name for name in ("one", "two", "three")]
        stored.fill(self, states[0], content)
        done(states[0], "sqlite", "backup", str(dumps[0]))
        done(states[1], url, "restore", str(dumps[0]), "--replace", "--yes")
        done(states[1], url, "backup", str(dumps[1]))
        done(states[2], "sqlite", "restore", str(dumps[1]))
        done(states[2], "sqlite", "backup", str(dumps[2]))
        first = body(dumps[0])
        self.assertEqual(body(dumps[1]), first)
        self.assertEqual(body(dumps[2]), first)
        for table in stored.tables():
            self.assertEqual(len(stored.rows(dumps[2], table.name)), len(content.tables[table.name]), table.name)
        self.assertEqual([row[0] for row in stored.rows(dumps[2], "dictionary")], list(content.dictionaries))

    def _url(self) -> str:
        if not hasattr(self, "_found"):
            self._found = fresh_mysql(self)
        return self._found


@on_both
class Complete(SynchronousTestCase):
    """What the tables of tables know, and what there is."""

    def columns(self, subject: str) -> dict[str, dict[str, bool]]:
        """Table -> column -> whether it may have no value."""
        database = Database.fresh(self, subject)
        if database.dialect is MYSQL:
            found: list[Any] = database.rows(
                "SELECT table_name, column_name, is_nullable = 'YES' FROM information_schema.columns"
                " WHERE table_schema = database()"
            )
        else:
            tables = [name for (name,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
            found = [
                (table, row[1], not row[3] and not row[5])
                for table in tables
                if not table.startswith("sqlite_")
                for row in database.rows(f"PRAGMA table_info({table})")
            ]
        shape: dict[str, dict[str, bool]] = {}
        for table, column, null in found:
            shape.setdefault(table, {})[column] = bool(null)
        return shape

    def test_accounts(self) -> None:
        """Every table of accounts is taken along, with each of its columns, or is left out for a reason."""
        found = self.columns("accounts")
        others = self.columns("dictionaries").keys() - {"schema_version"}
        known = {
            table.name: {column.name: column.null for column in table.columns}
            for table in inventory.accounts(schema.migrations("accounts", MYSQL)[-1].version)
        }
        left = found.keys() - known.keys() - others
        self.assertEqual(left - inventory.LEFT_OUT.keys(), set())
        self.assertEqual({name: found[name] for name in known}, known)

    def test_dictionaries(self) -> None:
        """And every one of the dictionaries."""
        found = self.columns("dictionaries")
        for table in (inventory.MEANS, inventory.WORDS):
            self.assertEqual(found[table.name].keys(), {"gen", *(column.name for column in table.columns)})
        told = {column.name for column in inventory.DICTIONARY.columns}
        self.assertEqual(found["dictionary"].keys() - told, {"id", "live_gen"})
        self.assertEqual(
            found["generation"].keys() - told, {"id", "dictionary_name", "state", "heartbeat"}, "source is origin"
        )
