"""A line to a command: RFC 2229 2.2 strings, verbs, flaws, phrases."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.wire.grammar import Command, parse, phrase
from tests.support.references import in_double_quotes, in_pairs, in_single_quotes, strings_of

ANY = settings(deadline=None, max_examples=200)

# What turns the writing direction, and what ends a line for some readers.
MARKS = "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CLEAN = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters=MARKS), max_size=20)
# Bytes of which the grammar is made, so that random lines meet it everywhere.
TRICKY = st.lists(st.sampled_from(['"', "'", "\\", " ", "\t", "a", "B", "ä", "*"]), max_size=16).map("".join)
PLAIN_WORD = st.text("abcXYZ019*!.-_/@", min_size=1, max_size=8)


class Strings(SynchronousTestCase):
    """What clients and RFC 2229 2.2 make of quotes and backslashes."""

    def check(self, line: str, *expected: str, unterminated: bool = False) -> None:
        """The words of a MATCH with this query."""
        command = parse(f"MATCH wn exact {line}".encode())
        self.assertEqual(command.words, ("wn", "exact", *expected), line)
        self.assertEqual((command.verb, command.unterminated, command.flaw), ("MATCH", unterminated, ""), line)

    def test_quoted(self) -> None:
        """Double and single quotes hold a string with blanks together."""
        self.check('"computer program"', "computer program")
        self.check("'computer program'", "computer program")

    def test_escaped_blank(self) -> None:
        """A backslash before a blank keeps it in the word, as curl sends it."""
        self.check(r"computer\ program", "computer program")

    def test_pair_in_quotes(self) -> None:
        """A quoted-pair inside quotes is that character, special or not."""
        self.check(r'"computer\ program"', "computer program")
        self.check(r"'computer\ program'", "computer program")
        self.check(r'"a\"b\\c\'d"', "a\"b\\c'd")

    def test_adjacent_pieces(self) -> None:
        """Pieces that stand together are one string."""
        self.check('comp"uter prog"ram', "computer program")
        self.check('"pen""guin"', "penguin")
        self.check("\"pen\"'gu'in", "penguin")

    def test_unterminated(self) -> None:
        """A quote left open is closed by the line's end, and flagged."""
        self.check('"computer program', "computer program", unterminated=True)
        self.check("'computer program", "computer program", unterminated=True)
        self.check('"computer program\\"', 'computer program"', unterminated=True)
        self.check('"', "", unterminated=True)

    def test_trailing_backslash(self) -> None:
        """A backslash at the line's end has nothing to stand for."""
        self.check("computer\\", "computer")
        self.check('"computer\\', "computer", unterminated=True)

    def test_escaped_apostrophe(self) -> None:
        """An apostrophe behind a backslash is one."""
        self.check(r"crow\'s\ nest", "crow's nest")

    def test_apostrophe_in_quotes(self) -> None:
        """An apostrophe inside double quotes is one, and a double quote inside single ones."""
        self.check('"crow\'s nest"', "crow's nest")
        self.check("'a \"b\" c'", 'a "b" c')

    def test_bare_apostrophe(self) -> None:
        """A bare apostrophe opens a quote: no atom has one."""
        self.check("crow's", "crows", unterminated=True)

    def test_leading_backslash(self) -> None:
        """A backslash before an ordinary letter is nothing but that letter."""
        self.check(r"\penguin", "penguin")

    def test_unescaped_by_dict(self) -> None:
        """What dict(1) sends for a word with a quote is read as far as it goes."""
        command = parse(b'define wn "a"b\\c"')
        self.assertEqual(command.words, ("wn", "abc"))
        self.assertTrue(command.unterminated)

    def test_empty(self) -> None:
        """An empty string is a word."""
        self.check('""', "")
        self.check("''", "")
        self.check('"" x', "", "x")

    def test_blanks_at_the_end(self) -> None:
        """A blank that is escaped, or in an open quote, belongs to the word also at the line's end."""
        self.check("computer\\ ", "computer ")
        self.check("computer\\ \t ", "computer ")
        self.check("computer\\\\ ", "computer\\")
        self.check('"computer ', "computer ", unterminated=True)

    def test_blanks_in_quotes(self) -> None:
        """Blanks inside quotes stay as they are."""
        self.check('"  a   b "', "  a   b ")

    def test_other_scripts(self) -> None:
        """Words of any script pass, also with blanks that are not the protocol's."""
        self.check("Mädchen", "Mädchen")
        self.check('"企鹅 \u3000x"', "企鹅 \u3000x")
        self.check("a\u00a0b", "a\u00a0b")


class Verbs(SynchronousTestCase):
    """The first string is the verb, in any case and spelling."""

    def test_any_case(self) -> None:
        """Upper, lower and mixed case are one verb; words keep theirs."""
        for line in (b"DEFINE wn Penguin", b"define wn Penguin", b"DeFiNe wn Penguin", b"dEFINE wn 'Penguin'"):
            command = parse(line)
            self.assertEqual((command.verb, command.words), ("DEFINE", ("wn", "Penguin")))

    def test_all_quoted(self) -> None:
        """Everything may be in quotes, the verb too."""
        command = parse(b'"MATCH" "wn" "exact" "penguin"')
        self.assertEqual((command.verb, command.words), ("MATCH", ("wn", "exact", "penguin")))
        self.assertEqual(command.rest, '"wn" "exact" "penguin"')

    def test_escaped(self) -> None:
        """A quoted-pair may stand in a verb."""
        command = parse(b"SH\\OW DB")
        self.assertEqual((command.verb, command.words, command.rest), ("SHOW", ("DB",), "DB"))

    def test_tabs(self) -> None:
        """TABs divide words as blanks do."""
        command = parse(b"\tMATCH\twn \t exact\tpenguin\t")
        self.assertEqual((command.verb, command.words), ("MATCH", ("wn", "exact", "penguin")))
        self.assertEqual((command.rest, command.flaw), ("wn \t exact\tpenguin", ""))

    def test_blanks_around(self) -> None:
        """Blanks in front, between and behind do not count."""
        command = parse(b"   MATCH   wn  exact   penguin  ")
        self.assertEqual((command.verb, command.words), ("MATCH", ("wn", "exact", "penguin")))
        self.assertEqual(command.rest, "wn  exact   penguin")

    def test_empty_line(self) -> None:
        """An empty line and one of blanks have no verb, no words and no flaw."""
        for line in (b"", b" ", b"    ", b"\t", b" \t \t"):
            command = parse(line)
            self.assertEqual((command.verb, command.words, command.rest, command.flaw), ("", (), "", ""), line)

    def test_empty_string(self) -> None:
        """A verb of two quotes is nobody's."""
        command = parse(b'"" wn')
        self.assertEqual((command.verb, command.words), ("", ("wn",)))

    def test_telnet(self) -> None:
        """Telnet's IAC bytes make a verb that nobody has."""
        command = parse(b"\xff\xf4\xff\xfdDEFINE wn penguin")
        self.assertNotEqual(command.verb, "DEFINE")
        self.assertTrue(command.verb.endswith("DEFINE"))
        self.assertEqual(command.words, ("wn", "penguin"))

    def test_nul(self) -> None:
        """A NUL is never an end: not of the verb, not of the line."""
        self.assertEqual(parse(b"SHOW\0 DB").verb, "SHOW\0")
        self.assertEqual(parse(b"\0").verb, "\0")
        self.assertEqual(parse(b"\0STATUS").verb, "\0STATUS")

    def test_carriage_return(self) -> None:
        """A CR before a verb is part of it."""
        self.assertEqual(parse(b"\rSTATUS").verb, "\rSTATUS")

    def test_other_letters(self) -> None:
        """Letters whose upper case happens to be ASCII do not make a verb of RFC 2229."""
        for line, verb in (("ſtatus", "STATUS"), ("quıt", "QUIT"), ("deﬁne wn x", "DEFINE")):
            self.assertNotEqual(parse(line.encode()).verb, verb)

    def test_http(self) -> None:
        """What a browser says is read as any other line."""
        command = parse(b"GET / HTTP/1.1")
        self.assertEqual((command.verb, command.words), ("GET", ("/", "HTTP/1.1")))


class Flaws(SynchronousTestCase):
    """Arguments that nobody may use are told, never cut."""

    def test_none(self) -> None:
        """Ordinary words have no flaw."""
        for line in (b"DEFINE wn x", b'DEFINE wn "x y"', "DEFINE wn Mädchen".encode(), b"MATCH\twn\t.\tx"):
            self.assertEqual(parse(line).flaw, "")

    def test_invalid_utf8(self) -> None:
        """Latin-1, a torn sequence, an overlong one, a surrogate: not UTF-8, and said so."""
        for raw in (b"M\xe4dchen", b"\xff\xfe", b"a\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"):
            for line in (b"DEFINE wn " + raw, b'DEFINE wn "' + raw + b'"', b"DEFINE " + raw + b" x"):
                command = parse(line)
                self.assertIn("UTF-8", command.flaw, line)
                self.assertEqual((command.verb, len(command.words)), ("DEFINE", 2), line)

    def test_quoted_pairs_of_octets(self) -> None:
        """curl puts a backslash before each octet of 你好; a backslash that is itself quoted stays one."""
        for word in ("你好", "crow's 窝", 'ä"ö\\ü', "\\ß"):
            line = b"".join(
                b"\\" + bytes([octet]) if octet >= 0x80 or octet in b" '\"\\" else bytes([octet])
                for octet in word.encode()
            )
            command = parse(b"DEFINE ! " + line)
            self.assertEqual((command.words, command.flaw), (("!", word), ""), line)
        self.assertIn("UTF-8", parse(b"DEFINE ! \\\xe4\\\xbd").flaw)
        self.assertIn("UTF-8", parse(b"DEFINE ! \xe4\\\\\xbd\xa0").flaw)

    def test_control_characters(self) -> None:
        """C0 without TAB, DEL and C1 are flaws wherever they stand in the arguments."""
        controls = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)]
        for control in map(chr, controls):
            for line in (f"DEFINE wn pen{control}guin", f'DEFINE wn "pen{control}"', f"DEFINE {control} x"):
                self.assertIn("control", parse(line.encode()).flaw, ascii(line))

    def test_escaped_control(self) -> None:
        """A backslash does not make a control character good."""
        self.assertTrue(parse(b"DEFINE wn a\\\0b").flaw)

    def test_direction(self) -> None:
        """Marks that turn the writing direction, and line separators, are flaws."""
        for mark in MARKS:
            self.assertTrue(parse(f"DEFINE wn a{mark}b".encode()).flaw, ascii(mark))

    def test_joiners(self) -> None:
        """What Persian, Hindi and Hebrew need inside words is no flaw."""
        for character in "\u200c\u200d\u200e\u200f\u00ad":
            self.assertEqual(parse(f"DEFINE wn a{character}b".encode()).flaw, "", ascii(character))

    def test_verb_alone(self) -> None:
        """What is wrong with a verb is no flaw of its arguments: 500, not 501."""
        self.assertEqual(parse(b"\xff\xf4STATUS").flaw, "")
        self.assertEqual(parse(b"ST\0ATUS x").flaw, "")


class Phrases(SynchronousTestCase):
    """The rest of a line as one string, the way people type."""

    def check(self, line: str, expected: str) -> None:
        """The phrase behind a Q."""
        self.assertEqual(phrase(parse(f"Q {line}".encode()).rest), expected, line)

    def test_bare(self) -> None:
        """A quote or a backslash means itself."""
        self.check("crow's nest", "crow's nest")
        self.check("a\\b", "a\\b")
        self.check('5" disk', '5" disk')
        self.check('say "hi"', 'say "hi"')

    def test_whole_in_quotes(self) -> None:
        """The whole in double quotes is a string: pairs resolved, blanks trimmed."""
        self.check('"crow\'s nest"', "crow's nest")
        self.check(r'"a \"b\" c\\"', 'a "b" c\\')
        self.check('"  penguin "', "penguin")

    def test_not_the_whole(self) -> None:
        """Two strings, an open quote and single quotes are no whole string."""
        self.check('"a" "b"', '"a" "b"')
        self.check('"a', '"a')
        self.check("'a b'", "'a b'")
        self.check('"a\\"', '"a\\"')
        self.check('"', '"')

    def test_blanks(self) -> None:
        """Blanks around are trimmed, those inside stay."""
        self.check("   ice  cream \t", "ice  cream")

    def test_nothing(self) -> None:
        """No word is an empty phrase."""
        self.assertEqual(phrase(parse(b"Q").rest), "")
        self.assertEqual(phrase(parse(b"Q   ").rest), "")
        self.check('""', "")
        self.check('"   "', "")

    def test_behind_a_quoted_verb(self) -> None:
        """The verb's own quotes are no part of the rest."""
        self.assertEqual(phrase(parse(b'"Q" "ice cream"').rest), "ice cream")
        self.assertEqual(phrase(parse(b"  q   crow's").rest), "crow's")


class Anything(SynchronousTestCase):
    """What holds for every line."""

    @ANY
    @given(st.one_of(st.binary(max_size=80), TRICKY.map(str.encode)))
    @example(b"\xed\xa0\x80 \xed\xa0\x80")
    @example(b'"' * 6143)
    @example(b"\\" * 6143)
    @example(b"'\"" * 3071)
    def test_never_raises(self, line: bytes) -> None:
        """Any bytes are read, and words without a flaw are UTF-8 without control characters."""
        command = parse(line)
        self.assertFalse(command.verb.isascii() and command.verb != command.verb.upper())
        phrase(command.rest)
        if not command.flaw:
            for word in (*command.words, phrase(command.rest)):
                word.encode("utf-8")
                self.assertFalse({*map(chr, range(32)), "\x7f", *MARKS} - {"\t"} & {*word})

    @ANY
    @given(TRICKY)
    @example("a\\ ")
    @example("'a ")
    @example("\\")
    def test_as_the_rfc_says(self, line: str) -> None:
        """Any mixture of quotes, backslashes and blanks gives the strings of RFC 2229 2.2."""
        strings, unterminated = strings_of(line)
        command = parse(line.encode())
        self.assertEqual(
            [command.verb.upper(), *command.words], [strings[0].upper(), *strings[1:]] if strings else [""]
        )
        self.assertEqual(command.unterminated, unterminated)

    @ANY
    @given(st.lists(CLEAN, max_size=5), st.sampled_from([in_double_quotes, in_single_quotes]))
    def test_quoting_and_back(self, words: list[str], quote: Callable[[str], str]) -> None:
        """Any strings, each in quotes with its specials escaped, come back as they were."""
        command = parse(" ".join(["X", *map(quote, words)]).encode())
        self.assertEqual(command, Command("X", tuple(words), command.line, 1))

    @ANY
    @given(st.lists(CLEAN.filter(bool), max_size=5))
    @example(["a "])
    def test_pairs_and_back(self, words: list[str]) -> None:
        """Any strings with a backslash before each character come back as they were."""
        command = parse(" ".join(["X", *map(in_pairs, words)]).encode())
        self.assertEqual((command.words, command.unterminated, command.flaw), (tuple(words), False, ""))

    @ANY
    @given(st.lists(PLAIN_WORD, min_size=1, max_size=5), st.integers(0, 4), st.sampled_from(['"{}"', "'{}'", "\\{}"]))
    def test_one_word_in_quotes(self, words: list[str], place: int, form: str) -> None:
        """A plain line and the same with one word quoted are the same command."""
        place %= len(words)
        quoted = [*words[:place], form.format(words[place]), *words[place + 1 :]]
        plain, other = parse(" ".join(words).encode()), parse(" ".join(quoted).encode())
        self.assertEqual((other.verb, other.words), (words[0].upper(), tuple(words[1:])))
        self.assertEqual((plain.verb, plain.words), (other.verb, other.words))
        self.assertEqual((plain.flaw, plain.unterminated), ("", False))
        self.assertEqual((other.flaw, other.unterminated), ("", False))
        if place == 0:
            self.assertEqual(plain.rest, other.rest)

    @ANY
    @given(
        st.text(" abZ09!*.~äß企", max_size=16),
        st.one_of(st.none(), st.text(" abZ09!*.~ä企'", max_size=10)),
        st.text(" ", max_size=2),
    )
    @example("", "x", "")
    @example("a", "x", "")
    @example("  a ", "", "")
    @example("a ", "x y", "")
    @example("a b ", None, " ")
    def test_two_paths(self, start: str, last: str | None, end: str) -> None:
        """The short cut for plain lines and the whole grammar, forced by a TAB, agree in everything."""
        line = start + ("" if last is None else f'"{last}"') + end
        quick, whole = parse(line.encode()), parse(f"{line}\t".encode())
        self.assertEqual((quick.verb, quick.words, quick.verb_end), (whole.verb, whole.words, whole.verb_end))
        self.assertEqual((quick.rest, quick.flaw), (whole.rest, whole.flaw))
        self.assertEqual((quick.unterminated, quick.line.strip()), (whole.unterminated, whole.line.strip()))
