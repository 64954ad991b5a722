"""Whoever looks on while people are served, if anybody does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dictd.server.turns import Turns


class Watch(Protocol):
    """Told of all that happens on all connections of a process. Must not raise."""

    def came(self, connection: Turns) -> None:
        """Somebody is connected."""

    def gone(self, connection: Turns) -> None:
        """Somebody is not any more."""

    def answered(self, connection: Turns, line: bytes | None, last: bytes, seconds: float) -> None:
        """A line has its answer.

        :param line: ``None``: it was too long.
        :param last: the last line of the answer.
        """

    def told(self, connection: Turns, last: bytes) -> None:
        """Somebody is told something, as a good bye, that is no answer."""
