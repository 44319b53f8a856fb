"""Where Huawei Cloud's own tools would go, for which project, as whom: names, ids, and the SDK's regions file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.credentials.sources import FromEnvironment
from reconciler.kinds.registry import KINDS
from reconciler.settings.huawei_env import read_huawei_target
from reconciler.settings.load import load_settings
from reconciler.settings.model import NameOrId, NoAuth, PasswordAuth, Target
from reconciler.settings.patterns import ID, LINE, Spelling
from reconciler.settings.patterns import REGION as REGION_NAME
from reconciler.settings.schema import SettingsFile
from tests.support.explanations import read_words

REGION = {"HW_REGION_NAME": "cn-north-4"}
KEYS = {**REGION, "HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s"}
USER = {**REGION, "HW_USER_NAME": "u", "HW_USER_PASSWORD": "p", "HW_DOMAIN_NAME": "d"}
ENDPOINT = "HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4"


def target(folder: Path, env: Mapping[str, str]) -> Target:
    return load_settings(None, env={"HOME": str(folder), **env}, cwd=folder, kinds=KINDS).targets["csms"]


@pytest.mark.parametrize(
    ("env", "project"),
    [
        ({}, NameOrId("cn-north-4")),
        ({"HW_PROJECT_NAME": "pki"}, NameOrId("pki")),
        ({"OS_PROJECT_NAME": "pki", "OS_TENANT_NAME": "old"}, NameOrId("pki")),
        ({"OS_TENANT_NAME": "old"}, NameOrId("old")),
        ({"HW_PROJECT_ID": "7", "HW_PROJECT_NAME": "pki"}, NameOrId(id="7")),
        ({"OS_TENANT_ID": "7", "HW_PROJECT_NAME": "pki"}, NameOrId(id="7")),
        ({"HUAWEICLOUD_SDK_PROJECT_ID": "7"}, NameOrId(id="7")),
    ],
)
def test_a_project_is_its_id_else_its_name_else_the_regions_own(
    tmp_path: Path, env: Mapping[str, str], project: NameOrId
) -> None:
    """As the Terraform provider has it; the SDK's default is the same."""
    found = target(tmp_path, {**KEYS, **env})
    assert (found.project, found.lacking) == (project, None)
    assert found.bound().project == project.id


@pytest.mark.parametrize(
    ("env", "iam_url"),
    [
        ({}, "https://iam.cn-north-4.myhuaweicloud.com"),
        ({"HW_REGION_NAME": "eu-west-101"}, "https://iam.eu-west-101.myhuaweicloud.eu"),
        ({"HW_CLOUD": "cloud.example.com"}, "https://iam.cn-north-4.cloud.example.com"),
        ({"HW_AUTH_URL": "https://iam.example.com/v3"}, "https://iam.example.com"),
        ({"OS_AUTH_URL": "https://iam.example.com/v3/"}, "https://iam.example.com"),
        ({"HUAWEICLOUD_SDK_IAM_ENDPOINT": "iam.example.com"}, "https://iam.example.com"),
    ],
)
def test_iam_is_where_the_variables_or_the_region_say(tmp_path: Path, env: Mapping[str, str], iam_url: str) -> None:
    """For a password as for a project's name."""
    for who in (KEYS, USER):
        assert target(tmp_path, {**who, **env}).iam_url == iam_url


def test_an_iam_that_makes_no_url_matters_where_it_is_asked(tmp_path: Path) -> None:
    """A key pair with the project's id asks nothing of it."""
    plain = {"HW_AUTH_URL": "http://iam.example.com/v3"}
    for env in ({**KEYS, **plain}, {**USER, "HW_PROJECT_ID": "7", **plain}):
        assert read_words(target(tmp_path, env).lacking).startswith("HW_AUTH_URL makes no URL: plain http")
    assert target(tmp_path, {**KEYS, "HW_PROJECT_ID": "7", **plain}).lacking is None


@pytest.mark.parametrize(
    ("env", "user", "domain"),
    [
        ({"HW_USER_NAME": "u", "HW_DOMAIN_NAME": "d", "HW_DOMAIN_ID": "7"}, NameOrId("u"), NameOrId("d")),
        ({"HW_USER_NAME": "u", "OS_DOMAIN_ID": "7"}, NameOrId("u"), NameOrId(id="7")),
        ({"HW_USER_NAME": "u", "HW_USER_ID": "9", "HW_DOMAIN_ID": "7"}, NameOrId("u"), NameOrId(id="7")),
        ({"OS_USER_ID": "9", "HW_DOMAIN_NAME": "d"}, NameOrId(id="9"), NameOrId()),
    ],
)
def test_a_user_is_called_by_name_and_account_or_by_its_id(
    tmp_path: Path, env: Mapping[str, str], user: NameOrId, domain: NameOrId
) -> None:
    """Names first, as Huawei documents them; an id stands in for what isn't said."""
    found = target(tmp_path, {**REGION, "HW_USER_PASSWORD": "p", **env})
    assert found.auth == PasswordAuth(user, domain, FromEnvironment("HW_USER_PASSWORD"))


@pytest.mark.parametrize(
    ("env", "words"),
    [
        *[
            ({**KEYS, "HW_REGION_NAME": region}, "HW_REGION_NAME can't be used: a region is small letters")
            for region in ("evil.example/", "cn-north-4/", "CN-NORTH-4", "cn--north", "a@b", "r" * 65, "r\nx", "\ud800")
        ],
        ({**KEYS, "HW_REGION_NAME": "", "HW_CLOUD": "x.io", "OS_REGION_NAME": "evil.example/"}, "OS_REGION_NAME can't"),
        (
            {"HUAWEICLOUD_SDK_REGION_CSMS_A/B": "https://a"},
            "HUAWEICLOUD_SDK_REGION_CSMS_A/B can't be used: a region is",
        ),
        *[
            ({**KEYS, "HW_PROJECT_ID": project}, "HW_PROJECT_ID can't be used: an id is letters, digits")
            for project in ("../../x", "a/b", "p?x=1", "p#", "%2e", "a b", "p" * 65, "p\u00e4")
        ],
        ({**KEYS, "OS_TENANT_ID": "a/b"}, "OS_TENANT_ID can't be used"),
        ({**KEYS, "HW_PROJECT_NAME": "a\nb"}, "HW_PROJECT_NAME can't be used: a name is one line"),
        ({**KEYS, "OS_PROJECT_NAME": "pki\udcff"}, "OS_PROJECT_NAME can't be used"),
        ({**KEYS, "OS_TENANT_NAME": "x" * 1025}, "OS_TENANT_NAME can't be used"),
        *[
            ({**KEYS, "HW_CLOUD": domain}, "HW_CLOUD makes no URL: a cloud is the domain of its hosts")
            for domain in ("evil.example/x", "a@b", "a:443", "-a.com", "..", "a b", "[::1]", "\u00e4.com")
        ],
    ],
)
def test_what_is_misspelled_is_told_with_its_variable_and_goes_nowhere(
    tmp_path: Path, env: Mapping[str, str], words: str
) -> None:
    """As the settings file refuses it: it would become part of a URL to which credentials are sent."""
    found = target(tmp_path, env)
    assert read_words(found.lacking).startswith(words)
    if "PROJECT" in words or "TENANT" in words:
        assert found.project == NameOrId()
    else:
        assert (found.url, found.iam_url) == ("", "")


def test_what_a_file_misspells_is_told_with_the_file(tmp_path: Path) -> None:
    """A profile's region, and a project of either file."""
    koocli, sdk = tmp_path / "koocli", tmp_path / "credentials"
    profile = {"name": "p", "accessKeyId": "AKTEST0123456", "region": "a/b", "projectId": "c/d"}
    koocli.write_text(json.dumps({"current": "p", "profiles": [profile]}))
    sdk.write_text("[basic]\nak = a\nsk = s\nproject_id = c/d\n")
    env = {"HW_SHARED_CONFIG_FILE": str(koocli)}
    assert read_words(target(tmp_path, env).lacking).startswith(f"the region in {koocli} can't be used")
    assert read_words(target(tmp_path, {**env, **REGION}).lacking).startswith(f"the project in {koocli} can't be used")
    sdk_env = {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(sdk), **REGION}
    assert read_words(target(tmp_path, sdk_env).lacking).startswith(f"the project in {sdk} can't be used")


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"HW_USER_ID": "a/b"}, "HW_USER_ID can't be used"),
        ({"HW_USER_NAME": "a\x7fb", "HW_DOMAIN_NAME": "d"}, "HW_USER_NAME can't be used"),
        ({"HW_USER_NAME": "u", "OS_DOMAIN_ID": "a b"}, "OS_DOMAIN_ID can't be used"),
        ({"HW_USER_NAME": "u", "HW_DOMAIN_NAME": "a\nb"}, "HW_DOMAIN_NAME can't be used"),
    ],
)
def test_a_misspelled_user_is_told(tmp_path: Path, env: Mapping[str, str], words: str) -> None:
    auth = target(tmp_path, {**REGION, "HW_USER_PASSWORD": "p", **env}).auth
    assert isinstance(auth, NoAuth)
    assert read_words(auth.advice).startswith(words)


def test_blanks_around_a_name_and_capitals_in_a_domain_mean_nothing(tmp_path: Path) -> None:
    found = target(tmp_path, {**KEYS, "HW_REGION_NAME": " cn-north-4 ", "HW_CLOUD": " Cloud.Example.COM "})
    assert (found.url, found.lacking) == ("https://kms.cn-north-4.cloud.example.com", None)


@pytest.mark.parametrize(("member", "spelling"), [("region", REGION_NAME), ("projectId", ID), ("projectName", LINE)])
def test_a_name_is_spelled_alike_in_the_settings_file_and_elsewhere(member: str, spelling: Spelling) -> None:
    """Whatever the one takes the other takes."""
    said = SettingsFile.model_json_schema()["$defs"]["CsmsTarget"]["properties"][member]["anyOf"][0]
    assert said["pattern"] == spelling.pattern
    assert said.get("maxLength", spelling.max_length) == spelling.max_length


def test_a_user_without_an_account_is_told(tmp_path: Path) -> None:
    """Names are unique in one account alone."""
    auth = target(tmp_path, {**REGION, "HW_USER_NAME": "u", "HW_USER_PASSWORD": "p"}).auth
    assert isinstance(auth, NoAuth)
    assert "HW_DOMAIN_NAME or HW_DOMAIN_ID" in read_words(auth.advice)


def regions(folder: Path, text: str, name: str = ".huaweicloud/regions.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("CSMS: [{id: cn-north-4, endpoint: https://a.example.com}]", "https://a.example.com"),
        ("csms: [{id: cn-north-4, endpoint: a.example.com}]", "https://a.example.com"),
        ("CSMS: [{id: cn-north-4, endpoints: [https://a.example.com, https://b]}]", "https://a.example.com"),
        ("CSMS: [{id: cn-north-4, endpoints: [https://a.example.com], endpoint: b}]", "https://a.example.com"),
        ("ECS: [{id: cn-north-4, endpoint: b}]\nCSMS:\n- {id: x, endpoint: c}\n- {id: cn-north-4}\n", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_the_sdks_regions_file_serves(tmp_path: Path, text: str, url: str, named: bool) -> None:
    """In its place or where the variable says; a region that it doesn't have is found as ever."""
    path = regions(tmp_path, text, "here" if named else ".huaweicloud/regions.yaml")
    env = {"HUAWEICLOUD_SDK_REGIONS_FILE": str(path)} if named else {}
    found = target(tmp_path, {**KEYS, **env})
    assert (found.url, found.lacking) == (url or "https://kms.cn-north-4.myhuaweicloud.com", None)
    assert target(tmp_path, {**KEYS, **env, ENDPOINT: "https://c.example.com"}).url == "https://c.example.com"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CSMS: {id: cn-north-4}", "is not as the SDK has it"),
        ("CSMS: 7", "is not as the SDK has it"),
        ("[x]", "is not as the SDK has it"),
        ("CSMS: [{id: cn-north-4, endpoint: [x]}]", "is not as the SDK has it"),
        ("CSMS: [{id: cn-north-4, endpoints: 7}]", "is not as the SDK has it"),
        ("CSMS: [", "is not plain YAML (line "),
        ("CSMS: &a [*a]", "is not plain YAML (line 1)"),
        ("CSMS: [{id: cn-north-4, endpoint: http://a.example.com}]", "makes no URL: plain http"),
    ],
)
def test_a_regions_file_that_can_not_serve_is_told(tmp_path: Path, text: str, words: str) -> None:
    """Going on would send credentials elsewhere than the file's owner means."""
    path = regions(tmp_path, text)
    lacking = read_words(target(tmp_path, KEYS).lacking)
    assert words in lacking
    assert str(path) in lacking


def test_a_named_regions_file_that_is_missing_is_told(tmp_path: Path) -> None:
    """One in the usual place need not be there."""
    env = {**KEYS, "HUAWEICLOUD_SDK_REGIONS_FILE": str(tmp_path / "none")}
    assert "can't be read (No such file or directory)" in read_words(target(tmp_path, env).lacking)
    assert target(tmp_path, KEYS).lacking is None


OPENSTACK = {
    "OS_AUTH_URL": "https://keystone.example.com:5000/v3",
    "OS_REGION_NAME": "RegionOne",
    "OS_USERNAME": "nina",
    "OS_PASSWORD": "p",
    "OS_PROJECT_ID": "7",
    "OS_USER_DOMAIN_NAME": "Default",
}
SHELLS: dict[str, tuple[dict[str, str], bool]] = {
    # what is set beside an OpenStack shell's variables, and whether there is a target then
    "nothing": ({}, False),
    "no region": ({"OS_REGION_NAME": ""}, False),
    "no address": ({"OS_AUTH_URL": ""}, False),
    "a region that looks like Huawei's, at another address": ({"OS_REGION_NAME": "eu-west-1"}, False),
    "Command's host": ({"KEYFACTOR_HOSTNAME": "k.example.com"}, False),
    "Huawei's region by OpenStack's name": ({"OS_AUTH_URL": "", "OS_REGION_NAME": "cn-north-4"}, True),
    "Huawei's address": ({"OS_AUTH_URL": "https://iam.cn-north-4.myhuaweicloud.com/v3"}, True),
    "Europe's": ({"OS_AUTH_URL": "https://iam.eu-west-101.myhuaweicloud.eu/v3"}, True),
    "an address that only ends alike": ({"OS_AUTH_URL": "https://notmyhuaweicloud.com/v3"}, False),
    "Huawei's region": ({"HW_REGION_NAME": "cn-north-4"}, True),
    "a cloud of somebody's own": ({"HW_CLOUD": "cloud.example.com"}, True),
    "an endpoint of the SDK's": ({"HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4": "csms.example.com"}, True),
}


@pytest.mark.parametrize(("more", "is_meant"), SHELLS.values(), ids=SHELLS)
def test_an_openstack_shell_is_about_another_cloud(more: dict[str, str], is_meant: bool) -> None:
    """Its variables count only together with a region or an address of Huawei's."""
    assert (read_huawei_target({**OPENSTACK, **more}, None) is not None) is is_meant


def test_an_openstack_shell_adds_nothing_to_huaweis_keys() -> None:
    """Whose region is missing is told so, and not that RegionOne is wrong."""
    target = read_huawei_target({**OPENSTACK, "HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s"}, None)
    assert target is not None
    assert target.lacking is not None
    assert "HW_REGION_NAME is not set" in target.lacking.summary
