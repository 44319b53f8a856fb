"""Problems as text: one line each, `file:line:column: what; why; what to do`, and the line itself if at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.errors import Problem, Source
from reconciler.reports.layout import PLAIN, Line, Look, count, drawn, line
from reconciler.sanitize import visible

_SNIPPET = 96
"""Characters of a manifest's line that are shown around the caret."""
_LEAD = 40


def problems(found: Iterable[Problem], look: Look = PLAIN, lines: Mapping[Source, str] | None = None) -> str:
    """Return every problem, sorted by place and told once; `lines` holds the text of manifest lines by position."""

    def report() -> Iterator[Line]:
        for problem in sorted(set(found)):
            yield line((f"{problem.source}:", "bold"), f" {problem.message}")
            text = (lines or {}).get(problem.source)
            if text is not None and text.strip():
                yield from _snippet(text, problem.source)

    return drawn(report(), look)


def notes(told: Iterable[Problem], look: Look = PLAIN) -> str:
    """Return what is told and changes nothing."""
    return drawn(
        (line(("note: ", "bold"), str(note)) for note in sorted(set(told))),
        look,
    )


def validated(found: Iterable[Problem], documents: int, files: int, look: Look, lines: Mapping[Source, str]) -> str:
    """Return the result of a validation: every problem, then the count."""
    listed = sorted(set(found))
    if not listed:
        return drawn([line((f"Valid: {count(documents, 'document')} in {count(files, 'file')}.", "bold"))], look)
    places = len({problem.source.file for problem in listed})
    verdict = f"{count(len(listed), 'problem')} in {count(places, 'file')}."
    return problems(listed, look, lines) + drawn([line((verdict, "bold"))], look)


def _snippet(text: str, source: Source) -> Iterator[Line]:
    """Yield the line and a caret below the column; of a long line only the part around it."""
    from rich.cells import cell_len  # noqa: PLC0415

    column = min(max(source.column, 1), len(text) + 1) - 1
    start = max(0, column - _LEAD) if len(text) > _SNIPPET else 0
    shown, before = visible(text[start : start + _SNIPPET].rstrip()), visible(text[start:column])
    number = str(source.line)
    yield line((f"  {number} | ", "dim"), shown)
    # In cells, not characters: East Asian letters are two wide (UAX 11), combining marks none.
    yield line((f"  {'':{len(number)}} | ", "dim"), " " * cell_len(before), ("^", "bold red"))
