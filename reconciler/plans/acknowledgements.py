"""Differences that are left alone until a day: what of a comparison they are, and what goes on without them. Pure.

A document of which some fields are left alone is compared once more without them. Then nothing mentions them, and what
no manifest mentions keeps its live value: the law that holds for every kind holds for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Diagnostic, Severity
from reconciler.kinds.kind import Absence, Finding, Kind, Match, Note, Run, Tally, Wanted
from reconciler.model import Obstacle, Plan, Step
from reconciler.plans.step_builder import build_steps

Deferrals = Mapping[Address, tuple[Deferral, ...]]
"""What is left alone of which declared document."""
_SWITCHES = ("additive", "clear")
"""Fields that say of others how they are meant."""


class PartedFindings(NamedTuple):
    """What a comparison yields without what is left alone, and that as steps without a request."""

    findings: Iterable[Finding]
    acknowledged: tuple[Step, ...] = ()


def find_differences(
    document: Wanted, kind: Kind, live: Any, run: Run, deferrals: Sequence[Deferral] = ()
) -> PartedFindings:
    """Compare a document with what was read, and part what is left alone from the rest."""
    # One by one where nothing is left alone: a document may have a hundred thousand objects.
    if not deferrals:
        return PartedFindings(kind.compare(document, live, run))
    findings = list(kind.compare(document, live, run))
    if any(not deferral.fields for deferral in deferrals):
        findings += _find_missing_object(document, findings, kind)
        counted = list(_keep_problems(findings, document.spec.size(document.tables)))
        return PartedFindings(counted, tuple(_defer_findings(document, findings, kind, deferrals)))
    acknowledged = tuple(_defer_findings(document, filter(_is_present, findings), kind, deferrals))
    narrowed = narrow_document(document, {field for deferral in deferrals for field in deferral.fields}, kind)
    if not acknowledged:
        return PartedFindings(findings, ())
    if narrowed is None:
        return PartedFindings([_count_match(item) if _is_present(item) else item for item in findings], acknowledged)
    rest = list(kind.compare(narrowed, live, run))
    problems = (item for item in findings if isinstance(item, Diagnostic) and item not in rest)
    return PartedFindings([*rest, *map(_note_problem, problems)], acknowledged)


def narrow_document(document: Wanted, fields: Iterable[str], kind: Kind) -> Wanted | None:
    """Return a document that doesn't mention these fields; None if it manages nothing then."""
    spec, left_out = document.spec, frozenset(fields)
    names = {field.alias or name: name for name, field in type(spec).model_fields.items()}
    values: dict[str, Any] = {}
    for field, value in spec.declared().items():
        # `clear` and `additive` name fields: one that is left alone is not to be emptied either.
        rest = tuple(member for member in value if member not in left_out) if field in _SWITCHES else value
        if field not in left_out and (rest or field not in _SWITCHES):
            values[field] = rest
    if not {*values, *values.get("clear", ())} & set(kind.parts):
        return None
    given = {names[field]: value for field, value in values.items()}
    return replace(document, spec=type(spec).model_construct(set(given), **given))


def list_idle_deferrals(
    deferrals: Deferrals, acknowledged: Iterable[Step], compared: Set[Address]
) -> Iterator[Diagnostic]:
    """Yield a note for each acknowledgement without a difference, where all that it is about was compared."""
    addresses: dict[Deferral, list[Address]] = {}
    for address, deferral in ((address, item) for address, items in deferrals.items() for item in items):
        addresses.setdefault(deferral, []).append(address)
    used = {step.deferral for step in acknowledged}
    for deferral, subjects in addresses.items():
        if deferral not in used and compared >= set(subjects):
            yield _explain_idle_deferral(deferral, subjects[0])


def _explain_idle_deferral(deferral: Deferral, address: Address) -> Diagnostic:
    subject = f"{', '.join(deferral.fields)} of {address}" if deferral.fields else str(address)
    return Diagnostic(
        "acknowledgement.no-difference",
        deferral.source,
        f"{subject} is acknowledged, and no difference of it is left alone",
        "it is as declared, or not there while only fields are acknowledged",
        "remove the acknowledgement",
        Severity.NOTE,
    )


def list_left_alone(acknowledged: Iterable[Step]) -> frozenset[Address]:
    """Return the documents of which nothing is sent, since they are acknowledged as a whole."""
    return frozenset(step.address for step in acknowledged if step.deferral and not step.deferral.fields)


def list_ended_deferrals(plan: Plan, today: date) -> Iterator[Diagnostic]:
    """Yield a note for each acknowledgement of a plan that has ended since: what was approved is what is sent."""
    for deferral in sorted({step.deferral for step in plan.acknowledged if step.deferral}):
        if not deferral.is_in_force(today):
            yield Diagnostic(
                "acknowledgement.ended",
                deferral.source,
                f'the plan leaves alone what "{deferral.name}" acknowledged until {deferral.until}',
                "it was approved so, and those differences are still not sent",
                "plan again to have them sent",
                Severity.NOTE,
            )


def _find_missing_object(document: Wanted, findings: Sequence[Finding], kind: Kind) -> Iterator[Match]:
    """Yield an object that was looked for and is not there as a difference, where its kind calls that a problem.

    Nothing could be sent for it, such as for a handler whose code nobody has installed; it is known all the same.
    """
    problems = [item for item in findings if isinstance(item, Diagnostic)]
    is_missing = bool(problems) and all(problem.rule == "live.not-found" for problem in problems)
    if is_missing and not any(map(_count_objects, findings)):
        declared = document.spec.declared()
        after = {field: declared[field] for field in kind.parts if field in declared}
        size = document.spec.size(document.tables)
        summary = problems[0].summary
        yield Match(document, None, after, refusal=summary, objects=size, obstacle=Obstacle.ABSENT)


def _is_present(finding: Finding) -> bool:
    """True for an object that exists; of one that doesn't no field can be left alone."""
    return isinstance(finding, Match) and finding.before is not None


def _is_unsettled(finding: Finding) -> bool:
    """True for what an earlier run may have sent: that is no difference to leave alone."""
    return isinstance(finding, Match) and bool(finding.refusal) and finding.obstacle is Obstacle.UNSETTLED


def _count_match(finding: Finding) -> Finding:
    """Return what is left of a match whose differences are left alone: it was compared."""
    return Tally(finding.objects) if isinstance(finding, Match) and not _is_unsettled(finding) else finding


def _keep_problems(findings: Sequence[Finding], size: int) -> Iterator[Finding]:
    """Yield what counts of an object that is left alone as a whole.

    What would only keep it from being changed is told; that it could not be compared is a problem all the same.
    """
    is_compared = sum(map(_count_objects, findings)) >= size
    for item in findings:
        if isinstance(item, Absence):
            yield Tally(1)
        elif isinstance(item, Diagnostic) and is_compared:
            yield _note_problem(item)
        else:
            yield _count_match(item)


def _count_objects(finding: Finding) -> int:
    match finding:
        case Match():
            return finding.objects
        case Tally(in_sync):
            return in_sync
        case _:
            return int(isinstance(finding, Absence))


def _note_problem(problem: Diagnostic) -> Note:
    return Note(replace(problem, severity=Severity.NOTE))


def _defer_findings(
    document: Wanted, findings: Iterable[Finding], kind: Kind, deferrals: Sequence[Deferral]
) -> Iterator[Step]:
    for item in findings:
        match = item.make_match(document) if isinstance(item, Absence) else item
        if isinstance(match, Match) and not _is_unsettled(match):
            steps = list(build_steps(match, kind))
            yield from (
                deferred for step in steps for deferral in deferrals if (deferred := _defer_step(step, deferral, kind))
            )


def _defer_step(step: Step, deferral: Deferral, kind: Kind) -> Step | None:
    """Return what of a step a deferral is about, None for nothing."""
    changes = tuple(change for change in step.changes if deferral.covers_field(change.path))
    if not changes:
        return None
    action = step.action
    if len(changes) < len(step.changes):
        action = kind.choose_action(
            {change.path: change.before for change in changes}, {change.path: change.after for change in changes}
        )
    refusal = step.refusal if step.obstacle is Obstacle.ABSENT else ""
    return replace(step, action=action, changes=changes, request=None, refusal=refusal, deferral=deferral)
