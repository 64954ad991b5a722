"""Keys of headwords: the table of real pairs, long words, what must hold for any text."""

from __future__ import annotations

import unicodedata
from hashlib import blake2b

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.lexicon import folding
from tests.lexicon.publishing import entries, shelved

ANY = settings(deadline=None, max_examples=200)

# (one, other, whether the exact keys are equal, whether the loose keys are).
PAIRS = [
    # Latin letters, their accents, their cases.
    ("Café", "cafe", False, True),
    ("caf\u00e9", "cafe\u0301", True, True),
    ("Ma\u0308dchen", "mädchen", True, True),
    ("Mädchen", "Madchen", False, True),
    ("ñ", "n", False, True),
    ("ö", "o", False, True),
    ("ö", "oe", False, False),
    ("Ǻ", "a", False, True),
    ("straße", "strasse", True, True),
    ("STRASSE", "straße", True, True),
    ("STRAẞE", "strasse", True, True),
    ("ß", "s", False, False),
    # Turkish.
    ("I", "ı", False, True),
    ("İ", "i", False, True),
    ("i\u0307", "i", False, True),
    ("İ", "ı", False, True),
    # What no decomposition of Unicode takes apart.
    ("œuvre", "oeuvre", False, True),
    ("Æon", "aeon", False, True),
    ("ǽ", "ae", False, True),
    ("Øre", "ore", False, True),
    ("ǿ", "o", False, True),
    ("Łódź", "lodz", False, True),
    ("Đà Nẵng", "da nang", False, True),
    ("þing", "thing", False, True),
    ("ø", "a", False, False),
    # Compatibility forms.
    ("Ａ", "a", True, True),
    ("ＤＩＣＴ", "dict", True, True),
    ("ﬁ", "fi", True, True),
    ("ﾊ", "ハ", True, True),
    ("２２", "22", True, True),
    ("٣", "3", False, False),
    # Greek.
    ("Σ", "ς", True, True),
    ("ΛΌΓΟΣ", "λόγος", True, True),
    ("ἄνθρωπος", "ανθρωπος", False, True),
    # Cyrillic: stress goes, letters stay.
    ("за́мок", "замок", False, True),
    ("ё", "е", False, True),
    ("Ёлка", "елка", False, True),
    ("й", "и", False, False),
    ("ї", "і", False, False),
    ("ў", "у", False, False),
    # Points of Hebrew and Arabic.
    ("שלום", "שָׁלוֹם", False, True),
    ("كتاب", "كِتَاب", False, True),
    # Kana, Han, Hangul, Indic and Thai signs stay.
    ("は", "ハ", False, False),
    ("は", "ば", False, False),
    ("が", "か", False, False),
    ("か\u3099", "が", True, True),
    ("中", "文", False, False),
    ("龙", "龍", False, False),
    ("𠀀", "𠀁", False, False),
    ("가", "나", False, False),
    ("한", "나", False, False),
    ("가", "\u1100\u1161", True, True),
    ("한", "\u1112\u1161\u11ab", True, True),
    ("हिन्दी", "हनद", False, False),
    ("पानी", "पनी", False, False),
    ("น้ำ", "นำ", False, False),
    # A joiner stands between letter and virama: র‍্য is not রয.
    ("র\u200d\u09cdয", "রয", False, False),
    ("র\u200d\u09cdয", "র\u09cdয", False, True),
    # Signs.
    ("re-sume", "resume", False, True),
    ("o'clock", "oclock", False, True),
    ("o’clock", "o'clock", False, True),
    ("a-\u0301", "a", False, True),
    ("C", "C++", False, True),
    ("C++", "C#", False, True),
    ("%", "", False, False),
    ("%", "‰", False, False),
    ("😀", "😁", False, False),
    ("❤️", "☀️", False, False),
    ("#️⃣", "*️⃣", False, False),
    ("😀", "", False, False),
    # Blanks.
    ("a", "a ", True, True),
    ("ice  cream", "ice\u3000cream", True, True),
    (" ice\tcream\n", "ICE CREAM", True, True),
    ("ice cream", "icecream", False, False),
]

EXACTLY, FORGIVINGLY, NOT = "exactly", "forgivingly", "not"

# (word typed, headword stored, how the one finds the other). Exactly: before all that differs in anything.
TYPED = [
    ("mädchen", "Mädchen", EXACTLY),
    ("Ma\u0308dchen", "Mädchen", EXACTLY),
    ("MÄDCHEN", "Ma\u0308dchen", EXACTLY),
    ("madchen", "Mädchen", FORGIVINGLY),
    ("Mädchen", "Madchen", FORGIVINGLY),
    ("maedchen", "Mädchen", NOT),
    ("STRASSE", "Straße", EXACTLY),
    ("strasse", "Straße", EXACTLY),
    ("straße", "STRASSE", EXACTLY),
    ("STRAẞE", "Straße", EXACTLY),
    ("strase", "Straße", NOT),
    ("naive", "naïve", FORGIVINGLY),
    ("naïve", "naive", FORGIVINGLY),
    ("NAI\u0308VE", "naïve", EXACTLY),
    ("ｈａｌｆ", "half", EXACTLY),
    ("half", "ｈａｌｆ", EXACTLY),
    ("ﬁsh", "fish", EXACTLY),
    ("fish", "ﬁsh", EXACTLY),
    # The capital of Turkish ı is I, that of i is İ; whoever cannot type them finds the word.
    ("istanbul", "İstanbul", FORGIVINGLY),
    ("İSTANBUL", "İstanbul", EXACTLY),
    ("ISTANBUL", "İstanbul", FORGIVINGLY),
    ("ıstanbul", "İstanbul", FORGIVINGLY),
    ("İstanbul", "Istanbul", FORGIVINGLY),
    ("Σίσυφος", "Σίσυφος", EXACTLY),
    ("ΣΊΣΥΦΟΣ", "Σίσυφος", EXACTLY),
    ("σίσυφοσ", "Σίσυφος", EXACTLY),
    ("ΣΙΣΥΦΟΣ", "Σίσυφος", FORGIVINGLY),
    ("хлеб", "хле\u0301б", FORGIVINGLY),
    ("хле\u0301б", "хлеб", FORGIVINGLY),
    ("ХЛЕБ", "хлеб", EXACTLY),
    ("елка", "ёлка", FORGIVINGLY),
    ("мои", "мой", NOT),
    ("שלום", "שָׁלוֹם", FORGIVINGLY),
    ("שָׁלוֹם", "שלום", FORGIVINGLY),
    ("שָׁלוֹם", "שָׁלוֹם", EXACTLY),
    ("हिन्दी", "हिन्दी", EXACTLY),
    ("हनद", "हिन्दी", NOT),
    ("हिन्द", "हिन्दी", NOT),
    ("か", "が", NOT),
    ("が", "か", NOT),
    ("か\u3099", "が", EXACTLY),
    ("ハ", "は", NOT),
    ("\u1100\u1161", "가", EXACTLY),
    ("가", "\u1100\u1161", EXACTLY),
    ("나", "가", NOT),
    ("😀", "😀", EXACTLY),
    ("😁", "😀", NOT),
    ("C", "C", EXACTLY),
    ("c++", "C++", EXACTLY),
    ("c#", "C#", EXACTLY),
    ("c", "C++", FORGIVINGLY),
    ("c", "C#", FORGIVINGLY),
    ("C++", "C", FORGIVINGLY),
    ("C#", "C++", FORGIVINGLY),
    ("ice-cream", "ice-cream", EXACTLY),
    ("ice cream", "ice-cream", FORGIVINGLY),
    ("icecream", "ice-cream", FORGIVINGLY),
    ("ice-cream", "ice cream", FORGIVINGLY),
    ("icecream", "ice cream", FORGIVINGLY),
    ("ice cream", "icecream", FORGIVINGLY),
    ("ICE  CREAM", "ice cream", EXACTLY),
    ("crow's nest", "crow's nest", EXACTLY),
    ("crow’s nest", "crow's nest", FORGIVINGLY),
    ("crow's nest", "crow’s nest", FORGIVINGLY),
    ("crow´s nest", "crow's nest", FORGIVINGLY),
    ("crows nest", "crow's nest", FORGIVINGLY),
    ("crow nest", "crow's nest", NOT),
]

# Letters, marks, joiners and signs whose folding has gone wrong somewhere, in words that are not yet normal.
TRICKY = st.text(
    st.one_of(
        st.sampled_from("aAeIiıİßẞøØæǽœłđþﬁＡﾊが\u3099ハはばё\u0435йиїі한가\u1100\u1161\u11a8हिन्दीΣςσᾳ中😀❤٣"),
        st.sampled_from("\u0300\u0301\u0307\u0308\u0327\u0345\u05b8\u0650\u094d\u0e49\ufe0f\u20e3\u200d\u200c\u00ad"),
        st.sampled_from(" \t\u00a0\u3000\u0085\u2028-'’´%+#.ª½"),
        st.characters(exclude_categories=["Cs"]),
        st.characters(categories=["Mn", "Mc", "Me"]),
    ),
    max_size=12,
)
ANY_TEXT = st.one_of(TRICKY, st.text(st.characters(exclude_categories=["Cs"])))
ASCII = st.text(st.characters(max_codepoint=127))


class Table(SynchronousTestCase):
    """Pairs of words that are, or are not, the same."""

    def test_exact_keys_of_real_pairs(self) -> None:
        """The exact key merges what is the same letter, and nothing else."""
        wrong = [
            (one, other)
            for one, other, equal, _ in PAIRS
            if (folding.key(folding.exact(one)) == folding.key(folding.exact(other))) != equal
        ]
        self.assertEqual(wrong, [])

    def test_loose_keys_of_real_pairs(self) -> None:
        """The loose key merges accents and signs, never letters."""
        wrong = []
        for one, other, _, equal in PAIRS:
            try:
                merged = folding.loose(one) == folding.loose(other)
            except Exception as error:  # noqa: BLE001 - every pair is to be judged
                wrong.append((one, other, repr(error)))
            else:
                if merged != equal:
                    wrong.append((one, other, "merged" if merged else "not merged"))
        self.assertEqual(wrong, [])

    def test_what_stays_in_a_loose_key(self) -> None:
        """Scripts whose marks are part of the letter keep them; the key is composed."""
        for word in ("हिन्दी", "が", "한국어", "й", "ї", "ไทย", "中文"):
            self.assertEqual(folding.loose(word), unicodedata.normalize("NFC", word))

    def test_what_is_spelled_out(self) -> None:
        """Letters that are a base with a stroke, or two letters in one, are written as people type them."""
        self.assertEqual(folding.loose("ØŁĐÐÞÆŒıĦŦ"), "olddthaeoeiht")

    def test_signs_alone_stay(self) -> None:
        """A word of signs alone is its own loose and compact key."""
        for word in ("%", "+", "...", "😀", "👍🏽", "❤️", "☀️", "#️⃣", "´"):
            self.assertEqual(folding.loose(word), folding.exact(word))
            self.assertTrue(folding.loose(word))

    def test_programming_languages(self) -> None:
        """``C``, ``C++`` and ``C#`` have exact keys of their own and one loose key."""
        words = ["C", "C++", "C#"]
        self.assertEqual([folding.exact(word) for word in words], ["c", "c++", "c#"])
        self.assertEqual({folding.loose(word) for word in words}, {"c"})

    def test_blanks_are_collapsed(self) -> None:
        """Blanks of every kind become one, none is left at the ends."""
        self.assertEqual(folding.exact("\u3000 New\t\u00a0York \n"), "new york")
        self.assertEqual(folding.loose("rock 'n' roll"), "rock n roll")
        self.assertEqual(folding.loose("rock - roll"), "rock roll")

    def test_compact_has_no_blanks(self) -> None:
        """Three spellings of one compound have one compact key."""
        self.assertEqual(
            {folding.compact(word) for word in ("ice-cream", "ice cream", "IceCream", "ice - cream")}, {"icecream"}
        )

    def test_acute_typed_as_an_apostrophe(self) -> None:
        """``o´clock``, as half of Europe types it, is ``o'clock`` in the compact key."""
        self.assertEqual(folding.compact("o´clock"), folding.compact("o'clock"))

    def test_empty_word(self) -> None:
        """Nothing, and blanks alone, have empty keys."""
        for word in ("", " ", "\t\u3000\n"):
            self.assertEqual([fold(word) for fold in (folding.exact, folding.loose, folding.compact)], ["", "", ""])
        self.assertEqual(folding.key(""), b"")


class LookedUp(SynchronousTestCase):
    """The table of words typed, through the reader."""

    def test_typed(self) -> None:
        """Each word finds its headword as the table says.

        Beside each headword stands the same with a sign: what forgives finds both, what is exact only one.
        """
        headwords = list(dict.fromkeys(stored for _, stored, _ in TYPED))
        names = {stored: f"d{number}" for number, stored in enumerate(headwords)}
        lexicon = shelved(self, **{name: entries(stored, f"{stored}!") for stored, name in names.items()})
        wrong = []
        for typed, stored, how in TYPED:
            found = {definition.headword for definition in lexicon.define(names[stored], typed)}
            seen = {(): NOT, (stored,): EXACTLY, (stored, f"{stored}!"): FORGIVINGLY}.get(tuple(sorted(found)), "oddly")
            if seen != how:
                wrong.append((typed, stored, how, seen))
        self.assertEqual(wrong, [])

    def test_spelled_as_asked_comes_alone(self) -> None:
        """Where all three are, ``C``, ``C++`` and ``C#`` each find themselves; where none is, all that is like it."""
        lexicon = shelved(self, all=entries("C", "C++", "C#"), two=entries("C++", "C#"))
        for word in ("C", "C++", "C#"):
            self.assertEqual([one.headword for one in lexicon.define("all", word.lower())], [word])
        self.assertEqual({one.headword for one in lexicon.define("two", "C")}, {"C++", "C#"})


class LongKeys(SynchronousTestCase):
    """Words whose keys would not fit into LMDB's 511 bytes."""

    def test_up_to_the_limit_a_key_is_the_word(self) -> None:
        """480 bytes are kept as they are, whatever the letters."""
        for word in ("a" * 480, "中" * 160, "é" * 240):
            self.assertEqual(folding.key(word), word.encode())

    def test_beyond_the_limit_a_key_ends_in_a_hash(self) -> None:
        """464 bytes, 0xFF, and 16 bytes of BLAKE2b of the whole; the same on every machine."""
        for word in ("a" * 481, "中" * 512, "é" * 1000, "a" * 463 + "中" * 10):
            whole = word.encode()
            self.assertEqual(
                folding.key(word), whole[:464] + b"\xff" + blake2b(whole, digest_size=16).digest(), word[:3]
            )

    def test_long_words_that_differ_at_their_end(self) -> None:
        """Different long words have different keys, though they begin alike."""
        words = ["a" * 600 + end for end in ("", "b", "c", "bb")]
        self.assertEqual(len({folding.key(word) for word in words}), 4)

    def test_a_word_of_the_longest_kind(self) -> None:
        """512 characters that NFKC makes eighteen times as long still have a key that fits."""
        folded = folding.exact("\ufdfa" * 512)
        self.assertGreater(len(folded), 512)
        self.assertLessEqual(len(folding.key(folded)), 511)

    @ANY
    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.integers(0, 464))
    def test_prefix_of_a_long_word(self, text: str, length: int) -> None:
        """The first 464 bytes of a word are the first bytes of its key."""
        whole = (text + "x" * 500).encode()
        self.assertTrue(folding.key(text + "x" * 500).startswith(whole[:length]))

    @ANY
    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=700))
    @example("x" * 480)
    @example("x" * 481)
    def test_no_key_is_too_long(self, text: str) -> None:
        """Every key fits into LMDB and into VARBINARY(511), those of duplicates included."""
        for fold in (folding.exact, folding.loose, folding.compact):
            self.assertLessEqual(len(folding.key(fold(text))), 481)


class AnyText(SynchronousTestCase):
    """What must hold for whatever a client or a file brings."""

    @ANY
    @given(ANY_TEXT)
    @example("❤️")
    @example("\u0301")
    @example("-\u0301")
    def test_nothing_is_too_odd(self, word: str) -> None:
        """Every text without surrogates has its three keys."""
        for fold in (folding.exact, folding.loose, folding.compact):
            self.assertIsInstance(folding.key(fold(word)), bytes)

    def test_every_character_has_keys(self) -> None:
        """Each assigned character is folded, and what is not blank never to nothing."""
        wrong = []
        for number in range(0x110000):
            character = chr(number)
            if unicodedata.category(character) in ("Cn", "Co", "Cs"):
                continue
            try:
                folded, loose = folding.exact(character), folding.loose(character)
                blank = character.isspace()
                if bool(folded) is blank or bool(loose) is blank or bool(folding.compact(character)) is blank:
                    wrong.append(f"U+{number:04X} is empty")
                elif folding.exact(folded) != folded or folding.loose(loose) != loose:
                    wrong.append(f"U+{number:04X} is not folded once for all")
            except Exception as error:  # noqa: BLE001 - every character is to be judged
                wrong.append(f"U+{number:04X} {error!r}")
        self.assertEqual(wrong[:10], [])

    @ANY
    @given(ANY_TEXT)
    def test_exact_is_idempotent(self, word: str) -> None:
        """Folding what is folded changes nothing."""
        self.assertEqual(folding.exact(folding.exact(word)), folding.exact(word))

    @ANY
    @given(ANY_TEXT)
    @example("a-\u0301")
    @example("ǽ")
    @example(":´0")
    def test_loose_is_idempotent(self, word: str) -> None:
        """A loose key typed as a word has itself as its loose key."""
        self.assertEqual(folding.loose(folding.loose(word)), folding.loose(word))

    @ANY
    @given(ANY_TEXT)
    def test_normal_forms_are_one_word(self, word: str) -> None:
        """Composed or decomposed, a word has one exact key."""
        for form in ("NFC", "NFD"):
            self.assertEqual(folding.exact(unicodedata.normalize(form, word)), folding.exact(word))

    @ANY
    @given(ANY_TEXT, ANY_TEXT)
    def test_loose_follows_exact(self, word: str, other: str) -> None:
        """Words with one exact key have one loose and one compact key."""
        normal = unicodedata.normalize
        changed = [word.upper(), word.lower(), word.title(), f" {word}\t", other, folding.exact(word)]
        for one in [*changed, normal("NFC", word), normal("NFD", word), normal("NFKC", word)]:
            if folding.exact(one) == folding.exact(word):
                self.assertEqual(folding.loose(one), folding.loose(word))
                self.assertEqual(folding.compact(one), folding.compact(word))

    @ANY
    @given(ASCII)
    @example("a\x1fb")
    @example("a\x00 b")
    @example("\x0bA\x1c")
    def test_short_way_of_exact(self, word: str) -> None:
        """ASCII, which takes a short way, is folded as the general rule folds it."""
        normal = unicodedata.normalize
        general = " ".join(normal("NFKC", normal("NFKC", word).casefold()).split())
        self.assertEqual(folding.exact(word), general)

    @ANY
    @given(ASCII)
    @example("a- b")
    @example("%")
    def test_short_way_of_loose(self, word: str) -> None:
        """ASCII has the loose key it would have beside a letter that forbids the short way."""
        general = folding.loose(word + "中").removesuffix("中").strip() or folding.exact(word)
        self.assertEqual(folding.loose(word), general)

    @ANY
    @given(st.one_of(ANY_TEXT, st.tuples(ANY_TEXT, st.integers(470, 490)).map(lambda pair: pair[0] + " x" * pair[1])))
    @example("x" * 480)
    @example("x " * 240)
    @example("x " * 241)
    def test_short_way_of_the_compact_key(self, word: str) -> None:
        """The compact key that is made of the loose key is the one that is made of the word."""
        k2 = folding.key(folding.loose(word))
        self.assertEqual(folding.compact_key(k2, word), folding.key(folding.compact(word)))

    @ANY
    @given(ANY_TEXT)
    def test_compact_is_loose_without_blanks(self, word: str) -> None:
        """The compact key differs from the loose one in blanks alone."""
        self.assertEqual(folding.compact(word), folding.loose(word).replace(" ", ""))
