"""The kinds: one file or folder each. The folder is the registry; there is no list to edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from graphlib import TopologicalSorter
from importlib import import_module
from pkgutil import walk_packages

import reconciler.kinds
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError
from reconciler.kinds.kind import Kind


class Registry(Mapping[str, Kind]):
    """Kinds by name, in alphabetical order, and the order in which their steps run. It is handed to who needs it."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds = {kind.name: kind for kind in sorted(kinds, key=lambda kind: kind.name)}
        self._levels = _find_levels(self._kinds)

    def __getitem__(self, name: str) -> Kind:
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)

    def find(self, name: str) -> Kind:
        """Return the kind of this name; raises UsageError with the nearest ones."""
        if name not in self:
            summary, remedy = f"there is no kind {name!r}", suggest_word(name, self)
            raise UsageError(Diagnostic("usage.unknown-kind", Source("reconciler"), summary, remedy=remedy))
        return self[name]

    def level(self, name: str) -> int:
        """Return how late a kind's steps run: after everything that it refers to."""
        return self._levels[name]


def load_registry() -> Registry:
    """Import every module of `kinds/` and return what kinds there are."""
    modules = walk_packages(reconciler.kinds.__path__, "reconciler.kinds.")
    names = [module.name for module in modules if module.name != __name__]
    values = [getattr(import_module(name), "KIND", None) for name in names]
    return Registry(value for value in values if isinstance(value, Kind))


def suggest_word(word: str, words: Iterable[str]) -> str:
    """Offer the nearest word, letter case aside, or all of them."""
    folded = {candidate.casefold(): candidate for candidate in words}
    matches = get_close_matches(word.casefold(), folded, n=1)
    if matches:
        return f"did you mean {folded[matches[0]]}?"
    return f"known: {', '.join(folded.values())}" if folded else "it is a plain value"


def _find_levels(kinds: Mapping[str, Kind]) -> dict[str, int]:
    sorter = TopologicalSorter({name: kind.after for name, kind in kinds.items()})
    levels: dict[str, int] = {}
    for name in sorter.static_order():
        levels[name] = 1 + max((levels[earlier] for earlier in kinds[name].after), default=-1)
    return levels


KINDS = load_registry()
"""Every kind that this version knows."""
