"""Look-ups and what is recorded of them: once, for all front ends."""

from __future__ import annotations

import unicodedata

from attrs import frozen
from twisted.internet.defer import Deferred

from dictd.accounts.recorder import Recorder
from dictd.errors import BadArguments
from dictd.lexicon.generation import Definition
from dictd.lexicon.reader import Lexicon, Matches
from dictd.model import LONGEST_WORD, User


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
        :raises BadArguments: no headword can be that long.
        """
        _check(word)
        found = self.lexicon.define(database, word)
        if user is None or not word:
            return found, None
        if found:
            database = found[0].dictionary.name
        elif database not in ("*", "!"):
            database = self.lexicon.dictionary(database).name
        return found, self.recorder.record(user, word, database, len(found))

    def match(self, database: str, strategy: str, word: str) -> Matches:
        """List headwords; never recorded.

        :raises UnknownStrategy: checked before the database.
        :raises UnknownDatabase: no such database.
        """
        _check(word)
        return self.lexicon.match(database, strategy, word, self.most_matches)


def _check(word: str) -> None:
    """Refuse what no headword can be, before it costs the time to fold it (NFKC makes 18 of some characters).

    :raises BadArguments: it is too long.
    """
    if len(word) > LONGEST_WORD or (not word.isascii() and len(unicodedata.normalize("NFKC", word)) > 2 * LONGEST_WORD):
        raise BadArguments(f"a word has at most {LONGEST_WORD} characters")
