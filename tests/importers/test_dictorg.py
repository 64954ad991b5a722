"""Dictionaries of dict.org: every trap that real files have."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.importers import dictorg, formats
from dictd.importers.reading import Reading
from dictd.importers.told import licence_in
from dictd.model import LONGEST_WORD, Entry
from tests.importers.bookbinding import Book, in_members
from tests.lexicon.publishing import Library


class Books(SynchronousTestCase):
    """Dictionaries of a few words."""

    reading: Reading

    def path(self, book: Book, name: str = "book", ending: str = ".dict.dz", bodies: bytes | None = None) -> Path:
        """A written dictionary."""
        return book.written(Path(self.mktemp()).absolute(), name, ending, bodies)

    def read(self, book: Book, encoding: str = "") -> list[Entry]:
        """The entries of a dictionary; what was told of it is in ``self.reading``."""
        self.reading, format = formats.opened(self.path(book), encoding)
        self.assertEqual(format.name, "dictorg")
        return list(format.entries(self.reading))

    def shown(self, book: Book, encoding: str = "") -> list[tuple[str, ...]]:
        """The headwords of each entry."""
        return [entry.headwords for entry in self.read(book, encoding)]

    def left_out(self) -> list[tuple[int, str]]:
        """The lines that were left out, and why."""
        return [(complaint.line, complaint.why) for complaint in self.reading.complaints]


class Told(Books):
    """What a dictionary tells of itself is no headword."""

    def test_three_spellings(self) -> None:
        """With dashes, without, and those of gcide."""
        for short, info, url in (
            ("00-database-short", "00-database-info", "00-database-url"),
            ("00databaseshort", "00databaseinfo", "00databaseurl"),
            ("00-gcide-short", "00-web1913-info", "00-gcide-url"),
            ("00-web1913-short", "00-gcide-info", "00-web1913-url"),
        ):
            book = Book().tell(url, "http://example.org/x").tell(short, "Birds\nof the world")
            book.tell(info, "All of them.\n\nThey are in the public domain.").add("emu\n  a bird", "emu")
            self.assertEqual(self.read(book), [Entry(("emu",), "emu\n  a bird")])
            told = self.reading
            self.assertEqual((told.title, told.source), ("Birds of the world", "http://example.org/x"))
            self.assertEqual(told.info, "All of them.\n\nThey are in the public domain.")
            self.assertEqual(told.licence, "They are in the public domain.")
            self.assertEqual(told.malformed, 0)

    def test_all_others(self) -> None:
        """Whatever else is told is no headword either, and nothing of it is lost among the words."""
        book = Book().add("x\n  a letter", "x")
        for kind in (
            "allchars",
            "utf8",
            "8bit-new",
            "alphabet",
            "dictfmt-1.13.0",
            "case-sensitive",
            "default-strategy",
        ):
            book.tell(f"00-database-{kind}", "").tell(f"00database{kind.replace('-', '')}", "")
        self.assertEqual(self.shown(book), [("x",)])

    def test_words_that_look_like_it(self) -> None:
        """``00 gauge`` and ``002 mm null komma null`` are words."""
        words = ["00 gauge", "002 mm null komma null", "00", "000", "00-gauge", "00-gcidex", "x00-database-info"]
        book = Book().tell("00databaseshort", "Title")
        for word in words:
            book.add(f"{word}\n  a word", word)
        self.assertEqual(self.shown(book), [(word,) for word in words])

    def test_of_the_dictionary_before_of_its_source(self) -> None:
        """What 00-database-info tells goes before what the dictionary it was made of told, wherever it lies."""
        for first, second in (("00-web1913-info", "00-database-info"), ("00-database-info", "00-web1913-info")):
            book = Book().tell(first, f"of {first}").tell(second, f"of {second}").add("x\n y", "x")
            self.read(book)
            self.assertEqual(self.reading.info, "of 00-database-info")

    def test_shares_a_body_with_a_word(self) -> None:
        """A word that leads to a body of that kind stays a word."""
        book = Book().add("about\n  this", "00-database-info", "about")
        self.assertEqual(self.shown(book), [("about",)])
        self.assertEqual(self.reading.info, "about\n  this")

    def test_nothing_told(self) -> None:
        """Where nothing is told, name and file name stand in."""
        library = Library.fresh(self)
        taken = library.take(*formats.opened(self.path(Book().add("x\n y", "x"))), "birds")
        dictionary = taken.dictionary
        self.assertEqual((dictionary.title, dictionary.info, dictionary.licence), ("birds", "", ""))
        self.assertEqual(dictionary.source, "book.index")

    def test_long_instead_of_info(self) -> None:
        """Without an info the long description is that."""
        self.read(Book().tell("00-database-long", "Long.").add("x\n y", "x"))
        self.assertEqual(self.reading.info, "Long.")

    def test_kept_in_store_and_lexicon(self) -> None:
        """Title, info, licence and source are what a server tells."""
        book = Book().tell("00-database-short", "Birds").tell("00-database-url", "http://example.org/")
        book.tell("00-database-info", "All\tof them.\n\n  Copyright 2001 by us.").add("emu\n  a bird", "emu")
        library = Library.fresh(self)
        library.take(*formats.opened(self.path(book)), "birds")
        library.publisher.look()
        told = library.lexicon(self).dictionary("birds")
        self.assertEqual(told, library.live()[0].dictionary)
        self.assertEqual(
            (told.title, told.licence, told.source), ("Birds", "Copyright 2001 by us.", "http://example.org/")
        )
        self.assertRegex(told.info, r"^All +of them\.\n\n  Copyright 2001 by us\.$")

    def test_licences(self) -> None:
        """The sentence that names the licence surest, of however many, cut where it is too long."""
        for info, licence in (
            ("", ""),
            ("Nothing of that kind.", ""),
            (
                "Copyright 1999 by A. It is under the GNU General Public License.",
                "It is under the GNU General Public License.",
            ),
            ("No copyright on it. Copyright (C) 2001 by B.", "Copyright (C) 2001 by B."),
            ("Under a licence. Under CC BY-SA 4.0.", "Under CC BY-SA 4.0."),
            ("It has a licence.\n\nIt has more.", "It has a licence."),
            ("public domain " * 50, ("public domain " * 50)[:297] + "..."),
        ):
            self.assertEqual(licence_in(info), licence)

    def test_endless_info(self) -> None:
        """An info of megabytes that nearly names a licence everywhere takes no time."""
        self.assertEqual(licence_in("GNU x " * 500_000), "")


class Folding(Books):
    """Headwords as they were before the index was folded."""

    def test_from_the_body(self) -> None:
        """Up to the pronunciation, or the grammar; wherever it is; several of them."""
        for first, folded, shown in (
            ("Penguin /ˈpɛŋɡwɪn/ <n>", "penguin", "Penguin"),
            ("Penguin <n>", "penguin", "Penguin"),
            ("Penguin", "penguin", "Penguin"),
            (
                "0,02 mm – Null Komma Null Zwei /nˈʊl/ <x>",
                "002 mm null komma null zwei",
                "0,02 mm – Null Komma Null Zwei",
            ),
            ("24/7 /x/", "247", "24/7"),
            ("and/or / oder /x/", "andor", "and/or"),
            ("Unbekanntes Flugobjekt /…/ (Ufo /…/) <neut>", "ufo", "Ufo"),
            ("Unbekanntes Flugobjekt /…/ (Ufo /…/) <neut>", "unbekanntes flugobjekt", "Unbekanntes Flugobjekt"),
            ("Doktor, Dr. /x/", "dr", "Dr."),
            ("Vereinigte Staaten (USA)", "vereinigte staaten usa", "Vereinigte Staaten (USA)"),
            ("C++ <x>", "c", "C++"),
            ("Dollar-Zeichen /x/ ($) <neut>", "", "$"),
            ("  O'Neill /x/", "oneill", "O'Neill"),
            ("etw.  zu   tun <x>", "etw zu tun", "etw. zu tun"),
            ("ÜBER-Ich /x/", "überich", "ÜBER-Ich"),
            ("Something else", "penguin", "penguin"),
            ("Penguins are birds", "penguin", "penguin"),
        ):
            self.assertEqual(self.shown(Book.folded().add(f"{first}\ntext", folded)), [(shown,)], first)

    def test_blank_lines_first(self) -> None:
        """Blank lines before the first do not count."""
        self.assertEqual(self.shown(Book.folded().add("\n\nO'Neill /x/\ntext\n\n", "oneill")), [("O'Neill",)])
        self.assertEqual(self.read(Book.folded().add("\n\nA-b\ntext\n\n", "ab"))[0].text, "A-b\ntext")

    def test_all_characters(self) -> None:
        """With allchars punctuation is kept in the index, capitals are not."""
        for allchars in ("00-database-allchars", "00databaseallchars"):
            book = Book().tell(allchars, "").add("O'Neill /x/", "o'neill").add("C++", "c++").add("C-x", "cx")
            self.assertEqual(self.shown(book), [("O'Neill",), ("C++",), ("cx",)])

    def test_not_folded(self) -> None:
        """One capital anywhere in a headword: the index is as it was, and so are its headwords."""
        book = Book().add("Penguin <n>", "penguin").add("X", "X").add("O'Neill <x>", "oneill")
        self.assertEqual(self.shown(book), [("penguin",), ("X",), ("oneill",)])

    def test_capitals_of_the_numbers(self) -> None:
        """Capitals of the other columns do not count: they are digits."""
        book = Book.folded().add("x" * 100, "y").add("Penguin <n>", "penguin")
        self.assertRegex(book.index, rb"\t[^\n]*[A-Z]")
        self.assertEqual(self.shown(book)[1], ("Penguin",))

    def test_fourth_column(self) -> None:
        """The headword as it was is in the fourth column, where it folds to the first."""
        book = Book.folded().add("a text")
        at = len(book.bodies) - 7, 7
        book.line("oneill", *at, "O'Neill").line("c", *at, "C++").line("plain", *at, "").line("x", *at, "Another")
        self.assertEqual(set(self.shown(book)[0]), {"O'Neill", "C++", "plain", "x"})

    def test_fourth_column_of_an_index_that_is_not_folded(self) -> None:
        """There too."""
        book = Book().add("a text").line("Oneill", 0, 7, "O'Neill")
        self.assertEqual(self.shown(book), [("O'Neill",)])

    def test_long_first_line(self) -> None:
        """Of a body that is one line of megabytes with brackets everywhere, no more is looked at than may be one."""
        candidates = dictorg._candidates
        looked_at: list[int] = []

        def noted(first: str) -> Iterator[str]:
            looked_at.append(len(first))
            return candidates(first)

        self.patch(dictorg, "_candidates", noted)
        book = Book.folded().add("Foo-bar, (baz) " * 200_000, *[f"nothing{number}" for number in range(100)])
        self.assertEqual(len(self.shown(book.add("x\n y", "x"))[0]), 100)
        self.assertLess(max(looked_at), 2_000)


class Headwords(Books):
    """Headwords and bodies in every relation."""

    def test_one_body(self) -> None:
        """A body of several headwords is one entry; the first is the one it begins with."""
        book = Book().add("Emu\n  a bird", "dromaius", "Emu", "emu bird")
        self.assertEqual(self.read(book), [Entry(("Emu", "dromaius", "emu bird"), "Emu\n  a bird")])

    def test_one_body_is_stored_once(self) -> None:
        """In the store there is one article with three headwords, and DEFINE of each gives it."""
        library = Library.fresh(self)
        taken = library.take(*formats.opened(self.path(Book().add("Emu\n  a bird", "a", "b", "c"))), "birds")
        self.assertEqual((taken.articles, taken.headwords), (1, 3))
        self.assertEqual(library.rows("SELECT count(*) FROM means"), [(1,)])
        library.publisher.look()
        lexicon = library.lexicon(self)
        for word in "abc":
            self.assertEqual([one.text for one in lexicon.define("birds", word)], ["Emu\n  a bird"])

    def test_several_bodies(self) -> None:
        """A headword of several bodies has each."""
        book = Book().add("run\n  v.", "run").add("run\n  n.", "run", "runs")
        self.assertEqual(
            [(e.headwords, e.text) for e in self.read(book)], [(("run",), "run\n  v."), (("run", "runs"), "run\n  n.")]
        )

    def test_line_twice(self) -> None:
        """The same line twice is one headword."""
        self.assertEqual(self.shown(Book().add("x\n y", "x", "x")), [("x",)])

    def test_index_in_another_order(self) -> None:
        """Entries come as their bodies lie, in whatever order the index has them."""
        book = Book()
        for number in range(30):
            book.add(f"w{number}\n  text", f"w{number}", f"v{number}")
        book.lines.sort(key=lambda line: hash(line))
        self.assertEqual(
            [set(headwords) for headwords in self.shown(book)], [{f"w{number}", f"v{number}"} for number in range(30)]
        )

    def test_one_offset_two_sizes(self) -> None:
        """Bodies that begin alike and end elsewhere are two."""
        book = Book().add("long\n  text", "long").line("short", 0, 5)
        self.assertEqual(
            [(entry.headwords, entry.text) for entry in self.read(book)],
            [(("short",), "long"), (("long",), "long\n  text")],
        )

    def test_blanks(self) -> None:
        """Blanks around a headword go, those within become one; what is nothing then is left out and counted."""
        book = Book().add("x\n y", " leading", "trailing ", "two  blanks", "X", "", "  ")
        self.assertEqual(set(self.shown(book)[0]), {"leading", "trailing", "two blanks", "X"})
        self.assertEqual(self.left_out(), [(5, "no headword"), (6, "no headword")])

    def test_no_headword_at_all(self) -> None:
        """A body whose only headword is empty is left out with it."""
        self.assertEqual(self.shown(Book().add("X\n y", "X").add("text\n y", "")), [("X",)])
        self.assertEqual(self.reading.malformed, 1)

    def test_too_long_or_with_control_characters(self) -> None:
        """Such headwords are left out, their body stays under the others."""
        book = Book().add("x\n y", "x", "y" * (LONGEST_WORD + 1), "\x1b[31m", "z" * LONGEST_WORD)
        self.assertEqual(set(self.shown(book)[0]), {"x", "z" * LONGEST_WORD})
        self.assertEqual(
            [why for _, why in self.left_out()],
            ["the headword is longer than 512 characters", "control characters in the headword"],
        )

    def test_empty_body(self) -> None:
        """A headword that leads to nothing is left out: DEFINE would answer it with nothing."""
        book = Book().add("x\n y", "x").add("\n \n", "blank").line("nothing", 3, 0)
        self.assertEqual(self.shown(book), [("x",)])
        self.assertEqual(self.left_out(), [(3, "its body is empty"), (2, "its body is empty")])

    def test_markup_stays_text(self) -> None:
        """FreeDict's ``<masc>`` and gcide's braces are text, not HTML."""
        body = "Emu /x/ <masc, n, sg>\n <b>{bird}</b> &amp; &lt;"
        (entry,) = self.read(Book().add(body, "Emu"))
        self.assertEqual((entry.text, entry.html, entry.senses), (body, "", ()))


class Letters(Books):
    """Bytes that are not what the file is in."""

    def test_stray_cp1252(self) -> None:
        """A byte that is no UTF-8 is cp1252, in bodies and headwords; what is UTF-8 beside it stays that."""
        book = Book().add("Ünderstood \x00".encode()[:-1] + b"the bird\x92s \x96 caf\xe9", b"Bird\x92s", "Ü")
        (entry,) = self.read(book)
        self.assertEqual(entry.text, "Ünderstood the bird’s – café")
        self.assertEqual(set(entry.headwords), {"Bird’s", "Ü"})

    def test_c1_controls(self) -> None:
        """C1 controls are cp1252 that somebody took for Latin-1; those that cp1252 lacks are no letters."""
        (entry,) = self.read(Book().add("It\x92s \x93so\x94 \x80 5 \x81 \x85", "X"))
        self.assertEqual(entry.text, "It’s “so” € 5 \ufffd …")

    def test_half_a_letter(self) -> None:
        """Halves of UTF-8, and what is none though it looks like it, are some letters; never an error."""
        for stray, read in (
            (b"\xe4\xbd", "ä½"),
            (b"\xed\xa0\x80", "í\xa0€"),
            (b"\xff\xfe", "ÿþ"),
            (b"\xf5\x80\x80\x80", "õ€€€"),
            (b"\xc0\x80", "À€"),
        ):
            (entry,) = self.read(Book().add(b"a " + stray + b" b", "X"))
            self.assertEqual(entry.text, f"a {read} b")

    def test_said(self) -> None:
        """KOI8 is read as that where it is said, headwords too; the fourth column and the title likewise."""
        book = Book().add("00-database-short\n  Слова".encode("koi8-r"), "00-database-short")
        book.add("Ключ\n  key".encode("koi8-r"), "Ключ".encode("koi8-r"))
        self.assertEqual([(e.headwords, e.text) for e in self.read(book, "koi8-r")], [(("Ключ",), "Ключ\n  key")])
        self.assertEqual(self.reading.title, "Слова")
        self.assertNotEqual(self.read(book)[0].text, "Ключ\n  key")

    def test_every_ending(self) -> None:
        """Plain, gzip, dictzip and members under each name they go by."""
        book = Book().add("Emu\n  a bird", "Emu").add("Kiwi\n  another", "Kiwi")
        for ending, bodies in (
            (".dict", None),
            (".dict.dz", None),
            (".dict.gz", gzip.compress(book.bodies)),
            (".dict.dz", in_members(book.bodies, 7)),
        ):
            path = self.path(book, "birds", ending, bodies)
            for one in (path, path.with_name("birds" + ending)):
                reading, format = formats.opened(one)
                self.assertEqual([e.headwords for e in format.entries(reading)], [("Emu",), ("Kiwi",)])

    def test_progress(self) -> None:
        """How far it is comes to the size of both files."""
        path = self.path(Book().add("Emu\n  a bird", "Emu"))
        reading, format = formats.opened(path)
        list(format.entries(reading))
        self.assertEqual(reading.done, reading.size)
        self.assertEqual(reading.size, path.stat().st_size + dictorg.bodies_of(path).stat().st_size)
