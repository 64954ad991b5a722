"""Backups that were cut off, changed, or make no sense, are refused before anything is written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from dictd.ctl import restore
from tests.test_ctl_backup import Backups


class Refused(Backups):
    """Nothing is changed by any of them."""

    def test_cut_anywhere(self) -> None:
        """A file that is cut off at any line, or inside of one, is refused, and nothing is changed."""
        self.filled()
        self.done("backup", str(self.dump))
        lines = self.lines()
        before = self.everything()
        for number in range(1, len(lines)):
            line = self.refused("restore", self.write(lines[:number], sums=False), "--replace", "--yes")
            self.assertIn("cut off here", line)
        path = self.files / "cut"
        for octets in (self.dump.read_bytes(), gzip.decompress(self.dump.read_bytes())):
            for size in (0, 1, 2, 9, 40, len(octets) // 2, len(octets) - 9, len(octets) - 1):
                path.write_bytes(octets[:size])
                self.assertRegex(self.refused("restore", str(path), "--replace", "--yes"), "cut off|not a backup")
        self.assertEqual(self.everything(), before)

    def test_changed(self) -> None:
        """A file whose content was changed is refused, whatever was changed."""
        self.filled()
        self.done("backup", str(self.dump))
        before = self.everything()
        octets = gzip.decompress(self.dump.read_bytes())
        path = self.files / "changed"
        for at in range(0, len(octets), 37):
            path.write_bytes(octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :])
            self.refused("restore", "--check", str(path))
        whole = self.dump.read_bytes()
        for at in range(20, len(whole), 41):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            self.refused("restore", "--check", str(path))
        self.assertEqual(self.everything(), before)

    def test_no_sense(self) -> None:
        """A file whose sums are right and whose rows make no sense is refused, with the line."""
        self.filled()
        self.done("backup", str(self.dump))
        before = self.everything()
        lines = self.lines()
        user = next(number for number, line in enumerate(lines) if '"anna"' in line)
        row = next(number for number, line in enumerate(lines) if '"w0"' in line)
        birds = next(number for number, line in enumerate(lines) if line.startswith('["birds"'))
        word = len(lines) - 2
        hist = next(number for number, line in enumerate(lines) if '"hist"' in line)
        for number, old, new, what in (
            (user, '"anna"', "7", "no row of user"),
            (user, "[7", "[true", "no row of user"),
            (user, "[7", "[7.0", "no row of user"),
            (user, "[7", f"[{1 << 63}", "too great a number"),
            (user, "616e6e61", "616e6e6", "hexadecimal"),
            (user, "616e6e61", "61 6e6e61", "hexadecimal"),
            (user, "616e6e61", "616E6E61", "hexadecimal"),
            (user, '"anna","616e6e61"', '"боб","d0b1d0bed0b1"', "another account has this name"),
            (user, "616e6e61", "d0b1d0bed0b1", "name_key is not that of the name"),
            (user, '"anna"', '"an\\u001b[2J\\r\\nna"', "this cannot be the name of an account"),
            (user, '"anna"', '"ａnna"', "this cannot be the name of an account"),
            (user, '"admin"', '"root"', "a role is one of user, admin"),
            (user, '"admin",1,0', '"admin",1,7', "disabled is 0 or 1"),
            (user, "[7", "[-7", "an id of an account is 1 or more"),
            (user, "[7", "[0", "an id of an account is 1 or more"),
            (user, '"anna"', '"\\ud800"', "half a character"),
            (user, ",null,0]", ",null,0,0]", "no row of user"),
            (user, "[7", "[9", "not in order, or twice"),
            (row, "[7", "[6", "there is no account 6"),
            (row, "[7", "[8", "not in order"),
            (row, "w0", "w0\\", "not JSON"),
            (birds, '["birds"', '["../birds"', "not the name of a dictionary"),
            (birds, '["birds"', '["Birds"', "not the name of a dictionary"),
            (word, ',"main"', 'x,"main"', "not JSON"),
            (hist, '"hist"', '"user"', "the table hist should stand here"),
            (hist, '"word"', '"words"', "the table hist should stand here"),
        ):
            self.assertIn(old, lines[number])
            path = self.write([*lines[:number], lines[number].replace(old, new, 1), *lines[number + 1 :]])
            line = self.refused("restore", path, "--replace", "--yes")
            self.assertIn(what, line, (old, new))
            self.assertRegex(line, r"line \d+: .*; nothing was changed$")
        for changed, what in (
            ([*lines[:birds], *lines[birds + 1 :]], "one row should stand before"),
            (
                [*lines[: birds + 1], lines[birds].replace("birds", "c"), *lines[birds + 1 :]],
                "one row should stand before",
            ),
            ([*lines[:row], lines[row], *lines[row:]], "not in order, or twice"),
            ([*lines[: birds - 1], *lines[birds + 1 :]], "the table dictionary should stand here"),
            (lines[: birds + 1] + lines[-1:], "the table means should stand here"),
        ):
            self.assertIn(what, self.refused("restore", self.write(changed), "--replace", "--yes"))
        first = json.loads(lines[0])
        for wrong in ({"made": 10**30}, {"made": -1}, {"version": "\x1b[2J"}):
            path = self.write([json.dumps({**first, **wrong}), *lines[1:]])
            self.assertIn("the first line is damaged", self.refused("restore", "--check", path))
        path = self.write([*lines[:-1], lines[-1].replace('"user":', '"user":1e999,"more":', 1)], sums=False)
        self.assertIn("the last line is damaged", self.refused("restore", "--check", path))
        end = json.loads(lines[-1])
        end["end"]["counts"]["user"] += 1
        path = self.write([*lines[:-1], json.dumps(end)], sums=False)
        self.assertIn("not as many as the last line says", self.refused("restore", path, "--replace", "--yes"))
        path = self.write([*lines, "[]"], sums=False)
        self.assertIn("behind the last line", self.refused("restore", path, "--replace", "--yes"))
        self.assertEqual(self.everything(), before)

    def test_articles(self) -> None:
        """Articles are numbered without gaps, and headwords lead to one that there is."""
        self.filled()
        self.done("backup", str(self.dump))
        lines = self.lines()
        means = next(number for number, line in enumerate(lines) if '"means"' in line)
        path = self.write([*lines[: means + 1], *lines[means + 2 :]])
        self.assertIn("without gaps", self.refused("restore", "--check", path))
        path = self.write([*lines[: means + 3], *lines[means + 4 :]])
        self.assertIn("there is no article 2", self.refused("restore", "--check", path))

    def test_changed_meanwhile(self) -> None:
        """A file that is changed between the two times that it is read changes nothing."""
        self.filled()
        self.done("backup", str(self.dump))
        before = self.everything()
        path = self.write(self.lines())
        other = self.write([line.replace("argon2id$a", "argon2id$z") for line in self.lines()])
        text = Path(other).read_text("utf-8")
        self.write(self.lines())

        def changed(database: Any, connection: Any, *args: Any) -> Any:
            Path(path).write_text(text, "utf-8")
            return intake(database, connection, *args)

        intake = restore.intake.Intake
        self.patch(restore.intake, "Intake", changed)
        self.assertIn("was changed while it was read", self.refused("restore", path, "--replace", "--yes"))
        self.patch(restore.intake, "Intake", intake)
        self.assertEqual(self.everything(), before)

    def test_not_ours(self) -> None:
        """Any other file is told from a backup."""
        for content in ("", "\n", "{}\n", "[]\n", "words\tof somebody\n", "{" * 10_000 + "\n", "\x00" * 100):
            line = self.refused("restore", self.file("any", content))
            self.assertIn("is not a backup of dictd" if content.endswith("\n") or not content else "any", line)
        (self.files / "d").mkdir()
        self.assertIn("it has no backup.json", self.refused("restore", str(self.files / "d")))
