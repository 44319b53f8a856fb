"""Asks every kind what exists. Holds only the read half of each API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

from reconciler.engine.parallel_reads import Readers, ReadTask, read_together
from reconciler.engine.phases import UNOBSERVED, PhaseObserver, watch_read
from reconciler.errors import AuthError, IncompleteError, ReconcilerError, UnreachableError
from reconciler.kinds.kind import Run, Wanted
from reconciler.kinds.registry import Registry
from reconciler.model import Gap
from reconciler.plans.planner import LiveKey, Observed
from reconciler.reader import Read

READ_ERRORS = (AuthError, IncompleteError, UnreachableError)
"""What a read raises where it tells nothing."""


def observe(
    documents: Sequence[Wanted],
    apis: Mapping[str, Read],
    run: Run,
    kinds: Registry,
    on_progress: Callable[[str], None] = lambda _line: None,
    phases: PhaseObserver = UNOBSERVED,
    readers: Mapping[str, Readers] | None = None,
) -> Observed:
    """Return what exists of everything that is wanted. What can't be read becomes a gap, never an absent object."""
    groups: dict[LiveKey, list[Wanted]] = {}
    for document in sorted(documents, key=lambda document: (document.address, document.source)):
        groups.setdefault((document.address.target, document.address.kind), []).append(document)
    tasks: list[ReadTask] = []
    for (target, kind), group in groups.items():
        size = _count_objects(group)
        read = partial(_read_kind, kinds[kind].observe, apis[target], group, run)
        watched = partial(_watch_kind, phases, (target, kind), size, read)
        tasks.append(ReadTask(target, f"{target}: {kind}, {size:,} declared", size, watched))
    return _collect(groups, read_together(tasks, readers or {}, on_progress, "objects"))


def observe_inventories(
    keys: Sequence[LiveKey],
    documents: Sequence[Wanted],
    apis: Mapping[str, Read],
    run: Run,
    kinds: Registry,
    on_progress: Callable[[str], None] = lambda _line: None,
    readers: Mapping[str, Readers] | None = None,
) -> Observed:
    """Return all that exists of these targets and kinds, whether a document declares it or not."""
    tasks: list[ReadTask] = []
    for target, kind in keys:
        group = [document for document in documents if document.address[:2] == (target, kind)]
        read = partial(_read_kind, kinds[kind].observe_inventory, apis[target], group, run)
        tasks.append(ReadTask(target, f"{target}: {kind}", 1, read))
    return _collect(keys, read_together(tasks, readers or {}, on_progress, "lists"))


def _read_kind(
    observe_kind: Callable[[Read, Sequence[Wanted], Run], Any],
    api: Read,
    documents: Sequence[Wanted],
    run: Run,
    tell: Callable[[str], None],
) -> Any:
    return observe_kind(api, documents, replace(run, tell=tell))


def _watch_kind(
    phases: PhaseObserver,
    key: LiveKey,
    size: int,
    read: Callable[[Callable[[str], None]], Any],
    tell: Callable[[str], None],
) -> Any:
    return watch_read(phases, key, size, lambda: read(tell))


def _collect(keys: Iterable[LiveKey], futures: Iterable[Future[Any]]) -> Observed:
    """Return what was read, and what could not be."""
    live: dict[LiveKey, Any] = {}
    gaps: list[Gap] = []
    for key, future in zip(keys, futures, strict=True):
        try:
            live[key] = future.result()
        # A failed read must never look like an empty world: GitOps controllers have pruned what they couldn't
        # see.
        except READ_ERRORS as error:
            gaps.extend(_build_gaps(error))
    return Observed(live, tuple(gaps))


def _count_objects(documents: Sequence[Wanted]) -> int:
    """Return how many objects are declared, as far as it can be known before anything is read."""
    return sum(document.spec.size(document.tables) for document in documents)


def _build_gaps(error: ReconcilerError) -> list[Gap]:
    return [Gap(problem, error.exit) for problem in error.problems]
