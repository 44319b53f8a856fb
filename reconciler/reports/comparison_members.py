"""What the JSON of a comparison has beside its steps, so that the report can be made of it again; with its schemas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Diagnostic
from reconciler.model import Json
from reconciler.plans.serial import encode_diagnostic
from reconciler.reports.drift_members import encode_cleared
from reconciler.reports.run_report import RunReport

if TYPE_CHECKING:
    from reconciler.plans.drift_items import DriftComparison

_TEXT: dict[str, Json] = {"type": "string"}
_COUNT: dict[str, Json] = {"type": "integer", "minimum": 0}
_ADDRESS: dict[str, Json] = {
    "type": "object",
    "required": ["target", "kind", "name"],
    "properties": dict.fromkeys(("target", "kind", "name"), _TEXT),
    "additionalProperties": False,
}
TOLD_MEMBERS: dict[str, Json] = {
    "rule": _TEXT | {"description": "Its stable id, as `explain rules` lists them."},
    "severity": {"enum": ["error", "note"]},
    "summary": _TEXT | {"description": "What is wrong."},
    "reason": _TEXT | {"description": "Why it matters."},
    "remedy": _TEXT | {"description": "What to do."},
    "address": {"anyOf": [_ADDRESS, {"type": "null"}], "description": "The document that it is about, if any."},
    "object": _TEXT | {"description": "Which of its objects, where it has several."},
    "held_back": {"const": True, "description": "A fault of a document, none of whose steps is sent for it."},
}
"""The schema of the parts that a message is joined of, and of what it is about."""

COMPARISON_MEMBERS: dict[str, Json] = {
    "headline": _TEXT | {"description": "What it came to, in a line or two."},
    "tool": _TEXT | {"description": "The version of the tool that made the report."},
    "environment": _TEXT | {"description": "What --environment named."},
    "manifests": _TEXT | {"description": "Digest of the manifests that were compared."},
    "refusals": {"type": "integer", "minimum": 1, "description": "How many problems forbid the plan as a whole."},
    "interrupted": {"const": True, "description": "A signal ended the run."},
    "nothing_sent": {"const": True, "description": "The run ended before it sent anything."},
    "blamed": {"const": True, "description": "Who made the changes was asked for."},
    "unmanaged_by_target": {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": _COUNT},
        "description": "The same as `unmanaged`, by kind and target.",
    },
    "ages": {
        "type": "array",
        "description": "How long all differences have been there, those that are equally old together.",
        "items": {
            "type": "object",
            "required": ["status", "since", "runs", "differences"],
            "properties": {"status": _TEXT, "since": _TEXT, "runs": _COUNT, "differences": _COUNT},
        },
    },
    "coverage": {
        "type": "array",
        "description": "Each document, and how many of its objects were compared.",
        "items": {
            "type": "object",
            "required": ["address", "source", "objects", "of"],
            "properties": {
                "address": _ADDRESS,
                "source": _TEXT,
                "objects": _COUNT,
                "of": _COUNT,
                "selected": {"const": False, "description": "The selection leaves it out."},
                "passed_over": _COUNT | {"description": "How many objects it declares, where it is left out."},
            },
        },
    },
    "fleet": {
        "type": "object",
        "description": "Which targets there are, and which of them gave no answer.",
        "required": ["targets", "answered", "lost"],
        "properties": {
            "targets": {"type": "array", "items": _TEXT, "description": "All targets of the fleet."},
            "answered": _COUNT,
            "lost": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["target", "source", "message"],
                    "properties": {"target": _TEXT, "source": _TEXT, "message": _TEXT},
                },
            },
            "shard": _TEXT | {"description": "The part of the fleet that the run was about, such as 2/3."},
        },
    },
}
"""The schemas of `encode_comparison`; each is there where there is something to say."""

BOUNDS_SCHEMA: dict[str, Json] = {
    "type": "object",
    "description": "Where each target was.",
    "additionalProperties": {
        "type": "object",
        "required": ["api", "url", "project"],
        "properties": dict.fromkeys(("api", "url", "project"), _TEXT),
    },
}
"""The schema of the targets of a comparison."""


def encode_problem(problem: Diagnostic) -> dict[str, Json]:
    """Return one thing to mend, joined and in its parts."""
    members = {"source": str(problem.source), "message": problem.message, **encode_diagnostic(problem)}
    return members | ({"object": problem.object_name} if problem.object_name else {})


def encode_comparison(report: RunReport) -> dict[str, Json]:
    """Return the members that a report has where there is something to say; its documents are told apart."""
    plan = report.plan
    members: dict[str, Json] = {
        "headline": report.headline,
        "tool": report.tool,
        "manifests": plan.manifests,
        "refusals": report.refusals,
        "interrupted": report.interrupted,
        "nothing_sent": not report.has_sent,
        "blamed": bool(report.evidence),
        "targets": {name: bound._asdict() for name, bound in sorted(plan.targets.items())},
        "unmanaged_by_target": {kind: dict(sorted(counts.items())) for kind, counts in plan.unmanaged.items()},
    }
    members = {name: value for name, value in members.items() if value}
    return members | _encode_drift(report.drift) | _encode_fleet(report)


def encode_documents(report: RunReport) -> Iterator[dict[str, Json]]:
    """Yield how much of each document was compared; nothing where nothing was to be."""
    # `validate` counts its documents, and 100,000 of them would be most of what it says.
    return map(_encode_document, report.plan.documents if report.plan.targets else ())


def _encode_document(document: DocumentCoverage) -> dict[str, Json]:
    members: dict[str, Json] = {
        "address": document.address._asdict(),
        "source": str(document.source),
        "objects": document.objects,
        "of": document.of,
    }
    return members if document.is_selected else {**members, "selected": False, "passed_over": document.passed_over}


def _encode_drift(drift: DriftComparison | None) -> dict[str, Json]:
    if drift is None:
        return {}
    ages = [
        {"status": age.status.value, "since": age.since, "runs": age.runs, "differences": number}
        for age, number in sorted(Counter(drift.ages).items())
    ]
    return {"ages": ages, "cleared": encode_cleared(drift.cleared)}


def _encode_fleet(report: RunReport) -> dict[str, Json]:
    fleet = report.fleet
    if fleet is None:
        return {}
    lost = [{"target": target.name, **encode_problem(target.problem)} for target in fleet.lost]
    answered = fleet.count_answers(report.plan.targets)
    members: dict[str, Json] = {"targets": list(fleet.targets), "answered": answered, "lost": lost}
    return {"fleet": members | ({"shard": fleet.shard} if fleet.shard else {})}
