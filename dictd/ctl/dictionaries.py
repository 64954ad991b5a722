"""Dictionaries that are there: list, info, remove."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import click
from attrs import asdict

from dictd.ctl.imports import purge
from dictd.ctl.root import Shared, main
from dictd.errors import UnknownDatabase
from dictd.processes import publish
from dictd.store.again import committed
from dictd.store.dialect import Connection
from dictd.store.dictionaries import Live


@main.command("list")
@click.pass_obj
def list_(shared: Shared) -> None:
    """List the dictionaries."""
    with shared.store() as connection:
        live = shared.dictionaries.live(connection.cursor())
    if not live:
        shared.tell([], "No dictionary yet; dictctl import FILE brings one in.")
        return
    width = max(len(one.dictionary.name) for one in live)
    lines = [f"{one.dictionary.name:<{width}} {one.headwords:>10,}  {one.dictionary.title}" for one in live]
    shared.tell([_as_json(one) for one in live], "\n".join(lines))


@main.command()
@click.argument("name")
@click.pass_obj
def info(shared: Shared, name: str) -> None:
    """Tell everything of one dictionary."""
    with shared.store() as connection:
        one = _one(shared, connection, name)
    facts = {
        "Name": one.dictionary.name,
        "Title": one.dictionary.title,
        "Headwords": f"{one.headwords:,}",
        "Articles": f"{one.articles:,}",
        "Imported": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(one.imported / 1000)),
        "Format": one.format,
        "Source": one.dictionary.source,
        "Licence": one.dictionary.licence,
        "Generation": str(one.generation),
    }
    lines = [f"{label + ':':<12}{value}" for label, value in facts.items() if value]
    shared.tell(_as_json(one), "\n".join(lines) + (f"\n\n{one.dictionary.info}" if one.dictionary.info else ""))


@main.command()
@click.argument("name")
@click.pass_obj
def remove(shared: Shared, name: str) -> None:
    """Take a dictionary away."""
    with shared.store() as connection:
        one = _one(shared, connection, name)
        committed(connection, partial(shared.dictionaries.remove, name=one.dictionary.name))
    publish.look_once(shared.state, shared.database, lambda _: None)
    purge(shared)
    shared.tell({"removed": one.dictionary.name}, f"{one.dictionary.name} is removed.")


def _one(shared: Shared, connection: Connection, name: str) -> Live:
    for one in shared.dictionaries.live(connection.cursor()):
        if one.dictionary.name == name.lower():
            return one
    raise UnknownDatabase(f"there is no dictionary {name}; dictctl list shows those there are")


def _as_json(one: Live) -> dict[str, Any]:
    return {
        **asdict(one.dictionary),
        "headwords": one.headwords,
        "articles": one.articles,
        "generation": one.generation,
        "format": one.format,
        "imported": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.imported / 1000)),
    }
