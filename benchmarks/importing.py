"""What an import takes: time and memory.

``python -m benchmarks.importing COMMAND...`` runs a command and prints both.
It stands between us and the command because the kernel counts the memory of
whoever starts a process as the first memory of that process: this one is small.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from tests.support.programs import CHECKOUT, environment

#: Rows of the wordbook that is made up.
ROWS = 200_000
_PATIENCE = 600


@frozen
class Import:
    """What one took.

    :ivar rows: headwords.
    :ivar seconds: of the whole command, from its start to its end.
    :ivar peak: the most memory it held at a time, MB.
    """

    rows: int
    seconds: float
    peak: float


def measured(state: Path, source: Path, name: str, format: str, store: str = "sqlite", *options: str) -> Import:
    """Import a file with dictctl.

    :param store: the URL of the store.
    :param options: of ``dictctl import`` besides.
    :raises OSError: it was refused.
    """
    command = [
        sys.executable, "-m", "benchmarks.importing",
        sys.executable, "-m", "dictd.ctl", "--state-dir", str(state), "--store", store, "--json",
        "import", "--name", name, "--format", format, *options, str(source),
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CHECKOUT,
        env=environment(),
        start_new_session=True,
    )
    try:
        said, complained = process.communicate(timeout=_PATIENCE)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)  # both of them
        process.communicate()
        raise
    if process.returncode:
        raise OSError(f"the import of {source} failed: {complained.strip()}")
    outcome, took = map(json.loads, said.splitlines())
    return Import(outcome["headwords"], took["seconds"], took["peak"])


def wordbook(path: Path, rows: int = ROWS) -> Path:
    """Write a wordbook of words that are all different, with meanings of 10 to 110 characters."""
    meaning = "a thing that is made up, and told at some length so that it looks like what people import " * 2
    with path.open("w", encoding="utf-8") as file:
        for row in range(rows):
            file.write(f"{made_up(row)}\t{meaning[row % 7 : row % 7 + 10 + row % 101]}\n")
    return path


def made_up(number: int) -> str:
    """A word of such a book: syllables that are the digits of its row, in an order that is not the alphabet's."""
    number = number * 48_271 % 2_147_483_647
    syllables = []
    while number:
        number, digit = divmod(number, 70)
        syllables.append("bdfghjklmnprst"[digit // 5] + "aeiou"[digit % 5])
    return "".join(syllables) or "nil"


def main(command: Sequence[str]) -> int:
    """Run a command; what it took is the last line."""
    began = time.monotonic()
    process = subprocess.Popen(command)
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    print(json.dumps({"seconds": time.monotonic() - began, "peak": usage.ru_maxrss * 1024 / 1e6}), flush=True)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
