"""C dictd of Debian, started from its unpacked package: what we are compared with; and any such peer."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

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
class Peer:
    """A server of somebody else that runs, with a directory for as long."""

    port: int
    process: subprocess.Popen[bytes] = field(repr=False)
    _directory: tempfile.TemporaryDirectory[str] = field(repr=False)

    @classmethod
    def launched(
        cls, command: Sequence[str], libraries: Iterable[Path], port: int, directory: tempfile.TemporaryDirectory[str]
    ) -> Self:
        """Start a program and wait until it listens.

        :param libraries: where its shared libraries are.
        """
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ, LD_LIBRARY_PATH=":".join(map(str, libraries))),
            start_new_session=True,  # so that its children can be ended with it, whatever it does
        )
        peer = cls(port, process, directory)
        try:
            until(f"{cls.__name__} to listen", peer.listens)
        except BaseException:
            peer.stop()
            raise
        return peer

    def listens(self) -> bool:
        """Whether it takes connections."""
        assert self.process.poll() is None, f"{type(self).__name__} does not run"
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
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # children that it left
        self._directory.cleanup()


class CDictd(Peer):
    """The peer, serving some of Debian's dictionaries."""

    @classmethod
    def started(cls, *dictionaries: str | Path) -> Self:
        """Start it and wait until it listens.

        :param dictionaries: names of packages without their ``dict-``, such as ``wn``, and
            indexes that have their ``.dict.dz`` beside them.
        :raises OSError: the packages cannot be had.
        """
        program = fetch("dictd") / "usr/sbin/dictd"
        library = next((fetch("libmaa4") / "usr/lib").glob("*/libmaa.so.4"))
        temporary = tempfile.TemporaryDirectory(prefix="c-dictd-")
        directory = Path(temporary.name)
        directory.chmod(0o755)  # started as root it goes on as nobody, who may not be let into this checkout
        settings = []
        for dictionary in dictionaries:
            index = dictionary if isinstance(dictionary, Path) else _of_debian(dictionary)
            name = index.stem
            for file in (index, index.with_suffix(".dict.dz")):
                shutil.copy(file, directory)
            settings.append(f'database {name} {{ data "{directory}/{name}.dict.dz" index "{directory}/{name}.index" }}')
        configuration = directory / "dictd.conf"
        configuration.write_text("\n".join(settings) + "\n")
        port = free_port()
        command = [
            str(program), "-d", "nodetach", "-c", str(configuration), "-p", str(port),
            "--listen-to", "127.0.0.1", "--locale", "C.UTF-8", "-s",
        ]  # fmt: skip
        return cls.launched(command, [library.parent], port, temporary)


def _of_debian(name: str) -> Path:
    return fetch(f"dict-{name}") / "usr/share/dictd" / f"{name}.index"
