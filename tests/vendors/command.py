"""What the rows of Command do with keyfactor-command-sdk, and what they look at."""

# ruff: noqa: PLC0415 - the SDK is imported where nothing can get out
from __future__ import annotations

import pkgutil
from collections.abc import Callable
from typing import Any

from reconciler.simulator import Simulator
from reconciler.simulator.world.seed import GLOBAL_SET
from tests.vendors.command_client import Answer, call, client, model, send

Run = Callable[[Simulator], Any]

ROLES, CLAIMS, HANDLERS, SETS, REQUESTS = (
    "security_roles",
    "security_claims",
    "event_handler_registration",
    "permission_set",
    "workflow",
)
CERTIFICATES = "certificate.get_certificates"


def of(see: Callable[[Answer], Any], operation: str, *path: Any, **more: Any) -> Run:
    """Return what is seen of one call."""
    return lambda sim: see(call(client(sim), operation, *path, **more))


def status(answer: Answer) -> int:
    return answer.status


def refusal(answer: Answer) -> Any:
    """The SDK parses no refusal: status, model, error code."""
    return answer.status, answer.parsed, answer.json["ErrorCode"] if answer.json else answer.json


def members(answer: Answer) -> Any:
    first = answer.json[0] if isinstance(answer.json, list) else answer.json
    return answer.status, " ".join(first)


def names(answer: Answer) -> Any:
    return [one.name for one in answer.parsed]


def names_of(items: Any) -> list[str]:
    return [one.name for one in items]


def granted(answer: Answer) -> Any:
    found = answer.parsed
    grants = (found.secured_area_permissions, found.collection_permissions)
    return found.identity, *([(one.permission, one.granted_by_roles) for one in each] for each in grants)


def counted(answer: Answer) -> Any:
    return len(answer.parsed), answer.headers.get("x-total-count")


def ids(items: Any) -> list[int]:
    return [one.keyfactor_request_id for one in items]


def three_lists(answer: Answer) -> Any:
    return answer.status, ids(answer.parsed.successes), ids(answer.parsed.failures), ids(answer.parsed.denials)


def identity(name: str) -> Any:
    from command_v11_client.models import CSSCMSDataModelModelsSecurityIdentitiesSecurityIdentityIdentifier as Identity

    return Identity(account_name=name)


def role_there_and_back(sim: Simulator) -> Any:
    """Create, read, replace (without identities), read, delete, read."""
    sdk = client(sim)
    wanted = {"name": "New", "description": "d", "permissions": ["AdminPortal:Read"], "permission_set_id": GLOBAL_SET}
    new = model("Security_Roles", "CreationRequest", **wanted, identities=[identity("CORP\\web")])
    made = call(sdk, f"{ROLES}.post_security_roles", body=new)
    number = made.parsed.id
    read = call(sdk, f"{ROLES}.get_security_roles_id", number)
    changed = model("Security_Roles", "UpdateRequest", id=number, name="New", description="other")
    put = call(sdk, f"{ROLES}.put_security_roles", body=changed)
    gone = call(sdk, f"{ROLES}.delete_security_roles_id", number).status
    accounts = [one.account_name for one in made.parsed.identities]
    return (
        (made.status, read.parsed == made.parsed, accounts, made.parsed.permissions),
        (put.status, put.parsed.description, put.parsed.identities, put.parsed.permissions),
        (gone, call(sdk, f"{ROLES}.get_security_roles_id", number).status),
    )  # fmt: skip


def claim(value: str = "new", scheme: str = "Entra") -> Callable[[], Any]:
    from command_v11_client.models import CSSCMSCoreEnumsClaimType as ClaimType

    told = {"claim_type": ClaimType.VALUE_4, "claim_value": value, "provider_authentication_scheme": scheme}
    return model("Security_Claims", "CreationRequest", **told, description="d")


def claim_there_and_back(sim: Simulator) -> Any:
    sdk = client(sim)
    made = call(sdk, f"{CLAIMS}.post_security_claims", body=claim())
    number = made.parsed.id
    described = model("Security_Claims", "UpdateRequest", id=number, description="other")
    put = call(sdk, f"{CLAIMS}.put_security_claims", body=described).parsed
    read = call(sdk, f"{CLAIMS}.get_security_claims_id", number).parsed
    gone = call(sdk, f"{CLAIMS}.delete_security_claims_id", number).status
    return (
        (made.status, made.parsed.claim_type, made.parsed.provider.authentication_scheme),
        (read == put, read.description, read.claim_value),
        (gone, call(sdk, f"{CLAIMS}.get_security_claims_id", number).status),
    )


def roles_of_a_claim(sim: Simulator) -> Any:
    from command_v11_client.models import CSSCMSCoreEnumsClaimType as ClaimType

    told = {"claim_type": ClaimType.VALUE_4, "claim_value": "pki-operators", "provider_authentication_scheme": "Entra"}
    return names(call(client(sim), f"{CLAIMS}.get_security_claims_roles", **told))


def handler_changed(**sent: Any) -> Run:
    def run(sim: Simulator) -> Any:
        sdk = client(sim)
        body = model("EventHandlerRegistration", "UpdateRequest", **sent)
        put = call(sdk, f"{HANDLERS}.put_event_handler_registration_id", 1, body=body)
        read = call(sdk, f"{HANDLERS}.get_event_handler_registration_id", 1)
        return put.status, put.json == read.json, read.json["DisplayName"], read.json["Enabled"]

    return run


def set_there_and_back(sim: Simulator) -> Any:
    sdk = client(sim)
    made = call(
        sdk,
        f"{SETS}.post_permission_sets",
        body=model("PermissionSets", "CreateRequest", name="New", permissions=["/portal/read/"]),
    )
    number = made.parsed.id
    changed = model("PermissionSets", "UpdateRequest", id=number, permissions=["/reports/read/"])
    put = call(sdk, f"{SETS}.put_permission_sets", body=changed)
    gone = call(sdk, f"{SETS}.delete_permission_sets_id", number).status
    return (
        (made.status, made.parsed.name, made.parsed.permissions),
        (put.status, put.parsed.name, put.parsed.permissions),
        (gone, call(sdk, f"{SETS}.get_permission_sets_id", number).status),
    )  # fmt: skip


def denied(*numbers: int, comment: str = "no") -> Run:
    return lambda sim: three_lists(_deny(client(sim), *numbers, comment=comment))


def _deny(sdk: Any, *numbers: int, comment: str) -> Answer:
    from command_v11_client.models import CSSCMSDataModelModelsWorkflowDenialRequest as Denial

    body = Denial(certificate_request_ids=list(numbers), comment=comment)
    return call(sdk, f"{REQUESTS}.post_workflow_certificates_deny", body=body)


def denied_and_read(sim: Simulator) -> Any:
    sdk = client(sim)
    first = three_lists(_deny(sdk, 24, 25, comment="Not a production name"))
    read = call(sdk, f"{REQUESTS}.get_workflow_certificates_id", 24).parsed
    pending = {one.id for one in call(sdk, f"{REQUESTS}.get_workflow_certificates_pending", return_limit=100).parsed}
    return (
        first,
        (int(read.state), read.denial_comment),
        pending & {24, 25},
        three_lists(_deny(sdk, 24, comment="again")),
    )


def approved(sim: Simulator) -> Any:
    sdk = client(sim)
    result = three_lists(call(sdk, f"{REQUESTS}.post_workflow_certificates_approve", body=[24, 99]))
    return result, int(call(sdk, f"{REQUESTS}.get_workflow_certificates_id", 24).parsed.state)


def pages(sim: Simulator) -> Any:
    """Page by 60 until a page is short."""
    found: list[int] = []
    while True:
        page = call(
            client(sim), CERTIFICATES, return_limit=60, page_returned=len(found) // 60 + 1, sort_field="CertId"
        ).parsed
        found += [one.id for one in page]
        if len(page) < 60:
            return len(found), found == sorted(set(found))


def owner(body: dict[str, Any], number: int = 3) -> Run:
    """PUT the owner; the SDK has no function for it, so through its HTTP client."""

    def run(sim: Simulator) -> Any:
        sdk = client(sim)
        put = send(sdk, "PUT", f"/Certificates/{number}/Owner", body)
        read = call(sdk, "certificate.get_certificates_id", number).json
        return put.status, put.json if put.status == 204 else None, read["OwnerRoleId"], read["OwnerRoleName"]

    return run


def no_owner_function(_sim: Simulator) -> Any:
    import command_v11_client.api.certificate as certificate

    return [found.name for found in pkgutil.iter_modules(certificate.__path__) if "owner" in found.name]


def by_oauth(sim: Simulator) -> Any:
    with client(sim, oauth=True) as sdk:
        reply = call(sdk, f"{ROLES}.get_security_roles")
        return reply.status, [entry["path"] for entry in sim.requests]


def by_a_wrong_password(sim: Simulator) -> Any:
    reply = call(client(sim, password="wrong"), f"{ROLES}.get_security_roles")
    return reply.status, reply.parsed


def without_permission(sim: Simulator) -> Any:
    for role in sim.world.roles.values():
        role["Permissions"] = ["/portal/read/"]
    return refusal(call(client(sim), f"{ROLES}.get_security_roles"))
