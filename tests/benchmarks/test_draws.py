"""Tests of :mod:`benchmarks.draws`."""

from __future__ import annotations

import re
from string import ascii_lowercase

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import draws
from benchmarks.draws import STRATEGIES, Draws, soundex

_SYLLABLES = ("ban", "cor", "dil", "fem", "gup", "jes", "mir")
_SINGLE = [first + second + third for first in _SYLLABLES for second in _SYLLABLES for third in _SYLLABLES]
_SEVERAL = [f"{first} {second}" for first in _SINGLE[:20] for second in _SINGLE[20:40]]
_MANY = [first + second + letter for first in _SYLLABLES for second in _SYLLABLES for letter in ascii_lowercase]
HEADWORDS = tuple([*_SINGLE, *_SEVERAL, "crow's nest", ".22", "Ampère"])


def _near(word: str) -> set[str]:
    """Everything that is one letter more, less or another, or two changed round."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    near = {before + after[1:] for before, after in cuts if after}
    near |= {before + after[1] + after[0] + after[2:] for before, after in cuts if len(after) > 1}
    for letter in letters:
        near |= {before + letter + after for before, after in cuts}
        near |= {before + letter + after[1:] for before, after in cuts if after}
    return near


class Words(SynchronousTestCase):
    """What each strategy is asked."""

    def setUp(self) -> None:
        self.draws = Draws(HEADWORDS)

    def every(self, strategy: str, *patterns: str) -> None:
        """Each word of a strategy, put into one of the patterns, is found in the headwords."""
        words = self.draws.words(strategy, 20)
        self.assertEqual(len(words), 20, strategy)
        text = "\n".join(HEADWORDS).lower()
        for word in words:
            self.assertTrue(any(re.search(pattern.format(word), text, re.MULTILINE) for pattern in patterns), word)

    def test_something_is_found(self) -> None:
        """Each is of a headword, so that there is an answer."""
        self.every("exact", "^{}$")
        self.every("prefix", "^{}")
        self.every("substring", "{}")
        self.every("suffix", "{}$")
        self.every("re", "{}")
        self.every("regexp", "{}")
        self.every("word", "(^| ){}( |$)")
        self.every("last", " {}$")

    def test_first(self) -> None:
        """The first word of headwords of several."""
        self.assertLessEqual(set(self.draws.words("first")), {word.split()[0] for word in _SEVERAL})

    def test_nprefix(self) -> None:
        """With how many to skip, and how many to tell."""
        for word in self.draws.words("nprefix"):
            self.assertRegex(word, "^0#20#[a-z]{3,5}$")

    def test_misspelt(self) -> None:
        """One step from a headword."""
        near = set().union(*map(_near, _SINGLE))
        for strategy in ("lev", "dlev"):
            self.assertLessEqual(set(self.draws.words(strategy)), near)

    def test_sounds(self) -> None:
        """As some headword sounds, not always spelled as it is."""
        words = set(self.draws.words("soundex"))
        self.assertLessEqual(set(map(soundex, words)), set(map(soundex, _SINGLE)))
        self.assertTrue(words - set(_SINGLE))

    def test_basic(self) -> None:
        """Basic regular expressions hold nothing that means something else in extended ones."""
        for word in self.draws.words("regexp"):
            self.assertFalse(set(word) & set("(){}|+?\\"), word)

    def test_same(self) -> None:
        """The same in every run, each word once, whatever was drawn before; of every strategy, and of unknown ones."""
        other = Draws(HEADWORDS)
        for strategy in (*reversed(STRATEGIES), "unheard-of"):
            words = self.draws.words(strategy, 20)
            self.assertEqual(words, list(dict.fromkeys(words)))
            other.words("exact", 3)
            self.assertEqual(words, other.words(strategy, 20), strategy)
            self.assertNotEqual(words, [])

    def test_not_thousands(self) -> None:
        """What fits more than a thousand headwords is not asked, of a sample as of all."""
        many = Draws([f"{start}{number}{end}" for start, end in (("pre", ""), ("", "ing")) for number in _MANY])
        for strategy, common in (("prefix", "pre"), ("suffix", "ing"), ("substring", "pre"), ("substring", "ing")):
            words = many.words(strategy, 60)
            self.assertNotIn(common, words)
            self.assertEqual(len(words), 60)
        self.assertIn("pre", Draws([f"pre{word}" for word in _MANY[:900]]).words("prefix"))
        self.patch(draws, "_SAMPLE", 200)
        self.assertNotIn("pre", Draws([f"pre{word}" for word in _MANY]).words("prefix", 60))

    def test_no_headwords(self) -> None:
        """Nothing can be drawn of nothing; words in several of none that have several."""
        self.assertEqual([Draws(()).words(strategy) for strategy in STRATEGIES], [[]] * len(STRATEGIES))
        self.assertEqual(Draws(_SINGLE).words("word"), [])


class Sounds(SynchronousTestCase):
    """American soundex."""

    def test_codes(self) -> None:
        """The examples of those who made it."""
        words = ("robert", "rupert", "rubin", "ashcraft", "tymczak", "pfister", "honeyman", "lee", "")
        codes = ["r163", "r163", "r150", "a261", "t522", "p236", "h555", "l000", "0000"]
        self.assertEqual([soundex(word) for word in words], codes)
