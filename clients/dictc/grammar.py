"""Strings of RFC 2229 2.2, both ways, and texts that may be shown on a terminal."""

from __future__ import annotations

import re

from dictc.exits import Exit
from dictc.troubles import Trouble

#: Longest line that is sent, in octets, its end included (RFC 2229 2.3 allows 1,024
#: characters; in UTF-8 one can take up to four octets, and dictd takes 6,144).
MAX_COMMAND = 4096

# What never reaches a terminal: C0 but TAB and LF, DEL, C1, line and paragraph
# separators, and the marks that turn the direction of what follows them.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_STRING = re.compile(r"""(?:[^ \t"'\\]+|\\.|\\$|"(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$))+""", re.DOTALL)
_PIECE = re.compile(
    r""" "((?:[^"\\]|\\.)*)(?:"|\\?$) | '((?:[^'\\]|\\.)*)(?:'|\\?$) | ((?:[^"'\\]|\\.)+) | \\$ """,
    re.VERBOSE | re.DOTALL,
)
_PAIR = re.compile(r"\\(.)", re.DOTALL)


def quoted(value: str) -> str:
    """A string as it goes into a command: in quotes, quotes and backslashes as quoted-pairs.

    :raises Trouble: it holds control characters (a line end would begin a
        command of its own) or is no Unicode text.
    """
    if _CONTROL.search(value):
        raise Trouble("control characters cannot be looked up or sent", Exit.BAD_PARAMETER)
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Trouble("what was typed is not valid UTF-8", Exit.BAD_PARAMETER) from None
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def command(verb: str, *strings: str) -> bytes:
    """One line as it is sent, its end included.

    :param verb: as it stands, with what else needs no quoting; never abbreviated (RFC 2229 6.1).
    :param strings: the arguments; those that are not atoms are quoted.
    :raises Trouble: a string that cannot be sent, or a line too long for servers.
    """
    words = [verb]
    for string in strings:
        atom = string.isascii() and string.replace("-", "").replace("_", "").isalnum()
        words.append(string if atom or string in ("*", "!", ".") else quoted(string))
    line = " ".join(words).encode("utf-8") + b"\r\n"
    if len(line) > MAX_COMMAND:
        raise Trouble("this is longer than a word can be", Exit.BAD_PARAMETER)
    return line


def strings(line: str) -> list[str]:
    """The strings of a line, quotes and quoted-pairs resolved; a quote left open ends with the line."""
    found = []
    for match in _STRING.finditer(line):
        raw = match[0]
        if '"' in raw or "'" in raw or "\\" in raw:
            raw = "".join(_PAIR.sub(r"\1", piece[1] or piece[2] or piece[3] or "") for piece in _PIECE.finditer(raw))
        found.append(raw)
    return found


def shown(text: str) -> str:
    """A text without what a terminal would obey instead of show; tabs and line ends stay."""
    return text if text.isprintable() else _UNSHOWABLE.sub("", text)
