"""What leads nowhere on the servers, as text and as members of the JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model import Json
from reconciler.plans.masking import MaskedPlan
from reconciler.plans.posture import Posture, PostureFinding, PostureItem, PostureReading, Urgency
from reconciler.reports.layout import MAX_VALUE, PLAIN_LAYOUT, Layout, Line, build_line, format_count, render_parts
from reconciler.reports.table import Row, build_table

MAX_ROWS = 10
"""Objects of a finding that the text names."""
_STYLES = {Urgency.HIGH: "bold red", Urgency.MEDIUM: "yellow", Urgency.LOW: ""}


def summarize_posture(posture: Posture, plan: MaskedPlan) -> str:
    """Say how many findings there are, how urgent, and in how much; that something was not read comes first."""
    gaps = f"INCOMPLETE, {format_count(len(plan.gaps), 'thing')} could not be read or judged: " if plan.gaps else ""
    counts = {urgency.value: posture.count_findings(urgency) for urgency in Urgency}
    urgencies = ", ".join(f"{count:,} {urgency}" for urgency, count in counts.items() if count)
    findings = format_count(len(posture.findings), "finding")
    summary = f"{findings} ({urgencies})" if urgencies else "nothing found that leads nowhere"
    summary = summary if gaps else f"{summary[:1].upper()}{summary[1:]}"
    compared = f"compared {plan.compared.objects} of {format_count(plan.compared.of, 'list')}"
    return f"{gaps}{summary} in {_sum_readings(posture.readings) or 'nothing'}  ({compared})"


def _sum_readings(readings: Sequence[PostureReading]) -> str:
    totals: dict[str, int] = {}
    for reading in readings:
        for noun, count in reading.counts.items():
            totals[noun] = totals.get(noun, 0) + count
    return ", ".join(format_count(count, noun.removesuffix("s")) for noun, count in totals.items())


def encode_posture(posture: Posture) -> dict[str, Json]:
    """Return the member of the JSON document."""
    return {
        "days": posture.days,
        "findings": [_encode_finding(finding) for finding in posture.findings],
        "read": [
            {
                "target": reading.target,
                "counts": dict(reading.counts),
                "unjudged": [rule.id for rule in reading.unjudged],
            }
            for reading in posture.readings
        ],
        "expiries": [
            {"target": reading.target, "day": day.day, "owned": day.owned, "orphaned": day.orphaned}
            for reading in posture.readings
            for day in reading.expiries or ()
        ],
    }


def _encode_finding(finding: PostureFinding) -> dict[str, Json]:
    rule = finding.rule
    return {
        "rule": rule.id,
        "urgency": rule.urgency.value,
        "target": finding.target,
        "count": finding.total,
        "summary": finding.summary,
        "reason": rule.reason,
        "remedy": rule.remedy,
        "objects": [{"name": item.name, "id": item.id, "facts": dict(item.facts)} for item in finding.items],
        "hidden": finding.hidden,
    }


def render_posture(posture: Posture, plan: MaskedPlan, layout: Layout = PLAIN_LAYOUT) -> str:
    """Return the findings, the most urgent first, each with its first objects, its reason and what to do."""
    return render_parts(_list_lines(posture, plan, layout), layout)


def _list_lines(posture: Posture, plan: MaskedPlan, layout: Layout) -> Iterator[Line]:
    yield build_line((summarize_posture(posture, plan), "bold"), hang=2)
    for name, bound in sorted(plan.targets.items()):
        project = f" project {bound.project}" if bound.project else ""
        yield build_line((f"target {name}: {bound.url}{project}", "dim"), hang=2)
    names_targets = len(posture.readings) > 1
    for finding in posture.findings:
        yield build_line()
        target = f" on target {finding.target}" if names_targets else ""
        title = f"{finding.rule.urgency.value}: {finding.summary}{target}"
        yield build_line((title, _STYLES[finding.rule.urgency]), (f"  {finding.rule.id}", "dim"), hang=2)
        yield from build_table([_build_cells(item) for item in finding.items[:MAX_ROWS]], layout)
        shown_weight = sum(item.weight for item in finding.items[:MAX_ROWS])
        if finding.total > shown_weight:
            yield build_line((f"({finding.total - shown_weight:,} more, in --format json)", "dim"))
        yield build_line(f"Why: {finding.rule.reason}.", hang=5)
        yield build_line(f"To do: {finding.rule.remedy}.", hang=7)
    for reading in posture.readings:
        if reading.unjudged:
            yield build_line()
            yield build_line(
                f"NOT JUDGED on target {reading.target}: {', '.join(rule.id for rule in reading.unjudged)}", hang=2
            )


def _build_cells(item: PostureItem) -> Row:
    number: Row = {"id": (item.id, "")} if item.id else {}
    facts: Row = {name: (format_posture_fact(value), "") for name, value in item.facts.items()}
    return {"name": (item.name or "(none)", "bold"), **number, **facts}


def format_posture_fact(value: Json) -> str:
    """Return a fact as a person reads it."""
    text = "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    return f"{text[:MAX_VALUE]}..." if len(text) > MAX_VALUE else text
