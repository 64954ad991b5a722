"""``authorized_keys``: whose keys are let in. Read at each login, so that a line taken out holds at once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import shlex
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from attrs import field, frozen

from dictd.errors import DictError

#: The file in the directory of the keys, unless the settings name another.
FILE = "authorized_keys"
_LONGEST_FILE = 1 << 20
#: What keys can be, but for DSA, which nobody should have any more.
KINDS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
#: Options for what nobody can do here anyway.
_NEVER = frozenset({"no-agent-forwarding", "no-port-forwarding", "no-x11-forwarding", "no-user-rc"})
#: An option with its value in quotes, sshd(8).
_OPTION = re.compile(r'([A-Za-z0-9-]+)(?:="((?:[^"\\]|\\.)*)")?(?:,|$)')
_OPTIONS = re.compile(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+')


class KeysRefused(DictError):
    """No key of the file is let in; the text says why, and what to type."""


class NoKey(DictError):
    """A line is not a key that can be let in; the text says why."""


@frozen
class PublicKey:
    """A line of the file.

    :ivar blob: the key as clients send it.
    :ivar comment: what stands behind it.
    :ivar until: seconds since 1970 when it is no longer let in, or ``None``.
    :ivar terminal: whether it may have one.
    """

    kind: str
    blob: bytes = field(repr=False)
    comment: str = ""
    until: float | None = None
    terminal: bool = True

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` shows it."""
        return fingerprint(self.blob)


def fingerprint(blob: bytes) -> str:
    """``SHA256:`` and 43 characters."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def parse(line: str) -> PublicKey:
    """A line of ``authorized_keys``.

    Of the options ``expiry-time``, ``restrict``, ``pty`` and ``no-pty`` are kept to; those that forbid what nobody
    can do here are taken as they are.

    :raises NoKey: it is none, or has an option that cannot be kept to.
    """
    line = line.strip()
    if "PRIVATE KEY" in line:
        raise NoKey("this is a private key; its public key is in the file of the same name with .pub")
    options = ""
    if not line.startswith(KINDS):
        found = _OPTIONS.match(line)
        options, line = (found[0], line[found.end() :].strip()) if found else ("", line)
    kind, _, rest = line.partition(" ")
    encoded, _, comment = rest.strip().partition(" ")
    if kind not in KINDS:
        raise NoKey("this is not a public key of OpenSSH: ssh-ed25519, ecdsa-sha2-..., ssh-rsa")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        blob = b""
    if blob[: 4 + len(kind)] != len(kind).to_bytes(4, "big") + kind.encode():
        raise NoKey(f"this {kind} key is not whole")
    until, terminal = _options(options)
    return PublicKey(kind, blob, comment.strip(), until, terminal)


def _options(written: str) -> tuple[float | None, bool]:
    """Until when a key is let in, and whether it may have a terminal."""
    until, terminal, place = None, True, 0
    while place < len(written):
        found = _OPTION.match(written, place)
        if found is None:
            raise NoKey("what stands before the key is neither an option nor a kind of key")
        place, name, value = found.end(), found[1].lower(), found[2]
        if name == "expiry-time" and value is not None:
            until = _moment(value)
        elif name in ("restrict", "no-pty"):
            terminal = False
        elif name == "pty":
            terminal = True
        elif name not in _NEVER:
            raise NoKey(f"its option {name} cannot be kept to here, so the key is not let in")
    return until, terminal


def _moment(written: str) -> float:
    """``YYYYMMDD[Z]`` or ``YYYYMMDDHHMM[SS][Z]``, of the local time unless there is a ``Z``."""
    digits, zone = (written[:-1], UTC) if written[-1:] in ("Z", "z") else (written, None)
    form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
    if form is None or not digits.isdigit():
        raise NoKey(f"its expiry-time {written!r} is not YYYYMMDD or YYYYMMDDHHMM")
    try:
        return datetime.strptime(digits, form).replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        raise NoKey(f"its expiry-time {written!r} is no date") from None


def read(path: Path) -> Iterator[tuple[int, PublicKey | NoKey]]:
    """The lines of the file, with their numbers; those that are no key say why.

    :raises KeysRefused: there is no such file, or others than root and we could have written it.
    """
    quoted = shlex.quote(str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeysRefused(f"there is no {path}; dictctl shell --authorize FILE.pub makes it") from None
    except OSError as error:
        raise KeysRefused(f"{path} cannot be read: {error.strerror}") from None
    try:
        found, above = os.fstat(descriptor), os.stat(path.resolve().parent)
        if not stat.S_ISREG(found.st_mode):
            raise KeysRefused(f"{path} is not a file")
        for owned, name in ((found, quoted), (above, shlex.quote(str(path.resolve().parent)))):
            if owned.st_uid not in (0, os.geteuid()):
                raise KeysRefused(
                    f"{name} belongs to another user (#{owned.st_uid}), who could let anybody in;"
                    f" type: chown {os.geteuid()} {name}"
                )
            if stat.S_IMODE(owned.st_mode) & 0o022:
                raise KeysRefused(f"{name} can be written by others; type: chmod go-w {name}")
        if found.st_size > _LONGEST_FILE:
            raise KeysRefused(f"{path} is longer than {_LONGEST_FILE:,} octets")
        text = os.read(descriptor, _LONGEST_FILE).decode("utf-8", "replace")
    except OSError as error:
        raise KeysRefused(f"{path} cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    return _lines(text)


def _lines(text: str) -> Iterator[tuple[int, PublicKey | NoKey]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                yield number, parse(line)
            except NoKey as refused:
                yield number, refused
