"""A new repository for people: what was written, what was left as it is, and the first commands."""

from __future__ import annotations

import shlex

from reconciler.engine.exporting.repository import NewRepository
from reconciler.reports.export import list_files
from reconciler.reports.layout import format_count, sanitize_message


def render_repository(repository: NewRepository, folder: str, *, is_versioned: bool) -> str:
    """Return the files of a repository below a headline, and the next three commands."""
    kept_line = [f"left as they are: {', '.join(repository.kept_paths)}"] if repository.kept_paths else []
    enter = f"cd {shlex.quote(folder)} && " if folder != "." else ""
    start = "" if is_versioned else "git init && "
    # A plan would ask servers that nobody has; this says what each of them lacks.
    second_command = (
        "reconciler doctor    # once reconciler.yaml names your servers" if repository.is_example else "reconciler plan"
    )
    next_commands = (f"{enter}reconciler validate", second_command, f"{start}git add . && git commit")
    lines = [summarize_repository(repository, folder), *list_files(repository.summaries), *kept_line, "next:"]
    return sanitize_message("\n".join([*lines, *(f"  {command}" for command in next_commands)]) + "\n")


def summarize_repository(repository: NewRepository, folder: str) -> str:
    """Return a repository in one line."""
    objects = sum(summary.objects for summary in repository.summaries)
    return f"{format_count(len(repository.files), 'file')} in {folder}, {format_count(objects, 'object')} declared"
