"""A plan to look at: read-only, and with what earlier runs did that can't be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.apis.connect import Api
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.pipeline import (
    Declaration,
    JudgedPlan,
    RunInputs,
    RunOptions,
    compare_with_servers,
    connect_targets,
    read_declaration,
)
from reconciler.engine.recovery import list_claimed_acts
from reconciler.engine.run_store import find_settings_store, identify_bound, report_store_errors
from reconciler.errors import ReconcilerError
from reconciler.kinds.kind import ClaimedActs
from reconciler.model import Risk


def preview_plan(
    inputs: RunInputs, options: RunOptions, on_progress: Callable[[str], None], *, with_state: bool = True
) -> tuple[JudgedPlan, tuple[Diagnostic, ...]]:
    """Compare, read-only, from the files to the plan; returns it, and what to tell of the store of earlier runs."""
    declared = read_declaration(inputs, options)
    with connect_targets(inputs, declared.settings, declared.targets) as apis:
        claimed, notes = read_claimed_acts(inputs, declared, apis) if with_state else ({}, ())
        return compare_with_servers(inputs, declared, apis, on_progress, claimed), notes


def read_claimed_acts(
    inputs: RunInputs, declared: Declaration, apis: Mapping[str, Api]
) -> tuple[ClaimedActs, tuple[Diagnostic, ...]]:
    """Return what earlier runs did, or may have, of what is declared and can't be undone; and why nobody can tell.

    The store is asked only where something of that sort is selected, and none is made.
    """
    kinds = {document.address.kind for document in declared.selected}
    if not any(risk.risk is Risk.IRREVERSIBLE for kind in kinds for risk in inputs.kinds[kind].risks.values()):
        return {}, ()
    try:
        with find_settings_store(declared.settings, inputs.env) as store, report_store_errors():
            if store is None:
                return {}, ()
            # A target that can't be identified can't be read either, and so nothing is planned for it.
            targets = {name: _identify_target(api) for name, api in apis.items()}
            return {name: list_claimed_acts(store, target) for name, target in targets.items() if target}, ()
    except ReconcilerError as error:
        return {}, tuple(map(_explain_silence, error.problems))


def _identify_target(api: Api) -> str:
    try:
        return identify_bound(api.bound())
    except ReconcilerError:
        return ""


def _explain_silence(problem: Diagnostic) -> Diagnostic:
    summary = f"whether any of this was denied before can't be told: {problem.summary}"
    remedy = "; ".join(filter(None, (problem.remedy, "or say --no-state to do without")))
    return Diagnostic("plan.no-memory", problem.source, summary, "apply looks before it denies", remedy, Severity.NOTE)
