"""Keys and AUTH as people and programs meet them on the line."""

from __future__ import annotations

import hashlib
import re

from attrs import evolve
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from dictd.accounts.keys import ServerKey
from dictd.config import Settings
from dictd.server.commands import VERBS
from tests.server.test_dialogues import Dialogue
from tests.support.house import Client, House

DENIED = b"531 access denied, wrong name or password\r\n"


def answer_to(message_id: str, secret: str) -> str:
    """What AUTH says."""
    return hashlib.md5((message_id + secret).encode(), usedforsecurity=False).hexdigest()


class Keys(Dialogue):
    """An account, and what a program does with a key of it."""

    def setUp(self) -> None:
        """Alice, who has logged in by her password."""
        super().setUp()
        self.alice = self.house.member()

    def secret(self, label: str = "laptop", client: Client | None = None) -> str:
        """A new key."""
        answer = (client or self.alice).ask(f'KEY NEW "{label}"')
        found = re.search("(?m)^([0-9a-f]{32})$", answer)
        assert found is not None, answer
        return found[1]

    def called(self, host: str = "127.0.0.1", house: House | None = None) -> tuple[Client, str]:
        """A client, and the message id of its banner."""
        client = (house or self.house).connect(host)
        return client, client.heard().decode().split()[-1]

    def auth(self, secret: str, name: str = "alice", host: str = "127.0.0.1", house: House | None = None) -> Client:
        """A client that has sent AUTH; its answer is still to be heard."""
        client, message_id = self.called(host, house)
        client.send(f"AUTH {name} {answer_to(message_id, secret)}\r\n".encode())
        return client

    def by_key(self, secret: str) -> Client:
        """A client that has logged in by a key."""
        client = self.auth(secret)
        self.assertEqual(client.heard(), b"230 welcome, alice\r\n")
        return client

    def labels(self) -> list[str]:
        """The labels that KEY LIST shows."""
        return re.findall('(?m)^"(.*?)" 2', self.alice.ask("KEY LIST"))


class Making(Keys):
    """KEY NEW, KEY LIST, KEY DROP."""

    def test_new(self) -> None:
        """Shown once, with the command to type."""
        answer = self.alice.ask("KEY NEW laptop")
        self.assertRegex(
            answer,
            r'^184 key "laptop"\n([0-9a-f]{32})\n\nIt is not shown again. Use it with:\n'
            r"    dict -h dict\.example -u alice -k \1 word\n\.\n250 ok\n$",
        )
        self.assertNotIn(answer.split("\n")[1], self.alice.ask("KEY LIST"))
        self.assertNotEqual(self.secret("phone"), answer.split("\n")[1])

    def test_other_port(self) -> None:
        """The command names a port that dict(1) does not know by itself."""
        listen = evolve(Settings().listen, port=2000)
        house = House(self.house.directory, Settings(listen=listen))
        self.addCleanup(house.lexicon.close)
        self.assertIn("dict -h dict.example -p 2000 -u alice -k ", house.member().ask("KEY NEW laptop"))

    def test_list(self) -> None:
        """Label, when it was made, when it was last used; oldest first."""
        self.assertEqual(self.alice.ask("KEY LIST"), "184 0 keys: label, made, last used\n.\n250 ok\n")
        secret = self.secret('a "b" \\\\c'.replace('"', '\\"'))
        self.house.clock.advance(1)
        self.secret("手机")
        self.house.clock.advance(9)
        self.by_key(secret)
        self.assertEqual(
            self.alice.ask("KEY LIST"),
            "184 2 keys: label, made, last used\n"
            '"a \\"b\\" \\\\c" 2026-01-02T03:04:05Z 2026-01-02T03:04:15Z\n'
            '"手机" 2026-01-02T03:04:06Z never\n'
            ".\n250 ok\n",
        )

    def test_mime(self) -> None:
        """Texts with a header block, lists with an empty one."""
        self.alice.codes("OPTION MIME")
        self.assertRegex(self.alice.ask("KEY NEW a"), r'^184 key "a"\nContent-type: text/plain.*\n.*\n\n[0-9a-f]{32}\n')
        self.assertRegex(self.alice.ask("KEY LIST"), r'^184 1 keys.*\n\n"a" ')

    def test_refused_labels(self) -> None:
        """581 for what is none, 580 for one that is taken, 501 for none at all; nothing is made."""
        self.secret("laptop")
        rows = {
            'KEY NEW ""': 581,
            'KEY NEW " "': 581,
            "KEY NEW " + "x" * 33: 581,
            'KEY NEW "a\u200bb"': 581,
            "KEY NEW laptop": 580,
            "KEY NEW": 501,
            "KEY NEW a b": 501,
            'KEY NEW "a': 501,
            "KEY NEW a\tb": 501,
            "KEY LIST x": 501,
            "KEY DROP": 501,
            "KEY DROP a b": 501,
            "KEY DROP phone": 587,
            "KEY DROP Laptop": 587,
            'KEY DROP ""': 581,
            "KEY": 501,
            "KEY FOO": 501,
        }
        self.assertEqual({line: self.alice.codes(line) for line in rows}, {line: [code] for line, code in rows.items()})
        self.assertEqual(self.labels(), ["laptop"])

    def test_label_in_two_spellings_is_one(self) -> None:
        """Composed or not."""
        self.secret("B\u00fcro")
        self.assertEqual(self.alice.codes("KEY NEW Bu\u0308ro", "KEY DROP Bu\u0308ro"), [580, 284])

    def test_sixteen(self) -> None:
        """The seventeenth is 586; each of the sixteen lets in; one dropped makes room for one."""
        secrets = [self.secret(f"key {number}") for number in range(16)]
        self.assertEqual(self.alice.codes("KEY NEW more"), [586])
        for secret in secrets:
            self.by_key(secret)
        self.assertEqual(self.alice.codes('KEY DROP "key 3"', "KEY NEW more", "KEY NEW x"), [284, 250, 586])
        self.assertEqual(len(self.labels()), 16)
        self.secret("hers", self.house.member("bob"))

    def test_needs_login(self) -> None:
        """530 for whom nobody knows."""
        self.assertEqual(self.client.codes("KEY NEW a", "KEY LIST", "KEY DROP a"), [530, 530, 530])

    def test_from_other_machines(self) -> None:
        """584 for all of KEY on a plain connection, unless the settings allow it; AUTH is a challenge and is heard."""
        far = self.auth(self.secret(), host="192.0.2.7")
        self.assertEqual(far.heard(), b"230 welcome, alice\r\n")
        self.assertEqual(far.codes("KEY NEW a", "KEY LIST", "KEY DROP a", "HISTORY"), [584, 584, 584, 250])
        allowing = Settings(accounts=evolve(Settings().accounts, plaintext=True))
        house = House(self.house.directory, allowing)
        self.addCleanup(house.lexicon.close)
        member = house.member(host="192.0.2.7")
        self.assertEqual(member.codes("KEY NEW a", "KEY LIST", "KEY DROP a"), [250, 250, 284])

    def test_drop(self) -> None:
        """The key is no longer one; who came by it is logged out, nobody else."""
        laptop, phone = self.secret("laptop"), self.secret("phone")
        two, other = [self.by_key(laptop), self.by_key(laptop)], self.by_key(phone)
        dropped = "284 key dropped; 2 sessions that came by it are logged out\n"
        self.assertEqual(self.alice.ask("KEY DROP laptop"), dropped)
        self.assertEqual([client.codes("HISTORY") for client in two], [[530], [530]])
        self.assertEqual((other.codes("HISTORY"), self.alice.codes("HISTORY")), ([250], [250]))
        self.assertEqual(self.auth(laptop).heard(), DENIED)
        self.assertEqual(self.alice.codes("KEY DROP laptop"), [587])

    def test_keys_of_others(self) -> None:
        """Nobody sees or drops them."""
        self.secret("laptop")
        bob = self.house.member("bob")
        self.assertIn("184 0 keys", bob.ask("KEY LIST"))
        self.assertEqual(bob.codes("KEY DROP laptop"), [587])
        self.assertEqual(self.labels(), ["laptop"])

    def test_store_away(self) -> None:
        """480 for KEY; 420 for AUTH, and that is no guess."""
        secret = self.secret()
        self.house.pool.away = True
        self.assertEqual(self.alice.codes("KEY NEW a", "KEY LIST", "KEY DROP laptop"), [480, 480, 480])
        for _ in range(5):
            self.assertTrue(self.auth(secret).heard().startswith(b"420 accounts are unavailable"))
        self.house.pool.away = False
        self.by_key(secret)


class Authenticating(Keys):
    """AUTH."""

    def test_right(self) -> None:
        """230; look-ups are kept in the history."""
        program = self.by_key(self.secret())
        self.assertEqual(program.codes("DEFINE * penguin"), [250])
        self.assertIn('wn "penguin" 2', program.ask("HISTORY"))
        self.assertIn('wn "penguin" 2', self.alice.ask("HISTORY"))
        self.assertEqual(program.ask("WHOAMI"), "285 you are alice; what you look up is kept\n")

    def test_pipelined(self) -> None:
        """What is sent with AUTH is answered after it, as one who is logged in."""
        client, message_id = self.called()
        answer = answer_to(message_id, self.secret())
        self.assertEqual(client.codes(f"auth alice {answer}", "define * foo", "HISTORY", "QUIT"), [230, 250, 250, 221])
        self.assertIn('jargon "foo" 1', self.alice.ask("HISTORY"))

    def test_every_spelling(self) -> None:
        """The name as with LOGIN, the digits in either case, either word in quotes."""
        secret = self.secret()
        for form in ("AUTH ALICE {}", 'auth "Ａｌｉｃｅ" "{}"', 'AUTH alice "{}'):
            client, message_id = self.called()
            self.assertEqual(client.codes(form.format(answer_to(message_id, secret).upper())), [230], form)

    def test_refusals(self) -> None:
        """531 in the same words: name, answer, another connection's challenge, the bare secret, a password, no text."""
        secret = self.secret()
        _, elsewhere = self.called()
        bad: list[tuple[str, bytes]] = [
            ("alice", b"deadbeef"),
            ("alice", b'""'),
            ("alice", secret.encode()),
            ("alice", b"correct-horse"),
            ("alice", answer_to(elsewhere, secret).encode()),
            ("alice", b"\xff\xfe"),
            ("alice", b"a\x00b"),
            ("alice", "ü".encode() * 16),
        ]
        for name, answer in bad:
            client, _ = self.called()
            client.send(f"AUTH {name} ".encode() + answer + b"\r\n")
            self.assertEqual(client.heard(), DENIED, answer)
            self.house.clock.advance(700)
        for name in ("nobody", "a", '"no name"', "@", '""', "bob"):
            self.assertEqual(self.auth(secret, name).heard(), DENIED, name)
            self.house.clock.advance(700)
        password = self.auth("correct-horse")
        self.assertEqual(password.heard(), DENIED)

    def test_message_id_is_of_one_connection(self) -> None:
        """What was heard on one connection lets nobody in on another."""
        client, message_id = self.called()
        answer = answer_to(message_id, self.secret())
        self.assertEqual(client.codes(f"AUTH alice {answer}"), [230])
        self.assertEqual(self.client.codes(f"AUTH alice {answer}"), [531])

    def test_wrong_number_of_words(self) -> None:
        """501, which is no guess."""
        for line in ("AUTH", "AUTH alice", "AUTH alice a b"):
            self.assertTrue(self.client.ask(line).startswith("501 "), line)
        self.by_key(self.secret())

    def test_failure_leaves_the_session_as_it_was(self) -> None:
        """After a good AUTH, and after LOGIN."""
        program = self.by_key(self.secret())
        for client in (program, self.alice):
            self.assertEqual(client.codes("AUTH alice wrong", "AUTH bob wrong"), [531, 531])
            self.assertIn("alice", client.ask("WHOAMI"))
            self.house.clock.advance(20)
        self.assertEqual((program.codes("FORGET *"), self.alice.codes("FORGET *")), ([530], [283]))

    def test_disabled_account(self) -> None:
        """As a wrong answer."""
        secret = self.secret()
        self.house.pool.connection.execute("UPDATE user SET disabled = 1")
        self.assertEqual(self.auth(secret).heard(), DENIED)

    def test_same_work_for_everybody(self) -> None:
        """Sixteen are compared for an unknown name, one that cannot be, no key, one key; right or wrong."""
        compared: list[int] = []
        really = ServerKey.open
        self.patch(ServerKey, "open", lambda self, key: (compared.append(key.user_id), really(self, key))[1])  # type: ignore[func-returns-value]
        self.house.member("bob")
        secret = self.secret()
        for name, used in (("alice", secret), ("alice", "wrong"), ("bob", secret), ("nobody", "x"), ("@", "x")):
            compared.clear()
            self.auth(used, name).heard()
            self.assertEqual(len(compared), 16, name)
            self.house.clock.advance(700)


class LoginFirst(Keys):
    """Where look-ups need a login."""

    settings = Settings(accounts=evolve(Settings().accounts, anonymous=False))

    def test_key_is_one(self) -> None:
        """530 before AUTH, an answer after it."""
        client, message_id = self.called()
        answer = answer_to(message_id, self.secret())
        self.assertEqual(client.codes("DEFINE * foo", f"AUTH alice {answer}", "DEFINE * foo"), [530, 230, 250])


class Guessing(Keys):
    """Penalties, shared with LOGIN."""

    def test_penalty_is_531(self) -> None:
        """After a failure the right answer waits too, and hears the same words."""
        secret = self.secret()
        self.assertEqual(self.auth("wrong").heard(), DENIED)
        self.assertEqual(self.auth(secret).heard(), DENIED)
        self.house.clock.advance(2)
        self.by_key(secret)

    def test_penalty_of_login(self) -> None:
        """A wrong password makes AUTH wait and a wrong answer LOGIN."""
        secret = self.secret()
        self.assertEqual(self.client.codes("LOGIN alice wrong-horse"), [531])
        self.assertEqual(self.auth(secret).heard(), DENIED)
        self.house.clock.advance(2)
        self.by_key(secret)
        self.assertEqual(self.client.codes("AUTH alice wrong", "LOGIN alice correct-horse"), [531, 481])
        self.house.clock.advance(2)
        self.assertEqual(self.client.codes("LOGIN alice correct-horse"), [230])

    def test_penalties_rise(self) -> None:
        """2, 4, 8, 15 s; what is refused meanwhile is not looked at and does not lengthen it."""
        secret = self.secret()
        for wait in (2, 4, 8, 15, 15):
            self.assertEqual(self.auth("wrong").heard(), DENIED)
            self.house.clock.advance(wait - 0.5)
            self.assertEqual(self.auth(secret).heard(), DENIED)
            self.house.clock.advance(0.5)
        self.by_key(secret)

    def test_penalty_in_every_spelling(self) -> None:
        """Another spelling is the same account."""
        secret = self.secret()
        self.auth("wrong", "ALICE").heard()
        self.assertEqual(self.auth(secret, "alice").heard(), DENIED)

    def test_success_clears(self) -> None:
        """After a right answer the next failure costs 2 s again."""
        secret = self.secret()
        for wait in (2, 4):
            self.auth("wrong").heard()
            self.house.clock.advance(wait)
        self.by_key(secret)
        self.auth("wrong").heard()
        self.house.clock.advance(2)
        self.by_key(secret)


class NotTheOwner(Keys):
    """What a session that came by a key may not do."""

    def test_cannot_change_the_account(self) -> None:
        """530 with the way out; nothing was changed. The history and the list of keys may be read."""
        program = self.by_key(self.secret())
        self.assertEqual(program.codes("Q penguin", "KEY LIST", "HISTORY"), [250, 250, 250])
        for line in (
            "PASSWD correct-horse battery-staple", "UNREGISTER correct-horse", "KEY NEW more", "KEY DROP laptop",
            "FORGET penguin", "FORGET *", "HISTORY OFF", "HISTORY ON", "HISTORY KEEP 1", "INVITE",
        ):  # fmt: skip
            answer = program.ask(line)
            self.assertTrue(answer.startswith("530 ") and "LOGIN" in answer, answer)
        self.assertIn('"penguin"', self.alice.ask("HISTORY"))
        self.assertEqual(self.labels(), ["laptop"])
        self.assertEqual(self.client.codes("LOGIN alice correct-horse"), [230])

    def test_every_verb_that_changes_something(self) -> None:
        """The table says so of each; who adds a verb for members decides."""
        owners = {verb.name for verb in VERBS if verb.owner}
        history = {"FORGET", "HISTORY OFF", "HISTORY ON", "HISTORY KEEP"}
        self.assertEqual(owners, {"PASSWD", "UNREGISTER", "KEY NEW", "KEY DROP", "INVITE", *history})
        self.assertEqual({verb.name for verb in VERBS if verb.member} - owners, {"HISTORY", "KEY LIST"})

    def test_login_makes_it_the_owner(self) -> None:
        """With the password on the same connection everything is allowed, and the key may go."""
        program = self.by_key(self.secret())
        self.assertEqual(program.codes("LOGIN alice correct-horse", "KEY DROP laptop", "FORGET *"), [230, 284, 283])
        self.assertIn("alice", program.ask("WHOAMI"))

    def test_key_ends_what_the_password_allowed(self) -> None:
        """AUTH after LOGIN is a session of the key."""
        secret = self.secret()
        client, message_id = self.called()
        answer = answer_to(message_id, secret)
        self.assertEqual(client.codes("LOGIN alice correct-horse", f"AUTH alice {answer}", "FORGET *"), [230, 230, 530])
        self.assertEqual(client.codes("LOGOUT", "FORGET *", "REGISTER bob correct-horse", "FORGET *")[2:], [280, 283])

    def test_key_is_no_password(self) -> None:
        """LOGIN with it is refused as any wrong password."""
        self.client.send(f"LOGIN alice {self.secret()}\r\n".encode())
        self.assertEqual(self.client.heard(), DENIED)

    def test_passwd_keeps_the_keys(self) -> None:
        """It says how many there are; sessions that came by them are out and may come again."""
        self.assertNotIn("key", self.alice.ask("PASSWD correct-horse battery-staple"))
        laptop, _ = self.secret("laptop"), self.secret("phone")
        program = self.by_key(laptop)
        answer = self.alice.ask("PASSWD battery-staple correct-horse")
        self.assertIn("keys still let in, there are 2: KEY LIST", answer)
        self.assertTrue(answer.startswith("282 "))
        self.assertEqual(program.codes("HISTORY"), [530])
        self.assertEqual(self.by_key(laptop).codes("HISTORY"), [250])

    def test_unregister_ends_key_sessions(self) -> None:
        """The keys are gone with the account, for its next owner too."""
        secret = self.secret()
        program = self.by_key(secret)
        self.assertEqual(self.alice.codes("UNREGISTER correct-horse"), [286])
        self.assertEqual(program.codes("HISTORY"), [530])
        self.assertEqual(self.house.pool.connection.execute("SELECT count(*) FROM user_key").fetchone(), (0,))
        again = self.house.member()
        self.assertIn("184 0 keys", again.ask("KEY LIST"))
        self.assertEqual(self.auth(secret).heard(), DENIED)


class AnotherServerKey(Keys):
    """The state directory came back without its server.key."""

    def test_keys_cannot_be_used(self) -> None:
        """AUTH is 531, KEY LIST says why, the label can be dropped and made anew."""
        lost = self.secret("laptop")
        house = House(self.house.directory, pool=self.house.pool)
        self.addCleanup(house.lexicon.close)
        self.assertEqual(self.auth(lost, house=house).heard(), DENIED)
        house.clock.advance(2)
        alice = house.welcome()
        self.assertEqual(alice.codes("LOGIN alice correct-horse"), [230])
        fresh = self.secret("phone", alice)
        listed = alice.ask("KEY LIST").split("\n")
        self.assertTrue(listed[1].endswith(" never (cannot be used: the server has another server.key)"), listed)
        self.assertTrue(listed[2].endswith(" never"), listed)
        self.assertEqual(alice.codes("KEY DROP laptop", "KEY NEW laptop"), [284, 250])
        self.assertEqual(self.auth(fresh, house=house).heard(), b"230 welcome, alice\r\n")

    def test_same_server_key(self) -> None:
        """After a restart, or on another host of a cluster, keys go on."""
        secret = self.secret()
        house = House(self.house.directory, pool=self.house.pool, server_key=self.house.server_key)
        self.addCleanup(house.lexicon.close)
        self.assertEqual(self.auth(secret, house=house).heard(), b"230 welcome, alice\r\n")


class Discreet(Keys):
    """Secrets stay where they belong."""

    def test_nothing_secret_is_shown(self) -> None:
        """Neither in a repr nor in a log, also where something of ours breaks."""
        logged: list[str] = []

        @implementer(ILogObserver)
        def observer(event: LogEvent) -> None:
            logged.append(repr(event))

        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        secret = self.secret()
        session = self.by_key(secret).protocol.session
        self.patch(type(self.house.keyring), "_now", lambda _: 1 // 0)
        self.assertEqual(self.alice.codes("KEY NEW phone"), [420])
        broken = self.auth(secret).heard()
        self.assertTrue(broken.startswith(b"420 "), broken)
        traces = [failure.getTraceback() for failure in self.flushLoggedErrors(ZeroDivisionError)]
        self.assertEqual(len(traces), 2)
        shown = "\n".join([*logged, *traces, repr(session), repr(self.house.keyring), repr(session.service)])
        self.assertNotIn(secret, shown)
        self.assertNotIn(self.house.server_key.line().decode().strip(), shown)
