"""The roles, jobs and units of the guides do what they are for, on the simulator."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli import main
from reconciler.kinds.registry import KINDS
from reconciler.simulator import Simulator
from tests.simulator.conftest import LIMITED, Client, limited
from tests.support.ci_jobs import unit

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "permissions.md").read_text("utf-8")
ROLES: dict[str, list[str]] = {
    document["metadata"]["name"]: document["spec"]["permissions"]
    for block in re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    if (document := yaml.safe_load(block)).get("kind") == "SecurityRole"
}
PLAN, APPLY = ROLES["Reconciler Plan"], ROLES["Reconciler Apply"]
GITOPS, CRON = ROOT / "examples" / "09-gitops-repository", ROOT / "examples" / "10-drift-cron"
KUBERNETES = ROOT / "examples" / "kubernetes"

IN_A_CONTAINER = """
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: gateways}
spec:
  owner: PKI Operators
  container: Payment gateways
  certificates: {ids: [41]}
"""
SETTINGS = """
apiVersion: reconciler/v1
kind: Settings
targets:
  command:
    api: keyfactor
    url: %s/KeyfactorAPI
    auth: {type: basic, username: '%s', password: {env: PASSWORD}}
"""


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of a simulator of its own."""
    with Simulator(certificates=60) as simulator:
        client = Client(simulator)
        yield client
        client.session.close()


def run(words: Sequence[str], env: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a command; returns the code and all output."""
    stdout, stderr = io.StringIO(), io.StringIO()
    code = main(words, env or {}, stdout, stderr, io.StringIO())
    return code, stdout.getvalue() + stderr.getvalue()


def as_role(client: Client, folder: Path, permissions: Sequence[str], *words: str) -> tuple[int, str]:
    """Run a command over documents of all of Command's kinds, as an account with just these permissions."""
    limited(client, *permissions)
    manifests = folder / "manifests"
    if not manifests.exists():
        shutil.copytree(GITOPS / "manifests" / "command", manifests)
        (manifests / "gateways.yaml").write_text(IN_A_CONTAINER, "utf-8")
        (folder / "reconciler.yaml").write_text(SETTINGS % (client.sim.url, LIMITED[0]), "utf-8")
    config = ["--config", str(folder / "reconciler.yaml")]
    return run([words[0], str(manifests), *words[1:], *config], {"PASSWORD": LIMITED[1]})


def test_the_guide_names_what_each_kind_requires() -> None:
    """In its row, and in the roles; no more than that."""
    read, write = set[str](), set[str]()
    for name, kind in KINDS.items():
        (row,) = re.findall(rf"^\| `{name}` \| (.*?) \| (.*?) \|$", GUIDE, re.MULTILINE)
        reading = {
            one for listing in kind.requires.read for one in (listing.permission, listing.item_permission) if one
        }
        writing = {one for grant in kind.requires.write for one in grant.any_of}
        assert set(re.findall(r"`((?:/|csms:)[^`]+)`", row[0])) == reading
        assert set(re.findall(r"`((?:/|csms:)[^`]+)`", row[1])) == writing
        if name != "SecretEvent":
            read |= reading
            write |= writing
    assert set(PLAN) == read
    assert set(APPLY) == (read | write) - {"/certificates/collections/change_owner/"}


def test_the_role_to_plan_plans_and_can_not_apply(client: Client, tmp_path: Path) -> None:
    """And nothing is written by trying."""
    code, output = as_role(client, tmp_path, PLAN, "plan", "--detailed-exitcode")
    assert code == 2, output
    code, output = as_role(client, tmp_path, PLAN, "apply", "--yes")
    assert code in {5, 9}, output
    assert client.sim.ledger == []


@pytest.mark.parametrize("missing", PLAN)
def test_the_role_to_plan_has_nothing_to_spare(missing: str, client: Client, tmp_path: Path) -> None:
    """Without any one of its permissions a plan is incomplete, and says which."""
    code, output = as_role(client, tmp_path, [one for one in PLAN if one != missing], "plan")
    assert code in {5, 10}, output
    assert "the permission to read this is missing (403" in output


def test_the_role_to_apply_applies(client: Client, tmp_path: Path) -> None:
    """All kinds, and then the world is as declared."""
    code, output = as_role(client, tmp_path, APPLY, "apply", "--yes")
    assert code == 0, output
    code, output = as_role(client, tmp_path, PLAN, "drift")
    assert code == 0, output


@pytest.mark.parametrize("missing", sorted(set(APPLY) - set(PLAN)))
def test_the_role_to_apply_has_nothing_to_spare(missing: str, client: Client, tmp_path: Path) -> None:
    """Without any one of its own permissions something is not applied."""
    code, output = as_role(client, tmp_path, [one for one in APPLY if one != missing], "apply", "--yes")
    assert code in {5, 9}, output


def test_the_workflows_of_github_are_closed() -> None:
    """Least rights, secrets in the steps that use them, one apply at a time that nobody cancels, by a plan approved.

    What may write a comment or an issue has no checkout and no secret.
    """
    files = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in (GITOPS / ".github/workflows").iterdir()}
    for workflow in files.values():
        assert workflow["permissions"] == {"contents": "read"}
        for name, job in workflow["jobs"].items():
            for place in (workflow, job, *(step for step in job["steps"] if "reconciler " not in step.get("run", ""))):
                assert "secrets." not in str(place.get("env"))
            assert job.get("environment") == {"plan": "plan", "drift": "plan", "apply": "production"}.get(name)
            assert ("_APPLY_" in str(job)) is (name == "apply")
            grants = {"comment": {"pull-requests": "write"}, "issue": {"issues": "write"}}
            assert job.get("permissions") == grants.get(name)
            if name in grants:
                assert "secrets." not in str(job)
                assert "actions/checkout" not in str(job)
    assert files["apply.yml"]["concurrency"] == {"group": "reconciler-apply", "cancel-in-progress": False}
    assert files["apply.yml"]["jobs"]["apply"]["needs"] == "plan"
    fork = "github.event.pull_request.head.repo.full_name == github.repository"
    assert files["plan.yml"]["jobs"]["plan"]["if"] == fork


def test_the_pipeline_of_gitlab_hangs_together() -> None:
    """Stages and jobs that exist, and secrets that write only in the job that a person starts."""
    pipeline: dict[str, Any] = yaml.safe_load((GITOPS / ".gitlab-ci.yml").read_text("utf-8"))
    named = {name: job for name, job in pipeline.items() if "script" in job and not name.startswith(".")}
    jobs = {name: {**pipeline[job.get("extends", ".read")], **job} for name, job in named.items()}
    for job in jobs.values():
        assert job["stage"] in pipeline["stages"]
        assert set(job.get("needs", ())) <= set(jobs)
    writing = [name for name, job in jobs.items() if "_APPLY_" in str(job)]
    assert writing == ["apply"]
    assert "_APPLY_" not in str([pipeline["default"], pipeline["variables"], pipeline[".read"]])
    assert [rule["when"] for rule in jobs["apply"]["rules"]] == ["manual"]
    assert "merge_request" not in str(jobs["apply"]["rules"])
    assert (jobs["apply"]["needs"], jobs["plan"]["artifacts"]["paths"]) == (["plan"], ["plan.json", "plan.md"])
    assert jobs["apply"]["resource_group"]
    assert jobs["apply"]["interruptible"] is False


def test_the_units_of_systemd_belong_together() -> None:
    """A oneshot that any code but 0 fails, as nobody in particular, started by a timer of its name."""
    units = CRON / "systemd"
    service, timer = unit(units / "reconciler-drift.service"), unit(units / "reconciler-drift.timer")
    assert service.sections() == ["Unit", "Service"]
    assert service["Service"]["Type"] == "oneshot"
    assert (units / "reconciler-drift.service").read_text("utf-8").count("\nExecStart") == 2
    assert "SuccessExitStatus" not in service["Service"]
    assert service["Service"]["User"] != "root"
    assert service["Unit"]["OnFailure"]
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d", timer["Timer"]["OnCalendar"])
    state = yaml.safe_load((CRON / "reconciler.yaml").read_text("utf-8"))["state"]
    assert Path(state).parent == Path("/var/lib", service["Service"]["StateDirectory"])
    assert service["Service"]["ReadWritePaths"] == service["Service"]["WorkingDirectory"]


def check_pod(pod: dict[str, Any]) -> None:
    """Closed: nobody in particular, nothing of the image can be written, no account of the cluster."""
    volumes = {volume["name"] for volume in pod["volumes"]}
    for container in (*pod["initContainers"], *pod["containers"]):
        closed = container["securityContext"]
        assert (closed["readOnlyRootFilesystem"], closed["allowPrivilegeEscalation"]) == (True, False)
        assert closed["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == IMAGE_USER
    assert pod["automountServiceAccountToken"] is False


IMAGE_USER = int(re.findall(r"^USER (\d+):\d+$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)[-1])


def test_the_cronjob_is_what_kubernetes_expects() -> None:
    """One at a time, never again by itself, closed, with a place for the state and the secret of the settings."""
    job = yaml.safe_load((KUBERNETES / "base" / "cronjob.yaml").read_text("utf-8"))
    assert (job["apiVersion"], job["kind"], job["spec"]["concurrencyPolicy"]) == ("batch/v1", "CronJob", "Forbid")
    assert re.fullmatch(r"\d+ \d+ \* \* \*", job["spec"]["schedule"])
    template = job["spec"]["jobTemplate"]["spec"]
    pod = template["template"]["spec"]
    assert (template["backoffLimit"], pod["restartPolicy"]) == (0, "Never")
    check_pod(pod)
    (drift,) = pod["containers"]
    settings = yaml.safe_load((KUBERNETES / "reconciler.yaml").read_text("utf-8"))
    mounts = {mount["name"]: mount["mountPath"] for mount in drift["volumeMounts"]}
    # Below the mount, whose own root is open to the pod's group; and kept, or else everything is new at each start.
    (kept,) = (volume["name"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume)
    assert Path(settings["state"]).parent == Path(mounts[kept])
    (secret,) = (volume for volume in pod["volumes"] if "secret" in volume)
    file = Path(settings["targets"]["command"]["auth"]["clientSecret"]["file"])
    assert file.parent == Path(mounts[secret["name"]])
    # YAML 1.1, which Kubernetes reads: what begins with 0 is octal.
    assert secret["secret"]["defaultMode"] == 0o400
    assert f"--from-file={file.name}\n" in (KUBERNETES / "README.md").read_text("utf-8")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_parts_of_kustomize_fit_together() -> None:
    """With both components the claim is gone, the figures have a place, and the pod is closed as before."""
    kubectl = shutil.which("kubectl") or ""
    build = (kubectl, "kustomize", KUBERNETES / "everything")
    done = subprocess.run(build, env={}, capture_output=True, text=True, timeout=60, check=True)
    namespace, job = yaml.safe_load_all(done.stdout)
    assert (namespace["kind"], job["kind"], job["metadata"]["namespace"]) == ("Namespace", "CronJob", "reconciler")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    check_pod(pod)
    assert {container["image"] for container in (*pod["initContainers"], *pod["containers"])} == {
        "registry.example.com/pki/reconciler:0.1.0"
    }
    (drift,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in drift["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in pod["volumes"]} == {"work", "secrets", "textfile"}
    assert Path(drift["command"][-1].partition("=")[2]).parent == Path(mounts["textfile"])
