"""All sessions of the shell of one server."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, Protocol

from attrs import define, field
from twisted.logger import Logger

from dictd.manhole.screen import Namespace

#: Sessions at a time; connections that have not logged in yet.
MOST_SESSIONS, MOST_STRANGERS = 8, 16
#: How often it is told that there are too many of these, seconds.
_TELL_EVERY = 60.0
#: What was typed before is kept for so many keys, and so many lines of each.
_KEYS_REMEMBERED, _LINES_REMEMBERED = 32, 1000

_log = Logger()


class Open(Protocol):
    """A session that is open."""

    def farewell(self, words: str) -> None:
        """End it from here."""


class Stranger(Protocol):
    """A connection that has not logged in."""

    def drop(self) -> None:
        """End it from here."""


@define(eq=False)
class Shell:
    """What sessions have in common.

    :param namespace: what can be named in a session.
    :param greeting: what a session begins with.
    :ivar sessions: those that are open.
    :ivar strangers: connections that have not logged in, the oldest first.
    """

    namespace: Namespace
    greeting: Callable[[], str]
    reactor: Any
    sessions: set[Open] = field(factory=set, init=False)
    strangers: dict[Stranger, None] = field(factory=dict, init=False)
    _numbers: int = field(default=0, init=False)
    _told: float | None = field(default=None, init=False)
    _pasts: OrderedDict[str, deque[str]] = field(factory=OrderedDict, init=False)

    def number(self) -> int:
        """Of one more session."""
        self._numbers += 1
        return self._numbers

    def welcome(self, stranger: Stranger) -> None:
        """One more, for whom the oldest has to go where there are many: those who are silent keep nobody out."""
        if len(self.strangers) >= MOST_STRANGERS:
            now = self.reactor.seconds()
            if self._told is None or now - self._told >= _TELL_EVERY:
                self._told = now
                _log.warn(
                    "{count} connections to the shell have not logged in; the oldest is ended for each that comes",
                    count=len(self.strangers),
                )
            next(iter(self.strangers)).drop()
        self.strangers[stranger] = None

    def past(self, fingerprint: str) -> deque[str]:
        """What was typed before by who has a key."""
        past = self._pasts.setdefault(fingerprint, deque(maxlen=_LINES_REMEMBERED))
        self._pasts.move_to_end(fingerprint)
        while len(self._pasts) > _KEYS_REMEMBERED:
            self._pasts.popitem(last=False)
        return past

    def close(self, words: str) -> None:
        """End all sessions."""
        for session in list(self.sessions):
            session.farewell(words)
