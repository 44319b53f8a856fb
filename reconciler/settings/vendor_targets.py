"""Targets of the variables and files that the vendors' own tools read, for whoever has configured none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.settings.model import Target

VENDOR_TARGETS: Final = ("command", "csms")
"""What these targets are called."""


def read_vendor_targets(env: Mapping[str, str]) -> dict[str, Target]:
    """Return the targets that the environment has, by name."""
    # A settings file with targets leaves the vendors' variables and files alone, and does without what reads them.
    from reconciler.settings.huawei_env import read_huawei_target  # noqa: PLC0415
    from reconciler.settings.keyfactor_env import read_keyfactor_target  # noqa: PLC0415

    home = Path(env["HOME"]) if env.get("HOME") else None
    targets = (read_keyfactor_target(env, home), read_huawei_target(env, home))
    return {target.name: target for target in targets if target}
