"""A JSON report is read as the run that it tells of: every format makes the same of it again, and no file breaks it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.coverage import DocumentCoverage
from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.errors import Exit, UsageError
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Coverage, Gap, Obstacle, Plan
from reconciler.plans.attribution import Grade, TrailEvidence
from reconciler.plans.drift_items import DriftAge, DriftComparison, DriftStatus, StepDrift
from reconciler.reports.fleet_facts import FleetFacts, LostTarget
from reconciler.reports.formats import FORMATS
from reconciler.reports.json_document import render_report
from reconciler.reports.report_reader import READABLE_COMMANDS, read_report
from reconciler.reports.run_report import RunReport
from reconciler.reports.run_text import render_run_text
from reconciler.rights import Principal, RightsChange
from reconciler.schema import build_schemas
from tests.reports.test_formats import CONTEXT, HOSTILE, REPORTS, make_hostile_report
from tests.reports.test_json_document import VALID
from tests.support.html_samples import SAMPLES, spread_word
from tests.support.report_plans import GAP, IMMUTABLE, PLAN, ROLE, TARGETS, mask_plan, owners

SHARED = Diagnostic("live.refused", Source("base/a.yaml", 3, 1), "it is full", address=Address("command", "A", "a"))
AGE = DriftAge(DriftStatus.ACKNOWLEDGED, "2026-11-20T10:30:00Z", 4)
KNOWN = AGE._replace(status=DriftStatus.KNOWN)
DEFERRED = replace(
    owners(1)[0], request=None, deferral=Deferral("later", Source("ack.yaml", 1, 1), date(2027, 1, 31), "a freeze")
)
EVIDENCE = TrailEvidence(Grade.LIKELY, "ada", "2026-11-20T10:30:00Z", "Updated", "10.0.0.1", "audit", "7", "no field")
WITHDRAWN: dict[str, Any] = {
    "base": {"revision": "main", "commit": "3f2a", "whole": False},
    "no_longer_declared": [
        {"address": ROLE.address._asdict(), "source": "main:a.yaml:1:1", "document": "gone", "objects": ["a"],
         "existing": 1},
        {"address": ROLE.address._asdict(), "source": "main:b.yaml:1:1", "document": "changed",
         "objects": list("bcde"), "existing": None},
    ],
}  # fmt: skip
WHOLE = Plan(
    (ROLE, replace(ROLE, escalation="ada gains every right"), replace(IMMUTABLE, obstacle=Obstacle.HELD_BACK)),
    Coverage(213, 214), (SHARED, replace(SHARED, address=Address("csms", "A", "a"))), (GAP,),
    (replace(SHARED, rule="live.other", object_name="x"),), "--only 'A/*'", TARGETS, "sha256:9d01",
    (replace(SHARED, summary="gone"), replace(SHARED, object_name="y")), (DEFERRED,),
    {"SecurityRole": {"command": 4, "csms": 0}},
    (RightsChange("command", Principal("User", "ada", "AD"), ("Ops",), ("/a/",), ("/b/",), ("/b/c/",), ("/a/",)),),
    documents=(DocumentCoverage(ROLE.address, Source("a.yaml", 3, 1), 213, 214),
               DocumentCoverage(DEFERRED.address, Source("b.yaml", 3, 1), 0, 0, is_selected=False)),
)  # fmt: skip
COMPARED = DriftComparison(
    (StepDrift(KNOWN, (None, KNOWN)), None, None),
    (AGE._replace(status=DriftStatus.NEW), None), (AGE, AGE._replace(status=DriftStatus.NEW)), (),
    (StepDrift(AGE, (AGE,)),),
)  # fmt: skip
RUN = {"id": "r-1", "started": "2026-11-20T10:30:00Z", "tool": "1.0", "commit": ""}
FLEET = FleetFacts(("a", "command", "csms"), (LostTarget("a", GAP.problem),), "1/2")
READ_AGAIN = {
    **{f"sample: {name}": report for name, report in SAMPLES.items() if report.command in READABLE_COMMANDS},
    **{f"format: {name}": report for name, report in REPORTS.items() if report.command in READABLE_COMMANDS},
    "format: base": replace(REPORTS["base"], members=WITHDRAWN),
    "a plan with all there is": RunReport(
        "plan", Exit.REFUSED, mask_plan(WHOLE), problems=(GAP.problem, SHARED, replace(SHARED, summary="no")),
        notes=(SHARED,), members={"saved": True, "digest": "sha256:1", **WITHDRAWN},
        headline="REFUSED", refusals=1, tool="1.0", fleet=FLEET,
    ),
    "a drift with all there is": RunReport(
        "drift", Exit.INCOMPLETE, mask_plan(WHOLE), drift=COMPARED, headline="drift",
        evidence=((EVIDENCE, None), (None, None), (None,)),
        members={"run": RUN, "base": WITHDRAWN["base"], "no_longer_declared": [],
                 "during_apply": [{"target": "csms", "run": "r-2", "since": "2026-11-20T10:30:00Z"}]},
    ),
    "nobody was named": RunReport("drift", Exit.OK, mask_plan(PLAN), headline="drift", evidence=[(None, None)] * 3),
    "an apply that sent nothing": replace(SAMPLES["apply"], has_sent=False),
    "an apply of nothing": replace(SAMPLES["in sync"], command="apply"),
    "an apply that was stopped": replace(SAMPLES["apply"], exit=Exit.UNKNOWN, interrupted=True, fleet=FLEET),
    **{f"hostile: {at}": make_hostile_report(HOSTILE[at::9]) for at in range(9)},
}  # fmt: skip
for at, each in enumerate(report for report in spread_word("<b>\u202e\x1b[0m") if report.command in READABLE_COMMANDS):
    READ_AGAIN[f"foreign: {at}"] = replace(each, members={"run": {"id": "<b>"}})


@pytest.mark.parametrize("report", READ_AGAIN.values(), ids=READ_AGAIN)
def test_every_format_makes_the_same_of_what_was_read_again(report: RunReport) -> None:
    """To the byte: nothing that any of them draws is missing from the document, and the text is one of them."""
    again = read_report(render_report(report).encode(), "report.json")
    for name, format_ in FORMATS.items():
        assert format_.render(again, CONTEXT) == format_.render(report, CONTEXT), name
    assert render_run_text(again) == render_run_text(report)


def test_all_that_a_report_can_have_is_in_the_schema() -> None:
    """Whoever reads it by the schema finds each member there."""
    for name in ("a plan with all there is", "a drift with all there is", "an apply that was stopped"):
        document = json.loads(render_report(READ_AGAIN[name]))
        VALID.validate(document)
        schema = build_schemas(KINDS)["report.json"]["properties"]
        assert document.keys() <= schema.keys() | {"targets", "saved", "digest"}


def test_what_is_said_of_two_documents_in_the_same_words_is_told_of_both() -> None:
    """One file may be for hundreds of targets, and a fault of it is one of each."""
    report = read_report(render_report(READ_AGAIN["a drift with all there is"]).encode(), "r.json")
    assert [problem.address.target for problem in report.plan.problems if problem.address] == ["command", "csms"]


def test_members_of_a_later_version_are_passed_over() -> None:
    """A report of a newer minor version is one."""
    document = json.loads(render_report(SAMPLES["plan"]))
    document |= {"format_version": "1.7", "weather": {"rain": True}}
    for members in (*document["steps"], *document["problems"], *document["absences"]):
        members["weather"] = []
    again = read_report(json.dumps(document).encode(), "r.json")
    assert render_report(again) == render_report(SAMPLES["plan"])


NO_REPORTS = {
    "no bytes": b"",
    "no JSON": b"<html>",
    "cut off": render_report(SAMPLES["plan"]).encode()[:-40],
    "a member twice": b'{"command": "plan", "command": "drift"}',
    "no UTF-8": b"\xff\xfe{}",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "of another tool": b'{"command": "plan"}',
    "of another command": render_report(REPORTS["invalid"]).encode(),
    "of the future": render_report(SAMPLES["plan"]).replace('"1.0"', '"2.0"', 1).encode(),
    "a saved plan": b'{"format_version": "3.0", "kind": "Plan"}',
    "a bomb": render_report(SAMPLES["drift"]).replace('"differences": 1', f'"differences": {10**15}', 1).encode(),
}


@pytest.mark.parametrize("data", NO_REPORTS.values(), ids=NO_REPORTS)
def test_what_is_no_report_is_refused_by_its_name(data: bytes) -> None:
    """One sentence about the file, whatever is in it."""
    with pytest.raises(UsageError) as refusal:
        read_report(data, "shards/1.json")
    assert [str(problem.source) for problem in refusal.value.problems] == ["shards/1.json"]
    assert refusal.value.problems[0].rule == "usage.not-a-report"


DAMAGED = json.loads(render_report(READ_AGAIN["a drift with all there is"]))
JUNK: tuple[Any, ...] = (None, True, -1, 1.5, "", "x", [], [1], {}, {"x": 1}, [None], [[]])


def list_places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to each value in a document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(way for name, part in parts for way in list_places(part, (*place, name)))]


PLACES = list_places(DAMAGED)[1:]


@settings(max_examples=80)
@given(st.sampled_from(PLACES), st.sampled_from(JUNK))
def test_a_damaged_report_is_refused_or_can_be_drawn(place: tuple[Any, ...], junk: Any) -> None:
    """Never a traceback: neither when it is read, nor when what was read is shown."""
    document = json.loads(json.dumps(DAMAGED))
    parent = document
    for name in place[:-1]:
        parent = parent[name]
    parent[place[-1]] = junk
    try:
        report = read_report(json.dumps(document).encode(), "r.json")
    except UsageError:
        return
    render_run_text(report)
    for name in ("json", "markdown", "junit", "prometheus"):
        FORMATS[name].render(report, CONTEXT)


def test_the_steps_of_a_report_can_be_sent_by_nobody() -> None:
    """A report holds no state that a request was built from, and says so by its type."""
    report = read_report(render_report(SAMPLES["plan"]).encode(), "r.json")
    requests = [step.request for step in report.plan.steps if step.request]
    assert requests
    assert {(request.base, request.expect) for request in requests} == {(None, None)}
    assert report.plan.steps[0].action is Action.UPDATE


def test_a_gap_keeps_its_cause() -> None:
    """What nothing was compared for decides how a run ends."""
    report = read_report(render_report(SAMPLES["plan"]).encode(), "r.json")
    assert report.plan.gaps == (Gap(GAP.problem, Exit.UNREACHABLE),)
