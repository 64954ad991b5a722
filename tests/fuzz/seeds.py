"""Inputs to begin with: small, whole, and one for each thing the code under a target looks at."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from tests.importers.bookbinding import Book, dictzipped, in_members
from tests.server.streams import PATTERNS

_STREAMS = (
    b"",
    b"STATUS\r\nSHOW DB\nQUIT\r\nrest",
    b'DEFINE wn penguin\r\nD * "crow\'s nest"\r\nd odd .\r\nMATCH * prefix "peng\\uin\r\n',
    b"\n\r\n \r\n\t\n\0\n\xff\xf4\xff\xfdSTATUS\r\n\rSTATUS\r\n",
    "Q Mädchen\r\nQ \u202eabc\r\nDEFINE wn \xed\xa0\x80 你好\r\n".encode(),
    b"R alice correct-horse\r\nQ penguin\r\nH 5 penguin\r\nFORGET *\r\nH\r\nPASSWD 'correct-horse' xxxxxxxx\r\n",
    b'L alice "open\r\nLOGOUT\r\nWHOAMI\r\nUNREGISTER x\r\nOPTION MIME\r\nSHOW INFO odd\r\nHELP H\r\n',
    b"x" * 6143 + b"\n" + b"x" * 6142 + b"\r\n" + b"y" * 6144 + b"\r\nSTATUS\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
)


def streams() -> Iterator[bytes]:
    """What clients say, behind eight places to cut it."""
    for stream in _STREAMS:
        yield bytes(8) + stream
        yield bytes([1, 7, 14, 15, 20, 40, 100, 255]) + stream


def _books() -> Iterator[Book]:
    yield Book().tell("00-database-short", "Birds").add("Emu\n  a bird", "Emu").add("Kiwi\n  another", "Kiwi", "kiwi")
    yield (
        Book.folded()
        .tell("00databaseinfo", "A list.\nGNU General Public License.")
        .add("Unbekanntes Flugobjekt /x/ (Ufo /y/) <n>", "unbekanntes flugobjekt", "ufo")
    )
    yield Book().tell("00-database-allchars", "").line("C++", 0, 4, "c++").add("M\xe4dchen".encode("latin-1"), "m")
    yield Book().add("", "nothing").line("far", 1 << 40, 5).line("=", 0, 1 << 23)


def indexes() -> Iterator[bytes]:
    """Whole dictionaries, plain, packed, and in other encodings."""
    for book in _books():
        for kind, bodies in ((0x41, book.bodies), (0x01, dictzipped(book.bodies)), (0x52, book.bodies)):
            yield bytes([kind]) + book.index.removesuffix(b"\n") + b"\n--\n" + bodies


def bodies() -> Iterator[bytes]:
    """Every way to pack, behind what is read: ten bytes."""
    text = b"penguin\n  a bird that swims\n"
    asked = bytes([0, 4, 10, 0, 0, 5, 6, 10, 1, 2])
    for content in (
        text,
        gzip.compress(text, mtime=0),
        dictzipped(text, 10),
        in_members(text, 9),
        dictzipped(bytes(5000)),
    ):
        yield b"\x00" + asked + content
        yield b"\x80" + asked + content


def wordbooks() -> Iterator[bytes]:
    """Words and meanings with blanks between, in several encodings."""
    text = "penguin   a bird\nice cream\tfood\n  \nalone\nzoo\u3000\u3000动物园\n" + "x" * 600 + "  long\n"
    yield b"\x00" + text.encode()
    yield b"\x00" + "\ufeffone two\nthree four\n".encode()
    yield b"\x00" + text.encode("utf-16")
    yield b"\x13" + text.encode("gb18030")
    yield b"\x15" + text.encode("utf-7")
    yield b"\x02" + "café  Kaffee\n".encode("cp1252")


def tabs() -> Iterator[bytes]:
    """Words and meanings with tabs between, headers in front."""
    text = (
        "#separator:tab\n#title: Birds\n#licence=CC BY\n\npenguin\ta bird\\nthat \\\\ swims\tmore\nalone\n\t\nx\t \ty\n"
    )
    yield b"\x00" + text.encode()
    yield b"\x00" + ("\ufeff" + text).encode()
    yield b"\x00" + text.encode("utf-16")
    yield b"\x11" + "Mädchen\tgirl\n\u202eabc\tturned\n".encode()


def patterns() -> Iterator[bytes]:
    """Patterns of both kinds."""
    for pattern in PATTERNS:
        for strategy in (b"\x00", b"\x01"):
            yield strategy + pattern.encode()
