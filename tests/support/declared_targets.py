"""Targets as documents see them, from the API of each, or from more that is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.diagnostics import Source
from reconciler.manifests.declared_target import DeclaredTarget


def declare_targets(targets: Mapping[str, Any]) -> dict[str, DeclaredTarget]:
    """Return targets by name, given as their APIs, or as their `api`, `labels`, `values` and `line` in the settings."""
    return {name: _declare(given) for name, given in targets.items()}


def _declare(given: Any) -> DeclaredTarget:
    facts: dict[str, Any] = {"api": given} if isinstance(given, str) else dict(given)
    source = Source("reconciler.yaml", facts.pop("line", 0), 3)
    return DeclaredTarget(source=source, **facts)


TARGETS = declare_targets({"command": "keyfactor", "csms": "csms"})
"""One of each API."""
