"""What the runs of one schedule touch: a server, a store, time, other people. Whatever goes wrong does so here."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count
from typing import NamedTuple

from reconciler.model import Reply
from reconciler.selftest.faults import WORLD_FAULTS, Channel, FaultProgram, IoEvent, NoFaults
from reconciler.selftest.foreign_edits import ForeignEditor
from reconciler.selftest.history import History, StoreTouched, WriteLanded
from reconciler.selftest.memory_backend import SharedRecords
from reconciler.selftest.virtual_time import VirtualClock
from reconciler.simulator.exchange import Exchange
from reconciler.simulator.http.faults import FaultRegistry
from reconciler.simulator.http.messages import HttpReply, HttpRequest
from reconciler.simulator.world.identities import IssuedTokens
from reconciler.simulator.world.places import Places
from reconciler.simulator.world.seed import add_accounts, build_starting_world
from reconciler.simulator.world.switches import Setting, Switches
from reconciler.state.records import RunHolder
from reconciler.state.store_errors import StoreFull, StoreUnreachable

CERTIFICATES = 12
PAUSE = 200.0
"""Seconds for which a run is suspended: longer than any lease lasts."""
_COSTS: Mapping[Channel, float] = {"login": 0.05, "read": 0.05, "write": 0.1, "store": 0.01}
_SECRETS = {
    name: f"{name}-of-the-selftest"
    for name in ("password", "client_secret", "access_key", "secret_key", "iam_password", "admin")
}
_DAY = 86_400.0


class Crashed(BaseException):
    """The process is gone. Nothing in the tool catches it, and whatever it still tries does nothing."""


class Process(NamedTuple):
    """One process that runs one command: the id of its run, and the machine that it is on."""

    run: str
    number: int
    machine: str


class _InFlight(NamedTuple):
    due: float
    process: Process
    call: str
    request: HttpRequest


class Environment:
    """One schedule's world. `on_second_run` is what another run does, given how long it waits for a lease."""

    def __init__(
        self, program: FaultProgram, generator: random.Random, switches: Mapping[str, Setting] | None = None
    ) -> None:
        self.program, self.clock, self.history = program, VirtualClock(), History()
        self.records = SharedRecords(self.history)
        self.world = build_starting_world(CERTIFICATES, 1, Switches(switches))
        add_accounts(self.world, _SECRETS)
        # Each token that a run has seen is looked for in whatever it tells: equal ones are compiled to patterns once.
        self.world.bearer_tokens, self.world.iam_tokens = (
            IssuedTokens(self.clock.read, partial(_number_token, count(), name)) for name in ("bearer", "iam")
        )
        self.exchange = Exchange(Places(self.world), FaultRegistry(), 0, _refuse_edit)
        self.env = {"COMMAND_SECRET": _SECRETS["client_secret"], "CSMS_TOKEN": self.issue_token()}
        self.editor = ForeignEditor(self.world, self.exchange, _SECRETS["admin"], generator)
        self.dead: set[str] = set()
        self.shown: dict[str, tuple[Reply, int]] = {}
        self.on_second_run: Callable[[float], None] = lambda _timeout: None
        self.before_event: Callable[[Process, Channel], None] = lambda _process, _channel: None
        self.event_count = 0
        self.has_remote_store = False
        self.channels: list[Channel] = []
        self._in_flight: list[_InFlight] = []
        self._is_nested = False

    def issue_token(self) -> str:
        """Return a token of CSMS that holds for a day."""
        return self.world.iam_tokens.issue("reconciler", _DAY)

    def begin_event(self, process: Process, channel: Channel, label: str) -> str:
        """Let an I/O event begin; returns what goes wrong with it, "" for nothing. Raises Crashed."""
        self.before_event(process, channel)
        self._check_alive(process)
        self.clock.sleep(_COSTS[channel])
        self.land_due()
        fault = self.program.choose(IoEvent(self.event_count, process.run, channel, label))
        self.event_count += 1
        self.channels.append(channel)
        self.tell(f"{process.run[-4:]} {channel} {label}{' !' + fault if fault else ''}")
        if not fault:
            return ""
        self.history.note_fault(fault)
        if fault == "crash_before":
            self.kill(process)
        self._act_outside(fault, channel)
        # Another run may have been the end of this one's patience, but not of its life.
        return fault

    def end_event(self, process: Process, fault: str) -> None:
        """Let an I/O event end; raises Crashed."""
        # After the event and not before it: between its look at the clock and its send no run can be protected.
        if fault == "pause":
            self.clock.sleep(PAUSE)
        if fault in ("crash_after", "crash_in_flight"):
            self.kill(process)

    def guard_store(self, process: Process, label: str) -> Callable[[], None]:
        """Let a transaction begin; returns what ends it. Raises StoreError or Crashed."""
        fault = self.begin_event(process, "store", label)
        self.history.add(StoreTouched(process.run))
        if fault == "store_full":
            raise StoreFull("the store")
        if fault == "store_unreachable":
            raise StoreUnreachable("the store", "it was made so")

        def finish() -> None:
            if fault == "store_lost_answer":
                raise StoreUnreachable("the store", "its answer was lost")
            self.end_event(process, fault)

        return finish

    def perform(self, process: Process, call: str, request: HttpRequest, deny_at_most: int | None = None) -> HttpReply:
        """Let the server carry a request out, and note what it did for it."""
        first = len(self.world.ledger)
        reply = self.exchange.process(request, deny_at_most)
        last = len(self.world.ledger)
        if last > first:
            self.history.add(WriteLanded(process.run, call, first, last))
        return reply

    def perform_later(self, seconds: float, process: Process, call: str, request: HttpRequest) -> None:
        """Let the server carry a request out when that much time has passed, whoever waits for it then."""
        self._in_flight.append(_InFlight(self.clock.now + seconds, process, call, request))

    def land_due(self, *, whatever: bool = False) -> None:
        """Let land what is due; `whatever` is under way, where nothing will happen any more."""
        due = [flight for flight in self._in_flight if whatever or flight.due <= self.clock.now]
        for flight in sorted(due, key=lambda flight: flight.due):
            self._in_flight.remove(flight)
            self.tell(f"{flight.process.run[-4:]} lands late")
            self.perform(flight.process, flight.call, flight.request)

    def kill(self, process: Process) -> None:
        """End a process: it never says another word."""
        self.dead.add(process.run)
        self.tell(f"{process.run[-4:]} is killed")
        raise Crashed

    def is_known_gone(self, holder: RunHolder, process: Process) -> bool:
        """Say whether a process can know that a holder of a lease ended: only that of one on its own machine."""
        return holder.machine == process.machine and holder.job in self.dead

    def tell(self, line: str) -> None:
        """Add a line to the timeline."""
        self.history.timeline.append(f"{self.clock.now:10.3f} {line}")

    def close(self) -> None:
        """Let go of everything."""
        self.records.close()

    def _check_alive(self, process: Process) -> None:
        if process.run in self.dead:
            raise Crashed

    def _act_outside(self, fault: str, channel: Channel) -> None:
        """Let others do something; what they do meets no faults of its own."""
        if fault == "expire_tokens":
            self.exchange.expire_tokens()
        elif fault in WORLD_FAULTS and fault not in ("second_run", "pause"):
            self.tell(f"somebody: {self.editor.edit(fault)}")
        elif fault == "lease_loss":
            self.clock.sleep(PAUSE)
            self._run_second(PAUSE)
        elif fault == "second_run":
            # A request that was begun ends before its run's lease does: nobody can take over while it is under way.
            self._run_second(0.0 if channel == "write" else PAUSE)

    def _run_second(self, timeout: float) -> None:
        if self._is_nested:
            return
        self._is_nested = True
        program, self.program = self.program, NoFaults()
        try:
            self.on_second_run(timeout)
        finally:
            self._is_nested, self.program = False, program


def _number_token(numbers: Iterator[int], name: str) -> str:
    return f"{name}-token-of-the-selftest-{next(numbers):04d}"


def _refuse_edit(*_arguments: object, **_names: object) -> None:
    raise AssertionError("edits are made by the campaign itself")
