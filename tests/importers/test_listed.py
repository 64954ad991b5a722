"""What MATCH lists, DEFINE finds, spelled as listed: from the files of every format to the wire."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import ImportRefused
from dictd.importers import formats
from dictd.lexicon import strategies
from dictd.wire.replies import in_quotes
from tests.importers import miniature
from tests.importers.bookbinding import Book
from tests.importers.miniature import Synset
from tests.lexicon.publishing import Library
from tests.lexicon.test_lexicon import LONG, NEAR, SCRIPTS
from tests.support.house import Client, House

Written = Callable[[Path, list[str]], Path]

IMPORTED = settings(deadline=None, max_examples=25)
ODD = st.sampled_from(
    [
        *(
            '"',
            "\\",
            'say "hi"',
            "a\\b",
            "'",
            "#",
            "1#2#x",
            ".",
            "..",
            "100 grams",
            "250 ok",
            "*",
            "!",
            "-",
            "[a",
            "((",
        ),
        *("\u00ad", "a\u200db", "\u202ea", "a\u2066b", "a\u0085b", "\ufeff", "\ufeffa", "\u00a0", "a\u3000b", "\x01a"),
        *('"' * 256, "\\" * 256, '"' * 257, "x" * 512, "x" * 513, "é" * 512, "中" * 512, "😀" * 512, "ﷺ" * 512),
        *("ﷺ" * 56, "ﷺ" * 57, "İ", "ſ", "ß", "ﬁ", "Ⅷ", "①", "\u0345", "a\u0345", "ǆ", "ΐ", "\u1e9e", "㌀"),
    ]
)
HEADWORDS = st.lists(st.one_of(NEAR, SCRIPTS, LONG, ODD), min_size=1, max_size=6)


def tabbed(directory: Path, words: list[str]) -> Path:
    """Words with a meaning, as tab-separated text."""
    path = directory / "words.tsv"
    path.write_text("".join(f"{word}\tmeaning\n" for word in ["first", *words]), "utf-8", newline="")
    return path


def wordbook(directory: Path, words: list[str]) -> Path:
    """The same divided by blanks."""
    path = directory / "words.txt"
    path.write_text("".join(f"{word}  meaning\n" for word in ["first", *words]), "utf-8", newline="")
    return path


def dictorg(directory: Path, words: list[str]) -> Path:
    """The same as a dictionary of dict.org."""
    book = Book().add("first\n  meaning", "first")
    for word in words:
        book.add(f"{word}\n  meaning", word)
    return book.written(directory)


def dictorg_folded(directory: Path, words: list[str]) -> Path:
    """The same with an index that folds headwords; their spelling is in the first lines of the articles."""
    book = Book.folded().add("first\n  meaning", "first")
    for word in words:
        book.add(f"{word}\n  meaning", "".join(sign for sign in word.lower() if sign.isalnum() or sign == " "))
    return book.written(directory)


def wordnet(directory: Path, words: list[str]) -> Path:
    """The same as a directory of WordNet."""
    synsets = {"first": Synset("noun", ("first",), "meaning")}
    synsets |= {f"no {no}": Synset("noun", (word.replace(" ", "_"),), "meaning") for no, word in enumerate(words)}
    return miniature.written(directory, synsets, used="")


def listed(client: Client, strategy: str, asked: str) -> set[str]:
    """The quoted headwords that MATCH lists; nothing where the word cannot be asked so."""
    said = client.ask(f"MATCH d {strategy} {in_quotes(asked)}").split("\n")
    return {line.partition(" ")[2] for line in said[1:-3]}


class EveryFormat(SynchronousTestCase):
    """Headwords of any kind, imported, published and asked for through a session."""

    def check(self, format_name: str, written: Written, words: list[str]) -> None:
        """Import words, list them by every strategy, and look up what was listed."""
        words = [word for word in words if not {"\n", "\r", "\t"} & set(word)]
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        library = Library.fresh(self)
        try:
            reading, format = formats.opened(written(directory, words), "", format_name)
            library.take(reading, format, "d", "The D")
        except ImportRefused:
            assume(False)
        library.publisher.look()
        house = House(library.state.lexicon)
        try:
            self.look(house.welcome(), set(library.headwords("d")))
        finally:
            house.lexicon.close()
            library.connection.close()

    def look(self, client: Client, headwords: set[str]) -> None:
        """List by every strategy what is there, and look it up."""
        there = {in_quotes(word) for word in headwords}
        self.assertEqual(listed(client, "all", "x"), there)
        for word in headwords:
            for strategy in strategies.STRATEGIES:
                asked = f"0##{word}" if strategy.counted and len(word) < 250 else word
                found = listed(client, strategy.name, asked)
                self.assertLessEqual(found, there, strategy.name)
                if strategy.name in ("exact", "prefix", "nprefix", "substring", "suffix", "word", "first", "last"):
                    self.assertIn(in_quotes(word), found, strategy.name)
        for quoted in there:
            said = client.ask(f"DEFINE d {quoted}").split("\n")
            self.assertRegex(said[0], "^150 [0-9]+ definitions retrieved$", quoted)
            self.assertEqual(said[1], f'151 {quoted} d "The D"')

    @IMPORTED
    @given(HEADWORDS)
    @example(['"' * 256, "\\" * 256, "ﷺ" * 56, "ﷺ" * 57, "😀" * 512])
    def test_tabbed(self, words: list[str]) -> None:
        """Tab-separated text."""
        self.check("tabbed", tabbed, words)

    @IMPORTED
    @given(HEADWORDS)
    def test_wordbook(self, words: list[str]) -> None:
        """A wordbook."""
        self.check("wordbook", wordbook, words)

    @IMPORTED
    @given(HEADWORDS)
    @example(["ﷺ" * 57, "\u202ea"])
    def test_dictorg(self, words: list[str]) -> None:
        """A dictionary of dict.org."""
        self.check("dictorg", dictorg, words)

    @IMPORTED
    @given(HEADWORDS)
    @example(["A'" * 256, "ﷺ" * 57])
    def test_dictorg_folded(self, words: list[str]) -> None:
        """A dictionary of dict.org whose index is folded."""
        self.check("dictorg", dictorg_folded, words)

    @IMPORTED
    @given(HEADWORDS)
    @example(["ﷺ" * 57, "a(p)", "Straße"])
    def test_wordnet(self, words: list[str]) -> None:
        """WordNet."""
        self.check("wordnet", wordnet, words)
