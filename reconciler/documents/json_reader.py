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

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.documents import characters, limits, yaml_errors
from reconciler.documents.document import Document, SourceFile
from reconciler.documents.escapes import explain_escape, find_escape
from reconciler.documents.positions import TOKEN, SourceNode
from reconciler.documents.scalars import REFUSED, Ambiguous, RefusedValue, Value

_ESCAPE: Final = re.compile(r"\\[bfru]")
_BLANK: Final = re.compile(r"[ \t\r\n]*")


def read_json(file: SourceFile) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents of a JSON file and every problem of its syntax; after a syntax error there are none."""
    # The decoder recurses for each list and object, and would end in RecursionError on text nested too
    # deep.
    starts = _find_document_starts(file)
    if isinstance(starts, Diagnostic):
        return [], [starts]
    anomalies: list[str] = []
    try:
        values = list(_decode_values(file.text, anomalies))
    except json.JSONDecodeError as error:
        line, column, explanation = yaml_errors.explain_json_error(error)
        return [], [explanation.locate(file.source(line, column))]
    problems: list[Diagnostic] = []
    # Positions cost a second scan of the text, so it is made only where a value can be wrong at all.
    if anomalies or _ESCAPE.search(file.text) or not unicodedata.is_normalized("NFC", file.text):
        node_problems = (problem for root in file.roots for problem in _find_node_problems(root, file))
        problems = list(islice(node_problems, limits.PROBLEMS + 1))
    damaged = bool(problems)
    lines = [0, *(match.end() for match in re.finditer("\n", file.text))]
    documents = []
    for number, (value, start) in enumerate(zip(values, starts, strict=True)):
        line = bisect_right(lines, start)
        source = file.source(line, start - lines[line - 1] + 1)
        documents.append(Document(value, source, file, number, damaged))
    return documents, problems


def _find_document_starts(file: SourceFile) -> list[int] | Diagnostic:
    """Return the offset of each document's first key, or what passes a limit, before the decoder sees it."""
    starts: list[int] = []
    depth = nodes = 0
    in_list = awaits_key = False
    for match in TOKEN.finditer(file.text):
        part = match.group()
        if awaits_key and part[0] == '"':
            starts[-1] = match.start()
        awaits_key = False
        if part not in "]},:":
            nodes += 1
            if depth == 0:
                in_list = part == "["
            if depth == (1 if in_list else 0):
                starts.append(match.start())
                awaits_key = part == "{"
        depth += (part in "{[") - (part in "]}")
        excess = _explain_excess(part, depth, nodes)
        if excess:
            line = file.text.count("\n", 0, match.start()) + 1
            column = match.start() - file.text.rfind("\n", 0, match.start())
            return excess.locate(file.source(line, column))
    return starts


def _explain_excess(part: str, depth: int, nodes: int) -> Explanation | None:
    if depth > limits.DEPTH:
        return yaml_errors.DEEP
    if nodes > limits.NODES:
        return yaml_errors.MANY
    # UTF-8 takes at most four bytes a character (RFC 3629): short text need not be encoded to be
    # measured.
    too_long = len(part) * 4 > limits.SCALAR_BYTES and len(part.encode()) - 2 > limits.SCALAR_BYTES
    return yaml_errors.LONG if too_long else None


def _decode_values(text: str, anomalies: list[str]) -> Iterator[Value]:
    def build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # RFC 8259, section 4: which of two equal names counts is left open; Python keeps the last, others the
        # first.
        members = dict(pairs)
        if len(members) != len(pairs):
            anomalies.append("a key given twice")
        return members

    def refuse_constant(word: str) -> RefusedValue:
        anomalies.append(word)
        return REFUSED

    decoder = json.JSONDecoder(
        # parse_constant gets NaN, Infinity and -Infinity, which RFC 8259, section 6, forbids and Python
        # reads.
        object_pairs_hook=build_object,
        parse_constant=refuse_constant,
        parse_int=_parse_integer,
        parse_float=_parse_fraction,
    )
    # Unlike loads, raw_decode takes no white space before a value.
    offset = _skip_blank(text, 0)
    while offset < len(text):
        value, end = decoder.raw_decode(text, offset)
        offset = _skip_blank(text, end)
        if offset == end < len(text) and not isinstance(value, list | dict):
            raise json.JSONDecodeError("Extra data", text, end)
        if isinstance(value, list):
            yield from value
        else:
            yield value


def _skip_blank(text: str, offset: int) -> int:
    match = _BLANK.match(text, offset)
    return match.end() if match else offset


def _parse_integer(digits: str) -> int | Ambiguous:
    # Python converts 4300 digits at most (CVE-2020-10735) and raises ValueError for more; -0 loses its
    # sign as an int.
    return int(digits) if len(digits) <= limits.DIGITS and digits != "-0" else Ambiguous(digits, "a number")


def _parse_fraction(digits: str) -> float | Ambiguous:
    # JSON sets no bound to numbers: 1e999 becomes infinity without an error.
    value = float(digits)
    return value if math.isfinite(value) else Ambiguous(digits, "a number")


def _find_node_problems(node: SourceNode, file: SourceFile) -> Iterator[Diagnostic]:
    for key, position in node.repeats:
        first = (node.members or {})[key].key
        line = first.line if first else 0
        yield yaml_errors.explain_duplicate_key(key, line).locate(file.source(*position))
    if node.members is None:
        if node.style and (unsafe := characters.explain_unsafe_text(node.text)):
            character = characters.find_unsafe_character(node.text)
            escape = find_escape(file.text, *node.place, character) if character else ""
            yield explain_escape(unsafe.add_subject("this text"), escape, json=True).locate(file.source(*node.place))
        elif not node.style and node.text.lstrip("-") in {"NaN", "Infinity"}:
            yield Diagnostic(
                "json.syntax",
                file.source(*node.place),
                f"{node.text} is no number in JSON",
                "no field takes it",
                "write a number",
            )
        return
    for name, member in node.members.items():
        if isinstance(name, str) and member.key and (unsafe := characters.explain_unsafe_text(name)):
            yield unsafe.add_subject("this text").locate(file.source(*member.key))
        yield from _find_node_problems(member, file)
