"""Plan files whose steps say something else than their requests do: well sealed, and refused all the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import RefusedError
from tests.kinds.test_cases import CASES, plan_case
from tests.support.plan_files import NOON, dump, load, seal
from tests.support.sample_plans import document, planned

Members = dict[str, Any]
Forgery = Callable[[Members], None]


def find_step(kind: str, method: str = "PUT", *, path: str = "") -> Members:
    """Return a sealed plan's members whose first step is of this kind, from the cases of the kinds."""
    for case in CASES:
        plan = plan_case(case)
        steps = [
            step
            for step in (plan.steps if plan else ())
            if step.address.kind == kind and step.request and step.request.call.method == method
            if step.request.call.path.startswith(path) and step.changes
        ]
        if plan and steps:
            members: Members = json.loads(dump(plan))
            members["steps"] = [json.loads(dump(plan))["steps"][plan.steps.index(steps[0])]]
            return members
    raise LookupError(f"no case plans a {method} of {kind}")


def body(name: str, value: Any, *, expect: bool = True) -> Forgery:
    """Send something else, and expect it too."""

    def forge(step: Members) -> None:
        step["call"]["body"][name] = value
        if expect and name in step["expect"]:
            step["expect"][name] = value

    return forge


def member(name: str, value: Any) -> Forgery:
    """Say something else of the step."""
    return lambda step: step.update({name: value})


def change(name: str, value: Any) -> Forgery:
    """Say something else of the first change."""
    return lambda step: step["changes"][0].update({name: value})


def lower_risk(step: Members) -> None:
    """Call the step and all its changes harmless."""
    step["risk"] = "low"
    for entry in step["changes"]:
        entry["risk"] = "low"


def call(name: str, value: Any) -> Forgery:
    """Send it elsewhere."""
    return lambda step: step["call"].update({name: value})


def deny_another(step: Members) -> None:
    """Deny a request that nobody has looked at."""
    step["call"]["body"]["CertificateRequestIds"] = [4711]
    step["expect"] = {"4711": 3}


def rename_subjects(step: Members) -> None:
    """Call the requests otherwise."""
    for subject in step["subjects"]:
        subject["name"] = "harmless.example.com"


def add_claim(step: Members) -> None:
    """Give the role to somebody else as well."""
    claim = {"ClaimType": 4, "ClaimValue": "mallory", "ProviderAuthenticationScheme": "Entra", "Description": "m"}
    step["call"]["body"]["Claims"].append(claim)
    step["expect"]["Claims"].append(["OAuthRole", "mallory", "Entra"])


def smuggle_into_claim(step: Members) -> None:
    """Give a claim members in another case, which a server may read."""
    step["call"]["body"]["Claims"][0] |= {"claimValue": "attacker", "claimType": 4}


def describe_held_claim(step: Members) -> None:
    """Describe a claim otherwise that the role holds."""
    held = {tuple(claim[:3]) for claim in step["base"]["Claims"]}
    types = ("User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId")
    for claim in step["call"]["body"]["Claims"]:
        if (types[claim["ClaimType"]], claim["ClaimValue"], claim["ProviderAuthenticationScheme"]) in held:
            claim["Description"] = "trust me"


def send_claim_twice(step: Members) -> None:
    """Send a claim once more."""
    step["call"]["body"]["Claims"].append(step["call"]["body"]["Claims"][0])
    step["expect"]["Claims"].append(step["expect"]["Claims"][0])


def invent_change(step: Members) -> None:
    """Show a change that nobody makes, and that looks like a right taken away."""
    step["changes"].append({"path": "permissions", "before": ["/"], "after": [], "risk": "high", "reason": ""})


def switch_by_number(step: Members) -> None:
    """Python takes 1 for True, a server may not."""
    for place in (step["call"]["body"], step["expect"]):
        place["Enabled"] = int(place["Enabled"])


def redirect_notification(step: Members) -> None:
    """Tell another topic."""
    for place in (step["call"]["body"], step["expect"]):
        place["notification"] = {**place["notification"], "target_id": "urn:smn:elsewhere"}


def add_notification_member(step: Members) -> None:
    """Change what no manifest can declare."""
    for place in (step["call"]["body"], step["expect"]):
        place["notification"] = {**place["notification"], "payload": "all"}


GUID = "11111111-1111-1111-1111-111111111111"
ROLE, HANDLER = ("SecurityRole", "PUT", "/Security/Roles"), ("EventHandler", "PUT", "")
OWNER, DENIAL = ("CertificateOwner", "PUT", ""), ("RequestDenial", "POST", "")
EVENT, NEW_ROLE = ("SecretEvent", "PUT", ""), ("SecurityRole", "POST", "")
CLAIM = ("SecurityRole", "PUT", "/Security/Claims")
FORGERIES: dict[str, tuple[tuple[str, str, str], Forgery]] = {
    "every right in the place of a few": (ROLE, body("Permissions", ["/"])),
    "every right, with an expectation that hides it": (ROLE, body("Permissions", ["/"], expect=False)),
    "one more holder": (ROLE, add_claim),
    "another role than was read": (ROLE, body("Id", 4711)),
    "a role that gets another name": (ROLE, body("Name", "Administrators")),
    "another permission set": (ROLE, body("PermissionSetId", "00000000-0000-0000-0000-00000000beef")),
    "a member that no manifest declares": (ROLE, body("Surprise", True)),
    "a change that is not made": (ROLE, change("after", "nothing of interest")),
    "a change that is kept silent": (ROLE, member("changes", [])),
    "a risk that is called low": (ROLE, lower_risk),
    "a step that is called low, and its changes high": (ROLE, member("risk", "low")),
    "an action that is called otherwise": (ROLE, member("action", "create")),
    "an object that is called otherwise": (ROLE, member("object", "Readers (id 3)")),
    "a document that is called otherwise": (
        ROLE,
        lambda step: step["address"].update(name="Readers"),
    ),
    "a role that is sent to another path": (ROLE, call("path", "/Security/Roles/1")),
    "a role that is sent by the version that drops claims": (ROLE, call("version", 1)),
    "a role with a parameter": (ROLE, call("query", {"force": "true"})),
    "an owner within another permission scope, and two of them": (
        OWNER,
        call("query", {"CollectionId": "1", "ContainerId": "2"}),
    ),
    "a claim with members in another case": (ROLE, smuggle_into_claim),
    "a claim of the role with other words": (ROLE, describe_held_claim),
    "a claim twice": (ROLE, send_claim_twice),
    "a new role with an invented change": (NEW_ROLE, invent_change),
    "a new role in another spelling": (
        NEW_ROLE,
        lambda step: step["address"].update(name=step["address"]["name"].swapcase()),
    ),
    "a switch that is a number": (HANDLER, switch_by_number),
    "an event outside the collection": (
        EVENT,
        lambda step: step["call"].update(path=step["call"]["path"] + "/x/events/y"),
    ),
    "a new role with every right": (NEW_ROLE, body("Permissions", ["/"])),
    "a new role under another name": (NEW_ROLE, body("Name", "Administrators")),
    "a claim with other words": (CLAIM, body("Description", "trust me")),
    "another claim": (CLAIM, body("Id", 99)),
    "a handler that is switched the other way": (
        HANDLER,
        lambda step: body("Enabled", not step["call"]["body"]["Enabled"])(step),
    ),
    "another handler": (HANDLER, call("path", "/EventHandlerRegistration/99")),
    "another owner": (OWNER, body("NewRoleName", "Administrators")),
    "another certificate": (OWNER, call("path", "/Certificates/99/Owner")),
    "an owner by number": (OWNER, body("NewRoleId", 1)),
    "no owner by an empty body": (OWNER, call("body", {})),
    "an owner whose id is no number": (OWNER, lambda step: step["expect"].update(OwnerRoleId=True)),
    "a certificate that is called otherwise": (
        OWNER,
        member("subjects", [{"name": "harmless", "facts": {}, "path": ""}]),
    ),
    "another request to deny": (DENIAL, deny_another),
    "a denial that is called an update": (DENIAL, member("action", "update")),
    "a denial that is called low": (DENIAL, lower_risk),
    "a denial that is about other names": (DENIAL, rename_subjects),
    "a denial with another comment than is shown": (DENIAL, body("Comment", "you are fired")),
    "a risk for another reason": (ROLE, change("reason", "adds nothing")),
    "another topic": (EVENT, redirect_notification),
    "a member of the notification": (EVENT, add_notification_member),
    "another event": (EVENT, call("path", "/v1/0123/csms/events/other")),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_step_that_does_something_else_is_refused(name: str) -> None:
    """What a reviewer approves is what its request does: it is worked out again from base, body and expectation."""
    (kind, method, path), forge = FORGERIES[name]
    members = find_step(kind, method, path=path)
    load(seal(members), NOON)

    before = json.dumps(members)
    forge(members["steps"][0])

    assert json.dumps(members) != before, "the forgery changes something"
    with pytest.raises(RefusedError) as caught:
        load(seal(members), NOON, file="release.plan")
    assert all(str(problem.source) == "release.plan" for problem in caught.value.problems)
    assert "does not do what it shows" in caught.value.problems[0].message


@pytest.mark.parametrize(
    ("kind", "bound"),
    [
        (EVENT, {"api": "csms", "url": "https://csms.example.com", "project": "another"}),
        (EVENT, {"api": "keyfactor", "url": "https://kf.example.com", "project": ""}),
        (ROLE, {"api": "csms", "url": "https://csms.example.com", "project": ""}),
    ],
)
def test_a_step_that_goes_elsewhere_than_to_its_target_is_refused(
    kind: tuple[str, str, str], bound: dict[str, str]
) -> None:
    """The project stands in the path, and the API follows from the kind."""
    name, method, path = kind
    members = find_step(name, method, path=path)
    members["targets"] = {members["steps"][0]["address"]["target"]: bound}

    with pytest.raises(RefusedError, match="goes elsewhere than to its target"):
        load(seal(members), NOON)


def test_new_claims_of_one_value_can_be_saved() -> None:
    """They share a path, one with words of its document and one without: what is saved can be applied."""
    claims = [
        {"type": "OAuthRole", "value": "x", "provider": "Entra"},
        {"type": "OAuthSubject", "value": "x", "provider": "Entra", "description": "two"},
    ]
    spec = {"description": "d", "permissionSet": GUID, "permissions": ["/portal/read/"], "claims": claims}
    plan = planned([document("SecurityRole", "New", spec)], {"/Security/Roles": [], "/Security/Claims": []})

    assert plan.steps[0].request is not None
    assert load(dump(plan), NOON) == plan


@pytest.mark.no_cover
@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_plan_of_the_cases_says_what_it_does(case: Path) -> None:
    """Whatever the tool plans, it can load again."""
    plan = plan_case(case)

    if plan is not None:
        assert load(dump(plan), NOON) == plan
