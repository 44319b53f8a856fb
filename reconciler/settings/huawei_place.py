"""Where Huawei Cloud's APIs are, as its own tools find them: region, endpoint overrides, regions file, cloud."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from reconciler.settings.huawei_files import endpoint_in
from reconciler.settings.named import first, value
from reconciler.settings.url import base_url

_REGION = ("HW_REGION_NAME", "OS_REGION_NAME")
_IAM = ("HW_AUTH_URL", "OS_AUTH_URL", "HUAWEICLOUD_SDK_IAM_ENDPOINT")
_ENDPOINT = "HUAWEICLOUD_SDK_REGION_CSMS_"
_NO_REGION = "HW_REGION_NAME is not set, so there is no server to talk to; set it, or write a settings file"


class Place(NamedTuple):
    """An address of an API; "" where there is none, and then `lacking` says why."""

    url: str
    lacking: str = ""


def cloud(region: str, said: str = "") -> str:
    """Return the domain of a region's hosts: what the operator says, the EU site's own, or the public cloud's."""
    return said or ("myhuaweicloud.eu" if region.startswith("eu-west-1") else "myhuaweicloud.com")


def iam_root(url: str) -> str:
    """Return IAM's root: some write its URL with the version of the API, others without."""
    return url.removesuffix("/v3")


def endpoints(env: Mapping[str, str]) -> list[str]:
    """Return the variables that override the endpoint of a region."""
    return sorted(name for name in env if name.startswith(_ENDPOINT) and env[name].strip())


def region_of(env: Mapping[str, str], held: str) -> str:
    """Return the region that the variables name, else the file's, else the one whose endpoint is overridden."""
    overridden = (name.removeprefix(_ENDPOINT).lower().replace("_", "-") for name in endpoints(env))
    return value(env, _REGION) or held or next(overridden, "")


def csms_place(env: Mapping[str, str], home: Path | None, region: str) -> Place:
    """Return where CSMS is: the region's endpoint by variable, by regions file, or by the cloud's naming."""
    if not region:
        return Place("", _NO_REGION)
    name = f"{_ENDPOINT}{region.upper().replace('-', '_')}"
    said = env.get(name, "").split(",")[0].strip()
    if said:
        return _place(said, name)
    listed = endpoint_in(env, home, region)
    if listed.trouble:
        return Place("", listed.trouble)
    if listed.endpoint:
        return _place(listed.endpoint, f"the regions file {listed.path}")
    return _place(f"https://kms.{region}.{cloud(region, env.get('HW_CLOUD', ''))}", "HW_REGION_NAME")


def iam_place(env: Mapping[str, str], region: str, held: str) -> Place:
    """Return IAM's root: by variable, by what the credentials file says, or by the cloud's naming."""
    said = value(env, _IAM) or held
    host = f"https://iam.{region}.{cloud(region, env.get('HW_CLOUD', ''))}"
    place = _place(said or host, first(env, _IAM) or "iam_endpoint of the credentials file")
    return place._replace(url=iam_root(place.url))


def _place(said: str, name: str) -> Place:
    try:
        return Place(base_url(said if "://" in said else f"https://{said}"))
    except ValueError as error:
        return Place("", f"{name} makes no URL: {error}")
