"""`init`: a repository that works at once, made of what there is, with nothing overwritten and no secret in it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.kinds.registry import KINDS
from reconciler.settings.load import load_settings
from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.cli.test_export_files import configure, list_files, server

__all__ = ["server"]
GITOPS = Path(__file__).parents[2] / "examples" / "09-gitops-repository"
CI_FILES = {
    "github": [f".github/workflows/{job}.yml" for job in ("apply", "drift", "plan")],
    "gitlab": [".gitlab-ci.yml", ".gitlab/tell.py"],
    "none": [],
}
AROUND = [".gitignore", "README.md", "reconciler.yaml"]
KIND_FILES = ["certificate-owners.yaml", "event-handlers.yaml", "secret-events.yaml", "security-roles.yaml"]
MANIFESTS = [f"manifests/{name}" for name in KIND_FILES]
EXAMPLES = sorted([*MANIFESTS, "manifests/request-denials.yaml"])
NOWHERE = {
    "KEYFACTOR_HOSTNAME": "127.0.0.1:9",
    "KEYFACTOR_USERNAME": "CORP\\svc",
    "KEYFACTOR_PASSWORD": "canary-5e7c",
}


@pytest.mark.parametrize(
    ("ci", "layout", "manifests"),
    [
        ("github", [], MANIFESTS),
        ("gitlab", ["--csv"], [*MANIFESTS, "manifests/certificate-owners.csv"]),
        ("none", ["--split", "owner"], ["manifests/certificate-owners/web-team.yaml", *MANIFESTS[1:]]),
    ],
)
def test_a_server_is_a_repository_in_one_command(
    run: Run,
    folder: Path,
    server: Simulator,
    ci: str,
    layout: list[str],
    manifests: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the new folder `validate` passes and `plan` is empty; the jobs are those of the guides, to the byte."""
    code, stdout, stderr = run(["init", "repo", "--ci", ci, *layout, *configure(server)])
    assert code == 0, stderr
    files = list_files(folder / "repo")
    apply_settings = ["reconciler.apply.yaml"] if ci != "none" else []
    assert {*AROUND, *apply_settings, *CI_FILES[ci], *manifests} <= set(files)
    assert [path for path in files if path.startswith(".git")] == sorted([*CI_FILES[ci], ".gitignore"])
    assert all(path in stdout for path in files)
    assert stdout.splitlines()[-4:] == [
        "next:",
        "  cd repo && reconciler validate",
        "  reconciler plan",
        "  git init && git add . && git commit",
    ]
    for path in CI_FILES[ci]:
        assert (folder / "repo" / path).read_bytes() == (GITOPS / path).read_bytes()
    monkeypatch.chdir(folder / "repo")
    assert run(["validate"])[0] == 0
    for config in (["--config", name] for name in ("reconciler.yaml", *apply_settings)):
        assert run(["plan", "--detailed-exitcode", *config])[0] == 0
    assert server.ledger == []


def test_the_environment_becomes_settings_without_a_secret(
    run: Run, folder: Path, server: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that hold a secret are named; with them the plan is empty."""
    command = server.credentials["keyfactor"]
    env = {
        "KEYFACTOR_HOSTNAME": server.url.removeprefix("http://"),
        "KEYFACTOR_USERNAME": command["username"],
        "KEYFACTOR_PASSWORD": command["password"],
    }
    code, _, stderr = run(["init", "repo", "--from", "server"], env)
    assert code == 0, stderr
    texts = {path: (folder / "repo" / path).read_text("utf-8") for path in list_files(folder / "repo")}
    assert [path for path, text in texts.items() if command["password"] in text] == []
    assert "env: KEYFACTOR_PASSWORD" in texts["reconciler.yaml"]
    monkeypatch.chdir(folder / "repo")
    secret = {"KEYFACTOR_PASSWORD": command["password"]}
    assert run(["plan", "--detailed-exitcode"], secret)[0] == 0


@pytest.mark.parametrize(
    ("ci", "password", "told"),
    [
        ("github", "{file: ../password}", "comes from the file "),
        ("gitlab", "{env: PASSWORD}", "comes from the environment variable PASSWORD; say {env: NAME}"),
        ("none", "{env: PASSWORD}", ""),
        ("github", "{env: KEYFACTOR_AUTH_CLIENT_SECRET}", ""),
    ],
)
def test_a_secret_that_the_jobs_do_not_hand_over_is_told(
    run: Run, folder: Path, server: Simulator, ci: str, password: str, told: str
) -> None:
    """The jobs are the guides' own, with the guides' variables."""
    command = server.credentials["keyfactor"]
    (folder / "password").write_text(command["password"])
    (folder / "password").chmod(0o600)
    (folder / "mine").mkdir()
    (folder / "mine" / "settings.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Settings\ntargets:\n  command:\n    api: keyfactor\n"
        f"    url: {command['url']}\n"
        f"    auth: {{type: basic, username: '{command['username']}', password: {password}}}\n"
    )
    env = dict.fromkeys(("PASSWORD", "KEYFACTOR_AUTH_CLIENT_SECRET"), command["password"])
    code, _, stderr = run(["init", "repo", "--ci", ci, "--config", "mine/settings.yaml"], env)
    assert code == 0, stderr
    note = f"note: init: target command: the jobs hand over nothing for auth.password, which {told}"
    assert note in stderr if told else "hand over" not in stderr


def test_without_a_server_the_settings_and_the_manifests_are_examples(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of both APIs and every kind; what can't be undone is a comment."""
    code, stdout, stderr = run(["init", "repo", "--ci", "gitlab"])
    told = "the manifests are examples, since no server is configured; name yours in reconciler.yaml"
    assert (code, stderr) == (0, f"note: init: {told}\nexit 0: ok\n")
    assert list_files(folder / "repo") == sorted([*AROUND, *EXAMPLES, *CI_FILES["gitlab"], "reconciler.apply.yaml"])
    assert "reconciler doctor" in stdout
    monkeypatch.chdir(folder / "repo")
    code, stdout, _ = run(["validate"])
    assert (code, "4 documents" in stdout) == (0, True)
    denials = (folder / "repo/manifests/request-denials.yaml").read_text("utf-8")
    assert all(line.startswith("#") for line in denials.splitlines())
    targets = load_settings(None, env={}, cwd=folder / "repo", kinds=KINDS).targets
    assert {target.api for target in targets.values()} == {"keyfactor", "csms"}


@pytest.mark.parametrize("is_one_of_two", [False, True])
def test_examples_are_of_the_apis_that_there_are(run: Run, folder: Path, is_one_of_two: bool) -> None:
    """And where one has several targets, they name one."""
    target = (
        "  {}:\n    api: keyfactor\n    url: https://k.example.com/API\n    auth: {{type: bearer, token: {{env: T}}}}\n"
    )
    names = ["dev", "prod"] if is_one_of_two else ["prod"]
    settings = folder / "settings.yaml"
    settings.write_text("apiVersion: reconciler/v1\nkind: Settings\ntargets:\n" + "".join(map(target.format, names)))
    code, _, stderr = run(["init", "repo", "--from", "examples", "--config", "settings.yaml"])
    assert (code, stderr) == (0, "exit 0: ok\n"), "who asks for examples knows"
    assert list_files(folder / "repo") == sorted({*AROUND, *EXAMPLES} - {"manifests/secret-events.yaml"})
    assert run(["validate", "repo/manifests", "--config", "repo/reconciler.yaml"])[0] == 0
    assert ("target: dev" in (folder / "repo/manifests/security-roles.yaml").read_text()) is is_one_of_two


# argv, and the code, a word of stderr, and whether a repository of examples is there
WITHOUT_ANSWER = {
    "as it comes": ([], 0, "the manifests are examples, since the server did not answer", True),
    "from the server": (["--from", "server"], 12, "127.0.0.1:9", False),
    "from examples": (["--from", "examples"], 0, "exit 0: ok", True),
}


@pytest.mark.parametrize(("argv", "code", "word", "is_written"), WITHOUT_ANSWER.values(), ids=WITHOUT_ANSWER)
def test_a_server_that_does_not_answer(
    run: Run, folder: Path, argv: list[str], code: int, word: str, is_written: bool
) -> None:
    """Examples take the place of what it has, and that is told; who asks for the server gets it or nothing."""
    ended, _, stderr = run(["init", "repo", *argv], NOWHERE)
    assert (ended, word in stderr) == (code, True), stderr
    assert list_files(folder) == (
        sorted(f"repo/{path}" for path in {*AROUND, *EXAMPLES} - {"manifests/secret-events.yaml"}) if is_written else []
    )
    assert not [path for path in list_files(folder) if NOWHERE["KEYFACTOR_PASSWORD"] in (folder / path).read_text()]


@pytest.mark.parametrize(
    ("env", "word"),
    [({}, "no target is configured"), ({"KEYFACTOR_HOSTNAME": "127.0.0.1:9"}, "KEYFACTOR_AUTH_CLIENT_ID")],
)
def test_from_a_server_that_nobody_configured(run: Run, folder: Path, env: dict[str, str], word: str) -> None:
    """It says what is missing, and writes nothing."""
    code, _, stderr = run(["init", "repo", "--from", "server"], env)
    assert (code, word in stderr, list_files(folder)) == (3, True, [])


def test_what_is_in_the_way_is_named_and_nothing_is_written(run: Run, folder: Path) -> None:
    """All of it at once, before a server is asked; --keep leaves what is no manifest and no settings as it is."""
    repo = folder / "repo"
    (repo / "manifests").mkdir(parents=True)
    (repo / ".github").symlink_to(folder)
    mine = {"manifests/mine.yaml": "a", "README.md": "b", ".gitignore": "c", "reconciler.yaml": "d"}
    for path, text in mine.items():
        (repo / path).write_text(text)
    code, stdout, stderr = run(["init", "repo", "--ci", "github"], NOWHERE)
    named = {line.split(":")[0].removeprefix("repo/") for line in stderr.splitlines()[:-1]}
    assert (code, stdout) == (3, "")
    assert named == {".github", ".gitignore", "README.md", "manifests/", "reconciler.yaml"}

    kept = run(["init", "repo", "--ci", "github", "--keep"], NOWHERE)
    named = {line.split(":")[0].removeprefix("repo/") for line in kept[2].splitlines()[:-1]}
    assert (kept[0], named) == (3, {".github", "manifests/", "reconciler.yaml"})
    assert {path: (repo / path).read_text() for path in mine} == mine
    assert len(list_files(repo)) == len(mine)


def test_it_fits_into_a_repository_that_is_there(run: Run, folder: Path, server: Simulator) -> None:
    """With settings of its own and a README; what should stay out of Git does, and Git itself is left alone."""
    git = shutil.which("git")
    assert git is not None
    subprocess.run([git, "init", "--quiet", "."], cwd=folder, check=True)
    (folder / "README.md").write_text("mine\n")
    settings = Path(server.credentials["settings"]).read_text().splitlines(keepends=True)
    text = "# my own\n" + "".join(line for line in settings if not line.startswith(("manifests", "state")))
    (folder / "reconciler.yaml").write_text(f"{text}manifests: pki/live/\n")
    before = sorted((folder / ".git").rglob("*"))
    code, stdout, stderr = run(["init", "--keep", "--format", "json"])
    shown = json.loads(stdout)

    assert code == 0, stderr
    assert shown["kept"] == ["README.md"]
    assert (folder / "README.md").read_text() == "mine\n"
    assert (folder / "reconciler.yaml").read_text().startswith("# my own\n")
    paths = [file["path"] for file in shown["files"]]
    assert paths == [".gitignore", *(f"pki/live/{name}" for name in KIND_FILES)]
    assert run(["plan", "--detailed-exitcode"])[0] == 0
    assert sorted((folder / ".git").rglob("*")) == before
    ignored = ["plan.json", "plan.json.sig", "x.plan.json", ".reconciler/state.db", "trace.har", "secret.local"]
    command = [git, "check-ignore", *ignored, "pki/live/security-roles.yaml"]
    checked = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert checked.stdout.split() == ignored


def test_manifests_outside_the_repository_are_refused(run: Run, folder: Path) -> None:
    """They would be written where nobody looks for them."""
    (folder / "repo").mkdir()
    (folder / "repo/reconciler.yaml").write_text("apiVersion: reconciler/v1\nkind: Settings\nmanifests: ../elsewhere\n")
    code, _, stderr = run(["init", "repo", "--config", "repo/reconciler.yaml"])
    assert (code, "not below its own folder" in stderr) == (3, True)
    assert list_files(folder) == ["repo/reconciler.yaml"]


def test_a_second_time_everything_is_in_the_way(run: Run, folder: Path) -> None:
    """Byte-equal or not: what is there is somebody's."""
    assert run(["init", "repo"])[0] == 0
    before = {path: (folder / path).read_bytes() for path in list_files(folder)}
    code, _, stderr = run(["init", "repo"])
    assert (code, len(stderr.splitlines())) == (3, len(AROUND) + 2)
    assert {path: (folder / path).read_bytes() for path in list_files(folder)} == before
