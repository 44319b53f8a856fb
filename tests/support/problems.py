"""Diagnostics of no rule in particular, for tests that are about how they are carried and shown."""

from __future__ import annotations

from reconciler.diagnostics import Address, Diagnostic, Source


def make_problem(source: Source, message: str, address: Address | None = None) -> Diagnostic:
    """Return something to tell, with all its words in one."""
    return Diagnostic("a.rule", source, message, address=address)
