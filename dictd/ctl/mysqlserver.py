"""MySQL and MariaDB, looked at and not touched: is the server as dictd needs it?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from attrs import evolve, frozen

from dictd.config import Settings
from dictd.ctl.findings import Finding
from dictd.errors import DictError
from dictd.store import schema
from dictd.store.dialect import MYSQL, Connection
from dictd.store.mysql import MySQL, identity_of

#: An article may be so long, bytes.
_PACKET = 16 << 20
#: Connections beside those of the workers: the publisher, and dictctl with its publishing.
_OTHERS = 3
_VARIABLES = """
    SELECT @@version, @@SESSION.sql_mode, @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog,
        @@max_connections, @@max_user_connections, @@GLOBAL.read_only, @@character_set_database,
        @@SESSION.max_allowed_packet, @@binlog_format
"""


@frozen
class MySQLServer:
    """The database of the settings.

    :ivar workers: processes of one server that keep a history.
    """

    database: MySQL
    settings: Settings
    workers: int

    def shown(self, subject: str) -> str:
        """Where a subject is."""
        return self.database.shown(subject)

    def server(self) -> Iterator[Finding]:
        """Who answers, and how."""
        hosts = self.database.url.hosts
        answering: list[tuple[str, MySQL]] = []
        stores: dict[str, str] = {}
        for host in hosts:
            alone = MySQL.of(evolve(self.database.url, hosts=(host,)), self.settings.store)
            began = time.monotonic()
            try:
                with closing(alone.patient()) as connection:
                    connected = time.monotonic()
                    row = _row(connection, _VARIABLES)
                    asked = time.monotonic()
                    cipher = _row(connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")[1]
                    stores[str(host)] = identity_of(connection)
            except DictError as trouble:
                yield Finding("store", "fault" if len(hosts) == 1 else "note", trouble.text)
                continue
            answering.append((str(host), alone))
            took = f"in {1000 * (asked - connected):.1f} ms, lets us in in {1000 * (connected - began):.0f} ms"
            how = f", by TLS ({cipher})" if cipher else ""
            yield Finding("store", "ok", f"{host} answers {took}{how}: {row[0]}")
            if not host.here and not cipher:
                text = f"{host} is on another machine and store.ca is empty: hashes of passwords and"
                yield Finding("store", "note", f"{text} the history go there in the clear; name its certificates")
            for state, text in self._judged(row):
                yield Finding("store", state, f"{host}: {text}")
        first = answering[0][0] if answering else ""
        for other, name in stores.items():
            if name != stores[first]:
                has = f"another store than {first}" if name else "no store of dictd"
                yield Finding("store", "fault", f"{other} has {has}: a server does not go there; make it a replica")
        if not answering and len(hosts) > 1:
            yield Finding("store", "fault", "no host of store.url lets us in")
        elif len(hosts) > 1:
            yield Finding("store", "ok", f"{answering[0][0]} is the first that answers, a server begins with it")

    def _judged(self, row: tuple[Any, ...]) -> Iterator[tuple[str, str]]:
        """What is to be said of the variables of a server."""
        _, mode, flush, binlog, sync, most, most_of_user, read_only, charset, packet, logged = row
        if "STRICT_ALL_TABLES" not in mode:
            yield "fault", f"it does not keep to STRICT_ALL_TABLES; its sql_mode is {mode}"
        if binlog and logged == "STATEMENT":
            yield "fault", "binlog_format is STATEMENT: it refuses every write of ours; set it to ROW or MIXED"
        if read_only:
            yield "fault", "it takes no writes (read_only): accounts and history are away there"
        if flush != 1:
            text = f"innodb_flush_log_at_trx_commit is {flush}: a crash of its machine may lose the last second"
            yield "note", f"{text} of what was answered as kept; set it to 1"
        if binlog and sync != 1:
            text = f"sync_binlog is {sync}: a crash of its machine may lose the end of the binary log, and replicas"
            yield "note", f"{text} with it; set it to 1"
        needed = self.workers * self.settings.store.connections + _OTHERS
        for name, allowed in (("max_connections", most), ("max_user_connections", most_of_user)):
            if 0 < allowed < needed:
                text = f"{name} is {allowed}, one server takes up to {needed} ({self.workers} x store.connections and"
                yield "fault", f"{text} {_OTHERS} more); raise it, or lower store.connections"
        if charset != "utf8mb4":
            yield "note", f"the database's character set is {charset}, new tables of yours should have utf8mb4"
        if packet < _PACKET:
            text = f"max_allowed_packet is {packet / (1 << 20):.0f} MiB: longer articles are refused"
            yield "note", f"{text} by import; set it to 16 MiB or more"

    def schema(self) -> Iterator[Finding]:
        """The versions of the subjects."""
        with closing(self.database.patient()) as connection:
            for subject in schema.SUBJECTS:
                known = schema.migrations(subject, MYSQL)[-1].version
                version = schema.version(connection.cursor(), subject, MYSQL)
                if version > known:
                    yield Finding("schema", "fault", f"{subject} has schema {version}, this program knows {known}")
                elif version < known:
                    had = f"schema {version}, this program needs {known}" if version else "no tables yet"
                    yield Finding("schema", "fault", f"{subject} has {had}; type: dictctl migrate")
                else:
                    yield Finding("schema", "ok", f"{subject} has schema {version}")
            connection.rollback()

    @contextmanager
    def dictionaries(self) -> Iterator[Connection | None]:
        """A connection; ``None`` where there are no tables yet."""
        with closing(self.database.patient()) as connection:
            there = schema.version(connection.cursor(), "dictionaries", MYSQL)
            yield connection if there else None


def _row(connection: Connection, sql: str) -> tuple[Any, ...]:
    cursor = connection.cursor()
    cursor.execute(sql)
    return tuple(cursor.fetchone())
