"""The headwords nearest to a word that nobody has."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

import jellyfish
from attrs import define, field

from dictd.lexicon import folding, strategies
from dictd.lexicon.generation import DAMAGE, Generation
from dictd.lexicon.query import Query
from dictd.lexicon.search import Matches
from dictd.lexicon.views import Member
from dictd.lexicon.work import AT_ONCE, Work, iterated

#: Every letter is one slip from every other: words of fewer characters are near to nothing.
_LEAST = 2
#: How many slips what sounds alike may be away.
_ALIKE = 2


@define(eq=False)
class Nearest(Work):
    """The headwords nearest to a word that nobody has: one slip away, or else two and alike in sound.

    :param most: how many.
    """

    asked: Sequence[Member]
    query: Query
    most: int
    _found: dict[str, tuple[int, bool, int]] = field(factory=dict)

    @property
    def headwords(self) -> list[str]:
        """The best first: fewest slips, used most, same first letter, in the order of the dictionaries."""
        return sorted(self._found, key=self._found.__getitem__)[: self.most]

    @property
    def found(self) -> int:
        return len(self._found)

    def generations(self) -> Sequence[Generation]:
        return [member.generation for member in self.asked]

    def _work(self) -> Generator[None, None, None]:
        if len(self.query.word) < _LEAST:
            return
        for look in (self._one_slip_away, self._alike):
            for generation in () if self._found else self.generations():
                try:
                    yield from look(generation)
                except DAMAGE as error:
                    self.damaged(generation, error)
                yield

    def _one_slip_away(self, generation: Generation) -> Generator[None, None, None]:
        with closing(strategies.near(generation, self.query)) as found:
            for one in found:
                if one is None:
                    yield
                    continue
                span, used = one
                headword = _headword(generation, span)
                other_letter = headword[:1].casefold() != self.query.word[:1].casefold()
                rank = (-used, other_letter, len(self._found))
                self._found[headword] = min(rank, self._found.get(headword, rank))

    def _alike(self, generation: Generation) -> Generator[None, None, None]:
        """What sounds alike, and is two slips away."""
        asked = self.query.form
        for strategy in (strategies.BY_NAME["metaphone"], strategies.BY_NAME["soundex"]):
            with closing(iterated(strategy.spans(generation, self.query))) as found:
                for step, span in enumerate(found, 1):
                    if step % AT_ONCE == 0:
                        yield
                    if span is None:
                        continue
                    headword = _headword(generation, span)
                    form = folding.exact(headword)
                    if abs(len(form) - len(asked)) > _ALIKE:
                        continue
                    slips = jellyfish.damerau_levenshtein_distance(form, asked)
                    if slips <= _ALIKE:
                        self._found.setdefault(headword, (slips, False, len(self._found)))


def _headword(generation: Generation, span: int) -> str:
    """The first headword of a span."""
    return Matches(1, generation.lines(span)).found[0][1]
