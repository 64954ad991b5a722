"""Accounts and history as people meet them on the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts import recorder
from dictd.config import Settings
from dictd.store import history
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from tests.server.test_dialogues import Dialogue
from tests.store.databases import on_both
from tests.support.house import House, ImmediatePasswords, publish


@on_both
class Registering(Dialogue):
    """REGISTER, LOGIN, LOGOUT, WHOAMI."""

    def test_register_logs_in(self) -> None:
        """280, and who one is."""
        self.assertEqual(
            self.client.ask("R alice correct-horse", "WHOAMI"),
            "280 welcome, alice: you are registered and logged in\n285 you are alice; what you look up is kept\n",
        )

    def test_refusals(self) -> None:
        """Taken, not a name, not a password, not enough."""
        self.house.member("Alice")
        self.assertEqual(
            self.client.codes(
                "REGISTER alice correct-horse",
                "REGISTER ＡＬＩＣＥ correct-horse",
                "REGISTER a correct-horse",
                'REGISTER "a b" correct-horse',
                "REGISTER bob short",
                "REGISTER bob",
                "REGISTER",
            ),
            [580, 580, 581, 581, 582, 501, 501],
        )

    def test_login(self) -> None:
        """230 with the name as it was registered, from another connection."""
        self.house.member("Alice")
        self.assertEqual(self.client.ask("L alice correct-horse"), "230 welcome, Alice\n")

    def test_wrong_name_and_wrong_password_look_the_same(self) -> None:
        """Nobody learns which names exist."""
        self.house.member()
        wrong = self.client.ask("LOGIN alice wrong-horse")
        self.assertEqual(wrong, "531 access denied, wrong name or password\n")
        self.assertEqual(self.client.ask("LOGIN nobody wrong-horse"), wrong)
        self.assertEqual(self.client.ask('LOGIN "not a name" wrong-horse'), wrong)

    def test_guessing_costs_time(self) -> None:
        """After a failure the next try waits, and is told how long."""
        self.house.member()
        self.assertEqual(self.client.codes("LOGIN alice wrong-horse"), [531])
        self.assertEqual(
            self.client.ask("LOGIN alice correct-horse"), "481 too many attempts, try again in 2 seconds\n"
        )
        self.house.clock.advance(2)
        self.assertEqual(self.client.codes("LOGIN alice correct-horse"), [230])

    def test_a_failed_login_changes_nothing(self) -> None:
        """Who is logged in stays so."""
        alice = self.house.member()
        self.assertEqual(alice.codes("LOGIN bob wrong-horse"), [531])
        self.assertIn("alice", alice.ask("WHOAMI"))

    def test_secrets_with_blanks_and_open_quotes(self) -> None:
        """A password in quotes may have blanks; a quote left open is refused, not guessed."""
        self.assertEqual(self.client.codes('REGISTER alice "correct horse battery"', "LOGOUT"), [280, 285])
        self.assertEqual(self.client.codes('LOGIN alice "correct horse battery'), [501])
        self.assertEqual(self.client.codes('LOGIN alice "correct horse battery"'), [230])

    def test_secrets_are_nfc(self) -> None:
        """A password typed decomposed is the same password."""
        self.assertEqual(self.client.codes("REGISTER alice pässword-one", "LOGOUT"), [280, 285])
        self.assertEqual(self.client.codes("LOGIN alice pa\u0308ssword-one"), [230])

    def test_logout(self) -> None:
        """LOGOUT ends it, twice does no harm."""
        alice = self.house.member()
        self.assertEqual(alice.ask("LOGOUT", "WHOAMI", "LOGOUT").count("285"), 3)
        self.assertEqual(alice.codes("HISTORY"), [530])

    def test_member_verbs_need_login(self) -> None:
        """530 for whom nobody knows."""
        self.assertEqual(self.client.codes("HISTORY", "FORGET x", "PASSWD a b", "UNREGISTER x"), [530, 530, 530, 530])


class Guessed(Dialogue):
    """Others who guess."""

    def test_new_member_is_at_home(self) -> None:
        """Who has just registered is not kept out by the bad guesses of others in the same network."""
        alice = self.house.member()
        for number in range(15):
            self.client.codes(f"LOGIN nobody{number} wrong-horse")
        self.assertEqual(self.client.codes("LOGIN nobody wrong-horse"), [481])
        self.assertEqual(alice.codes("PASSWD correct-horse battery-staple"), [282])
        self.assertEqual(self.client.codes("LOGIN alice battery-staple"), [230])


@on_both
class Changing(Dialogue):
    """PASSWD and UNREGISTER."""

    def test_passwd(self) -> None:
        """The new password holds, the old one does not, other sessions are out."""
        alice = self.house.member()
        other = self.house.welcome()
        self.assertEqual(other.codes("LOGIN alice correct-horse"), [230])
        self.assertEqual(alice.codes("PASSWD correct-horse short"), [582])
        self.assertEqual(alice.codes("PASSWD correct-horse battery-staple"), [282])
        self.assertIn("alice", alice.ask("WHOAMI"))
        self.assertEqual(other.codes("HISTORY"), [530])
        self.assertEqual(self.client.codes("LOGIN alice battery-staple"), [230])
        self.assertEqual(other.codes("LOGIN alice correct-horse"), [531])

    def test_passwd_with_the_wrong_old_one(self) -> None:
        """531, and nothing changed."""
        alice = self.house.member()
        self.assertEqual(alice.codes("PASSWD wrong-horse battery-staple"), [531])
        self.house.clock.advance(20)
        self.assertEqual(self.client.codes("LOGIN alice correct-horse"), [230])

    def test_two_changes_at_once(self) -> None:
        """One wins; the other is told 531, and is logged out as the winner wants."""
        alice, other = self.house.member(), self.house.welcome()
        self.assertEqual(other.codes("LOGIN alice correct-horse"), [230])
        hasher, overtaken = ImmediatePasswords.hash, []

        async def overtaking(passwords: ImmediatePasswords, secret: str) -> str:
            if secret == "battery-staple":
                overtaken.extend(other.codes("PASSWD correct-horse other-staple"))
            return await hasher(passwords, secret)

        self.patch(ImmediatePasswords, "hash", overtaking)
        self.assertEqual((alice.codes("PASSWD correct-horse battery-staple"), overtaken), ([531], [282]))
        self.assertEqual(alice.codes("HISTORY"), [530])
        self.assertEqual(self.client.codes("LOGIN alice other-staple"), [230])
        self.assertEqual(self.client.codes("LOGIN alice battery-staple"), [531])

    def test_unregister_with_a_long_history(self) -> None:
        """It goes in slices, and then the account with what came meanwhile."""
        alice, slices = self.house.member(), []
        alice.codes(*["Q penguin"] * 10)
        forget, delete = HistoryQueries.forget, AccountQueries.delete

        def counted(*args: Any) -> int:
            slices.append(forget(*args))
            return slices[-1]

        def last(queries: AccountQueries, txn: Any, user_id: int) -> bool:
            txn.execute("SELECT count(*) FROM hist")
            slices.append(-txn.fetchone()[0])
            return delete(queries, txn, user_id)

        for module in (history, recorder):
            self.patch(module, "SLICE", 4)
        self.patch(HistoryQueries, "forget", counted)
        self.patch(AccountQueries, "delete", last)
        self.assertEqual(alice.codes("UNREGISTER correct-horse"), [286])
        self.assertEqual(slices, [4, 4, 2, 0])

    def test_unregister(self) -> None:
        """The account and its history are gone; the name is free and its new owner sees nothing."""
        alice = self.house.member()
        other = self.house.welcome()
        self.assertEqual(other.codes("LOGIN alice correct-horse"), [230])
        self.assertEqual(alice.codes("Q penguin", "UNREGISTER wrong-horse"), [250, 531])
        self.house.clock.advance(20)
        self.assertEqual(alice.codes("UNREGISTER correct-horse", "HISTORY"), [286, 530])
        self.assertEqual(other.codes("HISTORY"), [530])
        again = self.house.member()
        self.assertEqual(again.ask("HISTORY"), "180 0 look-ups, newest first\n.\n250 ok\n")


@on_both
class Remembering(Dialogue):
    """HISTORY and FORGET."""

    def test_newest_first(self) -> None:
        """Found or not, DEFINE and QUERY are kept; MATCH is not."""
        alice = self.house.member()
        for line in ("Q penguin", "DEFINE jargon foo", "MATCH * . p", "Q xyzzy", 'DEFINE wn "say \\"hi\\""'):
            alice.ask(line)
            self.house.clock.advance(1)
        self.assertEqual(
            alice.ask("HISTORY"),
            "180 4 look-ups, newest first\n"
            '2026-01-02T03:04:09Z wn "say \\"hi\\"" 1\n'
            '2026-01-02T03:04:08Z * "xyzzy" 0\n'
            '2026-01-02T03:04:06Z jargon "foo" 1\n'
            '2026-01-02T03:04:05Z wn "penguin" 2\n'
            ".\n250 ok\n",
        )

    def test_count_and_word(self) -> None:
        """``HISTORY n word`` limits; the word is folded."""
        alice = self.house.member()
        alice.codes("Q penguin", "Q foo", "Q PENGUIN", "Q crow's nest")
        self.assertIn("180 1 look-ups", alice.ask("H 1"))
        answer = alice.ask("H 20 Penguin")
        self.assertTrue(answer.startswith("180 2 look-ups"))
        self.assertIn("180 1 look-ups", alice.ask("H 20 crow's nest"))
        refused = ("H 0", "H x", "H -1", "H 1001", "H 99999999999999999999", "H 00000000119999", "H ٣")
        self.assertEqual(alice.codes(*refused), [501] * len(refused))
        self.assertIn("180 2 look-ups", alice.ask("H\t20\tpenguin"))

    def test_private(self) -> None:
        """Nobody sees anybody else's."""
        alice, bob = self.house.member("alice"), self.house.member("bob")
        alice.codes("Q penguin")
        self.assertIn("180 0 look-ups", bob.ask("HISTORY"))

    def test_anonymous_leave_no_trace(self) -> None:
        """Without login nothing is kept."""
        self.client.codes("Q penguin")
        alice = self.house.member()
        self.assertIn("180 0 look-ups", alice.ask("HISTORY"))

    def test_what_is_refused_is_not_kept(self) -> None:
        """Unknown databases and empty words are no look-ups."""
        alice = self.house.member()
        self.assertEqual(alice.codes("DEFINE nosuch x", 'DEFINE * ""', "Q"), [550, 552, 501])
        self.assertIn("180 0 look-ups", alice.ask("HISTORY"))

    def test_forget(self) -> None:
        """One word in every spelling; ``*`` alone and unquoted is all."""
        alice = self.house.member()
        alice.codes("Q penguin", "Q Penguin", "Q foo", "Q *", "Q crow's nest")
        self.assertEqual(alice.ask("FORGET PENGUIN"), "283 2 look-ups forgotten\n")
        self.assertEqual(alice.ask('FORGET "*"'), "283 1 look-ups forgotten\n")
        self.assertEqual(alice.ask("FORGET crow's nest"), "283 1 look-ups forgotten\n")
        self.assertEqual(alice.codes("FORGET"), [501])
        self.assertEqual(alice.ask("FORGET *"), "283 1 look-ups forgotten\n")
        self.assertIn("180 0 look-ups", alice.ask("HISTORY"))


class StoreAway(Dialogue):
    """The account store does not answer."""

    def test_lookups_go_on(self) -> None:
        """Accounts are 480, look-ups are answered and honest about the history."""
        alice = self.house.member()
        self.house.pool.away = True
        self.assertEqual(self.client.codes("LOGIN alice correct-horse", "REGISTER bob correct-horse"), [480, 480])
        self.assertEqual(alice.codes("HISTORY", "FORGET *"), [480, 480])
        self.assertTrue(alice.ask("Q foo").endswith(".\n250 ok (history not confirmed)\n"))
        self.assertEqual(alice.ask("Q xyzzy"), "552 no match (history not confirmed)\n")
        self.assertEqual(self.client.codes("Q foo"), [250])
        self.house.pool.away = False
        self.house.clock.advance(1)
        answer = alice.ask("HISTORY")
        self.assertIn("180 2 look-ups", answer)
        self.assertTrue(alice.ask("Q foo").endswith(".\n250 ok\n"))

    def test_bad_guesses_are_not_counted(self) -> None:
        """Who could not be looked at has not failed."""
        self.house.member()
        self.house.pool.away = True
        self.assertEqual(self.client.codes(*["LOGIN alice correct-horse"] * 5), [480] * 5)
        self.house.pool.away = False
        self.assertEqual(self.client.codes("LOGIN alice correct-horse"), [230])


class Closed(SynchronousTestCase):
    """What settings forbid."""

    def house(self, settings: Settings) -> House:
        """A server with these settings."""
        directory = Path(self.mktemp()).absolute()
        publish(directory, {})
        return House(directory, settings)

    def test_registration_closed(self) -> None:
        """583."""
        house = self.house(Settings(accounts=evolve(Settings().accounts, registration="closed")))
        self.assertEqual(house.welcome().codes("REGISTER alice correct-horse"), [583])

    def test_secrets_from_other_machines(self) -> None:
        """584 without TLS, unless the settings allow it; nothing else is refused."""
        lines = ("REGISTER alice correct-horse", "LOGIN alice correct-horse", "PASSWD a b", "UNREGISTER x")
        client = self.house(Settings()).welcome("192.0.2.7")
        self.assertEqual(client.codes(*lines, "DEFINE * x"), [584] * 4 + [552])
        allowing = self.house(Settings(accounts=evolve(Settings().accounts, plaintext=True)))
        self.assertEqual(allowing.welcome("192.0.2.7").codes(*lines[:2]), [280, 230])

    def test_registrations_are_rationed(self) -> None:
        """481 for the network that has made too many, not for another."""
        settings = Settings(
            accounts=evolve(Settings().accounts, registrations_per_hour=1, plaintext=True),
        )
        house = self.house(settings)
        client = house.welcome("192.0.2.7")
        self.assertEqual(client.codes("REGISTER anna correct-horse", "REGISTER bert correct-horse"), [280, 481])
        self.assertEqual(house.welcome("192.0.2.8").codes("REGISTER bert correct-horse"), [280])
