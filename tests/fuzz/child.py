"""One target in a process of its own: ``python -m tests.fuzz.child TARGET DIRECTORY SECONDS``.

Ends with 0 when the time is over and nothing was found; libFuzzer leaves what
it found in ``DIRECTORY/found``.
"""

from __future__ import annotations

import importlib
import resource
import sys
from pathlib import Path

#: Memory of the child's own, and resident memory that libFuzzer takes for a finding; MiB.
#: Address space is not limited: a lexicon file is mapped with room to grow.
MOST_MEMORY, MOST_RESIDENT = 2048, 1024
#: Seconds for one input.
MOST_SECONDS = 10


def main(name: str, directory: Path, seconds: int) -> None:
    """Fuzz; does not return."""
    import atheris

    # What is imported here is watched, so nothing of dictd may be imported before.
    with atheris.instrument_imports(include=["dictd"]):
        from tests.fuzz import targets

        target = targets.BY_NAME[name]
        importlib.import_module(target.needs)
    corpus, found, files = (directory / part for part in ("corpus", "found", "files"))
    for part in (corpus, found, files):
        part.mkdir(parents=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={target.longest}",
        f"-timeout={MOST_SECONDS}",
        f"-rss_limit_mb={MOST_RESIDENT}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: target.run(data, files))
    atheris.Fuzz()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY << 20, MOST_MEMORY << 20))
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
