"""A plan as it is shown: what a server holds, less what is one of our own secrets.

Live values are compared, saved and sent exactly as they are. Somebody may have written a password into a description,
though, and a report goes into a log that more people read than the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NewType

from reconciler.coverage import DocumentCoverage, UnmanagedCounts
from reconciler.diagnostics import Address, Diagnostic
from reconciler.model import Bound, Coverage, Gap, Json, Outcome, Plan, Step, Subject, Verdict
from reconciler.rights import Principal, RightsChange

_TEXTS_AT_ONCE = 10_000
MaskedStep = NewType("MaskedStep", Step)
"""A step as it is shown."""


@dataclass(frozen=True, slots=True)
class MaskedPlan:
    """A plan as it is shown. It is no `Plan`, so that nobody can send or save it: a masked value would be written.

    Only `SecretMasker` makes one, and reports take nothing else.
    """

    steps: tuple[MaskedStep, ...]
    compared: Coverage
    problems: tuple[Diagnostic, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    selection: str = ""
    targets: Mapping[str, Bound] = field(default_factory=dict)
    absences: tuple[Diagnostic, ...] = ()
    acknowledged: tuple[MaskedStep, ...] = ()
    unmanaged: UnmanagedCounts = field(default_factory=dict)
    rights: tuple[RightsChange, ...] = ()
    compared_addresses: frozenset[Address] = frozenset()
    documents: tuple[DocumentCoverage, ...] = ()
    manifests: str = ""

    @property
    def complete(self) -> bool:
        """True if every selected object was compared."""
        return not self.gaps and not self.problems


@dataclass(frozen=True, slots=True)
class MaskedOutcome:
    """What became of a step, as it is shown."""

    step: MaskedStep
    verdict: Verdict
    detail: str = ""
    verdicts: tuple[Verdict, ...] = ()


class SecretMasker:
    """Takes the secrets that were used so far out of what is shown; each of `redactors` knows those of one target."""

    def __init__(self, redactors: Iterable[Callable[[str], str]]) -> None:
        self._redactors = tuple(redactors)

    def __call__(self, text: str) -> str:
        """Return a text without them."""
        for redact in self._redactors:
            text = redact(text)
        return text

    def mask_plan(self, plan: Plan) -> MaskedPlan:
        """Return the plan to look at. Where there is nothing to hide no step is copied."""
        # Nearly every plan is.
        is_clean = self._is_clean(_iterate_plan_texts(plan))
        return MaskedPlan(
            steps=tuple(MaskedStep(step if is_clean else self.mask_step(step)) for step in plan.steps),
            compared=plan.compared,
            problems=self.mask_diagnostics(plan.problems),
            gaps=tuple(gap._replace(problem=self._problem(gap.problem)) for gap in plan.gaps),
            notes=self.mask_diagnostics(plan.notes),
            absences=self.mask_diagnostics(plan.absences),
            acknowledged=tuple(MaskedStep(step if is_clean else self.mask_step(step)) for step in plan.acknowledged),
            selection=plan.selection,
            targets=plan.targets,
            unmanaged=plan.unmanaged,
            rights=plan.rights if is_clean else tuple(map(self._mask_rights, plan.rights)),
            compared_addresses=plan.compared_addresses,
            documents=plan.documents,
            manifests=plan.manifests,
        )

    def _is_clean(self, texts: Iterator[str]) -> bool:
        """Say whether nothing in these is to be hidden; many are looked through at once, and never all."""
        while self._redactors and (part := list(islice(texts, _TEXTS_AT_ONCE))):
            text = "\n".join(part)
            if self(text) != text:
                return False
        return True

    def mask_diagnostics(self, diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return what is to be told."""
        return tuple(self._problem(diagnostic) for diagnostic in diagnostics)

    def mask_outcome(self, outcome: Outcome) -> MaskedOutcome:
        """Return one outcome, as it is shown while others are still to come."""
        return MaskedOutcome(
            MaskedStep(self.mask_step(outcome.step)), outcome.verdict, outcome.detail, outcome.verdicts
        )

    def mask_outcomes(self, outcomes: Sequence[Outcome], plan: MaskedPlan) -> tuple[MaskedOutcome, ...]:
        """Return outcomes with the plan's masked steps in the place of the real ones. Details were masked when made."""
        return tuple(
            MaskedOutcome(step, outcome.verdict, outcome.detail, outcome.verdicts)
            for outcome, step in zip(outcomes, plan.steps, strict=True)
        )

    def _problem(self, problem: Diagnostic) -> Diagnostic:
        summary, reason, remedy = self(problem.summary), self(problem.reason), self(problem.remedy)
        return replace(problem, summary=summary, reason=reason, remedy=remedy, object_name=self(problem.object_name))

    def _mask_rights(self, change: RightsChange) -> RightsChange:
        principal = Principal(*map(self, change.principal))
        return change._replace(principal=principal, roles=tuple(map(self, change.roles)))

    def _subject(self, subject: Subject) -> Subject:
        facts = tuple((name, self(text)) for name, text in subject.facts)
        return subject._replace(name=self(subject.name), facts=facts, path=self(subject.path))

    def mask_step(self, step: Step) -> Step:
        """Return one step, as it is shown or remembered."""
        request = step.request
        if request:
            request = request._replace(call=request.call._replace(body=_map_texts(request.call.body, self)))
        return replace(
            step,
            changes=tuple(
                # A path may hold what a server calls a member, such as a claim.
                change._replace(
                    path=self(change.path),
                    before=_map_texts(change.before, self),
                    after=_map_texts(change.after, self),
                    names=tuple((self(member), self(name)) for member, name in change.names),
                )
                for change in step.changes
            ),
            request=request,
            object=self(step.object),
            refusal=self(step.refusal),
            subjects=tuple(self._subject(subject) for subject in step.subjects),
            deferral=step.deferral and step.deferral._replace(reason=self(step.deferral.reason)),
            escalation=self(step.escalation),
        )


def _list_subject_texts(subject: Subject) -> tuple[str, ...]:
    return (subject.name, *(text for _, text in subject.facts))


def _map_texts(value: Json, change: Callable[[str], str]) -> Json:
    """Return a JSON value with each text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(name): _map_texts(member, change) for name, member in value.items()}
    return [_map_texts(member, change) for member in value] if isinstance(value, list | tuple) else value


def _iterate_plan_texts(plan: Plan) -> Iterator[str]:
    for step in (*plan.steps, *plan.acknowledged):
        yield from (step.object, step.refusal, step.escalation, step.deferral.reason if step.deferral else "")
        for subject in step.subjects:
            yield from _list_subject_texts(subject)
        for change in step.changes:
            yield change.path
            yield from _iterate_json_texts((change.before, change.after, change.names))
        yield from _iterate_json_texts(step.request.call.body if step.request else None)
    for rights_change in plan.rights:
        yield from (*rights_change.principal, *rights_change.roles)
    for problem in (*plan.problems, *plan.notes, *plan.absences, *(gap.problem for gap in plan.gaps)):
        yield problem.message


def _iterate_json_texts(value: Json) -> Iterator[str]:
    """Yield the texts in a JSON value."""
    if isinstance(value, str):
        yield value
        return
    members: Iterable[Json] = ()
    if isinstance(value, Mapping):
        yield from value
        members = value.values()
    elif isinstance(value, list | tuple):
        members = value
    for member in members:
        if type(member) is str:
            yield member
        elif member is not None:
            yield from _iterate_json_texts(member)
