"""Documents and plans for the tests of the core, made as the tool itself makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from reconciler.diagnostics import Address, Source
from reconciler.engine.observe import observe
from reconciler.kinds.kind import Run, Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Json, Plan
from reconciler.plans.planner import PlanScope, plan
from reconciler.reader import Read
from tests.support.toy_reader import World

TODAY = date(2026, 11, 22)
GUID = "00000000-0000-4000-8000-0000000000a1"


def document(kind: str, name: str, spec: Mapping[str, Any], line: int = 1, target: str = "") -> Wanted:
    """Return one document, as it would stand on a line of a manifest."""
    target = target or ("csms" if KINDS[kind].api == "csms" else "command")
    source = Source("manifests/all.yaml", line, 1)
    return Wanted(Address(target, kind, name), KINDS[kind].spec.load(spec), source, at=lambda _: source)


def handler(name: str, *, enabled: bool = True, line: int = 1, class_name: str = "") -> Wanted:
    """Return a document of the simplest kind; its class is called like itself."""
    return document("EventHandler", name, {"className": class_name or name, "enabled": enabled}, line)


def registered(*names: str, enabled: bool = False) -> list[Json]:
    """Return event handlers as a server lists them, numbered from 1."""
    return [
        {"Id": number, "ClassName": name, "DisplayName": name.upper(), "Enabled": enabled}
        for number, name in enumerate(names, 1)
    ]


def role(number: int, name: str, **members: Json) -> dict[str, Json]:
    """Return a role as a server shows it by id."""
    bare = {"Description": "d", "EmailAddress": None, "Immutable": False, "PermissionSetId": GUID}
    return {"Id": number, "Name": name, **bare, "Permissions": [], "Claims": [], **members}


def certificate(number: int, owner: str | None = None, **members: Json) -> dict[str, Json]:
    """Return a certificate as a server lists it; its thumbprint is its id in 40 digits."""
    named = {"OwnerRoleId": 4 if owner else None, "OwnerRoleName": owner}
    return {"Id": number, "Thumbprint": f"{number:040X}", **named, **members}


def pending(number: int, **members: Json) -> dict[str, Json]:
    """Return a certificate request that waits."""
    about = {"CommonName": f"r{number}.example.com", "Requester": "CORP\\bob", "Template": "Web"}
    return {
        "Id": number,
        "CARequestId": str(number + 100),
        **about,
        "CertificateAuthority": "ca",
        "State": 5,
        **members,
    }


def event(name: str, **members: Json) -> dict[str, Json]:
    """Return a secret event as a server shows it."""
    told = {"target_type": "SMN", "target_id": "urn:smn:a", "target_name": "pki"}
    bare = {"event_id": "1b-2c", "state": "ENABLED", "event_types": ["SECRET_DELETED"], "notification": told}
    return {"name": name, **bare, **members}


def planned(
    wanted: Sequence[Wanted], world: Read | Mapping[str, Json], today: date = TODAY, scope: PlanScope | None = None
) -> Plan:
    """Observe and plan, as the command line does."""
    read: Any = World(world) if isinstance(world, Mapping) else world
    run = Run.of_documents(today, wanted)
    return plan(wanted, observe(wanted, {"command": read, "csms": read, "other": read}, run, KINDS), run, KINDS, scope)
