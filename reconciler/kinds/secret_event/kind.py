"""Secret event notifications of Huawei Cloud CSMS: /v1/{project_id}/csms/events[/{event_name}]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import BaseModel, Field, model_validator

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import IncompleteError, Problem
from reconciler.kinds.fields import TextPattern, unmanaged_field
from reconciler.kinds.kind import ExportedDocument, Finding, Kind, Match, Meaning, Run, Spec, Wanted
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.stored_requests import check_expectation, check_request
from reconciler.model import Call, Json, Path, Request, Risk, Step, Tables
from reconciler.reader import Read

EventType = Literal[
    # SECRET_ROTATED_FAILED came with the pages of 2024-11. The OpenAPI example shows a sixth type in no
    # enumeration, SECRET_VERSION_NEAR_EXPIRY: answers may hold more than can be declared.
    "SECRET_VERSION_CREATED", "SECRET_VERSION_EXPIRED", "SECRET_ROTATED", "SECRET_ROTATED_FAILED", "SECRET_DELETED"
]
TopicUrn = Annotated[
    str,
    TextPattern(
        # The documented pattern. The pages' own example, demo-smn-id, is no URN, so checking for one would
        # refuse what the service takes.
        r"[a-zA-Z0-9\-._:]{1,256}",
        Explanation(
            "manifest.invalid-value",
            "is not what CSMS takes as a topic's id",
            "it would refuse the event",
            "write the topic's URN, urn:smn:REGION:PROJECT:TOPIC",
        ),
    ),
]
TopicName = Annotated[
    str,
    TextPattern(
        "[a-zA-Z0-9_-]{1,64}",
        Explanation(
            "manifest.invalid-value",
            "is not a topic's name",
            "CSMS would refuse it",
            "write 1 to 64 letters, digits, _ or -",
        ),
    ),
]


class Notification(BaseModel):
    """Where an event's notifications go. A member that is left out keeps its live value."""

    model_config = Spec.model_config

    target_type: Literal["SMN"] = unmanaged_field("The kind of target; SMN is the only one.")
    target_id: TopicUrn = unmanaged_field(
        "The topic's URN. CSMS does not check that it exists: a wrong one shows only as failed notifications."
    )
    target_name: TopicName = unmanaged_field("The topic's name.")

    def declared(self) -> dict[str, str]:
        """Return the members that the document sets, by manifest name."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class SecretEvent(Spec):
    """A secret event notification: which events of secrets are told to which topic."""

    state: Literal["ENABLED", "DISABLED"] = unmanaged_field("Only an ENABLED event fires.")
    # Five values are documented, but 12 is the ceiling. The request schema allows an empty list and the
    # response schema forbids it: none is sent.
    event_types: Annotated[tuple[EventType, ...], Field(strict=False, min_length=1, max_length=12)] = unmanaged_field(
        "The events that are told, as a set."
    )
    notification: Notification = unmanaged_field("The topic that is told.")
    additive: Annotated[tuple[Literal["eventTypes"], ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Lists that gain the declared members and keep the others."
    )

    @model_validator(mode="after")
    def _check_not_empty(self) -> SecretEvent:
        if not self.model_fields_set & {"state", "event_types", "notification"}:
            raise ValueError("declares nothing to manage; give state, eventTypes or notification")
        return self

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, str]]:
        # The EU site's page allows a dot as well; other pages, the OpenAPI text and Terraform don't.
        if not _is_valid_name(name):
            yield (
                (),
                f"the event name {name!r} is not 1 to 64 letters, digits, _ or -; CSMS refuses it; rename the event",
            )
        types = self.declared().get("eventTypes", ())
        for index, value in enumerate(types):
            if value in types[:index]:
                yield ("eventTypes", index), f"{value} is listed twice; event types are a set; remove one"
        if self.declared().get("additive") and "eventTypes" not in self.declared():
            yield ("additive",), "additive names eventTypes, which is not declared; declare it or remove additive"

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        # Whether letter case alone tells events apart is not documented, so two such documents clash.
        yield name.casefold(), ()


_BODY_MEMBERS = ("state", "event_types", "notification")
_WIRE_NAMES = {"targetType": "target_type", "targetId": "target_id", "targetName": "target_name"}


def _is_valid_name(name: str) -> bool:
    # str.isalnum alone takes the letters and digits of every script.
    return 0 < len(name) <= 64 and all(char.isascii() and (char.isalnum() or char in "_-") for char in name)


def _check_event(event: Json, path: str) -> Mapping[str, Json]:
    notification = event.get("notification") if isinstance(event, Mapping) else None
    is_valid = (
        isinstance(notification, Mapping)
        and isinstance(event.get("name"), str)
        and isinstance(event.get("state"), str)
        and isinstance(event.get("event_types"), list)
        and all(isinstance(kind, str) for kind in event["event_types"])
    )
    if not is_valid:
        reason = "an event without name, state, event_types or notification; nothing can be compared with it"
        raise IncompleteError(Problem(Source(f"GET {path}"), f"{reason}; check the endpoint"))
    return cast(Mapping[str, Json], event)


def _convert_to_manifest(raw: Mapping[str, Json]) -> dict[str, Any]:
    notification = {field: raw["notification"].get(wire) for field, wire in _WIRE_NAMES.items()}
    return {"state": raw["state"], "eventTypes": frozenset(raw["event_types"]), "notification": notification}


def _find_unknown_members(raw: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return the members of a live notification that this version does not know."""
    notification = raw["notification"] if raw else {}
    return {name: notification[name] for name in sorted(notification) if name not in _WIRE_NAMES.values()}


def _canonicalize_event(raw: Mapping[str, Json]) -> dict[str, Json]:
    """Return what an event is, its set sorted; the times are left out: their unit is uncertain and they add nothing."""
    notification = {wire: raw["notification"].get(wire) for wire in _WIRE_NAMES.values()} | _find_unknown_members(raw)
    members = {name: raw.get(name) for name in ("name", "event_id", "state")}
    return {**members, "event_types": sorted(raw["event_types"]), "notification": notification}


def _match_new_event(document: Wanted, after: Mapping[str, Any], path: str) -> Iterator[Finding]:
    missing = [name for name in ("state", "eventTypes", "notification") if name not in after]
    missing += [f"notification.{name}" for name in _WIRE_NAMES if name not in after.get("notification", _WIRE_NAMES)]
    if missing:
        yield Problem(
            document.source,
            f"event {document.address.name} does not exist or is not visible, and creating it "
            f"needs {', '.join(missing)} as well; declare them or correct the name",
        )
    else:
        yield Match(document, None, after, (path, None), "new")


class SecretEventKind(Kind[SecretEvent, tuple[str, Mapping[str, Json]]]):
    """Events are found by name; a PUT carries the whole event."""

    spec: ClassVar[type[Spec]] = SecretEvent
    api: ClassVar[str] = "csms"
    requires: ClassVar[Permissions] = Permissions(
        read=(ListPermission("events", "/events", "csms:event:list", item="name", item_permission="csms:event:get"),),
        write=(PermissionGrant(("csms:event:create",)), PermissionGrant(("csms:event:update",))),
    )
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: SecretEvent
metadata: {name: expiry-prod}
spec:
  state: ENABLED
  eventTypes: [SECRET_VERSION_EXPIRED]
  notification: {targetType: SMN, targetId: 'urn:smn:cn-north-4:0123:pki', targetName: pki}
"""

    def observe(self, read: Read, documents: Sequence[Wanted[SecretEvent]], run: Run) -> tuple[str, Mapping[str, Json]]:
        """Return the path of the collection and the project's events by name: one list."""
        path = f"{read.root}/events"
        events = read.rows(path, key="name")
        return path, {event["name"]: event for event in (_check_event(event, path) for event in events)}

    def compare(
        self, document: Wanted[SecretEvent], live: tuple[str, Mapping[str, Json]], run: Run
    ) -> Iterator[Finding]:
        path, events = live
        declared = document.resource.declared()
        raw = events.get(document.address.name)
        after: dict[str, Any] = {}
        if "state" in declared:
            after["state"] = declared["state"]
        if "eventTypes" in declared:
            live_types = frozenset(raw["event_types"]) if raw and "additive" in declared else frozenset()
            after["eventTypes"] = frozenset(declared["eventTypes"]) | live_types
        if "notification" in declared:
            after["notification"] = declared["notification"].declared()
        if raw is None:
            yield from _match_new_event(document, after, path)
            return
        manifest = _convert_to_manifest(raw)
        before = {name: manifest[name] for name in after}
        if "notification" in after:
            before["notification"] = {name: manifest["notification"][name] for name in after["notification"]}
        yield Match(document, before, after, (path, raw), str(raw["name"]))

    def encode(self, match: Match[SecretEvent]) -> Request:
        """All three members always, over the whole object: an omitted one may be merged or cleared, nobody says.

        A notification is replaced as a whole, so its members that this version does not know are sent back.
        """
        path, raw = match.found
        name = match.wanted.address.name
        manifest = _convert_to_manifest(raw) if raw else {"notification": {}}
        merged = {
            **manifest,
            **match.after,
            "notification": {**manifest["notification"], **match.after.get("notification", {})},
        }
        members = {
            "state": merged["state"],
            "event_types": sorted(merged["eventTypes"]),
            "notification": {wire: merged["notification"][field] for field, wire in _WIRE_NAMES.items()}
            | _find_unknown_members(raw),
        }
        target = match.wanted.address.target
        # The name is the path's key and can't be changed: only the POST carries it.
        if raw is None:
            return Request(Call(target, "POST", path, {"name": name, **members}), None, {"name": name, **members})
        return Request(
            Call(target, "PUT", f"{path}/{name}", members), _canonicalize_event(raw), {"name": name, **members}
        )

    def explain(self, request: Request) -> Meaning:
        """The whole event is in the body; unknown members of a notification must go back as they were read."""
        call, base = request.call, request.base
        collection, slash, name = call.path.rpartition("/events")
        if base is None:
            name = call.body["name"]
            check_request(call, "POST", f"{collection}/events", members=("name", *_BODY_MEMBERS))
        else:
            name = base["name"]
            check_request(call, "PUT", f"{collection}/events/{name}", members=_BODY_MEMBERS)
        check_expectation(request, {"name": name, **{member: call.body[member] for member in _BODY_MEMBERS}})
        unknown = _find_unknown_members(call.body)
        if not slash or unknown != (_find_unknown_members(base) if base else {}):
            raise ValueError("it changes what no manifest declares")
        before = None if base is None else _convert_to_manifest(base)
        return Meaning(before, _convert_to_manifest(call.body), "new" if base is None else str(name), str(name))

    def risk(self, path: str, before: Json, after: Json) -> Risk:
        """Whatever makes somebody hear less, or somebody else hear it, is high."""
        if path == "state":
            return Risk.HIGH if after == "DISABLED" and before else Risk.LOW
        if path == "eventTypes":
            return Risk.HIGH if set(before or ()) - set(after) else Risk.LOW
        return Risk.HIGH if before else Risk.LOW

    def reread(self, read: Read, step: Step) -> Json:
        if step.request is None:
            return None
        # A missing event gives 404, as the API's pages and the authors of Terraform's resource have it; the
        # table of error codes files "does not exist" under 400.
        reply = read.get(f"{read.root}/events/{step.address.name}")
        if reply is None:
            return None
        return _canonicalize_event(
            _check_event(reply.get("event") if isinstance(reply, Mapping) else None, step.request.call.path)
        )

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        path = f"{read.root}/events"
        for raw in sorted(read.rows(path, key="name"), key=lambda row: str(row.get("name"))):
            manifest = _convert_to_manifest(_check_event(raw, path))
            known_types = sorted(set(manifest["eventTypes"]) & set(EventType.__args__))  # type: ignore[attr-defined]
            unknown_types = sorted(set(manifest["eventTypes"]) - set(known_types))
            spec = {"state": manifest["state"], "eventTypes": known_types, "notification": manifest["notification"]}
            if unknown_types:
                # A PUT replaces event_types as a whole: without this the types that can't be spelled would go.
                spec["additive"] = ["eventTypes"]
            remarks = (
                (f"keeps event types that this version does not know: {', '.join(unknown_types)}",)
                if unknown_types
                else ()
            )
            yield ExportedDocument(raw["name"], spec, remarks)


KIND = SecretEventKind()
