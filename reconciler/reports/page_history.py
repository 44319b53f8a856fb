"""Runs of before as a page shows them: a picture of when they were, a table of the same, and what each did. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from reconciler.engine.run_history import PastDifference, PastRun, RecordedStep
from reconciler.model import Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedStep
from reconciler.reports.history import (
    SETTLED_VERDICTS,
    Holders,
    describe_result,
    describe_runner,
    format_moment,
    measure_seconds,
)
from reconciler.reports.page_steps import MAX_PAGE_BLOCKS, PageBlock, build_page_steps
from reconciler.reports.perspective import View
from reconciler.reports.run_report import ReportedStep
from reconciler.reports.timeline import Timeline, build_timeline, find_shape, rank_differences

MAX_PAGE_RUNS = 500
"""Runs in the table."""

MAX_PAGE_DIFFERENCES = 200
"""Differences in the table, the latest ones."""

_WIDTHS = {"wide": 960, "narrow": 340}
"""Pictures of the same, since letters that shrink with a picture can't be read on a phone."""
_TONES = {"ok": "good", "running": "calm"}


class RunRow(NamedTuple):
    """A run in the table; `steps` are what it did, where that was asked for."""

    id: str
    command: str
    outcome: str
    tone: str
    shape: str
    started: str
    seconds: str
    counts: str
    who: str
    origin: str
    targets: str
    steps: Sequence[RecordedBlock]


class RecordedBlock(NamedTuple):
    """A step of a run with what is known of its request, line by line."""

    block: PageBlock
    lines: Sequence[str]


class DifferenceRow(NamedTuple):
    """A difference in the table."""

    name: str
    path: str
    since: str
    until: str
    runs: int


class LegendEntry(NamedTuple):
    """An outcome: its shape, its word, and how many runs ended so."""

    shape: str
    word: str
    number: int


class HistoryPage(NamedTuple):
    """What a page says of runs; `hidden_*` count what the tables leave out."""

    timelines: Sequence[tuple[str, Timeline]]
    legend: Sequence[LegendEntry]
    summary: str
    runs: Sequence[RunRow]
    hidden_runs: int
    differences: Sequence[DifferenceRow]
    hidden_differences: int


def build_history_page(runs: Sequence[PastRun], differences: Sequence[PastDifference], now: datetime) -> HistoryPage:
    """Return both tables and their pictures, which go until now."""
    outcomes = Counter(run.outcome for run in runs)
    holders = {run.id: run.record.holder for run in runs}
    drawn = ((size, build_timeline(runs, differences, now, width)) for size, width in _WIDTHS.items())
    latest = rank_differences(differences)
    return HistoryPage(
        [(size, timeline) for size, timeline in drawn if timeline],
        [LegendEntry(find_shape(word), word, count) for word, count in outcomes.most_common()],
        ", ".join(f"{count:,} {word}" for word, count in outcomes.most_common()),
        list(_list_rows(runs[:MAX_PAGE_RUNS], holders)),
        max(0, len(runs) - MAX_PAGE_RUNS),
        [_make_difference_row(difference) for difference in latest[:MAX_PAGE_DIFFERENCES]],
        max(0, len(latest) - MAX_PAGE_DIFFERENCES),
    )


def _list_rows(runs: Sequence[PastRun], holders: Holders) -> Iterator[RunRow]:
    """Yield the rows; as many steps are shown as a page has room for, those of the first runs."""
    # A run of 100,000 steps is not what somebody opens a page for: `history RUN` has them.
    room = MAX_PAGE_BLOCKS
    for run in runs:
        steps = run.steps[:room]
        room -= len(steps)
        names_target = len(run.targets) > 1
        yield _make_run_row(
            run, [_build_recorded_block(step, holders, step.target if names_target else "") for step in steps]
        )


def _make_run_row(run: PastRun, steps: Sequence[RecordedBlock]) -> RunRow:
    record = run.record
    seconds = measure_seconds(record.started, record.ended) if record.ended else None
    counts = [f"{run.counts[verdict]:,} {verdict.replace('_', ' ')}" for verdict in Verdict if run.counts.get(verdict)]
    origin = [f"commit {record.commit[:10]}" if record.commit else ""]
    origin.append(f"plan {record.plan.removeprefix('sha256:')[:12]}" if record.plan else "")
    return RunRow(
        run.id,
        record.command,
        run.outcome,
        _TONES.get(run.outcome, "bad"),
        find_shape(run.outcome),
        format_moment(record.started),
        "" if seconds is None else f"{seconds:,.1f} s",
        ", ".join(counts) or ("" if run.exit is None else "nothing to send"),
        describe_runner(record.holder),
        ", ".join(filter(None, origin)),
        ", ".join(run.targets),
        steps,
    )


def _build_recorded_block(step: RecordedStep, holders: Holders, target: str) -> RecordedBlock:
    display_step = MaskedStep(step.build_step())  # masked when it was recorded
    outcome = MaskedOutcome(display_step, SETTLED_VERDICTS[step.verdict])
    view = View()
    (block,) = build_page_steps([ReportedStep(display_step, outcome)], view).blocks
    # A record has no request, which elsewhere says that a step is not sent.
    sign = view.find_words(display_step)
    block = replace(block, symbol=sign.symbol, word=sign.word, target=target)
    lines = [f"{step.intent.method} {step.intent.path}, intended {format_moment(step.recorded)}"]
    lines += [step.explain_absence()] if step.body is None else []
    lines += [describe_result(result, holders) for result in step.results] or [
        "no result was recorded: see `reconciler recover`"
    ]
    return RecordedBlock(block, lines)


def _make_difference_row(difference: PastDifference) -> DifferenceRow:
    name = f"{difference.address} {difference.object}".rstrip()
    until = f"cleared {format_moment(difference.cleared)[:16]}" if difference.cleared else "still there"
    return DifferenceRow(
        name, difference.path or "not there", format_moment(difference.first_seen)[:16], until, difference.runs
    )
