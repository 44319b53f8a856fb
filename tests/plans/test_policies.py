"""What rules over changes see: what the request makes of the object, of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.directives.cel_rules import compile_rule
from reconciler.kinds.registry import KINDS
from reconciler.model import Change
from reconciler.plans.policies import list_change_subjects
from tests.kinds.test_cases import CASES, plan_case

CAN_BE_READ = "kind == '{}' && (before == null || size(before) > 0) && size(after) > 0"


def find_value(fields: Mapping[str, Any], path: str) -> Any:
    """Return the value of a change's path, which may lead into a field."""
    if path in fields:
        return fields[path]
    field, _, rest = path.partition(".")
    return find_value(fields[field], rest)


def holds_change(side: Mapping[str, Any] | None, path: str, value: Any) -> bool:
    return side is None or find_value(side, path) == value


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_over_changes_sees_what_the_plan_shows(kind: str) -> None:
    """Of each change of each case, in values that CEL has: from what to what; `before` is null on creation."""
    judge = compile_rule(CAN_BE_READ.format(kind), "change")
    seen: list[Change] = []
    for path in (path for path in CASES if path.parent.name == kind):
        plan = plan_case(path)
        subjects = [*list_change_subjects(plan, KINDS, {})] if plan else []
        for step, subject in zip(plan.sendable_steps if plan else (), subjects, strict=True):
            if step.address.kind != kind:
                continue
            before, after = subject.variables["before"], subject.variables["after"]
            assert judge(subject.variables), path.name
            assert (before is None) is (step.request is not None and step.request.base is None)
            for change in step.changes:
                assert holds_change(before, change.path, change.before), (path.name, change)
                assert holds_change(after, change.path, change.after), (path.name, change)
            seen += step.changes
    assert seen
