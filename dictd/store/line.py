"""One line to a server of MySQL or MariaDB, which another thread can cut at any moment."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Any

import pymysql
from pymysql.constants import CLIENT, CR

from dictd.store.loading import LoadingConnection
from dictd.storeurl import Host

#: The least that a further address of a host is given, seconds.
_LEAST = 0.05


class Line(LoadingConnection):
    """A connection that we dial ourselves.

    PyMySQL's own way to connect cannot be cut, takes its time for each address
    anew, and leaves a socket behind where nobody answers.

    :param seconds: for each step until the server has let us in; see :meth:`patient`.
    :ivar index: number of the host.
    """

    _secure: bool
    _read_timeout: float | None
    _write_timeout: float | None

    def __init__(
        self,
        host: Host,
        index: int,
        user: str,
        password: str,
        database: str,
        context: ssl.SSLContext | None,
        seconds: float,
        local_infile: bool = False,
    ) -> None:
        self.index, self._host, self._seconds = index, host, seconds
        self._guard = threading.Lock()
        self._wire: socket.socket | None = None
        self._was_cut = False
        encrypted = None if host.socket else context
        super().__init__(
            host=host.name,
            port=host.port,
            user=user,
            password=password.encode(),  # PyMySQL would make Latin-1 of it
            database=database,
            charset="utf8mb4",
            binary_prefix=True,
            autocommit=False,
            # An UPDATE that finds its row and changes nothing has found it.
            client_flag=CLIENT.FOUND_ROWS,
            local_infile=local_infile,
            ssl=encrypted,
            ssl_disabled=encrypted is None,
            connect_timeout=seconds,
            read_timeout=seconds,
            write_timeout=seconds,
            defer_connect=True,
        )

    def dial(self) -> None:
        """Connect and log in.

        :raises pymysql.err.MySQLError: that cannot be.
        """
        try:
            wire = self._dialled()
        except OSError as error:
            where = str(self._host)
            raise pymysql.err.OperationalError(CR.CR_CONN_HOST_ERROR, f"cannot connect to {where}: {error}") from error
        self._secure = bool(self._host.socket)
        try:
            self.connect(wire)
        except pymysql.err.OperationalError as error:
            cause = error.__context__
            if isinstance(cause, ssl.SSLCertVerificationError):
                text = f"the certificate of {self._host} is not good: {cause.verify_message}"
                raise pymysql.err.OperationalError(CR.CR_SSL_CONNECTION_ERROR, text) from error
            raise

    def patient(self, seconds: float | None) -> None:
        """From now on a question may take so long; ``None``: as long as it takes."""
        self._read_timeout = self._write_timeout = seconds

    def cut(self) -> None:
        """From another thread: who waits on this line, or is about to, waits no longer."""
        with self._guard:
            self._was_cut = True
            if self._wire is not None:
                with suppress(OSError):
                    self._wire.shutdown(socket.SHUT_RDWR)

    def _dialled(self) -> socket.socket:
        if self._host.socket:
            return self._connected(socket.AF_UNIX, 0, self._host.socket, self._seconds)
        end = time.monotonic() + self._seconds
        trouble = OSError("it has no address")
        for family, _, protocol, _, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            try:
                wire = self._connected(family, protocol, address, max(end - time.monotonic(), _LEAST))
            except OSError as error:
                trouble = error
                continue
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return wire
        raise trouble

    def _connected(self, family: int, protocol: int, address: Any, seconds: float) -> socket.socket:
        wire = socket.socket(family, socket.SOCK_STREAM, protocol)
        try:
            self._hold(wire)
            wire.settimeout(seconds)
            wire.connect(address)
        except BaseException:
            wire.close()
            self._let_go()
            raise
        return wire

    def _hold(self, wire: socket.socket) -> None:
        """Keep an end of our own, to cut by: PyMySQL's is another one in TLS, and may be closed just then."""
        with self._guard:
            if self._was_cut:
                raise OSError("nobody waits for it any more")
            self._wire = wire.dup()

    def _let_go(self) -> None:
        with self._guard:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _force_close(self) -> None:
        super()._force_close()  # type: ignore[misc]  # the stubs do not know it
        self._let_go()
