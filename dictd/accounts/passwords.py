"""Passwords: argon2id on a thread of its own, with a bound on what waits."""

from __future__ import annotations

import os
import secrets
import sys
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from threading import Thread, get_native_id
from typing import Any, TypeVar

import argon2
from argon2.exceptions import Argon2Error, InvalidHashError, VerificationError
from attrs import define, field
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from dictd.accounts.wrapped import Wrapped
from dictd.errors import AccountsUnavailable, PasswordNotAllowed

T = TypeVar("T")

SHORTEST, LONGEST = 8, 512
#: What a password is made of that we make: no signs that are taken for others (rn and m, vv and w, 9 and q, 1 and l),
#: and no vowel, so that no word comes of it.
_LETTERS, _DIGITS = "bcdfhjknprtvx", "346789"
_GROUPS, _GROUP = 3, 4
#: How nice the thread of the hashes is, see nice(1): look-ups go first.
NICENESS = 10

# A stored hash that asks for more than this is not one of ours: verifying it would take the machine down.
_MOST_MEMORY_KIB, _MOST_PASSES, _MOST_LANES = 262144, 10, 8


def normal(secret: str) -> bytes:
    """A secret in the one form in which it is hashed: NFC, UTF-8."""
    return unicodedata.normalize("NFC", secret).encode("utf-8")


def check_new(secret: str) -> None:
    """Whether a password may be chosen.

    :raises PasswordNotAllowed: shorter than 8 or longer than 512 bytes.
    """
    if not SHORTEST <= len(normal(secret)) <= LONGEST:
        raise PasswordNotAllowed()


def invented() -> str:
    """A password that can be read from paper: three groups of four, 49 random bits."""
    return "-".join(
        secrets.choice(_LETTERS) + "".join(secrets.choice(_LETTERS + _DIGITS) for _ in range(_GROUP - 1))
        for _ in range(_GROUPS)
    )


def hasher(memory_kib: int, passes: int) -> argon2.PasswordHasher:
    """What makes and verifies hashes of this effort."""
    return argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)


class _Courteous(Thread):
    """A thread that lets others go first: who looks a word up does not wait for those who guess passwords."""

    def run(self) -> None:
        if sys.platform == "linux":  # elsewhere it would be that of the whole process
            with suppress(OSError):
                thread = get_native_id()
                os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))
        super().run()


@define(eq=False)
class Passwords:
    """Hashes and verifies, one at a time, off the reactor's thread.

    A hash takes its memory while it is under way, so one thread bounds the
    memory and the queue bounds the wait.

    :param reactor: where answers come back.
    :param queue: how many may wait; one more is refused at once.
    """

    _reactor: Any
    _hasher: argon2.PasswordHasher
    _queue: int
    _threads: ThreadPool
    _waiting: int = field(default=0, init=False)
    _stopped: bool = field(default=False, init=False)
    _nobody: str = field(init=False)
    log = Logger()

    @classmethod
    def made(cls, reactor: Any, memory_kib: int, passes: int, queue: int) -> Passwords:
        """With a thread of its own; :meth:`start` it and :meth:`stop` it."""
        threads = ThreadPool(0, 1, "passwords")
        threads.threadFactory = _Courteous
        return cls(reactor, hasher(memory_kib, passes), queue, threads)

    @_nobody.default
    def _hash_for_nobody(self) -> str:
        return self._hasher.hash(b"nobody has this password")

    def start(self) -> None:
        """Start the thread."""
        self._threads.start()

    def stop(self) -> None:
        """Stop the thread, after the hash that is under way; those that wait for it are refused."""
        self._stopped = True
        self._threads.stop()

    async def hash(self, secret: str) -> str:
        """The argon2id string of a new password.

        :raises AccountsUnavailable: too many wait already.
        """
        return await self._run(self._hasher.hash, normal(secret))

    async def verify(self, passwd: str | None, secret: str) -> bool:
        """Whether a secret is the one behind a hash.

        :param passwd: the stored string; ``None`` for an unknown name takes
            the same time and is never right.
        :raises AccountsUnavailable: too many wait already.
        """
        matches = await self._run(self._matches, self._nobody if passwd is None else passwd, normal(secret))
        return matches and passwd is not None

    def outdated(self, passwd: str) -> bool:
        """Whether a hash was made with less effort than today's, or over a digest (:mod:`dictd.accounts.wrapped`).

        One of more effort stays: hosts whose settings differ must not undo each other's.
        """
        if Wrapped.of(passwd):
            return True
        cost = argon2.extract_parameters(passwd)
        return (
            cost.type != self._hasher.type
            or cost.memory_cost < self._hasher.memory_cost
            or cost.time_cost < self._hasher.time_cost
        )

    def _matches(self, passwd: str, secret: bytes) -> bool:
        if wrapped := Wrapped.of(passwd):
            passwd, secret = wrapped.inner, wrapped.secret(secret)
        try:
            cost = argon2.extract_parameters(passwd)
            if cost.memory_cost > _MOST_MEMORY_KIB or cost.time_cost > _MOST_PASSES or cost.parallelism > _MOST_LANES:
                return False
            return self._hasher.verify(passwd, secret)
        except VerificationError as error:
            if "emory" in str(error):
                raise
            return False  # another password, or no hash at all
        except InvalidHashError:
            return False

    def _unless_stopped(self, work: Callable[..., T], *args: Any) -> T:
        if self._stopped:
            raise AccountsUnavailable()
        return work(*args)

    async def _run(self, work: Callable[..., T], *args: Any) -> T:
        if self._waiting >= self._queue:
            raise AccountsUnavailable("too many people are logging in just now, please try again soon")
        self._waiting += 1
        try:
            result: T = await deferToThreadPool(self._reactor, self._threads, self._unless_stopped, work, *args)
            return result
        except Argon2Error as error:
            # No memory, most likely: not the fault of who logs in.
            self.log.error("a password could not be hashed: {error}", error=str(error))
            raise AccountsUnavailable() from None
        finally:
            self._waiting -= 1
