"""One number for what the settings say: two checkouts that must do the same thing can be told from others by it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.diagnostics import Source
from reconciler.settings.model import Settings


def digest_settings(settings: Settings) -> str:
    """Return the SHA-256, in hexadecimal, of settings: not of where a checkout lies, and of no secret.

    Where secrets come from is a part of it, what they are is not known here.
    """
    folder = settings.file.parent if settings.file else Path.cwd()
    # How people call the files is a matter of where they stand.
    text = json.dumps(_canonicalize(replace(settings, name=""), folder), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonicalize(value: Any, folder: Path) -> Any:
    if isinstance(value, Source):
        return [value.line, value.column]
    if is_dataclass(value):
        members = {field.name: _canonicalize(getattr(value, field.name), folder) for field in fields(value)}
        # Two ways to say who we are may have equal members.
        return {"": type(value).__name__, **members}
    if isinstance(value, Path):
        return Path(os.path.relpath(value, folder)).as_posix()
    if isinstance(value, Mapping):
        return {str(name): _canonicalize(member, folder) for name, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [_canonicalize(item, folder) for item in value]
        return sorted(items) if isinstance(value, set | frozenset) else items
    return value if isinstance(value, str | int | float | bool | None) else str(value)
