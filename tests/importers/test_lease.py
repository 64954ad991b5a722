"""Who holds an import, and whether he still lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.importers import lease
from dictd.importers.lease import STALE, Holder, began_of, told
from dictd.store.dictionaries import Leased
from tests.lexicon.publishing import Library, entry
from tests.store.databases import on_both

NOW = 1_767_323_045_000


class Holding(SynchronousTestCase):
    """A process of a host."""

    def child(self) -> subprocess.Popen[bytes]:
        """A process that waits until the test ends."""
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(process.communicate)
        return process

    def holder(self, process: subprocess.Popen[bytes]) -> Holder:
        """It as a holder."""
        return Holder(socket.gethostname(), process.pid, began_of(process.pid))

    def test_here(self) -> None:
        """This process is known by its host, its number and its start, and is not gone."""
        here = Holder.here()
        self.assertEqual((here.host, here.pid), (socket.gethostname(), os.getpid()))
        self.assertEqual(here.began, began_of(os.getpid()))
        self.assertGreater(here.began, 0)
        self.assertFalse(here.gone(0, NOW))

    def test_written_and_read(self) -> None:
        """What is written is read."""
        for holder in (Holder.here(), Holder("other.example", 1, 0), Holder("h", 4194304, 10**15)):
            self.assertEqual(Holder.parse(str(holder)), holder)

    def test_lives(self) -> None:
        """Another process that lives is not gone, however long nothing was heard of it."""
        holder = self.holder(self.child())
        self.assertNotEqual(holder.began, 0)
        self.assertFalse(holder.gone(0, NOW))

    def test_gone(self) -> None:
        """One that ended is gone at once, though it was heard of a moment ago."""
        process = self.child()
        holder = self.holder(process)
        process.communicate()
        self.assertTrue(holder.gone(NOW, NOW))

    def test_gone_and_not_waited_for(self) -> None:
        """So is one whose parent has not taken notice of its end."""
        process = self.child()
        holder = self.holder(process)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        self.assertTrue(holder.gone(NOW, NOW))

    def test_number_used_again(self) -> None:
        """Another process with its number is not it."""
        holder = self.holder(self.child())
        self.assertTrue(evolve(holder, began=holder.began - 1).gone(NOW, NOW))
        self.assertTrue(evolve(Holder.here(), began=1).gone(NOW, NOW))

    def test_process_of_somebody_else(self) -> None:
        """A process that may not be sent signals exists."""

        def refused(pid: int, number: int) -> None:
            raise PermissionError

        holder = self.holder(self.child())
        self.patch(os, "kill", refused)
        self.assertFalse(holder.gone(0, NOW))

    def test_another_host(self) -> None:
        """Of another host it counts when it was last heard of, whatever runs here under that number."""
        holder = evolve(Holder.here(), host="elsewhere.invalid")
        self.assertFalse(holder.gone(NOW - STALE, NOW))
        self.assertTrue(holder.gone(NOW - STALE - 1, NOW))
        self.assertGreaterEqual(STALE, 60_000)  # a transaction of a slow disk takes seconds

    def test_name_with_blanks(self) -> None:
        """A process whose name has blanks and brackets is read right."""
        script = "import ctypes, sys; ctypes.CDLL(None).prctl(15, b'a) Z 1 2 (b'); print(flush=True); sys.stdin.read()"
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.addCleanup(process.communicate)
        before = began_of(os.getpid())
        assert process.stdout is not None
        process.stdout.readline()
        self.assertGreaterEqual(began_of(process.pid), before)
        self.assertFalse(self.holder(process).gone(0, NOW))

    def test_no_such_process(self) -> None:
        """Where nothing can be told of a process, 0."""
        process = self.child()
        process.communicate()
        self.assertEqual(began_of(process.pid), 0)

    def test_told(self) -> None:
        """Dictionary, process, host and time in one line."""
        leased = Leased("gcide", "box.example 4711 12", 7, NOW, NOW)
        self.assertEqual(told(leased), "gcide is being imported by process 4711 on box.example since 03:04:05 UTC")


@on_both
class Leases(SynchronousTestCase):
    """The lease in the store."""

    def setUp(self) -> None:
        """A store, and the lease on birds."""
        self.library = Library.fresh(self)
        self.queries, self.cursor = self.library.queries, self.library.connection.cursor()

    def begun(self, name: str, now: int = NOW, holder: str = "h 1 2") -> int:
        """Begin an import; 0 where another has the lease."""
        self.queries.begin(self.cursor)
        generation = self.queries.begin_generation(self.cursor, name, "x", "tabbed", holder, now)
        if generation:
            self.library.connection.commit()
        else:
            self.library.connection.rollback()
        return generation

    def state(self, generation: int) -> str:
        """The state of a generation."""
        return self.queries.state(self.cursor, generation)

    def test_one_at_a_time(self) -> None:
        """A dictionary has one lease; the refused one leaves no generation."""
        first = self.begun("birds")
        self.assertGreater(first, 0)
        self.assertEqual(self.begun("birds"), 0)
        self.assertEqual(self.library.generations(), {first})
        second = self.begun("trees")
        self.assertEqual(
            self.queries.leases(self.cursor),
            [Leased("birds", "h 1 2", first, NOW, NOW), Leased("trees", "h 1 2", second, NOW, NOW)],
        )

    def test_renewed_with_progress(self) -> None:
        """Progress is a sign of life, and says whether the generation is still ours."""
        generation, other = self.begun("birds"), self.begun("trees")
        self.assertTrue(self.queries.progress(self.cursor, generation, 5, 9, NOW + 7))
        self.assertEqual([one.heartbeat for one in self.queries.leases(self.cursor)], [NOW + 7, NOW])
        self.assertEqual([one.taken for one in self.queries.leases(self.cursor)], [NOW, NOW])
        rows = self.library.rows("SELECT articles, rows_done, heartbeat FROM generation WHERE id = ?", generation)
        self.assertEqual(rows, [(5, 9, NOW + 7)])
        self.queries.end_lease(self.cursor, generation)
        self.assertFalse(self.queries.progress(self.cursor, generation, 5, 9, NOW))
        self.queries.begin(self.cursor)
        self.queries.retire_unleased(self.cursor)
        self.library.connection.commit()
        self.assertEqual((self.state(generation), self.state(other)), ("dead", "loading"))
        self.library.execute("INSERT INTO import_lease VALUES ('birds', 'h 1 2', ?, ?, ?)", generation, NOW, NOW)
        self.assertFalse(self.queries.progress(self.cursor, generation, 5, 9, NOW))

    def test_ended_by_going_live(self) -> None:
        """An import that ends well ends its lease, and leaves others theirs; so does one that gives up."""
        other = self.begun("trees", holder=str(Holder.here()))
        self.library.bring("birds", [entry("emu")])
        self.assertEqual([one.generation for one in self.queries.leases(self.cursor)], [other])
        third = self.begun("fish")
        self.queries.abandon(self.cursor, third)
        self.library.connection.commit()
        self.assertEqual([one.generation for one in self.queries.leases(self.cursor)], [other])
        self.assertEqual((self.state(third), self.state(other)), ("dead", "loading"))

    def test_lease_of_the_gone(self) -> None:
        """The lease of a process that is gone is taken over by the next import of the same dictionary."""
        left = self.begun("birds", int(time.time() * 1000) - lease.STALE - 60_000)
        taken = self.library.bring("birds", [entry("emu")])
        self.assertEqual(self.queries.leases(self.cursor), [])
        self.assertEqual(self.state(left), "dead")
        self.library.purge()
        self.assertEqual(self.library.generations(), {taken.generation})

    def test_ready_ones_need_no_lease(self) -> None:
        """Nothing that is served is retired for want of a lease."""
        taken = self.library.bring("birds", [entry("emu")])
        self.library.intake().clean_up()
        self.library.purge()
        self.assertEqual(self.library.generations(), {taken.generation})
        self.assertEqual(self.library.headwords("birds"), ["emu"])
