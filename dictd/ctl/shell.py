"""The prompt inside the running server, by OpenSSH's ssh."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from dictd.ctl import identities
from dictd.ctl.root import Shared, main
from dictd.errors import DictError
from dictd.manhole import authorized, hostkeys
from dictd.manhole.authorized import PublicKey
from dictd.processes import asking
from dictd.processes.prompting import keys_file

_LONGEST_KEY = 1 << 16
#: Connects, and hands ssh the connection: see ProxyUseFdpass in ssh_config(5).
_CONNECTS = (
    "import os,socket,sys;p=sys.argv[1];os.chdir(os.path.dirname(p));s=socket.socket(socket.AF_UNIX);"
    "s.connect(os.path.basename(p));socket.send_fds(socket.socket(fileno=1),[b'0'],[s.fileno()])"
)


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("-i", "--identity", metavar="FILE", help="The private key, if not one of those that ssh tries.")
@click.option("--authorize", type=click.Path(path_type=Path), metavar="FILE.pub", help="Let a public key in.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def shell(shared: Shared, identity: str | None, authorize: Path | None, command: tuple[str, ...]) -> None:
    """Open a Python prompt inside the running server, or run one COMMAND there: dictctl shell 'status()'.

    Without a terminal and a COMMAND what comes by standard input is run.
    """
    if authorize is not None:
        _authorize(shared, authorize)
        return
    told = _told(shared)
    path = keys_file(shared.settings, shared.state.directory)
    _somebody_is_let_in(path)
    program = shutil.which("ssh")
    if program is None:
        raise DictError("there is no ssh; on Debian: apt install openssh-client")
    if identity is None and identities.none_fits(path, identities.directory()):
        click.echo(
            f"None of the keys that ssh tries of itself is let in; those let in are listed in {path}."
            " dictctl shell -i PRIVATE_KEY names yours, --authorize FILE.pub lets another in.",
            err=True,
        )
    arguments = [program, *_options(shared, told, identity)]
    arguments += ["-t" if sys.stdin.isatty() and not command else "-T", "--", hostkeys.ALIAS]
    if command:
        arguments.append(" ".join(command))
    sys.stdout.flush()
    os.execv(program, arguments)  # noqa: S606 - it takes over the terminal, and its status is ours


def _told(shared: Shared) -> dict[str, Any]:
    """Where the shell is.

    :raises DictError: it is not, with what to do.
    """
    told: dict[str, Any] | None = asking.ask(shared.state.directory, "status").get("shell")
    if told is None:
        raise DictError(
            "the shell is off; write enabled = true under [manhole] in the settings, then dictctl reload"
            " (with workers = 0: start the server again)"
        )
    if not told["where"]:
        raise DictError(f"there is no shell: {told['trouble']}; then dictctl reload")
    return told


def _somebody_is_let_in(path: Path) -> None:
    """Look whether a key is in the file, as far as that can be seen from here.

    :raises DictError: none is, with what to type.
    """
    try:
        lines = [line for _, line in authorized.read(path)]
    except PermissionError:
        return
    if not any(isinstance(line, PublicKey) for line in lines):
        raise DictError(
            "no key is let in yet; dictctl shell --authorize ~/.ssh/id_ed25519.pub lets yours in,"
            " ssh-keygen -t ed25519 makes one"
        )


def _options(shared: Shared, told: dict[str, Any], identity: str | None) -> list[str]:
    """What makes ssh go to this server and no other, whatever else it is set to."""
    known = shared.state.directory.absolute() / hostkeys.DIRECTORY / hostkeys.KNOWN_HOSTS
    options = {
        "HostKeyAlias": hostkeys.ALIAS,
        "UserKnownHostsFile": _in_option(known),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "PreferredAuthentications": "publickey",
        "LogLevel": "INFO",
        "Hostname": told["address"] or "localhost",
        "Port": str(told["port"] or 22),
    }
    if told["unix"]:
        connects = [sys.executable, "-IS", "-c", _CONNECTS, told["unix"]]
        options["ProxyCommand"] = shlex.join(connects).replace("%", "%%")
        options["ProxyUseFdpass"] = "yes"
    written = ["-F", "none"]
    for name, value in options.items():
        written += ["-o", f"{name}={value}"]
    return written + (["-i", identity] if identity else [])


def _in_option(path: Path) -> str:
    return '"' + str(path).replace("%", "%%") + '"'


def _authorize(shared: Shared, source: Path) -> None:
    """Let a public key in.

    :raises DictError: it is none.
    """
    with source.open("rb") as file:
        text = file.read(_LONGEST_KEY).decode("utf-8", "replace")
    try:
        key = authorized.parse(text)
    except authorized.NoKey as refused:
        raise DictError(f"{source}: {refused.text}") from None
    path = keys_file(shared.settings, shared.state.directory)
    _prepare(path, shared)
    with suppress(authorized.KeysRefused):
        if any(isinstance(line, PublicKey) and line.blob == key.blob for _, line in authorized.read(path)):
            shared.tell({"key": key.fingerprint, "file": str(path), "new": False}, "This key is let in already.")
            return
    before = path.read_bytes() if path.exists() else b""
    with open(path, "ab", opener=_private) as file:
        file.write((b"\n" if before and not before.endswith(b"\n") else b"") + text.strip().encode() + b"\n")
        if not os.geteuid():
            owner = path.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
    for _ in authorized.read(path):  # what is wrong with the file is said now
        break
    name = f" {key.comment}" if key.comment else ""
    told = {"key": key.fingerprint, "file": str(path), "new": True}
    shared.tell(told, f"The key{name} ({key.fingerprint}) is let in from now on; it stands in {path}.{_opens(source)}")


def _opens(source: Path) -> str:
    """How the private key is named, unless ssh tries it of itself."""
    private = source.with_suffix("")
    if source.suffix != ".pub" or identities.usual(private, identities.directory()):
        return ""
    return f" dictctl shell -i {shlex.quote(str(private))} opens it."


def _prepare(path: Path, shared: Shared) -> None:
    """Have the directory of the file, as the server makes it."""
    if path.parent.exists():
        return
    if path.parent == shared.state.directory.absolute() / hostkeys.DIRECTORY:
        state = shared.state.prepare().directory
        path.parent.mkdir(mode=0o700)
        if not os.geteuid():
            owner = state.stat()
            os.chown(path.parent, owner.st_uid, owner.st_gid)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
