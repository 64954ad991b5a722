"""A client that speaks TLS in memory."""

from __future__ import annotations

import ssl
from typing import Any

from attrs import define, field

from tests.support.certificates import trusting
from tests.support.house import Client, final_codes


@define(eq=False)
class SealedClient:
    """TLS over a connection in memory, from now on."""

    client: Client
    context: ssl.SSLContext = field(factory=trusting)
    _incoming: ssl.MemoryBIO = field(factory=ssl.MemoryBIO)
    _outgoing: ssl.MemoryBIO = field(factory=ssl.MemoryBIO)
    tls: ssl.SSLObject = field(init=False)

    @tls.default
    def _tls(self) -> ssl.SSLObject:
        return self.context.wrap_bio(self._incoming, self._outgoing)

    @property
    def line(self) -> Any:
        """The transport."""
        return self.client.line

    def begin(self) -> bytes:
        """The first bytes of a handshake."""
        self._step(self.tls.do_handshake)
        return self._outgoing.read()

    def pass_on(self, data: bytes) -> None:
        """Bytes to the server as they are, as its transport would."""
        self.line.protocol.dataReceived(data)
        for _ in range(4):
            self.client.clock.advance(0)

    def shake(self) -> SealedClient:
        """The whole handshake."""
        self.pass_on(self.begin())
        for _ in range(3):
            self._incoming.write(self.client.heard())
            self._step(self.tls.do_handshake)
            if data := self._outgoing.read():
                self.pass_on(data)
        assert self.tls.version() is not None
        return self

    def send(self, data: bytes, behind: bytes = b"") -> None:
        """Plain bytes, sealed, in one piece; and perhaps bytes behind them as they are."""
        self.tls.write(data)
        self.pass_on(self._outgoing.read() + behind)

    def close(self) -> bytes:
        """What says that there is no more."""
        self._step(self.tls.unwrap)
        return self._outgoing.read()

    def heard(self) -> bytes:
        """What the server has said since the last time; everything it sent was TLS."""
        self._incoming.write(self.client.heard())
        pieces = []
        while piece := self._step(self.tls.read):
            pieces.append(piece)
        return b"".join(pieces)

    @property
    def told_goodbye(self) -> bool:
        """Whether the server has said that there is no more."""
        self._incoming.write(self.client.heard())
        try:
            return self.tls.read() == b""
        except ssl.SSLZeroReturnError:
            return True
        except ssl.SSLWantReadError:
            return False

    def codes(self, *lines: str) -> list[int]:
        """The final status of each line."""
        self.send("".join(f"{line}\r\n" for line in lines).encode())
        return final_codes(self.heard())

    def _step(self, step: Any) -> Any:
        try:
            return step()
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            return None
