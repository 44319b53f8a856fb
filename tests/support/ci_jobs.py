"""Runs what the guides' files say, as GitHub, GitLab, systemd and Kubernetes would: their commands, their environments.

What they fetch is handed to them: a checkout is a clone or a copy, an artifact a file that is carried from job to job,
and installing reconciler puts this one in place. `gh` is a stand-in. Nothing else is stood in for.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.support.git_server import run_git
from tests.support.github_issues import make_token

ROOT = Path(__file__).parents[2]
_PIP = """#!/bin/sh
echo "$*" >> '{installed}'
ln -sf '{tool}' "$(dirname "$0")/reconciler"
"""
_PYTHON = """#!/bin/sh
test "$1 $2" = "-m venv" || exec '{python}' "$@"
mkdir -p "$3/bin" && cp '{pip}' "$3/bin/pip"
"""
_GH = """#!/bin/sh
PYTHONPATH='{root}' exec '{python}' -m tests.support.github_issues '{world}' "$@"
"""
_TOOL = """#!/bin/sh
PYTHONPATH='{root}' exec '{python}' -m reconciler "$@"
"""


class Ran(NamedTuple):
    """How a job, a unit or a container ended: the code of its last command, and what all of them said."""

    name: str
    code: int
    output: str


class Machine:
    """A computer with a shell, git and a Python that can install reconciler, or with reconciler where it is `ready`.

    `installed` is what pip was asked for; `world` the file of the issues that its `gh` knows.
    """

    def __init__(self, folder: Path, *, ready: bool = False, world: Path | None = None) -> None:
        self.folder, self.tool, bin_ = folder, folder / "reconciler", folder / "bin"
        self._installed = folder / "installed"
        bin_.mkdir(parents=True)
        scripts = {
            self.tool: _TOOL.format(root=ROOT, python=sys.executable),
            bin_ / "gh": _GH.format(root=ROOT, python=sys.executable, world=world or folder / "github.json"),
            bin_ / "pip": _PIP.format(installed=self._installed, tool=self.tool),
            bin_ / "python3": _PYTHON.format(pip=bin_ / "pip", python=sys.executable),
        }
        for path, text in scripts.items():
            path.write_text(text, "utf-8")
            path.chmod(0o755)
        if ready:
            (bin_ / "reconciler").symlink_to(self.tool)
        self._env = {"PATH": f"{bin_}:{os.defpath}", "HOME": str(folder), "LANG": "C.UTF-8"}

    @property
    def installed(self) -> list[str]:
        return self._installed.read_text("utf-8").splitlines() if self._installed.exists() else []

    def run(self, command: Sequence[str | Path], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
        """Run one command with nothing in its environment but what a shell needs and `env`."""
        done = subprocess.run(
            command, cwd=folder, env={**self._env, **env}, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout + done.stderr


class PullRequest(NamedTuple):
    """What started a workflow, if that is a pull request; `fork` if its branch is in another repository."""

    number: int
    fork: bool = False


REPOSITORY = "example/pki"
ALWAYS = "!cancelled()"
"""In a condition: whatever became of what was before."""


def github(
    machine: Machine,
    repository: Path,
    workflow: Path,
    secrets: Mapping[str, str],
    pull_request: PullRequest | None = None,
) -> list[Ran]:
    """Run those of a workflow's jobs whose conditions hold, in their order; `gh` speaks to the machine's world.

    What a job wrote to its page is below `summary` in the machine's folder, by the job's name.
    """
    said = yaml.safe_load(workflow.read_text("utf-8"))
    values = {f"secrets.{name}": secret for name, secret in secrets.items()}
    if pull_request:
        head = "somebody/pki" if pull_request.fork else REPOSITORY
        values["github.event.pull_request.head.repo.full_name"] = head
        values["github.event.pull_request.number"] = str(pull_request.number)
    ran: list[Ran] = []
    for name, job in said["jobs"].items():
        needs = _listed(job.get("needs"))
        results = [values[f"needs.{one}.result"] for one in needs]
        values[f"needs.{name}.result"] = "skipped"
        condition = job.get("if", "true")
        if not _holds_on_github(condition, values) or (ALWAYS not in condition and {*results} - {"success"}):
            continue
        granted = job.get("permissions", said["permissions"])
        job_values = {**values, "github.repository": REPOSITORY, "github.token": make_token(granted)}
        ran.append(_run_github_job(machine, repository, name, (said, job), job_values))
        values[f"needs.{name}.result"] = "failure" if ran[-1].code else "success"
        for output, expression in job.get("outputs", {}).items():
            values[f"needs.{name}.outputs.{output}"] = _filled_in(expression, job_values)
    return ran


def _run_github_job(
    machine: Machine,
    repository: Path,
    name: str,
    said: tuple[Mapping[str, Any], Mapping[str, Any]],
    values: dict[str, str],
) -> Ran:
    """Run a job's steps; after one that failed, those alone that always run. Adds the outputs of steps to `values`."""
    workflow, job = said
    work, summary = machine.folder / "work" / name, machine.folder / "summary" / name
    summary.parent.mkdir(exist_ok=True)
    work.mkdir(parents=True)
    code, output = 0, ""
    for number, step in enumerate(job["steps"]):
        if code and ALWAYS not in step.get("if", ""):
            continue
        if "uses" in step:
            _used(step, repository, work, machine.folder / "artifacts")
            continue
        outputs = machine.folder / f"outputs-{name}-{number}"
        given = {**workflow.get("env", {}), **job.get("env", {}), **step.get("env", {})}
        env = {
            **{key: _filled_in(value, values) for key, value in given.items()},
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_OUTPUT": str(outputs),
        }
        ended, said_now = machine.run(["bash", "-e", "-c", step["run"]], work, env)
        code, output = code or ended, output + said_now
        lines = outputs.read_text("utf-8").splitlines() if outputs.exists() else []
        values |= {
            f"steps.{step.get('id')}.outputs.{key}": value for key, _, value in (it.partition("=") for it in lines)
        }
    return Ran(name, code, output)


def _filled_in(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda it: values.get(it[1], ""), text)


def _holds_on_github(condition: str, values: Mapping[str, str]) -> bool:
    """Evaluate what the files use: comparisons of contexts and strings, and, or, !cancelled()."""
    words = re.findall(r"'[^']*'|!cancelled\(\)|[\w.]+|==|!=|&&|\|\||[()]", condition)
    own = {"&&": "and", "||": "or", ALWAYS: "True", "true": "True", "github.repository": repr(REPOSITORY)}
    told = [own.get(word, repr(values.get(word, "")) if re.match(r"[a-z]", word) else word) for word in words]
    return bool(eval(" ".join(told), {"__builtins__": {}}))


def _used(step: Mapping[str, Any], repository: Path, work: Path, artifacts: Path) -> None:
    action, given = step["uses"].partition("@")[0], step.get("with", {})
    if action == "actions/checkout":
        _check_out(repository, work)
    elif action == "actions/upload-artifact":
        (artifacts / given["name"]).mkdir(parents=True)
        files = list(work.glob(given["path"]))
        assert files or given["if-no-files-found"] != "error"
        for file in files:
            shutil.copy(file, artifacts / given["name"])
    else:
        assert action == "actions/download-artifact"
        shutil.copytree(artifacts / given["name"], work, dirs_exist_ok=True)


def _check_out(repository: Path, work: Path) -> Path:
    """Clone a repository as it is committed, or copy a folder that is none."""
    if not (repository / ".git").exists():
        return shutil.copytree(repository, work, dirs_exist_ok=True)
    run_git("clone", "--quiet", "--depth=1", f"file://{repository}", work)
    return work


def gitlab(machine: Machine, repository: Path, variables: Mapping[str, str]) -> list[Ran]:
    """Run the jobs of the pipeline that these variables make; those that wait for a person are started.

    After a job that failed those alone whose rule says `when: always`. Reports that are promised have to be there.
    """
    said = yaml.safe_load((repository / ".gitlab-ci.yml").read_text("utf-8"))
    named = {name: job for name, job in said.items() if isinstance(job, dict) and "script" in job}
    jobs = {name: {**said["default"], **said.get(job.get("extends"), {}), **job} for name, job in named.items()}
    ran: list[Ran] = []
    for stage in said["stages"]:
        for name, job in jobs.items():
            rules = [rule for rule in job["rules"] if _holds(rule["if"], variables)]
            failed = any(one.code for one in ran) and not any(rule.get("when") == "always" for rule in rules)
            if job["stage"] != stage or not rules or failed:
                continue
            work = _check_out(repository, machine.folder / "work" / name)
            for needed in _listed(job.get("needs")):
                for path in jobs[needed]["artifacts"]["paths"]:
                    if (file := machine.folder / "work" / needed / path).exists():
                        shutil.copy(file, work)
            own = {**said.get("variables", {}), **said.get(job.get("extends"), {}).get("variables", {})}
            own |= job.get("variables", {})
            env = {key: re.sub(r"\$(\w+)", lambda it: variables.get(it[1], ""), own[key]) for key in own}
            env |= {key: value for key, value in variables.items() if key.startswith("CI_") or key.endswith("_TOKEN")}
            lines = [*job["before_script"], *job["script"]]
            ran.append(Ran(name, *machine.run(["bash", "-eo", "pipefail", "-c", "\n".join(lines)], work, env)))
            assert all((work / path).exists() for path in job.get("artifacts", {}).get("reports", {}).values())
    return ran


def _holds(condition: str, variables: Mapping[str, str]) -> bool:
    """Evaluate comparisons that are all required, which is all that the file uses."""
    for comparison in condition.split(" && "):
        if " " not in comparison:  # a variable alone: whether there is one
            if not variables.get(comparison.strip("$")):
                return False
            continue
        left, _, right = comparison.partition(" == ")
        value = right.strip('"') if right.startswith('"') else variables.get(right.strip("$"), "")
        if variables.get(left.strip("$"), "") != value:
            return False
    return True


class _UnitParser(configparser.RawConfigParser):
    """Leaves the letter case of settings alone."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit(path: Path) -> configparser.RawConfigParser:
    """Read a unit of systemd whose settings stand there once, but for filters of system calls."""
    parser = _UnitParser(strict=False, comment_prefixes=("#",), delimiters=("=",))
    parser.read_string(path.read_text("utf-8"))
    return parser


def systemd(machine: Machine, path: Path, places: Mapping[str, Path]) -> Ran:
    """Run a service's commands in their order, until one fails. `places` says where the unit's paths are here."""
    service = unit(path)["Service"]
    lines = _placed(service["EnvironmentFile"], places)
    env = dict(line.split("=", 1) for line in Path(lines).read_text("utf-8").splitlines() if not line.startswith("#"))
    output = ""
    for command in (service["ExecStartPre"], service["ExecStart"]):
        words = [_placed(word, places) for word in shlex.split(command)]
        code, said = machine.run(words, Path(_placed(service["WorkingDirectory"], places)), env)
        output += said
        if code:
            break
    return Ran(path.name, code, output)


def kubernetes(
    machine: Machine, job: Path, secrets: Mapping[tuple[str, str], str], elsewhere: Mapping[str, str]
) -> list[Ran]:
    """Run the containers of a CronJob's pod in their order; every volume is a folder. `elsewhere` moves addresses.

    `secrets` are by the name of the secret and the key in it.
    """
    pod = yaml.safe_load(job.read_text("utf-8"))["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    volumes = {volume["name"]: machine.folder / "volumes" / volume["name"] for volume in pod["volumes"]}
    for volume in pod["volumes"]:
        volumes[volume["name"]].mkdir(parents=True)
        for (name, key), text in secrets.items():
            if volume.get("secret", {}).get("secretName") == name:
                file = volumes[volume["name"]] / key
                file.write_text(text, "utf-8")
                file.chmod(volume["secret"]["defaultMode"])
    ran: list[Ran] = []
    for container in (*pod["initContainers"], *pod["containers"]):
        places = {one["mountPath"]: volumes[one["name"]] for one in container["volumeMounts"]}
        words = [_placed(elsewhere.get(word, word), places) for word in container["command"]]
        work = Path(_placed(container.get("workingDir", str(machine.folder)), places))
        ran.append(Ran(container["name"], *machine.run(words, work, {})))
        if ran[-1].code:
            break
    return ran


def _placed(word: str, places: Mapping[str, Path]) -> str:
    for begin, place in places.items():
        if word == begin or word.startswith(f"{begin}/"):
            return str(place) + word.removeprefix(begin)
    return word


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())
