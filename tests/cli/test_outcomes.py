"""Every way in which a command can end has one code, one last line, and valid JSON if that was asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from errno import ENOSPC
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.cli.commands import cli
from reconciler.errors import EXIT_MEANINGS, Exit
from tests.cli.conftest import Run

ROLE = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec: {description: Day-to-day operations}
"""
BROKEN = ROLE.replace("description", "descripton")
POLICY = """\
---
apiVersion: reconciler/v1
kind: Policy
metadata: {name: mail}
spec: {level: mandatory, over: document, rule: has(spec.emailAddress), message: over each document}
"""
SETTINGS = """\
apiVersion: reconciler/v1
kind: Settings
targets:
  command:
    api: keyfactor
    url: http://127.0.0.1:1/KeyfactorAPI
    auth: {type: basic, username: 'CORP\\svc', password: {env: PASSWORD}}
"""

# name, files, argv, code, a word that the reader is told
OUTCOMES = [
    ("valid", {"m/a.yaml": ROLE}, "validate m", 0, ""),
    ("invalid", {"m/a.yaml": BROKEN}, "validate m", 4, "description"),
    ("invalid for plan", {"m/a.yaml": BROKEN, "reconciler.yaml": SETTINGS}, "plan m", 4, "m/a.yaml:4:8"),
    ("invalid for apply", {"m/a.yaml": BROKEN, "reconciler.yaml": SETTINGS}, "apply m --yes", 4, "m/a.yaml:4:8"),
    ("invalid for drift", {"m/a.yaml": BROKEN, "reconciler.yaml": SETTINGS}, "drift m", 4, "m/a.yaml:4:8"),
    ("unreachable", {"m/a.yaml": ROLE, "reconciler.yaml": SETTINGS}, "plan m", 12, "127.0.0.1"),
    ("unreachable for drift", {"m/a.yaml": ROLE, "reconciler.yaml": SETTINGS}, "drift m", 12, "127.0.0.1"),
    ("unreachable for apply", {"m/a.yaml": ROLE, "reconciler.yaml": SETTINGS}, "apply m --yes", 12, "127.0.0.1"),
    ("nothing declared", {"m/note.txt": "", "reconciler.yaml": SETTINGS}, "plan m", 6, "nothing is declared"),
    ("no such path", {"reconciler.yaml": SETTINGS}, "plan nowhere", 3, "nowhere"),
    ("no such settings", {"m/a.yaml": ROLE}, "plan m --config x.yaml", 3, "x.yaml"),
    ("no target", {"m/a.yaml": ROLE}, "plan m", 3, "reconciler.yaml"),
    ("settings among the manifests", {"m/reconciler.yaml": SETTINGS}, "plan m --config m/reconciler.yaml", 3, "inside"),
    ("selection of nothing", {"m/a.yaml": ROLE}, "validate m --only SecretEvent", 3, "matches none"),
    ("unknown kind", {"m/a.yaml": ROLE}, "validate m --only SecurityRoles", 3, "did you mean SecurityRole?"),
    ("empty name", {"m/a.yaml": ROLE}, "validate m --only SecurityRole/", 3, "after the slash"),
    ("odd label", {"m/a.yaml": ROLE}, "validate m --label team", 3, "KEY=VALUE"),
    ("unknown target", {"m/a.yaml": ROLE}, "validate m --target prod", 3, "command"),
    ("unknown risk", {"m/a.yaml": ROLE}, "apply m --approve medium", 3, "low,high,irreversible"),
    ("not a plan", {"p.bin": "{}"}, "apply p.bin", 7, "p.bin"),
    ("a damaged plan", {"p.json": '{\n  "format_version": "1.0",\n  "comm'}, "apply p.json", 7, "p.json"),
    ("part of a plan", {"p.bin": "{}"}, "apply p.bin --only SecurityRole", 3, "whole"),
    ("no plan to show", {}, "show p.json", 3, "no such file"),
    ("a manifest to show", {"a.json": "{}"}, "show a.json", 7, "a.json"),
    (
        "a YAML manifest to show",
        {"a.yaml": "kind: x\n"},
        "show a.yaml",
        7,
        "no saved plan: nothing in it is what plan --out writes; nothing was done",
    ),
    ("half a plan to show", {"p.json": '{\n  "format_version": "1.0"'}, "show p.json", 7, "its digest does not hold"),
    ("a device to show", {}, "show /dev/null", 3, "no regular file; make a plan"),
    ("a folder to show", {"m/a.yaml": ""}, "show m", 3, "this is a folder; make a plan"),
    ("plan over a manifest", {"m/a.yaml": ROLE}, "plan m --out m/b.yaml", 3, "manifest"),
    ("plan over a manifest in capitals", {"m/a.yaml": ROLE}, "plan m --out m/b.YML", 3, "manifest"),
    ("plan among the manifests", {"m/a.yaml": ROLE}, "plan m --out m/p.json", 3, "--out lies among the manifests"),
    ("plan deep among the manifests", {"m/d/a.yaml": ROLE}, "plan m --out ./m/d/P.JSON", 3, "among the manifests"),
    ("plan over the manifest", {"m/a.json": "{}"}, "plan m/a.json --out m/a.json", 3, "among the manifests"),
    ("plan among other manifests", {"m/a.yaml": ROLE, "manifests/x": ""}, "plan m --out manifests/p.json", 3, "among"),
    (
        "plan over a diary",
        {"m/a.yaml": ROLE, "p": "dear diary"},
        "plan m --out p",
        3,
        "is no saved plan; --out writes over",
    ),
    (
        "plan over a report",
        {"m/a.yaml": ROLE, "p": '{"steps": []}'},
        "plan m --out p",
        3,
        "there already and is no saved",
    ),
    ("plan over an empty file", {"m/a.yaml": ROLE, "p": ""}, "plan m --out p", 3, "no target is configured"),
    ("plan into a file of another kind", {"m/a.yaml": ROLE}, "plan m --out m/p.bin", 3, "no target is configured"),
    ("plan into a hidden file", {"m/a.yaml": ROLE}, "plan m --out m/.p.json", 3, "no target is configured"),
    ("plan beside the manifests", {"m/a.yaml": ROLE}, "plan m --out p.json", 3, "no target is configured"),
    ("plan into nowhere", {"m/a.yaml": ROLE}, "plan m --out x/p.json", 3, "folder"),
    ("plan into a device", {"m/a.yaml": ROLE}, "plan m --out /dev/null", 3, "not a regular file"),
    ("plan into an impossible name", {"m/a.yaml": ROLE}, f"plan m --out {'x' * 300}.json", 3, "File name too long"),
    ("plan into no name", {"m/a.yaml": ROLE}, "plan m --out=", 3, "--out is empty"),
    ("no command but a flag", {}, "--no-color", 3, "no such option"),
    ("unknown command", {}, "aply", 3, "apply"),
    ("unknown flag", {}, "plan --fromat", 3, "--format"),
    ("a flag cut short", {}, "plan --out", 3, "--out"),
    ("wrong format", {}, "plan --format xml", 3, "xml"),
    ("explain nothing", {}, "explain", 0, ""),
    ("explain a strange field", {}, "explain SecurityRole.permission", 3, "did you mean permissions?"),
    ("explain below a value", {}, "explain EventHandler.enabled.x", 3, "plain value"),
    ("explain", {}, "explain SecurityRole.claims.type", 0, ""),
    ("kinds", {}, "kinds", 0, ""),
    ("rendered", {"m/a.yaml": ROLE}, "render m", 0, "m/a.yaml:4"),
    ("nothing to render", {"m/a.yaml": "x: 1\n"}, "render m", 4, "m/a.yaml:1:1"),
    ("no policies", {"m/a.yaml": ROLE}, "policy m", 0, ""),
    ("policies", {"m/a.yaml": ROLE + POLICY}, "policy m", 0, "over each document"),
    ("no rule of a policy", {"m/a.yaml": ROLE + POLICY.replace("has(", "hs(")}, "policy m", 4, "m/a.yaml:9:48"),
    (
        "a broken policy",
        {"m/a.yaml": ROLE + POLICY},
        "validate m",
        6,
        "SecurityRole/PKI Operators breaks the policy",
    ),
    ("a script for a shell", {}, "completion bash", 0, ""),
    ("an unknown shell", {}, "completion tcsh", 3, "tcsh"),
    ("exit codes", {}, "exit-codes", 0, ""),
    ("two ways with schemas", {}, "schema --write a --check b", 3, "exclude"),
    ("no schemas", {}, "schema --check nowhere", 3, "no such folder"),
    ("stale schemas", {}, "schema --check .", 4, "SecurityRole.json"),
]
CASES = [pytest.param(files, argv.split(), code, word, id=name) for name, files, argv, code, word in OUTCOMES]


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(("files", "argv", "code", "word"), CASES)
def test_each_outcome_has_its_code_and_says_so_last(
    run: Run, folder: Path, files: dict[str, str], argv: list[str], code: int, word: str
) -> None:
    """The name of the code is the last line of stderr, and what to mend is told before it."""
    _write(folder, files)
    ended, stdout, stderr = run(argv, {"PASSWORD": "x", "HOME": str(folder)})
    assert (ended, stderr.splitlines()[-1]) == (code, f"exit {code}: {Exit(code).word}")
    assert word in stdout + stderr
    assert "Traceback" not in stderr
    if code:
        assert "in sync" not in (stdout + stderr).lower()


JSON_CASES = [
    pytest.param(files, argv.split(), code, word, id=name)
    for name, files, argv, code, word in OUTCOMES
    if name != "wrong format" and argv.split()[:1] not in (["schema"], ["completion"])
]


@pytest.mark.parametrize(("files", "argv", "code", "word"), JSON_CASES)
def test_stdout_is_one_json_document_in_every_outcome(
    run: Run, folder: Path, files: dict[str, str], argv: list[str], code: int, word: str
) -> None:
    """Whatever went wrong, and however early, the document has the code and the reason."""
    _write(folder, files)
    asked = [*argv[:1], "--format", "json", *argv[1:]]
    ended, stdout, stderr = run(asked, {"PASSWORD": "x", "HOME": str(folder)})
    shown = json.loads(stdout)
    assert (ended, shown["outcome"]) == (code, {"code": code, "name": Exit(code).word})
    assert word in stdout
    assert bool(shown["problems"]) == bool(code)
    assert stderr.splitlines()[-1] == f"exit {code}: {Exit(code).word}"


@pytest.mark.parametrize("argv", [["schema"], ["demo"], ["simulate"], ["plan", "--format=text"], ["aply"]])
def test_a_format_that_is_not_offered_is_still_answered_in(run: Run, argv: list[str]) -> None:
    """The last format that is named counts; a command without one answers the mistake in it."""
    ended, stdout, _ = run([*argv, "--format", "json", "--strange"])
    assert ended == 3
    assert json.loads(stdout)["outcome"]["name"] == "usage"


def test_the_codes_are_those_of_the_contract() -> None:
    """No two outcomes share a code, and the list that is printed is the list that is used."""
    words = "ok internal changes usage invalid auth refused stale locked partial incomplete unknown unreachable"
    published = {**dict(enumerate(words.split())), 130: "interrupted"}
    assert {int(code): code.word for code in EXIT_MEANINGS} == published


class Broken(StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_who_has_gone_is_no_fault(folder: Path) -> None:
    """The code is that of the outcome, and nothing is said about the pipe."""
    stderr = StringIO()
    assert main(["kinds"], {}, Broken(), stderr, StringIO()) == 0
    assert stderr.getvalue() == "exit 0: ok\n"
    assert main(["kinds"], {}, Broken(), Broken(), StringIO()) == 0


class Full(StringIO):
    """A stream into a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(ENOSPC, "No space left on device")


@pytest.mark.parametrize("argv", [["kinds"], ["kinds", "--format", "json"], ["schema"]])
def test_a_result_that_is_lost_is_no_success(folder: Path, argv: list[str]) -> None:
    """Half a result looks like a whole one, so the code and stderr say it; a full stderr changes nothing."""
    stderr = StringIO()
    assert main(argv, {}, Full(), stderr, StringIO()) == 10
    assert stderr.getvalue().startswith("stdout: can't be written: No space left on device; the result is incomplete; ")
    assert stderr.getvalue().splitlines()[-1] == "exit 10: incomplete"
    assert main(argv, {}, StringIO(), Full(), StringIO()) == 0
    assert main(["validate", "--help"], {}, Full(), Full(), StringIO()) == 0


def test_a_disk_that_is_full_is_no_matter_of_flags(folder: Path) -> None:
    """Another name alone would mend nothing; a limit on the size of files stands for the disk."""
    line = 'ulimit -f 1; exec "$0" -m reconciler schema --write made'
    ran = subprocess.run(["bash", "-c", line, sys.executable], capture_output=True, check=False)
    assert ran.returncode == 10, ran.stderr
    assert ran.stderr.startswith(b"made: can't be written: File too large; make room")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_process_may_be_started_without_streams(folder: Path, closed: str) -> None:
    """As a daemon does; the code is that of the outcome, and there is no traceback."""
    ran = subprocess.run(
        ["bash", "-c", f'"$0" -m reconciler apply nowhere {closed}', sys.executable], capture_output=True, check=False
    )
    assert ran.returncode == 3
    assert b"Traceback" not in ran.stderr


class Faulty(dict[str, str]):
    """An environment that fails with a secret in its message, once each command asks for it."""

    def get(self, key: str, default: object = None) -> str:
        raise LookupError("hunter2")

    __getitem__ = get


@pytest.mark.parametrize("argv", [["validate"], ["plan", "--format", "json"], ["kinds"]])
def test_a_bug_is_one_line_without_what_it_held(folder: Path, argv: list[str]) -> None:
    """No traceback, no message of the exception (it may quote a secret), but the place where it happened."""
    stdout, stderr = StringIO(), StringIO()
    assert main(argv, Faulty(), stdout, stderr, StringIO()) == 1
    told = stdout.getvalue() + stderr.getvalue()
    assert "LookupError at " in told
    assert "please report" in told
    assert "hunter2" not in told
    assert "Traceback" not in told
    assert stderr.getvalue().splitlines()[-1] == "exit 1: internal"
    if "json" in argv:
        assert json.loads(stdout.getvalue())["outcome"]["name"] == "internal"


class Interrupted(dict[str, str]):
    """An environment during whose reading somebody presses Ctrl-C."""

    def get(self, key: str, default: object = None) -> str:
        raise KeyboardInterrupt


def test_an_interruption_is_an_outcome(folder: Path) -> None:
    """130, in JSON too."""
    stdout, stderr = StringIO(), StringIO()
    env = Interrupted(HOME="/")
    assert main(["validate", "--format", "json"], env, stdout, stderr, StringIO()) == 130
    assert json.loads(stdout.getvalue())["outcome"]["name"] == "interrupted"
    assert stderr.getvalue() == "exit 130: interrupted\n"


def test_every_command_of_the_contract_is_there() -> None:
    """The table of the contract, as far as these commands go."""
    words = "validate plan apply drift show export schema explain kinds exit-codes simulate demo"
    assert set(words.split()) <= set(cli.commands)


HOSTILE = ["\x1b[31mred", "a\nexit 0: ok", "::add-mask::x", "##vso[task.complete]", "\u202eabc", "\udcff"]


@pytest.mark.parametrize("word", HOSTILE)
@pytest.mark.parametrize("before", [[], ["plan"], ["plan", "--only"], ["explain"], ["show"], ["plan", "--config"]])
def test_foreign_words_on_the_command_line_do_nothing(run: Run, word: str, before: list[str]) -> None:
    """What is typed is echoed harmlessly."""
    code, _, stderr = run([*before, word])
    assert code == 3
    assert len(stderr.splitlines()) == 2
    assert all(line.isprintable() for line in stderr.splitlines())
    assert not any(line.lstrip().startswith("::") or "##vso[" in line for line in stderr.splitlines())


def test_what_a_stream_cannot_encode_is_spelled_out(folder: Path) -> None:
    """A name outside the stream's alphabet ends no report."""
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding="ascii")
    code = main(["explain", "Rolle\u00e9"], {}, StringIO(), stream, StringIO())
    stream.flush()
    assert code == 3
    assert b"Rolle\\xe9" in raw.getvalue()
