"""The values everything speaks: entries, dictionaries, users, look-ups."""

from __future__ import annotations

import json
import re
import unicodedata

from attrs import field, frozen

#: Characters in a headword, and in a word that is looked up; quotes and backslashes count two,
#: or lines of 1,024 characters could not hold it (RFC 2229 2.4.3).
LONGEST_WORD = 512
#: Characters in the title of a dictionary or a group.
LONGEST_TITLE = 200
#: A day, milliseconds.
DAY = 86_400_000
#: 2025-01-01 UTC in milliseconds since 1970: row ids count from here.
EPOCH = 1_735_689_600_000
#: 2026-01-01 UTC in milliseconds since 1970, see :func:`moved_row_id`.
MOVED_BEFORE = 1_767_225_600_000
_MOVED_WORKER, _MOVED_COUNTER = 1023, 2048
#: Version of the JSON form of senses, see :meth:`Entry.structure`.
SENSES_VERSION = 1
#: What :func:`dictionary_name` asks for, in words.
NAME_RULE = (
    "up to 64 letters a-z, digits, dots, dashes, underscores,"
    " and not three digits alone, which would look like a status"
)
_NAME = re.compile(r"(?!\d\d\d$)[a-z0-9][a-z0-9._-]{0,63}")
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def dictionary_name(name: str) -> str:
    """The name of a dictionary or a group as it is kept, in lower case: an atom (RFC 2229 2.2).

    :returns: an empty string where it cannot be one.
    """
    lowered = name.lower()
    return lowered if _NAME.fullmatch(lowered) else ""


def row_id(now: int, worker: int, counter: int) -> int:
    """The id of a row of the history: ``milliseconds since 2025 << 22 | worker << 12 | counter``.

    :param now: milliseconds since 1970.
    """
    return (now - EPOCH) << 22 | worker << 12 | counter


def moved_row_id(time: int, number: int) -> int:
    """The id of a row that was made by another program than dictd: in the order of its time among all others.

    Until 2026, before there was a dictd, ``milliseconds since 1970 << 16 | number``: above 0, as all ids are, and
    below those of 2026. From then on between those of dictd, with a counter that no worker comes to.

    :param time: milliseconds since 1970, at least 1.
    :param number: of the rows of one user in one millisecond, from 0.
    """
    if time < MOVED_BEFORE:
        return time + (number >> 16) << 16 | number & 0xFFFF
    return row_id(time + (number >> 11), _MOVED_WORKER, _MOVED_COUNTER | number & (_MOVED_COUNTER - 1))


def moved_at(rid: int) -> int | None:
    """The time of a row of which :func:`moved_row_id` made the id, nearly; ``None`` for a row of dictd."""
    if rid < row_id(MOVED_BEFORE, 0, 0):
        return rid >> 16
    moved = rid >> 12 & 0x3FF == _MOVED_WORKER and rid & _MOVED_COUNTER
    return (rid >> 22) + EPOCH if moved else None


@frozen
class Sense:
    """One meaning of a headword.

    :ivar pos: part of speech in English ("noun"), or empty.
    :ivar gloss: the meaning in words.
    :ivar labels: usage labels ("predicate", "informal").
    """

    gloss: str
    pos: str = ""
    examples: tuple[str, ...] = ()
    synonyms: tuple[str, ...] = ()
    antonyms: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def structure(self) -> dict[str, object]:
        """The sense as JSON has it."""
        return {
            "pos": self.pos,
            "gloss": self.gloss,
            "examples": self.examples,
            "synonyms": self.synonyms,
            "antonyms": self.antonyms,
            "labels": self.labels,
        }


@frozen
class Entry:
    """One article of a dictionary as an importer hands it over.

    :ivar headwords: the spellings that lead here, at least one; the first is the main one.
    :ivar text: plain text, lines divided by ``\\n``.
    :ivar senses: the structure where the source has it.
    :ivar ipa: pronunciations in IPA where the source has them.
    :ivar frequency: how often the main headword occurs in the counts of the source; 0 is unknown.
    """

    headwords: tuple[str, ...]
    text: str
    html: str = ""
    senses: tuple[Sense, ...] = ()
    ipa: tuple[str, ...] = ()
    frequency: int = 0

    def structure(self) -> str:
        """The senses as JSON, or an empty string where there are none."""
        if not self.senses and not self.ipa:
            return ""
        whole = {
            "v": SENSES_VERSION,
            "pron": [{"ipa": ipa} for ipa in self.ipa],
            "senses": [sense.structure() for sense in self.senses],
        }
        return _JSON.encode(whole)


@frozen
class Dictionary:
    """What is told of a dictionary: ``SHOW DB``, ``SHOW INFO``, ``dictctl info``.

    :ivar name: an atom, matched without case.
    :ivar lang_from: BCP 47 tag of the headwords, or empty; ``lang_to`` of the meanings.
    """

    name: str
    title: str
    info: str = ""
    lang_from: str = ""
    lang_to: str = ""
    licence: str = ""
    source: str = ""


def name_key(name: str) -> str:
    """The key under which the name of an account is unique: NFKC and casefold."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


#: What an account may be.
ROLES = ("user", "admin")


@frozen
class User:
    """Somebody who is logged in.

    :ivar role: ``user`` or ``admin``.
    :ivar keeps: whether look-ups are kept; ``HISTORY OFF`` ends that.
    :ivar epoch: of the account when they logged in; what ends the sessions of a user makes it another.
    :ivar key: see :func:`name_key`.
    """

    id: int
    name: str
    role: str = "user"
    keeps: bool = True
    epoch: int = 0

    key: str = field(init=False, eq=False, repr=False)

    @key.default
    def _key(self) -> str:
        return name_key(self.name)


@frozen
class Account:
    """A user as the store keeps it.

    :ivar passwd: an argon2id string, alone or over a digest (:mod:`dictd.accounts.wrapped`); never shown.
    """

    user: User
    passwd: str = field(repr=False)
    disabled: bool = False


@frozen
class StoredKey:
    """A key for AUTH as the store keeps it.

    :ivar label: what its user calls it; unique for the user.
    :ivar sealed: its secret, encrypted under the server key with the id ``key_id``.
    :ivar created: milliseconds since 1970, UTC; ``last_used`` too, ``None`` for never.
    """

    user_id: int
    label: str
    sealed: bytes = field(repr=False)
    key_id: str
    created: int
    last_used: int | None = None


@frozen
class LookUp:
    """One row of the history.

    :ivar rid: row id, made by the worker: rises with time, unique for the user.
    :ivar time: milliseconds since 1970, UTC.
    :ivar k: folded key of the word, so that FORGET and HISTORY find every spelling.
    :ivar dictionary: the first dictionary that had the word; on a miss the one asked.
    :ivar found: how many definitions were found.
    """

    user_id: int
    rid: int
    time: int
    word: str
    k: bytes
    dictionary: str
    found: int
