"""Pending certificate requests: list, one, approve and deny (KF 7, seed 002)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.lists import PAGING, build_list_reply
from reconciler.simulator.keyfactor.routes import GET, POST
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.certificate_rows import CERTIFICATE_STATE_NAMES
from reconciler.simulator.world.world import Record, World

# CertState's numbers. 5 and 1 are known from third-party code alone (KF 7.2); 8 is a choice.
PENDING, DENIED, ACTIVE, EXTERNAL = 5, 3, 1, 8
# Requests are read with the permission of the alerts, in 24.4 and later (KF 7.1).
_MANAGE_REQUESTS, _READ_REQUESTS = "/certificates/requests/manage/", "/monitoring/alerts/read/"
_REQUEST_FIELDS = (
    Field("Id", "integer", "KeyfactorRequestId"),
    Field("CARequestId", "string"),
    Field("CommonName", "string"),
    Field("DistinguishedName", "string"),
    Field("SubmissionDate", "string"),
    Field("CertificateAuthority", "string"),
    Field("Template", "string"),
    Field("Requester", "string"),
    Field("State", "integer", "0-8 (KF 6.1)"),
)
_REQUEST_ROW = (*_REQUEST_FIELDS, Field("StateString", "string"), Field("Metadata", "object"))
_REQUEST_DETAIL = (
    *_REQUEST_ROW,
    Field("DenialComment", "string"),
    Field("KeyLength", "string"),
    Field("SANs", "array", items=Field("", "string")),
    Field("CertStores", "array", items=Field("", "object")),
    Field("Curve", "string"),
    Field(
        "SubjectAltNames",
        "array",
        items=Field("", "object", fields=(Field("Type", "string"), Field("Value", "string"))),
    ),
)
_QUERY_FIELDS = {field.name: field.type for field in _REQUEST_FIELDS if field.name != "CARequestId"}


class RequestDecision(NamedTuple):
    """What Approve or Deny does: the state that it gives, and its name in the ledger."""

    state: int
    word: str


def _render_row(world: World, request: Record) -> Record:
    absent = "" if world.switches["common_name_absent"] == "empty" else None
    return {
        **{field.name: request[field.name] for field in _REQUEST_FIELDS},
        "CommonName": absent if request["CommonName"] is None else request["CommonName"],
        "StateString": CERTIFICATE_STATE_NAMES[request["State"]],
        "Metadata": request["Metadata"],
    }


def _render_detail(world: World, request: Record) -> Record:
    # By id alone: the rows of the lists have no alternative names (KF 7.2).
    alt_names = _list_alt_names(request)
    is_typed = world.switches["request_sans"] == "typed"
    detail_members = {
        "DenialComment": request["DenialComment"],
        "KeyLength": "2048",
        "SANs": [f"{kind}={value}" if is_typed else value for kind, value in alt_names],
        "CertStores": [],
        "Curve": None,
        "SubjectAltNames": [{"Type": kind, "Value": value} for kind, value in alt_names],
    }
    return {**_render_row(world, request), **detail_members}


def _list_alt_names(request: Record) -> list[tuple[str, str]]:
    """Return (type, value) of each; a request that says nothing of them has its common name as a DNS name."""
    names: list[tuple[str, str]] | None = request.get("_sans")
    if names is not None:
        return names
    return [("dns", request["CommonName"])] if request["CommonName"] else []


def _make_list_handler(state: int) -> Callable[[World, RouteCall], HttpReply]:
    def list_requests(world: World, call: RouteCall) -> HttpReply:
        rows = [request for request in world.requests.values() if request["State"] == state]
        return build_list_reply(
            world, call, rows, fields=_QUERY_FIELDS, sort="Id", render=lambda request: _render_row(world, request)
        )

    return list_requests


def _get_request(world: World, call: RouteCall) -> HttpReply:
    request = world.requests.get(call.params["id"])
    if request is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate Request' with Id '{call.params['id']}'")
    return build_json_reply(world.find_visible_state(("request", request["Id"]), _render_detail(world, request)))


def _approve_requests(world: World, call: RouteCall) -> HttpReply:
    return _decide_requests(world, call, call.data["CertificateRequestIds"], "", RequestDecision(ACTIVE, "approved"))


def _deny_requests(world: World, call: RouteCall) -> HttpReply:
    comment = call.data.get("Comment") or ""
    return _decide_requests(world, call, call.data["CertificateRequestIds"], comment, RequestDecision(DENIED, "denied"))


def _decide_requests(
    world: World, call: RouteCall, ids: list[int], comment: str, decision: RequestDecision
) -> HttpReply:
    _check_decision(world, call, ids)
    # 200 even if every id failed: nothing but these lists tells (KF 7.3).
    lists: dict[str, list[Record | str]] = {"Failures": [], "Denials": [], "Successes": []}
    changes: list[tuple[Record, Record]] = []
    for position, request_id in enumerate(ids):
        outcome, reason = _find_outcome(world, call, request_id, repeated=request_id in ids[:position])
        if outcome == "do" and call.deny_at_most is not None and len(changes) >= call.deny_at_most:
            break
        if outcome == "do":
            changes.append(_settle_request(world, world.requests[request_id], comment, decision))
        if outcome != "omitted":
            name = "Successes" if outcome == "do" else outcome.capitalize()
            lists[name].append(_build_result_item(world, request_id, reason or comment))
    if changes:
        _record_decision(world, call, changes, decision)
    return build_json_reply(lists)


def _check_decision(world: World, call: RouteCall, ids: list[int]) -> None:
    if not call.caller.holds(_MANAGE_REQUESTS) and world.switches["deny_without_permission"] == "403":
        raise ApiError(403, "0xA0110003", f"You do not have permission to perform this action: {_MANAGE_REQUESTS}")
    if not ids and world.switches["deny_empty"] == "400":
        raise ApiError(400, "0xA0F00003", "At least one certificate request id is required.")


def _find_outcome(world: World, call: RouteCall, request_id: int, *, repeated: bool) -> tuple[str, str]:
    """Return the list that an id goes to (`do` for one to act on), and why."""
    switches = world.switches
    if repeated:
        return ("omitted" if switches["deny_repeated_ids"] == "once" else "failures"), "The id was given twice."
    request = world.requests.get(request_id)
    if request is None:
        return switches["deny_unknown_ids"], "The request was not found."
    refused_ids = {part.strip() for part in switches["deny_refused_ids"].split(",")}
    if str(request_id) in refused_ids or not call.caller.holds(_MANAGE_REQUESTS):
        # Denials are mostly ids for which the caller lacks permission, not requests that were denied (KF 7.3).
        return "denials", "Access is denied."
    if request["State"] != PENDING:
        return switches["deny_processed_ids"], "The request is not pending."
    return "do", ""


def _settle_request(world: World, request: Record, comment: str, decision: RequestDecision) -> tuple[Record, Record]:
    before = _render_detail(world, request)
    request["State"] = decision.state
    if decision.state == DENIED:
        request["DenialComment"] = comment
        # A denied request alert can deliver the comment to the requester (seed 002), which nothing takes back.
        world.denied_mails.append(request["Id"])
    world.note_change(("request", request["Id"]), before)
    return before, _render_detail(world, request)


def _build_result_item(world: World, request_id: int, comment: str) -> Record | str:
    request = world.requests.get(request_id, {})
    # The documents differ by version: objects with these members, or plain strings (reliability B18).
    if world.switches["deny_items"] == "strings":
        return f"{request_id}: {comment}" if comment else str(request_id)
    host, _, logical = request.get("CertificateAuthority", "").partition("\\")
    return {
        "CARowId": int(request.get("CARequestId", 0)),
        "CARequestId": request.get("CARequestId"),
        "CAHost": host,
        "CALogicalName": logical,
        "KeyfactorRequestId": request_id,
        "Comment": comment,
    }


def _record_decision(
    world: World, call: RouteCall, changes: list[tuple[Record, Record]], decision: RequestDecision
) -> None:
    ids = [before["Id"] for before, _ in changes]
    names = [before["CommonName"] for before, _ in changes]
    subject = {"kind": "request", "id": ids, "name": names}
    before, after = [old_state for old_state, _ in changes], [new_state for _, new_state in changes]
    world.ledger.record(call, subject, before, after, **{decision.word: ids})


_IDS_FIELD = Field(
    "CertificateRequestIds", "array", "[23,45,12]", required=True, items=Field("", "integer", nullable=False)
)
_DENY_BODY = (_IDS_FIELD, Field("Comment", "string", "delivered to the requester by a denied request alert (seed 002)"))
_RESULT_ITEM = (
    Field("CARowId", "integer"),
    Field("CARequestId", "string"),
    Field("CAHost", "string"),
    Field("CALogicalName", "string"),
    Field("KeyfactorRequestId", "integer"),
    Field("Comment", "string"),
)
_RESULT_REPLY = tuple(
    Field(name, "array", items=Field("", "object", fields=_RESULT_ITEM))
    for name in ("Failures", "Denials", "Successes")
)
_WORKFLOW_PATH = "/Workflow/Certificates"

ROUTES = (
    *(
        GET(
            f"{_WORKFLOW_PATH}/{name}",
            _make_list_handler(state),
            text,
            permission=_READ_REQUESTS,
            query=PAGING,
            reply=build_array_fields(_REQUEST_ROW),
        )
        for name, state, text in (
            ("Pending", PENDING, "List pending requests"),
            ("Denied", DENIED, "List denied requests"),
            ("ExternalValidation", EXTERNAL, "List requests that wait for others"),
        )
    ),
    GET(
        _WORKFLOW_PATH + "/{id:int}",
        _get_request,
        "One request in any state",
        permission=_READ_REQUESTS,
        reply=_REQUEST_DETAIL,
    ),
    POST(
        _WORKFLOW_PATH + "/Approve",
        _approve_requests,
        "Approve requests",
        permission=_MANAGE_REQUESTS,
        decides=True,
        body=(_IDS_FIELD,),
        bare=True,
        reply=_RESULT_REPLY,
    ),
    POST(
        _WORKFLOW_PATH + "/Deny",
        _deny_requests,
        "Deny requests",
        permission=_MANAGE_REQUESTS,
        decides=True,
        body=_DENY_BODY,
        reply=_RESULT_REPLY,
    ),
)
