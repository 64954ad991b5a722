"""What a dictionary of dict.org tells of itself, among its words: title, info, source, licence."""

from __future__ import annotations

import re
from textwrap import dedent

from attrs import define, field

from dictd.importers.reading import Reading

_TOLD = re.compile(r"00-?database-?(.*)|00-(?:gcide|web1913)-(.*)", re.DOTALL)
#: What names a licence, from the surest sign to the least.
_LICENCES = tuple(
    re.compile(sign, re.IGNORECASE)
    for sign in (
        r"GNU \w+ .{0,60}?Licen[cs]e|public domain|Creative Commons|\bCC BY",
        r"copyright (\(c\) |© )?\d{4}",
        r"copyright|licen[cs]e",
    )
)
_LONGEST_LICENCE = 300


@define
class Told:
    """What the dictionary tells of itself."""

    _texts: dict[str, str] = field(factory=dict)

    def take(self, word: str, text: str) -> bool:
        """Whether a headword is none, but names something told of the dictionary."""
        if not word.startswith("00"):
            return False
        match = _TOLD.fullmatch(word)
        if not match:
            return False
        kind = (match[1] or match[2] or "").lower()
        if match[1] is None:
            kind = f"other-{kind}"  # what 00-database-... tells goes before it
        first, _, rest = text.partition("\n")
        if first.strip().startswith("00"):
            text = rest
        self._texts.setdefault(kind, dedent(text.expandtabs()).strip())
        return True

    def tell(self, reading: Reading) -> None:
        """Write it down."""
        reading.title = " ".join(self._of("short").split())
        reading.info = self._of("info") or self._of("long")
        reading.source = " ".join(self._of("url").split())
        reading.licence = licence_in(reading.info)

    def _of(self, kind: str) -> str:
        return self._texts.get(kind, "") or self._texts.get(f"other-{kind}", "")


def licence_in(info: str) -> str:
    """The sentence of a text that names the licence, or an empty string.

    >>> licence_in("A list.  Made by us.\\n\\nIt is in the public\\ndomain. Enjoy.")
    'It is in the public domain.'
    """
    sentences = [
        sentence for part in re.split(r"\n\s*\n", info) for sentence in re.split(r"(?<=\.) ", " ".join(part.split()))
    ]
    for pattern in _LICENCES:
        for sentence in sentences:
            if pattern.search(sentence):
                if len(sentence) > _LONGEST_LICENCE:
                    return sentence[: _LONGEST_LICENCE - 3] + "..."
                return sentence
    return ""
