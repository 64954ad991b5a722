"""Tests of :mod:`benchmarks.load` and :mod:`benchmarks.visits` against a server that follows a script."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from benchmarks import load, visits
from benchmarks.load import Crowd, Outcome, ServerFell
from benchmarks.visits import Visits
from tests.benchmarks.scripted import NO_MATCH, RIGHT, Script, Scripted, always

#: Enough for some answers; how many does not matter.
_MOMENT = 0.05
_LINES = [b'DEFINE wn "%d"\r\n' % number for number in range(8)]


class _Loads(SynchronousTestCase):
    """With a server."""

    def setUp(self) -> None:
        self.patch(load, "PATIENCE", 0.2)
        self.patch(visits, "PATIENCE", 0.2)

    def serve(self, script: Script, banner: bytes = b"220 here\r\n", piece: int = 1 << 16) -> Scripted:
        """Start one."""
        server = Scripted(script, banner, piece).start()
        self.addCleanup(server.stop)
        return server

    def crowd(self, server: Scripted, clients: int = 2, depth: int = 1, logins: Sequence[bytes] = ()) -> Crowd:
        """Connect to it."""
        crowd = Crowd.connected(server.port, clients, depth, _LINES, logins)
        self.addCleanup(crowd.close)
        return crowd

    def visit(self, server: Scripted) -> Outcome:
        """Come and go for a moment."""
        coming = Visits.prepared(server.port, 3, _LINES)
        self.addCleanup(coming.close)
        return coming.run(_MOMENT)


class _Unready:
    """A connection in TLS to which came what is not for its client."""

    def recv(self, most: int) -> bytes:
        raise ssl.SSLWantReadError


class Crowds(_Loads):
    """Clients that stay."""

    def test_unready(self) -> None:
        """In TLS something may come that is no part of an answer, and nobody is lost by it."""
        crowd, outcome = self.crowd(self.serve(always(RIGHT)), clients=1), Outcome()
        (client,) = crowd._clients.values()
        crowd._hear(evolve(client, connection=_Unready()), outcome)  # type: ignore[arg-type]
        self.assertEqual((outcome.endings, len(crowd._clients)), ({}, 1))

    def test_counts(self) -> None:
        """Every answer is counted once: all lines but those still on their way."""
        for depth in (1, 4):
            server = self.serve(always(RIGHT))
            crowd = self.crowd(server, clients=3, depth=depth)
            outcome = crowd.run(_MOMENT)
            crowd.close()
            server.stop()
            self.assertGreater(outcome.answers, 0)
            self.assertEqual(outcome.wrong, {})
            self.assertEqual(outcome.answers % depth, 0)
            self.assertEqual(len(outcome.waits) * depth, outcome.answers)
            self.assertEqual(outcome.received, outcome.answers * len(RIGHT))
            self.assertLessEqual(len(server.heard) - outcome.answers, 3 * depth)
            self.assertGreaterEqual(len(server.heard) - outcome.answers, 0)
            self.assertGreaterEqual(outcome.seconds, _MOMENT)

    def test_order_of_lines(self) -> None:
        """Lines are asked in their order, over and over, whole groups at a time."""
        server = self.serve(always(RIGHT))
        crowd = self.crowd(server, clients=1, depth=3)
        for _ in range(1000):
            crowd.run(0.01)
            if len(server.heard) >= 9:
                break
        words = [line.rstrip() for line in _LINES[:6]]  # 8 lines make two groups of 3
        self.assertEqual(server.heard[:9], (words * 2)[:9])

    def test_second_run_goes_on(self) -> None:
        """What was on its way when a run ended is counted by the next; nothing twice, nothing not at all."""
        server = self.serve(always(RIGHT))
        crowd = self.crowd(server, clients=2)
        answers = sum(crowd.run(0.01).answers for _ in range(5))
        self.assertIn(len(server.heard) - answers, range(3))

    def test_second_run_asks_nothing_twice(self) -> None:
        """Clients that still wait are not sent ahead again."""
        server = self.serve(lambda connection, count, line: b"")
        crowd = self.crowd(server, clients=2)
        self.assertEqual([crowd.run(60).endings["missing"] for _ in range(2)], [2, 2])
        self.assertEqual(len(server.heard), 2)

    def test_pieces(self) -> None:
        """Answers that come in pieces are answers."""
        outcome = self.crowd(self.serve(always(RIGHT), piece=7), depth=2).run(_MOMENT)
        self.assertGreater(outcome.answers, 0)
        self.assertEqual(outcome.wrong, {})

    def test_wrong_code(self) -> None:
        """Wrong answers are counted under their code beside right ones."""
        server = self.serve(lambda connection, count, line: NO_MATCH if connection else RIGHT)
        outcome = self.crowd(server).run(_MOMENT)
        self.assertGreater(outcome.endings["250"], 0)
        self.assertEqual(list(outcome.wrong), ["552"])
        self.assertEqual(outcome.answers, outcome.endings["250"] + outcome.endings["552"])

    def test_served(self) -> None:
        """Whether every client has had an answer, not only one."""
        server = self.serve(lambda connection, count, line: RIGHT if count or not connection else b"")
        crowd = self.crowd(server)
        self.assertFalse(crowd.served)
        crowd.run(_MOMENT)
        self.assertFalse(crowd.served)
        crowd = self.crowd(self.serve(always(NO_MATCH)))
        crowd.run(_MOMENT)
        self.assertTrue(crowd.served)

    def test_missing(self) -> None:
        """Answers that never come are counted, and are no answers."""
        server = self.serve(lambda connection, count, line: RIGHT if count < 3 else b"")
        outcome = self.crowd(server, clients=2).run(60)
        self.assertEqual(outcome.endings, {"250": 6, "missing": 2})
        self.assertEqual(outcome.answers, 6)
        self.assertEqual(outcome.wrong, {"missing": 2})

    def test_half_an_answer(self) -> None:
        """An answer whose end never comes is missing."""
        server = self.serve(lambda connection, count, line: RIGHT if count < 3 else RIGHT[:-8])
        self.assertEqual(self.crowd(server, clients=1).run(60).endings, {"250": 3, "missing": 1})

    def test_cut(self) -> None:
        """A connection that is closed counts with the lines it owed; the others go on."""
        server = self.serve(lambda connection, count, line: RIGHT if connection or count < 4 else None)
        outcome = self.crowd(server, clients=2, depth=2).run(_MOMENT)
        self.assertEqual(outcome.wrong, {"cut": 1, "missing": 2})
        self.assertGreater(outcome.answers, 4)

    def test_all_cut(self) -> None:
        """Without any connection there is nothing to wait for."""
        server = self.serve(lambda connection, count, line: None)
        crowd = self.crowd(server)
        self.assertRaises(ServerFell, crowd.run, 60)

    def test_logins(self) -> None:
        """Each client logs in with its own line, before anything is asked or counted."""
        server = self.serve(lambda connection, count, line: RIGHT if count else b"280 welcome\r\n")
        outcome = self.crowd(server, logins=[b"LOGIN a x\r\n", b"LOGIN b x\r\n"]).run(_MOMENT)
        self.assertEqual(sorted(line for line in server.heard if b"LOGIN" in line), [b"LOGIN a x", b"LOGIN b x"])
        self.assertEqual(outcome.wrong, {})

    def test_refused(self) -> None:
        """No banner, no login, no server: no figures."""
        full = self.serve(always(RIGHT), banner=b"420 full\r\n")
        self.assertRaises(ServerFell, self.crowd, full)
        strict = self.serve(always(b"530 no\r\n"))
        self.assertRaises(ServerFell, self.crowd, strict, logins=[b"LOGIN a x\r\n"] * 2)
        strict.stop()
        self.assertRaises(ServerFell, self.crowd, strict)


class Visiting(_Loads):
    """Clients that come for one word."""

    def test_counts(self) -> None:
        """A visit is one look-up; its good bye is none."""
        server = self.serve(always(RIGHT))
        outcome = self.visit(server)
        self.assertEqual(outcome.wrong, {})
        self.assertGreater(outcome.answers, 0)
        self.assertEqual(outcome.answers, len(outcome.waits))
        self.assertLessEqual(outcome.answers, server.heard.count(b"QUIT"))

    def test_wrong_code(self) -> None:
        """Wrong answers are counted under their code."""
        outcome = self.visit(self.serve(always(NO_MATCH)))
        self.assertEqual(list(outcome.wrong), ["552"])

    def test_no_good_bye(self) -> None:
        """Another word than 221 at the end is wrong."""
        script: Script = lambda connection, count, line: NO_MATCH if line == b"QUIT" else RIGHT  # noqa: E731
        self.assertIn("no 221", self.visit(self.serve(script)).wrong)

    def test_cut(self) -> None:
        """A visit that is cut short is told, and the next one comes."""
        script: Script = lambda connection, count, line: None if connection == 1 else always(RIGHT)(0, count, line)  # noqa: E731
        outcome = self.visit(self.serve(script))
        self.assertEqual(outcome.wrong, {"cut": 1})
        self.assertGreater(outcome.answers, 3)

    def test_missing(self) -> None:
        """A visit without answer is told."""
        coming = Visits.prepared(self.serve(lambda connection, count, line: b"").port, 3, _LINES)
        self.addCleanup(coming.close)
        self.assertEqual(coming.run(60).wrong, {"missing": 3})

    def test_no_banner(self) -> None:
        """A server that is full is no server."""
        self.assertRaises(ServerFell, self.visit, self.serve(always(RIGHT), banner=b"420 full\r\n"))
