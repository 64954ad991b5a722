"""Keys for AUTH (RFC 2229 3.11): how a secret is sealed, and how an answer is told to be right.

The challenge of AUTH needs the secret itself, so it cannot be kept as a hash.
It is made here, never chosen, and lies in the database encrypted under a key
that lies elsewhere: who has stolen the database alone has nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence

from attrs import field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dictd.errors import NameNotAllowed
from dictd.model import StoredKey

#: Keys a user may have; as many are tried for every AUTH, whoever it is from.
MOST = 16
_LONGEST_LABEL = 32
_NONCE_BYTES = 12
_LINE = re.compile(rb"([0-9a-f]{64})\s*")


def new_secret() -> str:
    """The secret of a new key: 128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


def label_of(text: str) -> str:
    """A label in the one form in which it is kept: NFC.

    :raises NameNotAllowed: it is not 1 to 32 printable characters, or has blanks around it.
    """
    label = unicodedata.normalize("NFC", text)
    if not 1 <= len(label) <= _LONGEST_LABEL or not label.isprintable() or label != label.strip():
        raise NameNotAllowed("a label has 1 to 32 printable characters")
    return label


def response(message_id: str, secret: bytes) -> bytes:
    """What AUTH must say: MD5, in hex, of the message id with its angle brackets and the secret."""
    return hashlib.md5(message_id.encode("ascii") + secret, usedforsecurity=False).hexdigest().encode("ascii")


@frozen
class ServerKey:
    """The key under which the secrets of all users are sealed.

    :ivar id: tells server keys apart and nothing of the key itself.
    """

    _secret: bytes = field(repr=False)
    id: str = field(init=False)
    _cipher: AESGCM = field(init=False, repr=False, eq=False)
    # What fills the places of keys that are not there, or cannot be opened.
    _nobodys_secret: str = field(factory=new_secret, init=False, repr=False, eq=False)
    _nobody: StoredKey = field(init=False, repr=False, eq=False)

    @id.default
    def _id(self) -> str:
        return hashlib.blake2b(self._secret, digest_size=6, person=b"dictd server key").hexdigest()

    @_cipher.default
    def _aes(self) -> AESGCM:
        return AESGCM(self._secret)

    @_nobody.default
    def _key_for_nobody(self) -> StoredKey:
        return StoredKey(0, "", self.seal(0, "", self._nobodys_secret), self.id, 0)

    @classmethod
    def made(cls) -> ServerKey:
        """A new one: 256 random bits."""
        return cls(secrets.token_bytes(32))

    @classmethod
    def parse(cls, line: bytes) -> ServerKey:
        """The one that :meth:`line` wrote.

        :raises ValueError: it is none; the message does not show it.
        """
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError("not 64 hex digits")
        return cls(bytes.fromhex(match[1].decode("ascii")))

    def line(self) -> bytes:
        """The key as it stands in its file: 64 hex digits and LF. Secret."""
        return self._secret.hex().encode("ascii") + b"\n"

    def seal(self, user_id: int, label: str, secret: str) -> bytes:
        """Encrypt a secret, so that it opens only as the key of this user and label."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.encode("ascii"), _bound_to(user_id, label))

    def open(self, key: StoredKey) -> bytes | None:
        """The secret of a key; ``None`` when another server key sealed it, or it was altered."""
        if key.key_id != self.id:
            return None
        nonce, sealed = key.sealed[:_NONCE_BYTES], key.sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, sealed, _bound_to(key.user_id, key.label))
        except (InvalidTag, ValueError):
            return None

    def answered_by(self, keys: Sequence[StoredKey], message_id: str, answer: str) -> StoredKey | None:
        """The key that an AUTH was answered with, if it is one of these.

        The work is that of 16 keys, however many there are, and right or wrong.

        :param answer: what the client sent; hex digits in either case.
        """
        said = answer.lower().encode("utf-8")
        right: StoredKey | None = None
        for number in range(MOST):
            key = keys[number] if number < len(keys) else None
            secret = self.open(key or self._nobody)
            same = hmac.compare_digest(response(message_id, secret or self._nobodys_secret.encode("ascii")), said)
            if same and key is not None and secret is not None:
                right = key
        return right


def _bound_to(user_id: int, label: str) -> bytes:
    return f"dictd key {user_id} {label}".encode()
