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
from dictd.lexicon.definition import Definition
from dictd.lexicon.folding import MAX_KEY
from dictd.lexicon.forms import Forms, joined
from dictd.lexicon.query import Query
from dictd.model import Dictionary
from dictd.wire.replies import source_of

_BEFORE_HEADWORD = records.HEAD.size + records.POSTING.size
#: Behind every key that begins with what it is put after.
_AFTER = b"\xff" * 18

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
    forms: Forms
    _env: lmdb.Environment
    _txn: lmdb.Transaction
    _tables: dict[bytes, Any]
    _chunks: list[memoryview]
    _lines: list[memoryview]
    _lines_end: int
    _get: Callable[..., memoryview | None]
    _searches: int = 0
    _gone: bool = False

    @classmethod
    def open(cls, directory: Path, listing: catalogue.Listing) -> Generation:
        """Open the file of a listing.

        :raises LexiconDamaged: it is missing, of another size or another format.
        """
        path = directory / listing.file
        if not listing.current:
            raise LexiconDamaged(f"{path} is of another version of dictd; it is served when it is built again")
        try:
            stat = path.stat()
            if stat.st_size != listing.size:
                raise LexiconDamaged(f"{path} has not the size that the catalogue says")
            env = lmdb.open(
                str(path), subdir=False, readonly=True, lock=False, max_dbs=16, max_spare_txns=0, readahead=False
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
        tables = records.open_tables(env)
        txn = env.begin(buffers=True, db=tables[b"words"])
        meta = json.loads(bytes(txn.get(b"meta", b"{}", db=tables[b"meta"])))
        if meta["format"] != records.FORMAT or meta["generation"] != listing.generation:
            raise ValueError("another format or generation")
        if meta["byte_order"] != records.BYTE_ORDER:
            raise ValueError("built on a machine of another kind")
        dictionary = Dictionary(**meta["dictionary"])

        def pieces(table: bytes) -> list[memoryview]:
            return [value for _, value in txn.cursor(tables[table])]

        exact_end, end = meta["forms"]
        blocks = memoryview(txn.get(b"blocks", b"", db=tables[b"meta"])).cast("I")
        grams = tables[b"grams"]
        forms = Forms(exact_end, end, pieces(b"forms"), blocks, lambda gram: txn.get(gram, None, grams))
        return cls(
            identity=identity,
            dictionary=dictionary,
            headwords=meta["headwords"],
            source=source_of(dictionary.name, dictionary.title),
            env=env,
            forms=forms,
            txn=txn,
            tables=tables,
            chunks=pieces(b"texts"),
            lines=pieces(b"lines"),
            lines_end=meta["lines"],
            get=txn.get,
        )

    def close(self) -> None:
        """Unmap the file once no search reads it any more; nothing else of it may be read afterwards."""
        self._gone = True
        if not self._searches:
            self._chunks.clear()
            self._lines.clear()
            self._txn.abort()
            self._env.close()

    def begin_search(self) -> None:
        """A search reads this file over several turns: it stays open until :meth:`end_search`."""
        self._searches += 1

    def end_search(self) -> None:
        """That search is over."""
        self._searches -= 1
        if self._gone:
            self.close()

    def has(self, k: bytes) -> bool:
        """See :class:`dictd.lexicon.query.Tables`."""
        return self._get(k) is not None

    def others(self, table: bytes, key: bytes) -> list[bytes]:
        """See :class:`dictd.lexicon.query.Tables`."""
        with self._txn.cursor(self._tables[table]) as cursor:
            return list(map(bytes, cursor.iternext_dup())) if cursor.set_key(key) else []

    def keys(self) -> Iterator[bytes]:
        """All exact keys, in order."""
        with self._txn.cursor(self._tables[b"words"]) as cursor:
            yield from map(bytes, cursor.iternext(values=False))

    def others_from(self, table: bytes, prefix: bytes) -> Iterator[bytes]:
        """See :class:`dictd.lexicon.query.Tables`."""
        return map(bytes, self._range(table, prefix))

    def spans(self, table: bytes, key: bytes) -> Iterator[int]:
        """See :class:`dictd.lexicon.query.Tables`."""
        asked = key + records.RUN_OF
        with self._txn.cursor(self._tables[table]) as cursor:
            if cursor.set_range(asked):
                for run, value in cursor:
                    if run[: len(asked)] != asked:
                        return
                    yield from memoryview(value).cast("Q")

    def spans_from(self, table: bytes, prefix: bytes) -> Iterator[int]:
        """See :class:`dictd.lexicon.query.Tables`."""
        unpack = records.SPAN.unpack
        return (unpack(value)[0] for value in self._range(table, prefix))

    def _range(self, table: bytes, prefix: bytes) -> Iterator[memoryview]:
        length = len(prefix)
        with self._txn.cursor(self._tables[table]) as cursor:
            if cursor.set_range(prefix):
                for key, value in cursor:
                    if key[:length] != prefix:
                        return
                    yield memoryview(value)

    def head(self, k: bytes) -> tuple[int, int]:
        """See :class:`dictd.lexicon.query.Tables`."""
        value = self._get(k)
        return (0, 0) if value is None else records.HEAD.unpack_from(value)

    def lines_from(self, prefix: bytes) -> list[int]:
        """See :class:`dictd.lexicon.query.Tables`."""
        with self._txn.cursor(self._tables[b"words"]) as cursor:
            if not (cursor.set_range(prefix) if prefix else cursor.first()):
                return []
            key, value = cursor.item()
            if key[: len(prefix)] != prefix:
                return []
            begin, end = records.begin_of(records.HEAD.unpack_from(value)[0]), self._lines_end
            if prefix and cursor.set_range(prefix + _AFTER):
                end = records.begin_of(records.HEAD.unpack_from(cursor.value())[0])
        found = []
        while end - begin > records.LONGEST_SPAN:
            upto = begin + records.LONGEST_SPAN
            upto -= records.LONGEST_LINE - joined(self._lines, upto - records.LONGEST_LINE, upto).rfind(b"\n") - 1
            found.append(records.span(begin, upto - begin))
            begin = upto
        return [*found, records.span(begin, end - begin)]

    def lines(self, span: int) -> bytes:
        """A piece of the lines of MATCH."""
        begin = records.begin_of(span)
        return joined(self._lines, begin, begin + records.length_of(span))

    def has_form(self, form: str) -> bool:
        """See :class:`dictd.lexicon.edits.Letters`."""
        key = form[::-1].encode("utf-8")
        return 0 < len(key) <= MAX_KEY and self._get(key, None, self._tables[b"mirror"]) is not None

    def letters_after(self, start: str) -> Iterator[str]:
        """See :class:`dictd.lexicon.edits.Letters`."""
        for table in (b"words", b"loose"):
            yield from self._next_letters(table, start)

    def letters_before(self, end: str) -> Iterator[str]:
        """See :class:`dictd.lexicon.edits.Letters`."""
        return self._next_letters(b"mirror", end[::-1])

    def _next_letters(self, table: bytes, start: str) -> Iterator[str]:
        """The characters that follow a beginning in the keys of a table: one step a character, not one a key."""
        prefix = start.encode("utf-8")
        length = len(prefix)
        with self._txn.cursor(self._tables[table]) as cursor:
            there = cursor.set_range(prefix) if prefix else cursor.first()
            while there:
                key = cursor.key()
                if key[:length] != prefix:
                    return
                following = bytes(key[length : length + 4])
                if not following:
                    there = cursor.next_nodup()
                    continue
                lead = following[0]
                size = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
                if lead == 0xFF:
                    return  # the hash of a very long key
                yield following[:size].decode("utf-8", "replace")
                there = cursor.set_range(prefix + following[:size] + _AFTER)

    def spellings(self, k: bytes) -> list[str]:
        """The distinct headwords under an exact key."""
        value = self._get(k)
        if value is None:
            return []
        return list(dict.fromkeys(headword.decode("utf-8") for *_, headword in records.postings(value)))

    def define(self, query: Query, forgiving: bool = True) -> list[Definition]:
        """The definitions of a word, those spelled as asked first; an article once.

        :param forgiving: look for what differs in accents, signs and blanks where nothing else is.
        """
        value = self._get(query.k)
        if value is not None:
            chunk, offset, length, flags, size = records.POSTING.unpack_from(value, records.HEAD.size)
            if len(value) == _BEFORE_HEADWORD + size:  # the one posting that most keys have
                return [Definition(self, chunk, offset, length, flags, bytes(value[_BEFORE_HEADWORD:]))]
            values = [value]
        else:
            others = strategies.forgiving(self, query) if forgiving else ()
            values = [value for k in others if (value := self._get(k)) is not None]
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
