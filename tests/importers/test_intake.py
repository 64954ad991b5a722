"""The way into the store: whole, or not at all."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import ImportRefused, StoreUnavailable
from dictd.importers import formats, intake, lease
from dictd.importers.intake import Intake
from dictd.importers.lease import Holder, began_of
from dictd.importers.reading import Reading, open_reading
from dictd.lexicon import folding
from dictd.model import Entry, Sense
from dictd.store.dictionaries import DictionaryQueries, Live
from tests.lexicon.publishing import Library, entries, entry
from tests.store.databases import is_mariadb, on_both

#: More than one statement; more than one transaction.
A_STATEMENT, A_TRANSACTION = 1000, 20_000


class Imports(SynchronousTestCase):
    """A store of its own for each test."""

    def setUp(self) -> None:
        """An empty store."""
        self.library = Library.fresh(self)

    def file(self, text: str, name: str = "words.tsv") -> Reading:
        """A file with this text."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        path = directory / name
        path.write_text(text, "utf-8")
        return open_reading(path)

    def live(self, name: str) -> Live:
        """What is told of a dictionary."""
        (live,) = (live for live in self.library.live() if live.dictionary.name == name)
        return live


@on_both
class Taking(Imports):
    """Imports that come to their end."""

    def test_first(self) -> None:
        """A first import makes the dictionary, with what the file tells of itself."""
        reading = self.file("#title: Birds\n#licence: CC0\n#info: All of them\npenguin\tbird\ncrow\tblack bird\n")
        taken = self.library.take(reading, formats.BY_NAME["tabbed"], "birds")
        live = self.live("birds")
        self.assertEqual(live.dictionary, taken.dictionary)
        self.assertEqual(
            (live.dictionary.title, live.dictionary.licence, live.dictionary.info, live.dictionary.source),
            ("Birds", "CC0", "All of them", "words.tsv"),
        )
        self.assertEqual((taken.generation, taken.headwords, taken.articles), (live.generation, 2, 2))
        self.assertEqual((live.headwords, live.articles, live.format), (2, 2, "tabbed"))
        self.assertLess(abs(live.imported / 1000 - time.time()), 60)
        self.assertEqual(self.library.texts("birds"), ["penguin\n    bird", "crow\n    black bird"])

    def test_title(self) -> None:
        """A title that is said goes before the file's, the file's before the name; all are cut to 200 characters."""
        for said, told, title in (
            ("Said", "Told", "Said"),
            ("", "Told", "Told"),
            ("", "", "birds"),
            ("é" * 201, "", "é" * 200),
            ("", "é" * 201, "é" * 200),
        ):
            reading = self.file(f"#title: {told}\npenguin\tbird\n")
            taken = self.library.take(reading, formats.BY_NAME["tabbed"], "birds", said)
            self.assertEqual(taken.dictionary.title, title)
            self.assertEqual(self.live("birds").dictionary.title, title)

    def test_everything_of_an_entry(self) -> None:
        """Text, HTML, senses and every headword reach the store; the frequency is that of the main one."""
        rich = Entry(
            ("lead", "Lead"), "lead\n    metal", html="<b>lead</b>", senses=(Sense("metal", "noun"),), ipa=("lɛd",)
        )
        rich = evolve(rich, frequency=7)
        taken = self.library.bring("metals", [rich, entry("tin")])
        self.assertEqual((taken.headwords, taken.articles), (3, 2))
        rows = list(self.library.queries.read_means(self.library.connection.cursor(), taken.generation))
        self.assertEqual(rows[0], (0, rich.text, rich.html, rich.structure()))
        words = self.library.rows("SELECT word, mean_no, kind, frequency FROM words ORDER BY seq")
        self.assertEqual(words, [("lead", 0, "main", 7), ("Lead", 0, "alt", 0), ("tin", 1, "main", 0)])

    def test_words_lie_by_key(self) -> None:
        """Headwords are read by their exact key, under one key as they came, each with its loose key."""
        words = ["zoo", "Übung", "apple", "Zoo", "ZOO", "中文", "C++", "C", "ice cream", "%"]
        self.library.bring("words", entries(*words))
        rows = list(self.library.queries.read_words(self.library.connection.cursor(), self.live("words").generation))
        by_key = sorted(words, key=lambda word: folding.key(folding.exact(word)))
        self.assertEqual([row[1] for row in rows], by_key)
        for k, word, k2, no, _ in rows:
            self.assertEqual((k, k2), (folding.key(folding.exact(word)), folding.key(folding.loose(word))))
            self.assertEqual(words[no], word)

    def test_headwords_are_counted_once(self) -> None:
        """A spelling that leads to two articles is one headword; another spelling is another."""
        reading = self.file("polish\tv. to rub\nPolish\tadj. of Poland\npolish\tn. wax\n")
        taken = self.library.take(reading, formats.BY_NAME["tabbed"], "words")
        self.assertEqual((taken.headwords, taken.articles, self.live("words").headwords), (2, 3, 2))

    def test_words_are_added_by_key(self) -> None:
        """Headwords are added in the order of their keys, which is what makes the insert fast."""
        added: list[bytes] = []
        add = DictionaryQueries.add_words

        def noted(queries: DictionaryQueries, txn: Any, generation: int, rows: list[Any]) -> None:
            added.extend(row[0] for row in rows)
            add(queries, txn, generation, rows)

        self.patch(DictionaryQueries, "add_words", noted)
        self.library.bring("words", entries(*[f"w{(number * 7919) % 2500:04}" for number in range(2500)]))
        self.assertEqual(added, [b"w%04d" % number for number in range(2500)])

    def test_counts_at_the_edges(self) -> None:
        """Whatever falls on the edge of a statement or a transaction, all of it arrives and is counted."""
        self.patch(intake, "_ROWS_A_COMMIT", 2 * A_STATEMENT)
        for count in (1, A_STATEMENT - 1, A_STATEMENT, A_STATEMENT + 1, 2 * A_STATEMENT, 2 * A_STATEMENT + 1):
            taken = self.library.bring("many", entries(*[f"w{number}" for number in range(count)]))
            live = self.live("many")
            self.assertEqual((taken.articles, taken.headwords, live.articles, live.headwords), (count,) * 4)
            self.assertEqual(len(self.library.texts("many")), count)
            self.assertEqual(len(self.library.headwords("many")), count)

    def test_import_again(self) -> None:
        """A new edition replaces the old one whole; of the old nothing is left once it is purged."""
        first = self.library.bring("birds", entries("penguin", "dodo"), title="Old")
        second = self.library.bring("birds", entries("penguin", "kiwi", "emu"), title="New")
        self.assertNotEqual(first.generation, second.generation)
        self.assertEqual(self.library.headwords("birds"), ["emu", "kiwi", "penguin"])
        self.assertEqual(self.live("birds").dictionary.title, "New")
        self.library.purge()
        self.assertEqual(self.library.generations(), {second.generation})
        self.assertEqual(self.library.headwords("birds"), ["emu", "kiwi", "penguin"])

    def test_order_is_kept(self) -> None:
        """Dictionaries are asked in the order of their first import, whichever is imported again."""
        for name in ("wn", "birds", "jargon"):
            self.library.bring(name, entries("a"))
        self.library.bring("wn", entries("b"))
        self.library.bring("birds", entries("b"))
        self.assertEqual(self.library.names(), ["wn", "birds", "jargon"])
        self.library.remove("wn")
        self.library.bring("wn", entries("c"))
        self.assertEqual(self.library.names(), ["birds", "jargon", "wn"])

    def test_purge_in_slices(self) -> None:
        """A purge of more rows than one slice takes all of them, and nothing of a live generation."""
        self.library.bring("many", entries(*[f"w{number}" for number in range(10_500)]))
        kept = self.library.bring("many", entries("w"))
        other = self.library.bring("other", entries("w"))
        self.library.purge()
        self.assertEqual(self.library.generations(), {kept.generation, other.generation})
        self.assertEqual((self.library.texts("many"), self.library.texts("other")), (["about w"], ["about w"]))

    def test_readers_see_the_old_one_meanwhile(self) -> None:
        """Until the very end another connection reads the old generation, and the dictionary as it was."""
        self.library.bring("birds", entries("dodo"), title="Old")
        other = self.library.database.connect("dictionaries")
        self.addCleanup(other.close)
        seen = []

        def rows() -> Iterator[Entry]:
            for number in range(A_TRANSACTION + 2 * A_STATEMENT):
                if number % A_STATEMENT == 0:
                    (live,) = self.library.queries.live(other.cursor())
                    words = self.library.queries.read_words(other.cursor(), live.generation)
                    seen.append((live.dictionary.title, [row[1] for row in words]))
                yield entry(f"w{number}")

        self.library.bring("birds", rows(), title="New")
        self.assertEqual(seen, [("Old", ["dodo"])] * 22)
        self.assertEqual(self.live("birds").dictionary.title, "New")

    def test_half_of_the_lines_malformed(self) -> None:
        """Half of the lines may be left out; the rest is taken."""
        reading = self.file("a\tb\nalone\nc\td\nalone\n")
        taken = self.library.take(reading, formats.BY_NAME["tabbed"], "half")
        self.assertEqual((taken.articles, reading.malformed), (2, 2))

    def test_progress(self) -> None:
        """Progress is told of both steps, and comes to its end."""
        told: list[tuple[str, int, int]] = []
        text = "".join(f"w{number}\tmeaning\n" for number in range(2500))
        reading = self.file(text)
        importing = self.library.intake(lambda *row: told.append(row))
        importing.take(reading, formats.BY_NAME["tabbed"], "words", "")
        self.assertEqual([step for step, _, _ in told], ["reading"] * 3 + ["sorting words"])
        self.assertEqual(told[2], ("reading", len(text), len(text)))
        self.assertEqual(told[3:], [("sorting words", 2500, 2500)])

    def test_temporary_files(self) -> None:
        """While it reads, headwords wait below the state directory; afterwards nothing is left there."""
        seen: list[int] = []

        def rows() -> Iterator[Entry]:
            yield entry("a")
            seen.append(len(list(self.library.state.temporary.iterdir())))

        self.library.bring("words", rows())
        self.assertEqual(seen, [1])
        self.assertEqual(list(self.library.state.temporary.iterdir()), [])


@on_both
class Failing(Imports):
    """Imports that do not come to their end change nothing."""

    def setUp(self) -> None:
        """A dictionary that is live, and a neighbour."""
        super().setUp()
        self.library.bring("birds", entries("dodo"), title="Old")
        self.library.bring("jargon", entries("foo"))
        self.before = self.library.live()
        self.generations = self.library.generations()

    def assertUnchanged(self) -> None:
        """What was live is live, word for word; nothing of the new one is left, nowhere."""
        self.assertEqual(self.library.live(), self.before)
        self.assertEqual((self.library.headwords("birds"), self.library.texts("birds")), (["dodo"], ["about dodo"]))
        self.library.purge()
        self.assertEqual(self.library.generations(), self.generations)
        self.assertEqual(self.library.live(), self.before)
        self.assertEqual(list(self.library.state.temporary.iterdir()), [])
        if not is_mariadb(self):
            self.assertFalse(self.library.connection.in_transaction)
        self.library.bring("birds", entries("emu"))
        self.assertEqual(self.library.headwords("birds"), ["emu"])

    def failing(self, error: BaseException, count: int) -> Iterator[Entry]:
        """Entries, then an error."""
        for number in range(count):
            yield entry(f"new {number}")
        raise error

    def test_reader_raises(self) -> None:
        """An error of the reader, at the start, within a statement, and after a transaction was committed."""
        for count in (0, 1, A_STATEMENT + 1, A_TRANSACTION + 1):
            error = ImportRefused("line 7 is not right")
            with self.assertRaises(ImportRefused) as caught:
                self.library.bring("birds", self.failing(error, count), title="New")
            self.assertIs(caught.exception, error)
            self.assertEqual(self.library.live(), self.before)
            self.assertEqual(self.library.generations(), self.generations)
        self.assertUnchanged()

    def test_unforeseen_error(self) -> None:
        """A fault of ours in a reader is not swallowed, and leaves nothing behind either."""
        self.assertRaises(ZeroDivisionError, self.library.bring, "birds", self.failing(ZeroDivisionError(), 1500))
        self.assertUnchanged()

    def test_interrupt(self) -> None:
        """Ctrl-C in the middle ends the import and leaves nothing behind."""
        for count in (1500, A_TRANSACTION + 1):
            rows = self.failing(KeyboardInterrupt(), count)
            self.assertRaises(KeyboardInterrupt, self.library.bring, "birds", rows)
        self.assertUnchanged()

    def test_interrupt_while_words_are_sorted(self) -> None:
        """Ctrl-C in the second step, when all articles are there already."""

        def progress(step: str, done: int, total: int) -> None:
            if step == "sorting words" and done > A_TRANSACTION:
                raise KeyboardInterrupt

        text = "".join(f"w{number}\tmeaning\n" for number in range(A_TRANSACTION + 2500))
        importing = self.library.intake(progress)
        self.assertRaises(KeyboardInterrupt, importing.take, self.file(text), formats.BY_NAME["tabbed"], "birds", "New")
        self.assertUnchanged()

    def test_vanished_file(self) -> None:
        """A file that cannot be read any more is the system's words with its path, in one line."""
        reading = self.file("a\tb\n")
        reading.path.unlink()
        with self.assertRaises(StoreUnavailable) as caught:
            self.library.take(reading, formats.BY_NAME["tabbed"], "birds")
        self.assertEqual(caught.exception.text, f"{reading.path}: No such file or directory")
        self.assertUnchanged()

    def test_mostly_malformed(self) -> None:
        """A text of which more than half is left out is not what it was taken for; the counts are said."""
        reading = self.file("a\tb\nalone\nalone\nc\td\nalone\n")
        with self.assertRaises(ImportRefused) as caught:
            self.library.take(reading, formats.BY_NAME["tabbed"], "birds")
        self.assertIn("3 of 5 lines", caught.exception.text)
        self.assertUnchanged()

    def test_nothing_in_it(self) -> None:
        """A file without any entry does not replace a dictionary by nothing."""
        self.assertRaises(ImportRefused, self.library.bring, "birds", [])
        reading = self.file("#title: Birds\n\n")
        self.assertRaises(ImportRefused, self.library.take, reading, formats.BY_NAME["tabbed"], "birds")
        self.assertUnchanged()

    def test_taken_over(self) -> None:
        """An import whose generation another one has given up notices it, and does not go live."""
        for when in ("UPDATE generation SET state = 'dead'", "DELETE FROM generation"):

            def rows(statement: str = when) -> Iterator[Entry]:
                yield entry("emu")
                self.library.execute(f"{statement} WHERE state = 'loading'")

            with self.assertRaises(ImportRefused) as caught:
                self.library.bring("birds", rows())
            self.assertIn("nothing was changed", caught.exception.text)
        self.assertUnchanged()

    def test_taken_over_at_the_last_moment(self) -> None:
        """The same between the last row and the moment in which it would go live."""

        def given_up(importing: Intake, cursor: Any, generation: int, articles: int, rows: int) -> None:
            cursor.execute("UPDATE generation SET state = 'dead' WHERE state = 'loading'")

        patched = self.patch(Intake, "_note", given_up)
        with self.assertRaises(ImportRefused) as caught:
            self.library.bring("birds", entries("emu"), title="New")
        patched.restore()
        self.assertIn("took birds over", caught.exception.text)
        self.assertUnchanged()


class FailingFile(Failing):
    """What is SQLite's own; on MariaDB see tests/importers/test_intake_mysql.py."""

    def test_full_store(self) -> None:
        """A store that cannot grow any more is the store's trouble; what was served goes on."""
        pages = self.library.connection.execute("PRAGMA page_count").fetchone()[0]
        for room in (1, 30, 300):
            self.library.connection.execute(f"PRAGMA max_page_count = {pages + room}")
            rows = entries(*[f"new {number} " + "x" * 50 for number in range(A_TRANSACTION + 5000)])
            with self.assertRaises(StoreUnavailable) as caught:
                self.library.bring("birds", rows, title="New")
            self.assertIn("full", caught.exception.text)
            self.assertIn("nothing was changed", caught.exception.text)
            self.library.connection.execute("PRAGMA max_page_count = 1000000000")
            self.assertEqual(self.library.live(), self.before)
        self.assertUnchanged()

    def test_locked_store(self) -> None:
        """A store that another process writes to for too long is the store's trouble."""
        self.library.connection.execute("PRAGMA busy_timeout = 1")
        other = self.library.database.connect("dictionaries")
        other.cursor().execute("BEGIN IMMEDIATE")
        with self.assertRaises(StoreUnavailable) as caught:
            self.library.bring("birds", entries("emu"))
        self.assertIn("locked", caught.exception.text)
        other.close()
        self.assertUnchanged()


@on_both
class Abandoned(Imports):
    """Generations whose import died with its process."""

    def begun(self, holder: Holder, ago: float = 0) -> int:
        """A generation that is loading and was last heard of some seconds ago, with one article and one headword."""
        cursor = self.library.connection.cursor()
        heard = int((time.time() - ago) * 1000)
        self.library.queries.begin(cursor)
        generation = self.library.queries.begin_generation(cursor, "birds", "x", "tabbed", str(holder), heard)
        self.library.queries.add_means(cursor, generation, [(0, "text", "", "")])
        self.library.queries.add_words(cursor, generation, [(b"k", 0, "k", b"k", 0, "main", 0)])
        self.library.connection.commit()
        return generation

    def state(self, generation: int) -> str:
        """The state of a generation."""
        return self.library.queries.state(self.library.connection.cursor(), generation)

    def test_cleaned_up(self) -> None:
        """The next import, of whatever dictionary, gives up what a dead process has left; a purge deletes it."""
        here = Holder.here()
        ended = subprocess.Popen(["true"])
        ended.wait()
        gone = (
            evolve(here, began=here.began + 1),  # another process has the number now
            evolve(here, pid=ended.pid),
            evolve(here, host="elsewhere.invalid"),
        )
        for holder in gone:
            left = self.begun(holder, lease.STALE / 1000 + 60)
            taken = self.library.bring("jargon", entries("foo"))
            self.assertEqual(self.state(left), "dead")
            self.library.purge()
            self.assertEqual(self.library.generations(), {taken.generation})

    def test_temporary_files(self) -> None:
        """Files of a process that is gone are deleted, those of one that lives and those of others are not."""
        here = Holder.here()
        names = [f"import-{here.pid}-{here.began + 1}", f"import-{os.getppid()}-{began_of(os.getppid())}", "other"]
        for name in names:
            (self.library.state.temporary / name).mkdir()
        self.library.bring("jargon", entries("foo"))
        self.assertEqual({path.name for path in self.library.state.temporary.iterdir()}, set(names[1:]))

    def test_one_that_goes_on_is_left_alone(self) -> None:
        """An import whose process lives is not disturbed, however long it was silent; on another host, a while."""
        here = Holder.here()
        for holder, ago in ((here, 1e6), (evolve(here, host="elsewhere.invalid"), lease.STALE / 1000 - 60)):
            running = self.begun(holder, ago)
            self.library.bring("jargon", entries("foo"))
            self.library.purge()
            self.assertEqual(self.state(running), "loading")
            self.assertEqual(self.library.names(), ["jargon"])
            self.library.queries.abandon(self.library.connection.cursor(), running)
            self.library.connection.commit()

    def test_two_imports_of_one_dictionary(self) -> None:
        """The second is told who holds it, and changes nothing; another dictionary goes in beside it."""
        other = Library.fresh(self, beside=self.library)

        def rows() -> Iterator[Entry]:
            with self.assertRaises(ImportRefused) as caught:
                other.bring("birds", entries("emu"))
            self.assertRegex(
                caught.exception.text,
                rf"^birds is being imported by process {os.getpid()} on \S+ since \d\d:\d\d:\d\d UTC; wait",
            )
            other.bring("trees", entries("oak"))
            yield entry("kiwi")

        self.library.bring("birds", rows())
        self.assertEqual(self.library.headwords("birds"), ["kiwi"])
        self.assertEqual(self.library.headwords("trees"), ["oak"])
        self.library.purge()
        self.assertEqual(self.library.generations(), {self.live(name).generation for name in ("birds", "trees")})

    def test_store_of_a_newer_program(self) -> None:
        """A store that a newer dictd wrote is refused before anything is touched."""
        self.library.execute("INSERT INTO schema_version VALUES ('dictionaries', 99, 0)")
        with self.assertRaises(StoreUnavailable) as caught:
            self.library.database.connect("dictionaries")
        self.assertIn("newer dictd", caught.exception.text)
