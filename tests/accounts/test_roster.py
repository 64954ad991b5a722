"""Who is logged in where."""

from __future__ import annotations

import gc

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.roster import Roster
from dictd.model import User

ANNA, BERT = User(1, "anna"), User(2, "bert")


class Seat:
    """A session of a front end."""

    def __init__(self) -> None:
        self.user: User | None = None
        self.key: str | None = None


class Sessions(SynchronousTestCase):
    """Sessions come, go and are expelled."""

    def setUp(self) -> None:
        """An empty roster and three sessions."""
        self.roster = Roster()
        self.seats = [Seat(), Seat(), Seat()]

    def users(self) -> list[User | None]:
        """Who sits where."""
        return [seat.user for seat in self.seats]

    def test_entering_and_leaving(self) -> None:
        """A session that enters is the user's, one that leaves is nobody's, and leaving twice is no trouble."""
        self.roster.enter(ANNA, self.seats[0])
        self.assertEqual(self.users(), [ANNA, None, None])
        self.roster.leave(self.seats[0])
        self.roster.leave(self.seats[0])
        self.assertEqual(self.users(), [None, None, None])
        self.assertEqual(self.roster.expel(ANNA.id), 0)

    def test_everybody_of_a_user_is_expelled(self) -> None:
        """Expelling logs every session of a user out, no one else's, and says how many they were."""
        for user, seat in zip((ANNA, BERT, ANNA), self.seats, strict=True):
            self.roster.enter(user, seat)
        self.assertEqual(self.roster.expel(ANNA.id), 2)
        self.assertEqual(self.users(), [None, BERT, None])
        self.assertEqual(self.roster.expel(ANNA.id), 0)
        self.assertEqual(self.roster.expel(4711), 0)

    def test_one_session_is_excepted(self) -> None:
        """The session that is excepted stays, and can be expelled later."""
        for seat in self.seats:
            self.roster.enter(ANNA, seat)
        self.assertEqual(self.roster.expel(ANNA.id, but=self.seats[1]), 2)
        self.assertEqual(self.users(), [None, ANNA, None])
        self.assertEqual(self.roster.expel(ANNA.id), 1)

    def test_those_of_one_key(self) -> None:
        """Only sessions that came by it are expelled, and what they came by is forgotten with who they were."""
        for seat, key in zip(self.seats, ("laptop", "phone", None), strict=True):
            self.roster.enter(ANNA, seat, key)
        self.assertEqual(self.roster.expel(BERT.id, key="laptop"), 0)
        before = self.roster.expulsions
        self.assertEqual(self.roster.expel(ANNA.id, key="laptop"), 1)
        self.assertEqual(self.users(), [None, ANNA, ANNA])
        self.assertEqual([seat.key for seat in self.seats], [None, "phone", None])
        self.assertGreater(self.roster.expulsions, before)
        self.assertEqual(self.roster.expel(ANNA.id), 2)
        self.assertEqual([seat.key for seat in self.seats], [None, None, None])

    def test_password_after_a_key(self) -> None:
        """Who logs in again by the password is no longer a session of the key."""
        self.roster.enter(ANNA, self.seats[0], "laptop")
        self.roster.enter(ANNA, self.seats[0])
        self.assertIsNone(self.seats[0].key)
        self.assertEqual(self.roster.expel(ANNA.id, key="laptop"), 0)

    def test_session_that_changes_its_user(self) -> None:
        """Logging in as somebody else leaves the first: what befalls that account is no longer this session's."""
        self.roster.enter(ANNA, self.seats[0])
        self.roster.enter(BERT, self.seats[0])
        self.assertEqual(self.roster.expel(ANNA.id), 0)
        self.assertEqual(self.users(), [BERT, None, None])
        self.assertEqual(self.roster.expel(BERT.id), 1)

    def test_session_that_enters_twice_is_one(self) -> None:
        """Logging in again in the same session counts once."""
        self.roster.enter(ANNA, self.seats[0])
        self.roster.enter(ANNA, self.seats[0])
        self.assertEqual(self.roster.expel(ANNA.id), 1)

    def test_session_that_is_gone_leaves_by_itself(self) -> None:
        """The roster keeps no session alive."""
        self.roster.enter(ANNA, self.seats.pop())
        gc.collect()
        self.assertEqual(self.roster.expel(ANNA.id), 0)

    def test_what_is_kept_of_a_user(self) -> None:
        """All sessions of this user know, by whatever they came; a login that is under way sees that it happened."""
        for seat, user, key in zip(self.seats, (ANNA, ANNA, BERT), ("laptop", None, None), strict=True):
            self.roster.enter(user, seat, key)
        before = self.roster.expulsions
        self.assertEqual(self.roster.keep(ANNA.id, keeps=False), 2)
        self.assertEqual(self.users(), [evolve(ANNA, keeps=False)] * 2 + [BERT])
        self.assertEqual(self.seats[0].key, "laptop")
        self.assertEqual(self.roster.keep(4711, keeps=False), 0)
        self.assertEqual(self.roster.expulsions, before + 2)
        self.assertEqual(self.roster.expel(ANNA.id), 2)
