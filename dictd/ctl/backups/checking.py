"""Whether a logical dump is whole and makes sense: read from its first line to its last, before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from attrs import define, field, frozen

from dictd.accounts.names import AccountName
from dictd.ctl.backups.lines import Header, Reader, Row
from dictd.errors import BackupRefused, NameNotAllowed
from dictd.model import ROLES, dictionary_name, name_key
from dictd.store import inventory
from dictd.store.inventory import Column, Kept

#: Rows that are handed on at a time, and octets of their lines.
_ROWS, _OCTETS = 2_000, 4 << 20
_NONE = type(None)

#: Column -> characters and octets that a database takes, at most.
Lengths = Mapping[tuple[str, str], tuple[int, int]]


@frozen
class Section:
    """A table as it stands in the file.

    :ivar columns: in the order of the rows.
    """

    table: Kept
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


@define
class Checking:
    """Reads a file; the tables and rows that come out are checked.

    :param known: subject -> version of the schema that this program has.
    :param lengths: what the database takes that they shall go to.
    :ivar counts: rows of each table; ``last``: the highest row id of the history; ``names``: of dictionaries.
    """

    reader: Reader
    known: Mapping[str, int]
    lengths: Lengths = field(factory=dict)
    counts: Counter[str] = field(factory=Counter, init=False)
    last: int = field(default=0, init=False)
    names: list[str] = field(factory=list, init=False)
    _header: Header = field(init=False)
    _users: set[int] = field(factory=set, init=False)
    _name_keys: set[bytes] = field(factory=set, init=False)
    _articles: int = field(default=0, init=False)
    _sections: int = field(default=0, init=False)

    def header(self) -> Header:
        """The first line.

        :raises BackupRefused: it is none, or of a newer program.
        """
        header = self.reader.header()
        for subject, known in self.known.items():
            version = header.schemas.get(subject)
            if type(version) is not int or version < 1:
                raise self.reader.fault("the first line is damaged")
            if version > known:
                raise BackupRefused(
                    f"{self.reader.path} has schema {version} of {subject}, this program knows {known}:"
                    f" dictd {header.version} made it; restore it with that or a newer one"
                )
        self._header = header
        return header

    def rows(self) -> Iterator[tuple[Section, list[Row]]]:
        """The rest: each table with some of its rows, at least once with none.

        :raises BackupRefused: something is wrong; with the number of the line.
        """
        expected = self._expected()
        section: Section | None = None
        take: Callable[[list[Any]], Row] = _taken_never
        batch: list[Row] = []
        size = 0
        for value in self.reader.values():
            if isinstance(value, list) and section is not None:
                batch.append(take(value))
                size += self.reader.length
                if len(batch) < _ROWS and size < _OCTETS:
                    continue
                yield section, batch
            else:
                if section is not None and batch:
                    yield section, batch
                section = self._opened(value, expected)
                take = self._taking(section)
                self.counts[section.table.name] += 0
                yield section, []
            batch, size = [], 0
        if section is not None and batch:
            yield section, batch
        self._ensure_whole(expected)

    def _expected(self) -> Iterator[Kept]:
        """The tables in their order."""
        yield from inventory.accounts(self._header.schemas["accounts"])
        while self._header.dictionaries:
            yield from (inventory.DICTIONARY, inventory.MEANS, inventory.WORDS)

    def _opened(self, value: Any, expected: Iterator[Kept]) -> Section:
        table = next(expected, None)
        columns = () if table is None else table.at(self._header.schemas[table.subject])
        if (
            table is None
            or not isinstance(value, dict)
            or value.get("table") != table.name
            or value.get("columns") != [column.name for column in columns]
        ):
            wanted = "the end" if table is None else f"the table {table.name}"
            raise self.reader.fault(f"{wanted} should stand here")
        if table is inventory.DICTIONARY:
            self._sections += 1
        elif table is inventory.MEANS and len(self.names) != self._sections:
            raise self.reader.fault("one row should stand before this")
        return Section(table, columns)

    def _ensure_whole(self, expected: Iterator[Kept]) -> None:
        """Nothing is missing at the end."""
        reader, end = self.reader, self.reader.end
        following = next(expected, None)
        if following not in (None, inventory.DICTIONARY):
            raise reader.fault(f"the table {following.name} should stand here")
        if end is None or {**end.counts} != {**self.counts}:
            raise reader.fault("the rows are not as many as the last line says")

    def _taking(self, section: Section) -> Callable[[list[Any]], Row]:
        """What makes a checked row of one as it stands in the file."""
        table, columns = section.table, section.columns
        kinds = [(str if column.kind is bytes else column.kind, _NONE)[: 1 + column.null] for column in columns]
        allowed = set(product(*kinds))
        octets = [place for place, column in enumerate(columns) if column.kind is bytes]
        numbers = [place for place, column in enumerate(columns) if column.kind is int]
        key = [section.names.index(name) for name in table.key]
        bounds = self._bounds(section)
        look = self._looking(section)
        fault, counts, name = self.reader.fault, self.counts, table.name
        before: list[Any] = []

        def taken(values: list[Any]) -> Row:
            nonlocal before
            if tuple(map(type, values)) not in allowed:
                raise fault(f"this is no row of {name}")
            for place in octets:
                if (text := values[place]) is not None:
                    values[place] = _octets(text)
                    if values[place] is None:
                        raise fault(f"{columns[place].name} is not in hexadecimal digits")
            for place in numbers:
                number = values[place]
                if number is not None and not -(1 << 63) <= number < 1 << 63:
                    raise fault(f"{columns[place].name} is too great a number")
            for place, most, most_octets in bounds:
                value = values[place]
                if value is not None and (len(value) > most or _length(value, most_octets) > most_octets):
                    raise fault(f"{columns[place].name} is longer than this database takes it ({most:,})")
            here = [values[place] for place in key]
            if before and here <= before:
                raise fault("this row is not in order, or twice")
            before = here
            look(values)
            counts[name] += 1
            return tuple(values)

        return taken

    def _bounds(self, section: Section) -> list[tuple[int, int, int]]:
        found = []
        for place, column in enumerate(section.columns):
            table, name = section.table.name, column.name
            if section.table is inventory.DICTIONARY and name in ("origin", "format"):
                table, name = "generation", "source" if name == "origin" else name
            if (most := self.lengths.get((table, name))) is not None:
                found.append((place, *most))
        return found

    def _looking(self, section: Section) -> Callable[[Sequence[Any]], None]:
        """What is asked of the rows of a table besides their form."""
        looks = {"user": self._user, "hist": self._history, "dictionary": self._dictionary}
        looks |= {"means": self._article, "words": self._headword}
        if section.table.name in looks:
            return looks[section.table.name]
        if section.table.owner:
            return self._owned
        return lambda _: None

    def _user(self, row: Sequence[Any]) -> None:
        if row[2] in self._name_keys:
            raise self.reader.fault("another account has this name")
        self._name_keys.add(row[2])
        number, name, key, _, role, _, disabled = row[:7]
        if not _is_name(name):
            raise self.reader.fault("this cannot be the name of an account")
        if name_key(name).encode() != key:
            raise self.reader.fault("name_key is not that of the name")
        if role not in ROLES:
            raise self.reader.fault(f"a role is one of {', '.join(ROLES)}")
        if disabled not in (0, 1):
            raise self.reader.fault("disabled is 0 or 1")
        if number < 1:
            raise self.reader.fault("an id of an account is 1 or more")
        self._users.add(row[0])

    def _owned(self, row: Sequence[Any]) -> None:
        if row[0] not in self._users:
            raise self.reader.fault(f"there is no account {row[0]}, whose this should be")

    def _history(self, row: Sequence[Any]) -> None:
        if row[0] not in self._users:
            raise self.reader.fault(f"there is no account {row[0]}, whose this should be")
        if row[1] > self.last:
            self.last = row[1]

    def _dictionary(self, row: Sequence[Any]) -> None:
        if dictionary_name(row[0]) != row[0]:  # it will be part of the name of a file
            raise self.reader.fault("this is not the name of a dictionary")
        if row[0] in self.names:
            raise self.reader.fault("another dictionary has this name")
        self.names.append(row[0])
        self._articles = 0

    def _article(self, row: Sequence[Any]) -> None:
        if row[0] != self._articles:
            raise self.reader.fault("the articles are not numbered from 0 without gaps")
        self._articles += 1

    def _headword(self, row: Sequence[Any]) -> None:
        if not 0 <= row[4] < self._articles:
            raise self.reader.fault(f"there is no article {row[4]}, which this should lead to")


def _taken_never(values: list[Any]) -> Row:
    raise AssertionError(values)


def _is_name(name: str) -> bool:
    """Whether an account may have a name, as it is written."""
    try:
        return AccountName.of(name).shown == name
    except NameNotAllowed:
        return False


def _octets(text: str) -> bytes | None:
    """What hexadecimal digits stand for, as :meth:`bytes.hex` writes them; ``None`` where they are none."""
    try:
        octets = bytes.fromhex(text)
    except ValueError:
        return None
    return octets if octets.hex() == text else None


def _length(value: Any, most: int) -> int:
    """Octets of a text, unless it is short enough in any case."""
    if isinstance(value, bytes) or len(value) * 4 <= most:
        return len(value)
    return len(value.encode())
