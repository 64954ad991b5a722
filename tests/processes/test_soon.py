"""Results for which a prompt waits."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd.manhole.interpreter import Interpreter
from dictd.manhole.screen import Soon


class Waited(SynchronousTestCase):
    """At the prompt, and in programs."""

    def setUp(self) -> None:
        """Something that takes its time."""
        self.waiting: Deferred[Any] = Deferred()
        self.out: list[str] = []
        self.trouble: list[str] = []
        names = {"found": lambda: Soon.of(self.work())}
        self.prompt = Interpreter(names, "here", self.out.append, self.trouble.append, lambda: 80)

    async def work(self) -> Any:
        """Wait."""
        return await self.waiting

    def test_at_the_prompt(self) -> None:
        """With await and without, the result is shown alone, and the prompt comes after it."""
        for typed in ("found()\n", "await found()\n"):
            self.waiting = Deferred()
            running = Deferred.fromCoroutine(self.prompt.run(typed))
            self.assertEqual(self.out, [])
            self.assertNoResult(running)
            self.waiting.callback(7)
            self.successResultOf(running)
            self.assertEqual("".join(self.out), "7\n")
            self.out.clear()

    def test_at_once(self) -> None:
        """What is there already is shown as it is."""
        self.waiting.callback(7)
        self.successResultOf(Deferred.fromCoroutine(self.prompt.run("found()\n")))
        self.assertEqual(("".join(self.out), self.trouble), ("7\n", []))

    def test_failed(self) -> None:
        """Trouble is that of the prompt."""
        self.waiting.errback(ValueError("no"))
        self.successResultOf(Deferred.fromCoroutine(self.prompt.run("found()\n")))
        self.assertIn("ValueError: no", "".join(self.trouble))

    def test_given_up(self) -> None:
        """Whoever gives it up gives up what it waits for."""
        soon = Soon.of(self.work())
        soon.cancel()
        self.failureResultOf(soon, CancelledError)
        self.assertTrue(self.waiting.called)
