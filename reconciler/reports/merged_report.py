"""Reports of disjoint targets folded into one: the same bytes whatever came first, and however they were grouped. Pure.

What differs from run to run (ids, times) is no part of it, so that a fleet has one report however it ran.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from reconciler.coverage import DocumentCoverage, UnmanagedCounts
from reconciler.diagnostics import Diagnostic, Source, sort_diagnostics
from reconciler.errors import Exit
from reconciler.manifests.selection import Selection, format_filters, parse_filters
from reconciler.model import Coverage, Gap, Json
from reconciler.plans.exit_code import exit_code
from reconciler.plans.masking import MaskedPlan
from reconciler.plans.rights_analysis import sort_rights_changes
from reconciler.reports.fleet_facts import FleetFacts, LostTarget
from reconciler.reports.headline import summarize_drift, summarize_news, summarize_plan
from reconciler.reports.merged_steps import MergedSteps, merge_drift, merge_steps
from reconciler.reports.run_report import EMPTY_PLAN, RunReport

_UNANIMOUS = frozenset({"waiver.no-breach"})
"""What only holds if it does on every target: a waiver may be needed on one, of which the others know nothing."""
_GRAVE = frozenset({Exit.UNKNOWN, Exit.STALE, Exit.PARTIAL})
"""What outranks that something could not be read."""


def merge_reports(reports: Mapping[str, RunReport] | Sequence[RunReport], fleet: FleetFacts | None = None) -> RunReport:
    """Return one report of all; each target is in one of them, and their order does not matter.

    With `fleet` it is that of a fleet, or of a shard; reports by the names of their targets that did not come as far as
    a plan are then those of lost targets. Without it the fleets and shards of the reports are put together. Raises
    ValueError for no report at all, and for reports of different commands or selections.
    """
    parts, lost = _part_lost(reports, is_fleet=fleet is not None)
    if len({report.command for report in parts}) != 1:
        raise ValueError("reports of one command can be merged, and of nothing else")
    merged_fleet = _merge_fleets(fleet, [report.fleet for report in parts if report.fleet], lost)
    steps = merge_steps(parts)
    plan = _merge_plans(parts, merged_fleet, steps)
    plan_problems = (*plan.problems, *(gap.problem for gap in plan.gaps))
    merged = RunReport(
        parts[0].command,
        _merge_exits(parts, plan),
        plan,
        steps.outcomes,
        _list_others((report.problems for report in parts), plan_problems),
        _list_others((report.notes for report in parts), plan.notes),
        merge_drift(parts, steps),
        _merge_members(parts),
        evidence=steps.evidence,
        refusals=sum(report.refusals for report in parts),
        interrupted=any(report.interrupted for report in parts),
        # Of a lost target nobody knows that it sent nothing.
        has_sent=any(report.has_sent for report in parts) or bool(merged_fleet and merged_fleet.lost),
        tool=_find_common(report.tool for report in parts),
        fleet=merged_fleet,
    )
    return replace(merged, headline=_write_headline(merged) if any(report.has_plan for report in parts) else "")


def _list_others(groups: Iterable[Sequence[Diagnostic]], excluded: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return what the plan itself does not tell."""
    keys = {diagnostic.key for diagnostic in excluded}
    return [diagnostic for diagnostic in sort_diagnostics(chain.from_iterable(groups)) if diagnostic.key not in keys]


def _sort_groups(groups: Iterable[Sequence[Diagnostic]]) -> tuple[Diagnostic, ...]:
    return tuple(sort_diagnostics(chain.from_iterable(groups)))


def _part_lost(
    reports: Mapping[str, RunReport] | Sequence[RunReport], *, is_fleet: bool
) -> tuple[list[RunReport], list[LostTarget]]:
    """Return the reports, those of lost targets with gaps in the place of problems, and who is lost."""
    if not isinstance(reports, Mapping) or not is_fleet:
        return list(reports.values() if isinstance(reports, Mapping) else reports), []
    parts, lost = [], []
    for name, report in sorted(reports.items()):
        if report.has_plan:
            parts.append(report)
            continue
        problems = tuple(report.problems) or (_explain_end(name, report.exit),)
        plan = replace(EMPTY_PLAN, gaps=tuple(Gap(problem, report.exit) for problem in problems))
        parts.append(replace(report, plan=plan, problems=()))
        lost.append(LostTarget(name, sort_diagnostics(problems)[0]))
    return parts, lost


def _explain_end(name: str, exit_: Exit) -> Diagnostic:
    summary = f"the run of target {name} ended as {exit_.word} before there was a plan"
    return Diagnostic("fleet.no-answer", Source(name), summary, "nothing is known of the target", "run it again")


def _merge_fleets(
    fleet: FleetFacts | None, others: Sequence[FleetFacts], lost: Sequence[LostTarget]
) -> FleetFacts | None:
    if fleet is None and not others:
        return None
    all_facts = [fleet, *others] if fleet else others
    all_lost = (*lost, *(target for facts in all_facts for target in facts.lost))
    by_name: dict[str, LostTarget] = {}
    for target in sorted(all_lost, key=lambda target: (target.name, target.problem.identity)):
        by_name.setdefault(target.name, target)
    # Whoever gives the facts knows the whole; a shard's own are of a part.
    targets = fleet.targets if fleet else {name for facts in others for name in facts.targets}
    shard = fleet.shard if fleet else _join_shards(facts.shard for facts in others)
    return FleetFacts(tuple(sorted(targets)), tuple(by_name.values()), shard)


def _join_shards(shards: Iterable[str]) -> str:
    """Return which shards there are; "" where they are all of a fleet."""
    parts = {part for shard in shards for part in shard.split(", ")}
    numbers = {part.partition("/")[2] for part in parts}
    number = next(iter(numbers)) if len(numbers) == 1 else ""
    # Some digits, and no more of them than anybody has shards: what is read may hold any.
    if number.isdecimal() and number.isascii() and len(number) < 6:
        is_whole = parts == {f"{index}/{number}" for index in range(1, int(number) + 1)}
        return "" if is_whole else ", ".join(sorted(parts))
    return ", ".join(sorted(filter(None, parts))) if "" not in parts else ""


def _merge_plans(reports: Sequence[RunReport], fleet: FleetFacts | None, steps: MergedSteps) -> MaskedPlan:
    """Return the plan of these steps with all that the plans tell beside them."""
    plans = [report.plan for report in reports]
    told = replace(
        EMPTY_PLAN,
        problems=_sort_groups(plan.problems for plan in plans),
        gaps=_merge_gaps(plans, fleet),
        notes=_sort_groups(_list_agreed_notes(plans)),
        absences=_sort_groups(plan.absences for plan in plans),
        rights=sort_rights_changes(change for plan in plans for change in plan.rights),
    )
    return replace(_merge_scopes(reports, fleet, told), steps=steps.steps, acknowledged=steps.acknowledged)


def _list_agreed_notes(plans: Sequence[MaskedPlan]) -> Iterator[list[Diagnostic]]:
    """Yield the notes of each plan, without those that another one contradicts by saying nothing of the sort."""
    compared = [plan for plan in plans if plan.targets]
    counts = Counter(note.key for plan in compared for note in plan.notes)
    for plan in plans:
        yield [note for note in plan.notes if note.rule not in _UNANIMOUS or counts[note.key] == len(compared)]


def _merge_scopes(reports: Sequence[RunReport], fleet: FleetFacts | None, plan: MaskedPlan) -> MaskedPlan:
    """Return the plan with what all of them are about."""
    plans = [report.plan for report in reports]
    documents = [_list_own_documents(plan) for plan in plans]
    foreign_documents = _list_foreign_documents(plans, documents, fleet)
    # Each plan has all documents: so it is known which targets there are.
    is_whole = fleet is not None or (not foreign_documents and any(plan.documents for plan in plans))
    return replace(
        plan,
        compared=_merge_coverage(plans, documents, foreign_documents),
        selection=_merge_selections(reports, is_whole=is_whole),
        targets=dict(sorted(pair for plan in plans for pair in plan.targets.items())),
        unmanaged=_merge_unmanaged(plans, documents),
        documents=tuple(
            sorted(chain.from_iterable((*documents, foreign_documents)), key=lambda document: document.address)
        ),
        manifests=_find_common(plan.manifests for plan in plans),
    )


def _list_own_documents(plan: MaskedPlan) -> list[DocumentCoverage]:
    """Return the documents of a plan's own targets; a run of one target passes over those of all others."""
    if not plan.targets:
        return list(plan.documents)
    return [document for document in plan.documents if document.address.target in plan.targets]


def _list_foreign_documents(
    plans: Sequence[MaskedPlan], documents: Sequence[Sequence[DocumentCoverage]], fleet: FleetFacts | None
) -> list[DocumentCoverage]:
    """Return the documents of targets that no report is about; of a fleet they are told as lost, or by other shards."""
    if fleet is not None:
        return []
    own_targets = {document.address.target for own in documents for document in own}
    by_address = {document.address: document for plan in plans for document in plan.documents}
    return [document for address, document in sorted(by_address.items()) if address.target not in own_targets]


def _merge_coverage(
    plans: Sequence[MaskedPlan],
    documents: Sequence[Sequence[DocumentCoverage]],
    foreign_documents: Sequence[DocumentCoverage],
) -> Coverage:
    """Return the sums; what was passed over on other targets is counted by the reports of those, or once."""
    passed_over = sum(document.passed_over for document in foreign_documents)
    for plan, own in zip(plans, documents, strict=True):
        passed_over += sum(document.passed_over for document in own) - sum(
            document.passed_over for document in plan.documents
        )
    declared = sum(plan.compared.of for plan in plans) + passed_over
    return Coverage(sum(plan.compared.objects for plan in plans), declared)


def _merge_gaps(plans: Sequence[MaskedPlan], fleet: FleetFacts | None) -> tuple[Gap, ...]:
    """Return what could not be read, each thing once; a lost target is one of them."""
    gaps = [gap for plan in plans for gap in plan.gaps]
    keys = {gap.problem.key for gap in gaps}
    lost = [target.problem for target in (fleet.lost if fleet else ())]
    gaps += [Gap(problem, Exit.INCOMPLETE) for problem in lost if problem.key not in keys]
    causes = {gap.problem.key: gap.cause for gap in sorted(gaps, key=lambda gap: -gap.cause)}
    problems = sort_diagnostics(gap.problem for gap in gaps)
    return tuple(Gap(problem, causes[problem.key]) for problem in problems)


def _merge_selections(reports: Sequence[RunReport], *, is_whole: bool) -> str:
    """Return the filters that all have; targets only where nobody knows that there are no others."""
    # What ended before it read the manifests says nothing of what was selected.
    selections = [parse_filters(report.plan.selection) for report in reports if report.has_plan]
    filters = {selection._replace(target=()) for selection in selections}
    if len(filters) > 1:
        raise ValueError("reports of one selection can be merged, and of nothing else")
    targets = {name for selection in selections for name in selection.target}
    is_whole = is_whole or not all(selection.target for selection in selections)
    common = filters.pop() if filters else Selection()
    return format_filters(common if is_whole else common._replace(target=tuple(sorted(targets))))


def _merge_unmanaged(plans: Sequence[MaskedPlan], documents: Sequence[Sequence[DocumentCoverage]]) -> UnmanagedCounts:
    """Return the counts by kind and target; a kind that one of the targets could not count would be too few."""
    unknown = {
        document.address.kind
        for plan, own in zip(plans, documents, strict=True)
        for document in own
        if document.is_selected and document.address.kind not in plan.unmanaged
    }
    counts: dict[str, dict[str, int]] = {}
    for plan in plans:
        for kind in plan.unmanaged.keys() - unknown:
            counts.setdefault(kind, {}).update(plan.unmanaged[kind])
    return {kind: dict(sorted(counts[kind].items())) for kind in sorted(counts)}


def _merge_members(reports: Sequence[RunReport]) -> dict[str, Json]:
    """Return the command's own members without what differs from run to run, and without any one saved plan."""
    members = [report.members for report in reports]
    merged: dict[str, Json] = {"saved": False, "digest": ""} if reports[0].command == "plan" else {}
    environments = [each.get("environment", "") for each in members]
    if environments[0] and len(set(environments)) == 1:
        merged["environment"] = environments[0]
    plans = [each["saved_plan"] for each in members if "saved_plan" in each]
    if plans and all(plan == plans[0] for plan in plans):
        merged["saved_plan"] = plans[0]
    if any("during_apply" in each for each in members):
        leases = [entry for each in members for entry in each.get("during_apply", ())]
        merged["during_apply"] = sorted(leases, key=lambda lease: sorted(lease.items()))
    return merged | _merge_bases(members)


def _merge_bases(members: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """Return what is no longer declared on any of the targets."""
    bases = [each["base"] for each in members if "base" in each]
    if not bases:
        return {}
    # Where they are not of one revision, as in one fleet, the choice is still no matter of order.
    first = min(bases, key=lambda base: (base["revision"], base["commit"]))
    withdrawals: dict[str, Json] = {}
    # A run of one target names what is gone from all, and knows of its own alone what still exists.
    for entry in sorted(
        chain.from_iterable(each.get("no_longer_declared", ()) for each in members), key=_rank_existing
    ):
        withdrawals[repr([*entry["address"].values(), entry["source"], entry["document"], entry["objects"]])] = entry
    return {
        "base": {**first, "whole": all(base["whole"] for base in bases)},
        "no_longer_declared": [withdrawals[key] for key in sorted(withdrawals)],
    }


def _rank_existing(withdrawal: Mapping[str, Json]) -> int:
    return -1 if withdrawal["existing"] is None else int(withdrawal["existing"])


def _find_common(texts: Iterable[str]) -> str:
    """Return what all say that say anything; "" where they differ."""
    distinct = set(filter(None, texts))
    return distinct.pop() if len(distinct) == 1 else ""


def _merge_exits(reports: Sequence[RunReport], plan: MaskedPlan) -> Exit:
    """Return the code of all: that nothing could be read of one target is no more than a gap among the others."""
    # Its cause is the outcome of a run in which nothing else was compared, and among others one of many.
    codes = {report.exit for report in reports if not _is_told_by_gaps(report)}
    return exit_code(plan, causes=codes | {gap.cause for gap in plan.gaps if gap.cause in _GRAVE})


def _is_told_by_gaps(report: RunReport) -> bool:
    gaps = report.plan.gaps
    causes = {Exit.INCOMPLETE, *(gap.cause for gap in gaps)}
    return bool(gaps) and not report.plan.compared.objects and report.exit in causes


def _write_headline(report: RunReport) -> str:
    plan, fleet = report.plan, report.fleet
    if report.command == "drift":
        return "\n".join(filter(None, (summarize_drift(plan, fleet), summarize_news(report.drift))))
    # What was sent is told by the outcomes, and that nothing was by no more than that.
    is_untold = report.command == "apply" and (plan.steps or not (plan.complete or fleet))
    return "" if is_untold else summarize_plan(plan, report.refusals, fleet)
