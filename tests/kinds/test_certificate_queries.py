"""Queries of certificates, offline: what the contract's grammar refuses is told with its place, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.kinds.certificate_owner.query import (
    ParsedQuery,
    QueryFault,
    describe_query_fault,
    parse_query,
    replace_owner_terms,
)
from reconciler.simulator.http.messages import ApiError
from reconciler.simulator.world.query import QueryColumn, compile_query

READABLE = {
    "one condition": 'IssuedCN -eq "a"',
    "letter case is free": 'issuedcn -EQ "a" aNd OWNERROLENAME -Ne nUlL',
    "parentheses, with blanks and without": '( ( CN -eq "a" )OR(CN -eq "b"))AND CertId -gt 12',
    "no blank before a quote": 'CN -eq"a"',
    "a metadata field with a sign in it": 'Email-Contact -contains "@example.com"',
    "NULL, true, false, a number": "OwnerRoleName -eq NULL or HasPrivateKey -ne true or X -eq False or CertId -le -3",
    "dates and tokens": 'NotAfter -lt "2022-09-01T00:00:00Z" AND NotAfter -gt %TODAY-30% AND RequesterName -eq "%ME%"',
    "a date without quotes, which some server may take": "NotAfter -lt 2022-09-01",
    "a parenthesis, a word and an operator inside text": 'CN -eq "a) OR (b -eq c"',
    "a quote inside a value, doubled": 'CN -eq "a""b" AND CN -ne "c"',
    "a quote inside a value, behind a backslash": 'CN -eq "a\\"b c" AND CN -ne "c"',
    "a backslash that escapes nothing": 'RequesterName -startswith "CORP\\"',
    "a field that nobody knows": "Nonsense -eq 1",
    "very deep": "(" * 3000 + "CertId -eq 1" + ")" * 3000,
}
UNREADABLE = {
    "a quote that is never closed": ('CN -eq "a', 8, "never closed"),
    "another one, after one that is": ('CN -eq "a" AND IssuedCN -eq b"', 30, "never closed"),
    "single quotes": ("CN -eq 'a'", 8, "text stands in double quotes"),
    "no quotes": ("CN -eq www.example.com", 8, "text stands in double quotes"),
    "no operator": ('CN = "a"', 4, "an operator is expected here"),
    "an operator that sticks to its field": ('CN-eq "a"', 7, "an operator is expected here, with blanks around it"),
    "a misspelt operator": ('CN -endwith "a"', 4, "did you mean -endswith?"),
    "an operator that there is not": ('CN -like "a"', 4, "there are -eq, -ne"),
    "no value": ('CN -eq AND X -eq "a"', 8, "text stands in double quotes"),
    "no value at the end": ("CN -eq", 7, "a value is expected here"),
    "no value before a parenthesis": ("(CN -eq)", 8, "a value is expected here"),
    "order by NULL": ("CertId -gt NULL", 12, "by -eq and -ne alone"),
    "order by truth": ("HasPrivateKey -lt true", 19, "by -eq and -ne alone"),
    "nothing between": ('CN -eq "a" CN -eq "b"', 12, "AND, OR or the end is expected here"),
    "a word that joins nothing": ('CN -eq "a" AND', 15, "it ends where a condition is expected"),
    "two of them": ('CN -eq "a" AND OR CN -eq "b"', 16, "a field is expected here"),
    "another word": ('CN -eq "a" XOR CN -eq "b"', 12, "AND, OR or the end is expected here"),
    "never closed": ('((CN -eq "a") OR CN -eq "b"', 1, "this parenthesis is never closed"),
    "never opened": ('CN -eq "a")', 11, "no parenthesis was opened for it"),
    "empty parentheses": ('CN -eq "a" AND ()', 17, "a field is expected here"),
    "the wrong way round": ('"a" -eq CN', 1, "a field is expected here"),
    "an operator first": ('-eq CN "a"', 1, "a field is expected here"),
}


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE)
def test_what_a_server_may_understand_passes(text: str) -> None:
    """Fields and the way of writing a quote are for the server to judge."""
    assert isinstance(parse_query(text), ParsedQuery)


@pytest.mark.parametrize(("text", "position", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_no_server_understands_is_told_with_its_place(text: str, position: int, words: str) -> None:
    """The place is that of the piece which does not fit, counted from 1."""
    fault = parse_query(text)

    assert isinstance(fault, QueryFault)
    assert (fault.position, words in fault.summary) == (position, True), fault
    assert describe_query_fault(fault).startswith(f"the query can't be read at character {position}")


COLUMNS = {
    "certid": QueryColumn("integer", lambda row: row),
    "cn": QueryColumn("string", lambda row: row),
    "notafter": QueryColumn("date", lambda row: row),
    "ok": QueryColumn("boolean", lambda row: row),
}
PIECES = st.sampled_from(
    ["(", ")", " ", "CN", "CertId", "NotAfter", "OK", "-eq", "-NE", "-gt", "-contains", "AND", "or", '"a"', '"',
     '"a""b"', '"\\""', "12", "-3", "NULL", "true", '"2022-09-01"', '"%TODAY%-3"', "%TODAY%", "x", "'", "\\"]
)  # fmt: skip
CONDITIONS = st.sampled_from(['CN -eq "a"', "CertId -gt 12", "OK -ne false", 'CN -contains "a) ""b"', "CN -eq NULL"])


def _compiles(text: str, escape: str) -> bool:
    try:
        compile_query(text, COLUMNS, escape=escape)
    except ApiError:
        return False
    return True


@given(
    st.lists(PIECES, max_size=12).map(" ".join)
    | st.lists(PIECES, max_size=12).map("".join)
    | st.lists(CONDITIONS | PIECES, max_size=6).map(" AND ".join)
)
@example('CN -eq"a"')
def test_nothing_is_refused_that_the_simulated_server_takes(text: str) -> None:
    """Whatever its way of writing a quote inside a value is."""
    if any(_compiles(text, escape) for escape in ("none", "doubled", "backslash")):
        assert isinstance(parse_query(text), ParsedQuery)


def test_conditions_on_the_owner_are_found_and_replaced() -> None:
    """By where they stand: text that only looks like one stays."""
    query = parse_query('ownerrolename -eq "A" OR (CN -eq "OwnerRoleName -eq NULL" AND OwnerRoleId -ne 4)')

    assert isinstance(query, ParsedQuery)
    assert [(term.field, term.text_value) for term in query.owner_terms] == [
        ("ownerrolename", "A"),
        ("OwnerRoleId", None),
    ]
    assert replace_owner_terms(query, "X -eq 1") == '(X -eq 1) OR (CN -eq "OwnerRoleName -eq NULL" AND (X -eq 1))'
