"""Runs what the guides' files say, as GitHub, GitLab, systemd and Kubernetes would: their commands, their environments.

What they fetch is handed to them: a checkout is a copy, an artifact a file that is carried from job to job, and
installing reconciler puts this one in place. Nothing else is stood in for.
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

ROOT = Path(__file__).parents[2]
_PIP = """#!/bin/sh
echo "$*" >> '{installed}'
ln -sf '{tool}' "$(dirname "$0")/reconciler"
"""
_PYTHON = """#!/bin/sh
test "$1 $2" = "-m venv" && mkdir -p "$3/bin" && cp '{pip}' "$3/bin/pip"
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

    `installed` is what pip was asked for.
    """

    def __init__(self, folder: Path, *, ready: bool = False) -> None:
        self.folder, self.tool, bin_ = folder, folder / "reconciler", folder / "bin"
        self._installed = folder / "installed"
        bin_.mkdir(parents=True)
        scripts = {
            self.tool: _TOOL.format(root=ROOT, python=sys.executable),
            bin_ / "pip": _PIP.format(installed=self._installed, tool=self.tool),
            bin_ / "python3": _PYTHON.format(pip=bin_ / "pip"),
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


def github(machine: Machine, repository: Path, workflow: Path, secrets: Mapping[str, str]) -> list[Ran]:
    """Run a workflow's jobs in their order, until one fails."""
    said = yaml.safe_load(workflow.read_text("utf-8"))
    ran: list[Ran] = []
    for name, job in said["jobs"].items():
        assert set(_listed(job.get("needs"))) <= {one.name for one in ran}
        work = machine.folder / "work" / name
        code, output = 0, ""
        for step in job["steps"]:
            if "uses" in step:
                _used(step, repository, work, machine.folder / "artifacts")
                continue
            given = {**said.get("env", {}), **job.get("env", {}), **step.get("env", {})}
            env = {key: re.sub(r"\$\{\{ secrets\.(\w+) \}\}", lambda it: secrets[it[1]], given[key]) for key in given}
            code, said_now = machine.run(["bash", "-e", "-c", step["run"]], work, env)
            output += said_now
            if code:
                break
        ran.append(Ran(name, code, output))
        if code:
            break
    return ran


def _used(step: Mapping[str, Any], repository: Path, work: Path, artifacts: Path) -> None:
    action, given = step["uses"].partition("@")[0], step.get("with", {})
    if action == "actions/checkout":
        shutil.copytree(repository, work)
    elif action == "actions/upload-artifact":
        (artifacts / given["name"]).mkdir(parents=True)
        shutil.copy(work / given["path"], artifacts / given["name"])
    else:
        assert action == "actions/download-artifact"
        shutil.copytree(artifacts / given["name"], work, dirs_exist_ok=True)


def gitlab(machine: Machine, repository: Path, variables: Mapping[str, str]) -> list[Ran]:
    """Run the jobs of the pipeline that these variables make; those that wait for a person are started."""
    said = yaml.safe_load((repository / ".gitlab-ci.yml").read_text("utf-8"))
    jobs = {name: job for name, job in said.items() if isinstance(job, dict) and "script" in job}
    ran: list[Ran] = []
    for stage in said["stages"]:
        for name, job in jobs.items():
            if job["stage"] != stage or not any(_holds(rule["if"], variables) for rule in job["rules"]):
                continue
            work = shutil.copytree(repository, machine.folder / "work" / name)
            for needed in _listed(job.get("needs")):
                for path in jobs[needed]["artifacts"]["paths"]:
                    shutil.copy(machine.folder / "work" / needed / path, work)
            own = {**said.get("variables", {}), **said.get(job.get("extends"), {}).get("variables", {})}
            own |= job.get("variables", {})
            env = {key: re.sub(r"\$(\w+)", lambda it: variables.get(it[1], ""), own[key]) for key in own}
            lines = [*said["default"]["before_script"], *job["script"]]
            ran.append(Ran(name, *machine.run(["bash", "-eo", "pipefail", "-c", "\n".join(lines)], work, env)))
            if ran[-1].code:
                return ran
    return ran


def _holds(condition: str, variables: Mapping[str, str]) -> bool:
    """Evaluate comparisons that are all required, which is all that the file uses."""
    for comparison in condition.split(" && "):
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
