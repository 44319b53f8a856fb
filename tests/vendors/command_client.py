"""keyfactor-command-sdk (package command_v11_client), pointed at a simulator.

Its models are those of version 11: roles in version 1 alone, no owners of certificates, no members for event handlers
and history. What a model drops is compared by the answer's JSON.
"""

# ruff: noqa: PLC0415 - the SDK is imported where nothing can get out
from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from reconciler.simulator import Simulator
from tests.vendors.row import closing

_AREAS = {
    "Security_Roles": "KeyfactorWebKeyfactorApiModelsSecurityLegacySecurityRolesSecurityRole",
    "Security_Claims": "KeyfactorWebKeyfactorApiModelsSecurityRoleClaimDefinitionsRoleClaimDefinition",
    "EventHandlerRegistration": "KeyfactorWebKeyfactorApiModelsEventHandlerRegistrationEventHandlerRegistration",
    "PermissionSets": "KeyfactorWebKeyfactorApiModelsPermissionSetsPermissionSet",
}


class Answer(NamedTuple):
    """What a call came to: the status, the parsed model (None for what the SDK does not parse), JSON, headers."""

    status: int
    parsed: Any
    json: Any
    headers: Any


def client(simulator: Simulator, *, password: str = "", oauth: bool = False) -> Any:
    """Return an SDK client that signs in by Basic, or (to be used in a `with`) by OAuth with the client's secret."""
    from command_v11_client import AuthenticatedClient, Client

    told = simulator.credentials["keyfactor"]
    if oauth:
        names = {"tokenURL": "token_url", "clientId": "client_id", "clientSecret": "client_secret"}
        return Client(base_url=told["url"], idp_args={name: told[known] for name, known in names.items()})
    basic = base64.b64encode(f"{told['username']}:{password or told['password']}".encode()).decode()
    sdk = AuthenticatedClient(base_url=told["url"], token=basic, prefix="Basic")
    closing.append(sdk.get_httpx_client().close)
    return sdk


def call(sdk: Any, operation: str, *path: Any, body: Any = None, **query: Any) -> Answer:
    """Call an operation by its module below `api`: `security_roles.get_security_roles_id`."""
    module = importlib.import_module(f"command_v11_client.api.{operation}")
    more = {} if body is None else {"json_body": body() if callable(body) else body}
    reply = module.sync_detailed(*path, client=sdk, **more, **query)
    is_json = "json" in reply.headers.get("content-type", "")
    found = json.loads(reply.content) if is_json else reply.content
    return Answer(int(reply.status_code), reply.parsed, found, reply.headers)


def model(area: str, kind: str, **members: Any) -> Callable[[], Any]:
    """Return what makes a model: `model("Security_Roles", "CreationRequest", name=...)`."""
    models = importlib.import_module("command_v11_client.models")
    return lambda: getattr(models, _AREAS[area] + kind)(**members)


def send(sdk: Any, method: str, path: str, body: Any) -> Answer:
    """Send what the SDK has no function for, through its own HTTP client and headers."""
    reply = sdk.get_httpx_client().request(method, path, json=body, headers={"x-keyfactor-api-version": "1"})
    return Answer(reply.status_code, None, reply.json() if reply.content else None, reply.headers)
