"""Which line decided a field, where several could have: a value that documents, plans and reports hand on."""

from __future__ import annotations

from typing import NamedTuple

from reconciler.diagnostics import Source


class FieldOrigin(NamedTuple):
    """The line that decided a field, and those of earlier layers that it overrides, the nearest first."""

    source: Source
    overridden: tuple[Source, ...] = ()
