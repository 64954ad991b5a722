"""Where the store is: ``sqlite``, or ``mysql://user@host1:3306,host2,host3/database``.

A MySQL URL may name several hosts, which are tried in this order, and with
``?socket=/run/mysqld/mysqld.sock`` a unix socket instead. A password never
stands in it.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, unquote

from attrs import frozen

#: The TCP port of MySQL and MariaDB.
MYSQL_PORT = 3306
_MYSQL = re.compile(r"(?:mysql|mariadb)://(?:([^@/?#]*)@)?([^/?#]*)/([^/?#]*)(?:\?([^#]*))?")
_HOST = re.compile(r"(?:\[([^\[\]\s]+)\]|([A-Za-z0-9_.-]+))(?::([0-9]{1,5}))?")
_FORM = "mysql://user@host1:3306,host2/database"


@frozen
class Host:
    """One server of MySQL or MariaDB.

    :ivar socket: path of a unix socket, where it is reached by that.
    """

    name: str
    port: int = MYSQL_PORT
    socket: str = ""

    def __str__(self) -> str:
        if self.socket:
            return self.socket
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"

    @property
    def here(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return bool(self.socket) or self.name in ("localhost", "::1") or self.name.startswith("127.")


@frozen
class StoreURL:
    """What :func:`parse` has read.

    :ivar hosts: none for SQLite.
    """

    kind: str
    user: str = ""
    hosts: tuple[Host, ...] = ()
    database: str = ""

    @classmethod
    def parse(cls, text: str) -> StoreURL:
        """Read one.

        :raises ValueError: it is none; the text says what is wrong, to stand behind the name of the key.
        """
        if text == "sqlite":
            return cls("sqlite")
        match = _MYSQL.fullmatch(text)
        if match is None:
            raise ValueError(f'must be "sqlite" or {_FORM}')
        user, hosts, database, options = (part or "" for part in match.groups())
        if ":" in user:
            raise ValueError("must not hold a password: it goes in the file that store.password_file names")
        if "@" in hosts:
            # Not repeated: part of it may be a password.
            raise ValueError(f"has more than one @: in the name of a user it is %40; say {_FORM}")
        user = _plain(user)
        if not user:
            raise ValueError(f"must say as which user: {_FORM}")
        if not re.fullmatch(r"[A-Za-z0-9_$.-]{1,64}", database):
            raise ValueError(f"must name a database of letters, digits, dots, dashes and underscores: {_FORM}")
        return cls("mysql", user, _hosts(hosts, options), database)

    def __str__(self) -> str:
        if self.kind == "sqlite":
            return "sqlite"
        return f"{self.database} at {', '.join(map(str, self.hosts))}"


def _plain(user: str) -> str:
    """A name with its percent signs read.

    :raises ValueError: it cannot be one.
    """
    try:
        plain = unquote(user, errors="strict")
    except UnicodeDecodeError:
        plain = "\0"
    if not plain.isprintable():
        raise ValueError("has the name of a user that cannot be one")
    return plain


def _hosts(text: str, options: str) -> tuple[Host, ...]:
    """The hosts of a URL, in order.

    :raises ValueError: one of them is none.
    """
    given = parse_qsl(options, keep_blank_values=True)
    wrong = next((name for name, _ in given if name != "socket"), None)
    if wrong is not None or (options and not given):
        raise ValueError(f"has an option that is none: {wrong or options}; there is socket")
    if given:
        socket = given[0][1]
        if len(given) > 1 or not socket.startswith("/") or not socket.isprintable():
            raise ValueError("has a socket that is none: it must be the path of one, from / on")
        if text not in ("", "localhost"):
            raise ValueError("has a socket, so its host must be localhost")
        return (Host("localhost", socket=socket),)
    hosts = tuple(_host(part) for part in text.split(","))
    if len(set(hosts)) < len(hosts):
        raise ValueError("names a host twice")
    return hosts


def _host(text: str) -> Host:
    """One host.

    :raises ValueError: it is none.
    """
    match = _HOST.fullmatch(text)
    port = int(match[3] or MYSQL_PORT) if match else 0
    if match is None or not 0 < port < 65536 or not (match[2] or _is_ipv6(match[1])):
        raise ValueError(f"has a host that is none: {text!r}; say {_FORM}")
    return Host((match[1] or match[2]).lower(), port)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
