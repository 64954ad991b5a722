"""What a search lists of what a strategy finds: limits, long answers, long words."""

from __future__ import annotations

import lmdb
from twisted.trial.unittest import SynchronousTestCase

from dictd.lexicon import generation, records, search
from dictd.lexicon.reader import Lexicon
from dictd.model import Entry
from tests.lexicon.publishing import Shelf, entries, shelved
from tests.lexicon.test_strategies import matched

WORDS = [f"{'a' * (number % 7)}w{number:03}{'z' * (number % 5)}" for number in range(60)]


def lines(lexicon: Lexicon, strategy: str, asked: str, limit: int) -> list[str]:
    """The lines of an answer, which are whole."""
    matches = lexicon.match("*", strategy, asked, limit).whole()
    *whole, rest = matches.lines.split(b"\r\n")
    assert rest == b"", f"a piece of a line: {rest!r}"
    assert matches.count == len(whole) == len(matches.found)
    return [line.decode() for line in whole]


class LongAnswers(SynchronousTestCase):
    """Spans that are read in pieces, and those that are too long to be one."""

    def setUp(self) -> None:
        self.lexicon = shelved(self, d=entries(*WORDS), e=entries(*WORDS))
        self.all = lines(self.lexicon, "all", "x", 1000)
        self.assertEqual(len(self.all), 2 * len(WORDS))

    def test_limit_wherever_a_piece_ends(self) -> None:
        """Whatever the limit and however long pieces are, the answer is the first lines, none of them cut."""
        for size in (64, 65, 97, 200):
            self.patch(search, "_PIECE", size)
            for limit in range(1, 122):
                found = self.lexicon.match("*", "all", "x", limit).whole()
                self.assertEqual(lines(self.lexicon, "all", "x", limit), self.all[:limit], (size, limit))
                self.assertEqual(found.more, limit < 120, (size, limit))

    def test_skipped_wherever_a_piece_ends(self) -> None:
        """nprefix skips and counts lines over all pieces."""
        self.patch(search, "_PIECE", 64)
        first = self.all[:60]
        for skip in range(62):
            for count in (0, 1, 5, 60):
                said = [line for line in lines(self.lexicon, "nprefix", f"{skip}#{count}#", 1000) if line[0] == "d"]
                self.assertEqual(said, first[skip : skip + count], (skip, count))

    def test_more_than_a_span_holds(self) -> None:
        """What is longer than a span can be is several, each of whole lines, and nothing is left out."""
        self.patch(records, "LONGEST_LINE", 32)
        for bits in (6, 7, 8):
            self.patch(records, "LONGEST_SPAN", (1 << bits) - 1)
            for piece in (32, 1 << 16):
                self.patch(search, "_PIECE", piece)
                self.assertEqual(lines(self.lexicon, "all", "x", 1000), self.all, (bits, piece))
                prefixed = [line for line in self.all if line[3] == "a"]
                self.assertEqual(lines(self.lexicon, "prefix", "a", 1000), prefixed)

    def test_lines_are_shorter_than_that(self) -> None:
        """The longest line that MATCH has fits into what is looked at for the end of one."""
        self.assertGreater(records.LONGEST_LINE, len(b'name "') + 64 + 512 * 4 + len('"\r\n'))

    def test_in_the_order_of_keys(self) -> None:
        """What a strategy finds in another order is put in order, if it is less than asked for."""
        self.patch(search, "_RUN", 4)
        ending = sorted(line for line in self.all if line.endswith('zz"'))
        self.assertGreater(len(ending), 24)
        self.assertEqual(lines(self.lexicon, "suffix", "zz", 1000), ending)
        self.assertEqual(lines(self.lexicon, "suffix", "zz", len(ending)), ending)
        few = lines(self.lexicon, "suffix", "zz", 10)
        self.assertEqual((len(few), few), (10, sorted(few)))

    def test_limits_end_the_search(self) -> None:
        """What lies behind the limit is not read."""
        self.patch(generation.Generation, "others_from", lambda *_: self.fail("looked further"))
        self.assertTrue(self.lexicon.match("d", "prefix", "a", 5).whole().more)

    def test_others_have_their_turn(self) -> None:
        """Between the pieces of a long span, listed or skipped, somebody else may have a turn."""
        self.patch(search, "_PIECE", 64)
        for strategy, asked in (("all", "x"), ("nprefix", "999##")):
            looks: list[None] = []
            looking = self.lexicon.match("d", strategy, asked, 1000)
            self.assertTrue(looking.run(lambda looks=looks: looks.append(None) or True))  # type: ignore[misc]
            self.assertGreater(len(looks), 10, strategy)


class Nearness(SynchronousTestCase):
    """The order of suggestions."""

    def near(self, lexicon: Lexicon, word: str, most: int = 5) -> list[str]:
        """The suggestions for a word."""
        nearest = lexicon.nearest(word, most)
        nearest.run(lambda: True)
        return nearest.headwords

    def test_order(self) -> None:
        """Used most; then with the same first letter; then in the order of the dictionaries. Each headword once."""
        lexicon = shelved(
            self,
            d=[*entries("aen", "Pun", "pon"), Entry(("ben",), "x", frequency=2)],
            e=[Entry(("ben",), "x", frequency=1), Entry(("pon",), "x", frequency=1 << 40), *entries("pan")],
        )
        self.assertEqual(self.near(lexicon, "pen", 9), ["pon", "ben", "Pun", "pan", "aen"])
        self.assertEqual(self.near(lexicon, "pen", 2), ["pon", "ben"])

    def test_best_of_two_dictionaries(self) -> None:
        """A headword that one dictionary has among those used most is not ranked by another that counts nothing."""
        lexicon = shelved(self, d=[Entry(("pon",), "x", frequency=5), *entries("pan")], e=entries("pon"))
        self.assertEqual(self.near(lexicon, "pen"), ["pon", "pan"])

    def test_short_words(self) -> None:
        """Everything is one slip from a word of one letter: it is near to nothing."""
        lexicon = shelved(self, d=entries("x", "ab", "中"))
        self.assertEqual(self.near(lexicon, "y"), [])
        self.assertEqual(self.near(lexicon, "文"), [])
        self.assertEqual(self.near(lexicon, "ay"), ["ab"])


class LongWords(SynchronousTestCase):
    """Words whose keys are cut."""

    def test_every_strategy_finds_the_word_itself(self) -> None:
        """A word of any length is found as it is written, loosely written, and by its parts."""
        words = ["中" * 500 + "a", "é" * 300 + " x", "ab " * 170 + "cd", "b" * 480, "c" * 481, "C'" * 250]
        lexicon = shelved(self, d=entries(*words))
        for word in words:
            for strategy in ("exact", "prefix", "suffix", "substring", "word", "first", "last"):
                self.assertEqual(matched(lexicon, strategy, word), [word], (strategy, word[:3]))
        self.assertEqual(matched(lexicon, "suffix", "e" * 300 + " x"), [words[1]])
        self.assertEqual(matched(lexicon, "substring", "中" * 450), [words[0]])
        self.assertEqual(matched(lexicon, "substring", "c" * 240), [words[4], words[5]])
        self.assertEqual(matched(lexicon, "first", "ab " * 160 + "ab"), [words[2]])
        self.assertEqual(matched(lexicon, "last", "ab " * 160 + "cd"), [words[2]])
        self.assertEqual(matched(lexicon, "last", "ab " * 160 + "c"), [])


class SeveralWords(SynchronousTestCase):
    """``word``, ``first`` and ``last`` of what is more than one word."""

    def test_marks_are_parts_of_words(self) -> None:
        """A word does not end before the sign of its vowel."""
        lexicon = shelved(self, d=entries("एक हिन्दी", "एक हिन", "ka\u0331 b"))
        self.assertEqual(matched(lexicon, "word", "एक हिन"), ["एक हिन"])
        self.assertEqual(matched(lexicon, "word", "एक हिन्दी"), ["एक हिन्दी"])

    def test_signs_around(self) -> None:
        """Signs are no words: what stands behind them is the first, what stands before them the last."""
        lexicon = shelved(self, d=entries("'a-b", "a-b!", "c a-b", "a-bc", "ca-b"))
        self.assertEqual(sorted(matched(lexicon, "first", "a-b")), ["'a-b", "a-b!"])
        self.assertEqual(sorted(matched(lexicon, "last", "a-b")), ["'a-b", "a-b!", "c a-b"])
        self.assertEqual(sorted(matched(lexicon, "word", "a-b")), ["'a-b", "a-b!", "c a-b"])


class Files(SynchronousTestCase):
    """The files that a search reads."""

    def test_given_up_while_it_is_searched(self) -> None:
        """A search over several turns goes on without the dictionary that is damaged, and lets go of all of them."""
        lexicon = shelved(self, d=entries("run"), e=entries("run"))
        broken, whole = lexicon._live
        read = generation.Generation.lines

        def lines(self: generation.Generation, span: int) -> bytes:
            if self is broken:
                raise IndexError("for a test")
            return read(self, span)

        self.patch(generation.Generation, "lines", lines)
        self.patch(lexicon, "complain", lambda _: None)
        looking = lexicon.match("*", "exact", "run", 10)
        while not looking.run(lambda: False):
            pass
        self.assertEqual(looking.matches.found, (("e", "run"),))
        self.assertEqual([dictionary.name for dictionary, _ in lexicon.dictionaries()], ["e"])
        self.assertRaises(lmdb.Error, broken.head, b"run")
        self.assertTrue(whole.has(b"run"))
        lexicon.close()
        self.assertRaises(lmdb.Error, whole.head, b"run")

    def test_of_a_machine_of_another_kind(self) -> None:
        """A file whose numbers lie in another order is not served."""
        shelf = Shelf.fresh(self)
        shelf.put("d", entries("run"))
        self.patch(records, "BYTE_ORDER", "another")
        shelf.refreshed()
        self.assertEqual(shelf.names(), [])
        self.assertIn("another kind", shelf.complaints[0])
