"""Dictionaries of dict.org: an ``.index`` beside a ``.dict`` or ``.dict.dz`` (dictfmt(1), dictd(8)).

A line of the index is ``headword<TAB>offset<TAB>size``, both numbers in base 64,
and perhaps a fourth column with the headword as it was before dictfmt changed it.
Several headwords may lead to one body, several bodies to one headword; bodies
need not lie in the order of the index. What is told of the dictionary lies among
the words, spelled ``00-database-short`` or ``00databaseshort``.

Most indexes are folded: in lower case and, without ``00-database-allchars``, with
letters, digits and blanks alone. The headword to show is then found in the
first line of its body, where folding it gives what the index has.
"""

from __future__ import annotations

import codecs
import re
from binascii import Error, a2b_base64
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from attrs import define, field

from dictd.errors import ImportRefused
from dictd.importers.dictzip import Bodies
from dictd.importers.reading import Reading, check_encoding
from dictd.importers.told import Told
from dictd.model import LONGEST_WORD, Entry

#: Longest body, bytes; the longest known has 183,002.
LONGEST_BODY = 1 << 22
_BODIES = (".dict.dz", ".dict", ".dict.gz")
_UPPER = re.compile(rb"^[^\t\n]*[A-Z]", re.MULTILINE)
#: Bodies may overlap this many times what there is before it is called nonsense.
_MOST_OVERLAP = 4
#: Less of the bodies than this, or more of them in the middle of a line: not the index of this file.
_LEAST_REACHED, _MOST_ASTRAY = 0.5, 0.5
# Where a headword may begin and end in the first line of a body: FreeDict writes
# ``Unbekanntes Flugobjekt /…/ (Ufo /…/) <neut, n, sg>``.
_BEGINS = re.compile(r"^|\(|, ")
_ENDS = re.compile(r" /| <|\)(?=$|[ ,)])|, |$")
_MOST_CUTS = 24
#: So much of a first line is looked at; no headword of ours is longer.
_LONGEST_FIRST = 2 * LONGEST_WORD


def recognises(path: Path) -> bool:
    """An index or its bodies by their names; a ``.dict`` alone is some text."""
    if path.name.endswith(".index") or path.name.endswith((".dict.dz", ".dict.gz")):
        return True
    return path.suffix == ".dict" and index_of(path).is_file()


def index_of(path: Path) -> Path:
    """The index, also of bodies."""
    for ending in _BODIES:
        if path.name.endswith(ending):
            return path.with_name(path.name.removesuffix(ending) + ".index")
    return path


def bodies_of(index: Path) -> Path:
    """The bodies beside an index.

    :raises ImportRefused: there are none.
    """
    stem = index.name.removesuffix(".index")
    for ending in _BODIES:
        path = index.with_name(stem + ending)
        if path.is_file():
            return path
    raise ImportRefused(f"{index} has no {stem}.dict.dz or {stem}.dict beside it")


def open_index(path: Path, encoding: str) -> Reading:
    """A reading of a dictionary.

    :param path: the index or the bodies.
    :param encoding: empty takes UTF-8, and stray bytes in it for cp1252.
    :raises ImportRefused: one of the two files is missing, or there is no such encoding.
    """
    index = index_of(path)
    if not index.is_file():
        raise ImportRefused(f"{path} has no {index.name} beside it")
    if encoding:
        check_encoding(encoding)
    size = index.stat().st_size + bodies_of(index).stat().st_size
    return Reading(index, encoding or "utf-8", size, exact=bool(encoding))


def entries(reading: Reading) -> Iterator[Entry]:
    """Each body as an entry, in the order in which they lie.

    :raises ImportRefused: one of the files is cut off or damaged, or they do not belong together.
    """
    raw = reading.path.read_bytes()
    index = _Index(reading, raw)
    index.parse()
    with Bodies(bodies_of(reading.path)) as bodies:
        told = Told()
        count = reached = astray = 0
        for (offset, size), group in groupby(index.in_order(), lambda line: line[:2]):
            words = [line[2:] for line in group]
            body = bodies.body(offset, size)
            reading.done = len(raw) + bodies.read()
            count += 1
            reached += size
            astray += not bodies.starts_line(offset)
            if reached > _MOST_OVERLAP * bodies.unpacked:
                raise ImportRefused(f"{reading.path} leads to the same bytes again and again; this is no index")
            if count == 1_000 or count % 50_000 == 0:
                _belongs(reading, astray, count)
            text = _text(reading, body)
            kept = [word for word in words if not told.take(word[1], text)]
            headwords = index.headwords(kept, text)
            if headwords and not text.strip():
                for number, word, _ in kept:
                    reading.complain(number, word, "its body is empty")
            elif headwords:
                yield Entry(headwords, text.strip("\n"))
        bodies.rest()
    _belongs(reading, astray, count)
    if reached < bodies.unpacked * _LEAST_REACHED:
        raise ImportRefused(
            f"{reading.path} leads to {100 * reached // bodies.unpacked} % of {bodies.path.name}:"
            " it is cut off, or they do not belong together"
        )
    told.tell(reading)


def _belongs(reading: Reading, astray: int, count: int) -> None:
    if astray > count * _MOST_ASTRAY:
        raise ImportRefused(f"{reading.path} is not the index of the bodies beside it: they begin in mid-line")


def _text(reading: Reading, raw: bytes) -> str:
    try:
        text = raw.decode(reading.encoding, "strict" if reading.exact else "stray-cp1252")
        if reading.exact:
            text.encode("utf-8")  # UTF-7 and UTF-16 can carry what no text may have
    except UnicodeError:
        raise ImportRefused(f"{reading.path}: a body is not {reading.encoding}; leave --encoding out") from None
    # C1 controls are cp1252 that somebody took for Latin-1; FreeDict's eng-deu has some.
    return text.translate(_C1) if not text.isascii() and _IS_C1.search(text) else text


def _stray(error: UnicodeError) -> tuple[str, int]:
    """A byte that is no UTF-8 is cp1252 in all the files that have some; gcide has three."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    stray = error.object[error.start : error.start + 1]
    return stray.decode("cp1252", "replace"), error.start + 1


codecs.register_error("stray-cp1252", _stray)
_IS_C1 = re.compile("[\x80-\x9f]")
_C1 = {code: bytes([code]).decode("cp1252", "replace") for code in range(0x80, 0xA0)}


@define
class _Index:
    """The index: its lines stay bytes, and are put in order by a number each, so that memory stays small."""

    reading: Reading
    raw: bytes
    _order: list[int] = field(factory=list)
    _folded: bool = False
    _all_characters: bool = False

    def parse(self) -> None:
        """Read all lines and put them in the order of their bodies.

        :raises ImportRefused: the index is empty or cut off.
        """
        if not self.raw:
            raise ImportRefused(f"{self.reading.path} is empty")
        if not self.raw.endswith(b"\n"):
            raise ImportRefused(f"{self.reading.path} is cut off: its last line has no end")
        self._folded = _UPPER.search(self.raw) is None
        at = 0
        for number, line in enumerate(self.raw.split(b"\n")[:-1], 1):
            columns = line.split(b"\t")
            if len(columns) not in (3, 4):
                self._complain(number, line, "not three columns")
            else:
                try:
                    offset, size = _number(columns[1]), _number(columns[2])
                except Error:
                    self._complain(number, line, "its numbers are not base 64")
                else:
                    if size > LONGEST_BODY:
                        self._complain(number, line, f"its body is longer than {LONGEST_BODY:,} bytes")
                    else:
                        self._order.append(offset << 112 | size << 80 | number << 40 | at)
            if line.startswith((b"00-database-allchars", b"00databaseallchars")):
                self._all_characters = True
            at += len(line) + 1
        self._order.sort()
        self.reading.done = len(self.raw)

    def in_order(self) -> Iterator[tuple[int, int, int, str, str]]:
        """Offset, size, number of the line, headword, headword as it was before folding."""
        for packed in self._order:
            at = packed & 0xFF_FFFF_FFFF
            word, _, _, *original = self.raw[at : self.raw.index(b"\n", at)].split(b"\t")
            yield (
                packed >> 112,
                packed >> 80 & 0xFFFF_FFFF,
                packed >> 40 & 0xFF_FFFF_FFFF,
                _text(self.reading, word),
                _text(self.reading, original[0]) if original else "",
            )

    def headwords(self, lines: list[tuple[int, str, str]], text: str) -> tuple[str, ...]:
        """The headwords of one body as they are shown, that which the body begins with first."""
        first = text.lstrip("\n").partition("\n")[0][:_LONGEST_FIRST]
        shown: dict[str, None] = {}
        for number, word, original in lines:
            stored = self.reading.headword(number, self._shown(word, original, first))
            if stored:
                shown[stored] = None
        if len(shown) > 1:
            return tuple(sorted(shown, key=lambda word: not first.startswith(word)))
        return tuple(shown)

    def _shown(self, word: str, original: str, first: str) -> str:
        """A headword as it was before it was folded, where that can be told."""
        wanted = self._fold(word)
        if original and self._fold(original) == wanted:
            return original
        if not self._folded:
            return word
        candidate = _cut(first)
        if candidate and self._fold(candidate) == wanted:
            return candidate
        for candidate in _candidates(first):
            if candidate and self._fold(candidate) == wanted:
                return candidate
        return word

    def _fold(self, word: str) -> str:
        """As dictfmt(1) folds."""
        lowered = word.lower().strip()
        if self._all_characters or lowered.isalnum():
            return lowered
        return " ".join("".join([c for c in lowered if c.isalnum() or c.isspace()]).split())

    def _complain(self, number: int, line: bytes, why: str) -> None:
        self.reading.complain(number, line.decode("utf-8", "replace"), why)


def _number(digits: bytes) -> int:
    """A number in base 64, most significant digit first.

    :raises binascii.Error: it is none.
    """
    if not 1 <= len(digits) <= 8 or b"=" in digits:
        raise Error
    return int.from_bytes(a2b_base64(digits.rjust(8, b"A"), strict_mode=True), "big")


def _cut(first: str) -> str:
    """A first line up to the pronunciation or the grammar: what nearly every headword is."""
    for mark in (" /", " <"):
        first = first.partition(mark)[0]
    return first.strip()


def _candidates(first: str) -> Iterator[str]:
    """All that may be a headword in a first line."""
    ends = [match.start() for match in _ENDS.finditer(first)][:_MOST_CUTS]
    for begin in [match.end() for match in _BEGINS.finditer(first)][:_MOST_CUTS]:
        for end in ends:
            if end > begin:
                yield first[begin:end].strip()
