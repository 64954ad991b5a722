"""The state directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.processes.state import State


class Prepared(SynchronousTestCase):
    """What a start makes."""

    def test_parts(self) -> None:
        """Each is for this user alone, whatever the umask, and on the disk when it is used; once is enough."""
        self.addCleanup(os.umask, os.umask(0))
        synced: list[str] = []
        real = os.fsync

        def noted(descriptor: int) -> None:
            synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
            real(descriptor)

        self.patch(os, "fsync", noted)
        directory = Path(self.mktemp()).absolute()
        state = State(directory).prepare()
        parts = (directory, state.store, state.lexicon, state.spool, state.temporary)
        self.assertEqual([stat.S_IMODE(part.stat().st_mode) for part in parts], [0o700] * 5)
        self.assertEqual(synced, [str(directory.parent), *[str(directory)] * 4])
        state.prepare()
        self.assertEqual(len(synced), 5)
