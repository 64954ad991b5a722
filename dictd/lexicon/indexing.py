"""The tables of headwords of one generation: what leads from a word to its lines and articles."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import lmdb
from attrs import define, field

from dictd.lexicon import folding, records, sounds
from dictd.wire.replies import in_quotes

#: What waits in memory to be put in order.
_RUN = 300_000
_WORDS_A_COMMIT = 20_000

#: exact key, headword, loose key, number of its article, how often it is used; sorted by key.
WordRow = tuple[bytes, str, bytes, int, int]


@define
class Stream:
    """Bytes that are written in pieces of :data:`records.CHUNK`."""

    env: lmdb.Environment
    table: Any
    length: int = 0
    _number: int = 0
    _held: bytearray = field(factory=bytearray)

    def add(self, piece: bytes) -> None:
        self._held += piece
        self.length += len(piece)
        while len(self._held) >= records.CHUNK:
            self._put(bytes(self._held[: records.CHUNK]))
            del self._held[: records.CHUNK]

    def finish(self) -> None:
        if self._held:
            self._put(bytes(self._held))

    def _put(self, piece: bytes) -> None:
        with self.env.begin(write=True, db=self.table) as txn:
            txn.put(records.CHUNK_NUMBER.pack(self._number), piece, append=True)
        self._number += 1


@define
class _Pairs:
    """Keys that lead to keys, or to spans; they come in the order of what they lead to."""

    _pairs: list[tuple[bytes, bytes]] = field(factory=list)

    def add(self, key: bytes, k: bytes) -> None:
        self._pairs.append((key, k))

    def __len__(self) -> int:
        return len(self._pairs)

    def in_order(self) -> Iterator[tuple[bytes, bytes]]:
        """All that was added by key, and of one key as it was added; they are forgotten."""
        pairs, self._pairs = self._pairs, []
        pairs.sort(key=itemgetter(0))
        return iter(pairs)


@define
class _Spans:
    """Keys that lead to spans, which rise.

    :ivar runs: how often they were put in order.
    """

    _spans: dict[bytes, bytearray] = field(factory=dict)
    _count: int = 0
    runs: int = 0

    def add(self, key: bytes, packed: bytes) -> None:
        self._count += 1
        spans = self._spans.get(key)
        if spans is None:
            self._spans[key] = bytearray(packed)
        else:
            spans += packed

    def __len__(self) -> int:
        return self._count

    def in_order(self) -> Iterator[tuple[bytes, bytes]]:
        """The spans of each key, one after the other, under the key of this run; they are forgotten."""
        found, self._spans, self._count = self._spans, {}, 0
        run, self.runs = self.runs, self.runs + 1
        for key in sorted(found):
            yield records.run_key(key, run), bytes(found[key])


@define
class Words:
    """The tables of headwords.

    :ivar places: of each article, as postings begin with it.
    :ivar exact_forms: bytes of ``forms`` up to the first loose key.
    :ivar blocks: where each block of ``forms`` begins.
    """

    env: lmdb.Environment
    tables: dict[bytes, Any]
    name: str
    places: bytearray
    headwords: int = 0
    exact_forms: int = 0
    blocks: array[int] = field(factory=lambda: array("I"))
    lines: Stream = field(init=False)
    forms: Stream = field(init=False)
    _waiting: dict[bytes, _Pairs | _Spans] = field(init=False)
    _block: list[bytes] = field(factory=list)
    _block_size: int = 0
    _grams: dict[bytes, array[int]] = field(factory=dict)
    _long_forms: dict[bytes, bytes] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.lines = Stream(self.env, self.tables[b"lines"])
        self.forms = Stream(self.env, self.tables[b"forms"])
        self._waiting = {name: _Pairs() for name in (*records.KEYED, *records.SPANNED)}
        self._waiting |= {name: _Spans() for name in records.PACKED}

    def write(self, words: Iterable[WordRow]) -> None:
        for batch in _batches(self._rows(words), _WORDS_A_COMMIT):
            with self.env.begin(write=True, db=self.tables[b"words"]) as txn, txn.cursor() as cursor:
                cursor.putmulti(batch, append=True)
            while sum(map(len, self._waiting.values())) > _RUN:
                self._put_in_order(max(self._waiting, key=lambda name: len(self._waiting[name])))
        for name in self._waiting:
            self._put_in_order(name)
        self.lines.finish()
        self._end_block()
        self.exact_forms = self.forms.length
        with self.env.begin(db=self.tables[b"loose"]) as txn, txn.cursor() as cursor:
            for k2 in cursor.iternext_nodup():
                self._add_form(self._long_forms.get(k2, k2))
        self._end_block()
        self.forms.finish()
        with self.env.begin(write=True, db=self.tables[b"grams"]) as txn, txn.cursor() as cursor:
            cursor.putmulti(((gram, self._grams[gram].tobytes()) for gram in sorted(self._grams)), append=True)

    def _rows(self, words: Iterable[WordRow]) -> Iterator[tuple[bytes, bytes]]:
        places, size = self.places, records.PLACE.size
        add_loose, add_compact = self._waiting[b"loose"].add, self._waiting[b"compact"].add
        for k, group in groupby(words, itemgetter(0)):
            postings: list[bytes] = []
            lines: dict[str, None] = {}
            others: dict[bytes, str] = {}
            frequency = 0
            for _, word, k2, no, used in group:
                lines[f"{self.name} {in_quotes(word)}\r\n"] = None
                if used > frequency:
                    frequency = used
                place = bytes(places[no * size : (no + 1) * size])
                postings.append(records.pack_posting(place, word.encode("utf-8")))
                if k2 != k:
                    add_loose(k2, k)
                    others[k2] = word
                k3 = folding.compact_key(k2, word)
                if k3 != k2:
                    add_compact(k3, k)
            self.headwords += len(lines)
            leaving = "".join(lines).encode("utf-8")
            span = records.span(self.lines.length, len(leaving))
            self.lines.add(leaving)
            if len(k) <= folding.MAX_KEY:
                form = k.decode("utf-8")
                self._add_form(k)
            else:
                form = folding.exact(word)
                self._add_form(form.encode("utf-8"))
            self._index(span, form, others)
            yield k, records.HEAD.pack(span, min(frequency, records.MOST_FREQUENCY)) + b"".join(postings)

    def _index(self, span: int, form: str, others: dict[bytes, str]) -> None:
        """What leads to a headword beside its key."""
        waiting, pack, key = self._waiting, records.SPAN.pack, folding.key
        packed = pack(span)
        waiting[b"mirror"].add(key(form[::-1]), packed)
        parts = _parts(form)
        loose = form
        for k2, word in others.items():
            if len(k2) <= folding.MAX_KEY:
                loose = k2.decode("utf-8")
            else:
                loose = folding.loose(word)
                self._long_forms[k2] = loose.encode("utf-8")
            waiting[b"mirror"].add(key(loose[::-1]), packed)
            for part, flags in _parts(loose).items():
                parts[part] = parts.get(part, 0) | flags
        add_part = waiting[b"parts"].add
        for part, flags in parts.items():
            add_part(key(part), pack(span | flags) if flags else packed)
        if letters := sounds.letters(loose):
            waiting[b"soundex"].add(sounds.soundex(letters), packed)
            if sound := sounds.metaphone(letters):
                waiting[b"metaphone"].add(sound, packed)

    def _add_form(self, form: bytes) -> None:
        self._block.append(form)
        self._block_size += len(form) + 1
        if self._block_size >= records.BLOCK:
            self._end_block()

    def _end_block(self) -> None:
        if not self._block:
            return
        number = len(self.blocks)
        self.blocks.append(self.forms.length)
        # A line end in front, so that the beginning of a headword is as findable as its end.
        block = b"\n".join((b"", *self._block, b""))
        self.forms.add(block[1:])
        grams = self._grams
        for gram in {block[at : at + 3] for at in range(len(block) - 2)}:
            if gram in grams:
                grams[gram].append(number)
            else:
                grams[gram] = array("I", (number,))
        self._block.clear()
        self._block_size = 0

    def _put_in_order(self, name: bytes) -> None:
        """Write what waits for a table in order, which is far cheaper than out of it."""
        waiting = self._waiting[name]
        first = isinstance(waiting, _Spans) and waiting.runs == 0
        with self.env.begin(write=True, db=self.tables[name]) as txn, txn.cursor() as cursor:
            cursor.putmulti(waiting.in_order(), dupdata=False, append=first)


def _parts(form: str) -> dict[str, int]:
    """The words of a headword, each once, with where it stands."""
    if form.isascii() and form.isalnum():
        return {form: records.FIRST | records.LAST}
    words = folding.words(form)
    found = dict.fromkeys(words, 0)
    if words:
        found[words[0]] |= records.FIRST
        found[words[-1]] |= records.LAST
    return found


def _batches(rows: Iterator[tuple[bytes, bytes]], size: int) -> Iterator[list[tuple[bytes, bytes]]]:
    batch: list[tuple[bytes, bytes]] = []
    for row in rows:
        batch.append(row)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
