"""Entries to a new generation in the store: streaming, sorted, whole or not at all."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from attrs import Factory, define, evolve, field, frozen

from dictd.errors import ImportRefused, StoreUnavailable
from dictd.importers import lease
from dictd.importers.description import check, described
from dictd.importers.formats import Format
from dictd.importers.lease import Holder
from dictd.importers.reading import Reading
from dictd.importers.spool import Spool, WordRow, batches
from dictd.model import Dictionary, Entry
from dictd.store.again import committed
from dictd.store.databases import Database
from dictd.store.dialect import Connection, Transaction
from dictd.store.dictionaries import DictionaryQueries
from dictd.store.faults import ERRORS, Fault, fault_of, told

#: Rows, and characters of articles, in one transaction. They are collected before
#: it begins, so that imports of two dictionaries do not starve each other.
_ROWS_A_COMMIT, _CHARACTERS_A_COMMIT = 20_000, 8 << 20
_TOLD_EVERY = 1_000
#: What an import leaves in the temporary directory while it runs, and the process in its name.
_TEMPORARY = re.compile(r"import-(\d+)-(\d+)")
#: A COMMIT that ended so may have come to pass.
_UNHEARD = (Fault.LOST, Fault.SLOW)
_T = TypeVar("_T")


@frozen
class Taken:
    """What an import did."""

    dictionary: Dictionary
    generation: int
    headwords: int
    articles: int


#: Told how far an import is: what is done, how much of how much.
Progress = Callable[[str, int, int], None]


@define
class Intake:
    """Fills one new generation.

    Articles go straight to the store; headwords wait, folded, and are added in
    the order of their keys, which makes the insert several times faster.

    :param connection: to the store of dictionaries, which ``database`` has opened.
    :param temporary: a directory for the waiting headwords.
    :param fast: whether rows are added by LOAD DATA LOCAL, for which the connection was opened.
    """

    database: Database
    connection: Connection
    temporary: Path
    progress: Progress
    _fast: bool = False
    _holder: Holder = field(factory=Holder.here)
    _queries: DictionaryQueries = field(
        default=Factory(lambda self: DictionaryQueries(self.database.dialect, self._fast), takes_self=True), init=False
    )

    def take(self, reading: Reading, format: Format, name: str, title: str) -> Taken:
        """Import one file as the new generation of a dictionary.

        :param title: empty takes the file's own, or the name.
        :raises ImportRefused: the file is not of the format, or somebody else imports this
            dictionary; nothing was changed.
        :raises StoreUnavailable: the store failed, the disk is full; nothing was changed.
        """
        generation = 0
        try:
            generation = self._begin(name, reading, format)
            articles, headwords = self._fill(generation, reading, format.entries(reading))
            check(reading, format, articles)
            dictionary = described(reading, name, title)
            if not self._go_live(dictionary, generation):
                raise ImportRefused(f"another import took {name} over; nothing was changed")
            return Taken(dictionary, generation, headwords, articles)
        except BaseException as error:
            self._give_up(generation, error)
            if isinstance(error, ERRORS):
                where = self.database.shown("dictionaries")
                raise StoreUnavailable(f"{where}: {told(error)}; nothing was changed") from error
            if isinstance(error, OSError):
                raise StoreUnavailable(f"{error.filename or self.temporary}: {error.strerror}") from error
            raise

    def purge(self) -> None:
        """Delete what no dictionary reads any more, in slices that hold nobody up."""
        for generation in self._queries.dead(self.connection.cursor()):
            while self._transaction(partial(self._queries.purge_slice, generation=generation)):
                pass
        self.connection.commit()

    def clean_up(self) -> None:
        """Give up what imports left behind whose process is gone: leases, generations, temporary files."""
        self._transaction(self._end_leases_of_the_gone)
        for path in self.temporary.iterdir():
            match = _TEMPORARY.fullmatch(path.name)
            if match and Holder(self._holder.host, int(match[1]), int(match[2])).gone(0, 0):
                shutil.rmtree(path, ignore_errors=True)

    def _transaction(self, work: Callable[[Transaction], _T]) -> _T:
        return committed(self.connection, work)

    def _begin(self, name: str, reading: Reading, format: Format) -> int:
        """Take the lease and open a generation, in one transaction."""
        self.clean_up()

        def begin(cursor: Transaction) -> int:
            self._queries.begin(cursor)
            generation = self._queries.begin_generation(
                cursor, name, str(reading.path), format.name, str(self._holder), _now()
            )
            if not generation:
                (held,) = [leased for leased in self._queries.leases(cursor) if leased.name == name]
                raise ImportRefused(f"{lease.told(held)}; wait for it, or stop it; nothing was changed")
            return generation

        return self._transaction(begin)

    def _end_leases_of_the_gone(self, cursor: Transaction) -> None:
        self._queries.begin(cursor)
        for leased in self._queries.leases(cursor):
            if Holder.parse(leased.holder).gone(leased.heartbeat, _now()):
                self._queries.end_lease(cursor, leased.generation)
        self._queries.retire_unleased(cursor)

    def _go_live(self, dictionary: Dictionary, generation: int) -> bool:
        """Make the generation the one that is read; false when somebody took it away."""
        try:
            return self._transaction(partial(self._queries.go_live, dictionary=dictionary, generation=generation))
        except ERRORS as error:
            if fault_of(error) not in _UNHEARD or self._went_live(dictionary.name, generation) is False:
                raise
            return True

    def _went_live(self, name: str, generation: int) -> bool:
        """Whether a COMMIT whose answer was lost has come to pass; where not, it cannot any more.

        :raises StoreUnavailable: there is nobody to ask.
        """
        try:
            with closing(self.database.connect("dictionaries")) as connection:
                cursor = connection.cursor()
                self._queries.abandon(cursor, generation)  # waits for that COMMIT; does nothing after it
                connection.commit()
                return self._queries.state(cursor, generation) == "ready"
        except (StoreUnavailable, *ERRORS) as error:
            why = error.text if isinstance(error, StoreUnavailable) else told(error)
            raise StoreUnavailable(
                f"{why}; it went away when {name} was complete: dictctl info {name} tells whether that is"
                " the new edition or still the old one"
            ) from error

    def _fill(self, generation: int, reading: Reading, entries: Iterable[Entry]) -> tuple[int, int]:
        directory = self.temporary / f"import-{self._holder.pid}-{self._holder.began}"
        directory.mkdir(mode=0o700)
        try:
            spool = Spool(directory)
            articles = self._add_articles(generation, reading, entries, spool)
            headwords = self._add_words(generation, articles, spool)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        return articles, headwords

    def _add_articles(self, generation: int, reading: Reading, entries: Iterable[Entry], spool: Spool) -> int:
        waiting: list[tuple[int, str, str, str]] = []
        characters = done = 0

        def add(cursor: Transaction) -> None:
            self._queries.begin(cursor)
            self._queries.add_means(cursor, generation, waiting)
            self._note(cursor, generation, done, 0)

        for entry in entries:
            spool.add(done, entry)
            waiting.append((done, entry.text, entry.html, entry.structure()))
            characters += len(entry.text) + len(entry.html)
            done += 1
            if len(waiting) >= _ROWS_A_COMMIT or characters >= _CHARACTERS_A_COMMIT:
                self._transaction(add)
                waiting.clear()
                characters = 0
            if done % _TOLD_EVERY == 0:
                self.progress("reading", reading.done, reading.size)
        self._transaction(add)
        self.progress("reading", reading.size, reading.size)
        return done

    def _add_words(self, generation: int, articles: int, spool: Spool) -> int:
        """Add the headwords in order; returns how many distinct ones there are."""
        done = headwords = 0
        key, spellings = b"", set[str]()
        for batch in batches(spool.in_order(), _ROWS_A_COMMIT):
            for k, _, word, *_ in batch:
                if k != key:
                    headwords += len(spellings)
                    key, spellings = k, set()
                spellings.add(word)
            done += len(batch)
            self._transaction(partial(self._add_batch, generation, articles, done, batch))
            self.progress("sorting words", done, spool.count)
        headwords += len(spellings)

        def count(cursor: Transaction) -> None:
            self._queries.begin(cursor)
            self._queries.counted(cursor, generation, headwords)
            self._note(cursor, generation, articles, done)

        self._transaction(count)
        return headwords

    def _add_batch(self, generation: int, articles: int, done: int, batch: list[WordRow], cursor: Transaction) -> None:
        self._queries.begin(cursor)
        self._queries.add_words(cursor, generation, batch)
        self._note(cursor, generation, articles, done)

    def _note(self, cursor: Transaction, generation: int, articles: int, rows: int) -> None:
        """How far the import is, in the same transaction."""
        if not self._queries.progress(cursor, generation, articles, rows, _now()):
            raise ImportRefused("another import took this one over; nothing was changed")

    def _give_up(self, generation: int, error: BaseException) -> None:
        """What was added is deleted; where that cannot be, a later import does it."""
        with suppress(StoreUnavailable, *ERRORS):
            if isinstance(error, ERRORS) and fault_of(error) in _UNHEARD:
                # Somebody has ended our connection; the database may be well.
                with closing(self.database.connect("dictionaries")) as another:
                    evolve(self, connection=another)._drop(generation)
            else:
                self.connection.rollback()
                self._drop(generation)

    def _drop(self, generation: int) -> None:
        if generation:
            self._transaction(partial(self._queries.abandon, generation=generation))
            self.purge()


def _now() -> int:
    return int(time.time() * 1000)
