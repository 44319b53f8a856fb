"""Command's QueryString: `Field -op value`, joined by AND and OR, with parentheses.

The grammar is KF 6.2. What it leaves open (precedence, escaping of quotes) is decided by two switches. A compiled query
is a predicate over a row; comparison is that of SQL Server: case-insensitive, and NULL matches nothing but NULL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from reconciler.simulator.http.messages import ApiError

Row = Any
Predicate = Callable[[Row], bool]


class Column(NamedTuple):
    """A field that may be asked for. `kind` is string, integer, boolean or date (an aware datetime)."""

    kind: str
    get: Callable[[Row], Any]


class Query(NamedTuple):
    """A predicate and, where the query is nothing but equalities of one column, that column and its values."""

    test: Predicate
    column: str = ""
    values: frozenset[Any] = frozenset()
    among: Callable[[frozenset[Any]], Predicate] | None = None
    """Makes the same test for other values of the column."""


# The lookahead: an operator ends at a blank, a quote or a parenthesis, so `-eq5` is none.
_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<op>-[A-Za-z]+)(?=[\s"(]|$)|(?P<number>-?[0-9]+(?=[\s)]|$))|"""
    r"""(?P<word>[A-Za-z_][\w.]*))"""
)
_QUOTED = {
    "none": re.compile(r'\s*"([^"]*)"'),
    "doubled": re.compile(r'\s*"((?:[^"]|"")*)"'),
    "backslash": re.compile(r'\s*"((?:[^"\\]|\\.)*)"'),
}
_UNESCAPE: Mapping[str, Callable[[str], str]] = {
    "none": str,
    "doubled": lambda text: text.replace('""', '"'),
    "backslash": lambda text: re.sub(r"\\(.)", r"\1", text),
}
_OPERATORS: Mapping[str, tuple[str, ...]] = {
    "string": ("-eq", "-ne", "-contains", "-notcontains", "-startswith", "-endswith"),
    "integer": ("-eq", "-ne", "-lt", "-le", "-gt", "-ge"),
    "date": ("-eq", "-ne", "-lt", "-le", "-gt", "-ge"),
    "boolean": ("-eq", "-ne"),
}
_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "-eq": lambda value, wanted: value == wanted,
    "-ne": lambda value, wanted: value != wanted,
    "-contains": lambda value, wanted: wanted in value,
    "-notcontains": lambda value, wanted: wanted not in value,
    "-startswith": lambda value, wanted: value.startswith(wanted),
    "-endswith": lambda value, wanted: value.endswith(wanted),
    "-lt": lambda value, wanted: value < wanted,
    "-le": lambda value, wanted: value <= wanted,
    "-gt": lambda value, wanted: value > wanted,
    "-ge": lambda value, wanted: value >= wanted,
}


class Token(NamedTuple):
    """A piece of the text: open, close, op, number, word or text (a quoted value)."""

    kind: str
    text: str


def compile_query(
    text: str, columns: Mapping[str, Column], *, precedence: str = "precedence", escape: str = "none", me: str = ""
) -> Query:
    """Compile a QueryString over these columns (names in lower case); raises ApiError 400 for a bad one."""
    parser = _Parser(_tokens(text, escape), columns, me, left_to_right=precedence == "left_to_right")
    try:
        query = parser.expression()
    # Four frames a parenthesis: fewer than 250 of them reach Python's default limit of 1,000.
    except RecursionError as error:
        raise _invalid("it is nested too deeply") from error
    if parser.tokens:
        raise _invalid(f"'{parser.tokens[0].text}' is not expected here")
    return query


def _invalid(why: str) -> ApiError:
    return ApiError(400, "0xA011000F", f"The query is invalid: {why}.")


def _tokens(text: str, escape: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while text[at:].strip():
        if quoted := _QUOTED[escape].match(text, at):
            tokens.append(Token("text", _UNESCAPE[escape](quoted[1])))
            at = quoted.end()
        elif (match := _TOKEN.match(text, at)) and match.lastgroup:
            tokens.append(Token(match.lastgroup, match[match.lastgroup].strip()))
            at = match.end()
        else:
            raise _invalid(f"'{text[at:].strip()[:20]}' can't be read")
    return tokens


class _Parser:
    """Recursive descent over the tokens, which it uses up."""

    def __init__(self, tokens: list[Token], columns: Mapping[str, Column], me: str, *, left_to_right: bool) -> None:
        self.tokens = tokens
        self._columns = columns
        self._me = me
        self._left_to_right = left_to_right

    def expression(self) -> Query:
        """Parse terms up to a closing parenthesis or the end."""
        return self._in_order() if self._left_to_right else self._alternatives()

    def _alternatives(self) -> Query:
        # AND before OR, as in SQL; Keyfactor publishes no full grammar (KF 6.2).
        queries = [self._conjunction()]
        while self._joiner("or"):
            queries.append(self._conjunction())
        return _any(queries)

    def _conjunction(self) -> Query:
        queries = [self._term()]
        while self._joiner("and"):
            queries.append(self._term())
        return _all(queries)

    def _in_order(self) -> Query:
        query = self._term()
        while word := self._joiner("or", "and"):
            query = _any([query, self._term()]) if word == "or" else _all([query, self._term()])
        return query

    def _joiner(self, *words: str) -> str:
        if self.tokens and self.tokens[0].kind == "word" and self.tokens[0].text.lower() in words:
            return self.tokens.pop(0).text.lower()
        return ""

    def _take(self, *kinds: str) -> Token:
        if not self.tokens:
            raise _invalid("it ends too early")
        token = self.tokens.pop(0)
        if token.kind not in kinds:
            raise _invalid(f"'{token.text}' is not expected here")
        return token

    def _term(self) -> Query:
        token = self._take("open", "word")
        if token.kind == "open":
            inner = self.expression()
            self._take("close")
            return inner
        column = self._columns.get(token.text.lower())
        if column is None:
            raise _invalid(f"unknown field '{token.text}'")
        operator = self._take("op").text.lower()
        value = self._take("text", "number", "word")
        if operator not in _OPERATORS[column.kind]:
            raise _invalid(f"'{operator}' does not apply to {token.text}")
        return self._comparison(token.text.lower(), column, operator, value)

    def _comparison(self, name: str, column: Column, operator: str, value: Token) -> Query:
        get = column.get
        # Bare NULL asks for absence, "NULL" in quotes is text like any other (KF 6.2).
        if value.kind == "word" and value.text.upper() == "NULL":
            if operator not in ("-eq", "-ne"):
                raise _invalid(f"'{operator}' does not apply to NULL")
            return Query((lambda row: get(row) is None) if operator == "-eq" else (lambda row: get(row) is not None))
        wanted = _value(column.kind, value, self._me)
        test = _TESTS[operator]
        fold = column.kind == "string"
        if operator == "-eq":
            return _membership(name, get, frozenset({wanted}), fold=fold)
        # SQL's three-valued logic: NULL -ne "x" is unknown, and what is unknown is not selected.
        if fold:
            return Query(lambda row: (held := get(row)) is not None and test(held.lower(), wanted))
        return Query(lambda row: (held := get(row)) is not None and test(held, wanted))


def _membership(name: str, get: Callable[[Row], Any], values: frozenset[Any], *, fold: bool) -> Query:
    def among(values: frozenset[Any]) -> Predicate:
        if fold:
            return lambda row: (held := get(row)) is not None and held.lower() in values
        return lambda row: get(row) in values

    return Query(among(values), name, values, among)


def _any(queries: list[Query]) -> Query:
    """Join by OR; equalities of one column become one membership, so that long lists of ids stay cheap."""
    merged: dict[str, Query] = {}
    others: list[Query] = []
    for query in queries:
        known = merged.get(query.column)
        if query.among is None:
            others.append(query)
        elif known is None:
            merged[query.column] = query
        else:
            values = known.values | query.values
            merged[query.column] = Query(query.test, query.column, values, query.among)
    queries = [query._replace(test=query.among(query.values)) for query in merged.values() if query.among] + others
    if len(queries) == 1:
        return queries[0]
    tests = tuple(query.test for query in queries)
    return Query(lambda row: any(test(row) for test in tests))


def _all(queries: list[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    tests = tuple(query.test for query in queries)
    return Query(lambda row: all(test(row) for test in tests))


def _value(kind: str, token: Token, me: str) -> Any:
    if kind == "string":
        if token.kind == "word":
            raise _invalid(f"'{token.text}' needs quotes")
        # %ME% is expanded inside the quotes (KF 6.2).
        return token.text.replace("%ME%", me).lower()
    if kind == "boolean":
        if token.text.lower() not in ("true", "false"):
            raise _invalid(f"'{token.text}' is neither true nor false")
        return token.text.lower() == "true"
    if kind == "integer":
        # 18 digits always fit into SQL Server's bigint; int() would take underscores and blanks as well.
        if not re.fullmatch(r"-?[0-9]{1,18}", token.text):
            raise _invalid(f"'{token.text}' is not a number")
        return int(token.text)
    return _date(token.text)


def _date(text: str) -> datetime:
    if match := re.fullmatch(r"(?i)%TODAY%\s*(?:([+-])\s*([0-9]{1,5}))?", text):
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=int(f"{match[1] or '+'}{match[2] or 0}"))
    try:
        # Takes the Z of KF 6.2 and most of ISO 8601 since Python 3.11.
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _invalid(f"'{text}' is not a date") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
