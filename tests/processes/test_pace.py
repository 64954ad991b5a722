"""Waiting before another try, and silence, as arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes.pace import DEAD, HEALTHY, LONGEST_DELAY, SILENT, Backoff, Pulse


class Backing(SynchronousTestCase):
    """How long until it is started again."""

    def test_doubles(self) -> None:
        """At once, then 1, 2, 4 and so on to 30 seconds; five quick deaths are a loop."""
        backoff = Backoff()
        delays, loops = [], []
        for _ in range(9):
            delays.append(backoff.ended(0.5))
            loops.append(backoff.looping)
        self.assertEqual(delays, [0, 1, 2, 4, 8, 16, 30, 30, 30])
        self.assertEqual(loops, [False] * 4 + [True] * 5)

    def test_health_forgives(self) -> None:
        """One that served a while starts at once, and all is as at first."""
        backoff = Backoff(quick=7)
        self.assertEqual((backoff.ended(HEALTHY), backoff.looping), (0.0, False))
        self.assertEqual([backoff.ended(0), backoff.ended(0)], [0.0, 1.0])

    def test_for_ever(self) -> None:
        """Thousands of deaths wait no longer than the longest."""
        backoff = Backoff()
        self.assertLessEqual(max(backoff.ended(0) for _ in range(5000)), LONGEST_DELAY)


class Silence(SynchronousTestCase):
    """Signs of life."""

    def test_silent_and_dead(self) -> None:
        """Silence adds up by looks, and a beat ends it."""
        pulse = Pulse()
        self.assertEqual([pulse.look(at / 4) for at in range(5)], [0, 0.25, 0.5, 0.75, 1.0])
        self.assertGreaterEqual(pulse.silence, SILENT)
        pulse.beat()
        self.assertEqual(pulse.look(1.25), 0.25)
        for at in range(6, 17):
            pulse.look(at / 4)
        self.assertGreaterEqual(pulse.silence, DEAD)

    def test_who_looks_was_stopped(self) -> None:
        """An hour between two looks is the looker's own: the worker is not even silent."""
        pulse = Pulse()
        pulse.look(0)
        self.assertLess(pulse.look(3600), SILENT)
        pulse.beat()
        self.assertLess(pulse.look(7200), SILENT)

    @given(st.lists(st.tuples(st.floats(0, 0.45), st.booleans()), max_size=60))
    def test_never_alive_and_dead(self, looks: list[tuple[float, bool]]) -> None:
        """With looks in time, silence is the time since the last beat, no more."""
        pulse, now, beaten = Pulse(), 0.0, 0.0
        pulse.look(now)
        for passed, beats in looks:
            now += passed
            silence = pulse.look(now)
            self.assertAlmostEqual(silence, now - beaten)
            if beats:
                pulse.beat()
                beaten = now
