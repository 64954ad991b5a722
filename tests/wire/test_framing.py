"""Bytes to lines: ends, pieces, lines that are too long, and how much is held."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable
from itertools import combinations, pairwise
from typing import Any

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.wire.framing import MAX_LINE, Framing
from tests.support.references import lines_of

ANY = settings(deadline=None, max_examples=200)

Lines = list[bytes | None]

# Streams in which lines of every length near the limit are as likely as short ones.
STREAMS = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from([b"\n", b"\r\n", b"\r", b"STATUS\r\n"]),
        st.integers(6138, 6148).map(lambda length: b"x" * length),
        st.just(b"y" * 3071),
    ),
    max_size=8,
).map(b"".join)


def fed(pieces: Iterable[bytes], framing: Framing | None = None) -> Lines:
    """The lines that a framing makes of pieces."""
    framing = framing or Framing()
    return [line for piece in pieces for line in framing.feed(piece)]


def cut(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """A stream in pieces, some of them perhaps empty."""
    ends = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(ends)]


def equal_pieces(stream: bytes, size: int) -> list[bytes]:
    """A stream in pieces of one size."""
    return cut(stream, range(size, len(stream), size))


def held(value: Any) -> int:
    """Bytes of memory that a framing, or a part of it, keeps."""
    if attrs.has(type(value)):
        return sum(held(getattr(value, part.name)) for part in attrs.fields(type(value)))
    parts = sum(map(held, value)) if isinstance(value, list | tuple | deque) else 0
    return sys.getsizeof(value) + parts


class LineEnds(SynchronousTestCase):
    """LF and CRLF end a line, nothing else does."""

    def test_crlf(self) -> None:
        """CRLF ends a line and is no part of it."""
        self.assertEqual(fed([b"SHOW DB\r\n"]), [b"SHOW DB"])

    def test_lf(self) -> None:
        """LF alone ends a line, as nc sends it."""
        self.assertEqual(fed([b"SHOW DB\n"]), [b"SHOW DB"])

    def test_mixed(self) -> None:
        """Both ends may stand in one stream, and empty lines are lines."""
        self.assertEqual(fed([b"a\r\nb\n\r\n\nc\r\n"]), [b"a", b"b", b"", b"", b"c"])

    def test_cr_alone(self) -> None:
        """A CR that no LF follows ends nothing and stays in the line."""
        self.assertEqual(fed([b"a\rb"]), [])
        self.assertEqual(fed([b"\rSTATUS\rx\r\n"]), [b"\rSTATUS\rx"])

    def test_only_one_cr(self) -> None:
        """Only the CR before the LF belongs to the line's end."""
        self.assertEqual(fed([b"a\r\r\n"]), [b"a\r"])
        self.assertEqual(fed([b"a\r", b"\r", b"\n"]), [b"a\r"])

    def test_nul_and_telnet(self) -> None:
        """NUL and telnet bytes pass: what they mean is not the framing's to say."""
        self.assertEqual(fed([b"\xff\xf4\xff\xfdSTATUS\0\r\n"]), [b"\xff\xf4\xff\xfdSTATUS\0"])

    def test_partial(self) -> None:
        """A line without an end is not a line, and `partial` tells that one has begun."""
        framing = Framing()
        self.assertEqual(framing.feed(b"STATUS\r\nSTAT"), [b"STATUS"])
        self.assertTrue(framing.partial)
        self.assertEqual(framing.feed(b"US\r\n"), [b"STATUS"])
        self.assertFalse(framing.partial)

    def test_nothing(self) -> None:
        """An empty piece is nothing, before, inside and after a line."""
        self.assertEqual(fed([b"", b"a", b"", b"b\n", b""]), [b"ab"])


class Pieces(SynchronousTestCase):
    """However a stream is cut, the lines are the same."""

    def test_every_pair_of_cuts(self) -> None:
        """A stream cut at any two places, also inside CRLF, gives the same lines."""
        stream = b"DEFINE wn a\r\n\r\nQ b\n\nQUIT\r\nrest"
        for places in combinations(range(len(stream) + 1), 2):
            self.assertEqual(fed(cut(stream, places)), lines_of(stream), places)

    def test_byte_by_byte(self) -> None:
        """A stream that comes byte by byte gives the same lines."""
        stream = b"DEFINE wn a\r\n\r\nQ b\n" + b"x" * 7000 + b"\r\nQUIT\r\n"
        self.assertEqual(fed(equal_pieces(stream, 1)), [b"DEFINE wn a", b"", b"Q b", None, b"QUIT"])

    @ANY
    @given(STREAMS, st.lists(st.integers(0, 25_000), max_size=12))
    @example(b"x" * 6144 + b"\r\nQUIT\r\n", [6143, 6144, 6145])
    def test_any_cuts(self, stream: bytes, places: list[int]) -> None:
        """Any bytes in any pieces give the lines of the whole."""
        self.assertEqual(fed(cut(stream, places)), lines_of(stream))
        self.assertEqual(fed([stream]), lines_of(stream))

    @ANY
    @given(st.binary(max_size=60).map(lambda raw: raw.replace(b"a", b"\n").replace(b"b", b"\r")), st.integers(1, 5))
    def test_short_bytes(self, stream: bytes, size: int) -> None:
        """Any few bytes in pieces of one to five give the lines of the whole."""
        self.assertEqual(fed(equal_pieces(stream, size)), lines_of(stream))


class TooLong(SynchronousTestCase):
    """6,144 octets with the end; one more is told once, and the next command is intact."""

    def pieces(self, stream: bytes) -> Iterable[list[bytes]]:
        """A stream in several kinds of pieces."""
        for size in (1, 2, 1000, 6143, 6144, 6145, len(stream)):
            yield equal_pieces(stream, size)

    def test_limit(self) -> None:
        """The limit is that of RFC 2229 2.3."""
        self.assertEqual(MAX_LINE, 6144)

    def test_longest(self) -> None:
        """A line of 6,144 octets with its end is taken, with CRLF and with LF."""
        for end in (b"\r\n", b"\n"):
            line = b"x" * (6144 - len(end))
            for pieces in self.pieces(line + end):
                self.assertEqual(fed(pieces), [line])

    def test_one_more(self) -> None:
        """A line of 6,145 octets with its end is refused, once."""
        for end in (b"\r\n", b"\n"):
            for pieces in self.pieces(b"x" * (6145 - len(end)) + end):
                self.assertEqual(fed(pieces), [None])

    def test_next_is_intact(self) -> None:
        """The command after an over-long line is read whole, whatever the pieces."""
        for pieces in self.pieces(b"STATUS\r\n" + b"x" * 20_000 + b"\r\nSHOW DB\r\n"):
            self.assertEqual(fed(pieces), [b"STATUS", None, b"SHOW DB"])

    def test_two_in_a_row(self) -> None:
        """Each of two over-long lines is refused once."""
        for pieces in self.pieces(b"x" * 7000 + b"\n" + b"y" * 13_000 + b"\nQUIT\n"):
            self.assertEqual(fed(pieces), [None, None, b"QUIT"])

    def test_large_pieces(self) -> None:
        """A line of many pieces of 64 KiB is refused once, and its tail is never a command."""
        framing = Framing()
        piece = b"x" * (1 << 16)
        self.assertEqual(fed([piece] * 20, framing), [None])
        self.assertEqual(framing.feed(b"STATUS\r\nSHOW DB\r\nQUIT"), [b"SHOW DB"])
        self.assertEqual(framing.feed(b"\r\n"), [b"QUIT"])

    def test_told_before_its_end(self) -> None:
        """The refusal does not wait for an end that may never come."""
        framing = Framing()
        self.assertEqual(framing.feed(b"x" * 6143), [])
        self.assertEqual(framing.feed(b"x"), [None])
        self.assertTrue(framing.dropping)
        self.assertEqual(framing.feed(b"\n"), [])
        self.assertFalse(framing.dropping)

    def test_end_in_the_piece_after(self) -> None:
        """A CRLF that is itself cut still ends a dropped line."""
        self.assertEqual(fed([b"x" * 8000, b"y\r", b"\nSTATUS\r", b"\n"]), [None, b"STATUS"])

    def test_short_line_between(self) -> None:
        """What was held of one line never counts for the next."""
        half = b"x" * 4000
        self.assertEqual(fed([half, b"\n" + half, b"\n" + half, b"\n"]), [half] * 3)


class Memory(SynchronousTestCase):
    """Nobody makes the server keep more than a line."""

    def test_mebibyte_without_end(self) -> None:
        """After 1 MiB without LF less than 10 KiB are held, and one refusal was given."""
        for size in (3, 1000, 1 << 16, 1 << 20):
            framing = Framing()
            self.assertEqual(fed(equal_pieces(b"x" * (1 << 20), size), framing), [None])
            self.assertLess(held(framing), 10 * 1024)
            self.assertEqual(framing.feed(b"\nSTATUS\n"), [b"STATUS"])

    def test_at_every_moment(self) -> None:
        """In pieces as networks make them, less than 10 KiB are held at any moment."""
        for size in (1000, 1460, 1 << 16):
            framing = Framing()
            for piece in equal_pieces(b"x" * 6000 + b"\n" + b"y" * (1 << 18), size):
                framing.feed(piece)
                self.assertLess(held(framing), 10 * 1024)

    def test_nothing_between_lines(self) -> None:
        """Between lines nothing of the last one is kept."""
        framing = Framing()
        fed([b"x" * 3000, b"y" * 3000, b"\n"], framing)
        self.assertLess(held(framing), 512)
