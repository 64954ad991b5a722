"""Bytes to replies, in whatever pieces they come, and never more of them than there is room for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dictc.grammar import shown, strings
from dictc.troubles import NotDict

#: Longest line and longest reply that are taken, in octets. RFC 2229 2.4.3 has lines of 1,024
#: characters and no limit for a text; MATCH with a wide pattern lists a whole dictionary.
MAX_LINE = 1 << 20
MAX_REPLY = 1 << 25

#: Statuses that a text follows (RFC 2229 3, and dictd's 180 and 184).
WITH_TEXT = frozenset((110, 111, 112, 113, 114, 151, 152, 180, 184))
_STATUS = re.compile(rb"([1-5]\d\d)(?: |$)")


@dataclass(frozen=True, slots=True)
class Section:
    """A status that a text follows, and the text.

    :ivar status: the line, its code included.
    :ivar lines: the text, unstuffed, with nothing a terminal would obey.
    """

    status: str
    lines: list[str]

    @property
    def words(self) -> list[str]:
        """The strings of the status line, the code left out."""
        return strings(self.status[4:])


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole answer.

    :ivar code: of the line that ended it.
    :ivar text: of that line, the code left out.
    :ivar sections: the texts before it.
    :ivar size: octets it took.
    """

    code: int
    text: str
    sections: list[Section]
    size: int

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The lines of its texts as two strings each (110, 111, 152); a line with one has an empty second.

        A line is given once when the next repeats it, as dict(1) does.
        """
        found = []
        for section in self.sections:
            last = None
            for line in section.lines:
                words = strings(line) if line != last else []
                last = line
                if words:
                    found.append((words[0], " ".join(words[1:])))
        return found


@dataclass(slots=True)
class Parser:
    """Takes what comes and gives whole replies, in order."""

    _rest: bytes = b""
    _status: bytes | None = None
    _lines: list[bytes] = field(default_factory=list)
    _sections: list[Section] = field(default_factory=list)
    _size: int = 0

    def feed(self, piece: bytes) -> list[Reply]:
        """Take a piece.

        :returns: the replies that ended in it, none to many.
        :raises NotDict: a status was due and something else came, or a line
            or a reply is too long.
        """
        lines = (self._rest + piece).split(b"\n") if b"\n" in piece else [self._rest + piece]
        self._rest = lines.pop()
        replies = []
        for line in lines:
            self._size += len(line) + 1
            reply = self._line(line[:-1] if line.endswith(b"\r") else line)
            if reply is not None:
                replies.append(reply)
        if len(self._rest) > MAX_LINE or self._size > MAX_REPLY:
            raise NotDict("the server sends more than an answer can be")
        return replies

    def _line(self, line: bytes) -> Reply | None:
        if self._status is not None:
            if line == b".":
                self._sections.append(Section(_text(self._status), _texts(self._lines)))
                self._status, self._lines = None, []
            else:
                self._lines.append(line[1:] if line.startswith(b"..") else line)
            return None
        status = _STATUS.match(line)
        if status is None:
            raise NotDict(f"this is no DICT server, it says: {_text(line)[:60]}")
        code = int(status[1])
        if code in WITH_TEXT:
            self._status = line
            return None
        if code < 200:  # 150, and what else is preliminary
            return None
        reply = Reply(code, _text(line[4:]), self._sections, self._size)
        self._sections, self._size = [], 0
        return reply


def _text(line: bytes) -> str:
    return shown(line.decode("utf-8", "replace"))


def _texts(lines: list[bytes]) -> list[str]:
    """All lines at once: most texts need no more than one look."""
    return shown(b"\n".join(lines).decode("utf-8", "replace")).split("\n") if lines else []
