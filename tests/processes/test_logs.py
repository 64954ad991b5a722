"""What the log says, in memory."""

from __future__ import annotations

import io
import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.logger import LogEvent, Logger, LogLevel, LogPublisher, formatEvent
from twisted.python import log as legacy
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Settings
from dictd.processes.logs import MOST_LINE, Entry, Observer, as_json, escaped, json_lines, relay, said
from dictd.sections import Log as LogSettings

MORNING = 1_767_323_045.25

#: What a client could have put into a message.
TEXTS = st.text(st.characters() | st.sampled_from("\r\n\x1b\x00\x85\u2028\u202e\u2066"), max_size=60)


#: Other tests run beside this one.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Logging(SynchronousTestCase):
    """An observer that writes into a list."""

    def setUp(self) -> None:
        self.now = 0.0
        self.written: list[str] = []

    def observer(self, form: str = "text", **settings: Any) -> Observer:
        """One that writes; its clocks stand still."""
        return Observer(
            LogSettings(format=form, **settings),
            self.written.append,
            "server",
            steady=lambda: self.now,
            wall=lambda: MORNING,
        )

    def logger(self, observer: Any, namespace: str = "dictd.somewhere") -> Logger:
        """Somebody who logs."""

        def timed(event: LogEvent) -> None:
            observer(event | {"log_time": MORNING})

        return Logger(namespace=namespace, observer=timed)  # type: ignore[arg-type]

    def text(self) -> str:
        """What was written, without the times."""
        return re.sub(r"(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} ", "", "".join(self.written))

    def objects(self) -> list[dict[str, Any]]:
        """What was written, line by line."""
        return [json.loads(line) for line in "".join(self.written).splitlines()]


class Text(Logging):
    """For people."""

    def test_line(self) -> None:
        """Time, who, where, what; the level where it is not the usual one."""
        log = self.logger(self.observer())
        log.info("it is {what}", what="good")
        log.warn("it is {what}", what="odd")
        self.assertEqual(self.text(), "server [dictd.somewhere] it is good\nserver [dictd.somewhere#warn] it is odd\n")
        self.assertRegex(self.written[0], r"^2026-01-0\dT\d\d:\d\d:05[+-]\d{4} server ")

    def test_failure(self) -> None:
        """A failure has its traceback below the line, indented."""
        try:
            raise ValueError("one\ntwo \x1b[31m")
        except ValueError:
            self.logger(self.observer()).failure("trouble {trouble}", trouble="0123abcd")
        first, *rest = self.text().splitlines()
        self.assertEqual(first, "server [dictd.somewhere#critical] trouble 0123abcd")
        self.assertTrue(all(line.startswith("    ") for line in rest), rest)
        self.assertIn("    builtins.ValueError: one", rest)
        self.assertIn("    two \\x1b[31m", rest)

    def test_failure_without_words(self) -> None:
        """A failure that says nothing is told as that."""
        self.observer()({"log_failure": Failure(ValueError("x")), "log_level": LogLevel.critical, "log_time": 0.0})
        self.assertIn("[-#critical] unexpected trouble\n", self.text())

    @UNHURRIED
    @given(TEXTS, TEXTS)
    def test_nobody_forges(self, message: str, error: str) -> None:
        """Whatever is in a message, an event is one line, and with a traceback all others are indented."""
        self.written.clear()
        log = self.logger(self.observer())
        log.info("{message}", message=message)
        log.failure("{message}", failure=Failure(ValueError(error)), message=message)
        first, second, *rest = "".join(self.written).split("\n")[:-1]
        self.assertIn(" server [dictd.somewhere] ", first)
        self.assertIn(" server [dictd.somewhere#critical] ", second)
        self.assertTrue(all(line.startswith("    ") for line in rest), rest)
        for line in (first, second, *rest):
            self.assertEqual(len(line.splitlines() or [""]), 1)
            self.assertIsNone(re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", line))
            line.encode()

    def test_readable(self) -> None:
        """What anybody can read stays as it is."""
        for text in ("你好", "Mädchen", "C:\\x", "a  b", 'say "hi"', "\u00a0", "❄"):
            self.assertEqual(escaped(text), text)
        self.assertEqual(escaped("a\r\nb\tc"), "a\\r\\nb\\tc")

    def test_long(self) -> None:
        """A message has a bound, and of a traceback the end is told."""
        self.logger(self.observer()).info("{message}", message="x" * 100_000)
        self.assertLess(len(self.text()), 5000)
        self.written.clear()
        event = {"traceback": "begin\n" + "middle\n" * 10_000 + "end", "relayed": "x", "log_time": 0.0}
        self.observer()(event)
        self.assertLess(len(self.text()), 20_000)
        self.assertTrue(self.text().endswith("    end\n"))
        self.assertNotIn("begin", self.text())


class Json(Logging):
    """For programs."""

    def test_line(self) -> None:
        """One object a line, its time in UTC."""
        self.logger(self.observer("json")).warn("it is\n{what}", what="odd")
        self.assertEqual(
            self.objects(),
            [
                {
                    "time": "2026-01-02T03:04:05.250Z",
                    "level": "warn",
                    "who": "server",
                    "namespace": "dictd.somewhere",
                    "message": "it is\\nodd",
                }
            ],
        )

    def test_failure(self) -> None:
        """A failure has the id that the client was told, and its traceback."""
        self.logger(self.observer("json")).failure("trouble {trouble}", Failure(ValueError("x")), trouble="0123abcd")
        (told,) = self.objects()
        self.assertEqual((told["trouble"], told["level"]), ("0123abcd", "critical"))
        self.assertIn("builtins.ValueError: x", told["traceback"])

    def test_trouble_without_an_id(self) -> None:
        """What only says trouble has no id of it beside."""
        self.logger(self.observer("json")).error("{trouble}", trouble="the disk is full")
        (told,) = self.objects()
        self.assertEqual((told["message"], "trouble" in told), ("the disk is full", False))

    def test_what_a_line_says(self) -> None:
        """The message of one of ours, all of any other."""
        self.logger(self.observer("json")).error("{trouble}", trouble="the disk is full")
        self.assertEqual(said("".join(self.written).rstrip("\n")), "the disk is full")
        self.assertEqual(said("Traceback"), "Traceback")

    @UNHURRIED
    @given(TEXTS, TEXTS)
    def test_any(self, message: str, traceback: str) -> None:
        """Any event is one line that can be read again and that a relay takes whole."""
        entry = Entry(MORNING, "worker 1", LogLevel.info, "x", escaped(message * 50), "", escaped(traceback * 300))
        line = as_json(entry)
        self.assertEqual(len(line.splitlines()), 1)
        self.assertLessEqual(len(line), MOST_LINE)
        self.assertEqual(json.loads(line)["message"], entry.message)
        line.encode()


class Choosing(Logging):
    """What is written and what is not."""

    def test_level(self) -> None:
        """Only what is at least of the level that is set."""
        for level, count in (("debug", 5), ("info", 4), ("warn", 3), ("error", 2), ("critical", 1)):
            self.written.clear()
            log = self.logger(self.observer(level=level))
            for name in ("debug", "info", "warn", "error", "critical"):
                log.emit(LogLevel.lookupByName(name), "x")
            self.assertEqual(len(self.written), count, level)

    def test_audit(self) -> None:
        """What an administrator did is written whatever the level, and however often."""
        log = self.logger(self.observer(level="critical", repeats=1))
        for _ in range(3):
            log.info("shell 1> status()", audit=True)
        self.assertEqual(len(self.written), 3)

    def test_new_settings(self) -> None:
        """Level, form and repeats can be changed meanwhile."""
        observer = self.observer()
        log = self.logger(observer)
        settings = Settings(log=LogSettings(format="json", level="warn", repeats=1))
        observer.follow(settings)
        for _ in range(3):
            log.info("nothing")
            log.warn("something")
        self.assertEqual([told["message"] for told in self.objects()], ["something"])

    def test_repeats(self) -> None:
        """The same is said so often in ten seconds; then how often it would have been."""
        observer = self.observer(repeats=2)
        log = self.logger(observer)
        for number in range(5):
            log.warn("{number} fails", number=number)
        log.info("another")
        observer.tick()
        self.assertEqual(len(self.written), 3)
        self.now = 10.0
        observer.tick()
        observer.tick()
        self.assertEqual(
            self.text().splitlines()[2:],
            [
                "server [dictd.somewhere] another",
                "server [dictd.somewhere#warn] ... and 3 more like this: {number} fails",
            ],
        )
        log.warn("{number} fails", number=6)
        self.assertIn("6 fails", self.text())

    def test_repeats_at_the_end(self) -> None:
        """What was kept back is told when the process ends."""
        observer = self.observer(repeats=1)
        log = self.logger(observer)
        log.info("{line}", line="x")
        log.info("{line}", line="x")
        observer.tick(at_the_end=True)
        self.assertTrue(self.text().endswith("[dictd.somewhere] ... and 1 more like this\n"))

    def test_printed(self) -> None:
        """What is printed may have more lines, such as those of a traceback, but not any number."""
        observer = self.observer(repeats=2)
        for _ in range(50):
            observer({"log_io": "x", "log_format": "{log_io}", "log_namespace": "stderr", "log_time": 0.0})
            relay("printed", "worker 1", publish=observer)
        self.assertEqual(self.text().count("[stderr] x\n"), 20)
        self.assertEqual(self.text().count("worker 1 [stdout#warn] printed\n"), 20)

    def test_full_disk(self) -> None:
        """What cannot be written is counted, and told once that can be."""
        full = [True, True, False, False]

        def write(line: str) -> None:
            if full.pop(0):
                raise OSError(28, "No space left on device")
            self.written.append(line)

        observer = Observer(LogSettings(), write, "server", wall=lambda: MORNING)
        for number in range(3):
            self.logger(observer).info("event {number}", number=number)
        self.assertEqual(
            self.text().splitlines(),
            [
                "server [dictd.processes.logs#warn] 2 entries could not be written here",
                "server [dictd.somewhere] event 2",
            ],
        )

    def test_legacy(self) -> None:
        """What comes by twisted.python.log comes with its text."""
        publisher = LogPublisher(self.observer())
        old = legacy.LogPublisher(observerPublisher=publisher, publishPublisher=publisher)
        old.msg("an old message", system="old")
        old.msg(format="%(count)d old messages", count=2)
        old.msg(failure=Failure(ValueError("an old error")), why="why it is told", isError=1)
        said = self.text()
        for words in (
            "an old message\n",
            "2 old messages\n",
            "why it is told\n",
            "builtins.ValueError: an old error\n",
        ):
            self.assertIn(words, said)
        old.msg("DictFactory starting on 2628")
        old.msg("(TCP Port 2628 Closed)")
        self.logger(self.observer(), "twisted.protocols.amp").info("{x} connection established", x="AMP")
        self.assertEqual(self.text(), said)


class Relayed(Logging):
    """Lines of other processes."""

    def said(self, *lines: str, form: str = "text", **settings: Any) -> None:
        """A supervisor that reads these of worker 1."""
        for line in lines:
            relay(line, "worker 1", publish=self.observer(form, **settings))

    def of_worker(self, event: LogEvent) -> str:
        """The line that a worker writes."""
        stream = io.StringIO()
        json_lines(LogSettings(), stream, "worker")(event)
        return stream.getvalue().rstrip("\n")

    def test_round(self) -> None:
        """An event of a worker is the same in the one log: its time, level, id and traceback, under its name."""
        event = {
            "log_time": MORNING,
            "log_level": LogLevel.error,
            "log_namespace": "dictd.server",
            "log_format": "trouble {trouble}\x1b",
            "trouble": "0123abcd",
            "log_failure": Failure(ValueError("of a worker")),
        }
        self.said(self.of_worker(event), form="json")
        (told,) = self.objects()
        self.assertIn("builtins.ValueError: of a worker", told.pop("traceback"))
        self.assertEqual(
            told,
            {
                "time": "2026-01-02T03:04:05.250Z",
                "level": "error",
                "who": "worker 1",
                "namespace": "dictd.server",
                "message": "trouble 0123abcd\\x1b",
                "trouble": "0123abcd",
            },
        )
        self.written.clear()
        self.said(self.of_worker(event))
        self.assertTrue(self.text().startswith("worker 1 [dictd.server#error] trouble 0123abcd\\x1b\n    "))

    def test_braces(self) -> None:
        """A message with braces is not taken for a format, neither there nor here."""
        self.said(self.of_worker({"log_time": 0.0, "log_format": "{x}", "x": "{who} {y}"}))
        self.assertEqual(self.text(), "worker 1 [-] {who} {y}\n")

    def test_level(self) -> None:
        """The level of the whole holds for workers too."""
        self.said(self.of_worker({"log_time": 0.0, "log_level": LogLevel.info, "log_format": "x"}), level="warn")
        self.assertEqual(self.written, [])
        audit = {"log_time": 0.0, "log_level": LogLevel.info, "log_format": "shell 1 runs: 1", "audit": True}
        self.said(self.of_worker(audit), level="warn")
        self.assertEqual(self.text(), "worker 1 [-] shell 1 runs: 1\n")

    def test_no_limit_twice(self) -> None:
        """A worker has kept its own back already, so all of what it says is said."""
        line = self.of_worker({"log_time": 0.0, "log_format": "x"})
        observer = self.observer(repeats=1)
        for _ in range(5):
            relay(line, "worker 1", publish=observer)
        self.assertEqual(len(self.written), 5)

    def test_plain(self) -> None:
        """A line that is no JSON of ours is said as it is, at the level that is asked for."""
        for line in (
            "Fatal Python error: Segmentation fault",
            "{not json",
            "{}",
            "[1]",
            '{"level": "info"}',
            '{"level": "loud", "time": "2026-01-02T03:04:05Z", "namespace": "x", "message": "y"}',
            '{"level": [], "time": "2026-01-02T03:04:05Z", "namespace": "x", "message": "y"}',
            '{"level": "info", "time": 5, "namespace": "x", "message": "y"}',
            '{"level": "info", "time": "yesterday", "namespace": "x", "message": "y"}',
            "[" * 10_000,
            '{"a":' * 5000,
            "",
        ):
            self.written.clear()
            self.said(line)
            self.assertEqual(self.text(), f"worker 1 [stdout#warn] {line[:4000]}{'...' if len(line) > 4000 else ''}\n")
        self.written.clear()
        relay("animals is published", "publisher", LogLevel.info, self.observer())
        self.assertEqual(self.text(), "publisher [stdout] animals is published\n")

    def test_forged(self) -> None:
        """A worker that is made to say something says it in one line, whatever it is."""
        line = json.dumps(
            {
                "time": "2026-01-02T03:04:05Z",
                "level": "info",
                "namespace": "x]\n2026",
                "message": "a\n2026-01-02T03:04:05+0000 server [x] forged",
                "trouble": "\n",
                "traceback": "a\n2026-01-02 forged\r2026",
                "who": "supervisor",
            }
        )
        self.said(line)
        first, *rest = "".join(self.written).split("\n")[:-1]
        self.assertIn(" worker 1 [x]\\n2026] a\\n2026-01-02T03:04:05+0000 server [x] forged", first)
        self.assertEqual(rest, ["    a", "    2026-01-02 forged\\r2026"])

    def test_long(self) -> None:
        """Of a line that is too long the beginning is said."""
        self.said("x" * 10 * MOST_LINE)
        self.assertLess(len(self.text()), MOST_LINE)
        self.assertTrue(self.text().endswith("x...\n"))

    def test_other_observers(self) -> None:
        """An observer that is not ours, such as syslog's, has the words too."""
        events: list[LogEvent] = []
        relay(self.of_worker({"log_time": 0.0, "log_format": "x"}), "worker 1", publish=events.append)
        self.assertEqual(formatEvent(events[0]), "worker 1: x")
