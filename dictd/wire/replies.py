"""Replies to bytes: codes, texts, dot-stuffing, MIME headers (RFC 2229 2.4, 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import define

from dictd.errors import DictError

#: Longest line of a text in characters, its end left out (RFC 2229 2.4.3).
MAX_TEXT_LINE = 1022

# What never leaves: control characters but LF, and marks that turn a terminal's writing direction.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What needs a character in front: a dot, and what looks like a status.
_PREFIXED = re.compile(r"\.|\d\d\d(?: |$)")
_PREFIXED_LATER = re.compile(r"\n(?:\.|\d\d\d(?: |\n|$))")

MIME_TEXT = b"Content-type: text/plain; charset=utf-8\r\nContent-transfer-encoding: 8bit\r\n\r\n"
MIME_HTML = MIME_TEXT.replace(b"plain", b"html")
#: An empty header block. GoldenDict and its kin take every line of a list for
#: a match or a database, and only an empty line for nothing.
MIME_LIST = b"\r\n"


@define  # a value, but one is made for each line
class Reply:
    """One answer, ready to leave.

    :ivar head: everything before the last line.
    :ivar last: the final status line, its end included.
    """

    head: bytes
    last: bytes

    @property
    def code(self) -> int:
        """The final status."""
        return int(self.last[:3])


def one_line(value: str) -> str:
    """A string that cannot break a line: control characters and line ends become blanks."""
    return value if value.isprintable() else _CONTROL.sub(" ", value.replace("\n", " ").replace("\t", " "))


def status(code: int, text: str) -> Reply:
    """A reply of one line."""
    return Reply(b"", b"%d %s\r\n" % (code, one_line(text).encode("utf-8")))


def error(trouble: DictError) -> Reply:
    """The reply that an error is."""
    return status(trouble.code, trouble.text)


OK = status(250, "ok")


def text(code: int, headline: str, body: str, mime: bool = False, last: Reply = OK) -> Reply:
    """A text reply: ``headline``, the body, a lone dot, the final line.

    :param body: lines divided by ``\\n``, not yet stuffed or wrapped.
    :param mime: put the header block of OPTION MIME in front (RFC 2229 3.10.1).
    """
    head = b"%d %s\r\n" % (code, one_line(headline).encode("utf-8"))
    return Reply(b"".join((head, MIME_TEXT if mime else b"", text_block(body), b".\r\n")), last.last)


def listing(code: int, headline: str, lines: Iterable[str], mime: bool = False, last: Reply = OK) -> Reply:
    """A reply whose text is a list, one thing a line: 110, 111, 152, 180; lines are not wrapped.

    :param lines: each begins with a name or a time, so none begins with a dot.
    """
    head = b"%d %s\r\n" % (code, headline.encode("utf-8"))
    body = "".join([f"{line}\r\n" for line in lines]).encode("utf-8")
    return Reply(b"".join((head, MIME_LIST if mime else b"", body, b".\r\n")), last.last)


def matches(count: int, lines: bytes, mime: bool, last: Reply) -> Reply:
    """``152`` and its list (RFC 2229 3.3).

    :param lines: as they leave, each with its line end.
    """
    return Reply(b"152 %d matches found\r\n%b%b.\r\n" % (count, MIME_LIST if mime else b"", lines), last.last)


def definitions(found: Sequence[tuple[bytes, bytes, bytes]], mime: bool = False) -> Reply:
    """``150``, a ``151`` with its text for each, ``250 ok`` (RFC 2229 3.2).

    :param found: for each definition the headword, the rest of its 151 line
        (see :func:`source_of`) and its text block, all as they leave.
    """
    header = MIME_TEXT if mime else b""
    if len(found) == 1:
        headword, source, block = found[0]
        return Reply(
            b'150 1 definitions retrieved\r\n151 "%b"%b%b%b.\r\n' % (quoted(headword), source, header, block), OK.last
        )
    parts = [b"150 %d definitions retrieved\r\n" % len(found)]
    for headword, source, block in found:
        parts.append(b'151 "%b"%b%b%b.\r\n' % (quoted(headword), source, header, block))
    return Reply(b"".join(parts), OK.last)


def quoted(value: bytes) -> bytes:
    """The inside of a quoted string: quotes and backslashes become quoted-pairs."""
    if b'"' in value or b"\\" in value:
        return value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return value


def in_quotes(value: str) -> str:
    """A string in quotes, as 110, 152 and 180 lines carry it."""
    if not value.isprintable():
        value = one_line(value)
    if '"' in value or "\\" in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'


def width(value: str) -> int:
    """How many characters a string takes between its quotes."""
    return len(value) + value.count('"') + value.count("\\")


def source_of(name: str, title: str) -> bytes:
    """What follows the headword in a 151 line: database and title."""
    return f" {name} {in_quotes(title)}\r\n".encode()


def text_block(body: str) -> bytes:
    """A text as it leaves, without the lone dot.

    Control characters are taken out, lines over 1,024 characters wrapped, a
    leading dot doubled (RFC 2229 2.4.3), and a line that looks like a status
    ("100 grams") gets a blank in front, because goldendict-ng drops it else.
    """
    body = body.rstrip("\r\n")
    if not body.replace("\n", "").isprintable():
        body = _CONTROL.sub("", body.replace("\r\n", "\n").replace("\r", "\n")).rstrip("\n")
    if not body:
        return b""
    if not _special(body):
        return body.replace("\n", "\r\n").encode("utf-8") + b"\r\n"
    lines: list[str] = []
    for line in body.expandtabs().split("\n"):
        for piece in _wrapped(line):
            if _PREFIXED.match(piece):
                piece = ("." if piece[0] == "." else " ") + piece
            lines.append(piece)
    return "\r\n".join([*lines, ""]).encode("utf-8")


def _special(body: str) -> bool:
    """Whether a text differs from its own lines as they leave."""
    return (
        "\t" in body
        or _PREFIXED.match(body) is not None
        or _PREFIXED_LATER.search(body) is not None
        or (len(body) > MAX_TEXT_LINE and any(len(line) > MAX_TEXT_LINE for line in body.split("\n")))
    )


def _wrapped(line: str) -> Iterable[str]:
    """The line in pieces, each with room for the character that may be put in front."""
    while len(line) > MAX_TEXT_LINE - bool(_PREFIXED.match(line)):
        room = MAX_TEXT_LINE - 1
        cut = line.rfind(" ", room // 2, room) + 1 or room
        yield line[:cut]
        line = line[cut:]
    yield line
