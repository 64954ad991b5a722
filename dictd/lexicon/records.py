"""How a dictionary lies in its file, and how it is read back.

One file is one generation of one dictionary: an LMDB environment without a
lock file, written once by :mod:`dictd.lexicon.publisher`, never changed.

==========  ===================================================================
sub-table   holds
==========  ===================================================================
``meta``    ``meta`` -> JSON: format, name, generation, counts, what is told of it;
            ``blocks`` -> where the blocks of ``forms`` begin, four bytes each
``texts``   number -> a chunk of articles, up to :data:`CHUNK` bytes
``words``   k -> :data:`HEAD` and postings: the headwords with this exact key and where their articles are
``loose``   k2 -> keys of ``words``, each a value (only where k2 differs from k)
``compact`` k3 -> keys of ``words``, each a value (only where k3 differs from k2)
``lines``   number -> a piece of all lines of MATCH, in the order of the keys, as they leave
``forms``   number -> a piece of all exact keys, then of all loose keys, a line each, in order
``grams``   three bytes -> numbers of the blocks of ``forms`` in which they stand together
``mirror``  a key backwards -> spans, each a value, for exact and for loose keys
``parts``   a word of a headword, NUL, number of a run -> spans with :data:`FIRST` and :data:`LAST`, one after the other
``soundex`` sound, NUL, number of a run -> spans; ``metaphone`` likewise
==========  ===================================================================

A span is a piece of ``lines``: 32 bits for where it begins, 8 for flags, 24 for
its length. ``lines`` and ``forms`` are streams cut into pieces of :data:`CHUNK`
bytes. A posting is :data:`POSTING` and the headword's UTF-8. An article is its
text, then, if :data:`HAS_EXTRAS` is set, its HTML and its senses, each behind a
length of four bytes. A text with :data:`AS_IT_LEAVES` is stored with CRLF line
ends and needs no stuffing: a look-up copies it and nothing else.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from dictd.wire.replies import text_block

#: Version of all that is described above; part of the file's name.
FORMAT = 3
#: Spans and block numbers lie in the order of the machine's bytes.
BYTE_ORDER = sys.byteorder
CHUNK = 4 << 20
#: Tables with one value a key; of these those with spans in runs; with keys as values; with spans as values.
SINGLE = (b"texts", b"words", b"lines", b"forms", b"grams", b"parts", b"soundex", b"metaphone")
PACKED = (b"parts", b"soundex", b"metaphone")
KEYED = (b"loose", b"compact")
SPANNED = (b"mirror",)

#: Bytes of a block of ``forms``, about: what is searched for one needle at a time.
BLOCK = 4096
#: The span of all lines of a key, how often its headwords are used (0: not known).
HEAD = struct.Struct("<QI")
#: A source may count further; that is often enough.
MOST_FREQUENCY = (1 << 32) - 1
SPAN = struct.Struct("=Q")
#: What divides a key of :data:`PACKED` and the number of its run.
RUN_OF = b"\0"
#: Flags of a span of ``parts``: the word is the headword's first, its last.
FIRST, LAST = 1 << 24, 2 << 24
LONGEST_SPAN = (1 << 24) - 1
#: More bytes than any line of MATCH has: a name, and a headword of characters of four bytes each.
LONGEST_LINE = 4096

#: chunk number, offset in it, length of the text in bytes, flags, length of the headword in bytes.
POSTING = struct.Struct("<HIIBH")
#: Its parts: all but the last, and the last.
PLACE, HEADWORD_LENGTH = struct.Struct("<HIIB"), struct.Struct("<H")
_LENGTH = struct.Struct("<I")
CHUNK_NUMBER = struct.Struct(">I")

AS_IT_LEAVES = 1
HAS_EXTRAS = 2


@frozen
class Article:
    """An article in the form in which it is stored."""

    stored: bytes
    length: int
    flags: int

    @classmethod
    def of(cls, text: str, html: str = "", structure: str = "") -> Article:
        """Lay out one article.

        :param structure: the senses as JSON, see :meth:`dictd.model.Entry.structure`.
        """
        flags = 0
        raw = text.rstrip("\n")
        leaving = text_block(raw)
        if leaving == raw.replace("\n", "\r\n").encode("utf-8", "surrogatepass") + b"\r\n":
            stored = leaving
            flags |= AS_IT_LEAVES
        else:
            stored = raw.encode("utf-8")
        length = len(stored)
        if html or structure:
            flags |= HAS_EXTRAS
            extras = (html.encode("utf-8"), structure.encode("utf-8"))
            stored += b"".join(_LENGTH.pack(len(extra)) + extra for extra in extras)
        return cls(stored, length, flags)


def leaving_text(stored: bytes, flags: int) -> bytes:
    """A stored text as the line server sends it, without the lone dot."""
    return stored if flags & AS_IT_LEAVES else text_block(stored.decode("utf-8"))


def plain_text(stored: bytes, flags: int) -> str:
    """A stored text as the importer gave it, without line ends at its end."""
    text = stored.decode("utf-8")
    return text.replace("\r\n", "\n").rstrip("\n") if flags & AS_IT_LEAVES else text


def extras(chunk: memoryview, end_of_text: int, flags: int) -> tuple[str, str]:
    """HTML and senses of an article; empty strings where it has none."""
    if not flags & HAS_EXTRAS:
        return "", ""
    parts: list[str] = []
    at = end_of_text
    for _ in range(2):
        (length,) = _LENGTH.unpack_from(chunk, at)
        at += _LENGTH.size
        parts.append(bytes(chunk[at : at + length]).decode("utf-8"))
        at += length
    return parts[0], parts[1]


def open_tables(env: Any, create: bool = False) -> dict[bytes, Any]:
    """The tables of a file by name.

    :param env: an LMDB environment.
    :raises lmdb.Error: there is no such table.
    """
    tables = {name: env.open_db(name, create=create) for name in (b"meta", *SINGLE)}
    tables |= {name: env.open_db(name, create=create, dupsort=True) for name in KEYED}
    spans = {"dupsort": True, "dupfixed": True, "integerdup": True}
    return tables | {name: env.open_db(name, create=create, **spans) for name in SPANNED}


def run_key(key: bytes, run: int) -> bytes:
    """The key of a run in a table of :data:`PACKED`: rows that were put in order together."""
    return key + RUN_OF + run.to_bytes(2, "big")


def span(begin: int, length: int, flags: int = 0) -> int:
    """A piece of ``lines``."""
    return begin << 32 | flags | length


def begin_of(piece: int) -> int:
    """Where a span begins."""
    return piece >> 32


def length_of(piece: int) -> int:
    """How many bytes a span has."""
    return piece & LONGEST_SPAN


def pack_posting(place: bytes, headword: bytes) -> bytes:
    """One posting, see :data:`POSTING`.

    :param place: of the article, see :data:`PLACE`.
    """
    return place + HEADWORD_LENGTH.pack(len(headword)) + headword


def postings(value: memoryview) -> Iterator[tuple[int, int, int, int, bytes]]:
    """The postings of one key, behind its head: chunk, offset, length, flags, headword."""
    view = memoryview(value)
    at, end = HEAD.size, len(view)
    while at < end:
        chunk, offset, length, flags, size = POSTING.unpack_from(view, at)
        at += POSTING.size
        yield chunk, offset, length, flags, bytes(view[at : at + size])
        at += size
