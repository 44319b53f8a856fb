"""The variables of Huawei Cloud's own tools: the Terraform provider's `HW_*` and `OS_*`, the SDK's; then files.

Nothing here fails a command that needs no server: what is missing is told by the target (`Target.lacking`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.credentials.sources import FromEnvironment, Origin
from reconciler.diagnostics import Explanation, Source
from reconciler.settings.aliases import NO_TEXT, SourcedText, find_variable, read_sourced_text
from reconciler.settings.huawei_endpoints import (
    HuaweiEndpoint,
    choose_region,
    drop_foreign_variables,
    find_csms_endpoint,
    find_iam_endpoint,
    list_endpoint_overrides,
)
from reconciler.settings.huawei_files import CredentialsFile, read_credentials_file
from reconciler.settings.model import AkskAuth, Auth, NameOrId, NoAuth, PasswordAuth, Target, TokenAuth
from reconciler.settings.patterns import ID, LINE, REGION

# The Terraform provider's order: its own HW_* first, then the OpenStack-style one; the SDK's last.
_REGION = ("HW_REGION_NAME", "OS_REGION_NAME")
_PROJECT = ("HW_PROJECT_ID", "OS_PROJECT_ID", "OS_TENANT_ID", "HUAWEICLOUD_SDK_PROJECT_ID")
_PROJECT_NAME = ("HW_PROJECT_NAME", "OS_PROJECT_NAME", "OS_TENANT_NAME")
_ACCESS_KEY = ("HW_ACCESS_KEY", "OS_ACCESS_KEY", "HUAWEICLOUD_SDK_AK")
_SECRET_KEY = ("HW_SECRET_KEY", "OS_SECRET_KEY", "HUAWEICLOUD_SDK_SK")
_SECURITY_TOKEN = ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
_TOKEN = ("HW_AUTH_TOKEN", "OS_AUTH_TOKEN")
_USER = ("HW_USER_NAME", "OS_USERNAME")
_USER_ID = ("HW_USER_ID", "OS_USER_ID")
_PASSWORD = ("HW_USER_PASSWORD", "OS_PASSWORD")
_DOMAIN = ("HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME")
_DOMAIN_ID = ("HW_DOMAIN_ID", "OS_DOMAIN_ID", "OS_USER_DOMAIN_ID", "OS_PROJECT_DOMAIN_ID")
_INSECURE = ("HW_INSECURE", "OS_INSECURE")

_NO_CREDENTIALS = Explanation(
    "settings.no-credentials",
    "no credentials for Huawei Cloud are set",
    remedy="set HW_ACCESS_KEY and HW_SECRET_KEY, or HW_AUTH_TOKEN, or HW_USER_NAME, HW_USER_PASSWORD and "
    "HW_DOMAIN_NAME",
)
_NO_AGENCY = Explanation(
    "settings.unsupported",
    "asks to act as an agency, which isn't done",
    "the run would be somebody else than you mean",
    "unset it, and give the agency's temporary keys as HW_ACCESS_KEY, HW_SECRET_KEY and HW_SECURITY_TOKEN",
)
_NO_INSECURE = Explanation(
    "settings.unsupported",
    "asks not to verify the server's certificate",
    "whoever sits in between could then read the token and forge every answer, so there is no such switch",
    "unset it",
)
_NO_ALGORITHM = Explanation(
    "settings.unsupported",
    "asks for another algorithm than SDK-HMAC-SHA256, the only one there is",
    remedy="unset it",
)
"""What is asked for and isn't done, said of the variable that asks."""


def read_huawei_target(env: Mapping[str, str], home: Path | None) -> Target | None:
    """Return the target `csms` as the variables and the files describe it, or None where they say nothing."""
    file = read_credentials_file(env, home)
    env = drop_foreign_variables(env, file)
    variable_groups = (_REGION, _PROJECT, _PROJECT_NAME, _ACCESS_KEY, _TOKEN, _USER, _USER_ID)
    if (
        not (file and file.seen)
        and not list_endpoint_overrides(env)
        and not any(find_variable(env, names) for names in variable_groups)
    ):
        return None
    region = choose_region(env, file)
    auth, (project, project_problem) = _choose_auth(env, file), _read_project(env, region, file)
    # The region becomes a part of a host's name, so what could lead elsewhere is refused before that.
    endpoint, iam_endpoint = HuaweiEndpoint("", region.wrong(REGION)), HuaweiEndpoint("")
    if not endpoint.lacking:
        endpoint = find_csms_endpoint(env, home, region.text)
        iam_endpoint = find_iam_endpoint(env, region.text, file.iam if file else "") if region.text else iam_endpoint
    needs_iam = isinstance(auth, PasswordAuth) or not project.id
    unsupported = next(_find_unsupported(env, endpoint.url), None)
    return Target(
        "csms",
        "csms",
        endpoint.url,
        auth,
        project,
        iam_endpoint.url,
        source=Source(str(file.path) if file and file.seen and not find_variable(env, _ACCESS_KEY) else "environment"),
        lacking=unsupported or endpoint.lacking or project_problem or (iam_endpoint.lacking if needs_iam else None),
        region=region.text,
    )


def _read_project(
    env: Mapping[str, str], region: SourcedText, file: CredentialsFile | None
) -> tuple[NameOrId, Explanation | None]:
    """Return the project by its id, else by its name, and what is wrong with that.

    A region's own project is called like the region.
    """
    fallback = SourcedText(file.project, f"the project in {file.path}") if file and file.project else NO_TEXT
    # As in the Terraform provider: an id wins; the name falls back to OS_TENANT_NAME, then to the region.
    by_id, by_name = read_sourced_text(env, _PROJECT, fallback), read_sourced_text(env, _PROJECT_NAME, region)
    problem = by_id.wrong(ID) if by_id.text else by_name.wrong(LINE)
    if problem:
        return NameOrId(), problem
    return (NameOrId(id=by_id.text) if by_id.text else NameOrId(by_name.text)), None


def _find_unsupported(env: Mapping[str, str], url: str) -> Iterator[Explanation]:
    """Yield what variables ask for that isn't done, where doing without would mean something else."""
    insecure = find_variable(env, _INSECURE)
    if insecure and env[insecure].lower() in {"true", "1"} and url.startswith("https:"):
        yield _NO_INSECURE.add_subject(insecure)
    if env.get("HW_ASSUME_ROLE_AGENCY_NAME", "").strip():
        yield _NO_AGENCY.add_subject("HW_ASSUME_ROLE_AGENCY_NAME")
    # The SDK has more, SDK-HMAC-SM3 and SDK-ECDSA-P256-SHA256 among them; none is its default.
    algorithm = env.get("HW_SIGNING_ALGORITHM", "").strip()
    if algorithm and not algorithm.upper().replace("-", "").endswith("HMACSHA256"):
        yield _NO_ALGORITHM.add_subject("HW_SIGNING_ALGORITHM")


def _choose_auth(env: Mapping[str, str], file: CredentialsFile | None) -> Auth:
    """Choose who we are: a token, a key pair, a user, then a file."""
    if find_variable(env, _TOKEN):
        return TokenAuth(_build_origin(env, _TOKEN))
    if find_variable(env, _ACCESS_KEY):
        security_token = _build_origin(env, _SECURITY_TOKEN) if find_variable(env, _SECURITY_TOKEN) else None
        return AkskAuth(_build_origin(env, _ACCESS_KEY), _build_origin(env, _SECRET_KEY), security_token)
    if find_variable(env, _USER) or find_variable(env, _USER_ID):
        return _read_password_auth(env)
    # The provider and the SDK go on to the metadata service at 169.254.169.254. Not here: on a shared CI
    # runner that may be somebody else's identity.
    return file.auth if file else NoAuth(_NO_CREDENTIALS)


def _build_origin(env: Mapping[str, str], names: tuple[str, ...]) -> Origin:
    """Refer to the first of these variables that holds something; to the first of all where none does."""
    return FromEnvironment(find_variable(env, names) or names[0])


def _read_password_auth(env: Mapping[str, str]) -> Auth:
    """Call user and account by their names, as Huawei documents it; by their ids where only those are said."""
    (user, user_problem), (domain, domain_problem) = (
        _read_name_or_id(env, _USER, _USER_ID),
        _read_name_or_id(env, _DOMAIN, _DOMAIN_ID),
    )
    if problem := user_problem or (domain_problem if user.name else None):
        return NoAuth(problem)
    if user.name and domain == NameOrId():
        summary = "HW_USER_NAME needs the account beside it"
        return NoAuth(Explanation("settings.inconsistent", summary, remedy="set HW_DOMAIN_NAME or HW_DOMAIN_ID"))
    return PasswordAuth(user, domain if user.name else NameOrId(), _build_origin(env, _PASSWORD))


def _read_name_or_id(
    env: Mapping[str, str], names: tuple[str, ...], ids: tuple[str, ...]
) -> tuple[NameOrId, Explanation | None]:
    name, by_id = read_sourced_text(env, names), read_sourced_text(env, ids)
    return (NameOrId(name.text), name.wrong(LINE)) if name.text else (NameOrId(id=by_id.text), by_id.wrong(ID))
