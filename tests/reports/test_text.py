"""A plan as text: what a reviewer reads, to the letter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.diagnostics import Source
from reconciler.model import Action, Change, Coverage, Obstacle, Outcome, Plan, Risk, Verdict
from reconciler.plans.masking import MaskedPlan
from reconciler.reports import text
from reconciler.reports.layout import Layout
from tests.support.problems import make_problem
from tests.support.report_plans import (
    DENIAL,
    EMPTY,
    EVENT,
    GAP,
    IMMUTABLE,
    OUTCOMES,
    PLAN,
    ROLE,
    mask_outcomes,
    mask_plan,
    owners,
    step,
)

HELD_BACK = replace(IMMUTABLE, obstacle=Obstacle.HELD_BACK)
ABSENT = replace(IMMUTABLE, obstacle=Obstacle.ABSENT)

GOLDEN = """\
1 to create, 1 to update, 2 to deny; 210 in sync; 1 high risk, 2 irreversible  (compared 214 of 214)
target command: https://keyfactor.example.com/KeyfactorAPI
target csms: https://csms.example.com project 0123

   action  target   kind           name           object  risk          fields                    source
~  update  command  SecurityRole   PKI Operators  (id 5)  HIGH          permissions, description  roles/ops.yaml:8:3
+  create  csms     SecretEvent    expiry-prod            low           state, eventTypes         events.yaml:12:1
!  deny    command  RequestDenial  no-test-names          IRREVERSIBLE  2 requests                denials.yaml:3:1

~ SecurityRole PKI Operators  (id 5)  target command  roles/ops.yaml:8:3
    description  "a" -> "Day-to-day operations"
    permissions  + "/security/modify/"
                 - "/dashboard/read/"
                   1 unchanged
    risk         high: adds a right to 2 claims and takes a right from 2 claims
    call         PUT /Security/Roles

+ SecretEvent expiry-prod  target csms  events.yaml:12:1
    state       "ENABLED"
    eventTypes  + "SECRET_DELETED"
                + "SECRET_ROTATED"
    call        POST /v1/0123/csms/events

! RequestDenial no-test-names  target command  denials.yaml:3:1
    requests.23  "pending" -> "denied"   test.example.com, requester CORP\\nina
    requests.24  "pending" -> "denied"
    risk         irreversible: a denial can't be undone
    call         POST /Workflow/Certificates/Deny
"""


def test_a_plan_reads_like_this() -> None:
    """The whole report of a small plan: verdict, table, fields, and what is sent."""
    assert text.render_plan(mask_plan(PLAN)) == GOLDEN


VERDICTS = [
    ("in sync", text.render_plan, EMPTY, "In sync: compared 214 of 214, nothing to do."),
    ("no drift", text.render_drift, EMPTY, "In sync: compared 214 of 214, no drift."),
    (
        "partial",
        text.render_plan,
        replace(EMPTY, selection="--only SecurityRole", compared=Coverage(3, 214)),
        "Partial run (--only SecurityRole): compared 3 of 214, nothing to do among them.",
    ),
    (
        "unread",
        text.render_plan,
        replace(EMPTY, gaps=(GAP,), compared=Coverage(0, 214)),
        "INCOMPLETE, 1 thing could not be read: nothing was compared  (compared 0 of 214)",
    ),
    (
        "half read",
        text.render_drift,
        replace(EMPTY, gaps=(GAP,), compared=Coverage(200, 214)),
        (
            "INCOMPLETE, 1 thing could not be read: no difference in what was compared; 200 unchanged"
            "  (compared 200 of 214)"
        ),
    ),
    (
        "invalid",
        text.render_plan,
        replace(EMPTY, problems=(make_problem(Source("a.yaml", 1, 1), "no such role"),)),
        "INCOMPLETE, 1 document held back: no difference in what was compared; 214 unchanged  (compared 214 of 214)",
    ),
    (
        "drift",
        text.render_drift,
        replace(PLAN, steps=(ROLE, EVENT)),
        (
            "Drift (declared -> found): 2 of 214 objects not as declared: 1 missing, 1 changed; 212 in sync; "
            "1 high risk  (compared 214 of 214)"
        ),
    ),
    (
        "not to be changed",
        text.render_plan,
        replace(PLAN, steps=(IMMUTABLE,)),
        "1 can't be changed; 213 in sync  (compared 214 of 214)",
    ),
    (
        "held back and not there",
        text.render_plan,
        replace(PLAN, steps=(IMMUTABLE, HELD_BACK, ABSENT)),
        "1 not there; 1 can't be changed; 1 held back; 211 in sync  (compared 214 of 214)",
    ),
    (
        "held back and not there, as drift",
        text.render_drift,
        replace(PLAN, steps=(IMMUTABLE, HELD_BACK, ABSENT), absences=(make_problem(Source("a.yaml", 1, 1), "gone"),)),
        (
            "Drift (declared -> found): 4 of 214 objects not as declared: 2 not there; 1 can't be changed; "
            "1 held back; 210 in sync  (compared 214 of 214)"
        ),
    ),
]


@pytest.mark.parametrize(("_", "report", "plan", "verdict"), VERDICTS, ids=[case[0] for case in VERDICTS])
def test_the_first_line_is_the_verdict(_: str, report: Callable[[MaskedPlan], str], plan: Plan, verdict: str) -> None:
    """What it comes to stands first, in numbers that add up."""
    assert report(mask_plan(plan)).splitlines()[0] == verdict


@pytest.mark.parametrize(
    "plan",
    [
        replace(EMPTY, selection="--only SecurityRole"),
        replace(PLAN, selection="--only SecurityRole"),
        replace(EMPTY, gaps=(GAP,)),
        replace(PLAN, gaps=(GAP,)),
        replace(EMPTY, problems=(GAP.problem,)),
    ],
)
def test_only_a_whole_and_complete_comparison_is_called_in_sync(plan: Plan) -> None:
    """Whatever is partial, unread or invalid never says the two words, in no report."""
    assert "in sync" not in (text.render_plan(mask_plan(plan)) + text.render_drift(mask_plan(plan))).lower()


def test_equal_differences_are_shown_once() -> None:
    """300 certificates with the same new owner: 300 rows, one block, and the rest counted."""
    shown = text.render_plan(mask_plan(Plan(owners(300), Coverage(300, 300))))
    assert shown.count("(none) -> ") == 1
    assert "CertificateOwner payments  300 objects alike\n" in shown
    assert "    and 297 more, each in the table\n" in shown
    assert "call   PUT /Certificates/1/Owner and 299 more like it" in shown
    assert sum(line.startswith("~  update") for line in shown.splitlines()) == 300


def test_ten_thousand_differences_stay_bounded_and_lose_no_risk() -> None:
    """Rows and blocks are capped, the riskiest rows stay, and what is left out is said in numbers."""
    many = tuple(
        step(name=f"role {at}", changes=(Change("description", "", str(at), Risk.LOW),)) for at in range(10_000)
    )
    shown = text.render_plan(mask_plan(Plan((*many, DENIAL), Coverage(10_002, 10_002))))
    assert len(shown.splitlines()) < 1_200
    assert "!  deny    RequestDenial" in shown
    assert "(9,501 more rows, see --full)" in shown
    assert "(9,901 more steps, see --full)" in shown


def test_long_sets_and_values_are_folded() -> None:
    """Twelve members of either sign, then a number; a long text ends with its length."""
    change = Change("permissions", [], [f"/p{at:02}/" for at in range(20)], Risk.HIGH)
    shown = text.render_plan(
        mask_plan(Plan((step(changes=(change, Change("description", "x" * 999, "", Risk.LOW))),), Coverage(1, 1)))
    )
    assert shown.count('+ "/p') == 12
    assert "+ (+8 more, see --full)" in shown
    assert "... (1001 characters, see --full)" in shown


def test_a_refused_step_says_why() -> None:
    """No call, but the reason, and a row that can't be taken for something that will happen."""
    shown = text.render_plan(mask_plan(Plan((IMMUTABLE,), Coverage(1, 1))))
    assert "x  update  SecurityRole  Administrator  (id 1)" in shown
    assert "    refused      the role is immutable; remove the document" in shown
    assert "call" not in shown


def test_a_pipe_gets_every_character() -> None:
    """Without a terminal nothing is wrapped, cropped, coloured or padded, however long."""
    long = step(name="x" * 300)
    shown = text.render_plan(mask_plan(Plan((long,), Coverage(1, 1))))
    assert sum("x" * 300 in line for line in shown.splitlines()) == 2
    assert "\x1b" not in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


@pytest.mark.parametrize("width", [72, 80, 100, 120])
def test_a_terminal_gets_a_table_that_fits(width: int) -> None:
    """Rows keep to the width; what tells equal rows apart is dropped last."""
    shown = text.render_plan(mask_plan(Plan((ROLE, *owners(3), DENIAL), Coverage(9, 9))), Layout(width, color=False))
    table = shown.split("\n\n")[1].splitlines()
    rows = [line for line in table if line[0] in "~!"]
    assert len(rows) == 5
    assert max(len(line) for line in table) <= width
    assert len(set(rows)) == 5


def test_colour_is_only_an_extra() -> None:
    """The words are the same without it."""
    colored = text.render_plan(mask_plan(PLAN), Layout(0, color=True))
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored).replace(" ", "") == GOLDEN.replace(" ", "")


APPLIED = """\
NOT ALL APPLIED: 2 applied, 1 NOT APPLIED, 1 STALE  (of 4 changes)

verdict         action  kind           name           object  risk          fields                    source
applied      ~  update  SecurityRole   PKI Operators  (id 5)  HIGH          permissions, description  roles/ops.yaml:8:3
STALE        +  create  SecretEvent    expiry-prod            low           state, eventTypes         events.yaml:12:1
NOT APPLIED  !  deny    RequestDenial  no-test-names          IRREVERSIBLE  2 requests                denials.yaml:3:1

STALE  SecretEvent/expiry-prod
    nothing was sent: it changed since the plan was made (state); plan again

NOT APPLIED  RequestDenial/no-test-names
    applied      requests.23  test.example.com
    NOT APPLIED  requests.24
"""


def test_an_applied_plan_reads_like_this() -> None:
    """One verdict a row, a reason for whatever did not simply succeed, parts of a batch by themselves."""
    assert text.render_outcomes(mask_outcomes(OUTCOMES)) == APPLIED


@pytest.mark.parametrize(
    ("verdict", "interrupted", "first"),
    [
        (Verdict.APPLIED, False, "Applied: 1 change, each confirmed by reading back."),
        (Verdict.UNCHANGED, False, "Applied: 1 needed nothing any more  (of 1 change)"),
        (Verdict.UNKNOWN, False, "NOT ALL APPLIED: 1 UNKNOWN  (of 1 change)"),
        (Verdict.NOT_REACHED, True, "INTERRUPTED: 1 not reached  (of 1 change)"),
    ],
)
def test_the_verdict_of_a_run_is_never_better_than_its_steps(verdict: Verdict, interrupted: bool, first: str) -> None:
    """Only what was confirmed is called applied."""
    assert (
        text.render_outcomes(mask_outcomes([Outcome(ROLE, verdict)]), interrupted=interrupted).splitlines()[0] == first
    )


def test_an_ordered_list_is_not_shown_as_a_set() -> None:
    """Where only order or repetition differs, both sides are written out."""
    change = Change("order", ["a", "b"], ["b", "a"], Risk.LOW)
    shown = text.render_plan(mask_plan(Plan((step(action=Action.UPDATE, changes=(change,)),), Coverage(1, 1))))
    assert '["a", "b"] -> ["b", "a"]' in shown


def test_why_steps_were_not_reached_is_said_once() -> None:
    """A plan of hundreds that stops at its first step has one reason to tell, not hundreds."""
    left = [Outcome(ROLE, Verdict.NOT_REACHED, "SecurityRole/a ended as stale") for _ in range(300)]
    told = text.render_outcomes(mask_outcomes([Outcome(ROLE, Verdict.STALE, "it moved"), *left]))
    assert told.count("ended as stale") == 1
    assert told.endswith("not reached  300 steps: SecurityRole/a ended as stale\n")


def test_many_steps_have_a_survey_that_adds_up() -> None:
    """What hundreds of rows come to stands before them, the riskiest sort first; a few rows need none."""
    steps = (*owners(60), ROLE, IMMUTABLE, DENIAL)
    survey = text.render_plan(mask_plan(Plan(steps, Coverage(64, 64)))).split("\n\n")[1]
    assert survey.splitlines() == [
        "objects  what      kind              risk          fields",
        "      2  deny      RequestDenial     IRREVERSIBLE  requests",
        "      1  update    SecurityRole      HIGH          permissions, description",
        "     60  update    CertificateOwner  low           owner",
        "      1  not sent  SecurityRole      low           description",
    ]
    assert "objects  what" not in text.render_plan(mask_plan(Plan(owners(50), Coverage(50, 50))))


def test_blanks_at_the_ends_of_a_name_are_seen() -> None:
    """Two roles may differ in nothing else: in the table, above the fields, and in messages."""
    steps = (step(name="Help Desk "), step(name="Help Desk"))
    shown = text.render_plan(mask_plan(Plan(steps, Coverage(2, 2))))
    assert shown.count('"Help Desk "') == 2
    assert str(steps[0].address) == 'SecurityRole/"Help Desk "'
    assert str(steps[1].address) == "SecurityRole/Help Desk"
