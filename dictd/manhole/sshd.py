"""SSH for the shell: connections, and the sessions in them. No forwarding, no files, no compression."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any, cast

from twisted.conch.avatar import ConchUser
from twisted.conch.ssh.common import NS, getNS
from twisted.conch.ssh.connection import (
    MSG_CHANNEL_OPEN_FAILURE,
    OPEN_RESOURCE_SHORTAGE,
    OPEN_UNKNOWN_CHANNEL_TYPE,
    SSHConnection,
)
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.transport import DISCONNECT_BY_APPLICATION, SSHServerTransport
from twisted.cred.portal import Portal
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.logger import Logger

from dictd.manhole.channels import Channel
from dictd.manhole.entering import GRACE, Guest, KeyChecker, Realm, UserAuth
from dictd.manhole.quiet import QUIET
from dictd.manhole.shell import MOST_SESSIONS, Shell

#: How often it is looked whether those who are in would still be let in, seconds.
LOOK_EVERY = 5.0
#: So many looks in a row find the key missing before it is: an editor may just write the file.
_LOOKS = 2
_NO_KEY = "the key is not in the list of this server any more, or its time is over"

_log = Logger()


class Avatar(ConchUser):
    """A guest, as conch wants one."""

    def __init__(self, guest: Guest) -> None:
        super().__init__()
        self.guest = guest


class Connection(SSHConnection):
    """The sessions of one connection; anything else is refused, quietly."""

    transport: Any
    _log = QUIET

    def ssh_CHANNEL_OPEN(self, packet: bytes) -> None:
        """Another channel."""
        kind, rest = getNS(packet)
        shell: Shell = self.transport.factory.shell
        if kind != Channel.name:
            self._refuse(rest, OPEN_UNKNOWN_CHANNEL_TYPE, b"only sessions can be had here")
        elif len(shell.sessions) >= MOST_SESSIONS:
            _log.warn("a session of the shell is refused: {count} are open", count=len(shell.sessions))
            self._refuse(rest, OPEN_RESOURCE_SHORTAGE, b"%d sessions are open, no more can be" % MOST_SESSIONS)
        else:
            super().ssh_CHANNEL_OPEN(packet)

    def getChannel(self, channelType: bytes, windowSize: int, maxPacket: int, data: bytes) -> Channel:
        """A session."""
        channel = Channel(self.transport.factory.shell, self.transport.avatar.guest, windowSize, maxPacket)
        channel.conn = self
        return channel

    def _refuse(self, rest: bytes, reason: int, words: bytes) -> None:
        sender = struct.unpack(">L", rest[:4])[0]
        self.transport.sendPacket(MSG_CHANNEL_OPEN_FAILURE, struct.pack(">2L", sender, reason) + NS(words) + NS(b"en"))


class Transport(SSHServerTransport):
    """One connection.

    What conch offers of old is left out: CBC, MD5, SHA-1; and compression, by which
    a stranger could make much of little.
    """

    factory: Any
    transport: Any
    _log = QUIET
    ourVersionString = b"SSH-2.0-dictd"
    supportedCiphers = [name for name in SSHServerTransport.supportedCiphers if name.endswith(b"-ctr")]
    supportedMACs = [b"hmac-sha2-512", b"hmac-sha2-384", b"hmac-sha2-256"]
    supportedKeyExchanges = [
        name
        for name in SSHServerTransport.supportedKeyExchanges
        if not name.startswith(b"diffie-hellman") and not name.endswith(b"sha1")
    ]
    supportedCompressions = [b"none"]
    _patience: Any = None
    _look: Any = None
    _missing = 0

    def connectionMade(self) -> None:
        """Somebody is there, who has to log in soon."""
        shell: Shell = self.factory.shell
        shell.welcome(self)
        self._patience = shell.reactor.callLater(GRACE, self._too_late)
        if getattr(self.transport, "setTcpKeepAlive", None) is not None:
            self.transport.setTcpKeepAlive(True)
            self.transport.setTcpNoDelay(True)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        """Whatever comes, nobody who has not logged in can have a traceback written."""
        try:
            super().dataReceived(data)
        except Exception as error:  # noqa: BLE001 - conch does not expect to be lied to
            if self._patience is not None:
                _log.warn("no SSH from {peer}: {error}", peer=self.peer_shown(), error=type(error).__name__)
            else:
                _log.failure("trouble on a connection of the shell")
            self.transport.abortConnection()

    def setService(self, service: Any) -> None:
        """Who has logged in is no stranger."""
        super().setService(service)
        if isinstance(service, Connection):
            self._known()
            self._look_later()

    def connectionLost(self, reason: Any = None) -> None:
        """Gone."""
        self._known()
        if self._look is not None and self._look.active():
            self._look.cancel()
        super().connectionLost(reason)

    def peer_shown(self) -> str:
        """Where somebody comes from, for the log."""
        peer = self.transport.getPeer()
        if isinstance(peer, IPv4Address | IPv6Address):
            return f"[{peer.host}]:{peer.port}" if ":" in peer.host else f"{peer.host}:{peer.port}"
        try:
            told = self.transport.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except (AttributeError, OSError):
            return "a unix socket"
        process, user, _ = struct.unpack("3i", told)
        return f"process {process} of user #{user}"

    def _known(self) -> None:
        if self._patience is not None:
            if self._patience.active():
                self._patience.cancel()
            self._patience = None
            self.factory.shell.strangers.pop(self, None)

    def drop(self) -> None:
        """Make room for others."""
        self._known()
        self.transport.abortConnection()

    def _look_later(self) -> None:
        self._look = self.factory.shell.reactor.callLater(LOOK_EVERY, self._look_again)

    def _look_again(self) -> None:
        """Who would not be let in any more goes, and whoever shares the connection."""
        guest: Guest = cast(Avatar, self.avatar).guest
        self._missing = 0 if self.factory.checker.lets_in(guest) else self._missing + 1
        if self._missing < _LOOKS:
            self._look_later()
            return
        _log.warn("a connection to the shell is ended, {why}: {guest}", why=_NO_KEY, guest=guest.shown, audit=True)
        self.sendDisconnect(DISCONNECT_BY_APPLICATION, _NO_KEY.encode())

    def _too_late(self) -> None:
        self.transport.abortConnection()


class ShellFactory(SSHFactory):
    """Listens for connections."""

    noisy = False
    _log = QUIET
    protocol = Transport
    services = {b"ssh-userauth": UserAuth, b"ssh-connection": Connection}
    primes = None

    def __init__(self, shell: Shell, path: Path, host_keys: list[Key]) -> None:
        self.shell = shell
        self.checker = KeyChecker(path)
        self.portal = Portal(Realm(Avatar), [self.checker])
        self.publicKeys = {key.sshType(): key.public() for key in host_keys}
        self.privateKeys = {key.sshType(): key for key in host_keys}
