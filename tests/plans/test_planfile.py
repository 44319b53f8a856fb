"""A plan as a file: it comes back equal, and no byte of it can change unnoticed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.errors import RefusedError, StaleError
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Bound, Call, Change, Coverage, Json, Plan, Request, Risk, Step
from reconciler.plans.planfile import dump_plan, load_plan, read_plan_digest
from reconciler.plans.serial import PLAN_FORMAT_VERSION, decode_plan, render_members
from tests.support.plan_files import BOUNDS, refused, seal, small
from tests.support.sample_plans import TODAY, certificate, document, pending, planned, role


def real() -> Plan:
    """Return a plan as the tool makes it: claims, a scope in the query, a batch, a note, a selection."""
    claim = {"type": "Group", "value": "CORP\\Prüfer", "provider": "Active Directory"}
    wanted = [
        document("SecurityRole", "R", {"description": "new \u202e text", "claims": [claim]}, 3),
        document("CertificateOwner", "o", {"clear": ["owner"], "collection": 9, "certificates": {"ids": [7]}}, 5),
        document("RequestDenial", "d", {"match": {"template": "Web"}, "comment": "no"}, 7),
        document("RequestDenial", "old", {"match": {"template": "Web"}, "expires": "2026-01-01"}, 9),
    ]
    world: dict[str, Json] = {
        "/Security/Roles": [{"Id": 1, "Name": "R"}],
        "/Security/Roles/1": role(1, "R", Extra={"b": [1, 2.5, None], "a": {}}),
        "/Certificates?collectionId=9": [certificate(7, "Old")],
        "/Workflow/Certificates/Pending": [pending(number) for number in range(1, 13)],
    }
    return replace(planned(wanted, world), targets=BOUNDS, selection="--only X", manifests="sha256:3f2a")


def test_a_plan_comes_back_equal() -> None:
    """Steps with their bases, changes, notes, targets: everything that apply and show need."""
    plan = real()

    assert [step.address.kind for step in plan.steps] == ["SecurityRole", "CertificateOwner", *["RequestDenial"] * 2]
    assert load_plan(dump_plan(plan, TODAY), TODAY, KINDS) == plan


def test_bodies_keep_their_order() -> None:
    """What is sent is byte for byte what was approved."""
    plan = real()

    again = load_plan(dump_plan(plan, TODAY), TODAY, KINDS)

    bodies = [[json.dumps(step.request.call.body) for step in one.steps if step.request] for one in (plan, again)]
    assert bodies[0] == bodies[1]


def test_an_empty_plan_is_a_file_too() -> None:
    """A pipeline that always applies what it planned must not fail on quiet days."""
    empty = Plan((), Coverage(3, 3), targets=BOUNDS)

    data = dump_plan(empty, TODAY)

    assert load_plan(data, TODAY, KINDS) == empty
    assert json.loads(data)["steps"] == []


def test_equal_plans_are_equal_bytes() -> None:
    """There is no clock in the file but the day, and no order but the plan's."""
    assert dump_plan(real(), TODAY) == dump_plan(real(), TODAY)
    turned = replace(real(), targets=dict(reversed(BOUNDS.items())))
    assert dump_plan(turned, TODAY) == dump_plan(real(), TODAY)
    assert dump_plan(real(), TODAY) != dump_plan(real(), TODAY + timedelta(days=1))


def test_what_is_loaded_writes_the_same_file() -> None:
    """Nothing is lost that a second reader would miss."""
    data = dump_plan(real(), TODAY)

    assert dump_plan(load_plan(data, TODAY, KINDS), TODAY) == data


def test_a_plan_that_is_too_old_to_apply_can_still_be_looked_at() -> None:
    """Two days later its approval has ended, its content has not."""
    data = dump_plan(small(), TODAY)

    with pytest.raises(StaleError):
        load_plan(data, TODAY + timedelta(days=2), KINDS)
    assert load_plan(data, None, KINDS) == load_plan(data, TODAY, KINDS)


def test_a_file_holds_what_plan_shows() -> None:
    """The members of the contract stand in it, so that any JSON tool can read what will be sent."""
    shown = json.loads(dump_plan(small(), TODAY))

    assert shown["format_version"] == PLAN_FORMAT_VERSION
    assert shown["kind"] == "Plan"
    assert shown["planned_on"] == "2026-11-22"
    assert shown["compared"] == {"objects": 1, "of": 1}
    (step,) = shown["steps"]
    assert step["call"]["body"] == {"DisplayName": "A", "Enabled": True}
    assert step["base"] == {"Id": 1, "ClassName": "A", "DisplayName": "A", "Enabled": False}
    assert step["expect"] == {"DisplayName": "A", "Enabled": True}


def test_the_digest_is_what_the_file_carries() -> None:
    """For a person to compare with what was approved."""
    data = dump_plan(small(), TODAY)

    assert read_plan_digest(data) == json.loads(data)["digest"]
    assert read_plan_digest(data).startswith("sha256:")
    assert seal(json.loads(data)) == data, "the tests seal as the tool does"


# --- a byte that changed


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_no_byte_can_be_flipped(mask: int) -> None:
    """Every byte of the file, the spaces and the digest itself included."""
    data = dump_plan(small(), TODAY)

    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
        assert "a byte of it was changed or lost" in refused(changed), at


def test_no_byte_can_be_lost_or_added() -> None:
    """A file that is cut anywhere, empty, or goes on, is no plan."""
    data = dump_plan(small(), TODAY)

    for at in range(len(data)):
        refused(data[:at])
        refused(data[:at] + data[at + 1 :])
        refused(data[:at] + b" " + data[at:])
    refused(data + b"\n")
    refused(data + data)


@given(st.binary(max_size=60))
def test_no_garbage_is_a_plan(data: bytes) -> None:
    """Whatever bytes there are, the answer is one of words."""
    refused(data)


GARBAGE = {
    "null": b"null",
    "a list": b"[]",
    "an object": b"{}",
    "a text": b'"Plan"',
    "not finite": b'{"kind": "Plan", "x": NaN}',
    "a deep nest": b"[" * 100_000,
    "a long number": b'{"kind": "Plan", "x": ' + b"9" * 10_000 + b"}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two of one name": b'{"kind": "Plan", "kind": "Plan"}',
    "a lone surrogate": b'{"kind": "Plan", "x": "\\ud800"}',
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_no_other_json_is_a_plan(data: bytes) -> None:
    """Sealed or not, it is not what the tool wrote."""
    refused(data)


def test_the_same_content_written_otherwise_is_no_plan() -> None:
    """There is one way to write a plan, so that nothing hides in another."""
    shown = json.loads(dump_plan(small(), TODAY))

    for other in (json.dumps(shown), json.dumps(shown, indent=4), json.dumps(shown, indent=2, sort_keys=True) + "\n"):
        refused(other.encode())


def test_a_member_can_not_be_joined_without_the_seal() -> None:
    """An approval covers the whole file."""
    shown = json.loads(dump_plan(small(), TODAY))
    shown["steps"][0]["call"]["body"]["Enabled"] = False

    refused(render_members(shown).encode())
    with pytest.raises(RefusedError):
        load_plan(seal(shown), TODAY, KINDS)


# --- any plan

TEXT = st.text(st.characters(), max_size=12)
SIMPLE = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(
    SIMPLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=4)
FILES = st.text(st.characters(blacklist_characters=":"), min_size=1, max_size=8) | st.just("C:\\a:3\\b.yaml")
SOURCES = st.builds(Source, FILES, st.integers(1, 9999), st.integers(1, 200)) | st.just(
    Source("command GET https://kf:8443/x")
)
CALLS = st.builds(
    Call, st.just("command"), st.sampled_from(["PUT", "POST"]), TEXT, OBJECTS,
    st.dictionaries(TEXT, TEXT, max_size=2).map(lambda query: tuple(query.items())), st.sampled_from([1, 2]),
)  # fmt: skip
CHANGES = st.builds(Change, TEXT, VALUES, VALUES, st.sampled_from(Risk))
REQUESTS = st.builds(Request, CALLS, st.none() | OBJECTS, OBJECTS)
ADDRESSES = st.builds(Address, st.just("command"), st.sampled_from(["SecurityRole", "RequestDenial"]), TEXT)
STEPS = st.builds(
    Step,
    address=ADDRESSES,
    action=st.sampled_from(Action),
    source=SOURCES,
    changes=st.lists(CHANGES, max_size=3).map(tuple),
    request=st.none() | REQUESTS,
    object=TEXT,
    refusal=TEXT,
)
PLANS = st.builds(
    Plan,
    steps=st.lists(STEPS, max_size=3).map(tuple),
    compared=st.builds(Coverage, st.integers(0, 99), st.integers(0, 99)),
    notes=st.lists(st.builds(Diagnostic, st.just("a.rule"), SOURCES, TEXT), max_size=2).map(tuple),
    selection=TEXT,
    targets=st.dictionaries(TEXT, st.builds(Bound, TEXT, TEXT, TEXT), max_size=2),
    manifests=TEXT,
)


@given(PLANS, st.dates())
def test_any_plan_comes_back_equal(plan: Plan, today: date) -> None:
    """Whatever text, numbers and nesting a server or a manifest holds."""
    data = dump_plan(plan, today)
    members = json.loads(data)

    assert decode_plan(members) == plan
    assert dump_plan(decode_plan(members), date.fromisoformat(members["planned_on"])) == data
    assert data == data.decode().encode()
