"""The directives there are, by name; one is imported when a document, or somebody who asks, names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

import reconciler.directives
from reconciler.directives.directive import DirectiveKind
from reconciler.kinds.document_kind import DocumentKind

_MODULES = {
    "Acknowledgement": "acknowledgement",
    "Policy": "policy",
    "PolicyTest": "policy_test",
    "Waiver": "waiver",
}


class DirectiveRegistry(Mapping[str, DirectiveKind]):
    """Directives by name, in alphabetical order. Most manifests hold none, and then none is loaded."""

    def __getitem__(self, name: str) -> DirectiveKind:
        module = import_module(f"{reconciler.directives.__name__}.{_MODULES[name]}")
        directive: DirectiveKind = module.DIRECTIVE
        return directive

    def __contains__(self, name: object) -> bool:
        return name in _MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


DIRECTIVES = DirectiveRegistry()
"""Every directive that this version knows."""


def join_kinds(kinds: Mapping[str, DocumentKind]) -> dict[str, DocumentKind]:
    """Return everything that manifests may declare, by name, in alphabetical order."""
    return dict(sorted({**kinds, **DIRECTIVES}.items()))
