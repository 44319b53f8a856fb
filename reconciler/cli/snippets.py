"""The manifest lines that problems point at, for a reader at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from reconciler.cli.context import Session
from reconciler.errors import Problem, Source

_MANIFESTS = frozenset({".yaml", ".yml", ".json", ".csv"})
_LARGEST = 8 * 2**20


def snippets(session: Session, stream: TextIO, problems: Iterable[Problem]) -> Mapping[Source, str]:
    """Return the text of each line that a problem cites; nothing where the stream is no terminal.

    Only ever asked for manifests: a line of the settings could hold a secret that should not be there.
    """
    if not session.look(stream).width:
        return {}
    wanted: dict[str, set[Source]] = {}
    for problem in problems:
        if problem.source.line and Path(problem.source.file).suffix in _MANIFESTS:
            wanted.setdefault(problem.source.file, set()).add(problem.source)
    found: dict[Source, str] = {}
    for file, sources in wanted.items():
        lines = _lines(session.cwd / file)
        found |= {source: lines[source.line - 1] for source in sources if source.line <= len(lines)}
    return found


def _lines(path: Path) -> list[str]:
    """Return a file's lines; none if it is not what it was a moment ago: a courtesy must not become a fault."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return []
        # Positions count line feeds alone; splitlines() would part at a form feed and at U+2028 as well.
        return path.read_bytes().decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        return []
