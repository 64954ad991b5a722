"""``--json``: one object a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dictc.lookups import LookUp


def line(value: Mapping[str, Any]) -> str:
    """An object on a line of its own."""
    import json  # not needed to look a word up

    return json.dumps(value, ensure_ascii=False) + "\n"


def definitions(look_up: LookUp) -> str:
    """A word, whether it is there, its definitions or what is suggested instead."""
    entries = [
        {"dictionary": e.dictionary, "title": e.title, "headword": e.headword, "definition": "\n".join(e.lines)}
        for e in look_up.entries
    ]
    return line(
        {
            "query": look_up.word,
            "found": bool(entries),
            "entries": entries,
            "suggestions": [] if entries else _headwords(look_up),
        }
    )


def matches(look_up: LookUp, strategy: str) -> str:
    """A word and the headwords that match it."""
    return line({"query": look_up.word, "strategy": strategy, "matches": _headwords(look_up)})


def listed(pairs: Sequence[tuple[str, str]]) -> str:
    """Databases or strategies, one object each."""
    return "".join(line({"name": name, "title": title}) for name, title in pairs)


def text(kind: str, lines: Sequence[str]) -> str:
    """A text of the server, under the name of what it is."""
    return line({kind: "\n".join(lines)})


def history(rows: Sequence[tuple[str, str, str, int]]) -> str:
    """Look-ups, one object each."""
    return "".join(
        line({"time": time, "dictionary": dictionary, "word": word, "found": found})
        for time, dictionary, word, found in rows
    )


def _headwords(look_up: LookUp) -> list[dict[str, str]]:
    return [{"dictionary": database, "headword": headword} for database, headword in look_up.matches]
