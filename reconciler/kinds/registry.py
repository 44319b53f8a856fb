"""The kinds: one file each. The folder is the registry, read once at import; there is no list to edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from pkgutil import walk_packages
from types import MappingProxyType

import reconciler.kinds
from reconciler.errors import UsageError
from reconciler.kinds.kind import Resource


def _find_kinds() -> Iterator[type[Resource]]:
    for module in walk_packages(reconciler.kinds.__path__, "reconciler.kinds."):
        for value in vars(import_module(module.name)).values() if module.name != __name__ else ():
            if isinstance(value, type) and issubclass(value, Resource) and value is not Resource:
                yield value


KINDS: Mapping[str, type[Resource]] = MappingProxyType(
    {kind.__name__: kind for kind in sorted(_find_kinds(), key=lambda kind: kind.__name__)}
)
"""Every kind by its name, in alphabetical order."""


def find_kind_by_name(name: str) -> type[Resource]:
    """Return the kind of this name; raises UsageError with the nearest ones."""
    if name not in KINDS:
        raise UsageError(f"there is no kind {name!r}; {suggest_word(name, KINDS)}")
    return KINDS[name]


def suggest_word(word: str, words: Iterable[str]) -> str:
    """Offer the nearest word, letter case aside, or all of them."""
    folded = {candidate.casefold(): candidate for candidate in words}
    matches = get_close_matches(word.casefold(), folded, n=1)
    if matches:
        return f"did you mean {folded[matches[0]]}?"
    return f"known: {', '.join(folded.values())}" if folded else "it is a plain value"
