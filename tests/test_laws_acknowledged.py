"""Laws of what is left alone, for every kind, on worlds that are values.

Nothing of a difference is lost by acknowledging it, and nothing that is acknowledged is sent: the rest of the object
is, and the live value stays.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date

import jsonschema
import pytest
from hypothesis import event as seen
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Source
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Step
from reconciler.plans.planner import PlanScope
from reconciler.schema import build_schemas
from tests.support.sample_plans import planned
from tests.support.strategies import World, worlds
from tests.support.toy_server import performed

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover

Deferrals = Mapping[Address, tuple[Deferral, ...]]
REPORT = jsonschema.Draft202012Validator(build_schemas(KINDS)["report.json"])


@st.composite
def deferred_worlds(draw: st.DrawFn) -> tuple[list[Wanted], World, Deferrals]:
    """Draw documents beside a world, and what of them is left alone: all of an object, some of its fields, nothing."""
    wanted, world = draw(worlds())
    deferrals = {}
    for document in wanted:
        fields = draw(st.none() | st.sets(st.sampled_from([*KINDS[document.address.kind].parts, ""])))
        if fields is not None:
            known = tuple(sorted(fields - {""}))
            deferrals[document.address] = (Deferral("a", Source("acks.yaml", 1, 1), date(2027, 1, 1), "why", known),)
    return wanted, world, deferrals


def list_changes(steps: Iterable[Step]) -> Counter[str]:
    """Return each change with its document, however it is grouped into steps; a comment goes with its denials."""
    return Counter(
        json.dumps([step.address, step.object, change.path, change.before, change.after], sort_keys=True)
        for step in steps
        for change in step.changes
    )


def find_fields(deferrals: Deferrals, step: Step) -> tuple[str, ...]:
    (deferral,) = deferrals.get(step.address, (Deferral("", Source(""), date.max, "", ("none",)),))
    return deferral.fields or KINDS[step.address.kind].parts


@pytest.mark.no_cover
@given(deferred_worlds())
@settings(max_examples=50)
def test_what_is_left_alone_is_told_and_not_sent(drawn: tuple[list[Wanted], World, Deferrals]) -> None:
    """Each difference is on one side; a request turns no acknowledged field into anything else."""
    wanted, world, deferrals = drawn
    whole = planned(wanted, world)
    plan = planned(wanted, world, scope=PlanScope(wanted, deferrals=deferrals))
    seen(f"{min(len(plan.acknowledged), 3)} left alone")

    assert list_changes(whole.steps) <= list_changes([*plan.steps, *plan.acknowledged])
    # What a field that is left alone made impossible is sent now, with all that its request says.
    refused = {step.address for step in whole.steps if step.refusal}
    others = [step for step in (*plan.steps, *plan.acknowledged) if step.address not in refused]
    assert list_changes(others) == list_changes(step for step in whole.steps if step.address not in refused)
    assert plan.compared == whole.compared
    assert set(plan.problems) <= set(whole.problems)
    for step in plan.acknowledged:
        assert step.request is None
        assert {change.path.partition(".")[0] for change in step.changes} <= {
            *find_fields(deferrals, step),
            "requests",
            "comment",
        }
    for step in plan.sendable_steps:
        assert deferrals.get(step.address, (None,))[0] is None or deferrals[step.address][0].fields
        assert step.request
        before, after, *_ = KINDS[step.address.kind].explain(step.request)
        for field in find_fields(deferrals, step) if before is not None and step.address in deferrals else ():
            assert field not in after or (before or {})[field] == after[field]


@pytest.mark.no_cover
@given(deferred_worlds())
@settings(max_examples=30)
def test_what_is_left_alone_is_the_same_afterwards(drawn: tuple[list[Wanted], World, Deferrals]) -> None:
    """Once all else is done the same is left alone, and nothing is to be sent."""
    wanted, world, deferrals = drawn
    scope = PlanScope(wanted, deferrals=deferrals)
    plan = planned(wanted, world, scope=scope)
    if not plan.complete:
        return
    for step in plan.sendable_steps:
        assert step.request
        world = dict(performed(world, step.request.call))

    again = planned(wanted, world, scope=scope)

    assert again.sendable_steps == ()
    assert list_changes(again.acknowledged) == list_changes(plan.acknowledged)
