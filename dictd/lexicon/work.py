"""What may take long is done in pieces, so that nobody waits for somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from attrs import define, field

from dictd.lexicon.generation import Generation
from dictd.lexicon.strategies import Spans

#: Spans taken between two looks at the clock.
AT_ONCE = 64


@define(eq=False)
class Work:
    """Something that is done in pieces.

    :param damaged: told of a dictionary whose file is damaged; the work goes on without it.
    :ivar word: what was asked; ``how``: ``match prefix``, or empty where it is a part of another look-up.
    """

    damaged: Callable[[Generation, Exception], None]
    word: str = field(default="", init=False)
    how: str = field(default="", init=False)
    _steps: Generator[None, None, None] = field(init=False)
    _held: Sequence[Generation] = field(default=(), init=False)

    def __attrs_post_init__(self) -> None:
        self._steps = self._work()

    @property
    def found(self) -> int:
        """How much was found until now."""
        raise NotImplementedError

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


def iterated(spans: Spans) -> Generator[int | None, None, None]:
    """Spans as a generator, which can be closed, and closes what it reads."""
    yield from spans
