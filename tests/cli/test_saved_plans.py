"""Saved plans through the command line: which plan it is, how old, from which checkout, and signed by whom."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.engine import plan_packing
from reconciler.simulator import Simulator
from reconciler.state.backend import format_time
from tests.cli.conftest import Run
from tests.cli.test_apply import HANDLER, ROLE, check
from tests.support.plan_files import seal

KEY = "hunter22" * 4
ENV = {"PLAN_KEY": KEY, "OTHER_KEY": "x" * 32}


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    with Simulator(certificates=3) as server:
        yield server


class World(NamedTuple):
    """A server, and how many writes it has seen before."""

    server: Simulator
    writes_before: int

    def count_writes(self) -> int:
        return len(self.server.ledger) - self.writes_before


@pytest.fixture
def world(server: Simulator, folder: Path) -> World:
    """A server with one handler to enable, whatever the case before did to it."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "handler.yaml").write_text(HANDLER)
    # The simulator's own settings name the folder in which it was started.
    settings = re.sub(r"(?m)^manifests: .*", "manifests: manifests/", server.settings.read_text())
    (folder / "reconciler.yaml").write_text(settings)
    with server.lock:
        for handler in server.world.handlers.values():
            handler["Enabled"] = False
    return World(server, len(server.ledger))


def configure(folder: Path, plans: str) -> None:
    with (folder / "reconciler.yaml").open("a") as file:
        file.write(f"plans: {plans}\n")


def change(file: Path, **members: Any) -> None:
    """Change a plan file and seal it anew."""
    file.write_bytes(seal({**json.loads(file.read_text()), **members}))


def test_a_plan_made_again_has_the_same_digest_and_is_another_plan(run: Run, world: World, folder: Path) -> None:
    """What a comment on a pull request and the log of an apply are compared by."""
    reports = [json.loads(run(["plan", "--out", f"{number}.json", "--format", "json"])[1]) for number in range(2)]
    files = [json.loads((folder / f"{number}.json").read_text()) for number in range(2)]

    assert files[0]["nonce"] != files[1]["nonce"]
    assert len({file["digest"] for file in files} | {report["digest"] for report in reports}) == 1
    for file in files:
        check("plan.json", file)
    shown = json.loads(run(["show", "0.json", "--format", "json"])[1])
    applied = json.loads(run(["apply", "0.json", "--format", "json"])[1])
    check("report.json", applied)
    members = {name: files[0][name] for name in ("digest", "created", "expires", "commit", "tool")}
    assert shown["saved_plan"] == applied["saved_plan"] == {**members, "signature": "", "verified_by": ""}


def test_a_plan_whose_name_says_so_is_packed(run: Run, world: World, folder: Path) -> None:
    """Tools that know gzip read the same lines in it; `show` and `apply` take it like any other, and alone."""
    digests = {json.loads(run(["plan", "--out", name, "--format", "json"])[1])["digest"] for name in ("p", "p.json.gz")}
    packed = (folder / "p.json.gz").read_bytes()
    check("plan.json", json.loads(gzip.decompress(packed)))

    assert len(digests) == 1
    assert len(packed) < len((folder / "p").read_bytes()) * 0.7
    assert digests.pop() in run(["show", "p.json.gz"])[1]
    assert run(["apply", "p.json.gz", "manifests"])[0] == 3
    assert run(["apply", "p.json.gz"])[0] == 0
    assert world.count_writes() == 1


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda data: gzip.compress(data)[:-20],
    "cut off within its end": lambda data: gzip.compress(data)[:-3],
    "with something behind it": lambda data: gzip.compress(data) + b"\n",
    "with another plan behind it": lambda data: gzip.compress(data) * 2,
    "of a byte that was changed": lambda data: gzip.compress(data.replace(b"PUT", b"PUP")),
    "of which a byte was changed": lambda data: gzip.compress(data)[:-7] + b"x" + gzip.compress(data)[-6:],
    "of the start alone": lambda data: b"\x1f\x8b",
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_plan_that_was_changed_is_told_as_that(run: Run, world: World, folder: Path, name: str) -> None:
    assert run(["plan", "--out", "p.json"])[0] == 0
    (folder / "p.gz").write_bytes(PACKED[name]((folder / "p.json").read_bytes()))

    for command in ("show", "apply"):
        code, _, stderr = run([command, "p.gz"])
        assert (code, "p.gz: this is " in stderr) == (7, True), stderr
    assert world.count_writes() == 0


def test_no_file_unpacks_into_more_than_a_plan_may_be(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_packing, "MAX_PLAN_BYTES", 2**16)
    (folder / "p.gz").write_bytes(gzip.compress(bytes(2**20)))

    code, _, stderr = run(["show", "p.gz"])
    assert (code, "larger than any plan of this tool" in stderr) == (3, True), stderr


def test_the_settings_say_how_long_a_plan_keeps(run: Run, world: World, folder: Path) -> None:
    configure(folder, "{maxAge: 90m}")
    assert run(["plan", "--out", "p.json"])[0] == 0
    saved = json.loads((folder / "p.json").read_text())

    made, ends = (datetime.fromisoformat(saved[name]) for name in ("created", "expires"))
    assert ends - made == timedelta(minutes=90)


# how old the plan is, in hours, and until when it says itself; what the settings and the command line say; the code
AGES = {
    "as old as it may be": (1, 24, "{}", "", 0),
    "too old by itself": (25, 24, "{maxAge: 3d}", "", 7),
    "too old for the settings": (3, 24, "{maxAge: 2h}", "", 7),
    "too old without a setting": (25, 48, "{}", "", 7),
    "too old, and taken": (25, 24, "{}", "--max-plan-age 26h", 0),
    "too old for this run": (3, 24, "{}", "--max-plan-age 2h", 7),
    "from the future": (-1, 24, "{}", "--max-plan-age 26h", 7),
}


@pytest.mark.parametrize(("age", "until", "plans", "options", "code"), AGES.values(), ids=AGES)
def test_how_old_a_plan_may_be(
    run: Run, world: World, folder: Path, age: int, until: int, plans: str, options: str, code: int
) -> None:
    configure(folder, plans)
    assert run(["plan", "--out", "p.json"])[0] == 0
    made = datetime.now(UTC) - timedelta(hours=age)
    ends = made + timedelta(hours=until)
    change(folder / "p.json", created=format_time(made), expires=format_time(ends))
    found, _, stderr = run(["apply", "p.json", *options.split()])

    assert found == code, stderr
    assert world.count_writes() == (code == 0)
    assert run(["show", "p.json"])[0] == 0


# --- from which checkout

OTHER = HANDLER.replace("enabled: true", "enabled: false")
NOTHING: Callable[[Path], object] = lambda folder: None  # noqa: E731
# what is done after the plan was made, how the plan was made, the rule that tells it; it is refused where it must match
CHECKOUTS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "the same": (NOTHING, "", ""),
    "the same, written otherwise": (lambda folder: (folder / "manifests/b.yaml").write_text("# nothing\n"), "", ""),
    "another value": (lambda folder: (folder / "manifests/handler.yaml").write_text(OTHER), "", "plan.other-manifests"),
    "one more": (lambda folder: (folder / "manifests/role.yaml").write_text(ROLE), "", "plan.other-manifests"),
    "a mistake": (lambda folder: (folder / "manifests/x.yaml").write_text("x: ["), "", "plan.manifests-unread"),
    "a mistake in what was not selected": (
        lambda folder: (folder / "manifests/x.yaml").write_text(ROLE.replace("description", "x")),
        "--only EventHandler --exclude 'EventHandler/a b*'", "",
    ),
    "none": (lambda folder: (folder / "manifests/handler.yaml").unlink(), "", "plan.manifests-unread"),
    "by path": (lambda folder: (folder / "manifests/role.yaml").write_text(ROLE), "manifests/handler.yaml", ""),
    "by path, another value": (
        lambda folder: (folder / "manifests/handler.yaml").write_text(OTHER),
        "manifests/handler.yaml", "plan.other-manifests",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "argv", "rule"), CHECKOUTS.values(), ids=CHECKOUTS)
def test_other_manifests_are_told_and_refused_where_that_is_asked(
    run: Run, world: World, folder: Path, edit: Callable[[Path], object], argv: str, rule: str
) -> None:
    assert run(["plan", *shlex.split(argv), "--out", "p.json"])[0] == 0
    edit(folder)
    phrase = {"plan.other-manifests": "are not those that the plan", "plan.manifests-unread": "can't be compared"}
    code, _, stderr = run(["apply", "p.json", "--same-manifests"])
    assert (code, world.count_writes()) == ((7, 0) if rule else (0, 1)), stderr
    assert (phrase.get(rule, "the manifests here") in stderr) is bool(rule)
    if rule:
        code, _, stderr = run(["apply", "p.json"])
        assert (code, world.count_writes()) == (0, 1)
        assert phrase[rule] in stderr


@pytest.fixture
def checkout(world: World, folder: Path) -> Callable[..., str]:
    """A git repository in the folder; call it to commit all."""

    def git(*argv: str) -> str:
        base = ("git", "-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "init.defaultBranch=main")
        return subprocess.run([*base, *argv], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit() -> str:
        git("add", "manifests")
        git("commit", "--quiet", "--allow-empty", "-m", "x")
        return git("rev-parse", "HEAD")

    git("init", "--quiet")
    return commit


def test_a_plan_holds_the_commit_and_apply_says_where_another_is_checked_out(
    run: Run, checkout: Callable[[], str], world: World, folder: Path
) -> None:
    """A plus where the manifests differ from it; other files, such as the plan itself, don't count."""
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
    assert run(["plan", "--out", "none.json"], env)[0] == 0
    first = checkout()
    assert run(["plan", "--out", "p.json"], env)[0] == 0
    (folder / "manifests" / "note.txt").write_text("x")
    assert run(["plan", "--out", "dirty.json"], env)[0] == 0
    second = checkout()
    commits = [json.loads((folder / f"{name}.json").read_text())["commit"] for name in ("none", "p", "dirty")]

    assert commits == ["", first, f"{first}+"]
    code, _, stderr = run(["apply", "p.json", "--same-manifests"], env)
    assert code == 0
    assert f"the plan was made at commit {first}, and the checkout is at {second}" in stderr
    assert f"from commit {first}" in run(["show", "p.json"])[1]
    assert run(["apply", "dirty.json"], {"PATH": str(folder)})[0] == 0  # no git to ask


def test_a_plan_is_used_once(run: Run, world: World, folder: Path) -> None:
    """A second time it is refused, whatever is there by then; a new one of the same steps has the same digest."""
    assert run(["plan", "--out", "p.json"])[0] == 0
    assert run(["plan", "--out", "q.json"])[0] == 0
    assert run(["apply", "p.json"])[0] == 0
    sent = list(world.server.ledger)

    code, _, stderr = run(["apply", "p.json"])

    assert (code, world.server.ledger) == (7, sent)
    assert "this plan was applied before, by run 2" in stderr
    digests = [json.loads((folder / name).read_text())["digest"] for name in ("p.json", "q.json")]
    assert digests[0] == digests[1]
    assert run(["apply", "q.json"])[0] == 0
    assert world.server.ledger == sent, "everything is as wanted, and nothing is sent"


# --- signed by whom

# settings of the job that plans and of the one that applies, what is done to the file, the code, and what is told
REQUIRED = "{signed: required, key: {env: PLAN_KEY}}"
SIGNED: dict[str, tuple[str, str, Mapping[str, Any] | None, int, str]] = {
    "signed and required": (REQUIRED, REQUIRED, None, 0, "signature verified: hmac-sha256"),
    "signed and not required": (REQUIRED, "{key: {env: PLAN_KEY}}", None, 0, "signature verified: hmac-sha256"),
    "not signed": ("{}", REQUIRED, None, 6, "the plan is not signed, and the settings require it"),
    "by another key": (REQUIRED, "{key: {env: OTHER_KEY}}", None, 6, "signature does not hold"),
    "with another nonce": (REQUIRED, REQUIRED, {"nonce": "f" * 32}, 6, "signature does not hold"),
    "with a longer life": (REQUIRED, REQUIRED, {"expires": "2099-01-01T00:00:00.000Z"}, 6, "signature does not hold"),
    "no key to verify with": (REQUIRED, "{signed: required, key: {env: NOT_SET}}", None, 5, "NOT_SET is not set"),
    "nobody to verify": (REQUIRED, "{}", None, 0, "nothing in the settings says how to verify it"),
}


@pytest.mark.parametrize(("planning", "applying", "edit", "code", "phrase"), SIGNED.values(), ids=SIGNED)
def test_who_signed_a_plan(
    run: Run,
    world: World,
    folder: Path,
    planning: str,
    applying: str,
    edit: Mapping[str, Any] | None,
    code: int,
    phrase: str,
) -> None:
    """Nothing is sent for a plan whose signature is not as it has to be, and no key is printed anywhere."""
    settings = (folder / "reconciler.yaml").read_text()
    configure(folder, planning)
    written = [run(["plan", "--out", "p.json", "--full"], ENV), run(["show", "p.json"], ENV)]
    if edit:
        change(folder / "p.json", **edit)
    (folder / "reconciler.yaml").write_text(settings)
    configure(folder, applying)
    found, stdout, stderr = run(["apply", "p.json"], ENV)

    assert (found, phrase in stderr, world.count_writes()) == (code, True, int(code == 0)), stderr
    assert KEY not in "".join((stdout, stderr, (folder / "p.json").read_text(), *(f"{one}" for one in written)))


def test_a_key_that_is_missing_is_told_before_anything_is_read(run: Run, world: World, folder: Path) -> None:
    configure(folder, REQUIRED)
    reads = len(world.server.requests)
    code, _, stderr = run(["plan", "--out", "p.json"])

    assert (code, len(world.server.requests), (folder / "p.json").exists()) == (5, reads, False)
    assert "plans: key: the environment variable PLAN_KEY is not set" in stderr
    assert run(["plan"])[0] == 0, "what saves nothing signs nothing"


@pytest.mark.parametrize("option", [["--same-manifests"], ["--max-plan-age", "1h"]])
def test_what_is_demanded_of_a_saved_plan_is_for_saved_plans(run: Run, world: World, option: list[str]) -> None:
    code, _, stderr = run(["apply", "--yes", *option])
    assert (code, world.count_writes()) == (3, 0)
    assert "are about a saved plan, and none is given" in stderr
