"""The profile file of Keyfactor's own tools: where it lies, and what its profile says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.credentials.private_file import Unavailable, explain_hidden, read_regular_file
from reconciler.diagnostics import Explanation
from reconciler.documents.files import read_mode
from reconciler.documents.vendor_file import parse_vendor_file
from reconciler.sanitize import escape_and_shorten

_FILE_NAMES = ("command_config.json", "command_config.yaml", "command_config.yml")
"""In `~/.keyfactor/`; the first that is there."""
_STRUCTURED_MEMBERS = frozenset({"scopes", "auth_provider"})
"""Members that hold more than one text."""


class Profile(NamedTuple):
    """What one profile says: the members that hold something, or the trouble that kept it from being read.

    Trouble without a `file` is that of the place where one may lie: nobody can tell.
    """

    file: Path | None
    name: str
    members: Mapping[str, Any]
    trouble: Explanation | None = None

    def __str__(self) -> str:
        return f"profile `{escape_and_shorten(self.name)}` of {self.file}"


def read_profile(env: Mapping[str, str], home: Path | None, text_members: frozenset[str]) -> Profile:
    """Return the profile that the variables name, or the default one. `known` are the members that hold one text."""
    name = env.get("KEYFACTOR_AUTH_CONFIG_PROFILE", "").strip() or "default"
    file = _find_profile_file(env.get("KEYFACTOR_AUTH_CONFIG_FILE", "").strip(), home)
    if file is None:
        return Profile(None, name, {}, _explain_hidden_file(home))
    try:
        raw_profile = parse_vendor_file(read_regular_file(file))["servers"][name]
        members = {member: value for member, value in raw_profile.items() if _has_content(value)}
    except Unavailable as reason:
        remedy = "mend it, or set KEYFACTOR_HOSTNAME and credentials"
        return Profile(file, name, {}, Explanation("settings.vendor-file", f"{file} {reason}", remedy=remedy))
    except ValueError as error:
        return Profile(
            file, name, {}, _explain_unreadable(file, name, f" ({error}: this is neither JSON nor plain YAML)")
        )
    except (TypeError, KeyError, AttributeError):
        return Profile(file, name, {}, _explain_unreadable(file, name, ""))
    bad_members = sorted(
        member for member in text_members - _STRUCTURED_MEMBERS if isinstance(members.get(member), list | dict)
    )
    if bad_members:
        return Profile(file, name, {}, _explain_unreadable(file, name, f" (its {bad_members[0]} is not one text)"))
    return Profile(file, name, members)


def _find_profile_file(file_name: str, home: Path | None) -> Path | None:
    """Return the file that is named, else the first of the default ones that is there."""
    if file_name:
        # Where a CI file or a systemd unit sets the variable, no shell has expanded the tilde.
        return home / file_name[2:] if home and file_name.startswith("~/") else Path(file_name)
    files = (home / ".keyfactor" / name for name in _FILE_NAMES) if home else ()
    return next((file for file in files if read_mode(file, follow=True)), None)


def _explain_hidden_file(home: Path | None) -> Explanation | None:
    """Say why nobody can tell whether a default file is there; None where it isn't."""
    file = home / ".keyfactor" / _FILE_NAMES[0] if home else None
    reason = explain_hidden(file) if file else ""
    if not reason:
        return None
    remedy = "set KEYFACTOR_HOSTNAME and credentials, or HOME"
    return Explanation("settings.vendor-file", f"{file} can't be looked for ({reason})", remedy=remedy)


def _has_content(value: object) -> bool:
    # A profile after the documented sample spells out every member: the unused ones are "" and [].
    return bool(value.strip()) if isinstance(value, str) else value not in ([], {}, None)


def _explain_unreadable(file: Path, name: str, detail: str) -> Explanation:
    return Explanation(
        "settings.vendor-file",
        f"{file} has no readable profile `{escape_and_shorten(name)}` under `servers`{detail}",
        remedy="mend it (anchors, aliases, tags and keys given twice are not read), or set KEYFACTOR_HOSTNAME and "
        "credentials",
    )
