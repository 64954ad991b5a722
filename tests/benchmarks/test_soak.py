"""Tests of the soak: what its clients say, what is watched, and what is made of it."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from benchmarks import conversation, mixed, scenes
from benchmarks.conversation import Cut, Line, Missing, Wrong
from benchmarks.lives import CLIENT, STORE, Life, anonymous, descriptors, peers_of, slope
from benchmarks.mixed import Mixed, People, Trouble
from benchmarks.scenes import GUEST, NEWCOMER, RESIDENT, SCENES, SLOW, Person, Said
from benchmarks.verdict import Found, Goal, grown, in_use, lines
from dictd.errors import DictError
from dictd.server import commands
from dictd.wire import grammar
from tests.benchmarks.scripted import Script, Scripted

_PERSON = Person("new1", "127.77.0.1", "0" * 32, "AAAA-BBBB-CCCC-DDDD")
_DRAW = random.Random(1)  # noqa: S311 - a play, no secrets
_FIELDS = _PERSON.fields(_DRAW, "220 here <auth> <1@here>")
_ALL = (*(said for scene in (*SCENES, SLOW) for said in scene.said), scenes.QUIT, scenes.STARTTLS)
_VERBS = [verb.name for verb in commands.VERBS]
_MB = 1_000_000


class Said_(SynchronousTestCase):  # noqa: N801 - Said is what it tests
    """What clients say."""

    def test_every_verb(self) -> None:
        """None of the table of verbs is left out."""
        self.assertEqual({said.verb for said in _ALL} - {""}, set(_VERBS))

    def test_of_its_verb(self) -> None:
        """A line is of the verb that it is counted for, and refused at once only where it is to be refused."""
        for said in _ALL:
            octets = said.line.format_map(_FIELDS).encode("utf-8", "surrogateescape")
            command = grammar.parse(octets)
            try:
                name = commands.find(command)[0].name
            except DictError as error:
                self.assertIn(str(error.code), said.codes.split(), said)
                name = commands.name_of(command)
            self.assertEqual(name.replace(commands.UNKNOWN, "") or "", said.verb, said)

    def test_right(self) -> None:
        """Any of several codes, and no other."""
        said = Said("LOGIN", "LOGIN a b", "531 481")
        self.assertEqual([said.right(code) for code in ("531", "481", "250", "")], [True, True, False, False])


#: Scenes in which a line is always answered alike.
_STEADY = (GUEST, scenes.CURIOUS)
_LINES = [*(said for scene in _STEADY for said in scene.said), scenes.QUIT]


def scripted(line: bytes) -> bytes:
    """The first right answer to a line of these scenes."""
    text = line.decode("utf-8", "surrogateescape")
    for said in sorted(_LINES, key=lambda said: "{" in said.line):
        pattern = re.sub(r"\\\{\w+\\\}", r"\\S*", re.escape(said.line))
        if re.fullmatch(pattern, text):
            return f"{said.codes.split()[0]} ok".encode()
    return b"500 what"


class Clients(SynchronousTestCase):
    """Clients against a server that follows a script."""

    def served(self, script: Script) -> Scripted:
        """One that ends with the test."""
        server = Scripted(script).start()
        self.addCleanup(server.stop)
        return server

    def answering(self, answers: Any) -> Scripted:
        """One that says good bye in order."""
        return self.served(lambda connection, count, line: answers(line) + b"\r\n")

    def played(self, server: Scripted, aborting: float = 0.0, seconds: float = 0.4) -> Mixed:
        """Eight clients for a moment, without TLS."""
        for name, share in (("TLS", 0.0), ("STARTING_TLS", 0.0), ("SLOW", 0.0), ("ABORTING", aborting)):
            self.patch(mixed, name, share)
        self.patch(scenes, "SCENES", _STEADY)
        person = evolve(_PERSON, name="somebody")
        play = Mixed(server.port, 0, People([person], [person], [person], "CODE"), 0.01)
        ending, end = os.pipe()
        timer = threading.Timer(seconds, os.close, (end,))
        timer.start()
        try:
            asyncio.run(asyncio.wait_for(play.run(8, ending), 20))
        finally:
            timer.join()
            os.close(ending)
        return play

    def test_all_is_well(self) -> None:
        """Right answers are counted by verb, and in the first and the last part of the time."""
        play = self.played(self.answering(scripted))
        self.assertEqual(play.troubles, [])
        self.assertGreater(play.asked["QUIT"], 8)
        self.assertEqual(play.asked["QUIT"], play.visits["plain"])
        told = play.told()
        self.assertEqual(told["answers"], sum(play.asked.values()))
        self.assertGreater(min(part["answers"] for part in told["parts"]), 0)
        self.assertEqual(len({*play.people.text().splitlines()}), 1)
        self.assertEqual(People.read(play.people.text()).code, "CODE")

    def test_wrong(self) -> None:
        """An answer that is not the right one is told with its line, and is no cut."""
        play = self.played(self.answering(lambda line: b"420 no" if line.startswith(b"D ") else scripted(line)))
        self.assertTrue(play.troubles)
        for trouble in play.troubles:
            self.assertEqual((trouble.verb, trouble.cut), ("DEFINE", False))
            self.assertRegex(trouble.what, r"^'D .*' was answered '420 no'$")

    def test_cut(self) -> None:
        """A connection that ends is a cut, with both ends of it."""
        play = self.played(self.served(lambda connection, count, line: None if count else scripted(line) + b"\r\n"))
        self.assertTrue(play.troubles)
        self.assertTrue(all(trouble.cut and trouble.port for trouble in play.troubles), play.troubles)
        self.assertLessEqual({trouble.address[:7] for trouble in play.troubles}, {"127.77.", "127.78."})

    def test_aborting(self) -> None:
        """Those who hang up themselves are no trouble."""
        play = self.played(self.answering(scripted), aborting=1.0)
        self.assertEqual(play.troubles, [])
        self.assertGreater(play.visits["aborted"], 8)
        self.assertEqual(play.visits["plain"], 0)

    def test_names(self) -> None:
        """A name is used again, unless nobody knows whether its account is there."""
        people, draw = People([_PERSON], [], [], "CODE"), _DRAW
        self.assertIs(people.cast(RESIDENT, draw, "a"), _PERSON)
        first = people.cast(NEWCOMER, draw, "a")
        self.assertEqual((first.name, first.code), ("new1", "CODE"))
        people.give_back(first, NEWCOMER, whole=True)
        self.assertIs(people.cast(NEWCOMER, draw, "a"), first)
        people.give_back(first, NEWCOMER, whole=False)
        second = people.cast(GUEST, draw, "a")
        self.assertEqual(second.name, "new2")
        people.give_back(second, GUEST, whole=False)
        self.assertIs(people.cast(NEWCOMER, draw, "a"), second)

    def line(self, server: Scripted, work: Any) -> Any:
        """What somebody does with one connection."""

        async def connected() -> Any:
            line = Line("127.0.0.1", server.port)
            await line.connect(None)
            try:
                return await work(line)
            finally:
                line.abort()

        return asyncio.run(connected())

    def test_missing(self) -> None:
        """An answer that does not come is missing, and not waited for for ever."""
        self.patch(conversation, "PATIENCE", 0.1)

        async def ask(line: Line) -> None:
            await line.banner()
            await line.ask("D * x")

        self.assertRaises(Missing, self.line, self.served(lambda *_: b"150 1 more"), ask)

    def test_banner(self) -> None:
        """Another first line is no banner."""
        server = self.served(lambda *_: b"")
        self.assertEqual(self.line(server, Line.banner), "220 scripted <> <0@scripted>")
        server.banner = b"420 full\r\n"
        self.assertRaises(Wrong, self.line, server, Line.banner)

    def test_unasked(self) -> None:
        """Whatever is said behind the last answer is wrong; an end is the end."""

        async def over(line: Line) -> None:
            await line.banner()
            await line.ask("QUIT")
            await line.ended()

        self.line(self.served(lambda *_: b"221 bye\r\n"), over)
        self.patch(conversation, "PATIENCE", 0.2)
        self.assertRaises(Cut, self.line, self.served(lambda *_: None), over)
        self.assertRaises(Missing, self.line, self.served(lambda *_: b"250 no\r\n"), over)

        async def more(line: Line) -> None:
            await line.banner()
            line.write(b"QUIT\r\n")
            await line.ended()

        self.assertRaises(Wrong, self.line, self.served(lambda *_: b"250 more\r\n"), more)

    def test_sip(self) -> None:
        """Answers that are taken slowly are all taken."""
        matches = b"152 9 matches\r\n" + b'moving "word"\r\n' * 200 + b".\r\n250 ok\r\n"

        async def sip(line: Line) -> list[str]:
            await line.banner()
            return await line.sip(["M"] * 5, 1024, 0.001, 0.01)

        self.assertEqual(self.line(self.served(lambda *_: matches), sip), ["250"] * 5)


class Watched(SynchronousTestCase):
    """What is looked at."""

    def test_slope(self) -> None:
        """A straight line is found, whatever is added to it in the end and taken away again."""
        self.assertEqual(slope([(0, 5), (1, 7), (2, 9)]), 2.0)
        self.assertEqual(slope([(0, 5), (1, 8), (2, 2), (3, 5)]), -0.6)
        self.assertEqual((slope([]), slope([(1, 1)]), slope([(1, 1), (1, 9)])), (0.0, 0.0, 0.0))

    def test_life(self) -> None:
        """Of a life its length, its later part, and what it held at an age."""
        life = Life("worker 1", 7, [(100.0 + age, age * 10) for age in range(101)])
        self.assertEqual((life.seconds, len(life.since(90)), life.at(50)), (100.0, 11, 500.0))
        self.assertIsNone(life.at(200))
        self.assertEqual((Life("", 1).seconds, Life("", 1).at(0)), (0.0, None))

    def test_this_process(self) -> None:
        """Files of the store, of clients, and others; who is at the other end; memory of its own."""
        store = Path(self.mktemp()).absolute()
        store.mkdir()
        before = descriptors(os.getpid(), store, [])
        with socket.create_server(("127.0.0.1", 0)) as listening, (store / "a").open("w"), open("b", "w"):
            port = listening.getsockname()[1]
            client = socket.create_connection(("127.0.0.1", port), source_address=("127.77.1.2", 0))
            with client, listening.accept()[0]:
                held = descriptors(os.getpid(), store, [port])
                self.assertEqual({peer for peer in peers_of(os.getpid(), [port]) if peer[1]}, {client.getsockname()})
        held.subtract(before)
        self.assertEqual((held[STORE], held[CLIENT], held["TCP"]), (1, 1, 2), held)
        self.assertEqual(held[f"files of {Path.cwd().name}/"], 1, held)
        self.assertGreater(anonymous(os.getpid()), 1_000_000)
        self.assertRaises(OSError, anonymous, 1 << 30)


def life(role: str, pid: int, seconds: int, rate: float, step: float = 0.0) -> Life:
    """One that grows by so many bytes a second, and by a step in the middle of its second half."""
    return Life(
        role, pid, [(at, int(30 * _MB + rate * at + step * (at > seconds * 0.75))) for at in range(seconds + 1)]
    )


class Verdict(SynchronousTestCase):
    """What is made of it."""

    def found(self, **how: Any) -> Found:
        """All is well, but for what is said."""
        clients = {"troubles": [], "asked": Counter("AB"), "visits": {"plain": 2}, "unconfirmed": 0, "parts": [{}, {}]}
        files = {"worker 1": Counter({"pipe": 2, STORE: 1})}
        usual: dict[str, Any] = {
            "lives": [life("worker 1", 1, 100, 0)],
            "before": files,
            "after": {"worker 1": Counter({"pipe": 2, STORE: 7})},
            "clients": clients | how.pop("clients", {}),
            "killed": {("127.77.0.1", 5)},
            "verbs": ["A", "B"],
            "log": ["listening", "worker 2 ended (SIGKILL)"],
        }
        return Found(**(usual | how))

    def missed(self, **how: Any) -> list[str]:
        """Which goals are missed."""
        return [goal.about for goal in self.found(**how).goals() if not goal.met]

    def trouble(self, port: int = 5, cut: bool = True) -> dict[str, Any]:
        """One of a client."""
        return {"address": "127.77.0.1", "port": port, "cut": cut, "scene": "guest", "verb": "A", "what": "cut"}

    def test_well(self) -> None:
        """Nothing is missed, and the last line says so."""
        self.assertEqual(self.missed(), [])
        self.assertEqual([*lines(self.found())][-1], "soak: all 5 goals are met")

    def test_clients(self) -> None:
        """A cut is of the killed worker where the connection was; a wrong answer never is."""
        self.assertEqual(self.missed(clients={"troubles": [self.trouble()]}), [])
        self.assertEqual(self.missed(clients={"troubles": [self.trouble(port=6)]}), ["clients"])
        self.assertEqual(self.missed(clients={"troubles": [self.trouble(cut=False)]}), ["clients"])

    def test_verbs(self) -> None:
        """A verb that was never answered is missed."""
        self.assertEqual(self.missed(verbs=["A", "B", "C"]), ["verbs"])

    def test_log(self) -> None:
        """Lines that nobody should have to read."""
        for line in (
            "Traceback (most recent call last):",
            "Unhandled error in Deferred:",
            "trouble 0123abcd",
            "ResourceWarning: x",
        ):
            self.assertEqual(self.missed(log=["listening", line]), ["log"], line)

    def test_files(self) -> None:
        """Others than those of the store are to be the same, and no client is left."""
        for more in ("pipe", "files of lexicon/ (deleted)", CLIENT):
            after = {"worker 1": Counter({"pipe": 2, STORE: 1}) + Counter([more])}
            self.assertEqual(self.missed(after=after), ["open files of worker 1"], more)
        self.assertEqual(self.missed(after={"worker 1": Counter({"pipe": 1})}), ["open files of worker 1"])
        self.assertEqual(self.missed(after={}), ["open files of worker 1"])
        left = {"worker 1": Counter([CLIENT])}
        self.assertEqual(self.missed(before=left, after=left), ["open files of worker 1"])

    def test_memory(self) -> None:
        """A MB in ten minutes is too much, after the first five; what ended before does not count."""
        limit = _MB / 600
        for rate, met in ((limit * 0.9, True), (limit * 1.1, False), (-limit * 5, True)):
            self.assertEqual(grown(life("x", 1, 1200, rate)).met, met, rate)
        # The first five minutes are another matter.
        early = Life("x", 1, [(at, int(min(at, 300) * 1e5)) for at in range(1200)])
        self.assertTrue(grown(early).met)
        leak = life("worker 1", 1, 1200, limit * 2)
        self.assertEqual(self.missed(lives=[leak]), ["memory of worker 1"])
        self.assertEqual(self.missed(lives=[leak], ended={1}), [])
        self.assertEqual(self.missed(lives=[leak, life("worker 1", 2, 100, 0)], ended={1}), [])

    def test_short(self) -> None:
        """Over a short time the second half is told, and judged by what was gained in all."""
        short = grown(life("x", 1, 300, 0.004 * _MB))
        self.assertTrue(short.met)
        self.assertIn("+2.40 MB/10 min over its last 150 s (judged by +0.60 MB)", short.told)
        self.assertFalse(grown(life("x", 1, 300, 0.008 * _MB)).met)
        self.assertTrue(grown(life("x", 1, 600, 0.003 * _MB)).met)
        self.assertFalse(grown(life("x", 1, 900, 0.003 * _MB)).met)

    def test_in_use(self) -> None:
        """Of those who were there in the middle, and are in the end."""

        def held(pid: int, blocks: int) -> dict[str, Any]:
            return {"pid": pid, "blocks": blocks, "memory": {"used": blocks * 1000}}

        middle, end = {"a": held(1, 9000), "b": held(2, 9000)}, {"a": held(1, 9100), "b": held(3, 9000)}
        told = "a, in use from the middle to the end: 9,000 to 9,100 blocks of Python, 9.0 to 9.1 MB of the C library"
        self.assertEqual([*in_use(middle, end)], [told])

    def test_one_after_the_other(self) -> None:
        """Lives that took each other's place are told at the same age."""
        lives = [life("worker 1", pid, 60, 0, step=pid * _MB) for pid in (1, 2)]
        told = [*lines(self.found(lives=lives, ended={1}))]
        self.assertIn("worker 1, at 45 s of each life, MB: 30.5, 30.9", told)

    def test_last_line(self) -> None:
        """It names what was missed."""
        told = [*lines(self.found(verbs=["C"], log=["Traceback"]))]
        self.assertEqual(told[-1], "soak: 2 goals missed: log, verbs")
        self.assertTrue(any(line.startswith("  MISSED  verbs") for line in told), told)
        self.assertIsInstance(Goal("a", True, ""), Goal)
        self.assertTrue(Trouble(0.0, "a", 1, "b", "c", "d", True).cut)
