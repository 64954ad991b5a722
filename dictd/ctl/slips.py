"""Where the server is, as a slip of paper tells it."""

from __future__ import annotations

import ipaddress
import re

from dictd.ctl.root import Shared
from dictd.errors import DictError
from dictd.processes import asking

#: As :attr:`dictd.processes.sockets.Entrance.shown` has it; unix sockets and the port for proxies are for no people.
_ENTRANCE = re.compile(r"\[?(?P<address>[0-9A-Fa-f.:]+)(?:%\w+)?\]?:(?P<port>[0-9]+)(?P<tls> \(TLS\))?")


def place(shared: Shared) -> str:
    """``dict.example.org, port 2628``: of the server that runs, as it listens; else of the settings."""
    try:
        shown = asking.ask(shared.state.directory, "status")["listening"]
    except DictError:
        shown = []
    entrances = [found for one in shown if (found := _ENTRANCE.fullmatch(one))]
    if not entrances:
        listen = shared.settings.listen
        host = _host(shared, list(listen.addresses))
        return f"{host}, port {listen.port}" if listen.port else host
    plain = [one for one in entrances if not one["tls"]] or entrances
    outside = [one for one in plain if not ipaddress.ip_address(one["address"]).is_loopback]
    first = (outside or plain)[0]
    behind_proxy = any(one.endswith("(for proxies)") for one in shown)
    host = shared.settings.site.host if behind_proxy else _host(shared, [first["address"]])
    return f"{host}, port {first['port']}{first['tls'] or ''}"


def _host(shared: Shared, addresses: list[str]) -> str:
    """What this machine is called, for those who come in by some addresses."""
    if all(ipaddress.ip_address(address).is_loopback for address in addresses):
        return "localhost"
    return shared.settings.site.host
