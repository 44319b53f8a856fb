"""Huawei IAM as far as CSMS needs it: a project-scoped token for a password, and the project's id by name (CS 3.2)."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import NAMESPACE_DNS, uuid5

from reconciler.simulator.auth import cloud_caller
from reconciler.simulator.csms.api import find_api, gateway_error
from reconciler.simulator.http.messages import Json, NotJson, Refused, Reply, Request, decode, json_reply
from reconciler.simulator.http.routing import Call, Route, Router
from reconciler.simulator.http.shapes import Field, read_object, read_query
from reconciler.simulator.world.identities import NOBODY
from reconciler.simulator.world.world import Record, World

PREFIX = "/v3/"
REGION, ACCOUNT = "cn-north-4", "example"


def serve(world: World, request: Request) -> Reply:
    """Answer a request below /v3. The caller holds the world's lock."""
    try:
        found = find_api(_ROUTER, request)
        caller = NOBODY if found.route.anonymous else cloud_caller(world, request)
        call = Call(request, found.route, found.path, found.params, caller)
        call.query, _ = read_query(request.pairs(), found.route.query, fold=False)
        if found.route.body is not None:
            call.data = _read_body(call)
        return found.route.handle(world, call)
    except Refused as refused:
        if refused.code.startswith("APIGW"):
            return gateway_error(refused)
        error = {"code": refused.status, "message": refused.message, "title": refused.code}
        return json_reply({"error": error}, refused.status)


def _read_body(call: Call) -> Json:
    try:
        reading = read_object(decode(call.request.body), call.route.body or (), fold=False)
    except NotJson as error:
        raise Refused(400, "Bad Request", "The request body is invalid.") from error
    if reading.flaws:
        raise Refused(400, "Bad Request", "; ".join(map(str, reading.flaws)))
    return reading.members


def _token(world: World, call: Call) -> Reply:
    auth = call.data["auth"]
    user = auth["identity"]["password"]["user"]
    domain, name = _user(world, user)
    account, given = world.iam_users.get((domain, name)), user["password"]
    if account is None or not hmac.compare_digest(account.secret.encode(), given.encode("utf-8", "surrogatepass")):
        raise Refused(401, "Unauthorized", "The username or password is wrong.")
    project = _project(world, (auth.get("scope") or {}).get("project") or {})
    lifetime = world.switches["csms_token_lifetime"]
    token = world.iam_tokens.issue(account.name, lifetime)
    now = datetime.now(UTC)
    described = {
        "methods": ["password"],
        "issued_at": _stamp(now),
        "expires_at": _stamp(now + timedelta(seconds=lifetime)),
        "project": {"id": project, "name": REGION, "domain": {"id": id_of(domain), "name": domain}},
        "roles": [{"id": "0", "name": "te_admin"}],
        "user": {"id": id_of(f"{domain}/{name}"), "name": name, "domain": {"id": id_of(domain), "name": domain}},
        "catalog": [],
    }
    # Keystone's way: the token itself is in a header alone, the body describes it (CS 3.2).
    return json_reply({"token": described}, 201, [("X-Subject-Token", token)])


def id_of(name: str) -> str:
    """Return the id of an account by its name, or of a user by ACCOUNT/USER."""
    return uuid5(NAMESPACE_DNS, name).hex


def _user(world: World, user: Record) -> tuple[str, str]:
    """Return the account and the name that a log-in means; empty where its ids are nobody's."""
    said = user.get("domain") or {}
    if world.switches["csms_iam_ids"] == "rejected" and ("id" in user or "id" in said):
        raise Refused(400, "Bad Request", "The request body is invalid.")
    if "id" in user:
        return next((key for key in world.iam_users if id_of("/".join(key)) == user["id"]), ("", ""))
    if "name" not in user or not said:
        raise Refused(400, "Bad Request", "The request body is invalid.")
    by_id = (domain for domain, _ in world.iam_users if id_of(domain) == said.get("id"))
    return said.get("name") or next(by_id, ""), user["name"]


def _object(name: str, *fields: Field) -> Field:
    return Field(name, "object", required=True, nullable=False, fields=fields)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _project(world: World, asked: Record) -> str:
    if asked.get("id") == world.project or asked.get("name") == REGION:
        return world.project
    raise Refused(401, "Unauthorized", "The project scope is invalid: CSMS needs a project-scoped token.")


def _projects(world: World, call: Call) -> Reply:
    name = call.query["name"]
    known = (
        [{"id": world.project, "name": REGION, "domain_id": id_of(ACCOUNT), "enabled": True}] if name == REGION else []
    )
    # Huawei's SDK looks its project up here and gives up unless there is exactly one (CS 6.1).
    return json_reply({"projects": known, "links": {"self": None}})


ERROR = (_object("error", Field("code", "integer"), Field("message", "string"), Field("title", "string")),)
"""The body of a refusal (CS 2.1)."""
_TEXT = partial(Field, type="string", required=True)
_CALLED = (Field("id", "string", nullable=False), Field("name", "string", nullable=False))
_USER = _object("user", *_CALLED, _TEXT("password"), _object("domain", *_CALLED)._replace(required=False))
_METHODS = Field(
    "methods", "array", required=True, items=Field("", "string", nullable=False, enum=("password",)), least=1
)
_PROJECT = _object("project", Field("id", "string"), Field("name", "string"))._replace(required=False)
_SCOPE = _object("scope", _PROJECT)._replace(required=False)
_BODY = (_object("auth", _object("identity", _METHODS, _object("password", _USER)), _SCOPE),)
_NAMED = (Field("id", "string"), Field("name", "string"))
_DOMAIN = _object("domain", *_NAMED)
_TOKEN = (
    _object(
        "token",
        Field("methods", "array", items=Field("", "string")),
        Field("issued_at", "string"),
        Field("expires_at", "string"),
        _object("project", *_NAMED, _DOMAIN),
        Field("roles", "array", items=Field("", "object", fields=_NAMED)),
        _object("user", *_NAMED, _DOMAIN),
        Field("catalog", "array", items=Field("", "object")),
    ),
)
_ROW = (*_NAMED, Field("domain_id", "string"), Field("enabled", "boolean"))
_LIST = (
    Field("projects", "array", nullable=False, items=Field("", "object", nullable=False, fields=_ROW)),
    _object("links", Field("self", "string")),
)

ROUTES = (
    Route(
        "iam",
        "POST",
        "/v3/auth/tokens",
        _token,
        "A token for a password, scoped to the project",
        anonymous=True,
        body=_BODY,
        success=201,
        reply=_TOKEN,
    ),
    Route(
        "iam",
        "GET",
        "/v3/projects",
        _projects,
        "Projects by name",
        query=(Field("name", "string", default=REGION),),
        reply=_LIST,
    ),
)
_ROUTER = Router(ROUTES, fold=False)
