"""What a posture is judged by: the few facts of each list that matter, gathered while it is read. Pure.

Certificates and requests may be very many: of them counts are kept, and the first that somebody should look at.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from reconciler.kinds.security_role.permissions import find_redundant_pairs
from reconciler.model import Json
from reconciler.payloads.certificate_table import CertificateRow
from reconciler.payloads.claims import ClaimKey, fold_claim_key, read_claim_key
from reconciler.payloads.members import pick_member
from reconciler.payloads.requests import read_request_id

MAX_EXAMPLES = 100
"""Certificates and requests of a finding that are kept, those with the nearest or the oldest day."""
_EXAMPLES_OF_OWNER = 3
# When a request was denied no list tells: its submission is the only moment that it has (contract: 7.2).
REQUEST_COLUMNS = ("Id", "CommonName", "Requester", "Template", "SubmissionDate", "State")
ItemT = TypeVar("ItemT")


class FirstItems(Generic[ItemT]):
    """The first `limit` of all items that were added, by their keys, which have to be distinct."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: list[tuple[tuple[str, int], ItemT]] = []

    def add(self, key: tuple[str, int], item: ItemT) -> None:
        """Add an item; the last one goes where there are too many."""
        if len(self._entries) < self._limit or key < self._entries[-1][0]:
            insort(self._entries, (key, item), key=lambda entry: entry[0])
            del self._entries[self._limit :]

    @property
    def items(self) -> list[ItemT]:
        """The items in order."""
        return [item for _, item in self._entries]


class OwnerKey(NamedTuple):
    """Whose a certificate is: the role's id, or its folded name where the server tells no id."""

    id: int | None
    folded_name: str = ""


@dataclass(slots=True)
class OwnedCertificates:
    """The certificates of one owner that are neither revoked nor past their end."""

    name: str
    count: int = 0
    days: Counter[int] = field(default_factory=Counter)
    """Those that end within the days that were asked for, by the number of days until then."""
    first: FirstItems[CertificateRow] = field(default_factory=lambda: FirstItems(_EXAMPLES_OF_OWNER))


@dataclass(slots=True)
class CertificateTally:
    """All certificates, as counts.

    `unowned` are those without an owner; its examples are those that end within the days. `undated` counts those
    without an owner of which no end can be read, `undated_id` is the least id among them. `total` counts revoked and
    past ones too.
    """

    total: int = 0
    owners: dict[OwnerKey, OwnedCertificates] = field(default_factory=dict)
    unowned: OwnedCertificates = field(default_factory=lambda: OwnedCertificates("", first=FirstItems(MAX_EXAMPLES)))
    undated: int = 0
    undated_id: int = 0


def tally_certificates(rows: Iterable[CertificateRow], today: date, days: int) -> CertificateTally:
    """Count certificates by owner, those that end from today until `days` later by day; linear, none is kept."""
    tally = CertificateTally()
    first_day, last_day = today.isoformat(), (today + timedelta(days=days)).isoformat()
    for row in rows:
        tally.total += 1
        # Text compares as the days do (ISO 8601, four digits of the year).
        expires = row.expires
        if row.is_revoked or (expires and expires < first_day):
            continue
        group = _find_group(tally, row)
        group.count += 1
        is_near = bool(expires and expires <= last_day)
        if is_near:
            group.days[(date.fromisoformat(str(expires)) - today).days] += 1
        if group is not tally.unowned or is_near:
            group.first.add((expires or "9999-12-31", row.id), row)
        elif not expires:
            tally.undated_id = min(tally.undated_id or row.id, row.id)
            tally.undated += 1
    return tally


def _find_group(tally: CertificateTally, row: CertificateRow) -> OwnedCertificates:
    if row.owner_id is None and not row.owner:
        return tally.unowned
    key = OwnerKey(row.owner_id) if row.owner_id is not None else OwnerKey(None, str(row.owner).casefold())
    group = tally.owners.get(key)
    if group is None:
        group = tally.owners[key] = OwnedCertificates(row.owner or f"role {row.owner_id}")
    return group


class RoleFacts(NamedTuple):
    """A role: what it may do, without what another of its permissions grants already, and the folded keys of those
    who hold it.
    """

    id: int
    name: str
    permission_set: str
    permissions: frozenset[str]
    holders: frozenset[ClaimKey]


def extract_role_facts(raw: Mapping[str, Json]) -> RoleFacts:
    """Return the facts of a role that was read by its id."""
    permissions = frozenset(pick_member(raw, "Permissions"))
    # Servers differ in whether they take a permission beside one that includes it.
    redundant = {permission for permission, _ in find_redundant_pairs(permissions)}
    holders = frozenset(fold_claim_key(read_claim_key(claim)) for claim in pick_member(raw, "Claims"))
    permission_set = str(pick_member(raw, "PermissionSetId") or "").lower()
    return RoleFacts(
        int(pick_member(raw, "Id")), str(pick_member(raw, "Name")), permission_set, permissions - redundant, holders
    )


class ClaimFacts(NamedTuple):
    """A claim that the server knows."""

    id: str
    key: ClaimKey
    description: str

    @property
    def folded_key(self) -> ClaimKey:
        """Its key in the form in which a role's holders are kept."""
        return fold_claim_key(self.key)


def extract_claim_facts(raw: Mapping[str, Json]) -> ClaimFacts:
    """Return the facts of a claim of the list."""
    return ClaimFacts(str(pick_member(raw, "Id")), read_claim_key(raw), str(pick_member(raw, "Description") or ""))


class RequestFacts(NamedTuple):
    """A certificate request that was submitted too long ago."""

    id: int
    submitted: str
    name: str
    requester: str
    template: str


@dataclass(slots=True)
class RequestTally:
    """The requests of one list, as counts; `undated` counts those of which no day can be read."""

    total: int = 0
    old: int = 0
    first: FirstItems[RequestFacts] = field(default_factory=lambda: FirstItems(MAX_EXAMPLES))
    undated: int = 0
    undated_id: int = 0


def tally_requests(rows: Iterable[Sequence[Json]], state: int, today: date, days: int) -> RequestTally:
    """Count the requests of that state, and those that were submitted more than `days` before today.

    `rows` have `REQUEST_COLUMNS`; raises IncompleteError for one that is no request.
    """
    tally, last_day = RequestTally(), (today - timedelta(days=days)).isoformat()
    for raw_number, name, requester, template, submission, row_state in rows:
        # A row of another state is none of it, whatever its list.
        if row_state not in {state, None}:
            continue
        tally.total += 1
        number, submitted = read_request_id({"Id": raw_number}), _read_day(submission)
        if submitted is None:
            tally.undated_id = min(tally.undated_id or number, number)
            tally.undated += 1
        elif submitted < last_day:
            tally.old += 1
            texts = [str(text or "") for text in (name, requester, template)]
            tally.first.add((submitted, number), RequestFacts(number, submitted, *texts))
    return tally


def _read_day(moment: Json) -> str | None:
    """Return the day (UTC) of a moment as 2027-01-31; None where it is none."""
    try:
        parsed = datetime.fromisoformat(str(moment or ""))
        # Servers differ in whether a zone is said; it is UTC in both.
        return (parsed.astimezone(UTC) if parsed.tzinfo else parsed).date().isoformat()
    except (ValueError, OverflowError):
        return None


class EventFacts(NamedTuple):
    """A secret event; `topic` is the id of the topic that is told, "" for none."""

    name: str
    state: str
    types: frozenset[str]
    topic: str

    @property
    def is_told(self) -> bool:
        """Whether somebody is told of what it is about."""
        return self.state == "ENABLED" and bool(self.topic)


def extract_event_facts(raw: Mapping[str, Json]) -> EventFacts | None:
    """Return the facts of an event; None for what is no event. One without a topic is an event all the same."""
    notification, types = raw.get("notification") or {}, raw.get("event_types") or []
    name, state = raw.get("name"), raw.get("state")
    if not isinstance(name, str) or not isinstance(state, str) or not isinstance(notification, Mapping):
        return None
    if not isinstance(types, list) or not all(isinstance(kind, str) for kind in types):
        return None
    return EventFacts(name, state, frozenset(types), str(notification.get("target_id") or "").strip())


@dataclass(frozen=True, slots=True)
class PostureFacts:
    """What was read of one target, each list None where it was not: nothing that needs it can be judged then."""

    today: date
    days: int
    certificates: CertificateTally | None = None
    roles: Sequence[RoleFacts] | None = None
    claims: Sequence[ClaimFacts] | None = None
    pending: RequestTally | None = None
    denied: RequestTally | None = None
    events: Sequence[EventFacts] | None = None
