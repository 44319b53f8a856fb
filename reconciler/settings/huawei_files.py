"""The files of Huawei Cloud's own tools: the SDK's credentials (INI) and regions (YAML), and KooCLI's JSON."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.credentials.private_file import Unavailable, explain_hidden, read_regular_file
from reconciler.credentials.sources import FromProfile
from reconciler.diagnostics import Explanation
from reconciler.documents.files import read_mode
from reconciler.documents.vendor_file import find_member, parse_vendor_file
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.model import AkskAuth, Auth, NoAuth

# The SDK's section for services of a region, such as CSMS; [global] is for those without one.
_SDK_SECTION = "basic"
_ACCESS_KEY = re.compile(r"[A-Za-z0-9]{10,40}")
"""What an access key looks like that is not encrypted."""


class CredentialsFile(NamedTuple):
    """What a file says: who we are, where its secrets are read when they are needed, and where that is.

    `seen` is False where nobody can tell whether the file is there.
    """

    path: Path
    auth: Auth
    region: str = ""
    project: str = ""
    iam: str = ""
    seen: bool = True


class RegionEntry(NamedTuple):
    """What a regions file says of one region: an endpoint, or nothing, or the trouble with the file."""

    path: Path
    endpoint: str = ""
    trouble: Explanation | None = None


def read_credentials_file(env: Mapping[str, str], home: Path | None) -> CredentialsFile | None:
    """Return what the first of the files says that there is: KooCLI's if it is named, then the SDK's."""
    shared_config = env.get("HW_SHARED_CONFIG_FILE", "").strip()
    if shared_config:
        return _read_koocli_profile(Path(shared_config), env.get("HW_PROFILE", "").strip())
    file_name = env.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "").strip()
    file = Path(file_name) if file_name else home / ".huaweicloud" / "credentials" if home else None
    if file is None:
        return None
    if file_name or read_mode(file, follow=True):
        return _read_sdk_file(file)
    reason = explain_hidden(file)
    if not reason:
        return None
    remedy = "set HW_ACCESS_KEY and HW_SECRET_KEY, or HOME"
    advice = Explanation("settings.vendor-file", f"{file} can't be looked for ({reason})", remedy=remedy)
    return CredentialsFile(file, NoAuth(advice), seen=False)


def _read_sdk_file(path: Path) -> CredentialsFile:
    token = FromProfile(path, (_SDK_SECTION, "security_token")) if _read_sdk_member(path, "security_token") else None
    access, secret = FromProfile(path, (_SDK_SECTION, "ak")), FromProfile(path, (_SDK_SECTION, "sk"))
    project, iam = _read_sdk_member(path, "project_id"), _read_sdk_member(path, "iam_endpoint")
    return CredentialsFile(path, AkskAuth(access, secret, token), project=project, iam=iam)


def _read_sdk_member(path: Path, name: str) -> str:
    """Return what the file says; "" where it says nothing or can't be read: the secret's origin will tell why."""
    try:
        return str(find_member(read_regular_file(path), path, (_SDK_SECTION, name)) or "")
    except (Unavailable, ValueError):
        return ""


def find_region_entry(env: Mapping[str, str], home: Path | None, region: str) -> RegionEntry:
    """Return the first endpoint of CSMS that the SDK's regions file has for a region (contract: 4.2)."""
    file_name = env.get("HUAWEICLOUD_SDK_REGIONS_FILE", "").strip()
    path = Path(file_name) if file_name else home / ".huaweicloud" / "regions.yaml" if home else Path()
    if not file_name and not stat.S_ISREG(read_mode(path, follow=True)):
        return RegionEntry(path)
    try:
        services = parse_vendor_file(read_regular_file(path))
    except Unavailable as reason:
        return RegionEntry(path, trouble=_explain_bad_regions(path, str(reason)))
    except ValueError as error:
        return RegionEntry(path, trouble=_explain_bad_regions(path, f"is not plain YAML ({error})"))
    try:
        return RegionEntry(path, _find_csms_url(services or {}, region))
    except (AttributeError, TypeError):
        problem = "is not as the SDK has it: a service's name over a list of id and endpoint"
        return RegionEntry(path, trouble=_explain_bad_regions(path, problem))


def _explain_bad_regions(path: Path, problem: str) -> Explanation:
    return Explanation(
        "settings.vendor-file",
        f"the regions file {path} {problem}",
        "where requests would go can't be told",
        "mend it or remove it",
    )


def _find_csms_url(services: Any, region: str) -> str:
    for name, regions in services.items():
        for entry in regions if name.upper() == "CSMS" else ():
            # The SDK reads either: `endpoints` is a list, `endpoint` a text.
            endpoints, endpoint = entry.get("endpoints") or [], entry.get("endpoint")
            if entry.get("id") != region or not (endpoints or endpoint):
                continue
            first_endpoint = [*endpoints, endpoint][0] if isinstance(endpoints, list) else None
            if not isinstance(first_endpoint, str):
                raise TypeError(name)
            return first_endpoint
    return ""


def _read_koocli_profile(path: Path, name: str) -> CredentialsFile:
    """Read a profile as the Terraform provider does: the one named, or the `current` one."""
    try:
        config = parse_vendor_file(read_regular_file(path))
        name = name or config["current"]
        index, profile = next(
            (position, candidate) for position, candidate in enumerate(config["profiles"]) if candidate["name"] == name
        )
    except Unavailable as reason:
        return CredentialsFile(path, _refuse_koocli(f"{path} {reason}", "mend or unset it"))
    except (ValueError, TypeError, KeyError, StopIteration):
        label = f"profile `{escape_and_shorten(name)}`" if isinstance(name, str) and name else "current profile"
        return CredentialsFile(path, _refuse_koocli(f"{path} has no readable {label}", "set HW_PROFILE or mend it"))
    location = str(profile.get("region") or ""), str(profile.get("projectId") or "")
    return CredentialsFile(path, _read_koocli_auth(path, index, profile), *location)


def _refuse_koocli(problem: str, remedy: str) -> NoAuth:
    return NoAuth(Explanation("settings.vendor-file", f"HW_SHARED_CONFIG_FILE: {problem}", remedy=remedy))


_READABLE_KEYS = "run `hcloud configure set --cli-auth-encrypt=false`, or set HW_ACCESS_KEY and HW_SECRET_KEY"


def _read_koocli_auth(path: Path, index: int, profile: Mapping[str, Any]) -> Auth:
    # The other modes (ecsAgency, SSO, AssumeRole) keep none of these; SSO has its own under ssoAuth.
    mode = profile.get("mode", "AKSK")
    if mode != "AKSK":
        mode_text = escape_and_shorten(str(mode), 20)
        summary = f"{path}: profiles of mode {mode_text} can't be used, only AKSK"
        return NoAuth(Explanation("settings.unsupported", summary, remedy="set HW_ACCESS_KEY instead"))
    # KooCLI encrypts what it stores unless told not to; an encrypted key is no plain letters and digits.
    if not _ACCESS_KEY.fullmatch(str(profile.get("accessKeyId") or "")):
        summary = f"{path}: the profile's keys are encrypted or missing, and only KooCLI can read those"
        return NoAuth(Explanation("settings.unsupported", summary, remedy=_READABLE_KEYS))
    names = ("accessKeyId", "secretAccessKey", "securityToken")
    access, secret, token = (FromProfile(path, ("profiles", str(index), name)) for name in names)
    return AkskAuth(access, secret, token if profile.get("securityToken") else None)
