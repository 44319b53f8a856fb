"""Since when a field can have been changed, by what earlier runs saw."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.plans.trail_windows import find_window
from reconciler.state.records import DriftItem, DriftRecord

NOW = datetime(2026, 3, 20, tzinfo=UTC)
ITEM = DriftItem("SecurityRole/a", "description", "found")
OTHER_VALUE, OTHER_FIELD = ITEM._replace(value="another"), ITEM._replace(path="permissions")
OTHER_OBJECT, OTHER_DOCUMENT = ITEM._replace(object="x"), ITEM._replace(address="SecurityRole/b")


def seen(item: DriftItem, first: int, last: int, cleared: int = 0) -> DriftRecord:
    """Return a record by days of the month."""
    moments = [f"2026-03-{day:02}T00:00:00Z" if day else "" for day in (first, last, cleared)]
    return DriftRecord(item, "r1", moments[0], "r2", moments[1], 2, moments[2], "r3" if cleared else "")


CASES = {
    "nobody looked before": ((), 13, 20),
    "it was there at the last run": ((seen(ITEM, 18, 19),), 11, 18),
    "it was there, and another field before it": ((seen(ITEM, 18, 19), seen(OTHER_FIELD, 16, 17)), 17, 18),
    "it was seen to be gone, and is back": ((seen(ITEM, 10, 14, cleared=15),), 15, 20),
    "another field of the object was seen, and not this one": ((seen(OTHER_FIELD, 10, 16),), 16, 20),
    "another value of the field was there": ((seen(OTHER_VALUE, 10, 16),), 13, 20),
    "another value was there until it was put right": ((seen(OTHER_VALUE, 10, 16, cleared=17),), 17, 20),
    "another object of the document": ((seen(OTHER_OBJECT, 10, 16),), 13, 20),
    "another document": ((seen(OTHER_DOCUMENT, 10, 16),), 13, 20),
    "all that is long ago": ((seen(OTHER_FIELD, 1, 2),), 13, 20),
}


@pytest.mark.parametrize(("records", "begin", "end"), CASES.values(), ids=CASES.keys())
def test_a_window_begins_with_the_last_run_that_saw_it_in_sync(
    records: tuple[DriftRecord, ...], begin: int, end: int
) -> None:
    """Else seven days before it was first seen to differ."""
    window = find_window(ITEM, records, NOW)

    assert (window.begin.day, window.end.day) == (begin, end)


def test_what_is_no_difference_has_a_window_all_the_same() -> None:
    """Such as the comment of a denial."""
    assert find_window(None, (seen(ITEM, 1, 19),), NOW).end == NOW
