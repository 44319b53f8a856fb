"""Live objects that no document declares: counted in a line of every comparison, and listed."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import KINDS
from reconciler.model import UnmanagedCounts


def summarize_unmanaged(counts: UnmanagedCounts) -> str:
    """Say how many there are of each kind, and on which target where there are several; "" where there are none."""
    parts = [count_kind(kind, by_target) for kind, by_target in counts.items() if any(by_target.values())]
    return f"unmanaged: {', '.join(parts)}" if parts else ""


def count_kind(kind: str, by_target: Mapping[str, int]) -> str:
    """Say how many objects of a kind there are, in the kind's own words."""
    total = sum(by_target.values())
    text = f"{total:,} {name_objects(kind, total)}"
    if len(by_target) < 2:
        return text
    return f"{text} ({', '.join(f'{target} {count:,}' for target, count in sorted(by_target.items()))})"


def name_objects(kind: str, count: int) -> str:
    """Return the word for so many objects of a kind that no document declares."""
    # A saved plan may name a kind that this version does not have.
    one, several = (KINDS.get(kind) or Kind).listed_as
    return one if count == 1 else several
