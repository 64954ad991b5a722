"""POSIX regular expressions to RE2's: what ``grep -E -i`` and ``grep -i`` read, written as RE2 reads it.

Not everything that RE2 lacks can be written in other words: back-references are
refused, and the boundaries of words (``\\b \\B \\< \\>``) know the letters of
ASCII alone.
"""

from __future__ import annotations

import re
import unicodedata

from attrs import define, field, frozen

from dictd.lexicon.brackets import LETTER, Bracket, literal, refuse

#: RE2's own bound of ``{m,n}``.
MOST_REPEATED = 1000

_WORD = "0-9_" + LETTER
_ESCAPES = {
    "w": f"[{_WORD}]",
    "W": f"[^{_WORD}]",
    "s": r"[\x09-\x0d ]",
    "S": r"[^\x09-\x0d ]",
    "b": r"\b",
    "B": r"\B",
    "<": r"\b",  # RE2 cannot ask on which side of a boundary it stands
    ">": r"\b",
    "`": "^",
    "'": "$",
}
_INTERVAL = re.compile(r"(\d*)(,?)(\d*)")


def translate(pattern: str, extended: bool) -> str:
    """A POSIX pattern in RE2's syntax.

    :param extended: read it as ``grep -E`` does, else as ``grep -G``.
    :raises BadArguments: the reason.
    """
    return _Reader(unicodedata.normalize("NFC", pattern), extended).read()


@frozen
class _Piece:
    """What a repetition repeats.

    :ivar text: in RE2's syntax, or the character itself if it is ``plain``.
    """

    text: str
    plain: bool = False

    @property
    def written(self) -> str:
        """In RE2's syntax."""
        return literal(self.text) if self.plain else self.text


@define
class _Group:
    """A parenthesis that is open, or the whole pattern: alternatives, the last of them unfinished."""

    done: list[str] = field(factory=list)
    pieces: list[_Piece] = field(factory=list)

    def alternative(self) -> None:
        """Finish an alternative; characters side by side are folded together, as in a headword."""
        written: list[str] = []
        run = ""
        for piece in self.pieces:
            if piece.plain:
                run += piece.text
            else:
                written += [literal(run), piece.text]
                run = ""
        self.done.append("".join([*written, literal(run)]))
        self.pieces = []

    def closed(self) -> str:
        """All alternatives."""
        self.alternative()
        return "|".join(self.done)


@define
class _Reader:
    """Reads a pattern once, from left to right.

    :ivar at: the next character.
    :ivar only_anchors: nothing but anchors stands before it in its alternative.
    """

    pattern: str
    extended: bool
    at: int = 0
    only_anchors: bool = True
    groups: list[_Group] = field(factory=lambda: [_Group()])

    def read(self) -> str:
        """The whole."""
        pattern, extended = self.pattern, self.extended
        while self.at < len(pattern):
            character = pattern[self.at]
            self.at += 1
            if character == "\\":
                if self.at == len(pattern):
                    refuse("a backslash at its end")
                escaped = pattern[self.at]
                self.at += 1
                if not extended and escaped in "(){|+?":
                    self._operator(escaped, 2)
                else:
                    self._escape(escaped)
            elif character == "[":
                bracket = Bracket(pattern, self.at)
                self._add(bracket.read())
                self.at = bracket.at
            elif character == ".":
                self._add(".")
            elif character == "^" and (extended or self._at_start()):
                self._anchor("^")
            elif character == "$" and (extended or self._at_end()):
                self._anchor("$")
            elif character == "*" or (extended and character in "(){|+?"):
                self._operator(character, 1)
            else:
                self._plain(character)
        if len(self.groups) > 1:
            refuse("a parenthesis is not closed")
        return self.groups[0].closed()

    def _add(self, text: str) -> None:
        self.groups[-1].pieces.append(_Piece(text))
        self.only_anchors = False

    def _plain(self, text: str) -> None:
        self.groups[-1].pieces.extend([_Piece(character, plain=True) for character in text])
        self.only_anchors = False

    def _anchor(self, text: str) -> None:
        self.groups[-1].pieces.append(_Piece(text))

    def _at_start(self) -> bool:
        return not self.groups[-1].pieces

    def _at_end(self) -> bool:
        return self.at == len(self.pattern) or self.pattern.startswith((r"\)", r"\|"), self.at)

    def _escape(self, escaped: str) -> None:
        if escaped in "123456789":
            refuse("back-references are not supported")
        known = _ESCAPES.get(escaped)
        if known is None:
            self._plain(escaped)
        elif known[0] == "[":
            self._add(known)
        else:
            self._anchor(known)

    def _operator(self, operator: str, length: int) -> None:
        """What is an operator where it may stand, and itself elsewhere.

        :param length: 2 if it was written with a backslash.
        """
        groups = self.groups
        if operator == "(":
            groups.append(_Group())
            self.only_anchors = True
        elif operator == ")":
            if len(groups) > 1:
                self._close()
            elif self.extended:
                self._plain(")")
            else:
                refuse("a parenthesis is closed that was not opened")
        elif operator == "|":
            groups[-1].alternative()
            self.only_anchors = True
        elif not self.extended and self.only_anchors:  # a basic pattern has nothing to repeat there
            self._plain(operator)
        elif operator == "{":
            self._interval()
        else:
            self._repeat(operator)

    def _close(self) -> None:
        inside = self.groups.pop().closed()
        self._add(f"(?:{inside})")

    def _interval(self) -> None:
        """``{m}``, ``{m,}``, ``{,n}``, ``{m,n}``; in an extended pattern a brace that begins none is itself."""
        found = _INTERVAL.match(self.pattern, self.at)
        assert found is not None  # noqa: S101 - it matches nothing too
        end = "}" if self.extended else r"\}"
        if not self.pattern.startswith(end, found.end()):
            if self.extended:
                self._plain("{")
                return
            refuse("a brace is not closed, or no number is in it")
        least, comma, most = found.groups()
        if not (least or comma):
            refuse("no number between the braces")
        self.at = found.end() + len(end)
        low = int(least or 0)
        high = int(most) if most else MOST_REPEATED if comma else low
        if max(low, high) > MOST_REPEATED:
            refuse(f"more than {MOST_REPEATED} repetitions")
        if low > high:
            refuse("a repetition ends before it begins")
        self._repeat(f"{{{low}{comma}{most}}}")

    def _repeat(self, how: str) -> None:
        pieces = self.groups[-1].pieces
        last = pieces.pop().written if pieces else ""  # an extended pattern may repeat nothing
        pieces.append(_Piece(f"(?:{last}){how}"))
