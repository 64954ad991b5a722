"""What is MySQL's own on the way into the store: packets, locks, connections that are lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dictd.errors import ImportRefused, StoreUnavailable
from dictd.importers.lease import Holder
from dictd.model import Entry
from dictd.store import again, loading
from dictd.store.dictionaries import DictionaryQueries
from dictd.store.loading import LoadingConnection
from dictd.store.mysql import MySQL
from tests.importers.test_intake import A_STATEMENT, A_TRANSACTION, Imports
from tests.lexicon.publishing import Library, entries, entry
from tests.store.databases import fresh_mysql
from tests.support.mariadb import MariaDB


class OnMySQL(Imports):
    """A dictionary that is live in MariaDB."""

    store = "mariadb"

    def setUp(self) -> None:
        super().setUp()
        self.library.bring("birds", entries("dodo"), title="Old")
        self.before = self.library.live()

    def assertUnchanged(self) -> None:
        """The old edition is live and alone; the next import goes well."""
        self.assertEqual(self.library.live(), self.before)
        self.assertEqual(self.library.headwords("birds"), ["dodo"])
        self.assertEqual(self.library.generations(), {self.before[0].generation})
        self.assertEqual(self.library.rows("SELECT * FROM import_lease"), [])
        self.library.bring("birds", entries("emu"))
        self.assertEqual(self.library.headwords("birds"), ["emu"])

    def mysql(self) -> MySQL:
        """The database."""
        assert isinstance(self.library.database, MySQL)
        return self.library.database


class Refusals(OnMySQL):
    """Rows that MySQL does not take."""

    def test_more_than_a_packet(self) -> None:
        """An article over max_allowed_packet is told by its beginning and its size; one of half of it goes in."""
        (packet,) = self.library.rows("SELECT @@max_allowed_packet")[0]
        self.library.bring("trees", [entry("oak", text="é" * (packet // 4))])
        with self.assertRaises(ImportRefused) as caught:
            self.library.bring("birds", [entry("kiwi"), entry("emu", text="Emu, long " + "x" * packet)])
        self.assertRegex(caught.exception.text, r"^the article that begins 'Emu, long x+' has [\d.]+ MB, the database")
        self.assertIn("nothing was changed", caught.exception.text)
        self.library.remove("trees")
        self.library.purge()
        self.assertUnchanged()

    def test_more_than_a_column(self) -> None:
        """What is longer than its column is refused, never cut, whichever way it comes."""
        for library in (self.library, self.library.hurried(self)):
            with self.assertRaises(StoreUnavailable) as caught:
                library.bring("birds", [entry("x" * 513)])
            self.assertRegex(
                caught.exception.text, r"Data (too long|truncated) for column 'word' at row 1 \(\d+\); nothing"
            )
            self.assertEqual(len(caught.exception.text.splitlines()), 1)
        self.assertUnchanged()


class Locks(OnMySQL):
    """Transactions that the database rolls back for the sake of another."""

    def test_made_way(self) -> None:
        """A deadlock and a lock wait of each transaction of an import: begun again, each row there once."""
        for code in (1213, 1205):
            for name in ("begin_generation", "add_means", "add_words", "counted", "go_live"):
                failed: list[str] = []
                method: Callable[..., Any] = getattr(DictionaryQueries, name)

                def once(
                    *given: Any, code: int = code, failed: list[str] = failed, method: Any = method, **named: Any
                ) -> Any:
                    done = method(*given, **named)
                    if not failed:
                        failed.append("once")
                        raise pymysql.err.OperationalError(code, "make way")
                    return done

                patched = self.patch(DictionaryQueries, name, once)
                taken = self.library.bring("birds", entries("emu", "kiwi"))
                patched.restore()
                self.assertEqual(failed, ["once"], name)
                self.assertEqual((taken.headwords, self.library.headwords("birds")), (2, ["emu", "kiwi"]), name)
                self.assertEqual(len(self.library.texts("birds")), 2)
                self.assertEqual(self.library.rows("SELECT * FROM import_lease"), [])
        self.library.purge()
        self.assertEqual(len(self.library.generations()), 1)

    def test_lock_that_is_held(self) -> None:
        """Somebody holds the lease's row for longer than a lock is waited for: the import waits, and ends well."""
        other = self.mysql().connect()
        self.addCleanup(other.close)

        def rows() -> Iterator[Entry]:
            yield entry("emu")
            other.cursor().execute("SELECT * FROM import_lease FOR UPDATE")
            waiting.start()

        waiting = threading.Timer(1.5, other.rollback)
        began = time.monotonic()
        self.library.bring("birds", rows())
        waiting.join()
        self.assertGreater(time.monotonic() - began, 1.4)
        self.assertEqual(self.library.headwords("birds"), ["emu"])

    def test_never_had(self) -> None:
        """A lock that is never had ends the import in one line, with nothing changed."""

        def never(*_: Any) -> None:
            raise pymysql.err.OperationalError(1205, "Lock wait timeout exceeded")

        patched = self.patch(DictionaryQueries, "add_words", never)
        self.patch(again, "_PAUSES", (0.0, 0.0))
        with self.assertRaises(StoreUnavailable) as caught:
            self.library.bring("birds", entries("emu"))
        patched.restore()
        self.assertUnchanged()
        self.assertRegex(caught.exception.text, r"Lock wait timeout exceeded \(1205\); nothing was changed$")

    def test_one_that_begins_just_now(self) -> None:
        """An import that is committed between two looks at the tables is not taken for one that nobody holds."""
        other = Library.fresh(self, beside=self.library)
        cursor = self.library.connection.cursor()
        execute, begun = cursor.execute, list[int]()

        def between(*given: Any) -> Any:
            done = execute(*given)
            if not begun:
                holder = str(Holder.here())
                txn = other.connection.cursor()
                begun.append(self.library.queries.begin_generation(txn, "trees", "x", "tabbed", holder, 0))
                other.connection.commit()
            return done

        cursor.execute = between
        self.library.queries.retire_unleased(cursor)
        self.library.connection.commit()
        self.assertEqual(self.library.queries.state(self.library.connection.cursor(), begun[0]), "loading")


class Lost(OnMySQL):
    """Connections that end in the middle."""

    def kill(self) -> None:
        """End the connection of the import, as an administrator or a proxy may."""
        other = self.mysql().connect()
        other.cursor().execute("KILL %s", (self.library.connection.thread_id(),))
        other.close()

    def reconnect(self) -> None:
        """The test's own questions need a connection too."""
        self.library.connection = self.mysql().connect()
        self.addCleanup(self.library.connection.close)

    def test_while_it_reads(self) -> None:
        """The import ends in one line; what it has added is deleted at once, by another connection."""

        def rows() -> Iterator[Entry]:
            for number in range(A_TRANSACTION + A_STATEMENT):
                yield entry(f"w{number}")
            self.kill()

        with self.assertRaises(StoreUnavailable) as caught:
            self.library.bring("birds", rows(), title="New")
        self.assertRegex(caught.exception.text, r" \(2013|2006\); nothing was changed$")
        self.reconnect()
        self.assertUnchanged()

    def test_answer_to_the_last_commit(self) -> None:
        """The COMMIT that makes it live is done and its answer lost: it is looked up, and the import has ended well."""
        self.lost(after=True)
        self.assertEqual(self.library.headwords("birds"), ["emu"])

    def test_last_commit(self) -> None:
        """The same COMMIT is lost on its way: nothing was changed, and cannot be any more."""
        with self.assertRaises(StoreUnavailable) as caught:
            self.lost(after=False)
        self.assertIn("nothing was changed", caught.exception.text)
        self.reconnect()
        self.assertUnchanged()

    def lost(self, after: bool) -> None:
        """Import, with the connection cut at the last COMMIT."""
        connection = self.library.connection
        go_live = DictionaryQueries.go_live

        def marked(*given: Any, **named: Any) -> bool:
            commit = connection.commit

            def cut() -> None:
                if after:
                    commit()
                connection.commit = commit
                self.kill()
                raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

            connection.commit = cut
            return go_live(*given, **named)

        self.patch(DictionaryQueries, "go_live", marked)
        self.library.bring("birds", entries("emu"), title="New")
        self.reconnect()

    def test_nobody_to_ask(self) -> None:
        """Lost at that moment, with nobody to ask: the line says how one can tell later."""
        server = MariaDB.started(self)
        library = Library.fresh(self, url=fresh_mysql(self, server))
        library.bring("birds", entries("dodo"))
        go_live = DictionaryQueries.go_live

        def cut(*given: Any, **named: Any) -> bool:
            done = go_live(*given, **named)
            server.kill()
            return done

        patched = self.patch(DictionaryQueries, "go_live", cut)
        with self.assertRaises(StoreUnavailable) as caught:
            library.bring("birds", entries("emu"))
        patched.restore()
        server.launch()
        self.assertIn("dictctl info birds tells whether", caught.exception.text)
        self.assertNotIn("nothing was changed", caught.exception.text)

    def test_database_killed(self) -> None:
        """kill -9 of the database in the middle: one line; when it is back the old edition is there, imports go on."""
        server = MariaDB.started(self)
        library = Library.fresh(self, url=fresh_mysql(self, server))
        library.bring("birds", entries("dodo"), title="Old")
        before = library.live()
        for kept in (0, A_TRANSACTION):

            def rows(kept: int = kept) -> Iterator[Entry]:
                for number in range(kept + A_STATEMENT):
                    yield entry(f"w{number}")
                server.kill()

            with self.assertRaises(StoreUnavailable) as caught:
                library.bring("birds", rows(), title="New")
            self.assertRegex(caught.exception.text, r"^[^\n]+ \(2013|2006\); nothing was changed$")
            server.launch()
            library.connection = library.database.connect("dictionaries")
            self.addCleanup(library.connection.close)
            self.assertEqual((library.live()[:1], library.headwords("birds")), (before, ["dodo"]))
            # Its lease is that of a process that lives: ours. As after its end:
            library.execute("UPDATE import_lease SET holder = 'gone.invalid 1 1', heartbeat = 0")
            library.bring("trees", entries("oak"))
            library.purge()
            self.assertEqual(library.generations(), {live.generation for live in library.live()})
        library.bring("birds", entries("emu"))
        self.assertEqual(library.headwords("birds"), ["emu"])


#: Everything that a text may hold, and what has a meaning in a statement or a file of LOAD DATA most often.
_SIGNS = st.one_of(st.sampled_from("\\'\"\t\n\r\0\b\x1aNZ%?;:@`_-#,()xé中𝔘"), st.characters(codec="utf-8"))
_TEXTS = st.text(_SIGNS, max_size=30)
_ENTRIES = st.lists(
    st.builds(
        lambda word, text, html, frequency: Entry((word,), text, html=html, frequency=frequency),
        st.text(_SIGNS, min_size=1, max_size=20),
        st.one_of(_TEXTS, st.sampled_from(["\\N", "NULL", "\\", "\\.", "'", "a\\", "%s", "\t", "\n"])),
        _TEXTS,
        st.integers(0, 2**40),
    ),
    min_size=1,
    max_size=40,
)


class Ways(Imports):
    """Each way into the tables of MariaDB makes the same rows, and SQLite's."""

    store = "mariadb"

    def setUp(self) -> None:
        super().setUp()
        self.hurried = self.library.hurried(self)
        self.connection = self.hurried.connection
        self.store = "sqlite"
        self.files = Library.fresh(self)

    def rows(self, library: Library, generation: int) -> list[list[tuple[Any, ...]]]:
        """All rows of a generation."""
        return [
            [
                row[1:]
                for row in library.rows(f"SELECT * FROM {table} WHERE gen = ? ORDER BY {order}", generation)  # noqa: S608
            ]
            for table, order in (("words", "k, seq"), ("means", "no"))
        ]

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(_ENTRIES)
    def test_same_rows(self, given_: list[Entry]) -> None:
        """Row by row, octet by octet, whatever signs there are."""
        plain = self.library.bring("plain", given_).generation
        expected = self.rows(self.files, self.files.bring("plain", given_).generation)
        self.assertEqual(self.rows(self.library, plain), expected)
        quick = self.hurried.bring("quick", given_).generation
        self.assertEqual(self.rows(self.library, quick), expected)

    def test_no_file_is_sent(self) -> None:
        """A server that asks for a file of ours, by whatever name, gets nothing, and the import would end."""
        connection = self.connection
        self.assertIsInstance(connection, LoadingConnection)
        self.library.execute("CREATE TABLE stolen (line TEXT)")
        for name in ("/etc/passwd", "rows"):
            cursor = connection.cursor()
            with self.assertRaises(pymysql.err.OperationalError) as caught:
                cursor.execute(f"LOAD DATA LOCAL INFILE '{name}' INTO TABLE stolen")
            self.assertIn("a file that was not offered", str(caught.exception))
            connection.commit()
        self.assertEqual(self.library.rows("SELECT * FROM stolen"), [])
        connection.offered = b"ours\n"
        connection.cursor().execute("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE stolen")
        connection.commit()
        self.assertEqual(self.library.rows("SELECT * FROM stolen"), [("ours",)])

    def test_without_it_nothing_is_allowed(self) -> None:
        """Every other connection of ours does not even say that it could send a file."""
        cursor = self.library.connection.cursor()
        with self.assertRaises(pymysql.err.MySQLError):
            cursor.execute("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE means")

    def test_warnings(self) -> None:
        """What LOAD DATA makes of a row that does not fit is a warning, and for us a failure; so is one left out."""
        self.library.bring("birds", entries("emu"))
        (live,) = self.library.live()
        for rows, why in (
            ([(live.generation, 0, "again", "", "")], "Duplicate entry"),
            ([(99, "no number", "text", "", "")], "Incorrect integer value"),
        ):
            cursor = self.connection.cursor()
            with self.assertRaises(pymysql.err.MySQLError) as caught:
                loading.load(cursor, "means", ("gen", "no", "mean", "markup", "senses"), (), rows)
            self.assertIn(why, str(caught.exception))
            self.connection.rollback()
        self.assertEqual(self.library.texts("birds"), ["about emu"])
