"""Tests of :mod:`benchmarks.answers`."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.answers import endings
from tests.benchmarks.scripted import NO_MATCH, RIGHT

_MATCHES = b'152 1 matches found\r\nwn "x"\r\n.\r\n250 ok\r\n'
_TWO_TEXTS = b'150 2 definitions retrieved\r\n151 "x" wn "W"\r\nx\r\n.\r\n151 "x" wn "W"\r\n552 x\r\n.\r\n250 ok\r\n'


class Endings(SynchronousTestCase):
    """How answers end."""

    def test_right(self) -> None:
        """Answers of every usual form end with 250, one or sixteen at a time."""
        for answer in (RIGHT, _MATCHES, _TWO_TEXTS, RIGHT.replace(b"250 ok\r\n.", b"x\r\n.")):
            for asked in (1, 2, 16):
                self.assertEqual(endings(answer * asked, asked), ["250"] * asked)

    def test_other_words_behind_the_status(self) -> None:
        """C dictd says more behind its 250."""
        self.assertEqual(endings(RIGHT[:-2] + b" [d/m/c = 1/0/26]\r\n", 1), ["250"])

    def test_incomplete(self) -> None:
        """No part of an answer is taken for the whole, wherever it was cut."""
        for answer, asked in ((RIGHT, 1), (RIGHT + _TWO_TEXTS, 2), (_MATCHES, 1), (NO_MATCH, 1), (RIGHT + NO_MATCH, 2)):
            for size in range(len(answer)):
                self.assertIsNone(endings(answer[:size], asked), answer[:size])

    def test_too_few(self) -> None:
        """As many answers as lines have to come."""
        self.assertIsNone(endings(RIGHT * 15, 16))
        self.assertIsNone(endings(NO_MATCH, 2))

    def test_wrong(self) -> None:
        """Other statuses are told, in order, among right answers."""
        self.assertEqual(endings(RIGHT + NO_MATCH + RIGHT, 3), ["250", "552", "250"])
        self.assertEqual(endings(b"420 full\r\n", 1), ["420"])

    def test_unconfirmed(self) -> None:
        """An answer whose row may not be kept is no right answer."""
        unconfirmed = RIGHT.replace(b"\r\n.\r\n250 ok", b"\r\n.\r\n250 ok (history not confirmed)")
        self.assertEqual(endings(unconfirmed, 1), ["250 unconfirmed"])
        self.assertEqual(endings(RIGHT + unconfirmed, 2), ["250", "250 unconfirmed"])

    def test_unasked(self) -> None:
        """What comes besides is told, before, between and behind."""
        self.assertEqual(endings(RIGHT * 2, 1), ["250", "unasked"])
        self.assertEqual(endings(NO_MATCH + RIGHT, 1), ["552", "unasked"])
        self.assertEqual(endings(RIGHT + NO_MATCH + RIGHT, 2), ["250", "552", "unasked"])

    def test_no_status(self) -> None:
        """A line that is no status, where one has to be."""
        self.assertEqual(endings(b"hello\r\n", 1), ["no status"])
        self.assertEqual(endings(b"2500 ok\r\n", 1), ["no status"])
        self.assertEqual(endings(b"250\r\n", 1), ["250"])
