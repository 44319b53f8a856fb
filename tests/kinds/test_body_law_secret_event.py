"""Base and changes give the body of an event: what has no change goes back as it was read, its order included."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.registry import KINDS
from reconciler.model import Json, Step
from tests.kinds.test_cases import CASES, plan_case
from tests.support.sample_plans import document, event, planned
from tests.support.toy_reader import World

EVENT_CASES = [path for path in CASES if path.parent.name == "SecretEvent"]
EVENTS = "/v1/0123/csms/events"
TOPIC = {"targetType": "target_type", "targetId": "target_id", "targetName": "target_name"}
TYPES = ["SECRET_DELETED", "SECRET_ROTATED", "SECRET_ROTATED_FAILED", "SECRET_VERSION_CREATED", "SECRET_LATER"]


def rebuild_body(step: Step) -> dict[str, Json]:
    """Return the body that the plan's own words make of the event as it was read."""
    assert step.request
    base = step.request.base or {"event_types": [], "notification": {}}
    changes = {change.path: change.after for change in step.changes}
    types = changes.pop("eventTypes", base["event_types"])
    kept = [value for value in base["event_types"] if value in types]
    state = changes.pop("state", base.get("state"))
    topic = {f"notification.{name}": value for name, value in changes.pop("notification", {}).items()} | changes
    notification = {**base["notification"], **{TOPIC[path.partition(".")[2]]: text for path, text in topic.items()}}
    name = {} if step.request.base else {"name": step.address.name}
    ordered_types = [*kept, *sorted(value for value in types if value not in kept)]
    return {**name, "state": state, "event_types": ordered_types, "notification": notification}


@pytest.mark.parametrize("path", EVENT_CASES, ids=lambda path: path.stem)
def test_base_and_changes_give_the_body(path: Path) -> None:
    """All three members, each as it was read or as a change says."""
    plan = plan_case(path)
    for step in plan.steps if plan else ():
        if step.request:
            assert step.request.call.body == rebuild_body(step)


def test_the_law_meets_every_way_of_saying_it() -> None:
    """A new event, each field by itself, and a member of a topic that nobody knows."""
    plans = [plan_case(path) for path in EVENT_CASES]
    steps = [step for plan in plans if plan for step in plan.steps if step.request]
    paths = {tuple(change.path for change in step.changes) for step in steps}

    assert paths >= {("state",), ("eventTypes",), ("notification.targetId",), ("state", "eventTypes", "notification")}
    assert any("target_region" in step.request.call.body["notification"] for step in steps if step.request)


@pytest.mark.parametrize("path", EVENT_CASES, ids=lambda path: path.stem)
def test_what_no_change_names_is_equal_to_the_byte(path: Path) -> None:
    """The order of lists and of members too: another tool may hold them as they stand."""
    plan = plan_case(path)
    live = {row["name"]: row for row in yaml.safe_load(path.read_text("utf-8")).get("world", {}).get(EVENTS, ())}
    for step in plan.steps if plan else ():
        changed = {change.path.partition(".")[0] for change in step.changes}
        if step.request and step.request.base:
            row, body = live[step.address.name], step.request.call.body
            for field, member in {
                "state": "state",
                "eventTypes": "event_types",
                "notification": "notification",
            }.items():
                if field not in changed:
                    assert repr(body[member]) == repr(row[member])


@given(st.lists(st.sampled_from(TYPES), unique=True, min_size=1), st.sets(st.sampled_from(TYPES[:4]), min_size=1))
def test_a_set_keeps_the_order_of_what_stays(live_types: list[str], declared: set[str]) -> None:
    """New ones come after it; the same set is not touched, and another field's change leaves it alone."""
    world = {EVENTS: [event("e", event_types=live_types)]}
    wanted = document("SecretEvent", "e", {"state": "DISABLED", "eventTypes": sorted(declared)})

    (step,) = planned([wanted], world).steps

    assert step.request
    sent = step.request.call.body["event_types"]
    stays = [value for value in live_types if value in declared]
    assert sent == [*stays, *sorted(declared - set(stays))]
    assert ("eventTypes" in {change.path for change in step.changes}) == (set(live_types) != declared)


# the types that are shown before and after the write -> whether it is still the same event, and whether it is done
SHOWN = [
    (["SECRET_ROTATED", "SECRET_DELETED"], True, False),
    (["SECRET_DELETED", "SECRET_ROTATED"], True, False),
    (["SECRET_DELETED"], False, False),
    (["SECRET_DELETED", "SECRET_LATER", "SECRET_ROTATED"], False, False),
    (["SECRET_VERSION_CREATED", "SECRET_ROTATED"], False, True),
    (["SECRET_ROTATED", "SECRET_VERSION_CREATED"], False, True),
]


@pytest.mark.parametrize(("types", "is_same", "is_done"), SHOWN)
def test_another_order_is_neither_an_edit_nor_unfinished(types: list[str], is_same: bool, is_done: bool) -> None:
    """In which order a server shows the types is not documented: which they are decides."""
    wanted = document("SecretEvent", "e", {"eventTypes": ["SECRET_ROTATED", "SECRET_VERSION_CREATED"]})
    (step,) = planned([wanted], {EVENTS: [event("e", event_types=["SECRET_ROTATED", "SECRET_DELETED"])]}).steps
    kind = KINDS["SecretEvent"]

    live = kind.reread(World({f"{EVENTS}/e": {"event": event("e", event_types=types)}}), step)

    assert step.request
    assert (live == step.request.base) is is_same
    assert (kind.unmet(step, live) == ()) is is_done


@pytest.mark.parametrize("types", [["A", "SECRET_ROTATED"], ["SECRET_ROTATED", "SECRET_ROTATED"], ["C", "B"], "B", [1]])
def test_a_stored_list_that_was_never_made_so_is_refused(types: Json) -> None:
    """What goes stands in the order in which it was read, new ones after it, each once."""
    wanted = document("SecretEvent", "e", {"state": "DISABLED"})
    (step,) = planned([wanted], {EVENTS: [event("e", event_types=["SECRET_ROTATED", "A"])]}).steps
    assert step.request
    body = {**step.request.call.body, "event_types": types}
    forged = step.request._replace(call=step.request.call._replace(body=body), expect={"name": "e", **body})

    with pytest.raises((TypeError, ValueError)):
        KINDS["SecretEvent"].explain(forged)
