"""A MATCH: the lines of headwords that strategies find, dictionary by dictionary, within bounds."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from heapq import merge

from attrs import define, field, frozen

from dictd.lexicon import records, strategies
from dictd.lexicon.generation import DAMAGE, Generation
from dictd.lexicon.query import Query
from dictd.lexicon.views import Member
from dictd.lexicon.work import AT_ONCE, Work, iterated

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

    @property
    def found(self) -> int:
        return self._count

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
        with closing(iterated(strategy.spans(generation, asked.query))) as found:
            spans = found if strategy.in_order else _in_order(found, wanted + skip)
            for step, span in enumerate(spans, 1):
                if span is None or step % AT_ONCE == 0:
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
        if len(seen) % AT_ONCE == 0:
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
