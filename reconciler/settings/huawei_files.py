"""The files of Huawei Cloud's own tools: the SDK's credentials (INI) and regions (YAML), and KooCLI's JSON."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.credentials.regular_file import Unavailable, contents, hidden
from reconciler.credentials.sources import FromProfile
from reconciler.documents.files import mode_of
from reconciler.documents.vendor_file import content, member
from reconciler.sanitize import shown
from reconciler.settings.model import AkskAuth, Auth, NoAuth

# The SDK's section for services of a region, such as CSMS; [global] is for those without one.
_SECTION = "basic"
_REGIONS = "the regions file {} {}; where requests would go can't be told; mend it or remove it"
_ACCESS_KEY = re.compile(r"[A-Za-z0-9]{10,40}")
"""What an access key looks like that is not encrypted."""


class Held(NamedTuple):
    """What a file says: who we are, where its secrets are read when they are needed, and where that is.

    `seen` is False where nobody can tell whether the file is there.
    """

    path: Path
    auth: Auth
    region: str = ""
    project: str = ""
    iam: str = ""
    seen: bool = True


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
    if file is None:
        return None
    if named or mode_of(file, follow=True):
        return _sdk(file)
    reason = hidden(file)
    advice = f"{file} can't be looked for ({reason}); set HW_ACCESS_KEY and HW_SECRET_KEY, or HOME"
    return Held(file, NoAuth(advice), seen=False) if reason else None


def _sdk(path: Path) -> Held:
    token = FromProfile(path, (_SECTION, "security_token")) if _member(path, "security_token") else None
    access, secret = FromProfile(path, (_SECTION, "ak")), FromProfile(path, (_SECTION, "sk"))
    project, iam = _member(path, "project_id"), _member(path, "iam_endpoint")
    return Held(path, AkskAuth(access, secret, token), project=project, iam=iam)


def _member(path: Path, name: str) -> str:
    """Return what the file says; "" where it says nothing or can't be read: the secret's origin will tell why."""
    try:
        return str(member(contents(path), path, (_SECTION, name)) or "")
    except (Unavailable, ValueError):
        return ""


def endpoint_in(env: Mapping[str, str], home: Path | None, region: str) -> Listed:
    """Return the first endpoint of CSMS that the SDK's regions file has for a region (contract: 4.2)."""
    named = env.get("HUAWEICLOUD_SDK_REGIONS_FILE", "").strip()
    path = Path(named) if named else home / ".huaweicloud" / "regions.yaml" if home else Path()
    if not named and not stat.S_ISREG(mode_of(path, follow=True)):
        return Listed(path)
    try:
        services = content(contents(path))
    except Unavailable as reason:
        return Listed(path, trouble=_REGIONS.format(path, reason))
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
            # The SDK reads either: `endpoints` is a list, `endpoint` a text.
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
        told = content(contents(path))
        name = name or told["current"]
        index, found = next((i, one) for i, one in enumerate(told["profiles"]) if one["name"] == name)
    except Unavailable as why:
        return Held(path, NoAuth(f"HW_SHARED_CONFIG_FILE: {path} {why}; mend or unset it"))
    except (ValueError, TypeError, KeyError, StopIteration):
        which = f"profile `{shown(name)}`" if isinstance(name, str) and name else "current profile"
        return Held(path, NoAuth(f"HW_SHARED_CONFIG_FILE: {path} has no readable {which}; set HW_PROFILE or mend it"))
    place = str(found.get("region") or ""), str(found.get("projectId") or "")
    return Held(path, _koocli_auth(path, index, found), *place)


def _koocli_auth(path: Path, index: int, found: Mapping[str, Any]) -> Auth:
    # The other modes (ecsAgency, SSO, AssumeRole) keep none of these; SSO has its own under ssoAuth.
    mode = found.get("mode", "AKSK")
    if mode != "AKSK":
        asked = shown(str(mode), 20)
        return NoAuth(f"{path}: profiles of mode {asked} can't be used, only AKSK; set HW_ACCESS_KEY instead")
    # KooCLI encrypts what it stores unless told not to; an encrypted key is no plain letters and digits.
    if not _ACCESS_KEY.fullmatch(str(found.get("accessKeyId") or "")):
        return NoAuth(
            f"{path}: the profile's keys are encrypted or missing, and only KooCLI can read those; run "
            "`hcloud configure set --cli-auth-encrypt=false`, or set HW_ACCESS_KEY and HW_SECRET_KEY"
        )
    names = ("accessKeyId", "secretAccessKey", "securityToken")
    access, secret, token = (FromProfile(path, ("profiles", str(index), name)) for name in names)
    return AkskAuth(access, secret, token if found.get("securityToken") else None)
