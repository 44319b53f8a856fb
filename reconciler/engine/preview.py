"""A plan to look at: read-only, and with what earlier runs did that can't be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.apis.connect import Api
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.declaration import Declaration, RunInputs
from reconciler.engine.pipeline import JudgedPlan, compare_with_servers, connect_targets
from reconciler.errors import ReconcilerError
from reconciler.kinds.claimed_acts import ClaimedActs
from reconciler.model import Risk
from reconciler.rights import RightsDemand


def preview_plan(
    inputs: RunInputs,
    declared: Declaration,
    on_progress: Callable[[str], None],
    rights: RightsDemand = RightsDemand.NOTHING,
    *,
    with_state: bool = True,
) -> tuple[JudgedPlan, tuple[Diagnostic, ...]]:
    """Compare, read-only, up to the plan; returns it, and what to tell of the store of earlier runs."""
    with connect_targets(inputs, declared.settings, declared.targets) as apis:
        claimed, notes = read_claimed_acts(inputs, declared, apis) if with_state else ({}, ())
        return compare_with_servers(inputs, declared, apis, on_progress, claimed, rights), notes


def read_claimed_acts(
    inputs: RunInputs, declared: Declaration, apis: Mapping[str, Api]
) -> tuple[ClaimedActs, tuple[Diagnostic, ...]]:
    """Return what earlier runs did, or may have, of what is declared and can't be undone; and why nobody can tell.

    The store is asked only where something of that sort is selected, and none is made.
    """
    kinds = {document.address.kind for document in declared.selected}
    if not any(risk.risk is Risk.IRREVERSIBLE for kind in kinds for risk in inputs.kinds[kind].risks.values()):
        return {}, ()
    # A store with its records takes a fifth of a short plan to import, and most plans ask none.
    from reconciler.engine.stored_acts import find_stored_acts  # noqa: PLC0415

    try:
        return find_stored_acts(declared.settings, inputs.env, apis), ()
    except ReconcilerError as error:
        return {}, tuple(map(_explain_silence, error.problems))


def _explain_silence(problem: Diagnostic) -> Diagnostic:
    summary = f"whether any of this was denied before can't be told: {problem.summary}"
    remedy = "; ".join(filter(None, (problem.remedy, "or say --no-state to do without")))
    return Diagnostic("plan.no-memory", problem.source, summary, "apply looks before it denies", remedy, Severity.NOTE)
