"""Huawei IAM as far as CSMS and its neighbours need it: tokens, projects and accounts (CS 3.2)."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_DNS, uuid5

from reconciler.simulator.csms.api import build_gateway_error, find_published_route
from reconciler.simulator.csms.iam_shapes import DOMAINS_REPLY, LOGIN_BODY, PROJECTS_REPLY, TOKEN_REPLY
from reconciler.simulator.http.messages import (
    ApiError,
    HttpReply,
    HttpRequest,
    Json,
    JsonBodyError,
    build_json_reply,
    decode_json_body,
)
from reconciler.simulator.http.shapes import Field, read_object, read_query
from reconciler.simulator.routing.callers import identify_cloud_caller
from reconciler.simulator.routing.routes import Route, RouteCall, Router
from reconciler.simulator.world.identities import NOBODY
from reconciler.simulator.world.seed import REGION
from reconciler.simulator.world.world import Record, World

IAM_PREFIX = "/v3/"
ACCOUNT = "example"


def serve_iam(world: World, request: HttpRequest) -> HttpReply:
    """Answer a request below /v3. The caller holds the world's lock."""
    try:
        match = find_published_route(_ROUTER, request)
        caller = NOBODY if match.route.anonymous else identify_cloud_caller(world, request)
        call = RouteCall(request, match.route, match.path, match.params, caller)
        call.query, _ = read_query(request.pairs(), match.route.query, fold=False)
        if match.route.body is not None:
            call.data = _read_body(call)
        return match.route.handle(world, call)
    except ApiError as refusal:
        if refusal.code.startswith("APIGW"):
            return build_gateway_error(refusal)
        error = {"code": refusal.status, "message": refusal.message, "title": refusal.code}
        return build_json_reply({"error": error}, refusal.status)


def _read_body(call: RouteCall) -> Json:
    try:
        reading = read_object(decode_json_body(call.request.body), call.route.body or (), fold=False)
    except JsonBodyError as error:
        raise ApiError(400, "Bad Request", "The request body is invalid.") from error
    if reading.flaws:
        raise ApiError(400, "Bad Request", "; ".join(map(str, reading.flaws)))
    return reading.members


def _create_token(world: World, call: RouteCall) -> HttpReply:
    auth = call.data["auth"]
    domain, name = _identify_user(world, auth["identity"])
    scope = _find_scope(world, auth.get("scope") or {}, domain)
    lifetime = world.switches["csms_token_lifetime"]
    token = world.iam_tokens.issue(world.iam_users[domain, name].name, lifetime)
    world.token_projects[token] = scope["project"]["id"] if "project" in scope else ""
    # Keystone's way: the token itself is in a header alone, the body describes it (CS 3.2).
    account = {"id": derive_iam_id(domain), "name": domain}
    described = {
        "methods": auth["identity"]["methods"],
        **_describe_lifetime(lifetime),
        **scope,
        "roles": [{"id": "0", "name": "te_admin"}],
        "user": {"id": derive_iam_id(f"{domain}/{name}"), "name": name, "domain": account},
        "catalog": [],
    }
    return build_json_reply({"token": described}, 201, [("X-Subject-Token", token)])


def _identify_user(world: World, identity: Record) -> tuple[str, str]:
    """Return the account and the name of who signs in; raises ApiError where that is nobody."""
    for method in identity["methods"]:
        if method not in identity:
            raise ApiError(400, "Bad Request", f"auth.identity.{method}: is required")
    if "password" not in identity["methods"]:
        owner = world.iam_tokens.find_owner(identity["token"]["id"])
        if not owner:
            raise ApiError(401, "Unauthorized", "The token is invalid or has expired.")
        return next(key for key, account in world.iam_users.items() if account.name == owner)
    user = identity["password"]["user"]
    domain, name = _find_user(world, user)
    account, password = world.iam_users.get((domain, name)), user["password"]
    if account is None or not hmac.compare_digest(account.secret.encode(), password.encode("utf-8", "surrogatepass")):
        raise ApiError(401, "Unauthorized", "The username or password is wrong.")
    return domain, name


def _describe_lifetime(seconds: float) -> Record:
    now = datetime.now(UTC)
    return {"issued_at": _format_time(now), "expires_at": _format_time(now + timedelta(seconds=seconds))}


def derive_iam_id(name: str) -> str:
    """Return the id of an account by its name, or of a user by ACCOUNT/USER."""
    return uuid5(NAMESPACE_DNS, name).hex


def _find_user(world: World, user: Record) -> tuple[str, str]:
    """Return the account and the name that a log-in means; empty where its ids are nobody's."""
    reference = user.get("domain") or {}
    if world.switches["csms_iam_ids"] == "rejected" and ("id" in user or "id" in reference):
        raise ApiError(400, "Bad Request", "The request body is invalid.")
    if "id" in user:
        return next((key for key in world.iam_users if derive_iam_id("/".join(key)) == user["id"]), ("", ""))
    if "name" not in user or not reference:
        raise ApiError(400, "Bad Request", "The request body is invalid.")
    domains = (domain for domain, _ in world.iam_users if derive_iam_id(domain) == reference.get("id"))
    return reference.get("name") or next(domains, ""), user["name"]


def _format_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _find_scope(world: World, scope: Record, domain: str) -> Record:
    """Return what the token is for as the answer describes it: the project, or the account for global services."""
    account = {"id": derive_iam_id(domain), "name": domain}
    project, wanted_account = scope.get("project") or {}, scope.get("domain") or {}
    for project_id, name in world.projects.items():
        if project_id == project.get("id") or name == project.get("name"):
            return {"project": {"id": project_id, "name": name, "domain": account}}
    # Issued, as global services want such tokens; CSMS, which needs a project, refuses them (CS 3.2).
    if not project and (wanted_account.get("id") == account["id"] or wanted_account.get("name") == domain):
        return {"domain": account}
    raise ApiError(401, "Unauthorized", "The scope is invalid: it is neither the project nor the user's own account.")


def _list_projects(world: World, call: RouteCall) -> HttpReply:
    projects = [
        {"id": project_id, "name": name, "domain_id": derive_iam_id(ACCOUNT), "enabled": True}
        for project_id, name in world.projects.items()
        if name == call.query["name"]
    ]
    # Huawei's SDK looks its project up here and gives up unless there is exactly one (CS 6.1).
    return build_json_reply({"projects": projects, "links": {"self": None}})


def _list_domains(_world: World, call: RouteCall) -> HttpReply:
    account = {"id": derive_iam_id(ACCOUNT), "name": ACCOUNT, "enabled": True, "description": ""}
    # Without documented parameters; the SDK for Go sends the name all the same.
    domains = [account] if call.query["name"] in (ACCOUNT, "", None) else []
    return build_json_reply({"domains": domains, "links": {"self": None}})


ROUTES = (
    Route(
        "iam",
        "POST",
        "/v3/auth/tokens",
        _create_token,
        "A token for a password or a token, scoped to the project or the account",
        anonymous=True,
        body=LOGIN_BODY,
        success=201,
        reply=TOKEN_REPLY,
    ),
    Route(
        "iam",
        "GET",
        "/v3/projects",
        _list_projects,
        "Projects by name",
        query=(Field("name", "string", default=REGION),),
        reply=PROJECTS_REPLY,
    ),
    Route(
        "iam",
        "GET",
        "/v3/auth/domains",
        _list_domains,
        "Accounts that the caller can use",
        query=(Field("name", "string"),),
        reply=DOMAINS_REPLY,
    ),
)
_ROUTER = Router(ROUTES, fold=False)
