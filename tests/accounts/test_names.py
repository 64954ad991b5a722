"""Names of accounts: which there may be, and which are one."""

from __future__ import annotations

import string
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.names import AccountName
from dictd.errors import NameNotAllowed


class Names(SynchronousTestCase):
    """Checked names."""

    def assert_allowed(self, *names: str) -> None:
        """Each of these can be somebody's, and is shown as NFKC has it."""
        for name in names:
            self.assertEqual(AccountName.of(name).shown, unicodedata.normalize("NFKC", name))

    def assert_refused(self, *names: str) -> None:
        """Each of these is nobody's."""
        for name in names:
            try:
                made = AccountName.of(name)
            except NameNotAllowed:
                continue
            self.fail(f"{name!a} became {made}")

    def assert_one(self, *names: str) -> None:
        """These are all the same account."""
        keys = {AccountName.of(name).key for name in names}
        self.assertEqual(len(keys), 1, keys)

    def test_length(self) -> None:
        """2 to 32 characters."""
        self.assert_allowed("ab", "a" * 32, "密码", "ß" * 32)
        self.assert_refused("", "a", "a" * 33, "密", "x" * 6000)

    def test_length_is_that_of_what_is_shown(self) -> None:
        """Compatibility characters count as what they become, decomposed letters as one."""
        self.assert_allowed("ﬁ", unicodedata.normalize("NFD", "é" * 32))
        self.assert_refused("ﬃ" * 11, unicodedata.normalize("NFD", "é" * 33))

    def test_letters_of_any_script(self) -> None:
        """Letters, digits and the three signs, also alone and also first."""
        self.assert_allowed("anna", "Анна", "Άννα", "אנה", "آنا", "安娜", "アンナ", "안나", "ანა", "አና", "ᎠᎾ", "𝒜𝓃𝓃𝒶")
        self.assert_allowed("anna.b_c-d", "007", "٣٤٥", "__", "-.", "a1")

    def test_marks_belong_to_letters(self) -> None:
        """Vowel signs and tones are parts of words in Devanagari, Tamil, Thai, Hebrew and Arabic."""
        self.assert_allowed("हिन्दी", "தமிழ்", "ไทยแลนด์", "אַנָה", "مُحَمَّد", "ကောင်း")

    def test_blanks_are_refused(self) -> None:
        """No blank of any kind, inside, around or alone."""
        for blank in " \t\u00a0\u2003\u3000\u2028\u200b":
            self.assert_refused(f"an{blank}na", f"{blank}anna", f"anna{blank}", blank * 2)

    def test_control_characters_are_refused(self) -> None:
        """Neither controls nor what steers the direction or the joining of text."""
        for character in "\x00\x07\r\n\x1b\x7f\x85\u200d\u202e\u2066\ufeff\u00ad\ufffe\U000e0001":
            self.assert_refused(f"an{character}na")

    def test_signs_are_refused(self) -> None:
        """Anything that is neither a letter nor a digit nor one of the three signs, surrogates and strangers too."""
        for character in "@/\\\"'!*#%&()+,:;<=>?[]^`{|}~€©°½–·":
            self.assert_refused(f"an{character}na")
        self.assert_refused("an\ud800na", "an\ue000na", "an\U0010ffffna")

    def test_emoji_are_refused(self) -> None:
        """An emoji is no letter, nor is one that is put together from a digit and marks."""
        self.assert_refused("🐧🐧", "anna🐧", "👩‍🚀x", "❤️x", "🇩🇪", "1️⃣", "1️⃣2️⃣", "a\u20dd")

    def test_invisible_letters_are_refused(self) -> None:
        """Characters that Unicode calls letters or marks but nobody can see make no name, and no second `bob`."""
        for character in "\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5\u180b\ufe00\ufe0f\U000e0100":
            self.assert_refused(f"bob{character}", f"bo{character}b", character * 2)

    def test_name_does_not_begin_with_a_mark(self) -> None:
        """A mark belongs to a letter before it: alone it would cling to whatever is printed in front of the name."""
        self.assert_refused("\u0301\u0301", "\u0301anna", "\u093fक", ".\u0301", "-\u0301")

    def test_case_and_width_do_not_tell_names_apart(self) -> None:
        """What people would read aloud the same is one account."""
        self.assert_one("Bob", "bob", "BOB", "Ｂｏｂ", "ｂｏｂ", "𝐁𝐨𝐛")
        self.assert_one("Strauß", "STRAUSS", "strauss", "STRAUẞ")
        self.assert_one("Zoë", "ZOË", unicodedata.normalize("NFD", "zoë"))
        self.assert_one("Άννα", "ΆΝΝΑ")
        self.assert_one("Σοφός", "ΣΟΦΌΣ", "σοφόσ")
        self.assert_one("ﾊﾝﾅ", "ハンナ")
        self.assert_one("ﬁona", "FIONA", "fiona")

    def test_different_names_stay_apart(self) -> None:
        """Accents and other scripts make another name: the key is not the forgiving one of the dictionaries."""
        names = ("zoe", "zoë", "anna", "аnna", "an-na", "an.na", "an_na", "हिन्दी", "हनद", "が1", "か1")
        self.assertEqual(len({AccountName.of(name).key for name in names}), len(names))

    def test_spelling_is_kept(self) -> None:
        """What is shown is the spelling that was chosen, in the normal form."""
        self.assertEqual(AccountName.of("Ｂｏｂ").shown, "Bob")
        self.assertEqual(AccountName.of("McFly-85").shown, "McFly-85")

    @given(st.text(st.characters() | st.characters(categories=("L", "M", "Nd")), min_size=1, max_size=40))
    @settings(deadline=None, max_examples=300)
    def test_any_text(self, text: str) -> None:
        """Whatever is sent is refused or is a name that is found again under what is shown and under every form."""
        try:
            name = AccountName.of(text)
        except NameNotAllowed:
            return
        self.assertTrue(2 <= len(name.shown) <= 32)
        self.assertEqual(AccountName.of(name.shown), name)
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            self.assertEqual(AccountName.of(unicodedata.normalize(form, text)), name)

    @given(st.text(string.ascii_letters + string.digits + "._-", min_size=2, max_size=32))
    @settings(deadline=None)
    def test_any_ascii_name(self, text: str) -> None:
        """Every ASCII name is allowed and is one with its other cases and its wide twin."""
        wide = "".join(chr(ord(character) + 0xFEE0) for character in text)
        self.assert_one(text, text.upper(), text.lower(), text.swapcase(), wide)
