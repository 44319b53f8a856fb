"""Plans made by hand for the tests of the reports: small, and with everything that a report has words for."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from reconciler.diagnostics import Address, Source
from reconciler.errors import Exit
from reconciler.model import (
    Action,
    Bound,
    Call,
    Change,
    Coverage,
    Gap,
    Outcome,
    Plan,
    Request,
    Risk,
    Step,
    Subject,
    Verdict,
)
from reconciler.plans.masking import MaskedOutcome, MaskedPlan, MaskedStep, SecretMasker
from tests.support.problems import make_problem

TARGETS = {
    "command": Bound("keyfactor", "https://keyfactor.example.com/KeyfactorAPI"),
    "csms": Bound("csms", "https://csms.example.com", "0123"),
}


def step(
    kind: str = "SecurityRole",
    name: str = "PKI Operators",
    action: Action = Action.UPDATE,
    changes: tuple[Change, ...] = (Change("description", "a", "b", Risk.LOW),),
    **more: Any,
) -> Step:
    """Return a step; `more` may give object, source, path, query, body, refusal, subjects, target."""
    target = more.get("target", "csms" if kind == "SecretEvent" else "command")
    call = Call(
        target, more.get("method", "PUT"), more.get("path", "/Security/Roles"), more.get("body", {"Id": 5}),
        more.get("query", ()), 2,
    )  # fmt: skip
    refusal = more.get("refusal", "")
    return Step(
        Address(target, kind, name),
        action,
        more.get("source", Source("roles/ops.yaml", 8, 3)),
        changes,
        None if refusal else Request(call, {}, {}),
        more.get("object", ""),
        refusal,
        more.get("subjects", ()),
    )


ROLE = step(
    changes=(
        Change("description", "a", "Day-to-day operations", Risk.LOW),
        Change(
            "permissions", ["/dashboard/read/", "/portal/read/"], ["/portal/read/", "/security/modify/"], Risk.HIGH,
            "adds a right to 2 claims and takes a right from 2 claims",
        ),
    ),
    object="PKI Operators (id 5)",
)  # fmt: skip
EVENT = step(
    "SecretEvent",
    "expiry-prod",
    Action.CREATE,
    (
        Change("state", None, "ENABLED", Risk.LOW),
        Change("eventTypes", None, ["SECRET_DELETED", "SECRET_ROTATED"], Risk.LOW),
    ),
    source=Source("events.yaml", 12, 1),
    path="/v1/0123/csms/events",
    method="POST",
)
DENIAL = step(
    "RequestDenial",
    "no-test-names",
    Action.DENY,
    (
        Change("requests.23", "pending", "denied", Risk.IRREVERSIBLE, "a denial can't be undone"),
        Change("requests.24", "pending", "denied", Risk.IRREVERSIBLE, "a denial can't be undone"),
    ),
    subjects=(
        Subject("test.example.com", (("requester", "CORP\\nina"),), "requests.23"),
        Subject("", (), "requests.24"),
    ),
    source=Source("denials.yaml", 3, 1),
    path="/Workflow/Certificates/Deny",
    method="POST",
)
IMMUTABLE = step(
    name="Administrator", refusal="the role is immutable; remove the document", object="Administrator (id 1)"
)


def owners(number: int) -> tuple[Step, ...]:
    """Return that many steps which differ in their object alone."""
    change = (Change("owner", None, "Payments PKI", Risk.LOW),)
    more = {"source": Source("owners.yaml", 3, 1)}
    return tuple(
        step("CertificateOwner", "payments", Action.UPDATE, change, object=_thumbprint(at), path=_path(at), **more)
        for at in range(1, number + 1)
    )


def named_owner(name: str, at: int = 1, **more: Any) -> Step:
    """Return a step about a certificate whose name and end are known."""
    change = Change("owner", "Web Team", "Payments PKI", Risk.HIGH, "takes the certificate from its present owner")
    subjects = (Subject(name, (("expires", "2027-01-31"),)),)
    return step(
        "CertificateOwner", "payments", Action.UPDATE, (change,), object=f"{_thumbprint(at)} (id {at})",
        path=_path(at), source=Source("owners.yaml", 3, 1), subjects=subjects, **more,
    )  # fmt: skip


def _thumbprint(number: int) -> str:
    return sha1(str(number).encode()).hexdigest().upper()


def _path(number: int) -> str:
    return f"/Certificates/{number}/Owner"


PLAN = Plan((ROLE, EVENT, DENIAL), Coverage(214, 214), targets=TARGETS)
EMPTY = Plan((), Coverage(214, 214), targets=TARGETS)
GAP = Gap(
    make_problem(Source("command GET https://keyfactor.example.com/KeyfactorAPI/Security/Roles"), "no answer"),
    Exit.UNREACHABLE,
)
OUTCOMES = (
    Outcome(ROLE, Verdict.APPLIED),
    Outcome(EVENT, Verdict.STALE, "nothing was sent: it changed since the plan was made (state); plan again"),
    Outcome(DENIAL, Verdict.NOT_APPLIED, "", (Verdict.APPLIED, Verdict.NOT_APPLIED)),
)


def mask_plan(plan: Plan) -> MaskedPlan:
    """Return a plan as reports take it, where nothing is secret."""
    return SecretMasker(()).mask_plan(plan)


def mask_outcomes(outcomes: Sequence[Outcome]) -> tuple[MaskedOutcome, ...]:
    """Return outcomes as reports take them, where nothing is secret."""
    return tuple(map(SecretMasker(()).mask_outcome, outcomes))


def mask_step(**parts: Any) -> MaskedStep:
    """Return a step as reports take it."""
    return MaskedStep(step(**parts))
