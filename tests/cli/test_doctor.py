"""`reconciler doctor` on the command line: text, JSON, the exit code, and no secret in any of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Run

SCHEMAS = build_schemas(KINDS)
REGISTRY: Any = Registry().with_resources((name, Resource.from_contents(shape)) for name, shape in SCHEMAS.items())
REPORT = jsonschema.Draft202012Validator(SCHEMAS["report.json"], registry=REGISTRY)


@pytest.fixture
def server() -> Iterator[Simulator]:
    with Simulator(certificates=5) as running:
        yield running


def secrets(server: Simulator) -> list[str]:
    """Return every value that may never be shown."""
    told = server.credentials
    named = ("password", "client_secret", "access_key", "secret_key")
    return [str(part[name]) for part in (told["keyfactor"], told["csms"]) for name in named if name in part]


def hurt(server: Simulator, how: str) -> dict[str, str]:
    """Make the server, or the way to it, as the case says; returns the environment."""
    keyfactor = server.credentials["keyfactor"]
    env = {
        "KEYFACTOR_HOSTNAME": keyfactor["url"].removesuffix("/KeyfactorAPI"),
        "KEYFACTOR_USERNAME": keyfactor["username"],
        "KEYFACTOR_PASSWORD": keyfactor["password"],
    }
    if how == "wrong password":
        env["KEYFACTOR_PASSWORD"] = "canary-wrong-password"
    elif how == "missing variable":
        del env["KEYFACTOR_PASSWORD"]
    elif how == "no credentials":
        del env["KEYFACTOR_PASSWORD"], env["KEYFACTOR_USERNAME"]
    elif how == "missing permission":
        for role in server.world.roles.values():
            role["Permissions"] = [one for one in role["Permissions"] if one not in ("/", "/monitoring/alerts/read/")]
    elif how == "wrong path":
        env["KEYFACTOR_API_PATH"] = "Keyfactor"
    elif how == "no host":
        del env["KEYFACTOR_HOSTNAME"]
    elif how == "server down":
        server.stop()
    elif how == "server fails":
        server.fault("GET", kind="throttle", times=0, retry_after=0)
    return env


CASES = [
    ("well", 0, "command: plan and apply possible"),
    ("wrong password", 5, "refuses these credentials (401)"),
    ("missing variable", 5, "the environment variable KEYFACTOR_PASSWORD is not set"),
    ("no credentials", 5, "no credentials for Keyfactor Command are set"),
    ("missing permission", 5, "grant /monitoring/alerts/read/; plan, drift and export of RequestDenial need it"),
    ("wrong path", 10, "there is no such API at "),
    ("no host", 3, "KEYFACTOR_HOSTNAME is not set"),
    ("server down", 12, "the connection was refused"),
    ("server fails", 12, "the server fails (429"),
]


@pytest.mark.parametrize(("how", "code", "word"), CASES)
def test_each_illness_has_its_code_in_text_and_in_json(
    run: Run, server: Simulator, how: str, code: int, word: str
) -> None:
    """Without a settings file, from the vendor's variables alone; both formats say the same and no secret."""
    known = secrets(server)
    env = hurt(server, how)
    ended, text, stderr = run(["doctor"], env)
    assert (ended, word in text) == (code, True), text
    assert stderr.splitlines()[-1].startswith(f"exit {code}: ")
    assert stderr.count("\n") == 1
    ended, stdout, stderr = run(["doctor", "--format", "json"], env)
    shown = json.loads(stdout)
    REPORT.validate(shown)
    assert (ended, shown["outcome"]["code"], shown["command"]) == (code, code, "doctor")
    assert bool(shown["problems"]) == bool(code)
    assert word in json.dumps(shown, ensure_ascii=False)
    for secret in (*known, env.get("KEYFACTOR_PASSWORD", known[0])):
        assert secret not in text + stdout + stderr


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ("kind: EventHandler\nmetadata: {name: a}\nspec: {className: A.B, enabled: true}\n", 0),
        ("kind: RequestDenial\nmetadata: {name: a}\nspec: {requests: [{id: 1, commonName: a}]}\n", 5),
        ("kind: Nonsense\n", 5),
        ("", 5),
    ],
)
def test_the_manifests_say_what_an_account_needs(
    run: Run, server: Simulator, folder: Path, manifest: str, code: int
) -> None:
    """Where there are any that can be read; else it needs everything."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "one.yaml").write_text(f"apiVersion: reconciler/v1\n{manifest}" if manifest else "")
    ended, text, _ = run(["doctor"], hurt(server, "missing permission"))
    assert (ended, "grant /monitoring/alerts/read/" in text) == (code, True), text


def test_what_was_not_looked_at_is_one_line(run: Run) -> None:
    """Twenty lines that say the same would hide the one that matters."""
    env = {"KEYFACTOR_HOSTNAME": "nobody.invalid", "KEYFACTOR_USERNAME": "u", "KEYFACTOR_PASSWORD": "canary-password"}
    code, text, _ = run(["doctor"], env)
    (skipped,) = (line for line in text.splitlines() if line.startswith("  skipped"))
    assert code == 12
    assert re.search(
        r"\d+ checks +not looked at, since dns failed: connection, tls, login, authentication and \d+ more", skipped
    )
    told = json.loads(run(["doctor", "--format", "json"], env)[1])["targets"][0]["checks"]
    assert sum(one["verdict"] == "skipped" for one in told) > 10


def test_a_healthy_target_reads_like_this(run: Run, server: Simulator) -> None:
    """One block a target: a word, the check, what was found; the verdict last."""
    code, text, stderr = run(["doctor", "--config", str(server.settings), "--target", "csms"])
    folder = re.escape(str(server.settings.parent))
    plain = re.sub(folder, "FOLDER", text).replace(server.url, "URL").replace(server.url[7:], "HOST")
    assert (code, stderr) == (0, "exit 0: ok\n")
    assert plain == (
        "state: FOLDER/state/store.sqlite3\n"
        "  ok       store  none yet; the first apply makes it, or `reconciler state init`, which also says its id\n"
        "\n"
        "target csms: URL\n"
        "  ok       settings                from FOLDER/reconciler.yaml\n"
        "  ok       credentials             found: accessKey in the file FOLDER/access_key, secretKey in the file "
        "FOLDER/secret_key\n"
        "  skipped  dns                     127.0.0.1 is an address, which needs no name service\n"
        "  ok       connection              HOST takes connections\n"
        "  skipped  tls                     plain http, which is for loopback addresses alone\n"
        "  skipped  login                   these credentials need no token request\n"
        "  ok       authentication          the API takes these credentials\n"
        "  skipped  version                 CSMS doesn't tell one\n"
        "  ok       clock                   within 60 seconds of the server's\n"
        "  ok       identity                whoever has the access key in the file FOLDER/access_key; what it may do "
        "is not told by CSMS\n"
        "  ok       list events             GET /events: readable\n"
        "  ok       read one of the events  GET /events/{name}: readable\n"
        "  skipped  write SecretEvent       not provable without writing; it needs csms:event:create and "
        "csms:event:update\n"
        "csms: plan possible; apply not provable without writing\n"
    )


def test_a_remedy_stands_below_what_it_heals(run: Run, server: Simulator) -> None:
    """Indented to the column of the details; the word for a failure is loud."""
    text = run(["doctor"], hurt(server, "wrong password"))[1].splitlines()
    at = next(number for number, line in enumerate(text) if "FAILED" in line)
    assert text[at].startswith("  FAILED   authentication ")
    assert text[at + 1].index("-> check `auth`") == text[at].index("the API refuses")
    assert text[-1].startswith("command: neither plan nor apply possible: authentication: the API refuses")


def test_the_json_has_every_target_with_its_checks(run: Run, server: Simulator) -> None:
    """In the settings' order by name; `commands` is what a program asks for."""
    shown = json.loads(run(["doctor", "--config", str(server.settings), "--format", "json"])[1])
    assert [(one["name"], one["api"]) for one in shown["targets"]] == [("command", "keyfactor"), ("csms", "csms")]
    first, second = shown["targets"]
    assert first["commands"] == {"plan": "possible", "apply": "possible"}
    assert second["commands"] == {"plan": "possible", "apply": "unproven"}
    assert second["kinds"] == [{"kind": "SecretEvent", "plan": "possible", "apply": "unproven"}]
    assert not REPORT.is_valid({**shown, "targets": [{**first, "api": "ldap"}]})
    for check in first["checks"]:
        assert list(check) == ["target", "check", "verdict", "detail", "remedy"]
        assert check["target"] == "command"


def test_the_worst_of_several_targets_counts(run: Run, server: Simulator) -> None:
    """Both are examined, whatever the first one comes to."""
    server.fault("GET", "^/v1/", kind="status", times=0, status=403)
    code, text, _ = run(["doctor", "--config", str(server.settings)])
    assert code == 5
    assert "command: plan and apply possible" in text
    assert "grant csms:event:list" in text
    assert run(["doctor", "--config", str(server.settings), "--target", "command"])[0] == 0


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (["doctor"], "no target is configured"),
        (["doctor", "--config", "none.yaml"], "none.yaml"),
        (["doctor", "--config", "SETTINGS", "--target", "prod"], "known: command, csms"),
        (["doctor", "manifests"], "unexpected extra argument"),
    ],
)
def test_nothing_to_examine_is_a_usage_error(run: Run, server: Simulator, argv: list[str], word: str) -> None:
    """In JSON too."""
    argv = [str(server.settings) if one == "SETTINGS" else one for one in argv]
    code, _, stderr = run(argv)
    assert (code, word in stderr) == (3, True)
    shown = json.loads(run([*argv, "--format", "json"])[1])
    REPORT.validate(shown)
    assert shown["outcome"]["name"] == "usage"


def test_a_vendor_s_file_is_named_with_its_profile(run: Run, server: Simulator, folder: Path) -> None:
    """Where the settings were found, and where each secret is."""
    keyfactor = server.credentials["keyfactor"]
    file = folder / ".keyfactor" / "command_config.json"
    file.parent.mkdir()
    profile = {"host": keyfactor["url"].removesuffix("/KeyfactorAPI"), "username": keyfactor["username"]}
    file.write_text(json.dumps({"servers": {"default": {**profile, "password": keyfactor["password"]}}}))
    file.chmod(0o600)
    code, text, _ = run(["doctor"], {"HOME": str(folder)})
    assert code == 0
    assert f"from {file}" in text
    assert f"password in servers.default.password in {file}" in text


def test_colour_is_for_those_who_want_it(run: Run, server: Simulator) -> None:
    """Words carry the meaning; --no-color takes the rest away."""
    argv = ["doctor", "--config", str(server.settings), "--target", "csms"]
    coloured, plain = run(argv, terminal=True)[1], run([*argv, "--no-color"], terminal=True)[1]
    assert "\x1b[32mok" in coloured
    assert "\x1b" not in plain
