"""What can be set: the sections of the settings, their defaults, what they may hold.

Each key says its meaning here; ``etc/dictd.toml`` is written from it.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import attrs
from attrs import field, frozen

from dictd.model import LONGEST_TITLE, NAME_RULE, dictionary_name

Check = Callable[[Any], str]


def _between(low: float, high: float) -> Check:
    def check(value: float) -> str:
        return "" if low <= value <= high else f"must lie between {low} and {high}"

    return check


def _one_of(*choices: str) -> Check:
    def check(value: str) -> str:
        return "" if value in choices else "must be one of " + ", ".join(choices)

    return check


def _workers(value: int) -> str:
    return "" if value == 0 else "must be 0: this version serves in one process"


def _addresses(value: tuple[str, ...]) -> str:
    if not value:
        return "needs at least one address"
    for address in value:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return f"{address!r} is not an IP address"
    return "" if len(set(value)) == len(value) else "names an address twice"


def _store(value: str) -> str:
    if value == "sqlite":
        return ""
    if value.startswith("mysql:"):
        return "MySQL and MariaDB are not served yet; this version keeps everything in SQLite"
    return 'must be "sqlite"'


def _one_line(value: str) -> str:
    return "" if value.isprintable() else "must be one line of printable characters"


def _site_name(value: str) -> str:
    fits = re.fullmatch(r"[A-Za-z0-9._-]{0,64}", value)
    return "" if fits else "must be up to 64 letters, digits, dots, dashes or underscores"


def _title(value: str) -> str:
    return _one_line(value) or (
        "" if len(value) <= LONGEST_TITLE else f"must be no longer than {LONGEST_TITLE} characters"
    )


def _names(value: tuple[str, ...]) -> str:
    wrong = next((name for name in value if not name.strip() or not name.isprintable()), None)
    return "" if wrong is None else f"{wrong!r} cannot be the name of an account"


def _members(value: tuple[str, ...]) -> str:
    if not value:
        return "needs at least one dictionary"
    names = [dictionary_name(member) for member in value]
    if "" in names:
        return f"{value[names.index('')]!r} cannot be the name of a dictionary: {NAME_RULE}"
    twice = next((name for name in names if names.count(name) > 1), "")
    return f"names {twice} twice" if twice else ""


def _lowered(value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(str.lower, value))


def _key(
    default: Any,
    about: str,
    check: Check | None = None,
    example: Any = None,
    converter: Callable[[Any], Any] | None = None,
) -> Any:
    """A key; one without a default must be written out, and has an example."""
    return field(
        default=default, converter=converter, metadata={"about": about, "check": check, "example": example or default}
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

    name: str = _key("", "Shown in the banner. Empty: the name of this machine.", _site_name)
    contact: str = _key("", "One line that SHOW SERVER shows: whom to ask.", _one_line)

    @property
    def host(self) -> str:
        """The name in the banner; never empty, never with a blank."""
        return self.name or re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "localhost"


@frozen
class Listen:
    """Where clients come in."""

    addresses: tuple[str, ...] = _key(
        ("127.0.0.1", "::1"),
        'IP addresses to listen on. ["0.0.0.0", "::"] serves the whole network.',
        _addresses,
    )
    port: int = _key(2628, "TCP port; 2628 is the DICT port. 0 lets the system choose.", _between(0, 65535))
    backlog: int = _key(1024, "Connections the system may hold while the server is busy.", _between(1, 65535))
    workers: int = _key(0, "Worker processes. 0 serves in the one process that twistd starts.", _workers)

    @property
    def public(self) -> bool:
        """Whether another machine can connect."""
        return not all(ipaddress.ip_address(address).is_loopback for address in self.addresses)


@frozen
class Store:
    """Where accounts, history and the words of dictionaries are kept."""

    url: str = _key("sqlite", '"sqlite" keeps two files in the state directory; nothing to set up.', _store)


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
        '"open": everybody may REGISTER. "closed": nobody. Must be written out when\n'
        "listen.addresses can be reached from other machines.",
        _one_of("open", "closed"),
    )
    anonymous: bool = _key(True, "Whether look-ups are answered before login.")
    plaintext: bool = _key(False, "Whether passwords may come from other machines over a connection without TLS.")
    hash_memory_kib: int = _key(
        19456, "Memory of one argon2id hash, KiB (19456 is the OWASP minimum).", _between(8192, 262144)
    )
    hash_passes: int = _key(2, "Passes of one argon2id hash.", _between(1, 10))
    hash_queue: int = _key(64, "Logins that may wait for the hash thread; more are answered 480.", _between(1, 1000))
    registrations_per_hour: int = _key(
        60, "REGISTER commands an hour from one network (IPv4 address, IPv6 /64).", _between(1, 100000)
    )


@frozen
class History:
    """How look-ups of logged-in users are kept."""

    group_rows: int = _key(256, "Rows committed together at most.", _between(1, 1000))
    waiting_rows: int = _key(
        4096, "Rows that may wait for a commit; beyond, answers say (history not confirmed).", _between(1, 100000)
    )
    confirm_seconds: float = _key(
        2.0, "How long an answer waits for its row before it says (history not confirmed).", _between(0.1, 60)
    )


@frozen
class Limits:
    """What one client may ask of the server."""

    connections: int = _key(10000, "Connections at a time; one more is answered 420.", _between(1, 1000000))
    connections_per_network: int = _key(
        64,
        "Connections at a time from one network (IPv4 address, IPv6 /64); this machine is free.",
        _between(1, 1000000),
    )
    idle_seconds: int = _key(600, "Silence after which a connection is closed with 421.", _between(1, 86400))
    line_seconds: int = _key(10, "Time for a whole line once its first byte has come.", _between(1, 3600))
    matches: int = _key(2000, "Matches in one answer; the last line says when there were more.", _between(1, 1000000))
    match_seconds: float = _key(
        1.0,
        "How long one MATCH may search, seconds of work; the last line says when it was stopped.",
        _between(0.05, 60),
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
    users: tuple[str, ...] = _key((), "The accounts that see it; for others it is not there. Empty: everybody.", _names)
    order: int = _key(0, "Lower is listed and asked earlier; those of one number as they were imported.")


@frozen
class GroupSettings:
    """Several dictionaries under one name; SHOW DB lists groups after dictionaries."""

    members: tuple[str, ...] = _key(
        attrs.NOTHING,
        "The dictionaries that DEFINE and MATCH ask, in this order. Must be written out.",
        _members,
        example=("wn", "gcide"),
        converter=_lowered,
    )
    title: str = _key("", "What SHOW DB shows of it. Empty: its name.", _title, example="English")


@frozen
class Settings:
    """All sections; the one value every part takes its settings from."""

    site: Site = Site()
    listen: Listen = Listen()
    store: Store = Store()
    state: State = State()
    accounts: Accounts = Accounts()
    history: History = History()
    limits: Limits = Limits()
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
