"""What is open in a connection: sessions of the shell."""

from __future__ import annotations

import struct
from typing import Any

from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.common import getNS
from twisted.conch.ssh.connection import (
    EXTENDED_DATA_STDERR,
)
from twisted.conch.ssh.session import parseRequest_pty_req, parseRequest_window_change
from twisted.logger import Logger

from dictd.manhole.dialogue import Dialogue
from dictd.manhole.entering import Guest
from dictd.manhole.program import Program
from dictd.manhole.quiet import QUIET
from dictd.manhole.session import Wire
from dictd.manhole.shell import Shell

_log = Logger()


class Channel(SSHChannel, Wire):
    """One session: a shell with or without a terminal, or one command."""

    name = b"session"
    conn: Any
    _log = QUIET

    def __init__(self, shell: Shell, guest: Guest, window: int, packet: int) -> None:
        super().__init__(remoteWindow=window, remoteMaxPacket=packet)
        self._shell = shell
        self._guest = guest
        self._columns: int | None = None
        self._session: Dialogue | Program | None = None
        self._begun = 0.0
        self._number = 0
        self._over = False

    # What the other side asks for ------------------------------------------------

    def channelOpen(self, specificData: bytes) -> None:
        """It is open."""
        self._shell.sessions.add(self)
        self._begun = self._shell.reactor.seconds()
        self._number = self._shell.number()
        _log.info(
            "shell {number} begins: {guest}, from {peer}",
            number=self._number,
            guest=self._guest.shown,
            peer=self.conn.transport.peer_shown(),
            audit=True,
        )

    def request_pty_req(self, data: bytes) -> int:
        """A terminal."""
        if not self._guest.key.terminal or self._session is not None:
            return 0
        _, (_, columns, _, _), _ = parseRequest_pty_req(data)
        self._columns = columns
        return 1

    def request_window_change(self, data: bytes) -> int:
        """The terminal has another size."""
        _, columns, _, _ = parseRequest_window_change(data)
        if isinstance(self._session, Dialogue):
            self._session.terminal.size(columns)
        return 1

    def request_shell(self, data: bytes) -> int:
        """A prompt; without a terminal what comes by standard input is run."""
        if self._session is not None:
            return 0
        if self._columns is None:
            self._session = self._program(begun=False)
            return 1
        past, greeting = self._shell.past(self._guest.key.fingerprint), self._shell.greeting()
        self._session = session = Dialogue(self._number, self, self._shell.namespace, past, greeting)
        session.terminal.size(self._columns)
        session.begin()
        return 1

    def request_exec(self, data: bytes) -> int:
        """One command."""
        if self._session is not None:
            return 0
        source = getNS(data)[0].decode("utf-8", "replace")
        self._session = session = self._program(begun=True)
        # After the answer to the request: what was printed before it would be lost on some clients.
        self._shell.reactor.callLater(0, self._begin, session, source)
        return 1

    def request_signal(self, data: bytes) -> int:
        """``kill -INT`` of what runs."""
        if getNS(data)[0] == b"INT" and self._session is not None:
            self._session.interrupt()
        return 1

    def dataReceived(self, data: bytes) -> None:
        """Something was typed."""
        if self._session is not None and not self._over:
            self._session.typed(data)

    def extReceived(self, dataType: int, data: bytes) -> None:
        """Nobody asked for it."""

    def eofReceived(self) -> None:
        """The other side sends no more."""
        if self._session is not None and not self._over:
            self._session.finished()

    def closed(self) -> None:
        """It is over, whoever said so."""
        self._shell.sessions.discard(self)
        self._over = True
        if self._session is not None:
            self._session.lost()
        seconds = self._shell.reactor.seconds() - self._begun
        _log.info("shell {number} ends after {seconds:.0f} s", number=self._number, seconds=seconds, audit=True)

    def farewell(self, words: str) -> None:
        """End it from here."""
        if self._session is not None and not self._over:
            self._session.farewell(words)

    # The wire of its session ------------------------------------------------------

    def put(self, octets: bytes) -> None:
        """To its standard output."""
        if not self.localClosed and not self.closing:
            self.write(octets)

    def complain(self, octets: bytes) -> None:
        """To its standard error."""
        if not self.localClosed and not self.closing:
            self.writeExtended(EXTENDED_DATA_STDERR, octets)

    def waiting(self) -> int:
        """Octets that it has not taken yet."""
        return len(self.buf) + sum(len(data) for _, data in self.extBuf)

    def leave(self, status: int) -> None:
        """End with a status."""
        if not self._over:
            self._over = True
            self.conn.sendRequest(self, b"exit-status", struct.pack(">L", status))
            self.loseConnection()

    def _program(self, begun: bool) -> Program:
        at_terminal = self._columns is not None
        return Program(self._number, self, self._shell.namespace, begun, at_terminal, self._columns or 80)

    def _begin(self, session: Program, source: str) -> None:
        if not self._over:
            session.begin(source)
