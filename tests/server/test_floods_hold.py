"""Who asks much, guesses, or says what is no text: as :mod:`tests.server.test_limits_hold`, each limit on and off."""

from __future__ import annotations

import re
from typing import Any

import argon2
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure

from dictd.accounts.passwords import Passwords
from dictd.doors import Admission
from dictd.errors import BadArguments
from dictd.lexicon import forms, records
from dictd.limits import Peer
from dictd.server.refused import Refused
from dictd.server.session import Session
from dictd.wire import grammar, replies
from dictd.wire.replies import Reply
from tests.server.test_limits_hold import MANY, OTHER, SOURCE, Held
from tests.support.house import final_codes, publish


class Floods(Held):
    """Who asks much."""

    def test_unread_answers(self) -> None:
        """A client that reads nothing gets no more than 64 KiB made, and an answer."""

        def made(**limits: Any) -> int:
            house = self.house(**limits)
            client = house.welcome(SOURCE)
            write = client.line.write

            def stuck(data: bytes) -> None:
                write(data)
                client.protocol.pauseProducing()

            client.line.write = stuck  # type: ignore[method-assign]
            client.send(b"DEFINE wn long\r\n" * 200)
            client.send(b"DEFINE wn long\r\n")
            self.assertEqual(client.line.producerState, "paused")
            return len(client.heard())

        self.assertLess(made(), 65536 + 4096)
        self.assertLess(made(unread_kib=1), 1024 + 4096)
        self.assertGreater(made(unread_kib=65536), 2 * 65536 - 4096)

    def test_endless_line(self) -> None:
        """A line of 200,000 bytes, one at a time, is answered 500 once; not more than a line of it is kept."""

        def kept(**limits: Any) -> int:
            client = self.house(**limits).welcome(SOURCE)
            client.ask("STATUS")
            most = 0
            for _ in range(200_000):
                client.protocol.dataReceived(b"x")
                most = max(most, client.protocol._framing._held)
            client.send(b"\r\nSTATUS\r\n")
            self.assertEqual(final_codes(client.heard()), [500, 210])
            return most

        self.assertLessEqual(kept(), 6144)
        self.assertEqual(kept(line_octets=1 << 20), 200_000)

    def test_pipelined(self) -> None:
        """Of a thousand commands at once 64 are answered before another client has its turn."""

        def before_another(**limits: Any) -> int:
            house = self.house(**limits)
            flood = house.welcome(SOURCE)
            flood.protocol.dataReceived(b"STATUS\r\n" * 1000)
            flood.protocol.scheduled_turn()
            other = house.welcome(OTHER)
            other.protocol.dataReceived(b"Q penguin\r\n")
            self.assertEqual(final_codes(other.heard()), [250])
            return len(final_codes(flood.heard()))

        self.assertEqual(before_another(), 64)
        self.assertEqual(before_another(lines_a_turn=1_000_000), 1000)

    def faults(self, *lines: str, **limits: Any) -> list[int]:
        """What a client hears that says each of these ten times in turn."""
        client = self.house(**limits).welcome(SOURCE)
        for line in lines * 10:
            client.send(line.encode() + b"\r\n")
        heard = final_codes(client.heard())
        self.assertEqual(client.line.half_closed, 421 in heard)
        return heard

    def test_faults(self) -> None:
        """After twenty lines that are no commands comes 421, whatever is wrong with them."""
        spam = ("EHLO x", "DEFINE wn", "SASLRESP x", "OPTION FOO")
        codes = [500, 501, 502, 503]
        self.assertEqual(self.faults(*spam), [*codes * 5, 421])
        self.assertEqual(self.faults(*spam, bad_commands=1_000_000), codes * 10)
        self.assertEqual(self.faults("STATUS", "x" * 6200, "x" * 6200, bad_commands=2), [210, 500, 500, 421])

    def test_faults_at_once(self) -> None:
        """In one packet too, and what is behind them is not heard; so are faults that a later answer finds."""
        house = self.house()
        client = house.welcome(SOURCE)
        client.send(b"EHLO x\r\n" * 30 + b"REGISTER eve correct-horse\r\n")
        self.assertEqual(final_codes(client.heard()), [500] * 20 + [421])
        member = house.member("bob", OTHER)
        member.send(b"HISTORY 0\r\n" * 30)
        self.assertEqual(final_codes(member.heard()), [501] * 20 + [421])
        self.assertTrue(member.line.half_closed)

    def test_faults_found_late(self) -> None:
        """A fault that is found when others had their turn ends the connection too, and what waits is not heard."""
        gate: Deferred[None] = Deferred()

        async def late(session: Session, command: object, words: object) -> Reply:
            await gate
            raise BadArguments()

        self.patch(Session, "do_status", late)
        client = self.house(bad_commands=1).welcome(SOURCE)
        client.send(b"STATUS\r\nQ penguin\r\n")
        self.assertEqual(client.heard(), b"")
        gate.callback(None)
        client.clock.advance(0)
        self.assertEqual(final_codes(client.heard()), [501, 421])
        self.assertTrue(client.line.half_closed)

    def test_faults_forgiven(self) -> None:
        """A good command forgives all faults, also one whose answer comes later; an answer that says no is good."""
        for good in ("CLIENT x", "Q penguin", "Q nothing", "D nosuch x", "LOGIN nobody wrong-secret"):
            heard = self.faults(*["EHLO x"] * 19, good)
            self.assertNotIn(421, heard, good)
            self.assertEqual(heard.count(500), 190, good)


class Searching(Held):
    """Searches that would take long."""

    def searched(self, line: str, **limits: Any) -> tuple[float, bytes]:
        """How long a search worked, of a clock that runs on when it is looked at, and its answer."""
        self.patch(records, "BLOCK", 16)
        self.patch(forms, "_STRETCH", 16)
        publish(self.directory, {"many": ("Many", [(word, word) for word in MANY])}, 2)
        house = self.house(**limits)
        now = [0.0]

        def steadily() -> float:
            now[0] += 0.002
            return now[0]

        house.factory.service.lookups.searches.steady = steadily
        client, other = house.welcome(SOURCE), house.welcome(OTHER)
        client.protocol.dataReceived(line.encode() + b"\r\n")
        self.assertEqual(client.heard(), b"")
        self.assertEqual(other.codes("DEFINE many aio"), [250])
        for _ in range(2000):
            house.turn()
        return now[0], client.heard()

    def test_pattern(self) -> None:
        """A pattern that every word has to be tried against is stopped in time, and the answer says so."""
        seconds, said = self.searched("MATCH many re (a|b|c)*[o-v]$", match_seconds=0.05)
        self.assertLess(seconds, 0.5)
        self.assertRegex(said, rb"(stopped|552 no match).*\r\n$")
        longer, said = self.searched("MATCH many re (a|b|c)*[o-v]$", match_seconds=60)
        self.assertGreater(longer, 2 * seconds)
        self.assertNotIn(b"stopped", said)

    def test_huge(self) -> None:
        """A list is cut where the settings say, and says so."""

        def matches(most: int) -> int:
            client = self.house(matches=most).welcome(SOURCE)
            client.send(b"MATCH many re .\r\n")
            said = client.heard()
            self.assertEqual(b"of more" in said, most < len(MANY))
            return said.count(b'many "')

        self.assertEqual(matches(100), 100)
        self.assertEqual(matches(1_000_000), len(MANY))


class Guessing(Held):
    """Who guesses passwords and makes accounts."""

    def verified(self, **limits: Any) -> int:
        """Passwords that are verified when one source guesses in ten connections for a minute."""
        house = self.house(**limits)
        house.member("alice", OTHER)
        passwords: Any = house.registrar._passwords
        verify, count = passwords.verify, [0]

        async def counted(passwd: str | None, secret: str) -> bool:
            count[0] += 1
            return bool(await verify(passwd, secret))

        passwords.verify = counted
        clients = [house.welcome(SOURCE) for _ in range(10)]
        for second in range(60):
            for number, client in enumerate(clients):
                client.codes(f"LOGIN alice guess-{second}-{number}")
            house.clock.advance(1)
        # Others are not concerned.
        self.assertEqual(house.welcome(OTHER).codes("LOGIN alice correct-horse"), [230])
        return count[0] - 1

    def test_one_account(self) -> None:
        """Six hundred guesses over ten connections: seven are looked at."""
        self.assertLessEqual(self.verified(), 10)
        self.assertEqual(self.verified(guesses=1_000_000, penalty_seconds=0), 600)

    def tried(self, **limits: Any) -> int:
        """Names that one source can try one after the other in a minute."""
        house = self.house(**limits)
        client, tried = house.welcome(SOURCE), 0
        for number in range(600):
            tried += client.codes(f"LOGIN pupil{number} password1") == [531]
            house.clock.advance(0.1)
        return tried

    def test_many_accounts(self) -> None:
        """One password for many names is no way round: after ten the whole network waits."""
        self.assertLessEqual(self.tried(), 17)
        self.assertLessEqual(self.tried(guesses=0), 7)
        self.assertEqual(self.tried(guesses=1_000_000), 600)
        self.assertEqual(self.tried(penalty_seconds=0), 600)

    def test_registrations(self) -> None:
        """Sixty an hour from one network."""

        def registered(most: int) -> int:
            house = self.house({"registrations_per_hour": most})
            client, other = house.welcome(SOURCE), house.welcome(OTHER)
            codes = [client.codes(f"REGISTER user{number} correct-horse")[0] for number in range(100)]
            self.assertEqual(other.codes("REGISTER other correct-horse"), [280])
            return codes.count(280)

        self.assertEqual(registered(60), 60)
        self.assertEqual(registered(100_000), 100)

    def test_queue_of_hashes(self) -> None:
        """However many log in at once, so many wait; others are told at once, and look-ups go on."""

        def waiting(queue: int) -> int:
            house = self.house({"hash_queue": queue})
            threads = Threads()
            hasher = argon2.PasswordHasher(1, 64, 1)
            house.registrar._passwords = Passwords(Clock(), hasher, house.settings.accounts.hash_queue, threads)  # type: ignore[arg-type]
            clients = [house.welcome(f"127.1.0.{number}") for number in range(100)]
            for client in clients:
                client.send(b"LOGIN nobody wrong-secret\r\n")
            self.assertEqual(house.welcome(OTHER).codes("Q penguin"), [250])
            refused = [client for client in clients if client.heard().startswith(b"480 ")]
            self.assertEqual(len(threads.waiting) + len(refused), 100)
            return len(threads.waiting)

        self.assertEqual(waiting(32), 32)
        self.assertEqual(waiting(1000), 100)

    def test_clear_text(self) -> None:
        """A password from another machine, in the clear, is 584 and is not looked at."""

        def codes(allowed: bool) -> list[int]:
            client = self.house({"plaintext": allowed}).welcome("192.0.2.1")
            return client.codes("REGISTER eve correct-horse", "LOGIN eve correct-horse", "Q penguin")

        self.assertEqual(codes(False), [584, 584, 250])
        self.assertEqual(codes(True), [280, 230, 250])


class Threads:
    """A pool of threads that never come to it."""

    def __init__(self) -> None:
        self.waiting: list[object] = []

    def callInThreadWithCallback(self, done: object, work: object, *args: object, **kwargs: object) -> None:
        """Keep the work."""
        self.waiting.append((done, work))


class Words(Held):
    """What leaves is text."""

    def test_control_characters(self) -> None:
        """What turns a terminal upside down gets into no history and out of no text."""
        evil = "\x1b]0;x\x07", "a\x00b", "\x7f", "\x9b2J", "\u202edlrow", "\u2066x", "\u2028x"
        publish(self.directory, {"evil": ("Evil " + evil[0], [("evil", "evil\n" + "\n".join(evil))])}, 3)
        harmless = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

        def heard() -> str:
            client = self.house().member("alice", SOURCE)
            client.codes("OPTION MIME")
            told = [client.ask(f'DEFINE * "{word}"') for word in evil]
            return "".join([*told, *map(client.ask, ("D evil evil", "HISTORY", "SHOW DB", "SHOW INFO evil"))])

        self.assertIsNone(harmless.search(heard()))
        nothing = re.compile("(?!)")
        self.patch(grammar, "_CONTROL", nothing)
        self.patch(replies, "_CONTROL", nothing)
        self.assertIsNotNone(harmless.search(heard()))


class Counted(Held):
    """What limits cost."""

    def test_refused_leave_nothing(self) -> None:
        """Who is refused leaves nothing behind: no session, no message id, no timer."""
        house = self.house(connections_per_network=1)
        first = house.welcome(SOURCE)
        timers = len(house.clock.getDelayedCalls())
        self.patch(type(house.factory.service), "message_id", lambda service: self.fail("a message id was made"))
        for _ in range(1000):
            house.connect(SOURCE)
        self.assertEqual(house.factory.connections, {first.protocol})
        self.assertEqual(len(house.clock.getDelayedCalls()), timers)
        self.assertEqual(house.factory.service.doors.inside, 1)

    def test_told_why(self) -> None:
        """Each refusal is 420 with what to do."""
        house = self.house(connections=3, connections_per_network=2, new_per_second=1)
        doors = house.factory.service.doors
        doors.ban("10.0.0.9", 1e9)
        said = [
            house.connect(host).heard().decode() for host in ("10.0.0.9", SOURCE, SOURCE, SOURCE, OTHER, "10.0.0.1")
        ]
        self.assertEqual([line[:3] for line in said], ["420", "220", "220", "420", "220", "420"])
        for number, word in ((0, "administrator"), (3, "close one"), (5, "full")):
            self.assertIn(word, said[number])
            self.assertEqual(said[number].count("\n"), 1)
        for _ in range(3):
            doors.leave(Peer.at(OTHER))
            house.connect(OTHER)
        self.assertIn("wait some seconds", house.connect(OTHER).heard().decode())

    def test_one_write(self) -> None:
        """A refusal is one write, one read of what was sent already, and the end; a silent one says nothing."""
        for silent in (False, True):
            wire = Wire()
            Refused(Admission.FULL, silent).makeConnection(wire)
            said = [] if silent else [b"420 the server is full, please try again in a minute\r\n"]
            self.assertEqual(wire.done, [*said, "read", "gone"])


class Wire(Connection):
    """A connection that notes what is done with it, and is its own socket."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.socket: Any = self

    def send(self, data: bytes) -> None:
        """Note what is sent."""
        self.done.append(data)

    def recv(self, size: int) -> bytes:
        """Nothing was sent already."""
        self.done.append("read")
        raise BlockingIOError

    def connectionLost(self, reason: Failure) -> None:
        """Note the end."""
        self.done.append("gone")
