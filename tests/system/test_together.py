"""What holds for all workers together: rows of the history, sessions of a user, bans, limits."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from dictd.limits import TRIES_AT_ONCE
from dictd.store.sqlite import ACCOUNTS_FILE
from tests.support.crew import Crew
from tests.support.server import Caller, until


class History(SynchronousTestCase):
    """One user, connected to both workers."""

    def test_rows_never_meet(self) -> None:
        """Look-ups of one user in both workers, through two reloads: each that was answered is kept once."""
        crew = Crew.started(self, settings="[listen]\nretire_seconds = 0.2\n")
        first = crew.connect()
        self.assertEqual(first.code("REGISTER alice correct-horse"), 280)
        answered: list[str] = []
        over = threading.Event()

        def look_up(number: int) -> None:
            count = 0
            while not over.is_set():
                try:
                    caller = crew.connect(f"127.0.4.{number + 1}")
                    caller.ask("LOGIN alice correct-horse")
                    while not over.is_set():
                        count += 1
                        word = f"word-{number}-{count}"
                        if caller.ask(f"DEFINE * {word}")[-1] == "552 no match":
                            answered.append(word)
                except (OSError, EOFError):
                    continue  # its worker retired

        threads = [threading.Thread(target=look_up, args=(number,), daemon=True) for number in range(8)]
        for thread in threads:
            thread.start()
        numbers = set()
        for _ in range(2):
            before = len(answered)
            until("some answers", lambda before=before: len(answered) > before + 200)  # type: ignore[misc]
            numbers |= {worker["number"] for worker in crew.workers()}
            crew.ask("reload")
        until("some answers", lambda: len(answered) > 600)
        numbers |= {worker["number"] for worker in crew.workers()}
        over.set()
        for thread in threads:
            thread.join(30)
        crew.server.stop()
        self.assertEqual(len(numbers), 6, "each process has a number of its own")
        with closing(sqlite3.connect(crew.state / "store" / ACCOUNTS_FILE)) as connection:
            rows = connection.execute("SELECT rid, word FROM hist").fetchall()
        words = [word for _, word in rows]
        self.assertEqual(len({rid for rid, _ in rows}), len(rows))
        self.assertEqual(len(set(words)), len(words))
        self.assertEqual(set(answered) - set(words), set())
        self.assertEqual({rid >> 12 & 1023 for rid, _ in rows} - numbers, set())
        self.assertGreaterEqual(len({rid >> 12 & 1023 for rid, _ in rows}), 4)

    def test_forget_all(self) -> None:
        """FORGET * in one worker takes what the other was told too."""
        crew = Crew.started(self)
        one, other = _both(crew, "alice")
        for caller in (one, other, one, other):
            self.assertEqual(caller.code("DEFINE * penguin"), 250)
            self.assertIn("penguin", " ".join(caller.ask("HISTORY")))
        self.assertEqual(one.code("FORGET *"), 283)
        for caller in (one, other):
            self.assertNotIn("penguin", " ".join(caller.ask("HISTORY")))


class Accounts(SynchronousTestCase):
    """Sessions and guesses."""

    def test_password(self) -> None:
        """A new password logs out the user's sessions in the other worker before it is answered."""
        crew = Crew.started(self)
        one, other = _both(crew, "alice")
        self.assertEqual(other.code("HISTORY"), 250)
        self.assertEqual(one.code("PASSWD correct-horse battery-staple"), 282)
        self.assertEqual(other.code("HISTORY"), 530)
        self.assertEqual(one.code("HISTORY"), 250)

    def test_penalties(self) -> None:
        """A wrong password in one worker makes the next wait in the other."""
        crew = Crew.started(self)
        seats = list(crew.seated().values())
        self.assertEqual(seats[0].code("REGISTER alice correct-horse"), 280)
        network = [crew.connect("127.0.5.1") for _ in range(12)]
        processes = [row["process"] for row in crew.ask("sessions") if row["peer"] == "127.0.5.1"]
        self.assertEqual(set(processes), {"worker 1", "worker 2"})
        codes = [caller.ask("LOGIN alice wrong-password")[-1] for caller in network]
        # That a try was wrong is on its way to the supervisor while the next begins: as many at once as there may be.
        self.assertLessEqual([code[:3] for code in codes].count("531"), TRIES_AT_ONCE, codes)
        self.assertRegex(codes[-1], "^481 too many attempts")
        self.assertRegex(codes[-2], "^481 too many attempts")

    def test_kick_and_ban(self) -> None:
        """Both reach all workers, a ban those too that come later, and it is kept over a new start."""
        crew = Crew.started(self)
        one, other = _both(crew, "alice")
        self.assertEqual(crew.ask("kick", name="ALICE"), 2)
        for caller in (one, other):
            self.assertRegex(caller.rest(), b"^421 ")
            caller.close()
        until("them to be gone", lambda: not crew.ask("sessions"))
        seats = crew.seated(first=60)
        done = crew.ask("ban", network="127.0.1.0/24")
        self.assertEqual(done["network"], "127.0.1.0/24")
        self.assertGreaterEqual(done["ended"], 2)  # and those that tried their way and have not closed yet
        for caller in seats.values():
            self.assertRegex(caller.rest(), b"^421 ")
        crew.ask("reload")
        crew.wait_for(2)
        for number in range(10):
            self.assertRaises((OSError, EOFError, AssertionError), self.greeted, crew, f"127.0.1.{number + 1}")
        self.greeted(crew, "127.0.6.1")
        crew.ask("lift", network="127.0.1.0/24")
        self.greeted(crew, "127.0.1.1")

    def greeted(self, crew: Crew, source: str) -> None:
        """Somebody is let in."""
        caller = crew.connect(source)
        caller.close()
        assert caller.banner.startswith("220 "), caller.banner


class Places(SynchronousTestCase):
    """Connections of one network."""

    def test_connections_of_a_network(self) -> None:
        """Both workers together let in as many as may be, and one more when one has left."""
        limits = "[limits]\nexempt = []\nconnections_per_network = 10\nnew_per_second = 1000\n"
        crew = Crew.started(self, settings=limits)
        inside: list[Caller] = []
        until("the network to be full", lambda: not self.comes(crew, inside))
        # Two workers that have not heard of each other yet let in no more than twice as many.
        self.assertLessEqual(len(inside), 20)
        until("both to have heard", lambda: not any(self.comes(crew, inside) for _ in range(6)))
        before = len(inside)
        self.assertGreaterEqual(before, 10)
        for caller in inside[: before - 9]:
            caller.close()
        until("a place to be free", lambda: self.comes(crew, inside), 5)
        self.assertEqual(crew.connect("127.0.9.9").code("STATUS"), 210)

    def comes(self, crew: Crew, inside: list[Caller]) -> bool:
        """One more comes from a network; whether it was let in."""
        caller = crew.connect("127.0.7.1")
        if caller.banner.startswith("220 "):
            inside.append(caller)
            return True
        caller.close()
        return False


def _both(crew: Crew, name: str) -> tuple[Caller, Caller]:
    """A user who is logged in in both workers."""
    one, other = crew.seated().values()
    assert one.code(f"REGISTER {name} correct-horse") == 280
    assert other.code(f"LOGIN {name} correct-horse") < 300
    return one, other
