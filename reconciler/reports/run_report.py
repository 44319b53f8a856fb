"""What a finished run has to say: one value, from which every format is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import Diagnostic, sort_diagnostics
from reconciler.errors import Exit
from reconciler.model import Coverage, Json
from reconciler.plans.masking import MaskedOutcome, MaskedPlan, MaskedStep
from reconciler.plans.summary import Summary, summarize_steps

if TYPE_CHECKING:
    from reconciler.engine.run_history import PastDifference, PastRun
    from reconciler.plans.attribution import TrailEvidence
    from reconciler.plans.drift_items import DriftAge, DriftComparison, StepDrift
    from reconciler.plans.posture import Posture
    from reconciler.reports.fleet_facts import FleetFacts

EMPTY_PLAN = MaskedPlan(steps=(), compared=Coverage(0, 0))
"""The plan of a run that made none."""


class ReportedStep(NamedTuple):
    """A step, what became of it where it was to be sent, and how long it has differed where that is remembered."""

    step: MaskedStep
    outcome: MaskedOutcome | None = None
    drift: StepDrift | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run that has ended, however: masked values alone, and nothing that would still have to be read or computed.

    `problems` are those that the plan doesn't hold itself: refusals, or what ended the command before there was a plan;
    `notes` come beside those of the plan. With `outcomes` the steps are theirs; `drift` and `evidence` are parallel to
    the plan. `members` are the command's own in the JSON document, `headline` says in a line or two what it came to,
    `runs` are those that `history` tells of, and `posture` is what was found, of which the plan has a note each.
    `refusals` is how many of the problems forbid the plan as a whole. Of an apply `interrupted` says that a signal
    ended it, and `has_sent` that it came as far as sending. `tool` is the version that made the report, "" where that
    is not told, and `fleet` is there for a fleet's.
    """

    command: str
    exit: Exit
    plan: MaskedPlan = EMPTY_PLAN
    outcomes: Sequence[MaskedOutcome] = ()
    problems: Sequence[Diagnostic] = ()
    notes: Sequence[Diagnostic] = ()
    drift: DriftComparison | None = None
    members: Mapping[str, Json] = field(default_factory=dict)
    headline: str = ""
    runs: Sequence[PastRun] = ()
    differences: Sequence[PastDifference] = ()
    posture: Posture | None = None
    evidence: Sequence[Sequence[TrailEvidence | None]] = ()
    refusals: int = 0
    interrupted: bool = False
    has_sent: bool = True
    tool: str = ""
    fleet: FleetFacts | None = None

    @property
    def steps(self) -> Iterator[ReportedStep]:
        """Each step that counts, with what is known of it, in the order of the plan."""
        steps = [outcome.step for outcome in self.outcomes] or self.plan.steps
        ages = self.drift.steps if self.drift else ()
        return (ReportedStep(*known) for known in zip_longest(steps, self.outcomes, ages))

    @property
    def acknowledged(self) -> Iterator[ReportedStep]:
        """What is left alone until a day, as steps of which nothing became."""
        ages = self.drift.acknowledged if self.drift else ()
        return (ReportedStep(step, None, age) for step, age in zip_longest(self.plan.acknowledged, ages))

    @property
    def absence_ages(self) -> Mapping[object, DriftAge | None]:
        """How long each object that is only told to be missing has been so, by the identity of what tells it.

        Empty where nothing is remembered.
        """
        identities = (absence.identity for absence in self.plan.absences)
        return dict(zip(identities, self.drift.absences, strict=True)) if self.drift else {}

    @property
    def has_plan(self) -> bool:
        """True where the command came as far as a plan."""
        return bool(self.headline) or self.plan != EMPTY_PLAN

    @property
    def summary(self) -> Summary:
        """What it comes to in numbers."""
        steps = [reported.step for reported in self.steps]
        return summarize_steps(self.plan, steps, self.outcomes)

    @property
    def plan_digest(self) -> str:
        """The digest of the saved plan that was made, shown or applied; "" for none."""
        saved_plan = self.members.get("saved_plan") or {}
        return str(self.members.get("digest") or saved_plan.get("digest") or "")

    @property
    def all_problems(self) -> list[Diagnostic]:
        """Everything that has to be mended, sorted by place, each thing once."""
        unread = (gap.problem for gap in self.plan.gaps)
        return sort_diagnostics((*self.problems, *self.plan.problems, *unread))

    @property
    def findings(self) -> list[Diagnostic]:
        """What was found beside everything that is declared, the most urgent first; the plan's notes have these too."""
        return [finding.describe() for finding in self.posture.findings] if self.posture else []

    @property
    def other_notes(self) -> list[Diagnostic]:
        """Everything that is only told, and neither missing nor a finding, sorted by place."""
        findings = frozenset(finding.rule.id for finding in self.posture.findings) if self.posture else frozenset()
        return sorted({note for note in (*self.plan.notes, *self.notes) if note.rule not in findings})

    @property
    def all_notes(self) -> list[Diagnostic]:
        """Everything that is only told, sorted by place."""
        notes = (*self.plan.notes, *self.plan.absences, *self.notes)
        return sorted(notes, key=lambda note: note.identity)
