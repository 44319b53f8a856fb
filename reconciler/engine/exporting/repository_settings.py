"""The settings that a new repository gets, made of those that there are; a secret is only ever referred to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from reconciler.documents.reader import read_documents
from reconciler.documents.writer import format_yaml
from reconciler.engine.exporting.starter_files import read_starter_file
from reconciler.settings.encoding import encode_target_settings
from reconciler.settings.load import SETTINGS_FILE_NAME
from reconciler.settings.model import Settings
from reconciler.settings.relocation import relocate_settings

MANIFEST_FOLDER: Final = "manifests"
"""Where a new repository has its manifests."""
_HEAD: Final = (
    "Where the servers are and who we are to them. It lies beside the manifests, never among them, and holds no",
    "secret: {env: NAME}, {file: PATH} or {command: [program, argument]} say where one comes from.",
)
_APPLY_HEAD: Final = (
    "What applies an approved plan: reconciler.yaml but for the account, which here is the one that may write. The",
    "jobs hand that account's secret over under the same name; where its client or user has another, change it here.",
)


class Foundation(NamedTuple):
    """The settings that a repository gets: as a run uses them, and as text, None where the file is there already."""

    settings: Settings
    text: str | None
    apply_text: str
    remarks: tuple[str, ...] = ()


def lay_foundation(settings: Settings, folder: Path) -> Foundation:
    """Return the settings of a file for a new folder, of the environment, or an example where there are none."""
    if settings.file == folder / SETTINGS_FILE_NAME:
        return Foundation(settings, None, _format_settings(_read_content(settings.file), _APPLY_HEAD))
    content = relocate_settings(_read_content(settings.file), settings.file.parent, folder) if settings.file else {}
    remarks: tuple[str, ...] = ()
    if not content.get("targets"):
        encoded = encode_target_settings(settings.targets, folder)
        remarks = encoded.remarks
        settings = replace(settings, targets={name: settings.targets[name] for name in encoded.targets})
        content = {**content, "targets": encoded.targets}
    if not settings.targets:
        example = read_starter_file(SETTINGS_FILE_NAME).decode()
        return Foundation(replace(settings, file=None), example, example, remarks)
    settings_content = {
        "apiVersion": "reconciler/v1",
        "kind": "Settings",
        "manifests": f"{MANIFEST_FOLDER}/",
        **content,
    }
    text, apply_text = _format_settings(settings_content, _HEAD), _format_settings(settings_content, _APPLY_HEAD)
    return Foundation(replace(settings, file=None), text, apply_text, remarks)


def _read_content(file: Path) -> dict[str, Any]:
    (document,) = read_documents(file.read_bytes(), file.name)
    # It was read as settings before, so it is a mapping.
    return cast(dict[str, Any], document.value)


def _format_settings(content: Mapping[str, Any], head: tuple[str, ...]) -> str:
    return format_yaml([content], [head])
