"""Live lines of those who are traced, with workers and without."""

from __future__ import annotations

import re
from typing import Any

from attrs import evolve
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from dictd.errors import BadArguments
from dictd.processes import looking, watching
from dictd.processes.console import Console
from dictd.sections import Accounts
from tests.support.house import Client, House
from tests.support.prompt import Prompted, Terminal


def end(client: Client) -> None:
    """The client hangs up."""
    client.protocol.connectionLost(Failure(ConnectionDone()))


class Traced(Prompted):
    """Two workers."""

    def trace(self, whom: str, **more: Any) -> str:
        """Begin; what is told."""
        return repr(self.value(self.names["trace"](whom, **more)))

    def seen(self, terminal: Terminal | None = None) -> list[str]:
        """What was shown in the last second, without the time, the process and the milliseconds."""
        self.pass_(0.3)
        lines = (terminal or self.terminal).take().splitlines()
        return [re.sub(r"^[\d:.]+  (worker \d+|server)  |  [\d.]+ ms$", "", line) for line in lines]

    def watched(self) -> list[bool]:
        """Of each house, whether anybody looks on."""
        return [house.factory.watch is not None for house in self.houses]

    def test_a_user(self) -> None:
        """Lines of hers and their answers in whatever process, and of no one else."""
        alice, other = self.houses[0].member("alice"), self.houses[0].member("bob")
        self.assertEqual(self.trace("Alice"), "Tracing alice: 1 connection now; untrace() ends it, or 10 min do.")
        alice.ask("DEFINE * penguin")
        other.ask("DEFINE * foo")
        alice.ask("MATCH * prefix peng", "D wn nothing")
        self.pass_(0.3)
        first, *rest = self.terminal.take().splitlines()
        name = self.wheel.processes[0].name
        self.assertRegex(
            first, rf"^\d\d:\d\d:\d\d\.\d{{3}}  {name}  1/1  alice  DEFINE \* penguin  -> 250 ok  0\.0 ms$"
        )
        self.assertEqual(len(rest), 2)
        self.assertIn("D wn nothing  -> 552", rest[1])
        self.assertIn("shell: trace alice for 10 minutes", self.logged())

    def test_later(self) -> None:
        """Sessions that come later are seen too, from LOGIN to LOGOUT and the end."""
        self.houses[0].member("alice")
        self.trace("alice")
        later = self.houses[-1].welcome()
        later.ask("DEFINE * foo", "LOGIN alice correct-horse", "DEFINE * penguin", "LOGOUT", "DEFINE * foo")
        lines = [line.split("  ", 1)[1] for line in self.seen()]
        self.assertEqual(
            lines,
            [
                "alice  LOGIN ...  -> 230",
                "alice  DEFINE * penguin  -> 250 ok",
                "127.0.0.1  LOGOUT  -> 285 good bye, alice",
            ],
        )
        later.ask("LOGIN alice correct-horse")
        end(later)
        self.assertIn("(disconnected)", self.seen()[-1])

    def test_who_cannot_come_in(self) -> None:
        """A login by that name that fails is seen, and one by another name is not."""
        self.trace("alice")
        client = self.houses[0].welcome()
        client.ask("LOGIN ALICE wr0ng", "LOGIN bob wr0ng", "LOGIN")
        (line,) = self.seen()
        self.assertRegex(line, r"127\.0\.0\.1  LOGIN \.\.\.  -> 531 ")

    def test_an_address(self) -> None:
        """Whoever comes from there, from the first moment on; a network likewise."""
        self.trace("192.0.2.0/24")
        client, other = self.houses[0].connect("192.0.2.7"), self.houses[0].connect("198.51.100.1")
        for one in (client, other):
            one.ask("DEFINE * penguin")
            one.protocol.turn_away(BadArguments("go"))
        self.assertEqual(
            [line.split("  ", 2)[2] for line in self.seen()],
            ["(connected)", "DEFINE * penguin  -> 250 ok", "(told)  -> 501 go"],
        )

    def test_an_id(self) -> None:
        """One connection."""
        alice, again = self.houses[-1].member("alice"), self.houses[-1].welcome()
        again.ask("LOGIN alice correct-horse")
        found = {row[0] for row in self.value(self.names["sessions"]("alice"))}
        self.trace(max(found))
        alice.ask("DEFINE * penguin")
        again.ask("DEFINE * foo")
        (line,) = self.seen()
        self.assertTrue(line.startswith(max(found)), line)
        self.assertIn("DEFINE * foo", line)

    def test_secrets(self) -> None:
        """Of lines that may hold a secret, and of the answers that do, the code alone is seen."""
        alice = self.houses[0].member("alice")
        self.trace("alice")
        self.trace("127.0.0.1")
        alice.ask(
            "PASSWD correct-horse s3cret-horse", "LOGIN alice s3cret-horse", "LOGN alice s3cret-horse", "s3cret-horse"
        )
        alice.ask("KEY NEW s3cret-label", "AUTH alice s3cret", "REGISTER eve s3cret-horse", "UNREGISTER s3cret-wrong")
        alice.ask('LOGIN "alice s3cret', "SASLAUTH PLAIN s3cret", "AUTH s3cret", "PASSWD s3cret")
        shown = "\n".join(self.seen())
        self.assertEqual(shown.count("->"), 12, shown)
        self.assertNotIn("s3cret", shown)
        self.assertNotIn("horse", shown)
        self.assertIn("PASSWD ...  -> 282\n", shown)
        self.assertIn("(no command, 23 octets)  -> 500", shown)

    def test_invites(self) -> None:
        """The code that an admin is given is seen by nobody else."""
        self.trace("127.0.0.1")
        protocol = self.houses[0].welcome().protocol
        protocol.session.verb = "INVITE"
        watch: Any = self.houses[0].factory.watch
        watch.answered(protocol, b"INVITE 3", b"288 code abcd-efgh\r\n", 0.0)
        self.assertNotIn("abcd", "".join(self.seen()))

    def test_a_terminal_is_left_alone(self) -> None:
        """Nothing that somebody types moves the cursor of who looks on."""
        self.trace("127.0.0.1")
        client = self.houses[0].welcome()
        client.send(b"DEFINE * \x1b[2Jx\r\nDEFINE * \xff\xfe\r\nQ \xe2\x80\xaeabc\r\n" + b"x" * 7000 + b"\r\n")
        lines = self.seen()
        self.assertTrue(all(line.isprintable() for line in lines), lines)
        self.assertIn("a line that is too long", lines[-1])

    def test_untrace(self) -> None:
        """It ends for one, for all, and where it is begun again the first is over."""
        alice = self.houses[0].member("alice")
        self.assertEqual(repr(self.names["untrace"]()), "Nothing is traced.")
        self.trace("alice")
        self.trace("alice")
        self.trace("127.0.0.1")
        self.trace("192.0.2.1")
        alice.ask("DEFINE * penguin")
        self.assertEqual(len(self.seen()), 1, "once, though it is wanted twice")
        self.assertEqual(repr(self.names["untrace"]("ALICE")), "No longer shown: alice.")
        alice.ask("DEFINE * penguin")
        self.assertEqual(len(self.seen()), 1)
        self.assertEqual(repr(self.names["untrace"]()), "No longer shown: 127.0.0.1, 192.0.2.1.")
        self.flush()
        alice.ask("DEFINE * penguin")
        self.assertEqual(self.seen(), [])
        self.assertFalse(any(self.watched()))
        self.assertIn("shell: untrace alice", self.logged())

    def test_the_prompt_ends(self) -> None:
        """With it all of its traces, and none of another's."""
        alice, other = self.houses[0].member("alice"), Terminal()
        names = Console(self.wheel, other).names()
        self.trace("alice")
        self.value(names["trace"]("alice"))
        for closed in self.terminal.closed:
            closed()
        self.flush()
        alice.ask("DEFINE * penguin")
        self.assertEqual((len(self.seen(other)), self.terminal.said), (1, []))
        for closed in other.closed:
            closed()
        self.flush()
        self.pass_(0.2)
        self.assertFalse(any(self.watched()))

    def test_forgotten(self) -> None:
        """After its time it is over, said in a line, and nobody looks on any more."""
        self.trace("alice", minutes=2)
        self.pass_(119)
        self.assertTrue(all(self.watched()))
        self.pass_(2)
        self.assertEqual(self.terminal.take(), "The trace of alice has ended after 2 min.")
        self.assertFalse(any(self.watched()))
        self.assertEqual(repr(self.names["untrace"]()), "Nothing is traced.")

    def test_wrong(self) -> None:
        """What cannot be traced, or not so long."""
        for whom in ("", 7, None):
            self.assertIn("say the name of a user", self.trouble(self.names["trace"](whom), BadArguments))
        for minutes in (0, -1, 61, "5", True):
            if isinstance(minutes, str | bool | None):
                with self.assertRaisesRegex(BadArguments, "minutes is a number"):
                    self.names["trace"]("alice", minutes=minutes)
                continue
            self.assertIn("lasts up to 60", self.trouble(self.names["trace"]("alice", minutes=minutes), BadArguments))
        self.assertFalse(any(self.watched()))

    def test_a_flood(self) -> None:
        """What nobody could read is counted, in the process and at the prompt."""
        self.patch(watching, "MOST", 50)
        self.patch(looking, "MOST", 20)
        client = self.houses[0].welcome()
        self.trace("127.0.0.1")
        client.send(b"DEFINE * foo\r\n" * 60)
        self.assertEqual(len(self.seen()), 20)
        self.pass_(1)
        client.ask("DEFINE * penguin")
        more, line = self.seen()
        self.assertEqual(more, "... and 40 more lines that came too fast to be shown")
        self.assertIn("penguin", line)

    def test_a_flood_of_one_process(self) -> None:
        """It tells no more than so many at once, and how many more there were."""
        self.patch(watching, "MOST", 50)
        client = self.houses[0].welcome()
        self.trace("127.0.0.1")
        client.send(b"DEFINE * foo\r\n" * 60)
        self.assertEqual(len(self.seen()), 50)
        self.pass_(1)
        client.ask("DEFINE * penguin")
        self.assertEqual(self.seen()[0], "... and 10 more lines that came too fast to be shown")

    def test_nobody_says_that_it_is_over(self) -> None:
        """A process looks on no longer than it was told to, whatever becomes of who told it."""
        self.value(self.wheel.watch({"alice": 5.0}))
        self.pass_(4.5)
        self.assertTrue(all(self.watched()))
        self.pass_(1)
        self.assertFalse(any(self.watched()))

    def test_a_fault_ends_it(self) -> None:
        """A fault of ours while somebody looks on costs nobody an answer."""
        client = self.houses[0].welcome()
        self.trace("127.0.0.1")
        self.patch(watching.discretion, "typed", lambda *_: 1 / 0)
        self.assertEqual(client.codes("DEFINE * penguin", "DEFINE * penguin"), [250, 250])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIsNone(self.houses[0].factory.watch)

    def test_answers_that_come_later(self) -> None:
        """Of a search that takes long, and with the time that it took."""
        client = self.houses[0].welcome()
        self.trace("127.0.0.1")
        searches = self.houses[0].factory.service.lookups.searches
        self.patch(type(searches), "begin", lambda self, work: False)
        client.protocol.dataReceived(b"MATCH * prefix peng\r\n")
        self.assertEqual(len(searches.under_way()), 1)
        self.clock.advance(0)
        found = self.names["top"]()
        self.assertIn("match prefix", repr(self.value(found)))
        self.assertEqual(len(self.seen()), 1)


class Alone(Traced):
    """workers = 0."""

    workers = 0


class Late(Prompted):
    """A worker that comes later."""

    settings = evolve(Prompted.settings, accounts=Accounts(plaintext=True))

    def test_is_told(self) -> None:
        """What is wanted then, with the time that is left, see tests.processes.test_supervisor."""
        self.value(self.names["trace"]("alice"))
        self.pass_(60)
        self.assertAlmostEqual(self.wheel.traces.wanted()["alice"], 540, 0)
        known = self.hire(3)
        house: House = self.houses[-1]
        self.assertIsNone(house.factory.watch)
        self.value(self.wheel.watch(self.wheel.traces.wanted()))
        self.assertIsNotNone(house.factory.watch)
        self.assertEqual(known.name, "worker 3")
