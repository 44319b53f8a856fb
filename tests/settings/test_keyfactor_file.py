"""Keyfactor's profile file in JSON and YAML: where it is found, what it gives, and how a broken one is told."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.credentials.sources import FromProfile, resolve_secret
from reconciler.diagnostics import Source
from reconciler.errors import AuthError
from reconciler.settings.model import BasicAuth, NoAuth, OauthAuth
from reconciler.simulator import Simulator
from tests.support.explanations import read_words
from tests.support.profiles import HOST, USER, command, kept, put

YAML = """\
# As the library's documentation writes it.
servers:
  default:
    host: kf.example.com
    port: 8443
    token_url: https://idp.example.com/t
    client_id: client
    client_secret: hunter22
    audience: https://kf.example.com
    skip_tls_verify: false
    client_timeout: 30
    scopes:
      - openid
      - profile
  lab: {host: lab.example.com, username: CORP\\svc, password: 0123}
"""
SAME = {
    "host": "kf.example.com",
    "port": 8443,
    "token_url": "https://idp.example.com/t",
    "client_id": "client",
    "client_secret": "hunter22",
    "audience": "https://kf.example.com",
    "skip_tls_verify": False,
    "client_timeout": 30,
    "scopes": ["openid", "profile"],
}


def test_a_profile_says_the_same_in_json_and_in_yaml(tmp_path: Path) -> None:
    """Whatever the file is called, and with its numbers, booleans and lists."""
    kept(tmp_path, **SAME)
    written = command(tmp_path)
    path = put(tmp_path, YAML)
    assert command(tmp_path) == written
    assert (written.url, written.lacking, written.transport.timeout) == (
        "https://kf.example.com:8443/KeyfactorAPI",
        None,
        30.0,
    )
    secret = FromProfile(path, ("servers", "default", "client_secret"))
    auth = OauthAuth(
        "https://idp.example.com/t", "client", secret, ("openid", "profile"), audience="https://kf.example.com"
    )
    assert written.auth == auth
    assert resolve_secret(secret, {}, purpose="", source=Source("")).reveal() == "hunter22"


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("command_config.json", "command_config.yaml", "command_config.yml"), "command_config.json"),
        (("command_config.yaml", "command_config.yml"), "command_config.yaml"),
        (("command_config.yml",), "command_config.yml"),
    ],
)
def test_the_default_file_is_the_first_that_is_there(names: tuple[str, ...], taken: str, tmp_path: Path) -> None:
    for name in names:
        put(tmp_path, YAML.replace("kf.example.com", f"{name.replace('_', '-')}.example.com"), name)
    target = command(tmp_path)
    assert target.url == f"https://{taken.replace('_', '-')}.example.com:8443/KeyfactorAPI"
    assert str(target.source) == str(tmp_path / ".keyfactor" / taken)


@pytest.mark.parametrize("named", ["~/.keyfactor/other", "{home}/.keyfactor/other"])
def test_a_file_can_be_named_from_the_home_folder(named: str, tmp_path: Path) -> None:
    """No shell expands `~` in a file of variables."""
    put(tmp_path, YAML, "other")
    env = {"KEYFACTOR_AUTH_CONFIG_FILE": named.format(home=tmp_path), "KEYFACTOR_AUTH_CONFIG_PROFILE": "lab"}
    assert command(tmp_path, env).url == "https://lab.example.com/KeyfactorAPI"


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        *[(text, text) for text in ("hunter22", "0123", "12345", "1.10", "1e5", "true", "no", "22:22", "2024-01-01")],
        *[("'it''s'", "it's"), ('"tab\\x41"', "tabA"), ("|-\n      block", "block")],
    ],
)
def test_a_secret_in_yaml_is_the_text_that_was_written(written: str, secret: str, tmp_path: Path) -> None:
    path = put(tmp_path, f"servers:\n  default:\n    host: h\n    username: u\n    password: {written}\n")
    auth = command(tmp_path).auth
    assert isinstance(auth, BasicAuth)
    assert auth.password == FromProfile(path, ("servers", "default", "password"))
    assert resolve_secret(auth.password, {}, purpose="", source=Source("")).reveal() == secret


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (YAML, 0o644, "is open to other users"),
        ("servers: {default: {password: [hunter22]}}", 0o600, "is no text"),
        ("servers: {default: {password: }}", 0o600, "is not there"),
        ("servers: {default: {password: &a hunter22}}", 0o600, "neither JSON nor INI nor YAML"),
        ("servers: default: hunter22", 0o600, "neither JSON nor INI nor YAML"),
        ("hunter22", 0o600, "neither JSON nor INI nor YAML"),
    ],
)
def test_a_secret_that_yaml_does_not_give_is_told_without_its_content(
    text: str, mode: int, words: str, tmp_path: Path
) -> None:
    path = put(tmp_path, text, "profiles.yaml")
    path.chmod(mode)
    with pytest.raises(AuthError, match=words) as caught:
        resolve_secret(FromProfile(path, ("servers", "default", "password")), {}, purpose="", source=Source(""))
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("servers:\n  default:\n    password: &hunter22 x\n", " (line 3: "),
        ("servers:\n  default:\n    password: !hunter22 x\n", " (line 3: "),
        ("servers:\n  default:\n    <<: *hunter22\n", " (line 3: "),
        ("servers:\n  default:\n    hunter22: a\n    hunter22: b\n", " (line 4: "),
        ("servers:\n\thunter22\n", " (line 2: "),
        ('{"servers": {"default": {"password": "hunter22"', " (line 2: "),
        ("servers:\n  default:\n    host: h\n    password: [hunter22]\n", " (its password is not one text)"),
        ("servers: hunter22\n", "`servers`;"),
        ("- hunter22\n", "`servers`;"),
    ],
)
def test_a_broken_file_is_told_by_its_place_and_never_quoted(text: str, words: str, tmp_path: Path) -> None:
    """When the target is used; where a variable names the host, the file is still why there are no credentials."""
    path = put(tmp_path, text)
    target = command(tmp_path)
    assert read_words(target.lacking).startswith(f"{path} has no readable profile `default` under `servers`")
    assert words in read_words(target.lacking)
    assert "hunter22" not in repr(target)
    assert command(tmp_path, USER).lacking == target.lacking
    other = command(tmp_path, HOST)
    assert target.lacking is not None
    assert (other.lacking, other.auth) == (None, NoAuth(target.lacking))
    assert isinstance(command(tmp_path, {**HOST, **USER}).auth, BasicAuth)


def test_yaml_is_imported_only_for_a_file_that_is_written_in_it(tmp_path: Path) -> None:
    """Who keeps JSON, as kfutil writes it, does not pay for it."""
    program = (
        "import sys; from pathlib import Path; from reconciler.settings.load import load_settings\n"
        "target = load_settings(None, env={'HOME': sys.argv[1]}, cwd=Path(sys.argv[1]), kinds=()).targets['command']\n"
        "print(target.url, 'yaml' in sys.modules)"
    )

    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    kept(tmp_path, **SAME)
    assert run() == "https://kf.example.com:8443/KeyfactorAPI False"
    put(tmp_path, YAML)
    assert run() == "https://kf.example.com:8443/KeyfactorAPI True"


@pytest.mark.parametrize(
    ("env", "more", "code", "words"),
    [
        ({}, "", 0, "1 to create"),
        ({"KEYFACTOR_AUTH_KRB_REALM": "CORP"}, "", 5, "KEYFACTOR_AUTH_KRB_REALM asks for Kerberos"),
        ({}, "kerberos_realm: CORP", 5, "asks for Kerberos"),
        ({}, "auth_provider: {type: azid}", 5, "asks for a vault"),
        ({}, "hunter22: &hunter22", 3, "neither JSON nor plain YAML"),
    ],
)
def test_a_profile_in_yaml_serves_a_run_or_ends_it(
    env: dict[str, str], more: str, code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one message; whoever is named user@domain logs in as domain\\user."""
    monkeypatch.chdir(tmp_path)
    spec = "{description: d, permissionSet: Global, permissions: [/certificates/collections/read/]}"
    document = f"apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {{name: New}}\nspec: {spec}\n"
    (tmp_path / "role.yaml").write_text(document, "utf-8")
    stdout, stderr = StringIO(), StringIO()
    with Simulator(certificates=0) as simulator:
        account = simulator.credentials["keyfactor"]
        domain, _, user = account["username"].partition("\\")
        put(
            tmp_path,
            f"servers:\n  default:\n    host: {simulator.url}\n    username: {user}@{domain}\n"
            f"    password: {account['password']}\n    {more}\n",
            "command_config.yaml",
        )
        ended = main(["plan", "role.yaml"], {"HOME": str(tmp_path), **env}, stdout, stderr, StringIO())
    output = stdout.getvalue() + stderr.getvalue()
    assert ended == code, output
    assert output.count(words) == 1
    assert "hunter22" not in output
