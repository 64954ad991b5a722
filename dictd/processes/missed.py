"""Words that nobody found, as all serving processes together know them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dictd.model import name_key
from dictd.processes import channel
from dictd.processes.channel import Silent
from dictd.tables import Table, count

if TYPE_CHECKING:
    from dictd.processes.steering import Steered


async def missed(processes: Sequence[Steered], wanted: dict[str, Any]) -> dict[str, Any]:
    """What the store has, by whichever process can ask it; where none can, what waits in all of them.

    :param wanted: see :class:`dictd.processes.channel.Misses`.
    :returns: ``words``, ``found_now``, ``others``, ``stored``: see :class:`dictd.accounts.misses.Listed`.
    """
    waiting: list[dict[str, Any]] = []
    for process in processes:
        try:
            told = await _told(process, wanted)
        except Silent:
            continue  # it is dealt with elsewhere
        if told["stored"]:
            return told
        waiting.append(told)
    return _together(waiting, wanted)


async def _told(process: Steered, wanted: dict[str, Any]) -> dict[str, Any]:
    """What one process tells, which may take several messages.

    :raises Silent: it does not answer.
    """
    words: list[dict[str, Any]] = []
    more = True
    while more:
        answer = await process.ask(channel.Misses, wanted=wanted, first=len(words))
        words += answer["words"]
        more = answer["more"] and bool(answer["words"])
    return {
        "words": words,
        "found_now": answer["found"],
        "others": answer["others"],
        "stored": answer["stored"],
    }


def _together(waiting: Sequence[dict[str, Any]], wanted: dict[str, Any]) -> dict[str, Any]:
    """What waits in several processes, as one."""
    words: dict[str, dict[str, Any]] = {}
    for row in (row for told in waiting for row in told["words"]):
        before = words.setdefault(name_key(row["word"]), {**row, "count": 0})
        before["count"] += row["count"]
        before["databases"] = list(dict.fromkeys([*before["databases"], *row["databases"]]))
        before["first"], before["last"] = min(before["first"], row["first"]), max(before["last"], row["last"])
    often = [row for row in words.values() if row["count"] >= wanted["least"]]
    return {
        "words": sorted(often, key=lambda row: (-row["count"], row["word"]))[: wanted["most"]],
        "found_now": max((told["found_now"] for told in waiting), default=0),
        "others": sum(told["others"] for told in waiting),
        "stored": False,
    }


def table(
    rows: Iterable[dict[str, Any]],
    found_now: int = 0,
    others: int = 0,
    stored: bool = True,
    *,
    least: int = 1,
    rarer: str = "",
) -> Table:
    """What nobody found, for people.

    :param rows: see :meth:`dictd.accounts.misses.Listed.rows`; the three that follow are as there.
    :param least: words that were missed more rarely were not asked for.
    :param rarer: what to type to see those too.
    """
    notes = []
    if found_now:
        notes.append(f"Left out: {count(found_now, 'word')} that would be found now.")
    if others:
        notes.append(f"Besides, {count(others, 'look-up')} found nothing, of words too many or too long to be listed.")
    if not stored:
        notes.append("The store is away: these are the counts that wait for it.")
    return Table(
        ("word", "times", "asked in", "last (UTC)"),
        [(row["word"], row["count"], ", ".join(row["databases"]), _short(row["last"])) for row in rows],
        none=_none(least, rarer),
        note="\n".join(notes),
    )


def _none(least: int, rarer: str) -> str:
    if least <= 1:
        return "No word was missed."
    often = "twice" if least == 2 else f"{least:,} times"
    return f"No word was missed {often} or more; {rarer} shows all."


def _short(moment: str) -> str:
    return moment[:16].replace("T", " ")
