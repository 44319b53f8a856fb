"""Pending certificate requests: list, one, approve and deny (KF 7, seed 002)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.routing import RouteCall
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.lists import PAGING, listed
from reconciler.simulator.keyfactor.routes import GET, POST
from reconciler.simulator.world.store_certificates import STATE_NAMES
from reconciler.simulator.world.world import Record, World

# CertState's numbers. 5 and 1 are known from third-party code alone (KF 7.2); 8 is a choice.
PENDING, DENIED, ACTIVE, EXTERNAL = 5, 3, 1, 8
# To Command pending requests are alerts, so the alerts' permission reads them (KF 7.1).
_MANAGE, _READ = "/certificates/requests/manage/", "/monitoring/alerts/read/"
_BASE = (
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
_ROW = (*_BASE, Field("StateString", "string"), Field("Metadata", "object"))
_DETAIL = (
    *_ROW,
    Field("DenialComment", "string"),
    Field("KeyLength", "string"),
    Field("SANs", "array", items=Field("", "string")),
    Field("CertStores", "array", items=Field("", "object")),
    Field("Curve", "string"),
    Field("SubjectAltNames", "array", items=Field("", "object")),
)
_FIELDS = {field.name: field.type for field in _BASE if field.name != "CARequestId"}


class Decision(NamedTuple):
    """What Approve or Deny does: the state that it gives, and its name in the ledger."""

    state: int
    word: str


def _show(request: Record) -> Record:
    return {
        **{field.name: request[field.name] for field in _BASE},
        "StateString": STATE_NAMES[request["State"]],
        "Metadata": request["Metadata"],
    }


def _show_one(request: Record) -> Record:
    more = {
        "DenialComment": request["DenialComment"],
        "KeyLength": "2048",
        "SANs": [request["CommonName"]],
        "CertStores": [],
        "Curve": None,
        "SubjectAltNames": [{"Type": "dns", "Value": request["CommonName"]}],
    }
    return {**_show(request), **more}


def _listing(state: int) -> Callable[[World, RouteCall], HttpReply]:
    def serve(world: World, call: RouteCall) -> HttpReply:
        rows = [request for request in world.requests.values() if request["State"] == state]
        return listed(world, call, rows, fields=_FIELDS, sort="Id", render=_show)

    return serve


def _get(world: World, call: RouteCall) -> HttpReply:
    request = world.requests.get(call.params["id"])
    if request is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate Request' with Id '{call.params['id']}'")
    return build_json_reply(world.seen(("request", request["Id"]), _show_one(request)))


def _approve(world: World, call: RouteCall) -> HttpReply:
    return _decide(world, call, call.data["CertificateRequestIds"], "", Decision(ACTIVE, "approved"))


def _deny(world: World, call: RouteCall) -> HttpReply:
    comment = call.data.get("Comment") or ""
    return _decide(world, call, call.data["CertificateRequestIds"], comment, Decision(DENIED, "denied"))


def _decide(world: World, call: RouteCall, ids: list[int], comment: str, decision: Decision) -> HttpReply:
    switches = world.switches
    if not call.caller.holds(_MANAGE) and switches["deny_without_permission"] == "403":
        raise ApiError(403, "0xA0110003", f"You do not have permission to perform this action: {_MANAGE}")
    if not ids and switches["deny_empty"] == "400":
        raise ApiError(400, "0xA0F00003", "At least one certificate request id is required.")
    # 200 even if every id failed: nothing but these lists tells (KF 7.3).
    lists: dict[str, list[Record | str]] = {"Failures": [], "Denials": [], "Successes": []}
    changes: list[tuple[Record, Record]] = []
    for position, request_id in enumerate(ids):
        where, why = _outcome(world, call, request_id, repeated=request_id in ids[:position])
        at_most = call.deny_at_most
        if where == "do" and at_most is not None and len(changes) >= at_most:
            break
        if where == "do":
            changes.append(_settle(world, world.requests[request_id], comment, decision))
        if where != "omitted":
            name = "Successes" if where == "do" else where.capitalize()
            lists[name].append(_item(world, request_id, why or comment))
    if changes:
        _note(world, call, changes, decision)
    return build_json_reply(lists)


def _outcome(world: World, call: RouteCall, request_id: int, *, repeated: bool) -> tuple[str, str]:
    """Return the list that an id goes to (`do` for one to act on), and why."""
    switches = world.switches
    if repeated:
        return ("omitted" if switches["deny_repeated_ids"] == "once" else "failures"), "The id was given twice."
    request = world.requests.get(request_id)
    if request is None:
        return switches["deny_unknown_ids"], "The request was not found."
    refused = {part.strip() for part in switches["deny_refused_ids"].split(",")}
    if str(request_id) in refused or not call.caller.holds(_MANAGE):
        # Denials are ids for which the caller lacks permission, not requests that were denied (KF 7.3).
        return "denials", "Access is denied."
    if request["State"] != PENDING:
        return switches["deny_processed_ids"], "The request is not pending."
    return "do", ""


def _settle(world: World, request: Record, comment: str, decision: Decision) -> tuple[Record, Record]:
    before = _show_one(request)
    request["State"] = decision.state
    if decision.state == DENIED:
        request["DenialComment"] = comment
        # The alert mails the comment to the requester, which nothing takes back.
        world.denied_mails.append(request["Id"])
    world.changed(("request", request["Id"]), before)
    return before, _show_one(request)


def _item(world: World, request_id: int, comment: str) -> Record | str:
    request = world.requests.get(request_id, {})
    # The documents differ by version: objects with these members, or plain strings.
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


def _note(world: World, call: RouteCall, changes: list[tuple[Record, Record]], decision: Decision) -> None:
    ids = [before["Id"] for before, _ in changes]
    names = [before["CommonName"] for before, _ in changes]
    subject = {"kind": "request", "id": ids, "name": names}
    before, after = [one for one, _ in changes], [other for _, other in changes]
    world.ledger.record(call, subject, before, after, **{decision.word: ids})


_IDS = Field("CertificateRequestIds", "array", "[23,45,12]", required=True, items=Field("", "integer", nullable=False))
_DENY = (_IDS, Field("Comment", "string", "delivered to the requester by a denied request alert (seed 002)"))
_ITEM = (
    Field("CARowId", "integer"),
    Field("CARequestId", "string"),
    Field("CAHost", "string"),
    Field("CALogicalName", "string"),
    Field("KeyfactorRequestId", "integer"),
    Field("Comment", "string"),
)
_RESULT = tuple(
    Field(name, "array", items=Field("", "object", fields=_ITEM)) for name in ("Failures", "Denials", "Successes")
)
_PATH = "/Workflow/Certificates"

ROUTES = (
    *(
        GET(f"{_PATH}/{name}", _listing(state), text, permission=_READ, query=PAGING, reply=build_array_fields(_ROW))
        for name, state, text in (
            ("Pending", PENDING, "List pending requests"),
            ("Denied", DENIED, "List denied requests"),
            ("ExternalValidation", EXTERNAL, "List requests that wait for others"),
        )
    ),
    GET(_PATH + "/{id:int}", _get, "One request in any state", permission=_READ, reply=_DETAIL),
    POST(
        _PATH + "/Approve",
        _approve,
        "Approve requests",
        permission=_MANAGE,
        decides=True,
        body=(_IDS,),
        bare=True,
        reply=_RESULT,
    ),
    POST(_PATH + "/Deny", _deny, "Deny requests", permission=_MANAGE, decides=True, body=_DENY, reply=_RESULT),
)
