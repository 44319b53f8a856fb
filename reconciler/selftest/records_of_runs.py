"""From the tool's own values to facts: what a plan would send, what a report says, what a ledger holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.engine.run_store import identify_bound
from reconciler.kinds.registry import KINDS
from reconciler.model import Outcome, Plan
from reconciler.plans.masking import MaskedOutcome
from reconciler.selftest.history import Mutation, PlannedWrite, StepVerdict, identify_call
from reconciler.simulator.world.seed import ADMINISTRATOR

_FOREIGN = frozenset({ADMINISTRATOR, "console"})


def list_planned_writes(plan: Plan) -> tuple[PlannedWrite, ...]:
    """Return what of a plan would be sent."""
    writes = []
    for number, step in enumerate(plan.steps):
        if step.request is None:
            continue
        call, bound = step.request.call, plan.targets[step.address.target]
        key = identify_call(bound.api, call.method, call.path, call.body)
        acts = tuple(KINDS[step.address.kind].list_acts(step.request))
        writes.append(PlannedWrite(number, identify_bound(bound), str(step.address), call.method, key, acts))
    return tuple(writes)


def list_verdicts(outcomes: Iterable[Outcome | MaskedOutcome]) -> tuple[StepVerdict, ...]:
    """Return what a report says of each step, and of each irreversible act."""
    verdicts = []
    for number, outcome in enumerate(outcomes):
        acts: Mapping[str, Any] = {}
        if outcome.verdicts and outcome.step.address.kind == "RequestDenial":
            paths = [change.path for change in outcome.step.changes]
            acts = {
                path.replace("requests.", "deny/"): verdict
                for path, verdict in zip(paths, outcome.verdicts, strict=False)
                if path.startswith("requests.")
            }
        verdicts.append(StepVerdict(number, outcome.verdict, acts))
    return tuple(verdicts)


def list_mutations(ledger: Sequence[Mapping[str, Any]]) -> list[Mutation]:
    """Return the server's ledger as mutations."""
    return [
        Mutation(
            identify_call(entry["api"], entry["method"], entry["path"], entry["body"]),
            f"{entry['object']['kind']} {entry['object']['id']}",
            entry["before"],
            entry["after"],
            entry["actor"] not in _FOREIGN,
            tuple(f"deny/{number}" for number in entry.get("denied", ())),
        )
        for entry in ledger
    ]
