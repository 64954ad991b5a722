"""Settings of single dictionaries and groups: sections that have names."""

from __future__ import annotations

from attrs import evolve
from attrs.exceptions import FrozenInstanceError
from click.testing import CliRunner

from dictd import ctl, tap
from dictd.config import DictionarySettings, GroupSettings, Settings, load
from dictd.errors import SettingsRefused
from dictd.lexicon import strategies
from dictd.model import NAME_RULE
from dictd.processes import preflight
from tests.test_config import SettingsCase

STRATEGIES = ("exact", "prefix")


class Values(SettingsCase):
    """What a good file gives."""

    def test_dictionary(self) -> None:
        """Every key of a dictionary is taken, and what is not said is the default."""
        settings = self.loaded(
            '[dictionary.wn]\nstrategy = "exact"\nhidden = true\nusers = ["Alice", "bob"]\norder = -2\n'
            "[dictionary.foo]\n"
        )
        self.assertEqual(
            dict(settings.dictionaries),
            {
                "wn": DictionarySettings("exact", True, ("Alice", "bob"), -2),
                "foo": DictionarySettings("", False, (), 0),
            },
        )
        self.assertEqual(evolve(settings, dictionaries={}), Settings())

    def test_group(self) -> None:
        """A group has its members in the order written, and no title unless one is given."""
        settings = self.loaded('[group.en]\nmembers = ["wn", "gcide"]\n[group.de]\nmembers = ["x"]\ntitle = "Käse"\n')
        self.assertEqual(
            dict(settings.groups), {"en": GroupSettings(("wn", "gcide"), ""), "de": GroupSettings(("x",), "Käse")}
        )

    def test_without_case(self) -> None:
        """Names of dictionaries, groups and strategies count without case; those of accounts are kept."""
        settings = self.loaded(
            '[dictionary.WN]\nstrategy = "Exact"\nusers = ["Bob"]\n[group.EN]\nmembers = ["Wn"]\n',
            strategies=STRATEGIES,
        )
        self.assertEqual(dict(settings.dictionaries), {"wn": DictionarySettings("exact", users=("Bob",))})
        self.assertEqual(dict(settings.groups), {"en": GroupSettings(("wn",))})

    def test_names_in_quotes(self) -> None:
        """A name with a dot stands in quotes; a group has such members too."""
        settings = self.loaded('[dictionary."a.b-c_1"]\norder = 1\n[group.x]\nmembers = ["a.b-c_1"]\n')
        self.assertEqual(settings.dictionaries["a.b-c_1"].order, 1)
        self.assertEqual(settings.groups["x"].members, ("a.b-c_1",))

    def test_members_without_a_section(self) -> None:
        """A member needs no section of its own: which dictionaries there are, the store knows."""
        self.assertEqual(self.loaded('[group.x]\nmembers = ["wn"]\n').dictionaries, {})

    def test_frozen(self) -> None:
        """Nobody changes them in passing, and settings have a hash, equal where they are equal."""
        text = '[dictionary.wn]\n[group.x]\nmembers = ["wn"]\n'
        settings, same = self.loaded(text), self.loaded(text)
        self.assertRaises(FrozenInstanceError, setattr, settings, "groups", {})
        self.assertRaises(FrozenInstanceError, setattr, settings.groups["x"], "title", "x")
        for mapping in (settings.dictionaries, settings.groups, Settings().dictionaries):
            self.assertFalse(hasattr(mapping, "__setitem__"))
        self.assertEqual((settings, hash(settings)), (same, hash(same)))
        self.assertNotEqual(settings, Settings())

    def test_environment(self) -> None:
        """The environment does not reach into them; such a variable is nobody's business, as any unknown one."""
        environment = {"DICTD_DICTIONARY_WN_ORDER": "x", "DICTD_GROUP_X": "", "DICTD_DICTIONARIES": "1"}
        self.assertEqual(load(None, environment), Settings())


class Faults(SettingsCase):
    """What is refused, with its line."""

    def test_unknown_key(self) -> None:
        """A key that does not exist is told with its line, however it is written."""
        for text, line in (
            ("[dictionary.wn]\norder = 1\nhiden = true\n", 3),
            ("[dictionary.wm]\norder = 1\n[dictionary.'wn']\nhiden = true\n", 4),
            ('[dictionary."wn"]\n\n"hiden" = true\n', 3),
            ("[dictionary]\nwm.order = 1\nwn.hiden = true\n", 3),
            ("\ndictionary.wn.hiden = true\n", 2),
            ("\n\n[dictionary]\nwn = { hiden = true }\n", 4),
            ("\n[dictionary . wn]\n  hiden=true\n", 3),
            ("[dictionary.Wn]\nhiden = true\n", 2),
            ("[site]\nhiden = 1\n[dictionary.wn]\nhiden = 1\n", 4),
        ):
            self.assertIn(f"FILE:{line}: unknown key dictionary.wn.hiden", self.faults(text), text)

    def test_dot_without_quotes(self) -> None:
        """Who forgets the quotes of a name with a dot is told of them."""
        self.assertEqual(
            self.faults("[dictionary.wn]\n\n[dictionary.eng.deu]\norder = 1\n"),
            ['FILE:3: unknown key dictionary.eng.deu; a name with a dot stands in quotes: [dictionary."eng.deu"]'],
        )

    def test_types_and_values(self) -> None:
        """A value of another type, or one that cannot be, is refused in words."""
        for line, complaint in (
            ('[dictionary.x]\nhidden = "yes"', "dictionary.x.hidden must be true or false, not 'yes'"),
            ("[dictionary.x]\norder = 1.5", "dictionary.x.order must be a whole number, not 1.5"),
            ("[dictionary.x]\nstrategy = 1", "dictionary.x.strategy must be a string, not 1"),
            ('[dictionary.x]\nusers = "bob"', "dictionary.x.users must be a list of strings"),
            ('[dictionary.x]\nusers = ["bob", ""]', "dictionary.x.users '' cannot be the name of an account"),
            ('[dictionary.x]\nusers = ["a\\nb"]', "dictionary.x.users 'a\\nb' cannot be the name of an account"),
            ('[group.x]\nmembers = "wn"', "group.x.members must be a list of strings"),
            ("[group.x]\nmembers = []", "group.x.members needs at least one dictionary"),
            ('[group.x]\nmembers = ["wn", "b", "WN"]', "group.x.members names wn twice"),
            ('[group.x]\nmembers = ["*"]', f"group.x.members '*' cannot be the name of a dictionary: {NAME_RULE}"),
            ('[group.x]\nmembers = ["x"]', "group.x.members x is a group; a group has dictionaries alone"),
        ):
            self.assertEqual(self.faults(line), [f"FILE:2: {complaint}"])

    def test_titles(self) -> None:
        """A title is one line, and fits into one."""
        members = '[group.x]\nmembers = ["a"]\ntitle = '
        self.assertEqual(
            self.faults(f'{members}"a\\nb"\n'), ["FILE:3: group.x.title must be one line of printable characters"]
        )
        self.assertEqual(
            self.faults(f'{members}"{"x" * 201}"\n'), ["FILE:3: group.x.title must be no longer than 200 characters"]
        )
        self.assertEqual(len(self.loaded(f'{members}"{"x" * 200}"\n').groups["x"].title), 200)

    def test_names(self) -> None:
        """Names are those that dictionaries can have."""
        for section in ("dictionary", "group"):
            for name in ("a b", "", "*", "!", "ä", "123", "-a", "x" * 65, "a\\nb"):
                (fault,) = self.faults(f'\n[{section}."{name}"]\nmembers = ["x"]\nnonsense = 1\n')
                wanted = f'FILE:2: [{section}."{name}"] cannot be the name of a {section}: {NAME_RULE}'
                self.assertEqual(fault.replace("\\u00e4", "ä"), wanted)
        self.assertEqual(list(self.loaded("[dictionary.1234]\n").dictionaries), ["1234"])

    def test_no_names(self) -> None:
        """Keys where a name should be, and a value for all of them, are told."""
        self.assertEqual(
            self.faults("[dictionary]\nhidden = true\n"),
            ["FILE:2: dictionary.hidden must be a section: [dictionary.hidden]"],
        )
        self.assertEqual(self.faults("group = 1\n"), ["FILE:1: group must be a section: [group.NAME]"])
        self.assertEqual(self.faults("[[group]]\nx = 1\n"), ["FILE:1: group must be a section: [group.NAME]"])
        self.assertEqual(self.loaded("[dictionary]\n[group]\n"), Settings())

    def test_same_name(self) -> None:
        """One name is one dictionary or one group, whatever its case."""
        self.assertEqual(
            self.faults("[dictionary.wn]\n[dictionary.WN]\nnonsense = 1\n"),
            ["FILE:2: [dictionary.WN] stands in FILE:1 already: case does not count"],
        )
        for text in (
            '[dictionary.wn]\n[group.Wn]\nmembers = ["x"]\n',
            "[dictionary.Wn]\n[group.wn]\nmembers = []\n",
        ):
            self.assertIn("FILE:2: group.wn has a dictionary's name (FILE:1)", self.faults(text))

    def test_group_in_a_group(self) -> None:
        """A member that is a group is told, also where that group has its own faults or comes later."""
        text = '[group.a]\nmembers = ["x", "B", "y"]\n[group.b]\nmembers = []\n'
        self.assertEqual(
            self.faults(text),
            [
                "FILE:4: group.b.members needs at least one dictionary",
                "FILE:2: group.a.members b is a group; a group has dictionaries alone",
            ],
        )

    def test_no_members(self) -> None:
        """A group without members is told with the line of its section."""
        for text in ("\n[group.x]\n", '\n[group.x]\ntitle = "X"\n', '[group]\nx.title = "X"\n'):
            self.assertEqual(self.faults(text), ["FILE:2: group.x.members must be written out"])

    def test_all_at_once(self) -> None:
        """All faults of all sections are told together, each with its line."""
        text = '[dictionary.a]\nstrategy = "levv"\nx = 1\n[group.a]\ntitle = 1\n[listen]\nport = "x"\n[nonsense]\n'
        trouble = self.assertRaises(SettingsRefused, self.loaded, text, strategies=STRATEGIES)
        self.assertEqual(
            trouble.text.replace(str(self.path), "FILE").splitlines(),
            [
                "FILE:3: unknown key dictionary.a.x",
                "FILE:5: group.a.title must be a string, not 1",
                "FILE:7: listen.port must be a whole number, not 'x'",
                "FILE:8: unknown section [nonsense]",
                "FILE:4: group.a.members must be written out",
                "FILE:2: dictionary.a.strategy must be one of exact, prefix",
                "FILE:4: group.a has a dictionary's name (FILE:1)",
            ],
        )


class Strategies(SettingsCase):
    """Which strategies there are, the caller says."""

    def test_checked(self) -> None:
        """A strategy that is not among those given is told with its line; without any, nothing is asked."""
        text = '[dictionary.x]\norder = 1\nstrategy = "soundx"\n'
        trouble = self.assertRaises(SettingsRefused, self.loaded, text, strategies=STRATEGIES)
        self.assertTrue(trouble.text.endswith(":3: dictionary.x.strategy must be one of exact, prefix"), trouble.text)
        self.assertEqual(self.loaded(text).dictionaries["x"].strategy, "soundx")
        self.assertRaises(SettingsRefused, self.loaded, text, strategies=())

    def test_callers(self) -> None:
        """The server and dictctl know those of the lexicon, and ask for one of them."""
        text = '[dictionary.x]\nstrategy = "prefix"\n[dictionary.y]\nstrategy = "soundx"\n'
        self.path.write_text(text, "utf-8")
        options = tap.Options()
        options["config"] = str(self.path)
        trouble = self.assertRaises(
            SettingsRefused, preflight.checked, preflight.Origin(options["config"], options.overrides())
        )
        result = CliRunner().invoke(ctl.main, ["-c", str(self.path), "--state-dir", self.mktemp(), "list"])
        names = ", ".join(strategy.name for strategy in strategies.STRATEGIES)
        complaint = f"{self.path}:4: dictionary.y.strategy must be one of {names}"
        self.assertEqual((trouble.text, result.stderr), (complaint, f"dictctl: {complaint}\n"))
        self.assertEqual(result.exit_code, 1)

    def test_default(self) -> None:
        """Empty is always allowed."""
        self.assertEqual(
            self.loaded('[dictionary.x]\nstrategy = ""\n', strategies=STRATEGIES).dictionaries["x"].order, 0
        )
