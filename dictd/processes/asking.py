"""How ``dictctl`` asks a running server; it needs nothing of a server's to do it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dictd.errors import DictError

#: In the state directory, see :mod:`dictd.processes.control`.
FILE = "control.sock"
#: How long the server may take for an answer, and where it waits for new workers first. Seconds.
_PATIENCE, _FOR_WORKERS = 15.0, 120.0
_LONGEST_PATH = 107


class NoServer(DictError):
    """No server runs on a state directory."""


def ask(directory: Path, verb: str, **arguments: Any) -> Any:
    """Ask the server of a state directory, and wait for its answer.

    :raises NoServer: none runs, or it went away.
    :raises DictError: it refuses; the text says why.
    """
    path = directory / FILE
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_FOR_WORKERS if verb == "reload" else _PATIENCE)
        try:
            with short_name(path) as name:
                connection.connect(name)
            connection.sendall(json.dumps({"verb": verb, **arguments}).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answered = answers.readline()
        except PermissionError:
            raise NoServer(f"{path} belongs to another user; try as that user, or with sudo") from None
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoServer(
                f"no server runs on {directory}; twistd dictd starts one, --state-dir or --config names another's"
            ) from None
        except TimeoutError:
            raise DictError(f"the server of {directory} does not answer") from None
        except OSError as error:
            raise NoServer(f"{path} cannot be reached: {error.strerror or error}") from None
    if not answered.endswith(b"\n"):
        raise NoServer("the server went away before it answered")
    answer = json.loads(answered)
    if "trouble" in answer:
        raise DictError(answer["trouble"])
    return answer["ok"]


@contextmanager
def short_name(path: Path) -> Iterator[str]:
    """A name by which a unix socket can be reached, whose path may be longer than the system has it."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
