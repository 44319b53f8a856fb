"""What a stored step says of itself beside what its request does.

A digest is no signature: whoever can read a plan file can write one whose changes, object, action and risk read
harmless while its body is not. So they are worked out again from the request, by the kind.

Not worked out, since no request holds it: the names of a permission set, which is sent as a GUID, and of a collection
or container, which stand beside ids; the document's name and place where an object is found otherwise (a handler's
class, a certificate's id); who gains and who loses rights, which takes all roles, and lock-outs are looked for anew
before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.diagnostics import Diagnostic, Source
from reconciler.kinds.kind import Kind, Meaning
from reconciler.kinds.registry import Registry
from reconciler.model import Bound, Change, Plan, Step
from reconciler.plans.diff import find_changes
from reconciler.plans.step_builder import list_text_members


def check_kinds(plan: Plan, kinds: Registry) -> None:
    """Raise ValueError for a step of a kind that there isn't, and for one that neither sends nor says why not."""
    for step in (*plan.steps, *plan.acknowledged):
        if step.address.kind not in kinds:
            raise ValueError(f"no kind is called {step.address.kind}")
    for step in plan.steps:
        if step.request is None and not step.refusal:
            raise ValueError("a step has neither a request nor a refusal")
    # What is shown as left alone is never sent, and what is sent is never shown as left alone.
    if any(step.deferral for step in plan.steps) or any(
        step.request or not step.deferral for step in plan.acknowledged
    ):
        raise ValueError("a step is both acknowledged and sent, or neither")


def find_misleading_steps(plan: Plan, stated_risks: Sequence[str], kinds: Registry, file: str) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each step that would do something else than it says.

    `stated_risks` are what the file calls the steps' risks; a step's own is that of its changes.
    """
    for step, stated_risk in zip(plan.steps, stated_risks, strict=True):
        try:
            difference = _find_difference(step, kinds[step.address.kind], plan.targets.get(step.address.target))
            if not difference and stated_risk != step.risk:
                difference = f"its risk is {step.risk}"
        # Whatever a forged request lacks: a kind reads base and body as `encode` made them.
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            difference = str(error) if type(error) is ValueError else "its request is not one that this kind makes"
        if difference:
            yield Diagnostic(
                "plan.misleading-step",
                Source(file),
                f"the step of {step.address} does not do what it shows: {difference}",
                "nothing was done",
                "make a new plan with plan --out",
                address=step.address,
            )


def _find_difference(step: Step, kind: Kind, bound: Bound | None) -> str:
    """Say in what a step differs from its request; "" if in nothing."""
    if step.request is None:
        return ""
    # The project stands in the path, and the place that a plan is bound to says which one is meant.
    if bound and (bound.api != kind.api or (bound.project and f"/{bound.project}/" not in step.request.call.path)):
        return "its request goes elsewhere than to its target"
    meaning = kind.explain(step.request)
    if meaning.name is not None and not _is_same_name(meaning.name, step):
        return f"its request is about {meaning.name!r}"
    if (step.object, step.subjects) != (meaning.object, meaning.subjects):
        return f"its request is about {meaning.object}"
    if (action := kind.choose_action(meaning.before, meaning.after)) is not step.action:
        return f"its request is an action of kind {action}"
    return _compare_changes(step.changes, find_changes(meaning.before, meaning.after, kind.assess), meaning)


def _is_same_name(name: str, step: Step) -> bool:
    """A live object is found letter case aside; a new one is called exactly as declared."""
    is_new = step.request is not None and step.request.base is None
    return name == step.address.name if is_new else name.casefold() == step.address.name.casefold()


def _compare_changes(stated: Sequence[Change], derived: Sequence[Change], meaning: Meaning) -> str:
    unstated = list(derived)
    for change in stated:
        match = next((other for other in unstated if _is_same_change(change, other, meaning)), None)
        if match is not None:
            unstated.remove(match)
        else:
            return f"its request does not make the change of {change.path} that is shown"
    # A new object's field that is empty and not declared is no change.
    hidden = [change for change in unstated if change.after or change.before]
    return f"its request also changes {hidden[0].path}" if hidden else ""


def _is_same_change(change: Change, other: Change, meaning: Meaning) -> bool:
    # A name is told beside what has it, and of nothing else.
    if not {member for member, _ in change.names} <= set(list_text_members(change)):
        return False
    if change.path in meaning.opaque:
        return (change.path, change.risk, change.reason) == (other.path, other.risk, other.reason)
    # The line that decided is told by manifests alone, and what is sent does not depend on it.
    return change._replace(names=(), origin=None) == other
