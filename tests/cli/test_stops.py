"""What a signal means by how far a run has come, to the very moment; whole processes are in `test_signals`."""

from __future__ import annotations

import io
import json
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.cli.commands.apply import make_listener
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.progress import Progress
from reconciler.engine.execution import ExecutionContext, send_plan
from reconciler.engine.interrupts import StopSignals
from reconciler.engine.pipeline import JudgedPlan
from reconciler.kinds.registry import KINDS
from reconciler.model import Coverage, Plan
from reconciler.plans.masking import SecretMasker
from reconciler.reports.perspective import View
from reconciler.simulator import Simulator
from tests.support import disturbances as a
from tests.support.journals import Listening

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP

# what happens, one after the other -> which of the signals interrupt, whether a wish was heard
RUNS = {
    "while it looks, the first": (["INT"], [True], False),
    "while it looks, a hang-up": (["HUP"], [True], False),
    "while it sends": (["sending", "TERM"], [False], True),
    "while it sends, twice": (["sending", "TERM", "INT"], [False, True], True),
    "a hang-up is not the second": (["sending", "INT", "HUP", "HUP"], [False, False, False], True),
    "nor is what follows it the third": (["sending", "INT", "HUP", "INT"], [False, False, True], True),
    "what broke off a step does not break off the report": (
        ["sending", "INT", "INT", "INT", "INT"], [False, True, False, True], True
    ),
    "nor does one that came too late for the step": (
        ["sending", "INT", "telling", "INT", "INT"], [False, False, True], True
    ),
    "while it tells": (["telling", "INT", "HUP", "TERM"], [False, False, True], False),
    "telling begins once": (["sending", "telling", "INT", "telling", "INT"], [False, True], False),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_what_a_signal_means_is_a_matter_of_when(name: str) -> None:
    """KeyboardInterrupt or a wish."""
    events, expected, wished = RUNS[name]
    stops, raised = StopSignals(), []
    stages: dict[str, Callable[[], None]] = {
        "sending": lambda: stops.begin_sending(lambda: None),
        "telling": stops.begin_reporting,
    }
    with stops.handle_signals():
        for event in events:
            if event in stages:
                stages[event]()
                continue
            try:
                signal.raise_signal(signal.Signals[f"SIG{event}"])
                raised.append(False)
            except KeyboardInterrupt:
                raised.append(True)

    assert raised == expected
    assert stops.is_requested() is wished


def test_a_run_that_sent_all_it_had_to_send_is_at_its_report() -> None:
    """From the very return on: a signal neither ends it nor is promised what no longer can be."""
    session = Session(io.StringIO(), io.StringIO(), stderr := io.StringIO(), 0.0, {})
    with session.stops.handle_signals(), Progress(session) as progress:
        plan = Plan((), Coverage(0, 0))
        judged = JudgedPlan(plan, SecretMasker([]), SecretMasker([]).mask_plan(plan), ())
        listener = make_listener(session, judged, progress, lambda _: True, View())
        context = ExecutionContext({}, judged.masker, listener, session.stops, KINDS, Listening())
        sent = send_plan(plan, context)
        signal.raise_signal(INT)

    assert (sent, stderr.getvalue()) == (((), False, ()), "")


def test_whoever_handled_signals_before_gets_them_back() -> None:
    """Main may be called from another program; and what was ignored stays ignored all the while."""
    before = signal.signal(HUP, signal.SIG_IGN)
    try:
        kept = [signal.getsignal(number) for number in (INT, TERM, HUP)]
        stops = StopSignals()
        with stops.handle_signals():
            assert [signal.getsignal(number) for number in (INT, TERM, HUP)] == [stops, stops, signal.SIG_IGN]
        assert [signal.getsignal(number) for number in (INT, TERM, HUP)] == kept
    finally:
        signal.signal(HUP, before)


class Reader(io.StringIO):
    """A stdout that a signal comes with as soon as the report is about to be drawn for it, or written to it."""

    def __init__(self, moment: str) -> None:
        super().__init__()
        self.moments = [moment]

    def _now(self, moment: str) -> None:
        if moment in self.moments:
            self.moments.clear()
            signal.raise_signal(INT)

    def isatty(self) -> bool:
        self._now("drawn")
        return False

    def write(self, text: str, /) -> int:
        self._now("written")
        return super().write(text)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # typeshed has an attribute; to be asked is the moment
        self._now("drawn")
        return "utf-8"


@pytest.fixture
def server(folder: Path) -> Iterator[Simulator]:
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(f"apiVersion: reconciler/v1\n{a.HANDLER}")
    with Simulator(certificates=1) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        yield simulator


@pytest.mark.parametrize("moment", ["drawn", "written"])
@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize("command", [["apply", "--yes"], ["plan"]], ids=" ".join)
def test_a_report_on_its_way_arrives(server: Simulator, command: list[str], format_: str, moment: str) -> None:
    """Whole, once, and with the code that stands for what was done."""
    stdout, stderr = Reader(moment), io.StringIO()

    code = main([*command, "--format", format_], {}, stdout, stderr, io.StringIO())

    assert stdout.moments == [], "the signal came"
    assert code == 0
    assert stderr.getvalue().splitlines()[-1] == "exit 0: ok"
    if format_ == "json":
        assert len(json.loads(stdout.getvalue())["steps"]) == 1
    else:
        assert stdout.getvalue().startswith("Applied: 1 change" if command[0] == "apply" else "1 to update")


def test_impatience_with_a_step_that_just_ended_costs_no_report(server: Simulator) -> None:
    """The first Ctrl-C in the last step, the second when all is done: 130, and what was done is told."""
    here = threading.get_ident()
    server.fault("PUT", a.HANDLERS, "edit", call=lambda: signal.pthread_kill(here, INT))
    stdout, stderr = Reader("drawn"), io.StringIO()

    code = main(["apply", "--yes", "--format", "json"], {}, stdout, stderr, io.StringIO())

    assert (code, stdout.moments) == (130, [])
    assert [step["verdict"] for step in json.loads(stdout.getvalue())["steps"]] == ["applied"]
    assert stderr.getvalue().endswith("\nexit 130: interrupted\n")
