"""Orphans and dead ends as a page shows them: a picture of what ends when, and a table for each finding. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.plans.posture import Posture, PostureFinding, Urgency
from reconciler.reports.expiry_plot import ExpiryPlot, build_expiry_plot
from reconciler.reports.page_steps import Mark
from reconciler.reports.posture import format_posture_fact

MAX_PAGE_ITEMS = 100
"""Objects of a finding that a page shows."""
_TONES = {Urgency.HIGH: "bad", Urgency.MEDIUM: "wary", Urgency.LOW: "calm"}


class FindingSection(NamedTuple):
    """A finding: its words, and a table whose rows have one cell for each heading; `hidden` is what it leaves out."""

    mark: Mark
    summary: str
    target: str
    rule: str
    reason: str
    remedy: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    hidden: int


class PosturePage(NamedTuple):
    """What the page has beside its headline: pictures by target, findings, and what could not be judged."""

    plots: Sequence[ExpiryPlot]
    findings: Sequence[FindingSection]
    unjudged: Sequence[tuple[str, Sequence[str]]]


def build_posture_page(posture: Posture) -> PosturePage:
    """Return what was found; where there are several targets each finding names its own."""
    plots = (
        build_expiry_plot(reading.target, posture.days, reading.expiries)
        for reading in posture.readings
        if reading.expiries
    )
    names_targets = len(posture.readings) > 1
    return PosturePage(
        [plot for plot in plots if plot],
        [_build_section(finding, names_target=names_targets) for finding in posture.findings],
        [(reading.target, [rule.id for rule in reading.unjudged]) for reading in posture.readings if reading.unjudged],
    )


def count_urgencies(posture: Posture) -> list[tuple[int, str, str]]:
    """Return (number, label, tone) of the findings of each urgency."""
    return [(posture.count_findings(urgency), f"of {urgency} urgency", _TONES[urgency]) for urgency in Urgency]


def _build_section(finding: PostureFinding, *, names_target: bool) -> FindingSection:
    rule, items = finding.rule, finding.items[:MAX_PAGE_ITEMS]
    # A secret event goes by its name alone.
    has_ids = any(item.id for item in items)
    headings = ["name", *(["id"] if has_ids else []), *(items[0].facts if items else ())]
    rows = [
        [item.name or "(none)", *([item.id] if has_ids else []), *map(format_posture_fact, item.facts.values())]
        for item in items
    ]
    return FindingSection(
        Mark(rule.urgency.value, _TONES[rule.urgency]),
        finding.summary,
        finding.target if names_target else "",
        rule.id,
        rule.reason,
        rule.remedy,
        headings,
        rows,
        finding.total - sum(item.weight for item in items),
    )
