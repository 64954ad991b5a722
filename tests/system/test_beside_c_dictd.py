"""The same questions to dictd and to C dictd: the same octets, or a difference that is wanted."""

from __future__ import annotations

import re
from difflib import unified_diff
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.debian import package
from tests.support.house import final_codes
from tests.support.programs import dictctl
from tests.support.server import Server
from tests.system import differences, matches, shelf, two_thousand
from tests.system.dialogues import ALONE, DIALOGUES, sent
from tests.system.talk import talk


def differing(theirs: str, ours: str) -> tuple[str, ...]:
    """The lines that differ, ``-`` theirs, ``+`` ours."""
    diff = unified_diff(theirs.split("\r\n"), ours.split("\r\n"), lineterm="", n=0)
    return tuple(line for line in list(diff)[2:] if not line.startswith("@@"))


def in_their_words(ours: str) -> str:
    """An answer with the lines that only say the same in other words changed."""
    usage = re.compile("(501 syntax error, illegal parameters): say .*")
    return "\r\n".join(usage.sub(r"\1", differences.WORDS.get(line, line)) for line in ours.split("\r\n"))


def trouble(name: str, theirs: str, ours: str) -> str:
    """What is wrong with a dialogue, or nothing."""
    wanted = differences.WANTED.get(name)
    lines = differing(theirs, in_their_words(ours))
    if wanted is None:
        return f"{name}: differs:\n  " + "\n  ".join(lines[:20]) if lines else ""
    if not lines:
        return f"{name}: does not differ any more, though it should: {wanted.why}"
    statuses = tuple(final_codes(theirs.encode())), tuple(final_codes(ours.encode()))
    if statuses[0] == statuses[1]:
        statuses = (), ()
    if statuses != (wanted.theirs, wanted.ours):
        return f"{name}: differs, but theirs is {statuses[0]} and ours {statuses[1]}, where {wanted} was wanted"
    if wanted.lines and lines != wanted.lines:
        return f"{name}: differs, but not as wanted ({wanted.why}):\n  " + "\n  ".join(lines[:20])
    return ""


class BesideCDictd(SynchronousTestCase):
    """Both serve Debian's WordNet and Jargon File; all in one class and one test, because an import takes seconds."""

    timeout = 300

    def setUp(self) -> None:
        self.theirs = shelf.had("wn", "jargon")
        state = Path(self.mktemp()).absolute()
        done = dictctl(state, "import", *(str(_index(name)) for name in ("wn", "jargon")))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.ours = Server.started(state)
        self.addCleanup(self.ours.kill)

    def test_dialogues_and_matches(self) -> None:
        """Every difference is listed with its reason, and every one that is listed is there."""
        troubles = [*self.dialogues(), *self.matches(), *self.drawn()]
        self.assertEqual(troubles, [], "\n" + "\n".join(troubles))

    def dialogues(self) -> list[str]:
        """What is wrong in :data:`DIALOGUES`."""
        self.assertEqual(set(differences.WANTED) - set(DIALOGUES), set())
        troubles = []
        for name, dialogue in DIALOGUES.items():
            octets = sent(dialogue)
            found = trouble(name, talk(self.theirs.port, octets), talk(self.ours.port, octets))
            if found:
                troubles.append(found)
        return troubles

    def matches(self) -> list[str]:
        """What is wrong in :data:`MATCHES`, sets of headwords in any order and case."""
        troubles = []
        for strategy, words in matches.MATCHES.items():
            differ = []
            for word in words:
                theirs, ours = (self.matched(server.port, strategy, word) for server in (self.theirs, self.ours))
                if (theirs != ours) != ((strategy, word) in matches.WANTED):
                    differ.append(f"{strategy} {word!r}: {compared(theirs, ours)}")
            if strategy not in matches.NOT_YET:
                troubles += differ
            elif not differ:
                troubles.append(f"{strategy} finds the same as on C dictd: take it out of NOT_YET")
        return troubles

    def drawn(self) -> list[str]:
        """What no reason explains of words drawn from WordNet: a part of ``make compare-matches``."""
        questions = two_thousand.questions(_index("wn"), words=200, slow=50)
        comparison = two_thousand.compared(_index("wn"), questions, self.theirs.port, self.ours.port)
        return list(comparison.troubles())[:50]

    def matched(self, port: int, strategy: str, word: str) -> frozenset[str]:
        """The headwords of WordNet; or what was said instead of matches."""
        escaped = re.sub(r"([\\\"' ])", r"\\\1", word)
        first, *lines = talk(port, f"MATCH wn {strategy} {escaped}\r\n".encode()).split("\r\n")
        if not first.startswith("152 "):
            return frozenset([first[:3]])
        self.assertEqual((lines[-3], lines[-2][:6], lines[-1]), (".", "250 ok", ""), (strategy, word))
        self.assertLess(len(lines), 2000, f"{strategy} {word!r} has too many matches to be compared")
        self.assertEqual(int(first.split()[1]), len(lines) - 3)
        return frozenset(line.casefold() for line in lines[:-3])


class OursAlone(SynchronousTestCase):
    """What C dictd crashes on or does not survive in step."""

    def test_alone(self) -> None:
        """Each line has its status, and the connection stays in step."""
        for name, (dialogue, statuses) in ALONE.items():
            answer = talk(shelf.ours().port, sent(dialogue))
            self.assertEqual(tuple(final_codes(answer.encode())), statuses, name)


def compared(theirs: frozenset[str], ours: frozenset[str]) -> str:
    """How two sets differ, in one line."""
    if theirs == ours:
        return "finds the same as on C dictd, though it should not"
    missing, more = sorted(theirs - ours), sorted(ours - theirs)
    return f"{len(theirs)} theirs, {len(ours)} ours; only theirs: {missing[:8]}, only ours: {more[:8]}"


def _index(name: str) -> Path:
    return package(f"dict-{name}") / f"usr/share/dictd/{name}.index"
