"""What the supervisor's process does not know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.programs import CHECKOUT, environment

_LOOK = """
import sys
from dictd import tap
options = tap.Options()
options.parseOptions(["--workers", "2", "--port", "0", "--state-dir", sys.argv[1]])
options.parent = None
service = tap.makeService(options)
wanted = ("dictd.", "lmdb", "sqlite3", "pymysql", "re2", "argon2")
print(" ".join(name for name in sys.modules if name.startswith(wanted)))
"""


class Ignorance(SynchronousTestCase):
    """twistd dictd with workers, up to where it would serve."""

    def test_no_store_no_lexicon(self) -> None:
        """It imports no store and no lexicon, nor what they stand on, so nothing they choke on can choke it."""
        done = subprocess.run(
            [sys.executable, "-c", _LOOK, str(Path(self.mktemp()).absolute())],
            capture_output=True, check=False, timeout=60, cwd=CHECKOUT, env=environment(),
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        names = done.stdout.decode().split()
        self.assertLessEqual({"dictd.processes.supervisor", "dictd.processes.workerprocess"}, set(names))
        unwanted = (
            "dictd.store.",
            "dictd.lexicon",
            "dictd.lookups",
            "dictd.server",
            "lmdb",
            "sqlite3",
            "pymysql",
            "re2",
            "argon2",
        )
        self.assertEqual([name for name in names if name.startswith(unwanted)], [])
