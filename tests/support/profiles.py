"""Keyfactor's profile file put down in a home folder, and the target that comes of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from reconciler.kinds.registry import KINDS
from reconciler.settings.load import load_settings
from reconciler.settings.model import Target

HOST = {"KEYFACTOR_HOSTNAME": "kf.example.com"}
USER = {"KEYFACTOR_USERNAME": "u", "KEYFACTOR_PASSWORD": "p"}


def put(folder: Path, text: str, name: str = "command_config.json") -> Path:
    """Write a file into `.keyfactor/`, for its owner alone."""
    path = folder / ".keyfactor" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def kept(folder: Path, **members: object) -> Path:
    """Write a default profile of a host and these members, as JSON."""
    return put(folder, json.dumps({"servers": {"default": {"host": "kf.example.com", **members}}}))


def command(folder: Path, env: Mapping[str, str] | None = None) -> Target:
    """Return the target `command` of a home folder and variables."""
    return load_settings(None, env={"HOME": str(folder), **(env or {})}, cwd=folder, kinds=KINDS).targets["command"]
