"""YAML's events: what the scanner sees, in order, with nothing constructed.

libyaml's scanner is used where PyYAML has it, PyYAML's own elsewhere; both give the same events. Where the text is not
YAML, the stream goes on at the next `---`, so that one mistake doesn't hide those of the documents below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import yaml

from reconciler.diagnostics import Explanation
from reconciler.documents.yaml_errors import explain_yaml_error

# PyYAML's wheels bring libyaml; a build without its headers has no CSafeLoader.
SCANNER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The fastest source of events there is; what it could construct is never asked for."""

# Each restart scans what is left once more: without a bound, broken documents would cost time in
# their square.
_MAX_RESTARTS: Final = 10
_NEXT_DOCUMENT: Final = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)


class BrokenYaml(NamedTuple):
    """The text is not YAML here (1-based); the document in which it stands is lost."""

    line: int
    column: int
    explanation: Explanation


def read_yaml_events(text: str, scanner: Any = SCANNER) -> Iterator[Any]:
    """Yield yaml.Event values with 0-based marks, and BrokenYaml where there is a syntax error."""
    remainder = text
    for _ in range(_MAX_RESTARTS):
        try:
            yield from _scan_events(remainder, scanner)
        except yaml.YAMLError as error:
            broken = BrokenYaml(*explain_yaml_error(error, text))
            yield broken
            remainder = _find_next_document(text, broken.line)
            if not remainder:
                return
        else:
            return


def _scan_events(text: str, scanner: Any) -> Iterator[Any]:
    loader = scanner(text)
    try:
        while (event := loader.get_event()) is not None:
            yield event
    finally:
        # PyYAML's own parser refers to itself through its bound methods; this breaks the cycle.
        loader.dispose()


def _find_next_document(text: str, line: int) -> str:
    """Return the text from the first `---` below a line on, after as many line ends as keep its lines' numbers."""
    start = -1
    for _ in range(line):
        start = text.find("\n", start + 1)
        if start < 0:
            return ""
    match = _NEXT_DOCUMENT.search(text, start + 1)
    return "\n" * text.count("\n", 0, match.start()) + text[match.start() :] if match else ""
