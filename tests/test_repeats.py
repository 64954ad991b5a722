"""How often the same is said."""

from __future__ import annotations

import math

from twisted.trial.unittest import SynchronousTestCase

from dictd.repeats import MOST_KINDS, Repeats


class Saying(SynchronousTestCase):
    """Kinds of things, and times."""

    def test_few(self) -> None:
        """As many as may be are said, the next are kept back and told once the ten seconds are over."""
        repeats: Repeats[str] = Repeats(3)
        self.assertEqual([repeats.admit("a", at) for at in (0.0, 1.0, 2.0, 3.0, 9.9)], [True] * 3 + [False] * 2)
        self.assertEqual(repeats.over(9.9), [])
        self.assertEqual(repeats.over(10.0), [("a", 2)])
        self.assertEqual(repeats.over(10.0), [])
        self.assertTrue(repeats.admit("a", 10.0))

    def test_kinds(self) -> None:
        """One kind keeps no other back, and one that may more often may."""
        repeats: Repeats[str] = Repeats(1)
        self.assertEqual([repeats.admit(kind, 0.0) for kind in "abab"], [True, True, False, False])
        self.assertEqual([repeats.admit("c", 0.0, times=2) for _ in range(3)], [True, True, False])

    def test_told_late(self) -> None:
        """What was kept back is told also where the kind goes on meanwhile."""
        repeats: Repeats[str] = Repeats(1)
        self.assertEqual([repeats.admit("a", at) for at in (0.0, 1.0, 11.0, 12.0)], [True, False, True, False])
        self.assertEqual(repeats.over(12.0), [])
        self.assertEqual(repeats.over(21.0), [("a", 2)])

    def test_end(self) -> None:
        """At the end everything is told."""
        repeats: Repeats[str] = Repeats(1)
        repeats.admit("a", 0.0)
        repeats.admit("a", 0.0)
        self.assertEqual(repeats.over(math.inf), [("a", 1)])

    def test_bounded(self) -> None:
        """However many kinds there are, so many are remembered; of one that is forgotten the rest is told."""
        repeats: Repeats[int] = Repeats(1)
        repeats.admit(-1, 0.0)
        repeats.admit(-1, 0.0)
        for kind in range(3 * MOST_KINDS):
            self.assertTrue(repeats.admit(kind, 0.0))
        self.assertLessEqual(len(repeats._kinds), MOST_KINDS)
        self.assertEqual(repeats.over(0.0), [(-1, 1)])
        self.assertTrue(repeats.admit(-1, 0.0))
