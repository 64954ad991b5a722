"""Files as importers have them in their hands: encodings, lines, headwords."""

from __future__ import annotations

import codecs
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import ImportRefused
from dictd.importers import reading
from dictd.importers.reading import Complaint, Reading, head, open_reading

ANY = settings(deadline=None, max_examples=200)


class Files(SynchronousTestCase):
    """Opening a file and reading its lines."""

    def file(self, content: bytes, name: str = "book.txt") -> Path:
        """A file with this content."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        path = directory / name
        path.write_bytes(content)
        return path

    def lines(self, content: bytes, encoding: str = "") -> list[str]:
        """The lines of a file."""
        return [line for _, line in open_reading(self.file(content), encoding).lines()]

    def refusal(self, content: bytes, encoding: str = "") -> str:
        """Why a file is refused, be it at once or while it is read; one line."""
        with self.assertRaises(ImportRefused) as caught:
            self.lines(content, encoding)
        self.assertEqual(len(caught.exception.text.splitlines()), 1)
        return caught.exception.text


class Encodings(Files):
    """Which encoding a file has, where nobody says it."""

    def sniffed(self, content: bytes) -> str:
        """The encoding that is found."""
        return open_reading(self.file(content)).encoding

    def test_utf_8(self) -> None:
        """UTF-8 is what fits as UTF-8; ASCII is UTF-8 too."""
        for text in ("plain\tASCII\n", "Mädchen\tgirl\n", "放弃  abandon\n", "𠀀\ta rare one\n"):
            self.assertEqual(self.sniffed(text.encode()), "utf-8")
            self.assertEqual(self.lines(text.encode()), [text.rstrip("\n")])

    def test_utf_8_with_mark(self) -> None:
        """The byte order mark of UTF-8 is no part of the first word."""
        content = codecs.BOM_UTF8 + "放弃\tabandon\n".encode()
        self.assertEqual(self.lines(content), ["放弃\tabandon"])

    def test_utf_16(self) -> None:
        """UTF-16 with a mark is read in either order of bytes."""
        text = "放弃\tabandon\r\n𠀀\ta rare one"
        for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
            self.assertEqual(self.lines(mark + text.encode(encoding)), text.split("\r\n"))

    def test_gb18030(self) -> None:
        """What is no UTF-8 but GB18030 is that, its four-byte characters included."""
        text = "abandon\t放弃；抛弃\n𠀀\t罕用字 㐀\n"
        content = text.encode("gb18030")
        self.assertTrue(any(0x30 <= byte <= 0x39 for byte in content))
        self.assertEqual(self.sniffed(content), "gb18030")
        self.assertEqual(self.lines(content), text.splitlines())

    def test_gbk_and_gb2312(self) -> None:
        """The older Chinese encodings are read as the newer one that includes them."""
        text = "abandon\t放弃\n"
        for encoding in ("gb2312", "gbk"):
            self.assertEqual(self.lines(text.encode(encoding)), text.splitlines())

    def test_cp1252(self) -> None:
        """What fits neither is taken for the encoding of Western Windows."""
        text = "café \tcoffee — “a house”\n"
        self.assertEqual(self.sniffed(text.encode("cp1252")), "cp1252")
        self.assertEqual(self.lines(text.encode("cp1252")), [text.rstrip("\n")])

    def test_decided_by_the_last_byte(self) -> None:
        """The whole file decides, not its beginning."""
        begin = b"word\tmeaning\n" * 120_000
        self.assertGreater(len(begin), 1 << 20)
        self.assertEqual(self.sniffed(begin + "放弃\n".encode()), "utf-8")
        self.assertEqual(self.sniffed(begin + "放弃\n".encode("gb18030")), "gb18030")
        self.assertEqual(self.sniffed(begin + "caf\u00e9".encode("cp1252")), "cp1252")

    def test_said(self) -> None:
        """An encoding that is said is taken, though another would fit too."""
        content = "caféine\tx\n".encode("latin-1")
        self.assertEqual(self.lines(content, "latin-1"), ["caféine\tx"])
        self.assertEqual(self.lines("ключ\tkey\n".encode("koi8-r"), "koi8-r"), ["ключ\tkey"])

    def test_said_wrong(self) -> None:
        """Where the encoding that was said does not fit, the refusal names it and the option."""
        content = "abandon\t放弃\n".encode("gb18030")
        for encoding in ("utf-8", "ascii", "utf-32"):
            refusal = self.refusal(content, encoding)
            self.assertIn(f"is not {encoding}", refusal)
            self.assertIn("--encoding", refusal)

    def test_utf_16_said_of_a_file_without_mark(self) -> None:
        """``utf-16`` needs a mark; without one the file is refused like any that does not fit."""
        self.assertIn("utf-16", self.refusal(b"word\tmeaning\n", "utf-16"))

    def test_cut_in_a_character(self) -> None:
        """A file that ends in half a character is refused, not read without it."""
        self.assertIn("is not utf-8", self.refusal("abandon\t放".encode()[:-1], "utf-8"))

    def test_unknown(self) -> None:
        """A name that is no encoding is refused."""
        self.assertIn("nonsense-8", self.refusal(b"word\tmeaning\n", "nonsense-8"))

    def test_no_encoding_of_text(self) -> None:
        """What Python knows as a codec but not as an encoding of text is refused, not tried."""
        for encoding in ("base64", "hex", "rot13", "zip", "undefined"):
            self.assertIn(encoding, self.refusal(b"word\tmeaning\n", encoding))

    def test_binary(self) -> None:
        """A file with bytes that no text has is refused as what it is."""
        png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
        for content in (png, b"\x7fELF\x02\x01\x01\x00", b"\x1f\x8b\x08\x00gzip", b"text\x00text", b"a\x07b"):
            self.assertIn("is not a text file", self.refusal(content))

    def test_empty_and_missing(self) -> None:
        """A file with nothing in it, and one that is not there, are refused with their path."""
        self.assertIn("book.txt is empty", self.refusal(b""))
        missing = Path(self.mktemp()) / "missing.txt"
        with self.assertRaises(ImportRefused) as caught:
            open_reading(missing)
        self.assertEqual(caught.exception.text, f"{missing}: No such file or directory")

    def test_directory(self) -> None:
        """A directory is opened without a look at its bytes; its size is that of its files."""
        path = self.file(b"12345")
        self.assertEqual(open_reading(path.parent).size, 5)

    @ANY
    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40))
    def test_any_utf_8(self, text: str) -> None:
        """Any text in UTF-8 is read as it was written, or refused as no text; never as another encoding."""
        content = text.encode()
        if not content:
            return
        try:
            opened = open_reading(self.file(content))
        except ImportRefused:
            self.assertTrue(any(ord(c) < 32 and c != "\t" for c in text), ascii(text))
        else:
            self.assertIn(opened.encoding, ("utf-8", "utf-8-sig"))
            self.assertEqual([line for _, line in opened.lines()], [text.removeprefix("\ufeff")][: len(content)])


class Lines(Files):
    """Lines and their numbers."""

    def test_ends(self) -> None:
        """LF and CRLF end a line, the last one needs no end, empty lines count."""
        path = self.file(b"one\r\ntwo\n\n\r\nfive")
        self.assertEqual(list(open_reading(path).lines()), [(1, "one"), (2, "two"), (3, ""), (4, ""), (5, "five")])
        self.assertEqual(self.lines(b"one\n"), ["one"])

    def test_other_separators_stay(self) -> None:
        """What Python also takes for line ends is part of a line here."""
        text = "one\u2028two\x0cthree\x85four"
        self.assertEqual(self.lines(text.encode(), "utf-8"), [text])

    def test_large_file(self) -> None:
        """Characters and line ends that fall between two pieces are whole."""
        for width in range(1, 5):
            lines = ["x" * width + "中" * 300 + str(number) for number in range(1000)]
            content = "\r\n".join(lines).encode()
            self.assertGreater(len(content), 3 * (1 << 18))
            self.assertTrue(self.lines(content) == lines, width)

    def test_progress(self) -> None:
        """Done is counted in bytes and ends at the size."""
        path = self.file("放弃\n".encode() * 100_000)
        opened = open_reading(path)
        before = 0
        for _ in opened.lines():
            self.assertGreaterEqual(opened.done, before)
            before = opened.done
        self.assertEqual((opened.done, opened.size), (700_000, 700_000))

    def test_line_without_end(self) -> None:
        """A line of megabytes is no line of text; which one it is, is said."""
        refusal = self.refusal(b"one\ntwo\n" + b"x" * (reading.LONGEST_LINE + (1 << 19)))
        self.assertIn("line 3 has no end", refusal)

    def test_head(self) -> None:
        """The first lines, or all where there are fewer."""
        path = self.file(b"one\ntwo\nthree\n")
        self.assertEqual(head(path, "utf-8", 2), ["one", "two"])
        self.assertEqual(head(path, "utf-8", 9), ["one", "two", "three"])


class Headwords(SynchronousTestCase):
    """A headword as it may be stored."""

    def setUp(self) -> None:
        """A reading that nothing was read of."""
        self.reading = Reading(Path("book.txt"), "utf-8", 0)

    def test_as_it_is_stored(self) -> None:
        """Composed, blanks collapsed, its case and signs kept."""
        for raw, word in (
            ("penguin", "penguin"),
            (" Ma\u0308dchen ", "Mädchen"),
            ("give\u3000 up", "give up"),
            ("C++", "C++"),
            ("ﬁ", "ﬁ"),
            ("می\u200cخواهم", "می\u200cخواهم"),
        ):
            self.assertEqual(self.reading.headword(1, raw), word)
        self.assertEqual(self.reading.malformed, 0)

    def test_left_out(self) -> None:
        """Nothing, too much, and control characters are left out, with the line and the reason."""
        for number, (raw, why) in enumerate(
            [
                ("", "no headword"),
                (" \u3000", "no headword"),
                ("x" * 513, "the headword is longer than 512 characters"),
                ("a\x00b", "control characters in the headword"),
                ("a\x1b[31m", "control characters in the headword"),
                ("a\x85b\x9f", "control characters in the headword"),
            ],
            1,
        ):
            self.assertEqual(self.reading.headword(number, raw), "")
            self.assertEqual((self.reading.malformed, self.reading.complaints[-1].line), (number, number))
            self.assertEqual(self.reading.complaints[-1].why, why)

    def test_longest(self) -> None:
        """512 characters are a headword, whatever their bytes."""
        self.assertEqual(self.reading.headword(1, "中" * 512), "中" * 512)

    def test_longest_in_quotes(self) -> None:
        """Quotes and backslashes count two, as they leave: a line must hold them (RFC 2229 2.4.3)."""
        for sign in ('"', "\\"):
            self.assertEqual(self.reading.headword(1, sign * 256), sign * 256)
            self.assertEqual(self.reading.headword(2, sign * 257), "")

    def test_complaints(self) -> None:
        """The first ten are kept, shortened; all are counted."""
        for number in range(1, 13):
            self.reading.complain(number, "x" * (50 + number), "because")
        self.assertEqual(self.reading.malformed, 12)
        self.assertEqual([complaint.line for complaint in self.reading.complaints], list(range(1, 11)))
        self.assertEqual(self.reading.complaints[9], Complaint(10, "x" * 60, "because"))
        self.reading.complaints.clear()
        self.reading.complain(13, "x" * 61, "because")
        self.assertEqual(self.reading.complaints[0].text, "x" * 57 + "...")
