"""Changes that many targets have in common, each told once. Pure.

Two steps are the same where kind, name, action and every field with its two sides are, whatever the target. The one
thing set aside is a target's own project in a value, such as in the URN of a topic: it is exactly known, and differs by
nature.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from reconciler.model import Bound, Json
from reconciler.plans.masking import MaskedStep
from reconciler.reports.alike_steps import build_sharing_key, forget_origins
from reconciler.reports.fleet_matrix import FleetMatrix, is_fleet, judge_step
from reconciler.reports.run_report import ReportedStep, RunReport
from reconciler.rights import RightsChange

PROJECT_PLACEHOLDER = "{project}"
"""What stands in a shared change for the project of each target."""

# An id of Huawei's has 32. Shorter words stand in other texts by chance.
_PROJECT_ID = re.compile(r"[0-9A-Za-z]{16,}")
_MAX_NAMES = 8


class SharedChange(NamedTuple):
    """Steps of several targets that are the same: one as it is told, all of them, and their targets by name.

    `names_project` says that a placeholder stands for each target's own project.
    """

    example: ReportedStep
    members: tuple[ReportedStep, ...]
    targets: tuple[str, ...]
    names_project: bool

    @property
    def objects(self) -> int:
        """How many objects they are about."""
        return sum(member.step.weight for member in self.members)


class FoldedChanges(NamedTuple):
    """Steps of a fleet: what targets share, what went wrong and what most have first, and the others as they came."""

    shared: tuple[SharedChange, ...]
    remaining: tuple[ReportedStep, ...]

    @property
    def is_worse_apart(self) -> bool:
        """True where the worst of what was sent is not shared, so that it is told first."""
        worst = min((judge_step(change.example).rank for change in self.shared), default=0)
        return any(reported.outcome and judge_step(reported).rank < worst for reported in self.remaining)


def fold_changes(steps: Iterable[ReportedStep], bounds: Mapping[str, Bound]) -> FoldedChanges:
    """Return what several targets have in common; no step is lost, and none is told twice."""
    groups: dict[Hashable, list[tuple[ReportedStep, MaskedStep]]] = {}
    keys: list[tuple[Hashable, ReportedStep]] = []
    for reported in steps:
        general = _set_project_aside(reported.step, bounds.get(reported.step.address.target))
        outcome = reported.outcome
        # A detail may hold what a server calls a request: then each is told by itself.
        result = (outcome.verdict, outcome.detail, outcome.verdicts) if outcome else None
        key = (build_sharing_key(general), result)
        groups.setdefault(key, []).append((reported, general))
        keys.append((key, reported))
    shared = {key: group for key, group in groups.items() if len({step.address.target for _, step in group}) > 1}
    changes = [_build_shared_change(group) for group in shared.values()]
    remaining = tuple(reported for key, reported in keys if key not in shared)
    return FoldedChanges(tuple(sorted(changes, key=_build_rank)), remaining)


def fold_rights(report: RunReport) -> Sequence[RightsChange]:
    """Return who gains and loses rights, the greatest changes first; in a fleet one that several targets make alike is
    one, with how many these are in the place of the target's name.
    """
    if not is_fleet(report):
        return report.plan.rights
    # Ids in a permission are each server's own, so that some of what is meant alike stays apart: nobody guesses them.
    # The order is by how much is gained, and the first of a group stands where it stood.
    groups: dict[RightsChange, list[RightsChange]] = {}
    for change in report.plan.rights:
        groups.setdefault(change._replace(target=""), []).append(change)
    return [
        general._replace(target=f"{len(group):,} targets") if len(group) > 1 else group[0]
        for general, group in groups.items()
    ]


def _build_shared_change(group: list[tuple[ReportedStep, MaskedStep]]) -> SharedChange:
    group.sort(key=lambda member: (member[1].address, member[1].object))
    first, general = group[0]
    targets = dict.fromkeys(general.address.target for _, general in group)
    names_project = general is not first.step
    # Where different lines decided it, to name one of them would be true of some targets only.
    if len({tuple(change.origin for change in member.changes) for _, member in group}) > 1:
        general = forget_origins(general)
    return SharedChange(
        first._replace(step=general), tuple(reported for reported, _ in group), tuple(targets), names_project
    )


def _build_rank(change: SharedChange) -> tuple[int, int, int, str, str, str]:
    step = change.example.step
    address = step.address
    # Names alone leave two changes of one object in the order in which they came.
    text = json.dumps([step.action, step.refusal, step.changes, change.targets], sort_keys=True, default=str)
    return judge_step(change.example).rank, -len(change.targets), -step.risk.rank, address.kind, address.name, text


def _set_project_aside(step: MaskedStep, bound: Bound | None) -> MaskedStep:
    """Return the step with a placeholder for the target's own project, where that is known and in a value."""
    project = bound.project if bound else ""
    if not _PROJECT_ID.fullmatch(project):
        return step
    sides = [side for change in step.changes for side in (change.before, change.after)]
    text = json.dumps(sides, default=str)
    if project not in text or PROJECT_PLACEHOLDER in text:
        return step
    changes = tuple(
        change._replace(before=_replace_text(change.before, project), after=_replace_text(change.after, project))
        for change in step.changes
    )
    return MaskedStep(replace(step, changes=changes, request=step.request))


def _replace_text(value: Json, project: str) -> Json:
    text = json.dumps(value, default=str)
    # Letters and digits are the same in JSON as outside of it.
    replaced: Json = json.loads(text.replace(project, PROJECT_PLACEHOLDER)) if project in text else value
    return replaced


def count_sharing(change: SharedChange, matrix: FleetMatrix) -> str:
    """Say in how many targets it is the same."""
    number, total = len(change.targets), len(matrix.rows)
    objects = f", {change.objects:,} objects" if change.objects != number else ""
    return f"the same in {f'all {total:,}' if number == total else f'{number:,} of {total:,}'} targets{objects}"


def list_sharing(
    change: SharedChange, matrix: FleetMatrix, limit: int = _MAX_NAMES, quote: Callable[[str], str] = str
) -> str:
    """Name the targets that have a change or, where these are fewer, those that don't; "" where all have it."""
    names = set(change.targets)
    missing = sorted(row.target for row in matrix.rows if row.target not in names)
    if not missing:
        return ""
    if len(missing) >= len(names):
        return f"in {join_targets(change.targets, limit, quote)}"
    unread = len(matrix.unread_targets.intersection(missing))
    doubt = f" ({unread:,} of these not read whole)" if unread else ""
    return f"not in {join_targets(missing, limit, quote)}{doubt}"


def join_targets(names: Sequence[str], limit: int = _MAX_NAMES, quote: Callable[[str], str] = str) -> str:
    """Name the first of these targets, and say how many more there are."""
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return f"{', '.join(map(quote, names[:limit]))}{more}"


def describe_ages(change: SharedChange) -> str:
    """Say how many of the steps are news beside earlier runs; "" where nothing is remembered."""
    ages = [member.drift.step for member in change.members if member.drift]
    counts = Counter(age.status.value for age in ages)
    since = min((age.since[:10] for age in ages), default="")
    parts = [f"{number:,} {status}" for status, number in sorted(counts.items())]
    return f"{', '.join(parts)}; the oldest since {since}" if parts else ""
