"""Live state as manifests on which a plan is empty: read, written as text, and read back before anybody sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import limits
from reconciler.documents.reader import parse_documents
from reconciler.documents.writer import format_yaml
from reconciler.engine.declaration import RunInputs, read_settings
from reconciler.engine.exporting.export_drafts import Draft, ExportScope, drop_refused, drop_unfit, read_drafts
from reconciler.errors import Exit, IncompleteError, RefusedError
from reconciler.settings.model import Settings

_ALL_DECLARED = "# whatever was asked for is declared already\n"


class ExportResult(NamedTuple):
    """Manifests as text, and why each object that is not among them was left out."""

    text: str
    problems: tuple[Diagnostic, ...]

    @property
    def exit(self) -> Exit:
        """The outcome: an export without something that exists is no whole one."""
        return Exit.INCOMPLETE if self.problems else Exit.OK


def export_manifests(
    inputs: RunInputs,
    config: str | None,
    environment: str | None,
    on_progress: Callable[[str], None],
    scope: ExportScope,
) -> ExportResult:
    """Return what exists as YAML.

    An object that no manifest can hold is left out, and told. Raises UsageError where there is nothing to export,
    IncompleteError where everything was left out, and RefusedError for a text that `plan` could not read. Whatever
    can't be read ends it: half an export would look like a whole one.
    """
    settings = read_settings(inputs, config, environment)
    drafts = read_drafts(inputs, settings, scope, on_progress)
    return _write_manifests(drafts, inputs, settings) if drafts else ExportResult(_ALL_DECLARED, ())


def _write_manifests(drafts: Sequence[Draft], inputs: RunInputs, settings: Settings) -> ExportResult:
    """Return the text of all drafts that `plan` would take."""
    writable, problems = drop_unfit(drafts)
    text = format_drafts(writable, problems)
    if unread := list(_find_unreadable_text(text, len(writable))):
        raise RefusedError(*unread)
    documents, _ = parse_documents(text.encode(), "export.yaml")
    taken, refusals = drop_refused(writable, documents, inputs, settings)
    if refusals:
        problems += refusals
        text = format_drafts(taken, problems)
    if not taken:
        raise IncompleteError(*problems)
    return ExportResult(text, tuple(problems))


def format_drafts(drafts: Sequence[Draft], problems: Sequence[Diagnostic] = ()) -> str:
    """Return the text of drafts; before the first of them it says what was left out."""
    absences = [f"{problem.source} is left out: {problem.summary}" for problem in problems]
    remarks = [draft.exported.remarks for draft in drafts]
    if remarks:
        remarks[0] = (*absences, *remarks[0])
    comments = ({("spec", *path): text for path, text in draft.exported.comments.items()} for draft in drafts)
    return format_yaml([draft.manifest for draft in drafts], remarks, comments)


def _find_unreadable_text(text: str, documents: int) -> Iterator[Diagnostic]:
    """Yield why `plan` could not read this: what is printed has been read back, limits and all."""
    _, problems = parse_documents(text.encode(), "export.yaml")
    messages = [problem.message for problem in problems]
    if documents > limits.DOCUMENTS:
        messages.append(f"there are more than {limits.DOCUMENTS} documents (limit DOCUMENTS); no run takes that many")
    for message in messages:
        yield Diagnostic(
            "export.unreadable-text",
            Source("export"),
            f"nothing is printed, since plan could not read it back: {message}",
            remedy="export it in parts, with --kind, --match or --target",
        )
