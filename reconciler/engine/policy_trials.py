"""Policies tried on their own cases: what each has to say of made-up documents, changes and principals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.directives.cel_rules import RuleError, compile_rule
from reconciler.directives.policy import Policy
from reconciler.directives.policy_test import PolicyTest, PolicyTestCase
from reconciler.engine.declaration import (
    DEFAULT_TARGETS,
    RunInputs,
    list_declared_targets,
    load_declared,
    read_settings,
)
from reconciler.kinds.kind import Wanted
from reconciler.plans.policies import list_policies


class TriedCase(NamedTuple):
    """A case and what came of it: `result` is whether the policy holds, None where its rule had none."""

    policy: str
    name: str
    expected: bool
    result: bool | None
    source: Source
    error: str = ""


class PolicyTrial(NamedTuple):
    """Policies, their cases, what is wrong with them, and what is only told."""

    policies: tuple[Wanted[Policy], ...]
    cases: tuple[TriedCase, ...]
    problems: tuple[Diagnostic, ...]
    notes: tuple[Diagnostic, ...]


def read_policies(
    inputs: RunInputs, paths: Sequence[str], config: str | None, environment: str | None
) -> tuple[tuple[Wanted, ...], tuple[Diagnostic, ...]]:
    """Return the directives at these paths, or among the manifests of the settings, and what is told of them.

    Raises UsageError or InvalidError.
    """
    settings = read_settings(inputs, config, environment)
    targets = list_declared_targets(settings) or DEFAULT_TARGETS
    loaded = load_declared(inputs, settings, paths, targets, lambda _: True, may_be_empty=True)
    return loaded.directives, loaded.notes


def try_policies(inputs: RunInputs, paths: Sequence[str], config: str | None, environment: str | None) -> PolicyTrial:
    """Judge every case by its policy; raises as `read_policies` does."""
    directives, told = read_policies(inputs, paths, config, environment)
    # By name, of which there is one each: the loader refuses two documents of a kind with the same.
    policies = {policy.address.name: policy for policy in list_policies(directives)}
    # One that names several targets is tried once.
    tests = {directive.source: directive for directive in directives if isinstance(directive.spec, PolicyTest)}.values()
    cases = [case for test in tests if test.spec.policy in policies for case in _try_cases(test, policies)]
    problems = [_explain_unexpected(case) for case in cases if case.result is not case.expected]
    # Elsewhere cases that are tried on nothing are only told; here they are what was asked for.
    problems += [replace(note, severity=Severity.ERROR) for note in told if note.rule == "policy.no-policy"]
    problems += [] if policies else [_explain_nothing_tried(paths)]
    notes = {note for note in told if note.rule != "policy.no-policy"} | set(_list_untried(policies.values(), cases))
    return PolicyTrial(tuple(policies.values()), tuple(cases), tuple(sorted(problems)), tuple(sorted(notes)))


def _try_cases(test: Wanted[PolicyTest], policies: dict[str, Wanted[Policy]]) -> Iterator[TriedCase]:
    policy = policies[test.spec.policy]
    for index, case in enumerate(test.spec.cases):
        result, error = _try_case(policy.spec, case)
        source = test.at(("spec", "cases", index))
        yield TriedCase(policy.address.name, case.name, case.holds, result, source, error)


def _try_case(policy: Policy, case: PolicyTestCase) -> tuple[bool | None, str]:
    try:
        return compile_rule(policy.rule, policy.over)(case.build_variables(policy.over)), ""
    except RuleError as error:
        return None, str(error)


def _explain_unexpected(case: TriedCase) -> Diagnostic:
    words = {True: "holds", False: "does not hold"}
    outcome = words[case.result] if case.result is not None else f"has no result ({case.error})"
    summary = f'"{case.name}": the policy "{case.policy}" {outcome}'
    reason = f"the case says that it {words[case.expected]}"
    return Diagnostic("policy.unexpected-result", case.source, summary, reason, "mend the rule, or the case")


def _list_untried(policies: Iterable[Wanted[Policy]], cases: Sequence[TriedCase]) -> Iterator[Diagnostic]:
    for policy in policies:
        expected = {case.expected for case in cases if case.policy == policy.address.name}
        for holds, what in ((True, "passes"), (False, "fails")):
            if holds not in expected:
                summary = f'the policy "{policy.address.name}" has no case that {what}'
                reason = "a rule that always says the same would not be noticed"
                remedy = "write one (kind: PolicyTest)"
                yield Diagnostic("policy.no-case", policy.source, summary, reason, remedy, Severity.NOTE)


def _explain_nothing_tried(paths: Sequence[str]) -> Diagnostic:
    summary, remedy = "there is no policy, so nothing was tried", "name the folder of the policies"
    return Diagnostic("policy.no-case", Source(" ".join(paths) or "manifests"), summary, remedy=remedy)
