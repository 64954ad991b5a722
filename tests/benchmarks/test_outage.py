"""Tests of :mod:`benchmarks.outage` and :mod:`benchmarks.witnesses` against a server that follows a script."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from attrs import define
from twisted.trial.unittest import SynchronousTestCase

from benchmarks import outage, witnesses
from benchmarks.load import ServerFell
from benchmarks.outage import LOGIN, REGISTER, Verbs
from benchmarks.servers import OURS
from benchmarks.stores import MARIADB, Kept
from benchmarks.witnesses import Witness, witness
from tests.benchmarks.scripted import Script, Scripted
from tests.support.server import until

_NO_MATCH = b"552 no match\r\n"
_NOT_CONFIRMED = b"552 no match (history not confirmed)\r\n"
_AWAY = b"480 away\r\n"


class Served(SynchronousTestCase):
    """With a server."""

    def served(self, script: Script) -> Scripted:
        """One that ends with the test."""
        server = Scripted(script).start()
        self.addCleanup(server.stop)
        return server


class Witnesses(Served):
    """Those who remember."""

    def test_remembered(self) -> None:
        """What was promised and what was not, word by word; waits since the last time they were asked."""

        def script(connection: int, count: int, line: bytes) -> bytes:
            if not count:
                return b"230 welcome\r\n"
            return _NOT_CONFIRMED if count % 2 else _NO_MATCH

        server = self.served(script)
        with witness(server.port, 2, "x", 0.001) as one:
            until("answers", lambda: len(server.heard) > 40)
            first, second = one.seen(), one.seen()
            one.end()
        self.assertGreater(first.promised, 10)
        self.assertGreaterEqual(len(first.waits), first.promised + first.unconfirmed)
        self.assertLess(len(second.waits), len(first.waits))
        asked = {line.split()[-1].decode() for line in server.heard if line.startswith(b"DEFINE")}
        self.assertTrue(one.confirmed and one.unconfirmed)
        self.assertFalse(one.confirmed & one.unconfirmed)
        self.assertLessEqual(one.confirmed | one.unconfirmed, asked)
        self.assertTrue(all(word.startswith("x-") for word in asked))

    def test_refused(self) -> None:
        """Other answers by their code, and who was cut."""

        def script(connection: int, count: int, line: bytes) -> bytes | None:
            return b"230 welcome\r\n" if not count else (b"420 full\r\n" if count == 1 else None)

        server = self.served(script)
        with witness(server.port, 1) as one:
            until("answers", lambda: len(server.heard) > 4)
            one.end()
        self.assertGreater(one.refused["420"], 0)
        self.assertEqual((one.confirmed, one.unconfirmed), (frozenset(), frozenset()))

    def test_register(self) -> None:
        """An account that cannot be had is told."""
        witnesses.register(self.served(lambda *_: b"280 ok\r\n").port)
        self.assertRaises(ServerFell, witnesses.register, self.served(lambda *_: _AWAY).port)


class Accounts(Served):
    """Who tries to do something with an account."""

    def test_verbs(self) -> None:
        """LOGIN and REGISTER in turn; what is not 480 is told."""
        self.patch(outage, "_BETWEEN", 0.001)
        server = self.served(lambda _, __, line: _AWAY if line.startswith(b"LOGIN") else b"280 here\r\n")
        verbs = Verbs(server.port)
        thread = threading.Thread(target=verbs.run)
        thread.start()
        until("tries", lambda: min(map(len, verbs.refused.values())) > 3)
        verbs.end()
        thread.join()
        self.assertEqual(set(verbs.other), {b"280 here\r\n"})
        found: Any = list(outage._of_verbs(verbs, 0.0))
        self.assertEqual(found[-1], f"{LOGIN}: answered b'280 here\\r\\n'")

    def test_first(self) -> None:
        """The first refusals, before the breakers are open, are told apart."""
        verbs = Verbs(0, {LOGIN: [(100.0, 2.0), (101.0, 1.0), (120.0, 0.003), (121.0, 0.001)], REGISTER: []})
        told = dict(one for one in outage._of_verbs(verbs, 100.0) if not isinstance(one, str))
        expected = {"first": 2000.0, "p50": 1.0, "p99": 3.0, "longest": 3.0, "errors": 0}
        self.assertEqual(told, {(LOGIN, OURS, measure): value for measure, value in expected.items()})

    def test_welcomed(self) -> None:
        """Whoever is refused tries again, until the history can be read as well."""
        tries = Counter[bytes]()

        def script(connection: int, count: int, line: bytes) -> bytes:
            verb = line.split()[0]
            tries[verb] += 1
            if tries[verb] < 3:
                return _AWAY
            return b"230 welcome\r\n" if verb == b"LOGIN" else b"552 none\r\n"

        outage.welcomed(self.served(script).port)
        self.assertEqual(tries, {b"LOGIN": 5, b"HISTORY": 3})


@define
class _Table:
    """A database that has these words."""

    words: list[str]

    def rows(self, *_: object) -> list[tuple[str]]:
        """Them."""
        return [(word,) for word in self.words]


class _Told(Witness):
    """One that has ended."""

    def end(self) -> None:
        """It has."""


class Truths(SynchronousTestCase):
    """What was promised, and what is there."""

    def test_compared(self) -> None:
        """What is missing, what is there twice; a row that was not promised may be there."""
        kept = Kept(MARIADB, Path(self.mktemp()), "mysql://u@h/db", _Table(["a", "b", "b", "x"]))  # type: ignore[arg-type]
        one = _Told(None, frozenset("ab"), frozenset("x"), Counter({"481": 3}))  # type: ignore[arg-type]
        other = _Told(None, frozenset("cd"), frozenset(), Counter({"420": 1}))  # type: ignore[arg-type]
        *values, remark = outage.truth("case", kept, one, other)
        told = {one[0][2]: one[1] for one in values if not isinstance(one, str)}
        self.assertEqual(told, {"promised": 4, "missing": 2, "twice": 1, "unconfirmed": 1})
        self.assertEqual(remark, "case: logged in: answered {'420': 1}")
