"""Entries to a new generation in the store: streaming, sorted, whole or not at all."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from attrs import define, field, frozen

from dictd.errors import ImportRefused, StoreUnavailable
from dictd.importers import lease
from dictd.importers.formats import Format
from dictd.importers.lease import Holder
from dictd.importers.reading import Reading
from dictd.importers.spool import Spool, batches
from dictd.model import LONGEST_TITLE, NAME_RULE, Dictionary, Entry, dictionary_name
from dictd.store.dialect import SQLITE
from dictd.store.dictionaries import DictionaryQueries
from dictd.wire.replies import one_line

#: Rows, and characters of articles, in one transaction. They are collected before
#: it begins, so that imports of two dictionaries do not starve each other.
_ROWS_A_COMMIT, _CHARACTERS_A_COMMIT = 20_000, 8 << 20
_TOLD_EVERY = 1_000
#: A text of which more than this share of lines is malformed is not what it was taken for.
_MOST_MALFORMED = 0.5
#: What an import leaves in the temporary directory while it runs, and the process in its name.
_TEMPORARY = re.compile(r"import-(\d+)-(\d+)")


@frozen
class Taken:
    """What an import did."""

    dictionary: Dictionary
    generation: int
    headwords: int
    articles: int


#: Told how far an import is: what is done, how much of how much.
Progress = Callable[[str, int, int], None]


def check_name(name: str) -> str:
    """A database name: an atom (RFC 2229 2.2), kept in lower case.

    :raises ImportRefused: it cannot be one.
    """
    kept = dictionary_name(name)
    if not kept:
        raise ImportRefused(f"{name!r} cannot be the name of a dictionary: {NAME_RULE}")
    return kept


def stem_for(path: Path) -> str:
    """What of a file's name can stand in a dictionary's; perhaps nothing."""
    return re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:64]


def name_for(path: Path, format: Format) -> str:
    """A name made of a file's, for those who give none.

    :raises ImportRefused: nothing of it is left.
    """
    if format.name == "wordnet":
        return "wordnet"
    stem = stem_for(path)
    if not stem:
        raise ImportRefused(f"{path.name} makes no name for a dictionary; say one with --name")
    return check_name(stem)


def check(reading: Reading, format: Format, articles: int) -> None:
    """Whether what was read is what it was taken for.

    :raises ImportRefused: it has no entries, or most of its lines are malformed.
    """
    if not articles or reading.malformed > (articles + reading.malformed) * _MOST_MALFORMED:
        first = f"; line {reading.complaints[0].line}: {reading.complaints[0].why}" if reading.malformed else ""
        raise ImportRefused(
            f"{reading.path} is not {format.about}: {reading.malformed} of"
            f" {articles + reading.malformed} lines are not{first}"
        )


def described(reading: Reading, name: str, title: str) -> Dictionary:
    """What is told of a dictionary.

    :param title: empty takes the file's own, or the name.
    """
    return Dictionary(
        name=name,
        title=one_line(title or reading.title or name)[:LONGEST_TITLE],
        info="\n".join(map(one_line, reading.info.split("\n"))),
        licence=one_line(reading.licence),
        source=one_line(reading.source or reading.path.name),
    )


@define
class Intake:
    """Fills one new generation.

    Articles go straight to the store; headwords wait, folded, and are added in
    the order of their keys, which makes the insert several times faster.

    :param connection: to the store of dictionaries.
    :param temporary: a directory for the waiting headwords.
    """

    connection: sqlite3.Connection
    temporary: Path
    progress: Progress
    _holder: Holder = field(factory=Holder.here)
    _queries: DictionaryQueries = field(factory=lambda: DictionaryQueries(SQLITE), init=False)

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
            live = self._queries.go_live(self.connection.cursor(), dictionary, generation)
            if not live:
                raise ImportRefused(f"another import took {name} over; nothing was changed")
            self.connection.commit()
            return Taken(dictionary, generation, headwords, articles)
        except BaseException as error:
            self._give_up(generation)
            if isinstance(error, sqlite3.Error):
                raise StoreUnavailable(f"{self._path()}: {error}; nothing was changed") from error
            if isinstance(error, OSError):
                raise StoreUnavailable(f"{error.filename or self.temporary}: {error.strerror}") from error
            raise

    def purge(self) -> None:
        """Delete what no dictionary reads any more, in slices that hold nobody up."""
        cursor = self.connection.cursor()
        for generation in self._queries.dead(cursor):
            more = True
            while more:
                more = self._queries.purge_slice(cursor, generation)
                self.connection.commit()

    def clean_up(self) -> None:
        """Give up what imports left behind whose process is gone: leases, generations, temporary files."""
        self._queries.begin(self.connection.cursor())
        self._end_leases_of_the_gone()
        self.connection.commit()
        for path in self.temporary.iterdir():
            match = _TEMPORARY.fullmatch(path.name)
            if match and Holder(self._holder.host, int(match[1]), int(match[2])).gone(0, 0):
                shutil.rmtree(path, ignore_errors=True)

    def _begin(self, name: str, reading: Reading, format: Format) -> int:
        """Take the lease and open a generation, in one transaction."""
        self.clean_up()
        cursor = self.connection.cursor()
        self._queries.begin(cursor)
        generation = self._queries.begin_generation(
            cursor, name, str(reading.path), format.name, str(self._holder), _now()
        )
        if not generation:
            (held,) = [leased for leased in self._queries.leases(cursor) if leased.name == name]
            raise ImportRefused(f"{lease.told(held)}; wait for it, or stop it; nothing was changed")
        self.connection.commit()
        return generation

    def _end_leases_of_the_gone(self) -> None:
        cursor = self.connection.cursor()
        for leased in self._queries.leases(cursor):
            if Holder.parse(leased.holder).gone(leased.heartbeat, _now()):
                self._queries.end_lease(cursor, leased.generation)
        self._queries.retire_unleased(cursor)

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

        def commit() -> None:
            cursor = self.connection.cursor()
            self._queries.begin(cursor)
            self._queries.add_means(cursor, generation, waiting)
            self._commit(generation, done, 0)
            waiting.clear()

        for entry in entries:
            spool.add(done, entry)
            waiting.append((done, entry.text, entry.html, entry.structure()))
            characters += len(entry.text) + len(entry.html)
            done += 1
            if len(waiting) >= _ROWS_A_COMMIT or characters >= _CHARACTERS_A_COMMIT:
                commit()
                characters = 0
            if done % _TOLD_EVERY == 0:
                self.progress("reading", reading.done, reading.size)
        commit()
        self.progress("reading", reading.size, reading.size)
        return done

    def _add_words(self, generation: int, articles: int, spool: Spool) -> int:
        """Add the headwords in order; returns how many distinct ones there are."""
        cursor = self.connection.cursor()
        done = headwords = 0
        key, spellings = b"", set[str]()
        for batch in batches(spool.in_order(), _ROWS_A_COMMIT):
            for k, _, word, *_ in batch:
                if k != key:
                    headwords += len(spellings)
                    key, spellings = k, set()
                spellings.add(word)
            done += len(batch)
            self._queries.begin(cursor)
            self._queries.add_words(cursor, generation, batch)
            self._commit(generation, articles, done)
            self.progress("sorting words", done, spool.count)
        headwords += len(spellings)
        self._queries.begin(cursor)
        self._queries.counted(cursor, generation, headwords)
        self._commit(generation, articles, done)
        return headwords

    def _commit(self, generation: int, articles: int, rows: int) -> None:
        """Commit, with how far the import is in the same transaction."""
        if not self._queries.progress(self.connection.cursor(), generation, articles, rows, _now()):
            raise ImportRefused("another import took this one over; nothing was changed")
        self.connection.commit()

    def _give_up(self, generation: int) -> None:
        try:
            self.connection.rollback()
            if generation:
                self._queries.abandon(self.connection.cursor(), generation)
                self.connection.commit()
                self.purge()
        except sqlite3.Error:
            pass  # a later import retires and purges it

    def _path(self) -> str:
        """The file of the store."""
        return str(self.connection.execute("PRAGMA database_list").fetchone()[2])


def _now() -> int:
    return int(time.time() * 1000)
