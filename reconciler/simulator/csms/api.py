"""Huawei CSMS: secret events and notification records, behind the API gateway (CS 1, 2; seed 003)."""

from __future__ import annotations

from reconciler.simulator.auth import cloud_caller
from reconciler.simulator.csms.events import ROUTES as EVENTS
from reconciler.simulator.http.messages import NotJson, Refused, Reply, Request, decode, json_reply
from reconciler.simulator.http.routing import Call, Found, Route, Router
from reconciler.simulator.http.shapes import Flaw, read_object, read_query
from reconciler.simulator.world.world import World

PREFIX = "/v1/"
ROUTES: tuple[Route, ...] = EVENTS
_ROUTER = Router(ROUTES, fold=False)
# 12 MB is the gateway's limit where AK/SK signing is used (CS 3.3).
_LARGEST_BODY = 12 * 1024 * 1024


def serve(world: World, request: Request, request_id: str = "0" * 32) -> Reply:
    """Answer a request below /v1. The caller holds the world's lock."""
    try:
        reply = _serve(world, request)
    except Refused as refused:
        # Two layers, two shapes: the gateway's is flat, the service's has `error` around it (CS 2.1).
        if refused.code.startswith("APIGW"):
            return gateway_error(refused, request_id)
        error = {"error_code": refused.code, "error_msg": refused.message}
        reply = json_reply({"error": error}, refused.status, refused.headers)
    return reply.with_headers(("X-Request-Id", request_id))


def gateway_error(refused: Refused, request_id: str = "0" * 32) -> Reply:
    """Return a refusal in the gateway's flat shape (CS 2.1); its request id is that of the header."""
    flat = {"error_msg": refused.message, "error_code": refused.code, "request_id": request_id}
    return json_reply(flat, refused.status, (*refused.headers, ("X-Request-Id", request_id)))


def find_api(router: Router, request: Request) -> Found:
    """Return the route; raises Refused 404 as the gateway does where a path or a method is not offered."""
    found = router.find(request.method, request.path)
    if found is None:
        # No 405: the gateway has this one code for an unknown path and for a method not offered (CS 2.4).
        raise Refused(404, "APIGW.0101", "The API does not exist or has not been published in the environment")
    return found


def _serve(world: World, request: Request) -> Reply:
    found = find_api(_ROUTER, request)
    if len(request.body) > _LARGEST_BODY:
        raise Refused(413, "APIGW.0201", "Request entity too large")
    caller = cloud_caller(world, request)
    if found.params["project_id"] != caller.project:
        raise Refused(
            world.switches["csms_project_mismatch"], "CSMS.0302", "The project does not match the credentials."
        )
    call = Call(request, found.route, request.path, found.params, caller)
    call.query, flaws = read_query(request.pairs(), found.route.query, fold=False)
    if flaws:
        raise Refused(400, "CSMS.0002", str(flaws[0]))
    if found.route.body is not None:
        _read_body(world, call)
    return found.route.handle(world, call)


def _read_body(world: World, call: Call) -> None:
    request = call.request
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.body and kind != "application/json" and world.switches["csms_content_type"] == "400":
        raise Refused(400, "CSMS.0004", "The content type must be application/json.")
    # OpenAPI marks the body of PUT as required; no page says what becomes of a PUT without one (CS 1.4).
    if not request.body and request.method == "PUT" and world.switches["csms_empty_body"] == "accepted":
        call.data = {}
        return
    try:
        call.sent = decode(request.body)
    except NotJson as error:
        raise Refused(400, "CSMS.0004", "The request body is not valid JSON.") from error
    reading = read_object(call.sent, call.route.body or (), fold=False)
    flaws = list(reading.flaws)
    if world.switches["csms_unknown_members"] == "rejected":
        flaws += [Flaw(name, "unknown", "is not known") for name in reading.unknown]
    if flaws:
        code = "CSMS.0004" if any(flaw.kind == "type" for flaw in flaws) else "CSMS.0002"
        raise Refused(400, code, "; ".join(map(str, flaws)))
    call.data = reading.members
