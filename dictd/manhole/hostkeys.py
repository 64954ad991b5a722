"""The keys by which clients know the server, made at the first start."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from twisted.conch.ssh.keys import BadKeyError, EncryptedKeyError, Key

from dictd import secrecy
from dictd.errors import SettingsRefused

#: In the state directory; ``known_hosts`` in it is for ``dictctl shell``.
DIRECTORY, KNOWN_HOSTS = "manhole", "known_hosts"
#: The name of every server in its own ``known_hosts``.
ALIAS = "dictd"
_RSA_BITS = 3072
_LONGEST = 1 << 16

_Private = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

#: An RSA key as well: conch takes RSA keys of clients only if it has one itself (twisted #12107).
_KINDS: tuple[tuple[str, Callable[[], _Private]], ...] = (
    ("ssh_host_ed25519_key", ed25519.Ed25519PrivateKey.generate),
    ("ssh_host_rsa_key", lambda: rsa.generate_private_key(65537, _RSA_BITS)),
)


def prepared(directory: Path) -> list[Key]:
    """The keys; the directory, and what is missing in it, is made.

    A new RSA key takes about half a second, once.

    :raises SettingsRefused: others may read a key, or one cannot be made or read; with what to type.
    """
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        if stat.S_IMODE(directory.stat().st_mode) & 0o022:
            raise SettingsRefused(f"{directory} can be written by others; type: chmod 700 {_quoted(directory)}")
        keys = []
        for name, make in _KINDS:
            if not (directory / name).exists():
                secrecy.made(directory / name, _text(make()))
            keys.append(_read(directory / name))
        _pin(directory / KNOWN_HOSTS, keys)
    except OSError as error:
        raise SettingsRefused(f"{error.filename or directory} cannot be used: {error.strerror or error}") from None
    return keys


def _text(key: _Private) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )


def _read(path: Path) -> Key:
    # Without waiting: what is there may be a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SettingsRefused(f"{path} is not a file")
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise SettingsRefused(f"{path} can be read by others; type: chmod 600 {_quoted(path)}")
        text = os.read(descriptor, _LONGEST)
    finally:
        os.close(descriptor)
    try:
        key = Key.fromString(text)
        if key.isPublic():
            raise BadKeyError("public")
    except EncryptedKeyError:
        raise SettingsRefused(f"{path} has a passphrase, and nobody is there to type it") from None
    except Exception:  # noqa: BLE001 - conch and cryptography have many words for it
        raise SettingsRefused(f"{path} is not a private key; take it away, and another is made") from None
    return key


def _pin(path: Path, keys: list[Key]) -> None:
    """Write for ssh which keys are ours."""
    text = b"".join(b"%s %s\n" % (ALIAS.encode(), key.public().toString("openssh").strip()) for key in keys)
    with suppress(FileNotFoundError):
        if path.read_bytes() == text:
            return
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(text)
    os.replace(fresh, path)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
