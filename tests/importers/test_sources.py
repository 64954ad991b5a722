"""What dictctl import was asked for."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import ImportRefused
from dictd.importers.sources import found
from tests.importers import miniature
from tests.importers.bookbinding import Book


class Found(SynchronousTestCase):
    """Files, patterns, directories."""

    def setUp(self) -> None:
        """A directory with two dictionaries of dict.org and a text."""
        self.directory = Path(self.mktemp()).absolute()
        book = Book().add("penguin\n  a bird", "penguin")
        self.first = book.written(self.directory, "b")
        self.second = book.written(self.directory, "a", ".dict")
        self.text = self.directory / "words.tsv"
        self.text.write_text("a\tb\n", "utf-8")

    def found(self, *arguments: str | Path) -> list[Path]:
        """What these arguments name."""
        return found(map(str, arguments))

    def refused(self, *arguments: str | Path) -> str:
        """Why they name nothing."""
        with self.assertRaises(ImportRefused) as caught:
            self.found(*arguments)
        return caught.exception.text

    def test_index_or_bodies(self) -> None:
        """An index, or its bodies packed or plain, are one dictionary."""
        self.assertEqual(self.found(self.first), [self.first])
        self.assertEqual(self.found(self.directory / "b.dict.dz"), [self.first])
        self.assertEqual(self.found(self.directory / "a.dict"), [self.second])
        self.assertEqual(self.found(self.first, self.directory / "b.dict.dz", self.first), [self.first])

    def test_gz(self) -> None:
        """``.dict.gz`` counts as bodies too."""
        index = Book().add("x", "x").written(self.directory, "c", ".dict.gz")
        self.assertEqual(self.found(self.directory / "c.dict.gz"), [index])

    def test_dict_alone_is_a_text(self) -> None:
        """A ``.dict`` without an index beside it is some text."""
        path = self.directory / "alone.dict"
        path.write_text("a\tb\n", "utf-8")
        self.assertEqual(self.found(path), [path])

    def test_directory(self) -> None:
        """A directory stands for the dictionaries of dict.org in it, by name; texts in it are left alone."""
        (self.directory / "directory.index").mkdir()
        (self.directory / "gone.index").symlink_to(self.directory / "nothing")
        self.assertEqual(self.found(self.directory), [self.second, self.first])

    def test_directory_of_wordnet(self) -> None:
        """WordNet's directory is one dictionary, though its files begin with index."""
        directory = miniature.written(self.directory / "wordnet-3.0")
        self.assertEqual(self.found(directory), [directory])

    def test_directory_without_any(self) -> None:
        """A directory without a dictionary is refused by name."""
        empty = self.directory / "empty"
        empty.mkdir()
        self.assertIn(f"{empty} holds no dictionary", self.refused(empty))

    def test_pattern(self) -> None:
        """A pattern that the shell did not expand is expanded, in order."""
        self.assertEqual(self.found(self.directory / "*.index"), [self.second, self.first])
        self.assertEqual(self.found(self.directory / "*"), [self.second, self.first, self.text])
        self.assertEqual(self.found(self.directory / "[ab].dict*"), [self.second, self.first])

    def test_pattern_that_matches_nothing(self) -> None:
        """It is refused with the pattern itself."""
        pattern = self.directory / "*.mdx"
        self.assertEqual(self.refused(self.first, pattern), f"no file is called {pattern}")

    def test_name_that_looks_like_a_pattern(self) -> None:
        """A file whose name has brackets is that file."""
        path = self.directory / "words[1].tsv"
        path.write_text("a\tb\n", "utf-8")
        self.assertEqual(self.found(path), [path])

    def test_several(self) -> None:
        """Several are taken in the order in which they were said, each once."""
        self.assertEqual(self.found(self.text, self.directory, self.text), [self.text, self.second, self.first])

    def test_missing(self) -> None:
        """What is not there is passed on, for the reader to refuse it."""
        path = self.directory / "missing.tsv"
        self.assertEqual(self.found(path), [path])

    def test_links(self) -> None:
        """Links are what they lead to, under their own name."""
        elsewhere = self.directory / "links"
        elsewhere.mkdir()
        for name in ("b.index", "b.dict.dz"):
            (elsewhere / name).symlink_to(self.directory / name)
        self.assertEqual(self.found(elsewhere), [elsewhere / "b.index"])

    def test_pipe(self) -> None:
        """A pipe is not opened, which would wait for ever."""
        pipe = self.directory / "pipe.index"
        os.mkfifo(pipe)
        self.assertEqual(self.found(pipe), [pipe])
        self.assertEqual(self.found(self.directory), [self.second, self.first])
