"""What a serving process does by the clock for others, with parts that only count."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Settings
from dictd.errors import AccountsUnavailable
from dictd.processes.serving import LOOK_EVERY, Serving

_HOUR = 3600.0


class Part:
    """A part that is looked after."""

    def __init__(self) -> None:
        self.looks = self.expiries = 0
        self.away = False

    def look(self) -> None:
        """Once a second."""
        self.looks += 1

    async def expire(self) -> None:
        """Once an hour."""
        self.expiries += 1
        if self.away:
            raise AccountsUnavailable()


class ByTheClock(SynchronousTestCase):
    """An hour and more."""

    def setUp(self) -> None:
        """A process that has just begun, whose hour ends in a moment."""
        self.clock = Clock()
        state: Any = None
        self.recorder, self.misses, self.standing = Part(), Part(), Part()
        self.serving = Serving(Settings(), state, self.clock, state, lambda: None, 0.0)
        recent = SimpleNamespace(tick=lambda now: None)
        lookups = SimpleNamespace(searches=SimpleNamespace(recent=recent))
        parts: Any = SimpleNamespace(
            recorder=self.recorder,
            misses=self.misses,
            standing=self.standing,
            entry=SimpleNamespace(done=False),
            lexicon=SimpleNamespace(refresh=lambda force: False),
            factory=SimpleNamespace(
                service=SimpleNamespace(certificates=None, lookups=lookups, steady=self.clock.seconds)
            ),
        )
        self.serving.parts = parts
        self.serving._entering = True  # the store is not asked for it here
        self.serving._look()

    def test_looks(self) -> None:
        """The history, what was missed and who may still be logged in are looked after once a second."""
        for _ in range(10):
            self.clock.advance(LOOK_EVERY)
        self.assertEqual((self.recorder.looks, self.misses.looks, self.standing.looks), (11, 11, 11))

    def test_store_that_is_not_shared(self) -> None:
        """Nobody else changes who may be logged in."""
        self.serving.parts.standing = None  # type: ignore[misc]
        self.clock.advance(LOOK_EVERY)
        self.assertEqual((self.misses.looks, self.standing.looks), (2, 1))

    def test_expiry(self) -> None:
        """What is too old is deleted once an hour, of both; the next hour again where the store was away."""
        self.assertEqual((self.recorder.expiries, self.misses.expiries), (1, 1))
        self.recorder.away = True
        self.clock.pump([LOOK_EVERY] * int(_HOUR))
        self.recorder.away = False
        self.assertEqual((self.recorder.expiries, self.misses.expiries), (2, 1))
        self.clock.pump([LOOK_EVERY] * int(_HOUR))
        self.assertEqual((self.recorder.expiries, self.misses.expiries), (3, 2))
