"""What is remembered of differences, as a pure function: whatever runs see, in whatever order they record it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.state.drift_memory import DriftSight, merge_sight, sort_news
from reconciler.state.records import DriftItem, DriftRecord

ADDRESSES = ("Kind/a", "Kind/b")
ITEMS = [DriftItem(address, path, value) for address in ADDRESSES for path in ("", "x") for value in "12"]
A, B, OTHER_VALUE = ITEMS[0], ITEMS[2], ITEMS[1]
LEFT_ALONE = A.acknowledge()
ITEMS += [LEFT_ALONE, OTHER_VALUE.acknowledge()]

sights = st.lists(
    st.tuples(st.frozensets(st.sampled_from(ITEMS)), st.frozensets(st.sampled_from(ADDRESSES)), st.integers(0, 3)),
    max_size=6,
)


def look(
    number: int, items: Iterable[DriftItem], compared: Iterable[str] = ADDRESSES, *, started: int | None = None
) -> DriftSight:
    """Return the sight of a run that records at a time, and began to look just before it, or else at `started`."""
    began = f"{10 * number - 1 if started is None else 10 * started:04}"
    return DriftSight(f"run-{number}", frozenset(items), frozenset(compared), began, f"{10 * number:04}")


@settings(max_examples=100)
@given(sights)
def test_a_memory_says_what_was_seen(looks: list[tuple[frozenset[DriftItem], frozenset[str], int]]) -> None:
    """Every difference of a run has one age; nothing is cleared by silence; said again, it is the same news."""
    records: Mapping[DriftItem, DriftRecord] = {}
    for number, (items, compared, earlier) in enumerate(looks, 1):
        sight = look(number, items, compared, started=max(0, number - earlier))
        merged = merge_sight(records, sight)
        news = sort_news(merged.values(), sight)
        told = [record.item for record in (*news.new, *news.changed, *news.known)]
        assert sorted(told, key=ITEMS.index) == sorted(items, key=ITEMS.index)
        fields = {item.field for item in items}
        for item, record in merged.items():
            assert record.first_seen <= record.last_seen
            assert 1 <= record.runs <= number
            if record.cleared_run == sight.run:
                assert item not in items
                assert item.address in compared or item.field in fields
                assert not records[item].cleared
        assert {record.item.address for record in news.cleared} <= compared
        again = merge_sight(merged, sight)
        assert again == merged
        assert sort_news(again.values(), sight) == news
        records = merged


def count_runs(*looks: DriftSight) -> dict[DriftItem, tuple[int, bool]]:
    """Return of each difference in how many runs it was seen, and whether it stands."""
    records: Mapping[DriftItem, DriftRecord] = {}
    for sight in looks:
        records = merge_sight(records, sight)
    return {item: (record.runs, not record.cleared) for item, record in records.items()}


STORIES: dict[str, tuple[list[DriftSight], dict[DriftItem, tuple[int, bool]]]] = {
    "each run counts once": ([look(1, [A]), look(2, [A]), look(2, [A]), look(3, [A])], {A: (3, True)}),
    "a run that did not look does not count": ([look(1, [A]), look(2, [], [])], {A: (1, True)}),
    "a new life counts anew": ([look(1, [A]), look(2, [A]), look(3, []), look(4, [A])], {A: (1, True)}),
    "another value in the place proves that the first is gone, whatever else could not be compared": (
        [look(1, [A]), look(2, [OTHER_VALUE], [])],
        {A: (1, False), OTHER_VALUE: (1, True)},
    ),
    "what was recorded while a run looked is not cleared by it": (
        [look(2, [A]), look(3, [B], started=1)],
        {A: (1, True), B: (1, True)},
    ),
    "the next run clears it": ([look(2, [A]), look(3, [], started=1), look(4, [])], {A: (1, False)}),
    "what was cleared while a run looked is not brought back by it": (
        [look(1, [A]), look(3, []), look(4, [A], started=2)],
        {A: (1, False)},
    ),
    "what is left alone goes on counting": (
        [look(1, [A]), look(2, [LEFT_ALONE])],
        {A: (1, False), LEFT_ALONE: (2, True)},
    ),
    "and so does what no longer is": (
        [look(1, [LEFT_ALONE]), look(2, [A]), look(3, [A])],
        {A: (3, True), LEFT_ALONE: (1, False)},
    ),
    "another value of what is left alone counts anew": (
        [look(1, [OTHER_VALUE]), look(2, [LEFT_ALONE])],
        {OTHER_VALUE: (1, False), LEFT_ALONE: (1, True)},
    ),
    "the next run brings it back": (
        [look(1, [A]), look(3, []), look(4, [A], started=2), look(5, [A])],
        {A: (1, True)},
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_runs_are_counted_and_may_overlap(story: str) -> None:
    looks, expected = STORIES[story]
    assert count_runs(*looks) == expected


def test_one_that_an_overlapping_run_has_cleared_is_no_news() -> None:
    """It was reported before, and whether it is back can't be told yet."""
    records = merge_sight(merge_sight({}, look(1, [A])), look(3, []))
    sight = look(4, [A], started=2)
    news = sort_news(merge_sight(records, sight).values(), sight)
    assert ([record.item for record in news.known], news.new, news.changed, news.cleared) == ([A], (), (), ())


def test_the_end_of_an_acknowledgement_is_news() -> None:
    """Whoever left it alone hears of it again, with the time since which it is there; nothing is cleared meanwhile."""
    records: Mapping[DriftItem, DriftRecord] = {}
    stories = []
    for number, item in enumerate((A, LEFT_ALONE, LEFT_ALONE, A, A), 1):
        sight = look(number, [item])
        records = merge_sight(records, sight)
        news = sort_news(records.values(), sight)
        assert news.changed == news.cleared == ()
        (record,) = (*news.new, *news.known)
        stories.append((bool(news.new), record.first_seen, record.runs))
    assert stories == [(number != 3 and number != 5, "0010", number) for number in range(1, 6)]
