"""dictc.grammar: strings to the wire and back, and nothing a terminal would obey."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictc import grammar
from dictc.exits import Exit
from dictc.troubles import Trouble
from dictd.wire.grammar import parse

#: What can be sent: text without control characters.
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029"), max_size=40)
# The server refuses a line with marks that turn the direction; they go over the wire all the same.
TAME = WORDS.map(
    lambda word: word if not any("\u2028" <= c <= "\u202e" or "\u2066" <= c <= "\u2069" for c in word) else "x"
)


class Commands(SynchronousTestCase):
    """What is sent."""

    def test_examples(self) -> None:
        """Atoms stand as they are, all else in quotes; a secret with everything in it too."""
        for words, line in (
            (("DEFINE", "*", "penguin"), b"DEFINE * penguin\r\n"),
            (("MATCH", "!", ".", "crow's nest"), b'MATCH ! . "crow\'s nest"\r\n'),
            (("LOGIN", "alice", 'a"b\\c d'), b'LOGIN alice "a\\"b\\\\c d"\r\n'),
            (("LOGIN", "alice", ""), b'LOGIN alice ""\r\n'),
            (("DEFINE", "my-dict_2", "你好"), 'DEFINE my-dict_2 "你好"\r\n'.encode()),
            (("DEFINE", "*", "a\u00a0b"), 'DEFINE * "a\u00a0b"\r\n'.encode()),
        ):
            self.assertEqual(grammar.command(*words), line)

    @given(WORDS)
    def test_both_ways(self, word: str) -> None:
        """What is quoted reads back as it was."""
        self.assertEqual(grammar.strings(f"151 {grammar.quoted(word)} db"), ["151", word, "db"])

    @given(st.lists(TAME, min_size=1, max_size=4))
    def test_the_server_reads_it(self, words: list[str]) -> None:
        """dictd reads the words that were meant."""
        command = parse(grammar.command("DEFINE", *words).removesuffix(b"\r\n"))
        self.assertEqual((command.verb, list(command.words), command.flaw), ("DEFINE", words, ""))

    def test_no_second_command(self) -> None:
        """Line ends and other control characters are refused, lone surrogates and long lines too."""
        for word in ("a\nQUIT", "a\rQUIT", "a\0", "\x1b[0m", "\x85", "a\u2028b", "\udcff", "x" * 5000):
            trouble = self.assertRaises(Trouble, grammar.command, "DEFINE", "*", word)
            self.assertEqual(trouble.exit, Exit.BAD_PARAMETER)
        self.assertLessEqual(len(grammar.command("DEFINE", "*", "x" * 4000)), grammar.MAX_COMMAND)


class Strings(SynchronousTestCase):
    """What is read."""

    def test_examples(self) -> None:
        """RFC 2229 2.2: adjacent pieces are one string, a quote left open ends with the line."""
        for line, words in {
            '151 "pen\\"guin" wn "WordNet (r) 3.0"': ["151", 'pen"guin', "wn", "WordNet (r) 3.0"],
            "wn crow\\'s\\ nest": ["wn", "crow's nest"],
            "wn 'single \"quoted\"'": ["wn", 'single "quoted"'],
            'wn "open': ["wn", "open"],
            'wn ""': ["wn", ""],
            'wn a"b c"d': ["wn", "ab cd"],
            "wn end\\": ["wn", "end"],
            "wn\t\u3000x": ["wn", "\u3000x"],
            "": [],
        }.items():
            self.assertEqual(grammar.strings(line), words, line)

    @given(st.text(max_size=60))
    def test_anything(self, line: str) -> None:
        """Any line can be read."""
        grammar.strings(line)


class Shown(SynchronousTestCase):
    """What a terminal may get."""

    def test_examples(self) -> None:
        """Escapes, C1, turned writing go; tabs, line ends and all letters stay."""
        self.assertEqual(grammar.shown("a\x1b[31mb\x07\x9b2J\x7f\u202ec\u2066\r\td\n"), "a[31mb2Jc\td\n")
        for text in ("企鹅 Mädchen\té\n", "שלום", "a\u200db", ""):
            self.assertEqual(grammar.shown(text), text)

    @given(st.text())
    def test_nothing_to_obey(self, text: str) -> None:
        """No control character is left but TAB and LF."""
        left = {c for c in grammar.shown(text) if ord(c) < 32 or 127 <= ord(c) < 160 or c in "\u202d\u202e\u2067"}
        self.assertLessEqual(left, {"\t", "\n"})
