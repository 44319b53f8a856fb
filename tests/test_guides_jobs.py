"""The guides' jobs, unit and CronJob run as they stand, with the guides' accounts, against the simulator."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from reconciler import __version__
from reconciler.cli import main
from reconciler.simulator import Simulator
from reconciler.simulator.world.identities import Account
from reconciler.simulator.world.seed import CLIENT
from tests.support.ci_jobs import ROOT, Machine, PullRequest, Ran, github, gitlab, kubernetes, systemd
from tests.support.github_issues import GitHubWorld
from tests.support.gitlab_api import serving_gitlab

GITOPS, CRON = ROOT / "examples" / "09-gitops-repository", ROOT / "examples" / "10-drift-cron"
KUBERNETES = ROOT / "examples" / "kubernetes"
GUIDE = (ROOT / "docs" / "permissions.md").read_text("utf-8")
ROLES = [one for one in re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.M | re.S) if "kind: SecurityRole" in one]
READS, WRITES = "reconciler-plan", "reconciler-apply"
SECRETS = {
    "KEYFACTOR_READ_CLIENT_SECRET": "secret of reconciler-plan",
    "HW_READ_ACCESS_KEY": "READSREADSREADSREADS",
    "HW_READ_SECRET_KEY": "secret key of reconciler-plan",
    "KEYFACTOR_APPLY_CLIENT_SECRET": "secret of reconciler-apply",
    "HW_APPLY_ACCESS_KEY": "WRITESWRITESWRITESWR",
    "HW_APPLY_SECRET_KEY": "secret key of reconciler-apply",
}
PINNED = f"pki-reconciler=={__version__}"
PROTECTED = {name for name in SECRETS if "_APPLY_" in name}


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    """A world where an administrator has put the guide's two roles, and each has its account in both APIs."""
    with Simulator(certificates=60) as simulator:
        for client, word in ((READS, "READ"), (WRITES, "APPLY")):
            claim = (6, client, "entra")
            simulator.world.clients[client] = Account(client, SECRETS[f"KEYFACTOR_{word}_CLIENT_SECRET"], (claim,))
            keys = SECRETS[f"HW_{word}_ACCESS_KEY"], SECRETS[f"HW_{word}_SECRET_KEY"]
            simulator.world.access_keys[keys[0]] = Account(client, keys[1])
        roles = tmp_path / "roles"
        roles.mkdir()
        (roles / "roles.yaml").write_text("---\n".join(ROLES), "utf-8")
        assert tool("apply", str(roles), "--yes", "--config", str(simulator.settings)) == 0
        yield simulator


def tool(*words: str) -> int:
    return main(words, {}, io.StringIO(), io.StringIO(), io.StringIO())


def written(simulator: Simulator) -> set[str]:
    """Return who has written, besides the administrator who put the roles there."""
    return {entry["actor"] for entry in simulator.ledger} - {CLIENT}


def copied(source: Path, to: Path, simulator: Simulator, state: str = "/var/lib/reconciler") -> Path:
    """Copy a repository; its settings name the simulator where they named servers, and a state folder."""
    return placed(shutil.copytree(source, to), simulator, state)


def placed(to: Path, simulator: Simulator, state: str, secrets: str = "/var/run/secrets/reconciler") -> Path:
    """Let the settings of a repository name the simulator, and folders that are here."""
    places = {
        "https://keyfactor.example.com": simulator.url,
        "https://idp.example.com/token": f"{simulator.url}/oauth/token",
        "region: cn-north-4": f"url: {simulator.url}",
        "/var/lib/reconciler": state,
        "/var/run/secrets/reconciler": secrets,
    }
    for settings in to.glob("reconciler*.yaml"):
        text = settings.read_text("utf-8")
        for there, here in places.items():
            text = text.replace(there, here)
        settings.write_text(text, "utf-8")
    return to


def heading(markdown: str) -> str:
    """Return the first line of a report that is seen."""
    return next(line for line in markdown.splitlines() if line and not line.startswith("<!--"))


def ended(ran: list[Ran], **codes: int) -> None:
    assert {one.name: one.code for one in ran} == codes, ran


def test_the_settings_that_apply_are_those_that_plan_but_for_the_client() -> None:
    """A limit or a protection that stands in one of them alone would be missed."""
    plans, applies = (
        yaml.safe_load((GITOPS / name).read_text("utf-8")) for name in ("reconciler.yaml", "reconciler.apply.yaml")
    )
    clients = [each["targets"]["command"]["auth"].pop("clientId") for each in (plans, applies)]
    assert (plans, clients) == (applies, [READS, WRITES])
    for client in clients:
        assert f"value: {client}," in "".join(ROLES)
    (shielded,) = re.findall(r"^protected: .*$", GUIDE, re.MULTILINE)
    assert yaml.safe_load(shielded)["protected"] == plans["protected"]


def test_the_workflows_of_github_run(tmp_path: Path, simulator: Simulator) -> None:
    """A pull request plans, its merge applies that plan by the account that writes, and then nothing drifts.

    The plan is one comment, however often it is made, and drift one issue until it is cleared.
    """
    person, file = Machine(tmp_path / "person"), tmp_path / "github.json"
    repository = kept(person, copied(GITOPS, tmp_path / "repository", simulator))
    world = GitHubWorld(file)
    number = world.open_issue(None, "ada", pull_request={})
    world.add("<!-- reconciler:plan:all -->\nsaid somebody else", "ada", issue=number)
    for at in range(110):
        world.add(f"Another workflow's comment {at}", issue=number)
    world.open_issue("Something else")
    world.save()

    def event(name: str, secrets: Mapping[str, str], pull_request: PullRequest | None = None) -> Machine:
        machine = Machine(tmp_path / name / str(len(machines)), world=file)
        machines.append(machine)
        workflow = GITOPS / ".github" / "workflows" / f"{name}.yml"
        ran.append(github(machine, repository, workflow, secrets, pull_request))
        return machine

    def report(machine: Machine, name: str) -> str:
        return (machine.folder / "artifacts" / name / f"{name}.md").read_text("utf-8")

    def told() -> tuple[list[str], list[tuple[str, str]]]:
        now = GitHubWorld(file)
        return (
            [comment["body"] for comment in now.comments(number)[111:]],
            [(issue["state"], issue["body"]) for issue in now.issues()[2:]],
        )

    machines: list[Machine] = []
    ran: list[list[Ran]] = []
    plans = {name: secret for name, secret in SECRETS.items() if name not in PROTECTED}
    event("plan", {}, PullRequest(number, fork=True))
    ended(ran[-1], validate=0)
    assert told() == ([], [])
    first = event("plan", plans, PullRequest(number))
    ended(ran[-1], validate=0, plan=0, comment=0)
    assert told() == ([report(first, "plan")], [])
    roles = repository / "manifests/command/roles.yaml"
    right = roles.read_text("utf-8")
    roles.write_text(right.replace("kind: SecurityRole", "kind: SecurityRoll", 1), "utf-8")
    git(person, repository, "commit", "-q", "-a", "-m", "A mistake")
    wrong = event("plan", plans, PullRequest(number))
    ended(ran[-1], validate=4, plan=4, comment=0)
    assert "::error file=manifests/command/roles.yaml,line=" in ran[-1][0].output
    assert told() == ([report(wrong, "plan")], [])
    assert report(wrong, "plan") != report(first, "plan")
    roles.write_text(right, "utf-8")
    git(person, repository, "commit", "-q", "-a", "-m", "Mended")

    event("drift", plans)
    drift = event("drift", plans)
    ended(ran[-1], drift=2, issue=0)
    assert told() == ([report(wrong, "plan")], [("open", report(drift, "drift"))])
    event("drift", {**plans, "KEYFACTOR_READ_CLIENT_SECRET": "of a stranger"})
    assert [one.name for one in ran[-1]] == ["drift"]
    assert written(simulator) == set()
    applied = event("apply", SECRETS)
    ended(ran[-1], plan=0, apply=0)
    assert written(simulator) == {WRITES}
    pages = {name: (applied.folder / "summary" / name).read_text("utf-8") for name in ("plan", "apply")}
    assert all(heading(report(applied, name)) in page for name, page in pages.items())
    event("drift", plans)
    ended(ran[-1], drift=0, issue=0)
    assert [issue[0] for issue in told()[1]] == ["closed"]
    only = f"install --quiet --no-index --find-links https://packages.example.com/reconciler/ {PINNED}"
    assert {line for machine in machines for line in machine.installed} == {only}


def test_the_pipelines_of_gitlab_run(tmp_path: Path, simulator: Simulator) -> None:
    """The same, by the events that GitLab has; the protected variables are there on the default branch alone."""
    repository = kept(Machine(tmp_path / "person"), copied(GITOPS, tmp_path / "repository", simulator))

    def event(source: str, branch: str) -> Machine:
        machine = Machine(tmp_path / str(len(ran)))
        variables = {name: secret for name, secret in SECRETS.items() if branch == "main" or name not in PROTECTED}
        place = {"CI_PIPELINE_SOURCE": source, "CI_COMMIT_BRANCH": branch, "CI_DEFAULT_BRANCH": "main"}
        ran.append(gitlab(machine, repository, variables | place | tells))
        assert all(line.endswith(f" {PINNED}") for line in machine.installed)
        assert all("--no-index" in line for line in machine.installed)
        return machine

    def tell_again(machine: Machine, job: str, *words: str) -> str:
        """Tell of another commit, or of another night; returns what there is to be told."""
        report = machine.folder / "work" / job / words[1]
        report.write_text(f"{report.read_text('utf-8')}again\n", "utf-8")
        assert machine.run(["python3", ".gitlab/tell.py", *words], report.parent, tells) == (0, "")
        return report.read_text("utf-8")

    ran: list[list[Ran]] = []
    with serving_gitlab() as server:
        tells = {"CI_API_V4_URL": server.url, "CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "7"}
        tells["RECONCILER_GITLAB_TOKEN"] = server.token
        notes = server.notes["merge_requests/7"]
        for at in range(120):
            server.add(notes, author=3, body=f"<!-- reconciler:plan:all --> said somebody else, {at}")
        planned = event("merge_request_event", "")
        ended(ran[-1], validate=0, plan=0, note=0)
        assert [note["body"] for note in notes[120:]] == [
            (planned.folder / "work" / "plan" / "plan.md").read_text("utf-8")
        ]
        again = tell_again(planned, "plan", "note", "plan.md")
        assert [note["body"] for note in notes[120:]] == [again]
        event("push", "a-branch")
        ended(ran[-1])
        drifted = event("schedule", "main")
        ended(ran[-1], drift=2, issue=0)
        again = tell_again(drifted, "drift", "issue", "drift.md", "drift.json")
        assert [(one["state"], one["description"]) for one in server.issues] == [("opened", again)]
        assert written(simulator) == set()
        event("push", "main")
        ended(ran[-1], plan=0, apply=0)
        assert written(simulator) == {WRITES}
        event("schedule", "main")
        ended(ran[-1], drift=0, issue=0)
        assert [one["state"] for one in server.issues] == ["closed"]


def test_the_account_that_plans_can_not_apply(tmp_path: Path, simulator: Simulator) -> None:
    """Were its secrets handed to the job that writes, Command would refuse them."""
    repository = copied(GITOPS, tmp_path / "repository", simulator)
    swapped = {name: SECRETS[name.replace("_APPLY_", "_READ_")] for name in SECRETS}
    settings = repository / "reconciler.apply.yaml"
    settings.write_text((repository / "reconciler.yaml").read_text("utf-8"), "utf-8")
    ran = github(Machine(tmp_path / "machine"), repository, GITOPS / ".github/workflows/apply.yml", swapped)
    assert ran[0].code == 0
    assert ran[-1].code in {5, 9}, ran
    assert not [entry for entry in simulator.ledger if entry["api"] == "keyfactor" and entry["actor"] != CLIENT]


def git(machine: Machine, folder: Path, *words: str | Path) -> None:
    own = ("-c", "user.name=a person", "-c", "user.email=person@example.com")
    code, output = machine.run(["git", *own, *words], folder, {})
    assert code == 0, output


def kept(machine: Machine, repository: Path) -> Path:
    """Put a folder under version control."""
    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "As it stands")):
        git(machine, repository, *words)
    return repository


def as_it_is(repository: Path) -> None:
    """Declare what the server has."""
    role = repository / "manifests" / "role.yaml"
    text = re.sub(r"description: .*", "description: Certificate operations", role.read_text("utf-8"))
    role.write_text(text, "utf-8")


def test_the_unit_of_systemd_runs(tmp_path: Path, simulator: Simulator) -> None:
    """On the manifests as they are in the repository now; drift is 2, and a repository out of reach is a failure."""
    machine, root = Machine(tmp_path / "machine"), tmp_path / "root"
    places = {name: root / name.strip("/") for name in ("/srv/pki", "/etc/reconciler", "/var/lib/reconciler")}
    origin = kept(machine, copied(CRON, tmp_path / "origin", simulator, str(places["/var/lib/reconciler"])))
    for place in places.values():
        place.mkdir(parents=True)
    git(machine, root, "clone", "-q", origin, places["/srv/pki"])
    line = f"# as the unit says\nKEYFACTOR_READ_CLIENT_SECRET={SECRETS['KEYFACTOR_READ_CLIENT_SECRET']}\n"
    (places["/etc/reconciler"] / "environment").write_text(line, "utf-8")
    here = {**places, "/usr/bin/git": Path(shutil.which("git") or ""), "/opt/reconciler/bin/reconciler": machine.tool}

    def run() -> tuple[int, str]:
        ran = systemd(machine, CRON / "systemd" / "reconciler-drift.service", here)
        return ran.code, ran.output

    code, output = run()
    assert (code, "exit 2: changes" in output) == (2, True), output
    as_it_is(origin)
    git(machine, origin, "commit", "-q", "-a", "-m", "As the server has it")
    code, output = run()
    assert code == 0, output
    shutil.rmtree(origin)
    code, output = run()
    assert (code not in {0, 2}, "exit" in output) == (True, False), output
    assert written(simulator) == set()


def test_the_cronjob_of_kubernetes_runs(tmp_path: Path, simulator: Simulator) -> None:
    """The checkout is what the tool looks at, with the secret that the guide creates; drift is 2, and then 0."""
    address, cronjob = "https://git.example.com/pki/manifests.git", KUBERNETES / "base" / "cronjob.yaml"
    secrets = {("reconciler", "client-secret"): SECRETS["KEYFACTOR_READ_CLIENT_SECRET"]}
    for code in (2, 0):
        machine = Machine(tmp_path / f"node-{code}", ready=True)
        volumes = machine.folder / "volumes"
        origin = copied(CRON, tmp_path / f"origin-{code}", simulator)
        shutil.copy(KUBERNETES / "reconciler.yaml", origin)
        placed(origin, simulator, str(volumes / "state"), str(volumes / "secrets"))
        if code == 0:
            as_it_is(origin)
        elsewhere = {address: f"file://{kept(machine, origin)}"}
        ended(kubernetes(machine, cronjob, secrets, elsewhere), checkout=0, drift=code)
    lost = {address: f"file://{tmp_path}/nowhere"}
    ran = kubernetes(Machine(tmp_path / "lost", ready=True), cronjob, secrets, lost)
    assert [one.name for one in ran if one.code] == ["checkout"], ran
    assert written(simulator) == set()
