"""Whom ``dictctl import-course`` brings: under which names, with which passwords."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import chain, count
from os import cpu_count

import argon2
from attrs import field, frozen

from dictd.accounts.names import AccountName
from dictd.accounts.passwords import LONGEST as LONGEST_PASSWORD
from dictd.accounts.passwords import normal
from dictd.accounts.wrapped import DIGESTS, LONGEST, Recipe, Wrapped, kind_of
from dictd.ctl.newpasswords import hashed
from dictd.errors import ImportRefused, NameNotAllowed
from dictd.importers.course import CourseUser
from dictd.store.arrivals import Arrival

PLAIN = "plain"
#: Salts of copies of the course that are public; tried where none is said.
KNOWN_SALTS = ("", "{name}the-salt", "*#$%7a", "$%@#DF", "{name}#%AID1904_", "{name}", "the-salt", "salt")

#: Digests that are looked at to find out how they were made.
_ENOUGH = 2_000


@frozen
class Refused:
    """Somebody who cannot come under this name.

    :ivar way: how they can.
    """

    name: str
    number: str
    why: str
    way: str

    def __str__(self) -> str:
        return f"{self.name!r} (number {self.number}) {self.why}; {self.way}"


@frozen
class Person:
    """Somebody who can come.

    :ivar nonce: unlike that of anybody else, of this source or another.
    """

    user: CourseUser
    name: AccountName
    nonce: bytes


@frozen
class People:
    """All of them."""

    coming: Sequence[Person]
    refused: Sequence[Refused]

    @classmethod
    def of(cls, users: Sequence[CourseUser], renames: Mapping[str, str]) -> People:
        """Find a name for each.

        :param renames: new names by old ones, or by ``#`` and the number.
        :raises ImportRefused: nobody has such an old name, or a new one cannot be one.
        """
        _ensure_known(users, renames)
        coming: list[Person] = []
        troubles: list[tuple[CourseUser, str]] = []
        by_key: dict[str, CourseUser] = {}
        for user in users:
            wanted = renames.get(f"#{user.number}", renames.get(user.name, user.name))
            try:
                name = AccountName.of(wanted)
            except NameNotAllowed as trouble:
                if wanted != user.name:
                    raise ImportRefused(f"--rename {user.name}={wanted}: {trouble.text}") from None
                troubles.append((user, "cannot be the name of an account, which has 2 to 32 letters, digits or . _ -"))
                continue
            other = by_key.setdefault(name.key, user)
            if other is user:
                coming.append(Person(user, name, _nonce(users[0], user)))
            else:
                same = "the name" if other.name == user.name else "another spelling of the name"
                troubles.append((user, f"is {same} of {other.name!r} (number {other.number})"))
        taken = set(by_key)
        often = Counter(user.name for user in users)
        refused = [
            _refused(place, user, why, taken, often[user.name] > 1) for place, (user, why) in enumerate(troubles, 4)
        ]
        return cls(coming, refused)


@frozen
class Secrets:
    """How the passwords are kept there.

    :ivar kinds: how many there are of each kind; ``none`` are those that nobody can log in with.
    :ivar confirmed: passwords that are known to be right by this; 0 is no proof that it is wrong.
    """

    kinds: Mapping[str, int]
    salt: str
    confirmed: int
    _forced: str = field(repr=False)

    @classmethod
    def of(cls, users: Sequence[CourseUser], forced: str, salts: Sequence[str]) -> Secrets:
        """Look at all of them.

        :param forced: what they are; empty finds it out.
        :param salts: one of which it is; none finds it out.
        :raises ImportRefused: the salt cannot be found out.
        """
        kinds = Counter(_kind(user, forced) for user in users)
        digests = [user for user in users if _kind(user, forced) in DIGESTS.values()][:_ENOUGH]
        if not digests:
            return cls(kinds, "", 0, forced)
        confirmed = {salt: _confirmed(digests, salt) for salt in dict.fromkeys(salts or KNOWN_SALTS)}
        salt = max(confirmed, key=lambda salt: confirmed[salt])
        kind = _kind(digests[0], forced)
        better = next((known for known in KNOWN_SALTS if not confirmed[salt] and _confirmed(digests, known)), None)
        if better is not None:
            raise ImportRefused(f"the passwords are {Recipe(kind, better)}; say --salt '{better}', or leave it out")
        if not confirmed[salt] and len(confirmed) > 1:
            why = "none of these salts can be told to be the right one" if salts else "no salt is known that fits"
            raise ImportRefused(
                f"the passwords are {kind}, and {why}: look for hashlib.{kind}( in the source of their server,"
                " and say what is in front of the password: --salt 'the-salt', --salt '{name}the-salt', --salt ''"
            )
        return cls(kinds, salt, confirmed[salt], forced)

    def lines(self) -> list[str]:
        """What it is, for people."""
        lines = []
        for kind, number in sorted(self.kinds.items()):
            told = f"passwords: {number:,} {'in plain text' if kind == PLAIN else kind}"
            if kind in DIGESTS.values():
                told = f"passwords: {number:,} {Recipe(kind, self.salt)}"
                told += (
                    f" (certain: {self.confirmed:,} are right by it)"
                    if self.confirmed
                    else " (not certain: let somebody log in before you tell all)"
                )
            if kind:
                lines.append(told)
        return lines

    def usable(self, user: CourseUser) -> bool:
        """Whether somebody can log in with what is kept there."""
        return _kind(user, self._forced) != "" and len(self._form(user)) <= LONGEST

    def hashed(
        self, people: Sequence[Person], made_by: argon2.PasswordHasher, done: Callable[[int, int], None]
    ) -> list[Arrival]:
        """Hash all of them, as many at once as there are processors."""
        arrivals: list[Arrival] = []
        with ThreadPoolExecutor(cpu_count()) as threads:
            for passwd in threads.map(lambda person: self._passwd(person.user, made_by), people):
                person = people[len(arrivals)]
                arrivals.append(Arrival(person.name.shown, person.name.key.encode(), passwd, person.nonce))
                done(len(arrivals), len(people))
        return arrivals

    def _passwd(self, user: CourseUser, made_by: argon2.PasswordHasher) -> str:
        if not self.usable(user):
            return hashed(secrets.token_hex(32), made_by)
        kind = _kind(user, self._forced)
        if kind == PLAIN:
            return hashed(user.passwd, made_by)
        return str(Wrapped(kind, self._prefix(user), hashed(user.passwd.lower(), made_by)))

    def _form(self, user: CourseUser) -> str:
        """As long as what will be kept."""
        kind = _kind(user, self._forced)
        inner = "$argon2id$v=19$m=262144,t=10,p=1$" + "x" * 66
        return inner if kind not in DIGESTS.values() else str(Wrapped(kind, self._prefix(user), inner))

    def _prefix(self, user: CourseUser) -> bytes:
        return Recipe("md5", self.salt).prefix(user.name)


def _kind(user: CourseUser, forced: str) -> str:
    """Plain, a digest, or empty for nothing that anybody can log in with."""
    if not user.passwd or len(normal(user.passwd)) > LONGEST_PASSWORD:
        return ""
    kind = kind_of(user.passwd)
    if forced == PLAIN:
        return PLAIN
    return kind if not forced or kind == forced else ""


def _confirmed(users: Iterable[CourseUser], salt: str) -> int:
    return sum(Recipe(kind_of(user.passwd), salt).confirmed([(user.name, user.passwd)]) for user in users)


def _nonce(first: CourseUser, user: CourseUser) -> bytes:
    """The same when the same database is imported again, another for another database.

    Two classes may both have an alice; that also the first of all users has the same number and name in both,
    and alice the same number, is as good as never.
    """
    said = "\0".join((first.number, first.name, user.number, user.name))
    return blake2b(said.encode(), digest_size=16, person=b"dictd course").digest()


def _ensure_known(users: Sequence[CourseUser], renames: Mapping[str, str]) -> None:
    known = {user.name for user in users} | {f"#{user.number}" for user in users}
    for old in renames:
        if old not in known:
            raise ImportRefused(f"--rename {old}={renames[old]}: nobody there is called {old}")


def _refused(place: int, user: CourseUser, why: str, taken: set[str], several: bool) -> Refused:
    """Somebody with a name that would do; the same is not proposed twice.

    :param place: among those who are refused, so that many of one name do not try all numbers each.
    :param several: whether others have exactly this name.
    """
    base = _base(user.name)
    numbers = chain(("", "1", "2", "3"), map(str, count(place)))
    names = (AccountName.of(base + number) for number in numbers if len(base + number) > 1)
    name = next(name for name in names if name.key not in taken)
    taken.add(name.key)
    old = f"#{user.number}" if several or "=" in user.name or not user.name.isprintable() else user.name
    quoted = "'" + f"{old}={name.shown}".replace("'", "'\\''") + "'"
    return Refused(user.name, user.number, why, f"--rename {quoted} brings them under another name")


def _base(name: str) -> str:
    """What of a name can stand in that of an account; numbers may be put behind it."""
    letters = unicodedata.normalize("NFKC", name)
    base = re.sub("_+", "_", "".join(letter if _can_be(f"x{letter}") else "_" for letter in letters)).strip("_.-")[:24]
    return base if _can_be(f"{base}1") else "user"


def _can_be(name: str) -> bool:
    try:
        AccountName.of(name)
    except NameNotAllowed:
        return False
    return True
