"""What `doctor` tells of the store: which, pinned or not, whether it takes writes, who holds what; it makes none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.doctor.model import Health, StateDiagnosis
from reconciler.doctor.store import diagnose_state
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.reports.doctor import render_diagnoses
from reconciler.settings.load import load_settings
from reconciler.state.locations import GitState, LocalState
from reconciler.state.records import identify_target
from reconciler.state.store import RunEnding
from tests.support.git_server import make_bare
from tests.support.store_places import close_all, make_intent, make_run, open_at

HEAD = """\
apiVersion: reconciler/v1
kind: Settings
targets: {command: {api: keyfactor, url: 'https://k.example.com/KeyfactorAPI', auth: {type: bearer, token: {env: T}}}}
"""
TARGET = identify_target("keyfactor", "https://k.example.com/KeyfactorAPI")
ENV = {"PATH": os.defpath, "HOME": "/nonexistent", "STATE_KEY": "k" * 16}
OK, WARNING, FAILED, SKIPPED = Health.OK, Health.WARNING, Health.FAILED, Health.SKIPPED


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_all()


def diagnose_place(folder: Path, state: str = "") -> StateDiagnosis:
    (folder / "reconciler.yaml").write_text(f"{HEAD}{state}\n")
    return diagnose_state(load_settings(None, env={}, cwd=folder, kinds=KINDS), ENV)


def list_verdicts(diagnosis: StateDiagnosis) -> dict[str, Health]:
    return {check.check: check.verdict for check in diagnosis.checks}


def make_local(folder: Path) -> str:
    """Make a store with a run that was killed, and return its id."""
    store = open_at(LocalState(folder / ".reconciler"))
    lease = store.claim(make_run("run-1", TARGET), intents=[make_intent("run-1", 0)])
    store.release(lease, RunEnding(0))
    store.claim(make_run("run-2", TARGET))
    return store.identity.id


def test_where_there_is_none_it_makes_none(tmp_path: Path) -> None:
    diagnosis = diagnose_place(tmp_path)
    assert list_verdicts(diagnosis) == {"store": OK}
    assert "none yet" in diagnosis.checks[0].detail
    assert not (tmp_path / ".reconciler").exists()


def test_it_tells_of_leases_and_open_steps_and_how_to_pin(tmp_path: Path) -> None:
    identity = make_local(tmp_path)
    diagnosis = diagnose_place(tmp_path)
    assert list_verdicts(diagnosis) == {
        "store": OK, "pin": WARNING, "writing": OK, "lease of command": OK, "open on command": WARNING,
    }  # fmt: skip
    text = render_diagnoses([], state=diagnosis)
    assert f"-> write into the settings: state: {{id: {identity}}}" in text
    assert "run run-2 (ada, on host-1) holds the target since 2" in text
    assert "of 1 steps nobody knows yet what came of them" in text
    assert list_verdicts(diagnose_place(tmp_path, f"state: {{id: {identity}}}"))["pin"] is OK


def spoil_identity(folder: Path) -> str:
    return "state: {id: " + "a" * 32 + "}"


def spoil_file(folder: Path) -> str:
    (folder / ".reconciler/store.sqlite3").write_bytes(b"no database" * 100)
    return ""


def block_folder(folder: Path) -> str:
    (folder / "file").write_text("")
    return "state: file"


def block_parent(folder: Path) -> str:
    (folder / "file").write_text("")
    return "state: file/state"


def open_to_others(folder: Path) -> str:
    (folder / ".reconciler/store.sqlite3").chmod(0o644)
    return ""


NO_KEY = "state: {key: {env: NOWHERE}}"
FAULTS: dict[str, tuple[Callable[[Path], str], str, Exit, str]] = {
    "another store": (spoil_identity, "store", Exit.REFUSED, "state.other-identity"),
    "a damaged file": (spoil_file, "store", Exit.INCOMPLETE, "state.damaged"),
    "a file in its place": (block_folder, "store", Exit.REFUSED, "state.exposed"),
    "a file above its place": (block_parent, "store", Exit.INCOMPLETE, "state.read-only"),
    "a file that others can read": (open_to_others, "store", Exit.REFUSED, "state.exposed"),
    "a key that is not there": (lambda _: NO_KEY, "settings", Exit.AUTH, "settings.secret-missing"),
    "no such remote": (lambda _: "state: {git: {}}", "store", Exit.USAGE, "state.no-remote"),
    "a remote that is gone": (
        lambda folder: f"state: {{git: {{remote: 'file://{folder}/gone'}}}}", "remote", Exit.UNREACHABLE,
        "state.unreachable",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_told_with_its_rule_and_code(tmp_path: Path, fault: str) -> None:
    spoil, check, cause, rule = FAULTS[fault]
    make_local(tmp_path)
    close_all()
    (failed,) = diagnose_place(tmp_path, spoil(tmp_path)).failed
    assert (failed.check, failed.cause, failed.rule) == (check, cause, rule)
    assert failed.remedy


def test_a_remote_is_tried_out_and_left_as_it_was(tmp_path: Path) -> None:
    bare = make_bare(tmp_path / "remote.git")
    diagnosis = diagnose_place(tmp_path, f"state: {{git: {{remote: '{bare}'}}}}")
    assert list_verdicts(diagnosis) == {"remote": OK, "store": OK}
    assert not [path for path in (bare / "refs").rglob("*") if path.is_file()]


def test_where_refs_of_our_own_are_declined_the_branch_is_named(tmp_path: Path) -> None:
    bare = make_bare(tmp_path / "remote.git")
    hook = bare / "hooks/update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/*) exit 0;; *) echo "no such refs here" >&2; exit 1;; esac\n')
    hook.chmod(0o755)
    diagnosis = diagnose_place(tmp_path, f"state: {{git: {{remote: '{bare}'}}}}")
    assert list_verdicts(diagnosis) == {"remote": FAILED, "store": SKIPPED, "pin": SKIPPED, "writing": SKIPPED}
    assert "say `ref: refs/heads/reconciler-state`, which it takes" in diagnosis.failed[0].remedy
    assert diagnosis.failed[0].cause is Exit.INCOMPLETE


def test_a_repository_without_a_key_keeps_nothing_to_go_back_to(tmp_path: Path) -> None:
    bare = make_bare(tmp_path / "remote.git")
    state = f"git: {{remote: '{bare}'}}"
    open_at(GitState(tmp_path, str(bare)))
    assert list_verdicts(diagnose_place(tmp_path, f"state: {{{state}}}"))["undo"] is WARNING
    keyed = list_verdicts(diagnose_place(tmp_path, f"state: {{{state}, key: {{env: STATE_KEY}}}}"))
    assert (keyed["key"], "undo" in keyed) == (OK, False)
