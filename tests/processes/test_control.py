"""control.sock: lines of JSON, and who may write them."""

from __future__ import annotations

import json
import shutil
import socket
import stat
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import DictError, SettingsRefused
from dictd.processes import asking, channel, control
from dictd.processes.asking import NoServer
from dictd.processes.channel import Silent
from dictd.processes.control import ControlFactory
from dictd.processes.steering import Bans, Steered, Steering


@define(eq=False)
class Steer(Steered):
    """A process that answers what it was given, or nothing."""

    called: str
    answers: dict[Any, Any] = field(factory=dict)
    asked: list[tuple[Any, dict[str, Any]]] = field(factory=list)

    @property
    def name(self) -> str:
        """Its name."""
        return self.called

    async def ask(self, command: Any, **arguments: Any) -> dict[str, Any]:
        """Answer, or be silent."""
        self.asked.append((command, arguments))
        if command not in self.answers:
            raise Silent("no answer")
        answer = self.answers[command]
        return answer(**arguments) if callable(answer) else dict(answer)


@define(eq=False)
class Wheel(Steering):
    """A server of some processes."""

    bans: Bans
    processes: list[Steer] = field(factory=list)
    stopped: bool = False
    told: str = "2 new workers serve"

    def steered(self) -> Sequence[Steered]:
        """All."""
        return self.processes

    def status(self) -> dict[str, Any]:
        """Nothing much."""
        return {"workers": len(self.processes)}

    def counts(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    async def reload(self) -> str:
        """As told."""
        if self.told == "trouble":
            raise SettingsRefused("dictd.toml:3: no")
        if self.told == "breakdown":
            raise RuntimeError("s3cret")
        return self.told

    def stop(self) -> None:
        """Note it."""
        self.stopped = True


class Wheeled(SynchronousTestCase):
    """A wheel, and a line to it."""

    def setUp(self) -> None:
        """Nobody is connected."""
        self.directory = Path(tempfile.mkdtemp(prefix="dictd-control-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.wheel = Wheel(Bans(self.directory))

    def line(self, written: bytes) -> Any:
        """What a line is answered."""
        protocol: Any = ControlFactory(self.wheel).buildProtocol(None)
        transport = StringTransport()
        transport.connected = True
        protocol.makeConnection(transport)
        protocol.dataReceived(written)
        said = transport.value()
        assert said.count(b"\n") == 1, said
        return json.loads(said)

    def do(self, verb: str, **arguments: Any) -> Any:
        """What a verb is answered."""
        return self.line(json.dumps({"verb": verb, **arguments}).encode() + b"\n")


class Lines(Wheeled):
    """Framing and trouble."""

    def test_answered(self) -> None:
        """One line each; pieces of a line wait for its end."""
        protocol: Any = ControlFactory(self.wheel).buildProtocol(None)
        transport = StringTransport()
        transport.connected = True
        protocol.makeConnection(transport)
        protocol.dataReceived(b'{"verb": "bans"}\n{"verb": "ba')
        self.assertEqual(transport.value(), b'{"ok": []}\n')
        protocol.dataReceived(b'ns"}\n')
        self.assertEqual(transport.value(), b'{"ok": []}\n' * 2)

    def test_trouble(self) -> None:
        """A refusal is told as it is; what nobody expected is logged under an id, and its text is not told."""
        self.wheel.told = "trouble"
        self.assertEqual(self.do("reload"), {"trouble": "dictd.toml:3: no"})
        self.wheel.told = "breakdown"
        said = self.do("reload")["trouble"]
        self.assertRegex(said, "its log has trouble [0-9a-f]{8}$")
        self.assertNotIn("s3cret", said)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_no_verb(self) -> None:
        """What is no line of ours is refused, and nothing of it is logged as a fault."""
        for written in (b"\n", b"status\n", b"[]\n", b"{}\n", b'{"verb": 1}\n', b'{"verb": ["status"]}\n', b"\xff\n"):
            self.assertIn("verb", self.line(written)["trouble"])
        self.assertIn("there is no", self.do("__class__")["trouble"])
        self.assertIn("there is no", self.do("everywhere")["trouble"])
        self.assertIn("kick", self.do("kick")["trouble"])
        self.assertIn("kick", self.do("kick", name="a", other=1)["trouble"])
        self.assertIn("there is no \ud800", self.do("\ud800")["trouble"])

    @given(st.binary(max_size=200).filter(lambda written: b"\n" not in written))
    def test_whatever_comes(self, written: bytes) -> None:
        """Every line has one line of an answer."""
        self.assertIn("trouble", self.line(written + b"\n"))

    def test_too_long(self) -> None:
        """A line that does not end is cut off."""
        protocol: Any = ControlFactory(self.wheel).buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        protocol.dataReceived(b"x" * 70_000)
        self.assertTrue(transport.disconnecting)


class Verbs(Wheeled):
    """What the verbs do."""

    def test_sessions(self) -> None:
        """Pages of all processes, each row with its process; who is silent is left out."""
        rows = [{"peer": f"192.0.2.{number}"} for number in range(5)]

        def page(first: int) -> dict[str, Any]:
            return {"sessions": rows[first : first + 2], "more": first + 2 < len(rows)}

        self.wheel.processes = [Steer("one", {channel.Sessions: page}), Steer("dead")]
        found = self.do("sessions")["ok"]
        self.assertEqual(found, [{"process": "one", **row} for row in rows])

    def test_kick(self) -> None:
        """By the folded name, everywhere, the sum of what they ended."""
        self.wheel.processes = [
            Steer("one", {channel.Kick: {"count": 2}}), Steer("dead"), Steer("other", {channel.Kick: {"count": 1}}),
        ]  # fmt: skip
        self.assertEqual(self.do("kick", name="ALICE"), {"ok": 3})
        self.assertEqual(self.wheel.processes[2].asked, [(channel.Kick, {"name": "alice"})])

    def test_bans_are_kept(self) -> None:
        """A ban goes everywhere, is written down for this user alone, and holds after another start until lifted."""
        one = Steer("one", {channel.Ban: {"count": 4}})
        self.wheel.processes = [one]
        self.assertEqual(
            self.do("ban", network="192.0.2.77/24", seconds=60), {"ok": {"network": "192.0.2.0/24", "ended": 4}}
        )
        self.assertEqual(one.asked, [(channel.Ban, {"network": "192.0.2.0/24", "seconds": 60.0})])
        self.do("ban", network="2001:db8::1")
        self.assertEqual(stat.S_IMODE((self.directory / "bans.json").stat().st_mode), 0o600)
        self.wheel.bans = Bans(self.directory)
        bans = {ban["network"]: ban["seconds"] for ban in self.do("bans")["ok"]}
        self.assertEqual(bans.keys(), {"192.0.2.0/24", "2001:db8::1"})
        self.assertIsNone(bans["2001:db8::1"])
        self.assertLessEqual(bans["192.0.2.0/24"], 60)
        self.assertEqual(self.do("status")["ok"]["bans"], 2)
        self.assertEqual(self.do("lift", network="192.0.2.0/24"), {"ok": {"network": "192.0.2.0/24"}})
        self.assertEqual(one.asked[-1], (channel.Ban, {"network": "192.0.2.0/24", "seconds": 0.0}))
        self.assertEqual(set(Bans(self.directory).left()), {"2001:db8::1"})
        self.assertIn("is not banned", self.do("lift", network="192.0.2.0/24")["trouble"])

    def test_bans_that_are_none(self) -> None:
        """No address, no time: nothing is kept."""
        for arguments in (
            {"network": "everybody"}, {"network": "192.0.2.1", "seconds": 0}, {"network": "192.0.2.1", "seconds": -1},
            {"network": "192.0.2.1", "seconds": "nan"}, {"network": "192.0.2.1", "seconds": "inf"},
            {"network": "192.0.2.1", "seconds": "soon"}, {"network": None}, {"network": ["192.0.2.1"]},
        ):  # fmt: skip
            self.assertIn("trouble", self.do("ban", **arguments), arguments)
        self.assertEqual(self.wheel.bans.left(), {})

    def test_bans_over(self) -> None:
        """A ban that is over is forgotten."""
        self.wheel.bans.until["192.0.2.1"] = 1.0
        self.assertEqual(self.do("bans"), {"ok": []})

    def test_bans_that_cannot_be_read(self) -> None:
        """A spoilt file is told, and nobody is kept out."""
        for spoilt in ("{", "[]", '{"everybody": 1}', '{"192.0.2.1": "x"}', '{"192.0.2.1": null}'):
            (self.directory / "bans.json").write_text(spoilt)
            self.assertEqual(Bans(self.directory).until, {}, spoilt)

    def test_stop(self) -> None:
        """It is answered, and done."""
        self.assertEqual(self.do("stop"), {"ok": None})
        self.assertTrue(self.wheel.stopped)


class Socket(Wheeled):
    """The socket itself, and dictctl's end."""

    def answered(self, answer: bytes, verb: str = "status") -> Any:
        """Ask a server that answers this."""
        with control.bound(self.directory) as listening:
            listening.setblocking(True)

            def serve() -> None:
                with listening.accept()[0] as connection:
                    connection.recv(1000)
                    connection.sendall(answer)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            try:
                return asking.ask(self.directory, verb)
            finally:
                thread.join(10)

    def test_for_its_owner(self) -> None:
        """0600 from the beginning; what a dead server left is taken away, and so is nothing else."""
        for _ in range(2):
            control.bound(self.directory).close()
            mode = (self.directory / asking.FILE).stat().st_mode
            self.assertTrue(stat.S_ISSOCK(mode))
            self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_asked(self) -> None:
        """What it answers, and what it refuses."""
        self.assertEqual(self.answered(b'{"ok": {"a": 1}}\n'), {"a": 1})
        with self.assertRaises(DictError) as caught:
            self.answered(b'{"trouble": "no"}\n')
        self.assertEqual(caught.exception.text, "no")
        with self.assertRaises(NoServer):
            self.answered(b'{"ok": {"a"')

    def test_nobody(self) -> None:
        """No server, and a dead one, are told in one line."""
        for _ in range(2):
            with self.assertRaises(NoServer) as caught:
                asking.ask(self.directory, "status")
            self.assertIn("no server runs on", caught.exception.text)
            with socket.socket(socket.AF_UNIX) as dead:
                if not (self.directory / asking.FILE).exists():
                    dead.bind(str(self.directory / asking.FILE))

    def test_long_path(self) -> None:
        """A state directory with a path longer than a unix socket may have."""
        deep = self.directory / ("d" * 60) / ("e" * 60)
        deep.mkdir(parents=True)
        self.directory = deep
        self.assertEqual(self.answered(b'{"ok": 1}\n'), 1)
