"""Who is let in: whoever has a key of ``authorized_keys``, under any name."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from twisted.conch.error import ValidPublicKey
from twisted.conch.interfaces import IConchUser
from twisted.conch.ssh.common import getNS
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.userauth import SSHUserAuthServer
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import ISSHPrivateKey
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm
from twisted.internet.defer import Deferred, execute
from twisted.logger import Logger
from zope.interface import implementer

from dictd.manhole import authorized
from dictd.manhole.authorized import KeysRefused, PublicKey
from dictd.manhole.plain import one_line
from dictd.manhole.quiet import QUIET

#: Seconds from the connection to the login.
GRACE = 20.0
#: Wrong keys of one connection; an agent may have many.
_MOST_ATTEMPTS = 20
_RSA_BITS = 2048
#: Signatures made with SHA-1.
_OLD_SIGNATURES = (b"ssh-rsa", b"ssh-dss")
_LONGEST_NAME = 64


@frozen
class Guest:
    """Somebody who was let in.

    :ivar name: as they called themselves; it gives no right.
    """

    name: str
    key: PublicKey

    @property
    def shown(self) -> str:
        """For the log."""
        comment = f" {one_line(self.key.comment, _LONGEST_NAME)}" if self.key.comment else ""
        return f"{one_line(self.name, _LONGEST_NAME)} with the key{comment} {self.key.fingerprint}"


@implementer(ICredentialsChecker)
@define(eq=False)
class KeyChecker:
    """Lets in who has a key of the file.

    :param wall: seconds since 1970.
    """

    credentialInterfaces = (ISSHPrivateKey,)
    path: Path
    _wall: Callable[[], float] = time.time
    _told: set[str] = field(factory=set, init=False)
    log = Logger()

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """The :class:`Guest` of credentials; no key is asked to sign that would not be let in."""
        return execute(self._guest, credentials)

    def lets_in(self, guest: Guest) -> bool:
        """Whether somebody who was let in would be now."""
        try:
            return self._listed(guest.key.blob) is not None
        except UnauthorizedLogin:
            return False

    def _guest(self, credentials: Any) -> Guest:
        found = self._listed(credentials.blob)
        if found is None:
            shown = authorized.fingerprint(credentials.blob)
            self.log.warn("a key is not let in, it is not in {path}: {key}", path=self.path, key=shown)
            raise UnauthorizedLogin
        if credentials.signature is None:
            raise ValidPublicKey
        key = Key.fromString(credentials.blob)
        if key.type() == "RSA" and key.size() < _RSA_BITS:
            words = "a key is not let in, it has less than {bits} bits: {key}"
            self.log.warn(words, bits=_RSA_BITS, key=found.fingerprint)
            raise UnauthorizedLogin
        signed_as = getNS(credentials.signature)[0]
        if signed_as in _OLD_SIGNATURES or not key.verify(credentials.signature, credentials.sigData):
            self.log.warn("a signature is wrong, or of an old kind: {key}", key=found.fingerprint)
            raise UnauthorizedLogin
        return Guest(credentials.username.decode("utf-8", "replace"), found)

    def _listed(self, blob: bytes) -> PublicKey | None:
        try:
            lines = list(authorized.read(self.path))
        except KeysRefused as refused:
            self.log.error("nobody is let in: {trouble}", trouble=refused.text)
            raise UnauthorizedLogin from None
        listed = None
        for number, line in lines:
            if not isinstance(line, PublicKey):
                told = f"{self.path}:{number}: {line.text}"
                if told not in self._told:
                    self._told.add(told)
                    self.log.warn("{told}", told=told)
            elif line.blob == blob and listed is None:
                if line.until is None or self._wall() < line.until:
                    listed = line
                else:
                    self.log.warn("a key is not let in, its expiry-time is over: {key}", key=line.fingerprint)
        return listed


@implementer(IRealm)
@frozen
class Realm:
    """Makes the avatar of a guest.

    :param avatar: of a guest.
    """

    _avatar: Callable[[Guest], Any]

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """What conch asks for."""
        return IConchUser, self._avatar(avatarId), lambda: None


class UserAuth(SSHUserAuthServer):
    """Public keys only, as the portal has no other checker."""

    _log = QUIET
    loginTimeout = GRACE  # type: ignore[assignment]
    attemptsBeforeDisconnect = _MOST_ATTEMPTS

    def auth_publickey(self, packet: bytes) -> Any:
        """Anything that is no key fails quietly; conch would tell each in a line that anybody can make long."""
        try:
            Key.fromString(getNS(packet[1:], 2)[1])
        except Exception:  # noqa: BLE001 - conch and cryptography have many words for it
            return execute(_refuse)
        return super().auth_publickey(packet)


def _refuse() -> None:
    raise UnauthorizedLogin
