"""A worker: ``python -m dictd.processes.worker``, started by the supervisor and by nobody else.

It reads one line of JSON from standard input, what it is to do; after that
standard input is its lifeline: when it ends, the supervisor has, and the worker
takes no more connections and ends within two seconds. Descriptor 3 is its
channel to the supervisor, the following are listening sockets; its log goes to
standard output, one JSON object a line.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger, globalLogBeginner
from twisted.python.failure import Failure

from dictd import config
from dictd.accounts.misses import Listed
from dictd.config import Settings
from dictd.errors import DictError
from dictd.processes import channel, logs
from dictd.processes.ending import end_soon
from dictd.processes.inside import Insight, Within
from dictd.processes.lines import first_line
from dictd.processes.remote import Remote
from dictd.processes.serving import Serving
from dictd.processes.state import State
from dictd.store.misses import Wanted

#: How often a worker says what changed, that it lives all the same, and how it is, seconds.
CHANGES, BEAT, FACTS = 0.1, 0.25, 1.0
#: How long answers may take once the supervisor is gone, and when all is over, seconds.
_LAST_WORDS, _LAST = 0.8, 1.6
#: Where the sockets are that it was started with.
_OWN = "own"
_PR_SET_PDEATHSIG = 1


@define(eq=False, repr=False)
class Worker:
    """What a worker does for the supervisor.

    :param ordinal: the number of this process among all that the server has started.
    :ivar tick: called about once a second: the log's.
    """

    reactor: Any
    serving: Serving
    channel: WorkerChannel
    ordinal: int = 1
    tick: Callable[[], None] = lambda: None
    _told: float = field(default=-FACTS, init=False)
    _beaten: float = field(default=0.0, init=False)
    _shown: list[Any] | None = field(default=None, init=False)
    _ending: bool = field(default=False, init=False)
    _stopping: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)
    log = Logger()

    def begin(self, sockets: list[dict[str, Any]]) -> None:
        """Open everything, listen, and say so.

        :param sockets: ``kind``, ``descriptor`` and ``family`` of each.
        :raises DictError: something is in the way.
        """
        self.serving.open()
        self.open_inside()
        for one in sockets:
            self.serving.listen(_OWN, one["kind"], one["descriptor"], one["family"])
            os.close(one["descriptor"])
        self.channel.tell(channel.Ready, facts=self._facts())
        self._beat()

    def open_inside(self) -> None:
        """The parts are there: from now on administrators can look at them."""
        self.channel.insight = Insight(self.serving, self.reactor, self.ordinal, self.channel.tell)

    def adopt(self, place: str, kind: str, descriptor: int) -> None:
        """Listen on the socket of another worker; the descriptor is ours now."""
        with socket.socket(fileno=descriptor) as listening:
            listening.setblocking(False)
            self.serving.listen(place, kind, listening.fileno(), listening.family)

    def end(self, seconds: float | None = None) -> None:
        """End: at once, or when the last connection has, at most after so many seconds; at once after all, if told."""
        if self._stopping or (self._ending and seconds is not None):
            return
        self._ending, self._stopping = True, seconds is None
        work = self.serving.stop() if seconds is None else self.serving.retire(seconds)
        Deferred.fromCoroutine(work).addBoth(self._ended)

    def orphaned(self) -> None:
        """The supervisor is gone: so are we, after the answers that are under way."""
        self._ending = self._stopping = True
        Deferred.fromCoroutine(self.serving.stop(_LAST_WORDS)).addBoth(self._ended)

    def _ended(self, result: Any) -> None:
        if isinstance(result, Failure):
            self.log.failure("the end went wrong", failure=result)
        if self._over:
            return
        self._over = True
        self.channel.tell(channel.Counts, snapshot=self.serving.parts.factory.service.tally.snapshot())
        end_soon(self.reactor)

    def _facts(self) -> dict[str, Any]:
        """How this process is; its dictionaries, of which there may be many, are told before, where they changed."""
        facts = self.serving.facts()
        dictionaries = facts.pop("dictionaries")
        if dictionaries != self._shown:
            self._shown = dictionaries
            for number, part in enumerate([*channel.parts(dictionaries)] or [[]]):
                self.channel.tell(channel.Dictionaries, rows=part, first=not number)
        return facts

    def _beat(self) -> None:
        self.reactor.callLater(CHANGES, self._beat)
        service, now = self.serving.parts.factory.service, self.reactor.seconds()
        changes, facts = list(service.doors.take_delta().items()), None
        if now - self._told >= FACTS:
            self._told = now
            facts = self._facts()
            self.tick()
            self.channel.tell(channel.Counts, snapshot=self.serving.counts())
        if not changes and facts is None and now - self._beaten < BEAT:
            return
        self._beaten = now
        for part in [*channel.parts(changes)] or [[]]:
            self.channel.tell(channel.Beat, doors=dict(part), facts=facts)
            facts = None


class WorkerChannel(Within):
    """The worker's end."""

    worker: Worker

    def responder(self, command: Any) -> Callable[..., Any]:
        """What answers a command, for whoever is in the same process."""
        method: Callable[..., Any] = getattr(self, re.sub("(?<=.)([A-Z])", r"_\1", command.__name__).lower())
        return method

    @channel.Elsewhere.responder
    def elsewhere(self, doors: dict[str, list[int]], counts: dict[str, Any] | None) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Elsewhere`."""
        service = self.worker.serving.parts.factory.service
        service.doors.add_elsewhere(doors, self.worker.reactor.seconds())
        if counts is not None:
            service.tally.elsewhere = counts
        return {}

    @channel.Expel.responder
    def expel(self, user: int, key: str | None = None) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Expel`."""
        return {"count": self.worker.serving.parts.factory.service.registrar.roster.expel(user, key=key)}

    @channel.Keep.responder
    def keep(self, user: int, keeps: bool) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Keep`."""
        return {"count": self.worker.serving.parts.factory.service.registrar.roster.keep(user, keeps)}

    @channel.TakeBack.responder
    def take_back(self, user: int, k: bytes | None = None) -> Any:
        """See :class:`dictd.processes.channel.TakeBack`."""
        taken = Deferred.fromCoroutine(self.worker.serving.parts.recorder.take_back(user, k))
        return taken.addCallback(lambda count: {"count": count})

    @channel.Adopt.responder
    def adopt(self, place: str, kind: str, descriptor: int) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Adopt`."""
        self.worker.adopt(place, kind, descriptor)
        return {}

    @channel.GiveBack.responder
    def give_back(self, place: str) -> Any:
        """See :class:`dictd.processes.channel.GiveBack`."""
        return Deferred.fromCoroutine(self.worker.serving.unlisten(place)).addCallback(lambda _: {})

    @channel.Retire.responder
    def retire(self, seconds: float) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Retire`."""
        self.worker.end(seconds)
        return {}

    @channel.Stop.responder
    def stop(self) -> dict[str, Any]:
        """See :class:`dictd.processes.channel.Stop`."""
        self.worker.end()
        return {}

    @channel.KeepMisses.responder
    def keep_misses(self) -> Any:
        """See :class:`dictd.processes.channel.KeepMisses`."""
        misses = self.worker.serving.parts.misses
        return Deferred.fromCoroutine(misses.flush()).addCallback(lambda _: {"count": misses.waiting})

    @channel.Misses.responder
    def misses(self, wanted: dict[str, Any], first: int) -> Any:
        """See :class:`dictd.processes.channel.Misses`."""
        parts, most = self.worker.serving.parts, wanted.pop("most")

        def answer(listed: Listed) -> dict[str, Any]:
            rest = listed.rows()[first:]
            part = next(channel.parts(rest), [])
            told = {"stored": listed.stored, "found": listed.found_now, "others": listed.others}
            return {"words": part, "more": len(part) < len(rest), **told}

        return Deferred.fromCoroutine(parts.misses.listed(parts.lexicon, Wanted(**wanted), most)).addCallback(answer)


def watch_lifeline(reactor: Any, orphaned: Any) -> None:
    """In a thread, for the reactor may hang: wait until standard input ends, then see to our end."""
    while os.read(0, 4096):
        pass
    reactor.callFromThread(orphaned)
    time.sleep(_LAST)
    os._exit(1)


def main() -> None:
    """The process."""
    order = json.loads(first_line())
    supervisor = order["supervisor"]
    # A stopped process would outlive its supervisor: its death wakes us, and the lifeline tells why.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)
    if os.getppid() != supervisor:
        sys.exit(1)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it is for the supervisor to say what they mean
    from dictd.processes import reactor as ours

    ours.install()
    from twisted.internet import reactor as installed

    reactor: Any = installed
    settings: Settings = config.load(tree=order["settings"])
    observer = logs.json_lines(settings.log, sys.stdout, "worker")
    globalLogBeginner.beginLoggingTo([observer])
    state = State(Path(order["state"]))
    link = WorkerChannel()
    serving = Serving(
        settings, state, reactor, Remote(link, reactor), lambda: link.tell(channel.Distrust), order["began"]
    )
    # A supervisor of before an upgrade does not say which process this is.
    worker = link.worker = Worker(reactor, serving, link, order.get("ordinal", os.getpid()), observer.tick)
    reactor.adoptStreamConnection(channel.CHANNEL, socket.AF_UNIX, channel.one(link))
    os.close(channel.CHANNEL)

    def begin() -> None:
        try:
            worker.begin(order["sockets"])
        except DictError as trouble:
            worker.log.error("{trouble}", trouble=trouble.text)
            os._exit(1)
        except Exception:  # noqa: BLE001 - told; the supervisor sees that it ended
            worker.log.failure("it cannot begin")
            os._exit(1)

    signal.signal(signal.SIGTERM, lambda *_: reactor.callFromThread(worker.end))
    threading.Thread(target=watch_lifeline, args=(reactor, worker.orphaned), daemon=True).start()
    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)


if __name__ == "__main__":
    main()
