"""The dictionary of the course: its users, what they looked up, its words; from a database or a dump of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen

from dictd.importers import coursetables, coursetimes
from dictd.importers.coursestatements import Row
from dictd.importers.coursetables import HISTORY, USERS, WORDS, Table, Taken
from dictd.importers.coursetext import Texts
from dictd.importers.formats import Format
from dictd.importers.layout import article
from dictd.importers.reading import Reading
from dictd.lexicon import folding
from dictd.model import LONGEST_WORD, Entry

Progress = Callable[[int, int], None]


#: Digits of an id at most, as MySQL's BIGINT UNSIGNED has.
_LONGEST_NUMBER = 20


def _silent(done: int, total: int) -> None:
    """Tell nobody."""


class Source(Protocol):
    """Where the tables are."""

    @property
    def codec(self) -> str:
        """Python's name of the encoding of octets there."""

    @property
    def charset(self) -> str:
        """What was said of it; empty where nothing was."""

    @property
    def name(self) -> str:
        """In a word, for everybody who asks where the words are from."""

    def tables(self) -> list[Table]:
        """All of them."""

    def rows(self, table: Table, columns: Sequence[str], progress: Progress) -> Iterator[tuple[Row, bool]]:
        """Some columns of each row, and whether its TIMESTAMPs are in UTC."""


@frozen
class CourseUser:
    """A row of ``user``.

    :ivar number: its id there, as text; where there is none, the number of the row.
    :ivar passwd: as it is kept there; empty for none.
    """

    number: str
    name: str
    passwd: str = field(repr=False)


@frozen
class CourseLookUp:
    """A row of ``hist``.

    :ivar number: its id there; 0 where there is none.
    :ivar name: of whoever looked up, or empty where ``user`` is the id of that.
    :ivar time: milliseconds since 1970, UTC; ``None`` where none is told.
    """

    number: int
    name: str
    user: str
    word: str
    time: int | None


@define
class Course:
    """What is taken of a source.

    :ivar taken: the tables, by what they hold.
    :ivar zone: of the clock on the wall; ``None`` is that of the system.
    """

    source: Source
    taken: Mapping[str, Taken]
    zone: tzinfo | None
    texts: Texts

    @classmethod
    def of(cls, source: Source, said: Mapping[str, str], database: str, zone: tzinfo | None) -> Course:
        """Look which tables there are.

        :raises ImportRefused: not the course's.
        """
        taken = coursetables.recognised(source.tables(), said, database, str(source))
        codec = "utf-8" if source.codec in ("utf-16", "utf-8-sig") else source.codec
        return cls(source, taken, zone, Texts(codec, exact=bool(source.charset)))

    def users(self) -> list[CourseUser]:
        """Everybody, in the order of the table."""
        rows = self._rows(USERS.told, ("id", "name", "passwd"), _silent)
        return [
            CourseUser(number or str(position), name or "", passwd or "")
            for position, (number, name, passwd) in enumerate(rows, 1)
        ]

    def look_ups(self, progress: Progress = _silent) -> Iterator[CourseLookUp]:
        """All that was looked up, in the order of the table."""
        if HISTORY.told not in self.taken:
            return
        table = self.taken[HISTORY.told]
        columns = [table.columns.get(what, "") for what in ("id", "name", "user", "word", "time")]
        for row, in_utc in self.source.rows(table.table, columns, progress):
            number, name, user, word, when = (self.texts.of(value) for value in row)
            zone = UTC if in_utc and table.in_utc else self.zone
            yield CourseLookUp(
                int(number) if number and number.isdecimal() and len(number) <= _LONGEST_NUMBER else 0,
                name or "",
                user or "",
                " ".join((word or "").split())[:LONGEST_WORD],
                coursetimes.milliseconds(when, zone),
            )

    def words(self, progress: Progress = _silent) -> Iterator[tuple[str, str]]:
        """Words and meanings."""
        for word, mean in self._rows(WORDS.told, ("word", "mean"), progress):
            yield word or "", (mean or "").rstrip()

    def spellings(self) -> Counter[bytes]:
        """How many articles there are for each folded word."""
        return Counter(folding.key(folding.exact(word)) for word, mean in self.words() if word.strip() and mean)

    def _rows(self, told: str, whats: Sequence[str], progress: Progress) -> Iterator[tuple[str | None, ...]]:
        if told not in self.taken:
            return
        table = self.taken[told]
        columns = [table.columns.get(what, "") for what in whats]
        for row, _ in self.source.rows(table.table, columns, progress):
            yield tuple(self.texts.of(value) for value in row)

    def wordbook(self) -> tuple[Reading, Format]:
        """The words, for the intake of dictionaries."""
        reading = Reading(Path(str(self.source)), "utf-8", 1, source=self.source.name)
        return reading, Format(FORMAT, "a table of words and meanings", self._entries)

    def _entries(self, reading: Reading) -> Iterator[Entry]:
        """Each row as an entry; the same headword in several rows is as many."""

        def progress(done: int, total: int) -> None:
            reading.done, reading.size = done, total

        for number, (raw, mean) in enumerate(self.words(progress), 1):
            if not mean.strip():
                reading.complain(number, raw, "no meaning")
                continue
            word = reading.headword(number, raw)
            if word:
                yield Entry((word,), article(word, [mean]))


#: What dictionaries that came so are told as.
FORMAT = "course"
