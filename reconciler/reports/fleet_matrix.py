"""What became of each target of a fleet, kind by kind: rows are targets, the worst first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Address, Diagnostic
from reconciler.errors import Exit
from reconciler.model import Bound, Obstacle, Verdict
from reconciler.plans.summary import count_by_verdict
from reconciler.reports.run_report import ReportedStep, RunReport


class CellState(StrEnum):
    """What there is to say of objects on a target, the worst first."""

    UNKNOWN = "unknown"
    NOT_APPLIED = "not applied"
    STALE = "stale"
    NOT_REACHED = "not reached"
    LOST = "no answer"
    UNREAD = "unread"
    REFUSED = "refused"
    CHANGES = "changes"
    ABSENT = "not there"
    ACKNOWLEDGED = "acknowledged"
    APPLIED = "applied"
    IN_SYNC = "in sync"
    UNDECLARED = "not declared"

    @property
    def rank(self) -> int:
        """0 for the worst: for `min`."""
        # A StrEnum compares as text.
        return _RANKS[self]


_RANKS = {state: rank for rank, state in enumerate(CellState)}
QUIET_STATES = frozenset({CellState.APPLIED, CellState.IN_SYNC, CellState.UNDECLARED})
"""The states of targets of which nobody has to read more than how many there are."""
_VERDICT_STATES = {
    Verdict.APPLIED: CellState.APPLIED,
    Verdict.UNCHANGED: CellState.IN_SYNC,
    Verdict.NOT_APPLIED: CellState.NOT_APPLIED,
    Verdict.STALE: CellState.STALE,
    Verdict.UNKNOWN: CellState.UNKNOWN,
    Verdict.NOT_REACHED: CellState.NOT_REACHED,
}


class FleetCell(NamedTuple):
    """Objects of a kind on a target by state, the worst first; none of the counts is 0.

    An empty one stands for a kind of which nothing is declared there.
    """

    counts: Mapping[CellState, int]

    @property
    def state(self) -> CellState:
        """The worst."""
        return next(iter(self.counts), CellState.UNDECLARED)


class FleetRow(NamedTuple):
    """A target with a cell for each kind of the matrix, and the worst there is to say of it.

    `problems` are what is wrong with the target as a whole, or with what can't be told a kind of.
    """

    target: str
    state: CellState
    cells: tuple[FleetCell, ...]
    problems: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class FleetMatrix:
    """A row for each target, the worst first and among equals by name; `kinds` are in the order of the registry.

    `shard` is which part of the fleet the run was about, "" for all of it. `unplaced` are problems of no target.
    """

    command: str
    kinds: tuple[str, ...]
    rows: tuple[FleetRow, ...]
    shard: str = ""
    unplaced: tuple[Diagnostic, ...] = ()

    @property
    def counts(self) -> Mapping[CellState, int]:
        """How many targets are in each state, the worst first."""
        return _sort_counts(Counter(row.state for row in self.rows))

    @property
    def loud_rows(self) -> tuple[FleetRow, ...]:
        """The rows that somebody should read."""
        return tuple(row for row in self.rows if row.state not in QUIET_STATES)

    @property
    def quiet_groups(self) -> Mapping[CellState, tuple[str, ...]]:
        """The other targets by state."""
        groups: dict[CellState, list[str]] = {}
        for row in self.rows:
            if row.state in QUIET_STATES:
                groups.setdefault(row.state, []).append(row.target)
        return {state: tuple(names) for state, names in groups.items()}

    @property
    def unread_targets(self) -> frozenset[str]:
        """The targets of which not all is known."""
        return frozenset(row.target for row in self.rows if row.state in {CellState.LOST, CellState.UNREAD})


class _Findings(NamedTuple):
    """What is known of cells and of whole targets, as it is gathered."""

    cells: dict[tuple[str, str], Counter[CellState]]
    problems: dict[str, list[tuple[CellState, Diagnostic]]]
    unplaced: list[Diagnostic]

    @property
    def answered(self) -> frozenset[str]:
        """The targets of which anything was compared or sent."""
        return frozenset(target for (target, _), counts in self.cells.items() if set(counts) - {CellState.UNREAD})

    def add(self, address: Address, state: CellState, number: int) -> None:
        self.cells.setdefault((address.target, address.kind), Counter())[state] += number


def is_fleet(report: RunReport) -> bool:
    """Say whether a report is to be told as that of a fleet."""
    return report.fleet is not None


def list_bounds(report: RunReport) -> dict[str, Bound]:
    """Return what each target is bound to, those that gave no answer among them: with nothing."""
    return {**dict.fromkeys(_list_targets(report), Bound("", "")), **report.plan.targets}


def build_fleet_matrix(report: RunReport) -> FleetMatrix:
    """Return what a report says of each target; those that nothing is known of but their name have a row as well."""
    findings = _Findings({}, {}, [])
    lost = _find_lost(report)
    _count_steps(report, findings)
    _count_documents(report, findings, lost)
    targets = dict.fromkeys((*_list_targets(report), *(name for name, _ in findings.cells)))
    _place_problems(report, findings, frozenset(targets))
    kinds = tuple(sorted({kind for _, kind in findings.cells}))
    rows = [_build_row(target, kinds, findings, lost) for target in targets]
    rows.sort(key=lambda row: (row.state.rank, row.target))
    shard = report.fleet.shard if report.fleet else ""
    return FleetMatrix(report.command, kinds, tuple(rows), shard, tuple(findings.unplaced))


def _list_targets(report: RunReport) -> list[str]:
    """Return the targets that a run was about: of a shard those that it has a word of, else all of the fleet."""
    names = report.fleet.targets if report.fleet and not report.fleet.shard else ()
    return list(dict.fromkeys((*names, *_find_lost(report), *report.plan.targets)))


def _find_lost(report: RunReport) -> dict[str, Diagnostic | None]:
    """Return the targets without an answer, each with the reason where that is known."""
    if report.fleet is None:
        return {}
    # Silence is no answer, whether anybody noticed it or not.
    names = () if report.fleet.shard else report.fleet.targets
    silent = dict.fromkeys(name for name in names if name not in report.plan.targets)
    return {**silent, **dict(report.fleet.lost)}


def judge_step(reported: ReportedStep) -> CellState:
    """Return the worst that there is to say of a step."""
    return min(_count_objects(reported), key=lambda state: state.rank)


def _count_steps(report: RunReport, findings: _Findings) -> None:
    """Count the objects of each step, of what is left alone, and of what is only told to be missing."""
    stepped = set()
    for reported in report.steps:
        stepped.add((reported.step.address, reported.step.object))
        for state, number in _count_objects(reported).items():
            findings.add(reported.step.address, state, number)
    # As in the summary: an object that is left alone in part is counted by its step.
    left_alone = {(step.address, step.object): step.weight for step in report.plan.acknowledged}
    for (address, object_name), weight in left_alone.items():
        if (address, object_name) not in stepped:
            findings.add(address, CellState.ACKNOWLEDGED, weight)
    for absence in report.plan.absences:
        if absence.address:
            findings.add(absence.address, CellState.ABSENT, 1)


def _count_objects(reported: ReportedStep) -> dict[CellState, int]:
    step, outcome, _ = reported
    if step.deferral:
        return {CellState.ACKNOWLEDGED: step.weight}
    if outcome:
        counts = count_by_verdict([outcome])
        return {_VERDICT_STATES[verdict]: number for verdict, number in counts.items() if number}
    if step.request:
        return {CellState.CHANGES: step.weight}
    state = CellState.ABSENT if step.obstacle is Obstacle.ABSENT else CellState.REFUSED
    return {state: step.weight}


def _count_documents(report: RunReport, findings: _Findings, lost: Collection[str]) -> None:
    """Count what was compared and needs nothing, and what was not compared: held back, or not read."""
    held_back = {problem.address for problem in report.plan.problems}
    # What is told of steps was compared; what is missing comes on top of it.
    differing = {key: sum(counts.values()) for key, counts in findings.cells.items()}
    # A saved plan has no documents: then nothing is called in sync.
    compared: Counter[tuple[str, str]] = Counter()
    for document in report.plan.documents:
        address = document.address
        compared[address.target, address.kind] += document.objects
        if missing := _count_missing(document):
            is_held_back = address in held_back and address.target not in lost
            findings.add(address, CellState.REFUSED if is_held_back else CellState.UNREAD, missing)
    for key, number in compared.items():
        if (in_sync := number - differing.get(key, 0)) > 0:
            findings.cells.setdefault(key, Counter())[CellState.IN_SYNC] += in_sync


def _count_missing(document: DocumentCoverage) -> int:
    return max(0, document.of - document.objects) if document.is_selected else 0


def _place_problems(report: RunReport, findings: _Findings, targets: frozenset[str]) -> None:
    """Give each problem to its target: no cell is better than what keeps the target from being right."""
    gaps = [gap.problem for gap in report.plan.gaps]
    answered = findings.answered
    silent = frozenset(gap.problem for gap in report.plan.gaps if gap.cause is Exit.UNREACHABLE)
    # Two that read the same are equal, whichever targets they are of: a line of a manifest is wrong for many.
    problems = {
        (find_target(problem, targets), problem) for problem in (*report.problems, *report.plan.problems, *gaps)
    }
    unread = frozenset(gaps)
    for target, problem in sorted(problems):
        if target:
            state = CellState.UNREAD if problem in unread else CellState.REFUSED
            state = CellState.LOST if problem in silent and target not in answered else state
            findings.problems.setdefault(target, []).append((state, problem))
        else:
            findings.unplaced.append(problem)


def find_target(problem: Diagnostic, targets: Collection[str]) -> str:
    """Return the target that a problem is of, "" if that can't be told."""
    if problem.address and problem.address.target in targets:
        return problem.address.target
    return problem.source.file.partition(" ")[0] if is_request_of(problem, targets) else ""


def is_request_of(problem: Diagnostic, targets: Collection[str]) -> bool:
    """Say whether the source of a problem is a request to one of these targets: its first word is the target."""
    # `TARGET METHOD URL`, as the clients of the APIs say it (apis.client).
    return not problem.source.line and problem.source.file.partition(" ")[0] in targets


def _build_row(
    target: str, kinds: Iterable[str], findings: _Findings, lost: Mapping[str, Diagnostic | None]
) -> FleetRow:
    problems, is_lost = findings.problems.get(target, []), target in lost
    reason = lost.get(target)
    cells = tuple(_build_cell(findings.cells.get((target, kind), {}), is_lost=is_lost) for kind in kinds)
    states = [cell.state for cell in cells] + [state for state, _ in problems]
    states += [CellState.LOST] if is_lost else []
    reasons = (*([reason] if reason else []), *(problem for _, problem in problems if problem != reason))
    state = min(states, key=lambda state: state.rank, default=CellState.UNDECLARED)
    return FleetRow(target, state, cells, reasons)


def _build_cell(counts: Mapping[CellState, int], *, is_lost: bool) -> FleetCell:
    # Of a target without an answer nobody knows that nothing is declared there, or that nothing differs.
    return FleetCell(_sort_counts(counts) or ({CellState.UNREAD: 0} if is_lost else {}))


def _sort_counts(counts: Mapping[CellState, int]) -> dict[CellState, int]:
    return {state: counts[state] for state in sorted(counts, key=lambda state: state.rank) if counts[state]}
