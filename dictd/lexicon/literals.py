"""What must stand in a line for a pattern to match it, so that few lines are searched."""

from __future__ import annotations

import re

# One thing of a pattern in RE2's syntax, and how often it may stand.
_BRACKET = re.compile(r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]", re.DOTALL)
_ONE = re.compile(
    r"""(?P<plain>[^\\\[\](){}.*+?|^$]) | \\(?P<escaped>[!-/:-@\[-`{-~]) | (?P<begin>\^) | (?P<end>\$)
      | (?P<other>\\x\{[0-9A-Fa-f]+\} | \\[pP]\{[^}]*\} | \\[pP]. | \\. | \. | """
    + _BRACKET.pattern
    + ")",
    re.VERBOSE | re.DOTALL,
)
_QUANTIFIER = re.compile(r"(?P<none>[*?]|\{0*(?:,\d*)?\})\??|(?P<some>\+|\{\d+(?:,\d*)?\})\??")


def needle(pattern: str) -> bytes:
    """The longest run of bytes that stands in every line which a pattern matches.

    A line end in front of it, or behind, means the line's. What is not simple
    breaks a run: a group, a class, a repetition; of alternatives nothing is known.

    :param pattern: RE2's syntax.
    :returns: empty where nothing is known.

    >>> needle("^peng.*in$"), needle("a|b"), needle("colou?r")
    (b'\\npeng', b'', b'colo')
    """
    runs, run = [], ""
    at = 0
    while at < len(pattern):
        if pattern[at] == "|":
            return b""
        if pattern[at] == "(":
            runs.append(run)
            run, at = "", _behind_group(pattern, at)
            _, at = _repeated(pattern, at)
            continue
        one = _ONE.match(pattern, at)
        if one is None:
            return b""  # a syntax that is not known here
        at = one.end()
        repeated, at = _repeated(pattern, at)
        literal = one["plain"] or one["escaped"]
        if one["begin"] or one["end"]:
            literal = "" if run.endswith("\n") else "\n"
        if literal is None or repeated == "none":
            runs.append(run)
            run = ""
        elif repeated == "some":
            runs += [run + literal]
            run = literal
        else:
            run += literal
    runs.append(run)
    best = max(runs, key=len)
    return best.encode("utf-8").lower() if best.strip("\n") else b""


def _repeated(pattern: str, at: int) -> tuple[str, int]:
    """How often what stands before may stand: ``none``, ``some`` (at least once), empty for once; what follows."""
    kind = ""
    while quantifier := _QUANTIFIER.match(pattern, at):
        at = quantifier.end()
        kind = "none" if quantifier["none"] or kind == "none" else "some"
    return kind, at


def _behind_group(pattern: str, at: int) -> int:
    """Where the group that begins here has ended."""
    depth = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 2
            continue
        if bracket := _BRACKET.match(pattern, at):
            at = bracket.end()
            continue
        depth += (pattern[at] == "(") - (pattern[at] == ")")
        at += 1
        if not depth:
            break
    return at
