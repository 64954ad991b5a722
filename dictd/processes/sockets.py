"""Listening sockets: opened once, refused in one line when the port is taken.

Each worker has a socket of its own on every address, so that the kernel shares
connections out evenly, and whoever opened them keeps them for life: what waits
in the queue of a worker that died is there for the next one. Linux drops the
queue of such a socket only when the last process closes it.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from dictd.config import Settings
from dictd.errors import SettingsRefused

_GREETING_PATIENCE = 0.5
#: What comes in where: the line protocol, the same in TLS, and the same behind a proxy's header.
DICT, DICTS, PROXY = "dict", "dicts", "proxy"
KINDS = (DICT, DICTS, PROXY)
#: The option that names the port of each kind.
OPTION = {DICT: "--port", DICTS: "tls.port in the settings", PROXY: "proxy.port in the settings"}
#: The first descriptor that systemd hands over, sd_listen_fds(3).
_FIRST_INHERITED = 3


@define(eq=False)
class Entrance:
    """One address where clients come in.

    :ivar kind: one of :data:`KINDS`.
    :ivar address: an IP address, or the path of a unix socket.
    :ivar asked: the port as the settings have it; 0 let the system choose.
    :ivar sockets: one a worker, or one for all where the kernel has no such thing.
    :ivar inherited: systemd opened it, and keeps it.
    """

    kind: str
    address: str
    asked: int
    sockets: list[socket.socket] = field(factory=list)
    inherited: bool = False

    @property
    def shown(self) -> str:
        """``127.0.0.1:2628``, ``[::1]:2628`` or a path, with what is special about it."""
        special = {DICT: "", DICTS: " (TLS)", PROXY: " (for proxies)"}[self.kind]
        return where(self.sockets[0]) + special

    @property
    def port(self) -> int:
        """The port, also where the system chose it; 0 of a unix socket."""
        return 0 if self.sockets[0].family == socket.AF_UNIX else int(self.sockets[0].getsockname()[1])

    @property
    def shared(self) -> bool:
        """Whether all workers have one socket."""
        return self.sockets[0].family == socket.AF_UNIX or self.inherited

    def widen(self, count: int, backlog: int) -> None:
        """Have a socket for each of so many workers.

        :raises SettingsRefused: the system has no more.
        """
        while len(self.sockets) < count and not self.shared:
            first = self.sockets[0]
            try:
                more = _listening(first.family, self.address, self.port, backlog, dual=_is_dual(first), after=True)
            except OSError as error:
                raise SettingsRefused(why(self.address, self.port, error, OPTION[self.kind])) from None
            self.sockets.append(more)

    def narrow(self, count: int) -> None:
        """Close the sockets of workers that did not come to be."""
        while len(self.sockets) > count and not self.shared:
            self.sockets.pop().close()

    def close(self) -> None:
        """Close the sockets; of a unix socket the file goes too."""
        for listening in self.sockets:
            if listening.family == socket.AF_UNIX and not self.inherited:
                with suppress(OSError):
                    os.unlink(self.address)
            listening.close()


def entrances(
    settings: Settings,
    environment: Mapping[str, str],
    before: Sequence[Entrance] = (),
) -> list[Entrance]:
    """Listen wherever the settings say, or on what systemd hands over.

    :param before: those that are open already; one that still fits is taken over as it is.
    :returns: with a socket for each worker.
    :raises SettingsRefused: one line that says which address and why; nothing new is left open.
    """
    listen, count = settings.listen, max(1, settings.listen.processes)
    opened: list[Entrance] = []
    found: list[Entrance] = []
    widths = [(one, len(one.sockets)) for one in before]
    try:
        if any(one.inherited for one in before):
            found = [one for one in before if one.inherited]
        else:
            found = _inherited(environment)
            opened += found
        if not found:
            for kind, asked in ports(settings):
                # Where the system was to choose, it has chosen once.
                port = asked or next((one.port for one in before if (one.kind, one.asked) == (kind, 0)), 0)
                for address in listen.addresses:
                    old = _still(before, kind, address, asked)
                    beside = any(port and one.port == port for one in before)
                    has_ipv4 = "0.0.0.0" in listen.addresses  # noqa: S104
                    one = old or _open(kind, address, port, asked, listen.backlog, has_ipv4, beside)
                    if one is None:
                        continue
                    found.append(one)
                    if old is None:
                        opened.append(one)
                    port = port or one.port
            if not found:
                raise SettingsRefused(f"none of the addresses {', '.join(listen.addresses)} is of this machine")
            if listen.unix:
                path = str(Path(listen.unix).expanduser().absolute())
                old = _still(before, DICT, path, 0)
                found.append(old or _open_unix(path, listen.backlog))
                if old is None:
                    opened.append(found[-1])
        for one in found:
            one.widen(count, listen.backlog)
    except SettingsRefused:
        close(opened)
        for one, width in widths:
            one.narrow(width)  # what nobody listens on would take its share of the clients
        raise
    return found


def close(opened: Iterable[Entrance]) -> None:
    """Close entrances."""
    for one in opened:
        one.close()


def bound(address: str, port: int, backlog: int = 64, option: str = "") -> socket.socket:
    """One listening socket.

    :param option: what chooses another port.
    :raises SettingsRefused: one line that says why not.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return _listening(family, address, port, backlog, dual=False)
    except OSError as error:
        raise SettingsRefused(why(address, port, error, option)) from None


def where(listening: socket.socket) -> str:
    """Where a socket listens, to be shown."""
    name = listening.getsockname()
    if isinstance(name, str):
        return name
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ports(settings: Settings) -> list[tuple[str, int]]:
    """The kinds of entrances there are, each with its port."""
    ports = [(DICT, settings.listen.port)]
    if settings.tls.certificate:
        ports.append((DICTS, settings.tls.port))
    if settings.proxy.trusted:
        ports.append((PROXY, settings.proxy.port))
    return ports


def _still(before: Sequence[Entrance], kind: str, address: str, asked: int) -> Entrance | None:
    return next((one for one in before if (one.kind, one.address, one.asked) == (kind, address, asked)), None)


def _open(
    kind: str, address: str, port: int, asked: int, backlog: int, has_ipv4: bool, beside: bool
) -> Entrance | None:
    """Listen on an address; ``::1`` is left out where the machine has no IPv6.

    :param beside: another entrance of ours has the port: one address of the machine, and this is all of them, say.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        dual = address == "::" and not has_ipv4
        listening = _listening(family, address, port, backlog, dual=dual, after=beside)
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT or (address == "::1" and error.errno == errno.EADDRNOTAVAIL):
            return None
        raise SettingsRefused(why(address, port, error, OPTION[kind])) from None
    return Entrance(kind, address, asked, [listening])


def _open_unix(path: str, backlog: int) -> Entrance:
    """Listen on a unix socket; a file that a dead server left is taken away, and nobody else's."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
            try:
                asked.connect(path)
            except ConnectionRefusedError:
                if Path(path).is_socket():
                    os.unlink(path)
            else:
                raise SettingsRefused(f"{path} is taken by another program; choose another with listen.unix")
        listening.bind(path)
        os.chmod(path, 0o666)  # noqa: S103 - as a port of this machine is open to everybody on it
        listening.listen(backlog)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise SettingsRefused(f"{path} cannot be listened on: {error.strerror or error}") from None
    except SettingsRefused:
        listening.close()
        raise
    return Entrance(DICT, path, 0, [listening])


def _listening(family: int, address: str, port: int, backlog: int, *, dual: bool, after: bool = False) -> socket.socket:
    """A listening socket.

    :param after: beside others on the same port. The first is bound alone, so that a second
        server on the port fails; only then others of this process may join it.
    """
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        if after:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((address, port))
        if not after:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.listen(backlog)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening


def _is_dual(listening: socket.socket) -> bool:
    return listening.family == socket.AF_INET6 and not listening.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


def _inherited(environment: Mapping[str, str]) -> list[Entrance]:
    """What systemd hands over, sd_listen_fds(3): the names of descriptors are kinds, any other name is ``dict``.

    Several sockets of one address (``ReusePort=yes``) are shared out among the workers.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return []
    try:
        count = int(environment.get("LISTEN_FDS", ""))
    except ValueError:
        return []
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    found: dict[tuple[str, str], Entrance] = {}
    for number in range(count):
        try:
            listening = socket.socket(fileno=_FIRST_INHERITED + number)
            if not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise SettingsRefused(f"systemd handed over descriptor {_FIRST_INHERITED + number}: it does not listen")
        except OSError as error:
            text = f"systemd handed over descriptor {_FIRST_INHERITED + number}: {error.strerror}"
            raise SettingsRefused(text) from None
        listening.setblocking(False)
        os.set_inheritable(listening.fileno(), False)
        kind = names[number] if number < len(names) and names[number] in KINDS else DICT
        one = found.setdefault((kind, where(listening)), Entrance(kind, where(listening), 0, [], inherited=True))
        one.sockets.append(listening)
    return list(found.values())


def why(address: str, port: int, error: OSError, option: str) -> str:
    """Why a port cannot be listened on, and what to do.

    :param option: what chooses another port.
    """
    there = f"port {port} of {address}"
    if error.errno == errno.EADDRINUSE:
        greeting = _greeting(address, port)
        by = f" by {greeting}" if greeting else " by another program"
        return f"{there} is taken{by}; stop that one, or choose another port with {option}"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{there} needs more rights than this user has; choose a port above 1023 with {option}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{address} is not an address of this machine"
    return f"{there} cannot be listened on: {error.strerror}"


def _greeting(address: str, port: int) -> str:
    """Who holds a port, if it is a DICT server: Debian's dictd often does."""
    try:
        with socket.create_connection((address, port), _GREETING_PATIENCE) as connection:
            banner = connection.recv(512).decode("utf-8", "replace").split()
    except OSError:
        return ""
    if len(banner) < 4 or banner[0] != "220":
        return ""
    return f"a DICT server ({' '.join(banner[2:4])})".replace("\n", " ")
