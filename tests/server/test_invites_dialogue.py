"""Registration by invitation, and admins, as people meet them on the line."""

from __future__ import annotations

import re
from typing import Any

from attrs import evolve

from dictd.accounts import invites
from dictd.config import Settings
from dictd.model import DAY
from dictd.server.discretion import SECRETIVE
from dictd.store.accounts import AccountQueries
from dictd.store.invites import InviteQueries
from tests.server.test_dialogues import Dialogue
from tests.store.databases import committed, count_ids, on_both
from tests.support.house import Client, ImmediatePasswords

OPEN = Settings()
INVITE = evolve(OPEN, accounts=evolve(OPEN.accounts, registration="invite"))
REFUSED = (
    "588 a code is needed that somebody here has given you, and that is not used up: REGISTER name password code\n"
)


class Inviting(Dialogue):
    """A server where one has to be invited."""

    settings = INVITE

    def run_(self, query: Any, *args: Any) -> Any:
        """Do something to the store."""
        return committed(self.house.pool.connection, query, *args)

    def code(self, uses: int = 1, days: int = 7) -> str:
        """What ``dictctl invite`` makes."""
        made = int(self.house.wall() * 1000)
        code, stored = invites.new(made, made + days * DAY, uses)
        self.run_(InviteQueries(self.house.pool.dialect).add, stored)
        return code

    def role(self, name: str, role: str) -> None:
        """What ``dictctl users role`` does."""
        self.assertTrue(self.run_(AccountQueries(self.house.pool.dialect).set_role, name.encode(), role))

    def registered(self, name: str = "alice") -> Client:
        """Somebody who was invited."""
        client = self.house.welcome()
        self.assertEqual(client.codes(f"REGISTER {name} correct-horse {self.code()}"), [280])
        return client


@on_both
class Invited(Inviting):
    """REGISTER with a code."""

    def test_code(self) -> None:
        """It lets one in, once, however it is written."""
        code = self.code()
        written = code.lower().replace("-", "")
        self.assertEqual(
            self.client.ask(f"REGISTER alice correct-horse {written}"),
            "280 welcome, alice: you are registered and logged in\n",
        )
        self.assertEqual(self.client.ask(f"REGISTER bob correct-horse {code}"), REFUSED)

    def test_one_text_for_all_that_is_wrong(self) -> None:
        """None, unknown, used up, over: nobody learns which."""
        used, over = self.code(), self.code(days=1)
        self.client.codes(f"REGISTER alice correct-horse {used}")
        self.house.later += 86400
        for said in ("", "AAAA-AAAA-AAAA-AAAA", '""', used, over):
            self.assertEqual(self.client.ask(f"REGISTER bob correct-horse {said}"), REFUSED, said)

    def test_for_some(self) -> None:
        """One code for two is good for two."""
        code = self.code(uses=2)
        lines = [f"REGISTER {name} correct-horse {code}" for name in ("anna", "bert", "carl")]
        self.assertEqual(self.client.codes(*lines), [280, 280, 588])

    def test_what_is_refused_uses_nothing_up(self) -> None:
        """A name that is taken, one that is none, a bad password: the code is still good."""
        self.registered("anna")
        code = self.code()
        lines = [f"REGISTER {rest} {code}" for rest in ("anna correct-horse", "a correct-horse", "bert short")]
        self.assertEqual(self.client.codes(*lines, f"REGISTER bert correct-horse {code}"), [580, 581, 582, 280])

    def test_wrong_code_costs_no_hash(self) -> None:
        """It is looked at before the password is."""
        hashed: list[str] = []
        hasher = ImmediatePasswords.hash

        async def counting(passwords: ImmediatePasswords, secret: str) -> str:
            hashed.append(secret)
            return await hasher(passwords, secret)

        used, over = self.code(), self.code(days=1)
        self.client.codes(f"REGISTER anna correct-horse {used}")
        self.house.later += 86400
        self.patch(ImmediatePasswords, "hash", counting)
        for code in ("", "AAAA-AAAA-AAAA-AAAA", used, over):
            self.assertEqual(self.client.codes(f"REGISTER alice correct-horse {code}"), [588])
        self.assertEqual(hashed, [])
        self.client.codes(f"REGISTER alice correct-horse {self.code()}")
        self.assertEqual(hashed, ["correct-horse"])

    def test_used_up_between_the_look_and_the_registration(self) -> None:
        """Of two who use one code at once one registers."""
        code = self.code()
        self.patch(InviteQueries, "good", lambda *_: True)
        self.assertEqual(
            self.client.codes(f"REGISTER anna correct-horse {code}", f"REGISTER bert correct-horse {code}"), [280, 588]
        )

    def test_nothing_of_a_code_is_kept(self) -> None:
        """But a hash and the label."""
        code = self.code()
        cursor = self.house.pool.connection.cursor()
        cursor.execute("SELECT * FROM invite")
        stored = str(cursor.fetchall())
        self.assertNotIn(code.replace("-", ""), stored.replace("-", ""))
        self.assertNotIn(code[5:9], stored)
        self.assertIn(code[:4], stored)


class Guessed(Inviting):
    """Somebody who tries codes."""

    settings = evolve(INVITE, accounts=evolve(INVITE.accounts, registrations_per_hour=3))

    def test_guesses_are_rationed(self) -> None:
        """481 for the network that has guessed too often, with a right code too; who says none has not guessed."""
        self.assertEqual(self.client.codes(*["REGISTER bob correct-horse"] * 5), [588] * 5)
        guesses = [f"REGISTER bob correct-horse AAA{letter}" for letter in "ABCD"]
        self.assertEqual(self.client.codes(*guesses), [588, 588, 588, 481])
        self.assertEqual(self.client.codes(f"REGISTER bob correct-horse {self.code()}"), [481])


class Told(Inviting):
    """Who may register."""

    def test_show_server(self) -> None:
        """It says that one needs a code; HELP says where it goes."""
        self.assertIn("\nTo REGISTER you need a code, ", self.client.ask("SHOW SERVER"))
        self.assertIn("REGISTER name password [code]", self.client.ask("HELP REGISTER"))


class Open(Inviting):
    """Everybody may register."""

    settings = OPEN

    def test_third_word(self) -> None:
        """501, for it may be a part of the password; and nothing of codes is told."""
        answer = self.client.ask("REGISTER alice correct horse-battery")
        self.assertTrue(answer.startswith("501 ") and "quotes" in answer, answer)
        self.assertNotIn("code", self.client.ask("SHOW SERVER"))

    def test_invite(self) -> None:
        """589: nobody needs one."""
        alice = self.house.member()
        self.role("alice", "admin")
        self.assertEqual(alice.codes("INVITE"), [589])


class Closed(Inviting):
    """Nobody may."""

    settings = evolve(OPEN, accounts=evolve(OPEN.accounts, registration="closed"))

    def test_code(self) -> None:
        """A good one is of no use."""
        self.assertEqual(self.client.codes(f"REGISTER alice correct-horse {self.code()}"), [583])


@on_both
class Admins(Inviting):
    """INVITE."""

    def test_invite(self) -> None:
        """A code with all that its user has to type, good for a week."""
        alice = self.registered()
        self.role("alice", "admin")
        answer = alice.ask("INVITE")
        found = re.fullmatch(
            r"288 ((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}); until 2026-01-09T03:04:05Z one may say: (.*) \1\n", answer
        )
        assert found is not None, answer
        self.assertEqual(found[2], "REGISTER name password")
        lines = [f"REGISTER {name} correct-horse {found[1]}" for name in ("bert", "carl")]
        self.assertEqual(self.client.codes(*lines), [280, 588])

    def test_for_many(self) -> None:
        """So many as are said, up to a thousand."""
        alice = self.registered()
        self.role("alice", "admin")
        self.assertIn(" 3 may say: ", alice.ask("INVITE 3"))
        self.assertEqual(
            alice.codes("INVITE 0", "INVITE 1001", "INVITE x", "INVITE 1 2", "INVITE 1000"), [501] * 4 + [288]
        )

    def test_others(self) -> None:
        """530 for those who are no admins, and for nobody."""
        self.assertEqual(self.registered().ask("INVITE"), "530 access denied, INVITE is for admins\n")
        self.assertEqual(self.client.codes("INVITE"), [530])

    def test_role_holds_at_once(self) -> None:
        """Given and taken in an open session; WHOAMI tells."""
        alice = self.registered()
        for role, said, code in (("admin", "alice, admin; ", 288), ("user", "alice; ", 530)):
            self.role("alice", role)
            self.assertEqual(alice.codes("INVITE"), [code])
            self.assertIn(f"285 you are {said}", alice.ask("WHOAMI"))

    def test_thrown_out_meanwhile(self) -> None:
        """A session that a new password throws out is told no code."""
        count_ids(self)
        alice = self.registered()
        self.role("alice", "admin")
        add = InviteQueries.add

        def expelling(*args: Any) -> None:
            add(*args)
            self.house.registrar.roster.expel(1)

        self.patch(InviteQueries, "add", expelling)
        self.assertEqual(alice.codes("INVITE"), [530])

    def test_store_away(self) -> None:
        """480."""
        alice = self.registered()
        self.role("alice", "admin")
        self.house.pool.away = True
        self.assertEqual(alice.codes("INVITE"), [480])

    def test_account_that_is_gone(self) -> None:
        """Deleted by another process, or disabled: nobody's session gains anything."""
        alice = self.registered()
        self.role("alice", "admin")
        self.run_(lambda txn: txn.execute("UPDATE user SET disabled = 1"))
        self.assertEqual(alice.codes("INVITE", "WHOAMI"), [530, 530])

    def test_secret(self) -> None:
        """A code goes over no open line, and into no log."""
        far = self.house.welcome("192.0.2.7")
        self.assertEqual(far.codes("INVITE"), [584])
        self.assertLessEqual({"INVITE", "REGISTER"}, SECRETIVE)


class Overtaken(Inviting):
    """What is read while somebody changes it."""

    def test_standing_that_is_not_true_any_more(self) -> None:
        """WHOAMI has read before HISTORY OFF and gets it after: the session does not go back."""
        count_ids(self)
        alice = self.registered()
        session: Any = alice.protocol.session
        read = AccountQueries.standing

        def then_paused(*args: Any) -> Any:
            found = read(*args)
            self.house.registrar.roster.keep(1, False)
            return found

        self.patch(AccountQueries, "standing", then_paused)
        alice.ask("WHOAMI")
        self.assertFalse(session.user.keeps)
