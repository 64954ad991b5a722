"""``python -m benchmarks.soak``: does it stay as it is, whatever people and the machine do to it?

A server of two workers, and clients that play every verb (:mod:`benchmarks.scenes`,
:mod:`benchmarks.mixed`), with TLS and without, some that hang up at any moment,
some that read slowly. Once a minute a worker is killed (-9), a dictionary is
imported again and again, and in the first quarter the server is reloaded now and
then (:mod:`benchmarks.soaking`). After that one worker is left alone to the end,
so that there is a life long enough to tell a leak from the first growth: only the
other is killed.

In the end all clients go, every process collects its garbage, and what was
watched is judged (:mod:`benchmarks.verdict`).
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import click

from benchmarks import importing, outage, scenes, verdict
from benchmarks.apart import apart
from benchmarks.cases import WrongAnswers
from benchmarks.load import ServerFell, ask, dial
from benchmarks.mixed import People
from benchmarks.scenes import MOVING_IN, Person
from benchmarks.servers import NotHere
from benchmarks.soaking import WORKERS, Soak
from benchmarks.stores import MARIADB, SQLITE, Stores
from dictd.errors import DictError
from dictd.server.commands import VERBS
from tests.support.certificates import made
from tests.support.programs import CHECKOUT, dictctl
from tests.support.server import Server, until

CLIENTS, PAUSE = 40, 1.0
RESIDENTS, DEVICES = 24, 12
#: Longer than a client waits for an answer.
_PATIENCE = 120.0
_INSIDE = Path(__file__).with_name("inside")
_SETTINGS = """
[accounts]
registration = "invite"
hash_memory_kib = 8192
hash_passes = 1
registrations_per_hour = 100000
[limits]
connections = 10000
exempt = []
[tls]
certificate = "{certificate}"
key = "{key}"
port = 0
[store]
url = "{url}"
"""


def people_of(soak: Soak) -> People:
    """Everybody who lives there moves in."""
    store = ("--store", soak.kept.url)
    code = dictctl(soak.kept.state, *store, "invite", "--uses", "1000").stdout.split()[0].decode()
    residents, devices, admins = (
        [_moved_in(soak.ports[0], Person(f"{what}{number}", "127.0.0.1", code=code)) for number in range(count)]
        for what, count in (("resident", RESIDENTS), ("device", DEVICES), ("admin", 1))
    )
    done = dictctl(soak.kept.state, *store, "users", "role", admins[0].name, "admin")
    assert not done.returncode, done.stderr
    return People(residents, devices, admins, code)


def _moved_in(port: int, person: Person) -> Person:
    """Somebody with an account and a key."""
    with dial(port) as connection:
        fields = person.fields(random.Random(), ask(connection).decode())  # noqa: S311 - a play
        for one in MOVING_IN.said:
            heard = ask(connection, f"{one.line.format_map(fields)}\r\n".encode()).decode()
            learned = re.search(one.learns, heard) if one.learns else None
            if learned:
                setattr(person, one.of, learned[1])
            elif one.learns or not heard.startswith(one.codes):
                raise WrongAnswers(f"{one.verb} was answered {heard!r}")
    return person


@contextmanager
def soaking(stores: Stores, store: str) -> Iterator[Soak]:
    """A server on a store."""
    with ExitStack() as stack:
        kept = stack.enter_context(stores.mariadb() if store == MARIADB else stores.sqlite())
        if kept.mariadb:
            kept.url = f"mysql://root@127.0.0.1:{kept.mariadb.port}/{outage.database_of(kept)}"
        place = kept.state.parent / "soak"
        place.mkdir()
        certificate, key = made(kept.state / "certificate")
        path = kept.state / "soak.toml"
        path.write_text(_SETTINGS.format(certificate=certificate, key=key, url=kept.url))
        surroundings = {"PYTHONPATH": f"{_INSIDE}:{CHECKOUT}", "SOAK_PLACE": str(place)}
        server = Server(kept.state, ("--config", str(path), "--workers", str(WORKERS)), surroundings)
        soak = Soak(kept, server, place)
        soak.import_(importing.wordbook(place / "first.tsv", scenes.ROWS))
        # The publisher publishes it once more: what that takes the first time is no growth.
        shutil.rmtree(kept.state / "lexicon")
        server.launch()
        stack.callback(server.stop)
        soak.settle()
        yield soak


def soaked(stores: Stores, store: str, seconds: float) -> tuple[verdict.Found, dict[str, Any]]:
    """Do it; what was found, and what processes hold by its types at the beginning and at the end."""
    with soaking(stores, store) as soak:
        people = people_of(soak)
        held = {"beginning": soak.collect()}
        before = soak.open_files()
        with apart("mixed", *soak.ports, CLIENTS, PAUSE) as clients:
            clients.send(people.text().encode() + b"\n")
            soak.run(clients, seconds)
            told: list[Any] = []
            resting = Thread(target=lambda: told.append(clients.rest()))
            resting.start()
            until("the clients to go", lambda: soak.server.hear() and not resting.is_alive(), _PATIENCE)
        if not told:
            raise ServerFell("the clients have failed")
        until("the last connection to end", lambda: not any(one["connections"] for one in soak.status()["workers"]))
        held |= {"middle": soak.middle, "end": soak.collect()}
        after = soak.open_files()
    log = soak.server.said.decode("utf-8", "replace").splitlines()
    verbs = [verb.name for verb in VERBS]
    found = verdict.Found(
        list(soak.lives.values()), before, after, told[0], soak.killed, verbs, log, soak.ended, soak.done
    )
    return found, held


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", type=click.FloatRange(60), default=300.0, show_default=True, help="How long.")
@click.option("--store", type=click.Choice([SQLITE, MARIADB], case_sensitive=False), default=SQLITE, show_default=True)
@click.option("--results", type=click.Path(path_type=Path), default=Path(".bench"), show_default=True)
def main(seconds: float, store: str, results: Path) -> None:
    """Every verb, rude clients, killed workers, imports and reloads for a long time; exit code 1: a goal was missed."""
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="soak-", dir=results) as directory:
        stores = Stores.small(Path(directory).resolve())
        try:
            found, held = soaked(stores, store, seconds)
        except (NotHere, OSError, ServerFell, WrongAnswers, DictError, AssertionError) as trouble:
            click.echo(f"soak: {store}: {trouble}", err=True)
            sys.exit(1)
    click.echo(f"{store}, {WORKERS} workers, {CLIENTS} clients, {seconds:.0f} s")
    for line in (*verdict.in_use(held["middle"], held["end"]), *verdict.lines(found)):
        click.echo(line)
    path = results / f"soak-{store}.json"
    samples = [[life.role, life.pid, life.samples] for life in found.lives]
    kept = {"samples": samples, "held": held, "clients": found.clients, "log": found.unhandled()}
    path.write_text(json.dumps(kept) + "\n", "utf-8")
    click.echo(f"memory over time, and what it holds, is in {path}", err=True)
    sys.exit(not all(goal.met for goal in found.goals()))


if __name__ == "__main__":
    main()
