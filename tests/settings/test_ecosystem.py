"""Without a settings file: the variables and files of the vendors' own tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.credentials.sources import FromEnvironment, FromProfile
from reconciler.kinds.registry import KINDS
from reconciler.settings.load import load_settings
from reconciler.settings.model import (
    AkskAuth,
    BasicAuth,
    BearerAuth,
    NameOrId,
    NoAuth,
    OauthAuth,
    PasswordAuth,
    Target,
    TokenAuth,
)
from reconciler.transport.options import Trust
from tests.support.explanations import read_words

HOST = {"KEYFACTOR_HOSTNAME": "kf.example.com"}
HUAWEI = {"HW_REGION_NAME": "cn-north-4", "HW_PROJECT_ID": "p"}


def targets(folder: Path, env: dict[str, str]) -> dict[str, Target]:
    return dict(load_settings(None, env={"HOME": str(folder), **env}, cwd=folder, kinds=KINDS).targets)


def profile(folder: Path, **servers: Any) -> Path:
    path = folder / ".keyfactor" / "command_config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"servers": servers}))
    path.chmod(0o600)
    return path


def test_nothing_configured_gives_no_targets(tmp_path: Path) -> None:
    assert targets(tmp_path, {"PATH": "/bin", "HW_CLOUD": "x", "KEYFACTOR_PORT": "443"}) == {}


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"KEYFACTOR_HOSTNAME": "kf.example.com"}, "https://kf.example.com/KeyfactorAPI"),
        ({"KEYFACTOR_HOSTNAME": "http://kf.example.com/"}, "https://kf.example.com/KeyfactorAPI"),
        ({"KEYFACTOR_HOSTNAME": "https://kf.example.com:8443/Portal"}, "https://kf.example.com:8443/KeyfactorAPI"),
        ({"KEYFACTOR_HOSTNAME": "kf.example.com/Api"}, "https://kf.example.com/Api"),
        (
            {"KEYFACTOR_HOSTNAME": "kf.example.com:8443", "KEYFACTOR_PORT": "443"},
            "https://kf.example.com:8443/KeyfactorAPI",
        ),
        (
            {**HOST, "KEYFACTOR_PORT": "8443", "KEYFACTOR_API_PATH": "/KeyfactorApi/"},
            "https://kf.example.com:8443/KeyfactorApi",
        ),
        ({"KEYFACTOR_HOSTNAME": "127.0.0.1", "KEYFACTOR_PORT": "18080"}, "http://127.0.0.1:18080/KeyfactorAPI"),
        ({"KEYFACTOR_HOSTNAME": "https://127.0.0.1:18080"}, "https://127.0.0.1:18080/KeyfactorAPI"),
        ({"KEYFACTOR_HOSTNAME": "HTTPS://127.0.0.1:18080"}, "https://127.0.0.1:18080/KeyfactorAPI"),
        ({"KEYFACTOR_HOSTNAME": "[2001:DB8::1]"}, "https://[2001:db8::1]/KeyfactorAPI"),
        ({"KEYFACTOR_HOSTNAME": "[::1]:18080"}, "http://[::1]:18080/KeyfactorAPI"),
        ({"KEYFACTOR_HOSTNAME": "::1", "KEYFACTOR_PORT": "18080"}, "http://[::1]:18080/KeyfactorAPI"),
        ({"KEYFACTOR_HOSTNAME": "2001:db8::1"}, "https://[2001:db8::1]/KeyfactorAPI"),
        (
            {"KEYFACTOR_HOSTNAME": "127.0.0.1", "KEYFACTOR_PORT": "18443", "KEYFACTOR_CA_CERT": "/ca.pem"},
            "https://127.0.0.1:18443/KeyfactorAPI",
        ),
    ],
)
def test_the_host_is_read_as_the_vendors_tools_read_it(tmp_path: Path, env: dict[str, str], url: str) -> None:
    target = targets(tmp_path, env)["command"]
    assert (target.url, target.lacking) == (url, None)


@pytest.mark.parametrize(
    "host",
    [
        *("user:hunter22@kf.example.com", "kf example", "kf.example.com:99999", "a/../b", "kf.example.com/%2e"),
        *("[", "[::1", "kf]", "[::1%eth0]", "[::1]kf.example.com", "kf\u2100"),
    ],
)
def test_a_host_that_makes_no_url_is_told_when_the_target_is_used(tmp_path: Path, host: str) -> None:
    target = targets(tmp_path, {"KEYFACTOR_HOSTNAME": host})["command"]
    assert read_words(target.lacking).startswith("KEYFACTOR_HOSTNAME")
    assert target.url == ""
    assert "hunter22" not in repr(target)


@pytest.mark.parametrize(
    ("env", "auth"),
    [
        ({"KEYFACTOR_USERNAME": "CORP\\svc"}, BasicAuth("CORP\\svc", FromEnvironment("KEYFACTOR_PASSWORD"))),
        (
            {"KEYFACTOR_USERNAME": "svc", "KEYFACTOR_DOMAIN": "CORP"},
            BasicAuth("CORP\\svc", FromEnvironment("KEYFACTOR_PASSWORD")),
        ),
        (
            {"KEYFACTOR_USERNAME": "svc@corp", "KEYFACTOR_DOMAIN": "OTHER"},
            BasicAuth("corp\\svc", FromEnvironment("KEYFACTOR_PASSWORD")),
        ),
        (
            {
                "KEYFACTOR_AUTH_CLIENT_ID": "c",
                "KEYFACTOR_AUTH_TOKEN_URL": "https://idp.example.com/t",
                "KEYFACTOR_AUTH_SCOPES": "a, b",
                "KEYFACTOR_AUTH_AUDIENCE": "api",
                "KEYFACTOR_AUTH_CA_CERT": "/idp.pem",
            },
            OauthAuth(
                "https://idp.example.com/t",
                "c",
                FromEnvironment("KEYFACTOR_AUTH_CLIENT_SECRET"),
                ("a", "b"),
                "api",
                Trust(Path("/idp.pem")),
            ),
        ),
        (
            {"KEYFACTOR_AUTH_ACCESS_TOKEN": "t", "KEYFACTOR_AUTH_CLIENT_ID": "c", "KEYFACTOR_USERNAME": "u"},
            BearerAuth(FromEnvironment("KEYFACTOR_AUTH_ACCESS_TOKEN")),
        ),
    ],
)
def test_variables_say_who_we_are_and_the_strongest_wins(tmp_path: Path, env: dict[str, str], auth: object) -> None:
    assert targets(tmp_path, {**HOST, **env})["command"].auth == auth


def test_missing_credentials_and_token_urls_give_advice_instead_of_a_guess(tmp_path: Path) -> None:
    none = targets(tmp_path, HOST)["command"].auth
    assert isinstance(none, NoAuth)
    assert "KEYFACTOR_PASSWORD" in read_words(none.advice)
    plain = {**HOST, "KEYFACTOR_AUTH_CLIENT_ID": "c", "KEYFACTOR_AUTH_TOKEN_URL": "http://idp.example.com/t"}
    refused = targets(tmp_path, plain)["command"].auth
    assert isinstance(refused, NoAuth)
    assert "plain http" in read_words(refused.advice)


def test_the_file_serves_and_variables_win_over_it(tmp_path: Path) -> None:
    path = profile(
        tmp_path,
        default={"host": "kf.example.com", "port": 8443, "auth_type": "basic", "username": "u", "password": "hunter22"},
        lab={
            "host": "lab.example.com",
            "client_id": "c",
            "client_secret": "s",
            "token_url": "https://idp/t",
            "scopes": ["x"],
        },
    )
    default = targets(tmp_path, {})["command"]
    assert default.url == "https://kf.example.com:8443/KeyfactorAPI"
    assert default.auth == BasicAuth("u", FromProfile(path, ("servers", "default", "password")))
    assert "hunter22" not in repr(default)
    lab = targets(tmp_path, {"KEYFACTOR_AUTH_CONFIG_PROFILE": "lab"})["command"]
    assert lab.auth == OauthAuth("https://idp/t", "c", FromProfile(path, ("servers", "lab", "client_secret")), ("x",))
    mixed = targets(tmp_path, {"KEYFACTOR_PASSWORD": "other", "KEYFACTOR_HOSTNAME": "new.example.com"})["command"]
    assert mixed.url == "https://new.example.com:8443/KeyfactorAPI"
    assert mixed.auth == BasicAuth("u", FromEnvironment("KEYFACTOR_PASSWORD"))
    token = targets(tmp_path, {"KEYFACTOR_AUTH_ACCESS_TOKEN": "t"})["command"]
    assert token.auth == BearerAuth(FromEnvironment("KEYFACTOR_AUTH_ACCESS_TOKEN"))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"servers": []}', '{"servers": {"default": 5}}', "\x00"])
def test_a_broken_file_is_told_when_the_target_is_used_and_not_before(tmp_path: Path, text: str) -> None:
    path = profile(tmp_path)
    path.write_text(text)
    assert "no readable profile `default`" in read_words(targets(tmp_path, {})["command"].lacking)
    assert targets(tmp_path, {**HOST, "KEYFACTOR_USERNAME": "u"})["command"].lacking is None


def test_a_named_file_that_is_missing_is_told(tmp_path: Path) -> None:
    assert "can't be read" in read_words(targets(tmp_path, {"KEYFACTOR_AUTH_CONFIG_FILE": "/none"})["command"].lacking)


@pytest.mark.parametrize(
    ("host", "refused"), [("kf.example.com", True), ("127.0.0.1", False), ("https://127.0.0.1:1", False)]
)
@pytest.mark.parametrize("value", ["true", "TRUE", "1"])
def test_verification_can_not_be_switched_off_for_a_real_host(
    tmp_path: Path, host: str, value: str, refused: bool
) -> None:
    target = targets(tmp_path, {"KEYFACTOR_HOSTNAME": host, "KEYFACTOR_SKIP_VERIFY": value})["command"]
    assert ("KEYFACTOR_CA_CERT" in read_words(target.lacking)) is refused


def test_a_ca_is_a_path_or_pem_text_and_a_timeout_is_seconds(tmp_path: Path) -> None:
    env = {**HOST, "KEYFACTOR_CLIENT_TIMEOUT": "30", "KEYFACTOR_CA_CERT": "/ca.pem"}
    transport = targets(tmp_path, env)["command"].transport
    assert (transport.timeout, transport.trust) == (30.0, Trust(Path("/ca.pem")))
    pem = "-----BEGIN CERTIFICATE-----\nx"
    transport = targets(tmp_path, {**HOST, "KEYFACTOR_CLIENT_TIMEOUT": "-5", "KEYFACTOR_CA_CERT": pem})[
        "command"
    ].transport
    assert (transport.timeout, transport.trust) == (60.0, Trust(ca_text=pem))


@pytest.mark.parametrize(
    ("env", "auth"),
    [
        ({"HW_ACCESS_KEY": "a"}, AkskAuth(FromEnvironment("HW_ACCESS_KEY"), FromEnvironment("HW_SECRET_KEY"))),
        (
            {"OS_ACCESS_KEY": "a", "OS_SECRET_KEY": "s", "HW_SECURITY_TOKEN": "t"},
            AkskAuth(
                FromEnvironment("OS_ACCESS_KEY"), FromEnvironment("OS_SECRET_KEY"), FromEnvironment("HW_SECURITY_TOKEN")
            ),
        ),
        (
            {"HUAWEICLOUD_SDK_AK": "a", "HUAWEICLOUD_SDK_SK": "s"},
            AkskAuth(FromEnvironment("HUAWEICLOUD_SDK_AK"), FromEnvironment("HUAWEICLOUD_SDK_SK")),
        ),
        ({"OS_AUTH_TOKEN": "t"}, TokenAuth(FromEnvironment("OS_AUTH_TOKEN"))),
        (
            {"HW_USER_NAME": "u", "HW_USER_PASSWORD": "p", "OS_USER_DOMAIN_NAME": "d"},
            PasswordAuth(NameOrId("u"), NameOrId("d"), FromEnvironment("HW_USER_PASSWORD")),
        ),
        (
            {"OS_USERNAME": "u", "OS_PASSWORD": "p", "HW_DOMAIN_NAME": "d", "OS_AUTH_URL": "http://127.0.0.1:9/v3"},
            PasswordAuth(NameOrId("u"), NameOrId("d"), FromEnvironment("OS_PASSWORD")),
        ),
    ],
)
def test_huawei_variables_say_who_we_are(tmp_path: Path, env: dict[str, str], auth: object) -> None:
    target = targets(tmp_path, {**HUAWEI, **env})["csms"]
    assert (target.auth, target.lacking, target.project) == (auth, None, NameOrId(id="p"))
    assert target.url == "https://kms.cn-north-4.myhuaweicloud.com"


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"HW_REGION_NAME": "eu-west-101"}, "https://kms.eu-west-101.myhuaweicloud.eu"),
        ({"OS_REGION_NAME": "cn-north-1", "HW_CLOUD": "cloud.example.com"}, "https://kms.cn-north-1.cloud.example.com"),
        ({"HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4": "http://127.0.0.1:9,https://b"}, "http://127.0.0.1:9"),
        (
            {"HW_REGION_NAME": "cn-north-4", "HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4": "k.example.com"},
            "https://k.example.com",
        ),
    ],
)
def test_huawei_endpoints_follow_region_cloud_and_override(tmp_path: Path, env: dict[str, str], url: str) -> None:
    target = targets(tmp_path, {"HUAWEICLOUD_SDK_PROJECT_ID": "p", "HW_ACCESS_KEY": "a", **env})["csms"]
    assert (target.url, target.lacking) == (url, None)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"HW_ACCESS_KEY": "a", "HW_PROJECT_ID": "p"}, "HW_REGION_NAME is not set"),
        ({**HUAWEI, "HW_REGION_NAME": "x/../y"}, "can't be used: a region is"),
        ({**HUAWEI, "HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4": "http://k.example.com"}, "plain http"),
        ({**HUAWEI, "OS_INSECURE": "true"}, "OS_INSECURE asks not to verify"),
    ],
)
def test_what_huawei_lacks_is_told_when_the_target_is_used(tmp_path: Path, env: dict[str, str], words: str) -> None:
    assert words in read_words(targets(tmp_path, env)["csms"].lacking)


def test_the_sdks_credentials_file_serves(tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    path.write_text("[basic]\nak = a\nsk = hunter22\nproject_id = q\n")
    target = targets(tmp_path, {"HW_REGION_NAME": "cn-north-4", "HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(path)})["csms"]
    assert target.project == NameOrId(id="q")
    assert target.auth == AkskAuth(FromProfile(path, ("basic", "ak")), FromProfile(path, ("basic", "sk")))
    assert "hunter22" not in repr(target)
