"""The guides' files and our own workflow pass the linters of their trades, and these find what is wrong with a file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner
from kubernetes_validate.utils import ValidationError, all_versions, validate

from tests.support.ci_jobs import ROOT

OWN = ".github/workflows"
GITOPS, CRON = "examples/09-gitops-repository", "examples/10-drift-cron"
WORKFLOWS = f"{GITOPS}/.github/workflows"
PIPELINE = f"{GITOPS}/.gitlab-ci.yml"
KUBERNETES = "examples/kubernetes/base"
FLEET = "examples/14-fleet"
FLEET_JOBS = f"{FLEET}/kubernetes"
IMAGE, AZURE = "Dockerfile", "examples/ci/azure-pipelines.yml"
CRONJOB = f"{KUBERNETES}/cronjob.yaml"
SERVICE, TIMER = f"{CRON}/systemd/reconciler-drift.service", f"{CRON}/systemd/reconciler-drift.timer"
PRESENT = ("usr/lib/systemd/system/network-online.target", "usr/lib/systemd/system/timers.target")
PROGRAMS = ("usr/bin/git", "opt/reconciler/bin/reconciler")
SINCE_KUBERNETES = "1.27.0"
"""Where `timeZone` of a CronJob became stable."""
SINCE_INDEXED_FAILURES = "1.29.0"
"""Where `backoffLimitPerIndex` of a Job is on without a gate."""
NOWHERE = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_COLOR": "1"}


def said(*command: str | Path) -> str:
    """Run a linter; returns what it has to say, nothing if it has no complaint."""
    env = {"PATH": "/usr/bin:/bin", **NOWHERE}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def fulfils(schema: str) -> Callable[[Path], str]:
    """Return a check of a workflow or a pipeline against a schema that check-jsonschema ships."""
    transform = next((name for name in ("gitlab-ci", "azure-pipelines") if name in schema), "")
    # A pattern of the schema for Azure is none to a strict reader of ECMAScript's.
    more = ("--data-transform", transform, "--regex-variant", "python") if transform else ()

    def check(path: Path) -> str:
        # As a library: a process of its own would take a second each time to load it.
        result = CliRunner().invoke(check_jsonschema, ["--builtin-schema", schema, *more, str(path)])
        return result.output or repr(result.exception) if result.exit_code else ""

    return check


def is_safe(path: Path) -> str:
    """Audit a workflow with zizmor, the doubtful and the pedantic included."""
    audit = ("--offline", "--no-config", "--strict-collection", "--persona", "auditor", "--no-progress", "--quiet")
    return said(Path(sys.executable).with_name("zizmor"), *audit, path)


def is_known_to_kubernetes(since: str) -> Callable[[Path], str]:
    """Return a strict check of a manifest against the schemas of every version since its newest field is there."""

    def check(path: Path) -> str:
        document, versions = yaml.safe_load(path.read_text("utf-8")), all_versions()
        complaints = []
        for version in versions[versions.index(since) :]:
            try:
                validate(document, version, strict=True)
            except ValidationError as error:
                complaints.append(f"{version}: {error.json_path}: {error.message}")
        return "\n".join(complaints)

    return check


def is_sound_image(path: Path) -> str:
    """Lint a Dockerfile with hadolint, its style included."""
    return said(Path(sys.executable).with_name("hadolint"), "--no-color", "--failure-threshold", "style", path)


def is_read_by_bash(path: Path) -> str:
    """Let bash read a script without running it."""
    return said("bash", "-n", path)


def is_known_to_systemd(path: Path) -> str:
    """Check a unit's settings and values, as of systemd 249, and that what it names is there.

    What systemdlint says of security is left out: it takes a umask for its opposite, and wants Delegate= set. For that
    there is `systemd-analyze security --offline=true`, where systemd is installed.
    """
    root = path.parent / "root"
    for name in PRESENT + PROGRAMS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/sh", root / name)
    lint = (sys.executable, "-m", "systemdlint", "--sversion", "2.49", "--rootpath", root, path)
    done = subprocess.run(lint, capture_output=True, text=True, timeout=60, check=False)
    return "\n".join(line for line in done.stderr.splitlines() if "[Security." not in line)


WORKFLOW_LINTERS = {
    "schema": fulfils("vendor.github-workflows"),
    "timeouts": fulfils("custom.github-workflows-require-timeout"),
    "zizmor": is_safe,
}
LINTED: Mapping[str, Mapping[str, Callable[[Path], str]]] = {
    **{
        str(path.relative_to(ROOT)): WORKFLOW_LINTERS
        for folder in (OWN, WORKFLOWS, f"{FLEET}/.github/workflows")
        for path in sorted((ROOT / folder).iterdir())
    },
    PIPELINE: {"schema": fulfils("vendor.gitlab-ci")},
    f"{FLEET}/.gitlab-ci.yml": {"schema": fulfils("vendor.gitlab-ci")},
    AZURE: {"schema": fulfils("vendor.azure-pipelines")},
    **{
        f"{KUBERNETES}/{name}.yaml": {"schema": is_known_to_kubernetes(SINCE_KUBERNETES)}
        for name in ("cronjob", "namespace", "state")
    },
    **{
        f"{FLEET_JOBS}/{name}.yaml": {"schema": is_known_to_kubernetes(SINCE_INDEXED_FAILURES)}
        for name in ("drift", "merge", "reports")
    },
    **{f"{FLEET}/{name}.sh": {"bash": is_read_by_bash} for name in ("run-fleet", "start-workers")},
    IMAGE: {"hadolint": is_sound_image},
    SERVICE: {"units": is_known_to_systemd},
    TIMER: {"units": is_known_to_systemd},
}


def put(name: str, folder: Path, text: str) -> Path:
    """Write a file where its linter looks for files of its kind."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("name", "linter"), [(name, linter) for name in LINTED for linter in LINTED[name]])
def test_the_linters_have_no_complaint(name: str, linter: str, tmp_path: Path) -> None:
    """Nor a warning."""
    assert LINTED[name][linter](put(name, tmp_path, (ROOT / name).read_text("utf-8"))) == ""


class Mistake(NamedTuple):
    """One thing made wrong in a file, and what its linter says of it."""

    name: str
    linter: str
    right: str
    wrong: str
    said: str


PLAN, APPLY, CI = f"{WORKFLOWS}/plan.yml", f"{WORKFLOWS}/apply.yml", f"{OWN}/ci.yml"
MISTAKES = (
    Mistake(PLAN, "schema", "runs-on:", "run-on:", "run-on"),
    Mistake(PLAN, "timeouts", "    timeout-minutes: 30\n", "", "timeout-minutes"),
    Mistake(PLAN, "zizmor", "on: pull_request", "on: pull_request_target", "dangerous-triggers"),
    Mistake(PLAN, "zizmor", "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", "unpinned-uses"),
    Mistake(PLAN, "zizmor", "persist-credentials: false", "persist-credentials: true", "artipacked"),
    Mistake(APPLY, "zizmor", "contents: read", "contents: write", "excessive-permissions"),
    Mistake(APPLY, "zizmor", '"$WHEELS"', '"${{ github.head_ref }}"', "template-injection"),
    Mistake(CI, "schema", "fail-fast:", "fail-first:", "fail-first"),
    Mistake(CI, "zizmor", "contents: read", "contents: write", "excessive-permissions"),
    Mistake(PIPELINE, "schema", "  script:", "  scripts:", "scripts"),
    Mistake(PIPELINE, "schema", "access: developer", "access: everybody", "everybody"),
    Mistake(CRONJOB, "schema", "backoffLimit: 0", "backOffLimit: 0", "backOffLimit"),
    Mistake(CRONJOB, "schema", "restartPolicy: Never", "restartPolicy: 0", "restartPolicy"),
    Mistake(
        f"{FLEET_JOBS}/drift.yaml", "schema", "backoffLimitPerIndex:", "backoffLimitPerindex:", "backoffLimitPerindex"
    ),
    Mistake(f"{FLEET}/run-fleet.sh", "bash", "\ndone\n", "\n", "syntax error"),
    Mistake(IMAGE, "hadolint", "--no-install-recommends ", "", "DL3015"),
    Mistake(IMAGE, "hadolint", "COPY reconciler", "ADD reconciler", "DL3020"),
    Mistake(SERVICE, "units", "ProtectHome=", "ProtectHom=", "[InvalidSetting] - ProtectHom "),
    Mistake(SERVICE, "units", "Type=oneshot", "Type=onshot", "[InvalidValue] - Type=onshot"),
    Mistake(SERVICE, "units", "/opt/reconciler/bin", "/opt/bin", "[ExecNotFound]"),
    Mistake(TIMER, "units", "Persistent=", "Persistant=", "[InvalidSetting] - Persistant "),
    Mistake(TIMER, "units", "timers.target", "timer.target", "[ReferencedUnitNotFound]"),
)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: f"{Path(one.name).name}: {one.wrong}")
def test_the_linters_find_a_mistake(mistake: Mistake, tmp_path: Path) -> None:
    """Or they would be content with anything."""
    text = (ROOT / mistake.name).read_text("utf-8")
    assert mistake.right in text
    path = put(mistake.name, tmp_path, text.replace(mistake.right, mistake.wrong))
    assert mistake.said in LINTED[mistake.name][mistake.linter](path)
