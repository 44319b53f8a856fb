"""Problems as text: one line each, `file:line:column: what; why; what to do`, and the line itself if at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import limits
from reconciler.documents.limits import limit_problems
from reconciler.reports.layout import PLAIN_LAYOUT, Layout, Line, build_line, format_count, measure_text, render_parts
from reconciler.sanitize import escape_invisible

_SNIPPET_WIDTH = 96
"""Characters of a manifest's line that are shown around the caret."""
_SNIPPET_LEAD = 40
_HANG = 4


def render_problems(
    entries: Iterable[Diagnostic],
    layout: Layout = PLAIN_LAYOUT,
    lines: Mapping[Source, str] | None = None,
    *,
    names_targets: bool = False,
) -> str:
    """Return the problems, sorted by place and told once, of each file as many as are read there.

    `lines` holds the text of manifest lines by position. Where there is more than one target (`names_targets`) a
    problem of an object says which it is about.
    """

    def report() -> Iterator[Line]:
        for problem in limit_by_file(entries):
            words = f" {_name_target(problem) if names_targets else ''}{problem.message}"
            yield build_line((f"{problem.source}:", "bold"), words, hang=_HANG)
            text = (lines or {}).get(problem.source)
            if text is not None and text.strip():
                yield from _render_snippet(text, problem.source, layout)

    return render_parts(report(), layout)


def render_notes(entries: Iterable[Diagnostic], layout: Layout = PLAIN_LAYOUT, *, names_targets: bool = False) -> str:
    """Return what is told and changes nothing."""
    return render_parts(
        (
            build_line(
                ("note: ", "bold"),
                f"{note.source}: {_name_target(note) if names_targets else ''}{note.message}",
                hang=_HANG,
            )
            for note in limit_by_file(entries)
        ),
        layout,
    )


def limit_by_file(entries: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield the diagnostics in order, of a file with very many the first ones and how many there are besides.

    A table of 100,000 rows may have a fault in each that only the servers show; a document has them all.
    """
    # A set would mix up what is nearly in order already.
    for _, group in groupby(sorted(dict.fromkeys(entries)), key=lambda entry: entry.source.file):
        diagnostics = list(group)
        # One more than the limit: what the reader of a file has limited already ends in a line that counts the rest.
        is_limited = len(diagnostics) <= limits.PROBLEMS + 1
        yield from diagnostics if is_limited else limit_problems(diagnostics)


def render_validation(
    entries: Iterable[Diagnostic],
    documents: int,
    files: int,
    layout: Layout,
    lines: Mapping[Source, str],
    targets: int = 1,
) -> str:
    """Return the result of a validation: every problem, or the counts; that of `targets` where it says something."""
    unique_problems = sorted(set(entries))
    if not unique_problems:
        counts = f"{format_count(documents, 'document')} in {format_count(files, 'file')}"
        scope = f", for {format_count(targets, 'target')}" if targets > 1 else ""
        return render_parts([build_line((f"Valid: {counts}{scope}.", "bold"))], layout)
    faulty_files = len({problem.source.file for problem in unique_problems})
    verdict = f"{format_count(len(unique_problems), 'problem')} in {format_count(faulty_files, 'file')}."
    return render_problems(unique_problems, layout, lines) + render_parts([build_line((verdict, "bold"))], layout)


def _name_target(problem: Diagnostic) -> str:
    return f"target {problem.address.target}: " if problem.address else ""


def _render_snippet(text: str, source: Source, layout: Layout) -> Iterator[Line]:
    """Yield the line and a caret below the column; of a long line only the part around it."""
    number = str(source.line)
    width = min(_SNIPPET_WIDTH, layout.width - len(number) - 5) if layout.width else _SNIPPET_WIDTH
    lead = min(_SNIPPET_LEAD, width // 2)
    column = min(max(source.column, 1), len(text) + 1) - 1
    start = max(0, column - lead) if len(text) > width else 0
    excerpt, prefix = (
        escape_invisible(text[start : start + width].rstrip()),
        escape_invisible(text[start:column]),
    )
    yield build_line((f"  {number} | ", "dim"), excerpt, hang=None)
    # In cells, not characters: East Asian letters are two wide (UAX 11), combining marks none.
    yield build_line((f"  {'':{len(number)}} | ", "dim"), " " * measure_text(prefix), ("^", "bold red"), hang=None)
