"""Runs of before, for people and as JSON: who did what when, each field before and after, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from reconciler.engine.run_history import PastRun, RecordedStep
from reconciler.model import Json, Step, Verdict
from reconciler.plans.masking import MaskedStep
from reconciler.reports.field_changes import render_fields
from reconciler.reports.json_document import encode_change, encode_step_head
from reconciler.reports.layout import Layout, Line, build_line, format_count, render_parts
from reconciler.reports.object_names import describe_object
from reconciler.reports.perspective import View
from reconciler.reports.step_table import VERDICTS
from reconciler.state.records import IntentResult, RunHolder, SettledAs, SettledBy

_SHORT_DIGEST = 12
_SHORT_COMMIT = 10
_STYLES = {"ok": "green", "running": "yellow", "unfinished": "bold red", "unknown": "bold red"}
SETTLED_VERDICTS = {
    SettledAs.APPLIED: Verdict.APPLIED,
    SettledAs.NOT_APPLIED: Verdict.NOT_APPLIED,
    SettledAs.UNKNOWN: Verdict.UNKNOWN,
}
"""What a record says of a step, in the word of a report."""
_SETTLED_BY = {
    SettledBy.ANSWER: "by the run itself",
    SettledBy.READ: "by reading back",
    SettledBy.LATER_RUN: "settled by reading, in run",
    SettledBy.PERSON: "settled by a person, in run",
}
Holders = Mapping[str, RunHolder]
"""Who ran, by the id of the run."""


def encode_runs(runs: Sequence[PastRun], holders: Holders) -> list[Json]:
    """Return the members of each run, with its steps."""
    return [
        {
            "id": run.id,
            "command": run.record.command,
            "started": run.record.started,
            "ended": run.record.ended,
            "outcome": {"code": None if run.exit is None else int(run.exit), "name": run.outcome},
            "targets": list(run.targets),
            "user": run.record.holder.actor,
            "host": run.record.holder.host,
            "job": run.record.holder.job,
            "tool": run.record.tool,
            "commit": run.record.commit,
            "plan": run.record.plan,
            "counts": dict(run.counts),
            "steps": [_encode_step(step, holders) for step in run.steps],
        }
        for run in runs
    ]


def render_runs(runs: Sequence[PastRun], layout: Layout) -> str:
    """Return a list of runs: how each ended, when, who it was, and what it was made from."""

    def report() -> Iterator[Line]:
        if not runs:
            yield build_line("No such run is remembered.")
        for number, run in enumerate(runs):
            if number:
                yield build_line()
            yield _render_title(run)
            yield build_line(f"    {_describe_time(run)}, {_describe_targets(run)}", hang=6)
            yield build_line(f"    {_describe_origin(run)}", hang=6)

    return render_parts(report(), layout)


def render_run(run: PastRun, layout: Layout, holders: Holders, *, full: bool = False) -> str:
    """Return one run whole: each step with its fields before and after, its request, and what came of it."""

    def report() -> Iterator[Line]:
        yield _render_title(run)
        yield build_line(f"    {_describe_time(run)}, {_describe_targets(run)}", hang=6)
        yield build_line(f"    {_describe_origin(run)}; reconciler {run.record.tool}", hang=6)
        for step in run.steps:
            yield build_line()
            yield from _render_step(step, _find_view(full=full), holders, names_target=len(run.targets) > 1)
        if not run.steps:
            yield build_line()
            yield build_line("It was about to send nothing.")

    return render_parts(report(), layout)


def render_life(runs: Sequence[PastRun], layout: Layout, holders: Holders, *, full: bool = False) -> str:
    """Return what runs did to the objects that were asked for, the newest first."""

    def report() -> Iterator[Line]:
        if not runs:
            yield build_line("No run that is remembered was about to change such an object.")
        for number, run in enumerate(runs):
            if number:
                yield build_line()
            yield _render_title(run, counted=False)
            yield build_line(f"    {_describe_time(run)}; {_describe_origin(run)}", hang=6)
            for step in run.steps:
                yield build_line()
                yield from _render_step(step, _find_view(full=full), holders, names_target=True)

    return render_parts(report(), layout)


def describe_runner(holder: RunHolder) -> str:
    """Say who ran, on which host or in which job."""
    person = f"{holder.actor} on {holder.host}" if holder.actor and holder.host else holder.actor or holder.host
    return ", ".join(filter(None, (person, holder.job))) or "nobody knows who"


def _describe_origin(run: PastRun) -> str:
    """Say who ran and what the run was made from, as far as that is recorded."""
    record = run.record
    digest = record.plan.removeprefix("sha256:")[:_SHORT_DIGEST]
    parts = (
        describe_runner(record.holder),
        f"commit {record.commit[:_SHORT_COMMIT]}" if record.commit else "",
        f"plan {digest}" if digest else "",
    )
    return "; ".join(filter(None, parts))


def _find_view(*, full: bool) -> View:
    # What makes a view show everything whole; no step here has a request that would have headers.
    return View(headers=(lambda _api, _version: {}) if full else None)


def _render_title(run: PastRun, *, counted: bool = True) -> Line:
    style = _STYLES.get(run.outcome, "bold yellow")
    counts = ", ".join(
        f"{run.counts[verdict.value]:,} {verdict.value.replace('_', ' ')}"
        for verdict in Verdict
        if run.counts.get(verdict.value)
    )
    amount = counts or ("" if run.exit is None else "nothing to send")
    suffix = f"  {amount}" if counted and amount else ""
    return build_line((run.id, "bold"), f"  {run.record.command}  ", (run.outcome, style), suffix, hang=4)


def _describe_time(run: PastRun) -> str:
    started = format_moment(run.record.started)
    if not run.record.ended:
        return f"{started} UTC"
    seconds = measure_seconds(run.record.started, run.record.ended)
    return f"{started} UTC" + ("" if seconds is None else f" ({seconds:,.1f} s)")


def _describe_targets(run: PastRun) -> str:
    return f"{'target' if len(run.targets) == 1 else 'targets'} {', '.join(run.targets)}"


def format_moment(time: str) -> str:
    """Return a time of a record as people read it, to the second."""
    return time[:19].replace("T", " ")


def measure_seconds(start: str, end: str) -> float | None:
    """Return the seconds between two times of records; None where one of them is no time."""
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    # Whoever can write to the store can write anything there.
    except (ValueError, TypeError):
        return None


def _render_step(step: RecordedStep, view: View, holders: Holders, *, names_target: bool) -> Iterator[Line]:
    display_step = MaskedStep(step.build_step())  # masked when it was recorded
    yield _render_heading(step, display_step, view, names_target=names_target)
    if step.body is None:
        yield build_line((f"    {step.explain_absence()}", "dim"), hang=6)
    elif step.body.is_masked:
        yield build_line(("    a secret in it is masked", "dim"), hang=6)
    if display_step.changes:
        yield from render_fields(display_step, view)
    request_id = f", request id {step.request_id}" if step.request_id else ""
    call = f"{step.intent.method} {step.intent.path}{request_id}"
    yield build_line((f"    {call}; intended {format_moment(step.recorded)}", "dim"), hang=6)
    if not step.results:
        yield build_line(("    no result was recorded: see `reconciler recover`", "bold red"), hang=6)
    for result in step.results:
        yield build_line((f"    {describe_result(result, holders)}", "dim"), hang=6)


def _render_heading(step: RecordedStep, display_step: MaskedStep, view: View, *, names_target: bool) -> Line:
    sign = view.find_words(display_step)
    facts = [describe_object(display_step, view), f"target {step.target}" if names_target else ""]
    return build_line(
        f"{step.intent.number + 1}  ",
        (sign.symbol, sign.style),
        f" {display_step.address.kind} {display_step.address.label}  ",
        VERDICTS[SETTLED_VERDICTS[step.verdict]],
        *(f"  {text}" for text in facts if text),
        (f"  {display_step.source}", "dim"),
        hang=4,
    )


def describe_result(result: IntentResult, holders: Holders) -> str:
    """Say what came of a step, or of an act of it, when, and how that is known."""
    subject = " ".join(filter(None, (result.act, result.outcome.value.replace("_", " "))))
    way = _SETTLED_BY[result.via]
    if result.via in (SettledBy.LATER_RUN, SettledBy.PERSON):
        holder = holders.get(result.by_run)
        way += f" {result.by_run}" + (f" ({describe_runner(holder)})" if holder else "")
    detail = f": {result.detail}" if result.detail else ""
    return f"{subject} {format_moment(result.at)}, {way}{detail}"


def _encode_step(step: RecordedStep, holders: Holders) -> dict[str, Json]:
    body = step.body
    return {
        "step": step.reference,
        **_encode_display_step(step.build_step()),
        **({} if body else {"risk": None, "source": ""}),
        "call": {"method": step.intent.method, "path": step.intent.path},
        "kept": body is not None,
        "masked": body is not None and body.is_masked,
        "verdict": step.verdict.value,
        "intended": step.recorded,
        "request_id": step.request_id,
        "results": [_encode_result(result, holders) for result in step.results],
    }


def _encode_display_step(step: Step) -> dict[str, Json]:
    return {**encode_step_head(step), "changes": [encode_change(change, None) for change in step.changes]}


def _encode_result(result: IntentResult, holders: Holders) -> dict[str, Json]:
    holder = holders.get(result.by_run)
    return {
        "act": result.act,
        "outcome": result.outcome.value,
        "by": result.via.value,
        "run": result.by_run,
        "user": holder.actor if holder else "",
        "at": result.at,
        "request_id": result.request_id,
        "detail": result.detail,
    }


def count_runs(runs: Sequence[PastRun]) -> str:
    """Say how many runs there are, for a log whose reader has the document elsewhere."""
    return format_count(len(runs), "run")
