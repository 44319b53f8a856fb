"""The variables of Huawei Cloud's own tools: the Terraform provider's `HW_*` and `OS_*`, the SDK's; then files.

The first name that is set wins. Nothing here fails a command that needs no server: what is missing is told by the
target (`Target.lacking`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.errors import Source
from reconciler.settings.huawei_files import Held, held
from reconciler.settings.secret import FromEnvironment, Origin
from reconciler.settings.target import AkskAuth, Auth, NoAuth, PasswordAuth, Target, TokenAuth
from reconciler.settings.url import base_url

_REGION = ("HW_REGION_NAME", "OS_REGION_NAME")
_PROJECT = ("HW_PROJECT_ID", "OS_PROJECT_ID", "OS_TENANT_ID", "HUAWEICLOUD_SDK_PROJECT_ID")
_ACCESS = ("HW_ACCESS_KEY", "OS_ACCESS_KEY", "HUAWEICLOUD_SDK_AK")
_SECRET = ("HW_SECRET_KEY", "OS_SECRET_KEY", "HUAWEICLOUD_SDK_SK")
_SECURITY = ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
_TOKEN = ("HW_AUTH_TOKEN", "OS_AUTH_TOKEN")
_USER = ("HW_USER_NAME", "OS_USERNAME")
_PASSWORD = ("HW_USER_PASSWORD", "OS_PASSWORD")
_DOMAIN = ("HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME")
_IAM = ("HW_AUTH_URL", "OS_AUTH_URL", "HUAWEICLOUD_SDK_IAM_ENDPOINT")
_INSECURE = ("HW_INSECURE", "OS_INSECURE")
_ENDPOINT = "HUAWEICLOUD_SDK_REGION_CSMS_"

_ADVICE = (
    "no credentials for Huawei Cloud are set; set HW_ACCESS_KEY and HW_SECRET_KEY, or HW_AUTH_TOKEN, or HW_USER_NAME, "
    "HW_USER_PASSWORD and HW_DOMAIN_NAME (HW_USER_ID and HW_DOMAIN_ID can't stand in for them)"
)
_NO_PROJECT = (
    "HW_PROJECT_ID is not set, and every path of CSMS names a project by its id; set it "
    "(HW_PROJECT_NAME can't stand in for it)"
)
_AGENCY = (
    "asks to act as an agency, which isn't done; the run would be somebody else than you mean; unset it, and give the "
    "agency's temporary keys as HW_ACCESS_KEY, HW_SECRET_KEY and HW_SECURITY_TOKEN"
)
_SKIP = (
    "{name} asks not to verify the server's certificate; whoever sits in between could then read the token and forge "
    "every answer, so there is no such switch; unset it"
)


def cloud(region: str, said: str = "") -> str:
    """Return the domain of a region's hosts: what the operator says, the EU site's own, or the public cloud's."""
    return said or ("myhuaweicloud.eu" if region.startswith("eu-west-1") else "myhuaweicloud.com")


def huawei_target(env: Mapping[str, str], home: Path | None) -> Target | None:
    """Return the target `csms` as the variables and the file describe it, or None where they say nothing."""
    file = held(env, home)
    endpoints = sorted(name for name in env if name.startswith(_ENDPOINT) and env[name].strip())
    if file is None and not endpoints and not any(_first(env, n) for n in (_REGION, _PROJECT, _ACCESS, _TOKEN, _USER)):
        return None
    region = _value(env, _REGION) or (file.region if file else "")
    if not region and endpoints:
        region = endpoints[0].removeprefix(_ENDPOINT).lower().replace("_", "-")
    project = _value(env, _PROJECT) or (file.project if file else "")
    url, lacking = _url(env, region)
    if not project:
        lacking = lacking or _NO_PROJECT
    lacking = next((f"{name} {why}" for name, why in _asked_for(env)), lacking)
    insecure = _first(env, _INSECURE)
    if insecure and env[insecure].lower() in {"true", "1"} and url.startswith("https:"):
        lacking = _SKIP.format(name=insecure)
    source = Source(str(file.path) if file and not _first(env, _ACCESS) else "environment")
    return Target("csms", "csms", url, _auth(env, region, file), project, source=source, lacking=lacking)


def _first(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    """Return the first of these variables that holds something."""
    return next((name for name in names if env.get(name, "").strip()), "")


def _value(env: Mapping[str, str], names: tuple[str, ...]) -> str:
    name = _first(env, names)
    return env[name].strip() if name else ""


def _asked_for(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield variables that ask for what isn't done, where doing without would mean something else."""
    if env.get("HW_ASSUME_ROLE_AGENCY_NAME", "").strip():
        yield "HW_ASSUME_ROLE_AGENCY_NAME", _AGENCY
    algorithm = env.get("HW_SIGNING_ALGORITHM", "").strip()
    if algorithm and not algorithm.upper().replace("-", "").endswith("HMACSHA256"):
        yield "HW_SIGNING_ALGORITHM", "asks for another algorithm than SDK-HMAC-SHA256, the only one there is; unset it"


def _url(env: Mapping[str, str], region: str) -> tuple[str, str]:
    if not region:
        return "", "HW_REGION_NAME is not set, so there is no server to talk to; set it, or write a settings file"
    name = f"{_ENDPOINT}{region.upper().replace('-', '_')}"
    said = env.get(name, "").split(",")[0].strip()
    host = f"https://kms.{region}.{cloud(region, env.get('HW_CLOUD', ''))}"
    full = said if "://" in said else f"https://{said}"
    try:
        return base_url(full if said else host), ""
    except ValueError as error:
        return "", f"{name if said else 'HW_REGION_NAME'} makes no URL: {error}"


def _auth(env: Mapping[str, str], region: str, file: Held | None) -> Auth:
    """Choose who we are: a token, a key pair, a user, then a file."""
    if _first(env, _TOKEN):
        return TokenAuth(_from(env, _TOKEN))
    if _first(env, _ACCESS):
        security = _from(env, _SECURITY) if _first(env, _SECURITY) else None
        return AkskAuth(_from(env, _ACCESS), _from(env, _SECRET), security)
    if _first(env, _USER):
        return _password(env, region)
    return file.auth if file else NoAuth(_ADVICE)


def _from(env: Mapping[str, str], names: tuple[str, ...]) -> Origin:
    """Refer to the first of these variables that holds something; to the first of all where none does."""
    return FromEnvironment(_first(env, names) or names[0])


def _password(env: Mapping[str, str], region: str) -> Auth:
    domain = _value(env, _DOMAIN)
    if not domain:
        return NoAuth("HW_USER_NAME needs the account's name beside it; set HW_DOMAIN_NAME")
    said = _value(env, _IAM) or f"https://iam.{region}.{cloud(region, env.get('HW_CLOUD', ''))}"
    try:
        iam_url = base_url(said).removesuffix("/v3")
    except ValueError as error:
        return NoAuth(f"HW_AUTH_URL, where the password is sent, can't be used: {error}")
    return PasswordAuth(_value(env, _USER), domain, _from(env, _PASSWORD), iam_url)
