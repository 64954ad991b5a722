"""Somebody at a terminal of a test."""

from __future__ import annotations

from collections import deque
from typing import Any

from attrs import define, field

from dictd.manhole.dialogue import Dialogue
from dictd.manhole.session import Wire
from tests.support.glass import Glass

#: Keys as terminals send them.
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
RETURN, TAB, BACKSPACE, CTRL_C, CTRL_D, CTRL_R = "\r", "\t", "\x7f", "\x03", "\x04", "\x12"


@define(eq=False)
class Other(Wire):
    """The other side of a session.

    :ivar status: with which it ended.
    """

    glass: Glass = field(factory=Glass)
    raw: bytes = b""
    complaints: bytes = b""
    status: int | None = None
    backlog: int = 0

    def put(self, octets: bytes) -> None:
        self.raw += octets
        self.glass.feed(octets)

    def complain(self, octets: bytes) -> None:
        self.complaints += octets

    def waiting(self) -> int:
        return self.backlog

    def leave(self, status: int) -> None:
        assert self.status is None, "left twice"
        self.status = status


@define(eq=False)
class Person:
    """Types, and reads the screen."""

    names: dict[str, Any] = field(factory=dict)
    past: deque[str] = field(factory=lambda: deque(maxlen=5))
    columns: int = 80
    wire: Other = field(init=False)
    session: Dialogue = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.wire = Other(Glass(self.columns))
        self.session = Dialogue(1, self.wire, lambda _: self.names, self.past, "welcome")
        self.session.terminal.size(self.columns)
        self.session.begin()

    @property
    def glass(self) -> Glass:
        """The screen."""
        return self.wire.glass

    def type(self, *keys: str) -> str:
        """Type, one octet after the other as they come over a slow line; the screen then, below the greeting."""
        for octet in "".join(keys).encode():
            self.session.typed(bytes([octet]))
        return self.seen()

    def enter(self, *keys: str) -> str:
        """Type a line."""
        return self.type(*keys, RETURN)

    def seen(self) -> str:
        """The screen, below the greeting."""
        return "\n".join(self.glass.lines()[1:])
