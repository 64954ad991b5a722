"""What a client hears, read and judged: RFC 2229 2.4 and 3 written apart from the code they judge."""

from __future__ import annotations

import re
from collections.abc import Collection

from attrs import frozen

from tests.support.references import lines_of, strings_of

#: Statuses after which a text comes, up to a lone dot (RFC 2229 3; 180 and 184 are ours).
TEXTS = frozenset({110, 111, 112, 113, 114, 130, 151, 152, 180, 184})
#: Texts of which no two are the same: challenges and new secrets.
RANDOM = frozenset({130, 184})
#: Characters that neither leave nor are taken: C0 without TAB, DEL, C1, and what turns a line's direction or ends it.
NEVER = frozenset(
    map(chr, {*range(0x20), *range(0x7F, 0xA0), *range(0x2028, 0x202F), *range(0x2066, 0x206A)} - {ord("\t")})
)

#: How an answer to a verb may begin, its arguments being right or not. Of others only 500 is excluded.
BEGINNINGS: dict[str, set[int]] = {
    "QUERY": {150, 552},
    "DEFINE": {150, 550, 552},
    "MATCH": {152, 550, 551, 552},
    "SHOW DB": {110, 554},
    "SHOW STRAT": {111, 555},
    "SHOW INFO": {112, 550},
    "SHOW SERVER": {114},
    "CLIENT": {250},
    "OPTION MIME": {250},
    "STATUS": {210},
    "HELP": {113},
    "QUIT": {221},
    "REGISTER": {280, 481, 580, 581, 582, 583, 588},
    "LOGIN": {230, 481, 531},
    "HISTORY": {180, 287, 530},
    "FORGET": {283, 530},
    "INVITE": {288, 530, 589},
    "WHOAMI": {285},
    "LOGOUT": {285},
    "PASSWD": {282, 481, 530, 531, 582},
    "UNREGISTER": {286, 481, 530, 531},
}
#: How many arguments they have.
COUNTS = {"DEFINE": 2, "MATCH": 3, "SHOW INFO": 1, "REGISTER": 2, "LOGIN": 2, "PASSWD": 2, "UNREGISTER": 1}
COUNTS |= dict.fromkeys(("SHOW DB", "SHOW STRAT", "SHOW SERVER", "OPTION MIME", "STATUS", "WHOAMI", "LOGOUT"), 0)
#: Verbs that are never refused when their arguments have this number and no flaw.
ALWAYS = frozenset(
    {"SHOW DB", "SHOW STRAT", "SHOW SERVER", "OPTION MIME", "STATUS", "WHOAMI", "LOGOUT", "QUIT", "CLIENT"}
)
ALIASES = {
    "Q": "QUERY",
    "D": "DEFINE",
    "M": "MATCH",
    "R": "REGISTER",
    "L": "LOGIN",
    "H": "HISTORY",
    "E": "QUIT",
    "SHOW DATABASES": "SHOW DB",
    "SHOW STRATEGIES": "SHOW STRAT",
}
_QUOTED = r'"(?:[^"\\]|\\.)*"'
#: Texts that are lists, and how each line of them reads; an empty one is MIME's.
LISTS = dict.fromkeys((110, 111, 152), rf"\S+ {_QUOTED}|") | {180: rf"\S+ \S+ {_QUOTED} \d+|"}
_HTTP = re.compile(rb"[^a-z ]*[A-Z][^a-z ]* [^ ]+ HTTP/[^ ]*", re.DOTALL)


@frozen
class Answer:
    """What was answered to one line.

    :ivar codes: every status of it; the last is the final one.
    :ivar lines: the status lines and the texts, but those that are random.
    """

    codes: tuple[int, ...]
    lines: tuple[str, ...]


def legal(heard: bytes) -> list[str]:
    """The lines of a stream, once it is sure that each may leave."""
    lines = heard.decode("utf-8").split("\r\n")
    assert lines.pop() == "", f"the last line has no end: {heard[-60:]!r}"
    for line in lines:
        assert len(line) + 2 <= 1024, f"a line of {len(line)} characters: {line[:80]!r}"
        assert not {*line} & {*NEVER, "\t"}, f"what never leaves: {line!r}"
    return lines


def answers(heard: bytes) -> list[Answer]:
    """A stream of replies, one answer for each final status, in order."""
    found: list[Answer] = []
    lines = iter(legal(heard))
    for line in lines:
        codes = [_status(line)]
        kept = [line]
        if codes[0] == 150:
            for _ in range(int(line.split()[1])):
                kept.append(_next(lines))
                codes.append(_status(kept[-1]))
                assert re.fullmatch(rf"151 {_QUOTED} \S+ {_QUOTED}", kept[-1]), f"no 151: {kept[-1]!r}"
                kept += _text(lines)
        elif codes[0] in TEXTS:
            text = _text(lines)
            for line_of_list in text if codes[0] in LISTS else ():
                assert re.fullmatch(LISTS[codes[0]], line_of_list), f"no line of a {codes[0]}: {line_of_list!r}"
            kept += [] if codes[0] in RANDOM else text
        if codes[0] < 200:
            kept.append(_next(lines))
            codes.append(_status(kept[-1]))
        assert codes[-1] >= 200, f"no final status: {kept[-1]!r}"
        assert len(codes) == 1 or codes[-1] in (250, 284, 330), f"what follows a text: {kept[-1]!r}"
        found.append(Answer(tuple(codes), tuple(kept)))
    return found


def _status(line: str) -> int:
    assert re.match(r"[1-5]\d\d ", line), f"no status: {line!r}"
    return int(line[:3])


def _next(lines: object) -> str:
    line = next(lines, None)  # type: ignore[call-overload]
    assert isinstance(line, str), "the stream ends inside an answer"
    return line


def _text(lines: object) -> list[str]:
    text: list[str] = []
    while (line := _next(lines)) != ".":
        assert not line.startswith(".") or line.startswith(".."), f"a dot that is not stuffed: {line!r}"
        assert not re.match(r"\d\d\d( |$)", line), f"a text that looks like a status: {line!r}"
        text.append(line)
    return text


def judge(sent: bytes, heard: bytes, verbs: Collection[str]) -> list[Answer]:
    """Whether a connection was answered as it must be: a banner, then each line once, in order, and QUIT ends it.

    :param sent: everything that was said; what has no line end is no line.
    :param heard: everything that was answered.
    :param verbs: every name a verb has here, those of two words too.
    :returns: the answers without the banner.
    """
    said = answers(heard)
    banner, *given = said
    assert banner.codes == (220,), f"no banner: {banner}"
    for number, line in enumerate(lines_of(sent)):
        assert number < len(given), f"no answer to line {number}: {line!r}"
        answer = given[number]
        refuse = number == 0 and (line is None or _HTTP.fullmatch(line) is not None)
        right = {500} if refuse or line is None else _beginnings(line, verbs)
        code = answer.codes[0]
        assert code != 500 and code >= 100 if right is None else code in right, f"{line!r} was answered {answer}"
        if refuse or code == 221:
            assert len(given) == number + 1, f"more was answered after the end: {given[number + 1]}"
            return given
    count = len(lines_of(sent))
    assert len(given) == count, f"{len(given)} answers to {count} lines, the first too many is {given[count]}"
    return given


def _beginnings(line: bytes, verbs: Collection[str]) -> set[int] | None:
    """How the answer to a line may begin; ``None`` is with anything but 500."""
    strings, _ = strings_of(line.decode("utf-8", "surrogateescape"))
    strings = [*strings, ""]
    verb = strings[0].upper() if strings[0].isascii() else ""
    words = strings[1:-1]
    if verb not in verbs:
        if verb not in {name.partition(" ")[0] for name in verbs if " " in name}:
            return {500}
        verb = f"{verb} {strings[1].upper() if strings[1].isascii() else ''}"
        words = words[1:]
        if verb not in verbs:
            return {501, 503} if verb.startswith("OPTION ") else {501}
    verb = ALIASES.get(verb, verb)
    if verb not in BEGINNINGS:
        return None
    if _flawed(line) or len(words) != COUNTS.get(verb, len(words)):
        return {501}
    return BEGINNINGS[verb] | (set() if verb in ALWAYS else {501})


def _flawed(line: bytes) -> bool:
    # curl puts a backslash before each octet of a character.
    line = re.sub(rb"\\([\x80-\xff])", rb"\1", line)
    try:
        return not NEVER.isdisjoint(line.decode("utf-8"))
    except UnicodeDecodeError:
        return True
