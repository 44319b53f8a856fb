"""Entries of the audit trails as one value: Command's audit log, a certificate's history, Huawei's traces.

Nothing in them is certain but that they are JSON (contract/audit): whatever is missing or of another type than it
should be is left out, and an entry without a time is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from reconciler.model import Json
from reconciler.payloads.audit_xml import Leaves, read_audit_states
from reconciler.payloads.members import pick_member

HISTORY_ENTITY, TRACE_ENTITY = "history", "secret"
"""What these trails, which have one sort of object each, call it here."""
CREATED, DELETED = "Created", "Deleted"
_OPERATIONS = dict(
    enumerate(
        (
            CREATED,
            "Updated",
            DELETED,
            "Approved",
            "Denied",
            "Revoked",
            "Downloaded",
            "Deleted Private Key",
            "Renewed",
            "Encountered",
            "Scheduled Replacement",
            "Recovered",
            "Imported",
            "Removed from Hold",
        ),
        1,
    )
)
_TRACE_OPERATIONS = {"createsecretevent": CREATED, "updatesecretevent": "Updated", "deletesecretevent": DELETED}


class TrailEntry(NamedTuple):
    """One mark that somebody left. Names and entity are folded; texts are "" where nothing is told.

    `object_ids` is what the object itself says of its id, `reference` what the entry does, which may be a number of its
    own. `changed` are the members that it changed, None where it doesn't tell; `values` what it left in them. Where
    they are `worded`, the value stands somewhere in a sentence.
    """

    id: str
    moment: datetime
    actor: str
    operation: str
    address: str = ""
    entity: str = ""
    names: frozenset[str] = frozenset()
    object_ids: frozenset[str] = frozenset()
    reference: frozenset[str] = frozenset()
    changed: frozenset[str] | None = None
    values: Mapping[str, Leaves] = {}
    worded: bool = False

    @property
    def time(self) -> str:
        """When, as RFC 3339 in UTC with whole seconds."""
        return self.moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_audit_entry(row: Json) -> TrailEntry | None:
    """Return an entry of Command's audit log; None for what is none."""
    if not isinstance(row, Mapping) or (moment := _parse_time(pick_member(row, "Timestamp"))) is None:
        return None
    states = read_audit_states(_read_text(pick_member(row, "Message")))
    changed: frozenset[str] | None = None
    values: Mapping[str, Leaves] = {}
    object_ids: frozenset[str] = frozenset()
    if states:
        after, before = states.after or {}, states.before
        values = after
        object_ids = after.get("id") or (before or {}).get("id") or frozenset()
        number = pick_member(row, "Operation")
        if before is not None and after:
            changed = frozenset(name for name in {*after, *before} if after.get(name) != before.get(name))
        elif number == 1:
            changed = frozenset(after)
    number = pick_member(row, "Operation")
    operation = _OPERATIONS.get(number, f"operation {number}") if isinstance(number, int) else _read_text(number)
    return TrailEntry(
        _read_text(pick_member(row, "Id")),
        moment,
        _read_text(pick_member(row, "User")),
        operation,
        entity=fold_words(_read_text(pick_member(row, "EntityType"))),
        names=_fold(pick_member(row, "AuditIdentifier")),
        object_ids=object_ids,
        reference=_fold(pick_member(row, "ImmutableIdentifier")),
        changed=changed,
        values=values,
    )


def parse_history_entry(row: Json) -> TrailEntry | None:
    """Return an entry of a certificate's history that is about its owner; None for any other."""
    if not isinstance(row, Mapping) or (moment := _parse_time(pick_member(row, "OperationStart"))) is None:
        return None
    action, comment = (_read_text(pick_member(row, name)) for name in ("Action", "Comment"))
    sentence = f"{action} {comment}".casefold()
    # No document has the words: that an owner is spoken of is all that can be relied on.
    if "owner" not in sentence:
        return None
    actor, owner = _read_text(pick_member(row, "Username")), frozenset({"owner"})
    values = {"owner": frozenset({sentence})}
    number = _read_text(pick_member(row, "Id"))
    return TrailEntry(
        number, moment, actor, action or "Updated", entity=HISTORY_ENTITY, changed=owner, values=values, worded=True
    )


def parse_trace(row: Json) -> TrailEntry | None:
    """Return a trace of a secret event that was changed; None for another, and for an attempt that was refused."""
    if not isinstance(row, Mapping):
        return None
    operation = _TRACE_OPERATIONS.get(_read_text(row.get("trace_name")).casefold())
    moment, request, response = (
        _parse_milliseconds(row.get("time")),
        *map(_decode, (row.get("request"), row.get("response"))),
    )
    is_refused = _read_text(row.get("trace_rating")) not in {"", "normal"} or "error_code" in response
    if operation is None or is_refused or moment is None:
        return None
    event = response.get("event")
    told = [row, request, event if isinstance(event, Mapping) else {}]
    path = _read_text(row.get("resource_url")).rpartition("/")[2]
    names = [path, *(side.get(name) for side in told for name in ("resource_name", "resource_id", "name", "event_id"))]
    return TrailEntry(
        _read_text(row.get("trace_id")),
        moment,
        _read_trace_actor(row.get("user")),
        operation,
        _read_text(row.get("source_ip")),
        entity=TRACE_ENTITY,
        names=frozenset().union(*map(_fold, names)),
        changed=frozenset(name for name in request if name != "name") if request else None,
        values={name: frozenset(list_leaves(value)) for name, value in request.items()},
    )


def list_leaves(value: Json) -> Iterator[str]:
    """Yield the texts that a JSON value holds, folded as those of XML are."""
    # Depth first, without recursion: how deep a foreign document is, is not for us to say.
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, Mapping):
            pending.extend(part.values())
        elif isinstance(part, list | tuple | set | frozenset):
            pending.extend(part)
        elif part is not None and str(part).strip():
            yield str(part).strip().casefold()


def fold_words(text: str) -> str:
    """Return a text without blanks and letter case: versions spell the same subcategory differently."""
    return "".join(text.split()).casefold()


def _read_text(value: Json) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _fold(value: Json) -> frozenset[str]:
    return frozenset({_read_text(value).casefold()} - {""})


def _parse_time(value: Json) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        # All pages say UTC, whether or not the text does.
        return moment and (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _parse_milliseconds(value: Json) -> datetime | None:
    try:
        return datetime.fromtimestamp(value / 1000, UTC) if type(value) is int else None
    except (ValueError, OverflowError, OSError):
        return None


def _decode(value: Json) -> Mapping[str, Json]:
    """Return a body, which the schema has as text and the samples as an object."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}


def _read_trace_actor(user: Json) -> str:
    if not isinstance(user, Mapping):
        return ""
    return next(filter(None, (_read_text(user.get(name)) for name in ("user_name", "name", "principal_urn"))), "")
