"""Ports on sockets that outlast them: other processes listen there as well, or will."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.interfaces import IProtocolFactory


def adopted(reactor: Any, descriptor: int, family: int, factory: IProtocolFactory) -> Any:
    """Listen on a listening socket; the descriptor stays the caller's.

    Nothing happens to the socket, at the beginning or the end. ``adoptStreamPort``
    sees to that for TCP; of a unix socket it would open the file to everybody, or
    fail where that is gone or another user's, shorten the queue, and at the end
    remove the file and shut the socket down for everybody.
    """
    if family != socket.AF_UNIX:
        return reactor.adoptStreamPort(descriptor, family, factory)
    port = _Unix._fromListeningDescriptor(reactor, descriptor, factory)
    port.startListening()
    return port


class _Unix(unix.Port):
    _shouldShutdown = False

    def startListening(self) -> None:
        port: Any = self
        tcp._reservedFD.reserve()
        port.factory.doStart()
        port.socket, port._preexistingSocket = port._preexistingSocket, None
        port.fileno = port.socket.fileno
        port.connected = True
        port.numberAccepts = 100
        port.startReading()

    def connectionLost(self, reason: Any) -> None:
        tcp.Port.connectionLost(self, reason)
