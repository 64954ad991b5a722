"""``twistd dictd``: the options, and the service they make."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.python import usage

from dictd import config
from dictd.errors import DictError


class Options(usage.Options):
    """Options of ``twistd dictd``; what they do not say, the settings do."""

    synopsis = "[options]"
    longdesc = "A dictionary server you own: DICT (RFC 2229) with accounts and a private history."
    optParameters = [
        ["config", "c", None, "settings file (TOML); etc/dictd.toml shows every key"],
        ["port", "p", None, "TCP port to listen on", int],
        ["http-port", None, None, "TCP port of the web page (not served by this version)", int],
        ["state-dir", None, None, "where the server keeps its state"],
        ["store", None, None, "where accounts and words are kept: sqlite, or mysql://user@host/database"],
        ["workers", None, None, "worker processes; auto is one a core, 0 serves in one process"],
    ]

    def postOptions(self) -> None:
        if self["http-port"]:
            raise usage.UsageError("--http-port: this version has no web page yet")

    def overrides(self) -> dict[str, dict[str, Any]]:
        """What these options say of settings: section -> key -> value."""
        places = {"port": ("listen", "port"), "workers": ("listen", "workers")}
        places |= {"state-dir": ("state", "directory"), "store": ("store", "url")}
        overrides: dict[str, dict[str, Any]] = {}
        for option, (section, key) in places.items():
            if self[option] is not None:
                value = self[option]
                if option == "workers" and value.isdecimal():
                    value = int(value)  # or it is "auto"
                overrides.setdefault(section, {})[key] = value
        return overrides


def makeService(options: Options) -> IService:
    """Check everything that can be in the way, and make the service.

    :raises SystemExit: one line; nothing was started.
    """
    from dictd.processes import reactor as ours

    ours.install()  # before anything imports the usual one
    from twisted.internet import reactor

    from dictd.processes import preflight
    from dictd.processes.claim import Claim
    from dictd.processes.greeting import tell_newcomer
    from dictd.processes.journal import Logged
    from dictd.processes.notices import Notices
    from dictd.processes.preflight import Origin
    from dictd.processes.state import State

    twistd: Mapping[str, Any] = options.parent or {}
    # A daemon changes its directory, and reads the file again on SIGHUP.
    path = str(Path(options["config"]).absolute()) if options["config"] else None
    origin = Origin(path, options.overrides())
    try:
        settings = origin.load()
        state = State(config.state_directory(settings))
        alone = not settings.listen.processes
        logged = Logged(settings, twistd, "server" if alone else "supervisor", reactor)
        claim = Claim.made(settings, state, lambda: (preflight.here if alone else preflight.begun)(origin))
    except DictError as trouble:
        raise SystemExit(f"dictd: {trouble.text}") from None
    # Where the log is JSON somebody reads every line as that.
    shown = twistd.get("nodaemon") and settings.log.format == "text"
    notices = Notices(reactor, os.environ)

    def greet(dictionaries: Sequence[tuple[str, int]], where: Sequence[str]) -> None:
        notices.serves(where)
        if shown:
            tell_newcomer(dictionaries, where, settings.accounts.registration)

    notices.setServiceParent(logged)
    if alone:
        from dictd.processes.alone import Alone

        Alone(settings, claim, reactor, greet).setServiceParent(logged)
    else:
        from dictd.processes.supervisor import Supervisor

        Supervisor(origin, settings, claim, reactor, greet, logged.follow).setServiceParent(logged)
    return logged
