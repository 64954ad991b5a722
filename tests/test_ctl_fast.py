"""dictctl import --fast: where it can be, and what is said where it cannot."""

from __future__ import annotations

from typing import Any, ClassVar

from dictd.store import loading
from dictd.storeurl import Host
from tests.store.databases import fresh_mysql
from tests.support.mariadb import MariaDB
from tests.test_ctl import BIRDS, Commands


class Fast(Commands):
    """On MariaDB."""

    store: ClassVar[str] = "mariadb"

    def imported(self) -> tuple[str, int]:
        """Import two files; what was said beside the outcome, and how often LOAD DATA was used."""
        loads: list[Any] = []
        load = loading.load

        def noted(*given: Any) -> None:
            loads.append(given)
            load(*given)

        patched = self.patch(loading, "load", noted)
        files = [self.file("birds.tsv", BIRDS), self.file("trees.tsv", "oak\ta tree\n")]
        result = self.ctl("import", "--fast", *files)
        patched.restore()
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertEqual(self.served("crow"), [("birds", "crow\n    a black bird")])
        said = [line for line in result.stderr.splitlines() if " is published: " not in line]
        return "\n".join(said), len(loads)

    def test_used(self) -> None:
        """Over a unix socket rows go in by LOAD DATA, and nothing is said of it."""
        said, loads = self.imported()
        self.assertEqual((said, loads), ("", 4))

    def test_off_on_the_server(self) -> None:
        """Where the server does not allow it, one line says so, and the import is done without."""
        server = MariaDB.started(self, ("--local-infile=0",))
        self.url = fresh_mysql(self, server)
        said, loads = self.imported()
        self.assertEqual(loads, 0)
        self.assertEqual(said, "--fast needs local_infile, which is off on the database's server; importing without it")

    def test_far_away_in_the_clear(self) -> None:
        """Where others could stand between us and the database, one line says so."""
        self.patch(Host, "here", property(lambda _: False))
        said, loads = self.imported()
        self.assertEqual(loads, 0)
        self.assertRegex(said, r"^--fast needs a database on this machine, or TLS .*; importing without it$")


class OnSQLite(Fast):
    """For SQLite it is nothing."""

    store = "sqlite"

    def test_used(self) -> None:
        """One line says so."""
        said, loads = self.imported()
        self.assertEqual((said, loads), ("--fast is for MySQL and MariaDB; SQLite is fast enough", 0))

    def test_off_on_the_server(self) -> None:
        """There is no server."""

    def test_far_away_in_the_clear(self) -> None:
        """There is nobody between."""
