"""Where every value of a document begins and ends in its text, for whoever edits it in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from reconciler.documents.yaml_events import BrokenYaml, read_yaml_events

_BLANKS: Final = " \t\r\n"
_UNEDITABLE: Final = (BrokenYaml, yaml.AliasEvent)


@dataclass(slots=True)
class SourceSpan:
    """A value as it is written: text[start:end], from its sign or quote on.

    `style` is "{" or "[" for a mapping or list, ' " | > for a scalar in quotes or of several lines, "" for a plain one.
    `is_flow` says of the first two that they stand in brackets. A block ends where its last member does, without the
    comments behind it. `entries` are the members in order, each with its key in a mapping; `text` is a scalar's.
    """

    start: int
    end: int
    style: str
    is_flow: bool = False
    text: str = ""
    entries: list[tuple[SourceSpan | None, SourceSpan]] = field(default_factory=list)

    def find_entry(self, name: str) -> tuple[SourceSpan, SourceSpan]:
        """Return the key and the value of a mapping's member; raises KeyError."""
        for key, value in self.entries:
            if key is not None and key.text == name:
                return key, value
        raise KeyError(name)


def read_source_tree(text: str) -> list[SourceSpan]:
    """Return the top of each document that is not empty, in order; JSON is read as the YAML that it is.

    Raises ValueError for a text that is none, and for anchors and aliases.
    """
    tops: list[SourceSpan] = []
    builder = _TreeBuilder(text)
    for event in read_yaml_events(text):
        if type(event) in _UNEDITABLE:
            raise ValueError("it is not written in YAML that can be edited in place")
        if isinstance(event, yaml.DocumentStartEvent):
            builder = _TreeBuilder(text)
        elif isinstance(event, yaml.DocumentEndEvent):
            # As in the readers: an empty document has no number.
            if builder.top and (builder.top.style or builder.top.text):
                tops.append(builder.top)
        else:
            builder.add_event(event)
    return tops


class _TreeBuilder:
    """Builds one document's tree from the order in which its parts open and close."""

    def __init__(self, text: str) -> None:
        self.top: SourceSpan | None = None
        self._text = text
        self._open: list[tuple[SourceSpan, list[SourceSpan]]] = []

    def add_event(self, event: Any) -> None:
        """Take the next event of a document."""
        if isinstance(event, yaml.ScalarEvent):
            self._add(SourceSpan(_find_start(event), self._find_end(event), event.style or "", text=event.value))
        elif isinstance(event, yaml.CollectionStartEvent):
            style = "{" if isinstance(event, yaml.MappingStartEvent) else "["
            self._open.append((SourceSpan(_find_start(event), 0, style, bool(event.flow_style)), []))
        elif isinstance(event, yaml.CollectionEndEvent):
            span, members = self._open.pop()
            span.entries = _pair_members(span, members)
            # The event of a block's end lies behind comments and empty lines.
            span.end = _find_end(event) if span.is_flow or not members else members[-1].end
            self._add(span)

    def _add(self, span: SourceSpan) -> None:
        if self._open:
            self._open[-1][1].append(span)
        else:
            self.top = span

    def _find_end(self, event: Any) -> int:
        """Return where a scalar ends: of one of several lines the scanner says where the next line begins."""
        end = _find_end(event)
        while event.style in {"|", ">"} and end > _find_start(event) and self._text[end - 1] in _BLANKS:
            end -= 1
        return end


def _find_start(event: Any) -> int:
    return int(event.start_mark.index)


def _find_end(event: Any) -> int:
    return int(event.end_mark.index)


def _pair_members(span: SourceSpan, members: Sequence[SourceSpan]) -> list[tuple[SourceSpan | None, SourceSpan]]:
    if span.style == "[":
        return [(None, member) for member in members]
    return list(zip(members[::2], members[1::2], strict=True))
