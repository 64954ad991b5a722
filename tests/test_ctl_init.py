"""``dictctl init``: a server is set up, as a stranger does it."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import argon2
from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from dictd import config, ctl
from dictd.accounts.passwords import normal
from dictd.config import Settings
from dictd.ctl import firstbooks, firststore, questions, settingsfile
from dictd.ctl import init as module
from dictd.lexicon.reader import Lexicon
from dictd.sections import Store
from dictd.store import databases
from tests.store import databases as stores
from tests.support import mariadb
from tests.support.programs import environment
from tests.support.terminal import Terminal

#: What only clutters: without WordNet, which takes its time, the starter wordbook is what Enter takes.
_WITHOUT_WORDNET = "import sys; sys.modules['wn'] = None; from dictd.ctl import main; main(prog_name='dictctl')"


class Init(SynchronousTestCase):
    """A directory with nothing in it."""

    def setUp(self) -> None:
        """No WordNet: it takes its time."""
        self.here = Path(self.mktemp()).absolute()
        self.here.mkdir()
        self.path = self.here / "dictd.toml"
        for place in (firstbooks, module, questions):
            self.patch(place, "find_wordnet", lambda: None)

    def ctl(self, *args: str, typed: str = "") -> Result:
        """Run dictctl."""
        env = {name: None for name in os.environ if name.startswith("DICTD_")}
        command = ["--config", str(self.path), *args]
        return CliRunner().invoke(ctl.main, command, env=env, input=typed, prog_name="dictctl")

    def done(self, *args: str, typed: str = "") -> dict[str, Any]:
        """Set up without questions; what is told as JSON."""
        result = self.ctl("--json", "init", *args, typed=typed)
        self.assertEqual((result.exit_code, result.exception), (0, None), result.output)
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    def refused(self, *args: str) -> str:
        """Why it is not done: one line, the last."""
        result = self.ctl("init", "--yes", *args)
        self.assertEqual(result.exit_code, 1, result.output)
        self.assertIsInstance(result.exception, SystemExit, repr(result.exception))
        return result.stderr.splitlines()[-1]

    def settings(self) -> Settings:
        """As a server would read them."""
        return config.load(self.path)

    def role_and_hash(self, name: str) -> tuple[str, str]:
        """Of an account."""
        settings = self.settings()
        store = databases.database(settings.store, config.state_directory(settings) / "store")
        with closing(store.connect("accounts")) as connection:
            cursor = connection.cursor()
            cursor.execute(f"SELECT role, passwd FROM user WHERE name = '{name}'")  # noqa: S608 - a test's own
            role, passwd = cursor.fetchone()
            return role, passwd


class Made(Init):
    """What there is then."""

    def test_usual(self) -> None:
        """Without options: SQLite beside the settings, codes to register, the starter wordbook; nobody's secret."""
        self.addCleanup(os.umask, os.umask(0o077))
        told = self.done()
        self.assertEqual(
            {key: told[key] for key in ("settings", "state", "store", "registration", "dictionaries")},
            {
                "settings": str(self.path),
                "state": str(self.here / "var"),
                "store": "sqlite",
                "registration": "invite",
                "dictionaries": ["starter"],
            },
        )
        self.assertNotIn("admin", told)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o644)
        self.assertEqual(stat.S_IMODE((self.here / "var").stat().st_mode), 0o700)
        self.assertEqual(sorted(path.name for path in self.here.iterdir()), ["dictd.toml", "var"])
        settings = self.settings()
        self.assertEqual((settings.accounts.registration, settings.store.url), ("invite", "sqlite"))
        # Only what differs, each with its meaning.
        lines = self.path.read_text("utf-8").splitlines()
        self.assertEqual(sum(" = " in line for line in lines if not line.startswith("#")), 2)
        self.assertIn("# The state directory. Empty: ./var where that is one, /var/lib/dictd for root,", lines)
        lexicon = Lexicon(self.here / "var" / "lexicon", self.fail)
        lexicon.refresh()
        self.assertTrue(lexicon.define("starter", "penguin"))
        lexicon.close()

    def test_register(self) -> None:
        """Each answer is a setting."""
        for word, setting in (("nobody", "closed"), ("invite", "invite"), ("everybody", "open")):
            told = self.done("--force", "--register", word, "--dictionaries", "none")
            self.assertEqual((told["registration"], self.settings().accounts.registration), (setting, setting))
            self.assertEqual(any(command.endswith(" invite") for command in told["next"]), word == "invite")

    def test_admin(self) -> None:
        """An administrator, whose password is told once and good; there is none with a bad name."""
        admin = self.done("--admin", "Boss", "--dictionaries", "none")["admin"]
        self.assertEqual(admin["name"], "Boss")
        self.assertRegex(admin["password"], r"^([a-z2-9]{4}-){2}[a-z2-9]{4}$")
        role, passwd = self.role_and_hash("Boss")
        self.assertEqual(role, "admin")
        argon2.PasswordHasher().verify(passwd, normal(admin["password"]))
        again = self.done("--admin", "boss")["admin"]
        self.assertEqual(again, {"name": "boss", "password": None})
        self.assertEqual(self.role_and_hash("Boss"), (role, passwd))
        self.assertIn("a name has 2 to 32", self.refused("--admin", "a b"))

    def test_again(self) -> None:
        """What is there is kept: settings that somebody changed, dictionaries, the account."""
        self.done("--admin", "boss")
        self.path.write_text(self.path.read_text("utf-8").replace("invite", "closed"), "utf-8")
        before = self.path.read_bytes()
        told = self.done()
        self.assertEqual((told["registration"], told["dictionaries"]), ("closed", ["starter"]))
        self.assertEqual(self.path.read_bytes(), before)
        text = self.ctl("init", "--yes", "--dictionaries", "starter").stdout
        self.assertIn("starter is there already.", text)
        self.assertIn("stay as they are", text)

    def test_never_over_another(self) -> None:
        """Answers that would change a file are refused without --force, which keeps it."""
        self.done()
        before = self.path.read_bytes()
        self.assertIn("is there already", self.refused("--register", "nobody"))
        self.assertEqual(self.path.read_bytes(), before)
        self.done("--force", "--register", "nobody")
        self.assertEqual((self.here / "dictd.toml.old").read_bytes(), before)
        self.assertEqual(self.settings().accounts.registration, "closed")

    def test_state_directory(self) -> None:
        """Where --state-dir says; of a file in /etc it is /var/lib/dictd."""
        elsewhere = self.here / "elsewhere"
        result = self.ctl("--state-dir", str(elsewhere), "--json", "init", "--dictionaries", "none")
        self.assertEqual(json.loads(result.stdout)["state"], str(elsewhere))
        self.assertEqual(self.settings().state.directory, str(elsewhere))
        self.patch(module, "_OF_ROOT", self.here / "of root.toml")
        self.patch(module, "_STATE_OF_ROOT", self.here / "lib")
        self.path = self.here / "other.toml"
        self.assertEqual(self.done("--dictionaries", "none")["state"], str(self.here / "lib"))

    def test_dictionaries(self) -> None:
        """A file, and all of a directory as Debian has it; what is not there is refused before anything is made."""
        book = self.here / "birds.tsv"
        book.write_text("crow\ta bird\n", "utf-8")
        debian = self.here / "dictd"
        debian.mkdir()
        self.patch(firstbooks, "DEBIANS", debian)
        for word in ("wordnet", "debian", str(self.here / "none.tsv")):
            self.assertTrue(self.refused("--dictionaries", word).startswith("dictctl: --dictionaries "))
        self.assertFalse(self.path.exists())
        for name in ("oak", "elm"):
            (debian / f"{name}.index").write_text(f"{name}\tA\tG\n", "utf-8")
            (debian / f"{name}.dict").write_text(f"{name} x\n", "utf-8")
        told = self.done("--dictionaries", str(book), "--dictionaries", "debian", "--dictionaries", "starter")
        self.assertEqual(told["dictionaries"], ["birds", "elm", "oak", "starter"])

    def test_one_that_cannot_be_read(self) -> None:
        """The others are there, and so is all else."""
        bad = self.here / "bad.tsv"
        bad.write_bytes(bytes(range(256)) * 40)
        text = self.refused("--dictionaries", str(bad), "--dictionaries", "starter")
        self.assertEqual(text, f"dictctl: {bad} could not be imported; all else is done")
        self.assertEqual(self.done()["dictionaries"], ["starter"])

    def test_nobody_to_ask(self) -> None:
        """Without a terminal it asks nothing: wrong usage, and nothing is made."""
        result = self.ctl("init")
        self.assertEqual(result.exit_code, 2)
        self.assertIn("say --yes", result.stderr)
        self.assertEqual(list(self.here.iterdir()), [])

    def test_where_nobody_may_write(self) -> None:
        """One line with what to do."""
        self.path = self.here / "nowhere" / "dictd.toml"
        self.assertIn("cannot be written: No such file or directory; choose another with", self.refused())

    def test_values(self) -> None:
        """What is written is read back as it was, whatever it is made of."""
        for value in ('a "b" \\ c', "漢字", "tab\there"):
            text = settingsfile.text({"site": {"contact": value}, "tls": {}})
            self.path.write_text(text, "utf-8")
            self.assertEqual(config.tomllib.loads(text), {"site": {"contact": value}})

    def test_one_that_came_meanwhile(self) -> None:
        """Of two runs at once the first writes; the other's file is nowhere."""
        self.path.write_text("first", "utf-8")
        self.assertRaises(FileExistsError, settingsfile.write, self.path, "second", 0o644)
        self.assertEqual([path.read_text("utf-8") for path in self.here.iterdir()], ["first"])

    def test_cut_off_while_it_is_written(self) -> None:
        """What another run left half-written is nobody's settings."""
        (self.here / ".dictd.toml.new").write_text("half", "utf-8")
        self.done("--dictionaries", "none")
        self.assertFalse((self.here / ".dictd.toml.new").exists())


class MySQL(Init):
    """On MariaDB."""

    def setUp(self) -> None:
        """A database without tables, and a user with a password."""
        super().setUp()
        self.server = mariadb.shared()
        self.server.grant("reader", "it's secret")
        name = stores.fresh_mysql(self, self.server, tables=False).partition("?")[0].rpartition("/")[2]
        self.url = f"mysql://reader@localhost/{name}?socket={quote(self.server.socket)}"

    def test_made(self) -> None:
        """The password is in its own file, 0600, and nowhere else; tables are made; a dictionary is in it."""
        self.addCleanup(os.umask, os.umask(0))
        told = self.done("--data", self.url, "--password-stdin", typed="it's secret\n")
        self.assertEqual((told["store"], told["dictionaries"]), (self.url, ["starter"]))
        secret = self.here / "dictd.password"
        self.assertEqual((secret.read_text("utf-8"), stat.S_IMODE(secret.stat().st_mode)), ("it's secret\n", 0o600))
        self.assertEqual(self.settings().store, Store(url=self.url, password_file=str(secret)))
        self.assertNotIn("it's secret", self.path.read_text("utf-8") + json.dumps(told))
        self.assertEqual(self.done()["dictionaries"], ["starter"])
        self.assertEqual(self.ctl("doctor").exit_code, 0, self.ctl("doctor").output)

    def test_not_there(self) -> None:
        """What makes database and user is told to be typed; the settings stay, and it goes on when it was."""
        gone = re.sub(r"/test_\d+", "/not_there", self.url)
        result = self.ctl("init", "--yes", "--data", gone, "--password-stdin", typed="it's secret\n")
        self.assertEqual(result.exit_code, 1)
        *told, line = result.stderr.splitlines()
        self.assertIn("does not let us in", line)
        self.assertTrue(line.endswith(f"when it is there type again: {_dictctl(self.path)} init"), line)
        self.assertNotIn("secret", result.output)
        typed = [one.strip() for one in told if one.startswith("    ")]
        self.assertEqual(len(typed), 4)
        self.server.rows("", "DROP USER reader@'%'")
        self.addCleanup(self.server.rows, "", "DROP USER reader@localhost")
        for statement in typed:
            self.server.rows("", statement.replace("the password", "it''s secret"))
        self.addCleanup(self.server.drop, "not_there")
        self.assertEqual(self.done()["dictionaries"], ["starter"])

    def test_grants(self) -> None:
        """Names that have to be quoted are; of another machine everybody from anywhere is."""
        text = firststore._grants(firststore.StoreURL.parse("mysql://it%27s@db1/a-b"))
        self.assertIn("GRANT SELECT, INSERT, UPDATE, DELETE ON `a-b`.* TO 'it''s'@'%';", text)


def _dictctl(path: Path) -> str:
    return module.typed("dictctl", path)


class Typed(SynchronousTestCase):
    """In a terminal."""

    def setUp(self) -> None:
        """A directory with nothing in it."""
        self.here = Path(self.mktemp()).absolute()
        self.here.mkdir()

    def begin(self) -> Terminal:
        """Type dictctl init."""
        command = [sys.executable, "-c", _WITHOUT_WORDNET, "--config", "dictd.toml", "init"]
        return Terminal.of(self, command, self.here, environment())

    def test_enter_alone(self) -> None:
        """Three times Enter, and one for the account: a server that can be started, and what to type next."""
        terminal = self.begin()
        said = terminal.read(r"\[1\]: ")
        self.assertIn(f"The settings will be in {self.here / 'dictd.toml'};", said)
        self.assertEqual("A server should not be root" in said, not os.geteuid())
        self.assertIn("Three questions; Enter alone takes what stands in brackets.", said)
        terminal.type("")
        self.assertIn("2. Who may register?", terminal.read(r"\[2\]: "))
        terminal.type("")
        self.assertIn("3. Which dictionaries?", terminal.read(r"\[1\]: "))
        terminal.type("")
        terminal.read(r"Make an account admin, who may invite others\? \[Y/n\]: ")
        terminal.type("")
        self.assertRegex(terminal.read("Now type:"), r"shown this once:\n\n      [a-z2-9-]{14}\n")
        self.assertEqual(terminal.ended(), 0, terminal.shown)
        self.assertRegex(terminal.shown, r"twistd -n dictd --config dictd\.toml  start it in this terminal")
        self.assertNotIn("Traceback", terminal.shown)

    def test_answers(self) -> None:
        """Answers that cannot be are asked again; a path has a blank in it."""
        (self.here / "my birds.tsv").write_text("crow\ta bird\n", "utf-8")
        terminal = self.begin()
        for answers, next_ in (
            (("9", "sqlit", "1"), r"register\?"),
            (("4", "who?", "3"), r"dictionaries\?"),
            (("17", "no such file", "my birds.tsv"), r"\[Y/n\]: "),
        ):
            for answer in answers[:-1]:
                terminal.read(r"\[\d\]: ")
                terminal.type(answer)
            terminal.read(r"\[\d\]: ")
            terminal.type(answers[-1])
            terminal.read(next_)
        terminal.type("n")
        self.assertEqual(terminal.ended(), 0, terminal.shown)
        self.assertIn("no such file: there is no such file", terminal.shown)
        self.assertIn("is imported as my-birds: 1 headword", terminal.shown)
        self.assertEqual(config.load(self.here / "dictd.toml").accounts.registration, "open")

    def test_interrupted(self) -> None:
        """Ctrl-C at a question leaves nothing; later it leaves what is done, and the next run goes on from there."""
        terminal = self.begin()
        terminal.read(r"\[1\]: ")
        self.assertEqual(terminal.interrupt(), 1)
        self.assertIn("dictctl: stopped; what is done stays", terminal.shown)
        self.assertEqual(list(self.here.iterdir()), [])
        terminal = self.begin()
        for _ in range(3):
            terminal.read(r"\[\d\]: ")
            terminal.type("")
        terminal.read(r"\[Y/n\]: ")
        self.assertEqual(terminal.interrupt(), 1)
        self.assertNotIn("Traceback", terminal.shown)
        terminal = self.begin()
        self.assertIn("stay as they are", terminal.read(r"dictionaries\?"))
        terminal.read(r"\[1\]: ")
        terminal.type("")
        terminal.read(r"\[Y/n\]: ")
        terminal.type("")
        self.assertEqual(terminal.ended(), 0, terminal.shown)
        self.assertIn("shown this once", terminal.shown)
        self.assertIn("is imported as starter", terminal.shown)

    def test_mysql(self) -> None:
        """The password is not shown; tables are made when that is agreed to."""
        server = mariadb.shared()
        server.grant("typist", "hunter-two")
        name = stores.fresh_mysql(self, server, tables=False).partition("?")[0].rpartition("/")[2]
        terminal = self.begin()
        terminal.read(r"\[1\]: ")
        terminal.type("2")
        terminal.read(r"Its URL \[mysql://.*\]: ")
        terminal.type("mysql://typist:oops@localhost/x")
        self.assertIn("must not hold a password", terminal.read(r"Its URL \[mysql://.*\]: "))
        terminal.type(f"mysql://typist@localhost/{name}?socket={quote(server.socket)}")
        terminal.read(r"Password of typist there, if it has one \(not shown\): ")
        terminal.type("hunter-two")
        terminal.read(r"\[2\]: ")
        terminal.type("1")
        terminal.read(r"\[1\]: ")
        terminal.type("0")
        terminal.read(r"Make the tables of dictd in .* now\? \[Y/n\]: ")
        terminal.type("")
        terminal.read(r"\[Y/n\]: ")
        terminal.type("n")
        self.assertEqual(terminal.ended(), 0, terminal.shown)
        self.assertNotIn("hunter-two", terminal.shown)
        self.assertEqual((self.here / "dictd.password").read_text("utf-8"), "hunter-two\n")
