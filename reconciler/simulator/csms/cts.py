"""Huawei's Cloud Trace Service: GET /v3/{project_id}/traces, the last seven days of who did what (AU 4)."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime
from uuid import NAMESPACE_DNS, uuid5

from reconciler.simulator.csms.api import build_gateway_error, find_published_route
from reconciler.simulator.csms.shapes import GATEWAY_ERROR
from reconciler.simulator.http.messages import ApiError, HttpReply, HttpRequest, Json, build_json_reply
from reconciler.simulator.http.shapes import Field, read_query
from reconciler.simulator.routing.callers import identify_cloud_caller
from reconciler.simulator.routing.routes import Route, RouteCall, Router
from reconciler.simulator.world.world import Record, World

CTS_PATH = re.compile(r"/v3/[^/]+/traces")
_WEEK = 7 * 86_400_000
_HOUR = 3_600_000
_NAMES = {"POST": "createSecretEvent", "PUT": "updateSecretEvent", "DELETE": "deleteSecretEvent"}


def serve_cts(world: World, request: HttpRequest) -> HttpReply:
    """Answer a request for traces. The caller holds the world's lock."""
    try:
        return _handle_request(world, request)
    except ApiError as refusal:
        if refusal.code.startswith("APIGW"):
            return build_gateway_error(refusal)
        # Flat, as the gateway's and unlike those of CSMS (AU 4).
        return build_json_reply({"error_code": refusal.code, "error_msg": refusal.message}, refusal.status)


def _handle_request(world: World, request: HttpRequest) -> HttpReply:
    match = find_published_route(_ROUTER, request)
    caller = identify_cloud_caller(world, request)
    if match.params["project_id"] != caller.project:
        raise ApiError(403, "CTS.0013", "The project does not match the credentials.")
    call = RouteCall(request, match.route, request.path, match.params, caller)
    call.query, flaws = read_query(request.pairs(), match.route.query, fold=False)
    if flaws:
        raise ApiError(400, "CTS.0214", str(flaws[0]))
    return match.route.handle(world, call)


def _list_traces(world: World, call: RouteCall) -> HttpReply:
    mode = world.switches["cts_service"]
    if mode in ("403", "404"):
        raise ApiError(int(mode), "CTS.0001", "CTS is not enabled.")
    limit = _check_limit(world, call)
    traces = [] if mode == "empty" or call.query["trace_type"] != "system" else _select_traces(world, call)
    marker = call.query["next"]
    if marker:
        ids = [trace["trace_id"] for trace in traces]
        traces = traces[ids.index(marker) + 1 :] if marker in ids else []
    page, rest = traces[:limit], traces[limit:]
    is_full = len(page) == limit and world.switches["cts_last_marker"] == "present"
    info = {"count": len(page), "marker": page[-1]["trace_id"] if rest or is_full else None}
    return build_json_reply({"traces": page, "meta_data": info})


def _check_limit(world: World, call: RouteCall) -> int:
    text = call.query["limit"]
    # As text and by hand: 13 digits of `from` are no 32-bit integer either.
    bad = not re.fullmatch(r"[0-9]{1,9}", text) or not int(text)
    unpaired = (call.query["from"] is None) != (call.query["to"] is None)
    if bad or ((int(text) > 200 or unpaired) and world.switches["cts_bounds"] == "400"):
        raise ApiError(400, "CTS.0214", "limit, from or to is invalid.")
    return min(int(text), 200)


def _select_traces(world: World, call: RouteCall) -> list[Record]:
    now = int(time.time() * 1000)
    begin, end = call.query["from"], call.query["to"]
    # Without both only the last hour is searched, and `from` itself is left out (AU 4).
    lower, upper = (int(begin), int(end)) if begin and end else (now - _HOUR, now)
    lower = max(lower, now - _WEEK)
    filters = [name for name in ("service_type", "resource_type", "resource_name", "trace_name") if call.query[name]]
    newest = now - world.switches["cts_delay"] * 1000
    traces = (_build_trace(world, entry) for entry in reversed(world.ledger.copy_entries()) if entry["api"] == "csms")
    return [
        trace
        for trace in traces
        if lower < trace["time"] <= upper
        and trace["time"] <= newest
        and all(trace[name] == call.query[name] for name in filters)
    ]


def _build_trace(world: World, entry: Record) -> Record:
    switches, event = world.switches, entry["object"]
    moment = int(datetime.fromisoformat(entry["at"]).timestamp() * 1000)
    resources = {
        "name_and_id": (event["name"], event["id"]),
        "id_is_name": (event["name"], event["name"]),
        "null": (None, None),
    }
    name, resource_id = resources[switches["cts_resource"]]
    response = {"event": entry["after"]} if entry["after"] else {}
    return {
        "time": moment,
        "record_time": moment,
        "trace_id": str(uuid5(NAMESPACE_DNS, f"trace-{entry['n']}")),
        "trace_name": _NAMES[entry["method"]],
        "trace_rating": "normal",
        "trace_type": "ConsoleAction" if switches["cts_user"] != "null" else "SystemAction",
        "service_type": switches["cts_service_type"],
        "resource_type": switches["cts_resource_type"],
        "resource_name": name,
        "resource_id": resource_id,
        "user": _build_user(entry["actor"], switches["cts_user"]),
        "source_ip": None if switches["cts_user"] == "null" else "127.0.0.1",
        "request": _render_body(entry["body"], switches["cts_types"]),
        "response": _render_body(response, switches["cts_types"]),
        "code": "200" if switches["cts_types"] == "text" else 200,
        "resource_url": entry["path"],
        "tracker_name": "system",
        "read_only": False,
    }


def _build_user(actor: str, style: str) -> Record | None:
    if style == "null":
        return None
    account = {"id": "0" * 32, "name": "example"}
    if style == "old":
        return {"name": actor, "domain": account}
    urn = f"iam::example:user:{actor}"
    return {"id": "0" * 32, "name": actor, "user_name": actor, "domain": account, "principal_urn": urn, "type": "User"}


def _render_body(body: Json, style: str) -> Json:
    return body if style == "native" else json.dumps(body)


_FILTERS = ("service_type", "resource_type", "resource_id", "resource_name", "trace_name", "user", "trace_rating")
_TRACE = (
    *(Field(name, "long") for name in ("time", "record_time")),
    *(Field(name, "string") for name in ("trace_id", "trace_name", "trace_rating", "trace_type", "service_type")),
    *(Field(name, "string") for name in ("resource_type", "resource_name", "resource_id", "source_ip")),
    Field("user", "object"),
    *(Field(name, "string") for name in ("request", "response", "code", "resource_url", "tracker_name")),
    Field("read_only", "boolean"),
)
_PAGE = (
    Field("traces", "array", nullable=False, items=Field("", "object", nullable=False, fields=_TRACE)),
    Field("meta_data", "object", fields=(Field("count", "integer"), Field("marker", "string"))),
)
CTS_ERROR = GATEWAY_ERROR[:2]
"""The body of a refusal by CTS itself: flat."""

ROUTES = (
    Route(
        "cts",
        "GET",
        "/v3/{project_id}/traces",
        _list_traces,
        "ListTraces",
        query=(
            Field("trace_type", "string", "system or data", required=True, enum=("system", "data")),
            Field("limit", "string", "at most 200", default="10"),
            *(Field(name, "string", "13 digits; both or neither", pattern="[0-9]{13}") for name in ("from", "to")),
            Field("next", "string", "the marker of the page before"),
            *(Field(name, "string") for name in _FILTERS),
        ),
        reply=_PAGE,
    ),
)
_ROUTER = Router(ROUTES, fold=False)
