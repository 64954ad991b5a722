"""What can be named at the prompt, with workers and without."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from dictd.errors import BadArguments, Unavailable
from dictd.processes.console import Console
from dictd.sections import DictionarySettings, Listen, Store
from tests.support.house import Client
from tests.support.prompt import Prompted, Terminal

_SETTINGS = evolve(
    Prompted.settings,
    listen=Listen(port=2999),
    store=Store(password="s3cret"),
    dictionaries={"jargon": DictionarySettings(users=("Ann",), hidden=True)},
)


class Crewed(Prompted):
    """Two workers."""

    settings = _SETTINGS

    def seat(self) -> list[Client]:
        """Alice in the first process, nobody in particular in the last."""
        return [self.houses[0].member("alice", "192.0.2.1"), self.houses[-1].welcome("192.0.2.2")]

    def test_every_name_is_told(self) -> None:
        """help() has a line for each name, with an example that names it; and each has more to tell."""
        table = self.names["help"]()
        self.assertEqual({row[0] for row in table} | {"help"}, set(self.names))
        for name, about, example in table:
            self.assertTrue(about and name in example, name)
            self.assertIn(about.rstrip("."), repr(self.names["help"](name)) + about * (name == "server"))
        self.assertIn("under way", repr(self.names["help"](self.names["top"])))
        self.assertIn("top(most=20)", repr(self.names["help"](self.names["top"])))
        self.assertIn("keep", repr(self.names["help"](self.names["workers"][1].run)))
        self.assertIn("Return the number of items", repr(self.names["help"](len)))
        self.assertEqual(repr(self.names["help"]), repr(table))

    def test_fits_a_terminal(self) -> None:
        """help() is no wider than a terminal of a hundred columns."""
        self.assertLessEqual(max(map(len, repr(self.names["help"]()).splitlines())), 100)

    def test_status(self) -> None:
        """As people read it, and as facts."""
        found = self.names["status"]()
        self.assertIn("up 1 min", repr(found))
        self.assertEqual(found.facts["listening"], ["127.0.0.1:2628"])
        self.assertIs(found["workers"], found.facts["workers"])

    def test_workers(self) -> None:
        """A table; each by its number, its name or its process."""
        workers = self.names["workers"]
        for one in self.wheel.processes:
            self.assertIn(one.name, repr(workers))
            self.assertEqual(workers[one.name].pid, one.pid)
            self.assertEqual(workers[one.pid].name, one.name)
        self.assertEqual(workers[1].pid, self.wheel.processes[0].pid)
        self.assertEqual(len([*workers]), len(self.wheel.processes))
        self.assertEqual(workers[1].facts["memory"], 5 << 20)
        self.assertIn("5 MiB", repr(workers[1]))
        with self.assertRaises(BadArguments) as caught:
            workers[9]
        self.assertIn("there is no worker 9 now; there are: ", caught.exception.text)

    def test_sessions(self) -> None:
        """Everybody, with an id that is unique; or one user's, or one address's."""
        alice, _ = self.seat()
        self.clock.advance(5)
        alice.ask("DEFINE * penguin")
        found = self.value(self.names["sessions"]())
        self.assertEqual(len({row[0] for row in found}), 2)
        rows = {row[1]: row[2:] for row in found}
        own = [one.name for one in self.wheel.processes]
        self.assertEqual(rows["192.0.2.1"], ("alice", "5 s", "0 s", 2, "DEFINE", "", own[0]))
        self.assertEqual(rows["192.0.2.2"], ("-", "5 s", "5 s", 0, None, "", own[-1]))
        for whom in ("ALICE", "192.0.2.1", "192.0.2.0/31", next(row[0] for row in found if row[2] == "alice")):
            self.assertEqual([row[1] for row in self.value(self.names["sessions"](whom))], ["192.0.2.1"], whom)
        self.assertEqual(len(self.value(self.names["sessions"]("nobody"))), 0)
        self.assertIn("192.0.2.1", [row[1] for row in self.value(self.names["workers"][1].sessions())])

    def test_kick(self) -> None:
        """By name, by address, by id: those end and no other, and the log says who said so."""
        alice, other = self.seat()
        third = self.houses[-1].welcome("192.0.2.2")
        found = self.value(self.names["sessions"]("192.0.2.2"))
        first = min((row[0] for row in found), key=lambda id: int(id.partition("/")[2]))
        self.assertEqual(repr(self.value(self.names["kick"](first))), f"Connection {first} was ended.")
        self.assertEqual([one.line.half_closed for one in (alice, other, third)], [False, True, False])
        self.assertEqual(repr(self.value(self.names["kick"]("99/1"))), "No connection has the id 99/1.")
        done = self.value(self.names["kick"]("Alice"))
        self.assertEqual((repr(done), done.facts), ("1 connection of Alice ended.", 1))
        self.assertEqual([one.line.half_closed for one in (alice, other, third)], [True, True, False])
        self.assertEqual(repr(self.value(self.names["kick"]("192.0.2.2"))), "1 connection of 192.0.2.2 ended.")
        self.assertTrue(third.line.half_closed)
        self.assertIn("shell: kick Alice", self.logged())
        self.assertIn("say the name", self.trouble(self.names["kick"](17), BadArguments))

    def test_names_like_ids(self) -> None:
        """An address is no id, and a user who is called like an address is found all the same."""
        self.houses[0].member("10.0.0.1", "192.0.2.9")
        self.assertEqual(self.value(self.names["kick"]("10.0.0.1")).facts, 1)

    def test_ban(self) -> None:
        """Kept out, listed, let in again."""
        self.seat()
        done = self.value(self.names["ban"]("192.0.2.0/30", minutes=10))
        self.assertEqual(repr(done), "192.0.2.0/30 is kept out for 10 min; 2 connections ended.")
        self.assertIn("192.0.2.0/30", repr(self.value(self.names["bans"]())))
        self.assertEqual(repr(self.value(self.names["lift"]("192.0.2.0/30"))), "192.0.2.0/30 may come in again.")
        self.assertEqual(repr(self.value(self.names["bans"]())), "Nobody is kept out.")
        self.assertIn('until lift("192.0.2.7")', repr(self.value(self.names["ban"]("192.0.2.7"))))
        with self.assertRaisesRegex(BadArguments, "minutes is a number"):
            self.names["ban"]("192.0.2.7", minutes="5")
        self.assertIn("is not an IP address", self.trouble(self.names["ban"]("everybody"), BadArguments))

    def test_top(self) -> None:
        """Words of all processes together, how often, how often in vain; not who asked."""
        alice, other = self.seat()
        alice.ask("DEFINE * penguin", "DEFINE * nowhere", "MATCH * prefix peng")
        other.ask("DEFINE * penguin", "D wn penguin")
        self.clock.advance(1)
        found = self.value(self.names["top"]())
        rows = [line.split() for line in repr(found).splitlines()]
        self.assertEqual(rows[1], ["penguin", "define", "3"])
        self.assertIn(["nowhere", "define", "1", "1"], rows)
        self.assertIn(["peng", "match", "prefix", "1"], rows)
        self.assertNotIn("alice", repr(found))
        self.assertNotIn("192.0.2", repr(found))
        other.ask("Q pengiun")
        asked = [row[1:4] for row in self.value(self.names["top"]()).facts["words"] if row[0] == "pengiun"]
        self.assertEqual(asked, [("define", 1, 1)], "once, though there was something to suggest")
        self.assertEqual(len(self.value(self.names["top"](1)).facts["words"]), 1)
        self.assertIn("penguin", repr(self.value(self.names["workers"][1].top())))

    def test_top_of_nothing(self) -> None:
        """Said in words."""
        self.assertEqual(repr(self.value(self.names["top"]())), "Nothing was looked up in the last minute.")

    def test_misses(self) -> None:
        """Words that nobody found, of all processes."""
        for client in self.seat():
            client.ask("DEFINE * nowhere", "DEFINE * penguin")
        (row,) = self.value(self.names["misses"](days=9999))
        self.assertEqual(row[:3], ("nowhere", 2, "*"))
        none = self.value(self.names["misses"](days=9999, least=3))
        self.assertEqual(
            (len(none), none.lines()[0]), (0, "No word was missed 3 times or more; misses(least=1) shows all.")
        )
        self.assertIn("not the name of a database", self.trouble(self.names["misses"](database="?"), BadArguments))

    def test_dictionaries(self) -> None:
        """All of them, hidden ones too, and who sees them."""
        found = {row[0]: row[1:] for row in self.value(self.names["dictionaries"]())}
        self.assertEqual(found["wn"], ("WordNet", 11, "everybody"))
        self.assertEqual(found["jargon"], ("The Jargon File", 2, "Ann, through groups alone"))

    def test_counts(self) -> None:
        """Commands and codes, the most first."""
        (client, _) = self.seat()
        client.ask("DEFINE * penguin", "DEFINE * nowhere", "DEFINE * foo", "nonsense")
        snapshot = self.houses[0].factory.service.tally.snapshot()
        self.patch(type(self.wheel), "counts", lambda _: snapshot)
        found = self.names["counts"]()
        self.assertEqual(found[0][:2], ("DEFINE", 3))
        self.assertIn("552: 2", found[0][3])
        self.assertIn("look-ups: 1 found, 2 not", repr(found))
        self.patch(type(self.wheel), "counts", lambda _: {})
        self.assertEqual(repr(self.names["counts"]()), "Nobody has asked anything yet.")

    def test_settings(self) -> None:
        """What differs from the defaults, a section, one value; never a secret."""
        settings = self.names["settings"]
        self.assertIn("[listen]\nport = 2999\n", repr(settings))
        self.assertIn("[dictionary.jargon]", repr(settings))
        self.assertNotIn("backlog", repr(settings))
        self.assertIn("backlog = 1024", repr(settings.listen))
        self.assertEqual(settings.listen.facts["port"], 2999)
        for shown in (repr(settings), repr(settings.store), repr(settings.store.facts)):
            self.assertNotIn("s3cret", shown)
            self.assertIn("(not shown)", shown)
        self.assertEqual(settings.dictionaries["jargon"].facts["users"], ("Ann",))
        self.assertIn("listen", dir(settings))
        with self.assertRaisesRegex(AttributeError, "no section lissten; there are site, listen"):
            settings.lissten  # noqa: B018

    def test_reload_and_stop(self) -> None:
        """A reload is said in a line; a stop by a slip is none."""
        self.assertEqual(repr(self.value(self.names["reload"]())), "Done: 2 new workers serve.")
        self.assertIn('stop("yes")', repr(self.names["stop"]()))
        self.assertIn('stop("yes")', repr(self.names["stop"]("no")))
        self.assertFalse(self.wheel.stopped)
        self.names["stop"]("yes")
        self.assertTrue(self.wheel.stopped)
        self.assertIn("shell: stop", self.logged())

    def test_run(self) -> None:
        """Python in a process, logged there with who said so; a long result comes whole."""
        one = self.names["workers"][1]
        self.assertEqual(repr(self.value(one.run("print('hello')\nlen(factory.connections)"))), "hello\n0")
        long = self.value(one.run("'é' * 80_000"))
        self.assertEqual(len(long.text), 80_002)
        self.assertIn("ZeroDivisionError", self.value(one.run("1 / 0")).text)
        self.assertIn("shell runs: 1 / 0", self.logged())
        with self.assertRaisesRegex(BadArguments, "code is a text"):
            one.run(5)
        self.assertIn("a run may take", self.trouble(one.run("1", seconds=0), BadArguments))

    def test_run_everywhere(self) -> None:
        """In all of them, each with its name."""
        found = self.value(self.names["workers"].run("6 * 7"))
        self.assertEqual(repr(found).splitlines(), [f"{one.name}: 42" for one in self.wheel.processes])

    def test_run_that_waits(self) -> None:
        """What is awaited longer than a question of the supervisor may take is awaited, until its time is over."""
        one = self.names["workers"][1]
        waits = "from twisted.internet.task import deferLater\nawait deferLater(reactor, 20, lambda: 'late')"
        running = one.run(waits)
        self.pass_(19)
        self.assertNoResult(running)
        self.pass_(2)
        self.assertEqual(repr(self.value(running)), "'late'")
        running = one.run(waits, seconds=3)
        self.pass_(4)
        self.assertIn("it took longer than 3 s and was given up", repr(self.value(running)))

    def test_two_prompts(self) -> None:
        """Each has its own names, and the log tells them apart."""
        other: Any = Terminal()
        other.number = 7
        names = Console(self.wheel, other).names()
        self.names["status"] = None
        self.assertIsNotNone(names["status"])
        self.value(names["kick"]("alice"))
        self.value(names["workers"][1].run("1"))
        self.assertIn("shell 7: kick alice", self.logged())
        self.assertIn("shell 7 runs: 1", self.logged())


class Alone(Crewed):
    """workers = 0: one process, asked without a channel."""

    workers = 0

    def test_server(self) -> None:
        """It is the first worker, and the server."""
        workers = self.names["workers"]
        self.assertEqual(workers[1].pid, workers["server"].pid)


class Changing(Prompted):
    """Workers that come and go."""

    def test_the_one_that_serves(self) -> None:
        """While one retires, its name is that of who came for it; the old one is still there by its process."""
        self.wheel.states[101] = "retiring"
        self.hire(3, "worker 1")
        self.assertEqual(self.names["workers"][1].pid, 103)
        self.assertEqual(self.names["workers"][101].name, "worker 1")
        old, new = self.houses[0].welcome("192.0.2.1"), self.houses[2].welcome("192.0.2.2")
        ids = {row[1]: row[0] for row in self.value(self.names["sessions"]())}
        self.assertEqual(ids, {"192.0.2.1": "1/1", "192.0.2.2": "3/1"})
        self.value(self.names["kick"]("3/1"))
        self.assertEqual([old.line.half_closed, new.line.half_closed], [False, True])

    def test_ended(self) -> None:
        """One that has ended says so, and where to look."""
        one = self.names["workers"][2]
        del self.wheel.processes[1]
        self.assertEqual(repr(one), "worker 2 (process 102) has ended")
        self.assertIn("worker 2 may be there anew", self.trouble(one.run("1"), Unavailable))

    def test_silent(self) -> None:
        """One that gives no answer keeps nobody from hearing of the others."""
        self.houses[1].welcome("192.0.2.2")
        known: Any = self.wheel.processes[0]
        known.link.transport.loseConnection()
        self.flush()
        self.assertEqual([row[0] for row in self.value(self.names["sessions"]())], ["2/1"])
        self.assertIn("Nothing was looked up", repr(self.value(self.names["top"]())))
        self.assertEqual(len(self.value(self.names["dictionaries"]())), 2)
        self.assertIn("gave no answer", self.trouble(self.names["workers"][1].run("1"), Unavailable))
        shown: Any = self.value(self.names["workers"].run("1"))
        self.assertEqual(shown.facts["worker 2"], "1")
        self.assertIn("gave no answer", shown.facts["worker 1"])

    def test_nobody(self) -> None:
        """Where nobody serves, that is said."""
        self.wheel.processes.clear()
        self.assertIn("no process answers", self.trouble(self.names["top"](), Unavailable))
        self.assertIn("no process answers", self.trouble(self.names["dictionaries"](), Unavailable))
        self.assertEqual(repr(self.names["workers"]), "No worker is there; the log says why.")
