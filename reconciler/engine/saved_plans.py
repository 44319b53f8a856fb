"""Saved plans as files."""

from __future__ import annotations

import json
from pathlib import Path

from reconciler.cli.context import Session
from reconciler.errors import Problem, Source, UsageError
from reconciler.model import Plan
from reconciler.plans.planfile import load_plan

_LARGEST = 512 * 2**20


def is_planfile(path: Path) -> bool:
    """Tell a saved plan from a manifest: a regular file that is neither YAML nor a JSON document with an apiVersion.

    A damaged plan still counts as one, so that it is refused as such and not as a curious manifest.
    """
    try:
        if not path.is_file() or path.suffix in {".yaml", ".yml"}:
            return False
        if path.suffix != ".json":
            return True
        data = path.read_bytes() if path.stat().st_size <= _LARGEST else b""
    except OSError:
        return False
    try:
        shown = json.loads(data)
    # json raises UnicodeDecodeError, a ValueError, for bytes that are no text, and it recurses: a few kilobytes of
    # brackets are too deep.
    except (ValueError, RecursionError):
        return b"apiVersion" not in data[:4096]
    return isinstance(shown, dict) and "apiVersion" not in shown


def is_saved(path: Path) -> bool:
    """Tell whether a file says of itself that it is a saved plan; whether it is a whole one is for `saved` to judge."""
    try:
        data = path.read_bytes() if path.is_file() and path.stat().st_size <= _LARGEST else b""
        shown = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(shown, dict) and shown.get("kind") == "Plan" and "apiVersion" not in shown


def saved(session: Session, planfile: str, *, of_any_age: bool = False) -> Plan:
    """Return the plan of a file; raises UsageError where there is none and StaleError where it no longer holds."""
    path = session.cwd / planfile
    try:
        # A device or a named pipe could be read without end.
        if not path.is_file():
            what = "this is a folder" if path.is_dir() else "this is no regular file"
            why = what if path.exists() else "there is no such file"
            raise UsageError(Problem(Source(planfile), f"{why}; make a plan with: reconciler plan --out FILE"))
        if path.stat().st_size > _LARGEST:
            raise UsageError(
                Problem(Source(planfile), "larger than any plan of this tool (512 MiB); name another file")
            )
        data = path.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise UsageError(
            Problem(Source(planfile), f"can't be read: {why}; nothing was done; name another file")
        ) from None
    return load_plan(data, None if of_any_age else session.today, planfile)
