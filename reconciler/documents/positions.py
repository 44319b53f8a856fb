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
from reconciler.documents.yaml_events import Broken, events

# Possessive quantifiers (Python 3.11): a string that is never closed must not cost time in its
# square.
TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]|[^\s\[\]{},:"]++', re.DOTALL)
"""A JSON part: a string, a sign, or a bare word. Linear: no part gives back what it took."""


class Place(NamedTuple):
    """A line and a column, 1-based."""

    line: int
    column: int


class Spot(NamedTuple):
    """Where a value stands, and what was written: a scalar's `text` without quotes and its `style` (' " | > or "" for
    plain), or the spots of the members of a list ("[") or mapping ("{"). `key` is the place of its own key, if it has
    one. Where a key is given twice the first counts; `again` lists the others.
    """

    place: Place
    text: str
    style: str
    members: Mapping[str | int, Spot] | None
    key: Place | None
    again: list[tuple[str, Place]]


class _Frame:
    """A list or mapping that is still open."""

    def __init__(self, spot: Spot, members: dict[str | int, Spot], *, mapping: bool, loose: bool) -> None:
        self.spot = spot
        self.members = members
        self.mapping = mapping
        self.loose = loose
        self.key: tuple[str, Place] | None = None

    @property
    def key_due(self) -> bool:
        return self.mapping and self.key is None


class _Tree:
    """Builds the spots of one document from the order in which its parts open and close."""

    def __init__(self) -> None:
        self.top: Spot | None = None
        self._open: list[_Frame] = []

    @property
    def depth(self) -> int:
        return len(self._open)

    def opens(self, place: Place, *, mapping: bool) -> None:
        loose = bool(self._open) and self._open[-1].key_due
        members: dict[str | int, Spot] = {}
        style = "{" if mapping else "["
        spot = Spot(place, "", style, members, None, []) if loose else self._placed(place, "", style, members)
        self._open.append(_Frame(spot, members, mapping=mapping, loose=loose))

    def closes(self) -> None:
        if self._open.pop().loose:
            self._open[-1].key = ("", Place(0, 0))

    def scalar(self, place: Place, text: str, style: str) -> None:
        if self._open and self._open[-1].key_due:
            frame = self._open[-1]
            frame.key = (text, place)
            if text in frame.members:
                frame.spot.again.append((text, place))
        else:
            self._placed(place, text, style, None)

    def _placed(self, place: Place, text: str, style: str, members: dict[str | int, Spot] | None) -> Spot:
        if not self._open:
            self.top = Spot(place, text, style, members, None, [])
            return self.top
        frame = self._open[-1]
        name, at = frame.key or (len(frame.members), None)
        spot = Spot(place, text, style, members, at, [])
        frame.members.setdefault(name, spot)
        frame.key = None
        return spot


def of_yaml(text: str) -> Sequence[Spot]:
    """Return the top of each whole document that isn't empty."""
    tops: list[Spot] = []
    tree = _Tree()
    for event in events(text):
        if isinstance(event, Broken):
            continue
        if isinstance(event, yaml.DocumentStartEvent):
            tree = _Tree()
        elif isinstance(event, yaml.DocumentEndEvent):
            # An empty document has no number in the reader either; if the two counted differently, positions
            # would lie.
            if tree.top and (tree.top.text or tree.top.style):
                tops.append(tree.top)
        elif isinstance(event, yaml.CollectionStartEvent) and tree.depth >= limits.DEPTH:
            break
        else:
            _grow(tree, event)
    return tops


def _grow(tree: _Tree, event: Any) -> None:
    place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
    if isinstance(event, yaml.CollectionStartEvent):
        tree.opens(place, mapping=isinstance(event, yaml.MappingStartEvent))
    elif isinstance(event, yaml.CollectionEndEvent):
        tree.closes()
    elif isinstance(event, yaml.ScalarEvent):
        # Plain style is '' from libyaml and None from PyYAML's own parser.
        tree.scalar(place, event.value, event.style or "")
    elif isinstance(event, yaml.AliasEvent):
        tree.scalar(place, f"*{event.anchor}", "")


def of_json(text: str) -> Sequence[Spot]:
    """Return the top of each document; a list at the top holds documents. The text must be known to be JSON."""
    tops: list[Spot] = []
    tree = _Tree()
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for match in TOKEN.finditer(text):
        part, at = match.group(), match.start()
        line = bisect_right(starts, at)
        place = Place(line, at - starts[line - 1] + 1)
        if part in "{[":
            tree.opens(place, mapping=part == "{")
        elif part in "}]":
            tree.closes()
        elif part[0] == '"':
            tree.scalar(place, json.loads(part), '"')
        elif part not in ",:":
            tree.scalar(place, part, "")
        if tree.top and not tree.depth:
            tops += _documents(tree.top)
            tree = _Tree()
    return tops


def _documents(top: Spot) -> list[Spot]:
    return list(top.members.values()) if top.style == "[" and top.members is not None else [top]
