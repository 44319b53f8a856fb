"""Whatever order keys come in, one that comes twice is told."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.apis.seen_keys import SeenKeys

KEYS = st.integers(1, 12) | st.sampled_from([-(2**64), 2**63, "a", "b"])
PAGES = st.lists(st.lists(KEYS, max_size=4) | st.lists(st.integers(1, 12), max_size=4).map(sorted), max_size=5)


@settings(max_examples=80, deadline=None)
@given(PAGES)
def test_a_page_is_added_where_all_its_keys_are_new(pages: list[list[int | str]]) -> None:
    """Each page is judged as a set of all keys would judge it, and none but those that were added are kept."""
    seen, expected = SeenKeys(), list[int | str]()
    for page in pages:
        is_new = len({*expected, *page}) == len(expected) + len(page)
        assert seen.add(page) == is_new
        expected += page if is_new else []
    assert list(seen) == expected
