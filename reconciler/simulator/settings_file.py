"""The ready reconciler.yaml of a running simulator, with its secrets beside it in files for the owner alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TEMPLATE = """\
apiVersion: reconciler/v1
kind: Settings
manifests: {manifests}
state: {state}
targets:
  command:
    api: keyfactor
    url: {keyfactor_url}
    auth:
      type: oauth
      tokenUrl: {token_url}
      clientId: {client_id}
      clientSecret: {{file: {client_secret}}}
  csms:
    api: csms
    url: {csms_url}
    projectId: {project_id}
    auth:
      type: aksk
      accessKey: {{file: {access_key}}}
      secretKey: {{file: {secret_key}}}
"""


def write_settings(folder: Path, manifests: Path, keyfactor: Mapping[str, Any], csms: Mapping[str, Any]) -> Path:
    """Write reconciler.yaml and the secrets into an existing private folder; returns the settings' absolute path."""
    secrets = {
        "client_secret": keyfactor["client_secret"],
        "password": keyfactor["password"],
        "access_key": csms["access_key"],
        "secret_key": csms["secret_key"],
    }
    for name, secret in secrets.items():
        write_private_file(folder / name, secret)
    values = {
        "manifests": f"{manifests}/",
        "state": f"{folder / 'state'}/",
        "keyfactor_url": keyfactor["url"],
        "token_url": keyfactor["token_url"],
        "client_id": keyfactor["client_id"],
        "csms_url": csms["url"],
        "project_id": csms["project_id"],
        **{name: str(folder / name) for name in secrets},
    }
    path = folder / "reconciler.yaml"
    # A JSON string is a YAML scalar as well, so a path with `: ` or ` #` in it remains text.
    write_private_file(path, _TEMPLATE.format(**{name: json.dumps(value) for name, value in values.items()}))
    return path


def write_private_file(path: Path, text: str) -> None:
    """Write a file that only its owner may read, and give it its name when it is complete."""
    temporary_path = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary_path.unlink(missing_ok=True)
    # O_EXCL refuses a link that somebody else put there; the mode holds from the first byte on.
    with os.fdopen(os.open(temporary_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    # rename(2) is atomic, but only within one file system: hence a temporary file in the same folder.
    temporary_path.replace(path)
