"""Packages of Debian, downloaded and unpacked beside the virtual environment, never installed.

The dictionaries that tests import and the C dictd that they and the benchmarks
talk to: installed, ``dict-gcide`` would start a server on port 2628.
``python -m tests.support.debian PACKAGE...`` fetches packages beforehand.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.programs import CHECKOUT, missing

#: Where packages are unpacked, one directory each.
UNPACKED = CHECKOUT / ".venv" / "debian"
_PATIENCE = 600


def package(name: str) -> Path:
    """The root of an unpacked package; fetched if it is not there yet.

    :raises SkipTest: it cannot be had; with ``CI=true`` that is a failure.
    """
    try:
        return fetch(name)
    except OSError as error:
        missing(f"Debian's package {name} cannot be had: {error}")


def fetch(name: str) -> Path:
    """Download and unpack a package; whoever comes second waits for the first.

    :raises OSError: there is no apt, no network, no such package.
    """
    root = UNPACKED / name
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with open(UNPACKED / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if root.is_dir():
            return root
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=UNPACKED) as directory:
            temporary = Path(directory)
            temporary.chmod(0o755)  # apt fetches as a user of its own
            if not _download(name, temporary):
                _run([*_as_root(), "apt-get", "update", "-qq"], temporary)
                if not _download(name, temporary):
                    raise OSError("apt-get download failed")
            (archive,) = temporary.glob("*.deb")
            if not _run(["dpkg-deb", "-x", str(archive), str(temporary / "root")], temporary):
                raise OSError(f"{archive.name} cannot be unpacked")
            (temporary / "root").rename(root)
    return root


def _download(name: str, directory: Path) -> bool:
    return _run(["apt-get", "download", "-qq", name], directory)


def _run(command: list[str], directory: Path) -> bool:
    if shutil.which(command[0]) is None:
        raise OSError(f"there is no {command[0]} here")
    done = subprocess.run(command, cwd=directory, capture_output=True, timeout=_PATIENCE, check=False)
    return done.returncode == 0


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def main() -> None:
    """Fetch the packages that are named."""
    for name in sys.argv[1:]:
        if not (UNPACKED / name).is_dir():
            print(f"dictd: fetching Debian's {name} ...", flush=True)
            try:
                fetch(name)
            except OSError as error:
                print(f"dictd: {name} cannot be had ({error}); its tests are skipped", flush=True)


if __name__ == "__main__":
    main()
