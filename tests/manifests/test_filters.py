"""A selection as text: what a saved plan says that it is about can be read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifests.selection import Selection, format_filters, parse_filters

WORDS = st.lists(st.text(max_size=8), max_size=3).map(tuple)


@given(st.builds(Selection, WORDS, WORDS, WORDS, WORDS))
def test_a_selection_comes_back_equal(selection: Selection) -> None:
    """Blanks, quotes and dashes included."""
    assert parse_filters(format_filters(selection)) == selection


@pytest.mark.parametrize("text", ["--only", "--yes x", "x", "--only 'x", "--only a b"])
def test_other_text_is_no_selection(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_filters(text)
