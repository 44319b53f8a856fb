"""Huawei IAM as far as CSMS needs it: a project-scoped token for a password, and the project's id by name (CS 3.2)."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta

from reconciler.simulator.auth import cloud_caller
from reconciler.simulator.csms import find_api, gateway_error
from reconciler.simulator.identities import NOBODY
from reconciler.simulator.messages import Json, NotJson, Refused, Reply, Request, decode, json_reply
from reconciler.simulator.routing import Call, Route, Router
from reconciler.simulator.shapes import Field
from reconciler.simulator.world import World

PREFIX = "/v3/"
REGION = "cn-north-4"


def serve(world: World, request: Request) -> Reply:
    """Answer a request below /v3. The caller holds the world's lock."""
    try:
        found = find_api(_ROUTER, request)
        return found.route.handle(world, Call(request, found.route, found.path, found.params, NOBODY))
    except Refused as refused:
        if refused.code.startswith("APIGW"):
            return gateway_error(refused)
        error = {"code": refused.status, "message": refused.message, "title": refused.code}
        return json_reply({"error": error}, refused.status)


def _token(world: World, call: Call) -> Reply:
    try:
        body = decode(call.request.body)
        identity, scope = body["auth"]["identity"], body["auth"].get("scope", {})
        user = identity["password"]["user"]
        name, domain, secret = user["name"], user["domain"]["name"], user["password"]
        methods = identity["methods"]
    except (NotJson, KeyError, TypeError, AttributeError) as error:
        raise Refused(400, "Bad Request", "The request body is invalid.") from error
    account = world.iam_users.get((domain, name)) if isinstance(name, str) and isinstance(domain, str) else None
    given = secret if isinstance(secret, str) else ""
    if methods != ["password"] or account is None or not hmac.compare_digest(account.secret.encode(), given.encode()):
        raise Refused(401, "Unauthorized", "The username or password is wrong.")
    project = _project(world, scope.get("project", {}) if isinstance(scope, dict) else {})
    lifetime = world.switches["csms_token_lifetime"]
    token = world.iam_tokens.issue(account.name, lifetime)
    now = datetime.now(UTC)
    described = {
        "methods": ["password"],
        "issued_at": _stamp(now),
        "expires_at": _stamp(now + timedelta(seconds=lifetime)),
        "project": {"id": project, "name": REGION, "domain": {"id": "d" * 32, "name": domain}},
        "roles": [{"id": "0", "name": "te_admin"}],
        "user": {"id": "u" * 32, "name": name, "domain": {"id": "d" * 32, "name": domain}},
        "catalog": [],
    }
    return json_reply({"token": described}, 201, [("X-Subject-Token", token)])


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _project(world: World, asked: Json) -> str:
    if isinstance(asked, dict) and (asked.get("id") == world.project or asked.get("name") == REGION):
        return world.project
    raise Refused(401, "Unauthorized", "The project scope is invalid: CSMS needs a project-scoped token.")


def _projects(world: World, call: Call) -> Reply:
    cloud_caller(world, call.request)
    name = dict(call.request.pairs()).get("name", REGION)
    known = [{"id": world.project, "name": REGION, "domain_id": "d" * 32, "enabled": True}] if name == REGION else []
    return json_reply({"projects": known, "links": {"self": None}})


ROUTES = (
    Route("iam", "POST", "/v3/auth/tokens", _token, "A token for a password, scoped to the project", success=201),
    Route("iam", "GET", "/v3/projects", _projects, "Projects by name", query=(Field("name", "string"),)),
)
_ROUTER = Router(ROUTES, fold=False)
