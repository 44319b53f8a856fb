"""The kinds: one file each. The folder is the registry, read once at import; there is no list to edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import walk_packages
from types import MappingProxyType

import reconciler.kinds
from reconciler.kinds.kind import Resource


def _found() -> Iterator[type[Resource]]:
    for module in walk_packages(reconciler.kinds.__path__, "reconciler.kinds."):
        for value in vars(import_module(module.name)).values() if module.name != __name__ else ():
            if isinstance(value, type) and issubclass(value, Resource) and value is not Resource:
                yield value


KINDS: Mapping[str, type[Resource]] = MappingProxyType(
    {kind.__name__: kind for kind in sorted(_found(), key=lambda kind: kind.__name__)}
)
"""Every kind by its name, in alphabetical order."""
