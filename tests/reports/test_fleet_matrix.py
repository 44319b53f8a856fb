"""What a fleet's report says of each target, and what targets share: no step is lost, and none is told twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.coverage import DocumentCoverage
from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.errors import Exit
from reconciler.field_origins import FieldOrigin
from reconciler.model import Bound, Change, Coverage, Gap, Obstacle, Outcome, Plan, Risk, Step, Verdict
from reconciler.reports.fleet_facts import FleetFacts, LostTarget
from reconciler.reports.fleet_matrix import CellState, build_fleet_matrix
from reconciler.reports.fleet_problems import fold_diagnostics
from reconciler.reports.fleet_sharing import fold_changes, list_sharing
from reconciler.reports.fleet_words import describe_cell, summarize_fleet
from reconciler.reports.run_report import RunReport
from tests.support.fleet_samples import (
    explain_silence,
    find_project,
    make_event_step,
    make_fleet_report,
    make_topic_change,
    name_targets,
)
from tests.support.report_plans import mask_outcomes, mask_plan

A, B = "a", "b"
REFUSED = make_event_step(A, "audit", refusal="the event is of another owner")
ABSENT = replace(REFUSED, obstacle=Obstacle.ABSENT)
DEFERRAL = Deferral("known", Source("known.yaml", 1, 1), date(2027, 1, 31), "until the move")
LEFT_ALONE = replace(make_event_step(A, "audit"), request=None, deferral=DEFERRAL)
HELD_BACK = Diagnostic(
    "live.refused", Source("a.yaml", 3, 1), "no", address=Address(A, "SecretEvent", "audit"),
)  # fmt: skip
GAP, FORBIDDEN = (Gap(explain_silence(A), cause) for cause in (Exit.UNREACHABLE, Exit.AUTH))


def cover(target: str, compared: int, of: int, name: str = "audit") -> DocumentCoverage:
    """Return how much of a document was compared."""
    return DocumentCoverage(Address(target, "SecretEvent", name), Source("a.yaml", 3, 1), compared, of)


class Case(NamedTuple):
    """What is known of target a, and what the row of it says: its state, and the cell of its kind."""

    parts: dict[str, Any]
    state: str
    cell: str
    command: str = "drift"
    outcomes: tuple[Outcome, ...] = ()
    is_lost: bool = False


CASES = {
    "everything is as declared": Case({"documents": (cover(A, 5, 5),)}, "in sync", "in sync"),
    "one of five differs": Case(
        {"documents": (cover(A, 5, 5),), "steps": (make_event_step(A, "audit"),)}, "changes", "1 differs"
    ),
    "a plan changes one": Case({"steps": (make_event_step(A, "audit"),)}, "changes", "1 to change", "plan"),
    "a step without a request is refused": Case({"steps": (REFUSED,)}, "refused", "1 refused", "plan"),
    "what is not there is not refused": Case({"steps": (ABSENT,)}, "not there", "1 not there"),
    "what is only told to be missing": Case({"absences": (HELD_BACK,)}, "not there", "1 not there"),
    "what is left alone": Case(
        {"acknowledged": (LEFT_ALONE,), "documents": (cover(A, 5, 5),)}, "acknowledged", "1 acknowledged"
    ),
    "what is left alone in part is its step's": Case(
        {"acknowledged": (LEFT_ALONE,), "steps": (make_event_step(A, "audit"),)}, "changes", "1 differs"
    ),
    "a list that could not be read": Case({"documents": (cover(A, 0, 5),), "gaps": (FORBIDDEN,)}, "unread", "5 unread"),
    "a list without an answer beside one that has": Case(
        {"documents": (cover(A, 1, 1, "x"), cover(A, 0, 5)), "gaps": (GAP,)}, "unread", "5 unread"
    ),
    "no list has an answer": Case({"documents": (cover(A, 0, 5),), "gaps": (GAP,)}, "no answer", "5 unread"),
    "a gap of no kind is the row's": Case({"documents": (cover(A, 5, 5),), "gaps": (GAP,)}, "unread", "in sync"),
    "a document that is held back": Case(
        {"documents": (cover(A, 4, 5),), "problems": (HELD_BACK,)}, "refused", "1 refused"
    ),
    "a guard that says no to the whole step": Case(
        {"steps": (make_event_step(A, "audit"),), "problems": (HELD_BACK,)}, "refused", "1 to change", "plan"
    ),
    "no answer and nothing known": Case({"documents": (cover(B, 1, 1),)}, "no answer", "unread", is_lost=True),
    "no answer with what is declared": Case({"documents": (cover(A, 0, 5),)}, "no answer", "5 unread", is_lost=True),
    "nothing is declared there": Case({"documents": (cover(B, 1, 1),)}, "not declared", "not declared"),
    "the worst stands first": Case(
        {"documents": (cover(A, 3, 5),), "steps": (REFUSED, make_event_step(A, "access"))},
        "unread", "2 unread, 1 refused, 1 differs",
    ),
    "all is applied": Case({}, "applied", "1 applied", "apply", (Outcome(REFUSED, Verdict.APPLIED),)),
    "an outcome that nobody knows": Case(
        {"documents": (cover(A, 5, 5),)}, "unknown", "1 unknown, 1 stale, 1 applied", "apply",
        tuple(Outcome(REFUSED, verdict) for verdict in (Verdict.APPLIED, Verdict.UNKNOWN, Verdict.STALE)),
    ),
    "nothing had to be done any more": Case({}, "in sync", "in sync", "apply", (Outcome(REFUSED, Verdict.UNCHANGED),)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_target_is_told_by_its_worst(name: str) -> None:
    case = CASES[name]
    plan = Plan((), Coverage(9, 9), targets={A: Bound("csms", "https://a"), B: Bound("csms", "https://b")})
    facts = FleetFacts((A, B), (LostTarget(A, explain_silence(A)),) if case.is_lost else ())
    masked, outcomes = mask_plan(replace(plan, **case.parts)), mask_outcomes(case.outcomes)
    report = RunReport(case.command, Exit.CHANGES, masked, outcomes=outcomes, fleet=facts)
    matrix = build_fleet_matrix(report)
    row = next(row for row in matrix.rows if row.target == A)
    assert (row.state.value, [describe_cell(cell, case.command) for cell in row.cells]) == (case.state, [case.cell])


def test_the_worst_targets_come_first_and_all_have_a_row() -> None:
    """By state, among equals by name; whoever gave no answer says why, and a problem of no target is not lost."""
    report = make_fleet_report(60)
    stray = Diagnostic("settings.limit", Source("reconciler.yaml", 9, 3), "too many changes")
    matrix = build_fleet_matrix(replace(report, problems=(stray,)))
    assert sorted(row.target for row in matrix.rows) == sorted(name_targets(60))
    assert [(row.target, row.state.value) for row in matrix.rows[:4]] == [
        ("prod-ap-006", "no answer"), ("prod-eu-007", "no answer"), ("prod-eu-011", "refused"),
        ("prod-ap-003", "changes"),
    ]  # fmt: skip
    assert matrix.rows[0].problems == (explain_silence("prod-ap-006"),)
    assert matrix.unplaced == (stray,)
    assert summarize_fleet(matrix) == (
        "60 targets: 2 no answer, 1 refused, 53 differ, 4 in sync; 1 problem of no single target"
    )


def test_a_line_that_is_wrong_for_many_targets_is_each_targets_problem() -> None:
    """Though the problems read the same, and are told once."""
    problems = tuple(replace(HELD_BACK, address=Address(target, "SecretEvent", "audit")) for target in (B, A))
    plan = Plan((), Coverage(10, 10), documents=(cover(A, 5, 5), cover(B, 5, 5)))
    refused = RunReport("plan", Exit.REFUSED, mask_plan(plan), problems=problems)
    assert [row.state.value for row in build_fleet_matrix(refused).rows] == ["refused", "refused"]
    held_back = replace(plan, problems=problems, documents=(cover(A, 4, 5), cover(B, 4, 5)))
    rows = build_fleet_matrix(RunReport("plan", Exit.INVALID, mask_plan(held_back))).rows
    assert [(row.target, describe_cell(row.cells[0], "plan")) for row in rows] == [(A, "1 refused"), (B, "1 refused")]


def test_a_run_without_a_fleet_has_a_matrix_as_well() -> None:
    """Its targets are those of the plan."""
    report = make_fleet_report(60)
    matrix = build_fleet_matrix(RunReport("drift", Exit.INCOMPLETE, report.plan))
    assert len(matrix.rows) == 60


def test_what_is_the_same_but_for_the_own_project_is_shared() -> None:
    """A short word that stands in a value by chance is no project, and another's project is no own one."""
    targets = name_targets(3)
    steps = [make_event_step(target, "access", (make_topic_change(target),)) for target in targets]
    report = RunReport("plan", Exit.OK, mask_plan(Plan(tuple(steps), Coverage(3, 3))))

    def count_shared(projects: dict[str, str]) -> int:
        bounds = {target: Bound("csms", "https://c", project) for target, project in projects.items()}
        return len(fold_changes(report.steps, bounds).shared)

    assert count_shared({target: find_project(target) for target in targets}) == 1
    assert count_shared({target: find_project(targets[0]) for target in targets}) == 0
    assert count_shared({target: find_project(target)[:8] for target in targets}) == 0
    (change,) = fold_changes(report.steps, {t: Bound("csms", "", find_project(t)) for t in targets}).shared
    assert change.example.step.changes[0].after == "urn:smn:eu-west-101:{project}:pki"
    by_name = sorted(steps, key=lambda each: each.address)
    assert [member.step for member in change.members] == by_name


def test_what_different_lines_decide_alike_is_shared_and_names_none_of_them() -> None:
    """One line of the base is told with it; patches of each target, which come to the same, are not."""
    targets = name_targets(3)
    for lines in ((7, 7, 7), (7, 7, 8)):
        origins = [FieldOrigin(Source("base/a.yaml", line, 1)) for line in lines]
        steps = [
            make_event_step(target, "access", (make_topic_change(targets[0])._replace(origin=origin),))
            for target, origin in zip(targets, origins, strict=True)
        ]
        report = RunReport("plan", Exit.OK, mask_plan(Plan(tuple(steps), Coverage(3, 3))))
        (change,) = fold_changes(report.steps, {}).shared
        assert sorted(change.targets) == sorted(targets)
        assert change.example.step.changes[0].origin == (origins[0] if len(set(lines)) == 1 else None)
        assert not change.names_project


def test_problems_are_joined_over_targets_alone() -> None:
    """Two lists of one target that fail alike are two things to look at; a line that is wrong for both is one."""
    silence = explain_silence(A)
    twice = (silence, replace(silence, source=Source(f"{A} GET https://a/other")))
    faults = tuple(replace(HELD_BACK, address=Address(target, "SecretEvent", "audit")) for target in (A, B))
    bounds = {name: Bound("csms", "https://a") for name in (A, B)}
    plan = Plan((), Coverage(0, 9), faults, tuple(Gap(gap, Exit.AUTH) for gap in twice), targets=bounds)
    report = RunReport("drift", Exit.AUTH, mask_plan(plan), fleet=FleetFacts((A, B)))
    assert len(report.all_problems) == 4
    told = [problem.summary for problem in fold_diagnostics(report, report.all_problems)]
    assert told == ["no answer within 30 s", "no answer within 30 s", "no, for 2 targets (a, b)"]
    (joined,) = fold_diagnostics(report, (silence, explain_silence(B)))
    assert joined.source.file.startswith("2 targets (a, b), such as a GET https://csms.example.com/v1/")


def test_the_shorter_list_of_targets_is_told() -> None:
    """Of those that don't have a change it says how many were not read: they may have it."""
    report = make_fleet_report(60)
    matrix = build_fleet_matrix(report)
    drift, topics = fold_changes(report.steps, report.plan.targets).shared
    assert len(drift.targets) == 53
    assert list_sharing(drift, matrix) == (
        "not in prod-ap-006, prod-ap-057, prod-ap-060, prod-eu-007, prod-eu-011, prod-eu-058, prod-eu-059 "
        "(2 of these not read whole)"
    )
    assert list_sharing(topics, matrix, 2) == "in prod-ap-033, prod-ap-036 and 8 more"


NAMES = st.sampled_from(["t1", "t2", "t3", "t4"])
VALUES = st.sampled_from([None, 1, True, "a", ["a"]])
STEPS = st.lists(
    st.builds(
        lambda target, name, value, refusal: make_event_step(
            target, name, (Change("state", value, "x", Risk.LOW),), refusal=refusal
        ),
        NAMES, st.sampled_from(["access", "audit"]), VALUES, st.sampled_from(["", "no"]),
    ),
    max_size=12,
)  # fmt: skip


def make_report(steps: list[Step], verdicts: list[Verdict]) -> RunReport:
    """Return an apply that came to these verdicts or, without any, a drift."""
    documents = () if verdicts else tuple(cover(each.address.target, 20, 20) for each in steps)
    plan = mask_plan(Plan(tuple(steps), Coverage(99, 99), documents=documents))
    outcomes = mask_outcomes([Outcome(*pair) for pair in zip(steps, verdicts, strict=False)])
    return RunReport("apply" if verdicts else "drift", Exit.CHANGES, plan, outcomes=outcomes)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.none() | st.lists(st.sampled_from(Verdict), min_size=12, max_size=12), st.randoms())
def test_no_step_is_lost_or_told_twice(steps: list[Step], verdicts: list[Verdict] | None, random: Random) -> None:
    """Each is counted in one cell, folding keeps all of them, and their order changes nothing."""
    report = make_report(steps, verdicts or [])
    matrix, folded = build_fleet_matrix(report), fold_changes(report.steps, {})
    counts = {
        row.target: sum(
            number
            for cell in row.cells
            for state, number in cell.counts.items()
            if verdicts or state is not CellState.IN_SYNC
        )
        for row in matrix.rows
    }
    assert counts == Counter(each.address.target for each in steps)
    told = [member for change in folded.shared for member in change.members] + list(folded.remaining)
    assert Counter(id(each.step) for each in told) == Counter(id(each.step) for each in report.steps)
    assert all(len(set(change.targets)) > 1 for change in folded.shared)
    order = random.sample(range(len(steps)), len(steps))
    other = make_report([steps[at] for at in order], [verdicts[at] for at in order] if verdicts else [])
    assert build_fleet_matrix(other).rows == matrix.rows
    shared = fold_changes(other.steps, {}).shared
    assert [(change.example, change.targets) for change in shared] == [
        (change.example, change.targets) for change in folded.shared
    ]
