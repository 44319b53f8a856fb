"""`-v` and `--trace`: what a run asked for and what was answered, for a person, without a secret in any form."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from reconciler.cli import main
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.progress import Progress
from reconciler.simulator import Simulator
from tests.cli.conftest import Run, Terminal
from tests.support.har_documents import find_leaks, list_texts, read_har

MANIFESTS = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec: {description: Changed}
---
apiVersion: reconciler/v1
kind: SecretEvent
metadata: {name: rotation-audit}
spec: {state: DISABLED}
"""
COMMANDS = (
    *("plan", "apply --yes", "drift", "export", "doctor", "recover", "adopt", "history"),
    *("plan --format json", "doctor --format json"),
)
LOGINS = {
    "OAuth and keys": (
        "{{type: oauth, tokenUrl: '{url}/oauth/token', clientId: reconciler, clientSecret: {{env: CLIENT}}}}",
        "{{type: aksk, accessKey: {{env: ACCESS}}, secretKey: {{env: SECRET}}, securityToken: {{env: TOKEN}}}}",
    ),
    "Basic and IAM": (
        "{{type: basic, username: 'CORP\\svc-reconciler', password: {{env: PASSWORD}}}}",
        "{{type: password, user: reconciler, domain: example, password: {{env: IAM}}}}",
    ),
}
LINE = re.compile(r"(command|csms) (GET|PUT|POST) /\S+ -> (\d{3}|no answer), \d+ ms(, .*)?")


class World(NamedTuple):
    """A server, the variables of an account on it, and the folder of its manifests."""

    server: Simulator
    env: Mapping[str, str]
    folder: Path

    def log_in(self, login: str) -> None:
        """Write settings that log in so."""
        command, csms = (auth.format(url=self.server.url) for auth in LOGINS[login])
        project = self.server.credentials["csms"]["project_id"]
        (self.folder / "reconciler.yaml").write_text(
            f"apiVersion: reconciler/v1\nkind: Settings\nstate: state/\ntargets:\n"
            f"  command:\n    api: keyfactor\n    url: {self.server.url}/KeyfactorAPI\n    auth: {command}\n"
            f"  csms:\n    api: csms\n    url: {self.server.url}\n    iamUrl: {self.server.url}\n"
            f"    projectId: {project}\n    auth: {csms}\n"
        )

    def list_canaries(self) -> list[str]:
        """Return all that lets somebody in: the accounts' secrets, and each token that was given out."""
        world = self.server.world
        issued = (*world.bearer_tokens._issued, *world.iam_tokens._issued)
        return [*self.env.values(), *issued]


@pytest.fixture
def world(folder: Path) -> Iterator[World]:
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(MANIFESTS)
    with Simulator(certificates=3) as server:
        keyfactor, csms, keys = server.credentials["keyfactor"], server.credentials["csms"], server.temporary_keys()
        env = {
            "CLIENT": keyfactor["client_secret"],
            "PASSWORD": keyfactor["password"],
            "IAM": csms["password"],
            "ACCESS": keys["access_key"],
            "SECRET": keys["secret_key"],
            "TOKEN": keys["security_token"],
        }
        world = World(server, env, folder)
        world.log_in("OAuth and keys")
        yield world


def read_trace(folder: Path) -> list[dict[str, Any]]:
    return read_har((folder / "t.har").read_text("utf-8"))


@pytest.mark.parametrize("login", LOGINS)
def test_no_secret_is_in_the_trace_or_the_lines(run: Run, world: World, login: str) -> None:
    """Whatever the command and the login; and each request that the server met is in both, as is each login."""
    world.log_in(login)
    for command in COMMANDS:
        world.server.forget_requests()
        _, stdout, stderr = run([*command.split(), "-v", "--trace", "t.har"], world.env)
        document = (world.folder / "t.har").read_text("utf-8")
        entries, lines = read_har(document), [line for line in stderr.splitlines() if LINE.fullmatch(line)]
        asked = [(entry["method"], entry["status"]) for entry in world.server.requests]
        assert len(asked) == len(entries) == len(lines), command
        assert asked or command in {"recover", "history"}
        met = sorted((entry["request"]["method"], entry["response"]["status"]) for entry in entries)
        assert met == sorted(asked)
        assert find_leaks([*list_texts(document), stderr, stdout], world.list_canaries()) == set()
        if "json" in command:
            json.loads(stdout)


def test_a_trace_shows_requests_with_their_bodies_and_only_their_owner_reads_it(run: Run, world: World) -> None:
    """What was sent, byte for byte; the times, and what the server calls a request, on the line."""
    code, _, stderr = run(["apply", "--yes", "--trace", "t.har", "-v"], world.env)
    assert code == 0
    assert (world.folder / "t.har").stat().st_mode & 0o777 == 0o600
    entries = read_trace(world.folder)
    puts = [entry for entry in entries if entry["request"]["method"] == "PUT"]
    assert {entry["_target"] for entry in puts} == {"command", "csms"}
    assert all(json.loads(entry["request"]["postData"]["text"]) for entry in puts)
    assert all(entry["time"] > 0 for entry in entries)
    assert re.search(
        r"^csms PUT /v1/\S+/events/rotation-audit -> 200, \d+ ms, request id \w{32}$", stderr, re.MULTILINE
    )
    assert stderr.splitlines()[-1] == "exit 0: ok"


def test_without_them_nothing_is_written(run: Run, world: World) -> None:
    """Neither a line nor a file."""
    _, _, stderr = run(["plan"], world.env)
    assert stderr == "exit 0: ok\n"
    assert sorted(path.name for path in world.folder.iterdir()) == ["manifests", "reconciler.yaml"]


def drop_read(world: World) -> None:
    world.server.fault("GET", "/Security/Roles", "drop")


def interrupt(world: World) -> None:
    world.server.fault("GET", "/Security/Roles", "edit", call=lambda: os.kill(os.getpid(), signal.SIGINT))


def break_manifest(world: World) -> None:
    (world.folder / "manifests" / "all.yaml").write_text("kind: [")


OUTCOMES = {
    "no answer, and one when asked again": ("plan", drop_read, 0, "the connection was closed before an answer came"),
    "a signal": ("plan", interrupt, 130, ""),
    "an error before the first request": ("plan", break_manifest, 4, ""),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_trace_is_there_however_a_run_ends(run: Run, world: World, outcome: str) -> None:
    """Whole, with why there was no answer."""
    command, disturb, expected, reason = OUTCOMES[outcome]
    disturb(world)
    code, _, stderr = run([*command.split(), "--trace", "t.har", "-v"], world.env)
    assert code == expected, stderr
    failed = [entry for entry in read_trace(world.folder) if entry["response"]["status"] == 0]
    assert reason in [entry.get("comment", "") for entry in failed] or not reason
    assert re.search(r"command GET /KeyfactorAPI/Security/Roles\S* -> no answer, ", stderr) or not reason


def test_the_trace_of_a_bug_is_there_as_well(world: World) -> None:
    """What was asked before it is just what whoever mends it wants to see."""
    stdout, stderr, broken = StringIO(), StringIO(), cast(Any, object())
    argv = ["apply", "--yes", "--trace", "t.har"]
    assert main(argv, world.env, stdout, stderr, StringIO(), timing=broken) == 1
    assert read_trace(world.folder) == []
    assert stderr.getvalue().endswith("exit 1: internal\n")


def test_an_answer_that_cannot_be_taken_is_in_it_with_what_came(run: Run, world: World) -> None:
    """Its status and headers came; its body was too large."""
    world.server.fault("GET", "/csms/events", "bomb")
    run(["plan", "--only", "SecretEvent", "--trace", "t.har"], world.env)
    entry = read_trace(world.folder)[-1]
    assert entry["response"]["status"] == 200
    assert entry["comment"] == "the answer can't be used: it is larger than 16 MiB"


REFUSED = {
    "no name": ("", "--trace needs a file of its own"),
    "a stream": ("-", "--trace needs a file of its own"),
    "nowhere": ("none/t.har", "its folder does not exist"),
    "a folder": ("manifests", "is a folder"),
    "a device": ("/dev/null", "is not a regular file"),
    "among the manifests": ("manifests/t.json", "would be read as a manifest"),
    "a manifest by its name": ("t.yaml", "would be read as a manifest"),
    "another file": ("notes.txt", "is there already and is no HTTP Archive"),
    "another JSON": ("other.json", "is there already and is no HTTP Archive"),
    "the settings": ("reconciler.yaml", "would be read as a manifest"),
    "the saved plan": ("p.json", "this command reads or writes that file itself"),
}


@pytest.mark.parametrize("place", REFUSED)
def test_a_place_that_cannot_take_a_trace_is_refused_before_anything_is_read(
    run: Run, world: World, place: str
) -> None:
    """No request is sent, and what is there stays."""
    name, message = REFUSED[place]
    (world.folder / "notes.txt").write_text("dear diary")
    (world.folder / "other.json").write_text('{"logs": {}}')
    before = {path: path.read_bytes() for path in world.folder.rglob("*") if path.is_file()}
    code, _, stderr = run(["plan", "--out", "p.json", "--trace", name], world.env)
    assert (code, world.server.requests) == (3, [])
    assert message in stderr
    assert {path: path.read_bytes() for path in world.folder.rglob("*") if path.is_file()} == before


def test_an_earlier_trace_is_replaced_and_an_empty_file_taken(run: Run, world: World) -> None:
    """As a person expects who runs the same command again, or has mktemp make the name."""
    (world.folder / "t.har").touch()
    for _ in range(2):
        assert run(["export", "--kind", "SecurityRole", "--trace", "t.har"], world.env)[0] == 0
        assert len(read_trace(world.folder)) > 2


def test_a_trace_that_cannot_be_written_in_the_end_is_told(run: Run, world: World) -> None:
    """The plan is shown all the same, but that is no success."""
    (world.folder / "deep").mkdir()
    world.server.fault("GET", "/csms/events", "edit", call=(world.folder / "deep").rmdir)
    code, stdout, stderr = run(["plan", "--trace", "deep/t.har"], world.env)
    assert code == 10
    assert stdout.startswith("2 to update")
    assert "deep/t.har: the trace can't be written: No such file or directory" in stderr


def test_lines_stand_above_the_progress_line() -> None:
    """At a terminal one line is drawn over and over: the others are whole all the same, and afterwards as before."""
    stderr = Terminal()
    session = Session(StringIO(), StringIO(), stderr, 0.0, {"TERM": "xterm", "COLUMNS": "40"})
    with Progress(session) as progress:
        progress.tell("reading the 4th of many lists")
        session.traffic.lines.write(stderr, "command GET /x -> 200, 1 ms " + "y" * 60)
        progress.tell("reading the 5th")
    session.traffic.lines.write(stderr, "and one more")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stderr.getvalue()).replace("\r", "\n")
    assert "command GET /x -> 200, 1 ms " + "y" * 60 + "\n" in plain
    assert plain.endswith("and one more\n")


def test_a_stream_that_knows_ascii_alone_gets_its_lines(world: World) -> None:
    """What it can't encode is spelled out, above a progress line as well."""
    stdout, stderr = StringIO(), Terminal()
    code = main(["plan", "-v"], {**world.env, "TERM": "dumb"}, stdout, stderr, StringIO())
    assert code == 0
    assert sum(LINE.fullmatch(line) is not None for line in stderr.getvalue().splitlines()) > 3
