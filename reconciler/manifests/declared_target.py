"""What documents may know of the targets in the settings: which there are, and what they can be chosen by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from reconciler.diagnostics import Source

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class DeclaredTarget(NamedTuple):
    """A target: the API that it speaks, the labels that it is chosen by, its texts by name, and where it stands."""

    api: str
    labels: Mapping[str, str] = _NOTHING
    values: Mapping[str, str] = _NOTHING
    source: Source = Source("the settings")


DeclaredTargets = Mapping[str, DeclaredTarget]
"""Targets by name."""


class EnvironmentScope(NamedTuple):
    """The environment that documents are read for, "" for none, and the targets that the settings have outside of it.

    What is for one of the others is no mistake: it is left aside, and told.
    """

    name: str = ""
    other_targets: DeclaredTargets = MappingProxyType({})


NO_ENVIRONMENT: Final = EnvironmentScope()
"""Every target of the settings is there."""
