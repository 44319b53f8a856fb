"""What a command comes to: the one place that turns facts into an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.errors import Exit, find_worst_exit
from reconciler.model import Outcome, Plan, Verdict
from reconciler.plans.masking import MaskedPlan

_VERDICT_EXITS = {
    Verdict.APPLIED: Exit.OK,
    Verdict.UNCHANGED: Exit.OK,
    Verdict.NOT_APPLIED: Exit.PARTIAL,
    Verdict.STALE: Exit.STALE,
    Verdict.UNKNOWN: Exit.UNKNOWN,
    Verdict.NOT_REACHED: Exit.PARTIAL,
}
_UNCHANGED_VERDICTS = frozenset({Verdict.UNCHANGED, Verdict.NOT_APPLIED, Verdict.NOT_REACHED})


def exit_code(
    plan: Plan | MaskedPlan | None = None,
    outcomes: Sequence[Outcome] = (),
    *,
    changes: Exit = Exit.OK,
    refused: bool = False,
    interrupted: bool = False,
    faulty: bool = False,
    causes: Iterable[Exit] = (),
) -> Exit:
    """Weigh everything that a command knows at its end, and return the one code.

    `plan` is what was compared, `changes` what a difference in it is worth; `refused` says that a guard forbids it.
    `outcomes` are what became of its steps, `interrupted` that a signal ended them, `faulty` that a bug of ours did.
    `causes` are codes of single failures that were found (doctor's checks).
    """
    codes = {*causes, *_outcome_exits(outcomes, interrupted=interrupted)}
    if plan is not None:
        codes |= {_comparison_exit(plan), changes if plan.steps else Exit.OK}
    codes |= {Exit.REFUSED} if refused else set()
    codes |= {Exit.INTERRUPTED} if interrupted else set()
    return find_worst_exit(codes | ({Exit.INTERNAL} if faulty else set()))


def _comparison_exit(plan: Plan | MaskedPlan) -> Exit:
    """Return the code of a comparison, changes aside: ok, or why it isn't complete.

    Where something was compared, whatever could not be read makes the whole incomplete; where nothing was, its cause
    is the outcome. Of several causes credentials come first: they are what has to be mended before anything else shows.
    """
    if plan.gaps:
        causes = {gap.cause for gap in plan.gaps}
        if plan.compared.objects:
            return Exit.INCOMPLETE
        if Exit.AUTH in causes:
            return Exit.AUTH
        return causes.pop() if len(causes) == 1 else Exit.INCOMPLETE
    return Exit.INCOMPLETE if plan.problems else Exit.OK


def _outcome_exits(outcomes: Sequence[Outcome], *, interrupted: bool) -> set[Exit]:
    """Return what the steps come to; what was not reached because of a signal is no failure of its own.

    Where nothing at all was done, and nothing was sent because of what kept it from being sent, that is the outcome.
    """
    verdicts = {outcome.verdict for outcome in outcomes}
    causes = {outcome.cause for outcome in outcomes if outcome.cause is not None}
    if interrupted:
        verdicts.discard(Verdict.NOT_REACHED)
    if causes and verdicts <= _UNCHANGED_VERDICTS:
        return causes
    return {_VERDICT_EXITS[verdict] for verdict in verdicts}
