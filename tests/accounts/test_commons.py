"""What holds for all workers, kept by one process."""

from __future__ import annotations

from typing import TypeVar

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.commons import OneProcess, Outcome
from dictd.config import Settings
from dictd.limits import Peer

T = TypeVar("T")
HERE = Peer.at("192.0.2.1")


def settings(guesses: int, registrations: int) -> Settings:
    """With these limits."""
    usual = Settings()
    return evolve(
        usual,
        limits=evolve(usual.limits, guesses=guesses),
        accounts=evolve(usual.accounts, registrations_per_hour=registrations),
    )


class Following(SynchronousTestCase):
    """Settings that change while the server runs."""

    def setUp(self) -> None:
        self.commons = OneProcess.of(settings(guesses=5, registrations=1), lambda: 100.0)

    def failures(self, count: int) -> None:
        """Wrong passwords for so many accounts."""
        for number in range(count):
            self.assertEqual(self.penalty(f"account{number}"), 0)
            self.commons.ended(f"account{number}", HERE, Outcome.FAILED)

    def penalty(self, account: str) -> int:
        """Seconds that a try for an account waits."""
        return self.successResultOf(Deferred.fromCoroutine(self.commons.penalty(account, HERE)))

    def registration(self) -> int:
        """Seconds that a registration waits."""
        return self.successResultOf(Deferred.fromCoroutine(self.commons.registration(HERE)))

    def test_guesses(self) -> None:
        """What was counted stays, the limit is the new one."""
        self.failures(3)
        self.commons.follow(settings(guesses=3, registrations=1))
        self.assertEqual(self.penalty("another"), 60)

    def test_registrations(self) -> None:
        """The same for registrations."""
        self.assertEqual([self.registration(), self.registration()], [0, 3600])
        self.commons.follow(settings(guesses=5, registrations=2))
        self.assertEqual([self.registration(), self.registration()], [0, 3600])
