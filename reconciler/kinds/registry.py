"""The kinds: a folder each. The folders are the registry; there is no list to edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules

import reconciler.kinds
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError
from reconciler.kinds.kind import Kind


class Registry(Mapping[str, Kind]):
    """Kinds by name, in alphabetical order, and the order in which their steps run. It is handed to who needs it.

    Of a kind that is given by a function only the name is known until somebody asks for the kind.
    """

    def __init__(self, kinds: Iterable[Kind] = (), loaders: Mapping[str, Callable[[], Kind]] | None = None) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._loaders = dict(loaders or {})
        self._names = dict.fromkeys(sorted({*self._kinds, *self._loaders}))
        self._levels: dict[str, int] = {}

    def __getitem__(self, name: str) -> Kind:
        if name not in self._kinds:
            self._kinds[name] = self._loaders[name]()
        return self._kinds[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def find(self, name: str) -> Kind:
        """Return the kind of this name; raises UsageError with the nearest ones."""
        if name not in self:
            summary, remedy = f"there is no kind {name!r}", suggest_word(name, self)
            raise UsageError(Diagnostic("usage.unknown-kind", Source("reconciler"), summary, remedy=remedy))
        return self[name]

    def level(self, name: str) -> int:
        """Return how late a kind's steps run: after everything that it refers to."""
        if name not in self._levels:
            self._levels[name] = 1 + max((self.level(earlier) for earlier in self[name].after), default=-1)
        return self._levels[name]


def load_registry() -> Registry:
    """Return what kinds there are, by the names of their folders; a folder is imported when its kind is asked for."""
    # Measured: the modules of five kinds take a fifth of what it takes to validate a document of one.
    folders = [module.name for module in iter_modules(reconciler.kinds.__path__) if module.ispkg]
    return Registry(loaders={_name_kind(folder): _make_loader(folder) for folder in folders})


def _name_kind(folder: str) -> str:
    return "".join(word.capitalize() for word in folder.split("_"))


def _make_loader(folder: str) -> Callable[[], Kind]:
    def load() -> Kind:
        kind: Kind = import_module(f"{reconciler.kinds.__name__}.{folder}.kind").KIND
        return kind

    return load


def suggest_word(word: str, words: Iterable[str]) -> str:
    """Offer the nearest word, letter case aside, or all of them."""
    folded = {candidate.casefold(): candidate for candidate in words}
    matches = get_close_matches(word.casefold(), folded, n=1)
    if matches:
        return f"did you mean {folded[matches[0]]}?"
    return f"known: {', '.join(folded.values())}" if folded else "it is a plain value"


KINDS = load_registry()
"""Every kind that this version knows."""
