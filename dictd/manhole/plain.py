"""Text that does nothing to a terminal, nor to a log, but stand there."""

from __future__ import annotations

import re

# Control characters but for the end of a line and the tabulator, line and paragraph separators, marks that turn the
# direction of writing, halves of characters.
_UNSEEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_IN_TEXT = re.compile(f"[{_UNSEEN}]")
_IN_LINE = re.compile(f"[\t\n{_UNSEEN}]")
#: Longest line of the log, characters.
_LONGEST = 3000


def plain(text: str) -> str:
    """Lines for a screen: what others have written into them must not move its cursor."""
    return _IN_TEXT.sub(_written_out, text.replace("\r\n", "\n"))


def one_line(text: str, longest: int = _LONGEST) -> str:
    """A line for the log; of a longer one the beginning, and how long it was."""
    cut = f"{text[:longest]}... ({len(text):,} characters)" if len(text) > longest else text
    return _IN_LINE.sub(_written_out, cut)


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
