"""The text layout of dict(1), byte for byte when there is no colour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from dictc.address import Address
from dictc.lookups import Entry, LookUp

#: dict(1) breaks lists of headwords here, in octets.
_WIDTH = 70
_REFERENCE = re.compile(r"\{[^{}]{1,200}\}")
_BOLD, _CYAN, _UNDERLINED, _PLAIN = "\x1b[1m", "\x1b[36m", "\x1b[4m", "\x1b[0m"


@dataclass(slots=True)
class Layout:
    """How things look.

    :ivar server: for the tabbed form.
    :ivar colour: titles bold, names cyan, ``{references}`` underlined.
    :ivar tabbed: the form of ``dict -f``.
    """

    server: Address = field(default_factory=Address)
    colour: bool = False
    tabbed: bool = False
    _lists: int = 0

    def definitions(self, look_up: LookUp, counted: bool = True) -> str:
        """``1 definition found`` and the definitions.

        :param counted: with the first line; dict(1) leaves it out where a strategy found the words.
        """
        count = len(look_up.entries)
        parts = [f"{count} definition{'' if count == 1 else 's'} found\n"] if counted else []
        return "".join([*parts, *map(self._entry, look_up.entries)])

    def missed(self, look_up: LookUp) -> str:
        """``No definitions found for ...`` and what is suggested instead."""
        line = f'No definitions found for "{look_up.word}"'
        if not look_up.matches:
            return f"{line}\n"
        return f"{line}, perhaps you mean:\n{self.matches(look_up)}"

    def matches(self, look_up: LookUp) -> str:
        """Headwords by database; a blank line between the databases, and between lists."""
        if self.tabbed:
            return "".join(map(self._row, look_up.matches)) + "\n"
        parts: list[str] = []
        last, position = None, 0
        for database, headword in look_up.matches:
            if database != last:
                parts.append(("\n" if self._lists else "") + self._name(f"{database}:"))
                self._lists += 1
                last, position = database, 6 + _octets(database)
            if position + _octets(headword) + 4 > _WIDTH:
                parts.append("\n")
                position = 0
            quotes = " " in headword
            parts.append(f'  "{headword}"' if quotes else f"  {headword}")
            position += _octets(headword) + (4 if quotes else 2)
        return "".join(parts) + "\n"

    def unmatched(self, look_up: LookUp) -> str:
        """``No matches found for ...``."""
        return f'No matches found for "{look_up.word}"\n'

    def listed(self, headline: str, pairs: Sequence[tuple[str, str]]) -> str:
        """Databases or strategies, under a headline."""
        if self.tabbed:
            return "".join(map(self._row, pairs))
        # dict(1): ten columns, as many as the longest name up to sixteen needs.
        width = max([10, *(length for name, _ in pairs if (length := _octets(name)) <= 16)])
        return f"{headline}\n" + "".join(
            f" {self._name(name)}{' ' * (width - _octets(name))} {about}\n" for name, about in pairs
        )

    def text(self, lines: Sequence[str]) -> str:
        """A text of the server, indented."""
        head = f"{self.server.host}\t{self.server.port}\n" if self.tabbed else ""
        return head + "".join([f"  {line}\n" for line in lines])

    def history(self, rows: Sequence[tuple[str, str, str, int]]) -> str:
        """Look-ups, one a line: time, first dictionary that had it, how many definitions, word."""
        width = max([10, *(len(row[1]) for row in rows)])
        return "".join(
            f"{time}  {self._name(dictionary)}{' ' * (width - len(dictionary))} {found:>3}  {word}\n"
            for time, dictionary, word, found in rows
        )

    def _entry(self, entry: Entry) -> str:
        if self.tabbed:
            head = self._row((entry.dictionary, entry.title))
        else:
            title = f"From {entry.title} [{entry.dictionary}]:"
            head = f"\n{_BOLD}{title}{_PLAIN}\n\n" if self.colour else f"\n{title}\n\n"
        body = "".join([f"  {line}\n" for line in entry.lines])
        return head + (_REFERENCE.sub(_underlined, body) if self.colour else body)

    def _row(self, pair: tuple[str, str]) -> str:
        return f"{self.server.host}\t{self.server.port}\t{pair[0]}\t{pair[1]}\n"

    def _name(self, text: str) -> str:
        return f"{_CYAN}{text}{_PLAIN}" if self.colour else text


def _underlined(match: re.Match[str]) -> str:
    # A reference that goes over a line's end is underlined up to it, not through the margin.
    return "\n".join(
        line[: len(line) - len(line.lstrip())] + _UNDERLINED + line.lstrip() + _PLAIN for line in match[0].split("\n")
    )


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
