"""A line to a command (RFC 2229 2.2: atoms, strings in quotes, quoted-pairs)."""

from __future__ import annotations

import re

from attrs import define

# One RFC 2.2 string: pieces of any kind that stand together are one. The lone
# backslash and the lone quote at the end are what clients send by mistake.
_STRING = re.compile(
    r"""(?: [^ \t"'\\]+ | \\. | \\$
          | "(?:[^"\\]|\\.)*(?:"|\\?$)
          | '(?:[^'\\]|\\.)*(?:'|\\?$) )+""",
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(
    r"""(?P<atom>[^"'\\]+) | \\(?P<pair>.?)
      | "(?P<double>(?:[^"\\]|\\.)*)(?P<double_end>"|\\?$)
      | '(?P<single>(?:[^'\\]|\\.)*)(?P<single_end>'|\\?$)""",
    re.VERBOSE | re.DOTALL,
)
_PAIR = re.compile(r"\\(.)", re.DOTALL)
# A quoted-pair in octets, and whether its second one is a part of a longer character.
_OCTET_PAIR = re.compile(rb"\\(?:([\x80-\xff])|.)", re.DOTALL)
_WHOLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)

# C0 without TAB, DEL, C1, line and paragraph separators, and the marks that
# reverse the direction of what follows them on a terminal.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@define  # a value, but freezing it would cost a tenth of a whole look-up
class Command:
    """A line that was understood as far as its form goes.

    :ivar verb: the first string, in upper case; empty for an empty line.
    :ivar words: the strings after it, quotes and quoted-pairs resolved.
    :ivar line: the whole, blanks in front trimmed; ``verb_end`` is where the verb ends in it.
    :ivar flaw: why the arguments cannot be used, or empty.
    :ivar unterminated: a quote was still open at the end of the line.
    """

    verb: str
    words: tuple[str, ...]
    line: str
    verb_end: int
    flaw: str = ""
    unterminated: bool = False

    @property
    def rest(self) -> str:
        """What follows the verb as it stands, blanks trimmed."""
        return self.line[self.verb_end :].strip(" \t")


NOTHING = Command("", (), "", 0)


def parse(line: bytes) -> Command:
    """Read one line.

    Never raises: a verb that cannot be one is simply not in anybody's table, and
    what is wrong with the arguments is told in :attr:`Command.flaw`, because
    the reply depends on whether the verb exists (500) or not (501).

    :param line: without its line end.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        text = _of_octets(line)
    # What nearly every line is: atoms divided by single blanks, and perhaps a string in quotes at the end.
    if text.isprintable() and "\\" not in text and "'" not in text:
        head, quote, last = text.partition('"')
        words = head.split(" ")
        if quote and not words[-1] and last.find('"') == len(last) - 1 >= 0:
            words.pop()
            if words and "" not in words:
                return Command(upper(words[0]), (*words[1:], last[:-1]), text, len(words[0]))
        elif not quote and "" not in words:
            return Command(upper(words[0]), tuple(words[1:]), text, len(words[0]))
    return _parse_slowly(text)


def _of_octets(line: bytes) -> str:
    """A line that is not UTF-8: curl puts a backslash before each octet of a character; any other has a flaw."""
    try:
        return _OCTET_PAIR.sub(lambda pair: pair[1] or pair[0], line).decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("utf-8", "surrogateescape")


def _parse_slowly(text: str) -> Command:
    """As :func:`parse`, for lines of any form."""
    text = text.lstrip(" \t")
    unterminated = False
    strings: list[str] = []
    verb_end = 0
    for match in _STRING.finditer(text):
        raw = match[0]
        if not strings:
            verb_end = match.end()
        if '"' in raw or "'" in raw or "\\" in raw:
            value, open_end = _unquote(raw)
            unterminated = unterminated or open_end
            strings.append(value)
        else:
            strings.append(raw)
    if not strings:
        return NOTHING
    return Command(upper(strings[0]), tuple(strings[1:]), text, verb_end, _flaw(text[verb_end:]), unterminated)


def phrase(rest: str) -> str:
    """The rest of a line as one string, the way people type: ``Q crow's nest``.

    Quotes and backslashes mean themselves, unless the whole is one ``"..."``.

    :param rest: :attr:`Command.rest`, or what is left of it.
    """
    whole = _WHOLE.fullmatch(rest)
    return _PAIR.sub(r"\1", whole[1]).strip(" \t") if whole else rest


def upper(string: str) -> str:
    """A verb in upper case, of ASCII alone: ``ſtatus`` is not STATUS."""
    return string.upper() if string.isascii() else string


def _unquote(raw: str) -> tuple[str, bool]:
    """One string without its quotes, and whether a quote was left open."""
    value: list[str] = []
    unterminated = False
    for piece in _PIECE.finditer(raw):
        if piece["atom"] is not None:
            value.append(piece["atom"])
        elif piece["pair"] is not None:
            value.append(piece["pair"])
        elif piece["double"] is not None:
            value.append(_PAIR.sub(r"\1", piece["double"]))
            unterminated = unterminated or piece["double_end"] != '"'
        else:
            value.append(_PAIR.sub(r"\1", piece["single"]))
            unterminated = unterminated or piece["single_end"] != "'"
    return "".join(value), unterminated


def _flaw(rest: str) -> str:
    try:
        rest.encode("utf-8")
    except UnicodeEncodeError:
        return "the words are not UTF-8"
    if _CONTROL.search(rest):
        return "control characters are not allowed"
    return ""
