"""`reconciler apply`: the one command that is handed a way to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from reconciler.apis.connect import Api
from reconciler.cli.confirm import approved_risks, ask
from reconciler.cli.context import Session
from reconciler.cli.options import Chosen
from reconciler.cli.output import Answer, write
from reconciler.cli.progress import Progress
from reconciler.engine.execution import Sent, send
from reconciler.engine.pipeline import Compared, compare, configured, connected, declare, judged
from reconciler.engine.saved_plans import is_planfile, is_saved, saved
from reconciler.errors import Exit, Problem, Source, UsageError, find_worst_exit
from reconciler.manifests.selection import described
from reconciler.model import Outcome, Plan, Risk, Verdict
from reconciler.plans.guards import find_unapproved
from reconciler.plans.planfile import check_plan_targets
from reconciler.plans.planner import find_plan_exit
from reconciler.reports import text
from reconciler.reports.headline import summarize_plan

_OUTCOMES = {
    Verdict.APPLIED: Exit.OK,
    Verdict.UNCHANGED: Exit.OK,
    Verdict.NOT_APPLIED: Exit.PARTIAL,
    Verdict.STALE: Exit.STALE,
    Verdict.UNKNOWN: Exit.UNKNOWN,
    Verdict.NOT_REACHED: Exit.PARTIAL,
}
_UNDONE = frozenset({Verdict.UNCHANGED, Verdict.NOT_APPLIED, Verdict.NOT_REACHED})


def run(session: Session, paths: Sequence[str], chosen: Chosen, *, yes: bool, approve: str | None) -> Answer:
    """Send a saved plan, or compare and send once somebody has accepted what is shown."""
    risks = approved_risks(approve)
    if len(paths) == 1 and is_planfile(session.cwd / paths[0]):
        return _saved(session, paths[0], chosen, risks)
    for path in paths if len(paths) > 1 else ():
        if is_saved(session.cwd / path):
            why = "a saved plan is applied alone, exactly as it was approved; nothing was sent"
            raise UsageError(Problem(Source(path), f"{why}; give it as the only argument"))
    declared = declare(session, paths, chosen)
    with connected(session, declared.settings, declared.targets) as apis:
        with Progress(session) as progress:
            compared = compare(session, declared, apis, progress.tell)
        return _apply(session, compared, apis, risks, accepted=yes or approve is not None)


def _saved(session: Session, planfile: str, chosen: Chosen, risks: frozenset[Risk]) -> Answer:
    """A saved plan is what was approved: it is sent whole, to where it was made for, within today's limits."""
    if selection := described(chosen):
        why = f"a saved plan is applied whole, and {selection} would take a part of it; nothing was sent"
        raise UsageError(Problem(Source(planfile), f"{why}; plan again with the selection"))
    plan = saved(session, planfile)
    settings = configured(session, chosen)
    targets = sorted({step.address.target for step in plan.steps} & settings.targets.keys())
    with connected(session, settings, targets) as apis:
        check_plan_targets(plan, {name: api.bound() for name, api in apis.items()}, planfile)
        for api in apis.values():
            api.learn()  # nothing was read on the way here, and what was planned may quote a secret
        return _apply(session, judged(plan, settings, apis), apis, risks, accepted=True)


def _apply(
    session: Session, compared: Compared, apis: Mapping[str, Api], risks: frozenset[Risk], *, accepted: bool
) -> Answer:
    """Show the plan, stop before the first write wherever anything speaks against it, then send."""
    plan, veil, shown, refused = compared
    if not plan.steps and plan.complete:
        return Answer(Exit.OK, lambda look: text.render_plan(shown, look), plan=shown, headline=summarize_plan(shown))
    write(session.stderr, text.render_plan(shown, session.look(session.stderr), len(refused)) + "\n")
    reasons = (*refused, *find_unapproved(shown, risks))
    exit_ = find_worst_exit({find_plan_exit(plan), Exit.REFUSED if reasons else Exit.OK})
    if exit_ is not Exit.OK:
        return _unsent(shown, exit_, reasons)
    try:
        if not accepted and not ask(session, plan):
            return _unsent(shown, Exit.REFUSED, (Problem(Source("confirmation"), "not confirmed; nothing was sent"),))
    except UsageError as error:
        return _unsent(shown, error.exit, error.problems)
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(session, patience=0))
        sent = send(session, plan, apis, veil, progress)
    shown = veil.plan(plan)  # again: of a saved plan nothing was read before, so no token was known
    outcomes = veil.outcomes(sent.outcomes, shown)
    return Answer(
        _exit(sent), lambda look: text.render_outcomes(outcomes, look, interrupted=sent.interrupted), sent.faults, shown,
        outcomes,
    )  # fmt: skip


def _unsent(plan: Plan, exit_: Exit, reasons: tuple[Problem, ...]) -> Answer:
    """Say that nothing left the house, of every step."""
    outcomes = tuple(Outcome(step, Verdict.NOT_REACHED, "nothing was sent") for step in plan.steps)
    return Answer(exit_, lambda _: "Nothing was sent.\n", reasons, plan, outcomes)


def _exit(sent: Sent) -> Exit:
    """Return the outcome of a run; what was not reached because of a signal is no failure of its own.

    Where nothing at all was done, and nothing was sent because of what kept it from being sent, that is the outcome.
    """
    held = {outcome.verdict for outcome in sent.outcomes}
    causes = {outcome.cause for outcome in sent.outcomes if outcome.cause is not None}
    if sent.interrupted:
        held.discard(Verdict.NOT_REACHED)
    codes = causes if causes and held <= _UNDONE else {_OUTCOMES[verdict] for verdict in held}
    codes |= {Exit.INTERRUPTED} if sent.interrupted else set()
    return find_worst_exit(codes | ({Exit.INTERNAL} if sent.faults else set()))
