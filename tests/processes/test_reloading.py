"""Reloads of a supervisor whose workers are objects of the test's own."""

from __future__ import annotations

import json
import signal

from twisted.internet.defer import Deferred

from dictd.errors import SettingsRefused, Unavailable
from dictd.processes.checking import LONGEST
from dictd.processes.slot import NotReplaced
from tests.support.machine import Supervised


class Reloading(Supervised):
    """New before old, or nothing at all."""

    def test_new_before_old(self) -> None:
        """One after the other: a new one serves, then the old one retires, then comes the next."""
        one, other = self.all_serve()
        reloading = self.reload()
        *_, first = self.machine.of("worker")
        self.assertEqual(len(self.machine.of("worker")), 3)
        self.live(5, one, other)
        self.assertEqual((one.heard(), other.heard()), ([], []))
        self.serve(first)
        self.assertEqual((one.heard(), other.heard()), (["Retire"], []))
        *_, second = self.machine.of("worker")
        self.assertIsNot(second, first)
        self.assertNoResult(reloading)
        self.serve(second)
        self.assertEqual(other.heard(), ["Retire"])
        self.assertEqual(self.successResultOf(reloading), "2 new workers serve; old connections have 30 s")
        self.live(41, one, other, first, second)
        self.assertEqual((one.killed, other.killed), (False, False))
        self.live(2, one, other, first, second)
        self.assertEqual((one.killed, other.killed), (True, True))
        self.assertEqual(self.machine.of("worker"), [first, second])
        self.assertEqual(self.supervisor.crew.restarts, 0)

    def test_other_number(self) -> None:
        """Where sockets move from place to place nobody retires before all new ones serve."""
        one, other = self.all_serve()
        self.configure("", workers=1)
        reloading = self.reload()
        *_, new = self.machine.of("worker")
        self.assertEqual((one.heard(), other.heard()), ([], []))
        self.serve(new)
        self.successResultOf(reloading)
        self.assertEqual((one.heard(), other.heard()), (["Retire"], ["Retire"]))
        self.configure("", workers=2)
        reloading = self.reload()
        *_, first = self.machine.of("worker")
        self.serve(first)
        *_, second = self.machine.of("worker")
        self.assertNotIn("Retire", new.heard())
        self.serve(second)
        self.successResultOf(reloading)
        self.assertEqual(new.heard(), ["Retire"])

    def test_hangup_meanwhile(self) -> None:
        """A second SIGHUP is not lost: the settings may have changed after they were read."""
        self.all_serve()
        reloading = self.reload()
        self.supervisor._hung_up()
        for _ in range(2):
            *_, new = self.machine.of("worker")
            self.serve(new)
        self.successResultOf(reloading)
        self.assertEqual(len(self.machine.of("preflight")), 0)
        self.machine.advance(0)
        self.assertEqual(len(self.machine.of("preflight")), 1)

    def test_first_fails(self) -> None:
        """When the first new one ends before it serves, nothing has changed: settings, sockets, workers."""
        one, other = self.all_serve()
        was, had = self.supervisor.settings, [list(one.sockets) for one in self.claim.entrances]
        self.configure("[limits]\nmatches = 7\n", workers=3)
        reloading = self.reload()
        *_, first = self.machine.of("worker")
        self.live(0.5, one, other)
        first.protocol.childDataReceived(2, b"no library\n")
        first.end(1)
        self.assertIn("no library", self.failureResultOf(reloading, NotReplaced).getErrorMessage())
        self.live(3, one, other)
        self.assertIs(self.supervisor.settings, was)
        self.assertEqual([list(one.sockets) for one in self.claim.entrances], had)
        self.assertEqual(len(self.supervisor.crew.slots), 2)
        self.assertEqual(self.machine.of("worker"), [one, other])
        self.assertNotIn("Retire", one.heard() + other.heard())
        self.assertFalse(self.supervisor.status()["reloading"])

    def test_first_fails_with_fewer(self) -> None:
        """Fewer workers were to be, and one that was to go ends just then: it is started again."""
        one, other = self.all_serve()
        self.configure("", workers=1)
        reloading = self.reload()
        *_, first = self.machine.of("worker")
        other.end(signal.SIGKILL)
        first.end(1)
        self.failureResultOf(reloading, NotReplaced)
        self.live(0.5, one)
        self.assertEqual(len(self.machine.of("worker")), 2)
        self.assertEqual(len(self.supervisor.crew.slots), 2)

    def test_why(self) -> None:
        """What the new worker said last is told as people read it, and nothing where it said nothing."""
        self.all_serve()
        line = json.dumps({"time": "2026-01-02T03:04:05Z", "level": "info", "namespace": "x", "message": "no room"})
        for written, why in ((line.encode() + b"\n", "(SIGKILL): no room"), (b"", "(SIGKILL)")):
            reloading = self.reload()
            *_, first = self.machine.of("worker")
            first.protocol.childDataReceived(1, written)
            first.end(signal.SIGKILL)
            trouble = self.failureResultOf(reloading, NotReplaced).getErrorMessage()
            self.assertEqual(trouble, f"a new worker 1 did not come to serve {why}")

    def test_second_fails(self) -> None:
        """When a later one fails the old one goes all the same, for its settings are old, and it is tried again."""
        one, other = self.all_serve()
        self.configure('[site]\nname = "new.example"\n')
        reloading = self.reload()
        *_, first = self.machine.of("worker")
        self.serve(first)
        *_, second = self.machine.of("worker")
        second.end(1)
        self.assertIn("1 did not come to serve and is tried again", self.successResultOf(reloading))
        self.assertEqual(other.heard(), ["Retire"])
        self.live(0.3, one, other, first)
        *_, again = self.machine.of("worker")
        self.assertIn(b"new.example", again.written)
        self.serve(again)
        self.live(0.5, first, again)
        self.assertEqual([slot.lively for slot in self.supervisor.crew.slots], [True, True])

    def test_while_one_is_waited_for(self) -> None:
        """A reload does not wait for one that crashes: the new one takes its place, and it is not tried again."""
        one, other = self.all_serve()
        for _ in range(3):
            next(process for process in self.machine.of("worker") if process is not other).end(1)
            self.live(1.2, other)
        self.assertEqual(self.machine.of("worker"), [other])  # 2 s are to be waited
        reloading = self.reload()
        *_, first = self.machine.of("worker")
        self.serve(first)
        *_, second = self.machine.of("worker")
        self.serve(second)
        self.successResultOf(reloading)
        other.end()
        self.live(35, first, second)
        self.assertEqual(self.machine.of("worker"), [first, second])

    def test_refused(self) -> None:
        """What the check says is what is said; a check that fails, hangs or cannot begin is told too."""
        self.all_serve()
        failure = self.failureResultOf(self.reload("dictd.toml:3: no"), SettingsRefused)
        self.assertEqual(failure.getErrorMessage(), "dictd.toml:3: no")
        for end in (lambda: self.machine.of("preflight")[0].end(1), lambda: self.machine.advance(LONGEST + 1)):
            reloading = Deferred.fromCoroutine(self.supervisor.reload())
            end()
            self.assertIn("could not be checked", self.failureResultOf(reloading, SettingsRefused).getErrorMessage())
            self.machine.advance(0)
            self.assertEqual(self.machine.of("preflight"), [])
        self.machine.full = True
        self.failureResultOf(Deferred.fromCoroutine(self.supervisor.reload()), SettingsRefused)
        self.assertFalse(self.supervisor.status()["reloading"])

    def test_two_at_once(self) -> None:
        """A second one is told that there is one already."""
        self.all_serve()
        first = Deferred.fromCoroutine(self.supervisor.reload())
        second = Deferred.fromCoroutine(self.supervisor.reload())
        self.assertIn("under way", self.failureResultOf(second, Unavailable).getErrorMessage())
        self.assertNoResult(first)
        self.machine.of("preflight")[0].end(1)
        self.failureResultOf(first, SettingsRefused)

    def test_stop_during_the_check(self) -> None:
        """A stop ends the check, and nothing more is opened or started."""
        one, other = self.all_serve()
        reloading = Deferred.fromCoroutine(self.supervisor.reload())
        stopped = self.supervisor.stopService()
        self.machine.pass_(0.1)
        self.failureResultOf(reloading)
        one.end()
        other.end()
        self.machine.pass_(1.5)
        self.successResultOf(stopped)
        self.assertEqual(self.machine.processes, [])

    def test_stop_between_two(self) -> None:
        """A stop while the second new one is awaited ends all of them."""
        one, other = self.all_serve()
        reloading = self.reload()
        *_, first = self.machine.of("worker")
        self.serve(first)
        stopped = self.supervisor.stopService()
        for process in (one, other, first):
            process.end()
        self.machine.pass_(1.5)
        self.failureResultOf(reloading, Unavailable)
        self.successResultOf(stopped)
        self.assertEqual(self.machine.processes, [])
