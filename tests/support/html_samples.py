"""Runs made by hand for the tests of the page: small, and each with everything that its command can have on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from reconciler.diagnostics import Address, Diagnostic, Severity, Source
from reconciler.engine.run_history import PastDifference, PastRun, RecordedStep
from reconciler.errors import Exit
from reconciler.field_origins import FieldOrigin
from reconciler.model import Action, Bound, Change, Coverage, Gap, Outcome, Plan, Risk, Subject, Verdict
from reconciler.plans.drift_items import ClearedDifference, DriftAge, DriftComparison, DriftStatus, StepDrift
from reconciler.plans.posture import ExpiryDay, Posture, PostureFinding, PostureItem, PostureReading
from reconciler.plans.posture_rules import POSTURE_RULES
from reconciler.reports.formats import FormatContext
from reconciler.reports.headline import summarize_drift, summarize_news, summarize_plan
from reconciler.reports.run_report import RunReport
from reconciler.state.records import Intent, IntentKind, IntentResult, RunHolder, RunRecord, SettledAs, SettledBy
from tests.support.fleet_samples import make_fleet_report
from tests.support.problems import make_problem
from tests.support.report_plans import (
    DENIAL,
    EMPTY,
    EVENT,
    GAP,
    IMMUTABLE,
    OUTCOMES,
    ROLE,
    TARGETS,
    mask_outcomes,
    mask_plan,
    owners,
    step,
)

CONTEXT = FormatContext(
    datetime(2026, 11, 29, 8, 0, tzinfo=UTC), 4.2, 37, "0.1.0", link="https://ci.example.com/jobs/8"
)
ROLES = Address("command", "SecurityRole", "Auditors")
ABSENCE = make_problem(Source("owners.yaml", 7, 5), "certificate 5B7E is not there", ROLES)
MISTAKE = Diagnostic(
    "document.unknown-key", Source("roles/ops.yaml", 8, 3), 'unknown key "descripton"', "it would be managed by nobody",
    'did you mean "description"?', address=ROLES,
)  # fmt: skip
PLAN = Plan(
    (ROLE, EVENT, DENIAL, IMMUTABLE, *owners(3)), Coverage(213, 214), (MISTAKE,), (GAP,),
    (replace(MISTAKE, severity=Severity.NOTE, source=Source("denials.yaml", 3, 1)),), "--only SecurityRole", TARGETS,
    absences=(ABSENCE,), unmanaged={"SecurityRole": {"command": 4}},
)  # fmt: skip


def make_age(status: str, day: int, runs: int, changes: tuple[DriftAge | None, ...] = ()) -> StepDrift:
    """Return the age of a step that has differed since a day of a month."""
    return StepDrift(DriftAge(DriftStatus(status), f"2026-11-{day}T08:00:00Z", runs), changes)


KNOWN = make_age("known", 20, 9)
NEW = make_age("new", 29, 1).step
DRIFT = DriftComparison(
    (make_age("new", 20, 9, (KNOWN.step, NEW)), KNOWN, make_age("changed", 28, 2), None, KNOWN, KNOWN, KNOWN),
    (make_age("known", 21, 7).step,), (KNOWN.step,),
    (ClearedDifference(ROLES, "", "permissions", "2026-11-01T00:00:00Z", 4),),
)  # fmt: skip


def make_run(number: int, exit_: Exit | None, **parts: object) -> PastRun:
    """Return a run that began on that day of a month; without an exit code it was never heard of again."""
    started = f"2026-11-{number:02}T22:32:34.000Z"
    ended = f"2026-11-{number:02}T22:32:38.500Z" if exit_ is not None else ""
    record = RunRecord(
        f"202611{number:02}T223234-de0d514e", "0" * 16, "apply", "1.0", RunHolder("ci-7", actor="ada"), "3f2a91c0aa77",
        "sha256:9d01c2d4aab0ffff", started, ended,
    )  # fmt: skip
    return replace(PastRun(record, ("command",), exit_, {"applied": 2}), **parts)  # type: ignore[arg-type]


INTENT = Intent("", 0, "RequestDenial/d", "POST", "/Deny", "", "", IntentKind.IRREVERSIBLE, ("deny/1",))
RESULT = IntentResult("", 0, SettledAs.APPLIED, SettledBy.ANSWER, "", at="2026-11-28T22:32:36.000Z", id="whole")
RECORDED = RecordedStep("command", INTENT, "2026-11-28T22:32:35.000Z", (RESULT,), None)
RUNS = [
    make_run(28, Exit.PARTIAL, steps=(RECORDED, replace(RECORDED, results=())), targets=("command", "csms")),
    make_run(27, None, is_under_way=True),
    *(make_run(day, exit_) for day, exit_ in ((26, Exit.OK), (25, Exit.STALE), (24, Exit.UNKNOWN), (24, Exit.REFUSED))),
    make_run(23, Exit.INTERRUPTED),
    make_run(22, Exit.INCOMPLETE),
    make_run(21, Exit.AUTH),
    make_run(20, None),
]
DIFFERENCES = [
    PastDifference(ROLES, "", "permissions", "2026-11-20T01:00:00Z", "2026-11-23T01:00:00Z", 3, "2026-11-24T01:00:00Z"),
    PastDifference(ROLES, "", "", "2026-11-26T01:00:00Z", "2026-11-28T01:00:00Z", 2, ""),
]
MASKED = mask_plan(PLAN)
RULES = {rule.id: rule for rule in POSTURE_RULES}


def make_posture_report(target: str, name: str, exit_: Exit = Exit.CHANGES) -> RunReport:
    """Return a report of one finding of each rule of a target, and of another target of which one was not asked."""
    facts = {"certificates": 212, "first to end": None, "such as": name, "description": name}
    findings = [
        PostureFinding(target, rule, 30, 213, [PostureItem(name, str(number), facts, 212)])
        for number, rule in enumerate(RULES.values())
    ]
    expiries = [ExpiryDay(day, day * 7 % 11, max(0, 9 - day)) for day in range(0, 31, 2)]
    read = PostureReading(target, {"certificates": 2_247}, tuple(RULES.values()), (), expiries)
    unread = PostureReading("csms", {}, (), (RULES["posture.event-disabled"],))
    posture = Posture(datetime(2026, 11, 29, tzinfo=UTC).date(), 30, findings, (read, unread))
    notes = tuple(finding.describe() for finding in findings)
    plan = mask_plan(replace(EMPTY, steps=(), compared=Coverage(5, 6), notes=notes, targets=TARGETS))
    return RunReport("report", exit_, plan, headline=f"12 findings of {name}", posture=posture)


SAMPLES: Mapping[str, RunReport] = {
    "plan": RunReport("plan", Exit.INCOMPLETE, MASKED, headline=summarize_plan(MASKED)),
    "drift": RunReport(
        "drift",
        Exit.INCOMPLETE,
        MASKED,
        drift=DRIFT,
        headline=f"{summarize_drift(MASKED)}\n{summarize_news(DRIFT)}",
        members={"run": {"id": "r-1", "commit": "3f2a"}},
    ),
    "apply": RunReport("apply", Exit.PARTIAL, MASKED, outcomes=mask_outcomes(OUTCOMES)),
    "in sync": RunReport("plan", Exit.OK, mask_plan(EMPTY), headline=summarize_plan(mask_plan(EMPTY))),
    "validate": RunReport("validate", Exit.INVALID, problems=(MISTAKE, GAP.problem)),
    "history": RunReport("history", Exit.OK, runs=RUNS, differences=DIFFERENCES, headline="10 runs"),
    "posture": make_posture_report("command", "Platform Engineering"),
    "fleet": make_fleet_report(60),
}
"""A run of each command, with what its page can have."""


def spread_word(word: str) -> list[RunReport]:
    """Return runs with a foreign word in every place that a server, a manifest or a store may have one for."""
    place, address = Source(word, 3, 2), Address(word, word, word)
    problem = Diagnostic("a.rule", place, word, word, word, address=address)
    changes = (
        Change(word, word, f"{word}x", Risk.HIGH, word),
        Change("set", [word], [{word: word}], Risk.LOW, names=((word, f"{word} name"),)),
        Change("new", None, word, Risk.LOW, origin=FieldOrigin(place, (place._replace(line=9), Source(word)))),
    )
    parts = {"object": word, "source": place, "path": word, "query": ((word, word),), "body": {word: [word]}}
    subjects = (Subject(word, ((word, word),), word), Subject(word, ((word, word),)))
    steps = (
        step(word, word, Action.UPDATE, changes, subjects=subjects, target="command", **parts),
        step(word, word, Action.CREATE, changes, refusal=word or "no", **parts),
    )
    targets = {word: Bound("keyfactor", word, word), **TARGETS}
    plan = mask_plan(
        Plan(steps, Coverage(2, 2), (problem,), (Gap(problem, Exit.AUTH),), (problem,), word, targets,
             absences=(problem,), unmanaged={word: {word: 1}}))  # fmt: skip
    outcomes = mask_outcomes([Outcome(one, Verdict.UNKNOWN, word) for one in steps])
    drift = DriftComparison((KNOWN, None), (None,), (), (ClearedDifference(address, word, word, word, 1),))
    withdrawn = {"address": address._asdict(), "source": word}
    members = {"run": {"id": word, "commit": word}, "digest": word, "no_longer_declared": [withdrawn]}
    holder = RunHolder(word, actor=word, job=word)
    record = replace(RUNS[0].record, id=word, command=word, tool=word, holder=holder, commit=word, plan=word)
    intent = INTENT._replace(step=f"{word}/{word}", path=word)
    result = replace(RESULT, detail=word, act=word, by_run=word)
    recorded = RecordedStep(word, intent, word, (result,), None)
    run = PastRun(record, (word,), Exit.OK, {"applied": 1}, steps=(recorded,))
    differences = [DIFFERENCES[0]._replace(address=address, object=word, path=word)]
    return [
        RunReport("drift", Exit.CHANGES, plan, drift=drift, members=members, headline=word),
        RunReport("apply", Exit.UNKNOWN, plan, outcomes=outcomes, problems=(problem,)),
        RunReport("history", Exit.OK, runs=[run], differences=differences, headline=word),
        make_posture_report(word, word),
    ]
