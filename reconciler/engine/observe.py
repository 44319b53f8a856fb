"""Asks every kind what exists. Holds only the read half of each API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.errors import AuthError, IncompleteError, ReconcilerError, UnreachableError
from reconciler.kinds.kind import Read, Run, Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Gap
from reconciler.plans.planner import Group, Observed

_UNREAD = (AuthError, IncompleteError, UnreachableError)


def observe(
    wanted: Sequence[Wanted], apis: Mapping[str, Read], run: Run, tell: Callable[[str], None] = lambda _line: None
) -> Observed:
    """Return what exists of everything that is wanted. What can't be read becomes a gap, never an absent object."""
    groups: dict[Group, list[Wanted]] = {}
    for one in sorted(wanted, key=lambda one: (one.address, one.source)):
        groups.setdefault((one.address.target, one.address.kind), []).append(one)
    live: dict[Group, Any] = {}
    gaps: list[Gap] = []
    for number, ((target, kind), documents) in enumerate(groups.items(), 1):
        tell(f"[{number}/{len(groups)}] reading {target}: {kind}, {_count(documents)}")
        try:
            live[target, kind] = KINDS[kind].observe(apis[target], documents, run)
        # A failed read must never look like an empty world: GitOps controllers have pruned what they couldn't
        # see.
        except _UNREAD as error:
            gaps.extend(_gaps(error))
    return Observed(live, tuple(gaps))


def _count(documents: Sequence[Wanted]) -> str:
    objects = sum(one.resource.size(one.tables) for one in documents)
    return f"{objects} declared"


def _gaps(error: ReconcilerError) -> list[Gap]:
    return [Gap(problem, error.exit) for problem in error.problems]
