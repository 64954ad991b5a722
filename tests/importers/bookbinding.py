"""Dictionaries of dict.org as dictfmt(1) and dictzip(1) write them, of a few words."""

from __future__ import annotations

import gzip
import struct
import zlib
from base64 import b64encode
from pathlib import Path

from attrs import define, field


def number(value: int) -> bytes:
    """A number in base 64 as an index has it: no leading zeros, but one digit at least."""
    digits = b64encode(value.to_bytes(6, "big"))
    return digits.lstrip(b"A") or b"A"


def dictzipped(data: bytes, chunk: int = 100, name: bytes = b"book.dict") -> bytes:
    """As dictzip(1) packs: chunks that can each be unpacked alone, their sizes in an extra field."""
    pressed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    pieces = [
        pressed.compress(data[at : at + chunk]) + pressed.flush(zlib.Z_FULL_FLUSH) for at in range(0, len(data), chunk)
    ]
    sizes = struct.pack(f"<HHH{len(pieces)}H", 1, chunk, len(pieces), *map(len, pieces))
    extra = b"RA" + struct.pack("<H", len(sizes)) + sizes
    header = b"\x1f\x8b\x08\x0c" + struct.pack("<IBB", 1_600_000_000, 2, 3)
    header += struct.pack("<H", len(extra)) + extra + name + b"\0"
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFF_FFFF)
    return header + b"".join(pieces) + pressed.flush(zlib.Z_FINISH) + trailer


def in_members(data: bytes, size: int = 100) -> bytes:
    """As several gzip files one behind the other."""
    return b"".join(gzip.compress(data[at : at + size], mtime=0) for at in range(0, len(data), size))


@define
class Book:
    """A dictionary that grows.

    :ivar bodies: what becomes the ``.dict``.
    :ivar lines: what becomes the ``.index``, without line ends, in this order.
    """

    bodies: bytes = b""
    lines: list[bytes] = field(factory=list)

    @classmethod
    def folded(cls) -> Book:
        """One whose index is in lower case, letters, digits and blanks alone."""
        return cls().tell("00databaseshort", "Folded")

    def add(self, text: str | bytes, *headwords: str | bytes) -> Book:
        """A body with its headwords."""
        raw = text if isinstance(text, bytes) else text.encode()
        offset = len(self.bodies)
        self.bodies += raw + b"\n"
        for headword in headwords:
            self.line(headword, offset, len(raw) + 1)
        return self

    def tell(self, what: str, text: str) -> Book:
        """Something told of the dictionary, its name on the line before, as dictfmt writes it."""
        indented = "\n".join(f"     {line}" if line else "" for line in text.split("\n"))
        return self.add(f"{what}\n{indented}", what)

    def line(self, headword: str | bytes, offset: int, size: int, *fourth: str) -> Book:
        """A line of the index."""
        raw = headword if isinstance(headword, bytes) else headword.encode()
        columns = [raw, number(offset), number(size), *(column.encode() for column in fourth)]
        self.lines.append(b"\t".join(columns))
        return self

    @property
    def index(self) -> bytes:
        """The whole index."""
        return b"".join(line + b"\n" for line in self.lines)

    def written(
        self, directory: Path, name: str = "book", ending: str = ".dict.dz", bodies: bytes | None = None
    ) -> Path:
        """Write both files; returns the path of the index.

        :param bodies: what is written instead of the packed bodies.
        """
        directory.mkdir(parents=True, exist_ok=True)
        if bodies is None:
            bodies = self.bodies if ending == ".dict" else dictzipped(self.bodies)
        (directory / f"{name}{ending}").write_bytes(bodies)
        index = directory / f"{name}.index"
        index.write_bytes(self.index)
        return index
