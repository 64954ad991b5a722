"""One connection of the soak: lines and their answers, plain or in TLS, from an address of its own."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Sequence

from attrs import define, field, frozen

from benchmarks.answers import RIGHT, UNCONFIRMED, endings

#: Seconds without an answer after which it counts as missing; hashes wait long on a machine that others use, too.
PATIENCE = 60.0
_PIECE = 1 << 16


class Cut(Exception):  # noqa: N818 - what happened to the connection
    """The server has hung up, or nobody was there."""


class Missing(Exception):  # noqa: N818 - an answer
    """An answer that did not come."""


class Wrong(Exception):  # noqa: N818 - an answer
    """An answer that is not the right one."""


@frozen
class Answer:
    """All of one answer.

    :ivar ending: its final status.
    :ivar unconfirmed: it does not promise that the look-up is kept.
    """

    text: bytes
    ending: str
    unconfirmed: bool

    @property
    def last(self) -> str:
        """Its last line."""
        return self.text.decode("utf-8", "replace").rstrip().rpartition("\n")[2][:200]

    def found(self, pattern: str) -> str:
        """The group of a pattern.

        :raises Wrong: it is not there.
        """
        match = re.search(pattern, self.text.decode("utf-8", "replace"))
        if match is None:
            raise Wrong(f"the answer has no {pattern}")
        return match[1]


@define(eq=False)
class Line:
    """A connection.

    :ivar address: from which it comes; ``local``: the port there.
    :ivar room: bytes that the kernel may keep of what was not read; 0: as it likes.
    """

    address: str
    port: int
    room: int = 0
    local: int = 0
    _socket: socket.socket = field(factory=socket.socket)
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def connect(self, context: ssl.SSLContext | None) -> None:
        """Connect.

        :param context: with TLS from the first byte.
        :raises Cut: nobody is there.
        """
        self._socket.setblocking(False)
        if self.room:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.room)
        try:
            async with asyncio.timeout(PATIENCE):
                self._socket.bind((self.address, 0))
                self.local = self._socket.getsockname()[1]
                await asyncio.get_running_loop().sock_connect(self._socket, ("127.0.0.1", self.port))
                self._reader, self._writer = await asyncio.open_connection(
                    sock=self._socket,
                    limit=self.room or _PIECE,
                    ssl=context,
                    server_hostname="localhost" if context else None,
                )
        except TimeoutError:
            raise Missing(f"it did not come to a connection in {PATIENCE:g} s") from None
        except OSError as error:
            raise Cut(f"no connection: {error!r}") from None

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on with TLS."""
        assert self._writer
        try:
            async with asyncio.timeout(PATIENCE):
                await self._writer.start_tls(context, server_hostname="localhost")
        except TimeoutError:
            raise Missing(f"the handshake was not over in {PATIENCE:g} s") from None
        except OSError as error:
            raise Cut(f"the handshake: {error!r}") from None

    async def banner(self) -> str:
        """The first line.

        :raises Wrong: it is no banner.
        """
        heard = b""
        while not heard.endswith(b"\n"):
            heard += await self._piece()
        if not heard.startswith(b"220 "):
            raise Wrong(f"the banner is {heard!r}")
        return heard.decode().rstrip()

    async def ask(self, text: str) -> Answer:
        """Say a line and hear its answer.

        :raises Cut: the connection ended before.
        :raises Missing: there was none.
        """
        self.write(text.encode("utf-8", "surrogateescape") + b"\r\n")
        heard = b""
        while (found := endings(heard, 1) if heard else None) is None:
            heard += await self._piece()
        unconfirmed = found[0] == UNCONFIRMED
        return Answer(heard, RIGHT if unconfirmed else " ".join(found), unconfirmed)

    async def sip(self, lines: Sequence[str], size: int, pause: float, enough: float) -> list[str]:
        """Say lines at once and take their answers slowly; after some seconds as fast as they come."""
        self.write("".join(f"{line}\r\n" for line in lines).encode())
        heard = bytearray()
        end = time.monotonic() + enough
        while True:
            slowly = time.monotonic() < end
            heard += await self._piece(size if slowly else _PIECE)
            if slowly:
                await asyncio.sleep(pause)
            # Counted before it is read: that takes long where there is much.
            if heard.count(b"\r\n.\r\n250 ") >= len(lines) and (found := endings(bytes(heard), len(lines))):
                return found

    def write(self, octets: bytes) -> None:
        """Send; what was not taken waits here.

        :raises Cut: the connection has ended.
        """
        assert self._writer
        if self._writer.is_closing():
            raise Cut("cut before the line")
        self._writer.write(octets)

    async def ended(self) -> None:
        """The server is to hang up now.

        :raises Wrong: it has something more to say.
        """
        assert self._reader
        try:
            async with asyncio.timeout(PATIENCE):
                rest = await self._reader.read(_PIECE)
        except TimeoutError:
            raise Missing("it does not hang up") from None
        except OSError:
            return
        if rest:
            raise Wrong(f"behind the last answer came {rest[:100]!r}")

    async def _piece(self, size: int = _PIECE) -> bytes:
        assert self._reader
        try:
            async with asyncio.timeout(PATIENCE):
                piece = await self._reader.read(size)
        except TimeoutError:
            raise Missing(f"no answer in {PATIENCE:g} s") from None
        except OSError as error:
            raise Cut(f"cut: {error!r}") from None
        if not piece:
            raise Cut("cut")
        return piece

    def option(self, level: int, name: int, value: bytes) -> None:
        """Set an option of the socket, where there still is one."""
        if self._socket.fileno() >= 0:
            self._socket.setsockopt(level, name, value)

    def abort(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.transport.abort()
        else:
            self._socket.close()
