"""A search that may take long: done in pieces, so that nobody waits for somebody else's."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from heapq import merge

from attrs import define, field, frozen

from dictd.lexicon import edits, folding, records, strategies
from dictd.lexicon.generation import DAMAGE, Generation
from dictd.lexicon.query import Query
from dictd.lexicon.views import Member

#: Spans taken between two looks at the clock.
_AT_ONCE = 64
#: Every letter is one slip from every other: words of fewer characters are near to nothing.
_LEAST = 2
#: How many slips what sounds alike may be away.
_ALIKE = 2
#: Bytes of a long span read at a time.
_PIECE = 1 << 16
#: Spans put in order at a time.
_RUN = 4096
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
    query: Query
    skip: int = 0
    count: int | None = None


@define(eq=False)
class Search(Work):
    """A MATCH.

    :param asked: the dictionaries in their order, each with its strategy.
    :param limit: the most lines to return; of ``nprefix`` for each dictionary.
    :param first: be content with the first dictionary that has any (``!``).
    """

    asked: Sequence[Asked]
    limit: int
    first: bool = False
    _read: bytearray = field(factory=bytearray)
    _count: int = 0
    _more: bool = False
    _stopped: bool = False
    _under_alias: set[bytes] = field(factory=set)

    @property
    def matches(self) -> Matches:
        """What was found until now."""
        return Matches(self._count, bytes(self._read), self._more, self._stopped)

    def generations(self) -> Sequence[Generation]:
        return [asked.member.generation for asked in self.asked]

    def whole(self) -> Matches:
        """All of it at once, for who has the time."""
        self.run(lambda: True)
        return self.matches

    def stop(self) -> None:
        super().stop()
        self._stopped = True

    def _work(self) -> Generator[None, None, None]:
        for asked in self.asked:
            try:
                yield from self._in_one(asked)
            except DAMAGE as error:
                self.damaged(asked.member.generation, error)
            if self._more or (self.first and self._count):
                return
            yield

    def _in_one(self, asked: Asked) -> Generator[None, None, None]:
        generation, strategy, skip = asked.member.generation, asked.strategy, asked.skip
        room = self.limit - self._count
        wanted = room if asked.count is None else min(room, asked.count)
        end = self._count + wanted
        seen: set[int] = set()
        with closing(_iterated(strategy.spans(generation, asked.query))) as found:
            spans = found if strategy.in_order else _in_order(found, wanted + skip)
            for step, span in enumerate(spans, 1):
                if span is None or step % _AT_ONCE == 0:
                    yield
                if span is None or span in seen:
                    continue
                seen.add(span)
                short = records.length_of(span) <= _PIECE
                for piece in (generation.lines(span),) if short else _pieces(generation, span):
                    here = piece.count(b"\n")
                    if here <= skip:
                        skip -= here
                    else:
                        if skip:
                            piece, here, skip = piece.split(b"\n", skip)[-1], here - skip, 0
                        if asked.member.alias:
                            piece, here = self._renamed(piece, asked.member)
                        if self._count + here > end:
                            left = piece.split(b"\n", end - self._count)[-1]
                            self._read += piece[: len(piece) - len(left)]
                            self._count, self._more = end, wanted == room
                            return
                        self._read += piece
                        self._count += here
                    if not short:
                        yield

    def _renamed(self, lines: bytes, member: Member) -> tuple[bytes, int]:
        """Lines under the name of a group, without those that another member has given, and how many they are."""
        own, alias = len(member.generation.dictionary.name), member.alias.encode()
        renamed = [alias + line[own:] + b"\n" for line in lines.split(b"\n")[:-1]]
        new = [line for line in renamed if line not in self._under_alias]
        self._under_alias.update(new)
        return b"".join(new), len(new)


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
            with closing(_iterated(strategy.spans(generation, self.query))) as found:
                for step, span in enumerate(found, 1):
                    if step % _AT_ONCE == 0:
                        yield
                    if span is None:
                        continue
                    headword = _headword(generation, span)
                    form = folding.exact(headword)
                    slips = edits.slips(form, asked) if abs(len(form) - len(asked)) <= _ALIKE else len(asked)
                    if slips <= _ALIKE:
                        self._found.setdefault(headword, (slips, False, len(self._found)))


def _headword(generation: Generation, span: int) -> str:
    """The first headword of a span."""
    return Matches(1, generation.lines(span)).found[0][1]


def _iterated(spans: strategies.Spans) -> Generator[int | None, None, None]:
    """Spans as a generator, which can be closed, and closes what it reads."""
    yield from spans


def _in_order(spans: Iterable[int | None], most: int) -> Iterator[int | None]:
    """Spans by where they begin, each once, if there are no more than so many; else those that came first, and one."""
    runs: list[list[int]] = []
    seen: set[int] = set()
    run: list[int] = []
    for span in spans:
        if span is None:
            yield None
        elif span not in seen:
            seen.add(span)
            run.append(span)
            if len(seen) > most:
                break
            if len(run) == _RUN:
                runs.append(sorted(run))
                run = []
        if len(seen) % _AT_ONCE == 0:
            yield None
    yield from merge(*runs, sorted(run))


def _pieces(generation: Generation, span: int) -> Iterator[bytes]:
    """The lines of a long span, some at a time, none of them cut."""
    begin, length = records.begin_of(span), records.length_of(span)
    rest = b""
    for at in range(0, length, _PIECE):
        piece = rest + generation.lines(records.span(begin + at, min(_PIECE, length - at)))
        end = piece.rfind(b"\n") + 1
        rest = piece[end:]
        yield piece[:end]
