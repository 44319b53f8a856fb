"""Policies as text: which there are, and what came of trying them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.reports.layout import Layout, build_line, format_count, render_parts
from reconciler.reports.problems import render_problems


class PolicyRow(NamedTuple):
    """A policy as it is listed."""

    name: str
    level: str
    over: str
    message: str
    source: str


def render_policies(rows: Iterable[PolicyRow], layout: Layout) -> str:
    """Return one line a policy."""
    # A line each and no table: a message is a sentence.
    lines = [
        build_line((row.name, "bold"), f" ({row.level}, over each {row.over}): {row.message}", hang=4) for row in rows
    ]
    return render_parts(lines or [build_line("There is no policy.")], layout)


def render_trial(
    problems: Sequence[Diagnostic], policies: int, cases: int, layout: Layout, lines: Mapping[Source, str]
) -> str:
    """Return every case that came out otherwise than it says, and the count."""
    counts = f"{format_count(cases, 'case')} of {policies:,} {'policy' if policies == 1 else 'policies'}"
    verdict = f"{format_count(len(problems), 'problem')} in {counts}." if problems else f"As expected: {counts}."
    return render_problems(problems, layout, lines) + render_parts([build_line((verdict, "bold"))], layout)
