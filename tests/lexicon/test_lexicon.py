"""Looking words up: databases, spellings, order, strategies."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import NoDatabases, UnknownDatabase, UnknownStrategy
from dictd.lexicon import folding
from dictd.lexicon.reader import Lexicon
from dictd.model import Entry
from tests.lexicon.publishing import entries, entry, found, shelved

PUBLISHED = settings(deadline=None, max_examples=60)
MANY = 1_000_000

# Few characters, so that words nearly meet; each is one over which folding has stumbled.
NEAR = st.text(st.sampled_from("aAäiıİßsе́ёйがか\u3099中😀 -'."), min_size=1, max_size=5)
SCRIPTS = st.text(
    st.one_of(
        st.sampled_from("Straßeœœuvreλόγοςжизньשָׁלוֹםكِتَابहिन्दीがカﾊ한국어漢字ไทย"),
        st.sampled_from(" -'.+#%&’·/"),
        st.characters(exclude_categories=["Cs", "Cc"]),
    ),
    min_size=1,
    max_size=12,
)
LONG = st.tuples(st.sampled_from(["x", "中", "é"]), st.integers(150, 512), NEAR).map(lambda p: p[0] * p[1] + p[2])


def stored(word: str) -> str:
    """A headword as importers hand it over."""
    return " ".join(unicodedata.normalize("NFC", word).split())[:512].rstrip()


HEADWORDS = st.one_of(NEAR, SCRIPTS, LONG).map(stored).filter(bool)


class Define(SynchronousTestCase):
    """DEFINE over one dictionary, all, and the first that has the word."""

    def setUp(self) -> None:
        """Three dictionaries, not in the order of their names."""
        self.lexicon = shelved(
            self,
            wn=[entry("penguin", text="bird"), entry("run", text="to move")],
            jargon=[entry("penguin", text="mascot"), entry("foo", text="bar")],
            easton=[entry("run", text="in the Bible"), entry("Penguin", text="not in the Bible")],
        )

    def test_one_dictionary(self) -> None:
        """A name asks that dictionary alone."""
        self.assertEqual(found(self.lexicon.define("jargon", "penguin")), [("jargon", "penguin", "mascot")])
        self.assertEqual(found(self.lexicon.define("jargon", "run")), [])

    def test_all_dictionaries(self) -> None:
        """``*`` asks all, in the order of the catalogue."""
        self.assertEqual(
            found(self.lexicon.define("*", "penguin")),
            [("wn", "penguin", "bird"), ("jargon", "penguin", "mascot"), ("easton", "Penguin", "not in the Bible")],
        )

    def test_first_dictionary_that_has_it(self) -> None:
        """``!`` ends with the first dictionary that has the word."""
        self.assertEqual(found(self.lexicon.define("!", "penguin")), [("wn", "penguin", "bird")])
        self.assertEqual(found(self.lexicon.define("!", "foo")), [("jargon", "foo", "bar")])
        self.assertEqual(found(self.lexicon.define("!", "nowhere")), [])

    def test_no_such_dictionary(self) -> None:
        """A name that is not there is refused, whatever the word."""
        for word in ("penguin", "", "nowhere"):
            self.assertRaises(UnknownDatabase, self.lexicon.define, "oed", word)
        self.assertRaises(UnknownDatabase, self.lexicon.dictionary, "oed")

    def test_names_in_any_case(self) -> None:
        """Names of dictionaries are matched without case."""
        for name in ("wn", "WN", "Wn"):
            self.assertEqual(found(self.lexicon.define(name, "run")), [("wn", "run", "to move")])
            self.assertEqual(self.lexicon.match(name, "exact", "run", 10).whole().found, (("wn", "run"),))
            self.assertEqual(self.lexicon.dictionary(name).title, "The wn")

    def test_words_in_any_case(self) -> None:
        """Words are matched without case and shown as they are stored."""
        self.assertEqual(found(self.lexicon.define("easton", "PENGUIN")), [("easton", "Penguin", "not in the Bible")])

    def test_nothing_asked(self) -> None:
        """A word that is empty or blank is nobody's, and near to nobody's."""
        for word in ("", " ", "\u00a0\u3000"):
            for database in ("*", "!", "wn"):
                self.assertEqual(self.lexicon.define(database, word), [])
                for strategy in ("exact", ".", "lev", "word", "first", "last", "soundex", "metaphone"):
                    self.assertEqual(self.lexicon.match(database, strategy, word, 10).whole().found, ())

    def test_what_is_told(self) -> None:
        """Every dictionary with its number of headwords, in the order of the catalogue."""
        told = [(dictionary.name, headwords) for dictionary, headwords in self.lexicon.dictionaries()]
        self.assertEqual(told, [("wn", 2), ("jargon", 2), ("easton", 2)])
        self.lexicon.ensure_any()

    def test_dictionary_of_a_definition(self) -> None:
        """A definition tells where it stands."""
        (definition,) = self.lexicon.define("!", "foo")
        self.assertEqual(definition.dictionary, self.lexicon.dictionary("jargon"))

    def test_odd_words_are_only_not_found(self) -> None:
        """Emoji, lone marks and signs that no dictionary has are a miss."""
        for word in ("❤️", "☀️", "#️⃣", "\u0301", "-\u0301", "%", "😀", "র\u200d্যাব"):
            self.assertEqual(self.lexicon.define("*", word), [], ascii(word))
            self.assertEqual(self.lexicon.match("*", "prefix", word, 10).whole().found, (), ascii(word))


class Forgiveness(SynchronousTestCase):
    """Exact before loose before compact."""

    def spelled(self, lexicon: Lexicon, word: str) -> list[str]:
        """The headwords that a word finds."""
        return [definition.headword for definition in lexicon.define("*", word)]

    def test_all_three_spellings_of_a_compound(self) -> None:
        """Where every spelling is a headword, each finds itself alone."""
        lexicon = shelved(self, d=entries("ice-cream", "icecream", "ice cream"))
        for word in ("ice-cream", "icecream", "ice cream"):
            self.assertEqual(self.spelled(lexicon, word), [word])

    def test_one_spelling_of_a_compound(self) -> None:
        """Where one spelling is a headword, the others find it."""
        for headword in ("ice-cream", "icecream", "ice cream"):
            lexicon = shelved(self, d=entries(headword, "iced", "cream"))
            for word in ("ice-cream", "icecream", "ice cream", "Ice - Cream", "ICE CREAM"):
                self.assertEqual(self.spelled(lexicon, word), [headword], (headword, word))

    def test_loose_before_compact(self) -> None:
        """What differs in signs alone comes before what differs in blanks, and hides it."""
        lexicon = shelved(self, d=entries("ice cream", "ice-cream"))
        self.assertEqual(self.spelled(lexicon, "icecream"), ["ice-cream"])
        self.assertEqual(self.spelled(lexicon, "i.c.e cream"), ["ice cream"])

    def test_accents_where_nobody_wrote_them(self) -> None:
        """``madchen`` finds Mädchen where no headword is spelled so."""
        self.assertEqual(self.spelled(shelved(self, d=entries("Mädchen")), "madchen"), ["Mädchen"])

    def test_exact_hides_loose(self) -> None:
        """Where the word itself is a headword, its accented sisters are not found."""
        lexicon = shelved(self, d=entries("Mädchen", "Madchen"))
        self.assertEqual(self.spelled(lexicon, "madchen"), ["Madchen"])
        self.assertEqual(self.spelled(lexicon, "MÄDCHEN"), ["Mädchen"])

    def test_accents_too_many(self) -> None:
        """An accent too many finds the word without, and the word with another."""
        lexicon = shelved(self, d=entries("resume", "résumé", "resumed"))
        self.assertEqual(sorted(self.spelled(lexicon, "resumé")), ["resume", "résumé"])

    def test_each_dictionary_forgives_for_itself(self) -> None:
        """That one dictionary has the word exactly does not take the other's loose one away."""
        lexicon = shelved(self, d=entries("Mädchen"), e=entries("Madchen"))
        self.assertEqual(self.spelled(lexicon, "madchen"), ["Mädchen", "Madchen"])

    def test_signs_that_were_typed_count_over_all(self) -> None:
        """Who asks for C++ does not mean another dictionary's C, unless nobody has C++; cafe means café too."""
        lexicon = shelved(self, d=entries("C", "café"), e=entries("C++", "cafe"), f=entries("C#"))
        self.assertEqual([word for _, word, _ in found(lexicon.define("*", "C++"))], ["C++"])
        self.assertEqual([word for _, word, _ in found(lexicon.define("!", "C++"))], ["C++"])
        self.assertEqual([word for _, word, _ in found(lexicon.define("d", "C++"))], ["C"])
        self.assertEqual([word for _, word, _ in found(lexicon.define("*", "C-"))], ["C", "C++", "C#"])
        self.assertEqual([word for _, word, _ in found(lexicon.define("*", "cafe"))], ["café", "cafe"])
        self.assertEqual([word for _, word, _ in found(lexicon.define("*", "café"))], ["café"])

    def test_first_dictionary_that_has_it_loosely(self) -> None:
        """``!`` is content with a loose match of an earlier dictionary."""
        lexicon = shelved(self, d=entries("Mädchen"), e=entries("Madchen"))
        self.assertEqual(found(lexicon.define("!", "madchen")), [("d", "Mädchen", "about Mädchen")])

    def test_signs_alone(self) -> None:
        """Words of signs find themselves, and only themselves."""
        signs = ["%", "&", "😀", "😁", "❤️", "☀️", "#️⃣"]
        lexicon = shelved(self, d=entries(*signs))
        for word in signs:
            self.assertEqual(self.spelled(lexicon, word), [word])
        self.assertEqual(self.spelled(lexicon, "+"), [])

    def test_programming_languages(self) -> None:
        """``C++`` finds itself; a language nobody listed finds those that look alike."""
        lexicon = shelved(self, d=entries("C", "C++", "C#"))
        for word in ("C", "c++", "C#"):
            self.assertEqual(self.spelled(lexicon, word), [word.upper()])
        self.assertEqual(self.spelled(lexicon, "C--"), ["C", "C#", "C++"])

    def test_long_words(self) -> None:
        """Words that differ behind the longest key each find themselves, whole."""
        words = ["中" * 500 + end for end in ("", "a", "文")]
        lexicon = shelved(self, d=entries(*words))
        for word in words:
            self.assertEqual(self.spelled(lexicon, word), [word])
        self.assertEqual(self.spelled(lexicon, "中" * 499), [])

    def test_long_words_are_forgiven_too(self) -> None:
        """A long word is found without its accents and blanks."""
        word = "é" * 400 + " x"
        lexicon = shelved(self, d=entries(word))
        self.assertEqual(self.spelled(lexicon, "e" * 400 + " x"), [word])
        self.assertEqual(self.spelled(lexicon, "e" * 400 + "x"), [word])


class Order(SynchronousTestCase):
    """What comes first, and what comes once."""

    def test_spelling_as_asked_first(self) -> None:
        """Of headwords under one key, the one that is spelled as asked comes first."""
        lexicon = shelved(self, d=[entry("Polish"), entry("polish"), entry("POLISH")])
        for word, order in {
            "Polish": ["Polish", "polish", "POLISH"],
            "polish": ["polish", "Polish", "POLISH"],
            "POLISH": ["POLISH", "Polish", "polish"],
            "pOLISH": ["Polish", "polish", "POLISH"],
        }.items():
            self.assertEqual([one.headword for one in lexicon.define("d", word)], order)

    def test_article_of_two_headwords_once(self) -> None:
        """An article reached by two headwords under one key is shown once, spelled as asked."""
        lexicon = shelved(self, d=[entry("Colour", "colour", text="hue")])
        self.assertEqual(found(lexicon.define("d", "colour")), [("d", "colour", "hue")])
        self.assertEqual(found(lexicon.define("d", "Colour")), [("d", "Colour", "hue")])
        self.assertEqual(found(lexicon.define("d", "COLOUR")), [("d", "Colour", "hue")])

    def test_several_articles_of_one_headword(self) -> None:
        """Every article of a headword appears, in the order of the dictionary."""
        lexicon = shelved(self, d=[entry("bank", text=text) for text in ("money", "river", "turn")])
        self.assertEqual([one.text for one in lexicon.define("d", "bank")], ["money", "river", "turn"])

    def test_articles_shared_and_not(self) -> None:
        """An article with a second headword keeps its place before an article that came later."""
        lexicon = shelved(self, d=[entry("polish", "Polish", text="one"), entry("Polish", text="two")])
        for word in ("polish", "Polish", "POLISH"):
            self.assertEqual([one.text for one in lexicon.define("d", word)], ["one", "two"], word)

    def test_articles_shared_by_loose_headwords(self) -> None:
        """Of headwords that are only alike, an article's first one gives it its place."""
        lexicon = shelved(self, d=[entry("resumè", "résumé", text="one"), entry("resumé", text="two")])
        self.assertEqual(found(lexicon.define("d", "resume")), [("d", "resumè", "one"), ("d", "resumé", "two")])

    def test_equal_articles_are_two(self) -> None:
        """Two articles that read the same are both shown, for the dictionary has both."""
        lexicon = shelved(self, d=[entry("a", text="same"), entry("a", text="same")])
        self.assertEqual(len(lexicon.define("d", "a")), 2)

    def test_article_without_text(self) -> None:
        """An article that is empty does not hide the one that lies behind it."""
        lexicon = shelved(self, d=[Entry(("a",), ""), Entry(("A",), "text")])
        self.assertEqual([one.text for one in lexicon.define("d", "A")], ["text", ""])
        self.assertEqual([one.text for one in lexicon.define("d", "a")], ["", "text"])

    def test_headwords_are_counted_once(self) -> None:
        """A spelling with several articles is one headword; two spellings under one key are two."""
        lexicon = shelved(self, d=[entry("bank"), entry("bank"), entry("Bank", "BANK")])
        self.assertEqual(lexicon.dictionaries()[0][1], 3)


class Match(SynchronousTestCase):
    """MATCH: exact, prefix, limits."""

    def test_exact(self) -> None:
        """The spellings under the word's key, each once, as they are stored."""
        lexicon = shelved(self, d=[entry("Polish"), entry("polish"), entry("polish"), entry("polished")])
        self.assertEqual(lexicon.match("d", "exact", "POLISH", 10).whole().found, (("d", "Polish"), ("d", "polish")))

    def test_exact_forgives_as_define_does(self) -> None:
        """Where the word itself is not there, MATCH exact lists what DEFINE would show."""
        lexicon = shelved(self, d=entries("Mädchen", "ice cream"))
        self.assertEqual(lexicon.match("d", "exact", "madchen", 10).whole().found, (("d", "Mädchen"),))
        self.assertEqual(lexicon.match("d", "exact", "icecream", 10).whole().found, (("d", "ice cream"),))

    def test_prefix_in_order(self) -> None:
        """Words that begin with it in the order of their keys, then those that do without accents.

        Who types the accents does not mean the others.
        """
        lexicon = shelved(self, d=entries("résumé", "Resumption", "resume", "rest", "réseau", "red", "repas"))
        self.assertEqual(
            [word for _, word in lexicon.match("d", "prefix", "res", 10).whole().found],
            ["rest", "resume", "Resumption", "réseau", "résumé"],
        )
        self.assertEqual(
            [word for _, word in lexicon.match("d", "prefix", "rés", 10).whole().found],
            ["réseau", "résumé"],
        )

    def test_prefix_stops_at_the_end_of_the_range(self) -> None:
        """The last words of a dictionary, and words of other letters, are not taken for matches."""
        lexicon = shelved(self, d=entries("zoo", "zoom", "zooz", "中", "中文", "文"))
        self.assertEqual(
            [word for _, word in lexicon.match("d", "prefix", "zoo", 10).whole().found], ["zoo", "zoom", "zooz"]
        )
        self.assertEqual([word for _, word in lexicon.match("d", "prefix", "中", 10).whole().found], ["中", "中文"])
        self.assertEqual(lexicon.match("d", "prefix", "zzz", 10).whole().found, ())

    def test_prefix_over_signs(self) -> None:
        """A sign in a headword does not stand in the way of its prefix."""
        lexicon = shelved(self, d=entries("ice-cream", "iceberg", "ice cream"))
        self.assertEqual([word for _, word in lexicon.match("d", "prefix", "icec", 10).whole().found], ["ice-cream"])
        self.assertEqual(
            [word for _, word in lexicon.match("d", "prefix", "ice-", 10).whole().found],
            ["ice-cream"],
        )

    def test_names_have_no_case(self) -> None:
        """Names of strategies have no case."""
        lexicon = shelved(self, d=entries("run", "runner"))
        for strategy in ("prefix", "PREFIX"):
            self.assertEqual(len(lexicon.match("d", strategy, "run", 10).whole().found), 2)
        self.assertEqual(len(lexicon.match("d", "Exact", "run", 10).whole().found), 1)

    def test_all_and_first(self) -> None:
        """``*`` lists those of every dictionary; ``!`` ends with the first that has any."""
        lexicon = shelved(self, c=entries("walk"), d=entries("run"), e=entries("run", "runner"))
        self.assertEqual(
            lexicon.match("*", "prefix", "run", 10).whole().found, (("d", "run"), ("e", "run"), ("e", "runner"))
        )
        self.assertEqual(lexicon.match("!", "prefix", "run", 10).whole().found, (("d", "run"),))

    def test_limit(self) -> None:
        """At the limit nothing is said to be left out; beyond it is, and what there is is the beginning."""
        words = ["a1", "a2", "a3", "á4"]
        lexicon = shelved(self, d=entries(*words))
        for limit in (1, 2, 3):
            matches = lexicon.match("d", "prefix", "a", limit).whole()
            self.assertEqual([word for _, word in matches.found], words[:limit])
            self.assertTrue(matches.more)
        for limit in (4, 5):
            matches = lexicon.match("d", "prefix", "a", limit).whole()
            self.assertEqual([word for _, word in matches.found], words)
            self.assertFalse(matches.more)

    def test_limit_over_all_dictionaries(self) -> None:
        """The limit holds for the whole answer."""
        lexicon = shelved(self, d=entries("a1", "a2"), e=entries("a1", "a2"))
        matches = lexicon.match("*", "prefix", "a", 3).whole()
        self.assertEqual(matches.found, (("d", "a1"), ("d", "a2"), ("e", "a1")))
        self.assertTrue(matches.more)
        self.assertFalse(lexicon.match("*", "prefix", "a", 4).whole().more)

    def test_limit_within_one_key(self) -> None:
        """Spellings under one key are counted one by one."""
        lexicon = shelved(self, d=[entry("a", "A", "á")])
        matches = lexicon.match("d", "exact", "a", 1).whole()
        self.assertEqual((len(matches.found), matches.more), (1, True))

    def test_unknown_strategy(self) -> None:
        """A strategy that is not there is refused, and before a dictionary that is not."""
        lexicon = shelved(self, d=entries("run"))
        self.assertRaises(UnknownStrategy, lexicon.match, "d", "soundex-2", "run", 10)
        self.assertRaises(UnknownStrategy, lexicon.match, "oed", "soundex-2", "run", 10)
        self.assertRaises(UnknownDatabase, lexicon.match, "oed", "exact", "run", 10)
        self.assertRaises(UnknownDatabase, lexicon.match, "oed", "exact", "", 10)


class Nothing(SynchronousTestCase):
    """A lexicon without dictionaries."""

    def test_empty_catalogue(self) -> None:
        """Look-ups find nothing, names are unknown, and who wants to list something is told so."""
        lexicon = shelved(self)
        for database in ("*", "!"):
            self.assertEqual(lexicon.define(database, "run"), [])
            self.assertEqual(lexicon.match(database, "prefix", "run", 10).whole().found, ())
        self.assertRaises(UnknownDatabase, lexicon.define, "wn", "run")
        self.assertEqual(lexicon.dictionaries(), [])
        self.assertRaises(NoDatabases, lexicon.ensure_any)

    def test_dictionary_without_headwords(self) -> None:
        """A dictionary in which nothing is finds nothing."""
        lexicon = shelved(self, d=[])
        self.assertEqual(lexicon.define("d", "run"), [])
        self.assertEqual(lexicon.match("d", "prefix", "r", 10).whole().found, ())
        self.assertEqual(lexicon.dictionaries()[0][1], 0)


class AnyHeadwords(SynchronousTestCase):
    """What must hold for whatever somebody imports."""

    @PUBLISHED
    @given(st.lists(st.lists(HEADWORDS, min_size=1, max_size=3), min_size=1, max_size=8))
    @example([["polish", "Polish"], ["Polish"]])
    @example([["❤️"], ["☀️"]])
    @example([["-\u0301a"], ["র\u200d্য"]])
    def test_what_match_lists_is_defined(self, given: list[list[str]]) -> None:
        """DEFINE with a headword that MATCH lists shows it first, spelled as listed, with all its articles."""
        listed = [entry(*words, text=f"article {no}") for no, words in enumerate(given)]
        lexicon = shelved(self, d=listed)
        matched: set[str] = set()
        for one in listed:
            for word in one.headwords:
                for strategy, asked in (("exact", word), ("prefix", word), ("prefix", word[0])):
                    matched |= {spelling for _, spelling in lexicon.match("d", strategy, asked, MANY).whole().found}
                self.assertIn(word, matched)
        for spelling in matched:
            definitions = lexicon.define("d", spelling)
            texts = [one.text for one in definitions if one.headword == spelling]
            self.assertEqual(texts, [one.text for one in listed if spelling in one.headwords])
            self.assertEqual([one.headword for one in definitions[: len(texts)]], [spelling] * len(texts))
        lexicon.close()

    @PUBLISHED
    @given(st.lists(NEAR.map(stored).filter(bool), min_size=1, max_size=8), st.lists(NEAR, min_size=1, max_size=8))
    def test_define_against_a_plain_search(self, words: list[str], asked: list[str]) -> None:
        """DEFINE finds what a search through all headwords finds: exact, or else loose, or else compact."""
        lexicon = shelved(self, d=entries(*words))
        folds: list[Callable[[str], str]] = [folding.exact, folding.loose, folding.compact]
        for query in [*asked, *words]:
            hits = ([no for no, word in enumerate(words) if fold(word) == fold(query)] for fold in folds)
            expected = next((hit for hit in hits if hit), []) if folding.exact(query) else []
            self.assertEqual(
                sorted(one.text for one in lexicon.define("d", query)), sorted(f"about {words[no]}" for no in expected)
            )
        lexicon.close()
