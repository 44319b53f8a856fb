"""Plans of many steps: five times as many are no more than five times the work, from comparing to a report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from types import FrameType
from typing import Any

import pytest

from reconciler.kinds.registry import KINDS
from reconciler.model import Json, Plan
from reconciler.plans.masking import SecretMasker
from reconciler.plans.planfile import build_saved_plan, load_plan
from reconciler.reports.text import render_plan
from tests.support.cpu_time import cost
from tests.support.plan_files import STAMP
from tests.support.sample_plans import certificate, document, planned, role


def give_away(number: int) -> Plan:
    """Return the plan in which so many certificates get another owner."""
    spec = {"owner": "New", "certificates": {"ids": list(range(1, number + 1))}}
    world: dict[str, Json] = {
        "/Security/Roles": [{"Id": 4, "Name": "Old"}, {"Id": 5, "Name": "New"}],
        "/Security/Roles/4": role(4, "Old"),
        "/Security/Roles/5": role(5, "New"),
        "/Certificates": [certificate(row, "Old", IssuedCN=f"c{row}.example.com") for row in range(1, number + 1)],
    }
    return planned([document("CertificateOwner", "all", spec)], world)


@lru_cache
def plan_of(number: int) -> Plan:
    """Return the same, made once."""
    return give_away(number)


@lru_cache
def file_of(number: int) -> bytes:
    """Return its file."""
    return build_saved_plan(plan_of(number), STAMP)[0]


def report(number: int) -> str:
    """Return what `show` prints of it, where there are secrets that it might hold."""
    masker = SecretMasker([lambda text: text.replace("s3cret", "***")])
    return render_plan(masker.mask_plan(plan_of(number)))


WORK: dict[str, Callable[[int], Any]] = {
    "comparing": give_away,
    "saving": lambda number: build_saved_plan(plan_of(number), STAMP),
    "loading": lambda number: load_plan(file_of(number), KINDS),
    "reporting": report,
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_five_times_as_many_steps_are_five_times_the_work(work: Callable[[int], Any]) -> None:
    """As calls of functions, which are the same on every machine; and as time, which C code takes without any."""
    few, many = 400, 2_000
    work(few), work(many)

    assert count_calls(lambda: work(many)) <= 5.2 * count_calls(lambda: work(few))
    # What grows with the square takes 25 times as long; the rest of the room is for whoever else works on the machine.
    assert cost(lambda: work(many))[0] <= 12 * cost(lambda: work(few), times=3)[0]


def test_a_report_of_many_steps_stays_short() -> None:
    """Equal differences are told once and counted, and a table ends."""
    text = report(2_000)

    assert len(plan_of(2_000).steps) == 2_000
    assert "2,000 objects alike" in text
    assert len(text.splitlines()) < 600


def count_calls(work: Callable[[], object]) -> int:
    """Return how many functions a piece of work calls, those of C among them."""
    calls = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls
