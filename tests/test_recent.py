"""What was looked up lately: the last minute, bounded, and nobody's name."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd import recent
from dictd.recent import MINUTE, LookedUp, Recent, merged

ENTRIES: st.SearchStrategy[list[LookedUp]] = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["define", "match ."]), st.integers(0, 2), st.floats(0, 5)),
    max_size=40,
)


class Lately(SynchronousTestCase):
    """One process."""

    def test_rows(self) -> None:
        """The most asked first, then by the alphabet; what was not found, and the longest, are told."""
        one = Recent()
        for entry in (
            ("b", "define", 0, 0.0),
            ("a", "define", 1, 0.0),
            ("c", "match .", 3, 0.5),
            ("c", "match .", 0, 0.2),
        ):
            one.note(entry)
        self.assertEqual(
            one.rows(10), [("c", "match .", 2, 1, 0.5), ("a", "define", 1, 0, 0.0), ("b", "define", 1, 1, 0.0)]
        )
        self.assertEqual(len(one.rows(2)), 2)

    def test_a_minute(self) -> None:
        """What is older is forgotten, whether anything comes after it or not."""
        one = Recent()
        for second in range(200):
            if second in (0, 100, 130):
                one.note((str(second), "define", 1, 0.0))
            one.tick(float(second))
            words = {row[0] for row in one.rows(10)}
            expected = {str(then) for then in (0, 100, 130) if then <= second < then + MINUTE}
            self.assertEqual(words, expected, second)
            self.assertLessEqual(one.span(second), MINUTE)
        self.assertEqual(one.rows(10), [])

    def test_a_flood(self) -> None:
        """It takes no more room than it may, and its rows say of how few seconds they are."""
        self.patch(recent, "_MOST", 100)
        one = Recent()
        for second in range(50):
            for number in range(60):
                one.note((f"word {number}", "define", 1, 0.0))
            one.tick(float(second))
        self.assertEqual(len(one._entries), 100)
        self.assertLessEqual(one.span(49.5), 2.0)
        self.assertEqual(sum(row[2] for row in one.rows(1000)), 98)

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(ENTRIES, ENTRIES)
    def test_merged(self, here: list[LookedUp], there: list[LookedUp]) -> None:
        """Two processes tell together what one would have told alone, in whatever order they are asked."""
        both, alone = [Recent(), Recent()], Recent()
        for one, entries in zip(both, (here, there), strict=True):
            for entry in entries:
                one.note(entry)
                alone.note(entry)
        rows = [one.rows(1000) for one in both]
        self.assertEqual(merged(rows, 1000), alone.rows(1000))
        self.assertEqual(merged(rows[::-1], 1000), alone.rows(1000))

    def test_nothing(self) -> None:
        """Before anything happened."""
        self.assertEqual((Recent().rows(5), Recent().span(7.0), merged([], 5)), ([], 0.0, []))
