"""The port where the server tells how it is: to Prometheus, and to whoever asks whether it is well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from twisted.logger import Logger

from dictd.config import Settings
from dictd.errors import SettingsRefused
from dictd.metrics import Facts, Gauges, MetricsSite
from dictd.processes import sockets
from dictd.processes.steering import Steering

_log = Logger()


@frozen
class Overall:
    """The facts of a server, whatever it is made of; see :class:`dictd.metrics.Facts`."""

    _steering: Steering

    async def totals(self) -> Mapping[str, Any]:
        """What all processes have counted; that of workers is at most a second old."""
        return self._steering.counts()

    def gauges(self) -> Gauges:
        """What is not counted."""
        status = self._steering.status()
        memory: dict[str, int] = {}
        for worker in status["workers"]:
            memory[worker["name"]] = memory.get(worker["name"], 0) + (worker["memory"] or 0)
        return Gauges(
            workers=sum(worker["state"] == "serving" for worker in status["workers"]),
            restarts=status["restarts"],
            memory=memory,
            headwords={name: headwords for name, _, headwords in status["dictionaries"]},
            certificate=status["certificate"],
        )

    def unready(self) -> list[str]:
        """Why nobody should be sent here now."""
        status = self._steering.status()
        reasons = []
        if not any(worker["state"] == "serving" for worker in status["workers"]):
            reasons.append("no worker serves")
        elif not status["dictionaries"]:
            reasons.append("no dictionary is served")
        if not status["store"]:
            reasons.append("the account store does not answer")
        return reasons


def serve_metrics(settings: Settings, reactor: Any, facts: Facts) -> tuple[Any, str]:
    """Open the port; where that fails, a warning, and the server goes on.

    :returns: what listens, or ``None``, and where or why not.
    """
    chosen = settings.metrics
    if not chosen.enabled:
        return None, ""
    try:
        listening = sockets.bound(chosen.address, chosen.port, option="metrics.port in the settings")
    except SettingsRefused as trouble:
        _log.warn("no metrics: {trouble}", trouble=trouble.text)
        return None, f"not served: {trouble.text}"
    with listening:
        port = reactor.adoptStreamPort(listening.fileno(), listening.family, MetricsSite(facts, reactor))
        where = f"http://{sockets.where(listening)}/metrics"
    _log.info("metrics on {where}", where=where)
    return port, where
