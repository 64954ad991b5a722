"""What is fuzzed: bytes in, and only what is right may come of them.

A target takes any bytes and a directory of its own, and raises where the code
under it does what it must not. Targets know nothing of the fuzzer, so that what
it finds can be a test: paste it into ``test_targets.py``.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import frozen

from dictd.errors import BadArguments, ImportRefused
from dictd.importers import description, formats
from dictd.importers.dictzip import Bodies
from dictd.importers.formats import Format
from dictd.lexicon import folding
from dictd.model import LONGEST_WORD, Entry
from dictd.wire import grammar, replies
from dictd.wire.framing import Framing
from tests.fuzz import seeds
from tests.support.conversations import LIBRARY, NAMES, converse
from tests.support.house import publish
from tests.support.references import lines_of, strings_of
from tests.support.verdicts import NEVER, judge, legal

#: Encodings that somebody may name with ``--encoding``; the first is to be found out.
ENCODINGS = ("", "utf-8", "cp1252", "gb18030", "utf-16", "utf-7", "hz", "shift_jis", "iso2022_jp", "idna", "punycode")

#: Headwords as a pattern searches them.
HEADWORDS = "".join(f"{folding.exact(word)}\n" for _, entries in LIBRARY.values() for word, _ in entries).encode()


# An octet that is no part of UTF-8.
_UNDECODED = re.compile("[\udc80-\udcff]")


def wire(data: bytes, directory: Path) -> None:
    """Framing and grammar beside RFC 2229 2.2 and 2.3; the first eight bytes say where the stream is cut."""
    places, stream = data[:8], data[8:]
    framing, lines, at = Framing(), [], 0
    ends = sorted({0, *(place * max(1, len(stream) // 256) for place in places), len(stream)})
    for start, at in pairwise(ends):
        lines += framing.feed(stream[start:at])
    assert lines == lines_of(stream), "the lines are not those of RFC 2229 2.3"
    assert framing.dropping or bool(framing.partial) == (not stream.endswith(b"\n") and stream != b"")
    for line in lines:
        if line is not None:
            _command(line)


def _command(line: bytes) -> None:
    command = grammar.parse(line)
    text = line.decode("utf-8", "surrogateescape")
    if _UNDECODED.search(text) and not _UNDECODED.search(command.line):
        return  # curl's backslash before each octet of a character: tests/wire/test_grammar.py has it
    strings, unterminated = strings_of(text)
    verb = strings[0] if strings else ""
    assert command.verb == (verb.upper() if verb.isascii() else verb)
    assert list(command.words) == strings[1:], "the words are not those of RFC 2229 2.2"
    assert command.unterminated == unterminated
    # Which of the strings ends where is the only thing that the reference does not tell.
    head, rest = command.line[: command.verb_end], command.line[command.verb_end :]
    assert strings_of(head)[0] == strings[:1]
    flawed = bool(NEVER & {*rest}) or any("\ud800" <= character <= "\udfff" for character in rest)
    assert bool(command.flaw) == flawed
    grammar.phrase(command.rest)


def packed(data: bytes, directory: Path) -> None:
    """Bodies of any bytes: the first says how they are packed, the next ten what is read of them."""
    path = directory / ("x.dict.dz" if data[:1] < b"\x80" else "x.dict")
    path.write_bytes(data[11:])
    offset = 0
    try:
        with Bodies(path) as bodies:
            for step, size in zip(data[1:6], data[6:11], strict=False):
                offset += step
                assert len(bodies.body(offset, size)) == size
                bodies.starts_line(offset)
            bodies.rest()
    except ImportRefused as refused:
        _one_line(refused)


def index(data: bytes, directory: Path) -> None:
    """An index and the bodies behind ``--``; the first byte says how they are packed and in what encoding."""
    kind, (lines, _, bodies) = data[:1], data[1:].partition(b"\n--\n")
    path = directory / "x.index"
    path.write_bytes(lines + b"\n")
    for ending in (".dict.dz", ".dict"):
        (directory / f"x{ending}").unlink(missing_ok=True)
    (directory / ("x.dict.dz" if kind < b"\x40" else "x.dict")).write_bytes(bodies)
    _imported(path, dictorg_format, _encoding(kind))


def spaced(data: bytes, directory: Path) -> None:
    """A wordbook; the first byte says in what encoding."""
    _text(data, directory, wordbook_format)


def tabs(data: bytes, directory: Path) -> None:
    """Text with tabs; the first byte says in what encoding."""
    _text(data, directory, tabbed_format)


def patterns(data: bytes, directory: Path) -> None:
    """A pattern, and what it finds; the first byte says of which strategy."""
    compiler: Any = importlib.import_module("dictd.lexicon.patterns")
    strategy = ("re", "regexp")[ord(data[:1] or b"\0") & 1]
    said = "".join([character for character in data[1:].decode("utf-8", "ignore") if character not in NEVER])
    try:
        pattern = compiler.compile(strategy, said)
    except BadArguments as refused:
        _one_line(refused)
        return
    spans = list(pattern.spans(HEADWORDS, 0, len(HEADWORDS)))
    assert spans == sorted(set(spans)), "a line is found twice, or out of order"
    for begin, end in spans:
        assert HEADWORDS[begin - 1 : begin] in (b"", b"\n") and HEADWORDS[end : end + 1] == b"\n", "not a line"
        assert pattern.needle in b"\n%b\n" % HEADWORDS[begin:end], "not in every line that matches"


def server(data: bytes, directory: Path) -> None:
    """A whole conversation; the first eight bytes say where it is cut."""
    if not (directory / "catalogue.json").exists():
        publish(directory, LIBRARY)
    places, stream = data[:8], data[8:]
    ends = sorted({0, *(place for place in places if place < len(stream)), len(stream)})
    whole = judge(stream, converse(directory, [stream] if stream else []).heard, NAMES)
    pieces = [stream[start:end] for start, end in pairwise(ends)]
    assert judge(stream, converse(directory, pieces, late=True).heard, NAMES) == whole


def trap(data: bytes, directory: Path) -> None:
    """Something to find, so that what is told of it can be tested."""
    assert b"?" not in data, "it snaps"


dictorg_format, wordbook_format, tabbed_format = (formats.BY_NAME[name] for name in ("dictorg", "wordbook", "tabbed"))


def _encoding(kind: bytes) -> str:
    return ENCODINGS[ord(kind or b"\0") % 16 % len(ENCODINGS)] if ord(kind or b"\0") & 0x10 else ""


def _text(data: bytes, directory: Path, format: Format) -> None:
    path = directory / "book.txt"
    path.write_bytes(data[1:])
    encoding = _encoding(data[:1])
    try:
        formats.opened(path, encoding)
    except ImportRefused as refused:
        _one_line(refused)
    _imported(path, format, encoding)


def _imported(path: Path, format: Format, encoding: str) -> None:
    """Read a file to its end as an import does, and see that what comes can be published and leave."""
    try:
        reading = format.opens(path, encoding)
        articles = 0
        for entry in format.entries(reading):
            articles += 1
            _entry(entry)
        description.check(reading, format, articles)
        legal(replies.text_block(description.described(reading, "x", "").info))
    except ImportRefused as refused:
        _one_line(refused)


def _entry(entry: Entry) -> None:
    assert entry.headwords
    for word in entry.headwords:
        assert replies.one_line(word) == word and word.strip(), "not a headword"
        assert len(replies.in_quotes(word)) <= LONGEST_WORD + 2, "longer than a headword may be"
        assert folding.key(folding.exact(word)) and folding.key(folding.loose(word)), "a key that is empty"
    legal(replies.text_block(entry.text))


def _one_line(refused: Exception) -> None:
    assert str(refused) and "\n" not in str(refused), "a refusal is one line"


@frozen
class Target:
    """One thing that is fuzzed.

    :ivar run: takes the input and a directory of its own.
    :ivar seeds: inputs to begin with, made by code.
    :ivar longest: of an input, bytes.
    :ivar needs: a module that must be there.
    :ivar asked: only run by its name.
    """

    name: str
    run: Callable[[bytes, Path], None]
    seeds: Callable[[], Iterator[bytes]]
    longest: int = 4096
    needs: str = "dictd"
    asked: bool = False

    @property
    def exists(self) -> bool:
        """Whether there is anything to fuzz."""
        return importlib.util.find_spec(self.needs) is not None


TARGETS = (
    Target("wire", wire, seeds.streams, longest=20_000),
    Target("server", server, seeds.streams, longest=20_000),
    Target("dictzip", packed, seeds.bodies),
    Target("dictorg", index, seeds.indexes),
    Target("wordbook", spaced, seeds.wordbooks),
    Target("tabbed", tabs, seeds.tabs),
    Target("patterns", patterns, seeds.patterns, longest=600, needs="dictd.lexicon.patterns"),
    Target("trap", trap, lambda: iter([b"who is there?"]), asked=True),
)
BY_NAME = {target.name: target for target in TARGETS}
