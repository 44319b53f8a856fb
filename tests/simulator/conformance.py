"""The simulator against its own OpenAPI description: valid and invalid requests made up by Schemathesis.

`python -m tests.simulator.conformance [EXAMPLES]` (or `make conformance`) runs the long tier and prints what was seen.
"""

from __future__ import annotations

import base64
import json
import random
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from reconciler.simulator import Simulator
from reconciler.simulator.openapi import describe_apis
from reconciler.simulator.world.seed import GLOBAL_SET, HELP_DESK_SET

SMALL, LONG = 12, 200
"""Requests an operation and mode: in the suite, and in the long tier."""
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

_QUERIES = (
    'Name -eq "Web Team"',
    'CN -startswith "a"',
    "Enabled -eq true",
    "CertId -lt 5 OR (CertId -eq 7)",
    "(",
    "ImmutableIdentifier -eq 0",
)
SPARE = {"Id": 90, "ClaimType": 4, "ClaimValue": "spare", "ProviderAuthenticationScheme": "Entra", "Description": ""}
"""A claim that no role holds, so that one can be deleted."""
UNUSED = "00000000-0000-4000-8000-00000000cafe"
"""A permission set that no role is in."""
KNOWN: Mapping[str, tuple[Any, ...]] = {
    "project_id": ("0123456789abcdef0123456789abcdef",),
    "event_name": ("lifecycle", "expiry-prod", "rotation-audit"),
    "id": (2, 5, 12, SPARE["Id"], GLOBAL_SET, UNUSED, "a1b2c3d4-0000-4000-8000-000000000001"),
    "name": ("Web", "lifecycle"),
    "Id": (2, 3, 5, HELP_DESK_SET),
    "Claims": ([],),
    "PermissionSetId": (GLOBAL_SET,),
    "Permissions": ([], ["/portal/read/"], ["/portal/read/", "/security/read/"], ["Reports:Read"]),
    "ProviderAuthenticationScheme": ("Entra", "Active Directory"),
    "QueryString": _QUERIES,
    "SortField": ("Name", "CertId", "Id"),
    "PageReturned": (1, 2),
    "ReturnLimit": (1, 50),
    "collectionId": (0, 1),
    "CertificateRequestIds": ([], [23], [24, 25, 99]),
    "NewRoleId": (3, None),
    "NewRoleName": ("Web Team", None),
    "AssemblyName": ("Example.Keyfactor.Handlers",),
    "limit": ("1", "50"),
    "marker": ("lifecycle",),
}
"""Values that mean something to the simulated world: nothing made up would ever meet an object that exists."""


def operations() -> list[APIOperation[Any, Any, Any, Any]]:
    """Return all operations that the description has."""
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(describe_apis())))
    found = list(schema.get_all_operations())
    usable = [one.ok() for one in found if isinstance(one, Ok)]
    assert len(usable) == len(found), "an operation that can't be read would go untried"
    return usable


def fill_audit_log(simulator: Simulator) -> None:
    """Let there be entries, and let the account read them: it has no right to that by itself."""
    own = next(role for role in simulator.world.roles.values() if role["Name"] == "GitOps Reconciler")
    own["Permissions"].append("/auditing/read/")
    for _ in range(12):
        simulator.world.note_refusal("GET", "/Audit", "CORP\\alice")


def probe(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, examples: int, seed: int = 0
) -> Counter[int]:
    """Send that many requests of one operation; returns how often each status came. Raises on what is not declared."""
    seen: Counter[int] = Counter()
    with Simulator(certificates=12) as simulator, requests.Session() as session:
        session.trust_env = False
        simulator.world.claims[90] = dict(SPARE)
        simulator.world.permission_sets[UNUSED] = {"Id": UNUSED, "Name": "Unused", "Permissions": []}
        fill_audit_log(simulator)
        credentials = headers(simulator, operation)

        @settings(
            max_examples=examples,
            derandomize=not seed,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), dice=st.randoms(use_true_random=False))
        def send(case: Case[Any], dice: random.Random) -> None:
            if "project_id" in case.path_parameters:
                case.path_parameters["project_id"] = simulator.world.project
            if mode is GenerationMode.POSITIVE and dice.random() < 0.8:
                ground(case, dice)
                case.body = sign_in(simulator, case.path, dice) or case.body
            reply = case.call(base_url=simulator.url, session=session, headers=credentials)
            checks = [not_a_server_error, status_code_conformance]
            # A 404 of the web server itself, for a path that no operation has, carries nothing.
            checks += [response_schema_conformance] if reply.content else []
            assert reply.content or reply.status_code in (204, 401, 404, 405), reply.status_code
            case.validate_response(reply, checks=checks)
            seen[reply.status_code] += 1

        with suppress(Unsatisfiable):  # some operations take nothing that could be wrong
            send()
    return seen


def headers(simulator: Simulator, operation: APIOperation[Any, Any, Any, Any]) -> dict[str, str]:
    """Return the credentials that the operation's API asks for."""
    (api,) = operation.tags or ["?"]
    if api == "keyfactor":
        told = simulator.credentials["keyfactor"]
        return {
            "Authorization": "Basic " + base64.b64encode(f"{told['username']}:{told['password']}".encode()).decode()
        }
    if not operation.definition.raw["security"]:
        return {}
    return {"X-Auth-Token": simulator.world.iam_tokens.issue("reconciler", 3600)}


def sign_in(simulator: Simulator, path: str, dice: random.Random) -> dict[str, Any] | None:
    """Return a body that gets a token, mostly: nobody guesses a password."""
    if path not in ("/oauth/token", "/v3/auth/tokens") or dice.random() < 0.3:
        return None
    if path == "/oauth/token":
        told = simulator.credentials["keyfactor"]
        return {"grant_type": "client_credentials", **{name: told[name] for name in ("client_id", "client_secret")}}
    told = simulator.credentials["csms"]
    user = {"name": told["user"], "password": told["password"], "domain": {"name": told["domain"]}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"id": told["project_id"]}}}}


def ground(case: Case[Any], dice: random.Random) -> None:
    """Put values that exist in the place of made-up ones, here and there."""
    if isinstance(case.body, dict) and {"Name", "Description"} <= case.body.keys():
        case.body |= {"PermissionSetId": GLOBAL_SET, "Permissions": []}
    for part in (case.path_parameters, case.query, case.body):
        _ground(part, dice)
    if case.path.endswith("/RelatedEntities"):
        case.query["QueryString"] = "ImmutableIdentifier -eq 0"  # another query is no query there


def _ground(part: Any, dice: random.Random) -> None:
    for name, value in list(part.items()) if isinstance(part, dict) else []:
        kind = type(value)
        known = [one for one in KNOWN.get(name, ()) if kind is type(one) or one is None]
        if known and dice.random() < 0.9:
            part[name] = dice.choice(known)
        else:
            for one in value if isinstance(value, list) else [value]:
                _ground(one, dice)


def main(examples: int) -> int:
    """Run the long tier; returns 1 where an operation broke its description."""
    broken = 0
    for operation in operations():
        for mode in MODES:
            try:
                seen = probe(operation, mode, examples, seed=1)
                outcome = " ".join(f"{status}x{times}" for status, times in sorted(seen.items()))
            except Exception as error:  # noqa: BLE001 - the table goes on
                broken += 1
                outcome = f"BROKEN: {error}"
            print(f"{operation.method.upper():6} {operation.path:50} {mode.value:8} {outcome}", flush=True)  # noqa: T201
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else LONG))
