"""One open file: a generation of a dictionary, and the definitions found in it.

A look-up is one or two reads from a memory-mapped file that never changes;
LMDB's read transaction is kept for the life of the file.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lmdb
from attrs import define

from dictd.errors import LexiconDamaged
from dictd.lexicon import catalogue, records, strategies
from dictd.model import Dictionary
from dictd.wire.replies import source_of

#: What reading a damaged file raises.
DAMAGE = (lmdb.Error, struct.error, IndexError, ValueError)


@define(eq=False)
class Generation:
    """One open file: one generation of one dictionary.

    :ivar identity: file name and inode; a file that was built again is another one.
    :ivar source: what follows the headword in a 151 line.
    """

    identity: tuple[str, int]
    dictionary: Dictionary
    headwords: int
    source: bytes
    _env: lmdb.Environment
    _txn: lmdb.Transaction
    _tables: dict[bytes, Any]
    _chunks: list[memoryview]
    _get: Callable[..., memoryview | None]

    @classmethod
    def open(cls, directory: Path, listing: catalogue.Listing) -> Generation:
        """Open the file of a listing.

        :raises LexiconDamaged: it is missing, of another size or another format.
        """
        path = directory / listing.file
        try:
            stat = path.stat()
            if stat.st_size != listing.size:
                raise LexiconDamaged(f"{path} has not the size that the catalogue says")
            env = lmdb.open(
                str(path), subdir=False, readonly=True, lock=False, max_dbs=8, max_spare_txns=0, readahead=False
            )
        except (OSError, lmdb.Error) as error:
            raise LexiconDamaged(f"{path} cannot be opened: {error}") from None
        try:
            return cls._opened(env, listing, (listing.file, stat.st_ino))
        except (lmdb.Error, ValueError, KeyError, TypeError) as error:
            env.close()
            raise LexiconDamaged(f"{path} is damaged: {error}") from None

    @classmethod
    def _opened(cls, env: lmdb.Environment, listing: catalogue.Listing, identity: tuple[str, int]) -> Generation:
        meta_table = env.open_db(b"meta", create=False)
        tables = {
            name: env.open_db(name, create=False, dupsort=name in (b"loose", b"compact")) for name in records.TABLES
        }
        txn = env.begin(buffers=True, db=tables[b"words"])
        meta = json.loads(bytes(txn.get(b"meta", b"{}", db=meta_table)))
        if meta["format"] != records.FORMAT or meta["generation"] != listing.generation:
            raise ValueError("another format or generation")
        dictionary = Dictionary(**meta["dictionary"])
        chunks = [value for _, value in txn.cursor(tables[b"texts"])]
        return cls(
            identity=identity,
            dictionary=dictionary,
            headwords=meta["headwords"],
            source=source_of(dictionary.name, dictionary.title),
            env=env,
            txn=txn,
            tables=tables,
            chunks=chunks,
            get=txn.get,
        )

    def close(self) -> None:
        """Unmap the file; nothing of it may be read afterwards."""
        self._chunks.clear()
        self._txn.abort()
        self._env.close()

    def has(self, k: bytes) -> bool:
        """See :class:`dictd.lexicon.strategies.Tables`."""
        return self._get(k) is not None

    def has_other(self, table: bytes, key: bytes) -> bool:
        """See :class:`dictd.lexicon.strategies.Tables`."""
        return self._get(key, None, self._tables[table]) is not None

    def others(self, table: bytes, key: bytes) -> list[bytes]:
        """See :class:`dictd.lexicon.strategies.Tables`."""
        with self._txn.cursor(self._tables[table]) as cursor:
            return list(map(bytes, cursor.iternext_dup())) if cursor.set_key(key) else []

    def keys(self) -> Iterator[bytes]:
        """All exact keys, in order."""
        with self._txn.cursor(self._tables[b"words"]) as cursor:
            yield from map(bytes, cursor.iternext(values=False))

    def keys_from(self, prefix: bytes) -> Iterator[bytes]:
        """See :class:`dictd.lexicon.strategies.Tables`."""
        return self._range(b"words", prefix, take_value=False)

    def others_from(self, table: bytes, prefix: bytes) -> Iterator[bytes]:
        """See :class:`dictd.lexicon.strategies.Tables`."""
        return self._range(table, prefix, take_value=True)

    def _range(self, table: bytes, prefix: bytes, take_value: bool) -> Iterator[bytes]:
        length = len(prefix)
        with self._txn.cursor(self._tables[table]) as cursor:
            if cursor.set_range(prefix):
                for key, value in cursor:
                    if key[:length] != prefix:
                        return
                    yield bytes(value if take_value else key)

    def spellings(self, k: bytes) -> list[str]:
        """The distinct headwords under an exact key."""
        value = self._get(k)
        if value is None:
            return []
        if len(value) == records.POSTING.size + records.POSTING.unpack_from(value)[4]:  # the one that most keys have
            return [str(value[records.POSTING.size :], "utf-8")]
        return list(dict.fromkeys(headword.decode("utf-8") for *_, headword in records.postings(value)))

    def define(self, query: strategies.Query) -> list[Definition]:
        """The definitions of a word, those spelled as asked first; an article once."""
        value = self._get(query.k)
        if value is not None:
            first = records.POSTING.unpack_from(value)
            if len(value) == records.POSTING.size + first[4]:  # the one posting that most keys have
                chunk, offset, length, flags, _ = first
                return [Definition(self, chunk, offset, length, flags, bytes(value[records.POSTING.size :]))]
            values = [value]
        else:
            values = [self._get(k) or memoryview(b"") for k in strategies.forgiving(self, query)]
            if not values:
                return []
        found = [Definition(self, *posting) for value in values for posting in records.postings(value)]
        if len(found) > 1:
            asked = query.word.encode("utf-8")
            found.sort(key=lambda definition: definition.spelling != asked)
            once: dict[tuple[int, int, int], Definition] = {}
            for definition in found:
                once.setdefault((definition.chunk, definition.offset, definition.length), definition)
            found = list(once.values())
        return found

    def stored(self, chunk: int, start: int, end: int) -> bytes:
        """A piece of the articles."""
        return bytes(self._chunks[chunk][start:end])

    def extras(self, chunk: int, end_of_text: int, flags: int) -> tuple[str, str]:
        """HTML and senses of an article, see :func:`dictd.lexicon.records.extras`."""
        return records.extras(self._chunks[chunk], end_of_text, flags)


@define(eq=False)
class Definition:
    """One article found. Read it before the turn of the reactor ends: the file may be replaced.

    :ivar spelling: the stored headword, UTF-8.
    """

    generation: Generation
    chunk: int
    offset: int
    length: int
    flags: int
    spelling: bytes

    @property
    def dictionary(self) -> Dictionary:
        """Where it stands."""
        return self.generation.dictionary

    @property
    def headword(self) -> str:
        """The stored headword."""
        return self.spelling.decode("utf-8")

    def on_the_wire(self) -> tuple[bytes, bytes, bytes]:
        """Headword, rest of the 151 line and text, see :func:`dictd.wire.replies.definitions`."""
        block = self.generation.stored(self.chunk, self.offset, self.offset + self.length)
        if not self.flags & records.AS_IT_LEAVES:
            block = records.leaving_text(block, self.flags)
        return self.spelling, self.generation.source, block

    @property
    def text(self) -> str:
        """The article as plain text."""
        end = self.offset + self.length
        return records.plain_text(self.generation.stored(self.chunk, self.offset, end), self.flags)

    @property
    def html(self) -> str:
        """The article as HTML, or empty."""
        return self.generation.extras(self.chunk, self.offset + self.length, self.flags)[0]

    @property
    def structure(self) -> str:
        """The senses as JSON, or empty."""
        return self.generation.extras(self.chunk, self.offset + self.length, self.flags)[1]
