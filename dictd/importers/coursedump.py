"""A dump of the course's database: FILE.sql, also compressed with gzip. It is read, never run."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from dictd.errors import ImportRefused
from dictd.importers.coursesql import Scanner
from dictd.importers.coursestatements import Created, Inserted, Row, Statements, TableName
from dictd.importers.coursetables import Table
from dictd.importers.coursetext import codec_of, fits

_PIECE = 1 << 18
_HEAD = 1 << 16
_NAMES = re.compile(rb"SET\s+NAMES\s+['\"]?([A-Za-z0-9_]+)", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: Told how far the reading is: bytes of how many.
Progress = Callable[[int, int], None]


@frozen(slots=False)
class Dump:
    """A file of SQL.

    :param charset: of its text; empty finds it out.
    """

    path: Path
    charset: str = ""

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """In a word."""
        return self.path.name

    @cached_property
    def codec(self) -> str:
        """Python's name of its encoding.

        :raises ImportRefused: it cannot be read, or is no text.
        """
        head = next(self._pieces(), b"")
        if not head:
            raise ImportRefused(f"{self.path} is empty")
        if self.charset:
            return codec_of(self.charset)
        for mark, codec in _MARKS:
            if head.startswith(mark):
                return codec
        if b"\0" in head[:_HEAD]:
            raise ImportRefused(f"{self.path} is not SQL text; make one with mysqldump DATABASE > FILE.sql")
        said = _NAMES.search(head[:_HEAD])
        declared = codec_of(said[1].decode()) if said else "utf-8"
        # Text of other encodings is UTF-8 by chance so rarely that what a dump says of itself counts less.
        return next((codec for codec in ("utf-8", declared, "gb18030") if fits(self._pieces(), codec)), "utf-8")

    def tables(self) -> list[Table]:
        """The tables that it makes or fills, the latest form of each.

        :raises ImportRefused: it cannot be read.
        """
        found: dict[tuple[str, str], Table] = {}
        guessed: set[TableName] = set()
        for statement in self._statements(lambda table: table.key not in found, lambda *_: None):
            if isinstance(statement, Created):
                found[statement.table.key] = Table(statement.table, statement.columns)
            elif statement.columns and statement.table not in guessed and statement.table.key not in found:
                guessed.add(statement.table)
                found[statement.table.key] = Table(statement.table, tuple((name, "") for name in statement.columns))
        return list(found.values())

    def rows(self, table: Table, columns: Sequence[str], progress: Progress) -> Iterator[tuple[Row, bool]]:
        """Some columns of each row, and whether times of type TIMESTAMP are in UTC there.

        :raises ImportRefused: it cannot be read; it tells the line.
        """
        wanted = table.name.key
        for statement in self._statements(lambda other: other.key == wanted, progress):
            if isinstance(statement, Inserted) and statement.table.key == wanted:
                own = statement.columns or tuple(name for name, _ in table.columns)
                if len(own) != len(statement.values):
                    raise ImportRefused(
                        f"{self.path}: line {statement.line} or later: a row of {table} has"
                        f" {len(statement.values)} values for {len(own)} columns"
                    )
                by_name = dict(zip(map(str.lower, own), statement.values, strict=True))
                row = tuple(by_name.get(column.lower()) for column in columns)
                yield row, statement.time_zone in ("+00:00", "UTC", "GMT", "+0:00")

    def _statements(self, wanted: Callable[[TableName], bool], progress: Progress) -> Iterator[Created | Inserted]:
        decoder = codecs.getincrementaldecoder(self.codec)("strict" if self.codec == "utf-16" else "surrogateescape")
        pieces = self._pieces(progress)
        rest = ""

        def read(count: int) -> str:
            nonlocal rest
            while len(rest) < count:
                piece = next(pieces, b"")
                try:
                    rest += decoder.decode(piece, final=not piece)
                except UnicodeError:
                    raise ImportRefused(f"{self.path} is not {self.codec} to its end") from None
                if not piece:
                    break
            text, rest = rest[:count], rest[count:]
            return text

        yield from Statements(Scanner(read, str(self.path)), wanted)

    def _pieces(self, progress: Progress = lambda *_: None) -> Iterator[bytes]:
        try:
            size = self.path.stat().st_size
            with self._opened() as (file, raw):
                while piece := file.read(_PIECE):
                    progress(raw.tell(), size)
                    yield piece
        except (EOFError, zlib.error):
            raise ImportRefused(f"{self.path}: it is cut off or damaged; copy it again") from None
        except (OSError, ValueError) as error:
            raise ImportRefused(f"{self.path}: {getattr(error, 'strerror', '') or error}") from None

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """The file, unpacked where it is packed, and as it is."""
        with open(self.path, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=raw) as file:
                    yield file, raw  # type: ignore[misc]
            else:
                yield raw, raw
