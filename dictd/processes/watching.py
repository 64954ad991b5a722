"""Lines of those who are watched, as they come, for an administrator who asked to see them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field
from twisted.logger import Logger

from dictd.errors import DictError
from dictd.model import name_key
from dictd.processes.whom import Whom, connection_id
from dictd.server import discretion
from dictd.server.factory import DictFactory
from dictd.server.turns import Turns
from dictd.wire import grammar

#: How often rows leave, seconds, and how many at once: 1,000 a second.
EVERY, MOST = 0.1, 100
#: Verbs by which somebody says who they are: the name is the first word.
_COMING = ("LOGIN", "AUTH", "REGISTER")


@define
class _Watched:
    """One that is watched.

    :ivar until: seconds of the reactor's clock.
    :ivar theirs: connections on which they were seen, for what they do last.
    """

    whom: Whom
    until: float
    theirs: set[Turns] = field(factory=set)


@define(eq=False, repr=False)
class Watching:
    """See :class:`dictd.server.watch.Watch`.

    :param process: the number of this process, for ids.
    :param tell: takes rows, each what somebody said or did: JSON, and how many there was no room for.
    """

    _factory: DictFactory
    _clock: Any
    _process: int
    _tell: Callable[[list[dict[str, Any]], int], None]
    _wall: Callable[[], float] = time.time
    _watched: list[_Watched] = field(factory=list, init=False)
    _rows: list[dict[str, Any]] = field(factory=list, init=False)
    _dropped: int = field(default=0, init=False)
    _timer: Any = field(default=None, init=False)
    log = Logger()

    def follow(self, wanted: Mapping[str, float]) -> int:
        """Watch these and nobody else: whom, and for how many seconds.

        :returns: how many connections are theirs now.
        """
        now, before = self._clock.seconds(), {one.whom.said: one.theirs for one in self._watched}
        self._watched = []
        for said, seconds in wanted.items():
            try:
                whom = Whom.of(said)
            except DictError as trouble:  # an administrator's program may be newer
                self.log.warn("{said} cannot be watched: {trouble}", said=said, trouble=trouble.text)
                continue
            self._watched.append(_Watched(whom, now + seconds, before.get(whom.said, set())))
        count = 0
        for connection in self._factory.connections:
            count += bool(self._see(connection))
        self._factory.watch = self if self._watched else None
        if self._watched and self._timer is None:
            self._timer = self._clock.callLater(EVERY, self._leave)
        return count

    # From the factory ------------------------------------------------------------

    def came(self, connection: Turns) -> None:
        """Somebody is connected."""
        self._note(connection, self._see(connection), "(connected)", "")

    def gone(self, connection: Turns) -> None:
        """Somebody is not any more."""
        self._note(connection, self._see(connection, True), "(disconnected)", "")
        for one in self._watched:
            one.theirs.discard(connection)

    def answered(self, connection: Turns, line: bytes | None, last: bytes, seconds: float) -> None:
        """A line has its answer."""
        try:
            verb = connection.session.verb
            whose = self._see(connection, verb in ("LOGOUT", "UNREGISTER"))
            if verb in _COMING and line is not None:
                name = _first_word(line)
                # Who cannot come in is whom one would like to see.
                whose += [one for one in self._watched if one not in whose and one.whom.said == name]
            if whose:
                said, told = discretion.typed(line, verb), discretion.answered(last, verb)
                self._note(connection, whose, said, told, seconds)
        except Exception:  # noqa: BLE001 - those who are served must not suffer from it
            self.log.failure("nobody is watched any more")
            self.follow({})

    def told(self, connection: Turns, last: bytes) -> None:
        """Somebody is told something that is no answer."""
        self._note(connection, self._see(connection), "(told)", last.decode("utf-8", "replace").strip())

    # What is seen ------------------------------------------------------------------

    def _see(self, connection: Turns, last: bool = False) -> list[_Watched]:
        """Whose of those who are watched a connection is.

        :param last: or was, until now.
        """
        user = connection.session.user
        key = user.key if user else None
        shown, found = connection_id(self._process, connection.serial), []
        for one in self._watched:
            if one.whom.meets(shown, connection.session.peer.host, key):
                one.theirs.add(connection)
                found.append(one)
            elif connection in one.theirs:
                if last:
                    found.append(one)
                one.theirs.discard(connection)
        return found

    def _note(
        self, connection: Turns, whose: list[_Watched], said: str, told: str, seconds: float | None = None
    ) -> None:
        if not whose:
            return
        if len(self._rows) >= MOST:
            self._dropped += 1
            return
        user = connection.session.user
        self._rows.append(
            {
                "time": self._wall(),
                "id": connection_id(self._process, connection.serial),
                "peer": connection.session.peer.host,
                "user": user.name if user else None,
                "said": said,
                "told": told,
                "seconds": seconds,
                "whose": [one.whom.said for one in whose],
            }
        )

    def _leave(self) -> None:
        """What was seen leaves; whose time is over is watched no longer."""
        self._timer = None
        rows, dropped, self._rows, self._dropped = self._rows, self._dropped, [], 0
        if rows:
            self._tell(rows, dropped)
        now = self._clock.seconds()
        self._watched = [one for one in self._watched if one.until > now]
        if self._watched:
            self._timer = self._clock.callLater(EVERY, self._leave)
        else:
            self._factory.watch = None


def _first_word(line: bytes) -> str:
    words = grammar.parse(line).words
    return name_key(words[0]) if words else ""
