"""Who did what when: lists, single runs, lives of objects, exports; all from the store, with the server gone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from reconciler.cli import main
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from reconciler.state.records import DriftItem
from tests.cli.conftest import Run, Terminal
from tests.support.disturbances import CLASS, EVENT, HANDLER
from tests.support.rival_runs import RIVAL, leave_open, open_store_of

REPORT = jsonschema.Draft202012Validator(build_schemas(KINDS)["report.json"])
ROLE = """kind: SecurityRole
metadata: {name: NAME}
spec:
  description: DESCRIPTION
  permissions: [/portal/read/, /auditing/read/]
"""
ENV = {"HOME": "/nonexistent", "PATH": os.defpath, "NO_COLOR": "1", "GITHUB_ACTOR": "ada",
       "CI_JOB_URL": "https://ci.example.com/jobs/77"}  # fmt: skip


class Past(NamedTuple):
    """A folder with settings whose server is gone, and the ids of what was done before, the oldest first."""

    folder: Path
    first: str
    renaming: str

    def run(self, *argv: str, columns: int = 0) -> tuple[int, str, str]:
        stdout, stderr = (Terminal() if columns else StringIO()), StringIO()
        code = main(argv, {**ENV, "COLUMNS": str(columns)}, stdout, stderr, StringIO())
        return code, stdout.getvalue(), stderr.getvalue()

    def read(self, *argv: str) -> list[dict[str, Any]]:
        """Return the runs of a document that has the published shape."""
        code, stdout, _ = self.run("history", *argv, "--format", "json")
        report = json.loads(stdout)
        REPORT.validate(report)
        assert code == 0
        runs: list[dict[str, Any]] = report["runs"]
        return runs


def declare(folder: Path, *documents: str) -> None:
    text = "---\n".join(f"apiVersion: reconciler/v1\n{document}" for document in documents)
    (folder / "manifests" / "all.yaml").write_text(text)


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """An apply on two targets, a rename, and a killed run whose steps were sent and settled by `recover`."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "manifests").mkdir()
    past = Past(folder, "", "")
    cwd = Path.cwd()
    os.chdir(folder)
    with Simulator(certificates=12) as server:
        text = server.settings.read_text()
        (folder / "reconciler.yaml").write_text(re.sub("(?m)^state: .*$", "state: .reconciler/", text))
        old = ROLE.replace("NAME", "Auditors").replace("DESCRIPTION", "First")
        new = ROLE.replace("NAME", "Audit, renamedFrom: Auditors").replace("DESCRIPTION", "Second")
        ids = []
        for documents in ((HANDLER, EVENT, old), (new,)):
            declare(folder, *documents)
            code, stdout, stderr = past.run("apply", "--yes", "--format", "json")
            assert code == 0, stderr
            ids.append(json.loads(stdout)["run"]["id"])
        declare(folder, new.replace("Second", "Third"))
        leave_open(folder, send=True)
        assert past.run("recover")[0] == 0
    # Gone, and the files of its secrets with it.
    yield past._replace(first=ids[0], renaming=ids[1])
    os.chdir(cwd)


@pytest.fixture
def past(remembered: Past, monkeypatch: pytest.MonkeyPatch) -> Past:
    monkeypatch.chdir(remembered.folder)
    return remembered


def test_runs_are_listed_the_newest_first(past: Past) -> None:
    """Over all targets as one; what a dead run left is told as that, and settling is a run of its own."""
    runs = past.read()
    assert [(run["command"], run["outcome"]["name"], run["targets"]) for run in runs] == [
        ("recover", "ok", ["command"]),
        ("apply", "ok", ["command"]),
        ("apply", "ok", ["command", "csms"]),
        ("apply", "unknown", ["command", "csms"]),
    ]
    first = runs[2]
    assert (first["id"], first["user"], first["job"], first["counts"]) == (
        past.first, "ada", "https://ci.example.com/jobs/77", {"applied": 3})  # fmt: skip
    assert first["started"] < first["ended"]
    assert [step["step"] for step in first["steps"]] == [f"{past.first}/{number}" for number in (1, 2, 3)]


def test_the_list_as_text(past: Past) -> None:
    _, stdout, stderr = past.run("history", "--limit", "2")
    lines = stdout.splitlines()
    assert lines[4].startswith(f"{past.renaming}  apply  ok  1 applied")
    assert lines[5].endswith("s), target command")
    assert lines[6].startswith("    ada on ")
    assert "https://ci.example.com/jobs/77; plan " in lines[6]
    assert len(lines) == 7
    assert stderr == "exit 0: ok\n"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("argv", [[], ["RUN"], ["--object", "SecurityRole"]], ids=["list", "run", "object"])
def test_text_fits_the_terminal(past: Past, argv: list[str], columns: int) -> None:
    """A word that is longer than that, such as a URL, is left whole."""
    code, stdout, _ = past.run("history", *[past.first if word == "RUN" else word for word in argv], columns=columns)
    assert code == 0
    assert [line for line in stdout.splitlines() if len(line) > columns] == []


def test_a_run_shows_each_step_with_what_was_before(past: Past) -> None:
    code, stdout, _ = past.run("history", past.first[:-2])
    assert code == 0
    for part in (
        f"1  ~ EventHandler log  applied  {CLASS} (id 1)  target command",
        '    displayName  "Denied request logger" -> "Log"\n    enabled      false -> true',
        '    description  "Read-only access for the auditors" -> "First"',
        '- "/security/read/"',
        "    PUT /EventHandlerRegistration/1; intended 20",
        ", request id ",
        "by the run itself",
        "manifests/all.yaml:1:1",
    ):
        assert part in stdout


def test_a_step_that_another_run_settled_says_which_and_who(past: Past) -> None:
    _, stdout, _ = past.run("history", RIVAL)
    recovery = past.read()[0]["id"]
    assert f"settled by reading, in run {recovery} (ada on " in stdout
    (step,) = past.read(RIVAL)[0]["steps"]
    assert (step["verdict"], step["results"][0]["by"], step["results"][0]["user"]) == ("applied", "later_run", "ada")


# The killed run has the clock of 1970.
LIVES = {
    "a role through its rename": ("SecurityRole/Audit", ["Second", "First", "Third"]),
    "by a pattern": ("SecurityRole/audit*", ["Second", "First", "Third"]),
    "by what it was called before": ("SecurityRole/Auditors", ["Second", "First"]),
    "a handler by its class": (f"EventHandler/{CLASS}", ["Log"]),
    "an object that nobody touched": ("SecurityRole/Nobody", []),
}


@pytest.mark.parametrize(("pattern", "values"), LIVES.values(), ids=LIVES)
def test_the_life_of_an_object(past: Past, pattern: str, values: list[str]) -> None:
    texts = ("description", "displayName")
    changes = [change for run in past.read("--object", pattern) for step in run["steps"] for change in step["changes"]]
    assert [change["after"] for change in changes if change["path"] in texts] == values


WRONG = {
    "a run that there is not": (["99"], "no run 99 is remembered on these targets"),
    "nothing at all": ([""], "no run  is remembered"),
    "the beginning of several": (["2"], "4 runs begin with 2: "),
    "a kind that there is not": (["--object", "Rolle/x"], "there is no kind 'Rolle'"),
    "no name": (["--object", "SecurityRole/"], "the name after the slash is empty"),
    "no duration": (["--since", "yesterday"], "is none; a duration is"),
    "no runs at all": (["--limit", "0"], "0 is not in the range"),
    "a target that there is not": (["--target", "nowhere"], "no target is called 'nowhere'"),
}


@pytest.mark.parametrize(("argv", "reason"), WRONG.values(), ids=WRONG)
def test_what_was_typed_wrongly_is_told(past: Past, argv: list[str], reason: str) -> None:
    code, _, stderr = past.run("history", *argv)
    assert (code, reason in stderr) == (Exit.USAGE, True), stderr


def test_filters_narrow_the_list(past: Past) -> None:
    assert [run["id"] for run in past.read("--target", "csms")] == [past.first, RIVAL]
    assert past.read("--since", "1h", "--limit", "9")[-1]["id"] == past.first
    assert past.read("--since", "0s") == []
    assert past.run("history", "--since", "0s")[1] == "No such run is remembered.\n"


def test_an_export_is_verified_and_goes_on(past: Past) -> None:
    """The bodies are in it, and a later one holds nothing twice."""
    names = ("one.jsonl", "two.jsonl")
    code, stdout, _ = past.run("history", "export", "--out", names[0])
    assert code == 0
    assert past.run("history", "verify", names[0])[:2] == (
        0, stdout.replace("Saved to one.jsonl: ", "The chain holds: ")
        .replace("write down the digest of the footer:", "the digest of the last footer is"))  # fmt: skip
    text = (past.folder / names[0]).read_text()
    assert '\\"displayName\\"' in text, "what was before is in it"
    assert past.run("history", "export")[1] == text
    assert past.run("history", "export", "--after", names[0], "--out", names[1])[0] == 0
    assert len((past.folder / names[1]).read_text().splitlines()) == 2
    assert past.run("history", "verify", *names)[0] == 0
    assert "was not given" in past.run("history", "verify", names[1])[1]
    (past.folder / names[0]).write_text(text.replace('"actor":"ada"', '"actor":"eve"', 1))
    code, _, stderr = past.run("history", "verify", names[0], "--format", "json")
    assert code == Exit.STALE
    assert stderr.startswith("one.jsonl:2:1: its digest does not hold: it was changed;")
    assert past.run("history", "export", "--after", names[0])[0] == Exit.STALE
    assert past.run("history", "verify", "none.jsonl")[0] == Exit.USAGE
    assert past.run("history", "export", "--out", "nowhere/x.jsonl")[0] == Exit.USAGE


def test_an_export_as_a_document_is_the_same_chain(past: Past) -> None:
    lines = past.run("history", "export")[1].splitlines()
    report = json.loads(past.run("history", "export", "--format", "json")[1])
    assert report["records"] == [json.loads(line) for line in lines]
    assert report["digest"] == json.loads(lines[-1])["digest"]


def test_a_page_has_the_runs_and_what_drift_saw(past: Past) -> None:
    """With the steps of each run, which the text of a list leaves out."""
    with open_store_of(past.folder) as (store, targets):
        item = DriftItem("SecurityRole/Audit", "permissions", "0" * 32)
        store.remember_drift(targets["command"], "d-1", [item], [item.address])
        store.remember_drift(targets["command"], "d-2", [], [item.address])
    code, page, _ = past.run("history", "--report", "html=-")
    assert (code, "no runs" in page) == (0, False)
    for words in (past.first, past.renaming, "SecurityRole/Audit permissions: since ", ", cleared ", 'role="img"'):
        assert words in page
    assert "<code>&#34;Second&#34;</code>" in page
    for argv, is_there in (
        (["--object", "SecurityRole/aud*"], True),
        (["--since", "1h"], True),
        (["--since", "0s"], False),
        (["--object", "SecurityRole/Nobody"], False),
        (["--object", "EventHandler/*"], False),
        ([past.first], False),
    ):
        narrowed = past.run("history", *argv, "--report", "html=-")[1]
        assert ("SecurityRole/Audit permissions: since " in narrowed) is is_there, argv


def test_a_run_that_settled_first_and_was_killed_then_is_unfinished(past: Past) -> None:
    """Giving back the lease between the two is no end of the run."""
    with open_store_of(past.folder) as (store, targets):
        run = store.read_run(targets["csms"], past.first)
        assert run
        lease = store.claim(run.run)
        (record, *_) = store.list_runs(targets["csms"])
        assert (record.id, record.ended, record.exit) == (past.first, "", None)
        (told, *_) = past.read("--target", "csms")
        assert told["outcome"] == {"code": None, "name": "running"}
        assert store.unlock(targets["csms"], lease.run)
        (told, *_) = past.read("--target", "csms")
        assert told["outcome"] == {"code": None, "name": "unfinished"}
        whole = next(told for told in past.read() if told["id"] == past.first)
        assert (whole["outcome"]["name"], whole["ended"]) == ("unfinished", ""), "it ended on one target alone"


LOOKING = {"history": 0, "history 2026": 3, "undo 2026 --out u.json": 3, "unlock 20261128T120000-0000feed": 3}


@pytest.mark.parametrize(("argv", "code"), LOOKING.items())
def test_looking_makes_no_store(argv: str, code: int, run: Run, folder: Path) -> None:
    """Nothing is remembered where nothing was done, and it stays so."""
    auth = "{type: bearer, token: {env: TOKEN}}"
    target = f"{{api: keyfactor, url: https://keyfactor.example.com/KeyfactorAPI, auth: {auth}}}"
    head = "apiVersion: reconciler/v1\nkind: Settings\nmanifests: manifests/\n"
    (folder / "reconciler.yaml").write_text(f"{head}state: .reconciler/\ntargets: {{command: {target}}}\n")

    assert run(argv.split())[0] == code

    assert not (folder / ".reconciler").exists()
