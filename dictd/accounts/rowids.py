"""Ids of the history's rows: made by the worker, so that a row that is written again is the same row."""

from __future__ import annotations

from attrs import define

from dictd.model import row_id


@define
class RowIds:
    """Row ids of one worker: each higher than the last, also when the clock goes back.

    :param worker: the number of this process; -1 as long as it has none.
    :param last: the highest id there is in the store.
    """

    worker: int
    last: int = 0

    def above(self, rid: int) -> None:
        """Make only higher ids than this from now on."""
        self.last = max(self.last, rid)

    def next(self, now: int) -> int:
        """An id for a row made at ``now``, milliseconds since 1970."""
        fresh = row_id(now, self.worker, 0)
        last = self.last
        if fresh <= last:
            milliseconds, counter = last >> 22, (last & 0xFFF) + 1
            if counter > 0xFFF or (last >> 12 & 0x3FF) != self.worker:
                milliseconds, counter = milliseconds + 1, 0
            fresh = milliseconds << 22 | self.worker << 12 | counter
        self.last = fresh
        return fresh
