"""What ``dictctl import`` was asked for: files, patterns, directories."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

from dictd.errors import ImportRefused
from dictd.importers import dictorg, wordnet


def found(arguments: Iterable[str]) -> list[Path]:
    """The files to import, each once, in order.

    A directory is WordNet's, or stands for all dict.org dictionaries in it; an
    index and its bodies are one dictionary.

    :param arguments: paths or patterns that the shell did not expand.
    :raises ImportRefused: one of them names nothing.
    """
    paths: dict[Path, None] = {}
    for argument in arguments:
        for path in _expanded(argument):
            for source in _sources(path):
                paths[source] = None
    return list(paths)


def _expanded(argument: str) -> list[Path]:
    path = Path(argument)
    if path.exists() or not has_magic(argument):
        return [path]
    matches = sorted(glob(argument))
    if not matches:
        raise ImportRefused(f"no file is called {argument}")
    return [Path(match) for match in matches]


def _sources(path: Path) -> list[Path]:
    if path.is_dir() and not wordnet.recognises(path):
        indexes = sorted(file for file in path.iterdir() if file.suffix == ".index" and file.is_file())
        if not indexes:
            raise ImportRefused(f"{path} holds no dictionary: neither WordNet's files nor an .index of dict.org")
        return indexes
    if path.is_file() and dictorg.recognises(path):
        return [dictorg.index_of(path)]
    return [path]
