"""Patterns of MATCH: one compiled RE2 program a pattern, searched in many headwords at once.

RE2 has no backtracking: what a search costs is bounded by the size of the
program times the length of the text, and both are bounded here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import re2
from attrs import field, frozen

from dictd.lexicon import brackets, literals, posix

#: Longest pattern, characters.
LONGEST = 512
#: Largest program, RE2's instructions; a dot is 9 of them, ``\pL`` 1,200.
LARGEST = 2000
#: Bytes RE2 may use for one pattern. More makes no search faster in the worst
#: case, because states of its automaton are then built that are never met again.
MEMORY = 256 << 10

# A search takes at most 15 ns an instruction and byte (the worst of some hundred
# patterns, on texts made for them, measured), and a line that is found 4 us: a
# slice of short lines takes less than 3 ms.
_BYTES_TIMES_INSTRUCTIONS = 180_000
_SMALLEST_SLICE, _LARGEST_SLICE = 64, 20_000

_FLAGS = re.compile(r"\(\?([imsU]*-?[imsU]*)([:)])")
_NAMED_CLASS = re.compile(r"\[:\^?\w+:\]")
_REASONS = (
    ("invalid perl operator", "look-around and conditions are not supported"),
    ("invalid named capture", "a name of a group that cannot be one"),
    ("invalid repetition size", "too many repetitions"),
    ("bad repetition operator", "a repetition of a repetition"),
    ("no argument for repetition operator", "a repetition of nothing"),
    ("pattern too large", "it is too big, repeat less"),
    ("expression nesting", "too many parentheses in each other"),
    ("missing ]", "a bracket is not closed"),
    ("missing )", "a parenthesis is not closed"),
    ("unexpected )", "a parenthesis is closed that was not opened"),
    ("trailing \\", "a backslash at its end"),
)


@frozen
class Pattern:
    """A pattern that is ready to search.

    :ivar slice_bytes: give :meth:`spans` no more than this at a time, a whole
        line at least, and each takes less than 3 ms. A line longer than that
        is searched whole: 15 ns a byte and instruction, 8 ms for 1,500 bytes.
    :ivar needle: what stands in every line that matches, LF in front of its
        first character and behind its last; empty where nothing is known.
    """

    _search: Callable[..., Any] = field(repr=False)
    slice_bytes: int
    needle: bytes = b""

    def spans(self, blob: memoryview | bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The lines of a piece of a blob that match, each once, in order.

        :param blob: headwords as :func:`dictd.lexicon.folding.exact` folds them, UTF-8, LF after each or between them.
        :param start: where the first line begins.
        :param end: where the line after the last begins, or the end of the blob.
        :returns: begin and end of each line, LF left out.
        """
        text = bytes(blob[start:end])  # to look for LF in it; a slice is small
        if not text:
            return
        search, find, rfind = self._search, text.find, text.rfind
        last = len(text) - (text[-1] == 0x0A)
        at = 0
        while at <= last:
            match = search(text, at, last)
            if match is None:
                return
            somewhere = match.start()
            begin = rfind(b"\n", at, somewhere) + 1 or at
            finish = find(b"\n", somewhere, last)
            if finish < 0:
                finish = last
            yield start + begin, start + finish
            at = finish + 1


def compile(strategy: str, pattern: str) -> Pattern:
    """Make a pattern ready.

    :param strategy: ``re`` (POSIX extended as ``grep -E`` has it), ``regexp``
        (basic, as ``grep`` has it) or ``pcre`` (RE2's own syntax).
    :raises BadArguments: it is no such pattern, too long or too big; the reason.
    """
    if len(pattern) > LONGEST:
        brackets.refuse(f"more than {LONGEST} characters")
    if strategy == "pcre":
        translated = _own(unicodedata.normalize("NFC", pattern))
    else:
        translated = posix.translate(pattern, extended=strategy == "re")
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    options.never_capture = True  # captures would cost a second search, by slower means
    options.never_nl = True  # no class, negated or not, holds LF
    options.case_sensitive = strategy != "pcre"  # POSIX patterns were folded as headwords are
    try:
        compiled = re2.compile(f"(?m){translated}", options)
    except re2.error as error:
        brackets.refuse(_reason(error))
    finally:
        re2.purge()  # it would keep 128 programs
    if compiled.programsize > LARGEST:
        brackets.refuse("it is too big, repeat less")
    most = _BYTES_TIMES_INSTRUCTIONS // compiled.programsize
    slice_bytes = max(_SMALLEST_SLICE, min(most, _LARGEST_SLICE))
    return Pattern(compiled.search, slice_bytes, literals.needle(translated))


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return next((reason for begin, reason in _REASONS if said.startswith(begin)), said)


def _own(pattern: str) -> str:
    """A pattern in RE2's syntax, its characters folded as headwords are, and nothing that looks beyond a line.

    Flags are dropped, but for ``U``: case, lines and dots are as in all patterns.

    :raises BadArguments: ``\\C``, or a back-reference.
    """
    written: list[str] = []
    at, length = 0, len(pattern)
    while at < length:
        character = pattern[at]
        if character == "\\" and at + 1 < length:
            at = _own_escape(pattern, at, written)
        elif character == "[":
            at = _own_bracket(pattern, at, written)
        elif character == "(" and (flags := _FLAGS.match(pattern, at)):
            written.append("(?:" if flags[2] == ":" else "(?:)")
            at = flags.end()
        else:
            written.append(character if character.isascii() else f"(?:{brackets.literal(character)})")
            at += 1
    return "".join(written)


def _own_escape(pattern: str, at: int, written: list[str]) -> int:
    """Take what a backslash begins; returns where the next begins."""
    escaped = pattern[at + 1]
    if escaped in "123456789":
        brackets.refuse("back-references are not supported")
    if escaped == "C":
        brackets.refuse(r"\C is not supported")
    if escaped == "Q":
        end = pattern.find("\\E", at + 2)
        end = len(pattern) if end < 0 else end
        written.extend(brackets.literal(character) for character in pattern[at + 2 : end])
        return end + 2
    if not escaped.isascii():
        written.append(brackets.literal(escaped))
    else:
        written.append({"A": "^", "z": "$"}.get(escaped, f"\\{escaped}"))
    return at + 2


def _own_bracket(pattern: str, at: int, written: list[str]) -> int:
    """Take a bracket expression, with what is one character when folded folded."""
    begin = at
    at += 2 if pattern.startswith("[^", at) else 1
    at += pattern.startswith("]", at)
    written.append(pattern[begin:at])
    while at < len(pattern) and pattern[at] != "]":
        named = _NAMED_CLASS.match(pattern, at)
        if named or pattern[at] == "\\":
            end = named.end() if named else at + 2
            written.append(pattern[at:end])
            at = end
            continue
        one = brackets.folded(pattern[at])
        if pattern[at].isascii():
            written.append(pattern[at])
        else:
            written.append(f"\\x{{{ord(one if len(one) == 1 else pattern[at]):x}}}")
        at += 1
    return at
