"""What a plan may not do, however it came about: limits, protection, approval by risk. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from reconciler.diagnostics import Diagnostic, Source
from reconciler.kinds.registry import Registry
from reconciler.model import Plan, Risk, Step
from reconciler.patterns import matches_pattern

_SPECIAL = re.compile(r"[*?\[]")
_SETTINGS_SOURCE = Source("reconciler.yaml")


def find_refusals(
    plan: Plan,
    limits: Mapping[str, int],
    protected: Sequence[str],
    kinds: Registry,
    settings: Source = _SETTINGS_SOURCE,
) -> tuple[Diagnostic, ...]:
    """Return every reason why the plan may not be applied: limits (changes by kind) and protected patterns.

    A limit that the settings leave out is the kind's own; an unknown setting never widens one. Steps that are not sent
    anyway exceed no limit.
    """
    exceeded = _find_exceeded_limits(plan, limits, kinds, settings)
    return tuple(sorted({*_find_protected_steps(plan, protected), *exceeded}))


def find_unapproved(plan: Plan, approved: Collection[Risk]) -> tuple[Diagnostic, ...]:
    """Return a problem for each step whose risk was not approved."""
    approved_text = ",".join(risk for risk in Risk if risk in approved) or "nothing"
    return tuple(
        Diagnostic(
            "plan.risk-not-approved",
            step.source,
            f"{step.address} is {_describe_risk(step)}, and only {approved_text} was approved",
            remedy=f"add {step.risk} to --approve",
            address=step.address,
        )
        for step in plan.sendable_steps
        if step.risk not in approved
    )


def list_withheld_steps(plan: Plan) -> tuple[Diagnostic, ...]:
    """Return why single steps are not sent; the others are. A step whose document has a problem is told by that."""
    faulty = {problem.address for problem in plan.problems}
    return tuple(
        Diagnostic("plan.refused-step", step.source, f"{_name_step(step)}: {step.refusal}", address=step.address)
        for step in plan.steps
        if step.refusal and step.address not in faulty
    )


def _describe_risk(step: Step) -> str:
    return f"{step.risk} ({step.risk_reason})" if step.risk_reason else step.risk.value


def _name_step(step: Step) -> str:
    """Return a step's document, and what it is about as people call it."""
    names = ", ".join(subject.name for subject in step.subjects if subject.name and not subject.path)
    return f"{step.address} ({names})" if names else str(step.address)


def _find_protected_steps(plan: Plan, patterns: Sequence[str]) -> Iterator[Diagnostic]:
    # Also what is not sent: a manifest that touches a protected object is a mistake of its author.
    patterns_by_kind = {
        kind: [pattern for pattern in patterns if _can_name_kind(pattern, kind)]
        for kind in {step.address.kind for step in plan.steps}
    }
    for step in plan.steps:
        fitting = patterns_by_kind[step.address.kind]
        pattern = next((pattern for pattern in fitting if _is_protected_by(step, pattern)), None)
        if pattern is not None:
            yield Diagnostic(
                "plan.protected-object",
                step.source,
                f"{step.address} is protected by {pattern!r}",
                "it may not be changed by this tool",
                "take it out of the manifests, or write `protected:` in the settings without the pattern",
                address=step.address,
            )


def _can_name_kind(pattern: str, kind: str) -> bool:
    """Say whether a pattern may fit an object of a kind, by what stands before its first wildcard."""
    beginning, start = _SPECIAL.split(pattern.casefold(), maxsplit=1)[0], f"{kind}/".casefold()
    return beginning.startswith(start) or start.startswith(beginning)


def _is_protected_by(step: Step, pattern: str) -> bool:
    """Match a `Kind/name` pattern, letter case aside, against the document's name and the live object.

    An object is shown as `name (id 7)`; its name alone is enough.
    """
    # A handler's document is named freely and its object found by class, so a pattern may mean either.
    names = (step.address.name, step.object, step.object.rpartition(" (")[0])
    return any(matches_pattern(pattern, f"{step.address.kind}/{name}") for name in names)


def _find_exceeded_limits(
    plan: Plan, limits: Mapping[str, int], kinds: Registry, settings: Source
) -> Iterator[Diagnostic]:
    counts: Counter[str] = Counter()
    for step in plan.sendable_steps:
        counts[step.address.kind] += step.weight
    for kind, count in sorted(counts.items()):
        # A number, no percentage: a server may have eight roles, of which 30 % are two.
        limit = limits.get(kind, kinds[kind].limit)
        if count > limit:
            summary = f"this run would change {count} objects of kind {kind}, and the limit is {limit}"
            reason = "a slip in one manifest could reach them all"
            remedy = f"if all are meant, raise limits: {{{kind}: {{changes: {count}}}}}; or apply a part with --only"
            yield Diagnostic("plan.limit-exceeded", settings, summary, reason, remedy)
