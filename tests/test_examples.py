"""Every example works as it stands: it validates against the schema it names, plans, applies, and then is in sync."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from cryptography.x509 import load_pem_x509_certificate
from referencing import Registry

from reconciler.cli import main
from reconciler.directives.registry import DIRECTIVES
from reconciler.kinds.registry import KINDS
from reconciler.simulator import FleetSeed, Simulator

EXAMPLES = Path(__file__).parent.parent / "examples"
FOLDERS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir())
PLANNED = [folder for folder in FOLDERS if (folder / "manifests").is_dir()]
LAYERED = EXAMPLES / "13-environments"
LAYERS = [LAYERED / layer for layer in ("base", "dev", "prod")]
LAYER_FILES = [file for layer in LAYERS for file in layer.glob("*.yaml")]
MANIFESTS = sorted([*EXAMPLES.glob("*/manifests/**/*.yaml"), *LAYER_FILES])


@pytest.mark.parametrize("folder", PLANNED, ids=lambda path: path.name)
def test_an_example_is_applied_and_then_in_sync(folder: Path) -> None:
    """As a user would: validate, plan, apply, drift."""
    # Documents that choose targets by labels want targets that have some.
    with Simulator(certificates=60, fleet=FleetSeed(4 if folder.name == "14-fleet" else 0)) as simulator:
        config = ["--config", str(simulator.credentials["settings"])]
        manifests = str(folder / "manifests")
        runs = {}
        for command in (["validate"], ["plan", "--detailed-exitcode"], ["apply", "--yes"], ["drift"]):
            stdout, stderr = io.StringIO(), io.StringIO()
            code = main([command[0], manifests, *command[1:], *config], {}, stdout, stderr, io.StringIO())
            runs[command[0]] = (code, stdout.getvalue() + stderr.getvalue())

        assert {name: code for name, (code, _) in runs.items()} == {"validate": 0, "plan": 2, "apply": 0, "drift": 0}, (
            runs
        )
        assert simulator.ledger, "an example that changes nothing shows nothing"


def test_environments_are_applied_one_after_the_other(tmp_path: Path) -> None:
    """On one server as if it were two: each is in sync after it, says who decided, and is what `render` prints."""
    shutil.copytree(LAYERED, tmp_path, dirs_exist_ok=True)
    settings = yaml.safe_load((LAYERED / "reconciler.yaml").read_text("utf-8"))
    with Simulator(certificates=0) as simulator:
        served = yaml.safe_load(Path(simulator.credentials["settings"]).read_text("utf-8"))["targets"]
        servers = {target["api"]: target for target in served.values()}
        for name, target in settings["targets"].items():
            kept = {word: target[word] for word in ("labels", "values") if word in target}
            settings["targets"][name] = servers[target["api"]] | kept
        (tmp_path / "reconciler.yaml").write_text(json.dumps(settings), "utf-8")
        config = ["--config", str(tmp_path / "reconciler.yaml"), "--format", "json"]
        for environment in ("dev", "prod"):
            documents = {}
            for command, expected in (("render", 0), ("plan", 0), ("apply --yes", 0), ("drift", 0)):
                argv = [*command.split(), "--environment", environment, *config]
                stdout, stderr = io.StringIO(), io.StringIO()
                assert main(argv, {}, stdout, stderr, io.StringIO()) == expected, (argv, stderr.getvalue())
                documents[command] = json.loads(stdout.getvalue())
            changes = [change for step in documents["plan"]["steps"] for change in step["changes"]]
            assert changes
            deciding = {Path(change["origin"]["source"].partition(":")[0]).parent.name for change in changes}
            assert deciding == {"base", environment}
            names = [document["name"] for document in documents["render"]["documents"]]
            assert ("denied-logger" in names) == (environment == "prod")
        argv = ["adopt", "--environment", "prod", "--config", config[1]]
        stderr = io.StringIO()
        assert main(argv, {}, io.StringIO(), stderr, io.StringIO()) == 3
        assert "which layer is to have what the servers have can't be told" in stderr.getvalue()


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_an_editor_finds_nothing_wrong(path: Path) -> None:
    """The modeline names a schema that exists, and each document of its kind fulfils it."""
    text = path.read_text("utf-8")
    modeline = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert modeline, "the first line tells the editor which schema it is"
    schema = json.loads((path.parent / modeline[1]).read_text("utf-8"))
    for document in yaml.safe_load_all(text):
        jsonschema.validate(json.loads(json.dumps(document, default=str)), schema, registry=_registry())


def _registry() -> Registry:
    """The schemas refer to each other by file name."""
    files = (EXAMPLES.parent / "schemas").glob("*.json")
    return Registry().with_contents((path.name, json.loads(path.read_text("utf-8"))) for path in files)


def test_the_settings_of_the_examples_fulfil_their_schema() -> None:
    """What a whole repository names is what the tool reads."""
    path = EXAMPLES / "09-gitops-repository" / "reconciler.yaml"
    schema = json.loads((EXAMPLES.parent / "schemas" / "settings.json").read_text("utf-8"))

    for settings in EXAMPLES.glob("*/reconciler*.yaml"):
        jsonschema.validate(yaml.safe_load(settings.read_text("utf-8")), schema)
    targets = json.loads((EXAMPLES.parent / "schemas" / "targets.json").read_text("utf-8"))
    for file in EXAMPLES.glob("*/targets/**/*.yaml"):
        jsonschema.validate(yaml.safe_load(file.read_text("utf-8")), targets)
    stdout, stderr = io.StringIO(), io.StringIO()
    code = main(["validate", "--config", str(path)], {}, stdout, stderr, io.StringIO())
    assert code == 0, stderr.getvalue()


def test_every_kind_has_an_example_and_the_index_names_every_folder() -> None:
    """A kind is not finished before somebody can copy it."""
    assert len(PLANNED) > len(FOLDERS) // 2
    kinds = {document["kind"] for path in MANIFESTS for document in yaml.safe_load_all(path.read_text("utf-8"))}
    assert kinds == {*KINDS, *DIRECTIVES}
    index = (EXAMPLES / "README.md").read_text("utf-8")
    assert re.findall(r"^\| `(.+?)` \|", index, re.MULTILINE) == [folder.name for folder in FOLDERS]


@pytest.mark.parametrize("kind", KINDS)
def test_the_built_in_example_of_a_kind_is_valid(kind: str) -> None:
    """What `explain` shows can be pasted."""
    document = yaml.safe_load(KINDS[kind].example)

    assert document["kind"] == kind
    assert KINDS[kind].spec.load(document["spec"]).declared()


def test_the_certificates_of_a_trial_are_for_its_owner_alone(tmp_path: Path) -> None:
    """One for each side of mutual TLS, all of one authority, whose key nobody has afterwards."""
    folder = tmp_path / "engine"
    script = EXAMPLES / "14-fleet" / "make_certificates.py"
    subprocess.run([sys.executable, str(script), str(folder)], check=True, timeout=60)
    authority = load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    names = [f"{role}.{end}" for role in ("client", "scheduler", "worker") for end in ("key", "pem")]
    assert sorted(path.name for path in folder.iterdir()) == sorted(["ca.pem", *names])
    for path in folder.glob("*er.pem"):
        load_pem_x509_certificate(path.read_bytes()).verify_directly_issued_by(authority)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700
