"""Plan files that are sealed and yet not to be applied: too old, of another version, forged, for another target."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from reconciler.errors import RefusedError
from reconciler.kinds.registry import KINDS
from reconciler.model import Bound, Coverage, Plan
from reconciler.plans.planfile import check_plan_targets, dump_plan, load_plan
from reconciler.plans.serial import PLAN_FORMAT_VERSION
from tests.support.plan_files import BOUNDS, refused, seal, small
from tests.support.sample_plans import TODAY


@pytest.mark.parametrize(("days", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False), (400, False)])
def test_an_approval_does_not_keep(days: int, fits: bool) -> None:
    """A plan is applied on its day or the next (UTC); the day before is allowed for a clock that is behind."""
    data, today = dump_plan(small(), TODAY), TODAY + timedelta(days=days)

    if fits:
        assert load_plan(data, today, KINDS) == small()
    else:
        assert f"the plan was made on 2026-11-22, and today is {today};" in refused(data, today)


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_time_are_days_too(day: date) -> None:
    """A day beyond which there is none is only too old or too new."""
    assert "plan again" in refused(seal({**json.loads(dump_plan(small(), TODAY)), "planned_on": day.isoformat()}))
    assert load_plan(dump_plan(small(), day), day, KINDS) == small()


def test_a_plan_of_another_format_is_not_read() -> None:
    """The major number decides; a minor one only ever adds members."""
    shown = json.loads(dump_plan(small(), TODAY))

    for version in ("2.0", "0.9", "10.0", "", None, 1):
        shown["format_version"] = version
        if str(version).split(".", maxsplit=1)[0] == PLAN_FORMAT_VERSION.split(".", maxsplit=1)[0]:
            continue
        assert f"the plan has format {version}, and this version reads {PLAN_FORMAT_VERSION}" in refused(seal(shown))
    shown["format_version"] = "1.7"
    assert load_plan(seal({**shown, "joined": 1}), TODAY, KINDS) == small()


def _without(*path: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(dump_plan(small(), TODAY))
    inner: Any = shown
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return shown


def _with(value: Any, *path: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(dump_plan(small(), TODAY))
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
    "no day": _without("planned_on"),
    "a day that is none": _with("yesterday", "planned_on"),
    "a day that is a number": _with(3, "planned_on"),
    "an address with more": _with("x", *STEP, "address", "color"),
    "no targets": _without("targets"),
    "a target with too little": _with({"url": "x"}, "targets", "command"),
    "compared with too little": _with({"objects": 1}, "compared"),
    "a query that is a list": _with([["a", "b"]], *STEP, "call", "query"),
    "a source that is a number": _with(7, *STEP, "source"),
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
