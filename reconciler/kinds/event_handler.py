"""Event handlers of Keyfactor Command: /EventHandlerRegistration, changed by PUT with the id in the path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

from pydantic import Field, StrictBool, model_validator

from reconciler.errors import IncompleteError, Problem, Source
from reconciler.kinds.fields import Name, Text, pick, unmanaged
from reconciler.kinds.kind import Exported, Finding, Match, Path, Read, Resource, Run, Tables, Wanted
from reconciler.kinds.requirements import Grant, Listing, Permissions
from reconciler.model import Call, Json, Request, Risk, Step

_LIST = "/EventHandlerRegistration"


class EventHandler(Resource):
    """Whether a registered event handler runs, and the name it is shown under."""

    api: ClassVar[str] = "keyfactor"
    requires: ClassVar[Permissions] = Permissions(
        read=(Listing("event handlers", _LIST, "/monitoring/handlers/registration/read/"),),
        write=(Grant(("/monitoring/handlers/registration/modify/",)),),
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

    class_name: Name = Field(description="The handler's class, by which it is found; its id differs per installation.")
    display_name: Text = unmanaged("The name shown in the portal.")
    enabled: StrictBool = unmanaged("Whether the handler runs.")

    @model_validator(mode="after")
    def _says_something(self) -> EventHandler:
        if not self.model_fields_set & {"display_name", "enabled"}:
            raise ValueError("declares nothing to manage; give enabled, displayName or both")
        return self

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        # Of a handler's members only ClassName is both read-only and the same on every installation.
        yield self.class_name.casefold(), ("className",)

    @classmethod
    def observe(cls, read: Read, wanted: Sequence[Wanted], run: Run) -> Mapping[str, list[Json]]:
        """Return the registered handlers by class name, letter case aside: one list call."""
        live: dict[str, list[Json]] = {}
        for handler in read.rows(_LIST):
            name = pick(handler, "ClassName")
            # The generated v11 client has an empty model here: nothing promises either member on old servers.
            if not isinstance(name, str) or not isinstance(pick(handler, "Enabled"), bool):
                raise IncompleteError(Problem(Source(f"GET {_LIST}"), _SHAPE))
            live.setdefault(name.casefold(), []).append(handler)
        return live

    @classmethod
    def compare(cls, wanted: Wanted, live: Any, run: Run) -> Iterator[Finding]:
        spec: EventHandler = wanted.resource  # type: ignore[assignment]
        place = wanted.at(("spec", "className"))
        handlers = live.get(spec.class_name.casefold(), [])
        if not handlers:
            yield Problem(place, _unregistered(spec.class_name, live))
            return
        if len(handlers) > 1:
            ids = ", ".join(map(str, sorted(pick(handler, "Id") for handler in handlers)))
            yield Problem(
                place,
                f"{len(handlers)} handlers have this class (ids {ids}); which one is meant can't be told; "
                "remove the surplus registrations in the portal",
            )
            return
        raw = handlers[0]
        after = {name: value for name, value in spec.declared().items() if name != "className"}
        before = {name: pick(raw, _WIRE[name]) for name in after}
        yield Match(wanted, before, after, raw, f"{pick(raw, 'ClassName')} (id {pick(raw, 'Id')})")

    @classmethod
    def request(cls, match: Match) -> Request:
        """Both members always: what the server does with one that is left out is not documented."""
        # The SDKs model Enabled as a plain bool: left out it may deserialise to false.
        body = {wire: match.after.get(name, pick(match.found, wire)) for name, wire in _WIRE.items()}
        path = f"{_LIST}/{int(pick(match.found, 'Id'))}"
        return Request(Call(match.wanted.address.target, "PUT", path, body), _canonical(match.found), body)

    @classmethod
    def risk(cls, path: str, before: Json, after: Json) -> Risk:
        """A handler that is switched off no longer tells anybody."""
        return Risk.HIGH if path == "enabled" and not after else Risk.LOW

    @classmethod
    def reread(cls, read: Read, step: Step) -> Json:
        raw = read.get(step.request.call.path) if step.request else None
        return None if raw is None else _canonical(raw)

    @classmethod
    def export(cls, read: Read) -> Iterator[Exported]:
        for raw in sorted(read.rows(_LIST), key=lambda row: str(pick(row, "ClassName"))):
            spec = {"className": pick(raw, "ClassName"), "enabled": pick(raw, "Enabled")}
            if pick(raw, "DisplayName"):
                spec["displayName"] = pick(raw, "DisplayName")
            yield Exported(str(spec["className"]), spec)


def _canonical(raw: Json) -> dict[str, Json]:
    if not isinstance(raw, Mapping):
        raise IncompleteError(Problem(Source(f"GET {_LIST}"), _SHAPE))
    return {name: pick(raw, name) for name in ("Id", "ClassName", "DisplayName", "Enabled")}


_WIRE = {"displayName": "DisplayName", "enabled": "Enabled"}
_SHAPE = "an event handler without ClassName or Enabled; nothing can be compared with it; check the server's version"


def _unregistered(class_name: str, live: Mapping[str, list[Json]]) -> str:
    # Handler classes share a long namespace, which difflib's default cutoff (0.6) takes for closeness.
    near = get_close_matches(class_name.casefold(), live, n=1, cutoff=0.8)
    hint = f"did you mean {pick(live[near[0]][0], 'ClassName')}? " if near else ""
    return (
        f"event handler class {class_name} is not registered or not visible; a handler's code can't be installed over "
        f"the API; {hint}copy its DLL to the server's extension folder and register it with "
        'POST /EventHandlerRegistration {"AssemblyName": ...}, then plan again'
    )
