"""The steps of several reports in one order, with all that is parallel to them: by target, then as each has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import sort_diagnostics
from reconciler.model import Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedStep
from reconciler.reports.run_report import ReportedStep, RunReport

if TYPE_CHECKING:
    from reconciler.plans.attribution import TrailEvidence
    from reconciler.plans.drift_items import DriftAge, DriftComparison, StepDrift

Evidence = Sequence["TrailEvidence | None"]


class MergedSteps(NamedTuple):
    """Steps and what is left alone, with how long each has differed; outcomes and evidence where a report has some."""

    steps: tuple[MaskedStep, ...]
    ages: tuple[StepDrift | None, ...]
    outcomes: tuple[MaskedOutcome, ...]
    evidence: tuple[Evidence, ...]
    acknowledged: tuple[MaskedStep, ...]
    acknowledged_ages: tuple[StepDrift | None, ...]


def merge_steps(reports: Sequence[RunReport]) -> MergedSteps:
    """Return the steps of reports of disjoint targets."""
    # sorted() is stable: each target's own order stays.
    rows = sorted(chain.from_iterable(map(_pair_evidence, reports)), key=lambda row: row[0].step.address.target)
    acknowledged = chain.from_iterable(report.acknowledged for report in reports)
    left_alone = sorted(acknowledged, key=lambda reported: reported.step.address.target)
    has_outcomes = any(report.outcomes for report in reports)
    has_evidence = any(report.evidence for report in reports)
    return MergedSteps(
        tuple(reported.step for reported, _ in rows),
        tuple(reported.drift for reported, _ in rows),
        tuple(_find_outcome(reported) for reported, _ in rows) if has_outcomes else (),
        tuple(evidence for _, evidence in rows) if has_evidence else (),
        tuple(reported.step for reported in left_alone),
        tuple(reported.drift for reported in left_alone),
    )


def merge_drift(reports: Sequence[RunReport], steps: MergedSteps) -> DriftComparison | None:
    """Return the merged steps beside earlier runs; None where no report is."""
    comparisons = [report.drift for report in reports if report.drift]
    if not comparisons:
        return None
    # Only drift pays for the store's records.
    from reconciler.plans.drift_items import DriftComparison  # noqa: PLC0415

    absence_ages = _find_absence_ages(reports)
    absences = sort_diagnostics(absence for report in reports for absence in report.plan.absences)
    return DriftComparison(
        steps.ages,
        tuple(absence_ages.get(absence.key) for absence in absences),
        tuple(sorted(age for drift in comparisons for age in drift.ages)),
        tuple(sorted(difference for drift in comparisons for difference in drift.cleared)),
        steps.acknowledged_ages,
    )


def _find_absence_ages(reports: Sequence[RunReport]) -> dict[object, DriftAge]:
    ages: dict[object, DriftAge] = {}
    for report in reports:
        for absence, age in zip(report.plan.absences, report.drift.absences if report.drift else (), strict=False):
            if age is not None:
                ages[absence.key] = min(age, ages.get(absence.key, age))
    return ages


def _pair_evidence(report: RunReport) -> Iterable[tuple[ReportedStep, Evidence]]:
    steps = list(report.steps)
    evidence = report.evidence or [(None,) * len(reported.step.changes) for reported in steps]
    return zip(steps, evidence, strict=True)


def _find_outcome(reported: ReportedStep) -> MaskedOutcome:
    """Return what became of a step; nothing, where its own report ended before it came to that."""
    return reported.outcome or MaskedOutcome(reported.step, Verdict.NOT_REACHED, "nothing was sent")
