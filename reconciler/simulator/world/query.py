"""Command's QueryString: `Field -op value`, joined by AND and OR, with parentheses.

The grammar is KF 6.2. What it leaves open (precedence, escaping of quotes) is decided by two switches. A compiled query
is a predicate over a row; comparison is that of SQL Server: case-insensitive, and NULL matches nothing but NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from reconciler.simulator.world.query_tokens import QueryToken, build_query_refusal, parse_value, split_tokens

QueryRow = Any
RowPredicate = Callable[[QueryRow], bool]


class QueryColumn(NamedTuple):
    """A field that may be asked for. `kind` is string, integer, boolean or date (an aware datetime)."""

    kind: str
    get: Callable[[QueryRow], Any]


class CompiledQuery(NamedTuple):
    """A predicate and, where the query is nothing but equalities of one column, that column and its values."""

    test: RowPredicate
    column: str = ""
    values: frozenset[Any] = frozenset()
    make_membership_test: Callable[[frozenset[Any]], RowPredicate] | None = None
    """Makes the same test for other values of the column."""


_OPERATORS: Mapping[str, tuple[str, ...]] = {
    "string": ("-eq", "-ne", "-contains", "-notcontains", "-startswith", "-endswith"),
    "integer": ("-eq", "-ne", "-lt", "-le", "-gt", "-ge"),
    "date": ("-eq", "-ne", "-lt", "-le", "-gt", "-ge"),
    "boolean": ("-eq", "-ne"),
}
_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "-eq": lambda value, operand: value == operand,
    "-ne": lambda value, operand: value != operand,
    "-contains": lambda value, operand: operand in value,
    "-notcontains": lambda value, operand: operand not in value,
    "-startswith": lambda value, operand: value.startswith(operand),
    "-endswith": lambda value, operand: value.endswith(operand),
    "-lt": lambda value, operand: value < operand,
    "-le": lambda value, operand: value <= operand,
    "-gt": lambda value, operand: value > operand,
    "-ge": lambda value, operand: value >= operand,
}


def compile_query(
    text: str, columns: Mapping[str, QueryColumn], *, precedence: str = "precedence", escape: str = "none", me: str = ""
) -> CompiledQuery:
    """Compile a QueryString over these columns (names in lower case); raises ApiError 400 for a bad one."""
    parser = _Parser(split_tokens(text, escape), columns, me, left_to_right=precedence == "left_to_right")
    try:
        query = parser.parse_expression()
    # Four frames a parenthesis: fewer than 250 of them reach Python's default limit of 1,000.
    except RecursionError as error:
        raise build_query_refusal("it is nested too deeply") from error
    if parser.tokens:
        raise build_query_refusal(f"'{parser.tokens[0].text}' is not expected here")
    return query


class _Parser:
    """Recursive descent over the tokens, which it uses up."""

    def __init__(
        self, tokens: list[QueryToken], columns: Mapping[str, QueryColumn], me: str, *, left_to_right: bool
    ) -> None:
        self.tokens = tokens
        self._columns = columns
        self._me = me
        self._left_to_right = left_to_right

    def parse_expression(self) -> CompiledQuery:
        """Parse terms up to a closing parenthesis or the end."""
        return self._parse_left_to_right() if self._left_to_right else self._parse_alternatives()

    def _parse_alternatives(self) -> CompiledQuery:
        # AND before OR, as in SQL; Keyfactor publishes no full grammar (KF 6.2).
        queries = [self._parse_conjunction()]
        while self._take_joiner("or"):
            queries.append(self._parse_conjunction())
        return _join_by_or(queries)

    def _parse_conjunction(self) -> CompiledQuery:
        queries = [self._parse_term()]
        while self._take_joiner("and"):
            queries.append(self._parse_term())
        return join_by_and(queries)

    def _parse_left_to_right(self) -> CompiledQuery:
        query = self._parse_term()
        while word := self._take_joiner("or", "and"):
            query = (
                _join_by_or([query, self._parse_term()]) if word == "or" else join_by_and([query, self._parse_term()])
            )
        return query

    def _take_joiner(self, *words: str) -> str:
        if self.tokens and self.tokens[0].kind == "word" and self.tokens[0].text.lower() in words:
            return self.tokens.pop(0).text.lower()
        return ""

    def _take(self, *kinds: str) -> QueryToken:
        if not self.tokens:
            raise build_query_refusal("it ends too early")
        token = self.tokens.pop(0)
        if token.kind not in kinds:
            raise build_query_refusal(f"'{token.text}' is not expected here")
        return token

    def _parse_term(self) -> CompiledQuery:
        token = self._take("open", "word")
        if token.kind == "open":
            inner = self.parse_expression()
            self._take("close")
            return inner
        column = self._columns.get(token.text.lower())
        if column is None:
            raise build_query_refusal(f"unknown field '{token.text}'")
        operator = self._take("op").text.lower()
        value = self._take("text", "number", "word")
        if operator not in _OPERATORS[column.kind]:
            raise build_query_refusal(f"'{operator}' does not apply to {token.text}")
        return self._build_comparison(token.text.lower(), column, operator, value)

    def _build_comparison(self, name: str, column: QueryColumn, operator: str, value: QueryToken) -> CompiledQuery:
        get = column.get
        # Bare NULL asks for absence, "NULL" in quotes is text like any other (KF 6.2).
        if value.kind == "word" and value.text.upper() == "NULL":
            if operator not in ("-eq", "-ne"):
                raise build_query_refusal(f"'{operator}' does not apply to NULL")
            return CompiledQuery(
                (lambda row: get(row) is None) if operator == "-eq" else (lambda row: get(row) is not None)
            )
        operand = parse_value(column.kind, value, self._me)
        test = _TESTS[operator]
        fold = column.kind == "string"
        if operator == "-eq":
            return _build_membership(name, get, frozenset({operand}), fold=fold)
        # SQL's three-valued logic: NULL -ne "x" is unknown, and what is unknown is not selected.
        if fold:
            return CompiledQuery(lambda row: (cell := get(row)) is not None and test(cell.lower(), operand))
        return CompiledQuery(lambda row: (cell := get(row)) is not None and test(cell, operand))


def _build_membership(
    name: str, get: Callable[[QueryRow], Any], values: frozenset[Any], *, fold: bool
) -> CompiledQuery:
    def make_test(values: frozenset[Any]) -> RowPredicate:
        if fold:
            return lambda row: (cell := get(row)) is not None and cell.lower() in values
        return lambda row: get(row) in values

    return CompiledQuery(make_test(values), name, values, make_test)


def _join_by_or(queries: list[CompiledQuery]) -> CompiledQuery:
    """Join by OR; equalities of one column become one membership, so that long lists of ids stay cheap."""
    merged: dict[str, CompiledQuery] = {}
    other_queries: list[CompiledQuery] = []
    for query in queries:
        same_column = merged.get(query.column)
        if query.make_membership_test is None:
            other_queries.append(query)
        elif same_column is None:
            merged[query.column] = query
        else:
            values = same_column.values | query.values
            merged[query.column] = CompiledQuery(query.test, query.column, values, query.make_membership_test)
    queries = [
        query._replace(test=query.make_membership_test(query.values))
        for query in merged.values()
        if query.make_membership_test
    ] + other_queries
    if len(queries) == 1:
        return queries[0]
    tests = tuple(query.test for query in queries)
    return CompiledQuery(lambda row: any(test(row) for test in tests))


def join_by_and(queries: list[CompiledQuery]) -> CompiledQuery:
    """Return the query that selects what each of these, of which there is one at least, selects."""
    if len(queries) == 1:
        return queries[0]
    tests = tuple(query.test for query in queries)
    return CompiledQuery(lambda row: all(test(row) for test in tests))
