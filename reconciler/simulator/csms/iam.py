"""Huawei IAM as far as CSMS needs it: a project-scoped token for a password, and the project's id by name (CS 3.2)."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import NAMESPACE_DNS, uuid5

from reconciler.simulator.csms.api import build_gateway_error, find_published_route
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
from reconciler.simulator.world.world import Record, World

IAM_PREFIX = "/v3/"
REGION, ACCOUNT = "cn-north-4", "example"


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
    user = auth["identity"]["password"]["user"]
    domain, name = _find_user(world, user)
    account, password = world.iam_users.get((domain, name)), user["password"]
    if account is None or not hmac.compare_digest(account.secret.encode(), password.encode("utf-8", "surrogatepass")):
        raise ApiError(401, "Unauthorized", "The username or password is wrong.")
    project = _find_project(world, (auth.get("scope") or {}).get("project") or {})
    lifetime = world.switches["csms_token_lifetime"]
    token = world.iam_tokens.issue(account.name, lifetime)
    # Keystone's way: the token itself is in a header alone, the body describes it (CS 3.2).
    body = {"token": _describe_token(domain, name, project, lifetime)}
    return build_json_reply(body, 201, [("X-Subject-Token", token)])


def _describe_token(domain: str, name: str, project: str, lifetime: float) -> Record:
    now = datetime.now(UTC)
    account = {"id": derive_iam_id(domain), "name": domain}
    return {
        "methods": ["password"],
        "issued_at": _format_time(now),
        "expires_at": _format_time(now + timedelta(seconds=lifetime)),
        "project": {"id": project, "name": REGION, "domain": account},
        "roles": [{"id": "0", "name": "te_admin"}],
        "user": {"id": derive_iam_id(f"{domain}/{name}"), "name": name, "domain": account},
        "catalog": [],
    }


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


def _build_object_field(name: str, *fields: Field) -> Field:
    return Field(name, "object", required=True, nullable=False, fields=fields)


def _format_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _find_project(world: World, scope: Record) -> str:
    if scope.get("id") == world.project or scope.get("name") == REGION:
        return world.project
    raise ApiError(401, "Unauthorized", "The project scope is invalid: CSMS needs a project-scoped token.")


def _list_projects(world: World, call: RouteCall) -> HttpReply:
    name = call.query["name"]
    projects = (
        [{"id": world.project, "name": REGION, "domain_id": derive_iam_id(ACCOUNT), "enabled": True}]
        if name == REGION
        else []
    )
    # Huawei's SDK looks its project up here and gives up unless there is exactly one (CS 6.1).
    return build_json_reply({"projects": projects, "links": {"self": None}})


IAM_ERROR = (
    _build_object_field("error", Field("code", "integer"), Field("message", "string"), Field("title", "string")),
)
"""The body of a refusal (CS 2.1)."""
_REQUIRED_TEXT = partial(Field, type="string", required=True)
_REFERENCE = (Field("id", "string", nullable=False), Field("name", "string", nullable=False))
_USER = _build_object_field(
    "user", *_REFERENCE, _REQUIRED_TEXT("password"), _build_object_field("domain", *_REFERENCE)._replace(required=False)
)
_METHODS = Field(
    "methods", "array", required=True, items=Field("", "string", nullable=False, enum=("password",)), least=1
)
_PROJECT = _build_object_field("project", Field("id", "string"), Field("name", "string"))._replace(required=False)
_SCOPE = _build_object_field("scope", _PROJECT)._replace(required=False)
_LOGIN_BODY = (
    _build_object_field(
        "auth", _build_object_field("identity", _METHODS, _build_object_field("password", _USER)), _SCOPE
    ),
)
_ID_AND_NAME = (Field("id", "string"), Field("name", "string"))
_DOMAIN = _build_object_field("domain", *_ID_AND_NAME)
_TOKEN_REPLY = (
    _build_object_field(
        "token",
        Field("methods", "array", items=Field("", "string")),
        Field("issued_at", "string"),
        Field("expires_at", "string"),
        _build_object_field("project", *_ID_AND_NAME, _DOMAIN),
        Field("roles", "array", items=Field("", "object", fields=_ID_AND_NAME)),
        _build_object_field("user", *_ID_AND_NAME, _DOMAIN),
        Field("catalog", "array", items=Field("", "object")),
    ),
)
_PROJECT_ROW = (*_ID_AND_NAME, Field("domain_id", "string"), Field("enabled", "boolean"))
_PROJECTS_REPLY = (
    Field("projects", "array", nullable=False, items=Field("", "object", nullable=False, fields=_PROJECT_ROW)),
    _build_object_field("links", Field("self", "string")),
)

ROUTES = (
    Route(
        "iam",
        "POST",
        "/v3/auth/tokens",
        _create_token,
        "A token for a password, scoped to the project",
        anonymous=True,
        body=_LOGIN_BODY,
        success=201,
        reply=_TOKEN_REPLY,
    ),
    Route(
        "iam",
        "GET",
        "/v3/projects",
        _list_projects,
        "Projects by name",
        query=(Field("name", "string", default=REGION),),
        reply=_PROJECTS_REPLY,
    ),
)
_ROUTER = Router(ROUTES, fold=False)
