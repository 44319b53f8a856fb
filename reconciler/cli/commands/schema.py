"""`reconciler schema`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.context import Session
from reconciler.cli.output import Answer
from reconciler.errors import Exit, InvalidError, Problem, Source, UsageError
from reconciler.state.atomic import replace


def run(session: Session, *, write: str | None, check: str | None) -> Answer:
    """Print all schemas as one object, write them to a folder, or compare them with it."""
    from reconciler.schema import build_schemas, render_schema

    if write is not None and check is not None:
        raise UsageError("--write and --check exclude each other; one of them would make the other pointless; give one")
    made = build_schemas()
    texts = {name: render_schema(schema) for name, schema in made.items()}
    if write is not None:
        return _write(session.cwd / write, write, texts)
    if check is not None:
        return _check(session.cwd / check, check, texts)
    return Answer(Exit.OK, lambda _: render_schema(made))


def _write(folder: Path, shown: str, texts: Mapping[str, str]) -> Answer:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        changed = [name for name, text in texts.items() if _content(folder / name) != text]
        for name in changed:
            replace(folder / name, texts[name].encode(), mode=0o644)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(Problem(Source(shown), f"can't be written: {why}; name a folder that can be")) from None
    return Answer(Exit.OK, lambda _: f"{len(texts)} schemas in {shown}, {len(changed)} of them written.\n")


def _check(folder: Path, shown: str, texts: Mapping[str, str]) -> Answer:
    if not folder.is_dir():
        raise UsageError(Problem(Source(shown), f"there is no such folder; make it with: schema --write {shown}"))
    stale = [name for name, text in texts.items() if _content(folder / name) != text]
    if stale:
        why = f"not what this version writes; editors would check against another shape; run schema --write {shown}"
        raise InvalidError(*(Problem(Source(str(Path(shown) / name)), why) for name in stale))
    return Answer(Exit.OK, lambda _: f"{len(texts)} schemas in {shown} are up to date.\n")


def _content(path: Path) -> str | None:
    try:
        # Text mode would read CR LF as LF, and a converted file would pass for the same.
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
