"""The first line of a report: what it comes to, in numbers that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from reconciler.model import Action, Obstacle, Risk, Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedPlan, MaskedStep
from reconciler.plans.summary import count_acknowledged, count_by_verdict, count_in_sync
from reconciler.reports.layout import format_count
from reconciler.reports.perspective import FOUND, PLANNED, ActionWords

if TYPE_CHECKING:
    from reconciler.plans.drift_items import DriftComparison
    from reconciler.reports.fleet_facts import FleetFacts

_Key = TypeVar("_Key")
_VERDICT_WORDS = {
    Verdict.APPLIED: "applied",
    Verdict.UNCHANGED: "needed nothing any more",
    Verdict.NOT_APPLIED: "NOT APPLIED",
    Verdict.STALE: "STALE",
    Verdict.UNKNOWN: "UNKNOWN",
    Verdict.NOT_REACHED: "not reached",
}


_ABSENT = "not there"
_OBSTACLE_LABELS = {
    Obstacle.ABSENT: _ABSENT,
    Obstacle.REFUSED: "can't be changed",
    Obstacle.HELD_BACK: "held back",
    Obstacle.UNSETTLED: "unsettled",
}
_RISK_LABELS = {Risk.HIGH: "high risk", Risk.IRREVERSIBLE: "irreversible"}
_GOOD_VERDICTS = {Verdict.APPLIED, Verdict.UNCHANGED}


def summarize_plan(plan: MaskedPlan, refusals: int = 0, fleet: FleetFacts | None = None) -> str:
    """Say what a plan comes to. Only a whole, complete comparison without a difference is called in sync."""
    if not plan.steps and plan.complete and not refusals:
        return _describe_no_change(plan, "nothing to do", fleet)
    return f"{_describe_caveats(plan, refusals, fleet)}{_describe_counts(plan, PLANNED, fleet)}"


def summarize_drift(plan: MaskedPlan, fleet: FleetFacts | None = None) -> str:
    """Say how far the live state is from what is declared, and which way the report's arrows point."""
    if not plan.steps and plan.complete and not plan.absences:
        return _describe_no_change(plan, "no drift", fleet)
    differing = sum(step.weight for step in plan.steps) + len(plan.absences)
    drift = (
        f"Drift (declared -> found): {differing:,} of {format_count(plan.compared.objects, 'object')} not as declared: "
        if differing
        else ""
    )
    return f"{_describe_caveats(plan, 0, fleet)}{drift}{_describe_counts(plan, FOUND, fleet)}"


def summarize_news(drift: DriftComparison | None) -> str:
    """Say what is new about the differences since earlier runs; "" where there is nothing to say."""
    ages = drift.ages if drift else ()
    counts = Counter(age.status.value for age in ages)
    since = min((age.since[:10] for age in ages if age.status == "known"), default="")
    words = {"new": "new", "changed": "changed", "known": f"known (since {since})", "acknowledged": "acknowledged"}
    parts = [f"{counts[status]:,} {label}" for status, label in words.items() if counts[status]]
    if drift and drift.cleared:
        parts.append(f"{len(drift.cleared):,} cleared")
    return f"Differences beside earlier runs: {', '.join(parts)}" if parts else ""


def summarize_outcomes(
    outcomes: Sequence[MaskedOutcome],
    *,
    interrupted: bool = False,
    fleet: FleetFacts | None = None,
    targets: Collection[str] = (),
) -> str:
    """Say what became of every object in the plan; the numbers add up to it. `targets` are those of the plan."""
    answers = f"; {fleet.describe_answers(targets)}" if fleet else ""
    is_whole, total = not (interrupted or (fleet and fleet.lost)), sum(outcome.step.weight for outcome in outcomes)
    counts = {verdict: number for verdict, number in count_by_verdict(outcomes).items() if number}
    if is_whole and set(counts) == {Verdict.APPLIED}:
        return f"Applied: {format_count(total, 'change')}, each confirmed by reading back{answers}."
    summary = ", ".join(f"{number:,} {_VERDICT_WORDS[verdict]}" for verdict, number in counts.items())
    failed = "INTERRUPTED" if interrupted else "NOT ALL APPLIED"
    start = failed if set(counts) - _GOOD_VERDICTS or not is_whole else "Applied"
    return f"{start}: {summary or 'nothing was sent'}  (of {format_count(total, 'change')}{answers})"


def describe_part(plan: MaskedPlan, fleet: FleetFacts | None) -> str:
    """Say which part of what is declared a run was about; "" for all of it."""
    return "; ".join(filter(None, (plan.selection, f"shard {fleet.shard}" if fleet and fleet.shard else "")))


def _describe_comparison(plan: MaskedPlan, fleet: FleetFacts | None) -> str:
    answers = f", {fleet.describe_answers(plan.targets)}" if fleet else ""
    return f"compared {plan.compared.objects:,} of {plan.compared.of:,}{answers}"


def _describe_no_change(plan: MaskedPlan, message: str, fleet: FleetFacts | None) -> str:
    comparison = _describe_comparison(plan, fleet)
    told = [_describe_absences(plan)] if plan.absences else []
    if acknowledged := describe_acknowledged(plan):
        told.append(acknowledged)
    rest = "".join(f"; {text}" for text in told)
    if part := describe_part(plan, fleet):
        return f"Partial run ({part}): {comparison}, {message} among them{rest}."
    return f"{'No change' if told else 'In sync'}: {comparison}, {message}{rest}."


def describe_acknowledged(plan: MaskedPlan) -> str:
    """Say how many objects are left alone, in whole or in part; "" where none is."""
    count = count_acknowledged(plan)
    return f"{format_count(count, 'object')} acknowledged and left alone" if count else ""


def _describe_absences(plan: MaskedPlan) -> str:
    return f"{format_count(len(plan.absences), 'declared object')} not there, which is only told"


def _describe_caveats(plan: MaskedPlan, refusals: int, fleet: FleetFacts | None) -> str:
    """What keeps the counts from being the whole story comes before them."""
    caveats = []
    if plan.gaps:
        caveats.append(f"{format_count(len(plan.gaps), 'thing')} could not be read")
    if plan.problems:
        caveats.append(f"{format_count(_count_faulty_documents(plan), 'document')} held back")
    if caveats:
        caveats[0] = f"INCOMPLETE, {caveats[0]}"
    if refusals:
        caveats.append(f"REFUSED, {format_count(refusals, 'reason')}")
    if part := describe_part(plan, fleet):
        caveats.append(f"partial run ({part})")
    joined = "; ".join(caveats)
    return f"{joined[:1].upper()}{joined[1:]}: " if joined else ""


def _count_faulty_documents(plan: MaskedPlan) -> int:
    return len({problem.address or problem.source for problem in plan.problems})


def _describe_counts(plan: MaskedPlan, words: Mapping[Action, ActionWords], fleet: FleetFacts | None) -> str:
    is_drift, counts = words is FOUND, _count_steps(plan.steps)
    absent = len(plan.absences) + counts.withheld[Obstacle.ABSENT] if is_drift else 0
    absences = [f"{absent:,} {_ABSENT}"] if absent else []
    # To drift an object that is not there is a difference like others.
    labels = {key: label for key, label in _OBSTACLE_LABELS.items() if not (is_drift and key is Obstacle.ABSENT)}
    actions = _join_counts(counts.actions, {action: words[action].counted for action in Action})
    parts = [", ".join([*actions, *absences]), *_join_counts(counts.withheld, labels)]
    if acknowledged := count_acknowledged(plan, plan.steps):
        parts.append(f"{acknowledged:,} acknowledged")
    if unchanged := count_in_sync(plan, plan.steps):
        parts.append(f"{unchanged:,} {_name_unchanged(plan, fleet)}")
    parts.append(", ".join(_join_counts(counts.risks, _RISK_LABELS)))
    if plan.absences and not is_drift:
        parts.append(_describe_absences(plan))
    if not plan.steps and not absences:
        parts.insert(0, "no difference in what was compared" if plan.compared.objects else "nothing was compared")
    return f"{'; '.join(filter(None, parts))}  ({_describe_comparison(plan, fleet)})"


def _name_unchanged(plan: MaskedPlan, fleet: FleetFacts | None) -> str:
    return "in sync" if plan.complete and not describe_part(plan, fleet) else "unchanged"


class _Counts(NamedTuple):
    """Objects of a plan's steps: what is sent by action and by risk, and what is not by what keeps it."""

    actions: Counter[Action]
    risks: Counter[Risk]
    withheld: Counter[Obstacle]


def _count_steps(steps: Iterable[MaskedStep]) -> _Counts:
    counts = _Counts(Counter(), Counter(), Counter())
    for step in steps:
        weight = step.weight
        if step.request:
            counts.actions[step.action] += weight
            counts.risks[step.risk] += weight
        else:
            counts.withheld[step.obstacle] += weight
    return counts


def _join_counts(counts: Counter[_Key], labels: Mapping[_Key, str]) -> list[str]:
    return [f"{counts[key]:,} {label}" for key, label in labels.items() if counts[key]]
