"""What can be set: the sections of the settings, their defaults, what they may hold.

Each key says its meaning here; ``etc/dictd.toml`` is written from it.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs
from attrs import field, frozen

from dictd import checks

#: What "auto" never goes beyond.
_MOST_CORES = 32


def _key(
    default: Any,
    about: str,
    check: checks.Check | None = None,
    example: Any = None,
    converter: Callable[[Any], Any] | None = None,
    secret: bool = False,
) -> Any:
    """A key; one without a default must be written out, and has an example.

    :param secret: it is shown nowhere, and stands in no file.
    """
    return field(
        default=default,
        converter=converter,
        repr=not secret,
        metadata={"about": about, "check": check, "example": example or default, "secret": secret},
    )


@frozen
class Named:
    """Sections with names, ``[dictionary.NAME]``: in the file alone, any number of them.

    :ivar kept_as: the attribute of the settings; there they are by name, in lower case.
    :ivar example: a name for the document.
    """

    kind: type[Any]
    kept_as: str
    example: str


def _by_name() -> Any:
    # A mapping has no hash; settings have one all the same.
    return field(default=MappingProxyType({}), hash=False)


@frozen
class Site:
    """How the server calls itself."""

    name: str = _key("", "Shown in the banner. Empty: the name of this machine.", checks.site_name)
    contact: str = _key("", "One line that SHOW SERVER shows: whom to ask.", checks.one_line)

    @property
    def host(self) -> str:
        """The name in the banner; never empty, never with a blank."""
        return self.name or re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "localhost"


@frozen
class Listen:
    """Where clients come in."""

    addresses: tuple[str, ...] = _key(
        ("127.0.0.1", "::1"),
        'IP addresses to listen on. ["0.0.0.0", "::"] serves the whole network; so does "::" alone.',
        checks.addresses,
    )
    port: int = _key(2628, "TCP port; 2628 is the DICT port. 0 lets the system choose.", checks.between(0, 65535))
    backlog: int = _key(1024, "Connections the system may hold while the server is busy.", checks.between(1, 65535))
    unix: str = _key("", "Path of a unix socket to listen on as well; who comes by it is on this machine.", checks.path)
    workers: int | str = _key(
        "auto",
        'Worker processes. "auto": one a core. 0 serves in the one process that twistd starts.',
        checks.workers,
    )
    retire_seconds: float = _key(
        30.0,
        "When the server is reloaded: how long open connections may go on with the worker they have.",
        checks.between(0, 3600),
    )

    @property
    def processes(self) -> int:
        """How many workers there are to be; 0: none, the process itself serves."""
        if isinstance(self.workers, int):
            return self.workers
        return min(len(os.sched_getaffinity(0)), _MOST_CORES)

    @property
    def public(self) -> bool:
        """Whether another machine can connect."""
        return not all(ipaddress.ip_address(address).is_loopback for address in self.addresses)


@frozen
class TLS:
    """TLS, on a port of its own and by STARTTLS on the other; off until there is a certificate."""

    certificate: str = _key(
        "", "PEM file with the certificate, and those between it and its root. Empty: no TLS.", checks.path
    )
    key: str = _key("", "PEM file with its private key, readable by dictd alone. Empty: the same file.", checks.path)
    port: int = _key(2629, "TCP port where TLS begins at once. 0 lets the system choose.", checks.between(0, 65535))
    minimum: str = _key("1.2", "The oldest version of TLS that is spoken.", checks.one_of("1.2", "1.3"))


@frozen
class Proxy:
    """A port for proxies that say whom they bring: the PROXY protocol of HAProxy, version 1 or 2."""

    trusted: tuple[str, ...] = _key(
        (),
        "Addresses or networks of the proxies. Others are cut off at this port, and so is a proxy that does not\n"
        "say whom it brings. Empty: no such port.",
        checks.networks,
    )
    port: int = _key(2630, "TCP port, on listen.addresses. 0 lets the system choose.", checks.between(0, 65535))
    secure: bool = _key(False, "Whether the proxy speaks TLS with its clients, so that they may send passwords.")


@frozen
class Store:
    """Where accounts, history and the words of dictionaries are kept."""

    url: str = _key(
        "sqlite",
        '"sqlite" keeps two files in the state directory; nothing to set up. MySQL or MariaDB:\n'
        '"mysql://user@host1:3306,host2/database"; several hosts are tried in this order. On this machine\n'
        '"mysql://user@localhost/database?socket=/run/mysqld/mysqld.sock". dictctl migrate makes its tables.',
        checks.store,
    )
    password: str = _key(
        "", "The password for MySQL. Not in this file: DICTD_STORE_PASSWORD in the environment, or", secret=True
    )
    password_file: str = _key("", "a file that holds it and nothing else, readable by dictd alone.", checks.path)
    ca: str = _key(
        "",
        "PEM file with the certificates that the database's is signed by. With it the connection is by TLS,\n"
        "and the name of the host must be in the certificate. Empty: no TLS, for a database on this machine.",
        checks.path,
    )
    connections: int = _key(4, "Connections to MySQL of one worker, at most.", checks.between(1, 64))
    connect_seconds: float = _key(2.0, "How long MySQL may take to let us connect.", checks.between(0.1, 60))
    answer_seconds: float = _key(
        2.0,
        "How long the database may take to answer; then accounts say that they are away, look-ups go on.",
        checks.between(0.1, 60),
    )


@frozen
class State:
    """What the server keeps on this machine."""

    directory: str = _key(
        "",
        "The state directory. Empty: ./var where that is one, /var/lib/dictd for root,\n"
        "$XDG_STATE_HOME/dictd (~/.local/state/dictd) for everybody else.",
    )


@frozen
class Accounts:
    """Who may have an account, and how passwords are kept."""

    registration: str = _key(
        "open",
        '"open": everybody may REGISTER. "invite": who has a code of dictctl invite. "closed": nobody.\n'
        "Must be written out when listen.addresses can be reached from other machines.",
        checks.one_of("open", "invite", "closed"),
    )
    anonymous: bool = _key(True, "Whether look-ups are answered before login.")
    plaintext: bool = _key(False, "Whether passwords may come from other machines over a connection without TLS.")
    hash_memory_kib: int = _key(
        19456, "Memory of one argon2id hash, KiB (19456 is the OWASP minimum).", checks.between(8192, 262144)
    )
    hash_passes: int = _key(2, "Passes of one argon2id hash.", checks.between(1, 10))
    hash_queue: int = _key(
        64, "Logins that may wait for the hash thread; more are answered 480.", checks.between(1, 1000)
    )
    registrations_per_hour: int = _key(
        60, "REGISTER commands an hour from one network (IPv4 address, IPv6 /64).", checks.between(1, 100000)
    )


@frozen
class History:
    """How look-ups of logged-in users are kept."""

    group_rows: int = _key(256, "Rows committed together at most.", checks.between(1, 1000))
    waiting_rows: int = _key(
        4096, "Rows that may wait for a commit; beyond, answers say (history not confirmed).", checks.between(1, 100000)
    )
    confirm_seconds: float = _key(
        2.0, "How long an answer waits for its row before it says (history not confirmed).", checks.between(0.1, 60)
    )
    spool_mib: int = _key(
        64,
        "While the store is away rows are kept in spool/ of the state directory, and come into the store when it is\n"
        "back: so much of one worker, MiB. 0: not at all.",
        checks.between(0, 1 << 20),
    )
    misses: bool = _key(
        True,
        "Whether words that nobody finds are counted, without who asked, so that dictctl misses can tell what is\n"
        "missed. Those of users who have said HISTORY OFF never are.",
    )


@frozen
class Limits:
    """What one client may ask of the server; all workers count together."""

    connections: int = _key(
        10000, "Connections at a time; one more is answered 420 and closed.", checks.between(1, 1000000)
    )
    connections_per_network: int = _key(64, "Connections at a time from one network.", checks.between(1, 1000000))
    new_per_second: int = _key(
        20,
        "New connections a second from one network; three seconds' worth may come at once.",
        checks.between(1, 1000000),
    )
    ipv4_prefix: int = _key(32, "What is one network: addresses with so many bits in common.", checks.between(8, 32))
    ipv6_prefix: int = _key(64, "The same for IPv6; a customer often has a /56 or a /48.", checks.between(16, 128))
    exempt: tuple[str, ...] = _key(
        ("127.0.0.0/8", "::1"),
        "Addresses or networks whose connections are counted only in all: this machine, perhaps the one address\n"
        "that a whole school has. Unix sockets always are. Wrong passwords cost time there too.",
        checks.networks,
    )
    reserved_percent: int = _key(
        10,
        "The last connections, in hundredths, are for those who log in: look-ups before are 420.",
        checks.between(0, 90),
    )
    login_seconds: int = _key(15, "Time to LOGIN on one of those; then 421.", checks.between(1, 3600))
    first_seconds: int = _key(60, "Time to the first command; then 421.", checks.between(1, 86400))
    idle_seconds: int = _key(600, "Silence after which a connection is closed with 421.", checks.between(1, 86400))
    line_seconds: int = _key(10, "Time for a whole line once its first byte has come.", checks.between(1, 3600))
    line_octets: int = _key(
        6144,
        "Octets of one line with its end; a longer one is answered 500. RFC 2229 says 6144.",
        checks.between(1024, 1 << 20),
    )
    unread_seconds: int = _key(
        30,
        "A client that takes nothing of its answers for so long is cut; a slow one is not.",
        checks.between(1, 86400),
    )
    unread_kib: int = _key(
        64,
        "Answers that are made before the client takes them, KiB; what it asks more has to wait.",
        checks.between(1, 65536),
    )
    bad_commands: int = _key(
        20,
        "So many answers 500, 501, 502 or 503 in a row, then 421. A good command forgives all.",
        checks.between(1, 1000000),
    )
    lines_a_turn: int = _key(
        64, "Commands of one client that are answered before others have a turn.", checks.between(1, 1000000)
    )
    matches: int = _key(
        2000, "Matches in one answer; the last line says when there were more.", checks.between(1, 1000000)
    )
    match_seconds: float = _key(
        1.0,
        "How long one MATCH may search, seconds of work; the last line says when it was stopped.",
        checks.between(0.05, 60),
    )
    worker_memory_mib: int = _key(
        1024,
        "Memory of one worker, MiB, without the dictionaries: beyond it another takes its place, beyond twice\n"
        "as much it is killed. 0: no limit.",
        checks.between(0, 1 << 20),
    )
    guesses: int = _key(
        10,
        "Wrong passwords from one network, or for one account, after which all of it waits until a minute has passed\n"
        "since the first, then 4, 8 ... seconds after each. On one account from one network each costs a wait at\n"
        "once: 2, 4, 8 ... seconds. They are forgotten after ten quiet minutes.",
        checks.between(0, 1000000),
    )
    penalty_seconds: int = _key(15, "The longest wait for wrong passwords.", checks.between(0, 3600))


@frozen
class Manhole:
    """A Python prompt inside the running server, over SSH, for administrators; dictctl shell opens it."""

    enabled: bool = _key(False, "Whether there is one. Who comes in can do all that dictd can: read everything too.")
    address: str = _key(
        "127.0.0.1", "IP address to listen on; one of this machine's own, such as 127.0.0.1.", checks.loopback
    )
    port: int = _key(6628, "TCP port. 0 lets the system choose.", checks.between(0, 65535))
    unix: str = _key("", "Path of a unix socket to listen on instead, for the user of the server alone.", checks.path)
    authorized_keys: str = _key(
        "",
        "The public keys that are let in, as in ~/.ssh/authorized_keys; read at each login. Nobody else may be able\n"
        "to write it. Empty: manhole/authorized_keys in the state directory.",
        checks.path,
    )


@frozen
class Metrics:
    """What Prometheus reads, and whether the server is well: /metrics, /healthz, /readyz, over HTTP."""

    enabled: bool = _key(
        True, "Whether they are served. Where the port is taken the server says so and goes on without."
    )
    address: str = _key(
        "127.0.0.1", "IP address to listen on. There is no login: leave it on this machine.", checks.address
    )
    port: int = _key(9628, "TCP port. 0 lets the system choose.", checks.between(0, 65535))


@frozen
class Log:
    """What the server says of itself; where to is for twistd: --logfile, --syslog."""

    format: str = _key("text", '"text" or "json": one JSON object a line.', checks.one_of("text", "json"))
    level: str = _key(
        "info",
        "The least that is logged; what is typed in the shell always is.",
        checks.one_of("debug", "info", "warn", "error", "critical"),
    )
    repeats: int = _key(
        20,
        "How often the same is said in ten seconds; then only how often it would have been.",
        checks.between(1, 1000000),
    )


@frozen
class DictionarySettings:
    """How one dictionary is served; the section has its name, in quotes where that has a dot."""

    strategy: str = _key(
        "", 'What "." means in MATCH on this dictionary. Empty: what it means elsewhere.', converter=str.lower
    )
    hidden: bool = _key(
        False, "Whether SHOW DB, * and ! leave it out and its name is answered 550: only groups reach it then."
    )
    users: tuple[str, ...] = _key(
        (), "The accounts that see it; for others it is not there. Empty: everybody.", checks.names
    )
    order: int = _key(0, "Lower is listed and asked earlier; those of one number as they were imported.")


@frozen
class GroupSettings:
    """Several dictionaries under one name; SHOW DB lists groups after dictionaries."""

    members: tuple[str, ...] = _key(
        attrs.NOTHING,
        "The dictionaries that DEFINE and MATCH ask, in this order. Must be written out.",
        checks.members,
        example=("wn", "gcide"),
        converter=checks.lowered,
    )
    title: str = _key("", "What SHOW DB shows of it. Empty: its name.", checks.title, example="English")


@frozen
class Settings:
    """All sections; the one value every part takes its settings from."""

    site: Site = Site()
    listen: Listen = Listen()
    tls: TLS = TLS()
    proxy: Proxy = Proxy()
    store: Store = Store()
    state: State = State()
    accounts: Accounts = Accounts()
    history: History = History()
    limits: Limits = Limits()
    manhole: Manhole = Manhole()
    metrics: Metrics = Metrics()
    log: Log = Log()
    dictionaries: Mapping[str, DictionarySettings] = _by_name()
    groups: Mapping[str, GroupSettings] = _by_name()


NAMED = {
    "dictionary": Named(DictionarySettings, "dictionaries", "wn"),
    "group": Named(GroupSettings, "groups", "english"),
}
SECTIONS: dict[str, type[Any]] = {
    declared.name: type(declared.default)
    for declared in attrs.fields(Settings)
    if declared.name not in {named.kept_as for named in NAMED.values()}
}
