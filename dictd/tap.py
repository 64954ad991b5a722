"""``twistd dictd``: the options, and the service they make."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.python import usage

from dictd import config
from dictd.errors import DictError
from dictd.lexicon.strategies import STRATEGIES


class Options(usage.Options):
    """Options of ``twistd dictd``; what they do not say, the settings do."""

    synopsis = "[options]"
    longdesc = "A dictionary server you own: DICT (RFC 2229) with accounts and a private history."
    optParameters = [
        ["config", "c", None, "settings file (TOML); etc/dictd.toml shows every key"],
        ["port", "p", None, "TCP port to listen on", int],
        ["http-port", None, None, "TCP port of the web page (not served by this version)", int],
        ["state-dir", None, None, "where the server keeps its state"],
        ["store", None, None, "where accounts and words are kept: sqlite"],
        ["workers", None, None, "worker processes; 0 serves in one process", int],
    ]

    def postOptions(self) -> None:
        if self["http-port"]:
            raise usage.UsageError("--http-port: this version has no web page yet")

    def settings(self) -> config.Settings:
        """The settings with these options over them.

        :raises SettingsRefused: every fault, one a line.
        """
        places = {"port": ("listen", "port"), "workers": ("listen", "workers")}
        places |= {"state-dir": ("state", "directory"), "store": ("store", "url")}
        overrides: dict[str, dict[str, Any]] = {}
        for option, (section, key) in places.items():
            if self[option] is not None:
                overrides.setdefault(section, {})[key] = self[option]
        path = Path(self["config"]) if self["config"] else None
        return config.load(path, os.environ, overrides, [strategy.name for strategy in STRATEGIES])


def makeService(options: Options) -> IService:
    """Check everything that can be in the way, and make the service.

    :raises SystemExit: one line; nothing was started.
    """
    from dictd.processes import reactor as ours

    ours.install()  # before anything imports the usual one
    from twisted.internet import reactor

    from dictd.processes.serving import Claim, Serving, tell_newcomer
    from dictd.processes.state import State

    try:
        settings = options.settings()
        claim = Claim.made(settings, State(config.state_directory(settings)))
    except DictError as trouble:
        raise SystemExit(f"dictd: {trouble.text}") from None
    twistd = options.parent
    in_foreground = twistd is not None and bool(twistd["nodaemon"])
    return Serving(settings, claim, reactor, tell_newcomer if in_foreground else None)
