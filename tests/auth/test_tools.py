"""Who has a vendor's own tool running needs no settings file: its variables and files alone, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.simulator import Simulator
from reconciler.simulator.csms.iam import derive_iam_id
from tests.support.login_methods import EVENT, ROLE
from tests.support.proxy import Proxy
from tests.support.tls_certificates import API, PROVIDER, authority, both, issued

Words = Mapping[str, str]

# Each in the words of the simulator's credentials; {ca} and {provider_ca} are files, {pem} is the text of one.
PLACE = {"KEYFACTOR_HOSTNAME": API, "KEYFACTOR_PORT": "{port}", "KEYFACTOR_CA_CERT": "{ca}"}
COMMAND: Mapping[str, tuple[Words, Words]] = {
    "kfutil: Basic with a domain": (
        {},
        {"KEYFACTOR_USERNAME": "svc-reconciler", "KEYFACTOR_DOMAIN": "CORP", "KEYFACTOR_PASSWORD": "{password}"},
    ),
    "Terraform: OAuth, an authority as text and another one's file": (
        {},
        {
            "KEYFACTOR_CA_CERT": "{pem}",
            "KEYFACTOR_AUTH_CLIENT_ID": "{client_id}",
            "KEYFACTOR_AUTH_CLIENT_SECRET": "{client_secret}",
            "KEYFACTOR_AUTH_TOKEN_URL": "{provider}/oauth/token",
            "KEYFACTOR_AUTH_CA_CERT": "{provider_ca}",
            "KEYFACTOR_AUTH_SCOPES": "keyfactor,command",
            "KEYFACTOR_AUTH_AUDIENCE": "command",
            "KEYFACTOR_CLIENT_TIMEOUT": "20",
            "KEYFACTOR_API_PATH": "/KeyfactorAPI/",
        },
    ),
    "a token obtained elsewhere": ({}, {"KEYFACTOR_AUTH_ACCESS_TOKEN": "{token}"}),
    "command_config.json: Basic": (
        {"auth_type": "basic", "username": "CORP\\svc-reconciler", "password": "{password}"},
        {},
    ),
    "command_config.json: OAuth, the secret from a variable": (
        {
            "client_id": "{client_id}",
            "client_secret": "wrong",
            "token_url": "{provider}/oauth/token",
            "auth_type": "oauth",
        },
        {"KEYFACTOR_AUTH_CLIENT_SECRET": "{client_secret}", "KEYFACTOR_AUTH_CA_CERT": "{provider_ca}"},
    ),
}

KEYS = {"HW_ACCESS_KEY": "{access_key}", "HW_SECRET_KEY": "{secret_key}", "HUAWEICLOUD_SDK_IAM_ENDPOINT": "{url}"}
# Huawei's tools have no variable for an authority, so these speak plain HTTP to a literal loopback address.
CLOUD: Mapping[str, Words] = {
    "Terraform: keys": {"HW_ACCESS_KEY": "{access_key}", "HW_SECRET_KEY": "{secret_key}"},
    "Terraform: temporary keys": {
        "HW_ACCESS_KEY": "{lent_access}",
        "HW_SECRET_KEY": "{lent_secret}",
        "HW_SECURITY_TOKEN": "{lent_token}",
    },
    "the SDK: keys": {"HUAWEICLOUD_SDK_AK": "{access_key}", "HUAWEICLOUD_SDK_SK": "{secret_key}"},
    "OpenStack: a token": {"OS_AUTH_TOKEN": "{iam_token}"},
    "Terraform: a user": {
        "HW_USER_NAME": "reconciler",
        "HW_USER_PASSWORD": "{iam_password}",
        "HW_DOMAIN_NAME": "example",
        "HW_AUTH_URL": "{url}/v3",
    },
    "Terraform: a user and an account by their ids": {
        "HW_USER_NAME": "reconciler",
        "HW_USER_PASSWORD": "{iam_password}",
        "HW_DOMAIN_ID": "{account_id}",
        "HW_AUTH_URL": "{url}/v3",
    },
    "Terraform: a user by its id": {
        "HW_USER_ID": "{user_id}",
        "HW_USER_PASSWORD": "{iam_password}",
        "HW_AUTH_URL": "{url}/v3",
    },
    "Terraform: a project by its name": {**KEYS, "HW_PROJECT_ID": "", "HW_PROJECT_NAME": "cn-north-4"},
    "Terraform: the region's own project": {**KEYS, "HW_PROJECT_ID": ""},
    "Terraform: the region's own project, for a user": {
        "HW_PROJECT_ID": "",
        "HW_USER_NAME": "reconciler",
        "HW_USER_PASSWORD": "{iam_password}",
        "HW_DOMAIN_NAME": "example",
        "HW_AUTH_URL": "{url}",
    },
    "OpenStack: the region's own project, by a token": {
        "HW_PROJECT_ID": "",
        "OS_AUTH_TOKEN": "{iam_token}",
        "OS_AUTH_URL": "{url}/v3",
    },
    "the SDK: credentials and regions in files": {
        "HW_PROJECT_ID": "",
        "HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4": "",
        "HUAWEICLOUD_SDK_CREDENTIALS_FILE": "{credentials}",
        "HUAWEICLOUD_SDK_REGIONS_FILE": "{regions}",
    },
    "KooCLI: an unencrypted profile": {"HW_SHARED_CONFIG_FILE": "{koocli}", "HW_PROFILE": "prod"},
}


def words_of(simulator: Simulator, folder: Path) -> dict[str, str]:
    """Return all that a tool's variables may hold, and put down the files that they name."""
    command, cloud, lent = simulator.credentials["keyfactor"], simulator.credentials["csms"], simulator.temporary_keys()
    for name in ("api", "provider"):
        authority(name).cert_pem.write_to_path(folder / f"{name}.pem")
    profile = {"mode": "AKSK", "accessKeyId": cloud["access_key"], "secretAccessKey": cloud["secret_key"]}
    koocli = {"current": "other", "profiles": [{"name": "other"}, {"name": "prod", "region": "cn-north-4", **profile}]}
    private(folder / "koocli.json", koocli)
    keys = f"ak = {cloud['access_key']}\nsk = {cloud['secret_key']}\niam_endpoint = {simulator.url}\n"
    (folder / "credentials").write_text(f"[basic]\n{keys}", "utf-8")
    (folder / "credentials").chmod(0o600)
    (folder / "regions.yaml").write_text(f"CSMS:\n  - id: cn-north-4\n    endpoints: ['{simulator.url}']\n", "utf-8")
    return {
        **command,
        "url": simulator.url,
        "port": simulator.url.rpartition(":")[2],
        "provider": simulator.url.replace(API, PROVIDER),
        "ca": str(folder / "api.pem"),
        "provider_ca": str(folder / "provider.pem"),
        "pem": authority("api").cert_pem.bytes().decode(),
        "token": simulator.world.bearer_tokens.issue(command["client_id"], 3600),
        "access_key": cloud["access_key"],
        "secret_key": cloud["secret_key"],
        "project": cloud["project_id"],
        "iam_password": cloud["password"],
        "iam_token": simulator.world.iam_tokens.issue("reconciler", 3600),
        "lent_access": lent["access_key"],
        "lent_secret": lent["secret_key"],
        "lent_token": lent["security_token"],
        "koocli": str(folder / "koocli.json"),
        "credentials": str(folder / "credentials"),
        "regions": str(folder / "regions.yaml"),
        "account_id": derive_iam_id("example"),
        "user_id": derive_iam_id("example/reconciler"),
    }


def private(path: Path, content: object) -> None:
    """Write JSON for the owner alone."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
    path.chmod(0o600)


def filled(given: Words, words: Words) -> dict[str, str]:
    """Return texts with their words filled in."""
    return {name: text.format(**words) for name, text in given.items()}


def plan(folder: Path, env: Words, document: str) -> tuple[int, str]:
    """Plan one document in a folder without settings."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "one.yaml").write_text(f"apiVersion: reconciler/v1\n{document}", "utf-8")
    stdout, stderr = StringIO(), StringIO()
    code = main(["plan", "--detailed-exitcode", "manifests"], {"HOME": str(folder), **env}, stdout, stderr, StringIO())
    return code, stdout.getvalue() + stderr.getvalue()


@pytest.mark.parametrize("name", COMMAND)
def test_the_tools_of_keyfactor_serve(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS, by what an operator has in place already."""
    monkeypatch.chdir(tmp_path)
    profile, env = COMMAND[name]
    with Simulator(certificates=5, tls=both(issued("api", API), issued("provider", PROVIDER))) as simulator:
        words = words_of(simulator, tmp_path)
        if profile:
            server = {"host": API, "port": int(words["port"]), "ca_cert_path": words["ca"], **filled(profile, words)}
            private(tmp_path / ".keyfactor" / "command_config.json", {"servers": {"default": server}})
            env = {"KEYFACTOR_HOSTNAME": f"https://{API}", **env}
        else:
            env = {**PLACE, "KEYFACTOR_HOSTNAME": f"https://{API}", **env}
        code, output = plan(tmp_path, filled(env, words), ROLE)
    assert code == 2, output


@pytest.mark.parametrize("name", CLOUD)
def test_the_tools_of_huawei_serve(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the provider's, the SDK's and OpenStack's variables, and KooCLI's file."""
    monkeypatch.chdir(tmp_path)
    with Simulator(certificates=5) as simulator:
        words = words_of(simulator, tmp_path)
        place = {"HUAWEICLOUD_SDK_REGION_CSMS_CN_NORTH_4": "{url}", "HW_PROJECT_ID": "{project}"}
        region = {} if "KooCLI" in name else {"HW_REGION_NAME": "cn-north-4"}
        code, output = plan(tmp_path, filled({**place, **region, **CLOUD[name]}, words), EVENT)
    assert code == 2, output


def test_the_environment_names_no_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HTTPS_PROXY says is for others; only the settings' own proxy is used."""
    monkeypatch.chdir(tmp_path)
    with Proxy() as trap, Simulator(certificates=5, tls=both(issued("api", API), issued("api", PROVIDER))) as simulator:
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, trap.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        words = words_of(simulator, tmp_path)
        env = {**PLACE, "KEYFACTOR_HOSTNAME": f"https://{API}", "KEYFACTOR_AUTH_ACCESS_TOKEN": "{token}"}
        code, output = plan(tmp_path, {**filled(env, words), "HTTPS_PROXY": trap.url, "ALL_PROXY": trap.url}, ROLE)
    assert code == 2, output
    assert (trap.asked, trap.heard) == ([], b"")
