"""The files of Huawei Cloud's own tools: the SDK's credentials (INI) and regions (YAML), and KooCLI's JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.settings.secret import FromProfile, profile_value
from reconciler.settings.target import AkskAuth, Auth, NoAuth
from reconciler.settings.vendor_file import content

_SECTION = "basic"
_REGIONS = "the regions file {} {}; where requests would go can't be told; mend it or remove it"
_ACCESS_KEY = re.compile(r"[A-Za-z0-9]{10,40}")
"""What an access key looks like that is not encrypted."""


class Held(NamedTuple):
    """What a file says: who we are, where its secrets are read when they are needed, and where that is."""

    path: Path
    auth: Auth
    region: str = ""
    project: str = ""
    iam: str = ""


class Listed(NamedTuple):
    """What a regions file says of one region: an endpoint, or nothing, or the trouble with the file."""

    path: Path
    endpoint: str = ""
    trouble: str = ""


def held(env: Mapping[str, str], home: Path | None) -> Held | None:
    """Return what the first of the files says that there is: KooCLI's if it is named, then the SDK's."""
    shared = env.get("HW_SHARED_CONFIG_FILE", "").strip()
    if shared:
        return _koocli(Path(shared), env.get("HW_PROFILE", "").strip())
    named = env.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "").strip()
    file = Path(named) if named else home / ".huaweicloud" / "credentials" if home else None
    return _sdk(file) if file and (named or file.exists()) else None


def _sdk(path: Path) -> Held:
    token = FromProfile(path, (_SECTION, "security_token")) if _member(path, "security_token") else None
    access, secret = FromProfile(path, (_SECTION, "ak")), FromProfile(path, (_SECTION, "sk"))
    place = {"project": _member(path, "project_id"), "iam": _member(path, "iam_endpoint")}
    return Held(path, AkskAuth(access, secret, token), **place)


def _member(path: Path, name: str) -> str:
    """Return what the file says; "" where it says nothing or can't be read: the secret's origin will tell why."""
    try:
        return str(profile_value(path.read_bytes(), path, (_SECTION, name)) or "")
    except (OSError, ValueError):
        return ""


def endpoint_in(env: Mapping[str, str], home: Path | None, region: str) -> Listed:
    """Return the first endpoint of CSMS that the SDK's regions file has for a region (contract: 4.2)."""
    named = env.get("HUAWEICLOUD_SDK_REGIONS_FILE", "").strip()
    path = Path(named) if named else home / ".huaweicloud" / "regions.yaml" if home else Path()
    if not named and not path.is_file():
        return Listed(path)
    try:
        services = content(path.read_bytes())
    except OSError as error:
        return Listed(path, trouble=_REGIONS.format(path, f"can't be read ({error.strerror})"))
    except ValueError as error:
        return Listed(path, trouble=_REGIONS.format(path, f"is not plain YAML ({error})"))
    try:
        return Listed(path, _csms(services or {}, region))
    except (AttributeError, TypeError):
        why = "is not as the SDK has it: a service's name over a list of id and endpoint"
        return Listed(path, trouble=_REGIONS.format(path, why))


def _csms(services: Any, region: str) -> str:
    for name, regions in services.items():
        for one in regions if name.upper() == "CSMS" else ():
            listed, single = one.get("endpoints") or [], one.get("endpoint")
            if one.get("id") != region or not (listed or single):
                continue
            said = [*listed, single][0] if isinstance(listed, list) else None
            if not isinstance(said, str):
                raise TypeError(name)
            return said
    return ""


def _koocli(path: Path, name: str) -> Held:
    """Read a profile as the Terraform provider does: the one named, or the `current` one."""
    try:
        told = json.loads(path.read_bytes())
        name = name or told["current"]
        index, found = next((i, one) for i, one in enumerate(told["profiles"]) if one["name"] == name)
    except OSError as error:
        return Held(path, NoAuth(f"HW_SHARED_CONFIG_FILE: {path} can't be read ({error.strerror}); mend or unset it"))
    except (ValueError, TypeError, KeyError, StopIteration, RecursionError):
        which = f"profile `{name}`" if isinstance(name, str) and name else "current profile"
        return Held(path, NoAuth(f"HW_SHARED_CONFIG_FILE: {path} has no readable {which}; set HW_PROFILE or mend it"))
    place = str(found.get("region") or ""), str(found.get("projectId") or "")
    return Held(path, _koocli_auth(path, index, found), *place)


def _koocli_auth(path: Path, index: int, found: Mapping[str, Any]) -> Auth:
    mode = found.get("mode", "AKSK")
    if mode != "AKSK":
        return NoAuth(f"{path}: profiles of mode {mode!s:.20} can't be used, only AKSK; set HW_ACCESS_KEY instead")
    if not _ACCESS_KEY.fullmatch(str(found.get("accessKeyId") or "")):
        return NoAuth(
            f"{path}: the profile's keys are encrypted or missing, and only KooCLI can read those; run "
            "`hcloud configure set --cli-auth-encrypt=false`, or set HW_ACCESS_KEY and HW_SECRET_KEY"
        )
    names = ("accessKeyId", "secretAccessKey", "securityToken")
    access, secret, token = (FromProfile(path, ("profiles", str(index), name)) for name in names)
    return AkskAuth(access, secret, token if found.get("securityToken") else None)
