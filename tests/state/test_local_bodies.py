"""What may not be pushed stays on the machine that made it, and costs a way back alone where it can't."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from reconciler.state.locations import GitState
from reconciler.state.records import PreviousObject
from reconciler.state.store import RunEnding, Store
from tests.support.git_server import make_bare
from tests.support.store_places import TARGET, make_intent, make_result, make_run, open_at

BODY = PreviousObject("sha-o", '{"changes":[]}')
OTHER = PreviousObject("sha-p", '{"changes":[1]}')


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_bare(tmp_path / "remote.git")


def open_on(machine: Path, remote: Path) -> Store:
    machine.mkdir(exist_ok=True)
    return open_at(GitState(machine, f"file://{remote}", bodies=machine / "bodies"))


def run_once(store: Store) -> None:
    """One update and one denial, each with what it changed."""
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 0, previous=BODY)])
    store.intend(lease, [make_intent("run-1", 1, "deny/1", previous=OTHER)])
    store.release(lease, RunEnding(0), [make_result("run-1", 0), make_result("run-1", 1)])


def test_the_machine_that_ran_knows_what_it_changed_and_another_does_not(tmp_path: Path, remote: Path) -> None:
    run_once(open_on(tmp_path / "a", remote))

    again = open_on(tmp_path / "a", remote)
    assert [again.read_previous(TARGET, "run-1", number) for number in (0, 1)] == [BODY, OTHER]
    elsewhere = open_on(tmp_path / "b", remote)
    assert elsewhere.read_previous(TARGET, "run-1", 0) == PreviousObject("sha-o")
    assert not (tmp_path / "b/bodies").exists()
    assert not again.keeps_bodies


def test_an_act_is_claimed_in_the_store_alone(tmp_path: Path, remote: Path) -> None:
    run_once(open_on(tmp_path / "a", remote))
    with sqlite3.connect(tmp_path / "a/bodies/store.sqlite3") as connection:
        assert connection.execute("select count(*) from act").fetchone() == (0,)
    connection.close()


def test_a_body_of_another_object_is_not_taken_for_this_one_s(tmp_path: Path, remote: Path) -> None:
    """Somebody's repository was replaced by another with runs of the same names."""
    run_once(open_on(tmp_path / "a", remote))
    other = make_bare(tmp_path / "other.git")
    store = open_on(tmp_path / "c", other)
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 0, previous=OTHER)])
    store.release(lease, RunEnding(0), [make_result("run-1", 0)])
    (tmp_path / "c/bodies/store.sqlite3").write_bytes((tmp_path / "a/bodies/store.sqlite3").read_bytes())

    assert open_on(tmp_path / "c", other).read_previous(TARGET, "run-1", 0) == PreviousObject("sha-p")


def test_where_nothing_can_be_kept_the_run_goes_on(tmp_path: Path, remote: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/bodies").write_text("in the way")
    store = open_on(tmp_path / "a", remote)
    run_once(store)
    assert store.read_previous(TARGET, "run-1", 0) == PreviousObject("sha-o")


def test_what_is_old_is_forgotten_here_too(tmp_path: Path, remote: Path) -> None:
    store = open_on(tmp_path / "a", remote)
    run_once(store)
    store.prune(TARGET, before="2999-01-01T00:00:00.000Z")
    with sqlite3.connect(tmp_path / "a/bodies/store.sqlite3") as connection:
        assert connection.execute("select count(*) from intent").fetchone() == (0,)
    connection.close()
