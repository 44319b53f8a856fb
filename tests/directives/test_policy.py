"""What policies, waivers and cases may say, and what a rule sees and costs: offline."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.directives.cel_rules import MAX_RULE_LENGTH, RuleError, compile_rule, covers_permission
from reconciler.directives.registry import DIRECTIVES
from reconciler.errors import InvalidError
from reconciler.kinds.registry import KINDS
from reconciler.kinds.security_role.permissions import is_part_of
from reconciler.manifests.load import LoadedManifests, load_manifests
from tests.support.declared_targets import TARGETS

TODAY = date(2026, 11, 22)
ROLE = {
    "apiVersion": "reconciler/v1",
    "kind": "SecurityRole",
    "metadata": {"name": "a"},
    "spec": {"description": "one", "permissionSet": "Global"},
}


def load(folder: Path, rule: str, over: str = "document", **spec: Any) -> LoadedManifests:
    """Read a role and a policy with this rule."""
    policy_spec = {"level": "mandatory", "over": over, "rule": rule, "message": "m", **spec}
    policy = {"apiVersion": "reconciler/v1", "kind": "Policy", "metadata": {"name": "p"}, "spec": policy_spec}
    (folder / "p.yaml").write_text(f"{json.dumps(ROLE)}\n---\n{json.dumps(policy)}\n")
    return load_manifests([folder], kinds=KINDS, targets=TARGETS, base=folder, today=TODAY)


NO_RULES = {
    "a slip of the pen": ("document", "has(spec.a) &&", "line 1, column 15: Syntax error"),
    "on its third line": ("document", "true\n&&\n  foo", "line 3, column 3: undeclared reference to 'foo'"),
    "an unknown function": ("document", "grant(spec.permissions, '/')", "undeclared reference to 'grant'"),
    "what only changes have": ("document", "before == null", "undeclared reference to 'before'"),
    "what only documents have": ("change", "has(spec.a)", "undeclared reference to 'spec.a'"),
    "what only principals have": ("change", "size(roles) == 0", "undeclared reference to 'roles'"),
    "of another type": ("document", "kind", "its result is of the type string, not bool"),
    "compared with another type": ("document", "kind == 1", "no matching overload"),
    "permissions that are none": ("document", "grants(kind, '/')", "no matching overload for 'grants'"),
    "too deep": ("document", "(" * 200 + "true" + ")" * 200, "recursion limit exceeded"),
}


@pytest.mark.parametrize("row", NO_RULES)
def test_what_is_no_rule_is_told_at_its_line(row: str, tmp_path: Path) -> None:
    """When it is read, before anything is judged by it."""
    over, rule, words = NO_RULES[row]
    with pytest.raises(InvalidError) as caught:
        load(tmp_path, rule, over)
    (problem,) = caught.value.problems
    assert (problem.rule, problem.source.line) == ("policy.invalid-rule", 3)
    assert words in problem.message


def test_a_rule_is_no_longer_than_somebody_reads(tmp_path: Path) -> None:
    """The bound is that of the model, so that editors tell it as well."""
    assert load(tmp_path, f"{'true':{MAX_RULE_LENGTH}}").directives
    with pytest.raises(InvalidError):
        load(tmp_path, f"{'true':{MAX_RULE_LENGTH + 1}}")


LISTS = [[*range(200)], [*range(200)]]
HOSTILE = {
    "loops in loops": ("spec.a.all(x, spec.b.all(y, x + y >= 0))", "budget"),
    "a field that is missing": ("spec.nothing == 1", "nothing"),
    "a member of nothing": ("spec.none.a == 1", "SELECT"),
    "a division by nothing": ("1 / size(spec.empty) == 1", "zero"),
    "no regular expression": ("'a'.matches(spec.text)", "regular expression"),
    "a result that is no truth": ("spec.a", "neither true nor false"),
    "permissions that are numbers": ("grants(spec.a, '/')", "."),
    "a number that is too large": ("spec.large > 0", "."),
}


@pytest.mark.parametrize("row", HOSTILE)
def test_a_rule_ends_and_without_a_result_it_says_so(row: str) -> None:
    """What costs too much, or fails, is neither true nor false."""
    rule, words = HOSTILE[row]
    spec: dict[str, Any] = {"a": LISTS[0], "b": LISTS[1], "none": None, "empty": [], "text": "("}
    spec |= {"large": 2**70} if "large" in rule else {}
    variables = {"kind": "k", "name": "n", "labels": {}, "target": "t", "spec": spec}
    with pytest.raises(RuleError, match=words):
        compile_rule(rule, "document")(variables)


def test_a_regular_expression_takes_linear_time() -> None:
    """One that would take another engine for ever (RE2)."""
    variables = {"kind": "k", "name": "a" * 60 + "b", "labels": {}, "target": "t", "spec": {}}
    assert not compile_rule("name.matches('^(a+)+$')", "document")(variables)


SEGMENTS = st.lists(st.sampled_from(["a", "ab", "b"]), max_size=3)
PERMISSIONS = SEGMENTS.map(lambda segments: "/" + "".join(f"{segment}/" for segment in segments))


@settings(max_examples=40, deadline=None)
@given(PERMISSIONS, PERMISSIONS)
@example("/a/", "/ab/")
@example("/", "/a/")
def test_a_permission_covers_what_it_grants(permission: str, part: str) -> None:
    """As the server has it, by whole segments; the slash at the end may be left out."""
    assert covers_permission(permission, part) is is_part_of(part, {permission})
    assert covers_permission(permission.rstrip("/"), part.rstrip("/")) is is_part_of(part, {permission})


@pytest.mark.parametrize("name", ["Policy", "PolicyTest", "Waiver"])
def test_the_built_in_example_is_valid(name: str, tmp_path: Path) -> None:
    """What `explain` shows can be pasted, together with the policy that it is about."""
    documents = [json.dumps(ROLE), DIRECTIVES["Policy"].example, DIRECTIVES[name].example]
    (tmp_path / "p.yaml").write_text("\n---\n".join(documents[: 2 + (name != "Policy")]))
    loaded = load_manifests([tmp_path], kinds=KINDS, targets=TARGETS, base=tmp_path, today=TODAY)
    assert name in {directive.address.kind for directive in loaded.directives}
    assert loaded.notes == ()
