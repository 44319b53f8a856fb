"""Saved plans as files."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError
from reconciler.kinds.registry import Registry
from reconciler.model import Plan
from reconciler.plans.planfile import load_plan

_MAX_BYTES = 512 * 2**20


def is_planfile(path: Path) -> bool:
    """Tell a saved plan from a manifest: a regular file that is neither YAML nor a JSON document with an apiVersion.

    A damaged plan still counts as one, so that it is refused as such and not as a curious manifest.
    """
    try:
        if path.suffix != ".json" or not path.is_file():
            return path.suffix not in {".yaml", ".yml"} and path.is_file()
        data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else b""
    except OSError:
        return False
    try:
        document = json.loads(data)
    # UnicodeDecodeError is a ValueError; and json recurses, so that a few kilobytes of brackets are too deep.
    except (ValueError, RecursionError):
        return b"apiVersion" not in data[:4096]
    return isinstance(document, dict) and "apiVersion" not in document


def is_marked_as_plan(path: Path) -> bool:
    """Tell whether a file calls itself a saved plan; whether it is a whole one, `read_saved_plan` judges."""
    try:
        data = path.read_bytes() if path.is_file() and path.stat().st_size <= _MAX_BYTES else b""
        document = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("kind") == "Plan" and "apiVersion" not in document


def read_saved_plan(path: Path, label: str, kinds: Registry, today: date | None = None) -> Plan:
    """Return the plan of a file; raises UsageError where there is none and StaleError where it no longer holds.

    `label` is the path as it was typed. Without a day its age does not matter: an old plan can be looked at.
    """
    try:
        # A device or a named pipe could be read without end.
        if not path.is_file():
            obstacle = "this is a folder" if path.is_dir() else "this is no regular file"
            summary = obstacle if path.exists() else "there is no such file"
            remedy = "make a plan with: reconciler plan --out FILE"
            raise UsageError(Diagnostic("plan.unreadable-file", Source(label), summary, remedy=remedy))
        if path.stat().st_size > _MAX_BYTES:
            summary = "larger than any plan of this tool (512 MiB)"
            raise UsageError(Diagnostic("plan.unreadable-file", Source(label), summary, remedy="name another file"))
        data = path.read_bytes()
    except OSError as error:
        summary = f"can't be read: {error.strerror or type(error).__name__}"
        raise UsageError(
            Diagnostic("plan.unreadable-file", Source(label), summary, "nothing was done", "name another file")
        ) from None
    return load_plan(data, today, kinds, label)
