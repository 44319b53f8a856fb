"""`--report FORMAT=FILE`: a file of each format beside the answer, however the run ends, whole or not at all."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from errno import ENOSPC
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from reconciler.cli import main
from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.support.format_judges import judge_format

MANIFEST = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec: {description: Changed}
"""


class World(NamedTuple):
    """A server, the folder of its manifests, and the arguments that name its settings."""

    server: Simulator
    folder: Path


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    with Simulator(certificates=3) as server:
        yield server


@pytest.fixture
def world(folder: Path, server: Simulator) -> World:
    (folder / "manifests").mkdir()
    (folder / "manifests" / "role.yaml").write_text(MANIFEST)
    settings = server.settings.read_text("utf-8")
    lines = [line for line in settings.splitlines() if not line.startswith(("manifests:", "state:"))]
    (folder / "reconciler.yaml").write_text("\n".join([*lines, "state: state/", ""]))
    server.forget_requests()
    return World(server, folder)


def read_report(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "r.json").read_text("utf-8"))
    return document


def interrupt(world: World) -> None:
    world.server.fault("GET", "/Security/Roles", "edit", call=lambda: os.kill(os.getpid(), signal.SIGINT))


def break_manifest(world: World) -> None:
    (world.folder / "manifests" / "role.yaml").write_text("kind: [")


def lose_secret(world: World) -> None:
    path = world.folder / "reconciler.yaml"
    path.write_text(re.sub(r"clientSecret: .*", "clientSecret: {env: NOT_SET}", path.read_text()))


def refuse_write(world: World) -> None:
    world.server.fault("PUT", "/Security/Roles", "status", status=400)


def do_nothing(_: World) -> None:
    pass


OUTCOMES = {
    "changes": ("drift", do_nothing, 2),
    "a signal": ("plan", interrupt, 130),
    "no secret": ("plan", lose_secret, 5),
    "a write that is refused": ("apply --yes", refuse_write, 9),
    "a broken manifest": ("validate", break_manifest, 4),
    "an option that does not exist": ("plan --bogus", do_nothing, 3),
    "no such target": ("plan --target nowhere", do_nothing, 3),
    "no such settings": ("plan --config none.yaml", do_nothing, 3),
    "no such plan": ("show none.json", do_nothing, 3),
    "no runs yet": ("history", do_nothing, 0),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_report_is_written_however_a_run_ends(run: Run, world: World, outcome: str) -> None:
    """What the JSON on stdout would have said is in the file; Markdown and the page tell of the same outcome."""
    command, disturb, expected = OUTCOMES[outcome]
    disturb(world)
    argv = [*command.split(), "--report", "json=r.json", "--report=markdown=r.md", "--report", "html=r.html"]
    code, stdout, stderr = run(argv)
    report, markdown = read_report(world.folder), (world.folder / "r.md").read_text("utf-8")
    assert (code, report["outcome"]["code"]) == (expected, expected), stderr
    assert report["command"] == command.split()[0]
    assert not stdout.startswith("{")
    assert markdown.startswith(f"<!-- reconciler:{report['command']}:")
    assert f"exit {expected} (" in markdown
    page = (world.folder / "r.html").read_text("utf-8")
    assert page.startswith("<!doctype html>\n<html")
    assert f"exit {expected}: {report['outcome']['name']}" in page


def test_the_report_of_a_bug_is_there_as_well(world: World) -> None:
    """An option of the tests that holds no clock is a bug as good as any."""
    stdout, stderr, broken = StringIO(), StringIO(), cast(Any, object())
    argv = ["apply", "--yes", "--report", "json=r.json", "--report", "markdown=-"]
    assert main(argv, {}, stdout, stderr, StringIO(), timing=broken) == 1
    assert read_report(world.folder)["outcome"]["name"] == "internal"
    assert "apply: internal" in stdout.getvalue()


class UnaskableStream(StringIO):
    """A stream that fails while its reader is looked at, as a fault in drawing the text does."""

    def isatty(self) -> bool:
        raise RuntimeError


def test_a_report_tells_of_a_bug_that_came_after_it(world: World) -> None:
    """Where the text can't be drawn the run ends with 1, and so says the file."""
    stdout, stderr = UnaskableStream(), StringIO()
    assert main(["plan", "--report", "json=r.json"], {}, stdout, stderr, StringIO()) == 1
    assert read_report(world.folder)["outcome"]["name"] == "internal"


def test_a_report_can_take_the_place_of_the_text(run: Run, world: World) -> None:
    """And a person is told on stderr what it came to, as beside JSON."""
    code, stdout, stderr = run(["plan", "--report", "json=-", "--report", "markdown=r.md"])
    assert (code, json.loads(stdout)["command"]) == (0, "plan")
    assert stderr.startswith("1 to update")
    assert run(["plan", "--format", "json"])[1] == stdout


def test_what_is_not_asked_for_is_not_there(run: Run, world: World) -> None:
    """No file, no request counted."""
    assert run(["plan"])[0] == 0
    assert not {path.name for path in world.folder.iterdir()} & {"r.json", "r.md"}


SAVED_PLAN = '{\n  "format_version": "3.1",\n  "kind": "Plan",\n'
REFUSED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "no format": (("r.json",), "'r.json' is no format of a report"),
    "no such format": (("docx=r",), "'docx' is no format of a report; there are: json, markdown"),
    "a slip": (("markdwon=r.md",), 'did you mean "markdown"? There are: json, markdown, html, junit, sarif'),
    "no file": (("json",), "--report json needs a file"),
    "nowhere": (("json=none/r.json",), "its folder does not exist"),
    "a folder": (("json=manifests",), "is a folder"),
    "among the manifests": (("json=manifests/r.json",), "would be read as a manifest"),
    "a manifest by its name": (("json=r.yaml",), "would be read as a manifest"),
    "another file": (("markdown=notes.txt",), "is there already and is no report in the format markdown"),
    "an earlier plan": (("json=saved.json",), "is there already and is no report in the format json"),
    "the saved plan": (("json=p.json",), "this command reads or writes that file itself"),
    "the trace": (("json=t.har",), "this command reads or writes that file itself"),
    "one file twice": (("json=r.json", "markdown=./r.json"), "another report goes to that file as well"),
    "stdout twice": (("json=-", "markdown=-"), "stdout can take one document"),
}


@pytest.mark.parametrize("row", REFUSED)
def test_a_place_that_cannot_take_a_report_is_refused_before_anything_is_read(run: Run, world: World, row: str) -> None:
    """No request is sent, what is there stays, and the report beside it tells of it."""
    wishes, message = REFUSED[row]
    (world.folder / "notes.txt").write_text("dear diary")
    (world.folder / "saved.json").write_text(SAVED_PLAN)
    options = [word for wish in (*wishes, "markdown=good.md") for word in ("--report", wish)]
    code, _, stderr = run(["plan", "--out", "p.json", "--trace", "t.har", *options])
    assert (code, world.server.requests) == (3, [])
    assert message in stderr
    assert (world.folder / "notes.txt").read_text() == "dear diary"
    assert (world.folder / "saved.json").read_text() == SAVED_PLAN
    assert "plan: usage" in (world.folder / "good.md").read_text("utf-8")
    assert {path.name for path in (world.folder / "manifests").iterdir()} == {"role.yaml"}


def test_a_format_whose_package_is_missing_says_how_to_get_it(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is read, and wherever the report was to go."""
    monkeypatch.setitem(sys.modules, "jinja2", None)
    for place in ("r.html", "-"):
        code, _, stderr = run(["plan", "--report", f"html={place}"])
        assert (code, world.server.requests) == (3, [])
        assert "--report html: the package jinja2 is not installed" in stderr
        assert "pip install 'pki-reconciler[html]'" in stderr


def test_a_slip_puts_no_report_among_the_manifests(run: Run, world: World) -> None:
    """Not even where the command line can't be parsed, so that nothing knows yet which folder is theirs."""
    (world.folder / "manifests").rename(world.folder / "ops")
    code, _, _ = run(["validate", "ops", "--bogus", "--report", "json=ops/r.json", "--report", "markdown=r.md"])
    assert (code, {path.name for path in (world.folder / "ops").iterdir()}) == (3, {"role.yaml"})
    assert (world.folder / "r.md").exists()


def test_json_twice_on_stdout_is_refused(run: Run, world: World) -> None:
    """--format json has it already."""
    code, stdout, stderr = run(["plan", "--format", "json", "--report", "markdown=-"])
    assert (code, json.loads(stdout)["outcome"]["name"]) == (3, "usage")
    assert "--format json goes there as well" in stderr


def test_a_report_that_cannot_be_written_in_the_end_is_told_by_the_others(run: Run, world: World) -> None:
    """The plan is shown all the same, but that is no success, and no report calls it one."""
    (world.folder / "deep").mkdir()
    world.server.fault("GET", "/Security/Roles", "edit", call=(world.folder / "deep").rmdir)
    code, stdout, stderr = run(["plan", "--report", "json=r.json", "--report", "markdown=deep/r.md"])
    assert (code, read_report(world.folder)["outcome"]["code"]) == (10, 10)
    assert stdout.startswith("1 to update")
    assert "deep/r.md: the report can't be written: No such file or directory" in stderr


class FullStream(StringIO):
    """A stream into a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(ENOSPC, "No space left on device")


def test_no_report_calls_it_a_success_that_stdout_was_lost(run: Run, world: World) -> None:
    """They are written before it; the last success, which a file remembers, stays that of the run before."""
    argv = ["drift", "--no-state", "--report", "json=r.json", "--report", "prometheus=r.prom"]
    success = re.compile(r"^reconciler_last_success_timestamp_seconds.* (\S+)$", re.MULTILINE)
    assert run(argv)[0] == 2
    before = success.findall((world.folder / "r.prom").read_text("utf-8"))
    assert main(argv, {}, FullStream(), StringIO(), StringIO()) == 10
    report, numbers = read_report(world.folder), (world.folder / "r.prom").read_text("utf-8")
    assert report["outcome"] == {"code": 10, "name": "incomplete"}
    assert "can't be written: No space left on device" in report["notes"][-1]["message"]
    assert 'outcome="incomplete"} 1' in numbers
    assert success.findall(numbers) == before


ALL = {
    "json": "a.json",
    "markdown": "a.md",
    "junit": "a.xml",
    "sarif": "a.sarif",
    "prometheus": "a.prom",
    "gitlab": "a.gl",
}


def test_all_formats_come_of_one_run(run: Run, world: World) -> None:
    """Twice over the same files; GitHub's commands go to stdout, and its page of the job grows by the Markdown."""
    page = world.folder / "page.md"
    argv = ["drift", "--report", "github=-", *(f"--report={name}={file}" for name, file in ALL.items())]
    for _ in range(2):
        code, stdout, stderr = run(argv, {"GITHUB_STEP_SUMMARY": str(page)})
        assert code == 2, stderr
        assert judge_format("github", stdout) == "drift"
        texts = {name: (world.folder / file).read_text("utf-8") for name, file in ALL.items()}
        for name, text in texts.items():
            judge_format(name, text)
    assert page.read_text("utf-8").count("<!-- reconciler:drift:all -->\n") == 2
    assert page.read_text("utf-8").endswith(f"{texts['markdown']}\n")
    requests = re.search(r"reconciler_run_requests\{.*\} (\d+)\n", texts["prometheus"])
    assert requests
    assert int(requests[1]) * 2 == len(world.server.requests)
    assert {(world.folder / file).stat().st_mode & 0o777 for name, file in ALL.items() if name != "prometheus"} == {
        0o600
    }
    assert (world.folder / "a.prom").stat().st_mode & 0o777 == 0o644


def test_the_last_success_is_taken_over_from_the_file(run: Run, world: World) -> None:
    """So that an alert can tell how long nothing was compared."""
    argv, successes = ["drift", "--no-state", "--report", "prometheus=r.prom"], []
    for disturb, expected in ((do_nothing, 2), (lose_secret, 5)):
        disturb(world)
        assert run(argv)[0] == expected
        text = (world.folder / "r.prom").read_text("utf-8")
        successes.append(re.findall(r"^reconciler_last_success_timestamp_seconds.* (\S+)$", text, re.MULTILINE))
    assert len(successes[0]) == 1
    assert successes[0] == successes[1]


def test_a_full_page_of_a_job_is_told_and_left(run: Run, world: World) -> None:
    """GitHub shows nothing of a page beyond its limit."""
    page = world.folder / "page.md"
    page.write_bytes(b"x" * ((1 << 20) - 100))
    code, _, stderr = run(["plan", "--report", "github=-"], {"GITHUB_STEP_SUMMARY": str(page)})
    assert (code, page.stat().st_size) == (0, (1 << 20) - 100)
    assert "GITHUB_STEP_SUMMARY: the job's summary can't be written: it would be too large" in stderr


def test_a_case_for_each_document_where_nothing_is_compared(run: Run, world: World) -> None:
    """validate: what is selected passes, the rest is skipped."""
    (world.folder / "manifests" / "more.yaml").write_text(MANIFEST.replace("PKI Operators", "Others"))
    assert run(["validate", "--only", "SecurityRole/Others", "--report", "junit=-"])[1].count("<skipped") == 1


def test_a_job_and_a_folder_of_a_repository_are_known(run: Run, world: World) -> None:
    """Places count from its root, and the comment links the job."""
    (world.folder.parent / ".git").mkdir(exist_ok=True)
    env = {"GITHUB_SERVER_URL": "https://ci.example", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "7"}
    _, stdout, _ = run(["drift", "--report", "github=-", "--report", "markdown=r.md"], env)
    (world.folder.parent / ".git").rmdir()
    assert f"::warning file={world.folder.name}/manifests/role.yaml,line=1,col=1," in stdout
    assert "[job](https://ci.example/a/b/actions/runs/7)" in (world.folder / "r.md").read_text("utf-8")


def test_an_earlier_report_is_replaced_and_its_marker_stays(run: Run, world: World) -> None:
    """Whatever the run comes to; another selection has another marker."""
    markers = []
    for disturb, argv in ((do_nothing, ["plan"]), (break_manifest, ["plan"]), (do_nothing, ["plan", "--only", "X"])):
        disturb(world)
        run([*argv, "--report", "markdown=r.md"])
        markers.append((world.folder / "r.md").read_text("utf-8").partition("\n")[0])
    assert markers[0] == markers[1] == "<!-- reconciler:plan:all -->"
    assert markers[2] != markers[0]
