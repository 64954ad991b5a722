"""What the log says: one line an event that nobody can forge, as text or as JSON.

Workers print JSON whatever is set; their supervisor reads the lines and says
them again with the name of the worker, so that there is one stream.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

from attrs import define, evolve, field, frozen
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from dictd.config import Settings
from dictd.repeats import Repeats
from dictd.sections import Log as LogSettings

#: Longest line of another process that is taken whole, characters.
MOST_LINE = 16 * 1024
#: Longest message and traceback, characters; of a traceback the end stays. Both fit into a line.
_MOST_MESSAGE, _MOST_TRACEBACK = 4000, 8000
#: Each port and connection that Twisted opens or closes, which is for who looks for a fault.
_CHATTER = re.compile(r"twisted\.protocols\.amp .*|log_legacy (.* starting on .*|\(.* Closed\))", re.DOTALL)
#: What is printed or comes from elsewhere is of one kind, however different its lines are.
_PRINTED_TIMES = 10

# Control characters, line and paragraph separators, marks that turn the direction of writing, halves of characters.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_IDENTITY = re.compile("[0-9a-f]{8}")
_PLACES = re.compile(r"\{[^}]*\}")
_LEVELS = {level.name: level for level in LogLevel.iterconstants()}


@frozen
class Entry:
    """One event, ready to be written.

    :ivar time: seconds since 1970.
    :ivar who: the process: ``supervisor``, ``worker 1``, ``publisher``.
    :ivar level: one of ``LogLevel``.
    :ivar message: one line, control characters escaped.
    :ivar trouble: the id that the client was told, or empty; ``traceback``: lines, or empty.
    :ivar audit: what an administrator did.
    """

    time: float
    who: str
    level: Any
    namespace: str
    message: str
    trouble: str = ""
    traceback: str = ""
    audit: bool = False

    @classmethod
    def of(cls, event: LogEvent, who: str) -> Entry:
        """An event as it happened in this process, or as :func:`relay` has brought it."""
        failure = _failure(event)
        level = event.get("log_level")
        namespace = event.get("log_namespace")
        return cls(
            time=float(event.get("log_time", 0.0)),
            who=str(event.get("who", who)),
            level=level if level is not None else LogLevel.info,
            namespace=escaped(str(namespace) if namespace else "-"),
            message=escaped(_shortened(_message(event))),
            trouble=_identity(event),
            traceback=_traceback(event.get("traceback") or (failure.getTraceback() if failure else "")),
            audit="audit" in event,
        )


def escaped(text: str) -> str:
    """Text that stays in its line: what is not to be seen is written out, as in ``\\x1b``."""
    return text if text.isprintable() else _CONTROL.sub(_written_out, text)


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _failure(event: LogEvent) -> Failure | None:
    """What an event tells of, also one of ``twisted.python.log.err``."""
    failure = event.get("log_failure") or event.get("failure")
    return failure if isinstance(failure, Failure) else None


def _identity(event: LogEvent) -> str:
    """The id of trouble; others have no more than a word of that name in what they say."""
    trouble = str(event.get("trouble", ""))
    return trouble if _IDENTITY.fullmatch(trouble) else ""


def _message(event: LogEvent) -> str:
    if "relayed" in event:
        return str(event["relayed"])
    if "log_text" in event and _failure(event) is not None:
        return str(event.get("why") or "unexpected trouble")  # the text has the traceback in it
    text = formatEvent(event)
    if not text and event.get("log_failure") is not None:
        return "unexpected trouble"
    return text


def _shortened(message: str) -> str:
    return message if len(message) <= _MOST_MESSAGE else message[:_MOST_MESSAGE] + "..."


def _traceback(text: str) -> str:
    if not text:
        return ""
    lines = "\n".join(escaped(line.expandtabs()) for line in text.rstrip("\n").split("\n"))
    return lines if len(lines) <= _MOST_TRACEBACK else "..." + lines[-_MOST_TRACEBACK:]


def as_text(entry: Entry) -> str:
    """``2026-11-23T15:04:05+0000 worker 1 [dictd.lexicon] message``; below it the traceback, indented."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(entry.time))
    level = "" if entry.level is LogLevel.info else f"#{entry.level.name}"
    text = f"{when} {entry.who} [{entry.namespace}{level}] {entry.message}\n"
    if entry.traceback:
        text += "".join(f"    {line}\n" for line in entry.traceback.split("\n"))
    return text


def as_json(entry: Entry) -> str:
    """One object in one line; ``trouble``, ``traceback`` and ``audit`` only where there are."""
    when = datetime.fromtimestamp(entry.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {
        "time": when,
        "level": entry.level.name,
        "who": entry.who,
        "namespace": entry.namespace,
        "message": entry.message,
        "trouble": entry.trouble,
        "traceback": entry.traceback,
        "audit": entry.audit,
    }
    line = json.dumps({key: value for key, value in told.items() if value or key == "message"}, ensure_ascii=False)
    if len(line) >= MOST_LINE and entry.traceback:
        return as_json(evolve(entry, traceback=entry.traceback[len(entry.traceback) // 2 + 1 :]))
    return line + "\n"


_FORMS: dict[str, Callable[[Entry], str]] = {"text": as_text, "json": as_json}


@frozen
class _Kind:
    """What is said too often is of one process, level and part of the program, and in one form of words."""

    who: str
    level: Any
    namespace: str
    form: str


@implementer(ILogObserver)
@define(eq=False)
class Observer:
    """Writes events: those of the level that is set, none too often, each in its form.

    :param write: takes a whole line, or an entry of several; may be called by any thread.
    :param who: this process.
    :param form: ``text`` or ``json``; empty: what is set.
    """

    _settings: LogSettings
    _write: Callable[[str], object]
    who: str
    _form: str = ""
    _steady: Callable[[], float] = time.monotonic
    _wall: Callable[[], float] = time.time
    _repeats: Repeats[_Kind] = field(init=False)
    _lost: int = field(default=0, init=False)
    _lock: Any = field(factory=threading.RLock, init=False)

    @_repeats.default
    def _no_repeats(self) -> Repeats[_Kind]:
        return Repeats(self._settings.repeats)

    def follow(self, settings: Settings) -> None:
        """New settings."""
        self._settings = settings.log
        self._repeats.most = settings.log.repeats

    def __call__(self, event: LogEvent) -> None:
        """Write one event, if it is to be written."""
        level = event.get("log_level") or LogLevel.info
        if level is LogLevel.info and _CHATTER.fullmatch(f"{event.get('log_namespace')} {event.get('log_text', '')}"):
            level = LogLevel.debug
        # What an administrator did is told line by line, whatever is set.
        audit = "audit" in event
        if level < _LEVELS[self._settings.level] and not audit:
            return
        # Another process has kept its own from being said too often; what it only prints it has not.
        own = ("relayed" not in event or "log_io" in event) and not audit
        who = str(event.get("who", self.who))
        kind = _Kind(who, level, str(event.get("log_namespace")), str(event.get("log_format")))
        printed = "log_io" in event or "log_text" in event
        with self._lock:
            if own and not self._repeats.admit(kind, self._steady(), _PRINTED_TIMES if printed else 1):
                return
            self._put(Entry.of(event, self.who))

    def tick(self, at_the_end: bool = False) -> None:
        """To be called about once a second: say what was kept back, once its time is over.

        :param at_the_end: of the process, when the rest is said too.
        """
        with self._lock:
            for kind, count in self._repeats.over(math.inf if at_the_end else self._steady()):
                like = f": {kind.form}" if _PLACES.sub("", kind.form).strip(" :") else ""
                message = escaped(f"... and {count} more like this{like}")
                self._put(Entry(self._wall(), kind.who, kind.level, escaped(kind.namespace), message))

    def _put(self, entry: Entry) -> None:
        """Write, and where that cannot be done count: a full disk must not stop the server."""
        form = _FORMS[self._form or self._settings.format]
        try:
            if self._lost:
                words = f"{self._lost} entries could not be written here"
                self._write(form(Entry(self._wall(), self.who, LogLevel.warn, __name__, words)))
                self._lost = 0
            self._write(form(entry))
        except OSError:
            self._lost += 1


def json_lines(settings: LogSettings, stream: TextIO, who: str) -> Observer:
    """The log of a worker: JSON lines, whatever is set, for :func:`relay` in its supervisor.

    :param stream: its standard output, before Twisted takes that over.
    """

    def write(line: str) -> None:
        stream.write(line)
        stream.flush()

    return Observer(settings, write, who, form="json")


def relay(
    line: str,
    who: str,
    plain: LogLevel = LogLevel.warn,
    publish: Callable[[LogEvent], None] = globalLogPublisher,
) -> None:
    """Say a line of another process again, with its own time and level.

    :param line: without its end; of one that is too long the beginning is said.
    :param who: the process.
    :param plain: the level of a line that is no JSON of ours, which is said as it is.
    """
    event: LogEvent = {"who": who, "log_system": who, "log_format": "{who}: {relayed}", "log_namespace": "stdout"}
    told = _told(line)
    if told is None:
        cut = line if len(line) <= MOST_LINE else line[:MOST_LINE] + "..."
        event |= {"log_level": plain, "log_time": time.time(), "relayed": cut, "log_io": cut}
    else:
        event |= told
    publish(event)


def said(line: str) -> str:
    """What a line of another process says: of JSON of ours the message."""
    told = _told(line)
    return line if told is None else str(told["relayed"])


def _told(line: str) -> LogEvent | None:
    """The event of a line of :func:`as_json`, or ``None``."""
    if len(line) > MOST_LINE or not line.startswith("{"):
        return None
    try:
        told = json.loads(line)
        event = {
            "log_level": _LEVELS[told["level"]],
            "log_time": datetime.fromisoformat(told["time"]).timestamp(),
            "log_namespace": str(told["namespace"]),
            "relayed": str(told["message"]),
        }
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    return event | {key: str(told[key]) for key in ("trouble", "traceback", "audit") if key in told}
