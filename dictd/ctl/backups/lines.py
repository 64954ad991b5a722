"""The form of a logical dump: JSON, one value a line, the same from whichever database it is.

The first line tells what it is of (:class:`Header`). ``{"table": NAME, "columns": [...]}`` opens a table, its rows
follow as arrays in the order of the key, octets as hexadecimal digits. The last line, ``{"end": ...}``, has the number
of rows of each table, and the SHA-256 of all lines before it.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import attrs
from attrs import define, field, frozen

from dictd.errors import BackupRefused

#: Version of the form.
FORMAT = 1
#: No line is longer: the longest article of MySQL, with all its escapes, and as much again.
_LONGEST = 1 << 27
_PIECE = 1 << 18
#: The year 10000, milliseconds since 1970.
_LATEST = 253_402_300_800_000
_MAGIC = b"\x1f\x8b"
#: Less takes three times as long and saves a tenth.
_LEVEL = 4
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_DECODE = json.JSONDecoder().raw_decode

Row = tuple[Any, ...]


@frozen
class Header:
    """What a backup is of.

    :ivar version: of the program that made it.
    :ivar schemas: subject -> version of the schema.
    :ivar dialect: of the database that it was read from.
    :ivar made: milliseconds since 1970.
    :ivar store: the name of the store, empty for one that no server has used.
    :ivar dictionaries: whether they are in it.
    """

    version: str
    schemas: Mapping[str, int]
    dialect: str
    made: int
    store: str
    dictionaries: bool


_KINDS: dict[str, type] = {
    "version": str,
    "schemas": dict,
    "dialect": str,
    "made": int,
    "store": str,
    "dictionaries": bool,
}


@frozen
class End:
    """The last line.

    :ivar counts: table -> rows.
    :ivar checksum: SHA-256 of all lines before, in hexadecimal digits.
    """

    counts: Mapping[str, int]
    checksum: str


@define
class Writer:
    """Writes one; nothing is whole before :meth:`end`."""

    _write: Callable[[bytes], Any]
    counts: Counter[str] = field(factory=Counter, init=False)
    _digest: Any = field(factory=sha256, init=False)
    _table: str = field(default="", init=False)
    _octets: list[int] = field(factory=list, init=False)

    def begin(self, header: Header) -> None:
        """The first line."""
        self._put(_JSON.encode({"dictd": "backup", "format": FORMAT, **attrs.asdict(header)}) + "\n")

    def table(self, name: str, columns: Sequence[tuple[str, type]]) -> None:
        """Open a table: rows that come now are its."""
        self._table = name
        self.counts[name] += 0
        self._octets = [place for place, (_, kind) in enumerate(columns) if kind is bytes]
        self._put(_JSON.encode({"table": name, "columns": [column for column, _ in columns]}) + "\n")

    def rows(self, rows: Iterable[Row]) -> Iterator[int]:
        """Write rows; how many there are, each time that some are written."""
        lines: list[str] = []
        size = 0
        for row in rows:
            line = _JSON.encode(self._shown(row))
            lines.append(line)
            size += len(line)
            if size >= _PIECE:
                yield self._put_lines(lines)
                size = 0
        yield self._put_lines(lines)

    def end(self) -> End:
        """The last line."""
        end = End(dict(self.counts), self._digest.hexdigest())
        self._put(_JSON.encode({"end": {"counts": end.counts, "sha256": end.checksum}}) + "\n")
        return end

    def _shown(self, row: Row) -> list[Any]:
        shown = list(row)
        for place in self._octets:
            if shown[place] is not None:
                shown[place] = shown[place].hex()
        return shown

    def _put_lines(self, lines: list[str]) -> int:
        count = len(lines)
        if lines:
            self._put("\n".join(lines) + "\n")
            self.counts[self._table] += count
            lines.clear()
        return count

    def _put(self, text: str) -> None:
        octets = text.encode()
        self._digest.update(octets)
        self._write(octets)


@define
class Reader:
    """Reads one from its first line to its last.

    :param place: how many octets of the file are read.
    :ivar line: the number of the line that was read last; ``length``: its octets.
    :ivar end: what the last line says, once it was read.
    """

    path: Path
    _file: IO[bytes]
    place: Callable[[], int]
    line: int = field(default=0, init=False)
    length: int = field(default=0, init=False)
    end: End | None = field(default=None, init=False)
    _digest: Any = field(factory=sha256, init=False)

    def header(self) -> Header:
        """The first line.

        :raises BackupRefused: it is none of ours, or of a newer program.
        """
        first = self._next(_PIECE)
        try:
            told = json.loads(first)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict) or told.pop("dictd", None) != "backup":
            raise BackupRefused(f"{self.path} is not a backup of dictd")
        if (number := told.pop("format", None)) != FORMAT:
            raise BackupRefused(f"{self.path} has format {number}, this program knows {FORMAT}: a newer dictd made it")
        if any(type(told.get(key)) is not kind for key, kind in _KINDS.items()):
            raise self.fault("the first line is damaged")
        if not is_moment(told["made"]) or not told["version"].isprintable():
            raise self.fault("the first line is damaged")
        return Header(**{key: told[key] for key in _KINDS})

    def values(self) -> Iterator[Any]:
        """All lines between the first and the last: a dict that opens a table, a list that is a row.

        :raises BackupRefused: the file is cut off, or was changed.
        """
        while octets := self._next(_LONGEST):
            try:
                text = octets.decode()
                value, end = _DECODE(text)
                if text[end:] != "\n":
                    raise ValueError
            except (ValueError, RecursionError):
                raise self.fault("this is not JSON") from None
            if isinstance(value, dict) and "end" in value:
                self._finish(value["end"])
                return
            self._digest.update(octets)
            if b"\\u" in octets:
                self._ensure_text(value)
            yield value
        raise self.fault("the file is cut off here")

    def fault(self, what: str) -> BackupRefused:
        """Trouble with the line that was read last."""
        return BackupRefused(f"{self.path}, line {self.line}: {what}; nothing was changed")

    def _next(self, most: int) -> bytes:
        try:
            octets = self._file.readline(most)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self.fault(f"what follows is cut off or damaged ({error})") from None
        self.line += bool(octets)
        self.length = len(octets)
        if octets and not octets.endswith(b"\n"):
            raise self.fault("the file is cut off here" if len(octets) < most else "too long a line")
        if self.line == 1:
            self._digest.update(octets)
        return octets

    def _finish(self, told: Any) -> None:
        if self._next(_PIECE):
            raise self.fault("something stands behind the last line")
        found = self._digest.hexdigest()
        try:
            self.end = End({str(table): int(count) for table, count in told["counts"].items()}, str(told["sha256"]))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise self.fault("the last line is damaged") from None
        if self.end.checksum != found:
            raise BackupRefused(f"{self.path} was changed after it was made, or is damaged; nothing was changed")

    def _ensure_text(self, value: Any) -> None:
        """No half of a surrogate pair: no database takes it."""
        try:
            str(value if isinstance(value, dict) else "".join(part for part in value if isinstance(part, str))).encode()
        except UnicodeEncodeError:
            raise self.fault("half a character") from None


def is_moment(value: Any) -> bool:
    """Whether it is a time that can be told: milliseconds since 1970, up to the year 9999."""
    return type(value) is int and 0 <= value < _LATEST


@contextmanager
def opened(path: Path) -> Iterator[Reader]:
    """Read a file, compressed or not.

    :raises BackupRefused: it cannot be read.
    """
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == _MAGIC
            raw.seek(0)
            if compressed:
                with io.BufferedReader(gzip.GzipFile(fileobj=raw, mode="rb"), _PIECE) as file:
                    yield Reader(path, file, raw.tell)
            else:
                yield Reader(path, raw, raw.tell)
    except OSError as error:
        if error.filename is None or Path(error.filename) != path:
            raise
        raise BackupRefused(f"{path}: {error.strerror}") from None


def compressed(raw: IO[bytes]) -> gzip.GzipFile:
    """A file that compresses into another; nothing of its name or of the time is in it."""
    return gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=_LEVEL, mtime=0)
