"""Reports of disjoint targets become one report, to the byte, in whatever order and groups they are put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.errors import Exit
from reconciler.model import Bound, Coverage, Gap, Outcome, Plan, Verdict
from reconciler.plans.attribution import Grade, TrailEvidence
from reconciler.plans.drift_items import ClearedDifference, DriftAge, DriftComparison, DriftStatus, StepDrift
from reconciler.plans.exit_code import exit_code
from reconciler.reports.fleet_facts import FleetFacts, LostTarget
from reconciler.reports.json_document import render_report
from reconciler.reports.merged_report import merge_reports
from reconciler.reports.report_reader import read_report
from reconciler.reports.run_report import RunReport
from reconciler.reports.run_text import render_run_text
from reconciler.rights import Principal, RightsChange
from tests.support.report_plans import mask_outcomes, mask_plan, step

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover

NAMES = ("ap-1", "ap-2", "eu-1", "eu-2", "us-1", "us-2")
KIND = "SecretEvent"
SHARED = Source("base/events.yaml", 3, 1)
WAIVED = {0: "live.refused", 64: "waiver.no-breach"}
VERDICTS = (Verdict.APPLIED, Verdict.STALE, Verdict.UNKNOWN, Verdict.NOT_REACHED)


def tell(target: str, summary: str, rule: str = "live.refused") -> Diagnostic:
    return Diagnostic(rule, SHARED, summary, address=Address(target, KIND, "a"))


@st.composite
def draw_report(draw: st.DrawFn, target: str, command: str) -> RunReport:
    """Return what a run of one target may come to: anything from a refused login to the whole of what is declared."""
    if draw(st.integers(0, 9)) == 0:
        problem = Diagnostic("http.no-answer", Source(f"{target} GET https://x"), "no answer")
        return RunReport(
            command, draw(st.sampled_from((Exit.UNREACHABLE, Exit.AUTH, Exit.LOCKED))), problems=(problem,)
        )
    number, flags = draw(st.integers(0, 2)), draw(st.integers(0, 255))
    steps = tuple(step(KIND, f"{name}", target=target) for name in "ba"[:number])
    gaps = (Gap(Diagnostic("http.no-answer", Source(f"{target} GET https://x"), "no"), Exit.UNREACHABLE),)
    compared = 0 if flags & 3 == 3 else 3
    everybody = replace(tell(target, "all alike", WAIVED[flags & 64]), address=None)
    documents = (DocumentCoverage(Address(target, KIND, "a"), SHARED, compared, 3),)
    plan = Plan(
        steps, Coverage(compared, 3), (tell(target, "it is full"),) if flags & 4 else (), gaps if flags & 2 else (),
        (tell(target, "it has ended"), *([everybody] if flags & 8 else ())), "",
        {target: Bound("csms", "https://x", target)}, "sha256:1", (tell(target, "gone"),) if flags & 16 else (),
        (), {KIND: {target: flags}} if flags & 32 else {},
        (RightsChange(target, Principal("User", "ada", ""), (), ("/a/",), ()),) if flags & 64 else (),
        documents=documents,
    )  # fmt: skip
    parts: dict[str, Any] = {"notes": (replace(tell(target, "all alike"), address=None),), "tool": "1.0"}
    exit_ = exit_code(plan, changes=Exit.CHANGES if flags & 128 else Exit.OK)
    if command == "plan" and flags & 8:
        parts |= {"refusals": 1, "problems": (tell(target, "too many"),), "members": {"saved": True, "digest": target}}
        exit_ = exit_code(plan, refused=True)
    if command == "drift":
        age = DriftAge(DriftStatus.KNOWN, f"2026-11-2{number}T08:00:00Z", number + 1)
        gone = ClearedDifference(Address(target, KIND, "c"), "", "state", "2026-11-01T08:00:00Z", 3)
        absent = (age,) * len(plan.absences)
        drift = DriftComparison((StepDrift(age, (age,)),) * number, absent, (age,) * number, (gone,))
        parts |= {"drift": drift if flags & 8 else None, "members": {"run": {"id": target}}}
        evidence = TrailEvidence(Grade.EXACT, target)
        parts |= {"evidence": ((evidence,),) * number if flags & 64 else ()}
    if command == "apply":
        outcomes = [Outcome(each, VERDICTS[(flags + at) % 4]) for at, each in enumerate(steps)]
        parts |= {"outcomes": mask_outcomes(outcomes), "has_sent": bool(steps), "interrupted": flags & 24 == 24}
        exit_ = exit_code(plan, outcomes)
    return RunReport(command, exit_, mask_plan(plan), headline="x" if not plan.steps else "", **parts)


@st.composite
def draw_fleet(draw: st.DrawFn) -> dict[str, RunReport]:
    command = draw(st.sampled_from(("plan", "drift", "apply")))
    return {name: draw(draw_report(name, command)) for name in draw(st.sets(st.sampled_from(NAMES), min_size=1))}


def read_again(report: RunReport) -> RunReport:
    return read_report(render_report(report).encode(), "r.json")


def fold(reports: Sequence[RunReport], cuts: Sequence[int]) -> RunReport:
    """Return reports that are merged in groups, and the groups then."""
    edges = [0, *sorted({cut % (len(reports) + 1) for cut in cuts}), len(reports)]
    groups = [reports[start:end] for start, end in pairwise(edges) if start < end]
    return merge_reports([read_again(merge_reports(group)) for group in groups])


@settings(max_examples=30)
@given(draw_fleet(), st.randoms(use_true_random=False), st.lists(st.integers(0, 6), max_size=2))
def test_neither_order_nor_groups_matter(fleet: dict[str, RunReport], random: Any, cuts: list[int]) -> None:
    """Whatever the runs came to, and whether a report was read from a file or not."""
    whole = merge_reports([fleet[name] for name in sorted(fleet)])
    shuffled = list(fleet.values())
    random.shuffle(shuffled)
    assert render_report(fold(shuffled, cuts)) == render_report(whole)
    assert render_run_text(fold(shuffled, cuts)) == render_run_text(whole)


@settings(max_examples=30)
@given(draw_fleet(), st.integers(1, 4))
def test_all_shards_are_the_fleet(fleet: dict[str, RunReport], number: int) -> None:
    """To the byte, targets without an answer among them."""
    names = tuple(sorted(fleet))
    whole = merge_reports(fleet, FleetFacts(names))
    shards = [
        merge_reports(part, FleetFacts(names, shard=f"{index + 1}/{number}"))
        for index in range(number)
        if (part := {name: fleet[name] for name in names[index::number]})
    ]
    if len(shards) == number:
        assert render_report(merge_reports(list(map(read_again, shards)))) == render_report(whole)
    assert render_report(merge_reports(list(map(read_again, shards)), FleetFacts(names))) == render_report(whole)


def make_report(target: str, **parts: Any) -> RunReport:
    """Return a drift of one target that is in sync."""
    document = DocumentCoverage(Address(target, KIND, "a"), SHARED, 3, 3)
    plan = Plan((), Coverage(3, 3), targets={target: Bound("csms", "https://x", target)}, documents=(document,))
    exit_, command = parts.pop("exit", Exit.OK), parts.pop("command", "drift")
    return RunReport(command, exit_, mask_plan(replace(plan, **parts)), headline="in sync")


LOCKED = RunReport("drift", Exit.LOCKED, problems=(tell("b", "another run holds it"),))
SILENT = RunReport("drift", Exit.INTERRUPTED)
UNSETTLED = RunReport("apply", Exit.UNKNOWN, problems=(tell("b", "nobody knows"),))
UNREAD = Gap(Diagnostic("http.no-answer", Source("b GET https://x"), "no answer"), Exit.UNREACHABLE)
FOLDED = {
    "two in sync": (["a", "b"], {}, Exit.OK, "In sync: compared 6 of 6, 2 of 2 targets answered, no drift."),
    "one was locked": (["a"], {"b": LOCKED}, Exit.INCOMPLETE, "compared 3 of 3, 1 of 2 targets answered"),
    "one was stopped": (["a"], {"b": SILENT}, Exit.INCOMPLETE, "compared 3 of 3, 1 of 2 targets answered"),
    "one was not read": (
        ["a"],
        {"b": make_report("b", gaps=(UNREAD,), compared=Coverage(0, 3), exit=Exit.UNREACHABLE)},
        Exit.INCOMPLETE,
        "compared 3 of 6, 2 of 2 targets answered",
    ),
    "none was read": (
        [],
        {"b": make_report("b", gaps=(UNREAD,), compared=Coverage(0, 3), exit=Exit.UNREACHABLE)},
        Exit.UNREACHABLE,
        "nothing was compared",
    ),
    "a write without an end": (["a"], {"b": UNSETTLED}, Exit.UNKNOWN, "1 of 2 targets answered"),
}


@pytest.mark.parametrize(("whole", "others", "exit_", "text"), FOLDED.values(), ids=FOLDED)
def test_a_target_costs_itself_alone(whole: list[str], others: dict[str, RunReport], exit_: Exit, text: str) -> None:
    """Nothing is in sync that was not compared, and what is lost is told by its name."""
    command = next((report.command for report in others.values()), "drift")
    reports = {name: make_report(name, command=command) for name in whole} | others
    merged = merge_reports(reports, FleetFacts(tuple(sorted(reports))))
    assert merged.exit is exit_
    assert text in merged.headline or text in render_run_text(merged)
    lost = [target.name for target in merged.fleet.lost] if merged.fleet else []
    assert lost == [name for name, report in others.items() if not report.has_plan]


def test_a_shard_is_no_whole_fleet() -> None:
    """What is in sync of a part says that it is a part."""
    shard = merge_reports({"a": make_report("a")}, FleetFacts(("a", "b", "c"), shard="1/3"))
    text = "Partial run (shard 1/3): compared 3 of 3, 1 of 3 targets answered, no drift among them."
    assert render_run_text(shard).splitlines()[0] == shard.headline == text
    missing = LostTarget("b", tell("b", "its shard is missing"))
    both = merge_reports([shard], FleetFacts(("a", "b"), (missing,)))
    assert (both.exit, [gap.problem for gap in both.plan.gaps]) == (Exit.INCOMPLETE, [missing.problem])


def test_only_what_all_know_is_told_of_all() -> None:
    """Objects that one target could not count are counted on none, and its own are nobody else's documents."""
    other = DocumentCoverage(Address("b", KIND, "a"), SHARED, 0, 0, is_selected=False, passed_over=3)
    one = make_report("a", unmanaged={KIND: {"a": 2}}, compared=Coverage(3, 6), selection="--target a")
    one = replace(one, plan=replace(one.plan, documents=(*one.plan.documents, other)))
    merged = merge_reports([one, make_report("b", selection="--target b")])
    assert merged.plan.unmanaged == {}
    assert merged.plan.compared == Coverage(6, 6)
    assert len(merged.plan.documents) == 2
    assert merged.plan.selection == ""
    alone = merge_reports([one])
    assert (alone.plan.selection, alone.plan.compared) == ("--target a", Coverage(3, 6))
    whole = merge_reports([one, make_report("b", unmanaged={KIND: {"b": 1}})], FleetFacts(("a", "b")))
    assert whole.plan.unmanaged == {KIND: {"a": 2, "b": 1}}
    assert whole.plan.selection == ""


def test_what_is_gone_is_told_once_with_what_is_known_of_it() -> None:
    """A run of one target names what is gone from all, and can say of its own alone what still exists."""
    base = {"revision": "main", "commit": "3f2a", "whole": True}
    reports = [make_report("a"), make_report("b")]
    for at, report in enumerate(reports):
        gone = [
            {"address": {"target": target, "kind": KIND, "name": "x"}, "source": "main:a.yaml:1:1", "document": "gone",
             "objects": ["x"], "existing": 1 if number == at else None}
            for number, target in enumerate("ab")
        ]  # fmt: skip
        reports[at] = replace(report, members={"base": base, "no_longer_declared": gone})
    merged = [merge_reports(each) for each in (reports, reports[::-1])]
    assert merged[0].members == merged[1].members
    rows = merged[0].members["no_longer_declared"]
    assert [(row["address"]["target"], row["existing"]) for row in rows] == [("a", 1), ("b", 1)]


@pytest.mark.parametrize(
    "reports",
    [
        [],
        [make_report("a"), make_report("b", command="plan")],
        [make_report("a", selection="--only X"), make_report("b")],
    ],
)
def test_what_does_not_belong_together_is_not_put_together(reports: list[RunReport]) -> None:
    """Another command or other filters are another question."""
    with pytest.raises(ValueError, match="of one"):
        merge_reports(reports)


def test_a_group_in_which_nothing_was_read_decides_nothing_for_the_others() -> None:
    """Two causes make a group incomplete; beside a refused login that is what has to be mended first, in any group."""
    causes = {"a": Exit.UNREACHABLE, "b": Exit.LOCKED, "c": Exit.AUTH}
    reports = [
        make_report(name, gaps=(Gap(tell(name, "unread"), cause),), compared=Coverage(0, 3), exit=cause)
        for name, cause in causes.items()
    ]
    group = merge_reports(reports[:2])
    assert group.exit is Exit.INCOMPLETE
    assert merge_reports([group, reports[2]]).exit is merge_reports(reports).exit is Exit.AUTH


def test_a_waiver_is_needless_only_where_no_target_needs_it() -> None:
    """Each target's own run judges what it declares alone."""
    note = Diagnostic("waiver.no-breach", SHARED, "it does not break the policy")

    def report(target: str, notes: tuple[Diagnostic, ...]) -> RunReport:
        bound = {target: Bound("csms", "https://x", target)}
        return RunReport("plan", Exit.OK, mask_plan(Plan((), Coverage(1, 1), notes=notes, targets=bound)), headline="x")

    fleet = FleetFacts(("a", "b"))
    assert merge_reports({"a": report("a", (note,)), "b": report("b", ())}, fleet).plan.notes == ()
    assert merge_reports({"a": report("a", (note,)), "b": report("b", (note,))}, fleet).plan.notes == (note,)
