"""Replies to bytes: stuffing, wrapping, what never leaves, the shapes of texts and lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd import errors
from dictd.errors import DictError, ImportRefused
from dictd.importers.description import check_name
from dictd.importers.reading import Reading
from dictd.wire import replies
from dictd.wire.grammar import parse

ANY = settings(deadline=None, max_examples=200)

MIME = b"Content-type: text/plain; charset=utf-8\r\nContent-transfer-encoding: 8bit\r\n\r\n"

# What must not reach a terminal: control characters, line separators, marks that turn the writing direction.
NEVER = {*map(chr, (*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))}
SURROGATES = {*map(chr, range(0xD800, 0xE000))}
NO_INK = dict.fromkeys(map(ord, NEVER | SURROGATES | {" "}))

# Any characters at all, surrogates too, among pieces that the code treats apart.
TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(), max_size=8),
        st.sampled_from(["\n", "\n\n", "\r", "\r\n", ".", "\n.", "\n..", "\t", "\n100 ", "250", "220 x\n", "\n\n\n"]),
        st.sampled_from(["\x00.", "\x851", "\u202e", "\u2028.", "\x1b[2J", " " * 30]),
        st.integers(1015, 1030).map(lambda length: "ä" * length),
        st.integers(150, 350).map(lambda count: "word. 100 " * count),
    ),
    max_size=10,
).map("".join)


def unstuffed(block: bytes) -> list[str]:
    """The lines of a text block as a client reads them (RFC 2229 2.4.3)."""
    lines = block.decode("utf-8").split("\r\n")[:-1]
    return [line[1:] if line.startswith(".") else line for line in lines]


def ink(text: str) -> str:
    """What of a text must arrive: everything but blanks and what never leaves."""
    return text.translate(NO_INK)


def troubles(tree: type[DictError] = DictError) -> Iterator[type[DictError]]:
    """Every class of the tree of errors."""
    yield tree
    for branch in tree.__subclasses__():
        yield from troubles(branch)


class Leaving(SynchronousTestCase):
    """What every reply is held to."""

    def check_lines(self, sent: bytes) -> list[str]:
        """The lines sent, once it is sure that they are UTF-8, end in CRLF and carry no control characters."""
        lines = sent.decode("utf-8").split("\r\n")
        self.assertEqual(lines.pop(), "", "the last line has no end")
        for line in lines:
            self.assertFalse(NEVER & {*line}, ascii(line))
        return lines

    def check_body(self, block: bytes) -> list[str]:
        """The lines of a text: none ends it, none is a status, none is too long."""
        lines = self.check_lines(block)
        for line in lines:
            self.assertNotEqual(line, ".")
            self.assertNotRegex(line, "^[0-9]{3} ")
            self.assertLessEqual(len(line) + 2, 1024)
        return lines


class Texts(Leaving):
    """A text block: stuffed, wrapped, clean."""

    def test_as_it_is(self) -> None:
        """An ordinary text leaves as it is, with CRLF."""
        self.assertEqual(replies.text_block("penguin\n  n 1: a bird"), b"penguin\r\n  n 1: a bird\r\n")
        self.assertEqual(replies.text_block("Mädchen 企鹅\n\nx"), "Mädchen 企鹅\r\n\r\nx\r\n".encode())

    def test_nothing(self) -> None:
        """No text, or one of line ends and control characters, is no line."""
        for body in ("", "\n", "\n\n\n", "\r\n", "\0", "\x1b\n"):
            self.assertEqual(replies.text_block(body), b"", ascii(body))

    def test_line_ends(self) -> None:
        """Every kind of line end becomes CRLF, and those at the end of the text one."""
        self.assertEqual(replies.text_block("a\r\nb\rc\nd\n\n"), b"a\r\nb\r\nc\r\nd\r\n")

    def test_dots(self) -> None:
        """Every line that begins with a dot gets a second one, and no other line does."""
        body = ".\n..\n.a\na.b\n .\n\n.\n...end"
        stuffed = b"..\r\n...\r\n..a\r\na.b\r\n .\r\n\r\n..\r\n....end\r\n"
        self.assertEqual(replies.text_block(body), stuffed)
        self.assertEqual(unstuffed(stuffed), body.split("\n"))

    def test_dot_alone(self) -> None:
        """A text of one dot does not end the text."""
        self.assertEqual(replies.text_block("."), b"..\r\n")

    def test_dot_behind_a_control(self) -> None:
        """A dot that comes first once a control character is gone is doubled too."""
        self.assertEqual(replies.text_block("a\n\x00.\nb"), b"a\r\n..\r\nb\r\n")
        self.assertEqual(replies.text_block("\u202e."), b"..\r\n")

    def test_like_a_status(self) -> None:
        """A line of three digits, with a blank or nothing behind, gets a blank in front."""
        self.assertEqual(
            replies.text_block("100 grams\n250\n2500 x\n25 x\nx 100 y"),
            b" 100 grams\r\n 250\r\n2500 x\r\n25 x\r\nx 100 y\r\n",
        )
        self.assertEqual(replies.text_block("100\tgrams")[:5], b" 100 ")
        self.assertEqual(replies.text_block("1\x0000 grams"), b" 100 grams\r\n")

    def test_tabs(self) -> None:
        """TABs become blanks up to the next eighth column."""
        self.assertEqual(replies.text_block("a\tb\n\tc"), b"a       b\r\n        c\r\n")

    def test_controls(self) -> None:
        """Control characters, separators, direction marks and surrogates are taken out."""
        for character in (NEVER | SURROGATES) - {*"\t\r\n"}:
            self.assertEqual(replies.text_block(f"pen{character}guin"), b"penguin\r\n", ascii(character))

    def test_longest(self) -> None:
        """A line of 1,022 characters is whole; they are counted as characters, not bytes."""
        for letter in ("x", "ä", "企", "\U0001f427"):
            line = letter * 1022
            self.assertEqual(replies.text_block(line), f"{line}\r\n".encode())

    def test_longest_beside_others(self) -> None:
        """A line of 1,022 characters is whole whatever its neighbours need."""
        line = "x" * 1022
        for neighbour in (".", "100 grams", "a\tb", "y" * 3000):
            self.assertIn(line, self.check_body(replies.text_block(f"{line}\n{neighbour}\n{line}")), neighbour[:9])

    def test_too_long(self) -> None:
        """A line of 1,023 characters or many more leaves in pieces, nothing lost."""
        for line in ("x" * 1023, "ä" * 5000, "word " * 1000, "." * 3000, "100 " * 1000, ". " * 2000, "a " + "b" * 4000):
            block = replies.text_block(line)
            self.assertGreater(len(self.check_body(block)), 1)
            self.assertEqual(ink("".join(unstuffed(block))), ink(line))

    def test_wrapped_at_blanks(self) -> None:
        """Where there are blanks no word is torn."""
        lines = unstuffed(replies.text_block("penguin " * 500))
        self.assertEqual({*" ".join(lines).split()}, {"penguin"})
        self.assertGreater(len(lines[0]), 900)

    def test_stuffed_at_the_limit(self) -> None:
        """What is put in front of a line counts for its length."""
        for line in ("." + "x" * 1021, "100 " + "x" * 1018, "x" * 1021 + " ." + "y" * 1021):
            block = replies.text_block(line)
            self.check_body(block)
            self.assertEqual(ink("".join(unstuffed(block))), ink(line))

    def test_twice(self) -> None:
        """A text that left and was read back leaves the same again."""
        body = "a\n100 grams\n.x\n" + "word " * 700
        once = replies.text_block(body)
        self.assertEqual(replies.text_block("\n".join(unstuffed(once))), once)

    @ANY
    @given(TEXTS)
    @example("x" * 1022 + "\n.")
    @example("100\u2028 x")
    def test_any_text(self, body: str) -> None:
        """Any text leaves clean, and all of its ink arrives."""
        block = replies.text_block(body)
        if block:
            self.check_body(block)
        self.assertEqual(ink("".join(unstuffed(block))), ink(body))


class Statuses(Leaving):
    """Replies of one line."""

    def test_status(self) -> None:
        """A status is its code, a blank, its text."""
        reply = replies.status(250, "ok")
        self.assertEqual((reply.head, reply.last, reply.code), (b"", b"250 ok\r\n", 250))
        self.assertEqual(replies.OK, reply)

    def test_error(self) -> None:
        """An error is the status that its class and text say."""
        self.assertEqual(replies.error(errors.NoMatch()).last, b"552 no match\r\n")
        self.assertEqual(
            replies.error(errors.UnknownDatabase()).last, b"550 invalid database, use SHOW DB for list\r\n"
        )
        self.assertEqual(
            replies.error(errors.UnknownStrategy()).last, b"551 invalid strategy, use SHOW STRAT for list\r\n"
        )
        self.assertEqual(replies.error(errors.BadArguments("say a word")).last, b"501 say a word\r\n")
        self.assertEqual(
            replies.error(errors.TooManyAttempts(7)).last, b"481 too many attempts, try again in 7 seconds\r\n"
        )

    def test_every_error(self) -> None:
        """Every error of the tree is one line that begins with its code."""
        for kind in troubles():
            trouble = kind(8) if kind in (errors.TooManyAttempts, errors.LineTooLong) else kind()
            reply = replies.error(trouble)
            (line,) = self.check_lines(reply.head + reply.last)
            self.assertEqual(line, f"{kind.code} {trouble.text}")
            self.assertEqual(reply.code, kind.code)
            self.assertTrue(400 <= kind.code <= 599 and trouble.text)

    def test_error_of_many_lines(self) -> None:
        """An error that tells several lines is still one on the wire."""
        sent = replies.error(errors.SettingsRefused("first\nsecond\r\n250 ok")).last
        self.assertEqual(len(self.check_lines(sent)), 1)

    @ANY
    @given(TEXTS)
    def test_any_text(self, text: str) -> None:
        """Any text is one clean line behind its code."""
        reply = replies.status(250, text)
        self.assertEqual(reply.code, 250)
        (line,) = self.check_lines(reply.head + reply.last)
        self.assertEqual(ink(line), "250" + ink(text))
        self.assertEqual(line[:4], "250 ")


class TextReplies(Leaving):
    """112, 113, 114: a headline, a text, a dot, a status."""

    def test_shape(self) -> None:
        """The head is all but the last line."""
        reply = replies.text(113, "help text follows", "a\n.b")
        self.assertEqual(reply.head, b"113 help text follows\r\na\r\n..b\r\n.\r\n")
        self.assertEqual((reply.last, reply.code), (b"250 ok\r\n", 250))

    def test_mime(self) -> None:
        """The header block and its empty line come between headline and text (RFC 2229 3.10.1)."""
        reply = replies.text(114, "server information", "a", mime=True)
        self.assertEqual(reply.head, b"114 server information\r\n" + MIME + b"a\r\n.\r\n")

    def test_empty(self) -> None:
        """A text of nothing is still ended."""
        self.assertEqual(replies.text(112, "information for x", "").head, b"112 information for x\r\n.\r\n")

    def test_last(self) -> None:
        """The final line can be another."""
        self.assertEqual(replies.text(113, "x", "y", last=replies.status(250, "done")).last, b"250 done\r\n")

    @ANY
    @given(TEXTS, TEXTS, st.booleans())
    def test_any(self, headline: str, body: str, mime: bool) -> None:
        """Whatever the headline and the text, exactly one lone dot, right before the status."""
        reply = replies.text(112, headline, body, mime)
        first, *lines, dot = self.check_lines(reply.head)
        self.assertEqual((first[:4], dot, reply.last), ("112 ", ".", b"250 ok\r\n"))
        if mime:
            self.assertEqual("\r\n".join(lines[:3]) + "\r\n", MIME.decode())
            lines = lines[3:]
        block = "".join(f"{line}\r\n" for line in lines).encode()
        self.assertEqual(block, replies.text_block(body))
        self.assertNotIn(".", lines)


class Listings(Leaving):
    """110, 111, 152, 180: one thing a line."""

    def test_shape(self) -> None:
        """Each thing is a line, as given."""
        reply = replies.listing(152, "2 matches found", ['wn "penguin"', 'wn "pengő"'])
        self.assertEqual(reply.head, '152 2 matches found\r\nwn "penguin"\r\nwn "pengő"\r\n.\r\n'.encode())
        self.assertEqual(reply.last, b"250 ok\r\n")

    def test_mime(self) -> None:
        """Under OPTION MIME an empty line comes first, which is an empty header block."""
        reply = replies.listing(110, "1 databases present", ['wn "WordNet"'], mime=True)
        self.assertEqual(reply.head, b'110 1 databases present\r\n\r\nwn "WordNet"\r\n.\r\n')

    def test_empty(self) -> None:
        """A list of nothing is still ended."""
        self.assertEqual(replies.listing(180, "0 look-ups", []).head, b"180 0 look-ups\r\n.\r\n")

    def test_lazily(self) -> None:
        """The lines may come from any iterable."""
        self.assertEqual(replies.listing(111, "1", iter(["a"])).head, b"111 1\r\na\r\n.\r\n")

    def test_last(self) -> None:
        """The final line can say that there were more."""
        last = replies.status(250, "ok, the first 2 of more")
        self.assertEqual(replies.listing(152, "2 matches found", ["a", "b"], last=last).last, last.last)

    @ANY
    @given(st.lists(st.tuples(st.from_regex("[a-z][a-z0-9._-]{0,8}", fullmatch=True), TEXTS), max_size=5))
    def test_any_matches(self, found: list[tuple[str, str]]) -> None:
        """Whatever the headwords, each is one clean line that parses back to name and headword."""
        reply = replies.listing(152, "x", [f"{name} {replies.in_quotes(word)}" for name, word in found])
        _, *lines, dot = self.check_lines(reply.head)
        self.assertEqual((dot, len(lines)), (".", len(found)))
        for line, (name, word) in zip(lines, found, strict=True):
            command = parse(f"MATCH {line}".encode())
            self.assertEqual((command.words, command.flaw), ((name, replies.one_line(word)), ""))
            self.assertEqual(ink(command.words[1]), ink(word))


class Definitions(Leaving):
    """150, a 151 with its text for each, 250."""

    WORDNET = replies.source_of("wn", "WordNet")
    GCIDE = replies.source_of("gcide", 'The "GNU" \\ CIDE')

    def test_one(self) -> None:
        """One definition."""
        reply = replies.definitions([(b"penguin", self.WORDNET, replies.text_block("a bird\n."))])
        head = b'150 1 definitions retrieved\r\n151 "penguin" wn "WordNet"\r\na bird\r\n..\r\n.\r\n'
        self.assertEqual((reply.head, reply.last), (head, b"250 ok\r\n"))

    def test_one_mime(self) -> None:
        """One definition under OPTION MIME: the header block follows the 151 line."""
        reply = replies.definitions([(b"penguin", self.WORDNET, b"a bird\r\n")], mime=True)
        head = b'150 1 definitions retrieved\r\n151 "penguin" wn "WordNet"\r\n' + MIME + b"a bird\r\n.\r\n"
        self.assertEqual((reply.head, reply.last), (head, b"250 ok\r\n"))

    def test_several(self) -> None:
        """Several definitions, in the order given, each with its own dot."""
        found = [(b"penguin", self.WORDNET, b"a bird\r\n"), (b"Penguin", self.GCIDE, b"")]
        reply = replies.definitions(found)
        head = (
            b'150 2 definitions retrieved\r\n151 "penguin" wn "WordNet"\r\na bird\r\n.\r\n'
            b'151 "Penguin" gcide "The \\"GNU\\" \\\\ CIDE"\r\n.\r\n'
        )
        self.assertEqual((reply.head, reply.last), (head, b"250 ok\r\n"))

    def test_several_mime(self) -> None:
        """Under OPTION MIME each of several has a header block."""
        found = [(b"a", self.WORDNET, b"x\r\n"), (b"b", self.WORDNET, b"y\r\n"), (b"c", self.WORDNET, b"z\r\n")]
        reply = replies.definitions(found, mime=True)
        pieces = [b'151 "%b" wn "WordNet"\r\n%b%b.\r\n' % (word, MIME, block) for word, _, block in found]
        self.assertEqual(reply.head, b"150 3 definitions retrieved\r\n" + b"".join(pieces))

    def test_quoted_headwords(self) -> None:
        """Quotes and backslashes in a headword are quoted-pairs, apostrophes are not."""
        for headword, shown in (
            (b'5" disk', rb"5\" disk"),
            (rb"a\b", rb"a\\b"),
            (rb"\"", rb"\\\""),
            (b"crow's", b"crow's"),
        ):
            head = replies.definitions([(headword, self.WORDNET, b"")]).head
            self.assertEqual(head.split(b"\r\n")[1], b'151 "%b" wn "WordNet"' % shown)

    @ANY
    @given(
        st.lists(
            st.tuples(
                st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="".join(NEVER)), max_size=9),
                TEXTS,
                TEXTS,
            ),
            min_size=1,
            max_size=4,
        ),
        st.booleans(),
    )
    def test_any(self, found: list[tuple[str, str, str]], mime: bool) -> None:
        """Whatever headwords, titles and texts: a client that counts dots reads back what was stored."""
        reply = replies.definitions(
            [
                (headword.encode(), replies.source_of("wn", title), replies.text_block(body))
                for headword, title, body in found
            ],
            mime,
        )
        first, *lines = self.check_lines(reply.head)
        self.assertEqual(first, f"150 {len(found)} definitions retrieved")
        for headword, title, body in found:
            command = parse(lines.pop(0).encode())
            self.assertEqual((command.verb, command.words), ("151", (headword, "wn", replies.one_line(title))))
            end = lines.index(".")
            block = "".join(f"{line}\r\n" for line in lines[:end]).encode()
            self.assertEqual(block, (MIME if mime else b"") + replies.text_block(body))
            del lines[: end + 1]
        self.assertEqual(lines, [])


class Quoting(Leaving):
    """Strings as 110, 151, 152 and 180 lines carry them."""

    def test_in_quotes(self) -> None:
        """A string stands in double quotes, its own quotes and backslashes as quoted-pairs."""
        self.assertEqual(replies.in_quotes("penguin"), '"penguin"')
        self.assertEqual(replies.in_quotes('5" a\\b'), '"5\\" a\\\\b"')
        self.assertEqual(replies.in_quotes("crow's"), '"crow\'s"')
        self.assertEqual(replies.in_quotes(""), '""')

    def test_one_line(self) -> None:
        """What would break a line becomes a blank each; what is printable stays."""
        self.assertEqual(replies.one_line("a\r\nb\tc\0d\x85e\u2028f\u202eg"), "a  b c d e f g")
        self.assertEqual(replies.one_line("Mädchen 企鹅 \u00a0\u200c\u200d"), "Mädchen 企鹅 \u00a0\u200c\u200d")

    def test_source_of(self) -> None:
        """The rest of a 151 line, with a title that cannot break out of it."""
        self.assertEqual(replies.source_of("wn", 'a "b"'), b' wn "a \\"b\\""\r\n')
        self.assertEqual(replies.source_of("wn", "a\r\n250 ok"), b' wn "a  250 ok"\r\n')

    @ANY
    @given(st.binary(max_size=20))
    def test_quoted(self, value: bytes) -> None:
        """The inside of quotes has no quote that could end it, and undoing the pairs gives the value."""
        inside = replies.quoted(value)
        self.assertIsNotNone(re.fullmatch(rb'(?s:[^"\\]|\\["\\])*', inside))
        self.assertEqual(re.sub(rb"(?s)\\(.)", rb"\1", inside), value)

    @ANY
    @given(TEXTS)
    def test_there_and_back(self, value: str) -> None:
        """What is put in quotes is read by the grammar as the same string."""
        command = parse(f"X {replies.in_quotes(value)}".encode())
        self.assertEqual((command.words, command.unterminated), ((replies.one_line(value),), False))


class WhatImportersPromise(Leaving):
    """Names and headwords leave as they are stored, so importers keep out what must not leave."""

    def check_headword(self, raw: str) -> None:
        """A headword that is let in, if it is, leaves clean and can be asked for as it was listed."""
        word = Reading(Path("words.tsv"), "utf-8", 0).headword(1, raw)
        if word:
            self.assertFalse((NEVER | SURROGATES) & {*word}, ascii(word))
            command = parse(f"DEFINE wn {replies.in_quotes(word)}".encode())
            self.assertEqual((command.words, command.flaw), (("wn", word), ""))

    def test_names(self) -> None:
        """No database has a name that makes its lines begin with a dot or look like a status."""
        for name in ("100", "250", ".wn", "", "a b", 'a"b', "wn\n", "\u0661\u0662\u0663"):
            self.assertRaises(ImportRefused, check_name, name)
        for name in ("wn", "1000", "10", "100a", "2006-wn", "a.b"):
            self.assertEqual(check_name(name), name)

    def test_headwords(self) -> None:
        """No headword has control characters, line separators or marks that turn the writing direction."""
        for character in NEVER | SURROGATES:
            self.check_headword(f"pen{character}guin")
            self.check_headword(character)

    @ANY
    @given(TEXTS)
    @example("pen\u202eguin")
    def test_any_headword(self, raw: str) -> None:
        """Whatever a file has for a headword: what is let in can be listed and asked for."""
        self.check_headword(raw)
