"""Bytes to lines: bounded, linear in time, always in step (RFC 2229 2.3, 2.4)."""

from __future__ import annotations

from attrs import define, field

#: Longest command line in octets, its end included (RFC 2229 2.3).
MAX_LINE = 6144


@define
class Framing:
    """Cuts a stream into lines.

    A line ends with LF or CRLF. One that is over the limit is reported
    once as ``None`` and dropped to its end; the next line is intact, however
    the stream was cut into pieces.

    :param most: the limit, octets with the end.
    :ivar partial: the beginning of a line whose end has not come.
    :ivar dropping: inside a line that was reported as too long.
    """

    most: int = MAX_LINE
    partial: bytes = b""
    dropping: bool = False
    _pieces: list[bytes] = field(factory=list)
    _held: int = 0

    def feed(self, received: bytes) -> list[bytes | None]:
        """Take what came and return the lines that are whole now.

        :param received: any piece of the stream.
        :returns: lines without their ends; ``None`` for one that was too long.
        """
        if not received.endswith(b"\n") or self.partial or self.dropping:
            return self._feed_slowly(received)
        lines: list[bytes | None] = []
        for line in received[:-1].split(b"\n"):
            if len(line) >= self.most:
                lines.append(None)
            elif line[-1:] == b"\r":
                lines.append(line[:-1])
            else:
                lines.append(line)
        return lines

    def _feed_slowly(self, received: bytes) -> list[bytes | None]:
        """As :meth:`feed`, with a line that goes on over pieces."""
        *ended, rest = received.split(b"\n")
        lines: list[bytes | None] = []
        for line in ended:
            if self.dropping:
                self.dropping = False
                continue
            if self._held:
                line = b"".join((*self._pieces, line))
                self._forget()
            if len(line) >= self.most:
                lines.append(None)
            else:
                lines.append(line[:-1] if line[-1:] == b"\r" else line)
        if rest and not self.dropping:
            self._pieces.append(rest)
            self._held += len(rest)
            if self._held >= self.most:
                self._forget()
                self.dropping = True
                lines.append(None)
        # Few pieces or many, `partial` is only asked whether there is one.
        self.partial = self._pieces[0] if self._pieces else b""
        return lines

    def _forget(self) -> None:
        self._pieces.clear()
        self._held = 0
