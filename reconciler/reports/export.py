"""An export into a folder, for people and as JSON: which files there are, and what is in each."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from typing import Any, Final

from reconciler.engine.exporting.export_files import FileSummary
from reconciler.model import Json
from reconciler.reports.layout import format_count, sanitize_message

EXPORT_SCHEMA: Final[dict[str, Any]] = {
    "manifests": {"type": "string", "description": "What would be printed: live state as manifests."},
    "folder": {"type": "string", "description": "Where the files are."},
    "files": {
        "type": "array",
        "description": "The files of an export or a new repository, by their paths below the folder.",
        "items": {
            "type": "object",
            "required": ["path", "written"],
            "properties": {
                "path": {"type": "string"},
                "documents": {"type": "integer", "minimum": 0},
                "rows": {"type": "integer", "minimum": 0, "description": "Of a table."},
                "objects": {"type": "integer", "minimum": 0, "description": "That are managed by what is in it."},
                "written": {"type": "boolean", "description": "False for a file that was there already, the same."},
            },
        },
    },
}
"""Members of the JSON document of `export` and `init`."""
_MOST_LINES = 60
"""Files that are listed one by one."""


def encode_files(summaries: Sequence[FileSummary], written: Collection[str]) -> list[Json]:
    """Return the files of an export; those that were there already with the same bytes are not `written`."""
    return [{**summary._asdict(), "written": summary.path in written} for summary in summaries]


def render_files(
    summaries: Sequence[FileSummary],
    written: Collection[str],
    folder: str,
    config: str | None,
    environment: str | None,
) -> str:
    """Return the files of an export as lines below a headline, and what to run next."""
    chosen = [("--config", config), ("--environment", environment)]
    choices = [word for option, value in chosen if value is not None for word in (option, value)]
    next_command = shlex.join(["reconciler", "plan", folder, *choices])
    lines = [summarize_export(summaries, written, folder), *list_files(summaries), f"next: {next_command}"]
    return sanitize_message("\n".join(lines) + "\n")


def summarize_export(summaries: Sequence[FileSummary], written: Collection[str], folder: str) -> str:
    """Return an export in one line."""
    objects = format_count(sum(summary.objects for summary in summaries), "object")
    old_count = len(summaries) - len(written)
    unchanged = f", {old_count:,} there already and the same" if old_count else ""
    return f"{objects} in {format_count(len(summaries), 'file')} in {folder}{unchanged}"


def list_files(summaries: Sequence[FileSummary]) -> list[str]:
    """Return a line a file, or of many files a line a folder: its path, and how much is in it."""
    labels = [(summary.path, _describe_contents(summary)) for summary in summaries]
    if len(summaries) > _MOST_LINES:
        labels = [(f"{folder}/", _describe_folder(inside)) for folder, inside in _group_by_folder(summaries)]
    width = max((len(path) for path, _ in labels), default=0)
    return [f"  {path:<{width}}  {contents}".rstrip() for path, contents in labels]


def _group_by_folder(summaries: Sequence[FileSummary]) -> list[tuple[str, list[FileSummary]]]:
    folders: dict[str, list[FileSummary]] = {}
    for summary in summaries:
        folders.setdefault(summary.path.rpartition("/")[0] or ".", []).append(summary)
    return sorted(folders.items())


def _describe_folder(inside: Sequence[FileSummary]) -> str:
    objects = sum(summary.objects for summary in inside)
    return f"{format_count(len(inside), 'file')}, {format_count(objects, 'object')}"


def _describe_contents(summary: FileSummary) -> str:
    if summary.rows:
        return format_count(summary.rows, "row")
    if not summary.documents:
        return ""
    documents = format_count(summary.documents, "document")
    # Of a document that names a table the objects are the table's.
    is_plain = summary.objects in {0, summary.documents}
    return documents if is_plain else f"{documents}, {format_count(summary.objects, 'object')}"
