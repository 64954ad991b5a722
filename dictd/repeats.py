"""How often the same may be said: a few times, then only how often it would have been."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from attrs import define, field

K = TypeVar("K", bound=Hashable)

#: Seconds in which the same is counted.
SPAN = 10.0
#: Kinds that are remembered; the oldest goes first.
MOST_KINDS = 1000


@define
class _Kind:
    """One thing that is said.

    :ivar begun: when its ten seconds began; ``said``: how often it was since.
    """

    begun: float
    said: int = 0


@define
class Repeats(Generic[K]):
    """At most ``most`` of a kind in :data:`SPAN` seconds.

    Times are seconds of any steady clock, given by the caller.
    """

    most: int
    _kinds: dict[K, _Kind] = field(factory=dict)
    _kept_back: dict[K, int] = field(factory=dict)

    def admit(self, kind: K, now: float, times: int = 1) -> bool:
        """Whether this may be said once more.

        :param times: how many times as often as other kinds it may.
        """
        known = self._kinds.get(kind)
        if known is None or now - known.begun >= SPAN:
            # Behind the others: the first of the dict is the one whose time is over first.
            self._kinds.pop(kind, None)
            while len(self._kinds) >= MOST_KINDS:
                del self._kinds[next(iter(self._kinds))]
            known = self._kinds[kind] = _Kind(now)
        known.said += 1
        if known.said <= self.most * times:
            return True
        self._kept_back[kind] = self._kept_back.get(kind, 0) + 1
        return False

    def over(self, now: float) -> list[tuple[K, int]]:
        """Each kind whose ten seconds are over, with how often it was kept back; told once."""
        ended = [kind for kind in self._kept_back if not self._runs(kind, now)]
        return [(kind, self._kept_back.pop(kind)) for kind in ended]

    def _runs(self, kind: K, now: float) -> bool:
        known = self._kinds.get(kind)
        return known is not None and now - known.begun < SPAN
