"""Asks every kind what exists. Holds only the read half of each API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.errors import AuthError, IncompleteError, ReconcilerError, UnreachableError
from reconciler.kinds.kind import Run, Wanted
from reconciler.kinds.registry import Registry
from reconciler.model import Gap
from reconciler.plans.planner import LiveKey, Observed
from reconciler.reader import Read

_READ_ERRORS = (AuthError, IncompleteError, UnreachableError)


def observe(
    documents: Sequence[Wanted],
    apis: Mapping[str, Read],
    run: Run,
    kinds: Registry,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> Observed:
    """Return what exists of everything that is wanted. What can't be read becomes a gap, never an absent object."""
    groups: dict[LiveKey, list[Wanted]] = {}
    for document in sorted(documents, key=lambda document: (document.address, document.source)):
        groups.setdefault((document.address.target, document.address.kind), []).append(document)
    live: dict[LiveKey, Any] = {}
    gaps: list[Gap] = []
    for number, ((target, kind), group) in enumerate(groups.items(), 1):
        on_progress(f"[{number}/{len(groups)}] reading {target}: {kind}, {_format_declared_count(group)}")
        try:
            live[target, kind] = kinds[kind].observe(apis[target], group, run)
        # A failed read must never look like an empty world: GitOps controllers have pruned what they couldn't
        # see.
        except _READ_ERRORS as error:
            gaps.extend(_build_gaps(error))
    return Observed(live, tuple(gaps))


def _format_declared_count(documents: Sequence[Wanted]) -> str:
    objects = sum(document.spec.size(document.tables) for document in documents)
    return f"{objects} declared"


def _build_gaps(error: ReconcilerError) -> list[Gap]:
    return [Gap(problem, error.exit) for problem in error.problems]
