"""A client that does on the wire what goldendict-ng does, its carelessness included.

It looks at its socket once each time something arrives, and while it greets it
reads one line of what is there: what came together with that line is never
looked at. It writes ``SHOW DB`` before it reads the banner, believes every count,
takes the first thing in quotes for the headword, the first empty line for the
end of the MIME headers, and throws away what has come after the first text. An
answer that comes in pieces is lost on it.
"""

from __future__ import annotations

import select
import socket

from attrs import define, frozen

#: So many matches are shown.
MOST = 60
_PATIENCE = 20.0


@frozen
class Article:
    """What it shows of the first definition.

    :ivar source: the title of the database and its name.
    :ivar html: one of the MIME headers said so.
    """

    source: str
    text: str
    html: bool = False


@define(eq=False)
class _Socket:
    """A socket as Qt shows it: a buffer that grows each time something arrives."""

    connection: socket.socket
    there: bytes = b""

    @classmethod
    def connected(cls, port: int) -> _Socket:
        return cls(socket.create_connection(("127.0.0.1", port), _PATIENCE))

    def arrived(self) -> int:
        """Wait until something arrives; how much it is."""
        if not select.select([self.connection], [], [], _PATIENCE)[0]:
            raise AssertionError(f"it hangs: nothing comes any more, {self.there!r} was not looked at")
        return len(self.connection.recv(1 << 20, socket.MSG_PEEK))

    def wake(self) -> None:
        """Wait until something arrives, and have it in the buffer."""
        piece = self.connection.recv(self.arrived() or 1)
        if not piece:
            raise EOFError(f"the server hung up after {self.there!r}")
        self.there += piece

    def line(self) -> bytes:
        """A line, or what there is of it; nothing if there is nothing."""
        end = self.there.find(b"\n") + 1 or len(self.there)
        line, self.there = self.there[:end], self.there[end:]
        return line

    def write(self, line: str) -> None:
        self.connection.sendall(f"{line}\r\n".encode())


@define(eq=False)
class GoldenDict:
    """Somebody who has one DICT server among the dictionaries.

    :ivar patient: wait for the rest of an answer, where goldendict-ng would show nothing.
    """

    port: int
    databases: tuple[str, ...] = ("*",)
    strategies: tuple[str, ...] = ("prefix",)
    patient: bool = False

    def describe(self) -> list[str]:
        """What it does when it starts: the lines of SHOW DB, asked for before the banner is read."""
        wire = _Socket.connected(self.port)
        with wire.connection:
            banner = wire.arrived()
            wire.write("SHOW DB")
            wire.there += wire.connection.recv(banner)
            found: list[str] = []
            count = -1
            _expect(wire.line(), b"220")
            while True:
                wire.wake()
                reply = wire.line()
                if count < 0:
                    if reply[:3] != b"110":
                        continue
                    count = int(reply.split()[1])
                    reply = wire.line()
                while reply:
                    if reply[:1] == b".":
                        # It says CLIENT now and keeps the socket; nobody looks at what comes.
                        assert len(found) == count, (found, count)
                        wire.write("CLIENT GoldenDict")
                        return found
                    found.append(reply.decode().strip())
                    reply = wire.line()

    def look_up(self, word: str) -> tuple[list[str], list[Article]]:
        """What it does for each word that is typed: matches and articles, on two sockets at once."""
        matching, defining = _Socket.connected(self.port), _Socket.connected(self.port)
        with matching.connection, defining.connection:
            self._greet(matching, "GoldenDict-w")
            self._greet(defining, "GoldenDict-t")
            requests = [(database, strategy) for strategy in self.strategies for database in self.databases]
            first, *_ = requests
            matching.write(f'MATCH {first[0]} {first[1]} "{word}"')
            defining.write(f'DEFINE {self.databases[0]} "{word}"')
            matches = self._matches(matching, requests, word)
            articles = self._articles(defining, word)
            for wire in (matching, defining):
                wire.write("QUIT")
        return matches, articles

    def _greet(self, wire: _Socket, name: str) -> None:
        """Each answer is one line of one wake-up, and another one if it does not fit."""
        for said, wanted in ((f"CLIENT {name}", b"220"), ("OPTION MIME", b"250"), ("", b"250")):
            wire.wake()
            _expect(wire.line(), wanted)
            if said:
                wire.write(said)

    def _matches(self, wire: _Socket, requests: list[tuple[str, str]], word: str) -> list[str]:
        found: dict[str, None] = {}
        for number, (database, strategy) in enumerate(requests):
            if number:
                wire.write(f'MATCH {database} {strategy} "{word}"')
            wire.wake()
            reply = wire.line()
            if reply[:3] != b"152":
                continue
            while (reply := reply.strip()) != b".":
                _, blank, match = reply.partition(b" ")
                if reply[:3] != b"152" and blank:
                    found[match.removesuffix(b'"').removeprefix(b'"').decode()] = None
                    if len(found) == MOST:
                        return list(found)
                reply = self._next(wire)
            wire.there = b""
        return list(found)

    def _articles(self, wire: _Socket, word: str) -> list[Article]:
        found = []
        for number, database in enumerate(self.databases):
            if number:
                wire.write(f'DEFINE {database} "{word}"')
            wire.wake()
            reply = wire.line()
            if reply[:3] == b"552":
                continue
            _expect(reply, b"150")
            assert int(reply.split()[1]) >= 1, reply
            _expect(reply := self._next(wire), b"151")
            name, title = _source(reply)
            html = False
            while (reply := self._next(wire)) != b"\r\n":
                html = html or b"text/html" in reply.lower()
            text = b""
            while (reply := self._next(wire)) != b".\r\n":
                text += reply
            wire.there = b""
            found.append(Article(f"{title}[{name}]", text.decode().replace("\r\n", "\n"), html))
        return found

    def _next(self, wire: _Socket) -> bytes:
        """The next line of a text."""
        while self.patient and b"\n" not in wire.there:
            wire.wake()
        line = wire.line()
        assert line.endswith(b"\n"), f"the answer comes in pieces, this one ends in {line!r}: it is lost"
        return line


def _source(line: bytes) -> tuple[str, str]:
    """Name and title of a 151 line, cut as it cuts: a quoted-pair in the headword misleads it."""
    rest = line.decode()[5:]
    rest = rest[rest.index('"') + 2 :]
    name, _, title = rest.partition(" ")
    return name, title.strip().strip('"')


def _expect(line: bytes, code: bytes) -> None:
    assert line[:3] == code, f"{code.decode()} was expected, {line!r} came"
