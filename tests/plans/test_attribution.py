"""Which entry of a trail is about a difference, and what it is worth: a few entries, the newest first."""

# ruff: noqa: E501 - a case is a line
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.diagnostics import Address, Source
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Call, Change, Json, Request, Risk, Step
from reconciler.payloads.trail_entries import TrailEntry
from reconciler.plans.attribution import TrailWindow, attribute_change

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC)
WINDOW = TrailWindow(NOON - timedelta(days=1), NOON)
LOG = KINDS["SecurityRole"].trails[0]
OWNERS = KINDS["CertificateOwner"].trails[1]


def step(action: Action = Action.UPDATE, *, found: Json = "found", path: str = "description") -> Step:
    """Return a role of the id 7, or a certificate of that id, of which one field differs."""
    is_role = path != "owner"
    address = Address("command", "SecurityRole" if is_role else "CertificateOwner", "Operators")
    call_path, body = ("/Security/Roles", {"Id": 7}) if is_role else ("/Certificates/7/Owner", {"NewRoleId": 1})
    request = Request(Call("command", "PUT", call_path, {} if action is Action.CREATE else body), None, {})
    change = Change(path, found, "declared", Risk.LOW)
    return Step(address, action, Source("a.yaml", 1, 1), (change,), request, "www.example.com")


def entry(minutes: int = 5, actor: str = "ann", **members: Any) -> TrailEntry:
    """Return an entry of so many minutes before noon that set the description to what was found."""
    usual: dict[str, Any] = {
        "entity": "securityrole",
        "names": frozenset({"operators"}),
        "object_ids": frozenset({"7"}),
        "changed": frozenset({"description"}),
        "values": {"description": frozenset({"found"})},
    }
    told = {**usual, **members}
    operation = told.pop("operation", "Updated")
    return TrailEntry(str(minutes), NOON - timedelta(minutes=minutes), actor, str(operation), **told)


def nameless(**members: Any) -> TrailEntry:
    """Return one that tells of its object by its reference alone."""
    return entry(object_ids=frozenset(), **{"names": frozenset({"other"}), "reference": frozenset({"7"}), **members})


OTHER: dict[str, Any] = {"changed": frozenset({"description"}), "values": {"description": frozenset({"else"})}}
UNTOLD: dict[str, Any] = {"changed": None, "values": {}}
CERTIFICATE: dict[str, Any] = {"entity": "certificate", "changed": frozenset({"ownerrolename"}), "values": {"ownerrolename": frozenset({"found"})}}  # fmt: skip
CASES: dict[str, tuple[Step, list[TrailEntry], str]] = {
    "one that names object, field and value": (step(), [entry()], "exact ann"),
    "the newest of two": (step(), [entry(9), entry(1, "bob")], "exact bob"),
    "in whatever order they come": (step(), [entry(1, "bob"), entry(9)], "exact bob"),
    "one second, and ids that go on counting": (step(), [entry(1, "ann")._replace(id="8"), entry(1, "bob")._replace(id="9")], "exact bob"),
    "another field was changed after it": (step(), [entry(9), entry(1, "bob", changed=frozenset({"permissions"}))], "exact ann"),
    "a PUT without a change after it": (step(), [entry(9), entry(1, "bob", changed=frozenset())], "exact ann"),
    "another value was set last, so somebody left no entry": (step(), [entry(9), entry(1, "bob", **OTHER)], "likely bob"),
    "the last one does not say which fields": (step(), [entry(9), entry(1, "bob", **UNTOLD)], "exact ann"),
    "none says which fields": (step(), [entry(9, **UNTOLD), entry(1, "bob", **UNTOLD)], "likely bob"),
    "before the window": (step(), [entry(60 * 25)], ""),
    "a little before it, by another clock": (step(), [entry(60 * 24 + 4)], "exact ann"),
    "after the difference was seen": (step(), [entry(-6)], ""),
    "nobody is named": (step(), [entry(1, "")], "likely "),
    "a role of another kind of entry": (step(), [entry(entity="certificate")], ""),
    "a namesake with an id of its own": (step(), [entry(object_ids=frozenset({"8"}))], ""),
    "the object under its former name": (step(), [entry(names=frozenset({"former"}))], "exact ann"),
    "another name, and the id as a reference": (step(), [nameless()], "likely ann"),
    "another name and another reference": (step(), [nameless(reference=frozenset({"8"}))], ""),
    "the name, and a reference of the entry's own": (step(), [nameless(names=frozenset({"operators"}), reference=frozenset({"700"}))], "exact ann"),
    "a deletion is no change": (step(), [entry(operation="Deleted")], ""),
    "an object that is gone was deleted": (step(Action.CREATE, found=None), [entry(9), entry(5, "bob", operation="Deleted")], "exact bob"),
    "an object that is gone was not changed": (step(Action.CREATE, found=None), [entry()], ""),
    "an owner": (step(path="owner"), [entry(**CERTIFICATE)], "exact ann"),
    "an owner of another certificate of that name": (step(path="owner"), [entry(**{**CERTIFICATE, "names": frozenset({"www.example.com"}), "object_ids": frozenset()})], ""),
}  # fmt: skip


@pytest.mark.parametrize(("differing", "entries", "blamed"), CASES.values(), ids=CASES.keys())
def test_the_best_evidence(differing: Step, entries: list[TrailEntry], blamed: str) -> None:
    """Exact where object, field and value are told; likely where one is missing; none where the object is."""
    names = OWNERS if differing.address.kind == "CertificateOwner" else LOG
    found = attribute_change(differing, differing.changes[0], names, entries, WINDOW)

    assert (f"{found.grade} {found.actor}" if found else "") == blamed
    assert found is None or (found.reason == "") is (found.grade == "exact")
