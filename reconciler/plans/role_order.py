"""When steps that touch the account's own roles run: after all that they could take the right to do away from. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.model import Step


def put_last(
    steps: Sequence[Step], is_own: Callable[[Step], bool], carries_on: Callable[[Step], bool]
) -> tuple[Step, ...]:
    """Return steps in their order, but those of own roles last; behind them only what they would undo before them.

    A role that is renamed keeps its place: what names it comes after it.
    """
    # An owner may be set by the role's new name, so renaming has to come before it.
    ranks = {
        index: 2
        if carries_on(step)
        else int(is_own(step) and not any(change.path == "name" for change in step.changes))
        for index, step in enumerate(steps)
    }
    if 1 not in ranks.values():
        return tuple(steps)
    return tuple(steps[index] for index in sorted(ranks, key=lambda index: ranks[index]))
