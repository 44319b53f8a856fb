"""Problems as text: however many there are, a person can read them."""

from __future__ import annotations

import pytest

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import limits
from reconciler.reports.problems import render_notes, render_problems


def make_problems(count: int, file: str) -> list[Diagnostic]:
    return [Diagnostic("live.not-found", Source(file, line, 1), "no such certificate") for line in range(2, count + 2)]


@pytest.mark.no_cover
def test_a_hundred_thousand_rows_without_a_certificate_are_a_page() -> None:
    """Only the servers show that, so that no reader of the table could have stopped at the limit."""
    problems = [*make_problems(100_000, "owners.csv"), *make_problems(1, "a.yaml")]
    lines = render_problems(problems).splitlines()
    assert len(lines) == limits.PROBLEMS + 2
    assert lines[0].startswith("a.yaml:2:1: ")
    assert lines[-1].startswith(
        f"owners.csv:{limits.PROBLEMS + 2}:1: {100_000 - limits.PROBLEMS} more problems in this"
    )


def test_notes_are_bounded_too() -> None:
    """A row that is only told is a row."""
    assert len(render_notes(make_problems(5_000, "owners.csv")).splitlines()) == limits.PROBLEMS + 1


def test_what_was_limited_where_it_was_read_is_told_as_it_is() -> None:
    """Else the line that counts the rest would itself be counted."""
    problems = limits.limit_problems(make_problems(5_000, "owners.csv"))
    assert render_problems(problems).splitlines() == [str(problem) for problem in problems]
