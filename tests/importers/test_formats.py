"""Which format a file is taken for, and what it is then called."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import ImportRefused
from dictd.importers import description, formats
from tests.importers import miniature


class Recognising(SynchronousTestCase):
    """The table of formats."""

    def recognised(self, content: str) -> str:
        """The format of a file with this content."""
        path = Path(self.mktemp())
        path.write_text(content, "utf-8")
        return formats.opened(path)[1].name

    def test_text(self) -> None:
        """A tab means tabbed, blanks mean a wordbook, the stricter one first."""
        self.assertEqual(self.recognised("word\tmeaning\n"), "tabbed")
        self.assertEqual(self.recognised("#separator:tab\nword\tmeaning\n"), "tabbed")
        self.assertEqual(self.recognised("word  meaning\n"), "wordbook")
        self.assertEqual(self.recognised("word meaning\n"), "wordbook")
        self.assertEqual(self.recognised("word\tmeaning\nword  meaning\nword  meaning\n"), "wordbook")

    def test_directory(self) -> None:
        """A WordNet directory is that; another one is nothing, though a text lies in it."""
        self.assertEqual(formats.opened(miniature.written(Path(self.mktemp())))[1].name, "wordnet")
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "words.txt").write_text("word\tmeaning\n", "utf-8")
        self.assertRaises(ImportRefused, formats.opened, directory)

    def test_none(self) -> None:
        """What is none of them is refused with the path and the formats there are."""
        path = Path(self.mktemp())
        path.write_text("alone\n" * 5, "utf-8")
        with self.assertRaises(ImportRefused) as caught:
            formats.opened(path)
        for part in (str(path), "wordnet", "tabbed", "wordbook"):
            self.assertIn(part, caught.exception.text)

    def test_by_name(self) -> None:
        """Each format is found by its name."""
        self.assertEqual(
            {name: format.name for name, format in formats.BY_NAME.items()},
            {name: name for name in ("dictorg", "wordnet", "tabbed", "wordbook")},
        )


class Names(SynchronousTestCase):
    """Names of dictionaries."""

    def test_taken(self) -> None:
        """An atom of letters, digits, dots, dashes and underscores, in lower case."""
        for name in ("2500", "25", "250a", "wn", "WN", "gre-3.1", "a", "0", "a_b", "x" * 64):
            self.assertEqual(description.check_name(name), name.lower())

    def test_refused(self) -> None:
        """What RFC 2229 gives a meaning, what is no atom, what would be a path, what looks like a status."""
        for name in (
            "*",
            "!",
            "",
            " ",
            "a b",
            "a/b",
            "../a",
            ".a",
            "-a",
            "_a",
            "ä",
            "中",
            "x" * 65,
            "a\n",
            'a"',
            "250",
        ):
            self.assertRaises(ImportRefused, description.check_name, name)

    def test_derived(self) -> None:
        """A file's name makes a name that could also have been said."""
        format = formats.BY_NAME["tabbed"]
        for file, name in (
            ("gre.tsv", "gre"),
            ("My Words (2024).txt", "my-words-2024"),
            ("WORDS.TXT", "words"),
            ("gre.v2.tsv", "gre.v2"),
            ("中文 words.txt", "words"),
            ("__x__.txt", "x"),
            ("-" * 70 + "x" * 70 + ".txt", "x" * 64),
        ):
            self.assertEqual(description.name_for(Path("/some/where") / file, format), name)
            self.assertEqual(description.check_name(name), name)

    def test_derived_of_nothing(self) -> None:
        """Where nothing is left, the option is named."""
        with self.assertRaises(ImportRefused) as caught:
            description.name_for(Path("中文.txt"), formats.BY_NAME["wordbook"])
        self.assertIn("--name", caught.exception.text)

    def test_derived_that_could_not_be_said(self) -> None:
        """A file whose name would make a name that is refused when it is said is refused as well."""
        with self.assertRaises(ImportRefused) as caught:
            description.name_for(Path("250.txt"), formats.BY_NAME["wordbook"])
        self.assertIn("name", caught.exception.text)

    def test_derived_of_wordnet(self) -> None:
        """WordNet is called that, whatever its directory is."""
        self.assertEqual(description.name_for(Path("/x/wordnet-3.0"), formats.BY_NAME["wordnet"]), "wordnet")
