"""Who changed what differs, as a section of its own below a comparison, and the schema of what JSON says of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.model import Json
from reconciler.plans.masking import MaskedPlan, MaskedStep
from reconciler.reports.layout import Layout, Line, build_line, format_count, render_parts
from reconciler.reports.object_names import describe_object
from reconciler.reports.perspective import View
from reconciler.sanitize import escape_invisible

if TYPE_CHECKING:
    from reconciler.plans.attribution import TrailEvidence

MAX_TRACED = 100
"""Lines of the section."""
_MAX_FIELDS = 6
_TEXT = {"type": "string"}

BLAME_SCHEMA: dict[str, Json] = {
    "type": "object",
    "description": "Who changed this, as far as the audit trails tell: a hint, which changes no plan and no exit code. "
    "`exact`: the trail names the object and this field, and left in it what was found. `likely`: it names the object, "
    "and `reason` says what is missing. `none`: nobody is named, and `reason` says why.",
    "required": ["grade", "actor", "time", "operation", "address", "trail", "entry", "reason"],
    "properties": {
        "grade": {"enum": ["exact", "likely", "none"]},
        "actor": _TEXT | {"description": "As the trail writes it; empty where it names nobody."},
        "time": _TEXT | {"description": "RFC 3339, UTC; empty where it is not told."},
        "operation": _TEXT,
        "address": _TEXT | {"description": "Where it came from; empty where it is not told."},
        "trail": _TEXT | {"description": "Command audit log, certificate history, certificate request, Huawei CTS."},
        "entry": _TEXT | {"description": "The id of the entry in its trail."},
        "reason": _TEXT,
    },
}
"""The schema of the evidence for a change."""


def render_blame(plan: MaskedPlan, evidence: Sequence[Sequence[TrailEvidence | None]], layout: Layout) -> str:
    """Return the section; "" where nobody asked. The evidence is parallel to the steps of the plan."""
    if not evidence or not plan.steps:
        return ""
    return render_parts(_render_section(plan, evidence), layout)


def _render_section(plan: MaskedPlan, evidence: Sequence[Sequence[TrailEvidence | None]]) -> Iterator[Line]:
    yield build_line()
    yield build_line(("Who and when, as the audit trails tell:", "bold"), hang=2)
    view = View(plan.targets, from_server=True)
    lines = [
        (step, trace, fields)
        for step, all_evidence in zip(plan.steps, evidence, strict=True)
        for trace, fields in group_fields(step, all_evidence).items()
    ]
    for step, trace, fields in lines[:MAX_TRACED]:
        shown = ", ".join(escape_invisible(field) for field in fields[:_MAX_FIELDS])
        more = f" and {len(fields) - _MAX_FIELDS:,} more" if len(fields) > _MAX_FIELDS else ""
        object_name = describe_object(step, view)
        subject = " ".join(filter(None, (str(step.address), object_name)))
        yield build_line(f"  {escape_invisible(subject)}  {shown}{more}", hang=4)
        yield build_line(f"    {escape_invisible(describe_evidence(trace))}", hang=6)
    if len(lines) > MAX_TRACED:
        hidden = format_count(len(lines) - MAX_TRACED, "more change")
        yield build_line((f"  ({hidden}, each with --format json)", "dim"))


def group_fields(step: MaskedStep, all_evidence: Sequence[TrailEvidence | None]) -> dict[TrailEvidence, list[str]]:
    """Return the fields of a step by who changed them."""
    fields: dict[TrailEvidence, list[str]] = {}
    for change, evidence in zip(step.changes, all_evidence, strict=True):
        if evidence:
            fields.setdefault(evidence, []).append(change.path)
    return fields


def describe_evidence(evidence: TrailEvidence) -> str:
    """Return who it was, when and how, and what that is worth, on one line."""
    if evidence.grade.value == "none":
        return f"nobody is named: {evidence.reason}"
    facts = [evidence.actor or "somebody", evidence.time, evidence.operation]
    facts += [f"from {evidence.address}"] if evidence.address else []
    worth = f"{evidence.grade.value}: {evidence.reason}" if evidence.reason else evidence.grade.value
    return f"{', '.join(filter(None, facts))} ({worth}; {evidence.trail}, entry {evidence.entry})"
