"""The variables of Huawei Cloud's own tools: the Terraform provider's `HW_*` and `OS_*`, the SDK's; then files.

Nothing here fails a command that needs no server: what is missing is told by the target (`Target.lacking`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.credentials.sources import FromEnvironment, Origin
from reconciler.errors import Source
from reconciler.settings.aliases import NOTHING, Said, first, said
from reconciler.settings.huawei_endpoints import Place, csms_place, endpoints, iam_place, region_of
from reconciler.settings.huawei_files import Held, held
from reconciler.settings.model import AkskAuth, Auth, Called, NoAuth, PasswordAuth, Target, TokenAuth
from reconciler.settings.patterns import ID, LINE, REGION

# The Terraform provider's order: its own HW_* first, then the OpenStack-style one; the SDK's last.
_REGION = ("HW_REGION_NAME", "OS_REGION_NAME")
_PROJECT = ("HW_PROJECT_ID", "OS_PROJECT_ID", "OS_TENANT_ID", "HUAWEICLOUD_SDK_PROJECT_ID")
_PROJECT_NAME = ("HW_PROJECT_NAME", "OS_PROJECT_NAME", "OS_TENANT_NAME")
_ACCESS = ("HW_ACCESS_KEY", "OS_ACCESS_KEY", "HUAWEICLOUD_SDK_AK")
_SECRET = ("HW_SECRET_KEY", "OS_SECRET_KEY", "HUAWEICLOUD_SDK_SK")
_SECURITY = ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
_TOKEN = ("HW_AUTH_TOKEN", "OS_AUTH_TOKEN")
_USER = ("HW_USER_NAME", "OS_USERNAME")
_USER_ID = ("HW_USER_ID", "OS_USER_ID")
_PASSWORD = ("HW_USER_PASSWORD", "OS_PASSWORD")
_DOMAIN = ("HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME")
_DOMAIN_ID = ("HW_DOMAIN_ID", "OS_DOMAIN_ID", "OS_USER_DOMAIN_ID", "OS_PROJECT_DOMAIN_ID")
_INSECURE = ("HW_INSECURE", "OS_INSECURE")

_ADVICE = (
    "no credentials for Huawei Cloud are set; set HW_ACCESS_KEY and HW_SECRET_KEY, or HW_AUTH_TOKEN, or HW_USER_NAME, "
    "HW_USER_PASSWORD and HW_DOMAIN_NAME"
)
_AGENCY = (
    "asks to act as an agency, which isn't done; the run would be somebody else than you mean; unset it, and give the "
    "agency's temporary keys as HW_ACCESS_KEY, HW_SECRET_KEY and HW_SECURITY_TOKEN"
)
_SKIP = (
    "asks not to verify the server's certificate; whoever sits in between could then read the token and forge "
    "every answer, so there is no such switch; unset it"
)


def huawei_target(env: Mapping[str, str], home: Path | None) -> Target | None:
    """Return the target `csms` as the variables and the files describe it, or None where they say nothing."""
    file = held(env, home)
    told = (_REGION, _PROJECT, _PROJECT_NAME, _ACCESS, _TOKEN, _USER, _USER_ID)
    if not (file and file.seen) and not endpoints(env) and not any(first(env, names) for names in told):
        return None
    region = region_of(env, file)
    auth, (project, unnamed) = _auth(env, file), _project(env, region, file)
    # The region becomes a part of a host's name, so what could lead elsewhere is refused before that.
    place, iam = Place("", region.wrong(REGION)), Place("")
    if not place.lacking:
        place = csms_place(env, home, region.text)
        iam = iam_place(env, region.text, file.iam if file else "") if region.text else iam
    needed = isinstance(auth, PasswordAuth) or not project.id
    asked_for = (f"{name} {why}" for name, why in _asked_for(env, place.url))
    return Target(
        "csms",
        "csms",
        place.url,
        auth,
        project,
        iam.url,
        source=Source(str(file.path) if file and file.seen and not first(env, _ACCESS) else "environment"),
        lacking=next(asked_for, place.lacking or unnamed or (iam.lacking if needed else "")),
    )


def _project(env: Mapping[str, str], region: Said, file: Held | None) -> tuple[Called, str]:
    """Return the project by its id, else by its name, and what is wrong with that.

    A region's own project is called like the region.
    """
    kept = Said(file.project, f"the project in {file.path}") if file and file.project else NOTHING
    # As in the Terraform provider: an id wins; the name falls back to OS_TENANT_NAME, then to the region.
    by_id, by_name = said(env, _PROJECT, kept), said(env, _PROJECT_NAME, region)
    wrong = by_id.wrong(ID) if by_id.text else by_name.wrong(LINE)
    if wrong:
        return Called(), wrong
    return (Called(id=by_id.text) if by_id.text else Called(by_name.text)), ""


def _asked_for(env: Mapping[str, str], url: str) -> Iterator[tuple[str, str]]:
    """Yield variables that ask for what isn't done, where doing without would mean something else."""
    insecure = first(env, _INSECURE)
    if insecure and env[insecure].lower() in {"true", "1"} and url.startswith("https:"):
        yield insecure, _SKIP
    if env.get("HW_ASSUME_ROLE_AGENCY_NAME", "").strip():
        yield "HW_ASSUME_ROLE_AGENCY_NAME", _AGENCY
    # The SDK has more, SDK-HMAC-SM3 and SDK-ECDSA-P256-SHA256 among them; none is its default.
    algorithm = env.get("HW_SIGNING_ALGORITHM", "").strip()
    if algorithm and not algorithm.upper().replace("-", "").endswith("HMACSHA256"):
        yield "HW_SIGNING_ALGORITHM", "asks for another algorithm than SDK-HMAC-SHA256, the only one there is; unset it"


def _auth(env: Mapping[str, str], file: Held | None) -> Auth:
    """Choose who we are: a token, a key pair, a user, then a file."""
    if first(env, _TOKEN):
        return TokenAuth(_from(env, _TOKEN))
    if first(env, _ACCESS):
        security = _from(env, _SECURITY) if first(env, _SECURITY) else None
        return AkskAuth(_from(env, _ACCESS), _from(env, _SECRET), security)
    if first(env, _USER) or first(env, _USER_ID):
        return _password(env)
    # The provider and the SDK go on to the metadata service at 169.254.169.254. Not here: on a shared CI
    # runner that may be somebody else's identity.
    return file.auth if file else NoAuth(_ADVICE)


def _from(env: Mapping[str, str], names: tuple[str, ...]) -> Origin:
    """Refer to the first of these variables that holds something; to the first of all where none does."""
    return FromEnvironment(first(env, names) or names[0])


def _password(env: Mapping[str, str]) -> Auth:
    """Call user and account by their names, as Huawei documents it; by their ids where only those are said."""
    (user, nobody), (domain, nowhere) = _called(env, _USER, _USER_ID), _called(env, _DOMAIN, _DOMAIN_ID)
    if wrong := nobody or (nowhere if user.name else ""):
        return NoAuth(wrong)
    if user.name and domain == Called():
        return NoAuth("HW_USER_NAME needs the account beside it; set HW_DOMAIN_NAME or HW_DOMAIN_ID")
    return PasswordAuth(user, domain if user.name else Called(), _from(env, _PASSWORD))


def _called(env: Mapping[str, str], names: tuple[str, ...], ids: tuple[str, ...]) -> tuple[Called, str]:
    name, by_id = said(env, names), said(env, ids)
    return (Called(name.text), name.wrong(LINE)) if name.text else (Called(id=by_id.text), by_id.wrong(ID))
