"""What an administrator may say wrongly, and what is then told."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.logger import Logger, LogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import BadArguments
from dictd.processes.steering import Bans, Steered, Steering


@define(eq=False)
class Wheel(Steering):
    """A server of no process."""

    bans: Bans

    def steered(self) -> Sequence[Steered]:
        """None."""
        return ()

    def status(self) -> dict[str, Any]:
        """Broken."""
        raise TypeError("a fault of the program")

    def counts(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    async def reload(self) -> str:
        """Broken."""
        raise ValueError("a fault of the program")

    def stop(self) -> None:
        """Nothing to stop."""


class Said(SynchronousTestCase):
    """Arguments of verbs."""

    def setUp(self) -> None:
        directory = Path(tempfile.mkdtemp(prefix="dictd-steering-"))
        self.addCleanup(shutil.rmtree, directory)
        self.wheel = Wheel(Bans(directory))

    def do(self, verb: str, **arguments: Any) -> Any:
        """What a verb does."""
        return self.successResultOf(Deferred.fromCoroutine(self.wheel.do(verb, arguments)))

    def refused(self, verb: str, **arguments: Any) -> str:
        """Why it does not."""
        failure = self.failureResultOf(Deferred.fromCoroutine(self.wheel.do(verb, arguments)), BadArguments)
        return failure.getErrorMessage()

    def test_mapped(self) -> None:
        """An IPv4 address is the same however it is written, and lifted as either."""
        for banned, lifted in (("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1", "::ffff:192.0.2.1")):
            self.assertEqual(self.do("ban", network=banned), {"network": "192.0.2.1", "ended": 0})
            self.assertEqual(self.do("lift", network=lifted), {"network": "192.0.2.1"})
        self.assertEqual(self.do("ban", network="::ffff:192.0.2.77/120")["network"], "192.0.2.0/24")

    def test_no_networks(self) -> None:
        """A number is no address, though Python takes it for one."""
        for network in (5, True, None, ["192.0.2.0", 24], "", "192.0.2.1/33", "9" * 60_000):
            self.assertIn("is not an IP address", self.refused("ban", network=network))
        self.assertEqual(self.wheel.bans.left(), {})

    def test_too_wide(self) -> None:
        """Half of the Internet cannot be banned by a typing mistake."""
        self.assertIn("say networks of /8 or narrower", self.refused("ban", network="0.0.0.0/0"))
        self.assertIn("say networks of /8 or narrower", self.refused("ban", network="2000::/3"))
        self.assertEqual(self.do("ban", network="10.0.0.0/8")["network"], "10.0.0.0/8")

    def test_no_time(self) -> None:
        """Only a time that ends is one."""
        for seconds in (0, -1, "soon", [1], float("nan"), float("inf"), 10**400):
            self.assertEqual(self.refused("ban", network="192.0.2.1", seconds=seconds), "a ban lasts some time")

    def test_no_names(self) -> None:
        """What cannot be a name is refused."""
        self.patch(Wheel, "log", Logger(observer=LogPublisher()))  # trial's log cannot take the last of them
        for name in (5, None, ["a"], "\udced", "", " "):
            self.assertIn("kick: say the name of a user", self.refused("kick", name=name))
        self.assertIn("say networks of /8 or narrower", self.refused("kick", name="0.0.0.0/0"))

    def test_no_users(self) -> None:
        """Only what can be the id of a user is one."""
        for user in (0, -1, True, "7", 1.0, None, [7], 1 << 63):
            self.assertEqual(self.refused("sign_out", user=user), "sign_out: say the id of a user")
        self.assertEqual(self.do("sign_out", user=7, name="alice", why="is disabled"), 0)

    def test_arguments(self) -> None:
        """Too many, or too few."""
        self.assertIn("missing", self.refused("kick"))
        self.assertIn("unexpected", self.refused("status", other=1))

    def test_faults(self) -> None:
        """A fault of the program does not look as if somebody had said something wrong."""
        for verb, fault in (("status", TypeError), ("reload", ValueError)):
            self.failureResultOf(Deferred.fromCoroutine(self.wheel.do(verb, {})), fault)
