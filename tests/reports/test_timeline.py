"""The picture of a history: everything that has a time has its place in it, and nothing lies outside."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import Exit
from reconciler.reports.timeline import build_timeline, find_shape, rank_differences
from tests.support.html_samples import CONTEXT, DIFFERENCES, RUNS, make_run

NOW = CONTEXT.moment
HOSTILE_TIMES = [
    "",
    "2026-11-28",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "\x1b[2J",
    "1970-01-01T00:00Z",
]
TIMES = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | st.sampled_from(HOSTILE_TIMES)


@settings(max_examples=30)
@given(starts=st.lists(TIMES, max_size=12), spans=st.lists(st.tuples(TIMES, TIMES, TIMES), max_size=6))
def test_nothing_lies_outside(starts: list[str], spans: list[tuple[str, str, str]]) -> None:
    """Whatever a store holds as times."""
    runs = [replace(RUNS[0], record=replace(RUNS[0].record, started=start)) for start in starts]
    differences = [
        DIFFERENCES[0]._replace(first_seen=first, last_seen=last, cleared=cleared) for first, last, cleared in spans
    ]
    for width in (340, 960):
        timeline = build_timeline(runs, differences, NOW, width)
        if timeline is None:
            continue
        assert all(0 <= mark.x <= width and 0 < mark.y < timeline.axis for mark in timeline.marks)
        assert all(bar.x >= 0 and bar.x + bar.width <= width and bar.y < timeline.height for bar in timeline.bars)
        assert all(0 <= tick.x <= width for tick in timeline.ticks)
        assert len(timeline.marks) + timeline.hidden <= len(runs)


def test_runs_of_one_moment_stand_on_each_other() -> None:
    """As many as there is room for; the others are counted."""
    timeline = build_timeline([make_run(28, Exit.OK)] * 9, [], NOW, 340)
    assert timeline is not None
    assert (len({mark.x for mark in timeline.marks}), len({mark.y for mark in timeline.marks})) == (1, 6)
    assert timeline.hidden == 3


def test_what_is_still_there_goes_on_to_the_edge() -> None:
    """And what was cleared ends where it was; those that are there come first where there are too many."""
    timeline = build_timeline(RUNS, DIFFERENCES, NOW, 960)
    assert timeline is not None
    gone, there = timeline.bars
    assert there.is_open
    assert there.x + there.width == timeline.ticks[-1].x > gone.x + gone.width
    later = DIFFERENCES[0]._replace(last_seen="2026-11-28T01:00:00Z", cleared="2026-11-28T02:00:00Z")
    assert rank_differences([*DIFFERENCES, later]) == [DIFFERENCES[1], later, DIFFERENCES[0]]
    assert build_timeline([], [], NOW, 960) is None


def test_an_outcome_has_a_shape_of_its_own() -> None:
    """But for those that hardly reach a store, which share one."""
    shapes = [find_shape(run.outcome) for run in RUNS]
    assert len(set(shapes)) == len(shapes)
