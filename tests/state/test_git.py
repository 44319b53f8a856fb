"""git where it is more than a place for files: pushes that fail and land, silent servers, logins, what is public."""

from __future__ import annotations

import base64
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.state import git as git_module
from reconciler.state.git import GitBackend
from reconciler.state.git_probe import FALLBACK_REF, probe_remote
from reconciler.state.git_process import GitProgram, hide_login
from reconciler.state.git_remote import GitRefs, PushVerdict
from reconciler.state.locations import GitState
from reconciler.state.record_store import RecordStore
from reconciler.state.records import FORMAT, PreviousObject, SettledAs
from reconciler.state.store import RunEnding, Store
from reconciler.state.store_errors import (
    Overtaken,
    RemoteUnknown,
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreReadOnly,
    StoreTooNew,
    StoreUnreachable,
    StoreVanished,
)
from tests.support.git_server import GitServer, make_bare, run_git, serving
from tests.support.store_places import (
    ENV,
    TARGET,
    delete_refs,
    keep,
    list_refs,
    make_intent,
    make_result,
    make_run,
    open_at,
)

STORE_REF, TARGET_REF = "refs/reconciler/v1/store", f"refs/reconciler/v1/{TARGET}"
FAR = time.monotonic() + 100_000


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return make_bare(tmp_path / "remote.git")


@pytest.fixture
def server(bare: Path) -> Iterator[GitServer]:
    with serving(bare) as made:
        yield made


def open_remote(folder: Path, remote: str | Path, env: dict[str, str] | None = None) -> Store:
    return open_at(GitState(folder, str(remote)), env=env or ENV)


def read_tip(bare: Path, ref: str = TARGET_REF) -> str:
    return run_git("rev-parse", ref, folder=bare)


def count_commits(bare: Path, ref: str = TARGET_REF) -> int:
    return int(run_git("rev-list", "--count", ref, folder=bare))


# Pushes.


def test_a_push_whose_answer_is_lost_is_known_to_have_landed(server: GitServer, bare: Path, tmp_path: Path) -> None:
    """The ref is read again, one's own commit is there, and nothing is pushed twice."""
    store = open_remote(tmp_path, server.url)
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 1)])
    operations: list[Callable[[], object]] = [
        lambda: store.intend(lease, [make_intent("run-1", 2, "deny/1")]),
        lambda: store.settle(lease, [make_result("run-1", 2)]),
        lambda: store.renew(lease),
        lambda: store.release(lease, RunEnding(0)),
    ]
    for operation in operations:
        before = count_commits(bare)
        server.lose_answers = 1
        operation()
        assert (server.lose_answers, count_commits(bare)) == (0, before + 1)
    assert len(store.list_acts(TARGET, ["deny/1"])) == 1
    server.lose_answers = 2
    second = open_remote(tmp_path, server.url)
    assert second.claim(make_run("run-2")).fence == 2
    assert second.read_lease(TARGET) == store.read_lease(TARGET)


def test_a_push_that_never_arrived_is_sent_again(server: GitServer, bare: Path, tmp_path: Path) -> None:
    store = open_remote(tmp_path, server.url)
    server.lose_requests = 2
    assert store.claim(make_run("run-1")).fence == 1
    assert (server.lose_requests, count_commits(bare)) == (0, 1)


def test_a_push_that_lands_after_it_was_given_up_is_not_done_twice(
    server: GitServer, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that waited in the server comes too late for its own base, whichever of the two arrives first."""
    store = open_remote(tmp_path, server.url)
    lease = store.claim(make_run("run-1"))
    monkeypatch.setattr(git_module, "CALL_SECONDS", 1.0)
    server.hang = 1
    store.intend(lease, [make_intent("run-1", 1, "deny/1")])
    tip = read_tip(bare)
    server.release.set()
    store.settle(lease, [make_result("run-1", 1)])
    assert run_git("rev-parse", f"{TARGET_REF}^", folder=bare) == tip
    assert [act.outcome for act in store.list_acts(TARGET, ["deny/1"])] == [SettledAs.APPLIED]


def test_a_server_that_never_answers_is_given_up_in_time(server: GitServer, tmp_path: Path) -> None:
    store = keep(RecordStore(GitBackend(GitProgram(tmp_path, server.url, ENV), "refs/reconciler", seconds=1.0)))
    server.hang = 100
    with pytest.raises(StoreUnreachable, match="did not end in time"):
        store.claim(make_run("run-1"))


def test_two_commits_of_the_same_bytes_are_not_two_wins(bare: Path, tmp_path: Path) -> None:
    """git says `up to date` and exits with 0 for the second one."""
    refs = [GitRefs(keep(GitProgram(tmp_path, str(bare), ENV))) for _ in range(2)]
    files = {"lease.json": b"{}\n"}
    commits = [each.write_commit(None, files, "claim", FAR) for each in refs]
    assert commits[0] != commits[1]
    assert refs[0].push_commit(TARGET_REF, "", commits[0], FAR).verdict is PushVerdict.WON
    assert refs[0].push_commit(TARGET_REF, "", commits[0], FAR).verdict is not PushVerdict.WON
    assert refs[1].push_commit(TARGET_REF, "", commits[1], FAR).verdict is PushVerdict.DECLINED
    assert read_tip(bare) == commits[0]


def test_whoever_builds_on_an_old_tip_loses(bare: Path, tmp_path: Path) -> None:
    refs = GitRefs(keep(GitProgram(tmp_path, str(bare), ENV)))
    first = refs.write_commit(None, {"a": b"1"}, "x", FAR)
    refs.push_commit(TARGET_REF, "", first, FAR)
    base = refs.fetch_files(TARGET_REF, FAR, whole=True)
    assert base
    assert (base.commit, base.files) == (first, {"a": b"1"})
    second, third = (refs.write_commit(base, {"a": data}, "x", FAR) for data in (b"2", b"3"))
    assert refs.push_commit(TARGET_REF, first, second, FAR).verdict is PushVerdict.WON
    assert refs.push_commit(TARGET_REF, first, third, FAR).verdict is PushVerdict.DECLINED
    assert read_tip(bare) == second


def refuse_pushes(bare: Path) -> None:
    hook = bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no custom refs here >&2\nexit 1\n")
    hook.chmod(0o755)


def leave_lock(bare: Path) -> None:
    (bare / f"{TARGET_REF}.lock").touch()


REFUSALS = {
    "a hook of the host": (refuse_pushes, "pre-receive hook declined.*refs/heads/reconciler-state"),
    "a lock that a killed server left": (leave_lock, "failed to update ref.*only its administrator"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_remote_that_takes_no_push_is_told(bare: Path, tmp_path: Path, case: str) -> None:
    refuse, words = REFUSALS[case]
    store = open_remote(tmp_path, bare)
    lease = store.claim(make_run("run-1"))
    refuse(bare)
    with pytest.raises(StoreReadOnly, match=words):
        store.renew(lease)


# What is there.


def test_one_ref_that_a_mirror_deleted_is_missed(bare: Path, tmp_path: Path) -> None:
    store = open_remote(tmp_path, bare)
    store.release(store.claim(make_run("run-1")), RunEnding(0))
    run_git("update-ref", "-d", TARGET_REF, folder=bare)
    for one in (store, open_remote(tmp_path, bare)):
        with pytest.raises(StoreVanished, match=TARGET):
            one.claim(make_run("run-2"))
    # Until somebody says that it is gone for good.
    again = open_remote(tmp_path, bare)
    again.declare()
    assert again.claim(make_run("run-2")).fence == 1


def test_a_target_of_another_store_is_refused(bare: Path, tmp_path: Path) -> None:
    """As after `state init` beside refs that were left, or a push from a copy of the repository."""
    store = open_remote(tmp_path, bare)
    store.release(store.claim(make_run("run-1")), RunEnding(0))
    run_git("update-ref", "-d", STORE_REF, folder=bare)
    new = open_remote(tmp_path, bare)
    assert new.identity.id != store.identity.id
    with pytest.raises(StoreForeign, match=f"is {store.identity.id}, and the settings pin {new.identity.id}"):
        new.claim(make_run("run-2"))


def test_a_claim_that_died_before_its_target_was_noted_is_noted_by_the_next(bare: Path, tmp_path: Path) -> None:
    store = open_remote(tmp_path, bare)
    empty = read_tip(bare, STORE_REF)
    lease = store.claim(make_run("run-1"))
    run_git("update-ref", STORE_REF, empty, folder=bare)
    second = open_remote(tmp_path, bare)
    second.claim(make_run("run-2"), over=lease)
    assert f"targets/{TARGET}.json" in run_git("ls-tree", "-r", "--name-only", STORE_REF, folder=bare)


def rewrite(bare: Path, ref: str, path: str, text: str) -> None:
    """Put another file into a ref, as somebody with write access can."""
    tip = run_git("rev-parse", ref, folder=bare)
    stream = (
        f"commit {ref}\ncommitter x <x@x> 1 +0000\ndata 1\nx\nfrom {tip}\n"
        f"M 100644 inline {path}\ndata {len(text)}\n{text}\n"
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=bare, input=stream.encode(), check=True)


DAMAGES: dict[str, tuple[str, str, str, type[StoreError]]] = {
    "no JSON": (TARGET_REF, "lease.json", "{", StoreDamaged),
    "another table": (TARGET_REF, "lease.json", '{"users":[]}', StoreDamaged),
    "another column": (TARGET_REF, "lease.json", '{"lease":[{"target":"x","evil) --":1}]}', StoreDamaged),
    "another type": (TARGET_REF, "lease.json", '{"lease":[{"target":["x"]}]}', StoreDamaged),
    "no rows": (TARGET_REF, "open/x.json", "[]", StoreDamaged),
    "a newer format": (
        STORE_REF, "store.json", f'{{"store":[{{"one":1,"id":"x","format":{FORMAT + 1},"created":"","declared":0}}]}}',
        StoreTooNew,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGES)
def test_what_is_not_as_it_was_written_is_refused(bare: Path, tmp_path: Path, case: str) -> None:
    ref, path, text, error = DAMAGES[case]
    store = open_remote(tmp_path, bare)
    store.release(store.claim(make_run("run-1")), RunEnding(0))
    rewrite(bare, ref, path, text)
    with pytest.raises(error):
        open_remote(tmp_path, bare).claim(make_run("run-2"))


def test_no_body_of_an_object_is_ever_pushed(bare: Path, tmp_path: Path) -> None:
    """In no commit, no file, no message: what was pushed can't be taken back."""
    canary = "canary-6f1d2"
    store = open_remote(tmp_path, bare)
    intent = make_intent("run-1", 1, previous=PreviousObject("sha-o", f'{{"password":"{canary}"}}'))
    lease = store.claim(make_run("run-1"), intents=[intent])
    store.release(lease, RunEnding(0), [make_result("run-1", 1)])
    dump = run_git("log", "--all", "-p", "--format=fuller", folder=bare)
    assert ("sha-o" in dump, canary in dump) == (True, False)
    objects = run_git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", folder=bare).split()
    assert all(canary not in run_git("cat-file", "-p", name, folder=bare) for name in objects)


def test_the_tree_of_what_is_open_stays_small(bare: Path, tmp_path: Path) -> None:
    """Runs of which nothing is open go to history, which is not read for a claim; the open one stays."""
    store = open_remote(tmp_path, bare)
    for number in range(3):
        lease = store.claim(make_run(f"run-{number}"), intents=[make_intent(f"run-{number}", 1)])
        store.release(lease, RunEnding(0), [make_result(f"run-{number}", 1)] if number != 1 else [])
    paths = run_git("ls-tree", "-r", "--name-only", TARGET_REF, folder=bare).splitlines()
    folders = [path.partition("/")[0] for path in paths if "run-" in path]
    assert sorted(folders) == ["open", "runs", "runs"]
    fresh = GitRefs(keep(GitProgram(tmp_path, str(bare), ENV))).fetch_files(TARGET_REF, FAR, whole=False)
    assert fresh
    assert [path for path in fresh.files if "run-" in path] == ["open/run-1.json"]
    # The one that is settled later moves over, and the others stay where they are.
    late = open_remote(tmp_path, bare)
    lease = late.claim(make_run("run-9"))
    late.settle(lease, [make_result("run-1", 1)])
    paths = run_git("ls-tree", "-r", "--name-only", TARGET_REF, folder=bare).splitlines()
    assert sorted(path.partition("/")[0] for path in paths if "run-" in path) == ["open", "runs", "runs", "runs"]
    assert [run.id for run in late.list_runs(TARGET)] == ["run-9", "run-2", "run-1", "run-0"]


def test_our_pushes_start_no_job_and_are_fast_forwards(bare: Path, tmp_path: Path) -> None:
    """Each message says so, each has another nonce, and a host that forbids rewriting takes them."""
    run_git("config", "receive.denyNonFastForwards", "true", folder=bare)
    store = open_remote(tmp_path, bare)
    lease = store.claim(make_run("run-1"))
    store.release(store.renew(lease), RunEnding(0))
    messages = run_git("log", "--format=%B%x00", TARGET_REF, folder=bare).split("\0")[:-1]
    assert len(messages) == 3
    assert all("[skip ci]" in message for message in messages)
    assert len({line for message in messages for line in message.splitlines() if line.startswith("nonce")}) == 3
    assert list_refs(bare) == sorted([STORE_REF, TARGET_REF])


# The user's configuration and logins.


def make_checkout(folder: Path, url: str) -> Path:
    run_git("init", "--quiet", folder)
    run_git("remote", "add", "origin", url, folder=folder)
    return folder


def test_hooks_and_rewriting_of_the_user_are_left_out(bare: Path, tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "checkout", str(bare))
    trap = tmp_path / "trap"
    hook = checkout / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {trap}\nexit 1\n")
    hook.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[url "/nowhere/"]\n\tinsteadOf = {tmp_path}/\n\tpushInsteadOf = {tmp_path}/\n'
        f"[core]\n\thooksPath = {hook.parent}\n[push]\n\tfollowTags = true\n\tgpgSign = true\n"
    )
    store = open_remote(checkout, "origin", {**ENV, "HOME": str(home)})
    store.claim(make_run("run-1"))
    assert not trap.exists()
    assert read_tip(bare)


def test_a_relative_remote_is_relative_to_the_checkout(bare: Path, tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path / "checkout", "../remote.git")
    open_remote(checkout, "origin").claim(make_run("run-1"))
    assert read_tip(bare)


def test_the_login_of_the_checkout_is_used_and_never_shown(
    server: GitServer, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As actions/checkout leaves it. A process's arguments are for everybody to read."""
    secret = base64.b64encode(b"x-access-token:canary-token").decode()
    server.wanted_login = f"basic {secret}"
    checkout = make_checkout(tmp_path / "checkout", server.url)
    with pytest.raises(StoreUnreachable, match=r"could not read Username|Authentication failed"):
        open_remote(checkout, "origin")
    run_git("config", f"http.{server.url}.extraheader", f"AUTHORIZATION: basic {secret}", folder=checkout)
    trace = tmp_path / "trace"
    program = GitProgram(checkout, "origin", {**ENV})
    arguments: list[str] = []
    original = program.run

    def record(words: list[str], until: float, data: bytes = b"") -> object:
        arguments.extend(words)
        return original(words, until, data)

    monkeypatch.setattr(program, "run", record)
    store = keep(RecordStore(GitBackend(program, "refs/reconciler")))
    store.claim(make_run("run-1"))
    assert read_tip(bare)
    assert secret not in " ".join(arguments)
    assert not trace.exists()
    # Without a token that was refused first, the header is sent at once: no request is answered by 401.
    server.wanted_login = "basic other"
    with pytest.raises(StoreUnreachable) as caught:
        store.read_lease(TARGET)
    assert secret not in str(caught.value)


def test_a_helper_of_the_user_is_asked(server: GitServer, tmp_path: Path) -> None:
    server.wanted_login = "Basic " + base64.b64encode(b"ada:pass").decode()
    checkout = make_checkout(tmp_path / "checkout", server.url)
    home = tmp_path / "home"
    home.mkdir()
    helper = "!f() { echo username=ada; echo password=pass; }; f"
    (home / ".gitconfig").write_text(f'[credential]\n\thelper = "{helper}"\n')
    assert open_remote(checkout, "origin", {**ENV, "HOME": str(home)}).claim(make_run("run-1")).fence == 1


MISSING = {
    "no such remote": ("origin", "has no remote origin"),
    "no name at all": ("upstream", "has no remote upstream"),
}


@pytest.mark.parametrize("case", MISSING)
def test_a_remote_that_the_checkout_lacks_is_told(tmp_path: Path, case: str) -> None:
    remote, words = MISSING[case]
    with pytest.raises(RemoteUnknown, match=words):
        open_remote(tmp_path, remote)


def test_without_git_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(RemoteUnknown, match="install git"):
        open_remote(tmp_path, "origin", {"PATH": str(tmp_path)})


def test_a_url_that_runs_a_command_is_refused(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    with pytest.raises(StoreUnreachable, match="transport 'ext' not allowed"):
        open_remote(tmp_path, f"ext::sh -c touch% {trap}")
    assert not trap.exists()


def test_no_login_in_a_url_is_shown(tmp_path: Path) -> None:
    url = "http://ada:canary-pw@127.0.0.1:9/x.git"
    with pytest.raises(StoreUnreachable) as caught:
        open_remote(tmp_path, url)
    assert "canary-pw" not in str(caught.value)
    assert "127.0.0.1:9/x.git" in str(caught.value)
    assert hide_login("a https://u:p@h/x b ssh://git@h/y") == "a https://h/x b ssh://h/y"
    assert hide_login("https://u:p@ss@h/x?a@b") == "https://h/x?a@b"


def test_overtaken_by_another_machine_is_seen_at_the_next_push(server: GitServer, tmp_path: Path) -> None:
    """Also when that push finds no answer at first."""
    ours, theirs = open_remote(tmp_path, server.url), open_remote(tmp_path, server.url)
    old = ours.claim(make_run("run-1"))
    theirs.claim(make_run("run-2"), over=old)
    server.lose_requests = 1
    with pytest.raises(Overtaken):
        ours.intend(old, [make_intent("run-1", 1, "deny/1")])
    assert theirs.list_acts(TARGET, ["deny/1"]) == ()


def test_threads_share_a_store(bare: Path, tmp_path: Path) -> None:
    """A heartbeat renews while results are written."""
    store = open_remote(tmp_path, bare)
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", number) for number in range(4)])
    beats: list[int] = []
    heart = threading.Thread(target=lambda: beats.append(store.renew(lease).beat))
    heart.start()
    for number in range(4):
        store.settle(lease, [make_result("run-1", number)])
    heart.join()
    assert (beats, store.list_open(TARGET)) == ([1], ())


def test_all_refs_gone_under_an_open_store_are_missed(bare: Path, tmp_path: Path) -> None:
    store = open_remote(tmp_path, bare)
    lease = store.claim(make_run("run-1"))
    delete_refs(bare)
    with pytest.raises(StoreVanished):
        store.renew(lease)
    with pytest.raises(StoreVanished):
        store.read_lease(TARGET)


# The probe.


def refuse_deletes(bare: Path) -> None:
    run_git("config", "receive.denyDeletes", "true", folder=bare)


def hide_refs(bare: Path) -> None:
    run_git("config", "transfer.hideRefs", "refs/reconciler", folder=bare)


def forbid_rewriting(bare: Path) -> None:
    run_git("config", "receive.denyNonFastForwards", "true", folder=bare)


REFS, BRANCHES = "refs/reconciler", FALLBACK_REF
PROBES: dict[str, tuple[Callable[[Path], object], str, int, str]] = {
    "a bare repository": (lambda _: None, REFS, 5, ""),
    "a branch": (lambda _: None, BRANCHES, 5, ""),
    "one that forbids rewriting": (forbid_rewriting, BRANCHES, 5, ""),
    "a hook that declines": (refuse_pushes, REFS, 0, "pre-receive hook declined"),
    "refs that are hidden": (hide_refs, REFS, 0, "deny updating a hidden ref"),
    "no deletion": (refuse_deletes, BRANCHES, 4, "deletion prohibited"),
}


@pytest.mark.parametrize("case", PROBES)
def test_a_probe_tells_what_a_remote_can_do(bare: Path, tmp_path: Path, case: str) -> None:
    prepare, ref, good, words = PROBES[case]
    prepare(bare)
    steps = probe_remote(keep(GitProgram(tmp_path, str(bare), ENV)), ref)
    assert [step.is_good for step in steps] == [True] * good + [False] * bool(words)
    assert words in steps[-1].reason
    if not words:
        assert list_refs(bare) == []


def test_a_probe_of_what_is_not_there_is_told(tmp_path: Path) -> None:
    (step,) = probe_remote(keep(GitProgram(tmp_path, str(tmp_path / "none"), ENV)), "refs/reconciler")
    assert not step.is_good
    assert "does not appear to be a git repository" in step.reason
