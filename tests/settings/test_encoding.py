"""Settings that are written are the settings that they were made of, and hold no secret."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.documents.writer import format_yaml
from reconciler.kinds.registry import KINDS
from reconciler.settings.encoding import encode_target_settings
from reconciler.settings.load import load_settings
from reconciler.settings.model import Settings
from reconciler.settings.relocation import relocate_settings

SECRET = "canary-5e7c"
HOST = {"KEYFACTOR_HOSTNAME": "keyfactor.example.com"}
CLIENT = {
    **HOST,
    "KEYFACTOR_AUTH_CLIENT_ID": "reconciler",
    "KEYFACTOR_AUTH_CLIENT_SECRET": SECRET,
    "KEYFACTOR_AUTH_TOKEN_URL": "https://idp.example.com/token",
}
CLOUD = {"HW_REGION_NAME": "cn-north-4", "HW_PROJECT_ID": "0123456789abcdef0123456789abcdef"}
USER = {**CLOUD, "HW_USER_PASSWORD": SECRET}
ENVIRONMENTS: dict[str, dict[str, str]] = {
    "a client": CLIENT,
    "a client with scopes, an audience and an authority": {
        **CLIENT,
        "KEYFACTOR_AUTH_SCOPES": "a,b",
        "KEYFACTOR_AUTH_AUDIENCE": "keyfactor",
        "KEYFACTOR_AUTH_CA_CERT": "/etc/ssl/idp.pem",
    },
    "a user": {**HOST, "KEYFACTOR_USERNAME": "svc", "KEYFACTOR_DOMAIN": "CORP", "KEYFACTOR_PASSWORD": SECRET},
    "a token": {**HOST, "KEYFACTOR_AUTH_ACCESS_TOKEN": SECRET},
    "a port, a path, a timeout and an authority": {
        **CLIENT,
        "KEYFACTOR_PORT": "8443",
        "KEYFACTOR_API_PATH": "Keyfactor/API",
        "KEYFACTOR_CLIENT_TIMEOUT": "90",
        "KEYFACTOR_CA_CERT": "/etc/ssl/command.pem",
    },
    "keys": {**CLOUD, "HW_ACCESS_KEY": SECRET, "HW_SECRET_KEY": SECRET},
    "temporary keys by the SDK's names": {
        **CLOUD,
        "HUAWEICLOUD_SDK_AK": SECRET,
        "HUAWEICLOUD_SDK_SK": SECRET,
        "HUAWEICLOUD_SDK_SECURITY_TOKEN": SECRET,
    },
    "a cloud token, a project by its name": {
        "HW_REGION_NAME": "cn-north-4",
        "HW_PROJECT_NAME": "cn-north-4_pki",
        "HW_AUTH_TOKEN": SECRET,
    },
    "a cloud user": {**USER, "HW_USER_NAME": "svc", "HW_DOMAIN_NAME": "example"},
    "a cloud user by ids": {**USER, "HW_USER_ID": "0123456789abcdef0123456789abcdef"},
    "both": {**CLIENT, **CLOUD, "HW_ACCESS_KEY": SECRET, "HW_SECRET_KEY": SECRET},
}


def write(folder: Path, content: dict[str, Any]) -> Settings:
    """Write settings into a folder and read them as a run does."""
    folder.mkdir(exist_ok=True)
    text = format_yaml([{"apiVersion": "reconciler/v1", "kind": "Settings", **content}])
    assert SECRET not in text
    (folder / "reconciler.yaml").write_text(text, "utf-8")
    return load_settings(None, env={}, cwd=folder, kinds=KINDS)


@pytest.mark.parametrize("env", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_targets_of_the_environment_are_the_same_from_a_file(tmp_path: Path, env: dict[str, str]) -> None:
    """Every way to log in, every address; each secret by the variable that holds it."""
    found = load_settings(None, env=env, cwd=tmp_path, kinds=KINDS).targets
    encoded = encode_target_settings(found, tmp_path / "new")
    assert encoded.remarks == ()

    targets = write(tmp_path / "new", {"targets": encoded.targets}).targets

    assert found
    source = next(iter(targets.values())).source
    assert targets == {name: replace(target, source=source) for name, target in found.items()}


def test_a_secret_of_a_vendor_s_file_is_asked_for_by_a_variable(tmp_path: Path) -> None:
    """A settings file can't refer into it, which is said; its value is never written."""
    profile = {"host": "keyfactor.example.com", "username": "svc", "domain": "CORP", "password": SECRET}
    (tmp_path / ".keyfactor").mkdir()
    (tmp_path / ".keyfactor" / "command_config.json").write_text(json.dumps({"servers": {"default": profile}}))
    found = load_settings(None, env={"HOME": str(tmp_path)}, cwd=tmp_path, kinds=KINDS).targets
    encoded = encode_target_settings(found, tmp_path / "new")

    assert encoded.targets["command"]["auth"]["password"] == {"env": "KEYFACTOR_PASSWORD"}
    assert len(encoded.remarks) == 1
    assert "set KEYFACTOR_PASSWORD" in encoded.remarks[0]
    assert set(write(tmp_path / "new", {"targets": encoded.targets}).targets) == {"command"}


def test_a_target_that_lacks_something_is_left_out_and_told(tmp_path: Path) -> None:
    """With what is to be set."""
    encoded = encode_target_settings(load_settings(None, env=HOST, cwd=tmp_path, kinds=KINDS).targets, tmp_path)
    assert (encoded.targets, len(encoded.remarks)) == ({}, 1)
    assert "KEYFACTOR_AUTH_CLIENT_ID" in encoded.remarks[0]


WHOLE = """
apiVersion: reconciler/v1
kind: Settings
manifests: pki/
targets:
  command:
    api: keyfactor
    url: https://keyfactor.example.com/KeyfactorAPI
    caBundle: ../ca.pem
    labels: {key: prod, file: x}
    values: {ca: x, targets: y/}
    clientCertificate: {certificate: tls/own.pem, key: tls/own.key}
    auth: {type: basic, username: 'CORP\\svc', password: {file: secrets/password}}
  csms:
    api: csms
    region: cn-north-4
    projectId: 0123456789abcdef0123456789abcdef
    auth: {type: aksk, accessKey: {env: HW_ACCESS_KEY}, secretKey: {env: HW_SECRET_KEY}}
limits: {SecurityRole: {changes: 3}}
protected: [SecurityRole/Administrator*, EventHandler/*]
state: {postgresql: {url: {file: secrets/database}}, keep: 400d}
plans: {maxAge: 48h, ed25519: {publicKey: plan.pub, privateKey: {file: secrets/plan.key}}}
engine: {dask: {scheduler: 'tls://h:8786', ca: ca.pem, certificate: tls/own.pem, key: ../own.key}}
"""


@pytest.mark.parametrize("place", ["new", "old/below"])
def test_a_settings_file_means_the_same_from_another_folder(tmp_path: Path, place: str) -> None:
    """Files are where they were; manifests are its own."""
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "reconciler.yaml").write_text(WHOLE)
    old = load_settings(None, env={}, cwd=tmp_path / "old", kinds=KINDS)
    content = relocate_settings(yaml.safe_load(WHOLE), tmp_path / "old", tmp_path / place)
    new = write(tmp_path / place, {**content})

    assert new.manifests == tmp_path / place / "manifests"
    assert replace(new, file=old.file, manifests=old.manifests) == old


@pytest.mark.parametrize("state", [".reconciler/", "elsewhere/", {"sqlite": {"folder": "x/"}, "keep": "9d"}])
def test_a_new_folder_remembers_its_own_runs(tmp_path: Path, state: object) -> None:
    """What another folder keeps on this machine is not its memory."""
    content = relocate_settings({"state": state}, tmp_path / "old", tmp_path / "new")
    assert content == {"manifests": "manifests/", "state": ".reconciler/"}


def test_files_of_targets_stay_where_they_are_and_layers_are_left_behind(tmp_path: Path) -> None:
    """They are the other folder's manifests."""
    environments = {"prod": {"layers": ["base/"]}}
    content = relocate_settings({"targets": "targets/", "environments": environments}, tmp_path, tmp_path / "new")
    assert (content["targets"], "environments" in content) == (str(tmp_path / "targets"), False)
