"""`environments:`, `engine:` and what targets are chosen by: what each means, and each mistake at its place."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from reconciler.errors import UsageError
from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.settings.load import load_settings
from reconciler.settings.model import DaskEngine, ManifestLayer, Settings

AUTH = "region: cn-north-4, projectId: '0123', auth: {type: token, token: {env: T}}"
HEAD = f"""\
apiVersion: reconciler/v1
kind: Settings
targets:
  lab: {{api: csms, {AUTH}, labels: {{env: dev}}, zone: eu-dmz, values: {{topicUrn: 'urn:smn:x', B_2: b}}}}
  prod-ap: {{api: csms, {AUTH}, labels: {{env: prod, region: ap}}}}
  prod-eu: {{api: csms, {AUTH}, labels: {{env: prod, region: eu}}}}
limits: {{SecurityRole: {{changes: 5}}, SecretEvent: {{changes: 7}}}}
protected: ['SecurityRole/A*']
"""
GUARDS = "limits: {SecurityRole: {changes: 1}}, protected: [SecretEvent/x]"
PROD = f"{{layers: [base/, ../prod], targets: {{env: prod}}, {GUARDS}}}"
TLS = "ca: ca.pem, certificate: c.pem, key: k.pem"

# what an environment says, the targets that it has
CHOICES = {
    "{layers: [base]}": ["lab", "prod-ap", "prod-eu"],
    "{layers: [base], targets: [prod-eu, lab]}": ["lab", "prod-eu"],
    "{layers: [base], targets: {env: prod}}": ["prod-ap", "prod-eu"],
    "{layers: [base], targets: {env: prod, region: [eu, us]}}": ["prod-eu"],
}
# what stands in the settings, where in them its mistakes are, and what is said of each
MISTAKES = {
    "environments: {prod: {targets: [lab]}}": ["9:16: layers is missing"],
    "environments: {prod: {layers: []}}": ["9:23: environments.prod.layers is empty"],
    "environments: {prod: {layers: base}}": ["9:31: base reads as text"],
    "environments: {Prod: {layers: [x]}}": ['9:16: "Prod" is not a valid name in environments'],
    "environments: {prod: {layers: [x], limit: {}}}": ['9:36: unknown field "limit"'],
    "environments: {prod: {layers: [x, y/, ./x]}}": ['9:39: layer "./x" is the same folder as layer "x"'],
    "environments: {prod: {layers: [x/y, x]}}": ['9:37: layer "x" lies within or around layer "x/y"'],
    "environments: {prod: {layers: [x, ~/y]}}": ["9:35: `~` is not expanded"],
    "environments: {prod: {layers: [.]}}": ["settings lie inside the manifest folder ."],
    "environments: {prod: {layers: [x], targets: prod}}": ["9:45: prod reads as text"],
    "environments: {prod: {layers: [x], targets: [lab, prod-us, prod]}}": [
        '9:51: no target is called "prod-us"; it would be left out; did you mean "prod-eu"?',
        '9:60: no target is called "prod"',
    ],
    "environments: {prod: {layers: [x], targets: {env: prod, region: [us, cn]}}}": [
        "9:36: no target has the labels env=prod, region=us or cn"
    ],
    "environments: {a: {layers: [x], limits: {SecretEvnt: {changes: 1}}}, b: {layers: [x], protected: [Role/x]}}": [
        "9:42: SecretEvnt is not a kind; it would hold nothing back; did you mean SecretEvent?",
        "9:99: Role is not a kind",
    ],
    "engine: {}": ["9:1: dask is missing"],
    "engine: {dask: {scheduler: 'tls://h:8786'}}": ["9:10: ca is", "9:10: certificate is", "9:10: key is missing"],
    "allow: {}": [],
} | {
    f"engine: {{dask: {{scheduler: '{url}', {TLS}}}}}": ["9:28: a scheduler is named as tls://HOST:PORT"]
    for url in ("tcp://h:8786", "tls://h", "tls://u:p@h:1", "tls://h:1/x", "tls://h:99999", "h:8786", "")
}
"""The last but `allow` are no environments; `allow` is no mistake."""
TARGET_MISTAKES = {
    "labels: {env: [prod]}": "3:112: targets.t.labels.env is a list",
    "labels: {' env': prod}": '3:112: " env" is not a valid name in targets.t.labels',
    "labels: {env: 'prod '}": '3:117: "prod " is not a valid targets.t.labels.env',
    "labels: {env: prod  eu}": "3:117: prod  eu is not a valid targets.t.labels.env",
    "zone: EU": "3:109: EU is not a valid targets.t.zone",
    "values: {topicUrn: 3}": '3:122: 3 reads as a number; targets.t.values.topicUrn is text; write "3"',
    "values: {topicUrn: {env: X}}": "3:112: targets.t.values.topicUrn is a mapping",
    "values: {topic urn: x}": '3:112: "topic urn" is not a valid name in targets.t.values',
}


def read(folder: Path, text: str, environment: str | None = None) -> Settings:
    (folder / "reconciler.yaml").write_text(text, "utf-8")
    return load_settings(None, env={}, cwd=folder, kinds=KINDS, environment=environment)


def list_problems(folder: Path, text: str, environment: str | None = None) -> list[str]:
    with pytest.raises(UsageError) as caught:
        read(folder, text, environment)
    return [str(problem) for problem in caught.value.problems]


def test_an_environment_has_its_layers_targets_limits_and_protections(tmp_path: Path) -> None:
    """Its limits take the place of those of the same kind; what is protected everywhere stays so."""
    settings = read(tmp_path, f"{HEAD}environments: {{prod: {PROD}, dev: {{layers: [base]}}}}\n", "prod")
    layers = (ManifestLayer("base/", tmp_path / "base"), ManifestLayer("../prod", tmp_path.parent / "prod"))
    assert (settings.environment, settings.layers) == ("prod", layers)
    assert settings.manifest_folders == (tmp_path / "base", tmp_path.parent / "prod")
    assert settings.limits == {"SecurityRole": 1, "SecretEvent": 7}
    assert settings.protected == ("SecurityRole/A*", "SecretEvent/x")
    assert settings.environment_names == ("dev", "prod")
    assert (list(settings.targets), list(settings.other_targets)) == (["prod-ap", "prod-eu"], ["lab"])
    whole = read(tmp_path, f"{HEAD}environments: {{prod: {PROD}}}\n")
    assert (whole.environment, whole.layers, len(whole.targets), whole.other_targets) == ("", (), 3, {})
    assert (whole.limits, whole.protected) == ({"SecurityRole": 5, "SecretEvent": 7}, ("SecurityRole/A*",))
    lab = whole.targets["lab"]
    assert (lab.labels, lab.zone, lab.values) == ({"env": "dev"}, "eu-dmz", {"topicUrn": "urn:smn:x", "B_2": "b"})


@pytest.mark.parametrize("text", CHOICES)
def test_targets_are_chosen_by_name_or_by_labels(tmp_path: Path, text: str) -> None:
    assert list(read(tmp_path, f"{HEAD}environments: {{x: {text}}}\n", "x").targets) == CHOICES[text]


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_told_at_their_places(tmp_path: Path, text: str) -> None:
    """Those of every environment, whichever is chosen, and all at once."""
    if not MISTAKES[text]:
        assert read(tmp_path, f"{HEAD}{text}\n")
        return
    problems = list_problems(tmp_path, f"{HEAD}{text}\n", "none")
    assert len(problems) == len(MISTAKES[text])
    assert all(expected in problem for expected, problem in zip(MISTAKES[text], problems, strict=True)), problems


@pytest.mark.parametrize("text", TARGET_MISTAKES)
def test_what_targets_are_chosen_by_is_text(tmp_path: Path, text: str) -> None:
    head = "apiVersion: reconciler/v1\nkind: Settings\n"
    problems = list_problems(tmp_path, f"{head}targets: {{t: {{api: csms, {AUTH}, {text}}}}}\n")
    assert [problem for problem in problems if TARGET_MISTAKES[text] in problem], problems


def test_an_unknown_environment_is_told_with_those_there_are(tmp_path: Path) -> None:
    environments = f"{HEAD}environments: {{prod: {PROD}, dev: {{layers: [base]}}}}\n"
    assert list_problems(tmp_path, environments, "prd") == [
        '--environment: no environment is called "prd"; there are: dev, prod'
    ]
    words = '--environment: the settings have no environments, so none is called "prod"; add `environments:`'
    assert list_problems(tmp_path, HEAD, "prod")[0].startswith(words)
    (tmp_path / "reconciler.yaml").unlink()
    with pytest.raises(UsageError, match="have no environments"):
        load_settings(None, env={}, cwd=tmp_path, kinds=KINDS, environment="prod")


def test_an_environment_may_name_the_targets_of_variables(tmp_path: Path) -> None:
    """Offline, too, where the variables are not there; labels they have none."""
    head = "apiVersion: reconciler/v1\nkind: Settings\nenvironments: {prod: {layers: [x], targets: %s}}\n"
    env = {"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "s", "HW_REGION_NAME": "cn-north-4", "HW_PROJECT_ID": "0123"}
    env |= {"KEYFACTOR_HOSTNAME": "kf.example.com", "KEYFACTOR_USERNAME": "u", "KEYFACTOR_PASSWORD": "p"}
    (tmp_path / "reconciler.yaml").write_text(head % "[csms]", "utf-8")
    for variables, names in (({}, []), (env, ["csms"])):
        settings = load_settings(None, env=variables, cwd=tmp_path, kinds=KINDS, environment="prod")
        assert list(settings.targets) == names
    assert "no target has the labels" in list_problems(tmp_path, head % "{env: x}")[0]


def test_an_engine_is_reached_by_mutual_tls(tmp_path: Path) -> None:
    for url, expected in (
        ("tls://H.example.com:8786", "tls://h.example.com:8786"),
        ("TLS://[::1]:443", "tls://[::1]:443"),
    ):
        engine = read(tmp_path, f"{HEAD}engine: {{dask: {{scheduler: '{url}', {TLS}}}}}\n").engine
        assert engine == DaskEngine(expected, tmp_path / "ca.pem", tmp_path / "c.pem", tmp_path / "k.pem")


def test_an_editor_takes_what_the_tool_takes() -> None:
    """Of shapes; what needs the rest of the settings, a URL's parts or a shell's `~`, an editor can't tell."""
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(build_schemas(KINDS)["settings.json"])))
    shapes = ("missing", "empty", "reads as", "unknown field", "not a valid")
    for text, problems in MISTAKES.items():
        is_shape = any(word in problem for problem in problems for word in shapes)
        assert validator.is_valid(yaml.safe_load(f"{HEAD}{text}")) is not is_shape, text
    for text in (PROD, *CHOICES):
        assert validator.is_valid(yaml.safe_load(f"{HEAD}environments: {{x: {text}}}")), text
