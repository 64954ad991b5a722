"""What ``dictctl import-course`` makes of the look-ups: rows of our history, each of somebody who comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from attrs import define, field

from dictd.ctl.coursepeople import Person
from dictd.errors import ImportRefused
from dictd.importers.course import CourseLookUp, CourseUser
from dictd.lexicon import folding
from dictd.model import DAY, LookUp, moved_at, moved_row_id, name_key
from dictd.store.arrivals import Arrived
from dictd.store.history import REMEMBERED

#: Time zones differ by quarters of an hour, by 26 hours at most; milliseconds.
_QUARTER, _MOST_QUARTERS = 900_000, 26 * 4


@define
class CourseHistory:
    """Rows by whom they are of, without a user id yet, and what became of the others.

    :param everybody: all users of the table; ``people`` are those whose rows are taken.
    :param found: how many definitions a folded word has; ``None`` where it is not known.
    :param dictionary: in which it was looked up.
    :param now: milliseconds since 1970.
    :ivar undated: rows without a time: they are of the first day of 1970, in their order.
    :ivar nobodys: rows of names that have no user; ``future``: of times to come; ``empty``: of no word.
    """

    everybody: Sequence[CourseUser]
    people: Sequence[Person]
    found: Mapping[bytes, int] | None
    dictionary: str
    now: int
    rows: dict[bytes, list[LookUp]] = field(factory=dict, init=False)
    taken: int = field(default=0, init=False)
    undated: int = field(default=0, init=False)
    nobodys: int = field(default=0, init=False)
    names: Counter[str] = field(factory=Counter, init=False)
    future: int = field(default=0, init=False)
    empty: int = field(default=0, init=False)
    _exact: dict[str, Person | None] = field(factory=dict, init=False)
    _folded: dict[str, Person | None] = field(factory=dict, init=False)
    _numbers: dict[str, Person] = field(init=False)
    _in_millisecond: Counter[tuple[bytes, int]] = field(factory=Counter, init=False)
    _positions: Counter[bytes] = field(factory=Counter, init=False)

    def __attrs_post_init__(self) -> None:
        self._numbers = {person.user.number: person for person in self.people}
        for user in self.everybody:
            person = self._numbers.get(user.number)
            # Who has the same name twice there was let in as the first. Where two names differ in case alone, only
            # the exact name tells whose a row is; nobody is given what somebody else has looked up.
            self._exact.setdefault(user.name, person)
            key = name_key(user.name)
            self._folded[key] = None if key in self._folded else person

    def take(self, look_ups: Iterable[CourseLookUp]) -> None:
        """Take rows in the order in which they were made."""
        for one in look_ups:
            person = self._whose(one)
            if person is None:
                self.nobodys += 1
                self.names[one.name or f"number {one.user}"] += 1
            elif not one.word:
                self.empty += 1
            elif one.time is not None and one.time > self.now:
                self.future += 1
            else:
                self._add(person, one)

    def _whose(self, one: CourseLookUp) -> Person | None:
        if not one.name:
            return self._numbers.get(one.user)
        # Their database compares names without case, so somebody may have logged in in another spelling.
        return self._exact[one.name] if one.name in self._exact else self._folded.get(name_key(one.name))

    def _add(self, person: Person, one: CourseLookUp) -> None:
        time = one.time
        if time is None:
            self.undated += 1
            self._positions[person.nonce] += 1
            time = one.number if 0 < one.number < DAY else min(self._positions[person.nonce], DAY - 1)
        number = self._in_millisecond[person.nonce, time]
        self._in_millisecond[person.nonce, time] += 1
        k = folding.key(folding.exact(one.word))
        found = 1 if self.found is None else self.found.get(k, 0)
        row = LookUp(0, moved_row_id(time, number), time, one.word, k, self.dictionary, found)
        self.rows.setdefault(person.nonce, []).append(row)
        self.taken += 1

    def of_users(
        self, new: frozenset[bytes], users: Mapping[bytes, Arrived], row_ids: Callable[[int], set[int]]
    ) -> Iterator[LookUp]:
        """The rows that are to be kept, with the ids of their users.

        Of somebody who came before only what is not here yet; and, where what they have forgotten here since is not
        remembered any more, only what they looked up there since.

        :param new: whose accounts are made now.
        :raises ImportRefused: their times are not those of the first time.
        """
        for nonce, rows in self.rows.items():
            user = users.get(nonce)
            if user is None:
                continue
            if nonce not in new:
                rows = self._fresh(user, rows, row_ids(user.id))
            for row in rows:
                yield LookUp(user.id, row.rid, row.time, row.word, row.k, row.dictionary, row.found)

    def _fresh(self, user: Arrived, rows: Sequence[LookUp], here: set[int]) -> list[LookUp]:
        fresh = [row for row in rows if row.rid not in here]
        times = {time for rid in here if (time := moved_at(rid)) is not None}
        if len(fresh) == len(rows) and _shifted(times, {row.time for row in rows}):
            raise ImportRefused(
                f"what {user.name} looked up is here already, some hours earlier or later: say the --timezone of the"
                " first time; nothing was changed"
            )
        if self.now - user.created > REMEMBERED:
            fresh = [row for row in fresh if row.time >= user.created]
        return fresh


def _shifted(here: set[int], there: set[int]) -> bool:
    """Whether most times are the same but for the difference of two time zones."""
    shifts = (quarter * _QUARTER for quarter in range(-_MOST_QUARTERS, _MOST_QUARTERS + 1))
    return any(2 * sum(time + shift in there for time in here) > len(here) for shift in shifts)
