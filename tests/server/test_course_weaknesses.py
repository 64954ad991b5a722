"""What can be done to the server of the course, done to this one; docs/from-the-course.rst tells of each."""

from __future__ import annotations

import re

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from dictd.metrics import MetricsSite
from dictd.server.paging import USUAL
from tests.server.test_dialogues import Dialogue
from tests.store.databases import on_both
from tests.test_metrics import SomeFacts

_ROW = re.compile(r'^\S+ \S+ "(.*)" (\d+)$', re.MULTILINE)
_OLDER = re.compile(r"^250 ok, older ones: (HISTORY .*)$", re.MULTILINE)
#: What makes another statement of one that is put together with %.
INJECTED = (
    "' or '1'='1",
    "x' or 1=1 -- ",
    "x'; drop table user; -- ",
    "x' union select passwd from user where name='alice",
    '" or ""="',
    "\\' or 1=1 #",
    "%s",
)


@on_both
class Weaknesses(Dialogue):
    """Alice is a member; somebody else is connected."""

    def setUp(self) -> None:
        super().setUp()
        self.alice = self.house.member("alice")

    def quoted(self, text: str) -> str:
        """A string as the protocol has it."""
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def words(self) -> list[str]:
        """What is in alice's history, newest first."""
        return [word for word, _ in _ROW.findall(self.alice.ask("HISTORY 1000"))]

    def test_injection(self) -> None:
        """No name, password or word is ever a part of a statement."""
        strings = [self.quoted(text) for text in INJECTED]
        for string in strings:
            self.assertEqual(self.alice.codes(f"DEFINE * {string}"), [552], string)
            self.assertIn("180 1 look-ups", self.alice.ask(f"H 10 {string}"))
        self.assertEqual(len(self.words()), len(INJECTED))
        for string in strings:
            for line in (f"L {string} x", f"L alice {string}"):
                self.house.clock.advance(3600)  # those who guess wait
                self.assertEqual(self.house.welcome().codes(line), [531], line)
            self.assertEqual(self.house.welcome().codes(f"R {string} correct-horse"), [581], string)
        self.house.clock.advance(3600)
        self.assertEqual(self.house.welcome().codes("L alice correct-horse"), [230])

    def test_wrong_password(self) -> None:
        """A wrong one lets nobody in, and the right one does: on a new connection, as often as one likes."""
        stranger = self.house.welcome()
        self.assertEqual(stranger.codes("L alice None", "H"), [531, 530])
        self.house.clock.advance(3600)
        for _ in range(2):
            self.assertEqual(self.house.welcome().codes("L alice correct-horse"), [230])

    def test_name_of_another(self) -> None:
        """Nobody can say who they are: H bob is what one looked up oneself of the word bob, Q bob word is a phrase."""
        self.house.member("bob").codes("Q secret")
        self.assertNotIn("secret", self.alice.ask("H bob") + self.alice.ask("H 10 bob"))
        self.alice.codes("Q bob penguin")
        self.assertEqual(self.words(), ["bob penguin"])

    def test_not_logged_in(self) -> None:
        """Without a login there is no history, and what is looked up goes into nobody's."""
        self.assertEqual(self.client.codes("H", "H alice", "Q penguin", "Q alice penguin"), [530, 530, 250, 552])
        self.assertEqual(self.words(), [])

    def test_blanks(self) -> None:
        """A phrase is one word, and a password may have blanks in it."""
        self.assertEqual(self.client.codes('R bob "give up? never"', "Q give up", "LOGOUT"), [280, 552, 285])
        self.assertEqual(self.client.codes('L bob "give"'), [531])
        self.house.clock.advance(60)
        self.assertEqual(self.client.codes('L bob "give up? never"'), [230])
        self.assertIn('"give up"', self.client.ask("H"))

    def test_nothing(self) -> None:
        """A verb without anything behind it, and a line of nothing, break nothing."""
        for line in ("", "Q", "R", "L", "R x", "L x", "##", "\0", "Q ##"):
            client = self.house.welcome()
            client.codes(line)
            self.assertEqual(client.codes("Q penguin"), [250], line)
        self.assertEqual(self.client.codes("E"), [221])  # as in the course

    def test_all_at_once(self) -> None:
        """Many commands in one packet are as many answers, in their order."""
        self.client.send(b"Q penguin\r\nQ zzz\r\nQ penguin\r\n")
        self.assertEqual(re.findall(rb"^(250|552) ", self.client.heard(), re.MULTILINE), [b"250", b"552", b"250"])

    def test_more_than_ten(self) -> None:
        """The whole history can be read: the last line of a page says how to go on."""
        for number in range(USUAL * 2 + 5):
            self.alice.codes(f"Q word{number}")
        seen: list[str] = []
        line = "H"
        while line:
            page = self.alice.ask(line)
            seen += [word for word, _ in _ROW.findall(page)]
            older = _OLDER.search(page)
            line = older[1] if older else ""
        self.assertEqual(seen, [f"word{number}" for number in reversed(range(USUAL * 2 + 5))])

    def test_four_octets(self) -> None:
        """Characters that the utf8 of MySQL cannot keep are kept."""
        self.alice.codes("Q 🐧", "Q 𠮷野家")
        self.assertEqual(self.words(), ["𠮷野家", "🐧"])


class Http(SynchronousTestCase):
    """What can be done to the httpserver of the course, done to the only HTTP that is spoken here."""

    def answer(self, *pieces: bytes) -> bytes:
        """What is answered to a request that comes in pieces, on a connection of its own."""
        site = MetricsSite(SomeFacts(), Clock())
        channel, transport = site.buildProtocol(None), StringTransport()
        transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
        channel.makeConnection(transport)
        for piece in pieces:
            channel.dataReceived(piece)
        answered: bytes = transport.value()
        channel.connectionLost()
        return answered

    def test_request_line(self) -> None:
        """A request line that is none is 400; what comes on another connection is answered."""
        for line in (b"hello", b"GET", b"GET / HTTP/1.1 and more", b"\xff\xfe \0 \x01"):
            self.assertTrue(self.answer(line + b"\r\n\r\n").startswith(b"HTTP/1.1 400 "), line)
            self.assertIn(b"200 OK", self.answer(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))

    def test_pieces(self) -> None:
        """A request that comes an octet at a time is one request."""
        request = b"GET /healthz?a=b HTTP/1.1\r\nHost: x\r\n\r\n"
        self.assertEqual(self.answer(*(bytes((octet,)) for octet in request)).count(b"200 OK"), 1)
