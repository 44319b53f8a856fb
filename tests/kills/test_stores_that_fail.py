"""The store is lost in the middle of an apply: a git server keeps its answers, a database server is killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.errors import Exit
from reconciler.state.locations import GitState
from tests.kills import oracle
from tests.kills.scene import APPLY, MANIFESTS, RunResult, Scene
from tests.kills.trial import PLAN, Bench
from tests.support.git_server import GitServer, make_bare, serving
from tests.support.postgresql_server import PostgresqlServer
from tests.support.store_places import StorePlace

HANDLERS = "/EventHandlerRegistration"
DENIALS = "/Workflow/Certificates/Deny"
SHORT = "---\n".join(text for text in MANIFESTS.split("---\n") if "Denied" in text or "first" in text)
"""A handler and a denial: pushes take their time."""


def check_run(bench: Bench, scene: Scene, result: RunResult) -> None:
    """What the run said is what the server did, and nothing else was done."""
    ledger = scene.list_writes()
    assert oracle.find_bad_writes(ledger, bench.planned) == []
    assert oracle.find_untruths(result, ledger, bench.planned) == []


def check_successor(bench: Bench, scene: Scene, count: int) -> None:
    """The next apply ends what is left, without a person."""
    result: RunResult = scene.run()
    assert result.code == Exit.OK, result.stderr
    assert oracle.find_bad_writes(scene.list_writes(), bench.planned) == []
    assert len(scene.list_writes()) == count
    assert scene.run(PLAN).code == Exit.OK


@contextmanager
def open_git_scene(bench: Bench, folder: Path) -> Iterator[tuple[GitServer, Scene]]:
    """Open a world whose store is in a repository that a server of ours holds."""
    with serving(make_bare(folder / "remote.git")) as git:
        place = StorePlace(GitState(folder, git.url), lambda: None)
        with bench.open(place, folder / "world", manifests=SHORT) as scene:
            yield git, scene


def test_a_push_whose_answer_is_lost_is_known_to_have_landed(bench: Bench, tmp_path: Path) -> None:
    """Every push lands and is answered by nothing; the ref says so: the run goes on, and ends well."""
    with open_git_scene(bench, tmp_path) as (git, scene):
        git.lose_answers = 10**6
        result = scene.run()

        assert result.code == Exit.OK, result.stderr
        assert len(scene.list_writes()) == 2
        check_run(bench, scene, result)
        assert git.lose_answers <= 10**6 - 4  # the claim, the denial's intent, its result, the end


def test_without_a_push_no_denial_is_sent(bench: Bench, tmp_path: Path) -> None:
    """From the first write on every push is lost: what was intended before is sent, nothing else."""
    with open_git_scene(bench, tmp_path) as (git, scene):
        scene.server.fault("PUT", HANDLERS, "edit", call=lambda: lose_pushes(git, 10**6))
        result = scene.run()

        assert result.code == Exit.PARTIAL, result.stderr
        assert len(scene.list_writes()) == 1
        check_run(bench, scene, result)
        lose_pushes(git, 0)
        check_successor(bench, scene, 2)


def lose_pushes(git: GitServer, count: int) -> None:
    git.lose_requests = count


# when the server is killed: at the nth request of a method and path, before or after it was carried out; what is
# written by then, and how it ends
MOMENTS: list[tuple[str, str, str, int, int, Exit]] = [
    ("GET", "/Security/Roles", "edit", 1, 0, Exit.UNREACHABLE),
    ("PUT", HANDLERS, "edit", 1, 1, Exit.PARTIAL),
    ("POST", DENIALS, "edit", 1, 6, Exit.PARTIAL),
    ("POST", DENIALS, "edit_after", 2, 7, Exit.INCOMPLETE),
]


@pytest.mark.parametrize(("method", "path", "kind", "nth", "written", "code"), MOMENTS)
def test_a_database_server_that_dies_ends_the_run_truly(
    database_bench: Bench, tmp_path: Path, method: str, path: str, kind: str, nth: int, written: int, code: Exit
) -> None:
    """What was being written is told, and nothing is begun that could not be recorded."""
    database = database_bench.database
    assert database
    with database_bench.open("postgresql", tmp_path / "world") as scene:
        scene.server.fault(method, path, kind, 1, nth, call=database.kill)
        result = scene.run()
        restart(database)

        assert result.code == code, result.stderr
        assert len(scene.list_writes()) == written
        check_run(database_bench, scene, result)
        check_successor(database_bench, scene, len(database_bench.planned))


def restart(database: PostgresqlServer) -> None:
    """Start it again; it recovers by itself."""
    database.start()


def test_a_database_server_that_comes_back_at_once_is_no_reason_to_stop(database_bench: Bench, tmp_path: Path) -> None:
    """One try more reaches it; what was committed before is there."""
    database = database_bench.database
    assert database

    def replace() -> None:
        database.kill()
        database.start()

    arrange: Callable[[], None] = replace
    with database_bench.open("postgresql", tmp_path / "world") as scene:
        scene.server.fault("POST", DENIALS, "edit_after", call=arrange)
        result = scene.run(APPLY)

        assert result.code == Exit.OK, result.stderr
        check_run(database_bench, scene, result)
        assert len(scene.list_writes()) == len(database_bench.planned)
