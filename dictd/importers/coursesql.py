"""SQL of dumps, piece by piece: words, names, values and marks with their lines. Nothing is ever executed.

Of mysqldump, mariadb-dump, phpMyAdmin and Navicat, and what people type
themselves. Comments are passed over, also those that only some servers heed
(``/*!40101 ... */``); what one of them says of the time zone is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import define, field, frozen

from dictd.errors import ImportRefused

#: Characters of one value or one comment at most.
LONGEST = 16 << 20
_PIECE = 1 << 16
#: Characters that are in sight behind the next token, unless the file ends: more than any mark or number has.
_SIGHT = 512

# Possessive throughout: what a quote has begun is not taken for anything else when its end is not in sight yet.
_TOKEN = re.compile(
    r"""(?P<blank>[\s\ufeff\0]++ | --(?=[\s\0]|\Z)[^\n]*+ | \#[^\n]*+ | /\*(?:[^*]++|\*(?!/))*+\*/)
      | (?P<text>'(?:[^'\\]++|\\.|'')*+' | "(?:[^"\\]++|\\.|"")*+")
      | (?P<name>`(?:[^`]++|``)*+`)
      | (?P<hex>0x[0-9a-f]++(?!\w) | x'[0-9a-f]*+')
      | (?P<bits>0b[01]++(?!\w) | b'[01]*+')
      | (?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:e[+-]?[0-9]++)?+(?![\w]))
      | (?P<word>[\w$@]++)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
#: What has no meaning where a statement is passed over, as far as it is in sight.
_PASSED = re.compile(
    r"""(?:[^'"`;/#-]++|'(?:[^'\\]++|\\.|'')*+'|"(?:[^"\\]++|\\.|"")*+"|`(?:[^`]++|``)*+`)*+""", re.DOTALL
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MEANS = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}
_TIME_ZONE = re.compile(r"\bTIME_ZONE\s*=\s*['\"]([^'\"]{1,64})['\"]", re.IGNORECASE)


@frozen
class Token:
    """A piece of SQL.

    :ivar kind: ``text``, ``name``, ``hex``, ``bits``, ``number``, ``word``, ``mark``, or ``end`` of the file.
    :ivar raw: as it is written.
    """

    kind: str
    raw: str

    def is_word(self, *words: str) -> bool:
        """Whether it is one of some key words, given in capitals."""
        return self.kind == "word" and self.raw.upper() in words

    def is_mark(self, mark: str) -> bool:
        """Whether it is a mark."""
        return self.kind == "mark" and self.raw == mark

    @property
    def named(self) -> str:
        """The name that it is, empty where it is none."""
        if self.kind == "name":
            return self.raw[1:-1].replace("``", "`")
        if self.kind == "text" and self.raw[0] == '"':
            return self.raw[1:-1].replace('""', '"')
        return self.raw if self.kind == "word" else ""

    @property
    def value(self) -> str | bytes:
        """The text, the number as it is written, or the octets that it stands for."""
        if self.kind == "text":
            return unquoted(self.raw)
        if self.kind == "hex":
            digits = self.raw[2:].rstrip("'")
            return bytes.fromhex("0" * (len(digits) % 2) + digits)
        return self.raw


END = Token("end", "")


@define
class Scanner:
    """Goes through a dump.

    :param read: the next characters, so many at most; none at the end.
    :param shown: the file, for people.
    :ivar time_zone: what the dump has last set.
    """

    _read: Callable[[int], str]
    shown: str
    time_zone: str = field(default="", init=False)
    _text: str = field(default="", init=False)
    _at: int = field(default=0, init=False)
    _passed: int = field(default=0, init=False)
    _ended: bool = field(default=False, init=False)

    @property
    def line(self) -> int:
        """The number of the line where it is, from 1."""
        return 1 + self._passed + self._text.count("\n", 0, self._at)

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        if self._at == len(self._text):
            self._more()
        return self._ended and self._at == len(self._text)

    def refused(self, why: str) -> ImportRefused:
        """What is wrong where it is."""
        return ImportRefused(f"{self.shown}: line {self.line}: {why}")

    def next(self) -> Token:
        """The next piece that is no comment.

        :raises ImportRefused: a quote or a comment has no end.
        """
        while True:
            if len(self._text) - self._at < _SIGHT:
                self._more()
            if self._at == len(self._text):
                return END
            found = _TOKEN.match(self._text, self._at)
            if found is None:
                raise self.refused("something stands here that is no SQL")
            if not self._ended and (found.end() == len(self._text) or self._begins(found)):
                self._ensure_short()
                self._more()
                continue
            if self._begins(found):
                raise self.refused("a quote or a comment begins here that never ends")
            self._at = found.end()
            kind, raw = found.lastgroup or "", found[0]
            if kind != "blank":
                return Token(kind, raw)
            if raw.startswith(("/*!", "/*M!")) and (zone := _TIME_ZONE.search(raw)):
                self.time_zone = zone[1]

    def pass_statement(self) -> None:
        """Go behind the end of the statement.

        :raises ImportRefused: as :meth:`next`.
        """
        while True:
            found = _PASSED.match(self._text, self._at)
            end = found.end() if found else self._at
            if end == len(self._text) > self._at and self._text[-1] in "'\"`" and not self._ended:
                self._ensure_short()
                self._more()  # perhaps it is the first of two quotes, which are one inside
                continue
            self._at = end
            token = self.next()
            if token is END or token.is_mark(";"):
                return

    def _begins(self, found: re.Match[str]) -> bool:
        """Whether this is the mark of something of which no end is in sight."""
        if found["mark"]:
            return found[0] in "'\"`" or self._text.startswith("/*", found.start())
        return found["word"] is not None and found[0] in "xXbB" and self._text.startswith("'", found.end())

    def _ensure_short(self) -> None:
        if len(self._text) - self._at > LONGEST:
            raise self.refused(f"something begins here that is longer than {LONGEST >> 20} million characters")

    def rest_of_line(self) -> str:
        """What stands before the end of the line, and goes behind it."""
        while (end := self._text.find("\n", self._at)) < 0 and not self._ended:
            self._ensure_short()
            self._more()
        end = len(self._text) if end < 0 else end + 1
        rest, self._at = self._text[self._at : end], end
        return rest.strip()

    def _more(self) -> None:
        """Have more in sight; twice as much each time, so that a long value is not looked at over and over."""
        if self._ended:
            return
        self._passed += self._text.count("\n", 0, self._at)
        left = self._text[self._at :]
        piece = self._read(max(_PIECE, len(left)))
        self._ended = not piece
        self._text, self._at = left + piece, 0


def unquoted(raw: str) -> str:
    """The text of a literal in quotes.

    >>> unquoted(r"'it''s \\'so\\' \\\\ \\n'")
    "it's 'so' \\\\ \\n"
    """
    quote, text = raw[0], raw[1:-1]
    if "\\" not in text:
        return text.replace(quote * 2, quote)
    parts = []
    at = 0
    for escape in _ESCAPE.finditer(text):
        parts.append(text[at : escape.start()].replace(quote * 2, quote))
        parts.append(_MEANS.get(escape[1], escape[1]))
        at = escape.end()
    return "".join(parts) + text[at:].replace(quote * 2, quote)
