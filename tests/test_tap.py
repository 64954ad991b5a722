"""The options of ``twistd dictd``."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dictd import tap


class Options(SynchronousTestCase):
    """What they say of settings."""

    def said(self, *arguments: str) -> dict[str, dict[str, object]]:
        """Section -> key -> value."""
        options = tap.Options()
        options.parseOptions(arguments)
        return options.overrides()

    def test_numbers(self) -> None:
        """Ports and workers are numbers, or workers are as many as cores; a directory may be called 2026."""
        self.assertEqual(
            self.said("--port", "0", "--workers", "2", "--state-dir", "2026"),
            {"listen": {"port": 0, "workers": 2}, "state": {"directory": "2026"}},
        )
        self.assertEqual(self.said("--workers", "auto"), {"listen": {"workers": "auto"}})

    def test_nothing_said(self) -> None:
        """What is not said is left to the settings."""
        self.assertEqual(self.said(), {})
