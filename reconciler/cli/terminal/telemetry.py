"""A trace of the run for a collector, where `--otlp` or OpenTelemetry's variables ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.engine.phases import UNOBSERVED, PhaseObserver
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.cli.terminal.output import CommandResult
    from reconciler.telemetry.collector import Collector
    from reconciler.telemetry.recording import RecordedSpan, RunRecording

_SECONDS = 3.0
_LATE = "there was no answer in time"
_GOOD_EXITS = frozenset({Exit.OK, Exit.CHANGES})
_LOST = Diagnostic(
    "telemetry.not-sent",
    Source("OpenTelemetry"),
    "the trace was not sent",
    "the run is as it is told here",
    "see that the collector can be reached",
    Severity.NOTE,
)
BROKEN_OFF_TRACE = replace(_LOST, summary="the trace was not sent, since somebody did not wait for it")
"""What is said where somebody insists on the end."""


class Telemetry:
    """Watches the phases of one command where that is asked for: nothing at all without it."""

    def __init__(self) -> None:
        self._collector: Collector | None = None
        self._recording: RunRecording | None = None

    def arm(self, endpoint: str | None, env: Mapping[str, str]) -> None:
        """Begin to watch if there is a collector; raises UsageError for an endpoint that can't be one."""
        if endpoint is None and not any(name.startswith("OTEL_EXPORTER_OTLP_") for name in env):
            return
        from reconciler.telemetry.collector import choose_collector

        self._collector = choose_collector(endpoint, env)
        if self._collector and not self._collector.trouble:
            from reconciler.telemetry.recording import RunRecording

            self._recording = RunRecording()

    @property
    def phases(self) -> PhaseObserver:
        """Who is told of the run's phases."""
        return self._recording or UNOBSERVED

    @property
    def on_exchange(self) -> Callable[..., None] | None:
        """Who counts the run's requests, None for nobody."""
        return self._recording.count_request if self._recording else None

    def send(
        self, command: str, result: CommandResult, started: float, is_hurried: Callable[[], bool]
    ) -> list[Diagnostic]:
        """Send what was watched of a run, if anything; returns a note where that failed."""
        if self._collector is None:
            return []
        if trouble := self._collector.trouble:  # it says itself what to do
            return [replace(_LOST, summary=f"{_LOST.summary}: {trouble}", remedy="")]
        failure = self._export(command, result, started, is_hurried)
        return [replace(_LOST, summary=f"{_LOST.summary}: {failure}")] if failure else []

    def _export(self, command: str, result: CommandResult, started: float, is_hurried: Callable[[], bool]) -> str:
        from reconciler.transport.deadlines import run_within

        if self._collector is None or self._recording is None:
            return ""
        spans = _add_root(self._recording, command, result, started)
        (failure,) = run_within([partial(_export_spans, self._collector, spans)], _SECONDS, _LATE, is_hurried)
        return failure


def _export_spans(collector: Collector, spans: list[RecordedSpan]) -> str:
    """Raises nothing: whatever a collector does to its client is no matter of the run."""
    try:
        from reconciler.telemetry.otlp import export_spans

        return export_spans(collector, spans, _SECONDS)
    except Exception as fault:  # noqa: BLE001
        return f"OpenTelemetry failed ({type(fault).__name__})"


def _add_root(recording: RunRecording, command: str, result: CommandResult, started: float) -> list[RecordedSpan]:
    """Return the spans with the run itself as the first of them, of which all others are a part."""
    from reconciler.telemetry.recording import RecordedSpan

    is_failure = result.exit not in _GOOD_EXITS
    facts = _describe_run(command, result) | {"requests": recording.requests}
    facts |= {"steps_left_out": recording.left_out} if recording.left_out else {}
    parts = recording.list_spans()
    began = min((int(started * 1e9), *(span.began for span in parts)))
    root = RecordedSpan(f"reconciler {command}", began, recording.mark_time(), facts, None, is_failure)
    return [root, *(span._replace(parent=0 if span.parent is None else span.parent + 1) for span in parts)]


def _describe_run(command: str, result: CommandResult) -> dict[str, str | int]:
    facts: dict[str, str | int] = {
        "command": command,
        "exit_code": int(result.exit),
        "outcome": result.exit.word,
        "problems": len(result.problems),
    }
    if plan := result.plan:
        facts |= {"compared": plan.compared.objects, "declared": plan.compared.of, "steps": len(plan.steps)}
        facts["problems"] = len(result.problems) + len(plan.problems) + len(plan.gaps)
    if result.outcomes:
        from reconciler.plans.summary import count_by_verdict

        facts |= {verdict.value: number for verdict, number in count_by_verdict(result.outcomes).items()}
    run: Mapping[str, Any] = result.extra.get("run") or {}
    return facts | ({"run_id": run["id"]} if run.get("id") else {})
