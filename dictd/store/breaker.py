"""A circuit breaker: a database that is away is not asked by everybody, but by one probe a second."""

from __future__ import annotations

from attrs import define, field


@define
class Breaker:
    """Closed while all is well. Open, it refuses at once.

    :param failures: so many in a row open it; ``time_outs``: so many of those that took their whole time do.
    """

    failures: int = 3
    time_outs: int = 2
    open: bool = field(default=False, init=False)
    _failed: int = field(default=0, init=False)
    _slow: int = field(default=0, init=False)

    def failed(self, slow: bool) -> None:
        """Somebody asked in vain.

        :param slow: it took as long as it may.
        """
        self._failed += 1
        self._slow += slow
        if self._failed >= self.failures or self._slow >= self.time_outs:
            self.open = True

    def succeeded(self) -> None:
        """Somebody was answered."""
        self.open = False
        self._failed = self._slow = 0
