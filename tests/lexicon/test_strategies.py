"""The strategies of MATCH: each against a plain search through all headwords, and by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.lexicon import folding, records
from dictd.lexicon.reader import Lexicon
from tests.lexicon.publishing import entries
from tests.lexicon.test_lexicon import MANY, NEAR, PUBLISHED, shelved, stored

Model = Callable[[str, str], bool]


def stands_as_a_word(where: str, form: str, asked: str) -> bool:
    """Whether words stand in a headword with no letter at either end; as its first or last, if so wanted."""
    at = form.find(asked)
    while at >= 0:
        before, after = form[:at], form[at + len(asked) :]
        whole = not (folding.words(before[-1:]) or folding.words(after[:1]))
        if whole and not folding.words({"first": before, "last": after, "word": ""}[where]):
            return True
        at = form.find(asked, at + 1)
    return False


def slips(one: str, other: str) -> int:
    """Optimal string alignment distance: letters put in, left out, changed, and swapped with the next."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, against in enumerate(other, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


#: Whether a form of a headword answers a form of the word, which is not empty.
MODELS: dict[str, Model] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "substring": str.__contains__,
    "lev": lambda form, asked: slips(form, asked) <= 1,
}


def expected(words: list[str], asked: str, model: Model) -> set[str]:
    """What a strategy must find."""
    for form in (folding.exact(asked), folding.loose(asked)):
        hits = {word for word in words if model(folding.exact(word), form) or model(folding.loose(word), form)}
        if hits:
            return hits
    return set()


def matched(lexicon: Lexicon, strategy: str, asked: str) -> list[str]:
    """The headwords that MATCH lists."""
    return [word for _, word in lexicon.match("*", strategy, asked, MANY).whole().found]


class AnyHeadwords(SynchronousTestCase):
    """What must hold for whatever somebody imports and asks."""

    @PUBLISHED
    @given(st.lists(NEAR.map(stored).filter(bool), min_size=1, max_size=8), st.lists(NEAR, min_size=1, max_size=8))
    @example(["crow's nest", "crows"], ["crow's", "crows nest", "s nest"])
    @example(["naïve", "native", "C++"], ["naive", "naïve", "nave", "c+", "+"])
    def test_against_a_plain_search(self, words: list[str], asked: list[str]) -> None:
        """Every strategy finds what a search finds, each headword once."""
        self.patch(records, "BLOCK", 8)
        lexicon = shelved(self, d=entries(*words))
        for query in filter(folding.exact, [*asked, *words]):
            for strategy, model in MODELS.items():
                found = matched(lexicon, strategy, query)
                self.assertEqual(sorted(found), sorted(expected(words, query, model)), (strategy, query))
        lexicon.close()

    @PUBLISHED
    @given(st.lists(st.text("ab c-'é", min_size=1, max_size=7).map(stored).filter(bool), min_size=1, max_size=8))
    def test_words_against_a_plain_search(self, words: list[str]) -> None:
        """word, first and last find whole words, and where they stand."""
        lexicon = shelved(self, d=entries(*words))
        for asked in ("a", "b", "ab", "e", "é", "a b", "a-b", "a'b", "ba"):
            for strategy in ("word", "first", "last"):
                model = partial(stands_as_a_word, strategy)
                found = matched(lexicon, strategy, asked)
                self.assertEqual(sorted(found), sorted(expected(words, asked, model)), (strategy, asked))
        lexicon.close()
