"""Huawei CSMS: secret events and notification records, behind the API gateway (CS 1, 2; seed 003)."""

from __future__ import annotations

from reconciler.simulator.csms.events import ROUTES as EVENTS
from reconciler.simulator.http.messages import (
    ApiError,
    HttpReply,
    HttpRequest,
    JsonBodyError,
    build_json_reply,
    decode_json_body,
)
from reconciler.simulator.http.shapes import Flaw, read_object, read_query
from reconciler.simulator.routing.callers import identify_cloud_caller
from reconciler.simulator.routing.routes import Route, RouteCall, RouteMatch, Router
from reconciler.simulator.world.world import World

CSMS_PREFIX = "/v1/"
ROUTES: tuple[Route, ...] = EVENTS
_ROUTER = Router(ROUTES, fold=False)
# 12 MB is the gateway's limit where AK/SK signing is used (CS 3.3).
_MAX_BODY = 12 * 1024 * 1024


def serve_csms(world: World, request: HttpRequest, request_id: str = "0" * 32) -> HttpReply:
    """Answer a request below /v1. The caller holds the world's lock."""
    try:
        reply = _handle_request(world, request)
    except ApiError as refusal:
        # Two layers, two shapes: the gateway's is flat, the service's has `error` around it (CS 2.1).
        if refusal.code.startswith("APIGW"):
            return build_gateway_error(refusal, request_id)
        error = {"error_code": refusal.code, "error_msg": refusal.message}
        reply = build_json_reply({"error": error}, refusal.status, refusal.headers)
    return reply.with_headers(("X-Request-Id", request_id))


def build_gateway_error(refusal: ApiError, request_id: str = "0" * 32) -> HttpReply:
    """Return a refusal in the gateway's flat shape (CS 2.1); its request id is that of the header."""
    body = {"error_msg": refusal.message, "error_code": refusal.code, "request_id": request_id}
    return build_json_reply(body, refusal.status, (*refusal.headers, ("X-Request-Id", request_id)))


def find_published_route(router: Router, request: HttpRequest) -> RouteMatch:
    """Return the route; raises ApiError 404 as the gateway does where a path or a method is not offered."""
    match = router.find(request.method, request.path)
    if match is None:
        # No 405: the gateway has this one code for an unknown path and for a method not offered (CS 2.4).
        message = "The API does not exist or has not been published in the environment"
        raise ApiError(404, "APIGW.0101", f"{message}; {router.explain_absence(request.method, request.path)}")
    return match


def _handle_request(world: World, request: HttpRequest) -> HttpReply:
    match = find_published_route(_ROUTER, request)
    if len(request.body) > _MAX_BODY:
        raise ApiError(413, "APIGW.0201", "Request entity too large")
    caller = identify_cloud_caller(world, request)
    if match.params["project_id"] != caller.project:
        raise ApiError(
            world.switches["csms_project_mismatch"], "CSMS.0302", "The project does not match the credentials."
        )
    call = RouteCall(request, match.route, request.path, match.params, caller)
    call.query, flaws = read_query(request.pairs(), match.route.query, fold=False)
    if flaws:
        raise ApiError(400, "CSMS.0002", str(flaws[0]))
    if match.route.body is not None:
        _read_body(world, call)
    return match.route.handle(world, call)


def _read_body(world: World, call: RouteCall) -> None:
    request = call.request
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and media_type != "application/json" and world.switches["csms_content_type"] == "400":
        raise ApiError(400, "CSMS.0004", "The content type must be application/json.")
    # OpenAPI marks the body of PUT as required; no page says what becomes of a PUT without one (CS 1.4).
    if not request.body and request.method == "PUT" and world.switches["csms_empty_body"] == "accepted":
        call.data = {}
        return
    try:
        call.sent = decode_json_body(request.body)
    except JsonBodyError as error:
        raise ApiError(400, "CSMS.0004", "The request body is not valid JSON.") from error
    reading = read_object(call.sent, call.route.body or (), fold=False)
    flaws = list(reading.flaws)
    if world.switches["csms_unknown_members"] == "rejected":
        flaws += [Flaw(name, "unknown", "is not known") for name in reading.unknown]
    if flaws:
        code = "CSMS.0004" if any(flaw.kind == "type" for flaw in flaws) else "CSMS.0002"
        raise ApiError(400, code, "; ".join(map(str, flaws)))
    call.data = reading.members
