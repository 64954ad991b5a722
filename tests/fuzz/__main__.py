"""Run the targets one after the other: ``python -m tests.fuzz [--seconds N] [TARGET...]``.

Ends with 1 when something was found; it is printed so that it can be pasted
into ``test_targets.py``.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.fuzz.targets import BY_NAME, TARGETS
from tests.support.programs import environment

#: Seconds beyond its own after which a child is cut.
_GRACE = 60
_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them and tell what was found; the number of findings, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=420, help="for all targets together (%(default)s)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(BY_NAME))
    given = parser.parse_args(arguments)
    unknown = [name for name in given.targets if name not in BY_NAME]
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    if importlib.util.find_spec("atheris") is None:
        print(f"fuzz: atheris cannot be had for Python {platform.python_version()}; its targets are left out")
        return 0
    chosen = [target for target in TARGETS if target.name in given.targets or not (given.targets or target.asked)]
    for target in chosen:
        if not target.exists:
            print(f"fuzz: {target.name:<9} left out, {target.needs} is not there yet")
    there = [target.name for target in chosen if target.exists]
    found = [fuzz(name, max(1, given.seconds // len(there))) for name in there]
    return int(any(found))


def fuzz(name: str, seconds: int) -> bool:
    """Fuzz one target in a child; whether anything was found."""
    memory = str(_MEMORY) if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="dictd-fuzz-", dir=memory) as directory:
        command = [sys.executable, "-m", "tests.fuzz.child", name, directory, str(seconds)]
        try:
            ended = subprocess.run(  # noqa: S603 - ourselves
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds + _GRACE,
                env=environment(),
                check=False,
            )
            output, code = ended.stdout.decode("utf-8", "replace"), ended.returncode
        except subprocess.TimeoutExpired as late:
            output, code = (late.stdout or b"").decode("utf-8", "replace"), -1
        inputs = [path.read_bytes() for path in sorted(Path(directory, "found").glob("*"))]
    runs = re.search(r"number_of_executed_units: (\d+)", output)
    covered = re.findall(r"cov: (\d+)", output)
    print(f"fuzz: {name:<9} {seconds} s, {runs[1] if runs else '?'} inputs, coverage {covered[-1] if covered else '?'}")
    if code == 0 and not inputs:
        return False
    print("\n".join(_told(output, code)))
    for data in inputs:
        print(f"fuzz: found by {name}; for FOUND in tests/fuzz/test_targets.py:\n    ({name!r}, {data!r}),")
    sys.stdout.flush()
    return True


def _told(output: str, code: int) -> Iterator[str]:
    """What the child said of its end."""
    lines = output.rstrip().split("\n")
    begin = next((number for number, line in enumerate(lines) if "=== Uncaught" in line or "ERROR: " in line), -20)
    yield f"fuzz: the child ended with {code}"
    yield from lines[begin:][:60]


if __name__ == "__main__":
    sys.exit(main())
