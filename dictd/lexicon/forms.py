"""All keys of a dictionary as lines in order, to be searched from end to end.

First the exact keys, then the loose ones, each part in order. A block is some
4 KiB of lines; for three bytes that stand together the file tells the blocks in
which they do, so that a needle of three bytes or more is looked for in few of
them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator

from attrs import frozen

from dictd.lexicon.records import CHUNK

#: Bytes searched between two looks at the clock, a tenth of a millisecond of work.
_STRETCH = 1 << 16
#: How many of the three bytes of a needle are looked at, the rarest.
_GRAMS = 4


@frozen
class Forms:
    """The lines of one dictionary.

    :ivar exact_end: where the loose keys begin.
    :ivar end: where they end.
    """

    exact_end: int
    end: int
    _chunks: list[memoryview]
    _starts: memoryview
    _blocks_with: Callable[[bytes], memoryview | None]

    def piece(self, begin: int, end: int) -> bytes:
        """A copy of some bytes."""
        return joined(self._chunks, begin, end)

    def part(self, loose: bool) -> tuple[int, int]:
        """Where the exact or the loose keys begin and end."""
        return (self.exact_end, self.end) if loose else (0, self.exact_end)

    def blocks(self, needle: bytes, loose: bool) -> Iterator[tuple[int, int]]:
        """The blocks that can hold a needle, in order: where each begins and ends.

        :param needle: a line end at its begin or end means that of the headword;
            of fewer than three bytes nothing is known, so that all blocks can.
        """
        begin, end = self.part(loose)
        if begin == end:
            return
        starts, last = self._starts, len(self._starts) - 1
        for number in self._candidates(needle, self._number(begin), self._number(end - 1) + 1):
            yield starts[number], starts[number + 1] if number < last else self.end

    def stretches(self, needle: bytes, loose: bool) -> Iterator[tuple[int, int]]:
        """As :meth:`blocks`, those that follow each other as one, up to :data:`_STRETCH` bytes."""
        begin = end = 0
        for start, stop in self.blocks(needle, loose):
            if start == end and stop - begin <= _STRETCH:
                end = stop
                continue
            if end:
                yield begin, end
            begin, end = start, stop
        if end:
            yield begin, end

    def with_needle(self, needle: bytes, loose: bool) -> Iterator[tuple[int, bytes] | None]:
        """Look for the lines that hold a needle.

        :param needle: at least one byte; a line end at its begin or end means that of the headword.
        :returns: where each line begins, and the line without its end; ``None`` now and then.
        """
        for start, stop in self.stretches(needle, loose):
            # As it was when its bytes were noted: with a line end in front.
            block = b"\n" + self.piece(start, stop)
            found = block.find(needle)
            while found >= 0:
                inside = found + (needle[0] == 10)
                line_begin = block.rfind(b"\n", 0, inside) + 1
                line_end = block.find(b"\n", inside)
                yield start + line_begin - 1, block[line_begin:line_end]
                found = block.find(needle, line_end)
            yield None

    def _candidates(self, needle: bytes, low: int, high: int) -> Iterator[int]:
        """The blocks that can hold a needle, in order."""
        grams = {needle[at : at + 3] for at in range(len(needle) - 2)}
        if not grams:
            yield from range(low, high)
            return
        lists = []
        for gram in grams:
            numbers = self._blocks_with(gram)
            if numbers is None:
                return
            lists.append(numbers.cast("I"))
        lists.sort(key=len)
        few = set(lists[0]).intersection(*lists[1:_GRAMS])
        yield from sorted(number for number in few if low <= number < high)

    def _number(self, at: int) -> int:
        """The block in which a byte stands."""
        return bisect_right(self._starts, at) - 1


def joined(chunks: list[memoryview], begin: int, end: int) -> bytes:
    """Some bytes of a stream that lies in chunks."""
    number, offset = divmod(begin, CHUNK)
    piece = bytes(chunks[number][offset : offset + end - begin])
    while len(piece) < end - begin and number + 1 < len(chunks):
        number += 1
        piece += bytes(chunks[number][: end - begin - len(piece)])
    return piece
