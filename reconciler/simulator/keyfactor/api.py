"""Command's front door: version, anti-forgery header, credentials, permission and body, before any handler."""

from __future__ import annotations

from reconciler.simulator.http.messages import (
    ApiError,
    HttpReply,
    HttpRequest,
    JsonBodyError,
    build_json_reply,
    decode_json_body,
)
from reconciler.simulator.http.shapes import STRINGS, Field, Flaw, read_object, read_query
from reconciler.simulator.keyfactor import (
    audit,
    certificate_security,
    certificates,
    handlers,
    identities,
    lookups,
    owner,
    permission_sets,
    roles_v1,
    workflow,
)
from reconciler.simulator.keyfactor import claims as keyfactor_claims
from reconciler.simulator.keyfactor import roles as keyfactor_roles
from reconciler.simulator.keyfactor.routes import GET
from reconciler.simulator.routing.callers import identify_command_caller
from reconciler.simulator.routing.routes import Route, RouteCall, RouteMatch, Router, format_endpoint
from reconciler.simulator.world.identities import Caller
from reconciler.simulator.world.switches import Switches
from reconciler.simulator.world.world import World

COMMAND_PREFIX = "/keyfactorapi"


def _list_endpoints(_world: World, _call: RouteCall) -> HttpReply:
    return build_json_reply(sorted({format_endpoint(route) for route in ROUTES}))


ROUTES: tuple[Route, ...] = (
    *keyfactor_roles.ROUTES,
    *roles_v1.ROUTES,
    *identities.ROUTES,
    *keyfactor_claims.ROUTES,
    *permission_sets.ROUTES,
    *lookups.ROUTES,
    *handlers.ROUTES,
    *certificates.ROUTES,
    *certificate_security.ROUTES,
    *owner.ROUTES,
    *workflow.ROUTES,
    *audit.ROUTES,
    GET("/Status/Endpoints", _list_endpoints, "All endpoints", reply=STRINGS),
)
COMMAND_ERROR = (Field("ErrorCode", "string", "0x and eight digits (KF 0.7)"), Field("Message", "string"))
"""The body of a refusal."""
NO_RESOURCE = (Field("Message", "string"),)
"""The body of a 404 of the web server's own: no code of Command's stands in it."""
HEADERS = (
    Field("x-keyfactor-requested-with", "string", required=True, enum=("APIClient", "XMLHttpRequest")),
    Field("x-keyfactor-api-version", "string", "absent is 1", enum=("1", "1.0", "2", "2.0")),
)
"""The headers that every request carries (KF 0.2)."""
# IIS matches paths without regard to case; documents write KeyfactorApi, clients KeyfactorAPI (KF 0.1).
_ROUTER = Router(ROUTES, fold=True)
# A guard against cross-site requests: a foreign page can't set such a header without a CORS preflight.
_ORIGIN_VALUES = {str(origin).lower() for origin in HEADERS[0].enum}
# Keyfactor's own code sends 1.0 and 2.0 as well (KF 0.2).
VERSIONS = {"": 1} | {str(word): int(float(word)) for word in HEADERS[1].enum}
"""What the version header may say, and what it means."""
# Command's swagger lists these three and application/*+json (KF 0.2).
_JSON_TYPES = ("application/json", "text/json", "application/json-patch+json")
# A client has to cope with a 401 that is a page or nothing at all instead of JSON (KF 0.7).
_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>401 - Unauthorized</h1></body></html>"


def serve_keyfactor(world: World, request: HttpRequest, path: str, deny_at_most: int | None = None) -> HttpReply:
    """Answer a request below /KeyfactorAPI; `path` is what follows. The caller holds the world's lock."""
    try:
        reply = _handle_request(world, request, path, deny_at_most)
    except ApiError as refusal:
        reply = _build_refusal(world, refusal)
    if reply.status == 403 and (caller := identify_command_caller(world, request)):
        # Asking for what one may not have is itself an entry of the audit log (AU 1.1).
        world.note_refusal(request.method, path, caller.name)
    version = world.switches["product_version"]
    return reply.with_headers(("x-keyfactor-product-version", version)) if version else reply


def _handle_request(world: World, request: HttpRequest, path: str, deny_at_most: int | None) -> HttpReply:
    switches = world.switches
    if switches["query_string_max"] and len(request.query) > switches["query_string_max"]:
        # IIS's request filtering refuses a query above maxQueryString (2,048 bytes by default) as 404.15.
        raise ApiError(404, "", "Not Found", bare=True)
    # Before all that depends on the path: who is not logged in learns nothing of what exists.
    caller = identify_command_caller(world, request)
    if caller is None:
        return _build_unauthorized(switches)
    _check_origin_header(request, switches)
    version = VERSIONS.get(request.headers.get("x-keyfactor-api-version", "").strip())
    if version is None:
        raise ApiError(400, "0xA0F00003", "The HTTP resource does not support the API version that was requested.")
    match = _find_route(request.method, path, version, switches)
    call = RouteCall(request, match.route, match.path, match.params, caller, version, deny_at_most=deny_at_most)
    _check_route_permission(world, match.route, caller)
    plus = " " if switches["query_plus"] == "space" else "+"
    call.query, flaws = read_query(request.pairs(plus=plus), match.route.query, fold=True)
    if flaws:
        raise _build_invalid_request(flaws)
    if match.route.body is not None:
        _read_body(call, switches)
    return match.route.handle(world, call)


def _check_origin_header(request: HttpRequest, switches: Switches) -> None:
    if request.headers.get("x-keyfactor-requested-with", "").lower() in _ORIGIN_VALUES:
        return
    if switches["requested_with_missing"] != "accepted":
        status = int(switches["requested_with_missing"])
        raise ApiError(status, "0xA0F00003", "The x-keyfactor-requested-with header is required.")


def _find_route(method: str, path: str, version: int, switches: Switches) -> RouteMatch:
    shape = 1 if version == 2 and switches["v2_reply_shape"] == "v1" else version
    match = _ROUTER.find(method, path, shape)
    if match is None:
        methods = _ROUTER.list_methods(path)
        # RFC 9110, 15.5.6: a 405 must name the methods that the resource does offer.
        if methods:
            raise ApiError(405, "", "", (("Allow", ", ".join(methods)),), bare=True)
        raise ApiError(404, "", f"No HTTP resource was found; {_ROUTER.explain_absence(method, path)}")
    if version not in match.route.versions and shape == version and switches["version_2_on_v1"] == "rejected":
        raise ApiError(400, "0xA0F00003", f"{method} {match.route.path} does not support API version {version}.")
    return match


def _check_route_permission(world: World, route: Route, caller: Caller) -> None:
    if not route.permission or route.decides:
        return
    base = route.permission.replace("[#]/", "")
    # Roles, claims and sets are written by who has the permission in the Global set, else a 403 (KF 9, row 17).
    permission_set = world.global_set_id if route.in_global else ""
    scoped = base != route.permission and any(
        permission.startswith(base) for role in caller.roles for permission in role["Permissions"]
    )
    if not scoped and not caller.holds(base, permission_set):
        raise ApiError(403, "0xA0110003", f"You do not have permission to perform this action: {base}")


def _read_body(call: RouteCall, switches: Switches) -> None:
    media_type = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _JSON_TYPES and not (media_type.startswith("application/") and media_type.endswith("+json")):
        raise ApiError(415, "0xA0F00003", "Unsupported Media Type")
    try:
        call.sent = decode_json_body(call.request.body)
    except JsonBodyError as error:
        raise ApiError(400, "0xA0F00003", "The request body is not valid JSON.") from error
    fields = call.route.body or ()
    # Approve takes a bare array of ids, Deny an object (KF 7.1).
    body = {fields[0].name: call.sent} if call.route.bare else call.sent
    reading = read_object(body, fields, fold=True)
    flaws = reading.flaws
    if switches["unknown_body_members"] == "rejected":
        # Vendor scripts send Immutable, which is read-only, back in a body without an error (KF 0.4).
        tolerated_names = ("Immutable", switches["role_extra_member"])
        flaws = flaws + [
            Flaw(name, "unknown", "is not known") for name in reading.unknown if name not in tolerated_names
        ]
    if flaws:
        raise _build_invalid_request(flaws)
    call.data = reading.members
    call.unknown = reading.unknown


def _build_invalid_request(flaws: list[Flaw]) -> ApiError:
    return ApiError(400, "0xA0F00003", "The request is invalid. " + "; ".join(map(str, flaws)))


def _build_unauthorized(switches: Switches) -> HttpReply:
    # RFC 9110, 15.5.2: a 401 must carry a challenge. Two fields say the same as one with a comma (5.3).
    headers = (("WWW-Authenticate", 'Basic realm="KeyfactorAPI"'), ("WWW-Authenticate", "Bearer"))
    if switches["unauthorized_body"] == "html":
        return HttpReply(401, _LOGIN_PAGE, headers, "text/html")
    if switches["unauthorized_body"] == "json":
        return build_json_reply({"ErrorCode": "0xA0110001", "Message": "Unauthorized"}, 401, headers)
    return HttpReply(401, b"", headers)


def _build_refusal(world: World, error: ApiError) -> HttpReply:
    if error.bare:
        return HttpReply(error.status, b"", error.headers)
    if error.status == 403 and world.switches["forbidden_body"] == "empty":
        return HttpReply(403)
    if error.status == 403 and world.switches["forbidden_body"] == "html":
        return HttpReply(403, b"<html><body><h1>403 - Forbidden</h1></body></html>", (), "text/html")
    code = {"ErrorCode": error.code} if error.code else {}
    return build_json_reply({**code, "Message": error.message}, error.status, error.headers)
