"""Where administrators come in: the control socket, the metrics, and the shell."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import succeed
from twisted.logger import Logger

from dictd.config import Settings
from dictd.processes import asking, control, ports
from dictd.processes.control import ControlFactory
from dictd.processes.monitoring import Overall, serve_metrics
from dictd.processes.prompting import Prompting
from dictd.processes.steering import Steering


@define(eq=False, repr=False)
class Office:
    """Opened by the process that twistd started.

    :ivar monitored: where the metrics are, or why they are not.
    """

    settings: Settings
    directory: Path
    reactor: Any
    steering: Steering
    monitored: str = field(default="", init=False)
    _control: Any = field(default=None, init=False)
    _metrics: Any = field(default=None, init=False)
    _prompting: Prompting = field(init=False)
    log = Logger()

    def __attrs_post_init__(self) -> None:
        self._prompting = Prompting(self.settings, self.directory, self.reactor, self.steering)

    @property
    def shell(self) -> dict[str, Any] | None:
        """Where the shell is, see :class:`~dictd.processes.prompting.Prompting`."""
        return self._prompting.told

    def open(self) -> None:
        """Listen.

        :raises SettingsRefused: the control socket cannot be.
        """
        with control.bound(self.directory) as listening:
            factory = ControlFactory(self.steering)
            self._control = ports.adopted(self.reactor, listening.fileno(), listening.family, factory)
        self._monitor()
        self._prompting.open()

    def reload(self, settings: Settings) -> None:
        """Take new settings."""
        self._prompting.reload(settings)
        was, self.settings = self.settings, settings
        if settings.metrics != was.metrics or self._metrics is None:
            closed = self._metrics.stopListening() if self._metrics is not None else None
            succeed(None).addCallback(lambda _: closed).addCallback(lambda _: self._monitor())

    def close_shell(self) -> None:
        """End the sessions of the shell, while there is time to tell them."""
        self._prompting.close()

    def close(self) -> None:
        """Listen no longer."""
        for port in (self._control, self._metrics):
            if port is not None:
                port.stopListening()
        with suppress(OSError):
            (self.directory / asking.FILE).unlink()

    def _monitor(self) -> None:
        self._metrics, self.monitored = serve_metrics(self.settings, self.reactor, Overall(self.steering))
