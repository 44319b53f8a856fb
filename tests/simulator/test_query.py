"""The QueryString grammar (KF 6.2): what it selects, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.http.messages import ApiError
from reconciler.simulator.world.query import QueryColumn, compile_query

NOW = datetime.now(UTC)
ROWS: list[dict[str, Any]] = [
    {"name": "api.pay.example.com", "n": 1, "on": True, "at": datetime(2024, 1, 1, tzinfo=UTC)},
    {"name": "WWW.Example.com", "n": 2, "on": False, "at": datetime(2025, 6, 1, tzinfo=UTC)},
    {"name": None, "n": None, "on": True, "at": NOW - timedelta(days=3)},
    {"name": "db (old)", "n": 40, "on": False, "at": None},
]
COLUMNS: Mapping[str, QueryColumn] = {
    "name": QueryColumn("string", lambda row: row["name"]),
    "n": QueryColumn("integer", lambda row: row["n"]),
    "on": QueryColumn("boolean", lambda row: row["on"]),
    "at": QueryColumn("date", lambda row: row["at"]),
}

SELECTS = {
    'Name -eq "api.pay.example.com"': [0],
    'NAME -EQ "API.PAY.EXAMPLE.COM"': [0],
    'name -ne "api.pay.example.com"': [1, 3],
    'name -contains "example"': [0, 1],
    'name -notcontains "example"': [3],
    'name -startswith "www"': [1],
    'name -endswith ".pay.example.com"': [0],
    'name -contains "(old)"': [3],
    'name -eq "x AND y"': [],
    "name -eq NULL": [2],
    "name -ne null": [0, 1, 3],
    "n -eq 2": [1],
    'n -eq "2"': [1],
    "n -ne 2": [0, 3],
    "n -lt 2": [0],
    "n -le 2": [0, 1],
    "n -gt 2": [3],
    "n -ge 2": [1, 3],
    "n -gt -5": [0, 1, 3],
    "on -eq true": [0, 2],
    'on -ne "TRUE"': [1, 3],
    'at -lt "2025-01-01T00:00:00Z"': [0],
    'at -ge "2025-01-01"': [1, 2],
    'at -gt "%TODAY% - 7"': [2],
    'at -lt "%TODAY%-7"': [0, 1],
    'name -contains "example" AND n -eq 1': [0],
    'name -contains "example" and not -eq 1': None,
    'n -eq 1 OR n -eq 40 AND name -eq "none"': [0],
    '(n -eq 1 OR n -eq 40) AND name -contains "old"': [3],
    "( n -eq 1 ) or ( ( n -eq 2 ) )": [0, 1],
    'n -eq 1 OR name -startswith "db" OR n -eq 2': [0, 1, 3],
    '(name -eq "db (old)")': [3],
    'name -contains "%ME%"': [3],
}
REFUSES = (
    "name",
    "name -eq",
    'name -like "x"',
    "name -eq x",
    'name -eq "x',
    'colour -eq "x"',
    'n -contains "1"',
    'n -eq "one"',
    "n -lt NULL",
    'on -eq "yes"',
    'at -gt "yesterday"',
    "(n -eq 1",
    "n -eq 1)",
    "n -eq 1 n -eq 2",
    "n -eq 1 XOR n -eq 2",
    "AND n -eq 1",
    '"name" -eq "x"',
    "()",
    ";drop table",
    "(" * 4000 + "n -eq 1" + ")" * 4000,
)


@pytest.mark.parametrize("text", SELECTS)
def test_a_query_selects(text: str) -> None:
    """The rows that pass are those that SQL Server would return."""
    if SELECTS[text] is None:
        with pytest.raises(ApiError):
            compile_query(text, COLUMNS)
        return
    query = compile_query(text, COLUMNS, me="old")
    assert [i for i, row in enumerate(ROWS) if query.test(row)] == SELECTS[text]


@pytest.mark.parametrize("text", REFUSES, ids=range(len(REFUSES)))
def test_a_query_is_refused(text: str) -> None:
    """400, never an empty list and never everything."""
    with pytest.raises(ApiError) as refused:
        compile_query(text, COLUMNS)
    assert refused.value.status == 400


def test_without_parentheses_order_matters_only_where_the_switch_says_so() -> None:
    """KF 6.2: precedence is not documented, so both readings exist."""
    text = "n -eq 1 OR n -eq 2 AND n -eq 2"
    by_rule = compile_query(text, COLUMNS)
    in_order = compile_query(text, COLUMNS, precedence="left_to_right")
    assert [by_rule.test(row) for row in ROWS[:2]] == [True, True]
    assert [in_order.test(row) for row in ROWS[:2]] == [False, True]


def test_a_list_of_equalities_is_known_as_one() -> None:
    """Long lists of thumbprints are looked up, not scanned."""
    query = compile_query(" OR ".join(f'(name -eq "N{i}")' for i in range(500)), COLUMNS)
    assert (query.column, len(query.values)) == ("name", 500)
    assert query.test({"name": "n499"})
    assert not query.test({"name": "n500"})


@given(st.text(max_size=40))
def test_any_text_is_a_query_or_a_refusal(text: str) -> None:
    """Nothing that is sent can do more than be refused."""
    with suppress(ApiError):
        compile_query(text, COLUMNS)


@given(st.text(alphabet=st.characters(exclude_characters='"', exclude_categories=["Cs"]), max_size=20))
def test_a_quoted_value_means_itself(value: str) -> None:
    """Whatever stands between the quotes is compared as text, without regard to case."""
    if "%ME%" not in value:
        assert compile_query(f'name -eq "{value}"', COLUMNS).test({"name": value})
