"""Pages of HISTORY against a plain list."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import BadArguments
from dictd.model import LONGEST_WORD, LookUp
from dictd.server.paging import MOST, Page
from dictd.store.history import HIGHEST


def row(rid: int, word: str = "penguin") -> LookUp:
    """A look-up."""
    return LookUp(1, rid, 0, word, word.encode(), "wn", 1)


def page(rows: list[LookUp], asked: Page) -> tuple[list[LookUp], str]:
    """What the store gives, and how to go on: empty at the end."""
    found = sorted((one for one in rows if one.rid < asked.before), key=lambda one: -one.rid)
    shown = found[: asked.count]
    return shown, asked.after(shown) if found[asked.count :] else ""


class Pages(SynchronousTestCase):
    """What was asked for."""

    def test_forms(self) -> None:
        """A number, where the page begins, a word; each but the first needs the one before it."""
        for rest, asked in (
            ("", Page()),
            ("7", Page(7)),
            ("7  penguin", Page(7, said="penguin")),
            ("7\tcrow's  nest ", Page(7, said="crow's  nest")),
            ("7 <1z", Page(7, 71)),
            ("7 <1Z  off", Page(7, 71, "off")),
            ('7 "<1z"', Page(7, said='"<1z"')),
            ('7 <1z "<1z"', Page(7, 71, '"<1z"')),
            ("7 <1y2p0ij32e8e7", Page(7, HIGHEST)),
            ("7 1z", Page(7, said="1z")),
        ):
            self.assertEqual(Page.of(rest), asked, rest)
        self.assertEqual(Page.of('7 "<1z"').word, "<1z")
        self.assertIsNone(Page.of("7 <1z").word)
        self.assertIsNone(Page.of('7 ""').word)

    def test_refused(self) -> None:
        """No number, too many, a page that nobody told of, a word that is too long."""
        self.assertEqual(Page.of(str(MOST)).count, MOST)
        for rest in (
            "0", str(MOST + 1), "-1", "x", "x 3", "<1z", "٣", "7 <", "7 <0", "7 <-1", "7 < 1z", "7 <1_0", "7 <ß",
            "7 <1y2p0ij32e8e8", "7 <zzzzzzzzzzzzz", "7 <" + "1" * 14, "7 <1z1z.", f"7 {'x' * (LONGEST_WORD + 1)}",
        ):  # fmt: skip
            with self.assertRaises(BadArguments, msg=rest):
                Page.of(rest)

    def test_how_to_go_on_is_a_line(self) -> None:
        """It fits into a line, whatever the word was; read again it asks for the same word."""
        for said in ("", "penguin", "crow's nest", '"<x"', '"a \\"b\\""', "é" * LONGEST_WORD):
            older = Page(1000, HIGHEST, said).after([row(HIGHEST - 1)])
            self.assertEqual(Page.of(older.removeprefix("HISTORY ")), Page(1000, HIGHEST - 1, said))
        said = '"' + '\\"' * LONGEST_WORD + '"'
        self.assertEqual(Page.of(f"1 {said}").said, said)
        self.assertLess(len(Page(1000, HIGHEST, said).after([row(HIGHEST - 1)])), 1000)

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        rids=st.sets(st.integers(1, HIGHEST - 1) | st.integers(1, 50), max_size=40),
        counts=st.lists(st.integers(1, 7), min_size=1),
        coming=st.lists(st.integers(0, 3)),
    )
    def test_every_row_exactly_once(self, rids: set[int], counts: list[int], coming: list[int]) -> None:
        """Page after page, each of any length, while new look-ups come in: what was there at first, in order."""
        rows = [row(rid) for rid in sorted(rids)]
        wanted = [one.rid for one in reversed(rows)]
        seen: list[int] = []
        asked = Page(counts[0])
        for step in range(len(rows) + 1):
            shown, older = page(rows, asked)
            seen += [one.rid for one in shown]
            if not older:
                break
            newest = max(one.rid for one in rows)
            new = coming[step] if step < len(coming) else 0
            rows += [row(newest + more) for more in range(1, new + 1) if newest + more < HIGHEST]
            asked = Page.of(older.removeprefix("HISTORY "))
            asked = Page(counts[step % len(counts)], asked.before, asked.said)
        self.assertEqual(seen, wanted)
