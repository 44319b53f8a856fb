"""A plan as a file: it comes back equal, and no byte of it can change unnoticed."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Address, Diagnostic, Severity, Source
from reconciler.errors import RefusedError, StaleError
from reconciler.field_origins import FieldOrigin
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Bound, Call, Change, Coverage, Json, Plan, Request, Risk, Step
from reconciler.plans.planfile import PlanStamp, build_saved_plan, load_plan
from reconciler.plans.serial import PLAN_FORMAT_VERSION, decode_plan, decode_step, render_members
from tests.support.plan_files import BOUNDS, NOON, STAMP, dump, load, refused, seal, small
from tests.support.sample_plans import certificate, document, handler, pending, planned, registered, role


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
    assert load(dump(plan), NOON) == plan


def test_bodies_keep_their_order() -> None:
    """What is sent is byte for byte what was approved."""
    plan = real()

    again = load(dump(plan), NOON)

    bodies = [[json.dumps(step.request.call.body) for step in one.steps if step.request] for one in (plan, again)]
    assert bodies[0] == bodies[1]


def test_an_empty_plan_is_a_file_too() -> None:
    """A pipeline that always applies what it planned must not fail on quiet days."""
    empty = Plan((), Coverage(3, 3), targets=BOUNDS)

    data = dump(empty)

    assert load(data, NOON) == empty
    assert json.loads(data)["steps"] == []


def test_equal_plans_of_one_stamp_are_equal_bytes() -> None:
    """There is no clock in the file but what is handed in, and no order but the plan's."""
    assert dump(real()) == dump(real())
    turned = replace(real(), targets=dict(reversed(BOUNDS.items())))
    assert dump(turned) == dump(real())
    assert dump(real()) != dump(real(), NOON + timedelta(seconds=1))


def test_what_is_loaded_writes_the_same_file() -> None:
    """Nothing is lost that a second reader would miss."""
    data = dump(real())

    assert dump(load(data, NOON)) == data


def test_a_plan_that_is_too_old_to_apply_can_still_be_looked_at() -> None:
    """Two days later its approval has ended, its content has not."""
    data = dump(small())

    with pytest.raises(StaleError):
        load(data, NOON + timedelta(days=2))
    assert load(data, None) == load(data, NOON)


def test_a_file_holds_what_plan_shows() -> None:
    """The members of the contract stand in it, so that any JSON tool can read what will be sent."""
    shown = json.loads(dump(small()))

    assert shown["format_version"] == PLAN_FORMAT_VERSION
    assert shown["kind"] == "Plan"
    assert (shown["created"], shown["expires"]) == ("2026-11-22T12:00:00.000Z", "2026-11-23T12:00:00.000Z")
    assert (shown["nonce"], shown["tool"]) == ("0123456789abcdef" * 2, "1.2.3")
    assert shown["compared"] == {"objects": 1, "of": 1}
    (step,) = shown["steps"]
    assert step["call"]["body"] == {"DisplayName": "A", "Enabled": True}
    assert step["base"] == {"Id": 1, "ClassName": "A", "DisplayName": "A", "Enabled": False}
    assert step["expect"] == {"DisplayName": "A", "Enabled": True}


def test_what_is_saved_is_what_is_loaded() -> None:
    """Digest, times, commit and paths: who saves a plan says of it what whoever applies it does."""
    stamp = STAMP._replace(commit="a" * 40 + "+", paths=["m/a.yaml"])
    data, saved_plan = build_saved_plan(real(), stamp)

    assert load_plan(data, KINDS) == saved_plan
    assert json.loads(data)["digest"] == saved_plan.digest
    assert seal(json.loads(data)) == data, "the tests seal as the tool does"


OTHER_STAMPS = {
    "nonce": STAMP._replace(nonce="f" * 32),
    "time": STAMP._replace(created=NOON + timedelta(hours=1)),
    "age": STAMP._replace(max_age=timedelta(hours=1)),
    "commit": STAMP._replace(commit="a" * 40),
    "tool": STAMP._replace(tool="9.9"),
    "paths": STAMP._replace(paths=["m"]),
}


@pytest.mark.parametrize("stamp", OTHER_STAMPS.values(), ids=OTHER_STAMPS)
def test_an_equal_plan_made_again_has_an_equal_digest_and_is_another_file(stamp: PlanStamp) -> None:
    """What was approved is the same; which plan it is, is not."""
    one, other = build_saved_plan(real(), STAMP), build_saved_plan(real(), stamp)

    assert one[0] != other[0]
    assert one[1].digest == other[1].digest


def test_what_is_only_true_on_a_day_is_no_part_of_a_plan() -> None:
    """Made again tomorrow it is the one that was approved, and it says nothing that is no longer so."""
    notes = (
        Diagnostic("acknowledgement.ends-soon", Source("a.yaml", 1, 1), "ends tomorrow", severity=Severity.NOTE),
        Diagnostic("acknowledgement.ended", Source("a.yaml", 1, 1), "ended", severity=Severity.NOTE),
    )
    saved = build_saved_plan(replace(real(), notes=(*real().notes, *notes)), STAMP)
    assert saved[0] == build_saved_plan(real(), STAMP)[0]


OTHER_PLANS = {
    "steps": lambda: replace(real(), steps=real().steps[:-1]),
    "targets": lambda: replace(real(), targets={"command": BOUNDS["command"]}),
    "compared": lambda: replace(real(), compared=Coverage(1, 1)),
    "selection": lambda: replace(real(), selection=""),
    "notes": lambda: replace(real(), notes=()),
    "problems": lambda: replace(real(), problems=real().notes),
    "absences": lambda: replace(real(), absences=real().notes),
    "manifests": lambda: replace(real(), manifests="sha256:0000"),
}


@pytest.mark.parametrize("make", OTHER_PLANS.values(), ids=OTHER_PLANS)
def test_another_plan_has_another_digest(make: Callable[[], Plan]) -> None:
    """Whatever is approved counts."""
    assert build_saved_plan(make(), STAMP)[1].digest != build_saved_plan(real(), STAMP)[1].digest


# --- a byte that changed


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_no_byte_can_be_flipped(mask: int) -> None:
    """Every byte of the file, the spaces and the digest itself included."""
    data = dump(small())

    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
        assert "a byte of it was changed or lost" in refused(changed), at


def test_no_byte_can_be_lost_or_added() -> None:
    """A file that is cut anywhere, empty, or goes on, is no plan."""
    data = dump(small())

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
    shown = json.loads(dump(small()))

    for other in (json.dumps(shown), json.dumps(shown, indent=4), json.dumps(shown, indent=2, sort_keys=True) + "\n"):
        refused(other.encode())


def test_a_member_can_not_be_joined_without_the_seal() -> None:
    """An approval covers the whole file."""
    shown = json.loads(dump(small()))
    shown["steps"][0]["call"]["body"]["Enabled"] = False

    refused(render_members(shown).encode())
    with pytest.raises(RefusedError):
        load(seal(shown), NOON)


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
NAMES = st.dictionaries(TEXT, TEXT, max_size=2).map(lambda names: tuple(sorted(names.items())))
ORIGINS = st.builds(FieldOrigin, SOURCES, st.lists(SOURCES, max_size=2).map(tuple))
CHANGES = st.builds(Change, TEXT, VALUES, VALUES, st.sampled_from(Risk), TEXT, st.none() | ORIGINS, NAMES)
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


TIMES = st.integers(0, 200 * 366 * 86400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def test_a_step_is_a_line_and_many_of_them_are_read_one_after_the_other() -> None:
    """A review of a large plan goes line by line; and beside its steps no more than the lines is ever held."""
    handlers = [f"h{number}" for number in range(400)]
    live = registered(*(name.upper() for name in handlers))
    made = planned([handler(name) for name in handlers], {"/EventHandlerRegistration": live})
    made = replace(made, targets={"command": BOUNDS["command"]})
    data = dump(made)

    lines = [line.strip().rstrip(",") for line in data.decode().splitlines() if line.startswith("    {")]
    assert [json.loads(line)["address"]["name"] for line in lines] == [step.address.name for step in made.steps]
    tracemalloc.start()
    loaded = load(data)
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert loaded == made
    # As JSON values all at once the steps would take ten times the room of their lines.
    assert peak - held < 2.5 * len(data)


@given(PLANS, TIMES)
def test_any_plan_comes_back_equal(plan: Plan, now: datetime) -> None:
    """Whatever text, numbers and nesting a server or a manifest holds."""
    data = dump(plan, now)
    members = json.loads(data)

    assert decode_plan(members, map(decode_step, members["steps"])) == plan
    assert seal(members) == data
    assert data == data.decode().encode()
