"""The JSON that plan, drift, show, apply and every failure share; the plan file is made of the same steps.

One shape whatever happened: {"format_version", "command", "outcome", "compared", "partial", "selection", "summary",
"steps", "problems", "notes", "absences", "unmanaged", "rights"}; a comparison has more, as `comparison_members` says,
and `report_reader` makes the same report of it again. Members may join within a major version, none leaves.
Equal values give equal bytes: what differs from run to run, its id and times, is among them; only drift and apply have
it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, starmap, zip_longest
from typing import TYPE_CHECKING, Any

from reconciler.model import Change, Json, Step, Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedStep
from reconciler.plans.serial import encode_call, encode_origin, encode_subject
from reconciler.plans.stored_rights import encode_rights_change
from reconciler.plans.summary import Summary
from reconciler.plans.unmanaged import sum_unmanaged
from reconciler.reports.comparison_members import encode_comparison, encode_documents, encode_problem
from reconciler.reports.drift_members import encode_acknowledgement, encode_age
from reconciler.reports.headline import describe_part
from reconciler.reports.run_report import RunReport
from reconciler.sanitize import is_invisible

if TYPE_CHECKING:
    from reconciler.plans.attribution import TrailEvidence
    from reconciler.plans.drift_items import DriftAge, StepDrift
    from reconciler.reports.formats import FormatContext

FORMAT_VERSION = "1.0"
_EMPTY_LIST = '\n  "{}": [],\n'

# ##[group] is GitHub's, ##vso[...] Azure's, ##teamcity[...] TeamCity's.
_CI_COMMAND = re.compile(r"##(?=\w*\[)")
_NOT_PLAIN_ASCII = re.compile(r"[^\x00-\x7e]")


def encode_step_head(step: Step) -> dict[str, Json]:
    """Return what a step is, without what it sends and what came of it: the same members in every report."""
    return {
        "address": step.address._asdict(),
        "object": step.object,
        "names": [subject.name for subject in step.subjects if subject.name],
        "subjects": [encode_subject(subject) for subject in step.subjects],
        "action": step.action.value,
        "risk": step.risk.value,
        "risk_reason": step.risk_reason,
        "source": str(step.source),
    }


def encode_reported_step(
    step: MaskedStep,
    outcome: MaskedOutcome | None = None,
    drift: StepDrift | None = None,
    evidence: Sequence[TrailEvidence | None] | None = None,
) -> dict[str, Json]:
    """Return one step as the contract's JSON object; its verdict is null where nothing was to be sent.

    What is left alone says so in `drift`, whether earlier runs are known or not.
    """
    verdicts = outcome.verdicts if outcome else ()
    ages = drift.changes if drift else ()
    members: dict[str, Json] = {
        **encode_step_head(step),
        "call": encode_call(step.request.call) if step.request else None,
        "changes": [
            encode_change(change, verdict) | _encode_drift(age, step) | ({"blame": found._asdict()} if found else {})
            for change, verdict, age, found in zip_longest(
                step.changes, verdicts[: len(step.changes)], ages, evidence or ()
            )
        ],
        "verdict": outcome.verdict.value if outcome else None,
    }
    if step.refusal:
        members |= {"refusal": step.refusal, "obstacle": step.obstacle.value}
    members |= {"escalation": step.escalation} if step.escalation else {}
    if outcome:
        members["detail"] = outcome.detail
    return members | _encode_drift(drift.step if drift else None, step)


def encode_report(report: RunReport) -> dict[str, Json]:
    """Return the one document that a command prints, whatever its outcome; the command's own members come last.

    What is acknowledged comes behind the steps, as steps without a call.
    """
    steps, documents = list(starmap(encode_reported_step, _list_reported(report))), list(encode_documents(report))
    coverage = {"coverage": documents} if documents else {}
    return {**_encode_frame(report), "steps": steps, **coverage, **report.members}


def render_report(report: RunReport, *, ascii_only: bool = False) -> str:
    """Return the same document as text, without having all of its steps as JSON values at once."""
    # Measured: of 100,000 steps the values and what json makes of them take 0.9 GB, one by one 0.3 GB.
    frame = render_json({**_encode_frame(report), **report.members}, ascii_only=ascii_only)
    encoded = starmap(encode_reported_step, _list_reported(report))
    steps = [_indent(render_json(step, ascii_only=ascii_only)) for step in encoded]
    documents = [_render_line(document, ascii_only=ascii_only) for document in encode_documents(report)]
    return _fill_list(_fill_list(frame, "steps", steps, report), "coverage", documents, report)


def _fill_list(frame: str, name: str, items: list[str], report: RunReport) -> str:
    """Put rendered items into the place of an empty list; a member of the command's own by that name stays."""
    if not items or name in report.members:
        return frame
    # A line break in a text is escaped, so there is one such line.
    empty = _EMPTY_LIST.format(name)
    head, _, tail = frame.partition(empty)
    return "".join((head, empty.removesuffix("],\n"), "\n    ", ",\n    ".join(items), "\n  ],\n", tail))


def _list_reported(report: RunReport) -> Iterator[tuple[Any, ...]]:
    """Yield what is told of each step, and who made its changes where that was asked for; then what is left alone."""
    evidence = iter(report.evidence)
    return chain(((*step, next(evidence, None)) for step in report.steps), report.acknowledged)


def _indent(text: str) -> str:
    return text.rstrip("\n").replace("\n", "\n    ")


def _encode_frame(report: RunReport) -> dict[str, Json]:
    """Return all of a document but its steps, in whose place it has none, and the members of the command."""
    plan, absence_ages = report.plan, report.absence_ages
    return {
        "format_version": FORMAT_VERSION,
        "command": report.command,
        "outcome": {"code": int(report.exit), "name": report.exit.word},
        "compared": {"objects": plan.compared.objects, "of": plan.compared.of},
        "partial": bool(describe_part(plan, report.fleet)),
        "selection": plan.selection,
        "summary": encode_summary(report.summary),
        "steps": [],
        "problems": _encode_problems(report),
        "notes": [encode_problem(note) for note in report.all_notes],
        "absences": [
            encode_problem(absence)
            | {"address": absence.address._asdict() if absence.address else None, "object": absence.object_name}
            | _encode_drift(absence_ages.get(absence.identity))
            for absence in sorted(plan.absences, key=lambda absence: absence.identity)
        ],
        "unmanaged": sum_unmanaged(plan.unmanaged),
        # Never the last member: the place of its items is told by the comma behind it.
        **({"coverage": []} if plan.targets and plan.documents else {}),
        "rights": [encode_rights_change(change) for change in plan.rights],
        **encode_comparison(report),
    }


def render_json_report(report: RunReport, context: FormatContext) -> str:
    """Return the document of a run as text."""
    return render_report(report, ascii_only=context.ascii_only)


def render_json(value: Json, *, ascii_only: bool = False) -> str:
    """Return a document as text: indented, keys in the order given, a newline at the end.

    What could steer a terminal or a CI system is escaped, so that a reader sees it and a parser gets it unchanged.
    Raises ValueError for what JSON can't hold (NaN).
    """
    # json's default writes NaN, which is no JSON (RFC 8259, 6).
    text = json.dumps(value, ensure_ascii=ascii_only, indent=2, allow_nan=False, default=_convert_value)
    return _escape_text(text) + "\n"


def _render_line(value: Json, *, ascii_only: bool) -> str:
    # Measured: what is indented takes json ten times as long, and a fleet has thousands of documents.
    return _escape_text(json.dumps(value, ensure_ascii=ascii_only, allow_nan=False))


def _escape_text(text: str) -> str:
    text = _CI_COMMAND.sub(r"\\u0023#", text)
    return _NOT_PLAIN_ASCII.sub(_escape_character, text) if _NOT_PLAIN_ASCII.search(text) else text


def encode_change(change: Change, verdict: Verdict | None) -> dict[str, Json]:
    """Return one field that differs; with what became of it, where that is known of it alone."""
    members: dict[str, Json] = {
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "risk": change.risk.value,
        "risk_reason": change.reason,
    }
    members |= {"names": dict(change.names)} if change.names else {}
    members |= {"origin": encode_origin(change.origin)} if change.origin else {}
    return members | {"verdict": verdict.value} if verdict else members


def _encode_drift(age: DriftAge | None, step: MaskedStep | None = None) -> dict[str, Json]:
    if step and step.deferral:
        return {"drift": encode_acknowledgement(step.deferral, age)}
    return {"drift": encode_age(age)} if age else {}


def _encode_problems(report: RunReport) -> list[dict[str, Json]]:
    """Sort by place and say each thing once; what could not be read also names its cause."""
    gaps = sorted(report.plan.gaps, key=lambda gap: -gap.cause)
    causes = {gap.problem.key: gap.cause for gap in gaps}
    held_back = {problem.key for problem in report.plan.problems}
    return [
        encode_problem(problem)
        | ({"cause": causes[problem.key].word} if problem.key in causes else {})
        | ({"held_back": True} if problem.key in held_back else {})
        for problem in report.all_problems
    ]


def encode_summary(summary: Summary) -> dict[str, Json]:
    """Return the numbers that a run comes to."""
    members: dict[str, Json] = {action.value: number for action, number in summary.actions.items()}
    members |= {"refused": summary.refused, "absent": summary.absent, "unchanged": summary.unchanged}
    members["acknowledged"] = summary.acknowledged
    members["risk"] = {risk.value: number for risk, number in summary.risks.items()}
    if summary.verdicts:
        members["verdicts"] = {verdict.value: number for verdict, number in summary.verdicts.items()}
    return members


def _convert_value(value: Any) -> Json:
    """Give json what it doesn't know: read-only mappings and sets."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        # A set of strings iterates in another order in every process (PYTHONHASHSEED).
        return sorted(value, key=lambda member: json.dumps(member, sort_keys=True, default=_convert_value))
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _escape_character(match: re.Match[str]) -> str:
    if not is_invisible(match.group()):
        return match.group()
    # An escape has four digits, so a character beyond U+FFFF takes two (RFC 8259, 7); a lone surrogate,
    # which JSON can spell and UTF-8 can't, stays one.
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
