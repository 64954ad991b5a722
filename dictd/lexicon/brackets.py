"""Characters of patterns: folded as headwords are, and the bracket expressions of POSIX.

What a class of letters holds beyond ASCII is given in whole blocks of Unicode,
because RE2's own tables make programs of a thousand steps.
"""

from __future__ import annotations

import unicodedata
from typing import NoReturn

from attrs import define

from dictd.errors import BadArguments

# Blocks without letters are left out: signs (2000-2bff), CJK signs (3000-303f), private use, emoji.
LETTER = (
    r"a-zA-Z\x{aa}\x{b5}\x{ba}\x{c0}-\x{d6}\x{d8}-\x{f6}\x{f8}-\x{1fff}\x{2c00}-\x{2dff}\x{3005}-\x{3007}"
    r"\x{3040}-\x{30fa}\x{30fc}-\x{d7ff}\x{f900}-\x{fe6f}\x{10000}-\x{1efff}\x{20000}-\x{3ffff}"
)
_SIGN = (
    r"!-/:-@\[-`{-~\x{a1}-\x{a9}\x{ab}-\x{b4}\x{b6}-\x{b9}\x{bb}-\x{bf}\x{d7}\x{f7}\x{2010}-\x{2bff}\x{3001}-\x{3004}"
    r"\x{3008}-\x{303f}\x{30fb}\x{1f000}-\x{1ffff}"
)
_CLASSES = {
    "alpha": LETTER,
    "alnum": "0-9" + LETTER,
    "lower": LETTER,  # grep -i takes both for alpha
    "upper": LETTER,
    "digit": "0-9",
    "xdigit": "0-9a-fA-F",
    "punct": _SIGN,
    "space": r"\x09-\x0d ",
    "blank": r"\x09 ",
    "cntrl": r"\x00-\x1f\x7f-\x9f",
    "graph": r"!-~\x{a1}-\x{10ffff}",
    "print": r" -~\x{a0}-\x{10ffff}",
}
_SPECIAL = frozenset(r"\.+*?()|[]{}^$")


def folded(text: str) -> str:
    """A text as :func:`dictd.lexicon.folding.exact` folds it, its blanks left where they are."""
    if text.isascii():
        text = text.lower()
    else:
        normal = unicodedata.normalize
        text = normal("NFKC", normal("NFKC", text).casefold())
    return "".join([" " if character.isspace() else character for character in text])


def literal(text: str) -> str:
    """A folded text as RE2 reads it: no character means anything but itself."""
    return "".join([f"\\{character}" if character in _SPECIAL else character for character in folded(text)])


def refuse(reason: str) -> NoReturn:
    """Say why a pattern cannot be used.

    :raises BadArguments: always.
    """
    raise BadArguments(f"bad pattern: {reason}")


@define
class Bracket:
    """A bracket expression: a backslash is itself, and so is ``]`` if it comes first.

    :ivar at: the next character of the pattern, first the one behind ``[``.
    """

    pattern: str
    at: int

    def read(self) -> str:
        """The whole, in RE2's syntax."""
        pattern = self.pattern
        negated = pattern.startswith("^", self.at)
        self.at += negated
        first = self.at
        inside: list[str] = []
        several: list[str] = []  # characters that are more than one when folded
        ranges = False
        while not pattern.startswith("]", self.at) or self.at == first:
            low = self._element()
            if len(low) > 1:
                if pattern.startswith("-", self.at) and not pattern.startswith("-]", self.at):
                    refuse("a range begins with a class")
                inside.append(low)
                continue
            if pattern.startswith("-", self.at) and not pattern.startswith("-]", self.at):
                self.at += 1
                high = self._element()
                if len(high) > 1:
                    refuse("a range ends with a class")
                low, high = _end_of_range(low), _end_of_range(high)
                if low > high:
                    refuse("a range ends before it begins")
                if pattern.startswith("-", self.at) and not pattern.startswith("-]", self.at):
                    refuse("a range begins where another ends")
                inside.append(f"{_hexadecimal(low)}-{_hexadecimal(high)}")
                ranges = True
                continue
            one = folded(low)
            (inside if len(one) == 1 else several).append(_hexadecimal(one) if len(one) == 1 else literal(one))
        if pattern[first - negated - 1 : first] == "[" and _looks_like_a_class(pattern[first : self.at]):
            refuse("a class is written with two brackets, as in [[:alpha:]]")
        self.at += 1
        whole = f"[{'^' * negated}{''.join(inside)}]" if inside else "." if negated else ""
        if ranges:
            whole = f"(?i:{whole})"
        if several and not negated:
            whole = f"(?:{'|'.join([*several, whole] if whole else several)})"
        return whole

    def _element(self) -> str:
        """The next of a bracket expression: a character, or the ranges of a class."""
        pattern = self.pattern
        if self.at >= len(pattern):
            refuse("a bracket is not closed")
        kind = pattern[self.at : self.at + 2]
        if kind not in ("[:", "[.", "[="):
            self.at += 1
            return kind[0]
        end = pattern.find(kind[1] + "]", self.at + 2)
        if end < 0:
            refuse("a bracket is not closed")
        name = pattern[self.at + 2 : end]
        self.at = end + 2
        if kind == "[:":
            if name not in _CLASSES:
                refuse(f"there is no class [:{name}:]")
            return _CLASSES[name]
        if len(name) != 1:
            refuse(f"there is no character named {name}")
        return name


def _end_of_range(character: str) -> str:
    """An end of a range in upper case: so grep -i reads it, ``[Z-a]`` is none and ``[A-_]`` is one."""
    upper = folded(character).upper()
    return upper if len(upper) == 1 else character


def _hexadecimal(character: str) -> str:
    """A character of a bracket expression as RE2 cannot misread it."""
    return character if character.isalnum() else f"\\x{{{ord(character):x}}}"


def _looks_like_a_class(inside: str) -> bool:
    return len(inside) > 2 and inside[0] == inside[-1] == ":"
