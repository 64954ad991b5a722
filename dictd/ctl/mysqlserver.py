"""MySQL and MariaDB, looked at and not touched: is the server as dictd needs it?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, ClassVar

from attrs import define, evolve, field, frozen

from dictd.config import Settings
from dictd.ctl.findings import Finding
from dictd.ctl.looks import shapes
from dictd.errors import DictError
from dictd.store import schema
from dictd.store.dialect import MYSQL, Connection, Dialect
from dictd.store.faults import ERRORS, told
from dictd.store.mysql import MySQL, identity_of
from dictd.storeurl import Host
from dictd.tables import count

#: An article may be so long, bytes.
_PACKET = 16 << 20
#: Connections beside those of the workers: the publisher, and dictctl with its publishing.
_OTHERS = 3
#: How long a server that let us in may take to tell of itself, seconds.
_PATIENCE = 3.0
_VARIABLES = """
    SELECT @@version, @@SESSION.sql_mode, @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog,
        @@max_connections, @@max_user_connections, @@GLOBAL.read_only, @@character_set_database,
        @@SESSION.max_allowed_packet, @@binlog_format, @@innodb_doublewrite
"""
_GALERA = "SHOW STATUS LIKE 'wsrep%'"
#: Where tables are missing; those that are there stay as they are.
_AGAIN = "DELETE FROM schema_version WHERE subject = '{subject}'; and then: dictctl migrate"
#: What a server is asked of so that one question takes no longer: MariaDB, seconds; MySQL, milliseconds.
_LIMITS = ("SET SESSION max_statement_time = {seconds}", "SET SESSION max_execution_time = {milliseconds:.0f}")


@define
class _Answer:
    """What a host has told of itself."""

    host: Host
    row: tuple[Any, ...]
    cipher: str
    store: str
    versions: dict[str, int]
    galera: dict[str, str]
    connected: float
    asked: float

    @property
    def read_only(self) -> bool:
        """Whether it takes no writes."""
        return bool(self.row[7])


@frozen
class MySQLServer:
    """The database of the settings.

    :ivar workers: processes of one server that keep a history.
    """

    database: MySQL
    settings: Settings
    workers: int
    dialect: ClassVar[Dialect] = MYSQL
    _away: list[str] = field(factory=list, init=False)

    def shown(self, subject: str) -> str:
        """Where a subject is."""
        return self.database.shown(subject)

    @property
    def away(self) -> bool:
        """Whether no host has let us in, once :meth:`server` has looked."""
        return bool(self._away)

    def server(self) -> Iterator[Finding]:
        """Each host by itself: whether it answers, and how it is."""
        hosts = self.database.url.hosts
        answers: list[_Answer] = []
        for host in hosts:
            try:
                answers.append(self._asked(host))
            except (DictError, *ERRORS) as trouble:
                text = trouble.text if isinstance(trouble, DictError) else f"{host}: {told(trouble)}"
                yield Finding("store", "fault" if len(hosts) == 1 else "note", text)
        if not answers:
            self._away.append(str(self.database.url))
            if len(hosts) > 1:
                yield Finding("store", "fault", "no host of store.url lets us in")
            return
        takes_writes = any(not answer.read_only for answer in answers)
        for answer in answers:
            yield from self._told(answer)
            for state, text in self._judged(answer, takes_writes):
                yield Finding("store", state, f"{answer.host}: {text}")
        first = answers[0]
        for other in answers[1:]:
            if other.store != first.store:
                has = f"another store than {first.host}" if other.store else "no store of dictd"
                text = f"{other.host} has {has}: a server does not go there; make it a replica"
                yield Finding("store", "fault", text)
            elif other.versions != first.versions:
                shown = " and ".join(f"{subject} {version}" for subject, version in other.versions.items())
                text = f"{other.host} has other tables than {first.host} (schema {shown}): its replication is behind"
                yield Finding("store", "fault", f"{text} or broken; SHOW REPLICA STATUS tells there")
        if len(hosts) > 1:
            begins = next((answer for answer in answers if not answer.read_only), first)
            text = f"{begins.host} is the first that takes writes" if takes_writes else f"{begins.host} answers first"
            yield Finding("store", "ok", f"{text}, a server begins with it")

    def _asked(self, host: Host) -> _Answer:
        """Ask one host of itself.

        :raises DictError: it does not let us in.
        """
        alone = MySQL.of(evolve(self.database.url, hosts=(host,)), self.settings.store)
        began = time.monotonic()
        with closing(alone.patient(seconds=_PATIENCE)) as connection:
            connected = time.monotonic()
            row = _row(connection, _VARIABLES)
            asked = time.monotonic()
            cursor = connection.cursor()
            cursor.execute(_GALERA)
            galera = dict(cursor.fetchall())
            return _Answer(
                host,
                row,
                _row(connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")[1],
                identity_of(connection),
                {subject: schema.version(cursor, subject, MYSQL) for subject in schema.SUBJECTS},
                galera,
                connected - began,
                asked - connected,
            )

    def _told(self, answer: _Answer) -> Iterator[Finding]:
        took = f"in {1000 * answer.asked:.1f} ms, lets us in in {1000 * answer.connected:.0f} ms"
        how = f", by TLS ({answer.cipher})" if answer.cipher else ""
        yield Finding("store", "ok", f"{answer.host} answers {took}{how}: {answer.row[0]}")
        if not answer.host.here and not answer.cipher:
            text = f"{answer.host} is on another machine and store.ca is empty: hashes of passwords and"
            yield Finding("store", "note", f"{text} the history go there in the clear; name its certificates")
        if answer.galera.get("wsrep_cluster_status", "Disconnected") != "Disconnected":
            yield from self._of_the_cluster(answer)

    def _of_the_cluster(self, answer: _Answer) -> Iterator[Finding]:
        """Galera: whether it is in step with the others."""
        status, state = answer.galera["wsrep_cluster_status"], answer.galera.get("wsrep_local_state_comment", "")
        size = count(int(answer.galera.get("wsrep_cluster_size", 0)), "node")
        if status != "Primary":
            text = f"{answer.host} is in a part of the cluster without a majority ({status}): it takes no writes"
            yield Finding("store", "fault", f"{text}; look at the others, and at the network between them")
        elif state != "Synced":
            yield Finding("store", "note", f"{answer.host} is not in step with its cluster ({state}, {size})")
        else:
            yield Finding("store", "ok", f"{answer.host} is in step with its cluster of {size}")

    def _judged(self, answer: _Answer, takes_writes: bool) -> Iterator[tuple[str, str]]:
        """What is to be said of the variables of a server.

        :param takes_writes: whether any host does.
        """
        _, mode, flush, binlog, sync, most, most_of_user, read_only, charset, packet, logged, doublewrite = answer.row
        if "STRICT_ALL_TABLES" not in mode:
            yield "fault", f"it does not keep to STRICT_ALL_TABLES; its sql_mode is {mode}"
        if binlog and logged == "STATEMENT":
            yield "fault", "binlog_format is STATEMENT: it refuses every write of ours; set it to ROW or MIXED"
        if read_only and takes_writes:
            yield "note", "it takes no writes (read_only), so a server goes to another host; as a replica it should"
        elif read_only:
            text = "it takes no writes (read_only): accounts and history are away, and a server that starts now has"
            yield "fault", f"{text} none until it takes them; type there: SET GLOBAL read_only = OFF"
        if flush != 1:
            text = f"innodb_flush_log_at_trx_commit is {flush}: a crash of its machine may lose the last second"
            yield "note", f"{text} of what was answered as kept; SET GLOBAL innodb_flush_log_at_trx_commit = 1"
        if binlog and sync != 1:
            text = f"sync_binlog is {sync}: a crash of its machine may lose the end of the binary log, and replicas"
            yield "note", f"{text} with it; SET GLOBAL sync_binlog = 1"
        if str(doublewrite).upper() in ("0", "OFF"):
            text = "innodb_doublewrite is OFF: a crash of its machine may tear a page and damage a table, unless its"
            yield "note", f"{text} disk writes whole pages (ZFS); set it to ON and start it anew"
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

    def schema(self, seconds: float) -> Iterator[Finding]:
        """The versions of the subjects, and the tables as they should be.

        :param seconds: for one question.
        """
        with closing(self._patient(seconds)) as connection:
            found = shapes.of_mysql(connection)
            for subject in schema.SUBJECTS:
                known = schema.migrations(subject, MYSQL)[-1].version
                version = schema.version(connection.cursor(), subject, MYSQL)
                wrong = list(shapes.differences(shapes.of_mysql_migrations(subject, version), found))
                if version > known:
                    text = f"{subject} has schema {version}, this program knows {known}: it is older than the one that"
                    yield Finding("schema", "fault", f"{text} made it; install that one")
                    continue
                for text, statement in wrong:
                    hint = f"{statement};" if statement else _AGAIN.format(subject=subject)
                    yield Finding("schema", "fault", f"{subject}: {text}; after a backup type in the database: {hint}")
                if version < known:
                    had = f"schema {version}, this program needs {known}" if version else "no tables yet"
                    yield Finding("schema", "fault", f"{subject} has {had}; type: dictctl migrate")
                elif not wrong:
                    yield Finding("schema", "ok", f"{subject} has schema {version}, its tables are as they should be")
            if "schema_version" in found and schema.half_restored(connection.cursor(), MYSQL):
                yield Finding("schema", "fault", schema.HALF_RESTORED)
            connection.rollback()

    @contextmanager
    def reading(self, subject: str, seconds: float) -> Iterator[Connection | None]:
        """A connection that reads, each question for so long; ``None`` where there are no tables yet."""
        with closing(self._patient(seconds)) as connection:
            there = schema.version(connection.cursor(), subject, MYSQL)
            yield connection if there else None

    def _patient(self, seconds: float) -> Connection:
        connection = self.database.patient(seconds=seconds + 1)
        cursor = connection.cursor()
        for limit in _LIMITS:
            with suppress(*ERRORS):  # one of the two knows each
                cursor.execute(limit.format(seconds=seconds, milliseconds=seconds * 1000))
        # Nothing that is asked here can change anything.
        cursor.execute("START TRANSACTION READ ONLY")
        return connection


def _row(connection: Connection, sql: str) -> tuple[Any, ...]:
    cursor = connection.cursor()
    cursor.execute(sql)
    return tuple(cursor.fetchone())
