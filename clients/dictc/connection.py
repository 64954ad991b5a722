"""A connection: addresses in turn, commands in a row, replies in order, patience that ends."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import time
from collections import deque
from dataclasses import dataclass, field

from dictc import __version__
from dictc.address import Address
from dictc.grammar import command
from dictc.replies import Parser, Reply
from dictc.troubles import ConnectionTrouble, NotDict, Refused

#: Seconds in which something has to come.
TIMEOUT = 5.0
#: A reply that trickles in is waited for this many times as long, in all.
WHOLE = 12
_PIECE = 1 << 16
#: How a server that waits for TLS answers to anything else: an alert (RFC 8446 6), of any version.
_ALERT = b"\x15\x03"
# Linux: acknowledge at once. C dictd writes a reply in several pieces and waits 40 ms between them else.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


@dataclass(eq=False)
class Connection:
    """One connection to a server.

    :meth:`send` never waits, so that any number of commands can be under way;
    :meth:`receive` writes and reads until the next reply is whole.

    :ivar timeout: seconds in which something has to come.
    :ivar banner: the server's first line, once a reply was received.
    """

    server: Address
    timeout: float = TIMEOUT
    banner: str = ""
    _socket: socket.socket = field(default_factory=socket.socket, repr=False)
    _parser: Parser = field(default_factory=Parser, repr=False)
    _unsent: bytearray = field(default_factory=bytearray, repr=False)
    _received: deque[Reply] = field(default_factory=deque, repr=False)

    @classmethod
    def opened(
        cls, server: Address, timeout: float = TIMEOUT, family: int = socket.AF_UNSPEC, ca: str = ""
    ) -> Connection:
        """Connect, and say who we are; the banner is read with the first reply.

        :param family: ``AF_INET`` or ``AF_INET6`` to have only those addresses.
        :param ca: for TLS, a file of certificates that are trusted; empty for those the system trusts.
        :raises ConnectionTrouble: no address of the server can be reached, or its certificate is not trusted.
        :raises Trouble: there is no certificate in the file.
        """
        if server.secure:
            from dictc.seal import sealed, trusting  # ssl takes longer to load than all of dictc

            trusting(ca)  # before anybody is called
            made = sealed(_connect(server, timeout, family), server, timeout, ca)
        else:
            made = _connect(server, timeout, family)
        connection = cls(server, timeout, _socket=made)
        connection.send(command("CLIENT", f"dictc {__version__}"))
        return connection

    def send(self, line: bytes) -> None:
        """Have a command sent, with the next :meth:`receive` at the latest."""
        self._unsent += line

    def greet(self) -> None:
        """Wait for the banner and the answer to CLIENT.

        :raises Refused: the server wants nobody, or not us (420, 421, 530).
        :raises ConnectionTrouble, NotDict: see :meth:`receive`.
        """
        if not self.banner:
            banner = self._next()
            if banner.code != 220:
                raise (
                    Refused(banner.code, banner.text)
                    if banner.code >= 400
                    else NotDict(f"this is no DICT server, it says: {banner.code} {banner.text}"[:100])
                )
            self.banner = banner.text
            _leaving(self._next())

    def receive(self) -> Reply:
        """The next reply, whatever it says.

        :raises Refused: 421, the server closes the connection.
        :raises ConnectionTrouble: nothing came in time, or the server is gone.
        :raises NotDict: it does not speak DICT, or too much.
        """
        self.greet()
        return _leaving(self._next())

    def ask(self, line: bytes) -> Reply:
        """Send one command and wait for its reply."""
        self.send(line)
        return self.receive()

    @property
    def capabilities(self) -> set[str]:
        """What the banner says the server can (RFC 2229 3.1)."""
        found = re.search(r"<([^<>@]*)>", self.banner)
        return set(found[1].split(".")) if found else set()

    @property
    def gone(self) -> bool:
        """Nothing was asked, and yet something came: the end of the connection, or 421 before it."""
        try:
            # Not poll(): with TLS something may come that is for nobody to see. What is read here is not missed.
            return bool(self._received) or self._socket.recv(1) is not None
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Take leave and hang up; waits for nothing."""
        with contextlib.suppress(OSError):
            if not self._unsent:
                self._socket.send(b"QUIT\r\n")
        self._socket.close()

    def _next(self) -> Reply:
        end = time.monotonic() + self.timeout * WHOLE
        while not self._received:
            left = min(self.timeout, end - time.monotonic())
            if left <= 0:
                raise ConnectionTrouble(f"{self.server} takes too long to answer")
            if not self._exchange(left) and left == self.timeout:
                raise ConnectionTrouble(f"{self.server} has not answered for {left:g} s")
        return self._received.popleft()

    def _exchange(self, seconds: float) -> bool:
        """Write what can be written, read what can be read; both, or two full pipes would wait for each other.

        :returns: whether anything could be done in time.
        """
        wanted = select.poll()
        wanted.register(self._socket, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        ready = wanted.poll(seconds * 1000)
        if not ready:
            return False
        events = ready[0][1]
        try:
            if events & select.POLLOUT:
                del self._unsent[: self._socket.send(self._unsent[:_PIECE])]
            if events & ~select.POLLOUT:
                piece = self._socket.recv(_PIECE)
                if not piece:
                    raise ConnectionTrouble(f"{self.server} closed the connection{self._perhaps}")
                if _QUICKACK is not None:
                    self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
                if not self.banner and piece.startswith(_ALERT):
                    raise ConnectionTrouble(f"{self.server} speaks TLS, say --server dicts://{self.server}")
                self._received += self._parser.feed(piece)
        except BlockingIOError:
            pass
        except OSError as error:
            raise ConnectionTrouble(f"the connection to {self.server} broke ({_why(error)}){self._perhaps}") from None
        return True

    @property
    def _perhaps(self) -> str:
        """Advice for a connection that ended: one with TLS ends before the banner when we begin without."""
        return "" if self.banner or self.server.secure else f"; has it TLS? say --server dicts://{self.server}"


def _leaving(reply: Reply) -> Reply:
    if reply.code == 421:
        raise Refused(421, reply.text)
    return reply


def _connect(server: Address, timeout: float, family: int) -> socket.socket:
    """The first address of the server that answers."""
    advice = "is the server running? 'make run' starts one, --server names another"
    why = "no address"
    try:
        # As octets: getaddrinfo loads the tables of international names for any str.
        host = server.host.encode("ascii" if server.host.isascii() else "idna")
        found = socket.getaddrinfo(host, server.port, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConnectionTrouble(f"cannot find {server} ({_why(error)}); --server names another") from None
    end = time.monotonic() + timeout
    for number, (kind, _, protocol, _, place) in enumerate(found):
        # Each gets its share of what is left: a dead first address leaves time for the second.
        share = max((end - time.monotonic()) / (len(found) - number), 0.1)
        connection = None
        try:
            connection = socket.socket(kind, socket.SOCK_STREAM, protocol)
            connection.settimeout(share)
            connection.connect(place)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
        except OSError as error:
            why = _why(error)
            if connection is not None:
                connection.close()
        else:
            return connection
    raise ConnectionTrouble(f"cannot reach {server} ({why}); {advice}")


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "timed out" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
