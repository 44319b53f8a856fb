"""The ready reconciler.yaml of a running simulator, with its secrets beside it in files for the owner alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.simulator.world.fleet_seed import FleetMember

_HEAD = """\
apiVersion: reconciler/v1
kind: Settings
manifests: {manifests}
state: {state}
targets:
"""
_FIRST = """\
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
    region: cn-north-4
    projectId: {project_id}
    auth:
      type: aksk
      accessKey: {{file: {access_key}}}
      secretKey: {{file: {secret_key}}}
"""
_LABELS = """\
  {name}:
    labels: {{env: {environment}, region: {region}}}
    zone: {zone}
"""
_PROJECT = """\
    values: {{topicUrn: '{topic_urn}'}}
    api: csms
    url: {csms_url}
    region: {region}
    projectId: {place}
    auth: {{type: aksk, accessKey: {{file: {access_key}}}, secretKey: {{file: {secret_key}}}}}
"""
_INSTANCE = """\
    api: keyfactor
    url: {csms_url}/instances/{place}/KeyfactorAPI
    auth:
      type: oauth
      tokenUrl: {csms_url}/instances/{place}/oauth/token
      clientId: {client_id}
      clientSecret: {{file: {client_secret}}}
"""


def write_settings(
    folder: Path,
    manifests: Path,
    keyfactor: Mapping[str, Any],
    csms: Mapping[str, Any],
    members: Sequence[FleetMember] = (),
) -> Path:
    """Write reconciler.yaml and the secrets into an existing private folder; returns the settings' absolute path.

    The targets are the members of a fleet, if there are any; else the first instance and the first project.
    """
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
    quoted = {name: json.dumps(value) for name, value in values.items()}
    targets = _describe_members(members, {**quoted, "csms_url": csms["url"]}) if members else _FIRST.format(**quoted)
    write_private_file(path, _HEAD.format(**quoted) + targets)
    return path


def _describe_members(members: Sequence[FleetMember], quoted: Mapping[str, str]) -> str:
    texts = []
    for member in members:
        template = _LABELS + (_INSTANCE if member.is_instance else _PROJECT)
        texts.append(template.format(topic_urn=member.topic_urn, **member._asdict(), **quoted))
    return "".join(texts)


def write_private_file(path: Path, text: str) -> None:
    """Write a file that only its owner may read, and give it its name when it is complete."""
    temporary_path = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary_path.unlink(missing_ok=True)
    # O_EXCL refuses a link that somebody else put there; the mode holds from the first byte on.
    with os.fdopen(os.open(temporary_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    # rename(2) is atomic, but only within one file system: hence a temporary file in the same folder.
    temporary_path.replace(path)
