"""The pieces of a QueryString, and the values that they stand for (KF 6.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from reconciler.simulator.http.messages import ApiError


class QueryToken(NamedTuple):
    """A piece of the text: open, close, op, number, word or text (a quoted value)."""

    kind: str
    text: str


# The lookahead: an operator ends at a blank, a quote or a parenthesis, so `-eq5` is none.
_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<op>-[A-Za-z]+)(?=[\s"(]|$)|(?P<number>-?[0-9]+(?=[\s)]|$))|"""
    r"""(?P<word>[A-Za-z_][\w.]*))"""
)
_QUOTED_VALUE = {
    "none": re.compile(r'\s*"([^"]*)"'),
    "doubled": re.compile(r'\s*"((?:[^"]|"")*)"'),
    "backslash": re.compile(r'\s*"((?:[^"\\]|\\.)*)"'),
}
_UNESCAPE: Mapping[str, Callable[[str], str]] = {
    "none": str,
    "doubled": lambda text: text.replace('""', '"'),
    "backslash": lambda text: re.sub(r"\\(.)", r"\1", text),
}


def split_tokens(text: str, escape: str) -> list[QueryToken]:
    """Return the pieces of a query; `escape` is how a quote inside a value is written (switch `query_quote_escape`)."""
    tokens: list[QueryToken] = []
    position = 0
    while text[position:].strip():
        if quoted_match := _QUOTED_VALUE[escape].match(text, position):
            tokens.append(QueryToken("text", _UNESCAPE[escape](quoted_match[1])))
            position = quoted_match.end()
        elif (match := _TOKEN.match(text, position)) and match.lastgroup:
            tokens.append(QueryToken(match.lastgroup, match[match.lastgroup].strip()))
            position = match.end()
        else:
            raise build_query_refusal(f"'{text[position:].strip()[:20]}' can't be read")
    return tokens


def parse_value(kind: str, token: QueryToken, me: str) -> Any:
    """Return what a field of this kind is compared with, text in lower case; `me` is what %ME% stands for."""
    if kind == "string":
        if token.kind == "word":
            raise build_query_refusal(f"'{token.text}' needs quotes")
        # %ME% is expanded inside the quotes (KF 6.2).
        return token.text.replace("%ME%", me).lower()
    if kind == "boolean":
        if token.text.lower() not in ("true", "false"):
            raise build_query_refusal(f"'{token.text}' is neither true nor false")
        return token.text.lower() == "true"
    if kind == "integer":
        # 18 digits always fit into SQL Server's bigint; int() would take underscores and blanks as well.
        if not re.fullmatch(r"-?[0-9]{1,18}", token.text):
            raise build_query_refusal(f"'{token.text}' is not a number")
        return int(token.text)
    return _parse_date(token.text)


def _parse_date(text: str) -> datetime:
    if match := re.fullmatch(r"(?i)%TODAY%\s*(?:([+-])\s*([0-9]{1,5}))?", text):
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=int(f"{match[1] or '+'}{match[2] or 0}"))
    try:
        # Takes the Z of KF 6.2 and most of ISO 8601 since Python 3.11.
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise build_query_refusal(f"'{text}' is not a date") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def build_query_refusal(reason: str) -> ApiError:
    """Return the refusal of a query that can't be understood."""
    return ApiError(400, "0xA011000F", f"The query is invalid: {reason}.")
