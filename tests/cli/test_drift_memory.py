"""What drift says of earlier runs and remembers for later ones, against the simulator."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.engine.run_history import list_past_differences
from reconciler.engine.run_store import RunOrigin, begin_run, identify_bound
from reconciler.kinds.registry import KINDS
from reconciler.model import Bound
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from reconciler.state.locations import LocalState
from reconciler.state.open_store import open_store
from reconciler.state.records import DriftItem
from reconciler.state.store import RunEnding
from tests.cli.conftest import Run
from tests.support.git_server import run_git

REPORT = jsonschema.Draft202012Validator(build_schemas(KINDS)["report.json"])
OPERATORS, WEB = 2, 3
MANIFESTS = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec: {description: as declared, emailAddress: as.declared@example.com}
---
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: o}
spec: {owner: PKI Operators, certificates: {ids: [1, 99]}, missing: report}
---
apiVersion: reconciler/v1
kind: EventHandler
metadata: {name: denied-logger}
spec: {className: CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger, displayName: as declared}
"""
Look = Callable[..., dict[str, Any]]


@pytest.fixture
def simulator(folder: Path) -> Iterator[Simulator]:
    """A server, and settings whose store is in the current folder."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(MANIFESTS)
    with Simulator(certificates=3) as simulator:
        write_state(folder, simulator, ".reconciler/")
        yield simulator


def write_state(folder: Path, simulator: Simulator, state: str) -> None:
    lines = simulator.settings.read_text().splitlines()
    lines = [f"state: {state}" if line.startswith("state:") else line for line in lines]
    (folder / "reconciler.yaml").write_text("\n".join(lines) + "\n")


@pytest.fixture
def look(run: Run) -> Look:
    """Run drift, and return its document."""

    def look(*argv: str, code: int = 2) -> dict[str, Any]:
        exit_, stdout, stderr = run(["drift", "--format", "json", *argv])
        assert exit_ == code, stderr
        report: dict[str, Any] = json.loads(stdout)
        REPORT.validate(report)
        return report

    return look


def edit_role(simulator: Simulator, **members: Any) -> None:
    with simulator.lock:
        simulator.world.roles[OPERATORS] |= members


def list_status(report: dict[str, Any]) -> dict[str, tuple[str, int]]:
    """Return status and number of runs of each step and absence, by kind."""
    told = [*report["steps"], *report["absences"]]
    kinds = [f"{item['address']['kind']}{'' if 'action' in item else ' absent'}" for item in told]
    return {kind: (item["drift"]["status"], item["drift"]["runs"]) for kind, item in zip(kinds, told, strict=True)}


def list_cleared(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(gone["address"]["kind"], gone["object"].partition(" ")[0], gone["path"]) for gone in report["cleared"]]


def test_differences_are_new_then_known_then_changed_then_cleared(simulator: Simulator, look: Look) -> None:
    """Each change by itself, each step by its youngest, and what is gone once."""
    first = look()
    everything = ("CertificateOwner", "CertificateOwner absent", "EventHandler", "SecurityRole")
    assert list_status(first) == dict.fromkeys(everything, ("new", 1))
    assert first["cleared"] == []
    second = look()
    assert list_status(second) == dict.fromkeys(everything, ("known", 2))

    edit_role(simulator, Description="by hand")
    third = look()
    (role,) = (step for step in third["steps"] if step["address"]["kind"] == "SecurityRole")
    ages = {change["path"]: change["drift"] for change in role["changes"]}
    assert {path: (age["status"], age["runs"]) for path, age in ages.items()} == {
        "description": ("changed", 1), "emailAddress": ("known", 3),
    }  # fmt: skip
    assert role["drift"] == {"status": "changed", "since": ages["emailAddress"]["since"], "runs": 3}
    assert ages["emailAddress"]["since"] < ages["description"]["since"]

    edit_role(simulator, Description="as declared", EmailAddress="as.declared@example.com")
    with simulator.lock:
        simulator.world.certificates[1] = simulator.world.certificates[1]._replace(owner=OPERATORS)
        simulator.world.certificates[99] = simulator.world.certificates[1]._replace(id=99, thumbprint="AB" * 20)
    fourth = look()
    assert list_status(fourth) == {"EventHandler": ("known", 4)}
    cleared = list_cleared(fourth)
    thumbprint = simulator.world.certificates[1].thumbprint
    assert cleared == [
        ("CertificateOwner", thumbprint, "owner"),
        ("CertificateOwner", "id", ""),
        ("SecurityRole", "", "description"),
        ("SecurityRole", "", "emailAddress"),
    ]
    assert look()["cleared"] == []
    edit_role(simulator, Description="by hand")
    assert list_status(look())["SecurityRole"] == ("new", 1)


def test_only_news_may_be_worth_a_code(simulator: Simulator, folder: Path, look: Look) -> None:
    """What is new or changed ends 2, what is known 0; what no memory can tell from news counts as news, aloud."""
    news = ("--exit-on", "new")
    look(*news, code=2)
    assert {status for status, _ in list_status(look(*news, code=0)).values()} == {"known"}
    edit_role(simulator, Description="by hand")
    look(*news, code=2)
    look(*news, code=0)
    edit_role(simulator, **REPAIRED)
    assert look(*news, code=0)["cleared"], "what is gone is no news of this sort"
    look("--exit-on", "any", code=2)

    simulator.fault("GET", "/Security/Roles", "status", status=403, times=1)
    look(*news, code=10)
    write_state(folder, simulator, "reconciler.yaml/state")
    report = look(*news, code=2)
    assert any("count as new" in note["message"] for note in report["notes"])
    look(*news, "--no-state", code=3)


ACKNOWLEDGEMENT = """
---
apiVersion: reconciler/v1
kind: Acknowledgement
metadata: {name: ack}
spec: {object: %s, until: %s, reason: INC-1}
"""


def test_what_is_acknowledged_is_no_news_until_it_ends(
    simulator: Simulator, folder: Path, run: Run, look: Look
) -> None:
    """Neither at its beginning nor while it lasts; its end is, with the time since which the difference is there."""
    news = ("--exit-on", "new")
    first = look(*news)
    path, today = Path("manifests/all.yaml"), datetime.now(UTC).date()
    acks = [
        [ACKNOWLEDGEMENT % (object_, until) for object_ in ("SecurityRole/PKI Operators", "CertificateOwner/o")]
        for until in (today + timedelta(30), today)
    ]
    path.write_text(MANIFESTS + "".join(acks[0]).replace("name: ack}", "name: other}", 1))
    for runs in (2, 3):
        report = look(*news, code=0)
        left_alone = dict.fromkeys(("CertificateOwner", "SecurityRole"), ("acknowledged", runs))
        assert list_status(report) == {"EventHandler": ("known", runs), **left_alone}
        assert report["cleared"] == report["absences"] == []
        (role,) = (step for step in report["steps"] if step["address"]["kind"] == "SecurityRole")
        assert role["drift"]["since"] == next(
            step["drift"]["since"] for step in first["steps"] if step["address"]["kind"] == "SecurityRole"
        )
        assert {change["drift"]["status"] for change in role["changes"]} == {"acknowledged"}
    assert "5 known (" not in (text := run(["drift"])[1])
    assert "1 known (since " in text
    assert "4 acknowledged" in text

    path.write_text(MANIFESTS + "".join(acks[1]).replace("name: ack}", "name: other}", 1))
    report = look(*news)
    everything = dict.fromkeys(("CertificateOwner", "CertificateOwner absent", "SecurityRole"), "new")
    everything["EventHandler"] = "known"
    assert {kind: status for kind, (status, _) in list_status(report).items()} == everything
    assert report["cleared"] == []
    look(*news, code=0)
    with closing(open_store(LocalState(folder / ".reconciler"), env={})) as store:
        past = list_past_differences(
            store, {"command": identify_bound(Bound("keyfactor", f"{simulator.url}/KeyfactorAPI"))}
        )
    assert [(item.runs, item.cleared) for item in past] == [(6, "")] * 5, "each is one, whoever knew of it meanwhile"


def test_the_text_says_it_in_one_line(simulator: Simulator, run: Run, look: Look) -> None:
    line = run(["drift"])[1].splitlines()[1]
    assert line == "Differences beside earlier runs: 5 new"
    since = look("--only", "EventHandler")["steps"][0]["drift"]["since"][:10]
    edit_role(simulator, Description="by hand", EmailAddress="as.declared@example.com")
    code, stdout, _ = run(["drift"])
    assert code == 2
    assert stdout.splitlines()[1] == f"Differences beside earlier runs: 1 changed, 3 known (since {since}), 1 cleared"
    stderr = run(["drift", "--format", "json"])[2]
    assert stderr.splitlines()[1] == f"Differences beside earlier runs: 4 known (since {since})"


REPAIRED = {"Description": "as declared", "EmailAddress": "as.declared@example.com"}


def forbid_roles(simulator: Simulator) -> None:
    simulator.fault("GET", "/Security/Roles", "status", status=403, times=99)


def declare_unknown_set(simulator: Simulator) -> None:
    path = Path("manifests/all.yaml")
    path.write_text(path.read_text().replace("spec: {description", "spec: {permissionSet: Nowhere, description"))


SILENCES: dict[str, tuple[list[str], Callable[[Simulator], object], int]] = {
    "another kind was looked at": (["--only", "EventHandler"], lambda _: None, 2),
    "it was left out": (["--exclude", "SecurityRole"], lambda _: None, 2),
    "it could not be read": ([], forbid_roles, 10),
    "its document has a problem": ([], declare_unknown_set, 10),
}


@pytest.mark.parametrize("silence", SILENCES)
def test_silence_clears_nothing(simulator: Simulator, look: Look, silence: str) -> None:
    """The role is repaired, but only a run that compares it can say so."""
    argv, arrange, code = SILENCES[silence]
    look()
    edit_role(simulator, **REPAIRED)
    manifests = Path("manifests/all.yaml").read_text()
    arrange(simulator)
    assert not any(kind == "SecurityRole" for kind, *_ in list_cleared(look(*argv, code=code)))
    Path("manifests/all.yaml").write_text(manifests)
    simulator.clear_faults()
    cleared = list_cleared(look())
    assert [path for kind, _, path in cleared if kind == "SecurityRole"] == ["description", "emailAddress"]


def test_without_state_nothing_is_read_or_written(simulator: Simulator, folder: Path, look: Look) -> None:
    """A run is named all the same; what can't be known is not there, rather than empty."""
    report = look("--no-state")
    assert not (folder / ".reconciler").exists()
    assert set(report["run"]) == {"id", "started", "tool", "commit"}
    assert report.keys().isdisjoint({"cleared", "during_apply"})
    assert "drift" not in report["steps"][0]
    assert look()["run"]["id"] != look()["run"]["id"]
    assert len(list((folder / ".reconciler").iterdir())) >= 1


NO_STORE: dict[str, tuple[str, str]] = {
    "a file is in its place": ("reconciler.yaml/state", "reconciler.yaml"),
    "it is pinned, and gone": ("{id: 0123456789abcdef0123456789abcdef}", "is gone"),
    "a database without an address": ("{postgresql: {url: {env: NOWHERE}}}", "NOWHERE"),
    "a database that is down": ("{postgresql: {url: {file: url}}}", "PostgreSQL"),
    "no such remote": ("{git: {remote: nowhere}}", "nowhere"),
}


@pytest.mark.parametrize("trouble", NO_STORE)
@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_store_that_fails_costs_the_memory_alone(
    simulator: Simulator, folder: Path, run: Run, trouble: str, format_: str
) -> None:
    """The same result, with the same code; a note says why, and how to be rid of it."""
    state, word = NO_STORE[trouble]
    write_state(folder, simulator, state)
    (folder / "url").write_text("postgresql://nobody:hunter22@127.0.0.1:1/none?connect_timeout=1")
    (folder / "url").chmod(0o600)
    expected = run(["drift", "--no-state", "--format", format_])
    code, stdout, stderr = run(["drift", "--format", format_])
    assert code == expected[0] == 2
    (note,) = (line for line in stderr.splitlines() if "is not remembered" in line)
    assert "note: " in note
    assert word in note
    assert "--no-state" in note
    assert "hunter22" not in stdout + stderr
    if format_ == "text":
        assert stdout == expected[1]
    else:
        report = json.loads(stdout)
        REPORT.validate(report)
        assert report.keys().isdisjoint({"cleared", "during_apply"})
        assert any("is not remembered" in note["message"] for note in report["notes"])


def test_a_store_that_fails_on_the_way_keeps_what_was_told(simulator: Simulator, folder: Path, look: Look) -> None:
    """It is opened, the servers are read, and then it takes no write."""
    look()
    database = next(path for path in (folder / ".reconciler").iterdir() if b"SQLite format" in path.read_bytes())
    simulator.fault("GET", "/Security/Roles", "edit", call=lambda: database.write_bytes(b"no database" * 999))
    report = look()
    assert report.keys().isdisjoint({"cleared", "during_apply"})
    assert any("is not remembered" in note["message"] for note in report["notes"])


def test_an_apply_that_holds_the_target_is_told(simulator: Simulator, folder: Path, run: Run, look: Look) -> None:
    """Drift needs no lock; it says that what it saw may be on its way, also of an apply that ended meanwhile."""
    look()
    target = identify_bound(Bound("keyfactor", f"{simulator.url}/KeyfactorAPI"))
    store = open_store(LocalState(folder / ".reconciler"), env={})
    lease = store.claim(begin_run(RunOrigin(), target, {}, started=0.0))
    report = look()
    assert report["during_apply"] == [{"target": "command", "run": lease.run, "since": lease.since}]
    stderr = run(["drift"])[2]
    assert f"note: target command: run {lease.run} (" in stderr
    assert "may be what it is about to change" in stderr
    assert list_status(report)["SecurityRole"] == ("known", 2)

    simulator.fault("GET", "/Security/Roles", "edit", call=lambda: store.release(lease, RunEnding(0)))
    assert [held["run"] for held in look()["during_apply"]] == [lease.run]
    assert look()["during_apply"] == []
    store.close()


def test_what_another_run_records_meanwhile_is_not_cleared(simulator: Simulator, folder: Path, look: Look) -> None:
    """It may have looked later than this one, which then knows no better."""
    look()
    target = identify_bound(Bound("keyfactor", f"{simulator.url}/KeyfactorAPI"))
    store = open_store(LocalState(folder / ".reconciler"), env={})
    items = [DriftItem("SecurityRole/PKI Operators", "permissions", "1")]
    simulator.fault(
        "GET", "/Security/Roles", "edit", call=lambda: store.remember_drift(target, "another", items, ()) and None
    )
    assert look()["cleared"] == []
    assert list_cleared(look()) == [("SecurityRole", "", "permissions")]
    store.close()


def test_a_run_says_which_commit_declared_what_it_compared(simulator: Simulator, folder: Path, run: Run) -> None:
    env = {"PATH": os.defpath}
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    run_git("init", "--quiet", folder=folder)
    run_git("add", "manifests", folder=folder)
    run_git(*author, "commit", "--quiet", "--message", "declared", folder=folder)
    commit = run_git("rev-parse", "HEAD", folder=folder)
    argv = ["drift", "--no-state", "--format", "json"]
    assert json.loads(run(argv, env)[1])["run"]["commit"] == commit
    (folder / "manifests" / "all.yaml").write_text(f"{MANIFESTS}# another line\n")
    assert json.loads(run(argv, env)[1])["run"]["commit"] == f"{commit}+"


def test_no_secret_gets_into_the_store(simulator: Simulator, folder: Path, run: Run, look: Look) -> None:
    """Somebody wrote ours into what drifts; not even a digest of it is kept."""
    secret = (simulator.settings.parent / "client_secret").read_text().strip()
    edit_role(simulator, Description=f"ask with {secret}")
    assert "ask with ***" in json.dumps(look())
    stored = b"".join(path.read_bytes() for path in (folder / ".reconciler").rglob("*") if path.is_file())
    assert b"SecurityRole/PKI Operators" in stored
    assert secret.encode() not in stored
    assert run(["drift"])[0] == 2
    # What is remembered is what was shown.
    edit_role(simulator, Description="ask with ***")
    assert list_status(look())["SecurityRole"] == ("known", 3)
