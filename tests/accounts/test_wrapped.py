"""Passwords that came as digests: the old one is right, no digest is kept, and one login makes them like others."""

from __future__ import annotations

import hashlib
import time

import argon2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dictd.accounts.passwords import Passwords
from dictd.accounts.wrapped import Recipe, Wrapped, kind_of
from tests.accounts.test_passwords import CountingHasher

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
names = st.text(min_size=1, max_size=32)


def course(name: str, salt: str, password: str) -> str:
    """As the course does it."""
    digest = hashlib.md5((name + salt).encode(), usedforsecurity=False)
    digest.update(password.encode())
    return digest.hexdigest()


def wrapped(password: str, name: str = "Tom", salt: str = "the-salt") -> str:
    """A password of the course as it is kept here."""
    recipe = Recipe("md5", "{name}" + salt)
    return str(Wrapped("md5", recipe.prefix(name), CHEAP.hash(course(name, salt, password))))


class Forms(SynchronousTestCase):
    """What is kept."""

    @UNHURRIED
    @given(st.sampled_from(["md5", "sha1", "sha256"]), st.binary(max_size=100))
    def test_round_trip(self, digest: str, prefix: bytes) -> None:
        """What is written is read."""
        one = Wrapped(digest, prefix, "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaA")
        self.assertEqual(Wrapped.of(str(one)), one)

    def test_others(self) -> None:
        """No other string is taken for one."""
        for passwd in (
            *(
                "",
                "x",
                CHEAP.hash("x"),
                "$wrapped-md5$$argon2i$x",
                "$wrapped-md4$$argon2id$x",
                "$wrapped-md5$*$argon2id$x",
            ),
            *("$wrapped-md5$a$argon2id$x", " $wrapped-md5$$argon2id$x"),
        ):
            self.assertIsNone(Wrapped.of(passwd), passwd)

    def test_no_digest_is_kept(self) -> None:
        """Neither the digest nor the password stands in what is kept."""
        kept = wrapped("123456")
        self.assertNotIn(course("Tom", "the-salt", "123456"), kept)
        self.assertNotIn("123456", kept)

    @UNHURRIED
    @given(names, st.text(min_size=1, max_size=12), st.text(max_size=20))
    def test_recipe(self, name: str, salt: str, password: str) -> None:
        """A recipe makes the digest that the course makes, with the name in the salt and without."""
        if "{name}" not in salt:
            self.assertEqual(Recipe("md5", "{name}" + salt).made(name, password), course(name, salt, password))
            self.assertEqual(Recipe("md5", salt).made(name, password), course("", salt, password))

    def test_kinds(self) -> None:
        """Digests are told by their length, all else is plain text."""
        for passwd, kind in (
            *(("0" * 32, "md5"), ("A" * 40, "sha1"), ("f" * 64, "sha256")),
            *(("123456", "plain"), ("g" * 32, "plain"), ("0" * 33, "plain"), ("", "plain"), ("０" * 32, "plain")),
        ):
            self.assertEqual(kind_of(passwd), kind)

    def test_confirmed(self) -> None:
        """The right recipe is known by the passwords that many people have; a wrong one is not."""
        users = [(name, course(name, "the-salt", password)) for name, password in (("Tom", "123456"), ("Ann", "x y z"))]
        self.assertEqual(Recipe("md5", "{name}the-salt").confirmed(users), 1)
        self.assertEqual(Recipe("md5", "{name}the-salt").confirmed([(n, d.upper()) for n, d in users]), 1)
        for salt in ("", "the-salt", "{name}", "{name}The-salt"):
            self.assertEqual(Recipe("md5", salt).confirmed(users), 0)


class Verified(TestCase):
    """Logging in."""

    timeout = 20.0

    def setUp(self) -> None:
        """Passwords that cost next to nothing."""
        self.hasher = CountingHasher()
        self.passwords = Passwords(reactor, self.hasher, 32, ThreadPool(0, 1, "passwords under test"))
        self.passwords.start()
        self.addCleanup(self.passwords.stop)

    async def test_right_and_wrong(self) -> None:
        """The old password alone is right, and the digest itself is none."""
        kept = wrapped("123456")
        self.assertIs(await self.passwords.verify(kept, "123456"), True)
        for wrong in ("1234567", "", course("Tom", "the-salt", "123456"), "Tomthe-salt123456"):
            self.assertIs(await self.passwords.verify(kept, wrong), False)

    async def test_any_letters(self) -> None:
        """Names, salts and passwords in Chinese are right as well."""
        self.assertIs(await self.passwords.verify(wrapped("密码", "小明", "盐"), "密码"), True)

    async def test_each_digest(self) -> None:
        """MD5, SHA-1 and SHA-256, with a salt and without."""
        for digest in ("md5", "sha1", "sha256"):
            for salt in ("", "*#$%7a"):
                made = hashlib.new(digest, (salt + "secret").encode()).hexdigest()
                kept = str(Wrapped(digest, salt.encode(), CHEAP.hash(made)))
                self.assertIs(await self.passwords.verify(kept, "secret"), True)
                self.assertIs(await self.passwords.verify(kept, "Secret"), False)

    async def test_outdated(self) -> None:
        """It is outdated whatever its effort, so that the first login replaces it; plain argon2id is not."""
        self.assertIs(self.passwords.outdated(wrapped("123456")), True)
        self.assertIs(self.passwords.outdated(await self.passwords.hash("123456")), False)

    async def test_too_dear(self) -> None:
        """One that asks for more memory than there is, is nobody's, as without the wrapping."""
        kept = wrapped("123456").replace("m=64", "m=4194304")
        self.assertIs(await self.passwords.verify(kept, "123456"), False)
        self.assertEqual(self.hasher.verified, [])

    async def test_time(self) -> None:
        """It takes as long as any other: one argon2id, and a digest that nobody could measure."""
        kept = wrapped("123456")
        await self.passwords.verify(kept, "123456")
        await self.passwords.verify(kept, "x")
        self.assertEqual(len(self.hasher.verified), 2)
        one = Wrapped.of(kept)
        assert one is not None
        began = time.perf_counter()
        for _ in range(100):
            one.secret(b"123456")
        self.assertLess((time.perf_counter() - began) / 100, 0.001)
