"""The strategies of MATCH: each against a plain search through all headwords, and by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.lexicon import folding, records
from dictd.lexicon.reader import Lexicon
from dictd.model import Entry
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


#: Whether a blank before the word counts, and one behind it.
EDGES = {"prefix": (False, True), "suffix": (True, False), "substring": (True, True)}


def expected(words: list[str], asked: str, model: Model, strategy: str) -> set[str]:
    """What a strategy must find."""
    before, behind = EDGES.get(strategy, (False, False))
    front, back = " " * (before and asked[:1].isspace()), " " * (behind and asked[-1:].isspace())
    for form in (front + folding.exact(asked) + back, front + folding.loose(asked) + back):
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
                self.assertEqual(sorted(found), sorted(expected(words, query, model, strategy)), (strategy, query))
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
                self.assertEqual(sorted(found), sorted(expected(words, asked, model, strategy)), (strategy, asked))
        lexicon.close()


class ByHand(SynchronousTestCase):
    """Strategies for which there is no plain search."""

    def test_sounds(self) -> None:
        """soundex and metaphone of what is left without accents and signs; another script has no sound."""
        lexicon = shelved(self, d=entries("knight", "night", "Nacht", "café", "Kaffee", "cave", "night's", "ночь", "2"))
        self.assertEqual(matched(lexicon, "metaphone", "nite"), ["knight", "night"])
        self.assertEqual(matched(lexicon, "soundex", "night"), ["Nacht", "night"])
        self.assertEqual(matched(lexicon, "soundex", "cäve"), ["café", "cave"])
        self.assertEqual(matched(lexicon, "soundex", "kn-iGHt"), ["knight"])
        self.assertEqual(matched(lexicon, "metaphone", "kÁfe"), ["café", "cave", "Kaffee"])
        for nobody in ("ночь", "2", "中"):
            for strategy in ("soundex", "metaphone"):
                self.assertEqual(matched(lexicon, strategy, nobody), [], (strategy, nobody))

    def test_aliases(self) -> None:
        """Names that peers have for the same."""
        lexicon = shelved(self, d=entries("penguin", "guinea"))
        for name in ("substring", "substr", "SUBSTR"):
            self.assertEqual(matched(lexicon, name, "guin"), ["guinea", "penguin"], name)

    def test_used_most_first(self) -> None:
        """lev lists the words that are used most before others, whatever their place in the alphabet."""
        given = [Entry(("pan",), "x"), Entry(("pen",), "x", frequency=3), Entry(("pin",), "x", frequency=9)]
        given += [Entry(("PIN",), "x", frequency=1)]
        self.assertEqual(matched(shelved(self, d=given), "lev", "pon"), ["pin", "PIN", "pen", "pan"])

    def test_lev_of_long_words(self) -> None:
        """A slip in a word is found up to the length of a key; of a longer one nothing is said, and nothing breaks."""
        words = ["x" * 480, "y" * 481, "z" * 512, "中" * 160, "é" * 200]
        lexicon = shelved(self, d=entries(*words))
        self.assertEqual(matched(lexicon, "lev", "x" * 479), [words[0]])
        self.assertEqual(matched(lexicon, "lev", "x" * 200 + "o" + "x" * 280), [])
        self.assertEqual(matched(lexicon, "lev", "x" * 200 + "o" + "x" * 279), [words[0]])
        self.assertEqual(matched(lexicon, "lev", "中" * 80 + "文" + "中" * 79), [words[3]])
        self.assertEqual(matched(lexicon, "lev", "e" * 100 + "o" + "e" * 99), [words[4]])
        for word in ("y" * 480, "y" * 481, "z" * 511):
            self.assertEqual(matched(lexicon, "lev", word), [], word[:1])

    def test_lev_of_signs_beyond_the_basic_plane(self) -> None:
        """Characters of one to four bytes are found where they are wrong or missing, in either half of a word."""
        for letter in ("a", "é", "中", "😀", "𠀀"):
            words = [f"{letter}bcd", f"b{letter}cd", f"bc{letter}d", f"bcd{letter}"]
            lexicon = shelved(self, d=entries(*words))
            for asked in ("xbcd", "bxcd", "bcxd", "bcdx"):
                word = asked.replace("x", letter)
                self.assertIn(word, matched(lexicon, "lev", asked), asked)
                self.assertIn(word, matched(lexicon, "lev", "bcd"))

    def test_patterns_in_both_forms(self) -> None:
        """A pattern is looked for with accents and without, in words of every length, each headword once."""
        words = ["naïve", "native", "x-y", "C'" * 250, "中" * 500, "é" * 300]
        lexicon = shelved(self, d=entries(*words))
        self.assertEqual(matched(lexicon, "re", "^na.ve$"), ["naïve"])
        self.assertEqual(matched(lexicon, "re", "^naive$"), ["naïve"])
        self.assertEqual(matched(lexicon, "re", "^xy$"), ["x-y"])
        self.assertEqual(matched(lexicon, "regexp", "^c*$"), ["C'" * 250])
        self.assertEqual(matched(lexicon, "re", "^(c')+$"), ["C'" * 250])
        self.assertEqual(matched(lexicon, "re", "中{3}$"), ["中" * 500])
        self.assertEqual(matched(lexicon, "re", "^e+$"), ["é" * 300])
        self.assertEqual(sorted(matched(lexicon, "re", ".")), sorted(words))
        longer = shelved(self, d=entries("é" * 500))
        self.assertEqual(matched(longer, "re", "^e+$"), ["é" * 500])

    def test_patterns_in_small_slices(self) -> None:
        """However few lines are searched at a time, all are, and others have their turn between them."""
        words = [f"w{number:04}" for number in range(2000)]
        lexicon = shelved(self, d=entries(*words))
        looks = [0]

        def go_on() -> bool:
            looks[0] += 1
            return True

        search = lexicon.match("d", "re", "(w|x){1,60}[0-9]{1,60}7$", MANY)
        search.run(go_on)
        self.assertEqual(len(search.matches.found), 200)
        self.assertGreater(looks[0], 20)

    def test_prefix_of_a_cut_key(self) -> None:
        """A long headword is found by all that its key keeps of it."""
        lexicon = shelved(self, d=entries("y" * 512, "z"))
        for length in (1, 463, 464):
            self.assertEqual(matched(lexicon, "prefix", "y" * length), ["y" * 512], length)

    def test_first_in_one_form_last_in_another(self) -> None:
        """A word keeps the place it has in the exact form also where the loose form has it elsewhere."""
        lexicon = shelved(self, d=entries("a-é a", "b é-b"))
        self.assertEqual(matched(lexicon, "first", "a"), ["a-é a"])
        self.assertEqual(matched(lexicon, "last", "a"), ["a-é a"])
        self.assertEqual(matched(lexicon, "last", "b"), ["b é-b"])

    def test_used_as_its_best_spelling(self) -> None:
        """How often a key is used is what its most used headword is, in whatever order they came."""
        given = [Entry(("pan",), "x", frequency=5), Entry(("pen",), "x", frequency=9), Entry(("PEN",), "x")]
        self.assertEqual(matched(shelved(self, d=given), "lev", "pin"), ["pen", "PEN", "pan"])

    def test_turns_while_nothing_is_found(self) -> None:
        """Strategies that go through much and find nothing still let others have their turn."""
        self.patch(records, "BLOCK", 8)
        words = [f"w-{number:04} {number % 7}" for number in range(2000)]
        lexicon = shelved(self, d=entries(*words))
        for strategy, asked in (("substring", "z"), ("last", "w"), ("word", "-"), ("lev", "x" * 300)):
            looks = [0]

            def go_on(looks: list[int] = looks) -> bool:
                looks[0] += 1
                return True

            lexicon.match("d", strategy, asked, MANY).run(go_on)
            self.assertGreaterEqual(looks[0], 2, (strategy, asked[:3]))


class Lev(SynchronousTestCase):
    """The order of what is one slip away."""

    def test_itself_first(self) -> None:
        """The word itself, then what is used most, then the order of the dictionary."""
        used = {"ten": 9, "hen": 1, "pen": 5, "open": 700, "pan": 0, "den": 0}
        lexicon = shelved(self, d=[Entry((word,), word, frequency=count) for word, count in used.items()])
        self.assertEqual(matched(lexicon, "lev", "pen"), ["pen", "open", "ten", "hen", "den", "pan"])
        self.assertEqual(matched(lexicon, "lev", "pren"), ["pen"])
