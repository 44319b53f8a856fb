"""What has to be mended or is only told in a fleet: once for all targets where it reads the same. Pure."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Source, sort_diagnostics
from reconciler.reports.fleet_matrix import find_target, is_fleet, is_request_of, list_bounds
from reconciler.reports.fleet_sharing import join_targets
from reconciler.reports.layout import format_count
from reconciler.reports.run_report import RunReport


class JoinedDiagnostic(NamedTuple):
    """Something as it is told, and what it stands for: the same of several targets, or what it is."""

    diagnostic: Diagnostic
    members: tuple[Diagnostic, ...]


def fold_diagnostics(report: RunReport, diagnostics: Iterable[Diagnostic]) -> Sequence[Diagnostic]:
    """Return what is told beside a report; in a fleet what reads alike of several targets is one thing."""
    diagnostics = tuple(diagnostics)
    return [joined.diagnostic for joined in join_diagnostics(report, diagnostics)] if is_fleet(report) else diagnostics


def fold_notes(report: RunReport) -> Sequence[Diagnostic]:
    """Return what is only told, each thing once."""
    if not is_fleet(report):
        return report.other_notes
    return fold_diagnostics(report, sort_diagnostics((*report.plan.notes, *report.notes)))


def join_diagnostics(report: RunReport, diagnostics: Iterable[Diagnostic]) -> list[JoinedDiagnostic]:
    """Return the same with what each stands for."""
    names, groups = frozenset(list_bounds(report)), dict[Hashable, list[Diagnostic]]()
    for diagnostic in diagnostics:
        groups.setdefault(_build_key(diagnostic, names), []).append(diagnostic)
    return [joined for group in groups.values() for joined in _join_group(group, names)]


def _build_key(diagnostic: Diagnostic, names: Collection[str]) -> Hashable:
    """Return what equals that of another target's that is mended together with it."""
    document = diagnostic.address[1:] if diagnostic.address else ()
    # A request names its target in its source; a line of a manifest is the same one for all.
    source = None if is_request_of(diagnostic, names) else diagnostic.source
    return source, diagnostic.rule, diagnostic.message, diagnostic.severity, document, diagnostic.object_name


def _join_group(group: list[Diagnostic], names: Collection[str]) -> list[JoinedDiagnostic]:
    targets = sorted({find_target(diagnostic, names) for diagnostic in group})
    # Two lists of one target that fail alike have each their own address to look at.
    if len(targets) < 2:
        return [JoinedDiagnostic(diagnostic, (diagnostic,)) for diagnostic in group]
    first, count = group[0], f"{format_count(len(targets), 'target')} ({join_targets(targets)})"
    # Of hundreds of addresses none is the one to go to: the words name the targets.
    joined = replace(first, summary=f"{first.summary}, for {count}", address=None)
    if is_request_of(first, names):
        joined = replace(first, source=Source(f"{count}, such as {first.source}"), address=None)
    return [JoinedDiagnostic(joined, tuple(group))]
