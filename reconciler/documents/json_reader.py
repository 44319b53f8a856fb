"""JSON to the same plain values: the standard decoder, held to the same rules as YAML.

A file holds one document, several behind each other, or lists of documents. Refused: duplicate keys, NaN and Infinity,
characters that escapes smuggle in, and what lies beyond the limits.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from reconciler.documents import characters, limits, yaml_errors
from reconciler.documents.document import Document, File
from reconciler.documents.positions import TOKEN, Spot
from reconciler.documents.scalars import REFUSED, Ambiguous, Refused, Value
from reconciler.errors import Problem
from reconciler.sanitize import escape_and_shorten

_ESCAPE: Final = re.compile(r"\\[bfru]")
_BLANK: Final = re.compile(r"[ \t\r\n]*")


def read(file: File) -> tuple[list[Document], list[Problem]]:
    """Return the documents of a JSON file and every problem of its syntax; after a syntax error there are none."""
    # The decoder recurses for each list and object, and would end in RecursionError on text nested too
    # deep.
    starts = _survey(file)
    if isinstance(starts, Problem):
        return [], [starts]
    noticed: list[str] = []
    try:
        values = list(_values(file.text, noticed))
    except json.JSONDecodeError as error:
        line, column, message = yaml_errors.explain_json(error)
        return [], [Problem(file.source(line, column), message)]
    problems: list[Problem] = []
    # Positions cost a second scan of the text, so it is made only where a value can be wrong at all.
    if noticed or _ESCAPE.search(file.text) or not unicodedata.is_normalized("NFC", file.text):
        found = (problem for spot in file.spots for problem in _faults(spot, file))
        problems = list(islice(found, limits.PROBLEMS + 1))
    damaged = bool(problems)
    lines = [0, *(match.end() for match in re.finditer("\n", file.text))]
    documents = []
    for number, (value, start) in enumerate(zip(values, starts, strict=True)):
        line = bisect_right(lines, start)
        source = file.source(line, start - lines[line - 1] + 1)
        documents.append(Document(value, source, file, number, damaged))
    return documents, problems


def _survey(file: File) -> list[int] | Problem:
    """Return the offset of each document's first key, or what passes a limit, before the decoder sees it."""
    starts: list[int] = []
    depth = nodes = 0
    in_list = opened = False
    for match in TOKEN.finditer(file.text):
        part = match.group()
        if opened and part[0] == '"':
            starts[-1] = match.start()
        opened = False
        if part not in "]},:":
            nodes += 1
            if depth == 0:
                in_list = part == "["
            if depth == (1 if in_list else 0):
                starts.append(match.start())
                opened = part == "{"
        depth += (part in "{[") - (part in "]}")
        message = _excess(part, depth, nodes)
        if message:
            line = file.text.count("\n", 0, match.start()) + 1
            column = match.start() - file.text.rfind("\n", 0, match.start())
            return Problem(file.source(line, column), message)
    return starts


def _excess(part: str, depth: int, nodes: int) -> str:
    if depth > limits.DEPTH:
        return yaml_errors.DEEP
    if nodes > limits.NODES:
        return yaml_errors.MANY
    # UTF-8 takes at most four bytes a character (RFC 3629): short text need not be encoded to be
    # measured.
    too_long = len(part) * 4 > limits.SCALAR_BYTES and len(part.encode()) - 2 > limits.SCALAR_BYTES
    return yaml_errors.LONG if too_long else ""


def _values(text: str, noticed: list[str]) -> Iterator[Value]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # RFC 8259, section 4: which of two equal names counts is left open; Python keeps the last, others the
        # first.
        members = dict(pairs)
        if len(members) != len(pairs):
            noticed.append("a key given twice")
        return members

    def constant(word: str) -> Refused:
        noticed.append(word)
        return REFUSED

    decoder = json.JSONDecoder(
        # parse_constant gets NaN, Infinity and -Infinity, which RFC 8259, section 6, forbids and Python
        # reads.
        object_pairs_hook=unique,
        parse_constant=constant,
        parse_int=_integer,
        parse_float=_fraction,
    )
    # Unlike loads, raw_decode takes no white space before a value.
    at = _end_of_blank(text, 0)
    while at < len(text):
        value, end = decoder.raw_decode(text, at)
        at = _end_of_blank(text, end)
        if at == end < len(text) and not isinstance(value, list | dict):
            raise json.JSONDecodeError("Extra data", text, end)
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _end_of_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _integer(digits: str) -> int | Ambiguous:
    # Python converts 4300 digits at most (CVE-2020-10735) and raises ValueError for more; -0 loses its
    # sign as an int.
    return int(digits) if len(digits) <= limits.DIGITS and digits != "-0" else Ambiguous(digits, "a number")


def _fraction(digits: str) -> float | Ambiguous:
    # JSON sets no bound to numbers: 1e999 becomes infinity without an error.
    value = float(digits)
    return value if math.isfinite(value) else Ambiguous(digits, "a number")


def _faults(spot: Spot, file: File) -> Iterator[Problem]:
    for key, place in spot.again:
        first = (spot.members or {})[key].key
        line = first.line if first else 0
        yield Problem(file.source(*place), yaml_errors.TWICE.format(escape_and_shorten(key), line))
    if spot.members is None:
        if spot.style and (why := characters.refused(spot.text)):
            yield Problem(file.source(*spot.place), yaml_errors.UNFIT.format(why))
        elif not spot.style and spot.text.lstrip("-") in {"NaN", "Infinity"}:
            message = f"{spot.text} is no number in JSON; no field takes it; write a number"
            yield Problem(file.source(*spot.place), message)
        return
    for name, member in spot.members.items():
        if isinstance(name, str) and member.key and (why := characters.refused(name)):
            yield Problem(file.source(*member.key), yaml_errors.UNFIT.format(why))
        yield from _faults(member, file)
