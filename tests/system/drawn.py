"""Words drawn from Debian's WordNet, and what is asked about each: one question or more for each strategy."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from attrs import frozen

#: All draws begin with it, so that the same is asked every time.
SEED = 2229


@frozen
class Question:
    """A MATCH.

    :ivar word: what is looked for, not quoted.
    """

    strategy: str
    word: str

    def line(self) -> bytes:
        """The command, as a client sends it."""
        escaped = re.sub(r"([\\\"' ])", r"\\\1", self.word)
        return f"MATCH wn {self.strategy} {escaped}\r\n".encode()


@frozen
class Headwords:
    """What a dictionary has, in the order of its index.

    :ivar all: without what it tells of itself.
    """

    all: tuple[str, ...]

    @classmethod
    @cache
    def of(cls, index: Path) -> Headwords:
        """Read the index that dictfmt(1) wrote."""
        words = (line.partition("\t")[0] for line in index.read_text("utf-8").splitlines())
        return cls(tuple(dict.fromkeys(word for word in words if not word.startswith("00-database"))))

    def beginning(self, word: str) -> list[str]:
        """Those that begin with a word, then those that do without their signs."""
        start = word.strip()
        found = [one for one, _ in _forms(self) if one.startswith(start)]
        return found + [one for one, form in _forms(self) if form.startswith(start) and not one.startswith(start)]


@cache
def _forms(headwords: Headwords) -> list[tuple[str, str]]:
    return [(word, unsigned(word)) for word in headwords.all]


def unsigned(word: str) -> str:
    """A word without its signs; made here, so that what dictd makes of it is compared too. WordNet is all ASCII."""
    return " ".join(re.sub("[^a-z0-9 ]", "", word.lower()).split()) or word


def draw(words: Sequence[str], count: int) -> list[str]:
    """Some words; the first of many are the same as when few are drawn."""
    return random.Random(SEED).sample(words, len(words))[:count]  # noqa: S311 - a draw, no secret


def asked(word: str) -> Iterator[Question]:
    """What is asked about a word; the same every time."""
    chance = random.Random(f"{SEED} {word}")  # noqa: S311 - as above
    shape = _Shapes(word, chance)
    yield Question("exact", chance.choice((word, word.upper(), shape.without_signs())))
    yield Question("exact", shape.misspelt())
    yield Question("prefix", word[: shape.size()])
    yield Question("nprefix", f"{chance.randrange(8)}#{chance.randrange(1, 30)}#{word[: chance.randint(3, 4)]}")
    yield Question("substring", shape.inside())
    yield Question("suffix", word[-shape.size() :])
    yield Question("re", shape.pattern(extended=True))
    yield Question("regexp", shape.pattern(extended=False))
    yield Question("soundex", chance.choice((word, shape.misspelt())))
    yield Question("lev", chance.choice((word, shape.without_signs())))
    yield Question("lev", shape.misspelt())
    parts = re.split("[ -]", word)
    yield Question("word", chance.choice(parts) or word)
    yield Question("first", parts[0] or word)
    yield Question("last", parts[-1] or word)


@frozen
class _Shapes:
    """What can be made of a word by chance."""

    word: str
    chance: random.Random

    def size(self) -> int:
        return self.chance.randint(3, 6)

    def without_signs(self) -> str:
        """Without its signs, or with a hyphen for a blank; itself, if it has none."""
        kept = unsigned(self.word)
        return kept if kept != self.word else self.word.replace(" ", "-")

    def inside(self) -> str:
        at = self.chance.randrange(max(1, len(self.word) - 2))
        return self.word[at : at + self.size()]

    def misspelt(self) -> str:
        """With a letter too many, too few, wrong, or two in the wrong order."""
        at, letter = self.chance.randrange(len(self.word)), self.chance.choice(string.ascii_lowercase)
        before, here, after = self.word[:at], self.word[at], self.word[at + 1 :]
        if after and not self.chance.randrange(4):
            return before + after[0] + here + after[1:]
        return self.chance.choice((before + letter + here + after, before + after, before + letter + after)) or letter

    def pattern(self, extended: bool) -> str:
        """A pattern that the word matches, in most cases."""
        begin, rest = self.word[: self.size()], self.word[-self.size() :]
        either = "(%s|%s)" if extended else r"\(%s\|%s\)"
        once, more = ("?", "+") if extended else (r"\?", r"\+")
        at = self.chance.randrange(len(self.word))
        near = _escaped(self.word[max(0, at - 8) : at]), _escaped(self.word[at + 1 : at + 9])
        before, here, after = (_escaped(part) for part in (self.word[:at], self.word[at], self.word[at + 1 :]))
        begin, rest = _escaped(begin), _escaped(rest)
        shapes = (
            f"^{begin}",
            f"{rest}$",
            f"^{before}{here}{after}$",
            f"^{before}.{after}",
            f"{near[0]}.{near[1]}" if len(self.word) > 3 else f"^.{here}",
            f"^{begin}.*{rest}$",
            f"^{before}{here}*{after}$",
            f"^[{self.word[0]}x]{near[1]}",
            f"{before}[^{self.word[at]}]{after}",
            f"^{either % (begin, rest)}",
            f"{either % (begin, rest)}$",
            f"^{before}{here}{once}{after}",
            f"{before}{here}{more}{after}$",
            f"^.*{rest}$",
        )
        return self.chance.choice(shapes)


def _escaped(text: str) -> str:
    """As it stands, in both kinds of patterns: of all that means something in one of them headwords have the dot."""
    return text.replace(".", r"\.")
