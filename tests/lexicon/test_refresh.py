"""The catalogue, and a lexicon that follows it while it serves."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import LexiconDamaged, UnknownDatabase
from dictd.lexicon import building, catalogue, indexing, publisher, records
from dictd.lexicon.catalogue import Catalogue
from dictd.model import Dictionary
from tests.lexicon.publishing import Shelf, article_rows, entries, entry, found, word_rows


class Catalogues(SynchronousTestCase):
    """``catalogue.json`` itself."""

    def setUp(self) -> None:
        """Two dictionaries."""
        self.shelf = Shelf.fresh(self)
        self.shelf.put("wn", entries("run"), title="WordNet — ü")
        self.shelf.put("jargon", entries("foo"))

    def test_comes_back(self) -> None:
        """What is written is read, in its order, and nothing else is left in the directory."""
        listings = self.shelf.listings
        self.assertEqual([listing.name for listing in listings], ["wn", "jargon"])
        catalogue.write(self.shelf.directory, Catalogue(listings[::-1]))
        self.assertEqual(catalogue.read(self.shelf.directory), Catalogue(listings[::-1]))
        self.assertEqual(
            {path.name for path in self.shelf.directory.iterdir()},
            {catalogue.NAME} | {listing.file for listing in listings},
        )

    def test_listing_of_a_name(self) -> None:
        """A listing is found by its name."""
        read = catalogue.read(self.shelf.directory)
        self.assertEqual(read.listing("jargon"), self.shelf.listings[1])
        self.assertIsNone(read.listing("oed"))

    def test_nothing_published_yet(self) -> None:
        """That there is no catalogue is told apart from a damaged one."""
        self.assertRaises(FileNotFoundError, catalogue.read, Shelf.fresh(self).directory)

    def test_damaged(self) -> None:
        """Whatever is not a catalogue is called damaged, with its path."""
        path = self.shelf.directory / catalogue.NAME
        whole = path.read_text("utf-8")
        for content in (
            b"",
            b"{",
            whole.encode()[:-20],
            b"\xff\xfe\x00",
            b"[]",
            b"null",
            b"{}",
            b'{"format": 1}',
            b'{"format": 1, "dictionaries": null}',
            b'{"format": 1, "dictionaries": [{"name": "wn"}]}',
            whole.replace('"size"', '"length"').encode(),
            whole.replace('"size": ', '"size": -0.').encode(),
            whole.replace('"headwords": 1', '"headwords": true').encode(),
            whole.replace('"file": "', '"file": "../').encode(),
        ):
            path.write_bytes(content)
            with self.assertRaises(LexiconDamaged, msg=repr(content[:40])) as caught:
                catalogue.read(self.shelf.directory)
            self.assertIn(str(path), caught.exception.text)

    def test_of_another_format(self) -> None:
        """A catalogue of a newer program is refused with both formats."""
        path = self.shelf.directory / catalogue.NAME
        tree = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps(tree | {"format": 2}), "utf-8")
        with self.assertRaises(LexiconDamaged) as caught:
            catalogue.read(self.shelf.directory)
        self.assertIn("format 2, this program reads 1", caught.exception.text)

    def test_file_name_of_a_listing(self) -> None:
        """A listing is current while its file is named after name, generation, what is told, and format."""
        listing = self.shelf.listings[0]
        self.assertTrue(listing.current)
        self.assertEqual(listing.file, f"wn-1-{listing.told[:8]}-{records.FORMAT}.lmdb")
        for change in ({"generation": 2}, {"told": "0" * 16}, {"file": "wn.lmdb"}, {"name": "nw"}):
            self.assertFalse(evolve(listing, **change).current, change)


class Building(SynchronousTestCase):
    """One file on its way into ``lexicon/``."""

    def test_whole(self) -> None:
        """A file that was just built is whole, by size and by checksum."""
        shelf = Shelf.fresh(self)
        listing = shelf.put("wn", entries("run"))
        for thorough in (False, True):
            self.assertEqual(publisher.whole(shelf.directory, listing, thorough), "")

    def test_not_whole(self) -> None:
        """Each fault has its words; garbage of the right size is found by the checksum alone."""
        shelf = Shelf.fresh(self)
        listing = shelf.put("wn", entries("run"))
        shelf.replace(listing, os.urandom(listing.size))
        self.assertEqual(publisher.whole(shelf.directory, listing, False), "")
        self.assertEqual(publisher.whole(shelf.directory, listing, True), "is damaged")
        shelf.replace(listing, b"x")
        self.assertEqual(publisher.whole(shelf.directory, listing, False), "has not the size it should have")
        (shelf.directory / listing.file).unlink()
        for thorough in (False, True):
            self.assertEqual(publisher.whole(shelf.directory, listing, thorough), "is missing")
        self.assertEqual(publisher.whole(shelf.directory, evolve(listing, told="0" * 16), True), "has another format")

    def test_what_is_told_makes_another_file(self) -> None:
        """Every field that is told of a dictionary changes its fingerprint."""
        dictionary = Dictionary("wn", "WordNet")
        fields = ("name", "title", "info", "lang_from", "lang_to", "licence", "source")
        marks = {publisher.told(evolve(dictionary, **{field: "x"})) for field in fields}
        self.assertEqual(len(marks | {publisher.told(dictionary)}), len(fields) + 1)

    def test_failure_leaves_nothing_behind(self) -> None:
        """When the rows end in an error, neither a file nor a half of one is there."""
        shelf = Shelf.fresh(self)

        def rows_that_fail() -> Iterator[publisher.ArticleRow]:
            yield from article_rows(entries("a", "b"))
            raise OSError(errno.EIO, "the store is gone")

        dictionary = Dictionary("wn", "WordNet")
        words = word_rows(entries("a", "b"))
        self.assertRaises(OSError, publisher.publish, shelf.directory, dictionary, 1, rows_that_fail(), words)
        self.assertEqual(list(shelf.directory.iterdir()), [])

    def test_full_disk(self) -> None:
        """When LMDB cannot write, it is an OSError with the path, and nothing is left behind."""
        shelf = Shelf.fresh(self)
        self.patch(building, "_MAP_SIZE", 64 << 10)
        given = [entry(f"w{no}", text="x" * 1000) for no in range(300)]
        with self.assertRaises(OSError) as caught:
            shelf.put("wn", given)
        self.assertIn(str(shelf.directory), str(caught.exception))
        self.assertEqual(list(shelf.directory.iterdir()), [])

    def test_articles_out_of_order(self) -> None:
        """Articles whose numbers have gaps are refused, for postings would lead to the wrong ones."""
        shelf = Shelf.fresh(self)
        rows = [(0, "a", "", ""), (2, "b", "", "")]
        self.assertRaises(ValueError, publisher.publish, shelf.directory, Dictionary("wn", "WordNet"), 1, rows, [])
        self.assertEqual(list(shelf.directory.iterdir()), [])

    def test_sweep(self) -> None:
        """Files that no catalogue names and remains of a publisher go; all else stays."""
        shelf = Shelf.fresh(self)
        listing = shelf.put("wn", entries("run"))
        for name in ("wn-0-00000000-1.lmdb", "stray.lmdb", ".publishing-123-wn", "notes.txt", ".lock"):
            (shelf.directory / name).write_bytes(b"x")
        gone = publisher.sweep(shelf.directory, Catalogue((listing,)))
        self.assertEqual(sorted(gone), [".publishing-123-wn", "stray.lmdb", "wn-0-00000000-1.lmdb"])
        self.assertEqual(
            {path.name for path in shelf.directory.iterdir()}, {catalogue.NAME, listing.file, "notes.txt", ".lock"}
        )

    def test_many_words(self) -> None:
        """Words that take several commits, and are sorted in several runs, are all found."""
        self.patch(indexing, "_WORDS_A_COMMIT", 10)
        self.patch(indexing, "_RUN", 7)
        shelf = Shelf.fresh(self)
        words = [f"é {no:03}-" for no in range(100)]
        shelf.put("many", entries(*words))
        lexicon = shelf.refreshed()
        self.assertEqual(lexicon.dictionaries()[0][1], 100)
        for no, word in enumerate(words):
            for asked in (word, f"e {no:03}", f"E{no:03}"):
                self.assertEqual([one.headword for one in lexicon.define("many", asked)], [word])


class Refresh(SynchronousTestCase):
    """A lexicon and what happens around it."""

    def setUp(self) -> None:
        """An empty shelf."""
        self.shelf = Shelf.fresh(self)
        self.lexicon = self.shelf.lexicon

    def texts(self, word: str) -> list[tuple[str, str]]:
        """Database and text of each definition of a word."""
        return [(database, text) for database, _, text in found(self.lexicon.define("*", word))]

    def complaint(self) -> str:
        """The one complaint that was made; it is forgotten."""
        (line,) = self.shelf.complaints
        self.shelf.complaints.clear()
        self.assertEqual(len(line.splitlines()), 1)
        return line

    def test_nothing_published_yet(self) -> None:
        """A server may start before anything is published, and even before there is a directory."""
        self.assertFalse(self.lexicon.refresh())
        self.shelf.directory.rmdir()
        self.assertFalse(self.lexicon.refresh())
        self.assertEqual(self.lexicon.dictionaries(), [])
        self.assertEqual(self.shelf.complaints, [])

    def test_new_dictionary(self) -> None:
        """A new dictionary is served after the next refresh, not before."""
        self.shelf.put("wn", entries("run"))
        self.assertRaises(UnknownDatabase, self.lexicon.define, "wn", "run")
        self.assertTrue(self.lexicon.refresh())
        self.assertEqual(self.texts("run"), [("wn", "about run")])
        self.shelf.put("jargon", entries("run"))
        self.assertTrue(self.lexicon.refresh())
        self.assertEqual(self.texts("run"), [("wn", "about run"), ("jargon", "about run")])

    def test_no_change(self) -> None:
        """Where the catalogue was not replaced, nothing is done."""
        self.assertFalse(self.lexicon.refresh())
        self.shelf.put("wn", entries("run"))
        self.assertTrue(self.lexicon.refresh())
        self.assertFalse(self.lexicon.refresh())
        self.assertFalse(self.lexicon.refresh())

    def test_removed_dictionary(self) -> None:
        """A dictionary that is listed no more is served no more; its neighbour goes on."""
        self.shelf.put("wn", entries("run"))
        other = self.shelf.put("jargon", entries("run"))
        self.lexicon.refresh()
        self.shelf.write(other)
        self.assertTrue(self.lexicon.refresh())
        self.assertRaises(UnknownDatabase, self.lexicon.define, "wn", "run")
        self.assertEqual(self.texts("run"), [("jargon", "about run")])

    def test_another_order(self) -> None:
        """A new order of the catalogue is the order of answers."""
        one, other = self.shelf.put("wn", entries("run")), self.shelf.put("jargon", entries("run"))
        self.lexicon.refresh()
        self.shelf.write(other, one)
        self.lexicon.refresh()
        self.assertEqual(self.texts("run"), [("jargon", "about run"), ("wn", "about run")])

    def test_replaced_generation(self) -> None:
        """A new generation serves its text; what was read of the old one stays what it was."""
        self.shelf.put("wn", [entry("run", text="old")], title="Old")
        self.lexicon.refresh()
        (definition,) = self.lexicon.define("wn", "run")
        read = definition.text, definition.headword, definition.on_the_wire(), definition.dictionary
        self.shelf.put("wn", [entry("run", text="new")], title="New")
        self.assertTrue(self.lexicon.refresh())
        self.assertEqual(self.texts("run"), [("wn", "new")])
        self.assertEqual(self.lexicon.dictionary("wn").title, "New")
        self.assertEqual(read[:2], ("old", "run"))
        self.assertEqual(read[2], (b"run", b' wn "Old"\r\n', b"old\r\n"))
        self.assertEqual((definition.dictionary.title, definition.headword), ("Old", "run"))

    def test_old_file_deleted_before_the_refresh(self) -> None:
        """The publisher deletes the old file at once; until the refresh it is read as before."""
        old = self.shelf.put("wn", [entry("run", text="old")])
        self.lexicon.refresh()
        self.shelf.put("wn", [entry("run", text="new")])
        (self.shelf.directory / old.file).unlink()
        self.assertEqual(self.texts("run"), [("wn", "old")])
        self.lexicon.refresh()
        self.assertEqual(self.texts("run"), [("wn", "new")])
        self.assertEqual(self.shelf.complaints, [])

    def test_neighbours_are_not_touched(self) -> None:
        """Definitions of a dictionary that stays can be read after another one was replaced or removed."""
        stays = self.shelf.put("wn", entries("run"))
        self.shelf.put("jargon", entries("foo"))
        self.lexicon.refresh()
        (definition,) = self.lexicon.define("wn", "run")
        self.shelf.put("jargon", entries("foo", "bar"))
        self.lexicon.refresh()
        self.assertEqual(definition.text, "about run")
        self.shelf.write(stays)
        self.lexicon.refresh()
        self.assertEqual(definition.text, "about run")
        self.assertIs(self.lexicon.define("wn", "run")[0].generation, definition.generation)

    def test_replaced_generation_is_closed(self) -> None:
        """A generation that is not live any more holds no file open, though somebody still has a definition of it."""
        old = self.shelf.put("wn", entries("run"))
        self.lexicon.refresh()
        definitions = self.lexicon.define("wn", "run")
        self.shelf.put("wn", entries("walk"))
        self.lexicon.refresh()
        (self.shelf.directory / old.file).unlink()
        held = [os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd") if _is_open(number)]
        self.assertEqual([path for path in held if old.file in path], [])
        self.assertEqual([one.headword for one in definitions], ["run"])

    def test_damaged_catalogue(self) -> None:
        """A damaged catalogue is complained of once, and what was served goes on."""
        self.shelf.put("wn", entries("run"))
        self.lexicon.refresh()
        (self.shelf.directory / catalogue.NAME).write_text("{", "utf-8")
        self.assertFalse(self.lexicon.refresh())
        self.assertIn("is damaged", self.complaint())
        self.assertFalse(self.lexicon.refresh())
        self.assertEqual(self.shelf.complaints, [])
        self.assertEqual(self.texts("run"), [("wn", "about run")])

    def test_catalogue_is_mended(self) -> None:
        """After a damaged catalogue a whole one is followed again."""
        listing = self.shelf.put("wn", entries("run"))
        (self.shelf.directory / catalogue.NAME).write_text("{", "utf-8")
        self.lexicon.refresh()
        self.shelf.write(listing)
        self.assertTrue(self.lexicon.refresh())
        self.assertEqual(self.texts("run"), [("wn", "about run")])

    def test_catalogue_disappears(self) -> None:
        """When somebody deletes the catalogue, what was served goes on."""
        self.shelf.put("wn", entries("run"))
        self.lexicon.refresh()
        (self.shelf.directory / catalogue.NAME).unlink()
        self.assertFalse(self.lexicon.refresh())
        self.assertEqual(self.texts("run"), [("wn", "about run")])

    def faulty(self, content: bytes | None) -> None:
        """A dictionary whose file is at fault is left out, its neighbours served; built again, it is served."""
        given = [entry("run", text="in the middle")]
        dictionary = Dictionary("broken", "Broken")
        self.shelf.put("wn", entries("run"))
        listing = self.shelf.build(dictionary, 7, given)
        self.shelf.put("jargon", entries("run"))
        if content is None:
            (self.shelf.directory / listing.file).unlink()
        else:
            self.shelf.replace(listing, content)
        self.assertTrue(self.lexicon.refresh())
        self.assertIn(listing.file, self.complaint())
        self.assertEqual(self.shelf.names(), ["wn", "jargon"])
        self.assertEqual(self.texts("run"), [("wn", "about run"), ("jargon", "about run")])
        self.assertRaises(UnknownDatabase, self.lexicon.define, "broken", "run")
        again = self.shelf.build(dictionary, 7, given)
        self.assertEqual(again.file, listing.file)
        self.assertTrue(self.lexicon.refresh())
        self.assertEqual(self.shelf.complaints, [])
        self.assertEqual(self.texts("run"), [("wn", "about run"), ("broken", "in the middle"), ("jargon", "about run")])

    def content(self) -> bytes:
        """The file that :meth:`faulty` is going to build."""
        shelf = Shelf.fresh(self)
        listing = shelf.build(Dictionary("broken", "Broken"), 7, [entry("run", text="in the middle")])
        return (shelf.directory / listing.file).read_bytes()

    def test_file_missing(self) -> None:
        """A file that is not there."""
        self.faulty(None)

    def test_file_truncated(self) -> None:
        """A file of which the end is gone."""
        self.faulty(self.content()[:-4096])

    def test_file_empty(self) -> None:
        """A file of no bytes."""
        self.faulty(b"")

    def test_file_of_garbage(self) -> None:
        """A file of the right size in which nothing is right."""
        self.faulty(os.urandom(len(self.content())))

    def test_file_of_zeros(self) -> None:
        """A file that a power failure left full of zeros."""
        self.faulty(bytes(len(self.content())))

    def test_file_with_zeros_behind_its_header(self) -> None:
        """A file of which only the first pages reached the disk."""
        content = self.content()
        self.faulty(content[:8192] + bytes(len(content) - 8192))

    def test_file_of_another_version(self) -> None:
        """A file that another version of the program has built is called that, not damaged."""
        shelf = Shelf.fresh(self)
        listing = shelf.put("wn", entries("run"))
        older = shelf.directory / listing.file.replace(f"-{records.FORMAT}.lmdb", "-1.lmdb")
        (shelf.directory / listing.file).rename(older)
        shelf.write(evolve(listing, file=older.name))
        shelf.lexicon.refresh()
        self.assertEqual(
            shelf.complaints, [f"{older} is of another version of dictd; it is served when it is built again"]
        )

    def test_file_of_another_format(self) -> None:
        """A whole file of another version of the format, under the name of this one."""
        self.patch(records, "FORMAT", records.FORMAT + 1)
        other = self.content()
        self.patch(records, "FORMAT", records.FORMAT - 1)
        self.faulty(other)

    def test_file_of_another_generation(self) -> None:
        """A whole file of another generation under the name of this one."""
        shelf = Shelf.fresh(self)
        listing = shelf.build(Dictionary("broken", "Broken"), 8, [entry("run", text="in the middle")])
        self.faulty((shelf.directory / listing.file).read_bytes())

    def test_last_good_generation_goes_on(self) -> None:
        """When the new generation of a dictionary that is served is at fault, the old one goes on."""
        self.shelf.put("wn", [entry("run", text="old")])
        self.shelf.put("jargon", entries("foo"))
        self.lexicon.refresh()
        new = self.shelf.put("wn", [entry("run", text="new")])
        whole = (self.shelf.directory / new.file).read_bytes()
        self.shelf.replace(new, os.urandom(new.size))
        self.lexicon.refresh()
        self.assertIn(new.file, self.complaint())
        self.assertEqual(self.shelf.names(), ["wn", "jargon"])
        self.assertEqual(self.texts("run"), [("wn", "old")])
        self.shelf.replace(new, whole)
        self.shelf.write(*self.shelf.listings)
        self.lexicon.refresh()
        self.assertEqual(self.texts("run"), [("wn", "new")])
        self.assertEqual(self.shelf.complaints, [])

    def test_file_built_again_while_it_is_served(self) -> None:
        """A file that was built again under its name is another file: it is opened, the old one closed."""
        dictionary = Dictionary("wn", "WordNet")
        self.shelf.build(dictionary, 1, [entry("run", text="first")])
        self.lexicon.refresh()
        before = self.lexicon.define("wn", "run")[0].generation
        self.shelf.build(dictionary, 1, [entry("run", text="second")])
        self.assertTrue(self.lexicon.refresh())
        self.assertEqual(self.texts("run"), [("wn", "second")])
        self.assertNotEqual(before.identity, self.lexicon.define("wn", "run")[0].generation.identity)

    def test_file_that_comes_back(self) -> None:
        """A file that is missing is complained of once, looked for each time, and served when it is there."""
        listing = self.shelf.put("wn", entries("run"))
        path = self.shelf.directory / listing.file
        path.rename(path.with_suffix(".away"))
        self.assertFalse(self.lexicon.refresh())
        self.assertIn(listing.file, self.complaint())
        self.assertFalse(self.lexicon.refresh())
        self.assertEqual(self.shelf.complaints, [])
        path.with_suffix(".away").rename(path)
        self.assertTrue(self.lexicon.refresh())
        self.assertEqual(self.texts("run"), [("wn", "about run")])
        self.assertFalse(self.lexicon.refresh())

    def test_file_goes_bad_while_it_is_served(self) -> None:
        """A look-up that meets a damaged page answers from the others; the file is given up and told of, once."""
        distrusted: list[str] = []
        self.shelf.lexicon.distrust = lambda: distrusted.append("distrust")
        dictionary, given = Dictionary("broken", "Broken"), [entry("run", text="in the middle")]
        self.shelf.put("wn", entries("run"))
        for ask in (
            lambda: self.lexicon.define("*", "run"),
            lambda: self.lexicon.match("*", "prefix", "r", 10).whole(),
            lambda: self.lexicon.define("broken", "run"),
        ):
            listing = self.shelf.build(dictionary, 7, given)
            self.lexicon.refresh()
            self.assertEqual(self.shelf.names(), ["wn", "broken"])
            (self.shelf.directory / listing.file).chmod(0o600)
            with open(self.shelf.directory / listing.file, "r+b") as file:
                file.seek(8192)
                file.write(bytes(listing.size - 8192))
            ask()
            self.assertIn(listing.file, self.complaint())
            self.assertEqual(distrusted, ["distrust"])
            self.assertEqual(self.texts("run"), [("wn", "about run")])
            self.assertRaises(UnknownDatabase, self.lexicon.define, "broken", "run")
            distrusted.clear()
        self.shelf.build(dictionary, 7, given)
        self.assertTrue(self.lexicon.refresh())
        self.assertEqual(self.texts("run"), [("wn", "about run"), ("broken", "in the middle")])

    def test_forced(self) -> None:
        """A forced refresh sees also a file that was replaced under an unchanged catalogue."""
        listing = self.shelf.put("wn", entries("run"))
        self.lexicon.refresh()
        self.assertFalse(self.lexicon.refresh(force=True))
        self.shelf.replace(listing, (self.shelf.directory / listing.file).read_bytes())
        self.assertFalse(self.lexicon.refresh())
        self.assertTrue(self.lexicon.refresh(force=True))
        self.assertEqual(self.texts("run"), [("wn", "about run")])

    def test_damaged_catalogue_at_the_start(self) -> None:
        """A server that starts beside a damaged catalogue complains and serves nothing yet."""
        (self.shelf.directory / catalogue.NAME).write_bytes(b"\x00" * 100)
        self.assertFalse(self.lexicon.refresh())
        self.assertIn(catalogue.NAME, self.complaint())
        self.assertEqual(self.lexicon.dictionaries(), [])

    def test_close_and_open_again(self) -> None:
        """A closed lexicon serves nothing, may be closed again, and follows the catalogue when refreshed."""
        self.shelf.put("wn", entries("run"))
        self.lexicon.refresh()
        self.lexicon.close()
        self.lexicon.close()
        self.assertEqual(self.lexicon.dictionaries(), [])
        self.assertTrue(self.lexicon.refresh())
        self.assertEqual(self.texts("run"), [("wn", "about run")])


def _is_open(number: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{number}")
