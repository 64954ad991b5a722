"""Settings: one TOML file, checked whole, turned into frozen values.

Order of authority: the defaults below < the file < the environment
(``DICTD_SECTION_KEY``) < the options of ``twistd dictd`` and ``dictctl``.
``etc/dictd.toml`` is :func:`document` written to a file; a test compares them.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import attrs
from attrs import evolve, field, frozen

from dictd.errors import SettingsRefused

ENVIRONMENT_PREFIX = "DICTD_"

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


def _key(default: Any, about: str, check: Check | None = None) -> Any:
    return field(default=default, metadata={"about": about, "check": check})


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


def load(
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settings:
    """Read the settings.

    :param path: the TOML file, or ``None`` for defaults alone.
    :param environment: ``DICTD_LISTEN_PORT=2629`` and the like.
    :param overrides: section -> key -> value, from the command line.
    :raises SettingsRefused: with every fault, one a line, with line numbers.
    """
    faults: list[str] = []
    text, tree = "", {}
    if path is not None:
        try:
            text = path.read_text("utf-8-sig")
            tree = tomllib.loads(text)
        except OSError as error:
            raise SettingsRefused(f"{path}: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsRefused(f"{path}: {error}") from None
        except RecursionError:
            raise SettingsRefused(f"{path}: brackets in brackets without end") from None
    written: set[str] = set()
    chosen: dict[str, dict[str, Any]] = {}
    for origin, section, key, value in _given(path, text, tree, environment or {}, overrides or {}, faults):
        declared = _declared(section).get(key)
        if declared is None:
            faults.append(f"{origin}: unknown key {section}.{key}")
            continue
        written.add(f"{section}.{key}")
        fault, value = _checked(declared, _hints(section)[key], value)
        if fault:
            faults.append(f"{origin}: {section}.{key} {fault}")
        else:
            chosen.setdefault(section, {})[key] = value
    settings = Settings()
    for section, values in chosen.items():
        settings = evolve(settings, **{section: evolve(getattr(settings, section), **values)})
    if settings.listen.public and "accounts.registration" not in written:
        faults.append(
            f"{path or 'settings'}: accounts.registration must be written out (open or closed),"
            " because other machines can reach listen.addresses"
        )
    if faults:
        raise SettingsRefused("\n".join(faults))
    return settings


def _given(
    path: Path | None,
    text: str,
    tree: Mapping[str, Any],
    environment: Mapping[str, str],
    overrides: Mapping[str, Mapping[str, Any]],
    faults: list[str],
) -> Iterator[tuple[str, str, str, Any]]:
    """Every key somebody gave: where it stands, section, key, value; in rising authority."""
    for section, values in tree.items():
        origin = f"{path}:{_line_of(text, section)}"
        if section not in SECTIONS:
            faults.append(f"{origin}: unknown section [{section}]")
        elif not isinstance(values, dict):
            faults.append(f"{origin}: {section} must be a section: [{section}]")
        else:
            for key, value in values.items():
                yield f"{path}:{_line_of(text, section, key)}", section, key, value
    for variable, raw in environment.items():
        section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
        if variable.startswith(ENVIRONMENT_PREFIX) and section in SECTIONS and key:
            yield variable, section, key, _from_environment(raw, _hints(section).get(key))
    for section, values in overrides.items():
        for key, value in values.items():
            yield "command line", section, key, value


def _from_environment(raw: str, hint: Any) -> Any:
    if hint == tuple[str, ...]:
        return [part for part in re.split(r"[,\s]+", raw) if part]
    if hint is bool:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(raw.lower(), raw)
    for number in (int, float):
        if hint is number:
            try:
                return number(raw)
            except ValueError:
                return raw
    return raw


def _checked(declared: attrs.Attribute[Any], hint: Any, value: Any) -> tuple[str, Any]:
    """A fault or an empty string, and the value in its final type."""
    if hint == tuple[str, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
            return "must be a list of strings", value
        value = tuple(value)
    elif hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    elif not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        names = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
        return f"must be {names[hint]}, not {value!r}", value
    check = declared.metadata["check"]
    return (check(value) if check else ""), value


def _line_of(text: str, section: str, key: str = "") -> int:
    """The line on which a section or a key stands; the section's line where the key is not found."""
    here, section_line = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*\"?([^\]\"]+?)\"?\s*\]", line)
        if header:
            here = header[1].split(".")[0].strip('" ')
            section_line = section_line or (number if here == section else 0)
        elif re.match(rf"\s*\"?{re.escape(section)}\"?\s*[=.]", line) and not here:
            section_line = section_line or number
        elif key and here == section and re.match(rf"\s*\"?{re.escape(key)}\"?\s*[=.]", line):
            return number
    return section_line


def document() -> str:
    """``etc/dictd.toml``: every key with its meaning and its default."""
    lines = [
        "# Settings of dictd. Every key is shown with its default; take away the # to change it.",
        "# A key that does not exist is an error, so a typing mistake cannot hide.",
        "# Each key can also be given in the environment: DICTD_LISTEN_PORT=2629.",
    ]
    for section, kind in SECTIONS.items():
        lines += ["", f"# {kind.__doc__}", f"[{section}]"]
        for declared in attrs.fields(kind):
            lines += [f"# {line}" for line in declared.metadata["about"].split("\n")]
            default = declared.default
            shown = json.dumps(list(default) if isinstance(default, tuple) else default)
            lines.append(f"#{declared.name} = {shown}")
    return "\n".join(lines) + "\n"


SECTIONS: dict[str, type[Any]] = {declared.name: type(declared.default) for declared in attrs.fields(Settings)}


def _declared(section: str) -> dict[str, attrs.Attribute[Any]]:
    return {declared.name: declared for declared in attrs.fields(SECTIONS[section])}


def _hints(section: str) -> dict[str, Any]:
    return get_type_hints(SECTIONS[section])


def state_directory(settings: Settings, environment: Mapping[str, str] | None = None) -> Path:
    """Where the state is kept; one answer for the server and for ``dictctl``.

    The setting where there is one; else ``./var`` if that already is a state
    directory; else ``/var/lib/dictd`` for root and ``$XDG_STATE_HOME/dictd``.
    """
    if settings.state.directory:
        return Path(settings.state.directory).expanduser().absolute()
    here = Path("var").absolute()
    if (here / "lexicon").is_dir():
        return here
    if os.geteuid() == 0:
        return Path("/var/lib/dictd")
    environment = os.environ if environment is None else environment
    home = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser() / "dictd"
