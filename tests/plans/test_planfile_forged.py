"""Plan files that are sealed and yet not to be applied: too old, of another version, forged, for another target."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from reconciler.errors import RefusedError, StaleError
from reconciler.kinds.registry import KINDS
from reconciler.model import Bound, Coverage, Plan
from reconciler.plans.planfile import CLOCK_TOLERANCE, AgeLimit, check_plan_targets, dump_plan, load_plan
from reconciler.plans.serial import PLAN_FORMAT_VERSION
from tests.support.plan_files import BOUNDS, NOON, STAMP, dump, load, refused, seal, small


def hours(number: int) -> timedelta:
    return timedelta(hours=number)


AGES = [
    (timedelta(0), True),
    (timedelta(days=1), True),
    (timedelta(days=1, milliseconds=1), False),
    (timedelta(days=400), False),
    (-CLOCK_TOLERANCE, True),
    (-CLOCK_TOLERANCE - timedelta(milliseconds=1), False),
    (timedelta(days=-400), False),
]


@pytest.mark.parametrize(("age", "fits"), AGES)
def test_an_approval_does_not_keep(age: timedelta, fits: bool) -> None:
    """A plan is applied within its age; five minutes are allowed for a clock that is behind."""
    data = dump(small())

    if fits:
        assert load(data, NOON + age) == small()
    else:
        assert "the plan was made at 2026-11-22T12:00:00.000Z" in refused(data, NOON + age)


# how old it is, how old it may be by the settings, by its own end, for this run; whether it is applied
LIMITS = [
    (hours(2), hours(3), hours(3), None, True),
    (hours(2), hours(1), hours(3), None, False),
    (hours(2), hours(3), hours(1), None, False),
    (hours(2), hours(1), hours(1), hours(2), True),
    (hours(2), hours(3), hours(3), hours(1), False),
    (-hours(2), hours(3), hours(3), hours(9), False),
]


@pytest.mark.parametrize(("age", "settings", "own", "run", "fits"), LIMITS)
def test_the_narrower_limit_holds_unless_a_run_says_another(
    age: timedelta, settings: timedelta, own: timedelta, run: timedelta | None, fits: bool
) -> None:
    """What the plan says of itself can't widen what the job that applies it allows; somebody who says so can."""
    data = dump_plan(small(), STAMP._replace(max_age=own))
    limit = AgeLimit(NOON + age, run or settings, overrides=run is not None)

    if fits:
        assert load_plan(data, KINDS, age=limit).plan == small()
        return
    with pytest.raises(StaleError) as caught:
        load_plan(data, KINDS, age=limit)
    assert caught.value.problems[0].rule == "plan.too-old"


def test_a_nonce_is_kept_as_long_as_a_run_would_take_its_plan() -> None:
    """Else the record of its use could be forgotten before."""
    data = dump(small())

    assert load_plan(data, KINDS, age=AgeLimit(NOON, hours(72), overrides=True)).expires == "2026-11-25T12:00:00.000Z"
    assert load_plan(data, KINDS, age=AgeLimit(NOON, hours(1), overrides=True)).expires == "2026-11-23T12:00:00.000Z"


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
def test_the_ends_of_time_are_times_too(created: str) -> None:
    """A time beyond which there is none is only too old or too new."""
    assert "plan" in refused(seal({**json.loads(dump(small())), "created": created}))


def test_a_plan_of_another_format_is_not_read() -> None:
    """The major number decides; a minor one only ever adds members."""
    shown = json.loads(dump(small()))

    for version in ("1.0", "2.1", "4.0", "0.9", "20.0", "", None, 1):
        shown["format_version"] = version
        assert f"the plan has format {version}, and this version reads {PLAN_FORMAT_VERSION}" in refused(seal(shown))
    shown["format_version"] = "3.7"
    assert load(seal({**shown, "joined": 1}), NOON) == small()


REWRITTEN: dict[str, tuple[str, str]] = {
    # what a step's line says, and what reads as the same to some readers, and otherwise to others
    "a name twice": ('"method":"PUT"', '"method":"DELETE","method":"PUT"'),
    "a name twice, equal": ('"path":"enabled"', '"path":"enabled","path":"enabled"'),
    "a blank": ('"action":"update"', '"action": "update"'),
    "an escaped letter": ('"action":"update"', '"action":"\\u0075pdate"'),
    "another spelling of a number": ('"version":1', '"version":10e-1'),
    "no JSON": ('"version":1}', '"version":1'),
    "brackets without end": ('"version":1', f'"version":{"[" * 100_000}'),
    "a letter that is not ASCII": ('"action":"update"', '"action":"update","ü":1'),
}


@pytest.mark.parametrize(("old", "new"), REWRITTEN.values(), ids=REWRITTEN)
def test_a_step_that_is_sealed_and_spelled_otherwise_is_refused(old: str, new: str) -> None:
    """A reviewer's tool and this one might read such a line as two different steps."""
    text = dump(small()).decode()
    assert text.count(old) == 1
    head, approved = text.replace(old, new).split('  "compared"')
    approved = '  "compared"' + approved.rpartition(',\n  "digest"')[0]
    digest = sha256(f"reconciler plan digest 2\n{{\n{approved}\n}}\n".encode()).hexdigest()
    whole = f'{head}{approved},\n  "digest": "sha256:{digest}"'
    mark = sha256(f"reconciler plan seal 2\n{whole}\n}}\n".encode()).hexdigest()

    assert "this is not a plan as it was written" in refused(f'{whole},\n  "seal": "sha256:{mark}"\n}}\n'.encode())


def _without(*path: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(dump(small()))
    inner: Any = shown
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return shown


def _with(value: Any, *path: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(dump(small()))
    inner: Any = shown
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return shown


STEP = ("steps", 0)
FORGED: dict[str, dict[str, Any]] = {
    "a DELETE": _with("DELETE", *STEP, "call", "method"),
    "a method in lower case": _with("put", *STEP, "call", "method"),
    "a GET": _with("GET", *STEP, "call", "method"),
    "a kind of a later version": _with("CertificateStore", *STEP, "address", "kind"),
    "an action nobody knows": _with("delete", *STEP, "action"),
    "a risk nobody knows": _with("none", *STEP, "changes", 0, "risk"),
    "no base": _without(*STEP, "base"),
    "no steps": _without("steps"),
    "steps that are none": _with({"a": 1}, "steps"),
    "a step that is none": _with(["x"], "steps"),
    "no time": _without("created"),
    "a time that is none": _with("2026-13-45T00:00:00.000Z", "created"),
    "a time that is a number": _with(3, "created"),
    "a time in other words": _with("2026-11-22T12:00:00+00:00", "created"),
    "no end": _without("expires"),
    "an end that is a text": _with("never", "expires"),
    "no nonce": _without("nonce"),
    "a short nonce": _with("0", "nonce"),
    "a nonce that steers a terminal": _with("\x1b[2J" + "0" * 28, "nonce"),
    "a commit that is none": _with("main", "commit"),
    "a tool that steers a terminal": _with("\x1b[2J", "tool"),
    "paths that are none": _with([1], "paths"),
    "an address with more": _with("x", *STEP, "address", "color"),
    "no targets": _without("targets"),
    "a target with too little": _with({"url": "x"}, "targets", "command"),
    "compared with too little": _with({"objects": 1}, "compared"),
    "a query that is a list": _with([["a", "b"]], *STEP, "call", "query"),
    "a source that is a number": _with(7, *STEP, "source"),
    "a version that is no whole number": _with(1.0, *STEP, "call", "version"),
    "a version that is yes": _with(True, *STEP, "call", "version"),
    "a path that is none": _with(["/x"], *STEP, "call", "path"),
}


@pytest.mark.parametrize("shown", FORGED.values(), ids=FORGED)
def test_what_the_tool_never_writes_is_not_read(shown: dict[str, Any]) -> None:
    """The seal is no signature: a forged file is refused in words, and a DELETE above all."""
    assert "it is not one that this version of the tool writes" in refused(seal(shown))


# --- another target


def test_a_plan_is_applied_where_it_was_made_for() -> None:
    """The same API at the same place; targets that it doesn't write to don't matter."""
    plan = replace(small(), targets=BOUNDS)

    check_plan_targets(plan, BOUNDS)
    check_plan_targets(plan, {"command": BOUNDS["command"]})
    check_plan_targets(Plan((), Coverage(0, 0)), {})


HERE = BOUNDS["command"]
OTHERS: dict[str, tuple[dict[str, Bound], str]] = {
    "another server": ({"command": HERE._replace(url="https://test.example.com")}, "is https://test.example.com in"),
    "another API": ({"command": HERE._replace(api="csms")}, "is https://kf.example.com/KeyfactorAPI in the settings"),
    "another project": ({"command": HERE._replace(project="p")}, "project p in the settings"),
    "no such target": ({"csms": BOUNDS["csms"]}, "is not in the settings"),
}


@pytest.mark.parametrize(("bounds", "part"), OTHERS.values(), ids=OTHERS)
def test_a_plan_is_refused_elsewhere(bounds: dict[str, Bound], part: str) -> None:
    """A plan for test is never applied to production."""
    with pytest.raises(RefusedError) as caught:
        check_plan_targets(small(), bounds, "release.plan")

    (problem,) = caught.value.problems
    assert str(problem.source) == "release.plan"
    assert part in problem.message
    assert "the plan was made for https://kf.example.com/KeyfactorAPI" in problem.message
    assert "nothing was sent" in problem.message


def test_a_plan_that_is_bound_to_nothing_is_refused() -> None:
    """Not even where the settings know no such target either."""
    with pytest.raises(RefusedError, match="made for nothing"):
        check_plan_targets(replace(small(), targets={}), {})
