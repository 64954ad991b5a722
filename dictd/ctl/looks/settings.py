"""What the settings ask of this machine: its addresses, its ports, its open files, who may come."""

from __future__ import annotations

import errno
import resource
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path

from dictd.config import Settings
from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination
from dictd.processes import descriptors, sockets
from dictd.processes.sockets import OPTION

#: The part of a path of a unix socket that the system has room for.
_LONGEST_PATH = 107


def settings(examination: Examination) -> Iterator[Finding]:
    """Whether a server could listen as they say, and what they let happen."""
    chosen = examination.shared.settings
    yield from _addresses(chosen)
    if not examination.lock.held():
        yield from _ports(chosen)
    yield from _unix(chosen)
    yield from _files(examination)
    accounts = chosen.accounts
    if accounts.registration == "open" and chosen.listen.public:
        text = "everybody who reaches this server may make an account"
        yield Finding("settings", "note", f'{text}; accounts.registration = "invite" asks for a code')
    if accounts.plaintext and chosen.listen.public:
        text = "passwords may come over the network in the clear (accounts.plaintext)"
        yield Finding("settings", "note", f"{text}; [tls] keeps them from who listens")
    if chosen.listen.public and not chosen.tls.certificate and not accounts.plaintext and not chosen.proxy.secure:
        text = "nobody can log in from another machine: there is no TLS"
        yield Finding("settings", "note", f"{text}; README.rst shows how to make a certificate for a try")


def _addresses(chosen: Settings) -> Iterator[Finding]:
    """Those that this machine does not have."""
    for address in chosen.listen.addresses:
        error = _bind(address, 0)
        if error and not (address == "::1" and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)):
            yield Finding("settings", "fault", f"{sockets.why(address, 0, error, '')}; correct listen.addresses")


def _ports(chosen: Settings) -> Iterator[Finding]:
    """Those that somebody else has; only asked while no server of ours has them."""
    wanted = [
        (address, port, OPTION[kind], "fault")
        for kind, port in sockets.ports(chosen)
        for address in chosen.listen.addresses
    ]
    if chosen.manhole.enabled and not chosen.manhole.unix:
        wanted.append((chosen.manhole.address, chosen.manhole.port, "manhole.port in the settings", "fault"))
    if chosen.metrics.enabled:
        # A server goes on without.
        wanted.append((chosen.metrics.address, chosen.metrics.port, "metrics.port in the settings", "note"))
    for address, port, option, state in wanted:
        error = _bind(address, port) if port else None
        if error and error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
            yield Finding("settings", state, sockets.why(address, port, error, option))


def _bind(address: str, port: int) -> OSError | None:
    """Why a server could not bind there. Nothing listens; a server that begins just then is not in the way."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            trial.bind((address, port))
    except OSError as error:
        return error
    return None


def _unix(chosen: Settings) -> Iterator[Finding]:
    if not chosen.listen.unix:
        return
    path = Path(chosen.listen.unix).expanduser().absolute()
    if not path.parent.is_dir():
        yield Finding(
            "settings",
            "fault",
            f"listen.unix: there is no directory {path.parent}; type: mkdir {shlex.quote(str(path.parent))}",
        )
    elif len(str(path).encode()) > _LONGEST_PATH:
        yield Finding("settings", "fault", f"listen.unix: {path} is too long, {_LONGEST_PATH} octets are the limit")


def _files(examination: Examination) -> Iterator[Finding]:
    """As many open files as there may be connections, and some."""
    chosen = examination.shared.settings
    wanted = chosen.limits.connections + descriptors.BESIDE
    lock = examination.lock
    hard = _limit_of(lock.holder()) if lock.held() else None
    whose = "this server"
    if hard is None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        whose = "this user"
    if 0 <= hard < wanted:
        text = f"{chosen.limits.connections:,} connections are allowed (limits.connections), but {whose} may have"
        yield Finding(
            "settings",
            "note",
            f"{text} {hard:,} open files a process; allow {wanted:,} by ulimit -n, or LimitNOFILE of systemd",
        )


def _limit_of(process: str) -> int | None:
    try:
        lines = Path(f"/proc/{int(process)}/limits").read_text("ascii").splitlines()
        found = next(line for line in lines if line.startswith("Max open files")).split()[4]
    except (OSError, ValueError, StopIteration, IndexError):
        return None
    return -1 if found == "unlimited" else int(found)
