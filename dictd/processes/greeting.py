"""What a newcomer reads on the terminal once the server runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def tell_newcomer(dictionaries: Sequence[tuple[str, int]], where: Sequence[str], registration: str = "open") -> None:
    """Say on the terminal what to type next; the log has lines of its own.

    :param dictionaries: titles, with how many headwords there are.
    :param registration: as the settings have it.
    """
    terminal = sys.__stdout__
    if terminal is None:
        return
    host, _, port = where[0].split(" ")[0].rpartition(":")
    known = ", ".join(f"{title} ({headwords:,} headwords)" for title, headwords in dictionaries)
    asking = [f"      nc {host.strip('[]')} {port}"] if host else [f"      nc -U {port}"]
    code = " code" if registration == "invite" else ""
    register = [f"      REGISTER your-name a-password{code}"] if registration != "closed" else []
    lines = [
        "",
        f"  dictd is listening on {' and '.join(where)}.",
        f"  Dictionaries: {known}"
        if known
        else "  No dictionary here yet. Those that the store has come in a moment; dictctl import FILE brings one in.",
        "",
        "  Now type, in another terminal:",
        *asking,
        "  and there, one line each:",
        "      Q penguin",
        *register,
        "      Q ice cream",
        "      HISTORY",
        "      HELP",
        "      QUIT",
        *(_client(host, port) if host else ()),
        "  Ctrl-C here stops the server.",
        "",
    ]
    terminal.write("\n".join(lines) + "\n")
    terminal.flush()


def _client(host: str, port: str) -> list[str]:
    """How to ask with the bundled client, where it is installed beside this interpreter."""
    program = Path(sys.executable).with_name("dictc")
    if not program.exists():
        return []
    shown = program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program
    server = "" if port == "2628" else f"--server dict://{host}:{port} "
    return ["  or, with the client, which has a prompt too:", f"      {shown} {server}penguin"]
