"""What was looked up lately in one process: the words, and never who asked.

A look-up notes itself by appending one tuple, and once a second the clock does;
whoever wants to know sums up. Nothing of it is kept longer than :data:`MINUTE`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from attrs import define, field

#: How long it is kept, seconds.
MINUTE = 60.0
#: How many look-ups are kept, so that a flood of them costs no memory: a busy process keeps a second or two.
_MOST = 8192

#: A word, how it was asked, how much was found, and seconds where it took long.
LookedUp = tuple[str, str, int, float]
#: A word, how it was asked, how often, how often nothing was found, the longest in seconds.
Row = tuple[str, str, int, int, float]


@define(eq=False)
class Recent:
    """The look-ups of the last minute, as many as there is room for.

    :ivar note: called with each, see :data:`LookedUp`.
    """

    # A number is the second in which all that stands before it had happened.
    _entries: deque[LookedUp | float] = field(factory=lambda: deque(maxlen=_MOST), init=False)
    note: Callable[[LookedUp], None] = field(init=False)

    @note.default
    def _append(self) -> Callable[[LookedUp], None]:
        return self._entries.append

    def tick(self, now: float) -> None:
        """To be called about once a second; what is older than a minute is forgotten.

        :param now: seconds of a steady clock.
        """
        entries = self._entries
        entries.append(float(now))
        while self._oldest(now) <= now - MINUTE:
            while not isinstance(entries.popleft(), float):
                pass

    def span(self, now: float) -> float:
        """Of how many seconds the rows are, to a second."""
        return now - self._oldest(now)

    def rows(self, most: int) -> list[Row]:
        """The words that were asked most, the most first."""
        sums: dict[tuple[str, str], list[float]] = {}
        for entry in list(self._entries):
            if isinstance(entry, float):
                continue
            word, how, found, seconds = entry
            times = sums.setdefault((word, how), [0, 0, 0.0])
            times[0] += 1
            times[1] += not found
            times[2] = max(times[2], seconds)
        return merged([[(*key, int(times[0]), int(times[1]), times[2]) for key, times in sums.items()]], most)

    def _oldest(self, now: float) -> float:
        return next((entry for entry in self._entries if isinstance(entry, float)), now)


def merged(processes: Iterable[Iterable[Row]], most: int) -> list[Row]:
    """The rows of many processes as one list, what was asked most first, then in the order of the alphabet."""
    sums: dict[tuple[str, str], Row] = {}
    for rows in processes:
        for word, how, times, missed, longest in rows:
            _, _, before, missed_before, longest_before = sums.get((word, how), (word, how, 0, 0, 0.0))
            sums[word, how] = word, how, before + times, missed_before + missed, max(longest_before, longest)
    return sorted(sums.values(), key=lambda row: (-row[2], row[0], row[1]))[:most]
