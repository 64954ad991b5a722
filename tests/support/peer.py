"""C dictd of Debian, started from its unpacked package: what we are compared with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from attrs import define, field

from tests.support.debian import fetch
from tests.support.server import until

#: Ports of ours stay below those the system hands out.
_PORTS = range(20_000, 32_768)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has just now."""
    first = os.getpid() * 7 % len(_PORTS)
    for offset in range(len(_PORTS)):
        port = _PORTS[(first + offset) % len(_PORTS)]
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")


@define(eq=False)
class CDictd:
    """The peer, serving some of Debian's dictionaries."""

    port: int
    process: subprocess.Popen[bytes] = field(repr=False)
    _directory: tempfile.TemporaryDirectory[str] = field(repr=False)

    @classmethod
    def started(cls, *dictionaries: str) -> CDictd:
        """Start it and wait until it listens.

        :param dictionaries: names of packages without their ``dict-``, such as ``wn``.
        :raises OSError: the packages cannot be had.
        """
        program = fetch("dictd") / "usr/sbin/dictd"
        library = next((fetch("libmaa4") / "usr/lib").glob("*/libmaa.so.4"))
        temporary = tempfile.TemporaryDirectory(prefix="c-dictd-")
        directory = Path(temporary.name)
        directory.chmod(0o755)  # started as root it goes on as nobody, who may not be let into this checkout
        settings = []
        for name in dictionaries:
            for ending in ("dict.dz", "index"):
                shutil.copy(fetch(f"dict-{name}") / "usr/share/dictd" / f"{name}.{ending}", directory)
            settings.append(f'database {name} {{ data "{directory}/{name}.dict.dz" index "{directory}/{name}.index" }}')
        configuration = directory / "dictd.conf"
        configuration.write_text("\n".join(settings) + "\n")
        port = free_port()
        process = subprocess.Popen(
            [
                str(program), "-d", "nodetach", "-c", str(configuration), "-p", str(port),
                "--listen-to", "127.0.0.1", "--locale", "C.UTF-8", "-s",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ, LD_LIBRARY_PATH=str(library.parent)),
        )  # fmt: skip
        peer = cls(port, process, temporary)
        try:
            until("C dictd to listen", peer.listens)
        except BaseException:
            peer.stop()
            raise
        return peer

    def listens(self) -> bool:
        """Whether it takes connections."""
        assert self.process.poll() is None, "C dictd does not run"
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """Stop it with its children."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._directory.cleanup()
