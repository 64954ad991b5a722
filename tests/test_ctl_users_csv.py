"""dictctl users import-csv: a class from a spreadsheet."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path
from typing import Any

from dictd.accounts.passwords import LONGEST
from dictd.ctl import classlist, privatefile, spreadsheet, userscsv
from dictd.errors import DictError, ImportRefused, NameTaken
from dictd.store.accounts import AccountQueries
from tests.store.databases import on_both
from tests.test_ctl import Commands
from tests.test_ctl_server import Answering
from tests.test_ctl_users import CHEAP, People


class Lists(Commands):
    """How a list is read."""

    def read(self, content: str | bytes, encoding: str = "", fix_names: bool = False) -> classlist.ClassList:
        """What is in a file."""
        return classlist.read(Path(self.file("class.csv", content)), encoding, fix_names)

    def people(self, content: str | bytes, encoding: str = "") -> list[tuple[str, str, str]]:
        """Name, password and role of everybody in a list of which nothing is wrong."""
        found = self.read(content, encoding)
        self.assertEqual(found.wrong, [])
        return [(one.name.shown, one.secret, one.role) for one in found.newcomers]

    def complaints(self, content: str | bytes, fix_names: bool = False) -> list[str]:
        """What is wrong with a list."""
        return [str(wrong) for wrong in self.read(content, fix_names=fix_names).wrong]

    def test_columns(self) -> None:
        """With or without a first line that names them, in English and Chinese, divided by any of three signs."""
        expected = [("anna", "correct horse", "admin"), ("王小明", "", "user")]
        for head in (
            "", "name,password,role\n", "Username,Password,Role\n", "姓名,密码,角色\n", "用户名,密码,role\n",
            "账号:,口令*,\n",
        ):  # fmt: skip
            content = head + "anna,correct horse," + ("" if head.endswith(",\n") else "ADMIN") + "\n王小明,,\n"
            wanted = expected if not head.endswith(",\n") else [("anna", "correct horse", "user"), expected[1]]
            for separator in ",;\t":
                self.assertEqual(self.people(content.replace(",", separator)), wanted, (head, separator))

    def test_languages(self) -> None:
        """Columns have names in German, French and Spanish too."""
        for head in (
            "Benutzername;Passwort;Rolle", "Name;Kennwort;Rolle", "Nom;Mot de passe;Rôle",
            "utilisateur;mot de passe;rôle",
            "Nom d’utilisateur;Mot de passe;Rôle", "Usuario;Contraseña;Rol",
        ):  # fmt: skip
            self.assertEqual(
                self.people(f"{head}\nanna;correct horse;admin\n"), [("anna", "correct horse", "admin")], head
            )

    def test_columns_that_nobody_knows(self) -> None:
        """One with values is refused, for it may be the password; one without is not, nor where that is said."""
        content = "name,pass word,\x1bx,class,\nanna,correct horse,,7b,\nbert,,,,2\n"
        wrong = self.complaints(content)
        self.assertEqual([one.partition(":")[0] for one in wrong], ["line 1", "line 1"])
        self.assertIn('"pass word" is no column that is known: call it name, password or role (Ben', wrong[0])
        self.assertIn("--ignore-columns", wrong[0])
        self.assertIn("column 5 is called nothing", wrong[1])
        found = classlist.read(Path(self.file("class.csv", content)), "", fix_names=False, ignore_columns=True)
        self.assertEqual(([one.secret for one in found.newcomers], found.wrong), (["", ""], []))
        self.assertEqual(self.complaints("name,x\nanna,\n"), [])
        self.assertIn("more columns", self.complaints("name,class\nanna,7b,x\n")[0])

    def test_order(self) -> None:
        """The first line says where what is; the name of an account goes before that of a person."""
        found = self.read("班级,role,姓名,用户名,password\n7b,user,王 小明,xiaoming,\n")
        self.assertEqual([one.name.shown for one in found.newcomers], ["xiaoming"])
        self.assertEqual((found.passed_over, found.wrong), (["班级", "姓名"], []))

    def test_encodings(self) -> None:
        """Those that spreadsheets write."""
        chinese, german = "姓名,密码\n王小明,\n李雷,\n", "name;password\nMüller;\nGroß;\n"
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "gb18030"):
            self.assertEqual([one[0] for one in self.people(chinese.encode(encoding))], ["王小明", "李雷"], encoding)
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            self.assertEqual([one[0] for one in self.people(german.encode(encoding))], ["Müller", "Groß"], encoding)
        self.assertEqual([one[0] for one in self.people(german.encode("cp1252"), "cp1252")], ["Müller", "Groß"])

    def test_encoding_that_cannot_be_told(self) -> None:
        """Müller of a western Windows would be M黮ler: it is asked, and nothing guessed."""
        with self.assertRaises(ImportRefused) as raised:
            self.read("Müller\nanna\n".encode("cp1252"))
        self.assertIn(
            "--encoding gb18030 if it is M黮ler, --encoding cp1252 if it is Müller, or", raised.exception.text
        )
        with self.assertRaises(ImportRefused) as raised:
            self.read("name;role\nanna;\nEva Müller;admin\n".encode("cp1252"))
        self.assertIn("if it is Eva Müller, or", raised.exception.text)

    def test_spreadsheets(self) -> None:
        """What they add: CRLF or CR, sep=, empty rows and columns, no-break spaces, quotation marks."""
        for content in (
            "anna\r\nbert\r\n", "anna\rbert\r", "sep=;\r\nanna;\r\nbert;\r\n", "anna,,\n,,\n\nbert,,\n",
            "\ufeffanna\nbert",
            '"anna","",\n"bert","",\n', "anna\u00a0\n\u3000bert\n", "name\tpassword\nanna\t\nbert\t\n",
            "name,password,,\nanna,,,\nbert,,,\n",
        ):  # fmt: skip
            self.assertEqual([one[0] for one in self.people(content)], ["anna", "bert"], repr(content))
        self.assertEqual(self.people('anna,"a,b""c;d efg"\n'), [("anna", 'a,b"c;d efg', "user")])
        self.assertEqual(self.people("'-bob,\n"), [("-bob", "", "user")])  # as spreadsheet.lines wrote it

    def test_every_wrong_line(self) -> None:
        """Each is told with its number, and why."""
        content = (
            "name,password,role\nanna,short,\n\nbert,,king\n,correct horse,\nx,,\ncarl, correct horse,\n"
            "CARL,,\ncarl,,\n"
            f"dora,{'x' * (LONGEST + 1)},\nemil,,,,more\nAnna Müller,,\nfred,tab\tulators,\n"
        )
        wrong = self.complaints(content)
        self.assertEqual(
            [line.partition(":")[0] for line in wrong], [f"line {n}" for n in (2, 4, 5, 6, 7, 9, 10, 11, 12, 13)]
        )
        for text, line in zip(
            ("8 to 512", "user or admin", "no name", '"x" is no name', "a blank", "line 8 already", "8 to 512",
             "more columns", "--fix-names makes it Anna.Müller", "control characters"), wrong, strict=True,
        ):  # fmt: skip
            self.assertIn(text, line)
        self.assertFalse([line for line in wrong if "short" in line or "correct" in line])

    def test_lines_of_the_file(self) -> None:
        """Numbers are those that an editor shows, whatever stands before."""
        self.assertEqual(self.complaints("sep=,\n\nname\nanna\n\n!!\n")[0][:7], "line 6:")
        self.assertEqual(self.complaints('anna\n"two\nlines"\n!!\n')[1][:7], "line 4:")

    def test_no_csv(self) -> None:
        """A quotation mark that is not closed is told, and nothing of it taken."""
        self.assertIn("line 2: this is no CSV", self.complaints('anna\n"bert\ncarl\n')[0])
        self.assertEqual(len(self.complaints('name,role\n!!,\n"bert,\n')), 2)
        self.assertIn("line 1: this is no CSV", self.complaints('"anna" x\nbert\n')[0])

    def test_fixed_names(self) -> None:
        """What is proposed is taken where that is said; two that become one are told."""
        found = self.read("Anna Müller\nO'Brien\n", fix_names=True)
        self.assertEqual(
            [(one.written, one.name.shown) for one in found.newcomers],
            [("Anna Müller", "Anna.Müller"), ("O'Brien", "OBrien")],
        )
        self.assertEqual(
            self.complaints("Anna Müller\nMüller, Anna\nAnna.Müller\n".replace("Müller, Anna", '"Müller, Anna"'), True),
            ["line 2: Anna.Müller stands in line 1 already", "line 3: Anna.Müller stands in line 1 already"],
        )
        self.assertIn("is no name", self.complaints("!!\n", fix_names=True)[0])

    def test_columns_of_something_else(self) -> None:
        """First names are no accounts, and families no passwords."""
        for head in ("Vorname;Nachname", "First name;Last name;Class", "password;role", "E-Mail;Klasse"):
            self.assertIn("no column is called name", self.complaints(f"{head}\nAnna;Schwarzenegger\n")[0], head)

    def test_refused(self) -> None:
        """What is no list at all."""
        for content in (b"", b"\x89PNG\r\n\x1a\n\0\0", "\n\n,,\n", "name,password\n"):
            with self.assertRaises(ImportRefused):
                self.read(content)
        with self.assertRaises(ImportRefused):
            self.read("a" * ((1 << 20) + 1))
        with self.assertRaises(ImportRefused):
            classlist.read(self.files, "", fix_names=False)

    def test_no_escapes(self) -> None:
        """What is told of a name cannot move the cursor."""
        self.assertNotIn("\x1b", "".join(self.complaints(b"anna\n\x1b[2Jbert and\n")))


class Slips(Answering, Commands):
    """Where the server is, for people."""

    def setUp(self) -> None:
        super().setUp()
        self.state.mkdir(exist_ok=True)
        self.surroundings = dict(CHEAP)
        self.asked: list[dict[str, Any]] = []

    def slip(self, settings: str = "") -> str:
        """The line of the server on the slip of somebody new."""
        args = ("--config", self.file("dictd.toml", '[site]\nname = "our.school"\n' + settings))
        name = f"a{len(list(self.files.iterdir()))}{len(self.asked)}"
        result = self.ctl(*args, "users", "import-csv", self.file(f"{name}.csv", f"{name},correct horse\n"), "--slips")
        self.assertEqual((result.exit_code, result.exception), (0, None), result.output)
        return result.stdout.partition("server    ")[2].strip()

    def test_of_the_server_that_runs(self) -> None:
        """As it listens, whatever the settings say."""
        for listening, said in (
            (["127.0.0.1:12628", "[::1]:12628", "/run/dictd.sock"], "localhost, port 12628"),
            (["0.0.0.0:12628", "[::]:12628"], "our.school, port 12628"),
            (["[::1]:12628", "192.0.2.7:12629"], "our.school, port 12629"),
            (["127.0.0.1:5 (TLS)", "127.0.0.1:7"], "localhost, port 7"),
            (["[::]:5 (TLS)"], "our.school, port 5 (TLS)"),
            (["127.0.0.1:7", "127.0.0.1:8 (for proxies)"], "our.school, port 7"),
            (["/run/dictd.sock"], "localhost, port 2628"),
        ):
            with self.server({"ok": {"listening": listening}}):
                self.assertEqual(self.slip(), said, listening)

    def test_of_the_settings(self) -> None:
        """Where none runs; a port that the system is to choose is not told."""
        self.assertEqual(self.slip(), "localhost, port 2628")
        self.assertEqual(
            self.slip('[listen]\naddresses = ["::"]\nport = 7\n[accounts]\nregistration = "closed"\n'),
            "our.school, port 7",
        )
        self.assertEqual(self.slip("[listen]\nport = 0\n"), "localhost")


@on_both
class ImportCSV(People):
    """The command."""

    def class_(self, content: str = "name,password,role\nanna,,\nbert,correct horse,\nZoë,,admin\n") -> str:
        """A list of three."""
        return self.file("class.csv", content)

    def names(self) -> list[str]:
        """Who has an account."""
        return [one["name"] for one in self.value("users", "list")]

    def test_table(self) -> None:
        """Passwords that were made are printed and work; one that the list has is not printed."""
        value = self.value("users", "import-csv", self.class_())
        self.assertEqual(
            [(one["name"], one["role"]) for one in value["accounts"]],
            [("anna", "user"), ("bert", "user"), ("Zoë", "admin")],
        )
        for one in value["accounts"]:
            self.assertTrue(self.is_password(one["name"], one.get("password", "correct horse")))
        self.assertNotIn("password", value["accounts"][1])
        out = self.done("users", "import-csv", self.file("more.csv", "carl\ndora,correct horse\n"))
        self.assertRegex(out, r"(?m)^carl +[a-z0-9-]{14}$")
        self.assertRegex(out, r"(?m)^dora +as in the list$")
        self.assertIn("2 accounts made. These passwords are shown this once", out)
        self.assertNotIn("correct", out)
        self.assertEqual(self.value("users", "list", "--admins")[0]["name"], "Zoë")

    def test_all_or_nothing(self) -> None:
        """Where one line is wrong nobody has an account, and each such line is told."""
        result = self.ctl("users", "import-csv", self.class_("anna\nb b\nc c\n"))
        self.assertEqual((result.exit_code, result.stdout), (1, ""))
        self.assertEqual([line.partition(":")[0] for line in result.stderr.splitlines()[:2]], ["line 2", "line 3"])
        self.assertIn("2 lines are wrong; no account was made", result.stderr.splitlines()[2])
        result = self.ctl("--json", "users", "import-csv", self.class_("anna\nb b\n"))
        self.assertEqual((result.exit_code, [one["line"] for one in json.loads(result.stdout)["wrong"]]), (1, [2]))
        self.assertEqual(self.names(), [])

    def test_dry_run(self) -> None:
        """It tells who would be made, and makes nobody and no file."""
        path = self.files / "out.csv"
        out = self.done("users", "import-csv", self.class_(), "--dry-run", "--output", str(path))
        self.assertRegex(out, r"(?m)^ +2  anna +anna +user +one is made$")
        self.assertIn("3 accounts to make; nothing was made.", out)
        self.assertEqual((self.names(), path.exists()), ([], False))
        self.assertTrue(self.value("users", "import-csv", self.class_(), "--dry-run")["dry_run"])
        self.assertEqual(self.ctl("users", "import-csv", self.class_("b b\n"), "--dry-run").exit_code, 1)

    def test_who_is_there(self) -> None:
        """They are told, and left as they are where that is said."""
        self.add("Anna")
        before = self.passwd("anna")
        result = self.ctl("users", "import-csv", self.class_())
        self.assertIn("line 2: anna has an account already; --skip-existing", result.stderr)
        self.assertEqual((result.exit_code, self.names()), (1, ["Anna"]))
        result = self.ctl("--json", "users", "import-csv", self.class_(), "--skip-existing")
        value = json.loads(result.stdout)
        self.assertEqual((value["skipped"], [one["name"] for one in value["accounts"]]), (["anna"], ["bert", "Zoë"]))
        self.assertIn("line 2: anna has an account already, and keeps it", result.stderr)
        self.assertEqual((self.names(), self.passwd("anna")), (["Anna", "bert", "Zoë"], before))
        self.assertIn("0 accounts made.", self.done("users", "import-csv", self.class_(), "--skip-existing"))

    def test_output(self) -> None:
        """A file for its owner alone, that a spreadsheet opens; nothing of it is printed."""
        path = self.files / "out.csv"
        out = self.done("users", "import-csv", self.class_("anna\n-bert\nZoë,correct horse\n"), "--output", str(path))
        self.assertEqual(out, f"3 accounts made; the passwords are in {path}, which nobody else may read.\n")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertTrue(path.read_bytes().startswith(b"\xef\xbb\xbfname,password\r\n"))
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        self.assertEqual([row[0] for row in rows], ["name", "anna", "'-bert", "Zoë"])
        self.assertTrue(self.is_password("anna", rows[1][1]))
        self.assertTrue(self.is_password("-bert", rows[2][1]))
        self.assertEqual(rows[3][1], "as in the list")
        self.assertIn(
            "is there already", self.refused("users", "import-csv", self.class_("carl\n"), "--output", str(path))
        )
        self.assertNotIn("carl", self.names())
        self.assertNotIn(
            "password",
            json.dumps(self.value("users", "import-csv", self.class_("emil\n"), "--output", f"{path}2")["accounts"]),
        )

    def test_output_that_cannot_be(self) -> None:
        """Nobody has an account whose password is nowhere."""
        self.refused("users", "import-csv", self.class_(), "--output", str(self.files / "none" / "out.csv"))
        self.assertEqual(self.names(), [])

    def test_somebody_registers_meanwhile(self) -> None:
        """Nothing is made, and no file of passwords stays that nobody has."""

        def taken(*_: Any) -> None:
            raise NameTaken("bert has an account already")

        self.patch(AccountQueries, "add_all", taken)
        path = self.files / "out.csv"
        self.assertIn("bert has", self.refused("users", "import-csv", self.class_(), "--output", str(path)))
        self.assertFalse(path.exists())

    def test_one_transaction(self) -> None:
        """One that cannot be made takes all others with it."""
        self.add("bert")
        self.patch(userscsv, "_newcomers", lambda register, listed, skip: (listed.newcomers, []))
        self.assertEqual(self.refused("users", "import-csv", self.class_()), "bert has an account already")
        self.assertEqual(self.names(), ["bert"])

    def test_slips(self) -> None:
        """One for each, with name, password and server, to be cut."""
        out = self.done("users", "import-csv", self.class_(), "--slips")
        self.assertRegex(
            out, r"(?s)name +anna\npassword +[a-z0-9-]{14}\nserver +localhost, port 2628\n(- )+\nname +bert\n"
        )
        path = self.files / "slips.txt"
        self.done("users", "import-csv", self.class_("carl\n"), "--slips", "--output", str(path))
        self.assertTrue(path.read_text("utf-8").startswith("name      carl\n"))

    def test_columns_passed_over(self) -> None:
        """Where that is said; else nobody is made."""
        path = self.class_("Name;Geheimwort\nanna;correct horse\n")
        self.assertIn('line 1: "Geheimwort" is no', self.ctl("users", "import-csv", path).stderr)
        self.assertEqual(self.names(), [])
        self.assertIn("1 account made", self.done("users", "import-csv", path, "--ignore-columns"))

    def test_what_was_guessed_is_told(self) -> None:
        """The encoding, and columns that are passed over."""
        path = self.file("class.csv", "姓名,班级\n王小明,七\n".encode("gb18030"))
        said = self.ctl("users", "import-csv", path).stderr
        self.assertIn("is read as gb18030; --encoding says otherwise", said)
        self.assertIn("passed over: 班级", said)
        self.assertEqual(self.names(), ["王小明"])


class Files(Commands):
    """Files for their owner alone, and cells that are no formulas."""

    def test_cells(self) -> None:
        """What would be a formula is text; all else is as it was, there and back."""
        for cell in ("=1+1", "+1", "-ness", "@SUM(A1)", "\tx", "\rx", "＝x"):
            self.assertEqual(spreadsheet.shown(cell), "'" + cell)
        for cell in ("", "a=b", "anna", "'til", "1-2"):
            self.assertEqual((spreadsheet.shown(cell), spreadsheet.meant(cell)), (cell, cell))
        self.assertEqual(spreadsheet.meant("'-bob"), "-bob")
        self.assertEqual(spreadsheet.lines([("a,b", 'c"d', 1)]), '"a,b","c""d",1\r\n')

    def test_replaced(self) -> None:
        """Whole or as it was, whoever could read it before."""
        path = Path(self.file("out", "before"))
        path.chmod(0o644)
        with self.assertRaises(ZeroDivisionError), privatefile.replaced(path) as file:
            file.write(b"half")
            raise ZeroDivisionError
        self.assertEqual((path.read_text(), [one.name for one in self.files.iterdir()]), ("before", ["out"]))
        with privatefile.replaced(path) as file:
            file.write(b"after")
        self.assertEqual((path.read_text(), stat.S_IMODE(path.stat().st_mode)), ("after", 0o600))
        with self.assertRaises(DictError), privatefile.replaced(Path("/dev/null")):
            self.fail("a device is no file")
        self.assertEqual(len([*self.files.iterdir()]), 1)
