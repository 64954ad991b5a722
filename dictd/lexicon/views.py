"""Who sees which dictionaries, under which names, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import define, field, frozen

from dictd.errors import UnknownDatabase
from dictd.lexicon.generation import Generation
from dictd.wire.replies import source_of


@frozen
class Placing:
    """What the settings say of one dictionary.

    :ivar strategy: what "." of MATCH means in it; empty: what it means elsewhere.
    :ivar hidden: reached through groups alone.
    :ivar users: keys of the accounts that see it; empty: everybody.
    :ivar order: lower is asked earlier.
    """

    strategy: str = ""
    hidden: bool = False
    users: frozenset[str] = frozenset()
    order: int = 0


@frozen
class Group:
    """A virtual database (RFC 2229 3.4): its members are asked in order.

    :ivar name: as dictionaries have one.
    """

    name: str
    title: str
    members: tuple[str, ...]


@frozen
class Arrangement:
    """What the settings say of all dictionaries.

    :ivar placings: by name.
    """

    placings: Mapping[str, Placing] = field(factory=dict)
    groups: tuple[Group, ...] = ()

    def placing(self, name: str) -> Placing:
        """What is said of a dictionary."""
        return self.placings.get(name, _USUAL)

    def arranged(self, live: Iterable[Generation]) -> list[Generation]:
        """Dictionaries in the order in which they are asked."""
        return sorted(live, key=lambda generation: self.placing(generation.dictionary.name).order)

    def sees(self, name: str, reader: str) -> bool:
        """Whether somebody may read a dictionary.

        :param reader: the key of an account, empty for who is not logged in.
        """
        users = self.placing(name).users
        return not users or reader in users

    @property
    def named(self) -> frozenset[str]:
        """All dictionaries of which something is said."""
        return frozenset(self.placings).union(*(group.members for group in self.groups))

    @property
    def favoured(self) -> frozenset[str]:
        """The accounts that see more than others."""
        return frozenset().union(*(placing.users for placing in self.placings.values()))


_USUAL = Placing()


@frozen
class Member:
    """A dictionary as somebody asks it.

    :ivar alias: the group's name, if it answers under that.
    :ivar source: then, what follows the headword in a 151 line.
    """

    generation: Generation
    strategy: str = ""
    alias: str = ""
    source: bytes = b""


@define(eq=False)
class View:
    """All that one reader sees.

    :ivar everything: what ``*`` and ``!`` ask, and SHOW DB lists first.
    :ivar groups: those with a member that is seen.
    """

    everything: tuple[Member, ...]
    groups: tuple[Group, ...]
    _by_name: dict[str, tuple[Member, ...]]

    @classmethod
    def of(cls, live: Iterable[Generation], arrangement: Arrangement, reader: str) -> View:
        """What a reader sees of the dictionaries that are live."""
        seen = {
            generation.dictionary.name: Member(generation, arrangement.placing(generation.dictionary.name).strategy)
            for generation in live
            if arrangement.sees(generation.dictionary.name, reader)
        }
        open_ones = {name: member for name, member in seen.items() if not arrangement.placing(name).hidden}
        by_name: dict[str, tuple[Member, ...]] = {name: (member,) for name, member in open_ones.items()}
        groups = []
        for group in arrangement.groups:
            members = tuple(
                seen[name] if name in open_ones else _behind(seen[name], group)
                for name in group.members
                if name in seen
            )
            if members and group.name not in by_name:
                by_name[group.name] = members
                groups.append(group)
        return cls(tuple(open_ones.values()), tuple(groups), by_name)

    def asked(self, database: str) -> tuple[Member, ...]:
        """The dictionaries behind a name, ``*`` or ``!``.

        :raises UnknownDatabase: there is none that this reader sees.
        """
        return self.everything if database in ("*", "!") else self.named(database)

    def named(self, database: str) -> tuple[Member, ...]:
        """The dictionaries behind a name, in any case.

        :raises UnknownDatabase: there is none that this reader sees.
        """
        members = self._by_name.get(database) or self._by_name.get(database.lower())
        if members is None:
            raise UnknownDatabase()
        return members

    def name_of(self, database: str) -> str:
        """The name of a database as SHOW DB has it, from how somebody writes it."""
        return database if database in self._by_name else database.lower()

    def group(self, name: str) -> Group | None:
        """The group of a name, if it is one's."""
        return next((group for group in self.groups if group.name == name.lower()), None)


def _behind(member: Member, group: Group) -> Member:
    """A hidden dictionary, answering for a group."""
    return Member(member.generation, member.strategy, group.name, source_of(group.name, group.title))
