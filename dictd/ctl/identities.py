"""The keys that ssh tries of itself."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dictd.manhole import authorized
from dictd.manhole.authorized import PublicKey

#: Without -i, see IdentityFile in ssh_config(5).
_NAMES = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
#: How long an agent may take, seconds.
_PATIENCE = 3.0


def directory() -> Path:
    """Where they are: of the account, as ssh has it, whatever HOME is."""
    return Path(pwd.getpwuid(os.geteuid()).pw_dir) / ".ssh"


def usual(private: Path, where: Path) -> bool:
    """Whether ssh tries this file of itself.

    :param where: see :func:`directory`.
    """
    return private.name in _NAMES and private.absolute().parent == where


def none_fits(path: Path, where: Path) -> bool:
    """Whether none that ssh would try is let in, as far as that can be seen from here.

    :param path: of the keys that are let in.
    """
    try:
        let_in = {line.blob for _, line in authorized.read(path) if isinstance(line, PublicKey)}
    except (authorized.KeysRefused, OSError):
        return False
    for name in _NAMES:
        if (where / name).exists() and not (where / f"{name}.pub").exists():
            return False  # nobody can say what it is without its passphrase
    return let_in.isdisjoint(key.blob for key in (*_in_files(where), *_in_agent()))


def _in_files(where: Path) -> Iterator[PublicKey]:
    for name in _NAMES:
        with suppress(OSError, ValueError, authorized.NoKey):
            yield authorized.parse((where / f"{name}.pub").read_text("utf-8"))


def _in_agent() -> Iterator[PublicKey]:
    program = shutil.which("ssh-add")
    if program is None or "SSH_AUTH_SOCK" not in os.environ:
        return
    try:
        done = subprocess.run([program, "-L"], capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        with suppress(authorized.NoKey):
            yield authorized.parse(line)
