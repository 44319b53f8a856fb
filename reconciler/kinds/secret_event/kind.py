"""How events are read, compared and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, get_args

from reconciler.diagnostics import Diagnostic
from reconciler.errors import CannotEncode
from reconciler.kinds.adoption import Adopted, ComparedDocument
from reconciler.kinds.declared_keys import collect_keys
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.kind import Finding, Kind, Match, Meaning, Run, Wanted
from reconciler.kinds.listed_objects import ListedObject
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.secret_event.adopting import adopt_event
from reconciler.kinds.secret_event.body_rules import explain_refused_body, find_invalid_fields
from reconciler.kinds.secret_event.payload import (
    BODY_MEMBERS,
    NOTIFICATION_MEMBERS,
    canonicalize_event,
    check_event,
    convert_event_to_manifest,
    encode_event,
    find_unknown_members,
    order_event_types,
)
from reconciler.kinds.secret_event.spec import EventType, SecretEvent
from reconciler.kinds.secret_event.topics import TopicPlace, find_topic_place
from reconciler.kinds.spec_model import Spec
from reconciler.kinds.stored_requests import check_expectation, check_request, check_texts
from reconciler.kinds.trail_names import Trail, TrailNames
from reconciler.model import Call, Json, ObjectSides, Request, Risk, RiskAssessment, Step
from reconciler.payloads.trail_entries import TRACE_ENTITY
from reconciler.reader import Read


class LiveEvents(NamedTuple):
    """The path of the collection, the project's events by name, and where topics are that documents name alone."""

    path: str
    events: Mapping[str, Mapping[str, Json]]
    topics: TopicPlace


def _build_after(spec: SecretEvent, raw: Mapping[str, Json] | None, topics: TopicPlace) -> dict[str, Any]:
    """Return the declared fields as they are to be, an additive list with what is there."""
    declared = spec.declared()
    after: dict[str, Any] = {}
    if "state" in declared:
        after["state"] = declared["state"]
    if "eventTypes" in declared:
        live_types = frozenset(raw["event_types"]) if raw and "additive" in declared else frozenset()
        after["eventTypes"] = frozenset(declared["eventTypes"]) | live_types
    if "notification" in declared:
        after["notification"] = topics.expand_notification(declared["notification"].declared())
    return after


def _find_topic_fault(document: Wanted[SecretEvent], topics: TopicPlace) -> Diagnostic | None:
    notification = document.spec.declared().get("notification")
    fault = topics.find_fault(notification.declared()) if notification else None
    return fault and fault.locate(document.at(("spec", "notification", "topic")), document.address)


def _match_new_event(document: Wanted, after: Mapping[str, Any], path: str) -> Iterator[Finding]:
    missing = [name for name in ("state", "eventTypes", "notification") if name not in after]
    members = after.get("notification", NOTIFICATION_MEMBERS)
    missing += [f"notification.{name}" for name in NOTIFICATION_MEMBERS if name not in members]
    reason = f"event {document.address.name} does not exist or is not visible, and creating it needs"
    refusal = f"{reason} {', '.join(missing)} as well" if missing else ""
    if refusal:
        remedy = "declare them or correct the name"
        yield Diagnostic("live.incomplete-creation", document.source, refusal, remedy=remedy, address=document.address)
    # What can't be created is missing all the same.
    yield Match(document, None, after, (path, None), "new", refusal=refusal)


class SecretEventKind(Kind[SecretEvent, LiveEvents]):
    """Events are found by name; a PUT carries the whole event."""

    spec: ClassVar[type[Spec]] = SecretEvent
    api: ClassVar[str] = "csms"
    parts: ClassVar[tuple[str, ...]] = ("state", "eventTypes", "notification")
    risks: ClassVar[Mapping[str, RiskAssessment]] = {
        "state": RiskAssessment(Risk.HIGH, "where it stops the notifications of the event"),
        "eventTypes": RiskAssessment(Risk.HIGH, "where a type is no longer told of"),
        "notification": RiskAssessment(Risk.HIGH, "where it sends the notifications elsewhere"),
    }
    requires: ClassVar[Permissions] = Permissions(
        read=(ListPermission("events", "/events", "csms:event:list", item="name", item_permission="csms:event:get"),),
        write=(PermissionGrant(("csms:event:create",)), PermissionGrant(("csms:event:update",))),
    )
    listed_as: ClassVar[tuple[str, str]] = ("secret event", "secret events")
    trails: ClassVar[tuple[TrailNames, ...]] = (
        TrailNames(
            Trail.TRACES,
            frozenset({TRACE_ENTITY}),
            members={"state": ("state",), "eventTypes": ("event_types",), "notification": ("notification",)},
        ),
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

    def observe(self, read: Read, documents: Sequence[Wanted[SecretEvent]], run: Run) -> LiveEvents:
        """One list tells all."""
        path = f"{read.root}/events"
        events = read.rows(path, key="name")
        events_by_name = {event["name"]: event for event in (check_event(event, path) for event in events)}
        return LiveEvents(path, events_by_name, find_topic_place(read.root, read.region))

    def list_objects(self, live: LiveEvents, documents: Sequence[Wanted[SecretEvent]]) -> Iterable[ListedObject]:
        keys = collect_keys(documents)
        for name, raw in sorted(live.events.items()):
            key = name.casefold()
            yield ListedObject(name, str(raw.get("event_id") or ""), (key,), key in keys, {"state": raw["state"]})

    def compare(self, document: Wanted[SecretEvent], live: LiveEvents, run: Run) -> Iterator[Finding]:
        path, events, topics = live
        if fault := _find_topic_fault(document, topics):
            yield fault
            return
        raw = events.get(document.address.name)
        after = _build_after(document.spec, raw, topics)
        if raw is None:
            yield from _match_new_event(document, after, path)
            return
        manifest = convert_event_to_manifest(raw)
        before = {name: manifest[name] for name in after}
        if "notification" in after:
            before["notification"] = {name: manifest["notification"][name] for name in after["notification"]}
        yield Match(document, before, after, (path, raw), str(raw["name"]))

    def encode(self, match: Match[SecretEvent]) -> Request:
        """All three members always, over the whole object: an omitted one may be merged or cleared, nobody says.

        Raises CannotEncode for a live value that was read and that no request may hold.
        """
        path, raw = match.encoder_input
        target, name = match.document.address.target, match.document.address.name
        members = encode_event(raw, match.after)
        if reason := explain_refused_body(members):
            raise CannotEncode(reason)
        expect = {"name": name, **members}
        # The name is the path's key and can't be changed: only the POST carries it.
        if raw is None:
            return Request(Call(target, "POST", path, expect), None, expect)
        base = canonicalize_event(raw, raw["event_types"])
        return Request(Call(target, "PUT", f"{path}/{name}", members), base, expect)

    def explain(self, request: Request) -> Meaning:
        """The whole event is in the body; unknown members of a notification must go back as they were read."""
        call, base = request.call, request.base
        # The project is the plan's to check; all else of the path is the kind's.
        root = "/".join(call.path.split("/")[:4])
        name = call.body["name"] if base is None else base["name"]
        if base is None:
            check_request(call, "POST", f"{root}/events", members=("name", *BODY_MEMBERS))
        else:
            check_request(call, "PUT", f"{root}/events/{name}", members=BODY_MEMBERS)
        check_texts([name, call.body["state"]])
        _check_event_types(call.body["event_types"], base["event_types"] if base else ())
        check_expectation(request, {"name": name, **{member: call.body[member] for member in BODY_MEMBERS}})
        unknown = find_unknown_members(call.body)
        if unknown != (find_unknown_members(base) if base else {}):
            raise ValueError("it changes what no manifest declares")
        before = None if base is None else convert_event_to_manifest(base)
        return Meaning(before, convert_event_to_manifest(call.body), "new" if base is None else str(name), str(name))

    def assess(self, path: str, before: Json, after: Json, sides: ObjectSides) -> RiskAssessment:
        """Whatever makes somebody hear less, or somebody else hear it, is high."""
        lost_types = set(before or ()) - set(after) if path == "eventTypes" else ()
        if path == "state" and after == "DISABLED" and before:
            return RiskAssessment(Risk.HIGH, "stops the notifications of this event")
        if lost_types:
            return RiskAssessment(Risk.HIGH, f"no longer tells of {', '.join(sorted(lost_types))}")
        if path.startswith("notification") and before:
            return RiskAssessment(Risk.HIGH, "sends the notifications elsewhere")
        return RiskAssessment(Risk.LOW)

    def reread(self, read: Read, step: Step) -> Json:
        if step.request is None:
            return None
        # A missing event gives 404, as the API's pages and the authors of Terraform's resource have it; the
        # table of error codes, which names no events, files "does not exist" under 400.
        reply = read.get(f"{read.root}/events/{step.address.name}")
        if reply is None:
            return None
        event = check_event(reply.get("event") if isinstance(reply, Mapping) else None, step.request.call.path)
        return canonicalize_event(event, step.request.base["event_types"] if step.request.base else ())

    def normalize(self, live: Mapping[str, Json]) -> Mapping[str, Json]:
        """The types in one order: in which a server shows them is not documented."""
        return {**live, "event_types": sorted(live["event_types"])}

    def adopt(self, documents: Sequence[ComparedDocument], live: LiveEvents) -> Iterator[Adopted]:
        for document in documents:
            if document.is_editable and document.differences:
                yield from adopt_event(document, live.topics)

    def unmet(self, step: Step, live: Json) -> tuple[str, ...]:
        # In which order a server shows the types is not documented.
        types = step.request.expect["event_types"] if step.request else ()
        is_same = live is not None and sorted(live["event_types"]) == sorted(types)
        return super().unmet(step, {**live, "event_types": types} if is_same else live)

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        path = f"{read.root}/events"
        for raw in sorted(read.rows(path, key="name"), key=lambda row: str(row.get("name"))):
            yield _export_event(check_event(raw, path))


def _check_event_types(types: Json, live_types: Sequence[str]) -> None:
    """Raise TypeError or ValueError unless a value is a list of texts, each once, in the order in which they go."""
    if not isinstance(types, list):
        raise TypeError("it holds something else in the place of a list")
    check_texts(types)
    if types != order_event_types(types, live_types):
        raise ValueError("it holds a list that is not as this kind sends it")


def _export_event(raw: Mapping[str, Json]) -> ExportedDocument:
    """Return an event with the fields that a manifest can hold, a remark for each of the others."""
    manifest = convert_event_to_manifest(raw)
    spec, remarks = _export_types(manifest["eventTypes"])
    notification = dict(manifest["notification"])
    for field in find_invalid_fields(manifest):
        manifest.pop(field, None)
        notification.pop(field.partition(".")[2], None)
        remarks += (f"{field} is left out: what the server holds is not valid in a manifest",)
    state = {"state": manifest["state"]} if "state" in manifest else {}
    spec = {**state, **spec, **({"notification": notification} if notification else {})}
    name_problems = "; ".join(explanation.message for explanation in SecretEvent.check_name(raw["name"]))
    unfit = name_problems or ("" if spec else "nothing of it can be declared")
    return ExportedDocument(raw["name"], spec, remarks, unfit=unfit)


def _export_types(types: frozenset[str]) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Return what a manifest says of event types, and what it can't."""
    known_types = sorted(types & set(get_args(EventType)))
    unknown_types = ", ".join(sorted(types - set(known_types)))
    if not known_types:
        reason = f"this version knows none of {unknown_types}" if unknown_types else "the event has none"
        return {}, (f"eventTypes is left out: {reason}, so that they stay unmanaged",)
    if not unknown_types:
        return {"eventTypes": known_types}, ()
    # A PUT replaces event_types as a whole: without this the types that can't be spelled would go.
    remark = f"keeps event types that this version does not know: {unknown_types}"
    return {"eventTypes": known_types, "additive": ["eventTypes"]}, (remark,)


KIND = SecretEventKind()
