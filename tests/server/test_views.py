"""Hidden dictionaries, those of some users, groups, order, strategies of their own (RFC 2229 3.4)."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import DictionarySettings, GroupSettings, Settings
from tests.support.house import BOOKS, House, publish

MORE = {
    **BOOKS,
    "secret": ("The Teachers' Edition", [("penguin", "penguin\n    see the marking guide"), ("pengo", "coin")]),
    "base": ("A Part of Others", [("penguin", "penguin\n    from the base"), ("basis", "ground")]),
}
ARRANGED = Settings(
    dictionaries={
        "jargon": DictionarySettings(order=-1, strategy="prefix"),
        "secret": DictionarySettings(users=("Teacher", "straße")),
        "base": DictionarySettings(hidden=True),
    },
    groups={
        "english": GroupSettings(("base", "wn", "secret"), "All English"),
        "teachers": GroupSettings(("secret",), "For Teachers"),
        "lost": GroupSettings(("nowhere",), "Nothing In It"),
    },
)


class Views(SynchronousTestCase):
    """A server whose settings arrange four dictionaries."""

    def setUp(self) -> None:
        directory = Path(self.mktemp()).absolute()
        publish(directory, MORE)
        self.house = House(directory, ARRANGED)
        self.addCleanup(self.house.lexicon.close)
        self.client = self.house.welcome()

    def other_house(self, settings: Settings) -> House:
        """Another server of the usual books."""
        directory = Path(self.mktemp()).absolute()
        publish(directory, BOOKS)
        house = House(directory, settings)
        self.addCleanup(house.lexicon.close)
        return house

    def test_show_db(self) -> None:
        """In the order of the settings, groups last; what is hidden, of others, or an empty group is absent."""
        self.assertEqual(
            self.client.ask("SHOW DB"),
            '110 3 databases present\njargon "The Jargon File"\nwn "WordNet"\nenglish "All English"\n.\n250 ok\n',
        )

    def test_those_who_may(self) -> None:
        """A dictionary of some users is there for them, however they write their name, and goes when they leave."""
        for name in ("TEACHER", "STRASSE"):
            teacher = self.house.member(name)
            self.assertIn('secret "The Teachers\' Edition"\nenglish', teacher.ask("SHOW DB"))
            self.assertIn('teachers "For Teachers"\n', teacher.ask("SHOW DB"))
            self.assertIn("marking guide", teacher.ask("DEFINE secret penguin"))
            self.assertIn("marking guide", teacher.ask("DEFINE * penguin"))
            self.assertIn("112 information for secret", teacher.ask("SHOW INFO secret"))
            self.assertIn("Teachers", teacher.ask("SHOW SERVER"))
            teacher.ask("LOGOUT")
            self.assertEqual(teacher.codes("DEFINE secret penguin", "SHOW INFO secret"), [550, 550])
            self.assertNotIn("secret", teacher.ask("SHOW DB"))

    def test_others(self) -> None:
        """For everybody else it is not there at all, logged in or not, under no name and by no verb."""
        for client in (self.client, self.house.member("pupil")):
            self.assertEqual(
                client.codes("DEFINE secret x", "MATCH secret exact x", "SHOW INFO secret", "DEFINE teachers x"),
                [550] * 4,
            )
            for line in ("DEFINE * penguin", "DEFINE english penguin", "MATCH * prefix p", "Q pengiun", "SHOW SERVER"):
                answer = client.ask(line)
                self.assertNotIn("secret", answer, line)
                self.assertNotIn("marking", answer, line)

    def test_hidden(self) -> None:
        """A hidden dictionary answers for its group alone, under the group's name."""
        self.assertEqual(self.client.codes("DEFINE base basis", "MATCH base exact basis", "SHOW INFO base"), [550] * 3)
        self.assertEqual(self.client.codes("DEFINE * basis", "DEFINE ! basis", "MATCH * exact basis"), [552] * 3)
        self.assertEqual(
            self.client.ask("DEFINE english basis"),
            '150 1 definitions retrieved\n151 "basis" english "All English"\nground\n.\n250 ok\n',
        )
        self.assertEqual(
            self.client.ask("MATCH english exact basis"), '152 1 matches found\nenglish "basis"\n.\n250 ok\n'
        )

    def test_group_answers_with_its_members(self) -> None:
        """Members in the order written, each under its own name, matched without case."""
        answer = self.client.ask("DEFINE ENGLISH penguin")
        self.assertIn('150 2 definitions retrieved\n151 "penguin" english "All English"\n', answer)
        self.assertIn('151 "penguin" wn "WordNet"\n', answer)
        self.assertEqual(
            self.client.ask("MATCH english prefix peng"),
            '152 3 matches found\nenglish "penguin"\nwn "pengo"\nwn "penguin"\n.\n250 ok\n',
        )
        for line in answer.splitlines():
            if line.startswith("151"):
                _, word, name, _ = line.split(" ", 3)
                self.assertIn(line, self.client.ask(f"DEFINE {name} {word}"))

    def test_headword_of_two_hidden(self) -> None:
        """A headword that two hidden members have is listed once under the group's name, and counts once."""
        directory = Path(self.mktemp()).absolute()
        parts = {name: ("A Part", [("emu", f"emu {name}"), (name, name), ("pen", "pen")]) for name in ("p1", "p2")}
        publish(directory, parts)
        hidden = {name: DictionarySettings(hidden=True) for name in parts}
        for most, words in {5: "emu p1 pen p2", 4: "emu p1 pen p2", 3: "emu p1 pen"}.items():
            limits = evolve(Settings().limits, matches=most)
            groups = {"both": GroupSettings(("p1", "p2"), "Both")}
            house = House(directory, Settings(dictionaries=hidden, groups=groups, limits=limits))
            client = house.welcome()
            said = client.ask("MATCH both all x").splitlines()
            self.assertEqual(said[1:-2], [f'both "{word}"' for word in sorted(words.split(), key=words.index)])
            self.assertEqual(said[-1], "250 ok" if most > 3 else "250 ok, the first 3 of more")
            self.assertIn("150 2 definitions", client.ask("DEFINE both emu"))
            house.lexicon.close()

    def test_own_strategy_that_cannot_read_it(self) -> None:
        """A word that is no pattern is still looked for where it is no pattern; 501 where nobody can read it."""
        house = self.other_house(Settings(dictionaries={"jargon": DictionarySettings(strategy="re")}))
        client = house.welcome()
        self.assertEqual(client.ask("MATCH * . pengo("), '152 1 matches found\nwn "pengo"\n.\n250 ok\n')
        self.assertEqual(
            client.codes("MATCH jargon . pengo(", "MATCH * re pengo(", "MATCH wn . pengo("), [501, 501, 250]
        )
        self.assertEqual(client.codes("MATCH jargon . pengu.n", "MATCH ! . xyzzy("), [250, 552])

    def test_own_strategy_that_counts(self) -> None:
        """``.`` may be nprefix, with what it reads out of the word."""
        house = self.other_house(Settings(dictionaries={"wn": DictionarySettings(strategy="nprefix")}))
        client = house.welcome()
        self.assertEqual(client.ask("MATCH wn . 1#1#peng"), '152 1 matches found\nwn "penguin"\n.\n250 ok\n')

    def test_group_information(self) -> None:
        """SHOW INFO of a group tells of it and of each member that is seen."""
        answer = self.client.ask("SHOW INFO English")
        self.assertTrue(answer.startswith("112 information for english\nAll English\n"))
        self.assertIn("About wn.", answer)
        self.assertNotIn("Teachers", answer)

    def test_own_strategy(self) -> None:
        """``.`` is what each dictionary's settings say, and lev elsewhere."""
        self.assertEqual(self.client.ask("MATCH jargon . peng"), '152 1 matches found\njargon "penguin"\n.\n250 ok\n')
        self.assertEqual(self.client.ask("MATCH wn . peng"), '152 1 matches found\nwn "pengo"\n.\n250 ok\n')
        self.assertEqual(
            self.client.ask("MATCH * . peng"), '152 2 matches found\njargon "penguin"\nwn "pengo"\n.\n250 ok\n'
        )

    def test_history_tells_what_was_shown(self) -> None:
        """A look-up through a group is kept under the name that was shown; a miss under the name asked."""
        pupil = self.house.member("pupil")
        pupil.ask("DEFINE english basis")
        pupil.ask("DEFINE ENGLISH xyzzy")
        history = pupil.ask("HISTORY")
        self.assertIn('english "basis" 1', history)
        self.assertIn('english "xyzzy" 0', history)

    def test_names_of_nothing(self) -> None:
        """What the settings name and nobody imported can be told."""
        self.assertEqual(self.house.lexicon.missing(), ["nowhere"])

    def test_named_as_a_dictionary(self) -> None:
        """A dictionary that comes later under the name of a group is the one that is meant."""
        directory = Path(self.mktemp()).absolute()
        publish(directory, {**BOOKS, "english": ("English Itself", [("here", "here")])})
        house = House(directory, evolve(ARRANGED, dictionaries={}))
        self.addCleanup(house.lexicon.close)
        self.assertIn("English Itself", house.welcome().ask("DEFINE english here"))
        self.assertNotIn("All English", house.welcome().ask("SHOW DB"))
