"""What a session says to a line: a reply, one whose last line waits, or one that comes later."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred

from dictd.wire.replies import Reply

_NOT_CONFIRMED = b" (history not confirmed)\r\n"


@frozen
class Held:
    """A reply whose last line waits: the text goes out at once.

    :ivar kept: fires with whether the look-up is in the history.
    """

    reply: Reply
    kept: Deferred[bool]

    def ending(self) -> Deferred[Reply]:
        """Fires with the last line, alone."""
        return self.kept.addCallback(self._ending)

    def _ending(self, kept: bool) -> Reply:
        return Reply(b"", self.reply.last if kept else self.reply.last[:-2] + _NOT_CONFIRMED)


Answer = Reply | Held | Coroutine[Any, Any, Reply]
