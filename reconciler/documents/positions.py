"""Where every value of a file stands: a second look at a text, taken only when an error asks.

The readers have looked at the text before, and know its documents by the same numbers.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import yaml

from reconciler.documents import limits
from reconciler.documents.yaml_events import BrokenYaml, read_yaml_events

# Possessive quantifiers (Python 3.11): a string that is never closed must not cost time in its
# square.
TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)
"""A JSON part: a string, a sign, or a bare word. Linear: no part gives back what it took."""


class Position(NamedTuple):
    """A line and a column, 1-based."""

    line: int
    column: int


class SourceNode(NamedTuple):
    """Where a value stands, and what was written: a scalar's `text` without quotes and its `style` (' " | > or "" for
    plain), or the spots of the members of a list ("[") or mapping ("{"). `key` is the place of its own key, if it has
    one. Where a key is given twice the first counts; `again` lists the others.
    """

    place: Position
    text: str
    style: str
    members: Mapping[str | int, SourceNode] | None
    key: Position | None
    repeats: list[tuple[str, Position]]


class _Frame:
    """A list or mapping that is still open."""

    def __init__(self, node: SourceNode, members: dict[str | int, SourceNode], *, mapping: bool, as_key: bool) -> None:
        self.node = node
        self.members = members
        self.mapping = mapping
        self.loose = as_key
        self.key: tuple[str, Position] | None = None

    @property
    def expects_key(self) -> bool:
        return self.mapping and self.key is None


class _TreeBuilder:
    """Builds the spots of one document from the order in which its parts open and close."""

    def __init__(self) -> None:
        self.top: SourceNode | None = None
        self._open: list[_Frame] = []

    @property
    def depth(self) -> int:
        return len(self._open)

    def open_collection(self, position: Position, *, mapping: bool) -> None:
        as_key = bool(self._open) and self._open[-1].expects_key
        members: dict[str | int, SourceNode] = {}
        style = "{" if mapping else "["
        node = (
            SourceNode(position, "", style, members, None, [])
            if as_key
            else self._add_node(position, "", style, members)
        )
        self._open.append(_Frame(node, members, mapping=mapping, as_key=as_key))

    def close_collection(self) -> None:
        if self._open.pop().loose:
            self._open[-1].key = ("", Position(0, 0))

    def add_scalar(self, position: Position, text: str, style: str) -> None:
        if self._open and self._open[-1].expects_key:
            frame = self._open[-1]
            frame.key = (text, position)
            if text in frame.members:
                frame.node.repeats.append((text, position))
        else:
            self._add_node(position, text, style, None)

    def _add_node(
        self, position: Position, text: str, style: str, members: dict[str | int, SourceNode] | None
    ) -> SourceNode:
        if not self._open:
            self.top = SourceNode(position, text, style, members, None, [])
            return self.top
        frame = self._open[-1]
        name, key_position = frame.key or (len(frame.members), None)
        node = SourceNode(position, text, style, members, key_position, [])
        frame.members.setdefault(name, node)
        frame.key = None
        return node


def read_yaml_nodes(text: str) -> Sequence[SourceNode]:
    """Return the top of each whole document that isn't empty."""
    tops: list[SourceNode] = []
    tree = _TreeBuilder()
    for event in read_yaml_events(text):
        if isinstance(event, BrokenYaml):
            continue
        if isinstance(event, yaml.DocumentStartEvent):
            tree = _TreeBuilder()
        elif isinstance(event, yaml.DocumentEndEvent):
            # An empty document has no number in the reader either: counted differently, positions would lie.
            if tree.top and (tree.top.text or tree.top.style):
                tops.append(tree.top)
        elif isinstance(event, yaml.CollectionStartEvent) and tree.depth >= limits.DEPTH:
            break
        else:
            _add_event(tree, event)
    return tops


def _add_event(tree: _TreeBuilder, event: Any) -> None:
    position = Position(event.start_mark.line + 1, event.start_mark.column + 1)
    if isinstance(event, yaml.CollectionStartEvent):
        tree.open_collection(position, mapping=isinstance(event, yaml.MappingStartEvent))
    elif isinstance(event, yaml.CollectionEndEvent):
        tree.close_collection()
    elif isinstance(event, yaml.ScalarEvent):
        # Plain style is '' from libyaml and None from PyYAML's own parser.
        tree.add_scalar(position, event.value, event.style or "")
    elif isinstance(event, yaml.AliasEvent):
        tree.add_scalar(position, f"*{event.anchor}", "")


def read_json_nodes(text: str) -> Sequence[SourceNode]:
    """Return the top of each document; a list at the top holds documents. The text must be known to be JSON."""
    tops: list[SourceNode] = []
    tree = _TreeBuilder()
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for match in TOKEN.finditer(text):
        part, offset = match.group(), match.start()
        line = bisect_right(starts, offset)
        position = Position(line, offset - starts[line - 1] + 1)
        if part in "{[":
            tree.open_collection(position, mapping=part == "{")
        elif part in "}]":
            tree.close_collection()
        elif part[0] == '"':
            tree.add_scalar(position, json.loads(part), '"')
        elif part not in ",:":
            tree.add_scalar(position, part, "")
        if tree.top and not tree.depth:
            tops += _split_documents(tree.top)
            tree = _TreeBuilder()
    return tops


def _split_documents(top: SourceNode) -> list[SourceNode]:
    return list(top.members.values()) if top.style == "[" and top.members is not None else [top]
