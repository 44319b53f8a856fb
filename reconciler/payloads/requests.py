"""Pending certificate requests on the wire: /Workflow/Certificates (version 1).

The answer of Deny sorts the ids into three lists and is 200 even when every id failed; `Denials` are those that it did
not permit, not those that were denied. Contract: Keyfactor Command, POST Workflow Certificates Deny.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import IncompleteError
from reconciler.model import Json, Reply, Ruling, Verdict
from reconciler.payloads.members import pick_member
from reconciler.reader import Read

PENDING_PATH = "/Workflow/Certificates/Pending"
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
"""What a manifest may expect of a request, and where it stands on the wire."""

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
    """Return what waits for a decision, by id: one list."""
    return {read_request_id(row): row for row in read.rows(PENDING_PATH)}


def read_requests_by_id(read: Read, numbers: Sequence[int | str]) -> dict[int, Mapping[str, Json]]:
    """Return requests of any state by id; those that are gone or not visible are left out."""
    # Which fields a query may name is not documented for requests: each id is a GET of its own.
    bodies = read.each([f"/Workflow/Certificates/{number}" for number in numbers])
    return {read_request_id(raw): raw for raw in bodies if raw is not None}


def read_request_id(row: Json) -> int:
    """Return a request's id; raises IncompleteError for what is no request."""
    number = pick_member(row, "Id") if isinstance(row, Mapping) else None
    if not isinstance(number, int):
        raise IncompleteError(_NOT_A_REQUEST.locate(Source("GET /Workflow/Certificates")))
    return number


def extract_request_identity(raw: Mapping[str, Json]) -> dict[str, Json]:
    """Return what makes a request the same one; the CA's row index is text in some versions and a number in others."""
    return {
        name: str(pick_member(raw, name)) if name == "CARequestId" else pick_member(raw, name)
        for name in _IDENTITY_MEMBERS
    }


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
