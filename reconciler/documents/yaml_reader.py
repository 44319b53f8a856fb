"""YAML to plain values from the scanner's events, so that nothing is constructed that was not looked at first.

Refused: anchors, aliases, merge keys, tags, directives, keys that are not text, duplicate keys, and what lies beyond
the limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import yaml

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.documents import characters, limits, yaml_errors
from reconciler.documents.document import Document, SourceFile
from reconciler.documents.escapes import explain_escape, explain_needless_escape, find_escape
from reconciler.documents.scalars import REFUSED, Ambiguous, Value, describe_value, resolve_scalar
from reconciler.documents.yaml_events import SCANNER, BrokenYaml, read_yaml_events
from reconciler.sanitize import escape_and_shorten


class LimitReached(Exception):
    """The rest of the file is not read: a limit was passed."""


def read_yaml(file: SourceFile, scanner: Any = SCANNER) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents of a YAML file, empty ones left out, and every problem of its syntax."""
    # Measured on 100,000 entries (18 MB): 1.5 s and 63 MiB; yaml.CSafeLoader takes 17 s and 769 MiB, and
    # 4.5 s with Python's collector off.
    builder = _DocumentBuilder(file)
    try:
        for event in read_yaml_events(file.text, scanner):
            builder.handle_event(event)
    except LimitReached:
        pass
    return builder.documents, builder.problems


# A file with a carriage return alone, or with one of Unicode's line ends, comes no further than its characters.
_LINE_END: Final = re.compile("\n")
_OPEN_BRACE: Final = re.compile(r"/[^{}]*\{ *[A-Za-z]+")
_NO_KEY: Final = object()
_DROPPED: Final = object()


class _Frame:
    """A list or mapping that is still open; `loose` if it stands where a key is due, and so belongs nowhere."""

    __slots__ = ("held", "key", "keys", "loose")

    def __init__(self, collection: list[Any] | dict[str, Any], *, as_key: bool) -> None:
        self.held = collection
        self.loose = as_key
        self.key: Any = _NO_KEY
        self.keys: dict[str, Any] = {}


class _DocumentBuilder:
    """Takes events and builds values; complains instead of raising, but for limits."""

    def __init__(self, file: SourceFile) -> None:
        self.file = file
        self.documents: list[Document] = []
        self.problems: list[Diagnostic] = []
        self._open: list[_Frame] = []
        self._line_starts = _find_line_starts(file.text) if "\\" in file.text and not file.is_foreign else []
        self._nodes = 0
        self._before = 0
        self._top: Value = None
        self._first_mark: Any = None
        self._is_blank = True
        self._take: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._handle_scalar,
            yaml.MappingStartEvent: self._start_mapping,
            yaml.SequenceStartEvent: self._start_sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._refuse_alias,
            yaml.DocumentStartEvent: self._start_document,
            yaml.DocumentEndEvent: self._finish_document,
            BrokenYaml: self._handle_broken,
        }

    def handle_event(self, event: Any) -> None:
        """Take the next event; raises LimitReached where a limit is passed."""
        handle = self._take.get(type(event))
        if handle:
            handle(event)

    def _handle_broken(self, broken: BrokenYaml) -> None:
        self._open.clear()
        self._add(broken.explanation.locate(self.file.source(broken.line, broken.column)))

    def _complain(self, event: Any, explanation: Explanation) -> None:
        self._add(explanation.locate(self.file.source(event.start_mark.line + 1, event.start_mark.column + 1)))

    def _add(self, problem: Diagnostic) -> None:
        self.problems.append(problem)
        if len(self.problems) > limits.PROBLEMS:
            raise LimitReached

    def _start_document(self, event: Any) -> None:
        self._top, self._first_mark, self._is_blank = None, None, True
        self._before = len(self.problems)
        # %TAG can rename even `!!`, and with it what every tag below stands for (YAML 1.2, section 6.8.2).
        if event.version or event.tags:
            self._complain(event, yaml_errors.DIRECTIVE)

    def _finish_document(self, event: Any) -> None:
        if not self._is_blank:
            mark = self._first_mark or event.start_mark
            damaged = len(self.problems) > self._before
            source = self.file.source(mark.line + 1, mark.column + 1)
            self.documents.append(Document(self._top, source, self.file, len(self.documents), damaged))

    def _handle_scalar(self, event: Any) -> None:
        self._count_node(event)
        text: str = event.value
        # YAML 1.2, section 3.3.2: only plain scalars are resolved by their form.
        value: Value = text if event.style else resolve_scalar(text)
        if event.anchor or event.tag:
            self._refuse_decoration(event)
            value = REFUSED if event.tag else value
        if len(text) * 4 > limits.SCALAR_BYTES and len(text.encode("utf-8", "replace")) > limits.SCALAR_BYTES:
            self._complain(event, yaml_errors.LONG)
            value = REFUSED
        # Escapes in double quotes (`\e`, `\u202e`) bring what the text of the file may not hold.
        elif (event.style == '"' or not text.isascii()) and (unsafe := characters.explain_unsafe_text(text)):
            self._complain(event, self._explain_unsafe(event, unsafe))
            value = REFUSED
        elif event.style == '"' and self._line_starts and (needless := self._find_needless_escape(event)):
            self._complain(event, needless)
            value = REFUSED
        if not self._open:
            self._is_blank = value is None and not text
        self._place_value(event, value)

    def _explain_unsafe(self, event: Any, unsafe: Explanation) -> Explanation:
        character, mark = characters.find_unsafe_character(event.value), event.start_mark
        escape = find_escape(self.file.text, mark.line + 1, mark.column + 1, character) if character else ""
        return explain_escape(unsafe.add_subject("this text"), escape, json=False)

    def _find_needless_escape(self, event: Any) -> Explanation | None:
        # A mark's index counts from where the scanner began anew after a syntax error; its line is always the file's.
        mark = event.start_mark
        return explain_needless_escape(self.file.text, self._line_starts[mark.line] + mark.column)

    def _place_value(self, event: Any, value: Value) -> None:
        if not self._open:
            self._top, self._first_mark = value, event.start_mark
            return
        frame = self._open[-1]
        if isinstance(frame.held, list):
            frame.held.append(value)
        elif frame.key is _NO_KEY:
            frame.key = self._key(event, frame, value)
        else:
            if frame.key is not _DROPPED:
                frame.held[frame.key] = value
            frame.key = _NO_KEY

    def _key(self, event: Any, frame: _Frame, value: Value) -> Any:
        if value is REFUSED:
            return _DROPPED
        text: str = event.value
        if type(value) is not str:
            self._complain(event, _describe_bad_key(text, value))
            return _DROPPED
        # YAML wants the keys of a mapping to differ; PyYAML checks nothing and keeps the last.
        first = frame.keys.setdefault(text, event.start_mark)
        if first is not event.start_mark:
            self._complain(event, yaml_errors.explain_duplicate_key(text, first.line + 1))
            return _DROPPED
        return text

    def _start_mapping(self, event: Any) -> None:
        self._start_collection(event, {})

    def _start_sequence(self, event: Any) -> None:
        self._start_collection(event, [])

    def _start_collection(self, event: Any, collection: list[Any] | dict[str, Any]) -> None:
        self._count_node(event)
        # Collections carry tags too: `!!python/object/apply:os.system [id]` runs a command in PyYAML's unsafe
        # loader.
        if event.anchor or event.tag:
            self._refuse_decoration(event)
        if len(self._open) >= limits.DEPTH:
            self._complain(event, yaml_errors.DEEP)
            raise LimitReached
        # YAML lets a list or mapping be a key (`? [a, b]`); neither a dict nor JSON can hold one.
        as_key = bool(self._open) and isinstance(self._open[-1].held, dict) and self._open[-1].key is _NO_KEY
        if as_key:
            self._complain(event, yaml_errors.COMPLEX)
        else:
            self._is_blank = False
            self._place_value(event, collection)
        self._open.append(_Frame(collection, as_key=as_key))

    def _end(self, _event: Any) -> None:
        ended = self._open.pop()
        if ended.loose:
            self._open[-1].key = _DROPPED
        elif self._open and isinstance(parent := self._open[-1].held, list) and len(ended.held) == 1:
            parent[-1] = _join_broken_text(ended.held)

    def _refuse_alias(self, event: Any) -> None:
        self._count_node(event)
        self._complain(event, yaml_errors.ALIAS)
        self._place_value(event, REFUSED)

    def _refuse_decoration(self, event: Any) -> None:
        if event.tag:
            self._complain(event, yaml_errors.explain_tag(_format_tag(event.tag)))
        if event.anchor:
            self._complain(event, yaml_errors.ANCHOR)

    def _count_node(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > limits.NODES:
            self._complain(event, yaml_errors.MANY)
            raise LimitReached


def _join_broken_text(value: list[Any] | dict[str, Any]) -> Value:
    """Return the text that was meant where a list has a mapping of one member whose key opens a brace.

    `- /a/{b: C}/` is such a mapping to YAML, `/a/{b` and `C}/`, and nobody would write that in order to say so.
    """
    key, member = next(iter(value.items())) if isinstance(value, dict) else ("", None)
    return f"{key}: {member}" if isinstance(member, str) and _OPEN_BRACE.fullmatch(key) else value


def _find_line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def _format_tag(tag: str) -> str:
    # The scanner has expanded `!!` to this prefix (YAML 1.2, section 6.8.2); the reader knows what was
    # written.
    return tag if tag.startswith("!") else tag.replace("tag:yaml.org,2002:", "!!", 1)


def _describe_bad_key(text: str, value: Value) -> Explanation:
    if text == "<<" and isinstance(value, Ambiguous):
        return yaml_errors.MERGE
    if not text:
        return yaml_errors.NO_KEY
    key = escape_and_shorten(text)
    return Explanation(
        "yaml.invalid-key", f"the key {key} reads as {describe_value(value)}", "keys are text", f'write "{key}"'
    )
