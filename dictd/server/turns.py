"""Lines to answers, in order and in turns, so that nobody waits long for another."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from dictd.errors import DictError, LineTooLong, Unavailable
from dictd.server.answer import Held
from dictd.server.outgoing import Outgoing
from dictd.server.session import Session
from dictd.tally import UNKNOWN
from dictd.wire import replies
from dictd.wire.replies import Reply

if TYPE_CHECKING:
    from dictd.server.factory import DictFactory

#: Seconds after which a turn ends.
TURN = 0.002

_NO_HTTP = replies.status(500, "this is a DICT server, it does not speak HTTP")


class Turns(LineReceiver):
    """The half of a connection that answers; the other is :class:`dictd.server.protocol.DictProtocol`.

    :ivar closing: nothing more is heard.
    :ivar serial: the number of this connection among all that its factory made, from 1 on.
    :ivar commands: how many lines were answered, or are being; ``heard``: when the latest had its turn,
        seconds of the factory's clock.
    """

    log = Logger()

    factory: DictFactory
    _outgoing: Outgoing

    def __init__(self, session: Session) -> None:
        self.session = session
        self.closing = False
        self.serial = 0
        self.commands = 0
        self.heard = 0.0
        self._lines: deque[bytes | None] = deque()
        self._first = True
        self._waiting = False  # an answer is on its way; the next line must not overtake it
        self._reading = True
        self._turn_scheduled = False
        self._ended = False  # the client will send no more
        self._draining = False  # the server stops

    def _touch(self, now: float | None = None) -> None:
        raise NotImplementedError

    def _start_tls(self, out: list[bytes]) -> None:
        raise NotImplementedError

    def turn_away(self, trouble: DictError) -> None:
        """Say why, and close."""
        raise NotImplementedError

    def close(self) -> None:
        """The one way out."""
        raise NotImplementedError

    def _turn(self) -> float:
        """Answer some lines, in order, and write what they gave; when that was."""
        out: list[bytes] = []
        size = 0
        lines, session, seconds = self._lines, self.session, self.factory.clock.seconds
        limits, watch = self.factory.limits, self.factory.watch
        self.heard = now = seconds()
        end = now + TURN
        for _ in range(min(limits.lines_a_turn, len(lines))):
            line = lines.popleft()
            begun = now
            self.commands += 1
            answer: Any = self._answer(line)
            now = seconds()
            if type(answer) is Reply:
                out += (answer.head, answer.last)
                size += len(answer.head)
                session.counts.answered(session.verb, answer.last, now - begun)
                if watch is not None:
                    watch.answered(self, line, answer.last, now - begun)
            elif type(answer) is Held:
                out.append(answer.reply.head)
                size += len(answer.reply.head)
                self._await(answer.ending(), out, begun, line)
            else:
                self._await(Deferred.fromCoroutine(answer), out, begun, line)
            if self._waiting:
                break
            if session.leaving:
                if session.starting_tls:
                    self._start_tls(out)
                    return now
                lines.clear()
                self._outgoing.write(b"".join(out))
                self.close()
                return now
            if size >= limits.unread_kib << 10 or now > end:
                break
        if out:
            self._outgoing.write(b"".join(out))
        if lines or self._ended or self._draining or not self._reading:
            self._go_on()
        return now

    def _go_on(self) -> None:
        """After a turn: another one, more input, or the end."""
        if self.closing or self._waiting:
            return
        if self._lines:
            if not self._outgoing.slow:
                self._schedule_turn()
        elif self._draining:
            self.turn_away(self.factory.farewell())
        elif self._ended:
            self.close()
        elif not self._reading:
            self._reading = True
            self._touch()
            self.transport.resumeProducing()  # type: ignore[union-attr]

    def _answer(self, line: bytes | None) -> Any:
        if self._first:
            self._first = False
            if line is None or _is_http(line):
                # Perhaps a browser was led here; it must not be able to say anything.
                self.session.leaving = True
                self.session.verb = UNKNOWN
                return self.session.refused(LineTooLong(self.factory.limits.line_octets)) if line is None else _NO_HTTP
        if line is None:
            self.session.verb = UNKNOWN
            return self.session.refused(LineTooLong(self.factory.limits.line_octets))
        return self.session.answer(line)

    def _await(self, ending: Deferred[Reply], out: list[bytes], begun: float, line: bytes | None) -> None:
        """What ends this answer may come later; no other answer overtakes it.

        If it is there already it joins what the turn has to write.

        :param begun: when its line had its turn.
        """
        late = False

        def arrived(reply: Reply) -> None:
            data = reply.head + reply.last
            took = self.factory.clock.seconds() - begun
            self.session.counts.answered(self.session.verb, reply.last, took)
            if self.factory.watch is not None:
                self.factory.watch.answered(self, line, reply.last, took)
            if late:
                self._arrived(data)
            else:
                out.append(data)

        before = len(out)
        ending.addErrback(self._broken)
        ending.addCallback(arrived)
        late = self._waiting = len(out) == before

    def _arrived(self, reply: bytes) -> None:
        self._waiting = False
        if self.closing:
            return
        self._outgoing.write(reply)
        if self.session.leaving:
            self._lines.clear()
            self.close()
            return
        self._touch()
        self._go_on()

    def _broken(self, failure: Failure) -> Reply:
        self.log.failure("an answer was lost", failure=failure)
        return replies.error(Unavailable())

    def _schedule_turn(self) -> None:
        if not self._turn_scheduled:
            self._turn_scheduled = True
            self.factory.put_off(self.scheduled_turn)

    def scheduled_turn(self) -> None:
        """The turn that was put off."""
        self._turn_scheduled = False
        if not self.closing and not self._outgoing.slow:
            self._turn()

    def stop_reading(self) -> None:
        """Leave what comes where it is, until there is room."""
        if self._reading and not self.closing:
            self._reading = False
            self.transport.pauseProducing()  # type: ignore[union-attr]


def _is_http(line: bytes) -> bool:
    """Whether a line looks like the first of an HTTP request."""
    parts = line.split(b" ")
    return len(parts) == 3 and parts[0].isupper() and parts[2].startswith(b"HTTP/") and parts[1] != b""
