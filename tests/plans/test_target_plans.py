"""A plan of many targets and the parts of it that are about one: taken apart and put together it is the same."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic, Source
from reconciler.model import Bound, Coverage, Plan
from reconciler.plans.target_plans import merge_plans, restrict_plan
from reconciler.rights import Principal, RightsChange
from tests.support.report_plans import step

_NAMES = st.sampled_from(["alpha", "beta", "gamma", "delta"])


@st.composite
def _plans(draw: st.DrawFn) -> list[Plan]:
    """Plans of a target each, as its own process would make them of the same manifests."""
    plans = []
    for name in draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True)):
        steps = tuple(step(name=f"role {number}", target=name) for number in range(draw(st.integers(0, 3))))
        notes = tuple(sorted(Diagnostic("r", Source(text), text) for text in draw(st.sets(_NAMES, max_size=2))))
        rights = tuple(RightsChange(name, Principal("t", "v", "p"), ("r",), ("/x/",), ()) for _ in steps[:1])
        plans.append(
            Plan(
                steps,
                Coverage(len(steps), 3),
                notes=notes,
                targets={name: Bound("keyfactor", f"https://{name}.example.com")},
                manifests="digest",
                selection=f"--target {name}",
                acknowledged=tuple(replace(one, request=None) for one in steps[:1]),
                unmanaged={"SecurityRole": {name: len(steps)}},
                rights=rights,
            )
        )
    return plans


@given(_plans(), st.randoms())
def test_the_whole_is_the_same_whatever_came_first(plans: list[Plan], random: object) -> None:
    shuffled = list(plans)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    whole = merge_plans(plans, "")
    assert merge_plans(shuffled, "") == whole
    assert [one.address.target for one in whole.steps] == sorted(one.address.target for one in whole.steps)
    assert whole.compared == Coverage(len(whole.steps), 3 * len(plans))


@given(_plans())
def test_a_part_of_the_whole_is_what_its_target_planned(plans: list[Plan]) -> None:
    whole = merge_plans(plans, "")
    for plan in plans:
        (name,) = plan.targets
        part = restrict_plan(whole, name)
        same = ("steps", "targets", "manifests", "acknowledged", "unmanaged", "rights")
        assert {field: getattr(part, field) for field in same} == {field: getattr(plan, field) for field in same}
        assert set(plan.notes) <= set(part.notes)
        assert restrict_plan(part, name) == part
