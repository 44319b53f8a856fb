"""What was taken over from servers, for people and as JSON: a unified diff of each file, as `git diff` shows it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reconciler.diagnostics import Address
from reconciler.model import Coverage, Json
from reconciler.reports.layout import Layout, Line, build_line, format_count, render_parts, sanitize_message

ADOPTION_SCHEMA: Json = {
    "written": {"type": "boolean", "description": "Whether the files hold it, which they do with --write."},
    "adopted": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in Address._fields},
            "required": list(Address._fields),
        },
        "description": "The documents that say now what the servers have.",
    },
    "files": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"file": {"type": "string"}, "diff": {"type": "string", "description": "Unified."}},
            "required": ["file", "diff"],
        },
    },
}
"""The members of what was taken over."""
_STYLES = {"+": "green", "-": "red", "@": "cyan"}


class FileDiff(NamedTuple):
    """A file before and after, as it is shown."""

    file: str
    before: str
    after: str

    @property
    def lines(self) -> list[str]:
        """The unified diff, each line with its end; a last line that has none says so."""
        parts = (self.before.splitlines(keepends=True), self.after.splitlines(keepends=True))
        lines = difflib.unified_diff(*parts, f"a/{self.file}", f"b/{self.file}")
        return [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]


def encode_adoption(diffs: Sequence[FileDiff], documents: Sequence[Address], *, written: bool) -> dict[str, Json]:
    """Return the members of what was taken over."""
    return {
        "written": written,
        "adopted": [document._asdict() for document in documents],
        "files": [{"file": diff.file, "diff": "".join(diff.lines)} for diff in diffs],
    }


def summarize_adoption(
    compared: Coverage, diffs: Sequence[FileDiff], documents: Sequence[Address], *, written: bool
) -> str:
    """Return in one line what was taken over, and whether it stands in the files."""
    coverage = f"compared {compared.objects:,} of {compared.of:,}"
    if not diffs:
        return f"Nothing to take over: {coverage}."
    counts = f"{format_count(len(documents), 'document')} in {format_count(len(diffs), 'file')}"
    outcome = "changed" if written else "would change, and nothing is written without --write"
    return f"{counts} {outcome}: {coverage}."


def render_adoption(
    compared: Coverage, diffs: Sequence[FileDiff], documents: Sequence[Address], layout: Layout, *, written: bool
) -> str:
    """Return the summary and the diffs; what stands before a diff is no part of it to `git apply`."""

    def report() -> Iterator[Line]:
        yield build_line((summarize_adoption(compared, diffs, documents, written=written), "bold"), hang=2)
        for diff in diffs:
            yield build_line()
            for line in diff.lines:
                text = sanitize_message(line.rstrip("\n"))
                style = "bold" if line.startswith(("--- ", "+++ ")) else _STYLES.get(line[:1], "")
                yield build_line((text, style), hang=None) if text else build_line()

    return render_parts(report(), layout)
