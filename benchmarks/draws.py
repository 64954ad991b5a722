"""Words that each strategy of MATCH is asked, drawn from headwords with a fixed seed. Pure.

Drawn so that there is an answer, and not thousands: each is made of a headword,
and what fits too many of a sample of the headwords is drawn again.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain

from attrs import define, field

_SEED = 2229
#: Words of one strategy.
WORDS = 100
#: What fits more headwords is not asked.
_MOST = 1000
#: Headwords that are counted; the more there are, the longer choosing takes.
_SAMPLE = 100_000
#: Draws for one word before a strategy has to do with fewer.
_PATIENCE = 50
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CODES = {
    letter: code for code, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for letter in letters
}


@define
class Draws:
    """What may be asked of a dictionary with these headwords."""

    headwords: Sequence[str]
    _random: random.Random = field(init=False)
    _single: list[str] = field(init=False)
    _several: list[list[str]] = field(init=False)
    _sample: list[str] = field(init=False)
    _text: str = field(init=False)
    _most: float = field(init=False)
    _parts: Counter[str] = field(init=False)
    _sounds: Counter[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(_SEED)  # noqa: S311 - a draw, no secret
        lower = [word.lower() for word in self.headwords]
        self._single = [word for word in lower if 5 <= len(word) <= 14 and word.isascii() and word.isalpha()]
        self._several = [
            parts
            for word in lower
            if word.isascii() and 2 <= len(parts := word.split()) <= 4 and "".join(parts).isalpha()
        ]
        sample = lower if len(lower) <= _SAMPLE else self._random.sample(lower, _SAMPLE)
        self._text = "\n" + "\n".join(sample) + "\n"
        self._most = _MOST * len(sample) / max(len(lower), 1)
        self._parts = Counter(chain.from_iterable(set(word.split()) for word in sample))
        self._sounds = Counter(map(soundex, sample))

    def words(self, strategy: str, count: int = WORDS) -> list[str]:
        """Words for a strategy, each another, the same in every run; fewer where there are no more.

        :param strategy: one of :data:`STRATEGIES`; any other is asked headwords.
        """
        self._random.seed(f"{_SEED} {strategy}")
        draw = STRATEGIES.get(strategy, Draws._whole)
        found: dict[str, None] = {}
        for _ in range(count * _PATIENCE):
            if len(found) == count or not self._single:
                break
            word = draw(self)
            if word:
                found[word] = None
        return list(found)

    def _whole(self) -> str:
        return self._random.choice(self._single)

    def _piece(self, least: int, most: int) -> tuple[str, int, int]:
        """A headword, and where in it a piece of this length lies."""
        word = self._whole()
        size = min(self._random.randint(least, most), len(word) - 1)
        start = self._random.randint(0, len(word) - size)
        return word, start, start + size

    def _few(self, marked: str, told: str) -> str:
        """What is told, if few of the lines have this text."""
        return told if self._text.count(marked) <= self._most else ""

    def _prefix(self) -> str:
        start = self._whole()[: self._random.randint(3, 5)]
        return self._few("\n" + start, start)

    def _nprefix(self) -> str:
        start = self._prefix()
        return start and f"0#20#{start}"

    def _suffix(self) -> str:
        end = self._whole()[-self._random.randint(3, 5) :]
        return self._few(end + "\n", end)

    def _substring(self) -> str:
        word, start, end = self._piece(3, 6)
        return self._few(word[start:end], word[start:end])

    def _basic(self) -> str:
        """A pattern that means the same as a basic and as an extended regular expression."""
        word, start, end = self._piece(3, 4)
        gap = self._random.randrange(1, len(word) - 1)
        vowels = "[aeiou]" if word[gap] in "aeiou" else "."
        forms = (
            f"^{word[:4]}",
            f"{word[-4:]}$",
            f"{word[0]}.*{word[gap : gap + 2]}.*{word[-2:]}$",
            f"{word[start:end]}.*{word[-1]}",
            f"^{word[:gap]}{vowels}{word[gap + 1 :]}",
        )
        return self._rare(self._random.choice(forms))

    def _extended(self) -> str:
        word, start, end = self._piece(3, 4)
        other = self._whole()
        forms = (
            f"^({word[:4]}|{other[:4]})",
            f"({word[-4:]}|{other[-4:]})$",
            f"{word[start:end]}[a-z]?{word[end : end + 1]}",
            f"^{word[:3]}.{{2,5}}{word[-2:]}$",
        )
        return self._rare(self._random.choice(forms)) if self._random.random() < 0.5 else self._basic()

    def _rare(self, pattern: str) -> str:
        return pattern if len(re.findall(pattern, self._text, re.MULTILINE)) <= self._most else ""

    def _misspelt(self) -> str:
        """One letter more, less or another, or two of them changed round."""
        word = self._whole()
        at = self._random.randrange(1, len(word) - 1)
        letter = self._random.choice(_LETTERS)
        forms = (
            word[:at] + letter + word[at:],
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        )
        return self._random.choice(forms)

    def _sounding(self) -> str:
        word = self._whole()
        at = self._random.randrange(1, len(word))
        # Another vowel does not change how it sounds.
        told = word[:at] + self._random.choice("aeiou") + word[at + 1 :] if word[at] in "aeiou" else word
        return told if self._sounds[soundex(word)] <= self._most else ""

    def _part(self, place: int | None) -> str:
        if not self._several:
            return ""
        parts = self._random.choice(self._several)
        told = self._random.choice(parts) if place is None else parts[place]
        return told if len(told) > 2 and self._parts[told] <= self._most else ""

    def _word(self) -> str:
        return self._part(None)

    def _first(self) -> str:
        return self._part(0)

    def _last(self) -> str:
        return self._part(-1)


#: How words are drawn for each strategy, in the order of tables.
STRATEGIES: dict[str, Callable[[Draws], str]] = {
    "exact": Draws._whole,
    "prefix": Draws._prefix,
    "nprefix": Draws._nprefix,
    "substring": Draws._substring,
    "suffix": Draws._suffix,
    "re": Draws._extended,
    "regexp": Draws._basic,
    "soundex": Draws._sounding,
    "metaphone": Draws._sounding,
    "lev": Draws._misspelt,
    "dlev": Draws._misspelt,
    "word": Draws._word,
    "first": Draws._first,
    "last": Draws._last,
    "all": Draws._whole,
}


def soundex(word: str) -> str:
    """How a word sounds to American ears: its first letter and three digits."""
    code, before = "", 0
    for letter in word:
        digit = _CODES.get(letter, 0)
        if digit and digit != before and code:
            code += str(digit)
        elif not code and letter.isalpha():
            code = letter
        if letter not in "hw":
            before = digit
        if len(code) == 4:
            break
    return code.ljust(4, "0")
