"""Command's certificate queries, as far as the contract gives their grammar: what it surely refuses is told offline.

    query := term { (AND|OR) term }        term := Field -op value | "(" query ")"
    value := "text" | NULL | true | false | number

Which fields a server has, and how a quote inside a value is written, is not documented: both are left to the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from reconciler.sanitize import escape_and_shorten

_OPERATORS = ("-eq", "-ne", "-contains", "-notcontains", "-startswith", "-endswith", "-lt", "-le", "-gt", "-ge")
_OWNER_FIELDS = frozenset({"ownerrolename", "ownerroleid"})
# A word starts where a blank, a quote or a parenthesis ends. Numbers, dates and tokens such as %TODAY% are not looked
# at any closer than this: only what begins like a word, or with the wrong quote, is certain to be no value.
_NO_BARE_VALUE = re.compile(r"[A-Za-z_']")
_QUOTED_TEXTS = (r'"[^"]*"', r'"(?:[^"]|"")*"', r'"(?:[^"\\]|\\.)*"')
"""A quoted value without an escape, with doubled quotes, with backslashes: a server may know any of them."""
_TOKENS = [re.compile(rf'\s*(?:(?P<mark>[()])|(?P<text>{quoted})|(?P<word>[^\s()"]+))') for quoted in _QUOTED_TEXTS]


class QueryTerm(NamedTuple):
    """One condition: `text[start:end]` of the query. The value is as written, in its quotes."""

    field: str
    operator: str
    value: str
    start: int
    end: int

    @property
    def is_about_owner(self) -> bool:
        """Whether the owner of a certificate decides on it."""
        return self.field.casefold() in _OWNER_FIELDS

    @property
    def text_value(self) -> str | None:
        """What stands between the quotes; None for a value of another form."""
        return self.value[1:-1] if self.value.startswith('"') else None


class ParsedQuery(NamedTuple):
    """A query that can be read: its conditions in their order, and by which words (AND, OR) they are joined."""

    text: str
    terms: tuple[QueryTerm, ...]
    joiners: frozenset[str]

    @property
    def owner_terms(self) -> tuple[QueryTerm, ...]:
        """The conditions on the owner."""
        return tuple(term for term in self.terms if term.is_about_owner)


class QueryFault(NamedTuple):
    """Where a query can't be read (1-based), what stands there, and what is wrong with it."""

    position: int
    found: str
    summary: str


class _Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class _Unreadable(Exception):
    """The query can't be read at a token."""

    def __init__(self, token: _Token, summary: str) -> None:
        super().__init__(summary)
        self.fault = QueryFault(token.start + 1, token.text, summary)


def parse_query(text: str) -> ParsedQuery | QueryFault:
    """Return a query's conditions, or why no server could read it, however it writes a quote inside a value."""
    faults = []
    for token_pattern in _TOKENS:
        try:
            return _parse_tokens(text, list(_split_tokens(text, token_pattern)))
        except _Unreadable as error:
            faults.append(error.fault)
    return faults[0]


def describe_query_fault(fault: QueryFault) -> str:
    """Say where and why a query can't be read."""
    found = f", {escape_and_shorten(fault.found, 40)}" if fault.found else ""
    return f"the query can't be read at character {fault.position}{found}: {fault.summary}"


def replace_owner_terms(query: ParsedQuery, condition: str) -> str:
    """Return the query's text with another condition in the place of each on the owner."""
    text = query.text
    for term in reversed(query.owner_terms):
        text = f"{text[: term.start]}({condition}){text[term.end :]}"
    return text


def _split_tokens(text: str, pattern: re.Pattern[str]) -> Iterator[_Token]:
    position = 0
    while text[position:].strip():
        match = pattern.match(text, position)
        if match is None or match.lastgroup is None:
            start = text.index('"', position)
            raise _Unreadable(_Token("text", "", start), "the quote that begins here is never closed")
        yield _Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup))
        position = match.end()


def _parse_tokens(text: str, tokens: Sequence[_Token]) -> ParsedQuery:
    terms: list[QueryTerm] = []
    joiners: set[str] = set()
    # No recursion: how deep parentheses go is for the server to say.
    openings: list[_Token] = []
    remaining = iter(tokens)
    end = _Token("end", "", len(text))
    wants_term = True
    for token in remaining:
        if wants_term and token.text == "(":
            openings.append(token)
        elif wants_term:
            terms.append(_parse_term(token, next(remaining, end), next(remaining, end)))
            wants_term = False
        elif token.text == ")" and openings:
            openings.pop()
        else:
            joiners.add(_parse_joiner(token))
            wants_term = True
    if wants_term:
        raise _Unreadable(end, "it ends where a condition is expected")
    if openings:
        raise _Unreadable(openings[-1], "this parenthesis is never closed")
    return ParsedQuery(text, tuple(terms), frozenset(joiners))


def _parse_joiner(token: _Token) -> str:
    if token.kind != "word" or token.text.upper() not in ("AND", "OR"):
        summary = "no parenthesis was opened for it" if token.text == ")" else "AND, OR or the end is expected here"
        raise _Unreadable(token, summary)
    return token.text.upper()


def _parse_term(field: _Token, operator: _Token, value: _Token) -> QueryTerm:
    if field.kind != "word" or field.text.startswith("-") or field.text.upper() in ("AND", "OR"):
        raise _Unreadable(field, "a field is expected here, as in IssuedCN -eq")
    if operator.text.lower() not in _OPERATORS:
        raise _Unreadable(operator, _explain_operator(operator))
    if value.kind in ("mark", "end"):
        raise _Unreadable(value, "a value is expected here")
    if value.kind == "word":
        _check_bare_value(operator, value)
    return QueryTerm(field.text, operator.text.lower(), value.text, field.start, value.end)


def _explain_operator(operator: _Token) -> str:
    known = ", ".join(_OPERATORS)
    if not operator.text.startswith("-"):
        return f"an operator is expected here, with blanks around it: {known}"
    likely = get_close_matches(operator.text.lower(), _OPERATORS, 1, 0.8)
    return f"there is no such operator; {f'did you mean {likely[0]}?' if likely else f'there are {known}'}"


_WORD_VALUES: Mapping[str, tuple[str, ...]] = {
    "NULL": ("-eq", "-ne"),
    "TRUE": ("-eq", "-ne"),
    "FALSE": ("-eq", "-ne"),
}
"""Values without quotes that are words, and the operators that take them."""


def _check_bare_value(operator: _Token, value: _Token) -> None:
    operators = _WORD_VALUES.get(value.text.upper())
    if operators is not None and operator.text.lower() not in operators:
        raise _Unreadable(value, f"{value.text} can be asked for by {' and '.join(operators)} alone")
    if operators is None and _NO_BARE_VALUE.match(value.text):
        raise _Unreadable(value, "text stands in double quotes")
