"""What supervisor and workers say to each other: AMP over a socket pair.

A value of AMP has at most 65,535 bytes; what may be longer goes in parts
(:func:`parts`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

#: The descriptor on which a worker has its end.
CHANNEL = 3
#: Bytes of JSON in one message.
_MOST = 60_000
#: How long an answer may take, seconds; whoever is silent longer is killed.
PATIENCE = 5.0


class Json(amp.Argument):
    """Any value of JSON, up to 65,535 bytes of it.

    Half a pair of UTF-16, which text of Python may have and UTF-8 has not, is escaped.
    """

    def toString(self, inObject: Any) -> bytes:
        return json.dumps(inObject, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")

    def fromString(self, inString: bytes) -> Any:
        return json.loads(inString)


def parts(rows: list[Any], most: int = _MOST) -> Iterator[list[Any]]:
    """Lists that fit into a message each, in order."""
    part: list[Any] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace")) + 1
        if part and size + length > most:
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part


# A worker to the supervisor ---------------------------------------------------


class Ready(amp.Command):
    """It serves."""

    arguments = [(b"facts", Json())]
    requiresAnswer = False


class Beat(amp.Command):
    """It lives.

    ``doors``: what changed in its connections, see :meth:`dictd.limits.Doors.take_delta`;
    ``facts``: how it is, or null.
    """

    arguments = [(b"doors", Json()), (b"facts", Json())]
    requiresAnswer = False


class Dictionaries(amp.Command):
    """What it serves now: rows of name, title, headwords; ``first``: these are the first of them."""

    arguments = [(b"rows", Json()), (b"first", amp.Boolean())]
    requiresAnswer = False


class Counts(amp.Command):
    """What it has counted so far, see :class:`dictd.tally.Tally`."""

    arguments = [(b"snapshot", Json())]
    requiresAnswer = False


class Penalty(amp.Command):
    """How long must this try wait?"""

    arguments = [(b"account", amp.Unicode()), (b"host", amp.Unicode())]
    response = [(b"seconds", amp.Integer())]


class Ended(amp.Command):
    """A try has ended."""

    arguments = [(b"account", amp.Unicode()), (b"host", amp.Unicode()), (b"outcome", amp.Unicode())]
    requiresAnswer = False


class Registration(amp.Command):
    """May this network register?"""

    arguments = [(b"host", amp.Unicode())]
    response = [(b"seconds", amp.Integer())]


class Distrust(amp.Command):
    """A file of the lexicon is damaged."""

    arguments: ClassVar[list[Any]] = []
    requiresAnswer = False


# Both ways: a worker asks, the supervisor asks all others ---------------------------


class Expel(amp.Command):
    """Log a user out; of those who came by a key only, where one is named."""

    arguments = [(b"user", amp.Integer()), (b"key", amp.Unicode(optional=True))]
    response = [(b"count", amp.Integer())]


class Keep(amp.Command):
    """Whether look-ups of a user are kept from now on."""

    arguments = [(b"user", amp.Integer()), (b"keeps", amp.Boolean())]
    response = [(b"count", amp.Integer())]


class TakeBack(amp.Command):
    """Take rows of the history back that are on their way."""

    arguments = [(b"user", amp.Integer()), (b"k", amp.String(optional=True))]
    response = [(b"count", amp.Integer())]


# The supervisor to a worker -------------------------------------------------------


class Elsewhere(amp.Command):
    """What changed in the connections of the others, and what they have counted, or null."""

    arguments = [(b"doors", Json()), (b"counts", Json())]
    requiresAnswer = False


class Adopt(amp.Command):
    """Listen on the socket of a worker that does not."""

    arguments = [(b"place", amp.Unicode()), (b"kind", amp.Unicode()), (b"descriptor", amp.Descriptor())]
    response: ClassVar[list[Any]] = []


class GiveBack(amp.Command):
    """Listen no longer on the sockets of that worker."""

    arguments = [(b"place", amp.Unicode())]
    response: ClassVar[list[Any]] = []


class Retire(amp.Command):
    """Take no more connections; end when the last has, or after so many seconds."""

    arguments = [(b"seconds", amp.Float())]
    response: ClassVar[list[Any]] = []


class Stop(amp.Command):
    """End."""

    arguments: ClassVar[list[Any]] = []
    response: ClassVar[list[Any]] = []


class Sessions(amp.Command):
    """Who is connected, from a row of the list on."""

    arguments = [(b"first", amp.Integer())]
    response = [(b"sessions", Json()), (b"more", amp.Boolean())]


class Kick(amp.Command):
    """End the connections of a user or an address, or the one of an id; all of them folded."""

    arguments = [(b"name", amp.Unicode())]
    response = [(b"count", amp.Integer())]


class SignOut(amp.Command):
    """The account of a user has changed: log it out, and end its connections."""

    arguments = [(b"user", amp.Integer())]
    response = [(b"count", amp.Integer())]


class Ban(amp.Command):
    """Let a network in no longer, for so many seconds, and end its connections; 0 lifts the ban."""

    arguments = [(b"network", amp.Unicode()), (b"seconds", amp.Float())]
    response = [(b"count", amp.Integer())]


class KeepMisses(amp.Command):
    """Add to the store what was not found; how many words wait for it all the same."""

    arguments: ClassVar[list[Any]] = []
    response = [(b"count", amp.Integer())]


class Misses(amp.Command):
    """What nobody found and nobody would find now, from a row of the list on.

    ``wanted``: most, since, dictionary, least, see :class:`dictd.store.misses.Wanted`; ``stored``: whether
    it is what the store has, or only what waits here; ``found``: how many words are found now;
    ``others``: look-ups of words that were too many.
    """

    arguments = [(b"wanted", Json()), (b"first", amp.Integer())]
    response = [
        (b"words", Json()),
        (b"more", amp.Boolean()),
        (b"stored", amp.Boolean()),
        (b"found", amp.Integer()),
        (b"others", amp.Integer()),
    ]


class Channel(amp.AMP):
    """One end; what it is asked is in its subclasses."""

    noisy = False
    log = Logger()

    @property
    def open(self) -> bool:
        """Whether there is another end."""
        return self.transport is not None

    def dispatchCommand(self, box: amp.AmpBox) -> Any:
        """Answer; trouble in it is logged, and does not cost the channel, as AMP has it.

        Nor does a command that is told and not known: the other end may be a newer program.
        """

        def trouble(failure: Failure) -> amp.AmpBox:
            asked, name = amp.ASK in box, box[amp.COMMAND].decode("ascii", "replace")
            if failure.check(amp.RemoteAmpError):
                if asked:
                    failure.raiseException()
                self.log.warn("{name} is not known here", name=name)
            else:
                self.log.failure("{name} went wrong", name=name, failure=failure)
                if asked:
                    raise amp.RemoteAmpError(amp.UNKNOWN_ERROR_CODE, b"it went wrong", fatal=False)
            return amp.AmpBox()

        return super().dispatchCommand(box).addErrback(trouble)

    async def ask(
        self, clock: IReactorTime, command: type[amp.Command], /, patience: float = PATIENCE, **arguments: Any
    ) -> dict[str, Any]:
        """Ask, and wait for the answer.

        :param patience: how long, seconds.
        :raises Silent: the other end does not answer, or has ended.
        """
        if not self.open:
            raise Silent(f"{command.__name__}: the other end has gone")
        try:
            answer: dict[str, Any] = await self.callRemote(command, **arguments).addTimeout(patience, clock)
        except (ConnectionClosed, amp.ProtocolSwitched, amp.RemoteAmpError, amp.UnhandledCommand, TimedOut) as error:
            raise Silent(f"{command.__name__}: {error}") from None
        return answer

    def tell(self, command: type[amp.Command], /, **arguments: Any) -> None:
        """Say something that needs no answer; nobody hears it where the other end has gone."""
        if self.open:
            self.callRemote(command, **arguments)


def one(link: Channel) -> Factory:
    """A factory that makes this end and no other."""
    factory = _Quiet()
    factory.protocol = lambda: link
    return factory


class _Quiet(Factory):
    noisy = False


class Silent(Exception):
    """The other end gave no answer."""
