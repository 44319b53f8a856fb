"""Pending certificate requests on the wire: /Workflow/Certificates (version 1).

The answer of Deny sorts the ids into three lists and is 200 even when every id failed; `Denials` are those that it did
not permit, not those that were denied. Contract: Keyfactor Command, POST Workflow Certificates Deny.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import IncompleteError
from reconciler.model import Json, Reply, Ruling, Verdict
from reconciler.payloads.members import check_answered_id, pick_member
from reconciler.reader import Read

_REQUESTS_PATH = "/Workflow/Certificates"
PENDING_PATH = "/Workflow/Certificates/Pending"
DENIED_PATH = "/Workflow/Certificates/Denied"
DENY_PATH = "/Workflow/Certificates/Deny"
# The API's certificate states are bare numbers from 0 to 8: these names are those that third-party code gives
# them, which has none for 6 to 8.
STATE_NAMES = {0: "unknown", 1: "issued", 2: "revoked", 3: "denied", 4: "failed", 5: "pending"}
DENIED, WAITING = 3, 5
ATTRIBUTE_MEMBERS = {
    "commonName": "CommonName",
    "requester": "Requester",
    "template": "Template",
    "distinguishedName": "DistinguishedName",
    "certificateAuthority": "CertificateAuthority",
}
"""What a manifest may expect of a request, and where it stands on the wire, in lists too."""

NAMES_MEMBER = "SANs"
"""Where a request has its alternative names, if it was read by its id."""
_NAME_MEMBERS = frozenset({"sans", "subjectaltnames"})

_APPLIED = Ruling(Verdict.APPLIED)
_IDENTITY_MEMBERS = ("Id", "CARequestId", "CommonName", "Requester", "Template", "CertificateAuthority", "State")
"""Members that say whether an id is still the same request."""

_NOT_A_REQUEST = Explanation(
    "live.unusable-answer",
    "the answer is not a certificate request",
    "nothing can be concluded from it",
    "check the endpoint",
)


def read_pending_requests(read: Read) -> dict[int, Mapping[str, Json]]:
    """Return what waits for a decision, by id: one list. A row of another state is none of it, whatever its list."""
    states = [(row, read_request_id(row), pick_member(row, "State")) for row in read.rows(PENDING_PATH)]
    return {
        number: _drop_names(row if state == WAITING else {**row, "State": WAITING})
        for row, number, state in states
        if state in {WAITING, None}
    }


def read_requests_by_id(read: Read, numbers: Sequence[int | str]) -> dict[int, Mapping[str, Json]]:
    """Return requests of any state by id; those that are gone or not visible are left out.

    They have their alternative names, sorted, in `NAMES_MEMBER`.
    """
    # Which fields a query may name is not documented for requests: each id is a GET of its own.
    bodies = read.each([f"{_REQUESTS_PATH}/{number}" for number in numbers])
    requests: dict[int, Mapping[str, Json]] = {}
    for number, raw in zip(numbers, bodies, strict=True):
        if raw is None:
            continue
        request_id = read_request_id(raw)
        check_answered_id(raw, int(number), _REQUESTS_PATH)
        requests[request_id] = {**_drop_names(raw), NAMES_MEMBER: list(_read_alternative_names(raw))}
    return requests


def read_request_id(row: Json) -> int:
    """Return a request's id; raises IncompleteError for what is no request."""
    number = pick_member(row, "Id") if isinstance(row, Mapping) else None
    if not isinstance(number, int):
        raise IncompleteError(_NOT_A_REQUEST.locate(Source("GET /Workflow/Certificates")))
    return number


def extract_request_identity(raw: Mapping[str, Json], *, has_names: bool) -> dict[str, Json]:
    """Return what makes a request the same one; the CA's row index is text in some versions and a number in others.

    With `has_names` the alternative names of one that was read by its id are a part of it.
    """
    identity = {
        name: str(pick_member(raw, name)) if name == "CARequestId" else pick_member(raw, name)
        for name in _IDENTITY_MEMBERS
    }
    return {**identity, NAMES_MEMBER: raw[NAMES_MEMBER]} if has_names else identity


def _drop_names(raw: Mapping[str, Json]) -> dict[str, Json]:
    # A list is not documented to hold them: what it has in their place proves nothing.
    return {name: value for name, value in raw.items() if name.casefold() not in _NAME_MEMBERS}


def _read_alternative_names(raw: Mapping[str, Json]) -> tuple[str, ...]:
    # Both members are documented without their types: texts, objects with a Value, or texts by the type of name.
    members = (value for name, value in raw.items() if name.casefold() in _NAME_MEMBERS)
    return tuple(sorted({text for member in members for text in _list_texts(member)}))


def _list_texts(value: Json) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, Mapping):
        named = pick_member(value, "Value")
        yield from _list_texts(list(value.values()) if named is None else named)
    elif isinstance(value, list):
        for item in value:
            yield from _list_texts(item)


def read_denial_rulings(reply: Reply) -> dict[str, list[Ruling]]:
    """Return what the answer says of each id: one ruling for every list that holds it."""
    try:
        body = json.loads(reply.body)
    # json raises RecursionError for deep nesting. The denial is sent by now: an answer that can't be read
    # leaves it to reading back, it must not end the run.
    except (ValueError, RecursionError):
        return {}
    rulings: dict[str, list[Ruling]] = {}
    for name, verdict, reason in _RESULT_LISTS:
        items = pick_member(body, name) if isinstance(body, Mapping) else None
        for item in filter(_is_object, items if isinstance(items, list) else ()):
            comment = str(pick_member(item, "Comment") or "")
            # The CARowId and CARequestId beside it are the CA's numbers, not the ids that were sent.
            number = str(pick_member(item, "KeyfactorRequestId"))
            rulings.setdefault(number, []).append(Ruling(verdict, f"{reason}: {comment}" if comment else reason))
    return rulings


def _is_object(item: Json) -> bool:
    return isinstance(item, Mapping)


_RESULT_LISTS = (
    ("Successes", Verdict.APPLIED, ""),
    ("Failures", Verdict.NOT_APPLIED, "the server could not deny it"),
    ("Denials", Verdict.NOT_APPLIED, "the server did not permit it; the account needs /certificates/requests/manage/"),
)


def rule_on_denial(number: str, rulings: Sequence[Ruling] | None, live: Mapping[str, Json] | None) -> Ruling:
    """Reading decides; a failure that the answer states is only believed while the request does not read as denied.

    `rulings` are what the lists of the answer hold of the request, None where there was no such answer.
    """
    is_denied = live is not None and live.get("State") == DENIED
    if rulings is None:
        return _APPLIED if is_denied else Ruling(Verdict.UNKNOWN, f"request {number} does not read as denied")
    verdicts = {ruling.verdict for ruling in rulings}
    if verdicts == {Verdict.NOT_APPLIED}:
        return Ruling(Verdict.UNKNOWN, f"{rulings[0].detail}, yet it reads as denied") if is_denied else rulings[0]
    # What an id means that no list of the answer names is not documented: reading it decides.
    if is_denied:
        return _APPLIED if verdicts else Ruling(Verdict.APPLIED, "the answer does not name it; it reads as denied")
    if len(verdicts) > 1:
        return Ruling(Verdict.UNKNOWN, f"request {number} stands in several lists of the answer")
    report = "reported as denied" if verdicts else "not named in the answer"
    return Ruling(Verdict.UNKNOWN, f"request {number} is {report}, but does not read as denied")
