"""The keys one typing mistake away from a word, found without going through all.

A mistake is a letter too many, too few or wrong, or two neighbours in the wrong
order (Damerau 1964). The letters that may stand where one is missing or wrong
are read from the dictionary itself: a mistake in the second half of the word
leaves the first half whole, and few letters follow that in any headword; one in
the first half leaves the end whole, and the mirror tells what goes before it.
So no alphabet is needed, and Chinese costs no more than English.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

#: Letters looked at between two looks at the clock.
_STEPS = 256


class Letters(Protocol):
    """What is asked of one dictionary."""

    def has_form(self, form: str) -> bool:
        """Whether this is somebody's exact or loose key."""

    def letters_after(self, start: str) -> Iterator[str]:
        """The characters that follow a beginning in any exact or loose key; each once or twice."""

    def letters_before(self, end: str) -> Iterator[str]:
        """The characters that stand before an end in any exact or loose key, each once."""


def one_slip(letters: Letters, word: str) -> Iterator[bytes | None]:
    """The forms that differ from a folded word by at most one mistake, each once.

    :param word: not empty.
    :returns: forms; ``None`` now and then.
    """
    seen: set[str] = set()
    for step, candidate in enumerate(_candidates(letters, word), 1):
        if candidate not in seen:
            seen.add(candidate)
            if letters.has_form(candidate):
                yield candidate.encode("utf-8")
        if step % _STEPS == 0:
            yield None


def _candidates(letters: Letters, word: str) -> Iterator[str]:
    yield word
    size = len(word)
    for at in range(size):
        if size > 1:
            yield word[:at] + word[at + 1 :]
        if at + 1 < size and word[at] != word[at + 1]:
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    for at in range(size + 1):
        before, after, rest = word[:at], word[at:], word[at + 1 :]
        if 2 * at > size:
            for letter in letters.letters_after(before):
                yield before + letter + after
                if at < size:
                    yield before + letter + rest
        else:
            for letter in letters.letters_before(after):
                yield before + letter + after
            if at < size:
                for letter in letters.letters_before(rest):
                    yield before + letter + rest
