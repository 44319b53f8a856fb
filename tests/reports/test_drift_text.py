"""Drift is told from the server's side: what was declared, what was found, and which of it somebody added by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.diagnostics import Source
from reconciler.model import Action, Change, Coverage, Plan, Risk, Step
from reconciler.reports import text
from reconciler.reports.json_document import encode_reported_step
from reconciler.reports.layout import Layout
from tests.support.problems import make_problem
from tests.support.report_plans import EMPTY, PLAN, mask_plan, step

GOLDEN = """\
Drift (declared -> found): 4 of 214 objects not as declared: 1 missing, 1 changed, 2 not denied; 210 in sync; \
1 high risk, 2 irreversible  (compared 214 of 214)
target command: https://keyfactor.example.com/KeyfactorAPI
target csms: https://csms.example.com project 0123

   drift       target   kind           name           object  risk          fields                    source
~  changed     command  SecurityRole   PKI Operators  (id 5)  HIGH          permissions, description  roles/ops.yaml:8:3
-  missing     csms     SecretEvent    expiry-prod            low           state, eventTypes         events.yaml:12:1
!  not denied  command  RequestDenial  no-test-names          IRREVERSIBLE  2 requests                denials.yaml:3:1

~ SecurityRole PKI Operators  (id 5)  target command  roles/ops.yaml:8:3
    description  "Day-to-day operations" -> "a"
    permissions  + "/dashboard/read/"    added on the server
                 - "/security/modify/"   missing on the server
                   1 as declared
    repair       PUT /Security/Roles; high risk: adds a right to 2 claims and takes a right from 2 claims

- SecretEvent expiry-prod  missing on the server  target csms  events.yaml:12:1
    state       "ENABLED" declared
    eventTypes  "SECRET_DELETED" declared
                "SECRET_ROTATED" declared
    repair      POST /v1/0123/csms/events

! RequestDenial no-test-names  target command  denials.yaml:3:1
    requests.23  "denied" -> "pending"   test.example.com, requester CORP\\nina
    requests.24  "denied" -> "pending"
    repair       POST /Workflow/Certificates/Deny; irreversible: a denial can't be undone
"""


def test_drift_reads_like_this() -> None:
    """A right that is not declared is an addition; what is declared and not there is missing."""
    assert text.render_drift(mask_plan(PLAN)) == GOLDEN


def draw_change(before: object, after: object, *, action: Action = Action.UPDATE, color: bool = False) -> str:
    """Return the drift of one field that was found as `before` and is declared as `after`."""
    steps: tuple[Step, ...] = (step(action=action, changes=(Change("field", before, after, Risk.LOW),)),)
    return text.render_drift(mask_plan(Plan(steps, Coverage(1, 1))), Layout(0, color=color))


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (["/security/modify/"], [], '    field   + "/security/modify/"   added on the server'),
        (None, ["x"], '    field   - "x"   missing on the server'),
        ("found", "declared", '    field   "declared" -> "found"'),
        ("found", None, '    field   (none) -> "found"'),
        (["b", "a"], ["a", "b"], '    field   ["a", "b"] -> ["b", "a"]'),
    ],
)
def test_a_difference_leads_from_what_is_declared_to_what_was_found(before: object, after: object, line: str) -> None:
    """Both sides of whatever a field holds."""
    assert line in draw_change(before, after).splitlines()


def test_long_members_stand_below_what_happened_to_them() -> None:
    """Beside them the note would be broken off at 80 columns."""
    lines = draw_change(["/certificates/collections/metadata/modify/"], ["/portal/read/"]).splitlines()
    assert lines[-5:-1] == [
        "    field   added on the server:",
        '            + "/certificates/collections/metadata/modify/"',
        "            missing on the server:",
        '            - "/portal/read/"',
    ]


def test_what_was_added_by_hand_is_never_red() -> None:
    """Red is for what is missing."""
    assert "\x1b[31m+" not in draw_change(["x"], [], color=True)
    assert "\x1b[33m+" in draw_change(["x"], [], color=True)
    assert "\x1b[31m-" in draw_change([], ["x"], color=True)


def test_a_missing_object_is_missing_and_not_new() -> None:
    """The request that creates it would call it new."""
    absent = step(action=Action.CREATE, object="PKI Operators new", changes=(Change("field", None, 1, Risk.LOW),))
    shown = text.render_drift(mask_plan(Plan((absent,), Coverage(1, 1))))
    assert "- SecurityRole PKI Operators  missing on the server" in shown
    assert "new" not in shown


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE])
def test_what_a_request_has_to_say_of_a_missing_member_is_not_called_declared(action: Action) -> None:
    """A new claim goes out with a description, declared or not; of one that is there it is a difference."""
    changes = (
        Change("claims", None, ["on-call"], Risk.LOW),
        Change("claims.on-call.description", None, "made up", Risk.LOW),
        Change("claims.ops.description", "found", "declared", Risk.LOW),
    )
    plan = mask_plan(Plan((step(action=action, changes=changes),), Coverage(1, 1)))

    assert "made up" not in text.render_drift(plan)
    assert "claims.on-call" not in text.render_drift(plan)
    assert "claims.ops.description" in text.render_drift(plan)
    assert "made up" in text.render_plan(plan)
    assert "made up" in str(encode_reported_step(plan.steps[0]))


def test_the_json_of_drift_keeps_its_sides() -> None:
    """Before is what was found, after what is declared, in drift as in a plan."""
    change = encode_reported_step(mask_plan(PLAN).steps[0])["changes"][0]
    assert (change["before"], change["after"]) == ("a", "Day-to-day operations")


ABSENCES = (make_problem(Source("owners.yaml", 3, 1), "is gone"), make_problem(Source("owners.yaml", 4, 1), "is gone"))


@pytest.mark.parametrize(
    ("plan", "drift", "planned"),
    [
        (
            replace(EMPTY, absences=ABSENCES),
            (
                "Drift (declared -> found): 2 of 214 objects not as declared: 2 not there; 212 in sync"
                "  (compared 214 of 214)"
            ),
            "No change: compared 214 of 214, nothing to do; 2 declared objects not there, which is only told.",
        ),
        (
            replace(PLAN, absences=ABSENCES[:1]),
            (
                "Drift (declared -> found): 5 of 214 objects not as declared: 1 missing, 1 changed, 2 not denied, "
                "1 not there; 209 in sync; 1 high risk, 2 irreversible  (compared 214 of 214)"
            ),
            (
                "1 to create, 1 to update, 2 to deny; 209 in sync; 1 high risk, 2 irreversible; "
                "1 declared object not there, which is only told  (compared 214 of 214)"
            ),
        ),
    ],
)
def test_what_is_only_told_is_counted(plan: Plan, drift: str, planned: str) -> None:
    """A declared object that is gone is a difference, though no step mends it, and never in sync."""
    assert text.render_drift(mask_plan(plan)).splitlines()[0] == drift
    assert text.render_plan(mask_plan(plan)).splitlines()[0] == planned
