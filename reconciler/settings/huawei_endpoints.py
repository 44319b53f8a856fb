"""Where Huawei Cloud's APIs are, as its own tools find them: region, endpoint overrides, regions file, cloud."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from reconciler.settings.aliases import NOTHING, Said, first, said, value
from reconciler.settings.huawei_files import Held, endpoint_in
from reconciler.transport.urls import base_url, is_host

_REGION = ("HW_REGION_NAME", "OS_REGION_NAME")
_IAM = ("HW_AUTH_URL", "OS_AUTH_URL", "HUAWEICLOUD_SDK_IAM_ENDPOINT")
_ENDPOINT = "HUAWEICLOUD_SDK_REGION_CSMS_"
_NO_REGION = "HW_REGION_NAME is not set, so there is no server to talk to; set it, or write a settings file"

_NO_CLOUD = "HW_CLOUD makes no URL: a cloud is the domain of its hosts, such as myhuaweicloud.com; correct it"


class Place(NamedTuple):
    """An address of an API; "" where there is none, and then `lacking` says why."""

    url: str
    lacking: str = ""


def cloud(region: str, said: str = "") -> str:
    """Return the domain of a region's hosts: what the operator says, the EU site's own, or the public cloud's."""
    # The European site is a cloud of its own; the Terraform provider tells it by the same prefix.
    return said or ("myhuaweicloud.eu" if region.startswith("eu-west-1") else "myhuaweicloud.com")


def iam_root(url: str) -> str:
    """Return IAM's root: some write its URL with the version of the API, others without."""
    # The Terraform provider's HW_AUTH_URL ends in /v3, the SDK's IAM endpoint doesn't.
    return url.removesuffix("/v3")


def endpoints(env: Mapping[str, str]) -> list[str]:
    """Return the variables that override the endpoint of a region."""
    return sorted(name for name in env if name.startswith(_ENDPOINT) and env[name].strip())


def region_of(env: Mapping[str, str], held: Held | None) -> Said:
    """Return the region that the variables name, else the file's, else the one whose endpoint is overridden."""
    # The SDK writes cn-north-4 as HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4.
    overridden = (Said(name.removeprefix(_ENDPOINT).lower().replace("_", "-"), name) for name in endpoints(env))
    kept = Said(held.region, f"the region in {held.path}") if held and held.region else next(overridden, NOTHING)
    return said(env, _REGION, kept)


def csms_place(env: Mapping[str, str], home: Path | None, region: str) -> Place:
    """Return where CSMS is: the region's endpoint by variable, by regions file, or by the cloud's naming."""
    if not region:
        return Place("", _NO_REGION)
    name = f"{_ENDPOINT}{region.upper().replace('-', '_')}"
    # The SDK takes several and goes to the next where DNS or TLS fails. A run that changes hosts half-way
    # could compare with one server and write to another, so only the first counts.
    override = env.get(name, "").split(",")[0].strip()
    if override:
        return _place(override, name)
    listed = endpoint_in(env, home, region)
    if listed.trouble:
        return Place("", listed.trouble)
    if listed.endpoint:
        return _place(listed.endpoint, f"the regions file {listed.path}")
    # The host of KMS serves CSMS. A host csms.REGION is not confirmed for the public cloud.
    return _usual("kms", env, region)


def iam_place(env: Mapping[str, str], region: str, held: str) -> Place:
    """Return IAM's root: by variable, by what the credentials file says, or by the cloud's naming."""
    told = value(env, _IAM) or held
    name = first(env, _IAM) or "iam_endpoint of the credentials file"
    place = _place(told, name) if told else _usual("iam", env, region)
    return place._replace(url=iam_root(place.url))


def _usual(service: str, env: Mapping[str, str], region: str) -> Place:
    """Return where a service of a region is by the cloud's naming."""
    domain = cloud(region, env.get("HW_CLOUD", "").strip().lower())
    if not is_host(domain):
        return Place("", _NO_CLOUD)
    return _place(f"https://{service}.{region}.{domain}", "HW_REGION_NAME")


def _place(told: str, name: str) -> Place:
    try:
        # The SDK, too, puts https:// before an endpoint that has no scheme.
        return Place(base_url(told if "://" in told else f"https://{told}"))
    except ValueError as error:
        return Place("", f"{name} makes no URL: {error}")
