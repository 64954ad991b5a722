"""Dictionaries of dict.org that are not whole, not what they say, or made to harm."""

from __future__ import annotations

import gzip
import os
import unicodedata
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import DictError, ImportRefused
from dictd.importers import description, dictorg, formats
from dictd.importers.reading import Reading
from dictd.model import LONGEST_WORD, Entry
from tests.importers.bookbinding import Book, dictzipped, number
from tests.lexicon.publishing import Library

BIRDS = Book().tell("00-database-short", "Birds").add("Emu\n  a bird", "Emu").add("Kiwi\n  another", "Kiwi", "kiwi")


class Spoiled(SynchronousTestCase):
    """What an import would do: read all, then look whether it was what it was taken for."""

    reading: Reading

    def path(self, book: Book = BIRDS, ending: str = ".dict.dz", bodies: bytes | None = None) -> Path:
        """A written dictionary."""
        return book.written(Path(self.mktemp()).absolute(), "book", ending, bodies)

    def imported(self, path: Path, encoding: str = "", format_name: str = "") -> list[Entry]:
        """The entries of a file that is accepted."""
        self.reading, format = formats.opened(path, encoding, format_name)
        entries = list(format.entries(self.reading))
        description.check(self.reading, format, len(entries))
        return entries

    def refused(self, path: Path, encoding: str = "", format_name: str = "") -> str:
        """Why it is refused: one line that names the file."""
        with self.assertRaises(ImportRefused) as caught:
            self.imported(path, encoding, format_name)
        text = caught.exception.text
        self.assertIn(path.name.partition(".")[0], text)
        self.assertNotIn("\n", text)
        return text


class Indexes(Spoiled):
    """The index."""

    def of(self, *lines: bytes, last: bytes = b"\n") -> Path:
        """The birds with these lines as their index."""
        path = self.path()
        path.write_bytes(b"\n".join(lines) + last)
        return path

    def test_empty(self) -> None:
        """An empty index, and one of empty lines."""
        self.assertIn("is empty", self.refused(self.of(last=b"")))
        self.refused(self.of(b"", b""))

    def test_cut_off(self) -> None:
        """An index without its last line end, wherever it was cut off."""
        for length in range(1, len(BIRDS.index)):
            path = self.path()
            path.write_bytes(BIRDS.index[:length])
            if BIRDS.index[length - 1 : length] != b"\n":
                self.assertIn("is cut off: its last line has no end", self.refused(path))
        self.assertRegex(self.refused(self.of(BIRDS.lines[0])), "0 of 0 lines")
        self.assertIn("they do not belong together", self.refused(self.of(*BIRDS.lines[2:])))

    def test_bad_lines(self) -> None:
        """Lines with other columns, or without numbers, are left out and counted; the others are taken."""
        good = BIRDS.lines
        for bad, why in (
            (b"no columns", "not three columns"),
            (b"two\tA", "not three columns"),
            (b"five\tA\tA\tx\ty", "not three columns"),
            (b"", "not three columns"),
            (b"x\t!\tA", "its numbers are not base 64"),
            (b"x\tA\t-", "its numbers are not base 64"),
            (b"x\t\tA", "its numbers are not base 64"),
            (b"x\tA\t", "its numbers are not base 64"),
            (b"x\tA\tA\r", "its numbers are not base 64"),
            (b"x\t!!!!\tA", "its numbers are not base 64"),
            (b"x\tA=\tA", "its numbers are not base 64"),
            (b"x\tAA==\tA", "its numbers are not base 64"),
            (b"x\tA A\tA", "its numbers are not base 64"),
            (b"x\tAAAAAAAAA\tA", "its numbers are not base 64"),
            (b"x\tA\t" + number(dictorg.LONGEST_BODY + 1), "its body is longer than 4,194,304 bytes"),
        ):
            entries = self.imported(self.of(*good, bad))
            self.assertEqual([entry.headwords for entry in entries], [("Emu",), ("Kiwi", "kiwi")], bad)
            self.assertEqual([(c.line, c.why) for c in self.reading.complaints], [(len(good) + 1, why)])

    def test_mostly_bad(self) -> None:
        """An index most of whose lines are none is refused with the first of them."""
        self.assertIn("line 5: not three columns", self.refused(self.of(*BIRDS.lines, *[b"x"] * 6)))

    def test_offset_beyond_the_end(self) -> None:
        """Of the bodies, far or by one byte, packed or plain; the largest numbers there can be."""
        for ending in (".dict", ".dict.dz"):
            for offset, size in ((len(BIRDS.bodies), 1), (len(BIRDS.bodies) - 5, 6), (1 << 40, 5), ((1 << 48) - 1, 9)):
                path = self.path(ending=ending)
                path.write_bytes(BIRDS.index + Book().line("x", offset, size).index)
                text = self.refused(path)
                self.assertIn(f"ends at {len(BIRDS.bodies):,} bytes, and its index leads to {offset + size:,}", text)

    def test_longest_body(self) -> None:
        """A body may be as long as the limit says."""
        book = Book().add(b"x" * (dictorg.LONGEST_BODY - 1), "x")
        (entry,) = self.imported(self.path(book, ".dict"))
        self.assertEqual(len(entry.text), dictorg.LONGEST_BODY - 1)

    def test_overlaps(self) -> None:
        """An index that leads to the same bytes in a thousand ways is refused before it took a gigabyte."""
        book = Book().add("x" * 100_000, "x")
        for size in range(50_000):
            book.line(f"w{size}", 0, 100_000 - size)
        reading, format = formats.opened(self.path(book))
        read = 0
        with self.assertRaises(ImportRefused) as caught:
            for entry in format.entries(reading):
                read += len(entry.text)
        self.assertIn("again and again", caught.exception.text)
        self.assertLess(read, 500_000)

    def test_overlaps_that_are_real(self) -> None:
        """Bodies that overlap a little, as gcide's do, are taken."""
        book = Book().add("Emu\n  a bird\nKiwi\n  another", "Emu").line("Kiwi", 13, 14).line("both", 0, 20)
        self.assertEqual(len(self.imported(self.path(book))), 3)

    def test_of_another_dictionary(self) -> None:
        """An index beside the bodies of another: they begin in mid-line, or end before."""
        one, other = Book(), Book()
        for count in range(300):
            one.add(f"word{count}\n  some text of word {count}", f"word{count}")
            other.add(f"other {count}\n" + "  more\n" * (count % 7), f"other {count}")
        for book, bodies in ((one, other.bodies * 3), (other, one.bodies), (one, other.bodies)):
            self.assertRegex(self.refused(self.path(book, bodies=dictzipped(bodies, 5000))), "belong|not the index of")

    def test_much_not_reached(self) -> None:
        """An index that leads to less than half of the bodies is cut off; half is enough."""
        book = Book().add("x\n" + "text\n" * 10, "x")
        size = len(book.bodies)
        self.imported(self.path(book, bodies=dictzipped(book.bodies + b"y" * size)))
        text = self.refused(self.path(book, bodies=dictzipped(book.bodies + b"y" * (size + 1))))
        self.assertIn("leads to 49 % of book.dict.dz", text)

    def test_mid_line(self) -> None:
        """More than half of the bodies beginning in the middle of a line is no index of this file."""
        book = Book().add("one\ntwo\nthree", "x").line("a", 1, 2).line("b", 5, 8).line("c", 2, 9)
        self.assertIn("begin in mid-line", self.refused(self.path(book)))

    def test_mid_line_noticed_early(self) -> None:
        """It is noticed after a thousand bodies, not after all of them."""
        book = Book().add("text " * 2000)
        for count in range(1500):
            book.line(f"w{count}", 3 * count + 1, 3)
        reading, format = formats.opened(self.path(book))
        count = 0
        with self.assertRaises(ImportRefused) as caught:
            for _ in format.entries(reading):
                count += 1
        self.assertIn("mid-line", caught.exception.text)
        self.assertLess(count, 1000)

    @settings(max_examples=150, deadline=None)
    @given(
        lines=st.lists(
            st.tuples(
                st.binary(max_size=8),
                st.sampled_from(["A", "B", "r", "BA", "+/", "A=", "zzzz", ""]),
                st.binary(max_size=3),
            ),
            max_size=8,
        ),
        garbage=st.binary(max_size=30),
    )
    def test_any_garbage(self, lines: list[tuple[bytes, str, bytes]], garbage: bytes) -> None:
        """Any index is read or refused."""
        path = self.path(ending=".dict")
        path.write_bytes(b"".join(b"%s\t%s\t%s\n" % (a, b.encode(), c) for a, b, c in lines) + garbage)
        try:
            for entry in self.imported(path):
                self.assertTrue(entry.text.strip() and all(entry.headwords))
        except ImportRefused as error:
            self.assertIn("book", error.text)


class Bodies(Spoiled):
    """The bodies."""

    def test_cut_off_anywhere(self) -> None:
        """Wherever the packed bodies are cut off, the dictionary is refused."""
        packed = dictzipped(BIRDS.bodies, 20)
        path = self.path()
        for length in range(len(packed)):
            path.with_name("book.dict.dz").write_bytes(packed[:length])
            self.assertIn("book.dict.dz", self.refused(path))

    def test_each_byte_flipped(self) -> None:
        """A spoiled byte anywhere is noticed, or changes nothing of what is read."""
        packed = dictzipped(BIRDS.bodies, 20)
        path = self.path()
        good = self.imported(path)
        for at in range(len(packed)):
            for other in (packed[at] ^ 0xFF, packed[at] ^ 1, 0):
                path.with_name("book.dict.dz").write_bytes(packed[:at] + bytes([other]) + packed[at + 1 :])
                try:
                    self.assertEqual(self.imported(path), good)
                except ImportRefused as error:
                    self.assertIn("book.dict.dz", error.text)

    def test_garbage_behind(self) -> None:
        """Garbage behind the packed bodies is noticed though every body was read."""
        self.assertIn("is damaged", self.refused(self.path(bodies=dictzipped(BIRDS.bodies) + b"x")))

    def test_plain_text_called_packed(self) -> None:
        """A plain text named .dict.dz."""
        self.assertIn("is damaged", self.refused(self.path(bodies=BIRDS.bodies)))

    def test_empty(self) -> None:
        """No bytes at all, packed or plain, and the packed nothing."""
        for ending, bodies in ((".dict", b""), (".dict.dz", b""), (".dict.dz", gzip.compress(b""))):
            self.assertIn("cut off", self.refused(self.path(ending=ending, bodies=bodies)))

    def test_bomb(self) -> None:
        """A hundred megabytes of zeros in a hundred kilobytes, reached by the index or not."""
        bomb = gzip.compress(bytes(100_000_000), 6)
        reached = Book()
        for count in range(24):
            reached.line(f"w{count}", count << 22, 1 << 22)
        for book in (BIRDS, reached):
            self.assertIn("200 times its size", self.refused(self.path(book, bodies=bomb)))

    @settings(max_examples=150, deadline=None)
    @given(garbage=st.binary(max_size=300), kept=st.integers(0, 60))
    def test_any_garbage(self, garbage: bytes, kept: int) -> None:
        """Any bytes in their place are read or refused."""
        path = self.path()
        path.with_name("book.dict.dz").write_bytes(dictzipped(BIRDS.bodies)[:kept] + garbage)
        try:
            self.imported(path)
        except ImportRefused as error:
            self.assertIn("book", error.text)


class Files(Spoiled):
    """What lies there is no file, or not all of it is there."""

    def test_one_is_missing(self) -> None:
        """The index or the bodies; both ways the missing one is named."""
        path = self.path()
        path.with_name("book.dict.dz").unlink()
        self.assertIn("has no book.dict.dz or book.dict beside it", self.refused(path))
        path = self.path()
        path.unlink()
        self.assertIn("has no book.index beside it", self.refused(path.with_name("book.dict.dz")))

    def test_directories(self) -> None:
        """Directories under the names of both."""
        path = self.path()
        path.unlink()
        path.mkdir()
        self.refused(path)
        path = self.path()
        path.with_name("book.dict.dz").unlink()
        path.with_name("book.dict.dz").mkdir()
        self.assertIn("has no book.dict.dz", self.refused(path))

    def test_pipes(self) -> None:
        """Pipes in their place are not opened, which would wait for ever."""
        for name in ("book.index", "book.dict.dz"):
            path = self.path()
            path.with_name(name).unlink()
            os.mkfifo(path.with_name(name))
            self.refused(path)

    def test_links(self) -> None:
        """Links are followed; one that leads nowhere is a file that is missing."""
        path = self.path()
        link = path.with_name("other.index")
        link.symlink_to(path)
        self.assertIn("has no other.dict.dz", self.refused(link))
        path.with_name("other.dict.dz").symlink_to("book.dict.dz")
        self.assertEqual(len(self.imported(link)), 2)
        path.with_name("book.dict.dz").unlink()
        self.refused(link)

    def test_unreadable(self) -> None:
        """A file that may not be read is the system's words with its path."""
        library = Library.fresh(self)
        for name in ("book.index", "book.dict.dz"):
            path = self.path()
            path.with_name(name).chmod(0)
            if os.access(path.with_name(name), os.R_OK):
                raise self.skipTest("this user may read everything")
            with self.assertRaises(DictError) as caught:
                library.take(*formats.opened(path), "birds")
            self.assertEqual(caught.exception.text, f"{path.with_name(name)}: Permission denied")

    def test_encodings(self) -> None:
        """Encodings that Python does not know, that are none of text, that do not fit, or carry half letters."""
        path = self.path(Book().add("caf\u00e9 +2AA-\n x", "X"))
        for encoding in ("nonsense-8", "base64", "ascii", "utf-7", "utf-16", "undefined"):
            self.assertRegex(self.refused_as(path, encoding), encoding)

    def refused_as(self, path: Path, encoding: str) -> str:
        """Why an encoding is refused."""
        with self.assertRaises(ImportRefused) as caught:
            self.imported(path, encoding)
        return caught.exception.text

    def test_half_letters(self) -> None:
        """UTF-7 can write half a letter, which no store can keep."""
        self.assertIn("utf-7", self.refused(self.path(Book().add(b"x +2AA-\n x", "X")), "utf-7"))

    def test_format_said(self) -> None:
        """Where the format is said, files with other names are refused by what they lack."""
        path = self.path().with_name("words.txt")
        path.write_text("a\tb\n", "utf-8")
        self.assertIn("words.txt.dict.dz", self.refused(path, format_name="dictorg"))
        with self.assertRaises(ImportRefused):
            self.imported(path.parent, format_name="dictorg")


#: Letters that a body and a headword may have; folding is tested where folding is made.
_LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"))
_WORDS = st.text(_LETTERS, min_size=1, max_size=8)
_BODIES = st.lists(st.text(_LETTERS | st.just(" "), max_size=12), min_size=1, max_size=4).map("\n".join)


class RoundTrip(SynchronousTestCase):
    """Whatever is written comes back whole."""

    @settings(max_examples=40, deadline=None)
    @given(
        articles=st.lists(st.tuples(_BODIES, st.lists(_WORDS, min_size=1, max_size=3)), min_size=1, max_size=8),
        order=st.randoms(use_true_random=False),
        ending=st.sampled_from([".dict", ".dict.dz"]),
    )
    def test_round_trip(self, articles: list[tuple[str, list[str]]], order: object, ending: str) -> None:
        """DEFINE of every headword gives its bodies, MATCH lists each, none is stored twice."""
        articles = [(text, words) for text, words in articles if text.strip()]
        assume(articles and not any(word.startswith("00") for _, words in articles for word in words))
        book = Book().add("Known\n  a capital: the index is not folded", "Known")
        for text, words in articles:
            book.add(text, *words)
        order.shuffle(book.lines)  # type: ignore[attr-defined]
        path = book.written(Path(self.mktemp()).absolute(), ending=ending)
        library = Library.fresh(self)
        taken = library.take(*formats.opened(path), "book")
        library.publisher.look()
        lexicon = library.lexicon(self)
        self.assertEqual(taken.articles, len(articles) + 1)
        for text, words in articles:
            for word in words:
                shown = unicodedata.normalize("NFC", word)
                if len(shown) > LONGEST_WORD:
                    continue
                self.assertIn(("book", shown), lexicon.match("book", "exact", word, 1000).whole().found)
                self.assertIn(
                    (shown, text.strip("\n")), [(one.headword, one.text) for one in lexicon.define("book", word)]
                )
        lexicon.close()
        library.connection.close()
