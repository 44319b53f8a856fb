"""Event handlers of Keyfactor Command: /EventHandlerRegistration, changed by PUT with the id in the path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, ClassVar, Literal, cast

from pydantic import Field, StrictBool

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.errors import IncompleteError
from reconciler.kinds.declared_keys import collect_keys
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.fields import Name, Text, unmanaged_field
from reconciler.kinds.handler_names import shorten_class_names
from reconciler.kinds.kind import Finding, Kind, Match, Meaning, Run, Wanted
from reconciler.kinds.listed_objects import ListedObject
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.spec_model import Spec
from reconciler.kinds.stored_requests import check_expectation, check_request, check_texts
from reconciler.kinds.trail_names import Trail, TrailNames
from reconciler.model import Call, Json, ObjectSides, Path, Request, Risk, RiskAssessment, Step, Tables
from reconciler.payloads.members import pick_member
from reconciler.reader import Read

_LIST_PATH = "/EventHandlerRegistration"


_NOTHING_MANAGED = Explanation(
    "manifest.nothing-managed", "declares nothing to manage", remedy="give enabled, displayName or both"
)
_NAMED_AND_CLEARED = Explanation(
    "manifest.inconsistent",
    "displayName is both declared and cleared",
    "only one can be meant",
    "remove the other",
)


class EventHandler(Spec):
    """Whether a registered event handler runs, and the name it is shown under."""

    class_name: Name = Field(description="The handler's class, by which it is found; its id differs per installation.")
    display_name: Text = unmanaged_field("The name shown in the portal.")
    enabled: StrictBool = unmanaged_field("Whether the handler runs.")
    # The vendor's SDKs model the name as nullable; whether a server makes "" of null is not documented.
    clear: Annotated[tuple[Literal["displayName"], ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Fields to empty."
    )

    def check_fields(self) -> Iterator[Explanation]:
        if not self.model_fields_set & {"display_name", "enabled", "clear"}:
            yield _NOTHING_MANAGED

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, Explanation]]:
        if {"displayName", "clear"} <= self.given:
            yield ("clear", 0), _NAMED_AND_CLEARED

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        # A handler's id differs per installation and its name can be changed; ClassName is read-only.
        if class_name := self.declared().get("className"):
            yield class_name, ("className",)


def _describe_handler(raw: Mapping[str, Json]) -> str:
    return f"{pick_member(raw, 'ClassName')} (id {pick_member(raw, 'Id')})"


def _canonicalize_handler(raw: Json) -> dict[str, Json]:
    if not isinstance(raw, Mapping):
        raise IncompleteError(_UNUSABLE_HANDLER)
    return {name: pick_member(raw, name) for name in ("Id", "ClassName", "DisplayName", "Enabled")}


_WIRE_NAMES = {"displayName": "DisplayName", "enabled": "Enabled"}
_UNUSABLE_HANDLER = Diagnostic(
    "live.unusable-answer",
    Source(f"GET {_LIST_PATH}"),
    "an event handler without an Id, a ClassName or Enabled, or with a DisplayName that is no text",
    "nothing can be compared with it",
    "check the server's version",
)


def _explain_unregistered(class_name: str, live: Mapping[str, list[Json]]) -> Explanation:
    # Handler classes share a long namespace, which difflib's default cutoff (0.6) takes for closeness.
    close_names = get_close_matches(class_name.casefold(), live, n=1, cutoff=0.8)
    hint = f"did you mean {pick_member(live[close_names[0]][0], 'ClassName')}? " if close_names else ""
    return Explanation(
        "live.not-found",
        f"event handler class {class_name} is not registered or not visible",
        "a handler's code can't be installed over the API",
        f"{hint}copy its DLL to the server's extension folder and register it with "
        'POST /EventHandlerRegistration {"AssemblyName": ...}, then plan again',
    )


def _explain_surplus(handlers: Sequence[Mapping[str, Json]]) -> Explanation:
    ids = ", ".join(map(str, sorted(pick_member(handler, "Id") for handler in handlers)))
    return Explanation(
        "live.ambiguous",
        f"{len(handlers)} handlers have this class (ids {ids})",
        "which one is meant can't be told",
        "remove the surplus registrations in the portal",
    )


def _check_handler(raw: Json) -> Mapping[str, Json]:
    """Return a handler of an answer; raises IncompleteError for what is none."""
    # The generated v11 client has an empty model here: nothing promises any member on old servers.
    is_valid = (
        isinstance(raw, Mapping)
        and type(pick_member(raw, "Id")) is int
        and isinstance(pick_member(raw, "ClassName"), str)
        and isinstance(pick_member(raw, "Enabled"), bool)
        and isinstance(pick_member(raw, "DisplayName"), str | None)
    )
    if not is_valid:
        raise IncompleteError(_UNUSABLE_HANDLER)
    return cast(Mapping[str, Json], raw)


def _convert_spec(spec: EventHandler, raw: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the declared fields as they are and as they are to be; no name and an empty one are the same."""
    after = {name: value for name, value in spec.declared().items() if name in _WIRE_NAMES}
    if "clear" in spec.declared():
        after["displayName"] = None
    before = {name: pick_member(raw, _WIRE_NAMES[name]) for name in after}
    if "displayName" in after:
        before["displayName"] = before["displayName"] or None
    return before, after


class EventHandlerKind(Kind[EventHandler, Mapping[str, list[Json]]]):
    """Handlers are found by class; a PUT carries both members that it knows."""

    spec: ClassVar[type[Spec]] = EventHandler
    api: ClassVar[str] = "keyfactor"
    parts: ClassVar[tuple[str, ...]] = ("displayName", "enabled")
    risks: ClassVar[Mapping[str, RiskAssessment]] = {
        "enabled": RiskAssessment(Risk.HIGH, "where it disables a handler that others rely on")
    }
    requires: ClassVar[Permissions] = Permissions(
        read=(ListPermission("event handlers", _LIST_PATH, "/monitoring/handlers/registration/read/"),),
        write=(PermissionGrant(("/monitoring/handlers/registration/modify/",)),),
    )
    listed_as: ClassVar[tuple[str, str]] = ("event handler", "event handlers")
    # No category of event handlers could be read; what a server may call them is a guess.
    trails: ClassVar[tuple[TrailNames, ...]] = (
        TrailNames(
            Trail.AUDIT_LOG,
            frozenset({"eventhandler", "eventhandlerregistration"}),
            "Handler",
            {"displayName": ("displayname",), "enabled": ("enabled",)},
        ),
    )
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: EventHandler
metadata: {name: denied-logger}
spec:
  className: CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger
  displayName: Denied request log
  enabled: true
"""

    def observe(self, read: Read, documents: Sequence[Wanted[EventHandler]], run: Run) -> Mapping[str, list[Json]]:
        """Return the registered handlers by class name, letter case aside: one list call."""
        live: dict[str, list[Json]] = {}
        for handler in map(_check_handler, read.rows(_LIST_PATH)):
            live.setdefault(pick_member(handler, "ClassName").casefold(), []).append(handler)
        return live

    def list_objects(
        self, live: Mapping[str, list[Json]], documents: Sequence[Wanted[EventHandler]]
    ) -> Iterable[ListedObject]:
        keys = collect_keys(documents)
        for folded_name, handlers in sorted(live.items()):
            for raw in sorted(handlers, key=lambda handler: int(pick_member(handler, "Id"))):
                facts = {"displayName": pick_member(raw, "DisplayName"), "enabled": pick_member(raw, "Enabled")}
                name, number = pick_member(raw, "ClassName"), str(pick_member(raw, "Id"))
                yield ListedObject(name, number, (folded_name,), folded_name in keys, facts)

    def compare(self, document: Wanted[EventHandler], live: Mapping[str, list[Json]], run: Run) -> Iterator[Finding]:
        class_name = document.spec.class_name
        handlers = live.get(class_name.casefold(), [])
        if len(handlers) != 1:
            explanation = _explain_surplus(handlers) if handlers else _explain_unregistered(class_name, live)
            yield explanation.locate(document.at(("spec", "className")), document.address)
            return
        raw = handlers[0]
        before, after = _convert_spec(document.spec, raw)
        yield Match(document, before, after, raw, _describe_handler(raw))

    def encode(self, match: Match[EventHandler]) -> Request:
        """Both members always: what the server does with one that is left out is not documented."""
        # The SDKs model Enabled as a plain bool: left out it may deserialise to false.
        before = match.before or {}
        live = {name: pick_member(match.encoder_input, wire) for name, wire in _WIRE_NAMES.items()}
        # What is as declared goes back as it was read: an empty name stays empty, and does not become null.
        changes = {name: value for name, value in match.after.items() if value != before.get(name)}
        body = {_WIRE_NAMES[name]: value for name, value in {**live, **changes}.items()}
        path = f"{_LIST_PATH}/{int(pick_member(match.encoder_input, 'Id'))}"
        return Request(
            Call(match.document.address.target, "PUT", path, body), _canonicalize_handler(match.encoder_input), body
        )

    def explain(self, request: Request) -> Meaning:
        """Both members are in the body, so that one which is not declared shows as equal on both sides."""
        call, base = request.call, request.base
        check_request(call, "PUT", f"{_LIST_PATH}/{base['Id']}", members=_WIRE_NAMES.values())
        check_expectation(request, dict(call.body))
        if not isinstance(call.body["Enabled"], bool):
            raise TypeError("it holds something else in the place of a switch")
        check_texts([call.body["DisplayName"]] if call.body["DisplayName"] is not None else ())
        before = {name: base[wire] for name, wire in _WIRE_NAMES.items()}
        after = {name: call.body[wire] for name, wire in _WIRE_NAMES.items()}
        return Meaning(before, after, _describe_handler(base))

    def assess(self, path: str, before: Json, after: Json, sides: ObjectSides) -> RiskAssessment:
        """A handler that is switched off no longer tells anybody."""
        if path == "enabled" and not after:
            return RiskAssessment(Risk.HIGH, "disables a handler that others rely on")
        return RiskAssessment(Risk.LOW)

    def reread(self, read: Read, step: Step) -> Json:
        raw = read.get(step.request.call.path) if step.request else None
        return None if raw is None else _canonicalize_handler(raw)

    def name_object(self, request: Request) -> Mapping[str, Json]:
        return {"className": request.base["ClassName"]}

    def normalize(self, live: Mapping[str, Json]) -> Mapping[str, Json]:
        """An emptied name is kept as null or as ""."""
        return {**live, "DisplayName": live["DisplayName"] or ""}

    def unmet(self, step: Step, live: Json) -> tuple[str, ...]:
        # A server may keep an emptied name as null or as "".
        name = step.request.expect["DisplayName"] if step.request else None
        is_empty = live is not None and not name and not live["DisplayName"]
        return super().unmet(step, {**live, "DisplayName": name} if is_empty else live)

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        """Yield the handlers under short names; the class by which each is found is an alias of its document."""
        handlers = [_check_handler(raw) for raw in read.rows(_LIST_PATH)]
        counts = Counter(pick_member(raw, "ClassName").casefold() for raw in handlers)
        names = {pick_member(raw, "ClassName") for raw in handlers}
        short_names = shorten_class_names({name for name in names if counts[name.casefold()] == 1})
        for raw in sorted(handlers, key=lambda row: (pick_member(row, "ClassName"), pick_member(row, "Id"))):
            class_name, name = str(pick_member(raw, "ClassName")), pick_member(raw, "DisplayName")
            label = {"displayName": name} if name else {"clear": ["displayName"]}
            spec = {"className": class_name, "enabled": pick_member(raw, "Enabled"), **label}
            count = counts[class_name.casefold()]
            unfit = f"{count} handlers have this class, and no manifest tells them apart" if count > 1 else ""
            short_name = short_names.get(class_name, class_name)
            yield ExportedDocument(short_name, spec, unfit=unfit, aliases=(class_name,))


KIND = EventHandlerKind()
