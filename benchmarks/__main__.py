"""``python -m benchmarks``: measure everything, print one table, keep the figures as JSON."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from attrs import asdict

from benchmarks import chapters
from benchmarks.accounting import Others
from benchmarks.bench import Bench
from benchmarks.cases import WrongAnswers
from benchmarks.figures import Run, gathered
from benchmarks.load import ServerFell
from benchmarks.machine import Machine
from benchmarks.servers import NotHere
from benchmarks.table import rendered
from benchmarks.wordnet import WordNet


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Rounds; the median is told.")
@click.option("--seconds", type=click.FloatRange(0.1), default=2.0, show_default=True, help="Seconds of one round.")
@click.option("--connections", type=click.IntRange(1), default=10_000, show_default=True, help="Idle connections.")
@click.option("--flood", type=click.FloatRange(1), default=30.0, show_default=True, help="Seconds of wrong passwords.")
@click.option(
    "--outage", type=click.FloatRange(8), default=60.0, show_default=True, help="Seconds that a database stands still."
)
@click.option("--quick", is_flag=True, help="A first look: less of everything, no million, no killing.")
@click.option(
    "--only", multiple=True, metavar="PREFIX", help=f"Measure only what begins so: {', '.join(chapters.NAMES)}."
)
@click.option("--results", type=click.Path(path_type=Path), default=Path(".bench"), show_default=True)
def main(
    rounds: int,
    seconds: float,
    connections: int,
    flood: float,
    outage: float,
    quick: bool,
    only: tuple[str, ...],
    results: Path,
) -> None:
    """Measure dictd beside C dictd, dicod and a C server of system calls only, on the same WordNet."""
    for prefix in only:
        if not any(chapters.wanted(name, [prefix]) for name in chapters.NAMES):
            raise click.UsageError(f"nothing begins with {prefix}; there are {', '.join(chapters.NAMES)}")
    imports = rounds
    if quick:
        rounds, imports, seconds, connections, flood, outage = 2, 1, 0.6, 2_000, 5.0, 10.0
    # Stopped from outside is stopped by Ctrl-C: what was started is ended on the way out.
    signal.signal(signal.SIGTERM, _interrupted)
    results.mkdir(parents=True, exist_ok=True)
    machine = Machine.here()
    others = Others()
    try:
        # Not in /tmp, which may be memory: commits have to reach a disk.
        with tempfile.TemporaryDirectory(prefix="run-", dir=results) as directory:
            wordnet = WordNet.found()
            place = Path(directory).resolve()
            bench = Bench(
                place,
                rounds,
                imports,
                seconds,
                connections,
                wordnet,
                flood=flood,
                outage=outage,
                quick=quick,
                only=only,
            )
            if not quick and chapters.wanted(chapters.SERVERS, only):
                bench.have_million(results)
            bench.settings |= {
                "rounds": rounds,
                "seconds": seconds,
                "idle": connections,
                "wrong passwords for": f"{flood:g} s",
                "outage": f"{outage:g} s",
                "WordNet": f"imported as {wordnet.format}",
                "workers": "0 unless the row says",
                **({"only": ", ".join(only)} if only else {}),
            }
            figures = gathered(bench.run())
    except (NotHere, OSError, ServerFell, WrongAnswers) as trouble:
        click.echo(f"bench: {trouble}", err=True)
        sys.exit(1)
    run = Run(asdict(machine) | {"others": others.share()}, bench.settings, tuple(bench.remarks), figures)
    click.echo(rendered(run), nl=False)
    path = results / f"{machine.when.replace(':', '')}-{machine.revision or 'unknown'}.json"
    path.write_text(run.text(), "utf-8")
    if not only:  # the latest is a whole one
        (results / "LATEST.json").write_text(run.text(), "utf-8")
    click.echo(f"\nkept as {path}" + ("" if only else " and LATEST.json beside it"))
    if bench.failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
