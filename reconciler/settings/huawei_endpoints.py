"""Where Huawei Cloud's APIs are, as its own tools find them: region, endpoint overrides, regions file, cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from reconciler.diagnostics import Explanation
from reconciler.settings.aliases import NO_TEXT, SourcedText, find_variable, read_sourced_text, read_variable
from reconciler.settings.huawei_files import CredentialsFile, find_region_entry
from reconciler.transport.urls import InvalidUrlError, is_host, normalize_base_url

_REGION = ("HW_REGION_NAME", "OS_REGION_NAME")
_PLACES = ("HW_REGION_NAME", "HW_CLOUD", "HW_AUTH_URL", "HUAWEICLOUD_SDK_IAM_ENDPOINT")
"""Variables of Huawei's own that say where its cloud is."""
# cn-north-4, ap-southeast-1, la-south-2, na-mexico-1: as Huawei's list of regions has them. OpenStack's
# own default is RegionOne.
_HUAWEI_REGION = re.compile(r"[a-z]{2}-[a-z]+-[0-9]{1,3}")
_HUAWEI_DOMAINS = (".myhuaweicloud.com", ".myhuaweicloud.eu")
_IAM = ("HW_AUTH_URL", "OS_AUTH_URL", "HUAWEICLOUD_SDK_IAM_ENDPOINT")
_ENDPOINT_PREFIX = "HUAWEICLOUD_SDK_REGION_CSMS_"
_NO_REGION = Explanation(
    "settings.missing-field",
    "HW_REGION_NAME is not set, so there is no server to talk to",
    remedy="set it, or write a settings file",
)
_NO_CLOUD = Explanation(
    "settings.invalid-value",
    "HW_CLOUD makes no URL: a cloud is the domain of its hosts, such as myhuaweicloud.com",
    remedy="correct it",
)


class HuaweiEndpoint(NamedTuple):
    """An address of an API; "" where there is none, and then `lacking` says why."""

    url: str
    lacking: Explanation | None = None


def choose_cloud_domain(region: str, override: str = "") -> str:
    """Return the domain of a region's hosts: what the operator says, the EU site's own, or the public cloud's."""
    # The European site is a cloud of its own; the Terraform provider tells it by the same prefix.
    return override or ("myhuaweicloud.eu" if region.startswith("eu-west-1") else "myhuaweicloud.com")


def find_region(url: str) -> str:
    """Return the region that the host of one of Huawei's public endpoints names, "" for any other host."""
    # kms.cn-north-4.myhuaweicloud.com; behind any other host the region could only be guessed.
    host = urlsplit(url).hostname or ""
    domain = next((domain for domain in _HUAWEI_DOMAINS if host.endswith(domain)), "")
    region = host.removesuffix(domain).partition(".")[2] if domain else ""
    return region if _HUAWEI_REGION.fullmatch(region) else ""


def strip_iam_version(url: str) -> str:
    """Return IAM's root: some write its URL with the version of the API, others without."""
    # The Terraform provider's HW_AUTH_URL ends in /v3, the SDK's IAM endpoint doesn't.
    return url.removesuffix("/v3")


def list_endpoint_overrides(env: Mapping[str, str]) -> list[str]:
    """Return the variables that override the endpoint of a region."""
    return sorted(name for name in env if name.startswith(_ENDPOINT_PREFIX) and env[name].strip())


def drop_foreign_variables(env: Mapping[str, str], file: CredentialsFile | None) -> Mapping[str, str]:
    """Return the variables without OpenStack's, unless they stand together with a region or an address of Huawei's.

    `OS_*` are OpenStack's: in the shell of somebody who works with another cloud they say nothing of this one.
    """
    names_place = bool(find_variable(env, _PLACES) or list_endpoint_overrides(env)) or bool(
        file and (file.region or file.iam)
    )
    address, region = env.get("OS_AUTH_URL", "").strip(), env.get("OS_REGION_NAME", "").strip()
    if address:
        names_place = names_place or (urlsplit(address).hostname or "").endswith(_HUAWEI_DOMAINS)
    elif _HUAWEI_REGION.fullmatch(region):
        names_place = True
    return env if names_place else {name: text for name, text in env.items() if not name.startswith("OS_")}


def choose_region(env: Mapping[str, str], file: CredentialsFile | None) -> SourcedText:
    """Return the region that the variables name, else the file's, else the one whose endpoint is overridden."""
    # The SDK writes cn-north-4 as HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4.
    override_regions = (
        SourcedText(name.removeprefix(_ENDPOINT_PREFIX).lower().replace("_", "-"), name)
        for name in list_endpoint_overrides(env)
    )
    fallback = (
        SourcedText(file.region, f"the region in {file.path}")
        if file and file.region
        else next(override_regions, NO_TEXT)
    )
    return read_sourced_text(env, _REGION, fallback)


def find_csms_endpoint(env: Mapping[str, str], home: Path | None, region: str) -> HuaweiEndpoint:
    """Return where CSMS is: the region's endpoint by variable, by regions file, or by the cloud's naming."""
    if not region:
        return HuaweiEndpoint("", _NO_REGION)
    name = f"{_ENDPOINT_PREFIX}{region.upper().replace('-', '_')}"
    # The SDK takes several and goes to the next where DNS or TLS fails. A run that changes hosts half-way
    # could compare with one server and write to another, so only the first counts.
    override = env.get(name, "").split(",")[0].strip()
    if override:
        return _parse_endpoint(override, name)
    entry = find_region_entry(env, home, region)
    if entry.trouble:
        return HuaweiEndpoint("", entry.trouble)
    if entry.endpoint:
        return _parse_endpoint(entry.endpoint, f"the regions file {entry.path}")
    # The host of KMS serves CSMS. A host csms.REGION is not confirmed for the public cloud.
    return _build_default_endpoint("kms", env, region)


def find_iam_endpoint(env: Mapping[str, str], region: str, file_endpoint: str) -> HuaweiEndpoint:
    """Return IAM's root: by variable, by what the credentials file says, or by the cloud's naming."""
    text = read_variable(env, _IAM) or file_endpoint
    name = find_variable(env, _IAM) or "iam_endpoint of the credentials file"
    endpoint = _parse_endpoint(text, name) if text else _build_default_endpoint("iam", env, region)
    return endpoint._replace(url=strip_iam_version(endpoint.url))


def _build_default_endpoint(service: str, env: Mapping[str, str], region: str) -> HuaweiEndpoint:
    """Return where a service of a region is by the cloud's naming."""
    domain = choose_cloud_domain(region, env.get("HW_CLOUD", "").strip().lower())
    if not is_host(domain):
        return HuaweiEndpoint("", _NO_CLOUD)
    return _parse_endpoint(f"https://{service}.{region}.{domain}", "HW_REGION_NAME")


def _parse_endpoint(text: str, name: str) -> HuaweiEndpoint:
    try:
        # The SDK, too, puts https:// before an endpoint that has no scheme.
        return HuaweiEndpoint(normalize_base_url(text if "://" in text else f"https://{text}"))
    except InvalidUrlError as error:
        return HuaweiEndpoint("", error.explanation.add_subject(f"{name} makes no URL:"))
