"""Whatever is said, however it is cut: one answer a line, in order, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.server.streams import BYTES, CUTS, HEADWORDS, MOMENTS, SPELLINGS, STREAMS, STRINGS
from tests.support.conversations import LIBRARY, NAMES, converse
from tests.support.fuzzing import examples
from tests.support.house import publish
from tests.support.references import in_double_quotes
from tests.support.verdicts import Answer, judge


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """A stream in pieces, none of them empty: a socket gives none."""
    ends = sorted({0, *(place for place in places if place < len(stream)), len(stream)})
    return [stream[start:end] for start, end in pairwise(ends)]


class Fuzz(SynchronousTestCase):
    """A server in memory, new for each conversation; its lexicon is published once."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        publish(self.directory, LIBRARY)

    def said(
        self, stream: bytes, pieces: list[bytes], moments: list[str] | None = None, late: bool = False
    ) -> list[Answer]:
        """The answers to a stream, once they are judged."""
        said = converse(self.directory, pieces, moments or [], late)
        self.assertEqual(self.flushLoggedErrors(), [])
        given = judge(stream, said.heard, NAMES)
        closed = len(given) < stream.count(b"\n")
        self.assertEqual(said.closed, closed or given[-1].codes == (221,))
        if not said.closed:
            self.assertEqual(given[stream.count(b"\n") - 1].codes, (210,), "STATUS is not answered in the end")
        return given

    def check(self, stream: bytes, places: list[int], moments: list[str]) -> None:
        """A stream at once, and the same in pieces to a server whose store is late."""
        whole = self.said(stream, [stream])
        self.assertEqual(self.said(stream, cut(stream, places), moments, late=True), whole)


class Streams(Fuzz):
    """Mixtures of what clients say."""

    @examples(1200)
    @given(STREAMS, CUTS, MOMENTS)
    @example(b"R alice correct-horse\r\nQ penguin\r\nH\r\nFORGET penguin\r\nH\r\n\r\nSTATUS\r\n", [3, 40], [])
    @example(b"R alice correct-horse\r\nQ " + b"\\" * 512 + b"\r\nH\r\n\r\nSTATUS\r\n", [], [])
    @example("".join(f'D odd "{word}"\n' for word in HEADWORDS).encode() + b"\r\nSTATUS\r\n", [], [])
    @example(b"GET / HTTP/1.1\r\nSTATUS\r\n\r\nSTATUS\r\n", [1], [])
    @example(b"DEFINE odd .\r\nQUIT\r\nDEFINE odd .\r\n\r\nSTATUS\r\n", [14, 20], [])
    def test_conversations(self, stream: bytes, places: list[int], moments: list[str]) -> None:
        """Verbs, nearly verbs and garbage in any pieces."""
        self.check(stream, places, moments)

    @examples(400)
    @given(BYTES, CUTS, MOMENTS)
    def test_bytes(self, stream: bytes, places: list[int], moments: list[str]) -> None:
        """Any bytes in any pieces."""
        self.check(stream, places, moments)


class Spellings(Fuzz):
    """RFC 2229 2.2 from one end to the other."""

    @examples(400)
    @given(STRINGS, st.lists(st.sampled_from(SPELLINGS), min_size=4, max_size=4))
    def test_any_spelling(self, strings: tuple[str, ...], spellings: list[Callable[[str], str]]) -> None:
        """A command is answered alike however its strings are written, and every headword is found."""
        usual = " ".join([*strings[:-1], in_double_quotes(strings[-1])])
        other = " ".join(spelling(string) for spelling, string in zip(spellings, strings, strict=False))
        stream = f"{usual}\r\n{other}\r\nSTATUS\r\n".encode()
        first, second, _ = self.said(stream, [stream])
        self.assertEqual(first, second)
        if strings[:2] == ("DEFINE", "*") and strings[2] in HEADWORDS:
            self.assertEqual(first.codes[0], 150)
