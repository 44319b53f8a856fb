"""YAML to plain values from the scanner's events, so that nothing is constructed that was not looked at first.

Refused: anchors, aliases, merge keys, tags, directives, keys that are not text, duplicate keys, and what lies beyond
the limits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import yaml

from reconciler.documents import characters, limits, yaml_errors
from reconciler.documents.document import Document, File
from reconciler.documents.scalars import REFUSED, Ambiguous, Value, reading, resolve
from reconciler.documents.yaml_events import SCANNER, Broken, events
from reconciler.errors import Problem
from reconciler.sanitize import escape_and_shorten


class Stop(Exception):
    """The rest of the file is not read: a limit was passed."""


def read(file: File, scanner: Any = SCANNER) -> tuple[list[Document], list[Problem]]:
    """Return the documents of a YAML file, empty ones left out, and every problem of its syntax."""
    # Measured on 100,000 entries (18 MB): 1.5 s and 63 MiB; yaml.CSafeLoader takes 17 s and 769 MiB, and
    # 4.5 s with Python's collector off.
    builder = _Builder(file)
    try:
        for event in events(file.text, scanner):
            builder.take(event)
    except Stop:
        pass
    return builder.documents, builder.problems


_NO_KEY: Final = object()
_DROPPED: Final = object()


class _Frame:
    """A list or mapping that is still open; `loose` if it stands where a key is due, and so belongs nowhere."""

    __slots__ = ("held", "key", "keys", "loose")

    def __init__(self, held: list[Any] | dict[str, Any], *, loose: bool) -> None:
        self.held = held
        self.loose = loose
        self.key: Any = _NO_KEY
        self.keys: dict[str, Any] = {}


class _Builder:
    """Takes events and builds values; complains instead of raising, but for limits."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.documents: list[Document] = []
        self.problems: list[Problem] = []
        self._open: list[_Frame] = []
        self._nodes = 0
        self._before = 0
        self._top: Value = None
        self._first: Any = None
        self._blank = True
        self._take: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._mapping,
            yaml.SequenceStartEvent: self._sequence,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._start,
            yaml.DocumentEndEvent: self._finish,
            Broken: self._broken,
        }

    def take(self, event: Any) -> None:
        """Take the next event; raises Stop where a limit is passed."""
        handle = self._take.get(type(event))
        if handle:
            handle(event)

    def _broken(self, broken: Broken) -> None:
        self._open.clear()
        self._add(Problem(self.file.source(broken.line, broken.column), broken.message))

    def _complain(self, event: Any, message: str) -> None:
        self._add(Problem(self.file.source(event.start_mark.line + 1, event.start_mark.column + 1), message))

    def _add(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) > limits.PROBLEMS:
            raise Stop

    def _start(self, event: Any) -> None:
        self._top, self._first, self._blank = None, None, True
        self._before = len(self.problems)
        # %TAG can rename even `!!`, and with it what every tag below stands for (YAML 1.2, section 6.8.2).
        if event.version or event.tags:
            self._complain(event, yaml_errors.DIRECTIVE)

    def _finish(self, event: Any) -> None:
        if not self._blank:
            mark = self._first or event.start_mark
            damaged = len(self.problems) > self._before
            source = self.file.source(mark.line + 1, mark.column + 1)
            self.documents.append(Document(self._top, source, self.file, len(self.documents), damaged))

    def _scalar(self, event: Any) -> None:
        self._count(event)
        text: str = event.value
        # YAML 1.2, section 3.3.2: only plain scalars are resolved by their form; in quotes or blocks all is
        # text.
        value: Value = text if event.style else resolve(text)
        if event.anchor or event.tag:
            self._undecorated(event)
            value = REFUSED if event.tag else value
        if len(text) * 4 > limits.SCALAR_BYTES and len(text.encode("utf-8", "replace")) > limits.SCALAR_BYTES:
            self._complain(event, yaml_errors.LONG)
            value = REFUSED
        # Escapes in double quotes (`\e`, `\u202e`) bring what the text of the file may not hold.
        elif (event.style == '"' or not text.isascii()) and (why := characters.refused(text)):
            self._complain(event, yaml_errors.UNFIT.format(why))
            value = REFUSED
        if not self._open:
            self._blank = value is None and not text
        self._place(event, value)

    def _place(self, event: Any, value: Value) -> None:
        if not self._open:
            self._top, self._first = value, event.start_mark
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
            self._complain(event, _bad_key(text, value))
            return _DROPPED
        # YAML wants the keys of a mapping to differ; PyYAML checks nothing and keeps the last.
        first = frame.keys.setdefault(text, event.start_mark)
        if first is not event.start_mark:
            self._complain(event, yaml_errors.TWICE.format(escape_and_shorten(text), first.line + 1))
            return _DROPPED
        return text

    def _mapping(self, event: Any) -> None:
        self._collection(event, {})

    def _sequence(self, event: Any) -> None:
        self._collection(event, [])

    def _collection(self, event: Any, held: list[Any] | dict[str, Any]) -> None:
        self._count(event)
        # Collections carry tags too: `!!python/object/apply:os.system [id]` runs a command in PyYAML's unsafe
        # loader.
        if event.anchor or event.tag:
            self._undecorated(event)
        if len(self._open) >= limits.DEPTH:
            self._complain(event, yaml_errors.DEEP)
            raise Stop
        # YAML lets a list or mapping be a key (`? [a, b]`); neither a dict nor JSON can hold one.
        loose = bool(self._open) and isinstance(self._open[-1].held, dict) and self._open[-1].key is _NO_KEY
        if loose:
            self._complain(event, yaml_errors.COMPLEX)
        else:
            self._blank = False
            self._place(event, held)
        self._open.append(_Frame(held, loose=loose))

    def _end(self, _event: Any) -> None:
        if self._open.pop().loose:
            self._open[-1].key = _DROPPED

    def _alias(self, event: Any) -> None:
        self._count(event)
        self._complain(event, yaml_errors.ALIAS)
        self._place(event, REFUSED)

    def _undecorated(self, event: Any) -> None:
        if event.tag:
            self._complain(event, yaml_errors.TAG.format(escape_and_shorten(_tag(event.tag))))
        if event.anchor:
            self._complain(event, yaml_errors.ANCHOR)

    def _count(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > limits.NODES:
            self._complain(event, yaml_errors.MANY)
            raise Stop


def _tag(tag: str) -> str:
    # The scanner has expanded `!!` to this prefix (YAML 1.2, section 6.8.2); the reader knows what was
    # written.
    return tag if tag.startswith("!") else tag.replace("tag:yaml.org,2002:", "!!", 1)


def _bad_key(text: str, value: Value) -> str:
    if text == "<<" and isinstance(value, Ambiguous):
        return yaml_errors.MERGE
    if not text:
        return yaml_errors.NO_KEY
    what = reading(value)
    return f'the key {escape_and_shorten(text)} reads as {what}; keys are text; write "{escape_and_shorten(text)}"'
