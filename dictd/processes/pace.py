"""When a worker is started again, and when it counts as silent: arithmetic on times."""

from __future__ import annotations

from attrs import define, field

#: One that served this long before it ended was well, seconds.
HEALTHY = 3.0
FIRST_DELAY, LONGEST_DELAY = 1.0, 30.0
#: Quick deaths in a row that make a crash loop.
LOOP = 5
#: Silent so long: others take its connections; then: it is killed. Seconds.
SILENT, DEAD = 1.0, 3.0
#: What one look may count at most, seconds: who looks may have been stopped itself.
_MOST_OF_A_LOOK = 0.5


@define
class Backoff:
    """How long to wait before something that ended is started again: not at all, then 1, 2, 4 up to 30 s."""

    quick: int = 0

    def ended(self, served: float) -> float:
        """It has ended.

        :param served: seconds that it served; 0 where it never did.
        :returns: seconds to wait.
        """
        self.quick = 0 if served >= HEALTHY else self.quick + 1
        if self.quick <= 1:
            return 0.0
        return float(min(FIRST_DELAY * 2 ** min(self.quick - 2, 10), LONGEST_DELAY))

    @property
    def looping(self) -> bool:
        """Whether it does nothing but end."""
        return self.quick >= LOOP


@define
class Pulse:
    """How long somebody has been silent, by the looks of somebody who may be late himself.

    A machine that slept, or a supervisor that was stopped, must not count its own
    silence against its workers.
    """

    silence: float = 0.0
    _looked: float | None = field(default=None)

    def beat(self) -> None:
        """A sign of life."""
        self.silence = 0.0

    def look(self, now: float) -> float:
        """Seconds of silence."""
        if self._looked is not None:
            self.silence += min(now - self._looked, _MOST_OF_A_LOOK)
        self._looked = now
        return self.silence
