"""How the secrets of keys are sealed, and how an answer is told to be right."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Callable
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts import keys
from dictd.accounts.keys import MOST, ServerKey
from dictd.errors import NameNotAllowed
from dictd.model import StoredKey

CHALLENGE = "<0123456789abcdef@dict.example>"
SECRET = "00112233445566778899aabbccddeeff"


def md5(challenge: str, secret: str) -> str:
    """What a client answers."""
    return hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()


class Sealed(SynchronousTestCase):
    """One key under one server key."""

    def setUp(self) -> None:
        """A server key and a key of user 7."""
        self.server_key = ServerKey.made()
        self.key = self.stored("laptop", SECRET)

    def stored(self, label: str, secret: str) -> StoredKey:
        """A key as the store keeps it."""
        return StoredKey(7, label, self.server_key.seal(7, label, secret), self.server_key.id, 0)


class Sealing(Sealed):
    """Secrets under the server key."""

    def test_opens_what_it_sealed(self) -> None:
        """The secret comes back, and is not to be seen in what is stored."""
        self.assertEqual(self.server_key.open(self.key), SECRET.encode())
        self.assertNotIn(SECRET.encode(), self.key.sealed)
        self.assertNotIn(bytes.fromhex(SECRET), self.key.sealed)

    def test_sealed_twice_is_never_the_same(self) -> None:
        """The nonce is new each time: nobody sees which secrets are equal."""
        sealed = {self.server_key.seal(7, "laptop", SECRET) for _ in range(50)}
        self.assertEqual(len({one[:12] for one in sealed}), 50)

    def test_bound_to_its_place(self) -> None:
        """Moved to another user or label, altered, cut or empty, it does not open."""
        sealed = self.key.sealed
        for other in (
            evolve(self.key, user_id=8),
            evolve(self.key, label="phone"),
            evolve(self.key, sealed=sealed[:-1] + bytes([sealed[-1] ^ 1])),
            *(evolve(self.key, sealed=sealed[:length]) for length in (0, 3, 12, 20)),
        ):
            self.assertIsNone(self.server_key.open(other))

    def test_user_and_label_do_not_run_together(self) -> None:
        """User 7 with the label ``1 x`` is not user 71 nor user 7 1 with another."""
        key = self.stored("1 x", SECRET)
        self.assertIsNone(self.server_key.open(evolve(key, user_id=71, label="x")))

    def test_another_server_key(self) -> None:
        """What another server key sealed does not open, also where its id was written over."""
        other = ServerKey.made()
        self.assertNotEqual(other.id, self.server_key.id)
        self.assertIsNone(other.open(self.key))
        self.assertIsNone(other.open(evolve(self.key, key_id=other.id)))

    def test_text_form(self) -> None:
        """64 hex digits and a line end come back as the same key; nothing else is one, and none is told."""
        line = self.server_key.line()
        self.assertRegex(line, rb"^[0-9a-f]{64}\n$")
        again = ServerKey.parse(line)
        self.assertEqual((again, again.id), (self.server_key, self.server_key.id))
        self.assertEqual(again.open(self.key), SECRET.encode())
        for bad in (b"", b"\n", line[:-3], line + line, b"x" * 64, b" " + line, line[:-1] + b"0\n", bytes(32)):
            refusal = self.assertRaises(ValueError, ServerKey.parse, bad)
            self.assertNotIn(line[:16].decode(), str(refusal))

    def test_id_tells_nothing(self) -> None:
        """The id is short and no part of the key."""
        self.assertRegex(self.server_key.id, "^[0-9a-f]{12}$")
        self.assertNotIn(self.server_key.id, self.server_key.line().decode())

    def test_nothing_secret_is_shown(self) -> None:
        """Neither repr shows a secret, nor does the traceback of a failure."""
        line = self.server_key.line().decode().strip()
        try:
            self.server_key.seal(7, "laptop", SECRET + "ü")
        except UnicodeEncodeError:
            shown = traceback.format_exc()
        self.assertNotIn(line, shown)
        for shown in (repr(self.server_key), str(self.server_key), repr(self.key)):
            self.assertNotIn(line, shown)
            self.assertNotIn(repr(bytes.fromhex(line)), shown)
            self.assertNotIn(repr(self.key.sealed), shown)
            self.assertNotIn(SECRET, shown)


class Answering(Sealed):
    """Which key an AUTH was answered with."""

    def answered(self, stored: list[StoredKey], answer: str) -> StoredKey | None:
        """The key that is found."""
        return self.server_key.answered_by(stored, CHALLENGE, answer)

    def test_each_key(self) -> None:
        """Every one of sixteen is found by its own secret, in either case of the digits."""
        secrets = [keys.new_secret() for _ in range(MOST)]
        stored = [self.stored(f"key {number}", secret) for number, secret in enumerate(secrets)]
        for key, secret in zip(stored, secrets, strict=True):
            self.assertIs(self.answered(stored, md5(CHALLENGE, secret)), key)
            self.assertIs(self.answered(stored, md5(CHALLENGE, secret).upper()), key)

    def test_known_answer(self) -> None:
        """MD5 of message id, angle brackets included, and secret, as ``printf %s%s | md5sum`` says."""
        self.assertEqual(keys.response("<1@x>", b"secret"), b"37257aa37904a2ac86c6572e6528a18c")

    def test_wrong_answers(self) -> None:
        """Another challenge, another secret, no secret, the secret itself, nothing, what is no digest."""
        for answer in (
            md5("<1@dict.example>", SECRET),
            md5(CHALLENGE.strip("<>"), SECRET),
            md5(CHALLENGE, SECRET[:-1]),
            md5(CHALLENGE, ""),
            md5(CHALLENGE, SECRET)[:-1],
            md5(CHALLENGE, SECRET) + "0",
            SECRET,
            "",
            "ü" * 32,
        ):
            self.assertIsNone(self.answered([self.key], answer), answer)

    def test_no_key_no_way_in(self) -> None:
        """Nobody is let in by what fills the places of keys that are not there, or cannot be opened."""
        lost = evolve(self.key, key_id="another")
        empty = md5(CHALLENGE, "")
        for answer in (empty, md5(CHALLENGE, SECRET), self.of_nobody()):
            self.assertIsNone(self.answered([], answer))
            for stored in ([lost], [lost] * MOST):
                self.assertIsNone(self.answered(stored, answer))
            self.assertIsNone(self.answered([evolve(self.key, sealed=b"")], answer))

    def of_nobody(self) -> str:
        """What would answer the keys that fill up."""
        secret = self.server_key.open(self.server_key._nobody)
        assert secret is not None
        return md5(CHALLENGE, secret.decode())

    def test_same_work_whatever_there_is(self) -> None:
        """Sixteen are opened, hashed and compared for nobody, one, sixteen, a right and a wrong answer."""
        done = {"opened": 0, "hashed": 0, "compared": 0}

        def counted(what: str, really: Callable[..., Any]) -> Callable[..., Any]:
            def instead(*words: Any) -> Any:
                done[what] += 1
                return really(*words)

            return instead

        self.patch(ServerKey, "open", counted("opened", ServerKey.open))
        self.patch(keys, "response", counted("hashed", keys.response))
        self.patch(keys.hmac, "compare_digest", counted("compared", keys.hmac.compare_digest))
        sixteen = [self.stored(f"key {number}", keys.new_secret()) for number in range(MOST - 1)]
        for stored, found in (
            ([], False), ([self.key], True), ([*sixteen, self.key], True), ([self.key, *sixteen], True),
            (sixteen, False), ([evolve(self.key, key_id="another")], False), ([*sixteen, self.key, self.key], True),
        ):  # fmt: skip
            for answer in (md5(CHALLENGE, SECRET), "wrong"):
                done.update(opened=0, hashed=0, compared=0)
                right = self.answered(stored, answer)
                self.assertEqual(right is not None, found and answer != "wrong")
                self.assertEqual(set(done.values()), {MOST})


class Labels(SynchronousTestCase):
    """What a key may be called."""

    def test_allowed(self) -> None:
        """1 to 32 printable characters of any script, in NFC."""
        for label in ("a", "my laptop", "手机", "x" * 32, 'a "b" \\c', "*"):
            self.assertEqual(keys.label_of(label), label)
        self.assertEqual(keys.label_of("Bu\u0308ro"), "B\u00fcro")
        self.assertEqual(len(keys.label_of("u\u0308" * 32)), 32)

    def test_refused(self) -> None:
        """Nothing, too much, blanks around, what cannot be seen or breaks a line."""
        for label in ("", " ", "x" * 33, " a", "a ", "a\nb", "a\tb", "\x7f", "a\u202eb", "a\u200bb", "\u3000"):
            self.assertRaises(NameNotAllowed, keys.label_of, label)

    def test_secrets(self) -> None:
        """32 hex digits, never the same."""
        made = {keys.new_secret() for _ in range(50)}
        self.assertEqual(len(made), 50)
        for secret in made:
            self.assertRegex(secret, "^[0-9a-f]{32}$")
