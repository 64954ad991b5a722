"""GNU dico, the client, from Debian's unpacked package."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.debian import package

#: The client, and what it needs beyond what every Debian has.
PACKAGES = ("dico", "libdico2", "libgsasl18", "libgssglue1", "libidn12", "libntlm0")


def dico(port: int, home: Path, *arguments: str, sent: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run it to its end; what it sends and receives is on standard error.

    :param home: where it looks for ``.dico`` and ``.dicologin``.
    :param sent: what is typed, if no word is asked for.
    :raises SkipTest: it cannot be had; with ``CI=true`` that is a failure.
    """
    libraries = [str(library) for name in PACKAGES for library in (package(name) / "usr/lib").glob("*-linux-*")]
    home.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [
            str(package("dico") / "usr/bin/dico"),
            *("--quiet", "--transcript", "--host", "127.0.0.1", "--port", str(port)),
            *arguments,
        ],
        input=sent.encode(),
        capture_output=True,
        timeout=30,
        check=False,
        cwd=home,
        env={
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "LD_LIBRARY_PATH": ":".join(libraries),
        },
    )
