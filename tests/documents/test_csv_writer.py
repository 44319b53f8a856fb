"""Tables that are written are read back, and a spreadsheet runs nothing in them."""

from __future__ import annotations

import csv

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.documents.characters import decode_text
from reconciler.documents.csv_tables import parse_table
from reconciler.documents.csv_writer import format_note_cell, format_table, has_formula, is_plain_cell

TEXTS = st.one_of(
    st.text(min_size=1, max_size=10),
    st.text(st.sampled_from("=+-@\t\r\n,;\"' ab\u202e＝"), min_size=1, max_size=6),
    st.sampled_from(["x" * 5000, "\U00013441", "\u180e"]),
)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_what_is_written_is_read_back(rows: list[tuple[str, str]]) -> None:
    """Each cell that is read as it was, and a column of notes that disturbs nothing."""
    rows = [(owner, note) for owner, note in rows if is_plain_cell(owner)]
    assume(rows)
    text = format_table(("owner", "name"), [(owner, format_note_cell(note)) for owner, note in rows])

    assert decode_text(text.encode(), "x.csv") == (text, [])
    table, problems = parse_table(text, "x.csv", ["owner"], extra_columns=["name"])

    assert problems == []
    assert table is not None
    assert table.columns["owner"] == [owner for owner, _ in rows]


@given(TEXTS)
def test_no_cell_is_a_formula(text: str) -> None:
    """As a spreadsheet takes the cell apart: neither one that is read nor a note begins with what starts one."""
    cells = [format_note_cell(text), *([text] if is_plain_cell(text) else [])]
    for cell in next(csv.reader([format_table(cells, ())])):
        assert cell.strip()[:1] not in {"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"}


# a cell, and whether a spreadsheet would calculate it
FORMULAS = {
    "=1+1": True,
    "+1": True,
    "-2": True,
    "@SUM(A1)": True,
    "\t=1": True,
    " =1": True,
    '"=1': True,
    "＝1": True,
    "Web Team": False,
    "a=b": False,
    "*.example.com": False,
}


@pytest.mark.parametrize(("text", "is_formula"), FORMULAS.items())
def test_a_formula_is_known_by_its_first_sign(text: str, is_formula: bool) -> None:
    """A note of it gets the apostrophe that says text; any other is as it was."""
    assert has_formula(text) is is_formula
    assert is_plain_cell(text) is not is_formula
    assert format_note_cell("x" + text).startswith("x")
    assert (format_note_cell(text) == text) is not is_formula
