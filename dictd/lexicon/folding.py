"""Headwords to keys: the one rule for LMDB and SQL.

Three keys, from strict to forgiving (what follows is ours, because every
collation of SQL servers merges too much or too little, and no two agree):

* ``k``, the exact key: NFKC, casefold, NFKC, blanks collapsed. ``STRASSE`` is
  ``straße``, a fullwidth ``Ａ`` is ``a``, a decomposed ``ä`` is a composed one.
* ``k2``, the loose key: ``k`` without the accents of Latin and Greek letters,
  stress marks of Cyrillic, points of Hebrew and Arabic; ``ø ł đ æ œ ı`` and
  their like spelled out; letters, digits, marks and blanks alone are left.
* ``k3``, the compact key: ``k2`` without blanks.

Kana, Hangul and Indic signs keep their marks: が is not か, हिन्दी is not हनद.
Where nothing would be left (``%``, an emoji) a key falls back on the stricter one.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b

from dictd.model import LONGEST_WORD
from dictd.wire.replies import width

#: Longest key that is kept as it is, bytes; a longer one is cut to 464 and ends in a hash of the whole.
MAX_KEY = 480
_KEPT = 464

# NFKD does not take these apart.
_SPELLED_OUT = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)
_ASCII_SIGNS = {code: None for code in range(128) if not (chr(code).isalnum() or chr(code) == " ")}
_ASCII_WORD = re.compile("[a-z0-9]+")
_CYRILLIC_STRESS = {"\u0300", "\u0301"}
_STRIPPED_SCRIPTS = ("LATIN", "GREEK")


def fits(word: str) -> bool:
    """Whether a word is short enough to be a headword, and to be looked up.

    What folding makes of it counts too: NFKC makes 18 characters of some.
    """
    return not (
        (2 * len(word) > LONGEST_WORD and width(word) > LONGEST_WORD)
        or (not word.isascii() and len(unicodedata.normalize("NFKC", word)) > 2 * LONGEST_WORD)
    )


def exact(word: str) -> str:
    """The strict folding of a headword, as text.

    >>> exact("  Ma\\u0308dchen   STRASSE ")
    'mädchen strasse'
    """
    if word.isascii():
        folded = word.lower()
        return " ".join(folded.split()) if " " in folded or not folded.isprintable() else folded
    normal = unicodedata.normalize
    return " ".join(normal("NFKC", normal("NFKC", word).casefold()).split())


def loose(word: str) -> str:
    """The forgiving folding of a headword, as text.

    >>> loose("crème-brûlée"), loose("C++"), loose("%")
    ('cremebrulee', 'c', '%')
    """
    folded = exact(word)
    if folded.isascii():
        if folded.isalnum():
            return folded
        kept = folded.translate(_ASCII_SIGNS)
    else:
        kept = _without_marks(folded)
    return " ".join(kept.split()) or folded


def compact(word: str) -> str:
    """The loose folding without blanks: ``ice-cream`` is ``ice cream``."""
    return loose(word).replace(" ", "")


def words(folded: str) -> list[str]:
    """The words of a folded headword: runs of letters, digits and marks.

    >>> words("crow's-nest")
    ['crow', 's', 'nest']
    """
    if not folded.isascii():
        folded = "".join([sign if _in_a_word(sign) else " " for sign in folded])
    return _ASCII_WORD.findall(folded) if folded.isascii() else folded.split()


def key(folded: str) -> bytes:
    """A folded headword as a key of at most 481 bytes.

    Keys of up to 480 bytes are the UTF-8 itself, so that a prefix of a word is
    a prefix of its key; a longer one keeps 464 bytes, then 0xFF (no UTF-8 has
    it) and a 16-byte BLAKE2b of the whole.
    """
    whole = folded.encode("utf-8")
    if len(whole) <= MAX_KEY:
        return whole
    return whole[:_KEPT] + b"\xff" + blake2b(whole, digest_size=16).digest()


def compact_key(k2: bytes, word: str) -> bytes:
    """The key of :func:`compact`, made from the loose key where that is whole."""
    return k2.replace(b" ", b"") if len(k2) < MAX_KEY else key(compact(word))


def _without_marks(folded: str) -> str:
    kept: list[str] = []
    base = ""
    for character in unicodedata.normalize("NFD", folded).translate(_SPELLED_OUT):
        category = unicodedata.category(character)
        if category[0] == "M":
            if base and not _strips(base, character):
                kept.append(character)
        elif category[0] in "LN":
            base = character
            kept.append(character)
        elif category != "Cf":  # joiners and the like stand between a letter and its mark
            base = ""
            if character == " ":
                kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def _strips(letter: str, mark: str) -> bool:
    """Whether a mark is dropped after this letter."""
    script = _script_of(letter)
    if script in _STRIPPED_SCRIPTS:
        return unicodedata.combining(mark) != 0
    if script == "CYRILLIC":
        return mark in _CYRILLIC_STRESS or letter + mark == "\u0435\u0308"  # ё is written е
    return script in ("HEBREW", "ARABIC") and unicodedata.category(mark) == "Mn"


@lru_cache(maxsize=4096)
def _in_a_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


@lru_cache(maxsize=4096)
def _script_of(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
