"""Child processes: how they are called, what they print."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes import preflight
from dictd.processes.lines import Lines
from dictd.processes.preflight import Origin
from tests.support.programs import environment


class Printed(SynchronousTestCase):
    """What comes in pieces."""

    @given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))), st.integers(1, 9))
    def test_pieces(self, said: list[str], size: int) -> None:
        """Lines are whole, however they are cut; what has no end comes at the end."""
        heard: list[str] = []
        lines = Lines(heard.append)
        whole = "\n".join([*said, "x"]).encode()
        for at in range(0, len(whole), size):
            lines.feed(whole[at : at + size])
        lines.end()
        self.assertEqual(heard, [*said, "x"])

    def test_endless(self) -> None:
        """What never ends is not kept for ever."""
        heard: list[str] = []
        lines = Lines(heard.append)
        for _ in range(40):
            lines.feed(b"x" * 4096)
        self.assertGreater(len(heard), 1)
        self.assertLess(len(lines._partial), 1 << 17)


class Called(SynchronousTestCase):
    """Modules of ours in processes of their own."""

    def test_not_from_here(self) -> None:
        """Nothing is imported from the directory in which a server happens to run."""
        here = Path(self.mktemp())
        here.mkdir()
        for name in ("argparse", "attrs", "click", "json", "lmdb"):
            (here / f"{name}.py").write_text("raise SystemExit('imported from here')")
        state = {"state": {"directory": str(here.absolute() / "state")}}
        done = subprocess.run(
            preflight.command(),
            input=Origin(None, state).text().encode(),
            cwd=here,
            env=environment(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(json.loads(done.stdout or b"0"), {"trouble": "", "notes": []}, done.stderr)
