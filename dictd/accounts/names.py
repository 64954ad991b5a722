"""Names of accounts: what can be one, and which are the same."""

from __future__ import annotations

import re
import unicodedata

from attrs import frozen

from dictd.errors import NameNotAllowed
from dictd.model import name_key

# Letters and marks that show nothing (Default_Ignorable_Code_Point of Unicode).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)

_APOSTROPHES = "'`\u00b4\u2018\u2019"
_LONGEST = 32


@frozen
class AccountName:
    """A name as it is shown, and the key under which it is unique."""

    shown: str
    key: str

    @classmethod
    def of(cls, name: str) -> AccountName:
        """Check a name: 2 to 32 letters of any script, digits and ``. _ -``.

        Unique after NFKC and casefold, so ``Ｂｏｂ`` and ``bob`` are one.

        :raises NameNotAllowed: it cannot be anybody's.
        """
        shown = unicodedata.normalize("NFKC", name)
        if not 2 <= len(shown) <= _LONGEST or not all(map(_allowed, " " + shown, shown)):
            raise NameNotAllowed()
        return cls(shown, name_key(shown))

    @classmethod
    def key_of(cls, name: str) -> str:
        """The key of a name as somebody who logs in gives it.

        One that cannot be anybody's has a key that nobody has, and is
        penalised like any other.
        """
        try:
            return cls.of(name).key
        except NameNotAllowed:
            return "?" + name[:_LONGEST].casefold()


def _allowed(before: str, character: str) -> bool:
    """Whether a character may stand behind another in a name.

    Marks are part of letters in Devanagari, Thai and others, so they may stand
    behind a letter or another mark; what nobody can see may stand nowhere.
    """
    category = unicodedata.category(character)
    if category in ("Mn", "Mc"):
        return unicodedata.category(before)[0] in "LM" and not _INVISIBLE.match(character)
    return character in "._-" or category == "Nd" or (category[0] == "L" and not _INVISIBLE.match(character))


def bare(key: str) -> str:
    """A folded name without accents: ``zoe`` for ``zoë``."""
    return "".join(letter for letter in unicodedata.normalize("NFD", key) if unicodedata.category(letter) != "Mn")


def proposed(text: str) -> AccountName | None:
    """What is near to a name that cannot be anybody's: ``Anna.Müller`` for ``Anna Müller`` and ``Müller, Anna``.

    :returns: ``None`` where nothing is.
    """
    last, comma, first = text.partition(",")
    if comma and "," not in first:
        text = f"{first} {last}"
    kept, before = "", " "
    for character in unicodedata.normalize("NFKC", text):
        if character in _APOSTROPHES:
            continue
        kept += character if _allowed(before, character) else " "
        before = character
    try:
        return AccountName.of(".".join(kept.split())[:_LONGEST].strip("._-"))
    except NameNotAllowed:
        return None
