"""dictc.replies: whole replies out of any pieces, and an end to what is too much."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictc import replies
from dictc.replies import Parser, Reply
from dictc.troubles import NotDict
from dictd.wire import replies as wire
from tests.support.house import in_pieces

STREAM = (
    b"220 dict.example dictd <mime.xaccount> <1@x>\r\n"
    b"150 2 definitions retrieved\r\n"
    b'151 "penguin" wn "WordNet"\r\npenguin\r\n  ..dots\r\n..22\r\n.x\r\n\r\n250 in a text\r\n.\r\n'
    b'151 "pen\\"guin" zoo "Zoo \xe4"\r\n.\r\n250 ok\r\n'
    b"552 no match\n"
    b'152 3 matches found\r\nwn "a b"\r\nwn "a b"\r\nwn c\r\n.\r\n250 ok\r\n'
    b"180 0 look-ups\r\n.\r\n250 ok\r\n"
    b"285 you are \x1b[31malice\r\n"
)


def read(pieces: list[bytes]) -> list[Reply]:
    """All replies in some pieces."""
    parser = Parser()
    return [reply for piece in pieces for reply in parser.feed(piece)]


class Reading(SynchronousTestCase):
    """Bytes to replies."""

    def test_stream(self) -> None:
        """Codes, texts unstuffed, what a terminal would obey left out, broken UTF-8 replaced."""
        got = read([STREAM])
        self.assertEqual([reply.code for reply in got], [220, 250, 552, 250, 250, 285])
        self.assertEqual(got[0].text, "dict.example dictd <mime.xaccount> <1@x>")
        first, second = got[1].sections
        self.assertEqual(first.words, ["penguin", "wn", "WordNet"])
        self.assertEqual(first.lines, ["penguin", "  ..dots", ".22", ".x", "", "250 in a text"])
        self.assertEqual((second.words, second.lines), (['pen"guin', "zoo", "Zoo \ufffd"], []))
        self.assertEqual(got[3].pairs, [("wn", "a b"), ("wn", "c")])
        self.assertEqual((got[4].pairs, got[5].text), ([], "you are [31malice"))
        self.assertEqual(sum(reply.size for reply in got), len(STREAM))

    @given(st.lists(st.integers(1, 40), max_size=60))
    def test_pieces(self, sizes: list[int]) -> None:
        """However it is cut, it is the same."""
        self.assertEqual(read(in_pieces(STREAM, sizes)), read([STREAM]))

    @given(
        st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029")), max_size=5)
    )
    def test_what_dictd_sends(self, lines: list[str]) -> None:
        """A text of dictd arrives as it left, the dots unstuffed."""
        body = "\n".join(lines)
        sent = wire.text(112, "follows", body)
        (reply,) = read([sent.head + sent.last])
        block = wire.text_block(body).decode().split("\r\n")[:-1]
        self.assertEqual(reply.sections[0].lines, [line[1:] if line[:2] == ".." else line for line in block])

    @given(st.binary(max_size=300))
    def test_noise(self, noise: bytes) -> None:
        """Noise is a trouble or waits for more, nothing else."""
        try:
            read([noise])
        except NotDict as trouble:
            self.assertTrue(trouble.text.isprintable(), trouble.text)

    def test_not_dict(self) -> None:
        """What is no status where one is due says who is there."""
        for noise in (b"HTTP/1.1 400 Bad\r\n", b"\r\n", b"SSH-2.0-x\r\n", b"650 x\n", b"25 x\n", b"2500 x\n"):
            self.assertRaises(NotDict, read, [noise])


class Bounds(SynchronousTestCase):
    """No server makes it eat all memory."""

    def setUp(self) -> None:
        self.patch(replies, "MAX_LINE", 1000)
        self.patch(replies, "MAX_REPLY", 5000)

    def test_endless_line(self) -> None:
        """A line without an end, in a text or not."""
        for start in (b"250 ", b"112 text\r\n"):
            parser = Parser()
            parser.feed(start + b"x" * 900)
            self.assertRaises(NotDict, parser.feed, b"x" * 200)

    def test_endless_text(self) -> None:
        """A text without an end, in lines."""
        parser = Parser()
        parser.feed(b"112 text\r\n")
        for _ in range(49):
            parser.feed(b"x" * 98 + b"\r\n")
        self.assertRaises(NotDict, parser.feed, b"x" * 98 + b"\r\n" + b"y\r\n")

    def test_endless_preliminary(self) -> None:
        """150 for ever."""
        self.assertRaises(NotDict, read, [b"150 1 definitions\r\n" * 10] * 40)

    def test_many_replies(self) -> None:
        """The bound is for each reply: any number of small ones passes."""
        self.assertEqual(len(read([b"250 ok\r\n" * 100] * 40)), 4000)
