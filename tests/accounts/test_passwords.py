"""Passwords: what may be one, how it is hashed, what bounds the work."""

from __future__ import annotations

import os
import sys
import unicodedata
from threading import Event, get_native_id
from typing import Any

import argon2
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dictd.accounts.passwords import LONGEST, NICENESS, SHORTEST, Passwords, check_new, normal
from dictd.errors import AccountsUnavailable, PasswordNotAllowed

COMPOSED = unicodedata.normalize("NFC", "Überraschung")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


class CountingHasher(argon2.PasswordHasher):
    """Cheap argon2id that remembers what it was asked to verify."""

    def __init__(self, time_cost: int = 1) -> None:
        super().__init__(time_cost=time_cost, memory_cost=64, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        """As its base, and count."""
        self.verified.append(str(hash))
        return bool(super().verify(hash, password))


class Allowed(SynchronousTestCase):
    """What may be a password."""

    def test_bounds_are_bytes(self) -> None:
        """8 to 512 bytes of NFC UTF-8, whatever the number of characters."""
        self.assertEqual((SHORTEST, LONGEST), (8, 512))
        for secret in ("x" * 8, "x" * 512, "ä" * 4, "ä" * 256, "密" * 3, "🐧🐧", "        "):
            check_new(secret)
        for secret in ("", "x" * 7, "x" * 513, "ä" * 3, "ä" * 257, "密密", "🐧", "x" * 100_000):
            self.assertRaises(PasswordNotAllowed, check_new, secret)

    def test_bounds_are_those_of_the_composed_form(self) -> None:
        """A keyboard that sends accents apart makes a password neither longer nor shorter."""
        for composed, allowed in (("ä" * 3 + "x", False), ("ä" * 4, True), ("ä" * 256, True), ("ä" * 257, False)):
            for secret in (composed, unicodedata.normalize("NFD", composed)):
                if allowed:
                    check_new(secret)
                else:
                    self.assertRaises(PasswordNotAllowed, check_new, secret)

    def test_one_form(self) -> None:
        """A composed and a decomposed letter are the same secret; a compatibility character is not its twin."""
        self.assertNotEqual(COMPOSED, DECOMPOSED)
        self.assertEqual(normal(COMPOSED), normal(DECOMPOSED))
        self.assertNotEqual(normal("ﬁ"), normal("fi"))
        self.assertNotEqual(normal("Password"), normal("password"))


class Hashing(TestCase):
    """Hashes on a thread."""

    timeout = 20.0

    def setUp(self) -> None:
        """Passwords that cost next to nothing."""
        self.hasher = CountingHasher()
        self.threads = ThreadPool(0, 1, "passwords under test")
        self.passwords = Passwords(reactor, self.hasher, 32, self.threads)
        self.passwords.start()
        self.addCleanup(self.passwords.stop)

    async def test_right_and_wrong(self) -> None:
        """Only the secret itself is right, and each hash has a salt of its own."""
        first, second = await self.passwords.hash("correct horse"), await self.passwords.hash("correct horse")
        self.assertNotEqual(first, second)
        for passwd in (first, second):
            self.assertIs(await self.passwords.verify(passwd, "correct horse"), True)
            for wrong in ("correct horsE", "correct hors", "correct horse ", ""):
                self.assertIs(await self.passwords.verify(passwd, wrong), False)

    async def test_composed_and_decomposed_are_one(self) -> None:
        """Who registered on one keyboard can log in on another."""
        self.assertTrue(await self.passwords.verify(await self.passwords.hash(COMPOSED), DECOMPOSED))
        self.assertTrue(await self.passwords.verify(await self.passwords.hash(DECOMPOSED), COMPOSED))

    async def test_argon2id_with_the_given_parameters(self) -> None:
        """What is stored is argon2id and was made with the settings' memory and passes."""
        passwords = Passwords.made(reactor, memory_kib=128, passes=3, queue=1)
        passwords.start()
        self.addCleanup(passwords.stop)
        passwd = await passwords.hash("correct horse")
        self.assertTrue(passwd.startswith("$argon2id$v=19$m=128,t=3,p=1$"), passwd)
        self.assertTrue(await passwords.verify(passwd, "correct horse"))

    async def test_unknown_name_takes_a_real_verification(self) -> None:
        """None is verified against a hash that costs what every other does, and is never right."""
        stored = await self.passwords.hash("correct horse")
        for secret in ("correct horse", "nobody has this password", ""):
            self.hasher.verified.clear()
            self.assertIs(await self.passwords.verify(None, secret), False)
            (verified,) = self.hasher.verified
            self.assertEqual(argon2.extract_parameters(verified), argon2.extract_parameters(stored))

    async def test_empty_hash_is_nobodys(self) -> None:
        """An account whose hash was emptied is locked: no secret opens it."""
        for secret in ("correct horse", "nobody has this password", ""):
            self.assertIs(await self.passwords.verify("", secret), False)

    async def test_what_is_not_a_hash_is_never_right(self) -> None:
        """Other text in the column refuses the login and raises nothing."""
        whole = await self.passwords.hash("correct horse")
        for passwd in ("correct horse", "!", "$argon2id$", whole[:-8], whole.replace("m=64", "m=many"), "$1$abc$def"):
            self.assertIs(await self.passwords.verify(passwd, "correct horse"), False, passwd)

    async def test_absurd_parameters_are_refused_unverified(self) -> None:
        """A stored hash that would take the machine down is not even begun."""
        tail = "c2FsdHNhbHRzYWx0$" + "a" * 43
        for cost in ("m=4194304,t=1,p=1", "m=262145,t=1,p=1", "m=64,t=11,p=1", "m=64,t=1000000,p=1", "m=64,t=1,p=9"):
            self.assertIs(await self.passwords.verify(f"$argon2id$v=19${cost}${tail}", "correct horse"), False, cost)
        self.assertEqual(self.hasher.verified, [])

    async def test_parameters_of_the_settings_are_not_absurd(self) -> None:
        """Whatever passes the settings allow can be verified after they were turned down again."""
        slow = argon2.PasswordHasher(time_cost=10, memory_cost=64, parallelism=8).hash("correct horse")
        self.assertTrue(await self.passwords.verify(slow, "correct horse"))
        self.hasher.verify = lambda hash, password: True  # type: ignore[method-assign]
        big = slow.replace("m=64", "m=262144")
        self.assertTrue(await self.passwords.verify(big, "correct horse"))

    async def test_cheaper_hashes_are_outdated(self) -> None:
        """A hash of less effort, or of another kind, is outdated, one of as much or more is not; all are verified."""
        self.assertIs(self.passwords.outdated(await self.passwords.hash("correct horse")), False)
        for hasher, outdated in (
            (argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), True),
            (argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=argon2.Type.I), True),
            (argon2.PasswordHasher(time_cost=2, memory_cost=64, parallelism=1), False),
            (argon2.PasswordHasher(time_cost=1, memory_cost=128, parallelism=1), False),
        ):
            passwd = hasher.hash(normal("correct horse"))
            self.assertIs(self.passwords.outdated(passwd), outdated)
            self.assertTrue(await self.passwords.verify(passwd, "correct horse"))

    async def test_others_go_first(self) -> None:
        """The thread of the hashes is nicer than the reactor's, whose own niceness stays."""
        if sys.platform != "linux":
            return
        passwords = Passwords.made(reactor, memory_kib=64, passes=1, queue=1)
        passwords.start()
        self.addCleanup(passwords.stop)
        usual = os.getpriority(os.PRIO_PROCESS, get_native_id())
        nice = await passwords._run(lambda: os.getpriority(os.PRIO_PROCESS, get_native_id()))
        self.assertEqual(nice, max(usual, NICENESS))
        self.assertEqual(os.getpriority(os.PRIO_PROCESS, get_native_id()), usual)

    async def test_queue_is_bounded(self) -> None:
        """With `queue` under way one more is refused at once; those are answered, and then there is room again."""
        gate = Event()
        passwords = Passwords(reactor, self.hasher, 2, self.threads)
        self.addCleanup(gate.set)
        self.threads.callInThread(gate.wait, 20)
        under_way: list[Deferred[Any]] = [
            Deferred.fromCoroutine(passwords.hash("correct horse")),
            Deferred.fromCoroutine(passwords.verify(None, "correct horse")),
        ]
        for refused in (passwords.hash("one more"), passwords.verify(None, "one more")):
            self.failureResultOf(Deferred.fromCoroutine(refused), AccountsUnavailable)
        gate.set()
        passwd, matches = await gatherResults(under_way)
        self.assertEqual((str(passwd)[:9], matches), ("$argon2id", False))
        self.assertTrue(await passwords.verify(str(passwd), "correct horse"))

    async def test_one_thread(self) -> None:
        """Hashes are made one at a time, so that memory is bounded, and never on the reactor's thread."""
        passwords = Passwords.made(reactor, memory_kib=64, passes=1, queue=100)
        passwords.start()
        self.addCleanup(passwords.stop)
        await gatherResults([Deferred.fromCoroutine(passwords.hash(f"secret {number}")) for number in range(20)])
        self.assertEqual(len(passwords._threads.threads), 1)
