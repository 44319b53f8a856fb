"""The manifest lines that problems point at, for a reader at a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from reconciler.cli.terminal.context import Session
from reconciler.diagnostics import Diagnostic, Source

_MANIFEST_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".csv"})
_MAX_BYTES = 8 * 2**20


def read_snippets(session: Session, stream: TextIO, problems: Iterable[Diagnostic]) -> Mapping[Source, str]:
    """Return the text of each line that a problem cites; nothing where the stream is no terminal.

    Only ever asked for manifests: a line of the settings could hold a secret that should not be there.
    """
    if not session.choose_layout(stream).width:
        return {}
    sources_by_file: dict[str, set[Source]] = {}
    for problem in problems:
        if problem.source.line and Path(problem.source.file).suffix in _MANIFEST_SUFFIXES:
            sources_by_file.setdefault(problem.source.file, set()).add(problem.source)
    lines_by_source: dict[Source, str] = {}
    for file, sources in sources_by_file.items():
        lines = _read_lines(session.cwd / file)
        lines_by_source |= {source: lines[source.line - 1] for source in sources if source.line <= len(lines)}
    return lines_by_source


def _read_lines(path: Path) -> list[str]:
    """Return a file's lines; none if it is not what it was a moment ago: a courtesy must not become a fault."""
    try:
        if not path.is_file() or path.stat().st_size > _MAX_BYTES:
            return []
        # Positions count line feeds alone; splitlines() would part at a form feed and at U+2028 as well.
        return path.read_bytes().decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError):
        return []
