"""`reconciler schema`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.errors import Exit, IncompleteError, InvalidError, UsageError
from reconciler.state.atomic import is_storage_failure, replace_file


@options.command()
@click.option("--write", metavar="DIR", help="Write one file a schema.")
@click.option("--check", metavar="DIR", help="Exit 4 if the files there are not what --write would write.")
@options.no_color
@click.pass_obj
def command(session: Session, /, write: str | None, check: str | None) -> CommandResult:
    """Print the JSON Schemas of all kinds, the settings, plans and reports."""
    from reconciler.kinds.registry import KINDS
    from reconciler.schema import build_schemas, render_schema

    if write is not None and check is not None:
        problem = Diagnostic(
            "usage.command-line",
            Source("reconciler"),
            "--write and --check exclude each other",
            "one of them would make the other pointless",
            "give one",
        )
        raise UsageError(problem)
    schemas_by_name = build_schemas(KINDS)
    texts = {name: render_schema(schema) for name, schema in schemas_by_name.items()}
    if write is not None:
        return _write_schemas(session.cwd / write, write, texts)
    if check is not None:
        return _check_schemas(session.cwd / check, check, texts)
    return CommandResult(Exit.OK, lambda _: render_schema(schemas_by_name))


def _write_schemas(folder: Path, label: str, texts: Mapping[str, str]) -> CommandResult:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        changed = [name for name, text in texts.items() if _read_text(folder / name) != text]
        for name in changed:
            replace_file(folder / name, texts[name].encode(), mode=0o644)
    except OSError as error:
        summary = f"can't be written: {error.strerror or type(error).__name__}"
        if is_storage_failure(error):
            remedy = "make room or name another place"
            raise IncompleteError(Diagnostic("output.unwritable", Source(label), summary, remedy=remedy)) from None
        remedy = "name a folder that can be"
        raise UsageError(Diagnostic("usage.unwritable", Source(label), summary, remedy=remedy)) from None
    return CommandResult(Exit.OK, lambda _: f"{len(texts)} schemas in {label}, {len(changed)} of them written.\n")


def _check_schemas(folder: Path, label: str, texts: Mapping[str, str]) -> CommandResult:
    if not folder.is_dir():
        remedy = f"make it with: schema --write {label}"
        raise UsageError(Diagnostic("usage.unknown-path", Source(label), "there is no such folder", remedy=remedy))
    stale = [name for name, text in texts.items() if _read_text(folder / name) != text]
    if stale:
        explanation = Explanation(
            "schema.stale",
            "not what this version writes",
            "editors would check against another shape",
            f"run schema --write {label}",
        )
        raise InvalidError(*(explanation.locate(Source(str(Path(label) / name))) for name in stale))
    return CommandResult(Exit.OK, lambda _: f"{len(texts)} schemas in {label} are up to date.\n")


def _read_text(path: Path) -> str | None:
    try:
        # Text mode would read CR LF, and a converted file would pass for the same.
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
