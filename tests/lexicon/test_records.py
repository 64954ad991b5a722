"""Articles and postings: what is stored comes back."""

from __future__ import annotations

import json
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.lexicon import records
from dictd.lexicon.records import AS_IT_LEAVES, HAS_EXTRAS, Article
from dictd.model import Entry, Sense
from dictd.wire.replies import text_block
from tests.lexicon.publishing import Shelf, entry, structure_of

ANY = settings(deadline=None, max_examples=200)

NO_SURROGATES = st.characters(exclude_categories=["Cs"])
# Lines that must not leave as they are beside lines that may.
LINES = st.one_of(
    st.text(NO_SURROGATES, max_size=20),
    st.sampled_from(
        [
            "",
            ".",
            "..",
            ".hidden",
            "a\tb",
            "100 grams",
            "250",
            "\x00",
            "\x1b[31m",
            "\x85",
            "\u2028",
            "\u202e",
            "\r",
            "a\r",
        ]
    ),
    st.integers(1015, 1030).map(lambda length: "x" * length),
    st.just("word " * 400),
    st.just("中" * 1030),
)
TEXTS = st.builds(lambda lines, end: end.join(lines), st.lists(LINES, max_size=6), st.sampled_from(["\n", "\r\n"]))

# An article with all that the model knows.
RICH = Entry(
    ("lead", "Lead"),
    "lead\n    n 1: a metal",
    html="<b>lead</b> \u2028 中",
    senses=(
        Sense("a metal", "noun", ("lead pipes",), ("Pb",), (), ("chemistry",)),
        Sense("to go first", "verb", (), ("guide",), ("follow",)),
    ),
    ipa=("lɛd", "liːd"),
)


class Articles(SynchronousTestCase):
    """One article in the form in which it is stored."""

    @ANY
    @given(TEXTS)
    @example("")
    @example("\n")
    @example(".\n")
    @example("a\r\nb\r\n")
    @example("a\n\n\n")
    @example(" ")
    def test_text_comes_back(self, text: str) -> None:
        """The text is what the importer gave, but for line ends at its end."""
        article = Article.of(text)
        self.assertEqual(len(article.stored), article.length)
        self.assertEqual(records.plain_text(article.stored, article.flags), text.rstrip("\n"))

    @ANY
    @given(TEXTS)
    @example(".hidden")
    @example("x" * 1023)
    def test_text_leaves_as_the_wire_demands(self, text: str) -> None:
        """However it is stored, the text leaves stuffed, wrapped and clean."""
        article = Article.of(text)
        self.assertEqual(records.leaving_text(article.stored, article.flags), text_block(text))

    @ANY
    @given(TEXTS)
    def test_text_that_leaves_as_it_is(self, text: str) -> None:
        """A text is marked to be copied only where it needs nothing done, and an ordinary one is."""
        article = Article.of(text)
        if article.flags & AS_IT_LEAVES:
            self.assertEqual(article.stored, text_block(text))
        ordinary = re.fullmatch(r"(?:[a-z中][ -~]{0,60}\n)*[a-z中][ -~]{0,60}\n*", text) is not None
        self.assertLessEqual(ordinary, bool(article.flags & AS_IT_LEAVES))

    def test_ordinary_text_is_marked(self) -> None:
        """What nearly every article is like is copied, not worked on."""
        for text in ("penguin", "penguin\n    n 1: bird", "你好\n    hello", "a\n\nb\n"):
            self.assertTrue(Article.of(text).flags & AS_IT_LEAVES, text)

    def test_odd_text_is_not_marked(self) -> None:
        """What must be changed before it leaves is stored as it came."""
        for text in ("", ".", "a\n.b", "a\tb", "100 grams", "x" * 1023, "a\x00b", "a\r\nb", "a\u202eb"):
            article = Article.of(text)
            self.assertFalse(article.flags & AS_IT_LEAVES, text)
            self.assertEqual(article.stored, text.encode())

    def test_no_extras(self) -> None:
        """An article of text alone has neither HTML nor senses, and no room for them."""
        article = Article.of("text")
        self.assertFalse(article.flags & HAS_EXTRAS)
        self.assertEqual(article.stored, b"text\r\n")
        self.assertEqual(records.extras(memoryview(article.stored), article.length, article.flags), ("", ""))

    @ANY
    @given(TEXTS, st.text(NO_SURROGATES), st.text(NO_SURROGATES), st.binary(max_size=20), st.binary(max_size=20))
    def test_extras_come_back(self, text: str, html: str, structure: str, before: bytes, behind: bytes) -> None:
        """HTML and senses are found behind the text, wherever the article lies in its chunk."""
        article = Article.of(text, html, structure)
        chunk = memoryview(before + article.stored + behind)
        end = len(before) + article.length
        self.assertEqual(records.extras(chunk, end, article.flags), (html, structure))
        self.assertEqual(records.plain_text(bytes(chunk[len(before) : end]), article.flags), text.rstrip("\n"))


class Postings(SynchronousTestCase):
    """Where headwords lead."""

    @ANY
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 0xFFFF),
                st.integers(0, 0xFFFFFFFF),
                st.integers(0, 0xFFFFFFFF),
                st.integers(0, 0xFF),
                st.text(NO_SURROGATES, max_size=40).map(str.encode),
            ),
            max_size=5,
        )
    )
    def test_postings_come_back(self, given: list[tuple[int, int, int, int, bytes]]) -> None:
        """Any number of postings under one key are read in the order in which they were packed."""
        value = b"".join(
            (
                records.HEAD.pack(1, 2),
                *(records.pack_posting(records.PLACE.pack(*place), word) for *place, word in given),
            )
        )
        self.assertEqual(list(records.postings(memoryview(value))), given)


class ThroughTheFile(SynchronousTestCase):
    """From an entry to a definition."""

    def test_rich_article(self) -> None:
        """Text, HTML and senses are the entry's, by whichever headword it is found."""
        shelf = Shelf.fresh(self)
        shelf.put("metals", [RICH])
        for word in RICH.headwords:
            (definition,) = shelf.refreshed().define("metals", word)
            self.assertEqual((definition.headword, definition.text, definition.html), (word, RICH.text, RICH.html))
            self.assertEqual(definition.structure, RICH.structure())

    def test_form_of_senses(self) -> None:
        """The senses are the JSON that INTERFACES.md settles, every key present."""
        shelf = Shelf.fresh(self)
        shelf.put("metals", [RICH])
        (definition,) = shelf.refreshed().define("metals", "lead")
        self.assertEqual(
            structure_of(definition),
            {
                "v": 1,
                "pron": [{"ipa": "lɛd"}, {"ipa": "liːd"}],
                "senses": [
                    {
                        "pos": "noun",
                        "gloss": "a metal",
                        "examples": ["lead pipes"],
                        "synonyms": ["Pb"],
                        "antonyms": [],
                        "labels": ["chemistry"],
                    },
                    {
                        "pos": "verb",
                        "gloss": "to go first",
                        "examples": [],
                        "synonyms": ["guide"],
                        "antonyms": ["follow"],
                        "labels": [],
                    },
                ],
            },
        )

    def test_senses_of_an_entry(self) -> None:
        """An entry without senses and pronunciation has no structure at all; one of them is enough for one."""
        self.assertEqual(Entry(("a",), "text").structure(), "")
        self.assertEqual(json.loads(Entry(("a",), "text", ipa=("eɪ",)).structure())["senses"], [])
        self.assertEqual(json.loads(Entry(("a",), "text", senses=(Sense("x"),)).structure())["pron"], [])

    def test_article_of_odd_lines_on_the_wire(self) -> None:
        """A definition leaves with its headword, the rest of its 151 line and a text that is stuffed."""
        shelf = Shelf.fresh(self)
        shelf.put("odd", [entry('the "dot"', text=".hidden\n100 grams\n")], title='The "odd" one')
        (definition,) = shelf.refreshed().define("odd", 'the "dot"')
        self.assertEqual(
            definition.on_the_wire(),
            (b'the "dot"', b' odd "The \\"odd\\" one"\r\n', b"..hidden\r\n 100 grams\r\n"),
        )

    def test_more_than_one_chunk(self) -> None:
        """Articles that do not fit into one chunk, one of them larger than any, are each whole."""
        self.patch(records, "CHUNK", 1 << 16)
        size = records.CHUNK // 3
        given = [
            Entry((f"w{no}",), f"{no} " + "x" * (2 * records.CHUNK if no == 3 else size), html=f"<i>{no}</i>")
            for no in range(9)
        ]
        shelf = Shelf.fresh(self)
        shelf.put("big", given)
        lexicon = shelf.refreshed()
        for one in given:
            (definition,) = lexicon.define("big", one.headwords[0])
            self.assertTrue(definition.text == one.text, one.headwords)
            self.assertEqual(definition.html, one.html)

    @settings(deadline=None, max_examples=50)
    @given(st.lists(st.tuples(TEXTS, st.sampled_from(["", "<p>中</p>"]), st.booleans()), min_size=1, max_size=6))
    def test_any_articles(self, given: list[tuple[str, str, bool]]) -> None:
        """Any articles beside each other in one file are read back, each its own."""
        listed = [
            Entry((f"w{no}",), text, html=html, senses=(Sense(f"sense {no}"),) if rich else ())
            for no, (text, html, rich) in enumerate(given)
        ]
        shelf = Shelf.fresh(self)
        shelf.put("any", listed)
        lexicon = shelf.refreshed()
        for one in listed:
            (definition,) = lexicon.define("any", one.headwords[0])
            self.assertEqual(definition.text, one.text.rstrip("\n"))
            self.assertEqual((definition.html, definition.structure), (one.html, one.structure()))
            self.assertEqual(definition.on_the_wire()[2], text_block(one.text))
        lexicon.close()
