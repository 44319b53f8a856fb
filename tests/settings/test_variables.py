"""Every variable and file member that the vendors' tools know is read, or the guide says that it isn't."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.kinds.registry import KINDS
from reconciler.settings.load import load_settings
from reconciler.settings.model import NoAuth, Target
from tests.support.explanations import read_words

GUIDE = (Path(__file__).parents[2] / "docs" / "credentials.md").read_text("utf-8")

OAUTH = {
    "KEYFACTOR_HOSTNAME": "kf.example.com",
    "KEYFACTOR_AUTH_CLIENT_ID": "c",
    "KEYFACTOR_AUTH_CLIENT_SECRET": "s",
    "KEYFACTOR_AUTH_TOKEN_URL": "https://idp.example.com/t",
}
BASIC = {"KEYFACTOR_HOSTNAME": "kf.example.com", "KEYFACTOR_USERNAME": "u", "KEYFACTOR_PASSWORD": "p"}
CLOUD = {"HW_REGION_NAME": "cn-north-4", "HW_PROJECT_ID": "p"}
REGION = {"HW_REGION_NAME": "cn-north-4", "HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s"}
KEYS = {**CLOUD, "HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s"}
USER = {**CLOUD, "HW_USER_NAME": "u", "HW_USER_PASSWORD": "p", "HW_DOMAIN_NAME": "d"}
NOBODY = dict[str, str]()

# What is read: the variable, a value, and what stands beside it.
READ: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    ("KEYFACTOR_HOSTNAME", "kf.example.com", NOBODY),
    ("KEYFACTOR_PORT", "8443", BASIC),
    ("KEYFACTOR_API_PATH", "Api", BASIC),
    ("KEYFACTOR_SKIP_VERIFY", "true", BASIC),
    ("KEYFACTOR_CA_CERT", "/ca.pem", BASIC),
    ("KEYFACTOR_CLIENT_TIMEOUT", "5", BASIC),
    ("KEYFACTOR_AUTH_CONFIG_FILE", "profiles.json", NOBODY),
    ("KEYFACTOR_AUTH_CONFIG_PROFILE", "lab", {"KEYFACTOR_AUTH_CONFIG_FILE": "profiles.json"}),
    ("KEYFACTOR_USERNAME", "other", BASIC),
    ("KEYFACTOR_PASSWORD", "x", {"KEYFACTOR_AUTH_CONFIG_FILE": "profiles.json"}),
    ("KEYFACTOR_DOMAIN", "CORP", BASIC),
    ("KEYFACTOR_AUTH_CLIENT_ID", "other", OAUTH),
    (
        "KEYFACTOR_AUTH_CLIENT_SECRET",
        "x",
        {"KEYFACTOR_AUTH_CONFIG_FILE": "profiles.json", "KEYFACTOR_AUTH_CONFIG_PROFILE": "lab"},
    ),
    ("KEYFACTOR_AUTH_TOKEN_URL", "https://other.example.com/t", OAUTH),
    ("KEYFACTOR_AUTH_SCOPES", "a,b", OAUTH),
    ("KEYFACTOR_AUTH_AUDIENCE", "api", OAUTH),
    ("KEYFACTOR_AUTH_ACCESS_TOKEN", "t", OAUTH),
    ("KEYFACTOR_AUTH_CA_CERT", "/idp.pem", OAUTH),
    ("KEYFACTOR_AUTH_PROVIDER", "azid", {"KEYFACTOR_HOSTNAME": "kf.example.com"}),
    ("KEYFACTOR_AUTH_KRB_USERNAME", "u", BASIC),
    ("KEYFACTOR_AUTH_KRB_PASSWORD", "p", OAUTH),
    ("KEYFACTOR_AUTH_KRB_REALM", "R", BASIC),
    ("KEYFACTOR_AUTH_KRB_KEYTAB", "/keytab", BASIC),
    ("KEYFACTOR_AUTH_KRB_CONFIG", "/krb5.conf", BASIC),
    ("KEYFACTOR_AUTH_KRB_CCACHE", "/cache", NOBODY),
    ("KEYFACTOR_AUTH_KRB_SPN", "HTTP/kf.example.com", BASIC),
    ("KEYFACTOR_AUTH_KRB_DISABLE_PAFXFAST", "true", BASIC),
    ("HW_REGION_NAME", "cn-north-1", KEYS),
    ("OS_REGION_NAME", "cn-north-1", {"HW_PROJECT_ID": "p", "HW_ACCESS_KEY": "a"}),
    ("HW_ACCESS_KEY", "a", CLOUD),
    ("OS_ACCESS_KEY", "a", CLOUD),
    ("HUAWEICLOUD_SDK_AK", "a", CLOUD),
    ("HW_SECRET_KEY", "s", {**CLOUD, "OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s"}),
    ("OS_SECRET_KEY", "s", {**CLOUD, "OS_ACCESS_KEY": "a"}),
    ("HUAWEICLOUD_SDK_SK", "s", {**CLOUD, "OS_ACCESS_KEY": "a"}),
    ("HW_SECURITY_TOKEN", "t", KEYS),
    ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "t", KEYS),
    ("HW_USER_NAME", "u", {**CLOUD, "HW_DOMAIN_NAME": "d"}),
    ("OS_USERNAME", "u", {**CLOUD, "HW_DOMAIN_NAME": "d"}),
    ("HW_USER_PASSWORD", "p", {**USER, "HW_USER_PASSWORD": "", "OS_PASSWORD": "p"}),
    ("OS_PASSWORD", "p", {**USER, "HW_USER_PASSWORD": ""}),
    ("HW_AUTH_TOKEN", "t", KEYS),
    ("OS_AUTH_TOKEN", "t", KEYS),
    ("HW_DOMAIN_NAME", "other", USER),
    ("OS_DOMAIN_NAME", "d", {**USER, "HW_DOMAIN_NAME": ""}),
    ("OS_USER_DOMAIN_NAME", "d", {**USER, "HW_DOMAIN_NAME": ""}),
    ("OS_PROJECT_DOMAIN_NAME", "d", {**USER, "HW_DOMAIN_NAME": ""}),
    ("HW_PROJECT_ID", "q", KEYS),
    ("OS_PROJECT_ID", "q", {**KEYS, "HW_PROJECT_ID": ""}),
    ("OS_TENANT_ID", "q", {**KEYS, "HW_PROJECT_ID": ""}),
    ("HUAWEICLOUD_SDK_PROJECT_ID", "q", {**KEYS, "HW_PROJECT_ID": ""}),
    ("HW_PROJECT_NAME", "cn-north-4_pki", REGION),
    ("OS_PROJECT_NAME", "cn-north-4_pki", REGION),
    ("OS_TENANT_NAME", "cn-north-4_pki", REGION),
    ("HW_USER_ID", "7", CLOUD),
    ("OS_USER_ID", "7", CLOUD),
    ("HW_DOMAIN_ID", "7", {**USER, "HW_DOMAIN_NAME": ""}),
    ("OS_DOMAIN_ID", "7", {**USER, "HW_DOMAIN_NAME": ""}),
    ("OS_USER_DOMAIN_ID", "7", {**USER, "HW_DOMAIN_NAME": ""}),
    ("OS_PROJECT_DOMAIN_ID", "7", {**USER, "HW_DOMAIN_NAME": ""}),
    ("HW_AUTH_URL", "https://iam.example.com/v3", USER),
    ("OS_AUTH_URL", "https://iam.example.com/v3", USER),
    ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "https://iam.example.com", USER),
    ("HW_CLOUD", "cloud.example.com", KEYS),
    ("HW_SHARED_CONFIG_FILE", "koocli.json", CLOUD),
    ("HW_PROFILE", "second", {**CLOUD, "HW_SHARED_CONFIG_FILE": "koocli.json"}),
    ("HW_INSECURE", "true", KEYS),
    ("OS_INSECURE", "true", KEYS),
    ("HW_SIGNING_ALGORITHM", "HmacSM3", KEYS),
    ("HW_ASSUME_ROLE_AGENCY_NAME", "agency", KEYS),
    ("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "credentials", CLOUD),
    ("HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4", "https://kms.example.com", KEYS),
    ("HUAWEICLOUD_SDK_REGIONS_FILE", "regions.yaml", KEYS),
)
NOT_READ = (
    "AZURE_KEYVAULT_NAME",
    "AZURE_SECRET_NAME",
    "KEYFACTOR_APPKEY",
    "KEYFACTOR_TIMEOUT",
    "KFUTIL_*",
    "HW_MAX_RETRIES",
    "HW_ENTERPRISE_PROJECT_ID",
    "HUAWEICLOUD_SDK_DOMAIN_ID",
    "HUAWEICLOUD_SDK_IDP_ID",
    "HUAWEICLOUD_SDK_ID_TOKEN_FILE",
    "HUAWEICLOUD_OIDC_*",
    "HC_CONTAINER_*",
    "HUAWEICLOUD_SDK_STS_ENDPOINT",
)
MEMBERS: tuple[tuple[str, object], ...] = (
    ("host", "other.example.com"),
    ("port", 8443),
    ("api_path", "Api"),
    ("auth_type", "basic"),
    ("username", "other"),
    ("password", "p"),
    ("domain", "CORP"),
    ("client_id", "other"),
    ("client_secret", "s"),
    ("token_url", "https://other.example.com/t"),
    ("scopes", ["a"]),
    ("audience", "api"),
    ("access_token", "t"),
    ("skip_tls_verify", True),
    ("ca_cert_path", "/ca.pem"),
    ("auth_provider", {"type": "azid"}),
    ("client_timeout", 5),
    ("kerberos_realm", "R"),
    ("kerberos_keytab", "/keytab"),
    ("kerberos_config", "/krb5.conf"),
    ("kerberos_ccache", "/cache"),
    ("kerberos_spn", "HTTP/kf.example.com"),
    ("kerberos_disable_pafxfast", True),
)


def prepared(folder: Path) -> None:
    """Put down the files that the variables name."""
    servers = {
        "default": {"host": "kf.example.com", "username": "u", "password": "p"},
        "lab": {"host": "lab.example.com", "client_id": "c", "client_secret": "s", "token_url": "https://idp/t"},
    }
    (folder / "profiles.json").write_text(json.dumps({"servers": servers}), "utf-8")
    profiles = [{"name": name, "accessKeyId": f"AKTEST{name.upper()}"} for name in ("first", "second")]
    (folder / "koocli.json").write_text(json.dumps({"current": "first", "profiles": profiles}), "utf-8")
    (folder / "regions.yaml").write_text("csms: [{id: cn-north-4, endpoint: https://kms.example.com}]\n", "utf-8")
    (folder / "credentials").write_text("[basic]\nak = a\nsk = s\n", "utf-8")


def targets(folder: Path, env: Mapping[str, str]) -> Mapping[str, Target]:
    return load_settings(None, env={"HOME": str(folder), **env}, cwd=folder, kinds=KINDS).targets


@pytest.mark.parametrize(("name", "value", "beside"), READ, ids=[name for name, _, _ in READ])
def test_a_variable_that_is_read_makes_a_difference(
    name: str, value: str, beside: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the guide names it."""
    monkeypatch.chdir(tmp_path)
    prepared(tmp_path)
    without = targets(tmp_path, {key: said for key, said in beside.items() if key != name})

    assert targets(tmp_path, {**beside, name: value}) != without
    told = re.sub("(?<=_)CN_NORTH_4$", "REGION", re.sub("(?<=_KRB_).*", "*", name))
    assert f"`{told}`" in GUIDE.partition("## Not read")[0]


@pytest.mark.parametrize("name", NOT_READ)
def test_a_variable_that_is_not_read_changes_nothing_and_the_guide_says_so(name: str, tmp_path: Path) -> None:
    """Nobody has to find out by trying."""
    variable = name.replace("*", "X")
    for env in (OAUTH, BASIC, KEYS, USER, NOBODY):
        assert targets(tmp_path, {**env, variable: "x"}) == targets(tmp_path, env)
    assert f"`{name}`" in GUIDE.partition("## Not read")[2]


@pytest.mark.parametrize(("member", "value"), MEMBERS, ids=[name for name, _ in MEMBERS])
def test_every_member_of_a_profile_is_read(member: str, value: object, tmp_path: Path) -> None:
    """Beside a profile that has all but this one, for one of the ways to log in."""
    path = tmp_path / ".keyfactor" / "command_config.json"
    path.parent.mkdir()

    def of(profile: Mapping[str, object]) -> Mapping[str, Target]:
        path.write_text(json.dumps({"servers": {"default": profile}}), "utf-8")
        return targets(tmp_path, {})

    basic = {"host": "kf.example.com", "username": "u", "password": "p"}
    oauth = {"host": "kf.example.com", "client_id": "c", "client_secret": "s", "token_url": "https://idp/t"}
    both, nobody = {**basic, **oauth}, {"host": "kf.example.com"}
    assert any(
        of({**profile, member: value}) != of({name: said for name, said in profile.items() if name != member})
        for profile in (basic, oauth, both, nobody)
    )


@pytest.mark.parametrize(
    "asked", [{"auth_type": "kerberos", "username": "u", "password": "p"}, {"auth_provider": {"type": "azid"}}]
)
def test_a_profile_that_asks_for_what_is_not_done_is_told(asked: dict[str, object], tmp_path: Path) -> None:
    """Logging in some other way than the profile says would be a guess."""
    path = tmp_path / ".keyfactor" / "command_config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"servers": {"default": {"host": "kf.example.com", **asked}}}), "utf-8")

    auth = targets(tmp_path, {})["command"].auth
    assert isinstance(auth, NoAuth)
    assert "which isn't done" in read_words(auth.advice)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no readable profile `p`"),
        ({"profiles": [{"name": "other"}]}, "no readable profile `p`"),
        ({"profiles": [{"name": "p", "mode": "SSO"}]}, "mode SSO can't be used"),
        ({"profiles": [{"name": "p", "accessKeyId": "x" * 88}]}, "cli-auth-encrypt=false"),
        (None, "can't be read"),
    ],
)
def test_a_koocli_file_that_can_not_serve_is_told(content: object, words: str, tmp_path: Path) -> None:
    """Encrypted keys above all: only KooCLI itself has the key to them."""
    path = tmp_path / "koocli.json"
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    auth = targets(tmp_path, {**CLOUD, "HW_SHARED_CONFIG_FILE": str(path), "HW_PROFILE": "p"})["csms"].auth
    assert isinstance(auth, NoAuth)
    assert words in read_words(auth.advice)
