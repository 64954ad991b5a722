"""Dictionaries of more than a million headwords together, imported once and kept.

What is kept lies below the directory of results, under a name that tells what
it was made of: the files themselves, the format of the lexicon, the schema.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from benchmarks.servers import NotHere
from benchmarks.wordnet import from_index
from dictd.lexicon.records import FORMAT
from dictd.store.dialect import SQLITE
from dictd.store.schema import migrations
from tests.support.debian import fetch
from tests.support.programs import CHECKOUT, environment

#: Debian's dictionaries that it is made of.
NAMES = ("wn", "gcide", "freedict-eng-deu", "freedict-deu-eng")
_PATIENCE = 900
_KEPT = "million-"


@frozen
class Million:
    """A state directory that serves them.

    :ivar headwords: all of them, as the files tell them.
    """

    state: Path
    headwords: tuple[str, ...]

    @classmethod
    def found(cls, results: Path) -> Million:
        """The one that is kept, or a new one; those made of anything else are removed.

        :param results: where it is kept.
        :raises NotHere: the dictionaries cannot be had, or not imported.
        """
        try:
            indexes = [fetch(f"dict-{name}") / "usr/share/dictd" / f"{name}.index" for name in NAMES]
            state = results / f"{_KEPT}{key(indexes)}"
            if not state.is_dir():
                for old in results.glob(f"{_KEPT}*"):
                    shutil.rmtree(old)
                _import(indexes, state)
            words = {word for index in indexes for word in from_index(index.read_text("utf-8"))}
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotHere(f"MATCH on a million headwords is left out: {error}") from error
        return cls(state.resolve(), tuple(sorted(words)))


def key(indexes: Sequence[Path]) -> str:
    """What a state is made of, in a few letters.

    :param indexes: of dictionaries of dict.org, their articles beside them.
    """
    made_of = hashlib.blake2b(digest_size=6)
    steps = [migrations(subject, SQLITE)[-1].version for subject in ("dictionaries", "accounts")]
    made_of.update(f"lexicon {FORMAT} schema {steps}".encode())
    for index in indexes:
        for file in (index, index.with_suffix(".dict.dz")):
            made_of.update(f"{file.name} {file.stat().st_size} ".encode())
            made_of.update(file.read_bytes())
    return made_of.hexdigest()


def _import(indexes: Sequence[Path], state: Path) -> None:
    # Whole or not at all: an import that was stopped is not taken for the million.
    with tempfile.TemporaryDirectory(prefix="making-", dir=state.parent) as directory:
        making = Path(directory) / "state"
        done = subprocess.run(
            [sys.executable, "-m", "dictd.ctl", "--state-dir", str(making), "import", *map(str, indexes)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
            cwd=CHECKOUT,
            env=environment(),
        )
        if done.returncode:
            raise OSError(f"the import failed: {done.stderr.strip().rpartition(chr(10))[2]}")
        making.rename(state)
