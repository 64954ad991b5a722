"""The pages of HISTORY: what was asked for, and how to go on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import frozen

from dictd.errors import BadArguments
from dictd.model import LONGEST_WORD, LookUp
from dictd.store.history import HIGHEST
from dictd.wire import grammar

#: Rows of one page.
MOST, USUAL = 1000, 20
_NUMBER = re.compile(r"[0-9]{1,4}")
_MARK = re.compile(r"<([0-9a-z]{1,13})", re.ASCII | re.IGNORECASE)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
#: Characters of a line that says how to go on: it has 1,024 with its end (RFC 2229 2.3).
_LONGEST = 950


@frozen
class Page:
    """What HISTORY is to show.

    :ivar count: so many rows at most.
    :ivar before: only rows with lower ids.
    :ivar said: the word as it was typed; empty for all.
    """

    count: int = USUAL
    before: int = HIGHEST
    said: str = ""

    @classmethod
    def of(cls, rest: str) -> Page:
        """What stands behind HISTORY: ``[n [<older] [word]]``.

        :raises BadArguments: it is not that.
        """
        number, rest = _parted(rest.replace("\t", " "))
        if not number:
            return cls()
        count = int(number) if _NUMBER.fullmatch(number) else 0
        if not 1 <= count <= MOST:
            raise BadArguments(f"say a number from 1 to {MOST}, then a word if you like")
        before = HIGHEST
        if rest.startswith("<"):
            mark, rest = _parted(rest)
            before = _row_id(mark)
        if len(grammar.phrase(rest)) > LONGEST_WORD:
            raise BadArguments(f"a word has at most {LONGEST_WORD} characters")
        return cls(count, before, rest)

    @property
    def word(self) -> str | None:
        """The word whose look-ups are wanted; ``None``: those of all words."""
        return grammar.phrase(self.said) or None

    def after(self, rows: Sequence[LookUp]) -> str:
        """How to ask for what is older than the last of some rows."""
        line = f"HISTORY {self.count} {_mark(rows[-1].rid)}"
        if not self.said:
            return line
        return f"{line} {self.said}" if len(self.said) < _LONGEST else f"{line} ..."


def _parted(rest: str) -> tuple[str, str]:
    first, _, others = rest.strip(" ").partition(" ")
    return first, others.strip(" ")


def _row_id(mark: str) -> int:
    found = _MARK.fullmatch(mark)
    rid = int(found[1], 36) if found else 0
    if not 0 < rid <= HIGHEST:
        raise BadArguments(
            f"no page begins at {mark[:20]}, the last line of a page tells; a word like it goes in quotes"
        )
    return rid


def _mark(rid: int) -> str:
    digits = ""
    while rid:
        rid, digit = divmod(rid, 36)
        digits = _DIGITS[digit] + digits
    return f"<{digits}"
