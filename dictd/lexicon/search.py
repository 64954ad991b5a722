"""A search that may take long: done in pieces, so that nobody waits for somebody else's."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

from attrs import define, evolve, field, frozen

from dictd.lexicon import records, strategies
from dictd.lexicon.generation import DAMAGE, Generation
from dictd.lexicon.views import Member

#: Spans taken between two looks at the clock.
_AT_ONCE = 64
#: Every letter is one slip from every other: words of fewer characters are near to nothing.
_LEAST = 2
#: Bytes of a long span read at a time.
_PIECE = 1 << 16
_LINE = re.compile(r'(\S+) "((?:[^"\\]|\\.)*)"\r')
_PAIR = re.compile(r"\\(.)")


@frozen
class Matches:
    """What MATCH found.

    :ivar count: how many lines there are.
    :ivar lines: ``database "headword"`` each with CRLF, as they leave (RFC 2229 3.3).
    :ivar more: there were more than asked for.
    :ivar stopped: the search took too long and was given up.
    """

    count: int = 0
    lines: bytes = b""
    more: bool = False
    stopped: bool = False

    @property
    def found(self) -> tuple[tuple[str, str], ...]:
        """The same as pairs of database and headword."""
        text = self.lines.decode("utf-8")
        return tuple((match[1], _PAIR.sub(r"\1", match[2])) for match in _LINE.finditer(text))


@define(eq=False)
class Work:
    """Something that is done in pieces.

    :param damaged: told of a dictionary whose file is damaged; the work goes on without it.
    """

    damaged: Callable[[Generation, Exception], None]
    _steps: Generator[None, None, None] = field(init=False)
    _held: Sequence[Generation] = field(default=(), init=False)

    def __attrs_post_init__(self) -> None:
        self._steps = self._work()

    def generations(self) -> Sequence[Generation]:
        """The dictionaries that are read."""
        raise NotImplementedError

    def run(self, go_on: Callable[[], bool]) -> bool:
        """Work until it is done, or until ``go_on`` says no.

        :returns: whether it is done.
        """
        for _ in self._steps:
            if not go_on():
                if not self._held:
                    # Files may be replaced before it goes on; those that it reads stay open.
                    self._held = self.generations()
                    for generation in self._held:
                        generation.begin_search()
                return False
        self._let_go()
        return True

    def stop(self) -> None:
        """Give up; what was found until now stays."""
        self._steps.close()
        self._let_go()

    def _let_go(self) -> None:
        held, self._held = self._held, ()
        for generation in held:
            generation.end_search()

    def _work(self) -> Generator[None, None, None]:
        raise NotImplementedError


@frozen
class Asked:
    """One dictionary in a MATCH.

    :ivar skip: headwords to leave out at the beginning; ``count`` the most to list.
    """

    member: Member
    strategy: strategies.Strategy
    query: strategies.Query
    skip: int = 0
    count: int | None = None


@define(eq=False)
class Search(Work):
    """A MATCH.

    :param asked: the dictionaries in their order.
    :param chosen: the strategy for each of them.
    :param limit: the most lines to return; of ``nprefix`` for each dictionary.
    :param first: be content with the first dictionary that has any (``!``).
    :ivar matches: what was found until now.
    """

    asked: Sequence[Asked]
    limit: int
    first: bool = False
    matches: Matches = Matches()

    def generations(self) -> Sequence[Generation]:
        return [asked.member.generation for asked in self.asked]

    def whole(self) -> Matches:
        """All of it at once, for who has the time."""
        self.run(lambda: True)
        return self.matches

    def stop(self) -> None:
        super().stop()
        self.matches = evolve(self.matches, stopped=True)

    def _work(self) -> Generator[None, None, None]:
        for asked in self.asked:
            try:
                yield from self._in_one(asked)
            except DAMAGE as error:
                self.damaged(asked.member.generation, error)
            if self.matches.more or (self.first and self.matches.count):
                return
            yield

    def _in_one(self, asked: Asked) -> Generator[None, None, None]:
        generation, strategy = asked.member.generation, asked.strategy
        room = self.limit - self.matches.count
        wanted = room if asked.count is None else min(room, asked.count)
        spans: dict[int, None] = {}
        with closing(_iterated(strategy.spans(generation, asked.query))) as found:
            for step, span in enumerate(found, 1):
                if span is not None:
                    spans[span] = None
                    if len(spans) > wanted + asked.skip:
                        break
                if span is None or step % _AT_ONCE == 0:
                    yield
        in_order = spans if strategy.in_order else sorted(spans)
        lines, count, more = _read(generation, in_order, asked.skip, wanted)
        if asked.member.alias:
            own, alias = generation.dictionary.name.encode(), asked.member.alias.encode()
            lines = re.sub(rb"(?m)^" + re.escape(own) + b" ", alias + b" ", lines)
        before = self.matches
        self.matches = Matches(before.count + count, before.lines + lines, more and count == room)


@define(eq=False)
class Nearest(Work):
    """The headwords nearest to a word that nobody has.

    :param most: how many.
    """

    asked: Sequence[Member]
    query: strategies.Query
    most: int
    _found: dict[str, tuple[int, bool, int]] = field(factory=dict)

    @property
    def headwords(self) -> list[str]:
        """The best first: used most, with the same first letter, in the order of the dictionaries."""
        return sorted(self._found, key=self._found.__getitem__)[: self.most]

    def generations(self) -> Sequence[Generation]:
        return [member.generation for member in self.asked]

    def _work(self) -> Generator[None, None, None]:
        if len(self.query.word) < _LEAST:
            return
        for generation in self.generations():
            try:
                yield from self._in_one(generation)
            except DAMAGE as error:
                self.damaged(generation, error)
            yield

    def _in_one(self, generation: Generation) -> Generator[None, None, None]:
        with closing(strategies.near(generation, self.query)) as found:
            for one in found:
                if one is None:
                    yield
                    continue
                span, used = one
                _, headword = Matches(1, generation.lines(span)).found[0]
                other_letter = headword[:1].casefold() != self.query.word[:1].casefold()
                rank = (-used, other_letter, len(self._found))
                self._found[headword] = min(rank, self._found.get(headword, rank))


def _iterated(spans: strategies.Spans) -> Generator[int | None, None, None]:
    """Spans as a generator, which can be closed, and closes what it reads."""
    yield from spans


def _read(
    generation: Generation, spans: Sequence[int] | dict[int, None], skip: int, room: int
) -> tuple[bytes, int, bool]:
    """The lines of spans, how many they are, and whether there are more than there is room for."""
    read: list[bytes] = []
    count = 0
    for piece in _pieces(generation, spans):
        here = piece.count(b"\n")
        if skip:
            if here <= skip:
                skip -= here
                continue
            piece, here, skip = piece.split(b"\n", skip)[-1], here - skip, 0
        if count + here > room:
            left = piece.split(b"\n", room - count)[-1]
            read.append(piece[: len(piece) - len(left)])
            return b"".join(read), room, True
        count += here
        read.append(piece)
    return b"".join(read), count, False


def _pieces(generation: Generation, spans: Sequence[int] | dict[int, None]) -> Iterator[bytes]:
    for span in spans:
        begin, length = records.begin_of(span), records.length_of(span)
        if length <= _PIECE:
            yield generation.lines(span)
        else:
            for at in range(0, length, _PIECE):
                yield generation.lines(records.span(begin + at, min(_PIECE, length - at)))
