"""Settings: what is refused, in which words, and who has the last one."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, fields
from attrs.exceptions import FrozenInstanceError
from twisted.trial.unittest import SynchronousTestCase

import dictd
from dictd import sections
from dictd.config import DictionarySettings, GroupSettings, Settings, document, load, state_directory
from dictd.errors import SettingsRefused

SHIPPED = Path(dictd.__file__).parent.parent / "etc" / "dictd.toml"


class SettingsCase(SynchronousTestCase):
    """Writes settings files."""

    def setUp(self) -> None:
        """A place for a settings file."""
        self.path = Path(self.mktemp()).absolute()

    def loaded(
        self,
        text: str,
        environment: Mapping[str, str] | None = None,
        overrides: Mapping[str, Any] | None = None,
        strategies: Collection[str] | None = None,
    ) -> Settings:
        """The settings of a file with this text."""
        self.path.write_text(text, "utf-8")
        return load(self.path, environment, overrides, strategies)

    def faults(
        self, text: str, environment: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None
    ) -> list[str]:
        """What is said of a file that is refused; the file is called FILE."""
        trouble = self.assertRaises(SettingsRefused, self.loaded, text, environment, overrides)
        return trouble.text.replace(str(self.path), "FILE").splitlines()


class Refusals(SettingsCase):
    """Every fault, with its place, all at once."""

    def test_unknown_key(self) -> None:
        """A key that does not exist is told with its line."""
        self.assertEqual(self.faults("[listen]\nport = 1\n\nprot = 2\n"), ["FILE:4: unknown key listen.prot"])

    def test_unknown_section(self) -> None:
        """A section that does not exist is told with its line."""
        self.assertEqual(self.faults("# x\n\n[lsiten]\nport = 1\n"), ["FILE:3: unknown section [lsiten]"])

    def test_key_without_section(self) -> None:
        """A key before any section is told too, not lost."""
        self.assertEqual(self.faults("\nport = 2628\n"), ["FILE:2: unknown section [port]"])

    def test_value_for_section(self) -> None:
        """A section's name used as a key is told."""
        self.assertEqual(self.faults("listen = 2628\n"), ["FILE:1: listen must be a section: [listen]"])

    def test_same_key_elsewhere(self) -> None:
        """The line is that of the key in its own section, not of its namesake, nor of a comment."""
        text = '[site]\nname = "x"\n[limits]\n#name = 1\n[listen]\nname = 2\n'
        self.assertEqual(self.faults(text), ["FILE:6: unknown key listen.name"])

    def test_other_spellings(self) -> None:
        """Dotted keys, inline tables and quoted keys are told with their line as well."""
        self.assertEqual(self.faults("\nlisten.prot = 1\n"), ["FILE:2: unknown key listen.prot"])
        self.assertEqual(self.faults("\nlisten = { prot = 1 }\n"), ["FILE:2: unknown key listen.prot"])
        self.assertEqual(self.faults('[listen]\n"prot" = 1\n'), ["FILE:2: unknown key listen.prot"])
        self.assertEqual(self.faults("[ listen ]\n  prot=1\n"), ["FILE:2: unknown key listen.prot"])
        self.assertEqual(self.faults("[listen]\nport = 1\n[listen.more]\nx = 1\n"), ["FILE:3: unknown key listen.more"])

    def test_all_at_once(self) -> None:
        """All faults of file, environment and command line are told together."""
        text = '[site]\nnaem = "x"\n\n[nonsense]\n\n[listen]\nport = "2628"\nbacklog = 0\n'
        environment = {"DICTD_LIMITS_MATCHES": "many"}
        self.assertEqual(
            self.faults(text, environment, {"listen": {"workers": 700}}),
            [
                "FILE:2: unknown key site.naem",
                "FILE:4: unknown section [nonsense]",
                "FILE:7: listen.port must be a whole number, not '2628'",
                "FILE:8: listen.backlog must lie between 1 and 65535",
                "DICTD_LIMITS_MATCHES: limits.matches must be a whole number, not 'many'",
                'command line: listen.workers must be "auto" or a number from 0 to 256',
            ],
        )

    def test_syntax(self) -> None:
        """What is not TOML is told with file and line, alone."""
        (fault,) = self.faults("[listen]\nport 1\n")
        self.assertTrue(fault.startswith("FILE: ") and "line 2" in fault, fault)

    def test_not_utf8(self) -> None:
        """A file that is not UTF-8 is refused in one line."""
        self.path.write_bytes(b'[site]\ncontact = "M\xfcller"\n')
        trouble = self.assertRaises(SettingsRefused, load, self.path)
        self.assertTrue(trouble.text.startswith(f"{self.path}: "))
        self.assertNotIn("\n", trouble.text)

    def test_missing_file(self) -> None:
        """A file that is not there is refused in one line."""
        trouble = self.assertRaises(SettingsRefused, load, self.path)
        self.assertEqual(trouble.text, f"{self.path}: No such file or directory")

    def test_types(self) -> None:
        """A value of another type is refused, in words."""
        for line, complaint in (
            ('[listen]\nport = "2628"', "listen.port must be a whole number, not '2628'"),
            ("[listen]\nport = 2628.0", "listen.port must be a whole number, not 2628.0"),
            ("[listen]\nport = true", "listen.port must be a whole number, not True"),
            ("[listen]\nport = [2628]", "listen.port must be a whole number, not [2628]"),
            ('[listen]\naddresses = "127.0.0.1"', "listen.addresses must be a list of strings"),
            ("[listen]\naddresses = [1]", "listen.addresses must be a list of strings"),
            ("[site]\nname = 1", "site.name must be a string, not 1"),
            ("[accounts]\nanonymous = 1", "accounts.anonymous must be true or false, not 1"),
            ('[accounts]\nanonymous = "yes"', "accounts.anonymous must be true or false, not 'yes'"),
            ('[history]\nconfirm_seconds = "2"', "history.confirm_seconds must be a number, not '2'"),
            ("[history]\nconfirm_seconds = true", "history.confirm_seconds must be a number, not True"),
        ):
            self.assertEqual(self.faults(line), [f"FILE:2: {complaint}"])

    def test_values(self) -> None:
        """A value of the right type that cannot be is refused, in words."""
        for line, complaint in (
            ("[listen]\nport = 65536", "listen.port must lie between 0 and 65535"),
            ("[listen]\nport = -1", "listen.port must lie between 0 and 65535"),
            ("[listen]\naddresses = []", "listen.addresses needs at least one address"),
            ('[listen]\naddresses = ["localhost"]', "listen.addresses 'localhost' is not an IP address"),
            ('[site]\nname = "a b"', "site.name must be up to 64 letters, digits, dots, dashes or underscores"),
            ('[site]\nname = "Käse"', "site.name must be up to 64 letters, digits, dots, dashes or underscores"),
            ('[site]\ncontact = "a\\nb"', "site.contact must be one line of printable characters"),
            ('[accounts]\nregistration = "perhaps"', "accounts.registration must be one of open, invite, closed"),
            ("[accounts]\nhash_memory_kib = 1", "accounts.hash_memory_kib must lie between 8192 and 262144"),
            ("[history]\nconfirm_seconds = nan", "history.confirm_seconds must lie between 0.1 and 60"),
            ("[history]\nconfirm_seconds = inf", "history.confirm_seconds must lie between 0.1 and 60"),
            ("[limits]\nmatch_seconds = 0.04", "limits.match_seconds must lie between 0.05 and 60"),
            ("[limits]\nmatch_seconds = 61", "limits.match_seconds must lie between 0.05 and 60"),
            ("[store]\nconnections = 0", "store.connections must lie between 1 and 64"),
            ("[store]\nanswer_seconds = 0.05", "store.answer_seconds must lie between 0.1 and 60"),
            ("[store]\nconnect_seconds = 61", "store.connect_seconds must lie between 0.1 and 60"),
            ('[store]\nca = "a\\nb"', "store.ca must be a path"),
        ):
            self.assertEqual(self.faults(line), [f"FILE:2: {complaint}"])

    def test_store(self) -> None:
        """The address of a store is refused in words, wherever it was given."""
        form = "mysql://user@host1:3306,host2/database"
        for url, complaint in (
            ("postgres://x", f'must be "sqlite" or {form}'),
            ("mysql://a@b:0/c", f"has a host that is none: 'b:0'; say {form}"),
            ("mysql://a:secret@b/c", "must not hold a password: it goes in the file that store.password_file names"),
        ):
            self.assertEqual(self.faults(f'[store]\nurl = "{url}"\n'), [f"FILE:2: store.url {complaint}"])
            self.assertEqual(self.faults("", {"DICTD_STORE_URL": url}), [f"DICTD_STORE_URL: store.url {complaint}"])
            self.assertEqual(self.faults("", None, {"store": {"url": url}}), [f"command line: store.url {complaint}"])

    def test_password_in_the_file(self) -> None:
        """A password does not stand in this file: it is told with its line, and not repeated."""
        for value in ('"sesame"', "5737", '["sesame"]'):
            (fault,) = self.faults(f'[store]\nurl = "mysql://a@b/c"\npassword = {value}\n')
            self.assertTrue(fault.startswith("FILE:3: store.password "), fault)
            self.assertNotIn(value.strip('[]"'), fault)

    def test_at_the_limits(self) -> None:
        """The least and the most that are said to be allowed are."""
        self.assertEqual(self.loaded("[listen]\nport = 0\n").listen.port, 0)
        self.assertEqual(self.loaded("[listen]\nport = 65535\n").listen.port, 65535)
        self.assertEqual(self.loaded("[history]\nconfirm_seconds = 60\n").history.confirm_seconds, 60.0)
        self.assertEqual(self.loaded("[limits]\nmatch_seconds = 0.05\n").limits.match_seconds, 0.05)


class Authority(SettingsCase):
    """Defaults < file < environment < command line."""

    def test_defaults(self) -> None:
        """Nothing given is the defaults: this machine only, on the DICT port, in SQLite."""
        settings = load()
        self.assertEqual(settings, Settings())
        self.assertEqual((settings.listen.addresses, settings.listen.port), (("127.0.0.1", "::1"), 2628))
        self.assertEqual((settings.store.url, settings.listen.public), ("sqlite", False))

    def test_empty_file(self) -> None:
        """An empty file and empty sections change nothing."""
        self.assertEqual(self.loaded(""), Settings())
        self.assertEqual(self.loaded("[listen]\n[site]\n"), Settings())

    def test_file(self) -> None:
        """What the file says counts, and only that."""
        settings = self.loaded('[listen]\nport = 1111\naddresses = ["127.0.0.2"]\n[site]\nname = "x"\n')
        expected = asdict(Settings())
        expected["listen"] |= {"port": 1111, "addresses": ("127.0.0.2",)}
        expected["site"]["name"] = "x"
        self.assertEqual(asdict(settings), expected)

    def test_environment_over_file(self) -> None:
        """The environment has authority over the file."""
        settings = self.loaded("[listen]\nport = 1111\nbacklog = 5\n", {"DICTD_LISTEN_PORT": "2222"})
        self.assertEqual((settings.listen.port, settings.listen.backlog), (2222, 5))

    def test_overrides_over_environment(self) -> None:
        """The command line has authority over both."""
        environment = {"DICTD_LISTEN_PORT": "2222", "DICTD_LISTEN_BACKLOG": "6"}
        settings = self.loaded("[listen]\nport = 1111\n", environment, {"listen": {"port": 3333}})
        self.assertEqual((settings.listen.port, settings.listen.backlog), (3333, 6))

    def test_all_types_from_environment(self) -> None:
        """Every type can be written in the environment, also where the key's name has underscores."""
        settings = load(
            None,
            {
                "DICTD_LISTEN_ADDRESSES": "127.0.0.1, ::1 127.0.0.3",
                "DICTD_ACCOUNTS_ANONYMOUS": "No",
                "DICTD_ACCOUNTS_PLAINTEXT": "TRUE",
                "DICTD_HISTORY_CONFIRM_SECONDS": "0.5",
                "DICTD_LIMITS_CONNECTIONS_PER_NETWORK": "9",
                "DICTD_SITE_CONTACT": "me, 1",
            },
        )
        self.assertEqual(settings.listen.addresses, ("127.0.0.1", "::1", "127.0.0.3"))
        self.assertEqual((settings.accounts.anonymous, settings.accounts.plaintext), (False, True))
        self.assertEqual((settings.history.confirm_seconds, settings.limits.connections_per_network), (0.5, 9))
        self.assertEqual(settings.site.contact, "me, 1")

    def test_faults_of_the_environment(self) -> None:
        """What the environment has wrong is told with the variable's name."""
        for variable, raw, complaint in (
            ("DICTD_LISTEN_PORT", "x", "listen.port must be a whole number, not 'x'"),
            ("DICTD_LISTEN_PORT", "0.5", "listen.port must be a whole number, not '0.5'"),
            ("DICTD_LISTEN_PROT", "1", "unknown key listen.prot"),
            ("DICTD_LISTEN_ADDRESSES", "", "listen.addresses needs at least one address"),
            ("DICTD_ACCOUNTS_ANONYMOUS", "maybe", "accounts.anonymous must be true or false, not 'maybe'"),
            ("DICTD_HISTORY_CONFIRM_SECONDS", "soon", "history.confirm_seconds must be a number, not 'soon'"),
        ):
            self.assertEqual(self.faults("", {variable: raw}), [f"{variable}: {complaint}"])

    def test_other_variables(self) -> None:
        """Variables of other programs are nobody's business."""
        self.assertEqual(
            load(None, {"LISTEN_PORT": "x", "HOME": "/", "LIMITS_X": "", "DICT_LISTEN_PORT": "1"}), Settings()
        )

    def test_password(self) -> None:
        """The environment takes it; it is shown by nothing that shows settings, and stands in no shipped file."""
        settings = load(None, {"DICTD_STORE_PASSWORD": "open sesame"})
        self.assertEqual(settings.store.password, "open sesame")
        for shown in (repr(settings), str(settings), repr(settings.store), document()):
            self.assertNotIn("open sesame", shown)
        self.assertNotIn("password = ", document())
        self.assertIn("DICTD_STORE_PASSWORD", document())

    def test_fault_of_the_command_line(self) -> None:
        """An override that does not exist is a fault as well."""
        self.assertEqual(self.faults("", None, {"listen": {"prot": 1}}), ["command line: unknown key listen.prot"])

    def test_a_good_one_above_does_not_hide_a_bad_one(self) -> None:
        """A fault in the file is told also where the environment overrides it."""
        self.assertEqual(len(self.faults('[listen]\nport = "x"\n', {"DICTD_LISTEN_PORT": "2222"})), 1)

    def test_frozen(self) -> None:
        """Settings are values: nobody changes them in passing."""
        self.assertRaises(FrozenInstanceError, setattr, load().listen, "port", 1)


class Registration(SettingsCase):
    """Open registration on a public address is nobody's accident."""

    PUBLIC = ('["0.0.0.0"]', '["::"]', '["10.0.0.1"]', '["127.0.0.1", "192.0.2.1"]', '["::1", "2001:db8::1"]')

    def test_must_be_written(self) -> None:
        """Where other machines can connect, nothing is refused but leaving registration unsaid."""
        for addresses in self.PUBLIC:
            (fault,) = self.faults(f"[listen]\naddresses = {addresses}\n")
            self.assertIn("accounts.registration must be written out (open, invite or closed)", fault)
            self.assertTrue(fault.startswith("FILE: "), fault)

    def test_written(self) -> None:
        """Open, by invitation or closed, in the file, the environment or the command line: written is written."""
        public = '[listen]\naddresses = ["0.0.0.0", "::"]\n'
        for choice in ("open", "invite", "closed"):
            for settings in (
                self.loaded(f'{public}[accounts]\nregistration = "{choice}"\n'),
                self.loaded(public, {"DICTD_ACCOUNTS_REGISTRATION": choice}),
                self.loaded(public, None, {"accounts": {"registration": choice}}),
            ):
                self.assertEqual((settings.accounts.registration, settings.listen.public), (choice, True))

    def test_written_wrong(self) -> None:
        """A choice that does not exist is one fault, not also an unwritten one."""
        text = '[listen]\naddresses = ["0.0.0.0"]\n[accounts]\nregistration = "perhaps"\n'
        self.assertEqual(self.faults(text), ["FILE:4: accounts.registration must be one of open, invite, closed"])

    def test_addresses_from_the_environment(self) -> None:
        """It counts where the server will listen, whoever said so."""
        environment = {"DICTD_LISTEN_ADDRESSES": "127.0.0.1 192.0.2.1"}
        self.assertEqual(len(self.faults("", environment)), 1)
        trouble = self.assertRaises(SettingsRefused, load, None, environment)
        self.assertIn("accounts.registration", trouble.text)
        text = '[listen]\naddresses = ["0.0.0.0"]\n'
        self.assertFalse(self.loaded(text, {"DICTD_LISTEN_ADDRESSES": "127.0.0.1"}).listen.public)

    def test_loopback(self) -> None:
        """On this machine alone it need not be written."""
        for addresses in ('["127.0.0.1"]', '["::1"]', '["127.0.0.1", "::1", "127.1.2.3"]'):
            self.assertFalse(self.loaded(f"[listen]\naddresses = {addresses}\n").listen.public)


class Shipped(SettingsCase):
    """etc/dictd.toml."""

    def test_is_the_document(self) -> None:
        """The file that is shipped is what the code says of itself."""
        self.assertEqual(SHIPPED.read_text("utf-8"), document())

    def test_as_it_is(self) -> None:
        """As shipped it changes nothing."""
        self.assertEqual(load(SHIPPED), Settings())

    def test_uncommented(self) -> None:
        """With every key uncommented it still loads, to the defaults and the examples, and no key is missing."""
        text, count = re.subn(r"(?m)^#(?=[a-z0-9_]+ = |\[)", "", document())
        kinds = [*sections.SECTIONS.values(), *(named.kind for named in sections.NAMED.values())]
        keys = [key for kind in kinds for key in fields(kind) if not key.metadata["secret"]]
        self.assertEqual(count, len(keys) + len(sections.NAMED))
        expected = evolve(
            Settings(),
            dictionaries={"wn": DictionarySettings()},
            groups={"english": GroupSettings(("wn", "gcide"), "English")},
        )
        self.assertEqual(self.loaded(text), expected)

    def test_every_key_is_explained(self) -> None:
        """Above every key stands what it means, and no line is wider than 120 characters."""
        lines = document().splitlines()
        for number, line in enumerate(lines):
            self.assertLessEqual(len(line), 120)
            if re.match("#[a-z0-9_]+ = ", line):
                self.assertRegex(lines[number - 1], "^# .*[.]$")


class Site(SettingsCase):
    """The name in the banner."""

    def test_host(self) -> None:
        """The given name, else the machine's as far as it can stand in a banner, else localhost."""
        self.assertEqual(self.loaded('[site]\nname = "dict.example"\n').site.host, "dict.example")
        for machine, shown in (
            ("my machine", "my-machine"),
            ("kä<se>", "k--se-"),
            ("x" * 99, "x" * 64),
            ("", "localhost"),
        ):
            self.patch(sections.socket, "gethostname", lambda machine=machine: machine)
            self.assertEqual(load().site.host, shown)


class StateDirectory(SettingsCase):
    """One answer for server and dictctl."""

    def setUp(self) -> None:
        """An empty working directory, and nobody special in it."""
        super().setUp()
        self.here = Path(self.mktemp()).absolute()
        self.here.mkdir()
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(self.here)
        self.become(1000)

    def become(self, user: int) -> None:
        """Another user id."""
        self.patch(os, "geteuid", lambda: user)

    def test_setting(self) -> None:
        """The setting counts before all, absolute and with ~ resolved."""
        (self.here / "var" / "lexicon").mkdir(parents=True)
        self.become(0)
        self.patch(os, "environ", {**os.environ, "HOME": "/home/bob"})
        for given, expected in (("/srv/dictd", "/srv/dictd"), ("state", self.here / "state"), ("~/d", "/home/bob/d")):
            settings = load(None, None, {"state": {"directory": given}})
            self.assertEqual(state_directory(settings, {"XDG_STATE_HOME": "/xdg"}), Path(expected))

    def test_setting_from_environment(self) -> None:
        """DICTD_STATE_DIRECTORY is that setting."""
        self.assertEqual(state_directory(load(None, {"DICTD_STATE_DIRECTORY": "/srv/x"})), Path("/srv/x"))

    def test_var(self) -> None:
        """./var counts when it already is a state directory, for root too."""
        (self.here / "var" / "lexicon").mkdir(parents=True)
        for user in (0, 1000):
            self.become(user)
            self.assertEqual(state_directory(Settings(), {}), self.here / "var")

    def test_other_var(self) -> None:
        """A ./var that is something else does not count: root's working directory may well be /."""
        (self.here / "var" / "lib").mkdir(parents=True)
        self.become(0)
        self.assertEqual(state_directory(Settings(), {}), Path("/var/lib/dictd"))

    def test_root(self) -> None:
        """Root keeps it in /var/lib/dictd, whatever XDG says."""
        self.become(0)
        self.assertEqual(state_directory(Settings(), {"XDG_STATE_HOME": "/xdg"}), Path("/var/lib/dictd"))

    def test_xdg(self) -> None:
        """Everybody else keeps it where XDG says, or in ~/.local/state."""
        self.patch(os, "environ", {**os.environ, "HOME": "/home/bob"})
        self.assertEqual(state_directory(Settings(), {"XDG_STATE_HOME": "/xdg"}), Path("/xdg/dictd"))
        for environment in ({}, {"XDG_STATE_HOME": ""}):
            self.assertEqual(state_directory(Settings(), environment), Path("/home/bob/.local/state/dictd"))

    def test_process_environment(self) -> None:
        """Without another environment the process's own counts."""
        self.patch(os, "environ", {**os.environ, "XDG_STATE_HOME": "/own"})
        self.assertEqual(state_directory(Settings()), Path("/own/dictd"))
