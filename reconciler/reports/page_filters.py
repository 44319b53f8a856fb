"""What the steps of a page can be filtered by. The page does it with check boxes and style rules alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from reconciler.reports.page_steps import PageBlock

_FACETS = ("Kind", "Change", "Risk", "News", "Outcome", "Target")
_MAX_CHOICES = 12
_OTHERS = "others"
_NONE = "not remembered"
"""What has no value of a facet that others have."""


class FilterChoice(NamedTuple):
    """One check box: its id is the class of the blocks that it shows; `number` is how many steps they stand for."""

    id: str
    label: str
    number: int


class PageFilters(NamedTuple):
    """The check boxes by what they tell apart, and the classes of each block by its number."""

    groups: Sequence[tuple[str, Sequence[FilterChoice]]]
    classes: dict[int, str]

    @property
    def ids(self) -> list[str]:
        """The ids of all check boxes."""
        return [choice.id for _, choices in self.groups for choice in choices]


def build_filters(blocks: Sequence[PageBlock]) -> PageFilters:
    """Return a group for each thing in which the blocks differ; ids and classes are ours, whatever is foreign in it."""
    groups: list[tuple[str, list[FilterChoice]]] = []
    classes: dict[int, list[str]] = {block.number: [] for block in blocks}
    for facet in _FACETS:
        labels = _pick_labels(facet, blocks)
        if len(labels) < 2:
            continue
        # Labels may be foreign, and an id or a class stands in a style rule, where nothing escapes it.
        ids = {label: f"f{len(groups)}-{number}" for number, label in enumerate(labels)}
        counts: Counter[str] = Counter()
        for block in blocks:
            value = _read_facet(block, facet)
            label = value if value in ids else _OTHERS
            counts[label] += block.size
            classes[block.number].append(ids[label])
        groups.append((facet, [FilterChoice(ids[label], label, counts[label]) for label in labels]))
    return PageFilters(groups, {number: " ".join(names) for number, names in classes.items()})


def _pick_labels(facet: str, blocks: Sequence[PageBlock]) -> list[str]:
    """Return what a facet is told apart by, the most frequent first; where there are too many the rest is one."""
    counts = Counter(_read_facet(block, facet) for block in blocks)
    labels = [label for label, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return labels if len(labels) <= _MAX_CHOICES else [*labels[: _MAX_CHOICES - 1], _OTHERS]


def _read_facet(block: PageBlock, facet: str) -> str:
    return block.facets.get(facet) or _NONE
