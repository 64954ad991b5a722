"""The steps of ``dictctl import-course``: look, hash, write people with their look-ups at once, then the words."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any

from attrs import define, field, frozen

from dictd.ctl.coursehistory import CourseHistory
from dictd.ctl.coursepeople import People, Person, Secrets
from dictd.ctl.imports import purge
from dictd.ctl.newpasswords import hasher
from dictd.ctl.progress import Bar
from dictd.ctl.root import Shared
from dictd.ctl.sqlitefiles import read_only
from dictd.errors import DictError, ImportRefused, StoreUnavailable
from dictd.importers import intake
from dictd.importers.course import FORMAT, Course, CourseUser
from dictd.importers.coursetables import KINDS, USERS, WORDS
from dictd.processes import publish
from dictd.store.again import committed
from dictd.store.arrivals import Arrival, ArrivalQueries, Arrived
from dictd.store.dialect import SQLITE, Connection
from dictd.store.faults import ERRORS, told
from dictd.store.sqlite import FILES
from dictd.tables import count
from dictd.wire.replies import one_line

#: Of people, and of what is wrong with them, so many are named.
_SHOWN = 10


@frozen
class Options:
    """What was asked for.

    :ivar name: of the dictionary that the words become.
    :ivar forced: what the passwords are; empty finds it out.
    """

    name: str
    title: str
    dry_run: bool
    skip_refused: bool
    renames: Mapping[str, str]
    forced: str
    salts: Sequence[str]


@define
class Moving:
    """One import.

    :ivar now: milliseconds since 1970.
    :ivar outcome: what is told of it as JSON.
    """

    shared: Shared
    course: Course
    options: Options
    now: int = field(factory=lambda: int(time.time() * 1000))
    outcome: dict[str, Any] = field(factory=dict)

    def run(self) -> None:
        """Do it, or find out what would be done.

        :raises ImportRefused: something cannot be brought as it is; nothing was changed.
        :raises StoreUnavailable: the store failed.
        """
        shared = self.shared
        where = "" if shared.database.dialect is SQLITE else f"{shared.database.shown('accounts')}, "
        self.shared.aside(f"into {where}the state directory {shared.state.directory}")
        for kind in KINDS:
            table = self.course.taken.get(kind.told)
            self.shared.aside(str(table) if table else f"no table of {kind.told}")
        self._ensure_ours()
        users = self.course.users()
        found = self.course.spellings() if WORDS.told in self.course.taken else None
        people = People.of(users, self.options.renames)
        how = Secrets.of(users, self.options.forced, self.options.salts)
        for line in [*how.lines(), *(f"  {one_line(str(one))}" for one in people.refused)]:
            self.shared.aside(line)
        if people.refused and not self.options.skip_refused and not self.options.dry_run:
            raise _cannot_come(len(people.refused))
        self._bring_people(users, people, how, found)
        self._tell_texts()
        if WORDS.told in self.course.taken:
            self.outcome |= {"dictionary": self.options.name, "words": sum((found or {}).values())}
            if not found and USERS.told in self.course.taken:
                self._tell_some(["there is no word with a meaning, so no dictionary"])
            elif not self.options.dry_run:
                self._bring_words()

    def _ensure_ours(self) -> None:
        """Refuse to replace a dictionary that came from somewhere else.

        :raises ImportRefused: there is one of that name.
        """
        with self._store("dictionaries") as connection:
            live = self.shared.dictionaries.live(connection.cursor()) if connection else []
        for one in live if WORDS.told in self.course.taken else []:
            if one.dictionary.name == self.options.name and one.format != FORMAT:
                raise ImportRefused(
                    f"there is a dictionary {self.options.name} already, and it is not from a course's database;"
                    " choose another name with --name; nothing was changed"
                )

    @contextmanager
    def _store(self, subject: str) -> Iterator[Connection | None]:
        """A subject of the store; in a dry run nothing is made there, and ``None`` stands for what is not there."""
        path = self.shared.state.store / FILES[subject]
        if not self.options.dry_run or self.shared.database.dialect is not SQLITE:
            with self.shared.store(subject) as connection:
                yield connection
        elif path.exists():
            with closing(read_only(path)) as connection:
                yield connection
        else:
            yield None

    def _bring_people(
        self, users: Sequence[CourseUser], people: People, how: Secrets, found: Mapping[bytes, int] | None
    ) -> None:
        queries = ArrivalQueries(self.shared.database.dialect)
        nonces = [person.nonce for person in people.coming]
        keys = [person.name.key.encode() for person in people.coming]
        with self._store("accounts") as connection:
            before: Mapping[bytes, Arrived] = {}
            others: Mapping[bytes, Arrived] = {}
            if connection:
                before = queries.of_nonces(connection.cursor(), nonces)
                others = queries.of_keys(connection.cursor(), keys)
                connection.rollback()
            new, again, alone = _sorted(people.coming, before, others)
            history = CourseHistory(users, [*new, *again], found, self.options.name, self.now)
            history.take(self.course.look_ups())
            self._tell_people(new, alone, how)
            self._tell_history(history)
            kept = history.taken
            if connection and not self.options.dry_run:
                kept = self._written(connection, queries, self._hashed(new, how), again, history)
        self.outcome |= {
            "users": len(new),
            "before": [before[person.nonce].name for person in again],
            "alone": [person.name.shown for person in alone],
            "refused": [{"name": one.name, "number": one.number, "why": one.why} for one in people.refused],
            "passwords": {kind or "none": number for kind, number in how.kinds.items()},
            "salt": how.salt,
            "certain": how.confirmed > 0,
            "look_ups": kept,
            "nobodys": history.nobodys,
            "undated": history.undated,
            "future": history.future,
        }

    def _hashed(self, new: Sequence[Person], how: Secrets) -> list[Arrival]:
        made_by = hasher(self.shared.settings)
        with Bar.shown("users", sys.stderr.isatty() and not self.shared.as_json) as bar:
            return how.hashed(new, made_by, partial(bar.progress, "passwords"))

    def _written(
        self,
        connection: Connection,
        queries: ArrivalQueries,
        arrivals: Sequence[Arrival],
        again: Sequence[Person],
        history: CourseHistory,
    ) -> int:
        """Accounts and look-ups in one transaction; how many look-ups were kept."""
        new = frozenset(arrival.nonce for arrival in arrivals)
        nonces = [person.nonce for person in again]
        rows = partial(history.of_users, new)
        try:
            return committed(connection, lambda txn: queries.arrive(txn, arrivals, self.now, rows, nonces))
        except BaseException as error:
            with suppress(*ERRORS):
                connection.rollback()
            if isinstance(error, ERRORS):
                where = self.shared.database.shown("accounts")
                raise StoreUnavailable(f"{where}: {told(error)}; type the same again: nothing comes twice") from error
            raise

    def _bring_words(self) -> None:
        shared, name = self.shared, self.options.name
        reading, format = self.course.wordbook()
        with shared.store() as connection, Bar.shown(name, sys.stderr.isatty() and not shared.as_json) as bar:
            importing = intake.Intake(shared.database, connection, shared.state.temporary, bar.progress)
            try:
                taken = importing.take(reading, format, name, self.options.title)
            except DictError as trouble:
                people = "; the users and their look-ups came" if USERS.told in self.course.taken else ""
                raise type(trouble)(f"{trouble.text}{people}") from trouble
        table = self.course.taken[WORDS.told].table
        for one in reading.complaints:
            shared.aside(f"  row {one.line:,} of {table} left out, {one.why}: {one_line(one.text)}")
        if reading.malformed > len(reading.complaints):
            shared.aside(f"  and {count(reading.malformed - len(reading.complaints), 'more row')} left out")
        publish.look_once(shared.state, shared.database, shared.aside)
        purge(shared)
        self.outcome |= {"words": taken.articles, "headwords": taken.headwords, "generation": taken.generation}

    def _tell_people(self, new: Sequence[Person], alone: Sequence[Person], how: Secrets) -> None:
        lines = [
            f"{person.name.shown} has an account here that did not come from there, and it is left alone;"
            f" --rename '{person.user.name}=NEW' makes another beside it"
            for person in alone
        ]
        self._tell_some(lines)
        self._tell_some(
            [
                f"{person.name.shown} has no password there that could be kept, and cannot log in before"
                f" dictctl users passwd {person.name.shown}"
                for person in new
                if not how.usable(person.user)
            ]
        )

    def _tell_history(self, history: CourseHistory) -> None:
        if history.nobodys:
            names = ", ".join(f"{one_line(name)[:40]} ({number:,})" for name, number in history.names.most_common(5))
            more = ", ..." if len(history.names) > 5 else ""
            self._tell_some([f"{count(history.nobodys, 'look-up')} left out, of names that do not come: {names}{more}"])
        for number, what in (
            (history.undated, "without a time, shown as of the first day of 1970"),
            (history.future, "left out, of times to come: is --timezone right?"),
            (history.empty, "left out, of no word"),
        ):
            if number:
                self._tell_some([f"{count(number, 'look-up')} {what}"])

    def _tell_texts(self) -> None:
        texts = self.course.texts
        self.outcome |= {"mended": texts.mended > 0, "broken": texts.broken > 0}
        if texts.mended:
            self._tell_some(["text that was stored as if it were Latin-1 is mended; --charset takes it as it is"])
        if texts.broken:
            self._tell_some([f"some text is not {texts.codec} and is read with gaps; say what it is with --charset"])

    def _tell_some(self, lines: Sequence[str]) -> None:
        for line in lines[:_SHOWN]:
            self.shared.aside(f"  {line}")
        if len(lines) > _SHOWN:
            self.shared.aside(f"  and {count(len(lines) - _SHOWN, 'more user')} of whom that is true")

    def tell(self, seconds: float) -> None:
        """The outcome.

        :raises ImportRefused: it was a dry run, and another would be refused.
        """
        dry = self.options.dry_run
        outcome = {**self.outcome, "dry_run": dry, "seconds": seconds}
        did, lines = "would come" if dry else "came", []
        if USERS.told in self.course.taken:
            before = f"; {count(len(outcome['before']), 'user')} had come before" if outcome["before"] else ""
            some = count(outcome["users"], "user")
            lines.append(f"{some} {did} with {count(outcome['look_ups'], 'look-up')}{before}.")
        if outcome.get("words"):
            lines.append(f"{count(outcome['words'], 'word')} {did}, as the dictionary {self.options.name}.")
        if dry:
            lines.append("Nothing was changed.")
        elif outcome["users"]:
            lines.append("Everybody logs in with the old password. Ask them for a better one: PASSWD old new")
        self.shared.tell(outcome, "\n".join(lines))
        if dry and outcome["refused"] and not self.options.skip_refused:
            raise _cannot_come(len(outcome["refused"]))


def _sorted(
    coming: Sequence[Person], before: Mapping[bytes, Arrived], others: Mapping[bytes, Arrived]
) -> tuple[list[Person], list[Person], list[Person]]:
    """Who is new, who came before, and whose name is somebody else's."""
    new: list[Person] = []
    again: list[Person] = []
    alone: list[Person] = []
    for person in coming:
        if person.nonce in before:
            again.append(person)
        elif person.name.key.encode() in others:
            alone.append(person)
        else:
            new.append(person)
    return new, again, alone


def _cannot_come(number: int) -> ImportRefused:
    return ImportRefused(
        f"{count(number, 'user')} cannot come under the old name: add the --rename told above, or leave them out with"
        " --skip-refused; nothing was changed"
    )
