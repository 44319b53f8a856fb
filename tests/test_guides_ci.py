"""The short files for other CI systems run as they stand, with the guides' accounts, against the simulator."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from reconciler.simulator import Simulator
from tests.support.ci_jobs import ROOT, Machine
from tests.test_guides_jobs import GITOPS, PINNED, SECRETS, WRITES, copied, simulator, written

__all__ = ["simulator"]
CI = ROOT / "examples" / "ci"


def stages_of_jenkins() -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return the shell lines of each stage, and its environment: credentials are called as the guides' variables."""
    stages = {}
    text = (CI / "Jenkinsfile").read_text("utf-8")
    for name, body in re.findall(r"^    stage\('(\w+)'\) \{\n(.*?)^    \}$", text, re.MULTILINE | re.DOTALL):
        named = re.findall(r"(\w+) = credentials\('([\w-]+)'\)", body)
        env = {variable: SECRETS[credential.upper().replace("-", "_")] for variable, credential in named}
        stages[name] = (re.findall(r"sh '(.*?)'(?: \}|\n)", body), env)
    return stages


def run_azure(machine: Machine, work: Path, steps: list[dict[str, Any]], wheels: str) -> list[int]:
    """Run the steps of a job until one fails; an artifact is carried by the machine's folder."""
    kept, codes = machine.folder / "plan", list[int]()
    for step in steps:
        if "publish" in step:
            kept.mkdir()
            shutil.copy(work / step["publish"], kept)
        if "script" in step:
            given = step.get("env", {})
            env = {name: re.sub(r"\$\((\w+)\)", lambda it: SECRETS[it[1]], text) for name, text in given.items()}
            own = {"WHEELS": wheels, "PIPELINE_WORKSPACE": str(machine.folder)}
            codes.append(machine.run(["bash", "-c", step["script"]], work, env | own)[0])
            if codes[-1]:
                break
    return codes


def test_the_stages_of_jenkins_run(tmp_path: Path, simulator: Simulator) -> None:
    """What applies stands behind the question, with an account of its own; drift by the clock fails the build."""
    stages, machine = stages_of_jenkins(), Machine(tmp_path / "machine")
    assert list(stages) == ["Install", "Plan", "Approve", "Apply", "Drift"]
    assert {name for name, (_, env) in stages.items() if SECRETS["HW_APPLY_SECRET_KEY"] in env.values()} == {"Apply"}
    work = copied(GITOPS, tmp_path / "work", simulator)
    codes = [
        machine.run(["sh", "-xe", "-c", line], work, {"WHEELS": "w", **stages[name][1]})[0]
        for name in ("Install", "Drift")
        for line in stages[name][0]
    ]
    assert codes == [0, 2]
    assert machine.installed == [f"install --quiet --no-index --find-links w {PINNED}"]
    assert "<testsuites " in (work / "junit.xml").read_text("utf-8")


def test_the_stages_of_azure_run(tmp_path: Path, simulator: Simulator) -> None:
    """The plan that was published is what is applied, from another checkout."""
    said = yaml.safe_load((CI / "azure-pipelines.yml").read_text("utf-8"))
    plan, apply, drift = said["stages"]
    (wheels,) = (variable["value"] for variable in said["variables"])
    assert ("_APPLY_" in str(plan), "_APPLY_" in str(apply), "_APPLY_" in str(drift)) == (False, True, False)
    machine, (job,) = Machine(tmp_path / "machine"), apply["jobs"]
    assert job["environment"] == "production"
    steps = job["strategy"]["runOnce"]["deploy"]["steps"]
    work = copied(GITOPS, tmp_path / "plan", simulator)
    assert run_azure(machine, work, plan["jobs"][0]["steps"], wheels) == [0, 0, 0]
    assert written(simulator) == set()
    work = copied(GITOPS, tmp_path / "apply", simulator)
    assert run_azure(machine, work, steps, wheels) == [0, 0, 0]
    assert written(simulator) == {WRITES}
    assert all(line.endswith(PINNED) for line in machine.installed)


def test_the_tasks_of_tekton_run(tmp_path: Path, simulator: Simulator) -> None:
    """The digest that the plan's task tells is what the other one takes, and no other."""
    tasks = {task["metadata"]["name"]: task["spec"] for task in yaml.safe_load_all((CI / "tekton.yaml").read_text())}
    machine, work = Machine(tmp_path / "machine", ready=True), copied(GITOPS, tmp_path / "work", simulator)
    result = tmp_path / "digest"

    def run(name: str, digest: str = "") -> int:
        (step,) = tasks[name]["steps"]
        assert step["securityContext"]["readOnlyRootFilesystem"] is True
        env = {}
        for one in step["env"]:
            secret = one.get("valueFrom", {}).get("secretKeyRef", {"name": "", "key": ""})
            word = secret["name"].removeprefix("reconciler-").upper()
            known = re.sub(r"^(\w+?)_", rf"\1_{word}_", secret["key"].upper().replace("-", "_"))
            env[one["name"]] = SECRETS[known] if word else digest
        script = tmp_path / name
        script.write_text(step["script"].replace("$(results.digest.path)", str(result)), "utf-8")
        script.chmod(0o755)
        return machine.run([script], work, env)[0]

    assert run("reconciler-plan") == 0
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", result.read_text("utf-8"))
    assert run("reconciler-apply", f"sha256:{'0' * 64}") == 7
    assert written(simulator) == set()
    assert run("reconciler-apply", result.read_text("utf-8")) == 0
    assert written(simulator) == {WRITES}
