"""Look-ups and what is recorded of them: once, for all front ends."""

from __future__ import annotations

from attrs import frozen
from twisted.internet.defer import Deferred

from dictd.accounts.recorder import Recorder
from dictd.lexicon.reader import Definition, Lexicon, Matches
from dictd.model import User


@frozen
class LookUps:
    """Define and match; a definition asked by a user is history, found or not.

    :param most_matches: how many matches one answer has at most.
    """

    lexicon: Lexicon
    recorder: Recorder
    most_matches: int

    def define(self, database: str, word: str, user: User | None) -> tuple[list[Definition], Deferred[bool] | None]:
        """Look a word up.

        :param database: a name, ``*`` or ``!``.
        :param user: who asks; ``None`` leaves no trace.
        :returns: what was found, and for a user a Deferred that fires with
            whether the look-up is kept; see :meth:`Recorder.record`.
        :raises UnknownDatabase: no such database; not recorded.
        """
        found = self.lexicon.define(database, word)
        if user is None or not word:
            return found, None
        first = found[0].dictionary.name if found else database
        return found, self.recorder.record(user, word, first, len(found))

    def match(self, database: str, strategy: str, word: str) -> Matches:
        """List headwords; never recorded.

        :raises UnknownStrategy: checked before the database.
        :raises UnknownDatabase: no such database.
        """
        return self.lexicon.match(database, strategy, word, self.most_matches)
