"""Passwords that came as fast digests, wrapped: argon2id over the digest, so that the digest itself is kept nowhere.

A wrapped password is ``$wrapped-md5$PREFIX`` in front of an argon2id string;
PREFIX is what the digest was begun with, in base64. It lets its owner in, and is
replaced by plain argon2id as soon as it has.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable

from attrs import frozen

#: Digests that can be wrapped, by the number of their hexadecimal digits.
DIGESTS = {32: "md5", 40: "sha1", 64: "sha256"}
#: What stands in a salt for the name of the user.
NAME = "{name}"
#: Characters of a stored password at most, as MySQL has its column.
LONGEST = 255
_FORM = re.compile(r"\$wrapped-(md5|sha1|sha256)\$([A-Za-z0-9_-]*)(\$argon2id\$.+)")
_HEX = re.compile(r"[0-9a-f]+", re.IGNORECASE | re.ASCII)
#: What stands in most books and courses where a password is wanted.
_COMMON = (
    *("123456", "000000", "123", "1234", "12345", "12345678", "111111", "666666", "888888"),
    *("1", "a", "abc", "abc123", "aaa", "qwe", "qwe123", "admin", "root", "password", "passwd", "test"),
)


@frozen
class Recipe:
    """How digests were made of passwords: ``md5(salt + password)``.

    :ivar salt: what was in front of the password; ``{name}`` stands for the name of the user.
    """

    digest: str
    salt: str = ""

    def __str__(self) -> str:
        return f"{self.digest} with the salt {self.salt}" if self.salt else f"{self.digest} without a salt"

    def prefix(self, name: str) -> bytes:
        """What the digest of a user was begun with."""
        return self.salt.replace(NAME, name).encode()

    def made(self, name: str, password: str) -> str:
        """The digest of a password."""
        return _digest(self.digest, self.prefix(name), password.encode())

    def confirmed(self, users: Iterable[tuple[str, str]]) -> int:
        """How many digests are, by this recipe, those of passwords that many people have.

        One is proof enough that the recipe is the right one; who they are is not told.

        :param users: name and digest of each.
        """
        return sum(
            any(self.made(name, common) == digest.lower() for common in (*_COMMON, name, f"{name}123"))
            for name, digest in users
        )


@frozen
class Wrapped:
    """A stored password that is argon2id over a digest.

    :ivar inner: the argon2id string.
    """

    digest: str
    prefix: bytes
    inner: str

    @classmethod
    def of(cls, passwd: str) -> Wrapped | None:
        """Read one; ``None`` for any other string."""
        found = _FORM.fullmatch(passwd)
        if found is None:
            return None
        digest, prefix, inner = found.groups()
        try:
            return cls(digest, urlsafe_b64decode(prefix + "=" * (-len(prefix) % 4)), inner)
        except ValueError:
            return None

    def __str__(self) -> str:
        prefix = urlsafe_b64encode(self.prefix).decode().rstrip("=")
        return f"$wrapped-{self.digest}${prefix}{self.inner}"

    def secret(self, password: bytes) -> bytes:
        """What the argon2id string was made of, if this is the password."""
        return _digest(self.digest, self.prefix, password).encode()


def kind_of(passwd: str) -> str:
    """What a stored password looks like: the name of a digest, or ``plain``."""
    return DIGESTS.get(len(passwd), "plain") if _HEX.fullmatch(passwd) else "plain"


def _digest(name: str, prefix: bytes, password: bytes) -> str:
    made = hashlib.new(name, prefix, usedforsecurity=False)
    made.update(password)
    return made.hexdigest()
