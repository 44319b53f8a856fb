"""Handlers and events as manifests, whatever the server holds: valid, changing nothing, and watching what they say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.diagnostics import Address, Source
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Json
from tests.support.sample_plans import planned
from tests.support.toy_reader import World

Row = dict[str, Json]
HANDLERS, EVENTS = "/EventHandlerRegistration", "/v1/0123/csms/events"
TYPES = ["SECRET_DELETED", "SECRET_ROTATED", "SECRET_VERSION_CREATED", "SECRET_VERSION_NEAR_EXPIRY", "SECRET_NEW"]


@st.composite
def live_handlers(draw: st.DrawFn) -> list[Row]:
    """Handlers, some of one class, some without a name or with one that no manifest can hold."""
    classes = st.sampled_from(["CSS.A", "css.a", "CSS.B", "CSS.C", " CSS.D", "x" * 300, ""])
    labels = st.sampled_from([None, "", "A", "B", " a", "x" * 5000])
    return [
        {"Id": number, "ClassName": name, "DisplayName": draw(labels), "Enabled": draw(st.booleans())}
        for number, name in enumerate(draw(st.lists(classes, max_size=5)), 1)
    ]


@st.composite
def live_events(draw: st.DrawFn) -> list[Row]:
    """Events, some of types, states, topics and names of which this version knows nothing."""
    names = st.sampled_from(["a", "B", "b-2", "c.d", "", "x" * 65, "é"])
    topics = st.fixed_dictionaries(
        {"target_type": st.sampled_from(["SMN", "MAIL"]), "target_id": st.sampled_from(["urn:smn:a", "a b"])},
        optional={"target_name": st.sampled_from(["pki", "p k i", None]), "target_region": st.just("x")},
    )
    return [
        {
            "name": name,
            "event_id": f"id-{name}",
            "state": draw(st.sampled_from(["ENABLED", "DISABLED", "PAUSED"])),
            "event_types": draw(st.lists(st.sampled_from(TYPES), max_size=5)),
            "notification": draw(topics),
        }
        for name in draw(st.lists(names, max_size=4, unique=True))
    ]


def load(kind: str, exported: ExportedDocument) -> Wanted[Any] | None:
    """Return an exported document as a run would read it, without fields of wrong values; None if it is left out."""
    spec = dict(exported.spec)
    if exported.unfit:
        return None
    try:
        resource = KINDS[kind].spec.load(spec)
    except ValidationError as error:
        for detail in error.errors():
            spec.pop(str(detail["loc"][0]), None)
        if "className" in exported.spec and "className" not in spec:
            return None
        resource = KINDS[kind].spec.load(spec)
    assert not [*resource.check(exported.name, {}), *resource.check_name(exported.name)]
    target = "csms" if kind == "SecretEvent" else "command"
    return Wanted(Address(target, kind, exported.name), resource, Source(exported.name))


def export(kind: str, world: dict[str, Any]) -> list[Wanted[Any]]:
    return [document for one in KINDS[kind].export(World(world)) if (document := load(kind, one))]


@given(live_handlers())
def test_an_export_of_handlers_is_valid_and_changes_nothing(rows: list[Row]) -> None:
    """Or the handler is left out, and no more than it: of one class that is registered twice all of them."""
    documents = export("EventHandler", {HANDLERS: rows})

    plan = planned(documents, {HANDLERS: rows})

    assert (plan.steps, plan.problems, plan.notes) == ((), (), ())
    folded = [row["ClassName"].casefold() for row in rows]
    fit = [row["ClassName"] for row in rows if row["ClassName"] in {"CSS.A", "css.a", "CSS.B", "CSS.C"}]
    assert {document.spec.class_name for document in documents} >= {
        name for name in fit if folded.count(name.casefold()) == 1
    }
    assert len({document.address.name.casefold() for document in documents}) == len(documents)


@given(st.permutations(["A.Denied.Logger", "A.Issued.Logger", "B.Issued.Logger", "B.SSLExpired", "Logger", "x.é2Büro"]))
def test_handlers_have_short_names_whatever_their_order(class_names: list[str]) -> None:
    """Of the class, and of as much before it as tells it from the others; the class itself is an alias."""
    rows = [{"Id": n, "ClassName": name, "DisplayName": "x", "Enabled": True} for n, name in enumerate(class_names)]
    exported = {one.aliases[0]: one.name for one in KINDS["EventHandler"].export(World({HANDLERS: rows}))}

    assert exported == {
        "A.Denied.Logger": "denied-logger",
        "A.Issued.Logger": "a-issued-logger",
        "B.Issued.Logger": "b-issued-logger",
        "B.SSLExpired": "ssl-expired",
        "Logger": "logger",
        "x.é2Büro": "é2-büro",
    }


# a class, and the name of its handler's document
SHORT_NAMES = {
    "CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger": "denied-logger",
    "Outer+HTTPServerCheck": "http-server-check",
    "Space.Check, Some.Assembly, Version=1.0.0.0": "check",
    "Space.Check`1[[System.String]]": "check",
    "Space.***": "space",
    "***": "***",
}


@pytest.mark.parametrize(("class_name", "short_name"), SHORT_NAMES.items())
def test_a_handler_is_called_by_its_class_alone(class_name: str, short_name: str) -> None:
    """Without namespaces, assemblies and type arguments; by its whole name where it has no words."""
    row = {"Id": 1, "ClassName": class_name, "DisplayName": "x", "Enabled": True}
    (exported,) = KINDS["EventHandler"].export(World({HANDLERS: [row]}))
    assert exported.name == short_name


@given(live_handlers(), st.data())
def test_an_edit_of_an_exported_handler_is_drift(rows: list[Row], data: st.DataObject) -> None:
    """Its state, its name, and a name where it had none."""
    documents = export("EventHandler", {HANDLERS: rows})
    watched = {document.address.name: document for document in documents}
    assume(watched)
    name = data.draw(st.sampled_from(sorted(watched)))
    row = next(row for row in rows if row["ClassName"] == watched[name].spec.class_name)
    edits: list[Row] = [{"Enabled": not row["Enabled"]}]
    if {"displayName", "clear"} & watched[name].spec.declared().keys():
        edits.append({"DisplayName": "edited"})
    edited = {**row, **data.draw(st.sampled_from(edits))}

    (step,) = planned(documents, {HANDLERS: [edited if one is row else one for one in rows]}).steps

    assert step.address.name == name


@given(live_events())
def test_an_export_of_events_is_valid_and_changes_nothing(rows: list[Row]) -> None:
    """Or the event is left out, and no more than it: one whose name or whole content no manifest can hold."""
    documents = export("SecretEvent", {EVENTS: rows})

    plan = planned(documents, {EVENTS: rows})

    assert (plan.steps, plan.problems, plan.notes) == ((), (), ())
    assert {document.address.name for document in documents} >= {
        row["name"] for row in rows if row["name"] in {"a", "B", "b-2"} and row["state"] != "PAUSED"
    }


@given(live_events(), st.data())
def test_an_edit_of_an_exported_event_is_drift(rows: list[Row], data: st.DataObject) -> None:
    """Every field that it declares; of types that are only in part known, the loss of a known one."""
    documents = export("SecretEvent", {EVENTS: rows})
    watched = {document.address.name: document for document in documents}
    assume(watched)
    name = data.draw(st.sampled_from(sorted(watched)))
    row, declared = next(row for row in rows if row["name"] == name), watched[name].spec.declared()
    edits: list[Row] = [{"state": "OTHER"}] if "state" in declared else []
    topic = declared["notification"].declared() if "notification" in declared else {}
    wire = {"targetType": "target_type", "targetId": "target_id", "targetName": "target_name"}
    edits += [{"notification": {**row["notification"], wire[field]: "other"}} for field in topic]
    if "eventTypes" in declared:
        lost = declared["eventTypes"][0]
        edits.append({"event_types": [value for value in row["event_types"] if value != lost]})
        if "additive" not in declared:
            edits.append({"event_types": [*row["event_types"], "SECRET_ROTATED_FAILED"]})
    edited = {**row, **data.draw(st.sampled_from(edits))}

    (step,) = planned(documents, {EVENTS: [edited if one is row else one for one in rows]}).steps

    assert step.address.name == name


# an event as it is, what its manifest says of types, and the remark
REMARKS: list[tuple[list[str], dict[str, Any], str]] = [
    (["SECRET_DELETED"], {"eventTypes": ["SECRET_DELETED"]}, ""),
    (["X", "SECRET_DELETED"], {"eventTypes": ["SECRET_DELETED"], "additive": ["eventTypes"]}, "does not know: X"),
    (["Y", "X"], {}, "eventTypes is left out: this version knows none of X, Y"),
    ([], {}, "eventTypes is left out: the event has none"),
]


@pytest.mark.parametrize(("types", "said", "remark"), REMARKS)
def test_types_that_no_manifest_can_hold_are_told(types: list[str], said: dict[str, Any], remark: str) -> None:
    """And `additive` stands only beside what it is about."""
    topic = {"target_type": "SMN", "target_id": "urn:smn:a", "target_name": "p k i"}
    row = {"name": "a", "event_id": "x", "state": "ENABLED", "event_types": types, "notification": topic}
    (exported,) = KINDS["SecretEvent"].export(World({EVENTS: [row]}))

    assert exported.spec == {
        "state": "ENABLED",
        **said,
        "notification": {"targetType": "SMN", "targetId": "urn:smn:a"},
    }
    assert remark in " ".join(exported.remarks)
    assert (
        exported.remarks[-1] == "notification.targetName is left out: what the server holds is not valid in a manifest"
    )


def test_what_can_not_be_told_apart_is_left_out_with_its_reason() -> None:
    """A class twice, and an event whose name CSMS's own pages contradict."""
    rows = [
        {"Id": n, "ClassName": name, "DisplayName": None, "Enabled": True} for n, name in enumerate(["A", "a", "B"])
    ]
    first, second, third = KINDS["EventHandler"].export(World({HANDLERS: rows}))

    assert first.unfit == "2 handlers have this class, and no manifest tells them apart"
    assert (second.name, second.unfit, third.unfit) == ("b", "", first.unfit)
    assert second.spec == {"className": "B", "enabled": True, "clear": ["displayName"]}
