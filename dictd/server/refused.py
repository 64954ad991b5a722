"""A connection that is not let in: one line that says why and what to do, and it is gone."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure

from dictd.doors import Admission
from dictd.errors import Unavailable
from dictd.wire import replies

_DONE = Failure(ConnectionDone())
_SENTENCES = {
    Admission.FULL: "the server is full, please try again in a minute",
    Admission.NETWORK_FULL: "too many connections from your network, please close one or try again soon",
    Admission.TOO_FAST: "too many new connections from your network, please wait some seconds",
    Admission.BANNED: "your network is shut out for a time, please ask the administrator",
}
_LINES = {refused: replies.error(Unavailable(sentence)).last for refused, sentence in _SENTENCES.items()}


class Refused(Protocol):
    """No session, no timer, nothing kept: floods must be cheap.

    What the client has sent already is read once, for a socket that is closed
    with something unread is reset, and the line might be lost with it.

    :param silent: the line would cost a handshake, so nothing is said.
    """

    def __init__(self, why: Admission, silent: bool = False) -> None:
        self._line = b"" if silent else _LINES[why]

    def connectionMade(self) -> None:
        transport: Any = self.transport
        if isinstance(transport, Connection):
            with suppress(OSError):
                if self._line:
                    transport.socket.send(self._line)
                transport.socket.recv(65536)
            transport.connectionLost(_DONE)  # as the reactor does, two rounds earlier
        else:
            transport.write(self._line)
            transport.loseConnection()
