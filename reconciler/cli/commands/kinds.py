"""`reconciler kinds`."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.kinds.document_kind import DocumentKind


@options.command()
@options.output
@click.pass_obj
def command(_session: Session, /) -> CommandResult:
    """List the kinds of manifests."""
    from reconciler.directives.registry import join_kinds
    from reconciler.kinds.registry import KINDS
    from reconciler.reports.reference import render_listing

    rows = [
        {
            "kind": name,
            "api": kind.api or "none",
            "limit": KINDS[name].limit if name in KINDS else 0,
            "what": (kind.spec.__doc__ or "").strip().splitlines()[0],
            "endpoint": _find_endpoint(kind),
        }
        for name, kind in join_kinds(KINDS).items()
    ]
    return CommandResult(Exit.OK, lambda layout: render_listing(rows, layout), extra={"kinds": rows})


def _find_endpoint(kind: DocumentKind) -> str:
    """Return the endpoint that the module's first line names, after its colon."""
    first = (sys.modules[kind.spec.__module__].__doc__ or "").strip().splitlines()[0]
    match = re.search(r":\s*(?:[A-Z]+ )?(/\S*[\w}\])])", first)
    return match[1] if match else ""
