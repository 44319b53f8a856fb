"""Why reports can't be told as one run: all there is to say, with the names of their files. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.manifests.selection import format_filters, parse_filters
from reconciler.reports.run_report import RunReport

NamedReport = tuple[str, RunReport]
"""A report with the name of its file."""

_MAX_SHOWN = 80


def list_merge_obstacles(reports: Sequence[NamedReport]) -> list[Diagnostic]:
    """Return what keeps reports from being parts of one run; nothing where they are."""
    return [*_list_differences(reports), *_list_shared_targets(reports)]


def list_report_targets(report: RunReport) -> frozenset[str]:
    """Return the targets that a report is about, whether they answered or not."""
    plan = report.plan
    documents = {document.address.target for document in plan.documents if document.is_selected}
    lost = [target.name for target in report.fleet.lost] if report.fleet else []
    return frozenset({*plan.targets, *documents, *lost})


def _strip_targets(report: RunReport) -> str:
    """Return the selection of a report but for its targets: these are what parts of a run differ in."""
    return format_filters(parse_filters(report.plan.selection)._replace(target=()))


def _describe_base(report: RunReport) -> str:
    base = report.members.get("base")
    return f"{base['revision']} ({base['commit']})" if base else ""


def _list_fleet(report: RunReport) -> str:
    fleet = report.fleet
    return ", ".join(fleet.targets) if fleet and fleet.shard else ""


_TRAITS: Mapping[str, Callable[[RunReport], str]] = {
    "command": lambda report: report.command,
    "version of the tool": lambda report: report.tool,
}
_PLAN_TRAITS: Mapping[str, Callable[[RunReport], str]] = {
    "selection": _strip_targets,
    "revision of --base": _describe_base,
    # Fleets that are whole, such as those of two zones, may be told together; shards are of one fleet.
    "fleet of the shard": _list_fleet,
    "number of shards": lambda report: report.fleet.shard.rpartition("/")[2] if report.fleet else "",
}
"""What is only known of a run that came as far as a plan."""


def _list_differences(reports: Sequence[NamedReport]) -> Iterator[Diagnostic]:
    """Yield, for each trait, each report that has another one than the first."""
    planned = [(name, report) for name, report in reports if report.has_plan]
    for traits, group in ((_TRAITS, reports), (_PLAN_TRAITS, planned)):
        for trait, read_trait in traits.items():
            yield from _compare_trait(trait, [(name, read_trait(report)) for name, report in group])
    # Each environment has layers of its own, such as those of two zones; what tells of several has no digest.
    digests: dict[str, list[tuple[str, str]]] = {}
    for name, report in planned:
        if report.plan.manifests:
            environment = report.members.get("environment", "")
            digests.setdefault(environment, []).append((name, report.plan.manifests))
    for values in digests.values():
        yield from _compare_trait("digest of the manifests", values)


def _compare_trait(trait: str, values: Sequence[tuple[str, str]]) -> Iterator[Diagnostic]:
    for name, value in values[1:]:
        first_name, first = values[0]
        if value != first:
            summary = f"the {trait} is {_quote(value)}, and {_quote(first)} in {first_name}"
            yield _explain_difference(summary).locate(Source(name))


def _explain_difference(summary: str) -> Explanation:
    reason = "only parts of one run can be told as one"
    return Explanation("merge.different-runs", summary, reason, "merge the reports of one commit and one command line")


def _list_shared_targets(reports: Sequence[NamedReport]) -> Iterator[Diagnostic]:
    """Yield each report that is about a target of an earlier one."""
    owners: dict[str, str] = {}
    for name, report in reports:
        shared: dict[str, list[str]] = {}
        for target in sorted(list_report_targets(report)):
            if target in owners:
                shared.setdefault(owners[target], []).append(target)
            owners.setdefault(target, name)
        for other, targets in shared.items():
            summary = f"is about {_quote(', '.join(targets))}, and so is {other}"
            reason, remedy = "what is found on a target would be told twice", "give one report for each target"
            yield Diagnostic("merge.same-target", Source(name), summary, reason, remedy)


def _quote(text: str) -> str:
    excerpt = f"{text[:_MAX_SHOWN]}..." if len(text) > _MAX_SHOWN else text
    return f'"{excerpt}"' if excerpt else "none"
