"""Diagnostics of no rule in particular, for tests that are about how they are carried and shown."""

from __future__ import annotations

from reconciler.diagnostics import Diagnostic, Source


def make_problem(source: Source, message: str) -> Diagnostic:
    """Return something to tell, with all its words in one."""
    return Diagnostic("a.rule", source, message)
