"""Entries to a new generation in the store: streaming, sorted, whole or not at all."""

from __future__ import annotations

import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

from attrs import define, field, frozen

from dictd.errors import ImportRefused, StoreUnavailable
from dictd.importers.formats import Format
from dictd.importers.reading import Reading
from dictd.lexicon import folding
from dictd.model import Dictionary, Entry
from dictd.store.dialect import SQLITE
from dictd.store.dictionaries import DictionaryQueries
from dictd.wire.replies import one_line

#: Rows in one statement, rows in one transaction.
_ROWS, _ROWS_A_COMMIT = 1000, 20_000
#: A generation still loading that was not heard of for this long is given up, milliseconds.
STALE = 600_000
#: A text of which more than this share of lines is malformed is not what it was taken for.
_MOST_MALFORMED = 0.5
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LONGEST_TITLE = 200


_Row = TypeVar("_Row")


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
    lowered = name.lower()
    if not _NAME.fullmatch(lowered) or re.fullmatch(r"\d\d\d", lowered):
        raise ImportRefused(
            f"{name!r} cannot be the name of a dictionary: up to 64 letters a-z, digits, dots, dashes, underscores,"
            " and not three digits alone, which would look like a status"
        )
    return lowered


def name_for(path: Path, format: Format) -> str:
    """A name made of a file's, for those who give none.

    :raises ImportRefused: nothing of it is left.
    """
    if format.name == "wordnet":
        return "wordnet"
    stem = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:64]
    if not stem:
        raise ImportRefused(f"{path.name} makes no name for a dictionary; say one with --name")
    return check_name(stem)


@define
class Intake:
    """Fills one new generation.

    Articles go straight to the store; headwords wait, folded, in a file of
    their own and are added in the order of their keys, which makes the insert
    several times faster and keeps the memory small.

    :param connection: to the store of dictionaries.
    :param temporary: a directory for the waiting headwords.
    """

    connection: sqlite3.Connection
    temporary: Path
    progress: Progress
    _queries: DictionaryQueries = field(factory=lambda: DictionaryQueries(SQLITE), init=False)

    def take(self, reading: Reading, format: Format, name: str, title: str) -> Taken:
        """Import one file as the new generation of a dictionary.

        :param title: empty takes the file's own, or the name.
        :raises ImportRefused: the file is not of the format; nothing was changed.
        :raises StoreUnavailable: the store failed, the disk is full; nothing was changed.
        """
        generation = 0
        try:
            cursor = self.connection.cursor()
            self._queries.retire_stale(cursor, _now() - STALE)
            self.connection.commit()
            generation = self._queries.begin_generation(cursor, name, str(reading.path), format.name, _now())
            self.connection.commit()
            articles, headwords = self._fill(generation, reading, format.entries(reading))
            if not articles or reading.malformed > (articles + reading.malformed) * _MOST_MALFORMED:
                first = f"; line {reading.complaints[0].line}: {reading.complaints[0].why}" if reading.malformed else ""
                raise ImportRefused(
                    f"{reading.path} is not {format.about}: {reading.malformed} of"
                    f" {articles + reading.malformed} lines are not{first}"
                )
            dictionary = Dictionary(
                name=name,
                title=one_line(title or reading.title or name)[:LONGEST_TITLE],
                info="\n".join(map(one_line, reading.info.split("\n"))),
                licence=one_line(reading.licence),
                source=one_line(reading.path.name),
            )
            live = self._queries.go_live(cursor, dictionary, generation)
            self.connection.commit()
            if not live:
                raise ImportRefused(f"another import took {name} over; nothing was changed")
            return Taken(dictionary, generation, headwords, articles)
        except BaseException as error:
            self._give_up(generation)
            if isinstance(error, sqlite3.Error):
                raise StoreUnavailable(f"the store failed: {error}; nothing was changed") from error
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

    def _fill(self, generation: int, reading: Reading, entries: Iterable[Entry]) -> tuple[int, int]:
        with tempfile.TemporaryDirectory(prefix="import-", dir=self.temporary) as directory:
            waiting = _Waiting.at(Path(directory) / "words.sqlite")
            try:
                articles = self._add_articles(generation, reading, entries, waiting)
                headwords = self._add_words(generation, articles, waiting)
            finally:
                waiting.close()
        return articles, headwords

    def _add_articles(self, generation: int, reading: Reading, entries: Iterable[Entry], waiting: _Waiting) -> int:
        def rows() -> Iterator[tuple[int, str, str, str]]:
            for no, entry in enumerate(entries):
                waiting.add(no, entry)
                yield no, entry.text, entry.html, entry.structure()

        cursor = self.connection.cursor()
        done = 0
        for batch in _batches(rows(), _ROWS):
            if not self.connection.in_transaction:
                self._queries.begin(cursor)
            self._queries.add_means(cursor, generation, batch)
            done += len(batch)
            if done % _ROWS_A_COMMIT == 0:
                self._note_progress(generation, done, 0)
            self.progress("reading", reading.done, reading.size)
        self._note_progress(generation, done, 0)
        return done

    def _add_words(self, generation: int, articles: int, waiting: _Waiting) -> int:
        """Add the headwords in order; returns how many distinct ones there are."""
        cursor = self.connection.cursor()
        done = headwords = 0
        key, spellings = b"", set[str]()
        for batch in _batches(waiting.in_order(), _ROWS):
            if not self.connection.in_transaction:
                self._queries.begin(cursor)
            self._queries.add_words(cursor, generation, batch)
            done += len(batch)
            for k, _, word, *_ in batch:
                if k != key:
                    headwords += len(spellings)
                    key, spellings = k, set()
                spellings.add(word)
            if done % _ROWS_A_COMMIT == 0:
                self._note_progress(generation, articles, done)
            self.progress("sorting words", done, waiting.count)
        headwords += len(spellings)
        if not self.connection.in_transaction:
            self._queries.begin(cursor)
        self._queries.counted(cursor, generation, headwords)
        self._note_progress(generation, articles, done)
        return headwords

    def _note_progress(self, generation: int, articles: int, rows: int) -> None:
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


@define
class _Waiting:
    """Headwords that wait to be put in order: a private SQLite file sorts them with little memory."""

    connection: sqlite3.Connection
    count: int = 0
    _rows: list[tuple[bytes, int, str, bytes, int, str]] = field(factory=list)

    @classmethod
    def at(cls, path: Path) -> _Waiting:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE waiting (k BLOB, seq INTEGER, word TEXT, k2 BLOB, no INTEGER, kind TEXT)")
        connection.execute("BEGIN")
        return cls(connection)

    def add(self, no: int, entry: Entry) -> None:
        for position, word in enumerate(entry.headwords):
            k = folding.key(folding.exact(word))
            k2 = folding.key(folding.loose(word))
            self._rows.append((k, self.count, word, k2, no, "alt" if position else "main"))
            self.count += 1
        if len(self._rows) >= _ROWS:
            self._spill()

    def in_order(self) -> Iterator[tuple[bytes, int, str, bytes, int, str]]:
        self._spill()
        yield from self.connection.execute("SELECT k, seq, word, k2, no, kind FROM waiting ORDER BY k, seq")

    def close(self) -> None:
        self.connection.close()

    def _spill(self) -> None:
        self.connection.executemany("INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?)", self._rows)
        self._rows.clear()


def _batches(rows: Iterator[_Row], size: int) -> Iterator[list[_Row]]:
    while batch := list(islice(rows, size)):
        yield batch


def _now() -> int:
    return int(time.time() * 1000)
