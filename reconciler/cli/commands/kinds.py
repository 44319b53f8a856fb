"""`reconciler kinds`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from reconciler.cli.context import Session
from reconciler.cli.output import Answer
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.kinds.kind import Resource


def run(_session: Session) -> Answer:
    """List every kind with its API, its endpoint and its limit."""
    from reconciler.kinds.registry import KINDS
    from reconciler.reports.reference import render_listing

    rows = [
        {
            "kind": name,
            "api": kind.api,
            "limit": kind.limit,
            "what": (kind.__doc__ or "").strip().splitlines()[0],
            "endpoint": _endpoint(kind),
        }
        for name, kind in KINDS.items()
    ]
    return Answer(Exit.OK, lambda look: render_listing(rows, look), extra={"kinds": rows})


def _endpoint(kind: type[Resource]) -> str:
    """Return the endpoint that the module's first line names, after its colon."""
    first = (sys.modules[kind.__module__].__doc__ or "").strip().splitlines()[0]
    found = re.search(r":\s*(?:[A-Z]+ )?(/\S*[\w}\])])", first)
    return found[1] if found else ""
