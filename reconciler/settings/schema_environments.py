"""What the settings file says of environments: of which layers one is made, for which targets, and what holds there."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from reconciler.documents.selector_field import TargetName, TargetSelectorField
from reconciler.settings.schema_auth import FilePath, StrictModel
from reconciler.settings.schema_limits import Limit, Protection


class EnvironmentSettings(StrictModel):
    """What `--environment` chooses: manifests in layers, targets, and how much may change there."""

    layers: Annotated[list[FilePath], Field(min_length=1, max_length=32, json_schema_extra={"uniqueItems": True})]
    """Folders of manifests, relative to this file, the first one below all others: base/, then prod/."""
    targets: TargetSelectorField | None = None
    """Names of targets, or labels that they have, such as {env: prod, region: [eu, ap]}; all targets if not given."""
    limits: dict[str, Limit] = {}
    """By kind: how many changes one run may make, in the place of what the settings say for all environments."""
    protected: list[Protection] = []
    """KIND/NAME-PATTERN of what no run may touch, beside what the settings protect for all environments."""


EnvironmentMap: TypeAlias = dict[TargetName, EnvironmentSettings]
"""Environments by their names, which are spelled as those of targets."""
