"""Columns of certificates say what rows, an object each, say."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.payloads.certificate_table import CertificateRow, CertificateTable, RowsByKey, format_id_key
from reconciler.reader import ColumnRows, split_columns

TEXTS = st.sampled_from(["", "a", "b"])
RAW_ROWS = st.lists(
    st.tuples(
        st.integers(1, 5) | st.just(2**70),
        st.sampled_from(["AA", "aa", "BB", "", None]),
        st.sampled_from([None, 0, 1, 2, 300]),
        TEXTS | st.none(),
        TEXTS | st.none(),
        st.none() | st.sampled_from(["2027-01-31", True, 1]),
        st.sampled_from([None, 1, 2, True, 1.0]),
        st.none() | st.just([{"Type": 2, "Value": "c"}]),
    ),
    max_size=4,
)
KEYS = ("AA", "BB", "CC", format_id_key(1), format_id_key(9))


def build_row(raw: tuple[Any, ...]) -> CertificateRow:
    """Build a row the obvious way."""
    number, thumbprint, owner_id, owner, common_name, not_after, state, elements = raw
    kept_elements = None if common_name else elements
    return CertificateRow(
        number, thumbprint or "", owner_id or None, owner or None, common_name, not_after, state, kept_elements
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(RAW_ROWS, max_size=3), st.sets(st.sampled_from(KEYS)))
def test_a_table_and_its_keys_say_what_rows_say(pages: list[list[Any]], keys: set[str]) -> None:
    """Rows, their types, what owners are compared by, and the rows of each key; one that comes twice counts once."""
    table = CertificateTable()
    rows_by_key = RowsByKey(table, sorted(keys))
    rows: list[CertificateRow] = []
    expected: dict[str, list[CertificateRow]] = defaultdict(list)
    for page in pages:
        start = len(table)
        columns = split_columns(page, 8)
        assert split_columns(ColumnRows(columns), 8) is columns
        table.add_page(columns)
        rows_by_key.find_in(start)
        rows += map(build_row, page)
    for row in rows:
        for key in {row.thumbprint.upper(), format_id_key(row.id)} & keys:
            if all(other.id != row.id for other in expected[key]):
                expected[key].append(row)

    assert repr(list(table)) == repr(rows) == repr([table[index] for index in range(len(table))])
    assert table.marks == [row.mark for row in rows]
    assert dict(rows_by_key) == expected
    assert rows_by_key.list_missing() == sorted(keys - expected.keys())
    assert rows_by_key.list_ids(KEYS) == [row.id for key in KEYS for row in expected.get(key, ())]


def test_column_rows_are_rows() -> None:
    rows = ColumnRows([[1, 2, 3], ["a", "b", "c"]])
    assert list(rows) == [(1, "a"), (2, "b"), (3, "c")] == [rows[index] for index in range(len(rows))]
    assert list(rows[1:]) == [(2, "b"), (3, "c")]
