"""The connection: framing, order, back-pressure, time-outs, and every way out."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from dictd.config import Settings
from dictd.lookups import LookUps
from dictd.model import LookUp, User
from tests.server.test_dialogues import Dialogue
from tests.support.house import BOOKS, Client, House, final_codes, in_pieces, publish

LINES_A_TURN, PIECE = Settings().limits.lines_a_turn, Settings().limits.unread_kib << 10


def leave(client: Client) -> None:
    """The connection is gone."""
    client.protocol.connectionLost(Failure(ConnectionDone()))


class Framing(Dialogue):
    """The table of PEERS 1.9."""

    def test_rows(self) -> None:
        """Whatever bytes make a line, it has exactly one status."""
        rows: dict[bytes, list[int]] = {
            b"STATUS\n": [210],
            b"\rSTATUS\r\n": [500],
            b"SHOW DB\rSTATUS\r\n": [501],
            b"STATUS\r": [],
            b"SHOW\0 DB\r\n": [500],
            b"\0\r\n": [500],
            b"DEFINE wn pen\0guin\r\n": [501],
            b"\xff\xf4\xff\xfdDEFINE wn penguin\r\n": [500],
            b"DEFINE wn pen\x7fguin\r\n": [501],
            b"DEFINE wn \x1b[2J\r\n": [501],
            b"DEFINE wn \xff\xfe\r\n": [501],
            b"DEFINE wn M\xe4dchen\r\n": [501],
            b"MATCH wn re \xff\r\n": [501],
            "DEFINE wn Ma\u0308dchen\r\n".encode(): [250],
            b"DEFINE wn STRASSE\r\n": [552],
            b"\n\n\r\n": [500, 500, 500],
        }
        for sent, codes in rows.items():
            client = self.house.welcome()
            client.send(sent)
            self.assertEqual(final_codes(client.heard()), codes, sent)

    def test_line_lengths(self) -> None:
        """1,024 and 6,144 octets are taken (the word in them is too long); more is one 500, and the next is intact."""
        for length in (1024, 1025, 4001, 6144):
            line = b"DEFINE wn " + b"x" * (length - 12) + b"\r\n"
            self.assertEqual(len(line), length)
            self.client.send(line + b"STATUS\r\n")
            self.assertEqual(final_codes(self.client.heard()), [501, 210], length)
        for length in (6145, 20_000, 200_000):
            self.client.send(b"DEFINE wn " + b"x" * (length - 12) + b"\r\nSTATUS\r\n")
            self.assertEqual(final_codes(self.client.heard()), [500, 210], length)

    def test_pipelined(self) -> None:
        """Six commands in one packet: six answers in order, then 221 and the end."""
        self.client.send(b"CLIENT x\r\nDEFINE wn penguin\r\nFOO\r\nMATCH wn . p\r\nSTATUS\r\nQUIT\r\n")
        self.assertEqual(final_codes(self.client.heard()), [250, 250, 500, 250, 210, 221])
        self.assertTrue(self.client.line.half_closed)

    def test_quit_with_more_behind(self) -> None:
        """What follows QUIT is dropped; the connection is not reset."""
        self.client.send(b"QUIT\r\nSTATUS\r\n")
        self.client.send(b"STATUS\r\n")
        self.assertEqual(final_codes(self.client.heard()), [221])
        self.assertTrue(self.client.line.half_closed)
        self.assertFalse(self.client.line.aborted)

    def test_input_before_the_banner_counts(self) -> None:
        """dict(1) speaks first: nothing of it is lost."""
        client = self.house.connect()
        client.send(b'client "dict"\r\ndefine * "penguin"\r\nquit\r\n')
        banner, _, rest = client.heard().partition(b"\r\n")
        self.assertTrue(banner.startswith(b"220 "))
        self.assertEqual(final_codes(rest), [250, 250, 221])

    def test_endless_first_line_is_shown_out(self) -> None:
        """Nobody sees whether it was HTTP, so nothing behind it is heard."""
        self.client.send(b"POST /" + b"a" * 6200 + b" HTTP/1.1\r\n\r\nREGISTER eve password-1\r\n")
        self.assertEqual(final_codes(self.client.heard()), [500])
        self.assertTrue(self.client.line.half_closed)

    def test_http_is_shown_out(self) -> None:
        """A browser's first line ends the connection, so that it cannot say more."""
        for line in (b"GET / HTTP/1.1", b"POST /x HTTP/1.0", b"CONNECT a.example:443 HTTP/1.1"):
            client = self.house.welcome()
            client.send(line + b"\r\nHost: x\r\n\r\nREGISTER eve password-1\r\n")
            self.assertEqual(final_codes(client.heard()), [500])
            self.assertTrue(client.line.half_closed)
        self.assertEqual(self.client.codes("STATUS", "GET / HTTP/1.1", "STATUS"), [210, 500, 210])

    @settings(deadline=None, max_examples=100)
    @given(sizes=st.lists(st.integers(1, 40), max_size=30), junk=st.lists(st.binary(max_size=60), max_size=12))
    def test_any_pieces_give_the_same_answers(self, sizes: list[int], junk: list[bytes]) -> None:
        """Segmentation does not matter, nothing is raised, and STATUS is answered in step after any garbage."""
        sent = b"".join(line.replace(b"\n", b" ") + b"\r\n" for line in junk) + b"STATUS\r\n"
        whole, pieces = self.house.welcome(), self.house.welcome()
        whole.send(sent)
        for piece in in_pieces(sent, sizes):
            pieces.send(piece)
        first, second = whole.heard(), pieces.heard()
        for client in (whole, pieces):
            leave(client)
        self.assertEqual(final_codes(first), final_codes(second))
        codes = final_codes(first)
        if 221 not in codes:
            self.assertEqual(len(codes), len(junk) + 1)
            self.assertEqual(codes[-1], 210)


class Ends(Dialogue):
    """Closing, whoever begins."""

    def test_interfaces(self) -> None:
        """The transport finds what it asks for."""
        verifyObject(IHalfCloseableProtocol, self.client.protocol)
        verifyObject(IPushProducer, self.client.protocol)

    def test_end_of_input(self) -> None:
        """What was asked is answered; a partial line is dropped, not executed."""
        self.client.protocol.dataReceived(b"STATUS\r\n" * (LINES_A_TURN + 5) + b"STATUS")
        self.client.protocol.readConnectionLost()
        self.assertFalse(self.client.line.disconnecting)
        self.house.turn(3)
        self.assertEqual(final_codes(self.client.heard()), [210] * (LINES_A_TURN + 5))
        self.assertTrue(self.client.line.disconnecting)

    def test_end_of_input_with_nothing_asked(self) -> None:
        """Then the connection just ends."""
        self.client.protocol.readConnectionLost()
        self.assertTrue(self.client.line.disconnecting)
        self.assertEqual(self.client.heard(), b"")

    def test_lingering(self) -> None:
        """After QUIT the peer has two seconds to close."""
        self.client.ask("QUIT")
        self.house.clock.pump([1.0])
        self.assertFalse(self.client.line.disconnecting)
        self.house.clock.pump([1.0, 1.0])
        self.assertTrue(self.client.line.disconnecting)

    def test_peer_closes_after_quit(self) -> None:
        """Then it is over at once."""
        self.client.ask("QUIT")
        self.client.protocol.readConnectionLost()
        self.assertTrue(self.client.line.disconnecting)

    def test_session_is_forgotten(self) -> None:
        """Who is gone is logged out, and the place is free."""
        alice = self.house.member()
        before = self.house.factory.service.doors.inside
        session = alice.protocol.session
        leave(alice)
        self.assertIsNone(session.user)
        self.assertEqual(self.house.factory.service.doors.inside, before - 1)
        self.assertNotIn(alice.protocol, self.house.factory.connections)


class Times(Dialogue):
    """Time-outs, on a clock that stands still."""

    def test_idle(self) -> None:
        """600 s of silence: 421 and the end; a command begins them anew."""
        self.client.ask("STATUS")
        self.house.clock.advance(599)
        self.assertEqual(self.client.codes("STATUS"), [210])
        self.house.clock.pump([1.0] * 599)
        self.assertEqual(self.client.heard(), b"")
        self.house.clock.pump([1.0, 1.0])
        self.assertTrue(self.client.heard().startswith(b"421 "))
        self.assertTrue(self.client.line.half_closed)

    def test_dripping_line(self) -> None:
        """A line must be whole ten seconds after its first byte, however it drips."""
        for _ in range(9):
            self.client.send(b"S")
            self.house.clock.pump([1.0])
        self.assertFalse(self.client.line.half_closed)
        self.client.send(b"S")
        self.house.clock.pump([1.0, 1.0])
        self.assertTrue(self.client.heard().startswith(b"421 "))

    def test_line_begun_behind_another(self) -> None:
        """The ten seconds also hold for what began in the same packet."""
        self.client.send(b"STATUS\r\nSTA")
        self.client.heard()
        self.house.clock.pump([1.0] * 11)
        self.assertTrue(self.client.heard().startswith(b"421 "))

    def test_endless_line(self) -> None:
        """Bytes without an end are no activity."""
        self.client.ask("STATUS")
        for _ in range(11):
            self.client.send(b"x" * 60_000)
            self.house.clock.pump([1.0])
        self.assertEqual(final_codes(self.client.heard()), [500, 421])

    def test_first_command(self) -> None:
        """Who says nothing for 60 s hears 421; any line before that counts."""
        spoken = self.house.welcome()
        self.house.clock.pump([1.0] * 59)
        spoken.ask("CLIENT x")
        self.assertEqual(self.client.heard(), b"")
        self.house.clock.pump([1.0] * 2)
        self.assertTrue(self.client.heard().startswith(b"421 "))
        self.house.clock.pump([1.0] * 500)
        self.assertEqual(spoken.heard(), b"")

    def test_slow_reader_has_no_line_to_finish(self) -> None:
        """The ten seconds of a line do not run while it is we who do not read its end."""
        self.client.protocol.pauseProducing()
        self.client.send(b"STATUS\r\n" * 1000 + b"STA")
        self.assertEqual(self.client.line.producerState, "paused")
        self.house.clock.pump([1.0] * 29)
        self.assertFalse(self.client.line.aborted)
        self.client.protocol.resumeProducing()
        self.house.turn(40)
        self.client.send(b"TUS\r\n")
        self.assertEqual(final_codes(self.client.heard()), [210] * 1001)

    def test_nothing_is_left_ticking(self) -> None:
        """A stopped factory has no timers."""
        self.house.factory.stop()
        self.assertEqual(self.house.clock.getDelayedCalls(), [])


class Full(SynchronousTestCase):
    """No room."""

    def test_420(self) -> None:
        """One more than there may be hears 420 and is let go; a place that gets free is given."""
        directory = Path(self.mktemp()).absolute()
        house = House(directory, Settings(limits=evolve(Settings().limits, connections=2)))
        first, _ = house.welcome(), house.welcome()
        third = house.connect()
        third.send(b"STATUS\r\n")
        self.assertEqual(final_codes(third.heard()), [420])
        self.assertTrue(third.line.disconnecting)
        leave(third)
        leave(first)
        self.assertTrue(house.connect().heard().startswith(b"220 "))

    def test_420_for_one_network(self) -> None:
        """Connections of one network are bounded by themselves."""
        directory = Path(self.mktemp()).absolute()
        house = House(directory, Settings(limits=evolve(Settings().limits, connections_per_network=1)))
        house.welcome("192.0.2.1")
        self.assertTrue(house.connect("192.0.2.1").heard().startswith(b"420 "))
        self.assertTrue(house.connect("192.0.2.2").heard().startswith(b"220 "))


class Pressure(Dialogue):
    """Clients that ask faster than they read."""

    def test_pieces(self) -> None:
        """Answers are written in pieces; when the transport says so the rest waits, unasked."""
        client = self.client
        sizes: list[int] = []
        write = client.line.write

        def counted(data: bytes) -> None:
            sizes.append(len(data))
            write(data)
            client.protocol.pauseProducing()

        client.line.write = counted  # type: ignore[method-assign]
        client.send(b"DEFINE wn long\r\n" * 200)
        self.assertEqual(len(sizes), 1)
        self.assertLess(sizes[0], PIECE + 4096)
        for _ in range(40):
            client.protocol.resumeProducing()
            self.house.turn()
        self.assertEqual(final_codes(client.heard()), [250] * 200)
        self.assertLess(max(sizes), PIECE + 4096)

    def test_rounds_do_not_multiply(self) -> None:
        """However many turns are put off, one round is due, and none when all is answered."""
        clients = [self.house.welcome() for _ in range(5)]
        for client in clients:
            client.protocol.dataReceived(b"STATUS\r\n" * 250)
        sweep = 1
        self.assertEqual(len(self.house.clock.getDelayedCalls()), sweep + 1)
        self.house.turn()
        for client in clients:
            self.assertEqual(final_codes(client.heard()), [210] * 250)
        self.assertEqual(len(self.house.clock.getDelayedCalls()), sweep)

    def test_slow_between_turns(self) -> None:
        """Who stops reading between two turns is not answered before reading on."""
        self.client.protocol.dataReceived(b"STATUS\r\n" * 100)
        self.client.protocol.scheduled_turn()
        self.assertEqual(len(final_codes(self.client.heard())), LINES_A_TURN)
        self.client.protocol.pauseProducing()
        self.house.turn(3)
        self.assertEqual(self.client.heard(), b"")
        self.client.protocol.resumeProducing()
        self.house.turn(3)
        self.assertEqual(len(final_codes(self.client.heard())), 100 - LINES_A_TURN)

    def test_reading_stops(self) -> None:
        """Input that is not answered yet is bounded; it is read again when there is room."""
        client = self.client
        client.protocol.pauseProducing()
        client.send(b"STATUS\r\n" * 1000)
        self.assertEqual(client.line.producerState, "paused")
        client.protocol.resumeProducing()
        self.house.turn(40)
        self.assertEqual(final_codes(client.heard()), [210] * 1000)
        self.assertEqual(client.line.producerState, "producing")

    def test_turns(self) -> None:
        """Few lines are answered as they come; a flood waits for its turn, 64 lines each, so that others get theirs."""
        self.client.protocol.dataReceived(b"STATUS\r\n" * 16)
        self.assertEqual(len(final_codes(self.client.heard())), 16)
        self.client.protocol.dataReceived(b"STATUS\r\n" * 200)
        self.assertEqual(self.client.heard(), b"")
        self.client.protocol.scheduled_turn()
        self.assertEqual(len(final_codes(self.client.heard())), LINES_A_TURN)
        self.house.turn()
        self.assertEqual(len(final_codes(self.client.heard())), 200 - LINES_A_TURN)


class GatedPool:
    """Commits when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Deferred[None]] = []
        self.rows: list[LookUp] = []

    async def run(self, query: object, rows: list[LookUp]) -> None:
        """As the recorder asks for it."""
        gate: Deferred[None] = Deferred()
        self.waiting.append(gate)
        await gate
        self.rows += rows


class Held(SynchronousTestCase):
    """The last line of a logged-in look-up follows the commit of its row."""

    def setUp(self) -> None:
        directory = Path(self.mktemp()).absolute()
        publish(directory, BOOKS)
        self.house = House(directory)
        self.addCleanup(self.house.lexicon.close)
        self.pool = GatedPool()
        self.house.recorder._outbox._pool = self.pool  # type: ignore[assignment]
        self.client = self.house.welcome()
        self.house.registrar.roster.enter(User(7, "alice"), self.client.protocol.session)

    def test_text_first_last_line_later(self) -> None:
        """Everything but ``250 ok`` is out at once; no other answer overtakes it."""
        self.client.send(b"DEFINE wn penguin\r\nSTATUS\r\nDEFINE wn nosuch\r\nSTATUS\r\n")
        self.assertTrue(self.client.heard().endswith(b"flightless bird\r\n.\r\n"))
        self.pool.waiting.pop().callback(None)
        self.house.turn(3)
        self.assertEqual(final_codes(self.client.heard()), [250, 210])
        self.pool.waiting.pop().callback(None)
        self.house.turn(3)
        self.assertEqual(final_codes(self.client.heard()), [552, 210])
        self.assertEqual([row.word for row in self.pool.rows], ["penguin", "nosuch"])

    def test_not_confirmed(self) -> None:
        """After two seconds the answer says that its history is not confirmed, and the next is answered."""
        self.client.send(b"DEFINE wn penguin\r\nSTATUS\r\n")
        self.client.heard()
        self.house.clock.pump([1.0, 1.0, 0.1, 0.1])
        self.assertTrue(self.client.heard().startswith(b"250 ok (history not confirmed)\r\n210 "))

    def test_match_leaves_whole(self) -> None:
        """MATCH is no history and waits for nothing."""
        self.assertEqual(self.client.codes("MATCH wn . p"), [250])

    def test_gone_before_the_commit(self) -> None:
        """A client that leaves does not disturb the commit."""
        self.client.send(b"DEFINE wn penguin\r\n")
        leave(self.client)
        self.pool.waiting.pop().callback(None)
        self.assertEqual(len(self.pool.rows), 1)

    def test_end_of_input_waits_for_the_commit(self) -> None:
        """``printf ... | nc -N``: the last line comes, then the end."""
        self.client.send(b"DEFINE wn penguin\r\n")
        self.client.protocol.readConnectionLost()
        self.assertFalse(self.client.line.disconnecting)
        self.pool.waiting.pop().callback(None)
        self.assertTrue(self.client.heard().endswith(b"250 ok\r\n"))
        self.assertTrue(self.client.line.disconnecting)

    def test_quit_behind_a_held_line(self) -> None:
        """QUIT waits for its turn."""
        self.client.send(b"DEFINE wn penguin\r\nQUIT\r\n")
        self.client.heard()
        self.assertFalse(self.client.line.half_closed)
        self.pool.waiting.pop().callback(None)
        self.house.turn(2)
        self.assertEqual(final_codes(self.client.heard()), [250, 221])
        self.assertTrue(self.client.line.half_closed)

    def test_stopping(self) -> None:
        """A server that stops finishes what was asked, says 421 and is empty."""
        idle = self.house.welcome()
        self.client.send(b"DEFINE wn penguin\r\nSTATUS\r\n")
        empty = self.house.factory.drain()
        self.assertTrue(idle.heard().startswith(b"421 "))
        self.pool.waiting.pop().callback(None)
        self.house.turn(3)
        self.assertEqual(final_codes(self.client.heard())[-3:], [250, 210, 421])
        self.assertNoResult(empty)
        leave(idle)
        leave(self.client)
        self.successResultOf(empty)


class Trouble(Dialogue):
    """What nobody foresaw."""

    def test_id(self) -> None:
        """The client sees 420 with an id, the log has it with the traceback, the connection goes on."""

        def broken(*_: object) -> None:
            raise RuntimeError("out of order")

        self.patch(LookUps, "define", broken)
        answer = self.client.ask("DEFINE wn penguin", "STATUS")
        self.assertRegex(answer, r"^420 something went wrong here, please report trouble [0-9a-f]{8}\n210 ")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
