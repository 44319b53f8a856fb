"""A run in the text format of Prometheus, for the node exporter's textfile collector.

https://prometheus.io/docs/instrumenting/exposition_formats/. Every series has the command and the scope of the run as
labels: the collector refuses two files with the same series. A series of which this run knows nothing is not there, so
that an alert can tell "no drift" from "not compared". The time of the last success is taken over from the file before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import Exit
from reconciler.plans.drift_items import DriftStatus
from reconciler.reports.fleet_matrix import build_fleet_matrix, is_fleet
from reconciler.reports.run_report import RunReport
from reconciler.sanitize import escape_invisible

if TYPE_CHECKING:
    from reconciler.plans.posture import Posture
    from reconciler.reports.formats import FormatContext

_LAST_SUCCESS = "reconciler_last_success_timestamp_seconds"
_SUCCESSFUL = frozenset({Exit.OK, Exit.CHANGES})
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"

Labels = Mapping[str, str]


class Metric(NamedTuple):
    """A gauge with its series: labels, and a value."""

    name: str
    help: str
    series: tuple[tuple[Labels, float], ...]


def render_prometheus(report: RunReport, context: FormatContext) -> str:
    """Return the metrics of a run."""
    common = {"command": report.command, "scope": context.scope}
    lines: list[str] = []
    for metric in (*_list_run_metrics(report, context, common), *_list_object_metrics(report, context)):
        if metric.series:
            lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} gauge"]
            lines += [
                f"{metric.name}{_format_labels({**common, **labels})} {_format_value(value)}"
                for labels, value in metric.series
            ]
    return "".join(f"{line}\n" for line in lines)


def _list_run_metrics(report: RunReport, context: FormatContext, common: Labels) -> Iterator[Metric]:
    start = context.moment.timestamp()
    end = start + context.seconds
    success = end if report.exit in _SUCCESSFUL else _find_former_success(context.former, common)
    outcomes = tuple(({"outcome": code.word}, float(code is report.exit)) for code in Exit)
    yield Metric("reconciler_run_outcome", "1 for how the run ended, 0 for the other outcomes.", outcomes)
    yield Metric("reconciler_run_exit_code", "Exit code of the run.", (({}, int(report.exit)),))
    yield Metric("reconciler_run_timestamp_seconds", "When the run ended, since the epoch.", (({}, end),))
    yield Metric(
        _LAST_SUCCESS,
        "When a run that compared or applied everything ended last, since the epoch.",
        (({}, success),) if success is not None else (),
    )
    yield Metric("reconciler_run_seconds", "How long the run took.", (({}, context.seconds),))
    yield Metric("reconciler_run_requests", "HTTP requests that the run made.", (({}, context.requests),))
    yield Metric("reconciler_run_problems", "What has to be mended.", (({}, len(report.all_problems)),))
    yield Metric(
        "reconciler_fleet_target",
        "1 for the worst that there is to say of a target of a fleet.",
        _list_target_series(report) if is_fleet(report) else (),
    )
    yield Metric("reconciler_info", "The version of the tool.", (({"version": context.version}, 1),))


def _list_object_metrics(report: RunReport, context: FormatContext) -> Iterator[Metric]:
    declared: Counter[tuple[str, str]] = Counter()
    compared: Counter[tuple[str, str]] = Counter()
    for document in report.plan.documents:
        key = (document.address.target, document.address.kind)
        declared[key] += document.of
        compared[key] += document.objects
    yield Metric("reconciler_objects_declared", "Declared objects that were selected.", _list_kind_series(declared))
    if report.command == "validate":
        return
    yield Metric(
        "reconciler_objects_compared",
        "Declared objects that were compared with live ones.",
        _list_kind_series(compared),
    )
    if report.command in {"drift", "plan", "show"}:
        yield _count_acknowledged(report)
    if report.command == "drift":
        yield _count_drift(report)
        yield from _list_ages(report, context)
    elif report.outcomes:
        yield _count_verdicts(report)
    elif report.command == "history":
        outcomes = Counter(run.outcome for run in report.runs)
        series = tuple(({"outcome": outcome}, count) for outcome, count in sorted(outcomes.items()))
        yield Metric("reconciler_history_runs", "Runs of before that were asked for.", series)
    elif report.posture:
        yield _count_posture(report.posture)
    elif report.command in {"plan", "show"}:
        yield _count_changes(report)


def _list_kind_series(counts: Counter[tuple[str, str]]) -> tuple[tuple[Labels, float], ...]:
    return tuple(({"target": target, "kind": kind}, count) for (target, kind), count in sorted(counts.items()))


def _list_target_series(report: RunReport) -> tuple[tuple[Labels, float], ...]:
    # What counts objects has nothing for the worst: a target without an answer.
    rows = sorted(build_fleet_matrix(report).rows, key=lambda row: row.target)
    return tuple(({"target": row.target, "state": row.state.value}, 1) for row in rows)


def _count_drift(report: RunReport) -> Metric:
    """Objects that differ; each kind of which documents were compared has a series, so that 0 is told as well."""
    counts: Counter[tuple[str, str, str]] = Counter()
    ages = report.absence_ages
    for step, _, drift in report.steps:
        counts[step.address.target, step.address.kind, drift.step.status.value if drift else ""] += step.weight
    for absence in report.plan.absences:
        age = ages.get(absence.identity)
        if absence.address:
            counts[absence.address.target, absence.address.kind, age.status.value if age else ""] += 1
    # What is acknowledged has a metric of its own, so that a sum over these is what counts.
    statuses = [status.value for status in DriftStatus if status is not DriftStatus.ACKNOWLEDGED]
    statuses = statuses if report.drift else [""]
    for document in report.plan.documents:
        for status in statuses if document.objects else ():
            counts[document.address.target, document.address.kind, status] += 0
    series = tuple(
        ({"target": target, "kind": kind, "status": status or "not remembered"}, count)
        for (target, kind, status), count in sorted(counts.items())
    )
    return Metric("reconciler_objects_drifted", "Objects that are not as declared, beside earlier runs.", series)


def _count_acknowledged(report: RunReport) -> Metric:
    """Apart from what has drifted: nobody is to be called for it until its day."""
    counts: Counter[tuple[str, str]] = Counter()
    for document in report.plan.documents:
        counts[document.address.target, document.address.kind] += 0
    for address, weight in {(step.address, step.object): step.weight for step in report.plan.acknowledged}.items():
        counts[address[0].target, address[0].kind] += weight
    description = "Objects with differences that are acknowledged and left alone."
    return Metric("reconciler_objects_acknowledged", description, _list_kind_series(counts))


def _list_ages(report: RunReport, context: FormatContext) -> Iterator[Metric]:
    if report.drift is None:
        return
    ages = [age for age in report.drift.ages if age.status != "acknowledged"]
    moments = list(filter(None, (_parse_moment(age.since) for age in ages)))
    age = max(context.moment.timestamp() - min(moments), 0) if moments else 0
    yield Metric(
        "reconciler_drift_oldest_age_seconds", "Age of the oldest difference at the time of the run.", (({}, age),)
    )
    yield Metric("reconciler_drift_cleared", "Differences that are gone.", (({}, len(report.drift.cleared)),))


def _parse_moment(time: str) -> float | None:
    try:
        return datetime.fromisoformat(time).timestamp()
    # Whoever can write to the store can write anything there.
    except (ValueError, OverflowError):
        return None


def _count_changes(report: RunReport) -> Metric:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for step, _, _ in report.steps:
        action = step.action.value if step.request else "not sent"
        counts[step.address.target, step.address.kind, action, step.risk.value] += step.weight
    series = tuple(
        ({"target": target, "kind": kind, "action": action, "risk": risk}, count)
        for (target, kind, action, risk), count in sorted(counts.items())
    )
    return Metric("reconciler_objects_to_change", "Objects that apply would change.", series)


def _count_posture(posture: Posture) -> Metric:
    """What was found; each rule that was asked has a series, so that 0 is told as well."""
    counts = {(finding.target, finding.rule.id): finding.total for finding in posture.findings}
    series = tuple(
        (
            {"target": reading.target, "rule": rule.id, "urgency": rule.urgency.value},
            counts.get((reading.target, rule.id), 0),
        )
        for reading in posture.readings
        for rule in reading.judged
    )
    return Metric("reconciler_posture_found", "What a finding counts: certificates, roles, requests and so on.", series)


def _count_verdicts(report: RunReport) -> Metric:
    series = tuple(({"verdict": verdict.value}, count) for verdict, count in report.summary.verdicts.items())
    return Metric("reconciler_objects_applied", "What became of the objects of the plan.", series)


def _find_former_success(former: str, common: Labels) -> float | None:
    labels = re.escape(_format_labels(common))
    line = re.search(rf"(?m)^{_LAST_SUCCESS}{labels} ({_NUMBER})$", former)
    return float(line[1]) if line else None


def _format_labels(labels: Labels) -> str:
    pairs = (f'{name}="{_escape_label(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}"


def _escape_label(text: str) -> str:
    return escape_invisible(text).replace("\\", "\\\\").replace('"', '\\"')


def _format_value(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
