"""Octets made into keys."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.manhole.keystrokes import MOST_TYPED, Key, Keystrokes, Typed


def keys(*pieces: bytes) -> list[Key | Typed]:
    """The keys of octets that come in pieces; characters that follow each other as one."""
    made = Keystrokes()
    found: list[Key | Typed] = []
    for piece in pieces:
        for key in made.of(piece):
            if isinstance(key, Typed) and found and isinstance(found[-1], Typed):
                found[-1] = Typed(found[-1].text + key.text)
            else:
                found.append(key)
    return found


class Reading(SynchronousTestCase):
    """What terminals send."""

    def test_keys(self) -> None:
        """The same key, however a terminal sends it; what is not known is nothing."""
        self.assertEqual(keys(b"\x1b[A\x1bOA\x10"), [Key.UP] * 3)
        self.assertEqual(keys(b"\x1b[H\x1b[1~\x1bOH\x01"), [Key.HOME] * 4)
        self.assertEqual(
            keys(b"\x1b[3~\x1b[1;5C\x1bf\x7f\x08"), [Key.DELETE, *[Key.WORD_RIGHT] * 2, *[Key.BACKSPACE] * 2]
        )
        self.assertEqual(keys(b"a\x1b[15~\x1b[99;99u\x1b[Ib"), [Typed("ab")])

    def test_return(self) -> None:
        """One Return for CR, LF and both."""
        self.assertEqual(keys(b"\r", b"\n", b"\n", b"\r\n\r"), [Key.RETURN] * 4)

    def test_characters(self) -> None:
        """UTF-8, in whatever pieces; what takes no place on a screen is left out."""
        self.assertEqual(keys(*(bytes([octet]) for octet in "字典é".encode())), [Typed("字典é")])
        self.assertEqual(keys("a\u202e\u200b\x00b\u3000".encode()), [Typed("ab\u3000")])
        self.assertEqual(keys(b"\xff\xfea"), [Typed("\ufffd\ufffda")])

    def test_pasted_too_much(self) -> None:
        """Of very much enough is kept to refuse it, and none of it comes as if it were typed."""
        typed = Keystrokes()
        for _ in range(100):
            self.assertEqual(list(typed.of(b"\x1b[200~" * (not typed._pasting) + b"x" * 50_000 + b"\x1b[20")), [])
            self.assertLess(len(typed._waiting), 6 * MOST_TYPED)
        (key,) = typed.of(b"1~")
        assert isinstance(key, Typed)
        self.assertGreater(len(key.text), MOST_TYPED)
        self.assertEqual(list(typed.of(b"y")), [Typed("y")])

    def test_pasted(self) -> None:
        """All of it is text, tabs are blanks, and no sequence in it is a key."""
        pasted = b"\x1b[200~a\tb\r\nc\rd\x03\x1b[A\x1b[201~x"
        self.assertEqual(keys(pasted), [Typed("a   b\nc\nd[Ax")])
        self.assertEqual(keys(*(bytes([octet]) for octet in pasted)), [Typed("a   b\nc\nd[Ax")])

    @given(st.lists(st.binary(max_size=20), max_size=8))
    def test_anything(self, pieces: list[bytes]) -> None:
        """In pieces as at once, and nothing that is typed moves a cursor."""
        found = keys(*pieces)
        self.assertEqual(found, keys(b"".join(pieces)))
        for key in found:
            if isinstance(key, Typed):
                self.assertFalse(
                    [char for char in key.text if unicodedata.category(char) in ("Cc", "Cf") and char != "\n"]
                )
