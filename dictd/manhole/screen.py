"""What a prompt is to those who print to it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred

T = TypeVar("T")


class Screen(Protocol):
    """The terminal of one session of the shell.

    :ivar closed: called when the session ends, in order.
    """

    closed: list[Callable[[], None]]

    def say(self, text: str) -> None:
        """Print lines above the one that is being typed."""


#: Makes what can be named at a prompt, afresh for each session.
Namespace = Callable[[Screen], dict[str, Any]]


class Soon(Deferred[T]):
    """A result for which a prompt waits, whether ``await`` was typed or not."""

    @classmethod
    def of(cls, work: Coroutine[Any, Any, T]) -> Soon[T]:
        """Begin."""
        begun = Deferred.fromCoroutine(work)
        soon = cls(lambda _: begun.cancel())
        begun.chainDeferred(soon)
        return soon

    async def result_of(self) -> T:
        """The same as a coroutine."""
        return await self
