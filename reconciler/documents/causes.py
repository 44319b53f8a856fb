"""Many faults of one cause, told once: at the first place, with how many there are."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from reconciler.diagnostics import Explanation, Source


def merge_causes(faults: Iterable[tuple[Hashable, Source, Explanation]]) -> Iterator[tuple[Source, Explanation]]:
    """Yield, of faults with equal causes, the first, whose summary counts the others; faults come in their order."""
    groups: dict[Hashable, list[tuple[Source, Explanation]]] = {}
    for cause, source, explanation in faults:
        groups.setdefault(cause, []).append((source, explanation))
    for group in groups.values():
        (source, explanation), (last, _) = group[0], group[-1]
        if len(group) > 1:
            lines = "line" if len(group) == 2 else "lines"
            more = f"{len(group) - 1:,} more {lines}, up to line {last.line}"
            explanation = explanation._replace(summary=f"{explanation.summary} (and on {more})")
        yield source, explanation
