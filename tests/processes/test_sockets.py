"""Listening sockets of this machine."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Settings
from dictd.errors import SettingsRefused
from dictd.processes import sockets
from dictd.processes.slot import Slot
from dictd.processes.sockets import Entrance
from tests.support.peer import free_port


def listening(**chosen: Any) -> Settings:
    """Settings that listen like this."""
    wanted: dict[str, Any] = {"addresses": ("127.0.0.1",), "port": 0, "workers": 2}
    return evolve(Settings(), listen=evolve(Settings().listen, **(wanted | chosen)))


class Opening(SynchronousTestCase):
    """Sockets for two workers."""

    def opened(self, before: Sequence[Entrance] = (), **chosen: Any) -> list[Entrance]:
        """Open, and close at the end."""
        found = sockets.entrances(listening(**chosen), {}, before)
        self.addCleanup(sockets.close, found)
        return found

    def refusal(self, before: Sequence[Entrance] = (), **chosen: Any) -> str:
        """The one line with which it is refused."""
        text = self.assertRaises(SettingsRefused, sockets.entrances, listening(**chosen), {}, before).text
        self.assertNotIn("\n", text)
        return text

    def test_siblings(self) -> None:
        """One socket a worker at one port; connections go to both, and none of them is inherited by children."""
        (entrance,) = self.opened()
        self.assertEqual(len({one.getsockname() for one in entrance.sockets}), 1)
        self.assertEqual(len(entrance.sockets), 2)
        callers = [socket.create_connection(("127.0.0.1", entrance.port)) for _ in range(60)]
        for caller in callers:
            self.addCleanup(caller.close)
        for one in entrance.sockets:
            self.assertFalse(os.get_inheritable(one.fileno()))
            self.assertFalse(one.getblocking())
            one.accept()[0].close()  # raises when there is none

    def test_second_server(self) -> None:
        """SO_REUSEPORT does not let a second server join; the first keeps its port."""
        (entrance,) = self.opened()
        self.assertIn(
            f"port {entrance.port} of 127.0.0.1 is taken by another program", self.refusal(port=entrance.port)
        )
        self.assertIn("--port", self.refusal(port=entrance.port))
        with socket.create_connection(("127.0.0.1", entrance.port)):
            pass

    def test_nothing_is_left_open(self) -> None:
        """When one address is refused, those that were opened for it are closed again, and old ones are not."""
        (old,) = self.opened()
        before = len(os.listdir("/proc/self/fd"))
        self.assertIn(
            "192.0.2.1 is not an address of this machine",
            self.refusal([old], addresses=("127.0.0.1", "127.0.0.5", "192.0.2.1")),
        )
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)
        self.assertEqual(len(old.sockets), 2)

    def test_dual_stack(self) -> None:
        """ "::" alone takes IPv4 too; beside 0.0.0.0 each takes its own."""
        (both,) = self.opened(addresses=("::",))
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, both.port)).close()
        pair = self.opened(addresses=("0.0.0.0", "::"))  # noqa: S104
        self.assertEqual([len(one.sockets) for one in pair], [2, 2])
        self.assertEqual(pair[0].port, pair[1].port)

    def test_before(self) -> None:
        """What is open already and still wanted is kept, sockets and port; what is new is opened at that port."""
        (old,) = self.opened()
        kept = list(old.sockets)
        one, more = self.opened([old], addresses=("127.0.0.1", "127.0.0.5"), workers=3)
        self.assertIs(one, old)
        self.assertEqual(one.sockets[:2], kept)
        self.assertEqual([len(one.sockets), len(more.sockets)], [3, 3])
        self.assertEqual(one.port, more.port)
        one.narrow(2)
        self.assertEqual(one.sockets, kept)

    def test_port_that_the_system_chose(self) -> None:
        """It stays, also where every address is another."""
        (old,) = self.opened()
        (new,) = self.opened([old], addresses=("127.0.0.5",))
        self.assertEqual((new.address, new.port), ("127.0.0.5", old.port))

    def test_all_addresses_instead_of_one(self) -> None:
        """The old address does not keep the new one from its port, and a stranger gets neither."""
        port = free_port()  # below those of outgoing connections, any of which would be in the way
        (old,) = self.opened(port=port)
        (every,) = self.opened([old], port=port, addresses=("0.0.0.0",))  # noqa: S104
        self.assertEqual(every.port, old.port)
        sockets.close([old])
        self.assertIn("is taken", self.refusal(port=every.port))
        (again,) = self.opened([every], port=port)
        self.assertEqual(again.port, every.port)

    def test_fewer_workers(self) -> None:
        """What is left over goes to those that are there: every socket has one worker that listens."""
        (entrance,) = self.opened(workers=3)
        for count in (1, 2, 3):
            owned = [one for number in range(count) for _, one in Slot.own([entrance], number, count)]
            self.assertEqual(sorted(one.fileno() for one in owned), sorted(one.fileno() for one in entrance.sockets))

    def test_no_more(self) -> None:
        """Where the system has no more sockets for more workers, none stays that nobody would listen on."""
        before = self.opened(addresses=("127.0.0.1", "127.0.0.2"), workers=1)
        real, most = sockets._listening, 3

        def few(*arguments: Any, **named: Any) -> socket.socket:
            nonlocal most
            most -= 1
            if most < 0:
                raise OSError(errno.EMFILE, "Too many open files")
            return real(*arguments, **named)

        self.patch(sockets, "_listening", few)
        self.assertIn("Too many open files", self.refusal(before, addresses=("127.0.0.1", "127.0.0.2"), workers=3))
        self.assertEqual([len(one.sockets) for one in before], [1, 1])

    def test_no_address(self) -> None:
        """An address that is not here is refused in one line."""
        self.assertIn("is not an address of this machine", self.refusal(addresses=("192.0.2.1",)))


class Unix(Opening):
    """A unix socket."""

    def setUp(self) -> None:
        """A directory whose path is short enough."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "dict.sock"

    def test_one_for_all(self) -> None:
        """All workers have one socket, everybody on the machine may connect, and the file goes with it."""
        _, entrance = self.opened(unix=str(self.path))
        self.assertEqual((len(entrance.sockets), entrance.shared, entrance.port), (1, True, 0))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o666)
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(self.path))
        entrance.close()
        self.assertFalse(self.path.exists())

    def test_of_a_dead_server(self) -> None:
        """A file that nobody listens on is taken away."""
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(self.path))
        self.opened(unix=str(self.path))
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(self.path))

    def test_of_somebody_else(self) -> None:
        """One that somebody listens on is his; a file that is no socket is somebody's."""
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.path))
            other.listen()
            self.assertIn("is taken by another program", self.refusal(unix=str(self.path)))
            self.assertTrue(self.path.exists())
        self.path.unlink()
        self.path.write_text("a letter")
        self.assertIn("cannot be listened on", self.refusal(unix=str(self.path)))
        self.assertEqual(self.path.read_text(), "a letter")


class Inherited(SynchronousTestCase):
    """LISTEN_FDS."""

    def handed(self, *names: str, pid: int = 0, count: str = "") -> list[Entrance]:
        """Hand over sockets, one a name, two of one name at one address; descriptors begin where they are free."""
        ports: dict[str, int] = {}
        first = 200
        for number, name in enumerate(names):
            with socket.socket() as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                one.bind(("127.0.0.1", ports.get(name, 0)))
                if name != "deaf":
                    one.listen()
                ports[name] = one.getsockname()[1]
                os.dup2(one.fileno(), first + number)
                self.addCleanup(_closed, first + number)
        self.patch(sockets, "_FIRST_INHERITED", first)
        environment = {
            "LISTEN_PID": str(pid or os.getpid()),
            "LISTEN_FDS": count or str(len(names)),
            "LISTEN_FDNAMES": ":".join(names),
        }
        return sockets._inherited(environment)

    def taken(self, *names: str, **more: Any) -> list[Entrance]:
        """As :meth:`handed`, closed at the end."""
        found = self.handed(*names, **more)
        for entrance in found:
            for one in entrance.sockets:
                self.addCleanup(one.detach)
        return found

    def test_names_are_kinds(self) -> None:
        """Two of one address are one entrance; a name that is no kind is the line protocol."""
        found = self.taken("dict", "dict", "dicts", "whatever")
        self.assertEqual([(one.kind, len(one.sockets)) for one in found], [("dict", 2), ("dicts", 1), ("dict", 1)])
        self.assertTrue(all(one.shared for one in found))
        found[0].widen(5, 10)
        found[0].narrow(1)
        self.assertEqual(len(found[0].sockets), 2)

    def test_shared_out(self) -> None:
        """With fewer sockets than workers each worker has one all the same."""
        found = self.taken("dict", "dict")
        owned = [Slot.own(found, number, 3) for number in range(3)]
        self.assertEqual([len(one) for one in owned], [1, 1, 1])

    def test_for_another(self) -> None:
        """What was for another process, or is no number, is not ours."""
        self.assertEqual(self.handed("dict", pid=1), [])
        self.assertEqual(self.handed("dict", count="two"), [])

    def test_deaf(self) -> None:
        """A socket that does not listen, and none at all, are refused."""
        self.assertRaisesRegex(SettingsRefused, "does not listen", self.handed, "deaf")
        self.assertRaisesRegex(SettingsRefused, "descriptor 200", self.handed, count="1")


def _closed(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.close(descriptor)
