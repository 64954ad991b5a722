"""How English headwords sound: keys of the strategies soundex and metaphone.

Both rules are for the 26 letters; accents of Latin letters were taken away by
the loose folding, and a word of another script has no sound here.
"""

from __future__ import annotations

import re

import jellyfish

_NO_LETTER = re.compile("[^a-z]+")


def letters(loose: str) -> str:
    """What has a sound in a loosely folded headword, its words taken as one.

    >>> letters("ice cream 2"), letters("2nd"), letters("пингвин")
    ('icecream', '', '')
    """
    if not loose.isascii() or loose[:1].isdigit():
        return ""  # 1530s does not sound like S
    return loose if loose.isalpha() else _NO_LETTER.sub("", loose)


def soundex(letters: str) -> bytes:
    """American Soundex.

    :param letters: at least one, see :func:`letters`.

    >>> soundex("penguin")
    b'P525'
    """
    return jellyfish.soundex(letters).encode("ascii")


def metaphone(letters: str) -> bytes:
    """Metaphone (Philips 1990); nothing for a few such as ``gh`` and ``w``.

    :param letters: at least one, see :func:`letters`.

    >>> metaphone("knight") == metaphone("night")
    True
    """
    return jellyfish.metaphone(letters).encode("ascii")
