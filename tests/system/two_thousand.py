"""What dictd and C dictd find for thousands of words: every difference has a reason, every reason its differences.

``make compare-matches`` runs it whole and prints how many differences each
reason explains; ``make test`` runs a part.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from attrs import define, field

from tests.support.debian import fetch
from tests.support.peer import CDictd
from tests.support.programs import dictctl
from tests.support.server import Server
from tests.system.drawn import Headwords, Question, asked, draw
from tests.system.reasons import LIMIT, ORDER, REASONS, Case, Reason
from tests.system.talk import talk

#: C dictd goes through the whole index for them, 3-12 ms each.
SLOW = frozenset(("substring", "suffix", "re", "regexp", "word", "last"))
#: C dictd hangs up after 2,000 commands.
_AT_ONCE = 500
_WORDS = 2000


def questions(index: Path, words: int, slow: int) -> list[Question]:
    """What is asked about some words of an index, and the examples of all reasons.

    :param slow: about how many of the words those of :data:`SLOW` are asked.
    """
    found = [example for reason in REASONS for example in reason.examples]
    for number, word in enumerate(draw(Headwords.of(index).all, words)):
        found += (question for question in asked(word) if number < slow or question.strategy not in SLOW)
    return list(dict.fromkeys(found))


@define
class Tally:
    """How much a reason explains.

    :ivar questions: to which the answers differ for this reason.
    :ivar ours: headwords that we find, and C dictd does not; ``theirs`` the other way round.
    """

    questions: set[Question] = field(factory=set)
    ours: int = 0
    theirs: int = 0


@define
class Comparison:
    """What differs.

    :ivar tallies: what each reason explains.
    :ivar unexplained: those that no reason explains, in one line each.
    :ivar alike: how many questions had the same answer from both.
    """

    tallies: dict[Reason, Tally] = field(factory=lambda: {reason: Tally() for reason in REASONS})
    unexplained: list[str] = field(factory=list)
    alike: int = 0

    def count(self, question: Question, cases: Sequence[Case]) -> None:
        """Take in the differences of one question."""
        self.alike += not cases
        for case in cases:
            reason = next((reason for reason in REASONS if reason.explains(case)), None)
            if reason is not None:
                tally = self.tallies[reason]
                tally.questions.add(question)
                tally.ours += case.ours and case.headword != ORDER
                tally.theirs += case.theirs_alone
            else:
                who = "only C dictd finds" if case.theirs_alone else "only we find"
                what = f"{who} {case.headword!r}" if case.headword != ORDER else "another order"
                self.unexplained.append(f"{case.strategy} {case.word!r}: {what}, and no reason explains it")

    def troubles(self) -> Iterator[str]:
        """What should not be: differences without a reason, reasons without a difference."""
        yield from self.unexplained
        for reason, tally in self.tallies.items():
            for example in reason.examples:
                if example not in tally.questions:
                    yield f"{reason.name}: does not explain {example.strategy} {example.word!r}"

    def table(self) -> str:
        """The reasons, and how much each explains."""
        rows = [f"{'questions':>9} {'only ours':>9} {'only theirs':>11}"]
        for reason, tally in self.tallies.items():
            rows.append(f"{len(tally.questions):9,} {tally.ours:9,} {tally.theirs:11,}  {reason.name}")
        return "\n".join(rows)


def compared(index: Path, questions: Sequence[Question], theirs: int, ours: int) -> Comparison:
    """Ask both.

    :param index: of which dictionary they have; they call it ``wn``.
    :param theirs: the port of C dictd; ``ours`` that of dictd.
    """
    comparison, headwords = Comparison(), Headwords.of(index)
    with ThreadPoolExecutor(2) as both:
        answers = zip(*both.map(lambda port: answered(port, questions), (theirs, ours)), strict=True)
    for question, (of_theirs, of_ours) in zip(questions, answers, strict=True):
        comparison.count(question, list(_cases(headwords, question, of_theirs, of_ours)))
    return comparison


def answered(port: int, questions: Sequence[Question]) -> list[list[str]]:
    """The headwords that a server finds for each question, in lower case, in its order."""
    found = []
    for at in range(0, len(questions), _AT_ONCE):
        some = questions[at : at + _AT_ONCE]
        lines = iter(talk(port, b"".join(question.line() for question in some)).split("\r\n"))
        found += [_answer(question, lines) for question in some]
        assert next(lines) == "", "more was answered than asked"
    return found


def _answer(question: Question, lines: Iterator[str]) -> list[str]:
    status = next(lines)
    if status.startswith("552 "):
        return []
    assert status.startswith("152 "), (question, status)
    found = [line.removeprefix('wn "').removesuffix('"').casefold() for line in iter(lines.__next__, ".")]
    assert next(lines).startswith("250 "), question
    assert len(found) == len(set(found)) == int(status.split()[1]), f"{question}: twice the same, or the wrong number"
    return found


def _cases(headwords: Headwords, question: Question, theirs: list[str], ours: list[str]) -> Iterator[Case]:
    if theirs == ours:
        return
    in_theirs, in_ours = set(theirs), set(ours)
    for headword in (
        *(word for word in ours if word not in in_theirs),
        *(word for word in theirs if word not in in_ours),
    ):
        mine = headword in in_ours
        cut = len(theirs if mine else ours) >= LIMIT
        yield Case(headwords, question.strategy, question.word, headword, mine, cut, len(theirs))
    of_both = [word for word in ours if word in in_theirs]
    if of_both != [word for word in theirs if word in in_ours]:
        spelled = sorted(of_both, key=lambda word: (word != question.word, word))  # the word itself first
        yield Case(headwords, question.strategy, question.word, ORDER, ours=of_both == spelled)


def main() -> int:
    """Compare all of it."""
    try:
        index = fetch("dict-wn") / "usr/share/dictd/wn.index"
        peer = CDictd.started("wn")
    except OSError as error:
        print(f"compare-matches: C dictd and its WordNet cannot be had: {error}", file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="dictd-compared-") as directory:
            return _compare(index, Path(directory) / "state", peer)
    finally:
        peer.stop()


def _compare(index: Path, state: Path, peer: CDictd) -> int:
    done = dictctl(state, "import", str(index))
    assert done.returncode == 0, done.stderr.decode()
    server = Server.started(state)
    try:
        begun = time.monotonic()
        asking = questions(index, _WORDS, _WORDS)
        comparison = compared(index, asking, peer.port, server.port)
    finally:
        server.kill()
    print(f"{len(asking):,} questions about {_WORDS:,} words in {time.monotonic() - begun:.0f} s,", end=" ")
    print(f"{comparison.alike:,} answered alike; what differs:\n{comparison.table()}")
    troubles = list(comparison.troubles())
    if troubles:
        print(*troubles[:200], sep="\n")
        print(f"{len(troubles):,} without a reason", file=sys.stderr)
    return bool(troubles)


if __name__ == "__main__":
    sys.exit(main())
